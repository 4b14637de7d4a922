"""One strip of a mix in an Ardour session, and back: its fader, pan and mute, and mixbridge's plug-ins on it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final
from xml.etree.ElementTree import Element

from ....presets.console import SEND_OFF_DB, HighCut, LowCut, Master, Strip
from ....presets.edit import Bus
from ....presets.preset import Preset, Track
from ....presets.units import decibels
from ...desks.keys import label_of
from ...desks.profile import Desk, Setting
from ...fitting.abilities import Clamp, clamp_words
from ...fitting.plugins.ace import cuts_of, strip_cuts
from ...fitting.preset import fit_preset
from ...fitting.strip import FittedStrip
from ...fitting.unfit import unfit
from ..writing import plugins_stay
from .controls import MUTE, SILENCE_DB, control_node, set_control, set_mute, to_manual, with_balance
from .plugins import PluginKind, other_plugins, own_plugin, plugin_values, put_plugin, remove_plugin
from .routing import connected
from .strips import inputs, is_inverted
from .xml import FaultError, flag, number

# How far an EQ may be off before it is said.
_EQ_OFF_DB: Final = 0.1
_KINDS: Final[dict[str, PluginKind]] = {
    "{plugin.eq}": "eq",
    "{plugin.compressor}": "compressor",
    "{plugin.gate}": "gate",
    "{plugin.cuts}": "cuts",
}
# What every strip has.
_ALWAYS: Final[tuple[PluginKind, ...]] = ("eq", "compressor")
_GATE_ON, _ON = 11, 1.0
_SEND: Final = "/strip/send/gain"
# What is fitted beside the desk's settings: cuts more exactly than OSC's fixed resonance allows, and sends.
_BESIDE: Final = {
    "low_cut": LowCut(),
    "high_cut": HighCut(),
    "reverb_send_db": SEND_OFF_DB,
    "delay_send_db": SEND_OFF_DB,
}
# Where its return comes as audio.
_RENDERED: Final = {"fx_send_db": SEND_OFF_DB}


class StripWriter:
    """Puts strips of a mix into a session.

    Args:
        root: of the session's file.
        desk: Ardour's profile.
        sample_rate_hz: of the session.
        has_returns: the returns that Ardour has no effect for come as audio.

    Attributes:
        notes: what is not as the mix has it, in sentences.
    """

    def __init__(self, root: Element, desk: Desk, sample_rate_hz: int, *, has_returns: bool = False):
        self._root, self._desk, self._rate_hz = root, desk, sample_rate_hz
        self._beside = {**_BESIDE, **(_RENDERED if has_returns else {})}
        self.notes: list[str] = []

    def put(self, chosen: Iterable[tuple[Element, Track]], master: tuple[Element, Master] | None = None) -> None:
        """Set strips, and the master if it is given; faders and pans are in Ardour's terms already."""
        pairs = list(chosen)
        plain = tuple(_plain(track, place, self._beside) for place, (_, track) in enumerate(pairs))
        preset = Preset(tracks=plain) if master is None else Preset(tracks=plain, master=master[1])
        fitted = fit_preset(preset, self._desk, {track.name: 1 for track in plain}, self._rate_hz)
        for (route, track), shown in zip(pairs, plain, strict=True):
            self._strip(route, "track", track.strip, fitted.strips[shown.name])
        if master is not None and fitted.master is not None:
            self._strip(master[0], "master", master[1], fitted.master)
        self.notes.extend(fitted.lost)

    def _strip(self, route: Element, kind: str, wanted: Bus, fitted: FittedStrip) -> None:
        values: dict[PluginKind, dict[int, float]] = {"eq": {}, "compressor": {}, "gate": {}, "cuts": {}}
        name = "Master" if kind == "master" else route.get("name", "")
        notes = list(_fitting_notes(fitted))
        for setting in self._desk.settings(kind, 1, fitted.values):
            place = place_of_plugin(setting)
            if place is not None:
                values[place[0]][place[1]] = float(setting.value)
                continue
            if setting.address == MUTE:
                notes.extend(set_mute(route, muted=bool(setting.value)))
                continue
            if setting.address == _SEND:  # the business of :mod:`.returns`
                continue
            control = control_node(route, setting.address)
            if control is None:
                notes.extend(_left_out(setting))
            else:
                notes.extend(set_control(setting, control))
        notes.extend(plugins_stay(list(other_plugins(route, self._desk))))
        for plugin in _ALWAYS:
            notes.extend(self._plugin(route, plugin, values[plugin]))
        if kind == "track":
            notes.extend(self._stages(route, wanted, values["gate"]))
            notes.extend(with_balance(route))
            notes.extend(connected(self._root, route))
            if is_inverted(route):
                notes.append("its polarity stays inverted, other than in the mix.")
        self.notes.extend(f"{name}: {note}" for note in notes)

    def _stages(self, route: Element, wanted: Bus, gate: Mapping[int, float]) -> Iterator[str]:
        """Set the gate and the cuts; without them, take them out."""
        if not isinstance(wanted, Strip):
            return
        if gate.get(_GATE_ON) == _ON:
            yield from self._plugin(route, "gate", gate)
        else:
            remove_plugin(route, "gate", self._desk)
        cuts = strip_cuts(wanted.low_cut, wanted.high_cut)
        if cuts is None:
            remove_plugin(route, "cuts", self._desk)
            return
        yield from self._plugin(route, "cuts", cuts.values)
        yield from (f"{text}." for text in cuts.lost)

    def _plugin(self, route: Element, kind: PluginKind, values: Mapping[int, float]) -> Iterator[str]:
        node = put_plugin(route, kind, values, self._desk, min(2, inputs(route)))
        yield from to_manual(node, None, f"the automation of {node.get('name')}")


