"""Debian packages as archives of music: fetched with apt, unpacked into a folder, never installed.

Which packages there are, under which licence each may be used and whom to thank stands in one table. What is inside
them is the business of `sources`, `songs` and `recorded`.
"""

from __future__ import annotations

import hashlib
import json
import logging
import shutil
import subprocess
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from ...presets.errors import AudioError, OutputError

_log = logging.getLogger(__name__)

CorpusPart = Literal["sessions", "songs", "recorded"]
_RECORD = "package.json"
_APT_LIMIT_S = 3600
_UNPACK_LIMIT_S = 600
# Of what a program says about its failure, the end tells why.
_LAST_WORDS = 300


@dataclass(frozen=True)
class Package:
    """A Debian package and the terms for what is taken from it.

    Attributes:
        name: of the package.
        part: what of the corpus needs it.
        licence: SPDX name, of the files that are taken; "by file" where the package's copyright file rules.
        credit: makers, as they want to be named.
        about: what it is used for.
    """

    name: str
    part: CorpusPart
    licence: str
    credit: str
    about: str


BY_FILE = "by file"
PACKAGES = (
    Package("freedoom", "sessions", "BSD-3-Clause", "Contributors to the Freedoom project", "tunes, as MIDI"),
    Package("fluid-soundfont-gm", "sessions", "MIT", "Frank Wen and contributors; Toby Smithe", "instruments"),
    Package(
        "musescore-general-soundfont",
        "sessions",
        "MIT",
        "S. Christian Collins, Michael Cowgill, Frank Wen; parts CC0: Versilian Studios and Sam Gossner",
        "instruments",
    ),
    Package("csound-soundfont", "sessions", "public-domain", "sf_GMbank, unnamed maker", "instruments"),
    Package(
        "sonic-pi-samples",
        "sessions",
        "CC0-1.0 and MIT",
        "Samuel Aaron and the freesound.org contributors named in Sonic Pi",
        "drums and percussion, as single strokes",
    ),
    Package("festvox-ru", "sessions", "LicenseRef-festvox-ru", "Nickolay V. Shmyrev, 2005", "a speaker's sentences"),
    Package("naev-data", "songs", BY_FILE, "by song, see there", "finished songs"),
    Package("ufoai-music", "songs", BY_FILE, "by song, see there", "finished songs"),
    Package("freecol", "songs", BY_FILE, "by song, see there", "finished songs"),
    Package("noiz2sa-data", "songs", "BSD-2-Clause", "Kenta Cho", "finished songs"),
    Package("fretsonfire-songs-sectoid", "recorded", "MIT", "Carlos Viola Iborra", "played guitar and its backing"),
)


@dataclass(frozen=True)
class Unpacked:
    """A package on disk.

    Attributes:
        package: its row in the table.
        root: folder with its files; `usr` is below.
        version: Debian's.
        sha256: of the .deb.
    """

    package: Package
    root: Path
    version: str
    sha256: str


def packages_for(parts: Iterable[CorpusPart]) -> tuple[Package, ...]:
    """Lists the packages that some parts of the corpus need."""
    wanted = set(parts)
    return tuple(package for package in PACKAGES if package.part in wanted)


def unpack(package: Package, folder: Path) -> Unpacked:
    """Fetches and unpacks a package's files if they are not there yet.

    Args:
        package: its row.
        folder: holds `deb`, where a .deb is looked for before apt is asked for it, and `unpacked`.

    Raises:
        AudioError: the package cannot be had, or its file is not what its name says.
        OutputError: it cannot be unpacked here.
    """
    root = folder / "unpacked" / package.name
    record = root.parent / f"{package.name}-{_RECORD}"
    if record.is_file() and root.is_dir():
        facts = json.loads(record.read_text(encoding="utf-8"))
        return Unpacked(package, root, facts["version"], facts["sha256"])
    archive = _archive(package.name, folder / "deb")
    version = _version(archive, package.name)
    _unpack_whole(archive, root)
    unpacked = Unpacked(package, root, version, sha256_of(archive))
    record.write_text(json.dumps({"version": version, "sha256": unpacked.sha256}), encoding="utf-8")
    return unpacked


def credit_rows(unpacked: Iterable[Unpacked]) -> list[dict[str, str]]:
    """Makes the manifest's rows about packages."""
    return [asdict(one.package) | {"version": one.version, "sha256": one.sha256} for one in unpacked]


