"""The engine's second thread: hears what is to change, makes the units that it takes, and hands them to the audio.

It may take its time; the audio goes on meanwhile. Of what is said faster than it can be done, the latest is done.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Final

from ...presets.errors import MixbridgeError
from .memory import EngineMemory, Tally
from .messages import Bypass, Connected, EngineCommand, Event, SettingsChange, Stop, Whole
from .priority import CHANGES, take_priority
from .sound.parts import AnyPart, PartKey, Parts
from .sound.player import Player

_POLL_S: Final = 0.02
_BUSY_POLL_S: Final = 0.002
# A console that was silenced is made anew, though not again and again in vain.
_BETWEEN_REPAIRS_S: Final = 1.0


class Changing(threading.Thread):
    """Takes commands from a pipe until its other end is closed.

    Args:
        player: what is changed.
        pipe: brings commands, and takes events.
        memory: where changes are counted.
        stop: called when the engine is to end.
    """

    def __init__(self, player: Player, pipe: Connection, memory: EngineMemory, stop: Callable[[], None]):
        super().__init__(name="mixbridge changing", daemon=True)
        self._player, self._pipe, self._memory, self._stop = player, pipe, memory, stop
        self._waiting: dict[PartKey, AnyPart] = {}
        self._fade_ms = 0.0
        self._gain: float | None = None
        self._whole: Parts | None = None
        self._parts = player.console.parts
        self._events: deque[Event | Connected] = deque()
        self._bad_blocks = 0
        self._is_urgent = False
        self._repaired_at = -_BETWEEN_REPAIRS_S

    def tell(self, event: Event | Connected) -> None:
        """Send something to the other process, from any thread."""
        self._events.append(event)

    def be_urgent(self) -> None:
        """Go before what is not real time from now on, as the audio does."""
        self._is_urgent = True

    def run(self) -> None:
        """Work until the end."""
        try:
            while True:
                if self._is_urgent:
                    self._is_urgent = False
                    take_priority(CHANGES)
                is_waiting = bool(self._waiting) or self._whole is not None
                if self._pipe.poll(_BUSY_POLL_S if is_waiting else _POLL_S):
                    self._take(self._pipe.recv())
                    while self._pipe.poll(0):
                        self._take(self._pipe.recv())
                self._apply()
                self._repair()
                self._send_events()
        except (EOFError, OSError):  # whoever controls it is gone
            self._stop()

    def _take(self, command: EngineCommand) -> None:
        match command:
            case SettingsChange():
                self._waiting.update(command.parts)
                self._fade_ms = max(self._fade_ms, command.fade_ms)
                self._gain = self._gain if command.gain is None else command.gain
            case Whole():
                self._whole = command.parts
                self._gain = self._gain if command.gain is None else command.gain
                self._waiting.clear()
            case Bypass():
                self._player.bypass(command.gain)
            case Stop():
                self._stop()

    def _apply(self) -> None:
        if self._player.is_busy or not (self._waiting or self._whole or self._gain is not None):
            return
        try:
            if self._whole is not None:
                parts, self._whole = self._whole, None
                self._take_over(parts)
            else:
                self._change()
        except MixbridgeError as error:  # settings that nobody can play: the sound stays as it is
            self._waiting.clear()
            self.tell(Event(str(error)))

    def _change(self) -> None:
        console = self._player.console
        ready = {key: part for key, part in self._waiting.items() if not console.is_place_busy(key)}
        if not ready and self._waiting:
            return
        parts = self._parts.changed(ready)
        for key in ready:
            del self._waiting[key]
        if console.fits(parts):
            console.change(ready, parts, self._fade_ms)
            self._begun(parts)
        else:
            self._take_over(parts)
        if not self._waiting:
            self._fade_ms = 0.0

    def _take_over(self, parts: Parts) -> None:
        self._player.take_over(parts)
        self._begun(parts)

    def _begun(self, parts: Parts) -> None:
        self._parts = parts
        if self._gain is not None:
            self._player.trim(self._gain)
            self._gain = None
        self._memory.fields[Tally.CHANGES] += 1
        self._memory.fields[Tally.CHANGED_AT] = self._memory[Tally.MIXED]

    def _repair(self) -> None:
        if self._player.bad_blocks == self._bad_blocks or self._player.is_busy:
            return
        now = time.monotonic()
        if now - self._repaired_at < _BETWEEN_REPAIRS_S:
            return
        self._bad_blocks, self._repaired_at = self._player.bad_blocks, now
        self.tell(Event("the mix overflowed and was silenced: lower the gains and boosts of this preset."))
        self._player.take_over(self._parts)

    def _send_events(self) -> None:
        while self._events:
            self._pipe.send(self._events.popleft())
