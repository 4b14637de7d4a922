"""Groups of tracks and effect returns of a mix in an Ardour session, and back: busses of mixbridge's, with sends.

A group bus has the plug-ins of a strip. The reverb's bus has ACE Reverb, the delay's ACE Delay, each with ACE High/Low
Pass Filter behind it; what makes them as loud as the console's is in the bus's trim, its return level on the fader.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final
from xml.etree.ElementTree import Element

from ....presets.console import SEND_OFF_DB, Delay, Reverb, Strip, parameters
from ....presets.edit import without_input_gain
from ....presets.lanes.lane import Lane
from ....presets.preset import GroupBus, Preset, Track
from ....presets.units import decibels, gain_factor
from ....runtime.console.effects.buses import DELAY, FX_BUS, REVERB
from ...desks.profile import Desk
from ...fitting.plugins.ace_effects import AceEffect, delay_of, fit_delay, fit_reverb, reverb_of
from ..core.model import Automation
from ..core.moving import MOVABLE, Carried, lanes_of_fader, level_lane, moving_fader, moving_sends, sends_open
from ..core.sends import SENDS, send_levels_db, used_effects
from ..writing import MARK
from .busses import LOUDEST_DB, SEND_LIST, Busses, Ids, sends_of
from .channel import StripWriter, strip_of, strip_values
from .lanes import put_lanes, put_level
from .moving import put_plugin_lanes, read_plugin_lanes
from .plugins import PluginKind, digits, own_plugin, plugin_values, put_plugin
from .strips import control, is_muted, played, processor, read_strip
from .xml import Clock

_TITLES: Final = {REVERB: "Reverb", DELAY: "Delay"}
_MOST_TRIM_DB: Final = 20.0


class ReturnWriter:
    """Adds the busses of a mix to a session, and lets its tracks go there.

    Args:
        busses: of the session.
        strips: writes the strips of groups.
        desk: Ardour's profile.
        ids: for what is new.
        sample_rate_hz: of the session.

    Attributes:
        notes: what is not as the mix has it, in sentences.
    """

    def __init__(self, busses: Busses, strips: StripWriter, desk: Desk, ids: Ids, sample_rate_hz: int):
        self._busses, self._strips, self._desk = busses, strips, desk
        self._ids, self._rate_hz = ids, sample_rate_hz
        self.notes: list[str] = []

    def write(self, chosen: Mapping[Element, Track], preset: Preset) -> set[Carried]:
        """Add the groups that these tracks go to, and the effects that anything is sent to.

        Returns:
            Lanes of sends and groups that the session has then.
        """
        groups = self._groups(chosen, preset)
        owners: dict[Element, Track | GroupBus] = {**chosen, **groups}
        strips = {route: sends_open(owner.strip, owner.lanes) for route, owner in owners.items()}
        moving = {route: moving_sends(strips[route], owner.lanes, "ardour_gain") for route, owner in owners.items()}
        sends = {route: send_levels_db(without_input_gain(strip), _TITLES) for route, strip in strips.items()}
        used = used_effects(sends.values(), preset.delay)
        effects = {name: self._busses.add(_TITLES[name]) for name in used}
        if REVERB in effects:
            self._effect(effects[REVERB], "reverb", fit_reverb(preset.reverb), preset.reverb.return_gain_db)
        if DELAY in effects:
            self._effect(effects[DELAY], "delay", fit_delay(preset.delay), preset.delay.return_gain_db)
            if preset.delay.reverb_send_db > SEND_OFF_DB:
                sends[effects[DELAY]] = {REVERB: preset.delay.reverb_send_db}
        for route, levels in sends.items():
            for name, level_db in levels.items():
                self._send(route, effects[name], level_db, moving.get(route, {}).get(SENDS[name]))
        carried = {(owners[route].name, path) for route, found in moving.items() for path in found}
        carried = {(owner, path) for owner, path in carried if path != SENDS[FX_BUS]}
        for bus, group in groups.items():
            carried |= {(group.name, path) for path in self._group_lanes(bus, group)}
        return carried

    def _group_lanes(self, bus: Element, group: GroupBus) -> set[str]:
        """Let a group's fader, pan and plug-ins move."""
        there = Track(name="group", strip=group.strip, lanes=group.lanes)
        self.notes.extend(put_lanes(bus, moving_fader(there, 2, "balance", "ardour_gain"), self._ids))
        return {*MOVABLE, *put_plugin_lanes(bus, group.strip, group.lanes, self._desk, self._rate_hz, self._ids)}

    def _groups(self, chosen: Mapping[Element, Track], preset: Preset) -> dict[Element, GroupBus]:
        """Add the group busses with their strips, and move their tracks there."""
        wanted = {track.bus for track in chosen.values()}
        groups = {group.name: group for group in preset.buses if group.name in wanted}
        routes = {name: self._busses.add(name) for name in groups}
        self._strips.put(
            (routes[name], Track(name=name[:180], strip=group.strip, mute=group.mute)) for name, group in groups.items()
        )
        for route, track in chosen.items():
            if track.bus is not None:
                around = self._busses.move(route, routes[track.bus])
                if around:
                    went = ", ".join(owner[:80] for owner in around)
                    self.notes.append(
                        f"{route.get('name')}: goes to {routes[track.bus].get('name')}, no more to {went}."
                    )
        return {routes[name]: group for name, group in groups.items()}

    def _effect(self, bus: Element, kind: PluginKind, effect: AceEffect, return_db: float) -> None:
        put_plugin(bus, kind, effect.values, self._desk, 2)
        if effect.cuts:
            put_plugin(bus, "cuts", effect.cuts, self._desk, 2)
        trim_db = min(max(effect.make_up_db, -_MOST_TRIM_DB), _MOST_TRIM_DB)
        fader_db = return_db + effect.make_up_db - trim_db
        _set_gain(bus, "trim", "trimcontrol", trim_db)
        _set_gain(bus, "amp", "gaincontrol", min(fader_db, LOUDEST_DB))
        self.notes.extend(effect.lost)
        if fader_db > LOUDEST_DB:
            self.notes.append(f"{bus.get('name')}: its return of {return_db:+.1f} dB becomes {LOUDEST_DB:+.1f} dB.")

    def _send(self, route: Element, bus: Element, level_db: float, moving: Automation | None = None) -> None:
        send = self._busses.send(route, bus, level_db)
        if moving is not None:
            put_level(send, SEND_LIST, moving, self._ids)
        if level_db > LOUDEST_DB:
            name, target = route.get("name"), bus.get("name")
            self.notes.append(f"{name}: its send to {target} of {level_db:+.1f} dB becomes {LOUDEST_DB:+.1f} dB.")


