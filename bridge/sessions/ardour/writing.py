"""Writes a mix into a new snapshot of an Ardour session: faders, pans, and Ardour's own plug-ins on strips and returns.

A snapshot stands beside its session and shares its audio. All that is not one of these stays as it is; plug-ins of the
user's stay behind the new ones, and points of automation that would hide the mix stay, switched to Manual.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from ....presets.console import Master, Strip
from ....presets.errors import SessionError
from ....presets.names import unique_names
from ....presets.preset import Preset, Track
from ...desks.loading import load_desk
from ...fitting.unfit import unfit
from ..core.media import Resolver
from ..core.model import PanLaw, Session, SessionGroup
from ..core.moving import MASTER, MASTER_FADER, Carried, MovingFader, lanes_left_out, moving_fader, moving_master
from ..core.returned import ReturnAudio
from ..writing import (
    Written,
    group_to_rest,
    in_terms_of,
    in_terms_of_mix,
    left_out,
    matched,
    moved_groups,
    save,
    solos_stay,
    stem_channels,
)
from .busses import Busses, Ids
from .channel import StripWriter, strip_of, strip_values
from .controls import rest_bus, rest_master, rest_vca
from .lanes import put_lanes, put_level
from .moving import put_plugin_lanes, read_plugin_lanes
from .reading import audio_routes, read
from .returned import put_return_audio
from .returns import ReturnReader, ReturnWriter
from .routing import connected, masters
from .strips import has_panner, inputs, processor
from .xml import Clock, FaultError, parse, whole

# So much of a name leaves room for a number in a preset's.
_NAME: Final = 180


def write(
    session: Session,
    preset: Preset,
    output: Path,
    *,
    match: Mapping[str, str],
    returns: Sequence[ReturnAudio] = (),
    overwrite: bool = False,
) -> Written:
    """Write a snapshot of a session with a preset in it.

    Args:
        session: the session's `.ardour` file, as it was read; its file is not changed.
        preset: the mix.
        output: the snapshot, an `.ardour` file in the same folder.
        match: name of the preset's track to that of the session's; those that are in no pair stay as they are.
        returns: of effects, as audio; a track for each, its file in the session's folder of audio.
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
        writer = _Writer(root, has_returns=bool(returns))
        channels = stem_channels(session)
        laws = [_law(route) for route in routes]
        there = {place: in_terms_of(track, channels[place], laws[place]) for place, track in chosen.items()}
        writer.mix({routes[place]: track for place, track in there.items()}, preset)
        for place, track in chosen.items():
            writer.lanes(routes[place], track, moving_fader(track, channels[place], laws[place], "ardour_gain"))
        writer.master_lanes(preset)
        writer.rest(moved_groups(session, chosen).values())
        audio = put_return_audio(root, writer.busses, writer.ids, returns, output)
        writer.ids.number_processors()
    except FaultError as fault:
        raise SessionError(f"{session_path}: {fault}.") from fault
    save(
        session_path,
        output,
        ElementTree.tostring(root, "UTF-8", xml_declaration=True),
        overwrite=overwrite,
        audio=audio,
    )
    lanes = lanes_left_out(preset, list(match), writer.carried)
    return Written(output, (*writer.notes, *solos_stay(session), *left_out(preset, match), *lanes))


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
        clock = Clock(root)
        returns = ReturnReader(Busses(root, Ids(root)), desk, clock)
        tracks = []
        for name, route, channels in zip(names, routes, stem_channels(session), strict=True):
            values = strip_values(route, desk, "track")
            if values is not None:
                strip = in_terms_of_mix(strip_of(route, values, desk), channels, _law(route))
                lanes = read_plugin_lanes(route, desk, Strip, clock)
                tracks.append(
                    returns.track(route, Track(name=name, strip=strip, lanes=lanes, mute=bool(values["mute"])))
                )
        master = next(filter(None, (strip_values(route, desk, "master") for route in masters(root))), None)
        preset = returns.preset(tracks)
        master_lanes = tuple(item for route in masters(root) for item in read_plugin_lanes(route, desk, Master, clock))
    except (FaultError, ValueError) as fault:
        raise SessionError(f"{path}: {fault}.") from fault
    if master is None:
        return preset
    return preset.model_copy(update={"master": unfit(master, desk, "master").strip, "master_lanes": master_lanes})


