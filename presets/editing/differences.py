"""What sounds different between two presets."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from pydantic import BaseModel

from ..console import Master, Strip, Unit, get, parameters
from ..inserts.insert import Insert
from ..inserts.words import inserts_line
from ..lanes.values import same_course
from ..lanes.words import course
from ..preset import Preset
from ..sections import is_active
from .changing_inserts import same_inserts

# Less than a file keeps (6 digits), far less than an ear does.
_SAME_RELATIVE = 1e-5
_SAME_ABSOLUTE = 1e-6


@dataclass(frozen=True)
class Change:
    """One difference between two presets.

    Attributes:
        path: e.g. `tracks[Lead Vox].eq.band1.gain_db`.
        old: the value in the first; None where it has no such track.
        new: the value in the second; None where it has no such track.
        unit: of both.
    """

    path: str
    old: float | bool | str | None
    new: float | bool | str | None
    unit: Unit = ""


def diff(a: Preset, b: Preset) -> tuple[Change, ...]:
    """List what sounds different in `b`, by dotted path; empty if nothing does.

    Tracks are matched by name; their order, descriptions and provenance are not heard and not compared. A
    difference below what a file keeps (6 digits) is none.
    """
    return tuple(_changes(a, b))


def _changes(a: Preset, b: Preset) -> Iterator[Change]:
    names_a, names_b = ({track.name for track in preset.tracks} for preset in (a, b))
    settings_b = {path: value for path, value, _ in _settings(b)}
    for path, old, unit in _settings(a):
        new = settings_b.get(path)
        if new is not None and not _same(old, new):
            yield Change(path, old, new, unit)
    yield from _insert_changes(a, b)
    yield from _lane_changes(a, b)
    for track in a.tracks:
        if track.name not in names_b:
            yield Change(f"tracks[{track.name}]", "present", None)
    for track in b.tracks:
        if track.name not in names_a:
            yield Change(f"tracks[{track.name}]", None, "present")
    buses_a, buses_b = ({bus.name for bus in preset.buses} for preset in (a, b))
    for name in sorted(buses_a ^ buses_b):
        was, now = ("present", None) if name in buses_a else (None, "present")
        yield Change(f"buses[{name}]", was, now)


def _insert_changes(a: Preset, b: Preset) -> Iterator[Change]:
    owners_b, inserts_a, inserts_b = set(_owners(b)), dict(a.all_inserts()), dict(b.all_inserts())
    for owner in _owners(a):
        if owner not in owners_b:
            continue
        old, new, path = inserts_a.get(owner, ()), inserts_b.get(owner, ()), f"{owner}.inserts"
        if not same_inserts(old, new):
            was, now = (inserts_line(inserts) or None for inserts in (old, new))
            # Files of one name may hold different models.
            yield Change(path, was, f"{now} (another)" if was == now else now)
            continue
        for place, (one, other) in enumerate(zip(old, new, strict=True)):
            for name, row in parameters(Insert).items():
                was_at, now_at = get(one, name), get(other, name)
                if not _same(was_at, now_at):
                    yield Change(f"{path}[{place}].{name}", was_at, now_at, row.unit)
            for name in ("match_loudness", "protect"):
                if getattr(one, name) != getattr(other, name):
                    yield Change(f"{path}[{place}].{name}", getattr(one, name), getattr(other, name))


def _lane_changes(a: Preset, b: Preset) -> Iterator[Change]:
    lanes_a, lanes_b = ({(owner, lane.parameter): lane for owner, lane in preset.all_lanes()} for preset in (a, b))
    shared = set(_owners(a)) & set(_owners(b))
    for owner, parameter in dict.fromkeys((*lanes_a, *lanes_b)):
        old, new = (lanes.get((owner, parameter)) for lanes in (lanes_a, lanes_b))
        if owner in shared and not same_course(old, new):
            part = Master if owner == "master" else Strip
            was, now = (None if lane is None else course(lane, parameters(part)[parameter]) for lane in (old, new))
            yield Change(f"{owner}.lanes[{parameter}]", was, now)


def _owners(preset: Preset) -> list[str]:
    tracks = [f"tracks[{track.name}]" for track in preset.tracks]
    return [*tracks, *(f"buses[{bus.name}]" for bus in preset.buses), "master"]


def _settings(preset: Preset) -> Iterator[tuple[str, float | bool | str, Unit]]:
    for track in preset.tracks:
        yield f"tracks[{track.name}].mute", track.mute, ""
        yield f"tracks[{track.name}].bus", track.bus or "", ""
        yield f"tracks[{track.name}].link", track.link or "", ""
        yield from _rows(f"tracks[{track.name}]", track.strip)
    for bus in preset.buses:
        yield f"buses[{bus.name}].mute", bus.mute, ""
        yield from _rows(f"buses[{bus.name}]", bus.strip)
    for index, band in enumerate(preset.fx_bus.bands):
        yield from _rows(f"fx_bus.bands[{index}]", band)
    yield from _rows("fx_bus", preset.fx_bus)
    yield "fx_bus.seed", preset.fx_bus.seed, ""
    yield from _rows("reverb", preset.reverb)
    yield "reverb.seed", preset.reverb.seed, ""
    yield from _rows("delay", preset.delay)
    yield "delay.note", preset.delay.note or "", ""
    yield "delay.tempo_bpm", preset.delay.tempo_bpm or 0.0, ""
    yield from _rows("master", preset.master)


def _rows(prefix: str, section: BaseModel) -> Iterator[tuple[str, float, Unit]]:
    """Settings by path; without the thresholds of stages that do nothing, which are not heard."""
    for path, row in parameters(type(section)).items():
        is_heard = row.neutral is not None or row.with_gain != "adds" or is_active(section, row.section)
        if is_heard:
            yield f"{prefix}.{path}", get(section, path), row.unit


def _same(old: float | bool | str, new: float | bool | str) -> bool:
    if isinstance(old, int | str) or isinstance(new, str):  # mute, seed, names: exact
        return old == new
    return math.isclose(old, new, rel_tol=_SAME_RELATIVE, abs_tol=_SAME_ABSOLUTE)