def copyright_file(unpacked: Unpacked) -> Path:
    """Tells where Debian keeps the terms of a package's files."""
    return unpacked.root / "usr" / "share" / "doc" / unpacked.package.name / "copyright"


def sha256_of(path: Path) -> str:
    """Computes the hash of a file, as 64 hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def one_of(unpacked: Unpacked, pattern: str) -> Path:
    """Finds the first file or folder of a package that matches.

    Raises:
        AudioError: there is none; the package has changed.
    """
    matches = sorted(unpacked.root.glob(pattern))
    if not matches:
        raise AudioError(
            f"{unpacked.package.name} {unpacked.version} has no {pattern}: put the .deb of Debian 12 into "
            f"{unpacked.root.parent.parent / 'deb'}, delete {unpacked.root} and start again."
        )
    return matches[0]


def _archive(name: str, folder: Path) -> Path:
    """Finds the .deb of a package: one that lies there, or the one that apt has."""
    folder.mkdir(parents=True, exist_ok=True)
    lying = sorted(folder.glob(f"{name}_*.deb"))
    if lying:
        return lying[-1]
    by_hand = f"download {name}_VERSION_all.deb from https://packages.debian.org/{name} and put it into {folder}"
    if shutil.which("apt-get") is None:
        raise AudioError(f"the package {name} is needed and this system has no apt-get: {by_hand}.")
    _log.info("fetching %s", name)
    arriving = folder / f".{name}"
    shutil.rmtree(arriving, ignore_errors=True)
    arriving.mkdir()
    try:
        _run(["apt-get", "-q", "download", name], arriving, _APT_LIMIT_S, f"{name} cannot be fetched", by_hand)
        arrived = sorted(arriving.glob(f"{name}_*.deb"))
        if not arrived:
            raise AudioError(f"apt-get brought no {name}: {by_hand}.")
        return arrived[0].replace(folder / arrived[0].name)
    finally:
        shutil.rmtree(arriving, ignore_errors=True)


def _version(archive: Path, name: str) -> str:
    """Reads the version that a .deb states, after a look at whether it is the package at all."""
    if shutil.which("dpkg-deb") is None:
        raise OutputError(
            "dpkg-deb is needed to unpack Debian packages: install dpkg "
            "(Fedora: dnf install dpkg; macOS: brew install dpkg)."
        )
    stated = _run(
        ["dpkg-deb", "-f", str(archive), "Package"], None, 60, f"{archive} is damaged", "delete it and start again"
    )
    if stated != name:
        raise AudioError(f"{archive} holds the package {stated!r}, not {name}: rename or delete it.")
    return _run(["dpkg-deb", "-f", str(archive), "Version"], None, 60, f"{archive} is damaged", "delete it")


def _unpack_whole(archive: Path, root: Path) -> None:
    """Unpacks a .deb so that `root` holds all of it or is not there."""
    arriving = root.with_name(f".{root.name}")
    for stale in (arriving, root):
        shutil.rmtree(stale, ignore_errors=True)
    arriving.mkdir(parents=True)
    remedy = "delete it and start again; it will be fetched anew"
    _run(
        ["dpkg-deb", "-x", str(archive), str(arriving)], None, _UNPACK_LIMIT_S, f"{archive} cannot be unpacked", remedy
    )
    drop_links_out(arriving)
    arriving.replace(root)


def drop_links_out(root: Path) -> None:
    """Removes links below a folder that lead out of it, so that nothing outside is read as if it had come along."""
    inside = root.resolve()
    for path in sorted(root.rglob("*")):
        if path.is_symlink() and not path.resolve().is_relative_to(inside):
            path.unlink()


def _run(command: list[str], folder: Path | None, limit_s: float, what: str, remedy: str) -> str:
    """Runs a program that must succeed; gives its output."""
    try:
        process = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=limit_s, check=False)
    except subprocess.TimeoutExpired as error:
        raise AudioError(f"{what}: {command[0]} did not end within {limit_s:.0f} s; {remedy}.") from error
    if process.returncode:
        reason = " ".join(process.stderr.split())[-_LAST_WORDS:] or f"{command[0]} ended with {process.returncode}"
        raise AudioError(f"{what}: {reason}; {remedy}.")
    return process.stdout.strip()
