"""Desk profiles from files: those that come with mixbridge, by name, and a user's own, by path.

A mistake in a file is told to the person who wrote it: file, table, key, what is wrong and what to do. Whatever a file
holds, nothing but :class:`DeskError` is raised.
"""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError

from ...presets.errors import DeskError
from ...presets.inputs import open_regular
from .mistakes import explain
from .profile import Desk
from .wire import short

MAX_BYTES: Final = 256 * 1024
_FOLDER = Path(__file__).parent


def load_desk(name_or_path: str | Path) -> Desk:
    """The desk of a name that mixbridge knows, or of a profile file.

    Args:
        name_or_path: e.g. "x32", "m32" or "my-desk.toml".

    Raises:
        DeskError: no such desk or file, or mistakes in it (all that were found, one a line).
    """
    name = str(name_or_path)
    if name in _by_name():
        return _shipped(_by_name()[name])
    path = Path(name_or_path)
    if path.suffix != ".toml" and not _is_file(path):
        raise DeskError(
            f"mixbridge knows no desk {short(name)}; it knows {', '.join(desk_names())}, "
            "and takes the path of a profile (a .toml file, see docs/desks.md)"
        )
    return _parse(path)


def desk_names() -> list[str]:
    """The desks that mixbridge knows by name, without aliases."""
    return sorted(path.stem for path in _FOLDER.glob("*.toml"))


def check_desk(path: str | Path) -> list[str]:
    """What is wrong with a profile file, one sentence each; empty if it can be used."""
    try:
        _parse(Path(path))
    except DeskError as error:
        return str(error).splitlines()
    return []


def json_schema() -> dict[str, Any]:
    """The JSON Schema of a profile (draft 2020-12), as exported to `bridge/desks/desk.schema.json`."""
    schema: dict[str, Any] = Desk.model_json_schema(mode="validation")
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": "mixbridge desk profile"}


@cache
def _by_name() -> dict[str, str]:
    """File names by desk name and alias."""
    desks = {name: _shipped(name) for name in desk_names()}
    return {alias: name for name, desk in desks.items() for alias in (name, *desk.aliases)}


@cache
def _shipped(name: str) -> Desk:
    return _parse(_FOLDER / f"{name}.toml")


def _parse(path: Path) -> Desk:
    text = _read(path)
    try:
        data = tomllib.loads(text)
        return Desk.model_validate(data)
    except tomllib.TOMLDecodeError as error:
        raise DeskError(f"{path} is not valid TOML: {_plain(error)}. Correct that line; nothing was used.") from None
    except RecursionError:
        raise DeskError(f"{path} is nested too deeply to be a desk profile") from None
    except ValidationError as error:
        raise DeskError("\n".join(f"{path}: {sentence}" for sentence in explain(error, data))) from None
    except ValueError:
        raise DeskError(f"{path} holds a number of thousands of digits: that is no desk profile") from None


def _read(path: Path) -> str:
    try:
        with open_regular(path) as file:
            data = file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise DeskError(f"the desk profile {path} cannot be read: {reason}") from None
    if len(data) > MAX_BYTES:
        raise DeskError(f"{path} has more than {MAX_BYTES // 1024} kB: that is no desk profile")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise DeskError(f"{path} is not UTF-8 text (byte {error.start + 1}): save it as UTF-8") from None


def _plain(error: tomllib.TOMLDecodeError) -> str:
    """The parser's message, which names line and column."""
    text = str(error).replace("Cannot overwrite a value", "a key stands twice")
    return text[:1].lower() + text[1:]


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # a name that is too long for one
        return False
