"""The engine's own process: console, backend, and nothing else. Models, files and controllers are in others."""

from __future__ import annotations

import gc
import os
import sys
import threading
import traceback
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from typing import Final

import numpy as np

from ...presets.errors import MixbridgeError
from .backends.base import BackendChoice, Connections, RenewalNeededError, Surroundings
from .backends.registry import make_backend
from .callback import AudioCallback
from .changing import Changing
from .memory import EngineMemory, EngineShape, EngineState, Tally
from .messages import Bypass, Connected, EngineCommand, Event, SettingsChange, Stop, Whole
from .sound.parts import Parts
from .sound.player import Player
from .sound.ring import AudioRing

# How long a thread may keep the others from Python's lock. A block gives it away some twenty times, at each call into
# compiled code, and waits so long each time while units are made; shorter still, and threads do little but take turns.
_SWITCH_S: Final = 2e-5
_WARM_BLOCKS: Final = 8
RENEWED: Final = 3
"""Exit code of a process whose device is gone: the next one waits for it."""


@dataclass(frozen=True)
class EngineTask:
    """What the process is started with.

    Attributes:
        memory_name: of the shared memory.
        shape: of it.
        parts: settings to begin with.
        names: of the tracks.
        choice: of the backend.
        is_fed: whether stems come over the memory.
        has_played: whether a process before this one played.
        connections: how its ports were connected; None where nothing is known.
        bypass_gain: of what comes in, where that is heard; None for the mix.
        trim_gain: of the mix.
    """

    memory_name: str
    shape: EngineShape
    parts: Parts
    names: tuple[str, ...]
    choice: BackendChoice
    is_fed: bool
    has_played: bool = False
    connections: Connections | None = None
    bypass_gain: float | None = None
    trim_gain: float = 1.0

    def after(self, command: EngineCommand) -> EngineTask:
        """What a process is started with that follows one that was told this."""
        match command:
            case SettingsChange():
                trim_gain = self.trim_gain if command.gain is None else command.gain
                return replace(self, parts=self.parts.changed(command.parts), trim_gain=trim_gain)
            case Whole():
                return replace(
                    self, parts=command.parts, trim_gain=self.trim_gain if command.gain is None else command.gain
                )
            case Bypass():
                return replace(self, bypass_gain=command.gain)
            case Stop():
                return self


def run_engine(task: EngineTask, pipe: Connection) -> None:
    """Play until told to stop, or until the other end of the pipe is gone; what goes wrong is said over the pipe."""
    sys.setswitchinterval(_SWITCH_S)
    memory = EngineMemory(task.shape, task.memory_name)
    code = 0
    try:
        _play(task, memory, pipe)
    except RenewalNeededError:
        code = RENEWED
    except MixbridgeError as error:
        pipe.send(Event(str(error), is_fatal=True))
    except Exception:
        traceback.print_exc()
        code = 1
    memory.fields[Tally.STATE] = EngineState.ENDED
    # Threads hold arrays of the memory: to take all that apart would only complain.
    pipe.close()
    os._exit(code)


def _play(task: EngineTask, memory: EngineMemory, pipe: Connection) -> None:
    ended = threading.Event()
    backend = make_backend(task.choice)
    _warm_up(task)
    player = Player(task.parts, task.shape.sample_rate_hz, memory.inputs, memory.mixes)
    player.trim(task.trim_gain)
    player.bypass(task.bypass_gain)
    changing = Changing(player, pipe, memory, ended.set)

    callback = AudioCallback(player, memory, is_fed=task.is_fed, tell=lambda text: changing.tell(Event(text)))

    def is_there(playing: bool) -> None:
        callback.pause()
        memory.fields[Tally.STATE] = EngineState.RUNNING if playing else EngineState.WAITING

    around = Surroundings(
        is_ended=ended.is_set,
        wait=ended.wait,
        tell=lambda text: changing.tell(Event(text)),
        be_urgent=changing.be_urgent,
        is_there=is_there,
        names=task.names,
        channels=task.shape.channels,
        is_fed=task.is_fed,
        sample_rate_hz=task.shape.sample_rate_hz,
        has_played=task.has_played,
        connections=task.connections,
        keep=lambda connections: changing.tell(Connected(connections)),
    )
    # Everything that lives now lives to the end; nothing is searched for rubbish any more.
    gc.collect()
    gc.freeze()
    gc.disable()
    changing.start()
    backend.run(callback, around)


def _warm_up(task: EngineTask) -> None:
    """Play a little into nothing: libraries load what they use when it is first used."""
    frames = task.choice.block_frames or 512
    rows = task.shape.rows
    player = Player(task.parts, task.shape.sample_rate_hz, AudioRing.of(rows, 16384), AudioRing.of(2, 16384))
    noise = np.random.default_rng(0).standard_normal((rows, frames)).astype(np.float32) * np.float32(0.01)
    for _ in range(_WARM_BLOCKS):
        player.process(noise, np.empty((2, frames), np.float32))
