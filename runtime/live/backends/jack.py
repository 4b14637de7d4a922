"""JACK, which is PipeWire, too: inputs for raw tracks, the mix, and processed tracks if asked for.

Where the server ends, the engine waits for it to come back, makes its ports anew and connects them as they were.
"""

from __future__ import annotations

import itertools
import time
from collections import deque
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from ....presets.errors import DeviceError, Hint
from ....presets.extras import install_command
from ...audio.reading import Samples
from ..priority import AUDIO, CHANGES, take_priority
from ..sound.console import MOST_FRAMES
from .base import BackendChoice, Calls, Connections, DeviceTerms, Surroundings

if TYPE_CHECKING:
    from jack import Client, OwnPort

_POLL_S: Final = 0.05
_AGAIN_S: Final = 0.5
_AGO_S: Final = 1.0
# Other programs come back after the server, one by one: their ports are looked for during this time.
_CONNECTING_S: Final = 60.0
_LONGEST_NAME: Final = 100


def jack_terms(choice: BackendChoice) -> DeviceTerms:
    """Ask the server what it goes at.

    Raises:
        DeviceError: there is none, or it goes at another rate than was asked for.
    """
    client = _opened(choice)
    try:
        terms = DeviceTerms(int(client.samplerate), int(client.blocksize))
    finally:
        client.close()
    if choice.sample_rate_hz not in (None, terms.sample_rate_hz):
        raise DeviceError(
            f"JACK runs at {terms.sample_rate_hz} Hz, not {choice.sample_rate_hz}: leave the rate out, or start JACK "
            "with the other one."
        )
    return terms


class JackBackend:
    """A client of JACK.

    Args:
        choice: how it is set up.
    """

    def __init__(self, choice: BackendChoice):
        self._choice = choice

    def run(self, calls: Calls, around: Surroundings) -> None:
        """Call for blocks until the end.

        Raises:
            DeviceError: there is no server, or it came back at another sample rate.
        """
        connections = around.connections
        has_played, is_waiting = around.has_played, False
        while not around.is_ended():
            try:
                client = _opened(self._choice)
            except DeviceError:
                if not has_played:
                    raise
                around.is_there(False)
                is_waiting = True
                around.wait(_AGAIN_S)
                continue
            try:
                _check_rate(client, around.sample_rate_hz)
                if is_waiting:
                    around.tell(f"JACK is back, at {client.samplerate} Hz, {client.blocksize} frames.")
                has_played, is_waiting = True, True
                connections = _Session(client, self._choice, calls, around).play(connections)
            finally:
                client.close()


