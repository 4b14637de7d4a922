"""A song that plays in Live, with AbletonOSC's way of taking messages: all that came, when Live calls the script.

On a clock of its own: time passes while somebody waits. What is kept is what stood when, on which mixer.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field

from mixbridge.bridge.osc.packets import Argument, Message
from mixbridge.presets.errors import DeskError

_STEP_S = 0.001
VOLUME = "/live/track/set/volume"


@dataclass
class PlayedSet:
    """Live while it plays, and the link to it.

    Attributes:
        bpm: the tempo; may be changed.
        plays: whether it does.
        beats: where it is.
        loop: from and to, in beats; None: there is none.
        jitter_s: how late a tick may come.
        lost: the share of datagrams that are lost, in either direction.
        way_s: how long an answer takes at most.
        events: what happens at which time of the clock.
        stood: at each millisecond: the time, the song's beats, whether it plays, and the value of the first volume.
    """

    bpm: float = 120.0
    plays: bool = True
    beats: float = 0.0
    loop: tuple[float, float] | None = None
    jitter_s: float = 0.0
    lost: float = 0.0
    way_s: float = 0.003
    now: float = 100.0
    volume: float = 0.0
    is_there: bool = True
    events: dict[float, Callable[[], None]] = field(default_factory=dict)
    stood: list[tuple[float, float, bool, float]] = field(default_factory=list)
    sets: int = 0

    def __post_init__(self) -> None:
        self._chance = random.Random(1)
        self._waiting: list[Message] = []
        self._answers: list[tuple[float, Message]] = []
        self._due = self.now + 0.0371
        self._tick_at = self._due

    def clock(self) -> float:
        return self.now

    def send(self, message: Message) -> None:
        self.sets += message.address == VOLUME
        if self._chance.random() >= self.lost:
            self._waiting.append(message)

    def receive(self, timeout_s: float) -> Message | None:
        until = self.now + timeout_s
        while True:
            for entry in self._answers:
                if entry[0] <= self.now:
                    self._answers.remove(entry)
                    return entry[1]
            if self.now >= until - 1e-9:
                return None
            self.pass_time()

    def silence(self) -> DeskError:
        return DeskError("it does not answer")

    def pass_time(self) -> None:
        self.now += _STEP_S
        if self.plays:
            self.beats += _STEP_S * self.bpm / 60
            if self.loop is not None and self.beats >= self.loop[1]:
                self.beats += self.loop[0] - self.loop[1]
        for at in [at for at in self.events if self.now - 100.0 >= at]:
            self.events.pop(at)()
        if self.now >= self._tick_at:
            self._due += 0.1
            self._tick_at = self._due + self._chance.uniform(0, self.jitter_s)
            self._tick()
        self.stood.append((self.now, self.beats, self.plays, self.volume))

    def _tick(self) -> None:
        taken, self._waiting = self._waiting, []
        for message in taken if self.is_there else ():
            if message.address == VOLUME:
                value = message.args[-1]
                assert isinstance(value, float)
                self.volume = value
            elif self._chance.random() >= self.lost:
                answer = Message(message.address, (self._told(message.address.rpartition("/")[2]),))
                self._answers.append((self.now + self._chance.uniform(0, self.way_s), answer))

    def _told(self, what: str) -> Argument:
        told: dict[str, Argument] = {"is_playing": self.plays, "tempo": self.bpm, "current_song_time": self.beats}
        return told[what]
