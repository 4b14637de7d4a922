"""Which sessions a batch has: those that a manifest lists (CSV, JSON Lines or YAML), or those in a folder.

Paths in a manifest are relative to it. Nothing of a session is opened here: what is wrong with one is the item's own
error, and does not stop the others.
"""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from ...presets.errors import MixbridgeError, SessionError
from ...presets.inputs import read_text
from ..audio.naming import file_names
from .folders import session_at, sessions_in
from .items import OPTIONS, BatchItem, ItemOptions, option_of
from .ledger import LEDGER

COLUMNS = ("session", "reference", "preset", "model", "name", "options", *OPTIONS)
MANIFEST_ENDINGS = (".csv", ".jsonl", ".ndjson", ".yaml", ".yml")

_SYNONYMS = {"references": "reference", "stems_folder": "session", "output": "name"}
_KNOWN = frozenset((*COLUMNS, *_SYNONYMS))
_DELIMITERS = ",;\t"
# Files of the batch itself.
RESERVED = (LEDGER, "index.html")
_MOST_BYTES = 2**28
_MOST_ITEMS = 1_000_000


@dataclass(frozen=True)
class Defaults:
    """What the command line says for all items; a manifest may say otherwise for one.

    Attributes:
        references: songs, each FILE or FILE=WEIGHT.
        preset: a file or the name of a factory preset.
        model: a bundle.
        options: how items are mixed.
    """

    references: tuple[str, ...] = ()
    preset: str | None = None
    model: str = "default"
    options: ItemOptions = field(default_factory=ItemOptions)


@dataclass(frozen=True)
class Listed:
    """The items of a batch.

    Attributes:
        items: at least one, of different names.
        left_out: what of a folder is no session, and why.
    """

    items: tuple[BatchItem, ...]
    left_out: tuple[str, ...] = ()


def list_items(source: Path, defaults: Defaults, apart: Sequence[Path] = ()) -> Listed:
    """List what a manifest or a folder holds.

    Args:
        source: a manifest, or a folder of sessions.
        defaults: what is not said of an item.
        apart: folders and files that are no sessions: the output, the references.

    Raises:
        SessionError: there is none, or an entry cannot be understood; it is named.
    """
    left_out: list[str] = []
    if source.is_dir():
        sessions = sessions_in(source, {os.path.realpath(path) for path in apart})
        items = [item_of_folder(name, session, defaults) for name, session in sessions.found]
        left_out = sessions.left_out
    else:
        items, left_out = _listed(source, defaults)
    if not items:
        if left_out and session_at(source) is not None:
            raise SessionError(
                f"{source} is one session: mix it with `mixbridge mix`, or give the folder that it is in."
            )
        why = f" ({'; '.join(left_out[:3])})" if left_out else ""
        raise SessionError(
            f"{source}: no sessions{why}. Give a folder in which each session has a folder of its own, or a manifest "
            f"with the columns session,reference ({', '.join(MANIFEST_ENDINGS)})."
        )
    names = file_names([*RESERVED, *(item.name for item in items)])[len(RESERVED) :]
    named = tuple(replace(item, name=name) for item, name in zip(items, names, strict=True))
    return Listed(named, tuple(left_out))


def _listed(source: Path, defaults: Defaults) -> tuple[list[BatchItem], list[str]]:
    """Give the items of a manifest, each once."""
    first: dict[BatchItem, str] = {}
    left_out = []
    for row, where in _rows(source):
        item = _item(row, where, source, defaults)
        if item in first:
            left_out.append(f"{where}: says the same as {first[item].removeprefix(f'{source}, ')}")
        else:
            first[item] = where
    return list(first), left_out


def item_of_folder(name: str, session: str, defaults: Defaults) -> BatchItem:
    """Make the item of a session that was found in a folder."""
    return BatchItem(name, session, defaults.references, defaults.preset, defaults.model, defaults.options)


