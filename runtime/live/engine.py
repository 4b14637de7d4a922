"""The live engine as programs use it: it starts the process that plays, feeds it, records it, and tells what happens.

with LiveEngine(preset, LiveInput.of_files(stems, preset), BackendChoice("jack")) as engine:
    engine.set_preset(other)
    engine.bypass(True)
    engine.wait(10)
    print(engine.report().callback_p99_ms)
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final

import numpy as np

from ...presets.errors import DeviceError, PresetError
from ...presets.preset import Preset
from ..audio.reading import Samples, probe
from ..console.effects.buses import tail_of
from .backends.base import BackendChoice
from .backends.registry import terms_of
from .feeding import Recorder, StemFeed
from .inserting.process import InsertProcess
from .inserting.worker import InsertTask, LiveInserts
from .memory import EngineMemory, EngineShape, EngineState, Tally
from .messages import Bypass, SettingsChange, Whole
from .process import EngineTask
from .reporting import LiveReport
from .sound.loudness import matching_gain
from .sound.parts import Parts, WetPart
from .sound.player import dry_sum
from .sound.ramps import PRESET_FADE_MS, SETTING_FADE_MS
from .supervising import EngineProcess

_STARTING_S: Final = 60.0
_POLL_S: Final = 0.02
_FEED_S: Final = 4.0
_TAP_S: Final = 4.0
# How much of what comes in is kept for inserts, which may fall behind.
_INSERT_S: Final = 4.0
# What is compared when the mix and what comes in are brought to one level.
_COMPARED_S: Final = 3.0


@dataclass(frozen=True)
class LiveInput:
    """Where the tracks come from.

    Attributes:
        channels: 1 or 2, by track of the preset.
        stems: files by track name; None where a server or device brings them.
        loops: play stems over and over.
        inserts: that tracks go through while they come; None for none.
    """

    channels: tuple[int, ...]
    stems: Mapping[str, Path] | None = None
    loops: bool = False
    inserts: LiveInserts | None = None

    @classmethod
    def of_files(cls, stems: Mapping[str, Path], preset: Preset, *, loops: bool = False) -> LiveInput:
        """Take files, one for each track that is not muted.

        Raises:
            PresetError: a track has none.
            AudioError: a file cannot be used.
        """
        missing = [track.name for track in preset.tracks if track.name not in stems and not track.mute]
        if missing:
            raise PresetError(f"these tracks have no stem: {', '.join(missing)}. Give one for each, or mute them.")
        channels = tuple(probe(stems[track.name]).channels if track.name in stems else 1 for track in preset.tracks)
        return cls(channels, dict(stems), loops)


class LiveEngine:
    """Plays a preset live; a context manager that ends it.

    Args:
        preset: to begin with.
        source: where the tracks come from.
        choice: of the backend.
        record: file for the mix, replaced when there is sound; None for none.
        record_frames: how much is recorded; None for all.
        tap_s: how much of the latest past is kept for who listens.
        on_event: called with each sentence for the user, on a thread of the engine's.

    Attributes:
        preset: as it was set last.
        memory: shared with the process that plays.

    Raises:
        DeviceError: there is no server or device, or it cannot do what was asked for.
        PresetError: the preset has no tracks.
    """

    def __init__(
        self,
        preset: Preset,
        source: LiveInput,
        choice: BackendChoice,
        *,
        record: Path | None = None,
        record_frames: int | None = None,
        tap_s: float = _TAP_S,
        on_event: Callable[[str], None] | None = None,
    ):
        if not preset.tracks:
            raise PresetError("this preset has no tracks, so there is nothing to play: give one with tracks.")
        self.preset, self.source = preset, source
        terms = terms_of(choice)
        self.block_frames = terms.block_frames
        rate_hz = terms.sample_rate_hz
        feed_frames = round(_FEED_S * rate_hz) if source.stems is not None else 0
        inserted = source.inserts.places if source.inserts is not None else ()
        insert_frames = round(_INSERT_S * rate_hz) if inserted else 0
        self.shape = EngineShape(source.channels, rate_hz, feed_frames, round(tap_s * rate_hz), inserted, insert_frames)
        self._parts = Parts.of(preset, source.channels)
        self._on_event = on_event
        self._record, self._record_frames = record, record_frames
        # What is set is told in the order in which it is set, whoever sets it.
        self._setting = threading.Lock()
        self._ending = threading.Event()
        self._is_bypassed = False
        self._last_report: LiveReport | None = None
        self._last_tail: tuple[WetPart, int] | None = None
        self._held_peaks: dict[str, Samples] = {}
        self.memory = EngineMemory(self.shape)
        self._feed: StemFeed | None = None
        self._recorder: Recorder | None = None
        self._inserting: InsertProcess | None = None
        names = tuple(track.name for track in preset.tracks)
        task = EngineTask(self.memory.name, self.shape, self._parts, names, choice, source.stems is not None)
        self._process = EngineProcess(task, self.memory, self._say, self._news)

    def __enter__(self) -> LiveEngine:
        try:
            self._start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def is_ended(self) -> bool:
        """Whether it plays no more and will not play again."""
        return self._ending.is_set() or self._process.fault is not None

    @property
    def is_played_out(self) -> bool:
        """Whether the stems are at their end, and everything that they made is out, with the effects' tails."""
        memory = self.memory
        end = memory[Tally.FED_END]
        left = end + memory[Tally.LATENCY] + memory.insert_latency - memory[Tally.MIXED]
        return end >= 0 and left <= 0 and left + self._tail() <= 0

    def _tail(self) -> int:
        """For how many samples the effects that are set now sound on."""
        wet = self._parts.wet
        if self._last_tail is None or self._last_tail[0] is not wet:
            rate_hz = self.shape.sample_rate_hz
            tail = tail_of(wet.buses.fx_bus, wet.buses.reverb, wet.buses.delay, wet.effects, rate_hz)
            self._last_tail = wet, tail
        return self._last_tail[1]

    @property
    def played_frames(self) -> int:
        """Samples that went out."""
        return self.memory[Tally.MIXED]

    @property
    def process_id(self) -> int:
        """Number of the process that plays; 0 where there is none."""
        return self._process.id

    @property
    def insert_process_id(self) -> int:
        """Number of the process that runs inserts; 0 where there is none."""
        return self._inserting.process_id if self._inserting is not None else 0

    @property
    def is_recording(self) -> bool:
        """Whether the mix is recorded."""
        return self._recorder is not None

    @property
    def has_recorded(self) -> bool:
        """Whether nothing more is recorded: all that was to be is, or it came to a fault."""
        return self._recorder is not None and self._recorder.is_done

    def set_preset(self, preset: Preset, fade_ms: float | None = None, *, gain: float | None = None) -> None:
        """Go to other settings of the same tracks.

        Args:
            preset: with as many tracks, in the same order.
            fade_ms: how long filters and dynamics fade; None takes what is usual for as many changes.
            gain: of the mix, to come with it; None leaves it.

        Raises:
            PresetError: it has other tracks.
        """
        names, before = ([track.name for track in mix.tracks] for mix in (preset, self.preset))
        if names != before:
            raise PresetError("a preset with other tracks cannot take over while sound is on: start again with it.")
        parts = Parts.of(preset, self.source.channels)
        with self._setting:
            old, self.preset, self._parts = self._parts, preset, parts
            if parts.structure != old.structure:
                self._process.send(Whole(parts, gain))
                return
            changes = parts.differences(old)
            if changes or gain is not None:
                usual_ms = SETTING_FADE_MS if len(changes) <= 2 else PRESET_FADE_MS
                self._process.send(SettingsChange(changes, usual_ms if fade_ms is None else fade_ms, gain))

    def bypass(self, on: bool) -> None:
        """Fade between the mix and what comes in, brought to the loudness that the mix had in the last seconds."""
        self._is_bypassed = on
        self._process.send(Bypass(self._level_of_mix() if on else None))

    @property
    def is_bypassed(self) -> bool:
        """Whether what comes in is heard."""
        return self._is_bypassed

    def latest_inputs(self, length_s: float) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
        """Copy the latest of what came in, a row a channel; shorter where there is not yet as much."""
        ring = self.memory.inputs
        end = ring.position
        count = min(end, round(length_s * self.shape.sample_rate_hz), ring.frames - ring.margin)
        return ring.read(end - count, end)

    def report(self) -> LiveReport:
        """Tell how it does, or did."""
        return self._last_report or self._report()

    def _report(self) -> LiveReport:
        return LiveReport.of(self.memory, self.block_frames, self._process.restarts, self._recorder)

    def peaks(self, reader: str) -> tuple[list[float], tuple[float, float]]:
        """Take the highest samples since this reader asked last: of each track behind its fader, and of the mix."""
        peaks = self.memory.peaks
        new = peaks.copy()
        peaks[:] = 0
        for held in self._held_peaks.values():
            np.maximum(held, new, out=held)
        values = self._held_peaks.get(reader, new).tolist()
        self._held_peaks[reader] = np.zeros_like(new)
        return values[:-2], (values[-2], values[-1])

    def wait(self, length_s: float, until: Callable[[], bool] | None = None) -> None:
        """Wait for so many seconds, for the end, or until something is so.

        Raises:
            DeviceError: the engine ended by a fault.
        """
        end_s = time.monotonic() + length_s
        while time.monotonic() < end_s and not self._ending.is_set():
            if self._process.fault is not None:
                raise DeviceError(self._process.fault)
            if until is not None and until():
                return
            time.sleep(min(_POLL_S, max(0.0, end_s - time.monotonic())))

    def close(self) -> None:
        """End it; the recording is closed before."""
        if self._ending.is_set():
            return
        self._ending.set()
        # From the last on; each is ended though another fails, or somebody is impatient and presses Ctrl-C again.
        with ExitStack() as stack:
            stack.callback(self.memory.close)
            stack.callback(self._keep_report)
            if self._feed is not None:
                stack.callback(self._feed.close)
            if self._inserting is not None:
                stack.callback(self._inserting.close)
            stack.callback(self._process.close)
            if self._recorder is not None:
                stack.callback(self._recorder.close)
        if self._recorder is not None and self._recorder.error is not None:
            raise self._recorder.error

    def _keep_report(self) -> None:
        self._last_report = self._report()

    def _start(self) -> None:
        source = self.source
        if self.shape.inserted and source.inserts is not None:
            tracks = tuple(track.name for track in self.preset.tracks)
            task = InsertTask(self.memory.name, self.shape, source.inserts, tracks, self.block_frames)
            self._inserting = InsertProcess(task, self.memory)
            self._inserting.start()
        if source.stems is not None:
            names = [track.name for track in self.preset.tracks]
            self._feed = StemFeed(source.stems, names, source.channels, self.memory, loops=source.loops)
            self._feed.start()
        if self._record is not None:
            self._recorder = Recorder(self._record, self.memory, self._record_frames)
            self._recorder.start()
        self._process.start()
        process = self._process
        self.wait(_STARTING_S, lambda: self.memory[Tally.STATE] != EngineState.STARTING and process.fault is None)
        if self.memory[Tally.STATE] == EngineState.ENDED:
            self.wait(1.0)  # its last words are on their way
        if process.fault is not None:
            raise DeviceError(process.fault)

    def _news(self) -> Iterator[str]:
        """Hand on what inserts, stems and the recording have to say."""
        if self._inserting is not None:
            yield from self._inserting.news()
        if self._feed is not None:
            yield from self._feed.news()
        if self._recorder is not None and (ended := self._recorder.news()):
            yield ended

    def _say(self, text: str) -> None:
        if self._on_event is not None:
            self._on_event(text)

    def _level_of_mix(self) -> float:
        """The factor between what came in and the mix that it became, in the latest seconds."""
        memory, rate_hz = self.memory, self.shape.sample_rate_hz
        end = memory.mixes.position
        latency = memory[Tally.LATENCY]
        count = min(end - latency, round(_COMPARED_S * rate_hz), memory.mixes.frames - memory.mixes.margin - latency)
        if count <= 0:
            return 1.0
        raw = memory.inputs.read(end - latency - count, end - latency)
        mix = memory.mixes.read(end - count, end)
        return matching_gain(mix, dry_sum(raw, self.source.channels), rate_hz)
