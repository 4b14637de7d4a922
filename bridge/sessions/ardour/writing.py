"""Writes a mix into a new snapshot of an Ardour session: faders, pans, and Ardour's own EQ and compressor on strips.

A snapshot stands beside its session and shares its audio. All that is not one of these stays as it is; plug-ins of the
user's stay behind the new ones, and points of automation that would hide the mix stay, switched to Manual.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from ....presets.console import Strip
from ....presets.errors import SessionError
from ....presets.names import unique_names
from ....presets.preset import Preset, Track
from ....presets.units import decibels
from ...desks.keys import label_of
from ...desks.loading import load_desk
from ...desks.profile import Desk, Setting
from ...fitting.abilities import Clamp, clamp_words
from ...fitting.preset import fit_preset
from ...fitting.strip import FittedStrip
from ...fitting.unfit import unfit
from ..core.media import Resolver
from ..core.model import PanLaw, Session, SessionGroup
from ..writing import (
    Written,
    group_to_rest,
    in_terms_of,
    in_terms_of_mix,
    left_out,
    matched,
    moved_groups,
    plugins_stay,
    save,
    solos_stay,
    stem_channels,
)
from .controls import (
    MUTE,
    SILENCE_DB,
    control_node,
    rest_bus,
    rest_master,
    rest_vca,
    set_control,
    set_mute,
    to_manual,
    with_balance,
)
from .plugins import PluginKind, other_plugins, own_plugin, plugin_values, put_plugin
from .reading import audio_routes, read
from .routing import connected, masters
from .strips import has_panner, inputs, is_inverted
from .xml import FaultError, flag, number, parse, whole

# How far an EQ may be off before it is said.
_EQ_OFF_DB: Final = 0.1
_KINDS: Final[dict[str, PluginKind]] = {"{plugin.eq}": "eq", "{plugin.compressor}": "compressor"}
# So much of a name leaves room for a number in a preset's.
_NAME: Final = 180


def write(
    session: Session, preset: Preset, output: Path, *, match: Mapping[str, str], overwrite: bool = False
) -> Written:
    """Write a snapshot of a session with a preset in it.

    Args:
        session: the session's `.ardour` file, as it was read; its file is not changed.
        preset: the mix.
        output: the snapshot, an `.ardour` file in the same folder.
        match: name of the preset's track to that of the session's; those that are in no pair stay as they are.
        overwrite: replace a snapshot that is there.

    Raises:
        SessionError: the session cannot be read, a track is missing, or the snapshot would be in another folder.
        OutputError: the snapshot cannot be written.
    """
    session_path = session.path
    folder = session_path.absolute().parent
    if output.suffix != ".ardour" or output.absolute().parent != folder:
        raise SessionError(
            f"{output} is no snapshot of {session_path}: it has to be an .ardour file in the folder {folder}, where "
            "the session's audio is."
        )
    root = parse(session_path)
    try:
        routes = audio_routes(root)
        chosen = matched(session_path, [route.get("name", "") for route in routes], preset, match)
        writer = _Writer(root, load_desk("ardour"))
        channels = stem_channels(session)
        laws = [_law(route) for route in routes]
        there = {place: in_terms_of(track, channels[place], laws[place]) for place, track in chosen.items()}
        writer.tracks({routes[place]: track for place, track in there.items()}, preset)
        writer.groups(moved_groups(session, chosen).values())
        writer.number_all()
    except FaultError as fault:
        raise SessionError(f"{session_path}: {fault}.") from fault
    writer.notes.extend((*solos_stay(session), *left_out(preset, match)))
    save(session_path, output, ElementTree.tostring(root, "UTF-8", xml_declaration=True), overwrite=overwrite)
    return Written(output, tuple(writer.notes))


def written_mix(path: Path) -> Preset:
    """Read the mix that was written into a session: its tracks that have mixbridge's plug-ins, in desk form.

    Raises:
        SessionError: the session cannot be read.
    """
    session = read(path, Resolver(path.absolute().parent, allow_outside=True))
    root = parse(path)
    desk = load_desk("ardour")
    try:
        routes = audio_routes(root)
        names = unique_names(route.get("name", "")[:_NAME] for route in routes)
        tracks = []
        for name, route, channels in zip(names, routes, stem_channels(session), strict=True):
            values = _values(route, desk, "track")
            if values is not None:
                strip = in_terms_of_mix(_strip_of(values, desk), channels, _law(route))
                tracks.append(Track(name=name, strip=strip, mute=bool(values["mute"])))
        master = next(filter(None, (_values(route, desk, "master") for route in masters(root))), None)
    except (FaultError, ValueError) as fault:
        raise SessionError(f"{path}: {fault}.") from fault
    preset = Preset(tracks=tuple(tracks))
    if master is None:
        return preset
    return preset.model_copy(update={"master": unfit(master, desk, "master").strip})


class _Writer:
    """Puts a preset into the tree of one session."""

    def __init__(self, root: Element, desk: Desk):
        self._root, self._desk = root, desk
        self._rate_hz = whole(root.get("sample-rate", ""), "sample rate")
        if not 8000 <= self._rate_hz <= 192_000:
            raise FaultError(f"its sample rate is {self._rate_hz} Hz, which is not between 8000 and 192000")
        self.notes: list[str] = []

    def tracks(self, chosen: Mapping[Element, Track], preset: Preset) -> None:
        """Set the strips of the tracks that are in the mix, and the master."""
        names = {track.name: 1 for track in chosen.values()}
        tracks = tuple(chosen.values())
        others = tuple(track for track in preset.tracks if track.name not in names)
        there = preset.model_copy(update={"tracks": (*tracks, *others)})
        fitted = fit_preset(there, self._desk, names, self._rate_hz)
        for route, track in chosen.items():
            self._strip(route, "track", fitted.strips[track.name])
        master = next(iter(masters(self._root)), None)
        if fitted.master is not None and master is not None:
            self.notes.extend(f"Master: {note}" for note in rest_master(master))
            self._strip(master, "master", fitted.master)
        else:
            self.notes.append("The session has no master: what the mix does there is left out.")
        self.notes.extend(fitted.lost)

    def groups(self, groups: Iterable[SessionGroup]) -> None:
        """Set busses and VCAs to rest that would change the balance of the mix."""
        busses = {route.get("id", ""): route for route in self._root.findall("Routes/Route")}
        vcas = {node.get("number", ""): node for node in self._root.iterfind("VCAManager/VCA")}
        rested: set[Element] = set()
        for group in groups:
            node = (vcas if group.kind == "VCA" else busses)[group.identity]
            if node not in rested:
                rested.add(node)
                is_vca = group.kind == "VCA"
                notes = list(rest_vca(self._root, node) if is_vca else (*rest_bus(node), *connected(self._root, node)))
                self.notes.append(group_to_rest(group))
                self.notes.extend(f"{group.name}: {note}" for note in notes)

    def number_all(self) -> None:
        """Give ids to what is new: Ardour's are unique in a session, and it goes on counting from the last."""
        taken = [node.get("id", "") for node in self._root.iter() if "id" in node.attrib]
        last = max(
            (int(text) for text in (*taken, self._root.get("id-counter", "0")) if text.isdecimal() and len(text) < 19),
            default=0,
        )
        for node in self._root.iter("Processor"):
            if "id" not in node.attrib:
                last += 1
                node.set("id", str(last))
        self._root.set("id-counter", str(last))

    def _strip(self, route: Element, kind: str, fitted: FittedStrip) -> None:
        values: dict[PluginKind, dict[int, float]] = {"eq": {}, "compressor": {}}
        name = "Master" if kind == "master" else route.get("name", "")
        notes = list(_fitting_notes(fitted))
        for setting in self._desk.settings(kind, 1, fitted.values):
            place = _plugin_place(setting)
            if place is not None:
                values[place[0]][place[1]] = float(setting.value)
                continue
            if setting.address == MUTE:
                notes.extend(set_mute(route, muted=bool(setting.value)))
                continue
            control = control_node(route, setting.address)
            if control is None:
                notes.extend(_left_out(setting))
            else:
                notes.extend(set_control(setting, control))
        notes.extend(plugins_stay(list(other_plugins(route, self._desk))))
        for plugin, numbers in values.items():
            node = put_plugin(route, plugin, numbers, self._desk, min(2, inputs(route)))
            notes.extend(to_manual(node, None, f"the automation of {node.get('name')}"))
        if kind == "track":
            notes.extend(with_balance(route))
            notes.extend(connected(self._root, route))
            if is_inverted(route):
                notes.append("its polarity stays inverted, other than in the mix.")
        self.notes.extend(f"{name}: {note}" for note in notes)


