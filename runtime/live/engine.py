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
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from pathlib import Path
from types import TracebackType
from typing import Final

import numpy as np

from ...presets.errors import DeviceError, PresetError
from ...presets.preset import Preset
from ..audio.reading import probe
from ..console.effects.buses import tail_of
from ..isolated.endings import ending_words
from ..spawning import spawned
from .backends.base import BackendChoice, Connections
from .backends.registry import terms_of
from .feeding import Recorder, StemFeed
from .inserting.process import InsertProcess
from .inserting.worker import InsertTask, LiveInserts
from .memory import EngineMemory, EngineShape, EngineState, Tally, percentile_ns
from .messages import Bypass, Connected, EngineCommand, Event, SettingsChange, Stop, Trim, Whole
from .process import RENEWED, EngineTask, run_engine
from .sound.loudness import matching_gain
from .sound.parts import Parts
from .sound.player import dry_sum
from .sound.ramps import PRESET_FADE_MS, SETTING_FADE_MS

_STARTING_S: Final = 60.0
_POLL_S: Final = 0.02
_FEED_S: Final = 4.0
_TAP_S: Final = 4.0
# How much of what comes in is kept for inserts, which may fall behind.
_INSERT_S: Final = 4.0
# What is compared when the mix and what comes in are brought to one level.
_COMPARED_S: Final = 3.0
# A process that dies again and again is not started for ever; one that lived so long was well.
_MOST_STARTS: Final = 5
_LONG_S: Final = 60.0
_ENDING_S: Final = 10.0


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


@dataclass(frozen=True)
class LiveReport:
    """How the engine does.

    Attributes:
        sample_rate_hz: of everything.
        block_frames: samples of a block.
        period_ms: how long a block lasts.
        frames: samples that went out.
        blocks: in as many blocks.
        late_blocks: blocks that took the engine longer than they last.
        xruns: blocks that the server or device says were lost; with the null backend, that were not done in time.
        starved_blocks: blocks for which stems were not read in time.
        silenced_blocks: blocks that were no numbers.
        over_blocks: blocks with samples above full scale.
        callback_p99_ms: what 99 % of the blocks took at most, to within 6 %.
        callback_worst_ms: what the slowest took.
        latency_samples: how much later than it came in everything goes out, the same for all tracks.
        changes: changes of settings that were begun.
        restarts: how often the engine's process had to be started again.
        recorded_frames: samples in the recording.
        record_lost_frames: samples of it that were lost.
        insert_latency_samples: what of the latency is of inserts.
        insert_late_blocks: blocks in which tracks were heard as they came, as inserts were not done in time.
    """

    sample_rate_hz: int
    block_frames: int
    period_ms: float
    frames: int
    blocks: int
    late_blocks: int
    xruns: int
    starved_blocks: int
    silenced_blocks: int
    over_blocks: int
    callback_p99_ms: float
    callback_worst_ms: float
    latency_samples: int
    changes: int
    restarts: int
    recorded_frames: int
    record_lost_frames: int
    insert_latency_samples: int = 0
    insert_late_blocks: int = 0