class _Writer:
    """Puts a preset into the tree of one session."""

    def __init__(self, root: Element, *, has_returns: bool):
        self._root = root
        rate_hz = whole(root.get("sample-rate", ""), "sample rate")
        if not 8000 <= rate_hz <= 192_000:
            raise FaultError(f"its sample rate is {rate_hz} Hz, which is not between 8000 and 192000")
        desk = load_desk("ardour")
        self.ids = Ids(root)
        self.busses = Busses(root, self.ids)
        self.busses.remove_own()
        self._strips = StripWriter(root, desk, rate_hz, has_returns=has_returns)
        self._returns = ReturnWriter(self.busses, self._strips, desk, self.ids, rate_hz)
        self._rested: list[str] = []
        self._desk, self._rate_hz = desk, rate_hz
        # Lanes that the session has, beside faders and pans of tracks.
        self.carried: set[Carried] = set()

    @property
    def notes(self) -> tuple[str, ...]:
        """What is not as the preset has it, in sentences."""
        return (*self._strips.notes, *self._returns.notes, *self._rested)

    def mix(self, chosen: Mapping[Element, Track], preset: Preset) -> None:
        """Set the strips of the tracks that are in the mix, the master, the groups and the effects."""
        master = next(iter(masters(self._root)), None)
        if master is None:
            self._rested.append("The session has no master: what the mix does there is left out.")
        else:
            self._rested.extend(f"Master: {note}" for note in rest_master(master))
        self._strips.put(chosen.items(), None if master is None else (master, preset.master))
        self.carried |= self._returns.write(chosen, preset)

    def lanes(self, route: Element, track: Track, moving: MovingFader) -> None:
        """Let a strip's fader, pan and plug-ins move."""
        self._rested.extend(f"{route.get('name', '')}: {note}" for note in put_lanes(route, moving, self.ids))
        put = put_plugin_lanes(route, track.strip, track.lanes, self._desk, self._rate_hz, self.ids)
        self.carried |= {(track.name, path) for path in put}

    def master_lanes(self, preset: Preset) -> None:
        """Let the master's fader and plug-ins move."""
        master = next(iter(masters(self._root)), None)
        if master is None:
            return
        volume, fader = moving_master(preset, "ardour_gain"), processor(master, "amp")
        if volume is not None and fader is not None:
            put_level(fader, "gain", volume, self.ids)
            self.carried.add((MASTER, MASTER_FADER))
        put = put_plugin_lanes(master, preset.master, preset.master_lanes, self._desk, self._rate_hz, self.ids)
        self.carried |= {(MASTER, path) for path in put}

    def rest(self, groups: Iterable[SessionGroup]) -> None:
        """Set busses and VCAs to rest that would change the balance of the mix."""
        busses = {route.get("id", ""): route for route in self._root.findall("Routes/Route")}
        vcas = {node.get("number", ""): node for node in self._root.iterfind("VCAManager/VCA")}
        rested: set[Element] = set()
        for group in groups:
            node = (vcas if group.kind == "VCA" else busses).get(group.identity)
            if node is not None and node not in rested:  # a bus of an earlier mix is there no more
                rested.add(node)
                is_vca = group.kind == "VCA"
                notes = list(rest_vca(self._root, node) if is_vca else (*rest_bus(node), *connected(self._root, node)))
                self._rested.append(group_to_rest(group))
                self._rested.extend(f"{group.name}: {note}" for note in notes)


def _law(route: Element) -> PanLaw:
    """Return what a track's pan means once it has the panner that a copy gives it."""
    return "ardour" if inputs(route) == 1 and has_panner(route) else "balance"
