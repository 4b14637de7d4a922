"""Measures the live engine: its callback beside pedalboard alone, at JACK beside a pass-through, and OSC to sound.

Run it with `.venv-test/bin/python benchmarks/live.py [callback] [jack] [osc]`; it prints the tables of live.md. At JACK
`--realtime` gives the server priority, and `8x256` measures that many tracks and frames only, `LIVE_SECONDS` long.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from functools import partial
from pathlib import Path

import numpy as np
import pedalboard
import soundfile as sf
from live_through import pass_through
from mixbridge.bridge.osc.packets import Message, encode
from mixbridge.bridge.server.current import CurrentPreset
from mixbridge.bridge.server.live import LiveControl
from mixbridge.bridge.server.server import OscServer
from mixbridge.bridge.server.surface import Actions
from mixbridge.presets.console import EQ_BANDS, Compressor, EqBand, Equalizer, LowCut, Master, Strip
from mixbridge.presets.preset import Preset, Track
from mixbridge.runtime.live.backends.base import BackendChoice
from mixbridge.runtime.live.engine import LiveEngine, LiveInput
from mixbridge.runtime.live.sound.parts import Parts
from mixbridge.runtime.live.sound.player import Player
from mixbridge.runtime.live.sound.ring import AudioRing
from mixbridge.runtime.spawning import Spawned

RATE_HZ = 48_000
SECONDS = float(os.environ.get("LIVE_SECONDS", "8"))
FREQS_HZ = (90, 250, 1000, 3000, 8000, 11000)


def strip(knee_db: float, low_cut: bool) -> Strip:
    """Six bands, a compressor, and what pedalboard has not if asked for: a soft knee, a steep low cut."""
    gains_db = (-3.0, 3.0) * 3
    bands = zip(EQ_BANDS, gains_db, FREQS_HZ, strict=True)
    eq = {name: EqBand(gain_db=gain_db, freq_hz=freq_hz) for name, gain_db, freq_hz in bands}
    return Strip(
        eq=Equalizer(**eq),
        compressor=Compressor(threshold_db=-30, ratio=3, knee_db=knee_db),
        low_cut=LowCut(freq_hz=60) if low_cut else LowCut(),
        fader_db=-6,
        pan=0.2,
    )


def preset_of(count: int, knee_db: float = 6.0, low_cut: bool = True) -> Preset:
    """So many tracks, and a master with EQ and compressor."""
    one = strip(knee_db, low_cut)
    tracks = tuple(Track(name=f"Track {number}", strip=one) for number in range(1, count + 1))
    return Preset(tracks=tracks, master=Master(eq=one.eq, compressor=Compressor(threshold_db=-12, ratio=2)))


class Bare:
    """What a script would do: boards of pedalboard's own plugins on tracks and master, and numpy's sum."""

    def __init__(self, count: int) -> None:
        one = strip(0.0, low_cut=False)
        self.boards = [self.board(one.eq, -30, 3) for _ in range(count)]
        self.master = self.board(one.eq, -12, 2)
        self.gains = np.array([[0.6], [0.8]], np.float32)
        for board in self.boards:
            board.process(np.zeros((1, 8192), np.float32), RATE_HZ, reset=False)
        self.master.process(np.zeros((2, 8192), np.float32), RATE_HZ, reset=False)

    @staticmethod
    def board(eq: Equalizer, threshold_db: float, ratio: float) -> pedalboard.Pedalboard:
        """EQ, compressor, gain."""
        kinds = {"low_shelf": pedalboard.LowShelfFilter, "high_shelf": pedalboard.HighShelfFilter}
        bands = [(kinds.get(name, pedalboard.PeakFilter), getattr(eq, name)) for name in EQ_BANDS]
        filters = [kind(band.freq_hz, band.gain_db, band.q) for kind, band in bands]
        return pedalboard.Pedalboard(
            [*filters, pedalboard.Compressor(threshold_db, ratio, 20, 150), pedalboard.Gain(-6)]
        )

    def process(self, inputs: np.ndarray) -> np.ndarray:
        """One block."""
        total = np.zeros((2, inputs.shape[1]), np.float32)
        for board, row in zip(self.boards, inputs, strict=True):
            total += board.process(row[None], RATE_HZ, 8192, reset=False) * self.gains
        return self.master.process(total, RATE_HZ, 8192, reset=False)


def callback() -> None:
    """Block by block in turns, so that whatever else this machine does hits both alike."""
    print("\n| tracks | frames | pedalboard | engine, same settings | ratio | engine, soft knee, low cut | ratio |")
    print("|---|---|---|---|---|---|---|")
    for count in (8, 16):
        for frames in (128, 512, 1024):
            inputs = np.random.default_rng(0).standard_normal((count, frames)).astype(np.float32) * np.float32(0.1)
            players = []
            for knee_db, low_cut in ((0.0, False), (6.0, True)):
                parts = Parts.of(preset_of(count, knee_db, low_cut), (1,) * count)
                rings = AudioRing.of(count, 4 * RATE_HZ), AudioRing.of(2, 4 * RATE_HZ)
                players.append(Player(parts, RATE_HZ, *rings))
            bare, out = Bare(count), np.zeros((2, frames), np.float32)
            times: list[list[float]] = [[], [], []]
            for _ in range(800):
                for which, work in enumerate(
                    (partial(bare.process, inputs), *(partial(player.process, inputs, out) for player in players))
                ):
                    # Of the processor: what other programs take meanwhile does not count.
                    begin = time.thread_time()
                    work()
                    times[which].append(time.thread_time() - begin)
            one, same, full = (1e6 * float(np.median(row)) for row in times)
            engines = (f"{time_us:.0f} us | {time_us / one:.2f}" for time_us in (same, full))
            print(f"| {count} | {frames} | {one:.0f} us | {' | '.join(engines)} |")


def turn_knobs(port: int, is_over: threading.Event) -> None:
    """A hundred messages a second."""
    controller = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    number = 0
    while not is_over.wait(0.02):
        number += 1
        for address, value in (
            ("/mixbridge/track/1/pan", (number % 100) / 50 - 1),
            (f"/mixbridge/track/{1 + number % 8}/eq/3/gain_db", float(number % 12) - 6),
        ):
            controller.sendto(encode(Message(address, (value,))), ("127.0.0.1", port))


def jack() -> None:
    """Each with a server of its own: first the pass-through, then the engine with OSC at 100 messages a second."""
    priority = ["-R"] if "--realtime" in sys.argv else ["-r"]
    print(
        f"\n| tracks | frames | period | through: p99, xruns | engine: p99, share, late, xruns | (jackd {priority[0]})"
    )
    print("|---|---|---|---|---|")
    named = [tuple(int(part) for part in word.split("x")) for word in sys.argv[1:] if word[:1].isdigit()]
    for count, frames in named or [(count, frames) for count in (8, 16) for frames in (128, 256, 512, 1024)]:
        name = f"mixbridge-bench-{os.getpid()}-{frames}-{count}"
        command = ["jackd", "-n", name, *priority, "-d", "dummy", "-r", str(RATE_HZ), "-p", str(frames)]
        server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            time.sleep(1.5)
            process = Spawned(pass_through, "through", name, count, SECONDS)
            through_ms, through_xruns = process.pipe.recv()
            process.exit_code(SECONDS)
            preset = preset_of(count)
            current = CurrentPreset(preset)
            choice = BackendChoice("jack", server=name, connect=False)
            with LiveEngine(preset, LiveInput((1,) * count), choice) as engine:
                control = LiveControl(engine, current)
                with OscServer(current, Actions(more=control.requests), port=0) as osc, control:
                    osc.start()
                    is_over = threading.Event()
                    knobs = threading.Thread(target=turn_knobs, args=(osc.address[1], is_over))
                    knobs.start()
                    engine.wait(SECONDS)
                    is_over.set()
                    knobs.join()
                report = engine.report()
            share = report.callback_p99_ms / report.period_ms
            print(
                f"| {count} | {frames} | {report.period_ms:.2f} ms | {through_ms:.2f} ms, {through_xruns} | "
                f"{report.callback_p99_ms:.2f} ms, {100 * share:.0f} %, {report.late_blocks} of {report.blocks}, "
                f"{report.xruns} |",
                flush=True,
            )
        finally:
            server.terminate()
            server.wait()


def osc() -> None:
    """From the message to the first sample that is different, by a constant tone."""
    print("\n| frames | fader: median, worst | EQ: median, worst |")
    print("|---|---|---|")
    tone = (0.1 * np.sin(2 * np.pi * 1000 * np.arange(RATE_HZ) / RATE_HZ)).astype(np.float32)
    preset = Preset(tracks=(Track(name="Tone"),))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "tone.wav"
        sf.write(path, tone, RATE_HZ, subtype="FLOAT")
        for frames in (128, 512):
            source = LiveInput((1,), {"Tone": path}, loops=True)
            choice = BackendChoice("null", block_frames=frames, sample_rate_hz=RATE_HZ)
            current = CurrentPreset(preset)
            with LiveEngine(preset, source, choice) as engine:
                control = LiveControl(engine, current)
                with OscServer(current, Actions(more=control.requests), port=0) as server, control:
                    server.start()
                    time.sleep(1)
                    results = [waited_ms(engine, server.address, kind) for kind in ("fader_db", "eq/3/gain_db")]
            shown = [f"{np.median(times):.0f} ms, {max(times):.0f} ms" for times in results]
            print(f"| {frames} | {shown[0]} | {shown[1]} |", flush=True)


def waited_ms(engine: LiveEngine, address: tuple[str, int], setting: str) -> list[float]:
    """Change a setting again and again; how long it took to be in the mix, a block's granularity and all."""
    controller = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    times = []
    for number in range(20):
        time.sleep(0.3)
        period = RATE_HZ // 1000
        begin = engine.memory.mixes.position
        sent_s = time.perf_counter()
        value = -6.0 if number % 2 else 0.0
        controller.sendto(encode(Message(f"/mixbridge/track/1/{setting}", (value,))), address)
        while time.perf_counter() - sent_s < 2:
            end = engine.memory.mixes.position
            mix = engine.memory.mixes.read(begin - period, end)[0]
            if len(mix) > period and np.abs(mix[period:] - mix[:-period]).max() > 1e-4:
                times.append(1e3 * (time.perf_counter() - sent_s))
                break
            time.sleep(0.0005)
    return times


if __name__ == "__main__":
    for part in (callback, jack, osc):
        if not any(word.isalpha() for word in sys.argv[1:]) or part.__name__ in sys.argv:
            part()
