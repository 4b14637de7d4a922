"""Settings of mixbridge's plug-ins in an Ardour session that move: a mix's lanes as their automation, and back.

A plug-in's parameter is automated in its own unit, under its number from 0. A strip is fitted to the plug-ins at the
points of its lanes, as it is where it stands still; what is read is unfitted again at all points.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any, Final
from xml.etree.ElementTree import Element

import numpy as np

from ....presets.console import Master, Strip, get, parameters
from ....presets.edit import without_input_gain
from ....presets.editing.moving_lanes import as_linear
from ....presets.lanes.lane import Lane, movable
from ....presets.lanes.values import bus_at, settled
from ...desks.keys import row_of
from ...desks.profile import Desk
from ...fitting.over_time import FitsOverTime, fits_over_time
from ...fitting.plugins.ace import cuts_of, strip_cuts
from ...fitting.strip import fit_strip
from ...fitting.unfit import unfit
from ..core.fades import automation_values
from ..core.model import Automation
from ..core.moving import sampled_lane
from .busses import Ids
from .channel import place_of_plugin, values_of
from .lanes import put_list
from .plugins import PluginKind, own_plugin, plugin_values
from .strips import played
from .xml import Clock

# Settings whose automation is not a plug-in's.
_ELSEWHERE: Final = frozenset({"fader", "pan", "send", "trim"})
_CUTS: Final = frozenset({"low_cut", "high_cut"})
_KINDS: Final[tuple[PluginKind, ...]] = ("eq", "compressor", "gate", "cuts")
_LOG_STYLE, _LINEAR_STYLE = "Logarithmic", "Linear"
# Of the cuts' parameters, those in Hz.
_CUT_HZ: Final = frozenset({2, 5})
# Between two points what is read is looked at so often: a curve is no line in the mix's own scale.
_BETWEEN: Final = 3
_MOST_LOOKS: Final = 4000

_Places = dict[tuple[PluginKind, int], tuple[list[float], bool]]


def put_plugin_lanes(
    route: Element, bus: Strip | Master, lanes: Sequence[Lane], desk: Desk, sample_rate_hz: int, ids: Ids
) -> set[str]:
    """Let mixbridge's plug-ins on a strip play a mix's lanes.

    Args:
        route: the strip's node, on which they are.
        bus: settings of the mix.
        lanes: of these.
        desk: Ardour's profile.
        sample_rate_hz: of the session.
        ids: for new lists.

    Returns:
        The settings that move then.
    """
    kind = "master" if isinstance(bus, Master) else "track"
    table = parameters(type(bus))
    any_bus: Any = bus
    still, moving = settled(any_bus, lanes)
    moving = tuple(item for item in moving if table[item.parameter].section not in _ELSEWHERE)
    reached = set(_reached(still, moving, desk, kind, sample_rate_hz))
    moving = tuple(item for item in moving if item.parameter in reached)
    if not moving:
        return set()
    fits = fits_over_time(still, moving, desk, kind, sample_rate_hz)
    places: _Places = {**_fitted_places(fits, desk, kind), **_cut_places(still, moving, fits.times)}
    put: set[PluginKind] = set()
    for (plugin, number), (values, is_log) in places.items():
        node = own_plugin(route, plugin, desk)
        if node is None or max(values) - min(values) <= 1e-6 * max(1.0, abs(values[0])):
            continue
        points = tuple(zip(fits.times, values, strict=True))
        put_list(node, f"parameter-{number - 1}", points, _LOG_STYLE if is_log else _LINEAR_STYLE, ids)
        put.add(plugin)
    return {item.parameter for item in moving if _plugin_of(table[item.parameter].section) in put}


def read_plugin_lanes(route: Element, desk: Desk, part: type[Strip] | type[Master], clock: Clock) -> tuple[Lane, ...]:
    """Read what moves settings of mixbridge's plug-ins on a strip.

    Raises:
        FaultError: a number is none.
    """
    kind = "master" if part is Master else "track"
    nodes = {plugin: node for plugin in _KINDS if (node := own_plugin(route, plugin, desk)) is not None}
    standing = {plugin: plugin_values(node, plugin) for plugin, node in nodes.items()}
    moving: dict[tuple[PluginKind, int], Automation] = {}
    for plugin, node in nodes.items():
        for number in standing[plugin]:
            automation = played(node, f"parameter-{number - 1}", clock)
            if automation is not None:
                moving[plugin, number] = automation
    if not moving:
        return ()
    times = _looks(moving.values())
    curves = {place: automation_values(item, np.array(times)).tolist() for place, item in moving.items()}
    seen: dict[str, list[float]] = {path: [] for path in movable(part)}
    for at in range(len(times)):
        now = {plugin: dict(values) for plugin, values in standing.items()}
        for (plugin, number), curve in curves.items():
            now[plugin][number] = curve[at]
        bus = _bus(route, now, desk, kind)
        for path, found in seen.items():
            found.append(float(get(bus, path)))
    rows = parameters(part)
    lanes = (
        sampled_lane(path, rows[path], times, values)
        for path, values in seen.items()
        if rows[path].section not in _ELSEWHERE
    )
    return tuple(item for item in lanes if item is not None)


def _bus(route: Element, plugins: Mapping[PluginKind, Mapping[int, float]], desk: Desk, kind: str) -> Strip | Master:
    bus = unfit(values_of(route, desk, kind, plugins), desk, kind).strip
    if isinstance(bus, Strip) and "cuts" in plugins:
        low_cut, high_cut = cuts_of(plugins["cuts"])
        return bus.model_copy(update={"low_cut": low_cut, "high_cut": high_cut})
    return bus


def _fitted_places(fits: FitsOverTime, desk: Desk, kind: str) -> _Places:
    """Sort what is fitted by the plug-ins' parameters."""
    known: dict[str, float | str] = {}
    for fit in reversed(fits.values):
        known.update(fit)
    places: _Places = {}
    for setting in desk.settings(kind, 1, known):
        place = place_of_plugin(setting)
        if place is None or place[0] == "cuts" or setting.key not in known:
            continue
        row, latest, values = row_of(setting.key), known[setting.key], []
        for fit in fits.values:
            latest = fit.get(setting.key, latest)
            values.append(float(setting.scale.encode(latest)))
        places[place] = values, row is not None and row.scale == "log" and min(values) > 0
    return places