class _Session:
    """The time from one start of the server to its end."""

    def __init__(self, client: Client, choice: BackendChoice, calls: Calls, around: Surroundings):
        self._client, self._choice, self._calls, self._around = client, choice, calls, around
        self._gone = ""
        self._fault = ""
        self._is_freewheeling = self._has_priority = False
        self._is_rewired = True
        self._inputs = np.zeros((calls.rows, MOST_FRAMES), np.float32)
        self._mix = np.zeros((2, MOST_FRAMES), np.float32)
        names = [name.replace(":", " ")[:_LONGEST_NAME] for name in around.names]
        made: set[str] = {"mix L", "mix R"}
        self._in_ports: list[OwnPort] = []
        if not around.is_fed:
            for name, count in zip(names, around.channels, strict=True):
                sides = ("",) if count == 1 else (" L", " R")
                self._in_ports.extend(client.inports.register(_free(f"{name}{side}", made)) for side in sides)
        self._mix_ports = [client.outports.register(f"mix {side}") for side in "LR"]
        self._track_ports: list[OwnPort] = []
        if choice.track_outs:
            wanted = [f"{name} out {side}" for name in names for side in "LR"]
            self._track_ports = [client.outports.register(_free(name, made)) for name in wanted]

    def play(self, connections: Connections | None) -> Connections:
        """Play until the server or the engine ends; gives the connections that there were."""
        client = self._client
        client.set_process_callback(self._process)
        client.set_shutdown_callback(self._shut_down)
        client.set_xrun_callback(lambda _delay_us: self._calls.count_xrun())
        client.set_freewheel_callback(self._freewheel)
        client.set_port_connect_callback(self._rewire, only_available=False)
        client.activate()
        self._around.be_urgent()
        # This thread, too, may hold what the audio waits for.
        take_priority(CHANGES)
        if connections is None:
            connections = self._usual_connections()
        missing = set(connections)
        until = time.monotonic() + _CONNECTING_S
        if self._choice.freewheel:
            self._connect(missing)
            client.set_freewheel(True)
            # What is sent to a client that seems to be there, and does not play yet, would be lost.
            while not (self._is_freewheeling or self._gone or self._around.is_ended()):
                self._around.wait(_POLL_S)
        self._around.is_there(True)
        # While a server dies there seem to be no connections: those of a second ago are to be made again.
        lately = deque([(time.monotonic(), connections)])
        while not (self._around.is_ended() or self._gone):
            if missing and time.monotonic() < until:
                self._connect(missing)
            self._around.wait(_POLL_S)
            now = time.monotonic()
            if self._is_rewired or missing:
                self._is_rewired = False
                lately.append((now, self._standing() | missing))
            while len(lately) > 1 and lately[1][0] < now - _AGO_S:
                lately.popleft()
            if lately[0][1] != connections:
                connections = lately[0][1]
                self._around.keep(connections)
            self._say_fault()
        if self._gone:
            self._around.is_there(False)
            self._around.tell(f"JACK has ended ({self._gone}); waiting for it to come back.")
        elif self._choice.freewheel:
            client.set_freewheel(False)
        return connections

    def _process(self, frames: int) -> None:
        if not self._has_priority:
            self._has_priority = True
            # A server without real-time priority gives none to its clients; they may have the right to it all the same.
            if not self._client.realtime:
                take_priority(AUDIO)
        try:
            self._fill(frames)
        except Exception as error:  # else JACK would never call again
            self._fault = f"{type(error).__name__}: {error}"

    def _fill(self, frames: int) -> None:
        mix = self._mix[:, :frames] if frames <= MOST_FRAMES else np.zeros((2, frames), np.float32)
        if self._choice.freewheel and not self._is_freewheeling:
            mix[:] = 0  # it begins when time is not real any more
        else:
            self._calls.process(self._taken(frames), mix)
        for port, row in zip(self._mix_ports, mix, strict=True):
            port.get_array()[:] = row
        if self._track_ports:
            for port, row in zip(self._track_ports, self._calls.tracks(frames), strict=True):
                port.get_array()[:] = row

    def _taken(self, frames: int) -> Samples | None:
        if not self._in_ports:
            return None
        inputs = self._inputs[:, :frames] if frames <= MOST_FRAMES else np.zeros((self._calls.rows, frames), np.float32)
        for port, row in zip(self._in_ports, inputs, strict=True):
            row[:] = port.get_array()
        return inputs

    def _freewheel(self, is_on: bool) -> None:
        self._calls.may_wait = self._is_freewheeling = bool(is_on)

    def _rewire(self, _one: object, _other: object, _is_connected: bool) -> None:
        self._is_rewired = True

    def _shut_down(self, _status: object, reason: str) -> None:
        self._gone = reason or "no reason given"

    def _say_fault(self) -> None:
        if self._fault:
            fault, self._fault = self._fault, ""
            self._around.tell(f"a block failed ({fault}): it was silent.")

    def _usual_connections(self) -> Connections:
        if not self._choice.connect:
            return frozenset()
        speakers = self._client.get_ports(is_audio=True, is_physical=True, is_input=True)[:2]
        return frozenset((_own(port), speaker.name) for port, speaker in zip(self._mix_ports, speakers, strict=False))

    def _own_ports(self) -> Sequence[OwnPort]:
        return (*self._in_ports, *self._mix_ports, *self._track_ports)

    def _standing(self) -> Connections:
        """What is connected now, from source to sink."""
        if self._gone:
            return frozenset()
        return frozenset(
            (other.name, _own(port)) if port.is_input else (_own(port), other.name)
            for port in self._own_ports()
            for other in port.connections
        )

    def _connect(self, missing: set[tuple[str, str]]) -> None:
        """Connect what can be; it is missing no more."""
        import jack

        for pair in list(missing):
            if self._gone:
                return
            try:
                # The client may be called otherwise than the last one was.
                self._client.connect(*(self._client.name + name if name.startswith(":") else name for name in pair))
            except jack.JackError:  # the other program is not back yet, or somebody was quicker
                if pair in self._standing():
                    missing.discard(pair)
            else:
                missing.discard(pair)


def _own(port: OwnPort) -> str:
    """Name a port of ours, whatever the client is called."""
    return f":{port.shortname}"


def _check_rate(client: Client, before_hz: int) -> None:
    rate_hz = int(client.samplerate)
    if rate_hz != before_hz:
        raise DeviceError(f"JACK came back at {rate_hz} Hz and was at {before_hz} before: start mixbridge live again.")


def _opened(choice: BackendChoice) -> Client:
    try:
        import jack
    except (ImportError, OSError) as error:
        raise DeviceError(
            f"JACK cannot be used here ({error}): install its library (Debian: libjack-jackd2-0, or pipewire-jack) and "
            f"`{install_command('live')}`."
        ) from error
    jack.set_error_function(_nothing)
    jack.set_info_function(_nothing)
    try:
        return jack.Client(choice.client, no_start_server=True, servername=choice.server)
    except jack.JackError as error:
        name = f" called {choice.server}" if choice.server else ""
        raise DeviceError(
            f"there is no JACK server{name}: start one (`jackd -d alsa`; with PipeWire `pw-jack mixbridge live ...`), "
            "or choose another backend.",
            hints=(Hint("backend", "portaudio"),),
        ) from error


def _free(name: str, made: set[str]) -> str:
    """A port's name that is not there yet; the stereo track OH has a port of the name of the mono track OH L."""
    candidates = (name if number == 1 else f"{name} {number}" for number in itertools.count(1))
    free = next(candidate for candidate in candidates if candidate not in made)
    made.add(free)
    return free


def _nothing(_message: Any) -> None:
    """Leave JACK's own words unsaid: what matters is said by us."""
