"""Sessions as band powers on disk and in memory: analysed once, 2 bytes per band and frame.

A session is a folder with a `meta.json`, whose content is its maker's business, and one audio file per raw track.
"""

from __future__ import annotations

import hashlib
import io
import logging
import math
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ...presets.errors import AudioError, ModelError
from ...presets.roles import ROLES, Role
from ...runtime.audio.reading import as_stereo, probe, read_passage
from ..stem_roles import roles_of_session
from ..whole_files import write_bytes
from .bands import BAND_COUNT, FRAME_LENGTH, HOP_LENGTH, SAMPLE_RATE_HZ, BandPowers, BandPowerTransform

AUDIO_ENDINGS = (".wav", ".flac", ".ogg", ".aiff", ".aif", ".mp3")
# A frame sounds if a band of it is above -50 dB.
_SOUNDING_LOG_POWER = -5.0
_CACHE_VERSION = 3
_LEAST_SAMPLES = FRAME_LENGTH + HOP_LENGTH  # a frame is two transforms
# 80 dB above full scale: powers of what is louder leave the range of a float.
_LOUDEST_PEAK = 1e4

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class CachedSession:
    """One session's powers in float16.

    Attributes:
        name: of its folder.
        level: log10 power of left and right, shape (tracks, 2, bands, frames).
        correlation: cross power over sqrt(left * right), shape (tracks, bands, frames).
        mono: shape (tracks,).
        roles: of the tracks, None where nobody says; empty where nothing is known of any.
    """

    name: str
    level: NDArray[np.float16]
    correlation: NDArray[np.float16]
    mono: NDArray[np.bool_]
    roles: tuple[Role | None, ...] = ()


@dataclass(frozen=True)
class RawSession:
    """A session to cut from.

    Attributes:
        powers: shape (tracks, bands, frames).
        mono: shape (tracks,).
        sounding: which frames sound, shape (tracks, frames).
        roles: number of each track's role in :data:`.ROLES`, -1 where it is not known, shape (tracks,).
    """

    powers: BandPowers
    mono: Tensor
    sounding: NDArray[np.bool_]
    roles: Tensor

    @classmethod
    def of(cls, session: CachedSession) -> RawSession:
        """Unpacks a session."""
        level = torch.pow(10, torch.from_numpy(session.level.astype(np.float32)))
        left, right = level[:, 0].contiguous(), level[:, 1].contiguous()
        cross = torch.from_numpy(session.correlation.astype(np.float32)) * torch.sqrt(left * right)
        names = session.roles or (None,) * len(session.mono)
        roles = torch.tensor([-1 if name is None else ROLES.index(name) for name in names])
        sounding = frames_sounding(session.level)
        return cls(BandPowers(left, right, cross), torch.from_numpy(session.mono), sounding, roles)

    @property
    def frames(self) -> int:
        """Gives the number of frames."""
        return self.powers.left.shape[-1]

    def section(self, chosen: Tensor, start: int, frames: int) -> BandPowers:
        """Cuts a passage of some tracks, shape (tracks, bands, frames)."""
        return self.powers.map(lambda item: item[chosen, :, start : start + frames])


def frames_sounding(level: NDArray[np.float16]) -> NDArray[np.bool_]:
    """Finds the frames in which a track sounds, shape (tracks, frames), from levels as in :class:`CachedSession`."""
    sounding: NDArray[np.bool_] = level.max(axis=(1, 2)) > _SOUNDING_LOG_POWER
    return sounding


def session_folders(corpus: Path) -> list[Path]:
    """Finds every folder below that holds a session, sorted by name."""
    return sorted(path.parent for path in corpus.rglob("meta.json"))


def stem_files(folder: Path) -> list[Path]:
    """Finds the audio files of a session, sorted by name."""
    return sorted(path for path in folder.iterdir() if path.suffix.lower() in AUDIO_ENDINGS and path.is_file())


def read_stereo(path: Path) -> tuple[NDArray[np.float32], bool]:
    """Reads a file at the model's rate, shape (2, samples), and whether it was mono."""
    audio, mono = _read(path)
    return as_stereo(audio), mono


def load_corpus(
    corpus: Path, cache: Path, choose: Callable[[list[Path]], list[Path]] | None = None
) -> list[CachedSession]:
    """Loads the sessions below a folder, analysed now or from the cache.

    Args:
        corpus: the folder.
        cache: keeps what was analysed.
        choose: of all folders of sessions those to load; None takes all.

    Raises:
        ModelError: there is none.
    """
    from rich.progress import track

    folders = session_folders(corpus)
    if not folders:
        raise ModelError(
            f"{corpus}: no sessions found; a session is a folder with meta.json and one audio file a track"
        )
    if choose is not None:
        folders = choose(folders)
    transform = BandPowerTransform()
    return [load_session(folder, cache, transform) for folder in track(folders, "Analysing sessions")]


