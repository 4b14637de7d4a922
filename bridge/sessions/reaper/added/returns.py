"""Groups of tracks and effect returns of a mix in a REAPER project, and back: tracks of mixbridge's, with sends.

A group is a track that others send to at 0 dB instead of to the master, with the plug-ins of a strip. The reverb's has
ReaVerbate, the delay's ReaDelay; sends to them are behind the fader and pan, as in the console.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from .....presets.console import SEND_OFF_DB, Delay, Reverb, Strip, parameters
from .....presets.edit import without_input_gain
from .....presets.errors import SessionError
from .....presets.lanes.lane import Lane
from .....presets.names import unique_names
from .....presets.preset import GroupBus, Preset, Track
from .....presets.units import decibels, gain_factor
from .....runtime.console.effects.buses import DELAY, FX_BUS, REVERB
from ....fitting.plugins.rea_effects import delay_of, fit_delay, fit_reverb, reverb_of
from ...core.balance import from_daw, to_daw
from ...core.model import Automation
from ...core.moving import MOVABLE, Carried, lanes_of_fader, level_lane, moving_fader, moving_sends, sends_open
from ...core.returned import MARK, TITLES
from ...core.sends import SENDS, send_levels_db, used_effects
from ..chains import States, state_of, states_by_kind, states_in
from ..codecs import delay_in, delay_state, reverb_in, reverb_state
from ..curves import automation_of
from ..edits import ProjectEdits
from ..faders import FaderReader
from ..mixer import Mixer, TrackBlock
from ..notes import fitting_notes
from ..rpp import ReaperDocument
from ..states import states_of, strip_of
from .envelopes import send_envelope
from .own import OwnTrack, Receive, marked, put_tracks

# So much of a name leaves room for a number.
_NAME: Final = 180
_MOST_GROUPS: Final = 128
_TRIM_READ: Final = 0


class ReaperReturnWriter:
    """Adds the groups and returns of a mix to a project, and lets its tracks go there.

    Args:
        edits: of the project, in which an earlier mix has left none.
        mixer: of the project.
        sample_rate_hz: of the project.
        has_returns: whether the fx bus comes as audio.

    Attributes:
        notes: what is not as the mix has it, in sentences.
    """

    def __init__(self, edits: ProjectEdits, mixer: Mixer, sample_rate_hz: int, *, has_returns: bool):
        self._has_returns = has_returns
        self._edits, self._mixer, self._rate_hz = edits, mixer, sample_rate_hz
        self._taken = {track.name for track in mixer.tracks}
        # What each track that is added hears, by its number.
        self._receives: defaultdict[int, list[Receive]] = defaultdict(list)
        self.notes: list[str] = []

    def write(self, mixed: Mapping[int, Track], preset: Preset) -> set[Carried]:
        """Add the groups that tracks go to, and the effects that anything is sent to.

        Args:
            mixed: the tracks of the mix, by the order of the project's that each is on.
            preset: the mix.

        Returns:
            Lanes of sends and groups that the project has then.
        """
        wanted = {track.bus for track in mixed.values()}
        groups = [group for group in preset.buses if group.name in wanted]
        numbers = {group.name: len(self._mixer.tracks) + place for place, group in enumerate(groups)}
        owners: dict[int, Track | GroupBus] = {**mixed, **{numbers[group.name]: group for group in groups}}
        strips = {order: sends_open(owner.strip, owner.lanes) for order, owner in owners.items()}
        moving = {order: moving_sends(strips[order], owner.lanes) for order, owner in owners.items()}
        sends = {order: send_levels_db(without_input_gain(strip), (REVERB, DELAY)) for order, strip in strips.items()}
        used = used_effects(sends.values(), preset.delay)
        effects = {name: len(self._mixer.tracks) + len(groups) + place for place, name in enumerate(used)}
        if DELAY in effects and preset.delay.reverb_send_db > SEND_OFF_DB:
            sends[effects[DELAY]] = {REVERB: preset.delay.reverb_send_db}
        for order, levels_db in sends.items():
            for name, level_db in levels_db.items():
                over_time = moving.get(order, {}).get(SENDS[name])
                self._receives[effects[name]].append(Receive(order, gain_factor(level_db), over_time))
        names = {group.name: marked(group.name, self._taken) for group in groups}
        for order, track in mixed.items():
            if track.bus is not None:
                self._receives[numbers[track.bus]].append(Receive(order, 1.0))
                self._move(self._mixer.tracks[order], names[track.bus])
        tracks = [self._group(group, names[group.name], numbers[group.name]) for group in groups]
        tracks += [self._effect(name, number, preset) for name, number in effects.items()]
        put_tracks(self._edits, self._mixer, tracks)
        carried = {(owners[order].name, path) for order, found in moving.items() for path in found}
        carried = {(owner, path) for owner, path in carried if path != SENDS[FX_BUS]}
        return carried | {(group.name, path) for group in groups for path in MOVABLE}

    def _move(self, track: TrackBlock, group: str) -> None:
        """Take a track off the way that it goes: its folder or the master, or a send."""
        route = self._mixer.route(track.order)
        self._edits.set(track.block, "MAINSEND", {1: "0"}, "{} 0")
        if route.send is not None:
            self._edits.change(route.send.row, {5: "1"})
        if route.parent is not None:
            went = self._mixer.tracks[route.parent].name
            self.notes.append(f"{track.name}: goes to {group}, no more to {went[:80]}.")

    def _group(self, group: GroupBus, name: str, number: int) -> OwnTrack:
        states = states_of(group.strip, self._rate_hz)
        setting = to_daw(states.fader_db, states.pan, 2, "balance")
        notes = fitting_notes(group.strip, states, self._rate_hz, has_returns=self._has_returns)
        self.notes.extend(f"{name}: {note}" for note in notes)
        return OwnTrack(
            name,
            gain_factor(setting.gain_db),
            setting.pan,
            group.mute,
            states_by_kind(states),
            self._heard(number),
            moving_fader(Track(name="group", strip=group.strip, lanes=group.lanes), 2, "balance"),
        )

    def _effect(self, name: str, number: int, preset: Preset) -> OwnTrack:
        if name == REVERB:
            reverb = fit_reverb(preset.reverb)
            states: States = {"reverb": reverb_state(reverb.plugin)}
            fader_db, lost = reverb.fader_db, reverb.lost
        else:
            delay = fit_delay(preset.delay)
            states = {"delay": delay_state(delay.plugin)}
            fader_db, lost = delay.fader_db, delay.lost
        self.notes.append(lost)
        title = marked(TITLES[name], self._taken)
        return OwnTrack(title, gain_factor(fader_db), 0.0, False, states, self._heard(number))

    def _heard(self, number: int) -> list[Receive]:
        return sorted(self._receives[number], key=lambda receive: receive.source)


class ReaperReturnReader:
    """Reads the groups and returns of mixbridge's in a project.

    Args:
        document: the project.
        mixer: of the project.

    Raises:
        SessionError: their plug-ins were changed to something that no preset holds.
    """

    def __init__(self, document: ReaperDocument, mixer: Mixer):
        self._document, self._mixer = document, mixer
        self._faders = FaderReader(document)
        own = [track for track in mixer.tracks if track.is_own]
        self._effects = {name: track for track in own if (name := self._effect_of(track)) is not None}
        groups = [track for track in own if self._effect_of(track) is None]
        # A user may have made two of one.
        names = unique_names(track.name.removesuffix(MARK)[:_NAME] for track in groups)
        self._groups = {track.order: name for track, name in zip(groups, names, strict=True)}

    def track(self, block: TrackBlock, track: Track) -> Track:
        """Add to a track of a mix the group that it goes to, and its sends."""
        parent = self._mixer.route(block.order).parent
        group = None if parent is None else self._groups.get(parent)
        lanes = (*track.lanes, *self._send_lanes(block))
        return track.model_copy(update={"bus": group, "strip": self._with_sends(block, track.strip), "lanes": lanes})

    def preset(self, tracks: Iterable[Track]) -> Preset:
        """Make a mix of its tracks, with its groups and effects."""
        if len(self._groups) > _MOST_GROUPS:
            raise SessionError(
                f"{self._document.path} has {len(self._groups)} groups of mixbridge's; {_MOST_GROUPS} are the most."
            )
        reverb, delay = self._effects.get(REVERB), self._effects.get(DELAY)
        return Preset(
            tracks=tuple(tracks),
            buses=tuple(self._group(self._mixer.tracks[order], name) for order, name in self._groups.items()),
            reverb=Reverb() if reverb is None else self._reverb(reverb),
            delay=Delay() if delay is None else self._delay(delay),
        )

    def _group(self, track: TrackBlock, name: str) -> GroupBus:
        states, volpan = states_in(self._document, track.block), track.row("VOLPAN")
        pan = min(1.0, max(-1.0, volpan.number(2)))
        setting = from_daw(_level_db(track), pan, 2, "balance")
        strip = Strip(fader_db=setting.gain_db, pan=setting.pan)
        if states is not None:
            read = strip_of(*states, setting.gain_db, setting.pan)
            if read is None:
                raise self._changed(track)
            strip = read
        mute = bool(track.row("MUTESOLO").whole(1))
        fader = self._faders.read(track.block, track.rows)
        own = lanes_of_fader(fader.volume, fader.pan_automation, fader.gain_db, fader.pan, 2, "balance")
        return GroupBus(
            name=name, strip=self._with_sends(track, strip), mute=mute, lanes=(*own, *self._send_lanes(track))
        )

    def _effect_of(self, track: TrackBlock) -> str | None:
        if state_of(self._document, track.block, "reverb") is not None:
            return REVERB
        return DELAY if state_of(self._document, track.block, "delay") is not None else None

    def _reverb(self, track: TrackBlock) -> Reverb:
        plugin = reverb_in(state_of(self._document, track.block, "reverb") or b"")
        if plugin is None:
            raise self._changed(track)
        return reverb_of(plugin, _level_db(track))

    def _delay(self, track: TrackBlock) -> Delay:
        plugin = delay_in(state_of(self._document, track.block, "delay") or b"")
        if plugin is None:
            raise self._changed(track)
        sends = dict(self._sends(track))
        delay = delay_of(plugin, _level_db(track))
        return delay.model_copy(update={"reverb_send_db": sends.get(REVERB, SEND_OFF_DB)})

    def _with_sends(self, track: TrackBlock, strip: Strip) -> Strip:
        return strip.model_copy(update={f"{name.split()[0]}_send_db": db for name, db in self._sends(track)})

    def _sends(self, track: TrackBlock) -> Iterator[tuple[str, float]]:
        row = parameters(Strip)["reverb_send_db"]
        for name, effect in self._effects.items():
            for send in self._mixer.sends_to(effect.order):
                if send.source == track.order:
                    yield name, row.clamp(decibels(abs(send.row.number(3, 1.0))))

    def _send_lanes(self, track: TrackBlock) -> Iterator[Lane]:
        """Read what moves the levels of a track's sends."""
        for name, effect in self._effects.items():
            for send in self._mixer.sends_to(effect.order):
                block = send_envelope(self._document, effect.block, send.row) if send.source == track.order else None
                level = None if block is None else automation_of(self._document, block)
                if level is None:
                    continue
                if send.row.whole(12, -1) == _TRIM_READ:  # the send's level works behind it
                    factor = abs(send.row.number(3, 1.0))
                    level = Automation(tuple((at, value * factor) for at, value in level.points), level.interpolation)
                found = level_lane(SENDS[name], parameters(Strip)[SENDS[name]], level)
                if found is not None:
                    yield found

    def _changed(self, track: TrackBlock) -> SessionError:
        return SessionError(
            f"{self._document.path}: mixbridge's plug-ins on {track.name[:80]!r} were changed to what no preset holds."
        )


def _level_db(track: TrackBlock) -> float:
    return decibels(max(abs(track.row("VOLPAN").number(1, 1.0)), 1e-9))
