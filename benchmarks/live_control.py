"""Measures the control of the live engine: MIDI to sound, an OSC flood, how soon settings follow a changed song.

Run it with `.venv-test/bin/python benchmarks/live_control.py [midi] [flood] [follow]`; docs/live.md has the results.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections import deque
from importlib import resources
from pathlib import Path

import numpy as np
import soundfile as sf
from mixbridge.bridge.midi.control import MidiControl
from mixbridge.bridge.midi.mapping import MidiMap
from mixbridge.bridge.midi.ports import WantedPorts
from mixbridge.bridge.midi.process import PortsProcess
from mixbridge.bridge.midi.surface import MidiSurface
from mixbridge.bridge.server.current import CurrentPreset
from mixbridge.bridge.server.live import LiveControl
from mixbridge.bridge.server.server import OscServer
from mixbridge.bridge.server.surface import Actions
from mixbridge.presets.preset import Preset, Track
from mixbridge.runtime.live.backends.base import BackendChoice
from mixbridge.runtime.live.engine import LiveEngine, LiveInput
from mixbridge.runtime.live.following import FollowTask, SongFollower
from mixbridge.runtime.live.steering import Steering

RATE_HZ = 48_000
# Of the JACK server that carries MIDI alone: a message waits for its next block.
MIDI_FRAMES = 128
TIMES = 40
CONTROLS = MidiMap.model_validate(
    {
        "format": "mixbridge-midi",
        "version": 1,
        "controls": [
            {"message": "cc", "channel": 1, "number": number, "address": address, "takeover": "jump"}
            for number, address in ((7, "/mixbridge/track/1/fader_db"), (8, "/mixbridge/track/1/eq/3/gain_db"))
        ],
    }
)
FLOOD_PER_S, FLOOD_S = 10_000, 10.0
FLOOD = f"""
import socket, sys, time
from mixbridge.bridge.osc.packets import Message, encode
channel, where = socket.socket(socket.AF_INET, socket.SOCK_DGRAM), ("127.0.0.1", int(sys.argv[1]))
packets = [encode(Message(f"/mixbridge/track/{{n % 8 + 1}}/pan", (n % 1000 / 1000,))) for n in range(8000)]
begin_s, sent = time.perf_counter(), 0
while time.perf_counter() - begin_s < {FLOOD_S}:
    for _ in range(int((time.perf_counter() - begin_s) * {FLOOD_PER_S}) - sent):
        channel.sendto(packets[sent % 8000], where)
        sent += 1
    time.sleep(0.001)
for track in range(1, 9):
    channel.sendto(encode(Message(f"/mixbridge/track/{{track}}/pan", (-0.5,))), where)