def _law(route: Element) -> PanLaw:
    """Return what a track's pan means once it has the panner that a copy gives it."""
    return "ardour" if inputs(route) == 1 and has_panner(route) else "balance"


def _strip_of(values: Mapping[str, float | str], desk: Desk) -> Strip:
    strip = unfit(values, desk, "track").strip
    if not isinstance(strip, Strip):
        raise FaultError("a track has the settings of a master")
    return strip


def _plugin_place(setting: Setting) -> tuple[PluginKind, int] | None:
    """Return which parameter of which plug-in a setting is."""
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


def _values(route: Element, desk: Desk, kind: str) -> dict[str, float | str] | None:
    """Read a strip's settings by the desk's keys; None if it has not both of mixbridge's plug-ins."""
    parameters: dict[PluginKind, dict[int, float]] = {}
    for plugin in _KINDS.values():
        node = own_plugin(route, plugin, desk)
        if node is None:
            return None
        parameters[plugin] = plugin_values(node, plugin)
    values: dict[str, float | str] = {}
    for setting in desk.questions(kind, 1):
        wire = _wire_value(route, setting, parameters)
        if wire is not None:
            values[setting.key] = setting.scale.decode(wire)
    return values


def _wire_value(route: Element, setting: Setting, plugins: Mapping[PluginKind, Mapping[int, float]]) -> float | None:
    """Return what OSC would answer for a setting; None if the strip does not have it."""
    place = _plugin_place(setting)
    if place is not None:
        return plugins[place[0]].get(place[1])
    if setting.address == MUTE:
        return float(any(flag(node, "muted") for node in route.findall("MuteMaster")))
    control = control_node(route, setting.address)
    if control is None:
        return None
    value = number(control[1], "value")
    if setting.address == "/strip/pan_stereo_position":
        return 1 - value
    return decibels(value) if value > 0 else SILENCE_DB