def _rows(path: Path) -> Iterator[tuple[Mapping[str, Any], str]]:
    """Give each entry, and where it stands."""
    ending = path.suffix.lower()
    if ending not in MANIFEST_ENDINGS:
        raise SessionError(
            f"{path} is neither a folder nor a manifest: give one ending in {', '.join(MANIFEST_ENDINGS)}."
        )
    try:
        text = read_text(path, _MOST_BYTES).removeprefix("\ufeff")
    except (OSError, UnicodeDecodeError) as error:
        what = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text; save it as UTF-8"
        raise SessionError(f"{path} cannot be read: {what}.") from error
    read = _csv_rows if ending == ".csv" else _yaml_rows if ending in (".yaml", ".yml") else _json_rows
    for number, (row, where) in enumerate(read(text, path)):
        if number >= _MOST_ITEMS:
            raise SessionError(f"{path}: more than {_MOST_ITEMS} items; split it.")
        if not isinstance(row, Mapping):
            raise SessionError(f"{where}: is no set of names and values, e.g. session and reference.")
        yield row, where


def _csv_rows(text: str, path: Path) -> Iterator[tuple[Mapping[str, Any], str]]:
    begun = text.lstrip("\r\n ")
    first, _, below = begun.partition("\n")
    delimiter = next((mark for mark in _DELIMITERS if first.strip() == f"sep={mark}"), None)
    if delimiter is not None:  # what spreadsheets put above the heading
        begun = below.lstrip("\r\n ")
    above = text[: len(text) - len(begun)].count("\n")  # lines that are passed over
    delimiter = delimiter or _delimiter_of((begun.splitlines() or [""])[0])
    reader = csv.reader(io.StringIO(begun, newline=""), delimiter=delimiter, strict=True)
    columns: list[str] | None = None
    try:
        for values in reader:
            where = f"{path}, line {above + reader.line_num}"
            while values and not values[-1].strip():
                values.pop()
            if columns is None:
                columns = _heading(values, where)
            elif len(values) > len(columns):
                raise SessionError(f"{where}: more values than columns; put a value with a {delimiter!r} in quotes.")
            elif values:
                yield {name: value for name, value in zip(columns, values, strict=False) if value.strip()}, where
    except csv.Error as error:
        raise SessionError(f"{path}, line {above + reader.line_num}: {error}; check its quotes.") from error


def _delimiter_of(line: str) -> str:
    """Choose what stands between the columns of a heading: what makes most words that are known, else most words."""

    def words(mark: str) -> tuple[int, int]:
        names = next(csv.reader([line], delimiter=mark), [])
        return sum(_plain(name) in _KNOWN for name in names), len(names)

    return max(_DELIMITERS, key=words)


def _heading(names: Sequence[str], where: str) -> list[str]:
    """Check the names of columns, of which one without any values may have none."""
    columns = [name.strip() for name in names]
    found = [_column(name, where) for name in columns if name]
    twice = [name for name in found if found.count(name) > 1]
    if twice:
        raise SessionError(f"{where}: there are two columns {twice[0]!r}: leave one.")
    return columns


def _json_rows(text: str, path: Path) -> Iterator[tuple[Any, str]]:
    # Only this ends a line: text in JSON may hold what else Unicode counts as an end.
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        where = f"{path}, line {number}"
        try:
            yield json.loads(line), where
        except (ValueError, RecursionError) as error:
            raise SessionError(f"{where}: is not JSON ({error}); each line is one object.") from error


def _yaml_rows(text: str, path: Path) -> Iterator[tuple[Any, str]]:
    import yaml

    class Texts(yaml.SafeLoader):
        """What looks like a number or a date may be the name of a folder: 007, 2026-11-29."""

    Texts.yaml_implicit_resolvers = {
        letter: [(tag, pattern) for tag, pattern in resolvers if tag.endswith((":null", ":merge"))]
        for letter, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }
    try:
        data = yaml.load(text, Loader=Texts)
    except (yaml.YAMLError, RecursionError) as error:
        raise SessionError(f"{path}: is not YAML that can be read: {' '.join(str(error).split())}.") from error
    entries = data.get("items") if isinstance(data, Mapping) else data
    if not isinstance(entries, list):
        raise SessionError(f"{path}: is no list of items, each with session and reference.")
    for number, entry in enumerate(entries, 1):
        yield entry, f"{path}, item {number}"


