"""The papers of a corpus: where each file is from, under which licence, its hash, and whom to thank.

manifest.json and CREDITS.md are written from what lies in the folder, so that they are right after a build that was
broken off, too.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...presets.errors import AudioError, OutputError
from ...presets.inputs import read_text
from ...runtime.audio.output import check_output_file
from ..whole_files import write_text
from .build import FAILED, META, PARTIAL
from .packages import PACKAGES, Unpacked, credit_rows

FORMAT = 1
MANIFEST = "manifest.json"
CREDITS = "CREDITS.md"
SONG_INDEX = "index.json"
_PARTS = ("train", "test", "songs", "recorded")
# Of each of these files: a corpus of 10 h has 3 MB of them.
_MAX_BYTES = 2**26


@dataclass(frozen=True)
class Credit:
    """Whom to thank for something that is no Debian package.

    Attributes:
        name: of the package or program.
        licence: SPDX name, of the voices.
        credit: makers, as they want to be named.
        about: what it is used for.
    """

    name: str
    licence: str
    credit: str
    about: str


VOICES = (
    Credit(
        "pysinsy 0.0.5: NIT SONG070 F001",
        "CC-BY-3.0",
        "HTS Working Group, Nagoya Institute of Technology, http://hts.sp.nitech.ac.jp/",
        "sung voices",
    ),
    Credit("hibari-tts", "Apache-2.0", "Maureese Williams, and whom its NOTICE names", "spoken voices"),
    Credit("flite", "LicenseRef-CMU", "Carnegie Mellon University", "spoken voices"),
)


@dataclass(frozen=True)
class Entry:
    """A file of the corpus.

    Attributes:
        file: its path in the corpus.
        split: train or test.
        song: the piece behind it.
        title: of a finished song, with its artist; empty otherwise.
        source: what it is made of.
        licence: of that.
        sha256: of the file.
        seconds: its length.
    """

    file: str
    split: str
    song: str
    title: str
    source: str
    licence: str
    sha256: str
    seconds: float


def write_manifest(corpus: Path, unpacked: Sequence[Unpacked], made_by: str) -> list[Entry]:
    """Writes manifest.json and CREDITS.md for what is in a corpus.

    Args:
        corpus: its folder.
        unpacked: the packages it was made of.
        made_by: the command.

    Returns:
        What the manifest lists.

    Raises:
        AudioError: a session's or the songs' description is not usable.
        OutputError: the folder cannot be written.
    """
    entries = [*_session_entries(corpus), *_song_entries(corpus)]
    content = {
        "format": FORMAT,
        "made_by": made_by,
        "packages": _known_packages(corpus, unpacked),
        "files": [vars(entry) for entry in entries],
    }
    write_text(corpus / MANIFEST, json.dumps(content, indent=1, ensure_ascii=False) + "\n")
    write_text(corpus / CREDITS, _credits(entries, content["packages"]))
    return entries


def check_ours(corpus: Path) -> None:
    """Checks, before the work, that a folder is a corpus of ours, or has nothing where one would be.

    Raises:
        OutputError: it has: then nothing in it is replaced.
    """
    for name in (MANIFEST, CREDITS, FAILED):
        check_output_file(corpus / name, overwrite=True)
    if _is_manifest(corpus / MANIFEST):
        return
    # A first run that was killed has its sources already, and no manifest yet.
    names = (MANIFEST, CREDITS) if (corpus / "sources" / "unpacked").is_dir() else (MANIFEST, CREDITS, FAILED, *_PARTS)
    foreign = next((corpus / name for name in names if (corpus / name).exists()), None)
    if foreign is not None:
        raise OutputError(
            f"is there already, and {corpus} is no corpus of mixbridge (its {MANIFEST} is missing or another's): "
            "choose another folder.",
            foreign,
        )


def _is_manifest(file: Path) -> bool:
    try:
        content = json.loads(read_text(file, _MAX_BYTES))
    except (OSError, ValueError):
        return False
    return isinstance(content, dict) and {"format", "made_by", "packages", "files"} <= set(content)


def _session_entries(corpus: Path) -> Iterator[Entry]:
    for meta in sorted(corpus.glob(f"*/*/{META}")):
        folder = meta.parent
        if folder.parent.name == PARTIAL:
            continue
        try:
            content = json.loads(read_text(meta, _MAX_BYTES))
            for stem in content["stems"]:
                yield Entry(
                    file=(folder / stem["file"]).relative_to(corpus).as_posix(),
                    split=content["split"],
                    song=content["song"],
                    title="",
                    source=stem["source"],
                    licence=stem["licence"],
                    sha256=stem["sha256"],
                    seconds=content["seconds"],
                )
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise AudioError(f"{meta}: not usable ({error!r}); delete {folder} and start again.") from error


def _song_entries(corpus: Path) -> list[Entry]:
    index = corpus / "songs" / SONG_INDEX
    if not index.is_file():
        return []
    try:
        return [Entry(**row) for row in json.loads(read_text(index, _MAX_BYTES))]
    except (OSError, ValueError, TypeError) as error:
        raise AudioError(f"{index}: not usable ({error!r}); delete it and start again.") from error


def _known_packages(corpus: Path, unpacked: Sequence[Unpacked]) -> list[dict[str, str]]:
    """Gives the rows of the packages used now and in earlier runs on the same folder, in the table's order."""
    rows = {row["name"]: row for row in _earlier(corpus / MANIFEST)} | {
        row["name"]: row for row in credit_rows(unpacked)
    }
    return [rows[package.name] for package in PACKAGES if package.name in rows]


def _earlier(manifest: Path) -> list[dict[str, str]]:
    try:
        rows: list[dict[str, str]] = json.loads(read_text(manifest, _MAX_BYTES))["packages"]
    except FileNotFoundError:
        return []
    except (OSError, ValueError, KeyError) as error:
        raise AudioError(f"{manifest}: not usable ({error!r}); delete it and start again.") from error
    return rows


def _credits(entries: Sequence[Entry], packages: Any) -> str:
    lines = [
        "# Credits",
        "",
        "What this corpus is made of. Its own compositions belong to mixbridge (Apache-2.0).",
        "",
        "| package | version | licence | by | used for |",
        "|---|---|---|---|---|",
    ]
    for row in packages:
        lines.append(f"| {row['name']} | {row['version']} | {row['licence']} | {row['credit']} | {row['about']} |")
    lines += [f"| {one.name} | | {one.licence} | {one.credit} | {one.about} |" for one in VOICES]
    songs = [entry for entry in entries if entry.title]
    if songs:
        lines += ["", "## Finished songs", "", "| song | package | licence | split |", "|---|---|---|---|"]
        lines += [f"| {entry.title} | {entry.source} | {entry.licence} | {entry.split} |" for entry in songs]
    lines += ["", "## Files by source", "", "| source | licence | files |", "|---|---|---|"]
    counted = Counter((entry.source, entry.licence) for entry in entries)
    lines += [f"| {source} | {licence} | {number} |" for (source, licence), number in sorted(counted.items())]
    return "\n".join(lines) + "\n"
