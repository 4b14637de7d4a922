"""What befalls a playing engine: sleep, a dead process, a dead server, a device that is gone. It goes on, and says why.

Real parts: JACK's dummy driver, and PortAudio on top of it. How long something takes is not looked at.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import ModuleType

import pytest
from jack_server import JackServer, jack_server
from live_presets import RATE_HZ
from mixbridge.presets.preset import Preset, Track
from mixbridge.runtime.live.backends.base import BackendChoice
from mixbridge.runtime.live.callback import AudioCallback
from mixbridge.runtime.live.engine import LiveEngine, LiveInput
from mixbridge.runtime.live.memory import EngineMemory, EngineShape, Tally
from mixbridge.runtime.live.sound.parts import Parts
from mixbridge.runtime.live.sound.player import Player

PATIENCE_S = 60
SLEEP_S = 2.0
PRESET = Preset(tracks=(Track(name="Vox"), Track(name="Bass")))
SOURCE = LiveInput((1, 1))


def until(engine: LiveEngine, is_so: Callable[[], bool]) -> None:
    engine.wait(PATIENCE_S, is_so)
    assert is_so()


def goes_on(engine: LiveEngine) -> None:
    before = engine.played_frames
    until(engine, lambda: engine.played_frames > before + RATE_HZ // 10)


def slept(engine: LiveEngine, events: list[str]) -> None:
    goes_on(engine)
    xruns = engine.report().xruns
    os.kill(engine.process_id, signal.SIGSTOP)
    time.sleep(SLEEP_S)
    os.kill(engine.process_id, signal.SIGCONT)
    goes_on(engine)
    until(engine, lambda: bool(events))
    assert len(events) == 1
    length_s, words = events[0].split(" ", 1)
    assert float(length_s) >= SLEEP_S - 0.1
    assert words == "s passed without a block: did the machine sleep?"
    assert engine.report().xruns > xruns
    assert engine.report().restarts == 0


def test_after_a_sleep_the_null_clock_goes_on() -> None:
    events: list[str] = []
    choice = BackendChoice("null", block_frames=1024, sample_rate_hz=RATE_HZ)
    with LiveEngine(PRESET, SOURCE, choice, on_event=events.append) as engine:
        slept(engine, events)


def test_at_jack_a_sleep_a_dead_engine_and_both_dead_at_once() -> None:
    events: list[str] = []
    with jack_server() as server:
        choice = BackendChoice("jack", server=server.name)
        with LiveEngine(PRESET, SOURCE, choice, on_event=events.append) as engine:
            until(engine, lambda: connections(server) == SPEAKERS)
            slept(engine, events)
            connect(server, ("system:capture_1", "mixbridge:Vox"))
            wired = {*SPEAKERS, ("system:capture_1", "mixbridge:Vox")}
            until(engine, lambda: remembers(engine, wired))
            os.kill(engine.process_id, signal.SIGKILL)
            until(engine, lambda: any("was killed (SIGKILL)" in event for event in events))
            until(engine, lambda: connections(server) == wired)
            goes_on(engine)
            until(engine, lambda: remembers(engine, wired))
            server.kill()
            until(engine, lambda: any("JACK has ended" in event for event in events))
            os.kill(engine.process_id, signal.SIGKILL)
            until(engine, lambda: engine.report().restarts == 2)
            server.start()
            until(engine, lambda: connections(server) == wired)
            goes_on(engine)


SPEAKERS = {("mixbridge:mix L", "system:playback_1"), ("mixbridge:mix R", "system:playback_2")}


def remembers(engine: LiveEngine, wired: set[tuple[str, str]]) -> bool:
    """Whether a process that is started now would connect so; who connects and is gone at once is not remembered."""
    return len(engine._process._task.connections or ()) == len(wired)


def connect(server: JackServer, pair: tuple[str, str]) -> None:
    import jack

    client = jack.Client("probe", no_start_server=True, servername=server.name)
    client.connect(*pair)
    client.close()


def connections(server: JackServer) -> set[tuple[str, str]]:
    import jack

    try:
        client = jack.Client("probe", no_start_server=True, servername=server.name)
    except jack.JackError:
        return set()
    try:
        ours = client.get_ports("mixbridge:.*")
        pairs = [(port, other) for port in ours for other in client.get_all_connections(port)]
        return {(a.name, b.name) if a.is_output else (b.name, a.name) for a, b in pairs}
    finally:
        client.close()


def test_a_device_of_portaudio_that_is_gone_comes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """PortAudio has JACK among its systems: its device goes with the server."""
    sounddevice = pytest.importorskip("sounddevice", exc_type=(ImportError, OSError))
    events: list[str] = []
    with anew(sounddevice), jack_server() as server:
        monkeypatch.setenv("JACK_DEFAULT_SERVER", server.name)
        choice = BackendChoice("portaudio", block_frames=1024)
        if not _has_jack(choice):
            pytest.skip("PortAudio was built without JACK here")
        with LiveEngine(PRESET, SOURCE, choice, on_event=events.append) as engine:
            goes_on(engine)
            server.kill()
            until(engine, lambda: events == ["the sound device is gone; waiting for it to come back."])
            server.start()
            until(engine, lambda: events[1:] == ["the sound device is back."])
            goes_on(engine)


@contextmanager
def anew(library: ModuleType) -> Iterator[None]:
    """Without the devices that it listed when it was loaded; they are listed when it is used."""
    library._terminate()
    try:
        yield
    finally:
        library._initialize()


def _has_jack(choice: BackendChoice) -> bool:
    from mixbridge.presets.errors import DeviceError
    from mixbridge.runtime.live.backends.registry import terms_of

    try:
        return terms_of(choice).sample_rate_hz == RATE_HZ
    except DeviceError:
        return False


def test_a_pause_of_the_device_is_no_sleep(monkeypatch: pytest.MonkeyPatch) -> None:
    import numpy as np
    from mixbridge.runtime.live import callback as module

    now_s = [0.0]
    monkeypatch.setattr(module, "_now_s", lambda: now_s[0])
    said: list[str] = []
    with EngineMemory(EngineShape((1, 1), RATE_HZ, 0, RATE_HZ)) as memory:
        player = Player(Parts.of(PRESET, (1, 1)), RATE_HZ, memory.inputs, memory.mixes)
        callback = AudioCallback(player, memory, is_fed=False, tell=said.append)
        inputs, out = np.zeros((2, 256), np.float32), np.zeros((2, 256), np.float32)
        for passed_s in (60.0, 0.4, 0.6):
            now_s[0] += passed_s
            callback.process(inputs, out)
        assert said == ["0.6 s passed without a block: did the machine sleep?"]
        callback.pause()
        now_s[0] += 60
        callback.process(inputs, out)
        assert len(said) == 1
        assert memory[Tally.BLOCKS] == 4
        del player, callback
