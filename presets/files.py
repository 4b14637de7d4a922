"""Presets in files: JSON that is read strictly and written so that it diffs well.

Nothing is guessed while reading: what a person mistyped is named with its place and what may stand there.
Writing is all or nothing. What a preset means is in :mod:`.preset`; making new ones in :mod:`.edit`.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import secrets
import shutil
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from .checking.arguments import checked_kind, checked_path
from .checking.claims import without_stale
from .checking.complaints import MOST_LINES, complaints, listed, place_name
from .errors import Hint, OutputError, PresetError
from .escaping import json_text
from .inputs import open_regular
from .lanes.lane import TIME_DIGITS
from .parts.match import MatchCurve
from .preset import FORMAT, READABLE_VERSIONS, VERSION, VERSION_WITH_INSERTS, VERSION_WITH_LANES, Preset, json_schema

MAX_BYTES = 16 * 2**20
SIGNIFICANT_DIGITS = 6
_READABLE = f"{READABLE_VERSIONS[0]} to {READABLE_VERSIONS[-1]}"
# A preset's own depth is 6; what is nested deeper by far is no preset.
_MAX_DEPTH = 32
# A full preset, 1,024 tracks, 10,000 findings and 25,000 points of lanes, holds 195,000 values; the signs may stand in
# its texts, too.
_MOST_VALUES = 200_000
_MOST_SIGNS = 1_000_000
# How files of WAV, AIFF, FLAC, Ogg and MP3 begin: stems and preset are easily swapped.
_AUDIO = (b"RIFF", b"RF64", b"FORM", b"fLaC", b"OggS", b"ID3", b"\xff\xfb", b"\xff\xf3", b"\xff\xf2")
_SNIFFED_BYTES = 4096
# No text in a file holds a line break, so that this is a point and nothing else.
_LONG_POINT = re.compile(r'\{\n\s+"time_s": ([^\n]+),\n\s+"value": ([^\n]+)\n\s+\}')


def load(path: str | os.PathLike[str]) -> Preset:
    """Read the preset in a file.

    Raises:
        PresetError: it cannot be read or is not a usable preset; every mistake is named.
    """
    return loads(_text(checked_path(path, "a preset", PresetError)), name=str(path))


def loads(text: str, name: str = "The preset") -> Preset:
    """Read the preset in a string.

    Args:
        text: JSON.
        name: what to call it in errors; a file's path.

    Raises:
        PresetError: it is not a usable preset; every mistake is named.
    """
    data = _parsed(text, name)
    _check_kind(data, name)
    twice = list(_duplicates(data, ()))
    lines = [f"{place_name(place, data)} stands twice; keep one." for place in twice[:MOST_LINES]]
    count = len(twice)
    try:
        preset = Preset.model_validate_json(text, strict=True)
    except ValidationError as error:
        more, others = complaints(error, data)
        lines, count = [*lines, *more], count + others
    if count:
        raise PresetError(f"{name}: {listed(lines, count)}")
    return without_stale(preset if preset.version == VERSION else preset.model_copy(update={"version": VERSION}))


def save(preset: Preset, path: str | os.PathLike[str], *, overwrite: bool = False) -> None:
    """Write a preset to a file, all or nothing.

    Args:
        preset: what to write.
        path: where to.
        overwrite: replace a file that is there; it stays as it is if writing fails.

    Raises:
        OutputError: the file is there already, or cannot be written.
    """
    checked_kind(preset, Preset, "what is saved", PresetError)
    write_text(checked_path(path, "a preset", OutputError), dumps(preset), overwrite=overwrite)


def dumps(preset: Preset) -> str:
    """Write a preset as JSON text: one setting or point a line, always in the same order, 6 significant digits.

    A match curve that was never touched is left out, with its 64 settings; so are lanes and inserts where there are
    none, and the version is then one that older programs read. Times of points are kept to the microsecond.
    """
    data = _rounded(without_stale(preset).model_dump(mode="json", exclude_none=True))
    if preset.master.match == MatchCurve():
        data["master"].pop("match")
    for owner in (*data["tracks"], *data["buses"]):
        for part in ("lanes", "inserts"):
            if not owner[part]:
                owner.pop(part)
    for part in ("master_lanes", "master_inserts"):
        if not data[part]:
            data.pop(part)
    data["version"] = _oldest_version(preset)
    return _LONG_POINT.sub(r'{"time_s": \1, "value": \2}', json_text(data)) + "\n"


def _oldest_version(preset: Preset) -> int:
    if preset.has_inserts:
        return VERSION_WITH_INSERTS
    return VERSION_WITH_LANES if preset.has_lanes else VERSION


def rounded(preset: Preset) -> Preset:
    """Round a preset to the digits that a file keeps: what is rendered is then what is saved."""
    return loads(dumps(preset))


def write_schema(path: str | os.PathLike[str]) -> None:
    """Write the JSON Schema of presets, for editors that check while one types; replaces the file.

    Raises:
        OutputError: the file cannot be written.
    """
    write_text(Path(path), json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n", overwrite=True)


class _Object(dict[str, Any]):
    """A JSON object that remembers which of its keys stood twice."""

    __slots__ = ("duplicates",)

    def __init__(self, pairs: list[tuple[str, Any]]) -> None:
        super().__init__(pairs)
        self.duplicates: tuple[str, ...] = ()
        if len(self) < len(pairs):
            counts = Counter(key for key, _ in pairs)
            self.duplicates = tuple(key for key, count in counts.items() if count > 1)


def _text(path: Path) -> str:
    if os.path.isdir(path):  # noqa: PTH112  (Path.is_dir raises for an impossible name)
        raise PresetError(f"{path} is a folder. Name the preset file in it.")
    try:
        with open_regular(path) as file:
            content = file.read(MAX_BYTES + 1)
    except FileNotFoundError as error:
        raise PresetError(f"{path}: there is no such file.") from error
    except (OSError, ValueError) as error:  # ValueError: a zero byte in the name
        raise PresetError(f"{path} cannot be read: {getattr(error, 'strerror', None) or error}.") from error
    if content.startswith(_AUDIO):
        raise PresetError(f"{path} is audio, and no preset. Name the preset first, then the stems.")
    if len(content) > MAX_BYTES:
        raise PresetError(f"{path} is larger than {MAX_BYTES // 2**20} MiB. It cannot be a preset.")
    try:
        return content.decode("utf-8-sig")  # some Windows editors put a mark in front
    except UnicodeDecodeError as error:
        raise PresetError(f"{path} is not UTF-8 text (byte {error.start}). It is no preset, or was damaged.") from error


def _parsed(text: str, name: str) -> object:
    # Before anything is made of it: each value of a list or an object is behind one of these.
    if sum(text.count(sign) for sign in ",[{") > _MOST_SIGNS:
        raise PresetError(f"{name} holds far more values than a preset can. It was damaged, or is something else.")
    try:
        return json.loads(text, object_pairs_hook=_Object)
    except json.JSONDecodeError as error:
        raise PresetError(f"{name} is not JSON: {error.msg} in line {error.lineno}, column {error.colno}.") from error
    except RecursionError as error:
        raise PresetError(f"{name} is nested too deeply to be a preset.") from error
    except ValueError as error:  # an integer of thousands of digits
        raise PresetError(f"{name} holds a number that is too long.") from error


def _check_kind(data: object, name: str) -> None:
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        raise PresetError(f'{name} is not a mixbridge preset: it does not say "format": "{FORMAT}".')
    version = data.get("version")
    if type(version) is not int or version not in READABLE_VERSIONS:
        problem = "says no version" if version is None else f"is of version {str(version)[:20]}"
        raise PresetError(
            f"{name} {problem}; this mixbridge reads versions {_READABLE}. Update mixbridge, or the file."
        )
    if _depth_exceeds(data, _MAX_DEPTH):
        raise PresetError(f"{name} is nested too deeply to be a preset.")
    if _values_in(data) > _MOST_VALUES:
        raise PresetError(f"{name} holds more than {_MOST_VALUES} values, which no preset does.")


def _depth_exceeds(node: object, depth: int) -> bool:
    if not isinstance(node, dict | list):
        return False
    children = node.values() if isinstance(node, dict) else node
    return depth == 0 or any(_depth_exceeds(child, depth - 1) for child in children)


def _values_in(node: object) -> int:
    if not isinstance(node, dict | list):
        return 1
    children = node.values() if isinstance(node, dict) else node
    return 1 + sum(map(_values_in, children))


def _duplicates(node: object, place: tuple[str | int, ...]) -> Iterator[tuple[str | int, ...]]:
    if isinstance(node, _Object):
        for twice in node.duplicates:
            yield (*place, twice)
    children: Iterable[tuple[str | int, object]] = ()
    if isinstance(node, dict):
        children = node.items()
    elif isinstance(node, list):
        children = enumerate(node)
    for key, child in children:
        yield from _duplicates(child, (*place, key))


def _rounded(node: Any) -> Any:
    if isinstance(node, float):
        return float(f"{node:.{SIGNIFICANT_DIGITS}g}") + 0.0  # no "-0.0"
    if isinstance(node, dict):
        # A time late in a song has more digits before the point than a setting.
        return {
            key: round(value, TIME_DIGITS) + 0.0 if key == "time_s" else _rounded(value) for key, value in node.items()
        }
    if isinstance(node, list):
        return [_rounded(value) for value in node]
    return node


def write_text(path: Path, text: str, *, overwrite: bool) -> None:
    """Write a text file, all or nothing.

    Args:
        path: where to; a link stays a link.
        text: what to write, as UTF-8.
        overwrite: replace a file that is there; it stays as it is if writing fails.

    Raises:
        OutputError: the file is there already, or cannot be written.
    """
    target = Path(os.path.realpath(path))  # a link stays a link
    _check_replaceable(path, target, overwrite=overwrite)
    beside = target.with_name(f".mixbridge-{secrets.token_hex(6)}.tmp")
    try:
        _write_synced(beside, text)
        if target.exists():
            shutil.copymode(target, beside)
        beside.replace(target)
    except (OSError, ValueError) as error:
        raise OutputError(f"cannot be written: {getattr(error, 'strerror', None) or error}.", path) from error
    finally:
        with contextlib.suppress(OSError, ValueError):
            beside.unlink(missing_ok=True)


def _check_replaceable(path: Path, target: Path, *, overwrite: bool) -> None:
    """Refuse to replace anything but a text file: no device, and no recording."""
    if os.path.isdir(target):  # noqa: PTH112  (as above)
        raise OutputError("is a folder. Name a file in it.", path)
    if not os.path.exists(target):  # noqa: PTH110
        return
    if not os.path.isfile(target):  # noqa: PTH113
        raise OutputError("is a device or pipe, which is never replaced. Name a file.", path)
    if not overwrite:
        raise OutputError(
            "is there already: choose another name, or allow it to be replaced.", path, hints=(Hint("overwrite"),)
        )
    try:
        with target.open("rb") as file:
            beginning = file.read(_SNIFFED_BYTES)
    except OSError:  # it may not be read: then nothing says that it is text
        beginning = b"\0"
    if b"\0" in beginning:
        raise OutputError("is not a text file, and is never replaced by one. Choose another name.", path)


def _write_synced(path: Path, text: str) -> None:
    with path.open("x", encoding="utf-8", newline="\n") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
