"""From what stands on the command line to stems: files, folders and NAME=FILE become track names and paths.

Every file is opened once, so that a wrong one is named before anything else is done. What is in the files is the
runtime's business.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from ...presets.checking.arguments import checked_path, shown_argument
from ...presets.errors import AudioError
from ...presets.names import LONGEST_NAME, free_name
from .reading import probe
from .stem_folders import LeftOut, list_audio, track_names

Stems = Mapping[str, Path | str]
AnyStems = Stems | Path | str | Sequence[Path | str]
"""Files by track name; or folders and files, whose tracks are called like the files."""

Damaged = Literal["refused", "left out"]

MOST_STEMS = 1024
DAMAGED: Final = "not audio that can be read, or damaged"


@dataclass(frozen=True)
class StemFiles:
    """What arguments mean.

    Attributes:
        stems: at least one file by track name, in order.
        left_out: what of folders was not taken.
    """

    stems: dict[str, Path]
    left_out: tuple[LeftOut, ...] = ()


def collect_stems(
    arguments: Sequence[str],
    reference: str | Sequence[str] | None = None,
    damaged: Damaged = "refused",
) -> StemFiles:
    """Finds the stems that arguments mean.

    Args:
        arguments: each a file, a folder (its audio files and those of the folders inside it) or NAME=FILE.
        reference: the song, or songs, that may not be among them.
        damaged: what becomes of files of a folder that cannot be read, as long as others can.

    Returns:
        The stems. A name that comes again gets a number: "Vox (2)".

    Raises:
        AudioError: there is no audio, a file cannot be used, is given twice, or is a reference.
    """
    left_out: list[LeftOut] = []
    named = [item for argument in arguments for item in _expanded(argument, left_out, damaged)]
    if not named:
        raise AudioError("no stems: name audio files, or folders that hold them.")
    if len(named) > MOST_STEMS:
        raise AudioError(
            f"{len(named)} stems are more than the {MOST_STEMS} that a mix can have: bounce some together."
        )
    _check_each_once(named, [reference] if isinstance(reference, str) else reference or ())
    stems: dict[str, Path] = {}
    for name, path in named:
        stems[free_name(name, stems.keys())] = path
    return StemFiles(stems, tuple(left_out))


def stem_paths(stems: AnyStems) -> dict[str, Path]:
    """Files by track name, of whatever says which files.

    Raises:
        AudioError: there is no audio, or a file cannot be used or is given twice.
    """
    if isinstance(stems, Mapping):
        return paths_by_name(stems)
    several = [stems] if isinstance(stems, str | bytes | os.PathLike) else stems
    if not isinstance(several, Iterable):
        raise AudioError(f"stems are files, folders, or files by track name, not {shown_argument(stems)}")
    return collect_stems([os.fspath(checked_path(path, "a stem", AudioError)) for path in several]).stems


def paths_by_name(stems: Stems) -> dict[str, Path]:
    """Check names and paths of stems; whether the files can be used shows when they are read.

    Raises:
        AudioError: there are none, or a name or a path is none.
    """
    if not stems:
        raise AudioError("no stems: give at least one file")
    given: Mapping[str, object] = stems
    for name, path in given.items():
        if hasattr(path, "__array__") or isinstance(path, tuple | list):
            raise AudioError(
                f"the stem {name!r} is given as samples: name a file (soundfile.write makes one), or mix one track "
                "in memory with mixbridge.AudioProcessor"
            )
    return {checked_name(name): checked_path(path, f"the stem {name!r}", AudioError) for name, path in stems.items()}


def check_reference(path: str) -> Path:
    """The reference's path, if it can be read.

    Raises:
        AudioError: it cannot be used.
    """
    return _checked(Path(path))


def checked_name(name: object) -> str:
    """Give back what a track can be called.

    Raises:
        AudioError: it is no text, empty, or too long.
    """
    if not isinstance(name, str) or not name or not is_text(name):
        raise AudioError(f"a track cannot be called {shown_argument(name)}: give a name of 1 to {LONGEST_NAME} letters")
    if len(name) > LONGEST_NAME:
        raise AudioError(f"the track name {name[:40]!r}... is longer than {LONGEST_NAME} letters: shorten it")
    return name


def is_text(name: str) -> bool:
    """Whether a name can be written down; Linux allows bytes in names that are no text."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def split_pair(text: str, exists: bool = False) -> tuple[str, str] | None:
    """The two sides of NAME=VALUE; None if there is no "=" with something on both sides.

    Args:
        text: what was typed.
        exists: the value should be a path that exists; the first "=" behind which one stands is taken.
    """
    places = [place for place, letter in enumerate(text) if letter == "=" and 0 < place < len(text) - 1]
    if not places:
        return None
    pairs = [(text[:place], text[place + 1 :]) for place in places]
    return next((pair for pair in pairs if exists and os.path.exists(pair[1])), pairs[0])  # noqa: PTH110


def _expanded(argument: str, left_out: list[LeftOut], damaged: Damaged) -> Iterator[tuple[str, Path]]:
    if not argument.strip():
        raise AudioError("a stem has an empty name: name a file or a folder.")
    # os.path, because Path's methods raise for an impossible name.
    if os.path.isdir(argument):  # noqa: PTH112
        folder = Path(argument)
        contents = list_audio(folder)
        left_out += contents.left_out
        files = contents.files if damaged == "refused" else _readable(contents.files, left_out)
        yield from zip(track_names(folder, files), files, strict=True)
        return
    pair = None if os.path.exists(argument) else split_pair(argument, exists=True)  # noqa: PTH110
    name, file = pair or (None, argument)
    if name is not None and os.path.isdir(file):  # noqa: PTH112
        raise AudioError(f"{argument}: {file} is a folder; a name can be given to a file only.")
    if name is not None and len(name) > LONGEST_NAME:
        raise AudioError(f"the track name {name[:40]!r}... is longer than {LONGEST_NAME} letters: shorten it.")
    yield (name if name is not None else _name_of(Path(file))), Path(file)


def _readable(files: Sequence[Path], left_out: list[LeftOut]) -> Sequence[Path]:
    """Leave out what cannot be read, unless nothing can."""
    damaged = []
    for path in files:
        try:
            _checked(path)
        except AudioError:
            damaged.append(path)
    if len(damaged) == len(files):
        return files
    left_out += [LeftOut(str(path), DAMAGED) for path in damaged]
    return [path for path in files if path not in damaged]


def _name_of(path: Path) -> str:
    return path.stem[: LONGEST_NAME - 10]  # its number fits whole


def _checked(path: Path) -> Path:
    if not is_text(str(path)):
        raise AudioError(f"{path}: this name is not UTF-8 text. Rename the file or its folder.")
    try:
        return probe(path).path
    except OSError as error:  # a name that no file can have
        raise AudioError(f"{str(path)[:LONGEST_NAME]} cannot be read: {error.strerror}.") from error


def _check_each_once(named: Iterable[tuple[str, Path]], references: Iterable[str]) -> None:
    reference_ids = {_file_id(check_reference(path)) for path in references}
    seen: set[tuple[int, int]] = set()
    for _, path in named:
        _checked(path)
        identity = _file_id(path)
        if identity in reference_ids:
            raise AudioError(
                f"{path} is both a stem and the reference: give another reference, or keep it out of the stems' "
                "folder, or name the stems one by one."
            )
        if identity in seen:
            raise AudioError(f"{path} is given twice: it would be mixed in twice. Name it once.")
        seen.add(identity)


def _file_id(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_dev, status.st_ino
