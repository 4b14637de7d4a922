"""The audio files of a folder and of the folders inside it, with track names, and what is left out and why.

Names are those of the files; files of the same name in several folders are told apart by their paths. Nothing is opened
here but presets, which tell results of mixbridge from recordings.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from ...presets.errors import AudioError
from ...presets.names import LONGEST_NAME

# Some of these cannot be read here; a file with such an ending is still meant to be heard, so it is not skipped.
AUDIO_ENDINGS: Final = frozenset(
    {".wav", ".wave", ".bwf", ".w64", ".rf64", ".aif", ".aiff", ".aifc", ".flac", ".ogg", ".oga", ".opus", ".mp3"}
    | {".caf", ".au", ".snd", ".m4a", ".mp4", ".aac", ".wma", ".alac"}
)
DAW_ENDINGS: Final = frozenset({".rpp", ".ardour", ".dawproject"})

# More than a mix can have: what comes after that is not looked for.
_MOST_FILES: Final = 1100
_LISTED: Final = 3
_PRESET, _PRESET_FORMAT, _PRESET_START_BYTES = "preset.json", b'"mixbridge-preset"', 4096


@dataclass(frozen=True)
class LeftOut:
    """Something in a folder that is not taken as a stem.

    Attributes:
        path: of one file or folder, or of some.
        reason: why, in a few words.
        may_sound: whether somebody might miss it in a mix.
    """

    path: str
    reason: str
    may_sound: bool = True

    def __str__(self) -> str:
        return f"{self.path}: {self.reason}"


@dataclass
class FolderContents:
    """What a folder holds.

    Attributes:
        files: audio, in the order of their paths, files of a folder before those of the folders inside it.
        left_out: what was not taken.
    """

    files: list[Path] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)


def list_audio(folder: Path) -> FolderContents:
    """Lists the audio files of a folder and of the folders inside it.

    Raises:
        AudioError: the folder cannot be read, or there are none.
    """
    contents = FolderContents()
    others: list[Path] = []
    for place, names, is_result in _walk(folder, contents):
        for name in names:
            path = place / name
            if name.startswith("."):
                continue
            if is_result and _is_mix(name):
                contents.left_out.append(LeftOut(str(path), "a mix that mixbridge made"))
            elif path.suffix.lower() in AUDIO_ENDINGS:
                contents.files.append(path)
            elif path.suffix.lower() in DAW_ENDINGS:
                contents.left_out.append(LeftOut(str(path), "a DAW session; to mix it, name it instead of the folder"))
            elif not (is_result and name in {_PRESET, "report.html"}):
                others.append(path)
        if len(contents.files) > _MOST_FILES:
            break
    if others:
        contents.left_out.append(_not_audio(others))
    if not contents.files:
        why = f" ({'; '.join(map(str, contents.left_out))})" if contents.left_out else ""
        raise AudioError(
            f"no stems: the folder {folder} holds no audio files{why}. Files ending in .wav, .aiff, .flac, .ogg or "
            ".mp3 are looked for, in the folders inside it, too."
        )
    return contents


def track_names(folder: Path, files: Sequence[Path]) -> list[str]:
    """Gives each file a track name: that of the file, or its path in the folder where several files have one name."""
    counts = Counter(path.stem for path in files)
    return [
        _cut(path.stem if counts[path.stem] == 1 else path.relative_to(folder).with_suffix("").as_posix())
        for path in files
    ]


def _walk(folder: Path, contents: FolderContents) -> Iterator[tuple[Path, list[str], bool]]:
    """Gives each folder, the names of its files, and whether results of mixbridge are in it; links are not followed."""

    def refuse(error: OSError) -> None:
        if Path(error.filename) == folder:
            raise AudioError(f"the folder {folder} cannot be read: {error.strerror}.") from error
        contents.left_out.append(LeftOut(str(error.filename), f"cannot be read ({error.strerror})"))

    for place, folders, names in os.walk(folder, onerror=refuse):
        is_result = any(_is_mix(name) for name in names) and _is_preset(Path(place) / _PRESET)
        kept = []
        for name in sorted(folders):
            path = Path(place) / name
            if name.startswith(".") or name == "__MACOSX":
                continue
            if path.is_symlink():
                contents.left_out.append(LeftOut(str(path), "a link to a folder"))
            elif is_result and name == "stems":
                contents.left_out.append(LeftOut(str(path), "stems that mixbridge made"))
            else:
                kept.append(name)
        # os.walk goes into what is left in this list.
        folders[:] = kept
        yield Path(place), sorted(names), is_result


def _is_mix(name: str) -> bool:
    return Path(name).stem == "mix" and Path(name).suffix.lower() in AUDIO_ENDINGS


def _is_preset(path: Path) -> bool:
    try:
        if not path.is_file():
            return False
        with path.open("rb") as file:
            return _PRESET_FORMAT in file.read(_PRESET_START_BYTES)
    except OSError:
        return False


def _not_audio(paths: Sequence[Path]) -> LeftOut:
    names = ", ".join(str(path) for path in paths[:_LISTED])
    more = f" and {len(paths) - _LISTED} more" if len(paths) > _LISTED else ""
    return LeftOut(f"{names}{more}", "not audio", may_sound=False)


def _cut(name: str) -> str:
    # Room for a number, which a name that comes twice gets.
    return name[: LONGEST_NAME - 10]