class LiveEngine:
    """Plays a preset live; a context manager that ends it.

    Args:
        preset: to begin with.
        source: where the tracks come from.
        choice: of the backend.
        record: file for the mix, in a folder of results; None for none.
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
        self._choice = choice
        self.block_frames = terms.block_frames
        rate_hz = terms.sample_rate_hz
        feed_frames = round(_FEED_S * rate_hz) if source.stems is not None else 0
        inserted = source.inserts.places if source.inserts is not None else ()
        insert_frames = round(_INSERT_S * rate_hz) if inserted else 0
        self.shape = EngineShape(source.channels, rate_hz, feed_frames, round(tap_s * rate_hz), inserted, insert_frames)
        self._parts = Parts.of(preset, source.channels)
        wet = self._parts.wet
        self._tail = tail_of(wet.buses.fx_bus, wet.buses.reverb, wet.buses.delay, wet.effects, rate_hz)
        self._on_event = on_event
        self._record, self._record_frames = record, record_frames
        self._sending = threading.Lock()
        self._ending = threading.Event()
        self._failed: str | None = None
        self._restarts = 0
        self._connections: Connections | None = None
        self._is_bypassed = False
        self._last_report: LiveReport | None = None
        self.memory = EngineMemory(self.shape)
        self._feed: StemFeed | None = None
        self._recorder: Recorder | None = None
        self._watcher: threading.Thread | None = None
        self._process: SpawnProcess | None = None
        self._pipe: Connection | None = None
        self._inserting: InsertProcess | None = None

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
        return self._ending.is_set() or self._failed is not None

    @property
    def is_played_out(self) -> bool:
        """Whether the stems are at their end, and everything that they made is out, with the effects' tails."""
        memory = self.memory
        end = memory[Tally.FED_END]
        return end >= 0 and memory[Tally.MIXED] >= end + memory[Tally.LATENCY] + self._insert_latency + self._tail

    @property
    def _insert_latency(self) -> int:
        return max(0, self.memory[Tally.INSERT_LATENCY])

    @property
    def played_frames(self) -> int:
        """Samples that went out."""
        return self.memory[Tally.MIXED]

    @property
    def process_id(self) -> int:
        """Number of the process that plays; 0 where there is none."""
        return (self._process.pid or 0) if self._process is not None else 0

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
        """Whether all that was to be recorded is."""
        return self._recorder is not None and self._recorder.is_done

    def set_preset(self, preset: Preset, fade_ms: float | None = None, *, gain: float | None = None) -> None:
        """Go to other settings of the same tracks.

        Args:
            preset: with as many tracks, in the same order.
            fade_ms: how long filters and dynamics fade; None takes what is usual for as many changes.
            gain: of everything that goes out, to come with it; None leaves it.

        Raises:
            PresetError: it has other tracks.
        """
        names, before = ([track.name for track in mix.tracks] for mix in (preset, self.preset))
        if names != before:
            raise PresetError("a preset with other tracks cannot take over while sound is on: start again with it.")
        parts = Parts.of(preset, self.source.channels)
        old, self.preset, self._parts = self._parts, preset, parts
        if parts.structure != old.structure:
            self._send(Whole(parts, gain))
            return
        changes = parts.differences(old)
        if changes or gain is not None:
            usual_ms = SETTING_FADE_MS if len(changes) <= 2 else PRESET_FADE_MS
            self._send(SettingsChange(changes, usual_ms if fade_ms is None else fade_ms, gain))

    def bypass(self, on: bool) -> None:
        """Fade between the mix and what comes in, brought to the loudness that the mix had in the last seconds."""
        self._is_bypassed = on
        self._send(Bypass(self._level_of_mix() if on else None))

    @property
    def is_bypassed(self) -> bool:
        """Whether what comes in is heard."""
        return self._is_bypassed

    def trim(self, gain: float) -> None:
        """Bring everything that goes out to another level, a factor."""
        self._send(Trim(gain))

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
        memory, rate_hz = self.memory, self.shape.sample_rate_hz
        block_frames = memory[Tally.BLOCK_FRAMES] or self.block_frames
        recorder = self._recorder
        return LiveReport(
            sample_rate_hz=rate_hz,
            block_frames=block_frames,
            period_ms=1000 * block_frames / rate_hz,
            frames=memory[Tally.MIXED],
            blocks=memory[Tally.BLOCKS],
            late_blocks=memory[Tally.LATE],
            xruns=memory[Tally.XRUNS],
            starved_blocks=memory[Tally.STARVED],
            silenced_blocks=memory[Tally.BAD],
            over_blocks=memory[Tally.OVERS],
            callback_p99_ms=percentile_ns(memory.histogram, 0.99) / 1e6,
            callback_worst_ms=memory[Tally.WORST_NS] / 1e6,
            latency_samples=memory[Tally.LATENCY] + self._insert_latency,
            insert_latency_samples=self._insert_latency,
            insert_late_blocks=memory[Tally.INSERT_LATE],
            changes=memory[Tally.CHANGES],
            restarts=self._restarts,
            recorded_frames=recorder.frames if recorder else 0,
            record_lost_frames=recorder.lost_frames if recorder else 0,
        )

    def peaks(self) -> tuple[list[float], tuple[float, float]]:
        """Take the highest samples since this was asked last: of each track behind its fader, and of the mix."""
        values = self.memory.peaks.tolist()
        self.memory.peaks[:] = 0
        return values[:-2], (values[-2], values[-1])

    def wait(self, length_s: float, until: Callable[[], bool] | None = None) -> None:
        """Wait for so many seconds, for the end, or until something is so.

        Raises:
            DeviceError: the engine ended by a fault.
        """
        end_s = time.monotonic() + length_s
        while time.monotonic() < end_s and not self._ending.is_set():
            if self._failed is not None:
                raise DeviceError(self._failed)
            if until is not None and until():
                return
            time.sleep(min(_POLL_S, max(0.0, end_s - time.monotonic())))

    def close(self) -> None:
        """End it; the recording is closed before."""
        if self._ending.is_set():
            return
        self._ending.set()
        if self._recorder is not None:
            self._recorder.close()
        if self._pipe is not None:
            self._send(Stop())
        if self._process is not None:
            self._process.join(_ENDING_S)
            if self._process.is_alive():
                self._process.kill()
                self._process.join()
        if self._watcher is not None:
            self._watcher.join()
        if self._inserting is not None:
            self._inserting.close()
        if self._feed is not None:
            self._feed.close()
        if self._pipe is not None:
            self._pipe.close()
        self._last_report = self._report()
        self.memory.close()
        if self._recorder is not None and self._recorder.error is not None:
            raise self._recorder.error

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
        self._spawn()
        self._watcher = threading.Thread(target=self._watch, name="mixbridge watching", daemon=True)
        self._watcher.start()
        self.wait(_STARTING_S, lambda: self.memory[Tally.STATE] != EngineState.STARTING and self._failed is None)
        if self.memory[Tally.STATE] == EngineState.ENDED:
            self.wait(1.0)  # its last words are on their way
        if self._failed is not None:
            raise DeviceError(self._failed)

    def _spawn(self) -> None:
        self.memory.fields[Tally.STATE] = EngineState.STARTING
        task = EngineTask(
            self.memory.name,
            self.shape,
            self._parts,
            tuple(track.name for track in self.preset.tracks),
            self._choice,
            self.source.stems is not None,
            has_played=self._restarts > 0,
            connections=self._connections,
        )
        process, pipe = spawned(run_engine, "mixbridge engine", task)
        with self._sending:
            self._pipe, self._process = pipe, process

    def _watch(self) -> None:
        """Hand on what the process says, and start it again if it died."""
        starts, begun_s = 1, time.monotonic()
        while True:
            pipe, process = self._pipe, self._process
            if pipe is None or process is None:
                return
            try:
                while pipe.poll(_POLL_S):
                    self._hear(pipe.recv())
            except (EOFError, OSError):
                process.join(_ENDING_S)
                if time.monotonic() - begun_s > _LONG_S or process.exitcode == RENEWED:
                    starts = 0
                begun_s = time.monotonic()
                if self._ending.is_set() or self._failed is not None:
                    return
                if starts >= _MOST_STARTS:
                    self._failed = f"the engine ended {starts} times unexpectedly: is this machine out of memory?"
                    return
                starts += 1
                self._restarts += 1
                if process.exitcode != RENEWED:  # else it has said what happened
                    self._say(f"the engine's process {ending_words(process.exitcode)}; it is started again.")
                self._spawn()
            self._tell_news()
            if self._ending.is_set() and not process.is_alive():
                return

    def _tell_news(self) -> None:
        """Hand on what inserts, stems and the recording have to say."""
        if self._inserting is not None:
            for text in self._inserting.news():
                self._say(text)
        if self._feed is not None:
            for text in self._feed.news():
                self._say(text)
        if self._recorder is not None and (ended := self._recorder.news()):
            self._say(ended)

    def _hear(self, event: Event | Connected) -> None:
        if isinstance(event, Connected):
            self._connections = event.connections
        elif event.is_fatal:
            self._failed = event.text
        else:
            self._say(event.text)

    def _say(self, text: str) -> None:
        if self._on_event is not None:
            self._on_event(text)

    def _send(self, command: EngineCommand) -> None:
        with self._sending:
            if self._pipe is not None:
                try:
                    self._pipe.send(command)
                except OSError:  # it is gone, and started again with what is set then
                    return

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
