"""Measures inserts in real time: voices under noise at inputs of JACK's dummy driver, each through `denoise`.

Run it with `.venv-test/bin/python benchmarks/live_inserts.py [SECONDS]`; it prints the table of docs/live.md.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import jack
import numpy as np
from mixbridge.presets.preset import Preset, Track
from mixbridge.runtime.inserts.choosing import denoise_insert
from mixbridge.runtime.inserts.terms import InsertRules
from mixbridge.runtime.live.backends.base import BackendChoice
from mixbridge.runtime.live.engine import LiveEngine, LiveInput
from mixbridge.runtime.live.inserting.worker import LiveInserts

RATE_HZ = 48_000
SECONDS = float(sys.argv[1]) if len(sys.argv) > 1 else 10.0


def spent_s(process_id: int) -> float:
    """Processor time of a process."""
    fields = Path(f"/proc/{process_id}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def measure(count: int, frames: int) -> None:
    """Play so many tracks, with a server of their own, and print a row."""
    name = f"mixbridge-inserts-{os.getpid()}-{count}-{frames}"
    command = ["jackd", "-r", "-n", name, "-d", "dummy", "-r", str(RATE_HZ), "-p", str(frames)]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        time.sleep(2)
        noise = np.random.default_rng(0).standard_normal(RATE_HZ).astype(np.float32) * np.float32(0.05)
        source = jack.Client("noise", no_start_server=True, servername=name)
        port = source.outports.register("out")

        @source.set_process_callback
        def process(wanted: int) -> None:
            port.get_array()[:] = noise[:wanted]

        source.activate()
        tracks = tuple(Track(name=f"Voice {number}") for number in range(count))
        inserts = LiveInserts(((denoise_insert(30),),) * count, InsertRules())
        choice = BackendChoice("jack", server=name, connect=False)
        with LiveEngine(Preset(tracks=tracks), LiveInput((1,) * count, inserts=inserts), choice) as engine:
            for track in tracks:
                source.connect("noise:out", f"mixbridge:{track.name}")
            before_s = spent_s(engine.insert_process_id)
            engine.wait(SECONDS)
            share = (spent_s(engine.insert_process_id) - before_s) / SECONDS
            report = engine.report()
        source.deactivate()
        source.close()
        print(
            f"| {count} | {frames} | {1000 * report.insert_latency_samples / RATE_HZ:.0f} ms | "
            f"{report.insert_late_blocks} of {report.blocks} | {report.callback_p99_ms:.2f} ms, {report.late_blocks} | "
            f"{100 * share:.0f} % |"
        )
    finally:
        server.terminate()
        server.wait()


if __name__ == "__main__":
    print("| voices | frames | latency | blocks without | callback: p99, late blocks | of a core |")
    print("|---|---|---|---|---|---|")
    for voices, block in ((1, 256), (1, 512), (2, 512), (4, 512), (8, 1024)):
        measure(voices, block)
