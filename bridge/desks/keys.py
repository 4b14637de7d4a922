"""The canonical keys of a desk's settings, and the rows of the console's table that they are.

A key is the path in the table, but for four things: desks count their own EQ bands ("eq.1.gain_db"), say `trim_db` for
the input gain and `fader_db` for the master's output gain, and have two of some settings of an effect, left and right
("reverb.right.return_gain_db"). A key of no row is a switch, a filter type, a name, or a constant of a profile.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Final

from pydantic import BaseModel

from ...presets.console import Delay, Master, Parameter, Reverb, Strip, parameters
from ...presets.errors import DeskError
from ...presets.sections import TRACK_SECTIONS, SectionName, sections

MARK: Final = "@"
"""Begins the name of a plug-in of the user's in a key: eq.@zameq2.low.gain_db."""

# Keys of effects are those of the part of the preset that they are.
_EFFECTS: Final[Mapping[str, type[BaseModel]]] = {"reverb": Reverb, "delay": Delay}
_WORDS: Final[Mapping[str, str]] = {"input_gain_db": "trim_db", "output_gain_db": "fader_db"}


def desk_key(path: str) -> str:
    """The key of a setting by its path in the console's table; EQ bands keep the console's names."""
    return _WORDS.get(path, path)


def row_of(key: str) -> Parameter | None:
    """The console's row that a key is; None for one that the console does not have."""
    return _rows().get(_without_slot(key))


def section_of(key: str) -> SectionName:
    """The section that a setting belongs to; a switch or constant belongs to that of its neighbours.

    Raises:
        DeskError: there is no such section.
    """
    row = row_of(key)
    effect = key.partition(".")[0]
    name = effect if row is None or effect in _EFFECTS else row.section
    if name not in all_sections():
        raise DeskError(f"the setting {key!r} belongs to no section; there are {', '.join(all_sections())}.")
    return name


def is_plugged(key: str) -> bool:
    """Tell whether a setting is one of a plug-in of the user's."""
    return f".{MARK}" in key


def owner_of(key: str) -> str:
    """Name what a setting is switched on and off with: its section, or the plug-in of the user's in its place."""
    parts = key.split(".")
    return ".".join(parts[:2]) if is_plugged(key) else parts[0]


def label_of(key: str) -> str:
    """What people call a setting within its section: "threshold", "gain", "trim"."""
    row = row_of(key)
    return key.rpartition(".")[2].replace("_", " ") if row is None else row.label


@cache
def all_sections() -> tuple[SectionName, ...]:
    """The sections of a desk: those of the console's strips and master, what a track has besides, and the effects."""
    return (*dict.fromkeys((*sections(Strip), *sections(Master))), *TRACK_SECTIONS, *_EFFECTS)


def is_level(key: str) -> bool:
    """Tell whether a setting is a level: a change of it is heard as a jump, so that it glides."""
    row = row_of(key)
    return row is not None and row.is_level


@cache
def _rows() -> Mapping[str, Parameter]:
    tables = (parameters(Strip), parameters(Master))
    rows = {_without_slot(desk_key(path)): row for table in tables for path, row in table.items()}
    effects = {f"{name}.{path}": row for name, part in _EFFECTS.items() for path, row in parameters(part).items()}
    return {**rows, **{_without_slot(key): row for key, row in effects.items()}}


def _without_slot(key: str) -> str:
    """Of both "eq.1.gain_db" and "eq.band0.gain_db": "eq.gain_db"."""
    parts = key.split(".")
    return ".".join(dict.fromkeys((parts[0], parts[-1])))