def strip_values(route: Element, desk: Desk, kind: str) -> dict[str, float | str] | None:
    """Read a strip's settings by the desk's keys; None if it has not both of mixbridge's EQ and compressor."""
    parameters: dict[PluginKind, dict[int, float]] = {}
    for plugin in (*_ALWAYS, "gate"):
        node = own_plugin(route, plugin, desk)
        if node is None and plugin in _ALWAYS:
            return None
        parameters[plugin] = {} if node is None else plugin_values(node, plugin)
    return values_of(route, desk, kind, parameters)


def values_of(
    route: Element, desk: Desk, kind: str, plugins: Mapping[PluginKind, Mapping[int, float]]
) -> dict[str, float | str]:
    """Read a strip's settings by the desk's keys, with values of mixbridge's plug-ins that are given."""
    values: dict[str, float | str] = {}
    for setting in desk.questions(kind, 1):
        wire = _wire_value(route, setting, plugins)
        if wire is not None:
            values[setting.key] = setting.scale.decode(wire)
    return values


def strip_of(route: Element, values: Mapping[str, float | str], desk: Desk) -> Strip:
    """Make a strip of the settings that :func:`strip_values` read, with its cuts."""
    strip = unfit(values, desk, "track").strip
    if not isinstance(strip, Strip):
        raise FaultError("a track has the settings of a master")
    cuts = _plugin_values(route, "cuts", desk)
    if cuts is not None:
        low_cut, high_cut = cuts_of(cuts)
        strip = strip.model_copy(update={"low_cut": low_cut, "high_cut": high_cut})
    return strip


def _plugin_values(route: Element, kind: PluginKind, desk: Desk) -> dict[int, float] | None:
    node = own_plugin(route, kind, desk)
    return None if node is None else plugin_values(node, kind)


def _plain(track: Track, place: int, beside: Mapping[str, object]) -> Track:
    """A track as the desk's settings alone can say it, under a name that no other has."""
    return Track(name=f"{place}", strip=track.strip.model_copy(update=beside), mute=track.mute)


def place_of_plugin(setting: Setting) -> tuple[PluginKind, int] | None:
    """Find which parameter of which plug-in a setting is."""
    match setting.before:
        case (_, str() as plugin, int() as parameter) if plugin in _KINDS:
            return _KINDS[plugin], parameter
        case _:
            return None


def _left_out(setting: Setting) -> Iterator[str]:
    neutral = {"/strip/pan_stereo_position": 0.5, "/strip/trimdB": 0.0}.get(setting.address)
    if neutral is None or abs(float(setting.value) - neutral) > 1e-6:
        yield f"its {label_of(setting.key)} is left out: the session has no such control there."


def _fitting_notes(fitted: FittedStrip) -> Iterator[str]:
    yield from (f"{text[0].lower()}{text[1:]}" for text in fitted.lost)
    yield from map(_clamp_note, fitted.clamped)
    if fitted.eq is not None and fitted.eq.max_db > _EQ_OFF_DB:
        yield f"its EQ is up to {fitted.eq.max_db:.1f} dB off, which ACE EQ comes nearest with."


def _clamp_note(clamp: Clamp) -> str:
    return f"its {clamp_words(clamp)}, the limit in Ardour."


def _wire_value(route: Element, setting: Setting, plugins: Mapping[PluginKind, Mapping[int, float]]) -> float | None:
    """Return what OSC would answer for a setting; None if the strip does not have it."""
    place = place_of_plugin(setting)
    if place is not None:
        return plugins.get(place[0], {}).get(place[1])
    if setting.address == MUTE:
        return float(any(flag(node, "muted") for node in route.findall("MuteMaster")))
    control = control_node(route, setting.address)
    if control is None:
        return None
    value = number(control[1], "value")
    if setting.address == "/strip/pan_stereo_position":
        return 1 - value
    return decibels(value) if value > 0 else SILENCE_DB
