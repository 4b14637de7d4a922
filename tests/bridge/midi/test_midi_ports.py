"""Ports: found, gone, back again; on stand-ins with exact bytes, and on JACK MIDI with the engine behind it."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from _thread import interrupt_main
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
from click.testing import CliRunner
from jack_server import JackServer, jack_server
from midi_controllers import JackController, PlayedDouble, PluggedBackend
from mixbridge.bridge.cli.playing.live import live
from mixbridge.bridge.midi.control import LEARN, MidiControl
from mixbridge.bridge.midi.mapping import load_map
from mixbridge.bridge.midi.ports import MidiPorts, PortNews, WantedPorts, matching
from mixbridge.bridge.midi.process import PortsProcess
from mixbridge.bridge.midi.surface import MidiSurface
from mixbridge.bridge.server.current import CurrentPreset
from mixbridge.bridge.server.live import LiveControl
from mixbridge.presets import files
from mixbridge.presets.errors import DeskError, DeviceError
from mixbridge.presets.preset import Preset, Track
from mixbridge.runtime.live.backends.base import BackendChoice
from mixbridge.runtime.live.engine import LiveEngine, LiveInput

PATIENCE_S = 60
RATE_HZ = 48000
NAME = "X-TOUCH:X-TOUCH MIDI 1 20:0"
PRESET = Preset(tracks=(Track(name="Tone"),))


def until(is_so: Callable[[], object]) -> None:
    end_s = time.monotonic() + PATIENCE_S
    while not is_so():
        assert time.monotonic() < end_s
        time.sleep(0.01)


@pytest.mark.parametrize(
    ("wanted", "found"),
    [(NAME, NAME), ("x-touch", NAME), ("X-TOUCH:X-TOUCH MIDI 1 28:0", NAME), ("Nord", None)],
)
def test_names(wanted: str, found: str | None) -> None:
    assert matching(wanted, ["Midi Through 14:0", NAME]) == found


class TestOpening:
    def test_messages_go_both_ways_as_bytes(self) -> None:
        backend, heard, news = PluggedBackend(NAME), [], []
        ports = MidiPorts(WantedPorts("x-touch", "x-touch"), heard.append, news.append, backend)
        ports.open_all()
        backend.say(b"\xe0\x01\x02", b"\xf0\x01\xf7")
        ports.send([b"\x90\x10\x7f", b"\xb0\x30\x16"])
        assert heard == [b"\xe0\x01\x02", b"\xf0\x01\xf7"]
        assert backend.sent == [b"\x90\x10\x7f", b"\xb0\x30\x16"]
        assert news == [PortNews("input", NAME, True), PortNews("output", NAME, True)]

    def test_a_fault_of_the_hearer_is_none_of_the_librarys(self) -> None:
        backend = PluggedBackend(NAME)

        def hear(_data: bytes) -> None:
            raise RuntimeError

        MidiPorts(WantedPorts(NAME), hear, lambda _: None, backend).open_all()
        backend.say(b"\xe0\x01\x02")

    def test_what_is_not_there_is_said_with_what_is(self) -> None:
        ports = MidiPorts(WantedPorts("Nord"), lambda _: None, lambda _: None, PluggedBackend(NAME))
        with pytest.raises(DeviceError, match="no MIDI input called 'Nord'; there are X-TOUCH"):
            ports.open_all()

    def test_gone_and_come(self) -> None:
        backend, news = PluggedBackend(), []
        ports = MidiPorts(WantedPorts("X-Touch", "X-Touch"), lambda _: None, news.append, backend)
        assert ports.look()
        backend.names.append(NAME)
        assert ports.look()
        assert news == [PortNews("input", NAME, True), PortNews("output", NAME, True)]
        backend.names.clear()
        ports.send([b"\x90\x10\x7f"])
        assert not ports.look()
        assert news[2:] == [PortNews("input", "X-Touch", False), PortNews("output", "X-Touch", False)]


class TestControl:
    def test_a_flood_ends_where_it_ended(self) -> None:
        mix = PlayedDouble(PRESET)
        control = MidiControl(MidiSurface(mix, load_map("mackie")))
        begun_s = time.monotonic()
        for number in range(20_000):
            control.hear(bytes((0xE0, number % 128, 95)))
        assert time.monotonic() - begun_s < PATIENCE_S
        control.hear(b"\xe0\x00\x60")
        with control:
            until(lambda: mix.preset.tracks[0].strip.fader_db != 0)
            until(lambda: mix.preset.tracks[0].strip.fader_db == pytest.approx(0.02, abs=0.02))

    def test_learning_over_osc(self) -> None:
        mix = PlayedDouble(PRESET)
        with MidiControl(MidiSurface(mix)) as control:
            control.requests[LEARN](("/mixbridge/track/1/mute",), ("127.0.0.1", 1))
            control.hear(b"\x90\x01\x7f")
            time.sleep(0.6)
            until(lambda: control.hear(b"\x90\x01\x7f") or control.hear(b"\x90\x01\x00") or mix.preset.tracks[0].mute)
            with pytest.raises(DeskError, match="address that is to be learnt"):
                control.requests[LEARN]((1,), ("127.0.0.1", 1))


@pytest.fixture(scope="module")
def server() -> Iterator[JackServer]:
    pytest.importorskip("rtmidi", exc_type=(ImportError, OSError))
    with jack_server() as running:
        yield running


@pytest.fixture
def jack_midi(server: JackServer, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("JACK_DEFAULT_SERVER", server.name)
    monkeypatch.setenv("MIDO_BACKEND", "mido.backends.rtmidi/UNIX_JACK")
    return server.name


def bend(place: float) -> bytes:
    number = round(place * 16383)
    return bytes((0xE0, number & 127, number >> 7))


def test_a_fader_over_jack_is_heard_and_told(jack_midi: str, tmp_path: Path) -> None:
    """A real port, the process of the ports, the engine: a motor fader down by 30 dB, and what it is told."""
    tone = np.sin(2 * np.pi * 1000 * np.arange(RATE_HZ) / RATE_HZ, dtype=np.float32) * np.float32(0.1)
    sf.write(tmp_path / "tone.wav", tone, RATE_HZ, subtype="FLOAT")
    source = LiveInput((1,), {"Tone": tmp_path / "tone.wav"}, loops=True)
    choice = BackendChoice("null", block_frames=1024, sample_rate_hz=RATE_HZ)
    controller = JackController(jack_midi)
    try:
        with LiveEngine(PRESET, source, choice) as engine, LiveControl(engine, CurrentPreset(PRESET)) as mix:
            control = MidiControl(MidiSurface(mix, load_map("mackie")))
            wanted = WantedPorts("surface", "surface")
            with PortsProcess(wanted, control.hear, lambda _: None, control.came) as ports, control:
                control.join(ports)
                said_until(controller, [bend(0.75)], lambda: bend(0.75) in controller.hear())
                controller.say(*(bend(0.75 - step / 100) for step in range(51)))
                said_until(controller, [bend(0.25)], lambda: bend(0.25) in controller.hear())
                assert engine.preset.tracks[0].strip.fader_db == pytest.approx(-30, abs=0.01)
                until(lambda: _level(engine) < 0.01)
                assert _level(engine) == pytest.approx(0.1 / np.sqrt(2) * 10 ** (-30 / 20), rel=0.02)
    finally:
        controller.close()


def _level(engine: LiveEngine) -> float:
    engine.peaks("test")
    begin = engine.played_frames
    until(lambda: engine.played_frames > begin + RATE_HZ // 10)
    return engine.peaks("test")[1][0]


def test_a_port_a_process_and_a_server_that_are_gone_are_told_and_come_back(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("rtmidi", exc_type=(ImportError, OSError))
    monkeypatch.setenv("MIDO_BACKEND", "mido.backends.rtmidi/UNIX_JACK")
    with jack_server() as server:
        monkeypatch.setenv("JACK_DEFAULT_SERVER", server.name)
        _lose_all(server)


def _lose_all(server: JackServer) -> None:
    mix, said = PlayedDouble(PRESET), list[str]()
    control = MidiControl(MidiSurface(mix, load_map("mackie")))
    controller = JackController(server.name)
    try:
        with PortsProcess(WantedPorts("surface"), control.hear, said.append, control.came) as ports, control:
            controller.close()
            until(lambda: "the MIDI input surface is gone; waiting for it to come back." in said)
            controller = JackController(server.name)
            until(lambda: "the MIDI input surface:out is back." in said)
            _press(controller, mix)
            number = ports.process_id
            os.kill(number, signal.SIGKILL)
            until(lambda: any("the process of the MIDI ports was killed (SIGKILL)" in words for words in said))
            until(lambda: ports.names and ports.process_id != number)
            _press(controller, mix)
            said.clear()
            server.kill()
            until(lambda: "the MIDI input surface is gone; waiting for it to come back." in said)
            controller.close()
            server.start()
            controller = JackController(server.name)
            until(lambda: "the MIDI input surface:out is back." in said)
            _press(controller, mix)
    finally:
        controller.close()


def _press(controller: JackController, mix: PlayedDouble) -> None:
    before = mix.preset.tracks[0].mute
    said_until(controller, [b"\x90\x10\x00", b"\x90\x10\x7f"], lambda: mix.preset.tracks[0].mute != before)
    controller.say(b"\x90\x10\x00")


def said_until(controller: JackController, messages: list[bytes], is_so: Callable[[], object]) -> None:
    """Say something until it is heard: JACK loses what is in a block that came too late."""
    end_s, said_s = time.monotonic() + PATIENCE_S, 0.0
    while not is_so():
        assert time.monotonic() < end_s
        if time.monotonic() - said_s > 2:
            said_s = time.monotonic()
            controller.say(*messages)
        time.sleep(0.01)


def test_a_port_that_was_never_there_is_refused(jack_midi: str) -> None:
    with (
        pytest.raises(DeviceError, match="there is no MIDI input called 'Nord'"),
        PortsProcess(WantedPorts("Nord"), lambda _: None, lambda _: None),
    ):
        pass


def test_the_command_learns_a_control_and_keeps_it(jack_midi: str, tmp_path: Path) -> None:
    """`mixbridge live` until a control is learnt; then Ctrl-C."""
    files.save(PRESET, tmp_path / "mix.json")
    path, address = tmp_path / "map.toml", "/mixbridge/track/1/pan"
    controller = JackController(jack_midi)

    def turn_a_knob() -> None:
        end_s, number = time.monotonic() + PATIENCE_S, 0
        while not path.exists() and time.monotonic() < end_s:
            number += 1
            controller.say(bytes((0xB3, 21, number % 128)))
            time.sleep(0.05)
        interrupt_main()

    hand = threading.Thread(target=turn_a_knob)
    options = ["--midi", "surface", "--midi-map", str(path), "--midi-learn", address]
    try:
        hand.start()
        result = CliRunner().invoke(live, [str(tmp_path / "mix.json"), "--backend", "null", *options, "--json"])
    finally:
        hand.join()
        controller.close()
    assert result.exit_code == 0, result.output
    assert f"CC 21, channel 4 sets {address} now." in json.loads(result.output)["events"]
    (entry,) = load_map(str(path)).controls
    assert (entry.message, entry.channel, entry.number, entry.address) == ("cc", 4, 21, address)