def _cut_places(still: Strip | Master, moving: Sequence[Lane], times: Sequence[float]) -> _Places:
    """The cuts over time, which are fitted more exactly than OSC allows."""
    if not isinstance(still, Strip):
        return {}
    drawn = [as_linear(item) for item in moving]
    stages = [strip_cuts(strip.low_cut, strip.high_cut) for strip in (bus_at(still, drawn, at) for at in times)]
    values = [stage.values for stage in stages if stage is not None]
    if len(values) < len(stages):  # off for a while: the filter has no lane of its switch
        return {}
    return {("cuts", number): ([stage[number] for stage in values], number in _CUT_HZ) for number in values[0]}


def _plugin_of(section: str) -> PluginKind | None:
    if section in _CUTS:
        return "cuts"
    return next((kind for kind in _KINDS if kind == section), None)


def _reached(
    still: Strip | Master, moving: Sequence[Lane], desk: Desk, kind: str, sample_rate_hz: int
) -> Iterator[str]:
    """List the settings that a plug-in has, so that they come back from it: a shelf's Q does not."""
    table = parameters(type(still))
    bus: Any = still
    # A band's frequency does nothing where its gain is 0: all others are taken at their farthest.
    farthest = bus_at(bus, [_at_end(item, abs) for item in moving], 0.0)
    for item in moving:
        path = item.parameter
        if table[path].section in _CUTS:
            yield path
            continue
        found = []
        for end in (_at_end(item, lambda value: value), _at_end(item, lambda value: -value)):
            fitted = fit_strip(without_input_gain(bus_at(farthest, [end], 0.0)), desk, kind, sample_rate_hz)
            found.append(float(get(unfit(fitted.values, desk, kind).strip, path)))
        if abs(found[0] - found[1]) > 1e-3 * max(abs(found[0]), abs(found[1])):
            yield path


def _at_end(item: Lane, key: Callable[[float], float]) -> Lane:
    """A lane that stands at its point that is largest in some respect."""
    point = max(item.points, key=lambda each: key(each.value))
    return item.model_copy(update={"points": (point,)})


def _looks(moving: Any) -> tuple[float, ...]:
    """Choose when to look: at all points, and between them."""
    points = sorted({max(0.0, time_s) for item in moving for time_s, _ in item.points})
    points = [at for place, at in enumerate(points) if place == 0 or at - points[place - 1] > 1e-4]
    pieces = _BETWEEN + 1 if len(points) * (_BETWEEN + 1) <= _MOST_LOOKS else 1
    times = points[:1]
    for begin, end in pairwise(points):
        times += [begin + (end - begin) * step / pieces for step in range(1, pieces + 1)]
    return tuple(times[:_MOST_LOOKS])