def _item(row: Mapping[str, Any], where: str, manifest: Path, defaults: Defaults) -> BatchItem:
    entry = {_column(name, where): value for name, value in row.items() if value is not None}
    session = entry.get("session")
    if isinstance(session, int) and not isinstance(session, bool):
        session = str(session)  # a folder may be called 2026
    if not isinstance(session, str) or not session.strip():
        raise SessionError(f"{where}: names no session: give its folder or file in the column session.")
    base = manifest.absolute().parent
    references = tuple(_absolute(song, base) for song in _several(entry.get("reference"), where, base))
    preset = entry.get("preset")
    preset = _absolute(str(preset), base, only_if_there=True) if preset else None
    if references and preset:
        raise SessionError(f"{where}: names a reference and a preset: choose one of them.")
    model = str(entry["model"]) if entry.get("model") else None
    path = _absolute(session.strip(), base)
    try:
        return BatchItem(
            str(entry.get("name") or Path(path.rstrip("/")).stem or "session"),
            path,
            references or (() if preset else defaults.references),
            preset or (None if references else defaults.preset),
            defaults.model if model is None else _absolute(model, base, only_if_there=True),
            _options(entry, where, defaults.options),
        )
    except MixbridgeError as error:
        raise SessionError(f"{where}: {error}") from error


def _column(name: object, where: str) -> str:
    if not str(name).strip():
        raise SessionError(f"{where}: a value stands in a column without a name: name it, or remove it.")
    written = _plain(name)
    column = _SYNONYMS.get(written, written)
    if column in COLUMNS:
        return column
    meant = get_close_matches(column, COLUMNS, n=1)
    hint = f"did you mean {meant[0]}? Known are" if meant else "known are"
    raise SessionError(f"{where}: there is no column {str(name)!r}: {hint} {', '.join(COLUMNS)}.")


def _plain(name: object) -> str:
    return str(name).strip().casefold().replace("-", "_").replace(" ", "_")


def _several(value: Any, where: str, base: Path) -> Iterable[str]:
    """Read references: a list, or a text in which semicolons stand between them."""
    if value is None:
        return ()
    if isinstance(value, str):
        whole = os.path.exists(base / value.strip())  # noqa: PTH110  (Path.exists raises for an impossible name)
        return [value.strip()] if whole else [part.strip() for part in value.split(";") if part.strip()]
    if isinstance(value, Mapping):
        return [f"{song}={weight}" for song, weight in value.items()]
    if isinstance(value, list) and all(isinstance(song, str) for song in value):
        return value
    raise SessionError(f"{where}: reference is a file, a list of files, or weights by file.")


def _options(entry: Mapping[str, Any], where: str, defaults: ItemOptions) -> ItemOptions:
    given = entry.get("options") or {}
    if isinstance(given, str):
        try:
            given = json.loads(given)
        except (ValueError, RecursionError) as error:
            raise SessionError(f'{where}: options are a JSON object, e.g. {{"amount": 0.7}} ({error}).') from error
    if not isinstance(given, Mapping):
        raise SessionError(f"{where}: options are names and values, e.g. amount: 0.7.")
    unknown = [str(name) for name in given if name not in OPTIONS]
    if unknown:
        raise SessionError(f"{where}: there is no option {unknown[0]!r}: known are {', '.join(OPTIONS)}.")
    columns = {name: entry[name] for name in OPTIONS if name in entry}
    values = {name: option_of(name, value) for name, value in {**given, **columns}.items()}
    return replace(defaults, **values)


def _absolute(path: str, base: Path, *, only_if_there: bool = False) -> str:
    """Give a path from where the command was called; a name that is no file, and an address, stay as they are."""
    if "://" in path:
        return path
    joined = os.path.normpath(base / os.path.expanduser(path))  # noqa: PTH111  (Path's raises for ~ of nobody)
    if not os.path.exists(joined) and os.sep == "/" and "\\" in path:  # noqa: PTH110
        of_windows = os.path.normpath(base / path.replace("\\", "/"))
        joined = of_windows if os.path.exists(of_windows) else joined  # noqa: PTH110
    return joined if not only_if_there or os.path.exists(joined) else path  # noqa: PTH110
