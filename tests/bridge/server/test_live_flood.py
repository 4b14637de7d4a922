"""An OSC flood at a playing engine, from a program that is killed in the middle of it."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress

import pytest
from mixbridge.bridge.osc.packets import Message, decode, encode
from mixbridge.bridge.server.current import CurrentPreset
from mixbridge.bridge.server.live import LiveControl
from mixbridge.bridge.server.server import OscServer
from mixbridge.bridge.server.surface import Actions
from mixbridge.presets.preset import Preset, Track
from mixbridge.runtime.live.backends.base import BackendChoice
from mixbridge.runtime.live.engine import LiveEngine, LiveInput

PATIENCE_S = 60
RATE_HZ = 48000
PER_S = 10_000
# A pan that goes to the right, a step each message.
FLOOD = f"""
import socket, sys, time
from mixbridge.bridge.osc.packets import Message, encode
channel = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
packets = [encode(Message("/mixbridge/track/1/pan", (round(number / 100_000, 5),))) for number in range(100_000)]
begin_s, sent = time.perf_counter(), 0
while True:
    due = int((time.perf_counter() - begin_s) * {PER_S})
    print(due, flush=True)  # before: who is killed has sent no more than it said
    for _ in range(due - sent):
        channel.sendto(packets[sent], ("127.0.0.1", int(sys.argv[1])))
        sent += 1
    time.sleep(0.002)
"""


def test_the_engine_goes_on_others_are_heard_and_the_newest_stands() -> None:
    preset = Preset(tracks=(Track(name="Vox"), Track(name="Bass")))
    current = CurrentPreset(preset)
    choice = BackendChoice("null", block_frames=1024, sample_rate_hz=RATE_HZ)
    with LiveEngine(preset, LiveInput((1, 1)), choice) as engine:
        control = LiveControl(engine, current)
        with OscServer(current, Actions(more=control.requests), port=0, allow=["127.0.0.0/8"]) as server, control:
            server.start()
            played, sent = engine.played_frames, flooded(server, 12_000)
            set_by_another(server)
            engine.wait(PATIENCE_S, lambda: not server._held and engine.preset is current.preset)
            assert engine.preset is current.preset
            # What the system's own buffer lost is lost: how much that is depends on what else this machine does.
            assert 0 < engine.preset.tracks[0].strip.pan < sent / 100_000
            assert engine.preset.tracks[1].strip.pan == -0.5
            assert server.counts.floods > 1000
            assert server.counts.faults == 0
            assert engine.played_frames > played
            assert engine.report().changes < server.counts.messages / 2
            assert engine.report().restarts == 0


def set_by_another(server: OscServer) -> None:
    """Set something until it is told to be so, as who uses UDP has to; by another address, which is another sender."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.2", 0))
        other.settimeout(0.2)
        until_s = time.monotonic() + PATIENCE_S
        while time.monotonic() < until_s:
            other.sendto(encode(Message("/mixbridge/track/2/pan", (-0.5,))), server.address)
            other.sendto(encode(Message("/mixbridge/track/2/pan")), server.address)
            with suppress(TimeoutError):
                if decode(other.recv(65536)) == [Message("/mixbridge/track/2/pan", (-0.5,))]:
                    return
    pytest.fail("nobody else is heard")


def flooded(server: OscServer, messages: int) -> int:
    """Flood a server until so many messages are out, and be killed; how many they were at most."""
    flooder = subprocess.Popen([sys.executable, "-c", FLOOD, str(server.address[1])], stdout=subprocess.PIPE, text=True)
    assert flooder.stdout is not None
    sent, until_s = 0, time.monotonic() + PATIENCE_S
    while sent < messages:
        assert time.monotonic() < until_s
        sent = int(flooder.stdout.readline())
    flooder.send_signal(signal.SIGKILL)
    rest = flooder.communicate()[0].split()
    return int(rest[-1]) if rest else sent