class ReturnReader:
    """Reads the busses of mixbridge's in a session.

    Args:
        busses: of the session.
        desk: Ardour's profile.
        clock: of the session.
    """

    def __init__(self, busses: Busses, desk: Desk, clock: Clock):
        self._busses, self._desk, self._clock = busses, desk, clock
        self._effects = {name: bus for bus in busses.own if (name := self._effect_of(bus)) is not None}
        groups = [bus for bus in busses.own if bus not in self._effects.values() and not bus.get("audio-playlist")]
        self._names = {bus: _group_name(bus) for bus in groups}

    def track(self, route: Element, track: Track) -> Track:
        """Add to a track of a mix the group that it goes to, and its sends."""
        bus = self._busses.bus_of(route)
        group = None if bus is None else self._names.get(bus)
        lanes = (*track.lanes, *self._send_lanes(route))
        return track.model_copy(update={"bus": group, "strip": self._with_sends(route, track.strip), "lanes": lanes})

    def preset(self, tracks: Iterable[Track]) -> Preset:
        """Make a mix of its tracks, with its groups and effects."""
        reverb, delay = self._effects.get(REVERB), self._effects.get(DELAY)
        return Preset(
            tracks=tuple(tracks),
            buses=tuple(self._groups()),
            reverb=Reverb() if reverb is None else self._reverb(reverb),
            delay=Delay() if delay is None else self._delay(delay),
        )

    def _groups(self) -> Iterator[GroupBus]:
        for bus, name in self._names.items():
            values = strip_values(bus, self._desk, "track")
            strip = Strip() if values is None else strip_of(bus, values, self._desk)
            levels = read_strip(bus, self._clock)
            fader = lanes_of_fader(levels.volume, levels.pan_automation, levels.gain_db, levels.pan, 2, "balance")
            lanes = (*fader, *read_plugin_lanes(bus, self._desk, Strip, self._clock), *self._send_lanes(bus))
            yield GroupBus(name=name, strip=self._with_sends(bus, strip), lanes=lanes, mute=is_muted(bus))

    def _with_sends(self, route: Element, strip: Strip) -> Strip:
        return strip.model_copy(update={f"{name.split()[0]}_send_db": db for name, db in self._sends(route)})

    def _sends(self, route: Element) -> Iterator[tuple[str, float]]:
        row = parameters(Strip)["reverb_send_db"]
        names = {bus.get("id"): name for name, bus in self._effects.items()}
        for target, gain in sends_of(route):
            if target in names and gain > 0:
                yield names[target], row.clamp(decibels(gain))

    def _send_lanes(self, route: Element) -> Iterator[Lane]:
        """Read what moves the levels of a strip's sends."""
        names = {bus.get("id"): name for name, bus in self._effects.items()}
        for item in route.findall("Processor"):
            name = names.get(item.get("target")) if item.get("type") == "intsend" else None
            level = None if name is None else played(item, SEND_LIST, self._clock)
            if name is not None and level is not None:
                found = level_lane(SENDS[name], parameters(Strip)[SENDS[name]], level)
                if found is not None:
                    yield found

    def _effect_of(self, bus: Element) -> str | None:
        kinds: Sequence[tuple[PluginKind, str]] = (("reverb", REVERB), ("delay", DELAY))
        return next((name for kind, name in kinds if own_plugin(bus, kind, self._desk) is not None), None)

    def _reverb(self, bus: Element) -> Reverb:
        return reverb_of(self._values(bus, "reverb"), self._values(bus, "cuts"), _level_db(bus))

    def _delay(self, bus: Element) -> Delay:
        delay = delay_of(self._values(bus, "delay"), self._values(bus, "cuts"), _level_db(bus))
        return delay.model_copy(update={"reverb_send_db": dict(self._sends(bus)).get(REVERB, SEND_OFF_DB)})

    def _values(self, bus: Element, kind: PluginKind) -> dict[int, float]:
        node = own_plugin(bus, kind, self._desk)
        return {} if node is None else plugin_values(node, kind)


def _group_name(bus: Element) -> str:
    return bus.get("name", "").removesuffix(MARK)[:200]


def _set_gain(bus: Element, kind: str, name: str, level_db: float) -> None:
    node = processor(bus, kind)
    control_node = None if node is None else node.find(f"Controllable[@name='{name}']")
    if control_node is not None:
        control_node.set("value", digits(gain_factor(level_db)))


def _level_db(bus: Element) -> float:
    """Read trim and fader of a bus together."""
    gain = control(processor(bus, "trim"), "trimcontrol", 1) * control(processor(bus, "amp"), "gaincontrol", 1)
    return decibels(gain) if gain > 0 else parameters(Reverb)["return_gain_db"].low
