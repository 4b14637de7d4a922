"""Controllers at the live engine, over OSC: what they change is heard, and what is played is told."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator

import numpy as np
import pytest
from mixbridge.bridge.osc.packets import Message, decode, encode
from mixbridge.bridge.server.current import CurrentPreset
from mixbridge.bridge.server.live import LiveControl
from mixbridge.bridge.server.server import OscServer
from mixbridge.bridge.server.surface import Actions
from mixbridge.presets.console import EqBand, Equalizer, Strip
from mixbridge.presets.preset import Preset, Track
from mixbridge.runtime.live.reporting import LiveReport
from mixbridge.runtime.live.steering import Steering

PATIENCE_S = 30
A = Preset(tracks=(Track(name="Vox"), Track(name="Bass")))
LOUD = Strip(fader_db=12, eq=Equalizer(band1=EqBand(gain_db=6, freq_hz=1000)))
B = Preset(tracks=(Track(name="Vox", strip=LOUD), Track(name="Bass", strip=LOUD)))


class EngineDouble:
    """Notes what it is told; it plays a tone."""

    def __init__(self) -> None:
        self.preset = A
        self.played: list[tuple[Preset, float | None]] = []
        self.is_bypassed = False
        self.source = type("Source", (), {"channels": (1, 1)})
        self.shape = type("Shape", (), {"sample_rate_hz": 48000})

    def set_preset(self, preset: Preset, *, gain: float | None = None) -> None:
        self.played.append((preset, gain))
        self.preset = preset
        time.sleep(0.02)  # as if units were made

    def bypass(self, on: bool) -> None:
        self.is_bypassed = on

    def latest_inputs(self, length_s: float) -> np.ndarray:
        tone = np.sin(2 * np.pi * 1000 * np.arange(round(length_s * 48000)) / 48000)
        return np.stack([tone, tone]).astype(np.float32) * np.float32(0.05)

    def peaks(self, _reader: str) -> tuple[list[float], tuple[float, float]]:
        return [0.5, 0.0], (1.0, 0.1)

    def report(self) -> LiveReport:
        return LiveReport(48000, 128, 2.67, 0, 1000, 3, 2, 0, 0, 0, 1.5, 2.5, 240, 0, 0, 0, 0)


class Surroundings:
    """An engine, a server and a controller at it."""

    def __init__(self, engine: EngineDouble, control: LiveControl, server: OscServer) -> None:
        self.engine, self.control, self.server = engine, control, server
        self.controller = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.controller.bind(("127.0.0.1", 0))
        self.controller.settimeout(PATIENCE_S)

    def say(self, address: str, *values: float) -> None:
        self.controller.sendto(encode(Message(address, values)), self.server.address)

    def hear(self, address: str) -> Message:
        """The next message of this address."""
        while True:
            for message in decode(self.controller.recv(65536)):
                if message.address == address:
                    return message


@pytest.fixture
def live() -> Iterator[Surroundings]:
    engine, current = EngineDouble(), CurrentPreset(A)
    control = LiveControl(engine, current, B, Steering(set()))  # type: ignore[arg-type]
    with OscServer(current, Actions(more=control.requests), port=0) as server:
        control.join(server)
        server.start()
        with control:
            around = Surroundings(engine, control, server)
            yield around
            around.controller.close()


def until(is_so: Callable[[], bool]) -> None:
    end_s = time.monotonic() + PATIENCE_S
    while not is_so():
        assert time.monotonic() < end_s
        time.sleep(0.005)


def test_a_setting_at_its_address_is_played(live: Surroundings) -> None:
    live.say("/mixbridge/track/1/fader_db", -6.0)
    until(lambda: bool(live.engine.played))
    assert live.engine.preset.tracks[0].strip.fader_db == -6


def test_a_flood_costs_few_changes_and_ends_where_it_ended(live: Surroundings) -> None:
    for number in range(600):
        live.say("/mixbridge/track/1/pan", round(-1 + number / 300, 4))
    live.say("/mixbridge/track/2/fader_db", -3.0)
    until(lambda: live.engine.preset.tracks[1].strip.fader_db == -3)
    assert live.engine.preset.tracks[0].strip.pan == pytest.approx(-1 + 599 / 300, abs=1e-4)
    assert len(live.engine.played) < 300


def test_b_comes_at_the_loudness_of_a_and_a_comes_back_as_it_was(live: Surroundings) -> None:
    live.say("/mixbridge/subscribe")
    live.say("/mixbridge/live/ab", 1)
    until(lambda: bool(live.engine.played))
    preset, gain = live.engine.played[0]
    assert preset.tracks == B.tracks
    assert gain == pytest.approx(10 ** (-18 / 20), rel=0.01)  # 12 dB of fader, 6 dB of EQ at the tone
    assert live.hear("/mixbridge/track/1/fader_db").args == (12.0,)
    live.say("/mixbridge/live/ab", 0)
    until(lambda: len(live.engine.played) == 2)
    assert live.engine.played[1] == (A, 1.0)


def test_bypass_and_lock_are_told_when_asked(live: Surroundings) -> None:
    live.say("/mixbridge/live/bypass", 1)
    live.say("/mixbridge/live/lock/2", 1)
    live.say("/mixbridge/live/bypass")
    assert live.hear("/mixbridge/live/bypass").args == (1,)
    live.say("/mixbridge/live/lock/2")
    assert live.hear("/mixbridge/live/lock/2").args == (1,)


def test_meters_and_counters_come_to_who_asked(live: Surroundings) -> None:
    live.say("/mixbridge/live/meters", 1)
    assert live.hear("/mixbridge/live/meter/track/1").args[0] == pytest.approx(-6.02, abs=0.01)
    assert live.hear("/mixbridge/live/meter/mix").args == (0.0, pytest.approx(-20, abs=0.01))
    assert live.hear("/mixbridge/live/counters").args == (1000, 3, 2, 1.5, 2.5, 240)


def test_what_cannot_be_is_refused_in_words(live: Surroundings) -> None:
    live.say("/mixbridge/live/follow")
    assert "start live with a reference" in str(live.hear("/mixbridge/error").args[0])
    live.say("/mixbridge/live/bypass", 7)
    assert "1 or 0 is wanted" in str(live.hear("/mixbridge/error").args[0])


def test_what_the_model_hears_is_gone_after_slowly_and_told(live: Surroundings) -> None:
    live.say("/mixbridge/subscribe")
    live.say("/mixbridge/live/bypass")
    live.hear("/mixbridge/live/bypass")  # the subscription stands
    live.control.hear(B)
    live.control.go_on(1.0)
    until(lambda: bool(live.engine.played))
    assert live.engine.preset.tracks[0].strip.fader_db == pytest.approx(2.0)
    assert live.hear("/mixbridge/track/1/fader_db").args[0] == pytest.approx(2.0)
