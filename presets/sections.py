"""Sections of the console, by the one name that each has everywhere: `--only`, merging, desks, words, notes.

They follow from the table in :mod:`.console`: a new stage of a strip is a section here without a line of this file.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import cache
from typing import Final

from pydantic import BaseModel

from .console import Delay, FxBand, FxBus, Master, Parameter, Reverb, Strip, get, parameters
from .parts.match import THIRDS_HZ, MatchCurve, points_db
from .units import quantity

SectionName = str

# What belongs to a track and is no number of the console.
TRACK_SECTIONS: Final[tuple[SectionName, ...]] = ("mute", "name")
# A point of a match curve in words, and a curve of nine and more.
_POINT: Final = re.compile(r"[\d.]+ Hz ([+-][\d.]+)")
_MANY_POINTS: Final = re.compile(r"\b(tone|width) ((?:[\d.]+ Hz [+-][\d.]+, ){8,}[\d.]+ Hz [+-][\d.]+)")
# One word for several sections.
GROUPS: Final[Mapping[str, tuple[SectionName, ...]]] = {
    "gain": ("trim", "fader", "mute"),
    "dynamics": ("gate", "compressor", "deesser"),
    "cuts": ("low_cut", "high_cut"),
    "fx": ("send", "reverb", "delay"),
}
# As they stand in docs/console.md.
_PARTS: tuple[tuple[str, type[BaseModel]], ...] = (
    ("Track, and group bus", Strip),
    ("Reverb", Reverb),
    ("Delay", Delay),
    ("Fx bus", FxBus),
    ("Fx bus, each of twelve bands", FxBand),
    ("Master", Master),
)


@cache
def sections(part: type[BaseModel]) -> tuple[SectionName, ...]:
    """List the sections of a part of the console, in the order of the signal.

    >>> sections(Strip)
    ('trim', 'gate', 'low_cut', 'high_cut', 'eq', 'compressor', 'deesser', 'saturation', 'fader', 'pan', 'send')
    """
    return tuple(dict.fromkeys(row.section for row in parameters(part).values()))


@cache
def rows_of(part: type[BaseModel], section: SectionName) -> Mapping[str, Parameter]:
    """List the settings of a section by path."""
    return {path: row for path, row in parameters(part).items() if row.section == section}


def expanded(names: Iterable[str]) -> frozenset[SectionName]:
    """Replace every group by the sections that it stands for; unknown names stay as they are."""
    return frozenset(section for name in names for section in GROUPS.get(name, (name,)))


def is_active(bus: BaseModel, section: SectionName) -> bool:
    """Tell whether a section does anything: whether a setting of it is not at its neutral value."""
    rows = rows_of(type(bus), section)
    return any(row.neutral is not None and get(bus, path) != row.neutral for path, row in rows.items())


def active_sections(bus: Strip | Master, known: Collection[SectionName] = ()) -> Iterator[SectionName]:
    """List the sections that do something, but for those that the caller knows."""
    return (name for name in sections(type(bus)) if name not in known and is_active(bus, name))


def spoken(section: SectionName) -> str:
    """Name a section as engineers do: "low cut", "de-esser"."""
    return {"deesser": "de-esser"}.get(section, section.replace("_", " "))


def described(bus: Strip | Master, section: SectionName) -> str:
    """Say a section in numbers: "pan of 0.3", "saturation (drive 4)", "gate (threshold -40 dB, range 20 dB)".

    Sends that are off, points at 0 of a match curve, and settings without a unit that have their usual value, are not
    said.
    """
    if isinstance(bus, Master) and section == "match":
        return _match_described(bus.match)
    rows = rows_of(type(bus), section)
    usual = type(bus)()
    idle = {path for path, row in rows.items() if get(bus, path) == get(usual, path) and not (row.unit and "." in path)}
    rows = {path: row for path, row in rows.items() if path not in idle} or rows
    values = {row.label: quantity(float(f"{get(bus, path):.4g}"), row.unit) for path, row in rows.items()}
    if "." not in next(iter(rows)):
        return " and ".join(f"{label} of {value}" for label, value in values.items())
    return f"{spoken(section)} ({', '.join(f'{label} {value}' for label, value in values.items())})"


def _match_described(match: MatchCurve) -> str:
    """List both curves: "match curve (tone 63 Hz +1.5, 80 Hz +2.0; width 125 Hz -6.0, in dB)"."""
    curves = {"tone": points_db(match.tone), "width": points_db(match.width)}
    said = [
        f"{name} {', '.join(f'{hz:g} Hz {db:+.2g}' for hz, db in zip(THIRDS_HZ, values_db, strict=True) if db)}"
        for name, values_db in curves.items()
        if any(values_db)
    ]
    usual = MatchCurve()
    more = [
        f"; {path.replace('_', ' ')} {get(match, path):.4g}"
        for path in ("amount", "linear_phase")
        if get(match, path) != get(usual, path)
    ]
    return f"match curve ({'; '.join(said) or 'flat'}, in dB{''.join(more)})"


def briefly(text: str) -> str:
    """Say of the curves in a text how far they go, where they have many points: "tone 19 points, -8 to +8"."""
    return _MANY_POINTS.sub(_extent, text)


def _extent(curve: re.Match[str]) -> str:
    levels_db = [float(level) for level in _POINT.findall(curve[2])]
    return f"{curve[1]} {len(levels_db)} points, {min(levels_db):+g} to {max(levels_db):+g}"


def console_markdown() -> str:
    """Make a table for each part: setting, unit, range, scale, neutral value, what it does."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    for title, section in _PARTS:
        yield f"### {title}"
        yield ""
        yield "| setting | range | scale | neutral | what it does |"
        yield "|---|---|---|---|---|"
        for path, row in parameters(section).items():
            neutral = "" if row.neutral is None else f"{row.neutral:g}"
            unit = f" {row.unit}" if row.unit else ""
            yield f"| `{path}` | {row.low:g} .. {row.high:g}{unit} | {row.scale} | {neutral} | {row.help} |"
        yield ""
