"""The process of a controller's ports, and what is on this side of it: messages come and go, ports go and come back."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Final

from ...presets.errors import DeviceError, MixbridgeError
from ...runtime.spawning import Spawned
from .ports import Direction, MidiPorts, PortNews, WantedPorts

_LOOK_S: Final = 1.0
_STARTING_S: Final = 30.0
# A process that falls as soon as it is there is not started again and again in no time.
_AGAIN_S: Final = 1.0
_MOST_FALLS: Final = 5
_ENDING_S: Final = 2.0


@dataclass(frozen=True)
class PortsTask:
    """What the process is started with.

    Attributes:
        wanted: the ports.
        is_patient: wait for those that are not there.
    """

    wanted: WantedPorts
    is_patient: bool = False


@dataclass(frozen=True)
class PortsReady:
    """That the process is at work, or cannot be.

    Attributes:
        fault: what is wrong; empty if nothing is.
    """

    fault: str = ""


def run_ports(task: PortsTask, pipe: Connection) -> None:
    """Hand messages on, both ways, until the other end is gone, or a port."""
    sending = threading.Lock()

    def tell(news: bytes | PortNews | PortsReady) -> None:
        with sending, contextlib.suppress(OSError):
            pipe.send(news)

    ports = None
    try:
        ports = MidiPorts(task.wanted, tell, tell)
        if not task.is_patient:
            ports.open_all()
        tell(PortsReady())
        hand_on(ports, pipe)
    except MixbridgeError as error:
        tell(PortsReady(str(error)))
    except (EOFError, OSError):  # whoever wanted them is gone
        pass
    if ports is not None:
        ports.close()
    # No more is closed: a library may fall over a port that is gone, and the system closes them all.
    os._exit(0)


def hand_on(ports: MidiPorts, pipe: Connection) -> None:
    """Send what comes over the pipe, and look at the ports each second, until one is gone, or None comes."""
    looked_s = 0.0
    while True:
        if time.monotonic() - looked_s >= _LOOK_S:
            if not ports.look():
                return
            looked_s = time.monotonic()
        if pipe.poll(_LOOK_S):
            messages = pipe.recv()
            if messages is None:
                return
            ports.send(messages)


class PortsProcess:
    """A controller's ports as those see them that use them; a context manager that ends the process.

    Args:
        wanted: the ports.
        hear: called with the bytes of each message.
        say: takes a sentence for the user.
        came: called when a port came or went.
        run: the process's work.

    Attributes:
        names: of the ports that are open, by direction.

    Raises:
        DeviceError: a port is not there, or MIDI cannot be used.
    """

    def __init__(
        self,
        wanted: WantedPorts,
        hear: Callable[[Sequence[int]], None],
        say: Callable[[str], None],
        came: Callable[[], None] = lambda: None,
        run: Callable[[PortsTask, Connection], None] = run_ports,
    ) -> None:
        self._wanted, self._hear, self._say, self._came, self._run = wanted, hear, say, came, run
        self.names: dict[Direction, str] = {}
        self._lost: set[Direction] = set()
        self._is_ended = threading.Event()
        self._sending = threading.Lock()
        self._process: Spawned | None = None
        self._thread = threading.Thread(target=self._listen, name="mixbridge midi ports", daemon=True)

    def __enter__(self) -> PortsProcess:
        self._start(is_patient=False)
        try:
            self._wait_until_ready()
        except BaseException:
            self._end()
            raise
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_ended.set()
        self._end()
        self._thread.join()
        self._end()  # one that was just being started

    @property
    def is_told(self) -> bool:
        """Whether there is an output now."""
        return "output" in self.names

    @property
    def process_id(self) -> int:
        """Number of the process; 0 where there is none."""
        return 0 if self._process is None else self._process.id

    def send(self, messages: Sequence[bytes]) -> None:
        """Send; what cannot be sent is lost."""
        with self._sending, contextlib.suppress(OSError):
            if self._process is not None:
                self._process.pipe.send(messages)

    def _start(self, *, is_patient: bool) -> None:
        process = Spawned(self._run, "mixbridge midi", PortsTask(self._wanted, is_patient))
        with self._sending:
            self._process = process

    def _end(self) -> None:
        """End the process, in order if it can: a JACK server may fall over a client that is gone without a word."""
        process = self._process
        if process is None:
            return
        with self._sending, contextlib.suppress(OSError):
            process.pipe.send(None)
        process.end(_ENDING_S)

    def _wait_until_ready(self) -> None:
        process, until_s = self._process, time.monotonic() + _STARTING_S
        while process is not None and process.pipe.poll(max(0.0, until_s - time.monotonic())):
            try:
                news = process.pipe.recv()
            except (EOFError, OSError):
                break
            if isinstance(news, PortsReady):
                if news.fault:
                    raise DeviceError(news.fault)
                return
            self._take(news)
        raise DeviceError("the MIDI ports could not be opened: the process for them ended, or did not answer.")

    def _listen(self) -> None:
        falls = 0
        while not self._is_ended.is_set():
            process = self._process
            try:
                while process is not None:
                    news = process.pipe.recv()
                    if isinstance(news, PortNews):
                        falls = 0
                    self._take(news)
            except (EOFError, OSError):
                if self._is_ended.is_set():
                    return
            if not self._lost and process is not None:
                self._say(f"the process of the MIDI ports {process.ending(_ENDING_S)}; it is started again.")
            falls += 1
            if falls > _MOST_FALLS:
                self._say(f"MIDI is off: the process of the ports ended {falls} times. Start live again.")
                return
            self._let_go()
            if self._is_ended.wait(_AGAIN_S):
                return
            self._start(is_patient=True)

    def _let_go(self) -> None:
        self._lost.update(self.names)
        self.names.clear()
        self._came()
        self._end()

    def _take(self, news: bytes | PortNews | PortsReady) -> None:
        match news:
            case bytes():
                self._hear(news)
            case PortNews(way=way, is_there=True):
                self.names[way] = news.name
                if way in self._lost:
                    self._lost.discard(way)
                    self._say(f"the MIDI {way} {news.name} is back.")
                self._came()
            case PortNews(way=way):
                self._lost.add(way)
                self._say(f"the MIDI {way} {news.name} is gone; waiting for it to come back.")
