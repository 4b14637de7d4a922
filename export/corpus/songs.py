"""Finished songs, to train on and to judge with as references: up to a minute of each, 44.1 kHz stereo FLAC.

Only songs whose licence is permissive by their package's copyright file are taken. Pieces of one work, such as
`empire1` and `empire2`, are in one split.
"""

from __future__ import annotations

import hashlib
import json
import logging
import re
import shutil
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile as sf
import soxr
from numpy.typing import NDArray

from ...presets.errors import AudioError
from ..whole_files import write_text
from .licences import permissive, read_terms, terms_of
from .manifest import SONG_INDEX, Entry
from .packages import BY_FILE, Unpacked, copyright_file, one_of, sha256_of

_log = logging.getLogger(__name__)

SAMPLE_RATE_HZ = 44100
LONGEST_S = 60.0
# Shorter ones are jingles.
SHORTEST_S = 45.0
HELD_OUT_SHARE = 0.30
# With it, a third of the songs of three packages is held out, and none of the fourth.
_SALT = "7"
_STEREO = 2
_BLOCK_S = 1.0
_FLOOR_DB = -80.0
_SILENT_DB = -55.0
_PACKED_NAME = re.compile(r"music/[A-Za-z0-9_-]+\.ogg")
_MOST_PACKED_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True)
class SongFolder:
    """Where a package has its songs.

    Attributes:
        folder: below the package's root; a pattern.
        source: the same folder in the source package, by which the copyright file names it.
        archive: a zip in that folder from which the songs are taken first; empty if they lie there.
    """

    folder: str
    source: str
    archive: str = ""


SONG_FOLDERS = {
    "naev-data": SongFolder("usr/share/naev/dat/snd/music", "dat/snd/music"),
    "ufoai-music": SongFolder("usr/share/games/ufoai/base", "base", archive="0music.pk3"),
    "freecol": SongFolder("usr/share/games/freecol/default/resources/music", "data/default/resources/music"),
    "noiz2sa-data": SongFolder("usr/share/games/noiz2sa/sounds", "sounds"),
}


@dataclass(frozen=True)
class FinishedSong:
    """A finished song that may be used.

    Attributes:
        package: where it is from.
        file: its audio.
        licence: SPDX name.
        makers: as its copyright is stated.
        work: the piece that it belongs to; in one split as a whole.
    """

    package: str
    file: Path
    licence: str
    makers: str
    work: str

    @property
    def split(self) -> str:
        """Gives the split where it goes, by a hash of the work."""
        number = int.from_bytes(hashlib.sha256(f"{_SALT} {self.work}".encode()).digest()[:8], "big")
        return "test" if number / 2**64 < HELD_OUT_SHARE else "train"


def collect_songs(folder: Path, packages: Mapping[str, Unpacked], show: Callable[[int, int], None]) -> int:
    """Cuts the songs of some packages into `folder/train` and `folder/test`; what is there is kept.

    Args:
        folder: for the songs and their index.
        packages: unpacked ones, by name.
        show: takes how many of the songs are done, and how many there are.

    Returns:
        The number of songs that are there.

    Raises:
        AudioError: a package is not as expected.
        OutputError: the folder cannot be written.
    """
    songs = [song for name, unpacked in packages.items() for song in find_songs(unpacked, SONG_FOLDERS[name])]
    index = folder / SONG_INDEX
    rows = {row["file"]: row for row in json.loads(index.read_text(encoding="utf-8"))} if index.is_file() else {}
    entries = []
    for number, song in enumerate(songs):
        show(number, len(songs))
        file = folder / song.split / f"{song.package}_{song.file.stem}.flac"
        name = file.relative_to(folder.parent).as_posix()
        if not file.is_file() or name not in rows:
            seconds = _cut(song.file, file)
            if not seconds:
                continue
            rows[name] = vars(_entry(song, file, name, seconds))
        entries.append(rows[name])
    write_text(index, json.dumps(entries, indent=1, ensure_ascii=False) + "\n")
    show(len(songs), len(songs))
    return len(entries)


def find_songs(unpacked: Unpacked, source: SongFolder) -> list[FinishedSong]:
    """Finds the songs of a package that may be used, by name.

    Raises:
        AudioError: the package is not as expected.
    """
    folder = one_of(unpacked, source.folder)
    if source.archive:
        folder = _unpack_songs(folder / source.archive, unpacked.root.with_name(f"{unpacked.package.name}-songs"))
    by_file = unpacked.package.licence == BY_FILE
    terms = read_terms(copyright_file(unpacked)) if by_file else []
    songs = []
    for file in sorted(folder.rglob("*.ogg")):
        stated = terms_of(f"{source.source}/{file.relative_to(folder).as_posix()}", terms) if by_file else None
        licence = permissive(stated.stated) if stated else None if by_file else unpacked.package.licence
        if licence is None:
            continue
        makers = "; ".join(_without_address(one) for one in stated.makers) if stated else unpacked.package.credit
        songs.append(
            FinishedSong(unpacked.package.name, file, licence, makers, work_of(unpacked.package.name, file.stem))
        )
    return songs