def load_songs(folder: Path, cache: Path) -> list[CachedSession]:
    """Loads every finished song in a folder, as a session of one track."""
    transform = BandPowerTransform()
    return [_cached(path, [path], cache, transform) for path in stem_files(folder)]


def load_session(folder: Path, cache: Path, transform: BandPowerTransform) -> CachedSession:
    """Loads a session's powers, from the cache or analysed now."""
    files = stem_files(folder)
    session, known = _cached(folder, files, cache, transform), roles_of_session(folder)
    return replace(session, roles=tuple(known.get(file.name) for file in files))


def analyse_long(audio: NDArray[np.float32], transform: BandPowerTransform) -> BandPowers:
    """Measures the powers of a whole file of 1 or 2 channels, shape (1, bands, frames), in pieces."""
    step = 32 * FRAME_LENGTH
    stops = range(0, audio.shape[1] - _LEAST_SAMPLES + 1, step)
    with torch.no_grad():
        pieces = [transform(torch.from_numpy(audio[None, :, at : at + step + HOP_LENGTH])) for at in stops]
    return BandPowers.joined(pieces, dim=-1)


def _cached(source: Path, files: Sequence[Path], cache: Path, transform: BandPowerTransform) -> CachedSession:
    file = cache / f"{source.name}-{_key(source, files)}.npz"
    session = _from_cache(file, source.name)
    if session is None:
        session = _analyse(source, files, transform)
        buffer = io.BytesIO()
        np.savez(buffer, level=session.level, correlation=session.correlation, mono=session.mono)
        write_bytes(file, buffer.getvalue())
    return session


def _key(source: Path, files: Sequence[Path]) -> str:
    """Makes a key that changes with every file: one exported anew has another time or another place on the disk."""
    facts = [(file.name, file.stat()) for file in files]
    lines = [f"{name} {fact.st_size} {fact.st_mtime_ns} {fact.st_ino}" for name, fact in facts]
    return hashlib.sha256("\n".join([str(_CACHE_VERSION), str(source.resolve()), *lines]).encode()).hexdigest()[:16]


def _from_cache(file: Path, name: str) -> CachedSession | None:
    """Reads an analysed session; None if there is none, or its file is damaged."""
    try:
        with np.load(file, allow_pickle=False) as data:
            session = CachedSession(name, data["level"], data["correlation"], data["mono"])
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        _log.info("%s: analysed anew, its file is damaged (%s)", name, error)
        return None
    tracks, frames = len(session.mono), session.level.shape[-1]
    shapes = session.level.shape, session.correlation.shape
    return session if shapes == ((tracks, 2, BAND_COUNT, frames), (tracks, BAND_COUNT, frames)) else None


def _analyse(source: Path, files: Sequence[Path], transform: BandPowerTransform) -> CachedSession:
    if not files:
        raise ModelError(f"{source}: no audio files; a session has one for each track ({', '.join(AUDIO_ENDINGS)})")
    for file in files:
        probe(file)  # what a header tells is said before an hour of other files is read
    tracks = [_read(path) for path in files]
    length = max(_LEAST_SAMPLES, *(audio.shape[1] for audio, _ in tracks))
    levels, correlations = [], []
    for audio, _ in tracks:
        powers = analyse_long(np.pad(audio, ((0, 0), (0, length - audio.shape[1]))), transform)
        pair = torch.cat((powers.left, powers.right))
        levels.append(torch.log10(pair + 1e-14).numpy().astype(np.float16))
        mean = torch.sqrt(powers.left * powers.right) + 1e-14
        correlations.append((powers.cross / mean)[0].clamp(-1, 1).numpy().astype(np.float16))
    mono = np.array([is_mono for _, is_mono in tracks])
    return CachedSession(source.name, np.stack(levels), np.stack(correlations), mono)


def _read(path: Path) -> tuple[NDArray[np.float32], bool]:
    """Reads a file at the model's rate, shape (1 or 2, samples), and whether it is mono.

    Raises:
        AudioError: the file is no audio, has more than two channels, or samples that are not numbers or far too large.
    """
    info = probe(path)
    audio = read_passage(path, 0.0, info.duration_s, SAMPLE_RATE_HZ)
    peak = float(np.abs(audio).max(initial=0.0))
    if peak > _LOUDEST_PEAK:
        raise AudioError(
            f"{path}: its samples reach {20 * math.log10(peak):.0f} dB above full scale, which no recording does: "
            "export it again."
        )
    return audio, info.channels == 1
