"""A process that hears what came in lately, and says which settings the model would choose for it.

It shares nothing with the audio but the ring of inputs, which it only reads. It may be slow, or die: the sound goes on.
"""

from __future__ import annotations

import os
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

import numpy as np

from ...presets.errors import MixbridgeError
from ...presets.preset import Preset
from ..spawning import Spawned, Starts
from .memory import EngineMemory, EngineShape

if TYPE_CHECKING:
    from ..model.controller import Controller

# A passage with less in it than this, -60 dBFS, says nothing.
_SILENT_RMS: Final = 1e-3
_SHORTEST_S: Final = 2.0
_POLL_S: Final = 0.05
_TICK_S: Final = 0.25


@dataclass(frozen=True)
class FollowTask:
    """What the process is started with.

    Attributes:
        memory_name: of the shared memory.
        shape: of it.
        names: of the tracks.
        roles: what tracks are, by name, where it is known.
        references: finished songs, as they are typed: FILE or FILE=WEIGHT.
        model: folder or name of a bundle.
        provider: where it runs.
        window_s: how much it hears.
        folder: for what it hears, while it does; removed by who started it, which may end it at any moment.
    """

    memory_name: str
    shape: EngineShape
    names: tuple[str, ...]
    references: tuple[str, ...]
    model: str = "default"
    provider: Literal["auto", "cuda", "cpu"] = "auto"
    window_s: float = 5.0
    roles: dict[str, str] = field(default_factory=dict)
    folder: str | None = None


@dataclass(frozen=True)
class HeardSettings:
    """What came of listening.

    Attributes:
        preset: None where there was too little to hear, or something was wrong.
        fault: what was wrong; empty if nothing was.
        is_final: nothing more will come.
    """

    preset: Preset | None
    fault: str = ""
    is_final: bool = False


def run_follower(task: FollowTask, pipe: Connection) -> None:
    """Answer each "hear" with what was heard, until the other end is gone."""
    if hasattr(os, "nice"):
        os.nice(3)
    from ..model.controller import Controller

    memory = EngineMemory(task.shape, task.memory_name)
    try:
        controller = Controller(task.model, task.provider)
        pipe.send(HeardSettings(None))  # ready
        while True:
            pipe.recv()
            pipe.send(heard_lately(task, memory, controller))
    except MixbridgeError as error:  # a model that cannot be had is none the next time, either
        pipe.send(HeardSettings(None, str(error), is_final=True))
    except (EOFError, OSError):  # whoever asked is gone
        pass
    os._exit(0)


def heard_lately(task: FollowTask, memory: EngineMemory, controller: Controller) -> HeardSettings:
    """Predict settings for the latest seconds of the tracks that sound."""
    with tempfile.TemporaryDirectory(prefix="mixbridge-follow-", dir=task.folder) as folder:
        return _heard(task, memory, controller, Path(folder))


def _heard(task: FollowTask, memory: EngineMemory, controller: Controller, folder: Path) -> HeardSettings:
    from ..audio.writing import write_samples
    from ..mixing import PredictOptions, predict
    from ..model.references import typed_references

    ring, rate_hz = memory.inputs, memory.shape.sample_rate_hz
    end = ring.position
    count = min(end, round(task.window_s * rate_hz), ring.frames - ring.margin)
    if count < _SHORTEST_S * rate_hz:
        return HeardSettings(None)
    audio = ring.read(end - count, end)
    stems: dict[str, Path] = {}
    begin = 0
    for number, (name, channels) in enumerate(zip(task.names, task.shape.channels, strict=True)):
        block = audio[begin : begin + channels]
        begin += channels
        if np.sqrt(np.mean(np.square(block))) >= _SILENT_RMS:
            (folder / str(number)).mkdir(exist_ok=True)
            stems[name] = folder / str(number) / "passage.wav"
            write_samples(stems[name], block, rate_hz)
    if not stems:
        return HeardSettings(None)
    roles = {name: role for name, role in task.roles.items() if name in stems}
    references = typed_references(task.references)
    try:
        return HeardSettings(
            predict(stems, references, model=controller, options=PredictOptions(roles=roles, match=False))
        )
    except MixbridgeError as error:
        return HeardSettings(None, str(error))


class SongFollower:
    """The process, seen from the one that controls the engine; a context manager that ends it.

    Args:
        task: what it is started with.
        take: called with each preset that was heard, on a thread of the follower's.
        tick: called four times a second with the time since it was called last.
        every_s: how long from one hearing to the next; None hears when it is asked.
        on_event: called with each sentence for the user.
        run: what the process runs.

    Attributes:
        is_on: whether it hears by itself.
    """

    def __init__(
        self,
        task: FollowTask,
        take: Callable[[Preset], None],
        tick: Callable[[float], None],
        *,
        every_s: float | None,
        on_event: Callable[[str], None],
        run: Callable[[FollowTask, Connection], None] = run_follower,
    ):
        self._folder = tempfile.TemporaryDirectory(prefix="mixbridge-follow-", ignore_cleanup_errors=True)
        self._task, self._take, self._tick, self._say = replace(task, folder=self._folder.name), take, tick, on_event
        self._every_s, self._function = every_s, run
        self.is_on = every_s is not None
        self._is_asked = False
        self._starts = Starts()
        self._is_ended = threading.Event()
        self._process: Spawned | None = None
        self._is_over = False
        self._thread = threading.Thread(target=self._run, name="mixbridge following", daemon=True)

    def __enter__(self) -> SongFollower:
        self._spawn()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_ended.set()
        self._thread.join()
        if self._process is not None:
            self._process.end()
        self._folder.cleanup()

    @property
    def process_id(self) -> int:
        """Number of the process; 0 where there is none."""
        return 0 if self._process is None else self._process.id

    def hear_now(self) -> None:
        """Hear the latest seconds, whether or not it hears by itself."""
        self._is_asked = True

    def _spawn(self) -> None:
        self._starts.begin()
        self._process = Spawned(self._function, "mixbridge follower", self._task)
        self._is_listening = True  # its first word is that it is ready
        self._heard_s = time.monotonic()

    def _start_again(self) -> None:
        self._starts.ended()
        if self._starts.are_over:
            self._say("the process that hears ended too often: nothing is followed any more; the sound goes on.")
            self._is_over = True
            return
        self._say("the process that hears ended; the sound goes on, and it is started again.")
        self._spawn()

    def _run(self) -> None:
        ticked_s = time.monotonic()
        while not self._is_ended.wait(_POLL_S):
            try:
                self._turn()
            except (EOFError, OSError):
                self._start_again()
            now_s = time.monotonic()
            if now_s - ticked_s >= _TICK_S:
                self._tick(now_s - ticked_s)
                ticked_s = now_s

    def _turn(self) -> None:
        if self._process is None or self._is_over:
            return
        pipe = self._process.pipe
        if self._is_listening:
            if pipe.poll(0):
                heard: HeardSettings = pipe.recv()
                self._is_listening = False
                self._is_over = heard.is_final
                if heard.fault:
                    self._say(f"nothing was followed: {heard.fault}")
                if heard.preset is not None:
                    self._take(heard.preset)
            return
        is_due = self.is_on and self._every_s is not None and time.monotonic() - self._heard_s >= self._every_s
        if self._is_asked or is_due:
            self._is_asked = False
            self._heard_s = time.monotonic()
            pipe.send("hear")
            self._is_listening = True