def work_of(package: str, name: str) -> str:
    """Gives the piece that a file belongs to: the first word of its name.

    So `empire1` and `empire2` are one work, and so are `van_theme` and `van_mission2`, which may share a theme.
    """
    word = re.match(r"[a-z]+", name.lower())
    return f"{package}:{word[0] if word else name.lower()}"


def densest(audio: NDArray[np.float32], rate_hz: int, seconds: float) -> int:
    """Finds where the fullest passage of a length begins: that of the highest mean level in dB.

    A mean of decibels prefers a passage that is full throughout to one with a single loud stroke.

    Args:
        audio: shape (channels, samples).
        rate_hz: of it.
        seconds: length of the passage.

    Returns:
        Its first sample; 0 if the audio is shorter.
    """
    block = round(_BLOCK_S * rate_hz)
    blocks, wanted = audio.shape[1] // block, round(seconds / _BLOCK_S)
    if blocks <= wanted:
        return 0
    power = np.square(audio[:, : blocks * block], dtype=np.float32).reshape(audio.shape[0], blocks, block).mean((0, 2))
    level_db = np.maximum(10 * np.log10(power + 1e-12), _FLOOR_DB)
    sums = np.convolve(level_db, np.ones(wanted), mode="valid")
    return int(np.argmax(sums)) * block


def read_stereo(file: Path) -> NDArray[np.float32]:
    """Reads a file's audio at 44.1 kHz, shape (2, samples).

    Raises:
        AudioError: it cannot be read, or has more than two channels.
    """
    try:
        audio, rate_hz = sf.read(file, dtype="float32", always_2d=True)
    except (OSError, RuntimeError) as error:
        raise AudioError(f"{file}: cannot be read ({error}); unpack its package anew.") from error
    if audio.shape[1] > _STEREO:
        raise AudioError(f"{file}: has {audio.shape[1]} channels, which no song of its package should; leave it out.")
    if rate_hz != SAMPLE_RATE_HZ:
        audio = soxr.resample(audio, rate_hz, SAMPLE_RATE_HZ)
    stereo = np.repeat(audio, 2, axis=1) if audio.shape[1] == 1 else audio
    return np.ascontiguousarray(stereo.T, dtype=np.float32)


def _cut(source: Path, target: Path) -> float:
    """Writes the fullest passage of a song; its seconds, or 0 if the song is too short or silent."""
    audio = read_stereo(source)
    if audio.shape[1] < SHORTEST_S * SAMPLE_RATE_HZ:
        return 0.0
    start = densest(audio, SAMPLE_RATE_HZ, LONGEST_S)
    passage = audio[:, start : start + round(LONGEST_S * SAMPLE_RATE_HZ)]
    if 10 * np.log10(np.mean(np.square(passage)) + 1e-12) < _SILENT_DB:
        return 0.0
    write_flac(target, passage)
    return float(round(passage.shape[1] / SAMPLE_RATE_HZ, 3))


def write_flac(file: Path, audio: NDArray[np.float32]) -> None:
    """Writes audio, shape (channels, samples), as 16-bit FLAC at 44.1 kHz: whole, or not there."""
    file.parent.mkdir(parents=True, exist_ok=True)
    partial = file.with_name(f".{file.name}")
    sf.write(partial, np.clip(audio.T, -1, 1), SAMPLE_RATE_HZ, subtype="PCM_16", format="FLAC")
    partial.replace(file)


def _entry(song: FinishedSong, file: Path, name: str, seconds: float) -> Entry:
    return Entry(
        file=name,
        split=song.split,
        song=song.work,
        title=f"{song.file.stem}, {song.makers}",
        source=song.package,
        licence=song.licence,
        sha256=sha256_of(file),
        seconds=seconds,
    )


def _without_address(maker: str) -> str:
    return re.sub(r"\s*<[^>]*>", "", maker)


def _unpack_songs(archive: Path, folder: Path) -> Path:
    """Unpacks the songs of a zip into a folder of their own; what leads out of it is refused."""
    if folder.is_dir():
        return folder
    arriving = folder.with_name(f".{folder.name}")
    shutil.rmtree(arriving, ignore_errors=True)
    try:
        with zipfile.ZipFile(archive) as packed:
            # All names are looked at before anything is written.
            for member in list(_members(packed, archive)):
                target = arriving / member.filename
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(packed.read(member))
    except (OSError, zipfile.BadZipFile) as error:
        raise AudioError(f"{archive}: cannot be unpacked ({error}); fetch its package anew.") from error
    arriving.replace(folder)
    return folder


def _members(packed: zipfile.ZipFile, archive: Path) -> Iterator[zipfile.ZipInfo]:
    """Finds the songs in a zip."""
    for member in packed.infolist():
        parts = re.split(r"[/\\]", member.filename)
        if ".." in parts or parts[0] == "" or ":" in parts[0]:
            raise AudioError(f"{archive}: {member.filename!r} leads out of its folder; do not use this package.")
        if _PACKED_NAME.fullmatch(member.filename):
            if member.file_size > _MOST_PACKED_BYTES:
                raise AudioError(f"{archive}: {member.filename} is too large for a song; do not use this package.")
            yield member
