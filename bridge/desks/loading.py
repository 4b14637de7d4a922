"""Desk profiles from files: those that come with mixbridge, by name, and a user's own, by path.

Whatever a file holds, nothing but :class:`DeskError` is raised; how mistakes are told, :mod:`.toml_files` knows.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any, Final

from ...presets.errors import DeskError
from .profile import Desk
from .toml_files import TomlKind, read_toml
from .wire import short

MAX_BYTES: Final = 256 * 1024
_PROFILE: Final = TomlKind("desk profile", DeskError, MAX_BYTES)
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
    return read_toml(path, Desk, _PROFILE)


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # a name that is too long for one
        return False
