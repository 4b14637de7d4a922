"""The console as it runs live: all strips, groups, effects and the master over one block after another.

At settings that stand still it makes the samples that the renderer makes. Settings move without clicks: levels by
ramps, everything else by a fade from one unit to another (:mod:`.slots`). The thread of the audio calls
:meth:`LiveConsole.process`; the rest belongs to the thread that changes settings.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ....presets.console import Master, Strip
from ...audio.reading import Samples
from ...console.effects.buses import BUSES
from ...console.moving.courses import Motion
from ...console.primitives import BUFFER_FRAMES, Hold
from .bank import MonoStrip, StripBank
from .lanes import MovingSends, lanes_from
from .parts import AnyPart, MasterPart, PartKey, Parts, RackPart, SendsPart, WetPart
from .ramps import LEVEL_RAMP_MS, Ramp, frames_of
from .ring import AudioRing
from .slots import Successor, UnitSlot
from .turns import AudioTurn
from .units import (
    AnyStrip,
    DryRows,
    MasterUnit,
    Unit,
    WetUnit,
    master_latency,
    move_levels,
    strip_latency,
    strip_unit,
    wet_latency,
)

MOST_FRAMES: Final = BUFFER_FRAMES
"""The longest block."""
# What a new unit hears before it is heard: compressors and gates are set by then, and all but the longest rooms full.
PAST_S: Final = 0.5
_PAST_OF_ROOMS_S: Final = 1.0
_RING_S: Final = 2.0


class LiveConsole:
    """A console for tracks whose number, channels and ways do not change.

    Args:
        parts: settings to begin with.
        sample_rate_hz: of the audio.
        inputs: what came in, a row a channel; whoever calls :meth:`process` writes there first. Its places are those of
            the song.
        begin: the place of the first sample that comes in.
        turn: of the audio; None where no other thread makes units.

    Attributes:
        parts: what it plays, or is on its way to.
        latency_samples: how much later everything comes out, the same for all tracks.
        peaks: highest sample of each track behind its fader since somebody set it to 0, shape (tracks,).
    """

    def __init__(self, parts: Parts, sample_rate_hz: int, inputs: AudioRing, begin: int, turn: AudioTurn | None = None):
        self.parts, self._begin = parts, begin
        self._turn = AudioTurn() if turn is None else turn
        self._rate_hz, self._inputs = sample_rate_hz, inputs
        self._effects: tuple[str, ...] = ()
        structure = parts.structure
        self._layout = DryRows(structure.used_groups)
        self._strip_latency = max(strip_latency(rack.strips[0], rack.lanes[0], sample_rate_hz) for rack in parts.racks)
        self._wet_latency = wet_latency(parts.wet.buses, structure.used_groups, sample_rate_hz)
        self._master_latency = master_latency(parts.master.master, parts.master.lanes, sample_rate_hz)
        self.latency_samples = self._strip_latency + self._wet_latency + self._master_latency

        count = len(structure.channels)
        ends = np.cumsum(structure.channels)
        rows = [slice(int(end) - channels, int(end)) for end, channels in zip(ends, structure.channels, strict=True)]
        ring_frames = round(_RING_S * sample_rate_hz) + MOST_FRAMES
        self._racks = [
            _Rack(self._strip_unit(part, places, begin), places, rows, inputs, ring_frames)
            for part, places in zip(parts.racks, structure.racks, strict=True)
        ]
        self._strips = _AllRacks(self._racks)
        self._tracks = np.zeros((count, 2, MOST_FRAMES), np.float32)
        self._absolute = np.zeros((count, 2, MOST_FRAMES), np.float32)
        self.peaks = np.zeros(count, np.float32)
        self._sends = [self._made_sends(part, begin) for part in parts.sends]
        self._senders = self._sending()
        self._groups = [
            (self._layout.rows(name), [place for place, group in enumerate(structure.groups) if group == name])
            for name in self._layout.groups
        ]
        self._ungrouped = [place for place, group in enumerate(structure.groups) if group is None]
        self._returns = [self._layout.rows(name) for name in BUSES]
        self._dry = np.zeros((2 * len(self._layout.destinations), MOST_FRAMES), np.float32)
        self._sum = np.zeros((2, MOST_FRAMES), np.float32)
        self._dry_past = AudioRing.of(len(self._dry), ring_frames)
        self._sum_past = AudioRing.of(2, ring_frames)
        self._wet = UnitSlot(self._wet_unit(parts.wet, 0), self._dry_past, 0, len(self._dry), 2, MOST_FRAMES)
        self._master = UnitSlot(self._master_unit(parts.master, 0), self._sum_past, 0, 2, 2, MOST_FRAMES)
        self._late_tracks = Hold(2 * count, self._wet_latency + self._master_latency)

    def process(self, inputs: Samples, out: Samples) -> None:
        """Fill the mix, shape (2, n), from the block that was written to the inputs last, shape (rows, n)."""
        frames = inputs.shape[1]
        tracks = self._tracks[:, :, :frames]
        self._strips.process(inputs, tracks)
        absolute = np.abs(tracks, out=self._absolute[:, :, :frames]).reshape(len(tracks), -1)
        np.maximum(self.peaks, np.maximum.reduce(absolute, axis=1), out=self.peaks)
        dry, total = self._dry[:, :frames], self._sum[:, :frames]
        self._add_up(tracks, dry)
        self._dry_past.write(dry)
        self._wet.process(dry, total)
        self._sum_past.write(total)
        self._master.process(total, out)

    def tracks(self, frames: int) -> Samples:
        """Give the tracks of the latest block, in time with the mix, shape (2 * tracks, n); once a block."""
        rows: Samples = self._late_tracks.process(self._tracks[:, :, :frames].reshape(-1, frames))
        return rows

    def _add_up(self, tracks: Samples, dry: Samples) -> None:
        """Add up what goes where, in the order of the tracks, as the renderer does."""
        dry[:] = 0
        if len(self._ungrouped) == len(tracks):
            np.add.reduce(tracks, axis=0, out=dry[:2])
        else:
            for place in self._ungrouped:
                dry[:2] += tracks[place]
        for rows, places in self._groups:
            for place in places:
                dry[rows] += tracks[place]
        for place in self._senders:
            factors = self._sends[place].next(dry.shape[1])
            for rows, factor in zip(self._returns, factors, strict=True):
                if factor.any():
                    dry[rows] += tracks[place] * factor

    def fits(self, parts: Parts) -> bool:
        """Tell whether this console can go on with other settings, or another one has to take over."""
        return (
            parts.structure == self.parts.structure
            and all(
                strip_latency(rack.strips[0], rack.lanes[0], self._rate_hz) <= self._strip_latency
                for rack in parts.racks
            )
            and wet_latency(parts.wet.buses, self._layout.groups, self._rate_hz) <= self._wet_latency
            and master_latency(parts.master.master, parts.master.lanes, self._rate_hz) <= self._master_latency
        )

    @property
    def is_busy(self) -> bool:
        """Whether some unit is being replaced."""
        return self._wet.is_busy or self._master.is_busy or any(rack.slot.is_busy for rack in self._racks)

    def is_place_busy(self, key: PartKey) -> bool:
        """Whether the unit at a place is being replaced."""
        kind, place = key
        if kind == "sends":
            return False
        slot = self._racks[place].slot if kind == "rack" else self._wet if kind == "wet" else self._master
        return slot.is_busy

    def change(self, changes: Mapping[PartKey, AnyPart], parts: Parts, fade_ms: float) -> None:
        """Go to other settings; those units that change may not be busy.

        Args:
            changes: the parts that are not as they were.
            parts: all of them, afterwards.
            fade_ms: how long units fade; levels alone take :data:`LEVEL_RAMP_MS`, or this if it is longer.
        """
        old = self.parts
        successors: list[Successor] = []
        for (kind, place), part in changes.items():
            if kind == "rack" and isinstance(part, RackPart) and not part.has_stages_of(old.racks[place]):
                rack = self._racks[place]
                # Rings of linked tracks begin with the console.
                origin = 0 if rack.is_alone else self._begin
                make = partial(self._strip_unit, part, old.structure.racks[place], origin=origin)
                successors.append(self._successor(make, rack.slot))
            elif isinstance(part, WetPart):
                successors.append(self._successor(partial(self._wet_unit, part), self._wet))
            elif isinstance(part, MasterPart):
                successors.append(self._successor(partial(self._master_unit, part), self._master))
        _bring_up(successors)
        fade_frames = frames_of(fade_ms, self._rate_hz)
        self._strips.change()
        for successor in successors:
            successor.slot.offer(successor, fade_frames)
        self._strips.change()
        self._move_levels(changes, old, max(LEVEL_RAMP_MS, fade_ms if successors else 0.0))
        self.parts = parts

    def _move_levels(self, changes: Mapping[PartKey, AnyPart], old: Parts, ramp_ms: float) -> None:
        frames = frames_of(ramp_ms, self._rate_hz)
        for (_, place), part in changes.items():
            if isinstance(part, RackPart) and part.has_stages_of(old.racks[place]):
                unit = self._racks[place].slot.unit
                if isinstance(unit, AnyStrip):
                    channels = [old.structure.channels[track] for track in old.structure.racks[place]]
                    move_levels(unit, part.strips, channels, part.muted, frames)
            elif isinstance(part, SendsPart):
                send = self._sends[place]
                if isinstance(send, Ramp) and part.strip is None:
                    send.go_to(np.array(part.levels, np.float32)[:, None], frames)
                else:
                    self._sends[place] = self._made_sends(part, self._inputs.position)
        self._senders = self._sending()

    def _sending(self) -> list[int]:
        """List the tracks whose sends are on, or on their way."""
        return [place for place, send in enumerate(self._sends) if not send.is_off]

    def _successor(self, make: Callable[[int], Unit], slot: UnitSlot) -> Successor:
        past_s = _PAST_OF_ROOMS_S if slot is self._wet else PAST_S
        return Successor(make, slot, round(past_s * self._rate_hz), self._turn)

    def _made_sends(self, part: SendsPart, begin: int) -> Ramp | MovingSends:
        if part.strip is None:
            return Ramp(np.array(part.levels, np.float32)[:, None])
        lanes = lanes_from(part.lanes, begin / self._rate_hz, Strip)
        return MovingSends(Motion(part.strip, lanes, self._rate_hz), self._strip_latency)

    def _strip_unit(self, part: RackPart, places: Sequence[int], begin: int, *, origin: int = 0) -> AnyStrip:
        channels = [self.parts.structure.channels[place] for place in places]
        start_s = (begin + origin) / self._rate_hz
        lanes = [lanes_from(moving, start_s, Strip) for moving in part.lanes]
        return strip_unit(part.strips, channels, part.muted, lanes, self._strip_latency, self._rate_hz)

    def _wet_unit(self, part: WetPart, begin: int) -> WetUnit:
        # An effect that nothing is sent to any more sounds on.
        self._effects = tuple(name for name in BUSES if name in part.effects or name in self._effects)
        start_s = (begin + self._begin - self._strip_latency) / self._rate_hz
        buses = replace(
            part.buses, lanes={name: lanes_from(moving, start_s, Strip) for name, moving in part.buses.lanes.items()}
        )
        return WetUnit(self._layout, buses, self._effects, self._wet_latency, self._rate_hz)

    def _master_unit(self, part: MasterPart, begin: int) -> MasterUnit:
        start_s = (begin + self._begin - self._strip_latency - self._wet_latency) / self._rate_hz
        lanes = lanes_from(part.lanes, start_s, Master)
        return MasterUnit(part.master, lanes, self._master_latency, self._rate_hz)


class _AllRacks:
    """All racks: single mono tracks together, with those that come in in their places.

    Args:
        racks: of the console.
    """

    def __init__(self, racks: Sequence[_Rack]):
        self._all = racks
        self._others = list(racks)
        self._fading: list[_Fading] = []
        self._bank: StripBank | None = None
        self._levels: list[Ramp] = []
        self._values: list[Samples] = []
        self._gains = np.zeros((0, 2, 1), np.float32)
        self._rows = self._places = np.zeros(0, np.intp)
        self._scratch = np.zeros((2, MOST_FRAMES), np.float32)
        self._is_changing = True

    def change(self) -> None:
        """Look again which units there are; to be called before and after a unit is offered."""
        self._is_changing = True

    def process(self, inputs: Samples, tracks: NDArray[np.float32]) -> None:
        """Fill the tracks, shape (tracks, 2, n), from the inputs, shape (rows, n)."""
        if self._is_changing:
            self._is_changing = False
            for rack in self._all:
                # Linked tracks write their past as they are processed, and admit then.
                if rack.is_alone:
                    rack.slot.admit(inputs.shape[1])
            self._arrange()
        for rack in self._others:
            is_fading = rack.slot.incoming is not None
            rack.process(inputs, tracks)
            if is_fading and rack.slot.incoming is None:
                self._is_changing = True
        if self._bank is not None:
            # Where all are in the bank, and alone, the rows and places are all of them.
            is_whole = not self._others and not self._fading
            audio = self._bank.process(inputs if is_whole else inputs[self._rows])[:, None]
            settled = audio[: len(self._levels)]
            moving = self._moving(audio.shape[2])
            if self._others:
                tracks[self._places] = settled * self._gains
            else:
                np.multiply(settled, self._gains, out=tracks)
            for row, factors in moving:
                np.multiply(audio[row], factors, out=tracks[self._places[row]])
            for fading, sound in zip(self._fading, audio[len(self._levels) :], strict=True):
                self._fade(fading, sound, tracks)

    def _fade(self, fading: _Fading, sound: Samples, tracks: NDArray[np.float32]) -> None:
        frames = sound.shape[1]
        new = np.multiply(sound, fading.unit.level.next(frames), out=self._scratch[:, :frames])
        fading.rack.slot.blend(new, tracks[fading.rack.place])
        if fading.rack.slot.incoming is None:
            self._is_changing = True

    def _moving(self, frames: int) -> list[tuple[int, Samples]]:
        """Bring the gains up to date; factors of those on their way, by row."""
        moving = []
        for row, level in enumerate(self._levels):
            if level.is_moving:
                moving.append((row, level.next(frames)))
            elif level.value is not self._values[row]:
                self._values[row] = level.value
                self._gains[row] = level.value
        return moving

    def _arrange(self) -> None:
        settled: list[tuple[_Rack, MonoStrip]] = []
        self._fading, self._others = [], []
        for rack in self._all:
            unit, incoming = rack.slot.unit, rack.slot.incoming
            if not isinstance(unit, MonoStrip) or not (incoming is None or isinstance(incoming, MonoStrip)):
                self._others.append(rack)
                continue
            settled.append((rack, unit))
            if incoming is not None:
                self._fading.append(_Fading(rack, incoming))
        self._levels = [unit.level for _, unit in settled]
        self._values = [level.value for level in self._levels]
        self._gains = np.array(self._values, np.float32)
        self._places = np.array([rack.place for rack, _ in settled], np.intp)
        together = [*settled, *((fading.rack, fading.unit) for fading in self._fading)]
        self._rows = np.array([rack.row for rack, _ in together], np.intp)
        self._bank = StripBank([unit for _, unit in together]) if together else None


@dataclass(frozen=True)
class _Fading:
    """A strip that comes in."""

    rack: _Rack
    unit: MonoStrip


class _Rack:
    """Linked tracks, or a single one."""

    def __init__(
        self,
        unit: AnyStrip,
        places: Sequence[int],
        rows: Sequence[slice],
        inputs: AudioRing,
        ring_frames: int,
    ):
        self._places = places
        self.place, self.row = places[0], rows[places[0]].start
        self._rows = np.concatenate([np.arange(rows[place].start, rows[place].stop) for place in places])
        self._own = rows[places[0]] if len(places) == 1 else None
        self.is_alone = self._own is not None
        count = len(self._rows)
        # Rows of one track lie together in the inputs; those of linked ones are gathered.
        self._past = inputs if self._own is not None else AudioRing.of(count, ring_frames)
        first = self._own.start if self._own is not None else 0
        self.slot = UnitSlot(unit, self._past, first, count, 2 * len(places), MOST_FRAMES)
        self._out = np.zeros((2 * len(places), MOST_FRAMES), np.float32)

    def process(self, inputs: Samples, tracks: NDArray[np.float32]) -> None:
        if self._own is not None:
            self.slot.process(inputs[self._own], tracks[self._places[0]])
            return
        block = inputs[self._rows]
        self._past.write(block)
        out = self._out[:, : block.shape[1]]
        self.slot.process(block, out)
        for place, rows in zip(self._places, out.reshape(len(self._places), 2, -1), strict=True):
            tracks[place] = rows


def _bring_up(successors: Sequence[Successor]) -> None:
    """Let all hear the past, then, round by round, what came meanwhile, until it is but little."""
    for _ in range(_MOST_ROUNDS):
        if sum([successor.catch_up() for successor in successors]) <= _LITTLE_FRAMES * len(successors):
            return


_MOST_ROUNDS: Final = 8
_LITTLE_FRAMES: Final = 256
