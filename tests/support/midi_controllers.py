"""Controllers for tests: ports that are plugged in and pulled out, and one at a JACK server, which is a real part."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from multiprocessing.connection import Connection
from typing import Any

import mido
from mixbridge.bridge.osc.packets import Message
from mixbridge.bridge.server.current import CurrentPreset
from mixbridge.bridge.server.subscribers import Peer
from mixbridge.bridge.server.surface import Arguments, Request
from mixbridge.presets.preset import Preset
from mixbridge.runtime.spawning import Spawned


class PlayedDouble:
    """A mix that can be changed, and switches beside it."""

    def __init__(self, preset: Preset) -> None:
        self.current = CurrentPreset(preset)
        self.switches = {"/mixbridge/live/bypass": 0, "/mixbridge/live/ab": 0, "/mixbridge/live/lock/1": 0}
        self.requests: Mapping[str, Request] = {address: self._request(address) for address in self.switches}

    @property
    def preset(self) -> Preset:
        return self.current.preset

    def change(self, edit: Callable[[Preset], Preset], gesture: str = "") -> None:
        self.current.change(edit, gesture)

    def undo(self) -> None:
        self.current.undo()

    def _request(self, address: str) -> Request:
        def request(arguments: Arguments, _sender: Peer) -> Sequence[Message]:
            if not arguments:
                return [Message(address, (self.switches[address],))]
            self.switches[address] = int(arguments[0])
            return []

        return request


class PluggedBackend:
    """A backend of mido whose ports are in a list; a callback that is not there any more is not called."""

    def __init__(self, *names: str) -> None:
        self.names = list(names)
        self.callbacks: dict[str, Callable[[mido.Message], None]] = {}
        self.sent: list[bytes] = []
        self.opened: list[str] = []

    def get_input_names(self) -> list[str]:
        return list(self.names)

    def get_output_names(self) -> list[str]:
        return list(self.names)

    def open_input(self, name: str, *, callback: Callable[[Any], None]) -> Any:
        self._open(name)
        self.callbacks[name] = callback
        return _Port(self, name)

    def open_output(self, name: str) -> Any:
        self._open(name)
        return _Port(self, name)

    def say(self, *messages: Sequence[int]) -> None:
        """Speak as the controller does."""
        for data in messages:
            for callback in list(self.callbacks.values()):
                callback(mido.Message.from_bytes(data))

    def _open(self, name: str) -> None:
        if name not in self.names:
            raise OSError(f"unknown port {name!r}")
        self.opened.append(name)


class _Port:
    def __init__(self, backend: PluggedBackend, name: str) -> None:
        self._backend, self._name = backend, name

    def send(self, message: mido.Message) -> None:
        if self._name not in self._backend.names:
            raise OSError("no such device")
        self._backend.sent.append(bytes(message.bytes()))

    def close(self) -> None:
        self._backend.callbacks.pop(self._name, None)


class JackController:
    """A program at a JACK server with a MIDI output and input, as a bridge to a controller is.

    Attributes:
        heard: bytes of the messages that came in, as far as :meth:`hear` has taken them.
    """

    def __init__(self, server: str, name: str = "surface") -> None:
        self._process = Spawned(be_controller, name, server, name)
        self._pipe = self._process.pipe
        self.heard: list[bytes] = []
        assert self._pipe.poll(30)
        assert self._pipe.recv() == "ready"

    def say(self, *messages: bytes) -> None:
        for data in messages:
            self._pipe.send(data)

    def hear(self) -> list[bytes]:
        """All that it heard until now."""
        while self._pipe.poll(0):
            self.heard.append(self._pipe.recv())
        return self.heard

    def close(self) -> None:
        self._process.end()


def be_controller(server: str, name: str, pipe: Connection) -> None:
    """Send what comes over the pipe in the next block, and hand on what is heard."""
    import jack

    client = jack.Client(name, no_start_server=True, servername=server)
    out, into = client.midi_outports.register("out"), client.midi_inports.register("in")
    waiting: deque[bytes] = deque()
    heard: deque[bytes] = deque()

    def process(_frames: int) -> None:
        out.clear_buffer()
        while waiting:
            out.write_midi_event(0, waiting.popleft())
        heard.extend(bytes(data) for _, data in into.incoming_midi_events())

    client.set_process_callback(process)
    client.activate()
    pipe.send("ready")
    while True:
        if pipe.poll(0.01):
            waiting.append(pipe.recv())
        while heard:
            pipe.send(heard.popleft())