print(sent + 8)
"""
SECTION_S = 60.0
CHANGE_DB = 12.0
CHANGED = "Lead Vocal"


def midi() -> None:
    """From a client of JACK through its MIDI, the process of the ports and the engine, to the first changed sample."""
    import jack

    name = f"mixbridge-bench-{os.getpid()}"
    command = ["jackd", "-n", name, "-r", "-d", "dummy", "-r", str(RATE_HZ), "-p", str(MIDI_FRAMES)]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    os.environ |= {"JACK_DEFAULT_SERVER": name, "MIDO_BACKEND": "mido.backends.rtmidi/UNIX_JACK"}
    try:
        time.sleep(1.5)
        client = jack.Client("surface", servername=name, no_start_server=True)
        port, waiting = client.midi_outports.register("out"), deque[bytes]()

        def process(_frames: int) -> None:
            port.clear_buffer()
            while waiting:
                port.write_midi_event(0, waiting.popleft())

        client.set_process_callback(process)
        client.activate()
        print("\n| frames | fader over MIDI: median, worst | EQ over MIDI: median, worst |\n|---|---|---|")
        with tempfile.TemporaryDirectory() as folder:
            for frames in (128, 512):
                both = _over_midi(frames, Path(folder), waiting)
                shown = [f"{np.median(times):.0f} ms, {max(times):.0f} ms" for times in both]
                print(f"| {frames} | {' | '.join(shown)} |", flush=True)
        client.close()
    finally:
        server.terminate()
        server.wait()


def _over_midi(frames: int, folder: Path, waiting: deque[bytes]) -> list[list[float]]:
    path = folder / "tone.wav"
    tone = (0.1 * np.sin(2 * np.pi * 1000 * np.arange(RATE_HZ) / RATE_HZ)).astype(np.float32)
    sf.write(path, tone, RATE_HZ, subtype="FLOAT")
    preset = Preset(tracks=(Track(name="Tone"),))
    choice = BackendChoice("null", block_frames=frames, sample_rate_hz=RATE_HZ)
    source = LiveInput((1,), {"Tone": path}, loops=True)
    with LiveEngine(preset, source, choice) as engine, LiveControl(engine, CurrentPreset(preset)) as mix:
        control = MidiControl(MidiSurface(mix, CONTROLS))
        with PortsProcess(WantedPorts("surface"), control.hear, print, control.came), control:
            time.sleep(1)
            return [_waited_ms(engine, waiting, number) for number in (7, 8)]


def _waited_ms(engine: LiveEngine, waiting: deque[bytes], number: int) -> list[float]:
    times, period = [], RATE_HZ // 1000
    for turn in range(TIMES):
        time.sleep(0.3)
        begin, sent_s = engine.memory.mixes.position, time.perf_counter()
        waiting.append(bytes((0xB0, number, 80 if turn % 2 else 95)))
        while time.perf_counter() - sent_s < 2:
            mix = engine.memory.mixes.read(begin - period, engine.memory.mixes.position)[0]
            if len(mix) > period and np.abs(mix[period:] - mix[:-period]).max() > 1e-4:
                times.append(1e3 * (time.perf_counter() - sent_s))
                break
            time.sleep(0.0005)
    return times


def flood() -> None:
    """What ten thousand messages a second do, and when the last ones stand."""
    preset = Preset(tracks=tuple(Track(name=f"Track {number}") for number in range(1, 9)))
    choice, current = BackendChoice("null", block_frames=512, sample_rate_hz=RATE_HZ), CurrentPreset(preset)
    with LiveEngine(preset, LiveInput((1,) * 8), choice) as engine:
        control = LiveControl(engine, current)
        with OscServer(current, Actions(more=control.requests), port=0) as server, control:
            server.start()
            time.sleep(1)
            before, memory = engine.report(), _resident_mb()
            sent = int(subprocess.check_output([sys.executable, "-c", FLOOD, str(server.address[1])]))
            over_s = time.perf_counter()
            while any(track.strip.pan != -0.5 for track in engine.preset.tracks) and time.perf_counter() - over_s < 5:
                time.sleep(0.005)
            newest_s, after = time.perf_counter() - over_s, engine.report()
    print(
        f"\n{sent} messages in {FLOOD_S:g} s, {server.counts.received} of them received: "
        f"{after.blocks - before.blocks} blocks, {after.late_blocks - before.late_blocks} late, "
        f"{after.xruns - before.xruns} xruns; "
        f"{after.changes - before.changes} changes; {_resident_mb() - memory:.1f} MB more; "
        f"the last values stood {1000 * newest_s:.0f} ms after the sender had ended"
    )


def _resident_mb() -> float:
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * 4096 / 1e6


def follow() -> None:
    """The example session over and over; then its lead vocal comes 12 dB louder, and is to be turned down."""
    example = resources.files("mixbridge.runtime") / "example"
    reference = str(example / "reference.flac")
    with tempfile.TemporaryDirectory() as folder:
        stems = _sections(Path(str(example / "stems")), Path(folder))
        preset = Preset(tracks=tuple(Track(name=name) for name in stems))
        source, current = LiveInput.of_files(stems, preset), CurrentPreset(preset)
        choice = BackendChoice("null", block_frames=1024, sample_rate_hz=44_100)
        with LiveEngine(preset, source, choice, tap_s=9.0) as engine:
            control = LiveControl(engine, current, None, Steering(set()))
            task = FollowTask(engine.memory.name, engine.shape, tuple(stems), (reference,))
            hear, heard = control.hear, list[float]()

            def note(predicted: Preset) -> None:
                heard.append(engine.played_frames / 44_100)
                hear(predicted)

            with SongFollower(task, note, control.go_on, every_s=5.0, on_event=print), control:
                seen = _watched(engine, current)
    level = {when: gain for when, gain in seen if when >= SECTION_S}
    begin_db, end_db = level[min(level)], level[max(level)]
    first = next((when for when, gain in level.items() if gain < begin_db - 0.5), None)
    there = next((when for when, gain in level.items() if abs(gain - end_db) < 1.0), None)
    answers = np.diff([when for when in heard if when > SECTION_S / 2])
    print(f"\n{CHANGED} by {CHANGE_DB:g} dB at {SECTION_S:g} s: from {begin_db:.1f} to {end_db:.1f} dB")
    print(f"an answer every {np.median(answers):.1f} s; load {os.getloadavg()[0]:.0f}")
    if first is None or there is None:
        print("it was not followed")
        return
    print(f"it began to move after {first - SECTION_S:.1f} s and was within 1 dB after {there - SECTION_S:.1f} s")


def _watched(engine: LiveEngine, current: CurrentPreset) -> list[tuple[float, float]]:
    seen = []
    while not engine.is_played_out:
        strip = current.preset.track(CHANGED).strip
        seen.append((engine.played_frames / 44_100, strip.input_gain_db + strip.fader_db))
        time.sleep(0.1)
    return seen


def _sections(stems: Path, folder: Path) -> dict[str, Path]:
    paths = {}
    for path in sorted(stems.iterdir()):
        audio, rate_hz = sf.read(path, dtype="float32", always_2d=True)
        count = round(SECTION_S * rate_hz)
        long = np.resize(audio, (2 * count, audio.shape[1]))
        if path.stem == CHANGED:
            long[count:] *= 10 ** (CHANGE_DB / 20)
        paths[path.stem] = folder / f"{path.stem}.wav"
        sf.write(paths[path.stem], long, rate_hz, subtype="FLOAT")
    return paths


if __name__ == "__main__":
    for part in (midi, flood, follow):
        if len(sys.argv) == 1 or part.__name__ in sys.argv:
            part()
