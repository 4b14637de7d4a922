"""What stems of an Ardour session cost, beside Ardour's own: `python benchmarks/ardour_stems.py`.

The timeline of `stems.py`, twenty tracks of five minutes, made by Ardour 7 itself, which then bounces every track, raw,
as its stem export does. Both sides read the same files and write 32-bit float. Processor time and the clock, the best
of some rounds in turns. Ours includes reading the session's file, Ardour's has the session open already.

Needs Ardour 7 (Debian: `ardour`) and 8 GB of disk for a while. `--seconds 30` is a quick look.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import soundfile as sf
from mixbridge.bridge.sessions.reading import read_session
from mixbridge.bridge.sessions.stems.render import render_stems

sys.path.insert(0, str(Path(__file__).parent.parent / "tests" / "support"))
import ardour_host
import ardour_material

LUA = Path(ardour_host.__file__).with_name("ardour_timeline.lua")
RATE_HZ = 48_000
TRACKS = 20
CLIP_S = 20
LONGEST_WAIT_S = 1800.0


def main() -> int:
    """Measures, and says the ratio."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=300.0, help="length of the session")
    parser.add_argument("--rounds", type=int, default=3, help="repetitions of both sides")
    arguments = parser.parse_args()
    missing = ardour_host.missing()
    if missing:
        print(missing)
        return 2
    ardour_host.COMMAND_TIMEOUT_S = LONGEST_WAIT_S
    ours: list[tuple[float, float]] = []
    theirs: list[tuple[float, float]] = []
    with tempfile.TemporaryDirectory() as name:
        folder, frames = Path(name), round(arguments.seconds * RATE_HZ)
        tracks = [(f"Track {number}", 1 + number % 2) for number in range(TRACKS)]
        with ardour_host.ardour_host(folder / "ardour", tracks) as host:
            ardour_material.inject(host.session_file, recordings(folder / "audio", frames))
            host.reopen()
            host.run_lua(f"dofile ([[{LUA}]])\n{timeline(frames)}save ()")
            for number in range(arguments.rounds):
                begun = time.perf_counter(), time.process_time()
                render_stems(read_session(host.session_file), folder / "stems")
                ours.append((time.process_time() - begun[1], time.perf_counter() - begun[0]))
                shutil.rmtree(folder / "stems")
                begun = time.perf_counter(), cpu_s(host.process.pid)
                host.run_lua(f"dofile ([[{LUA}]])\nreturn bounce ({frames}, 'raw{number}-')")
                theirs.append((cpu_s(host.process.pid) - begun[1], time.perf_counter() - begun[0]))
    for what, column in (("processor", 0), ("clock", 1)):
        own, other = min(times[column] for times in ours), min(times[column] for times in theirs)
        print(f"{what}: mixbridge {own:.2f} s, Ardour {other:.2f} s, ratio {own / other:.2f}")
    return 0


def recordings(folder: Path, frames: int) -> dict[str, tuple[Path, ...]]:
    """Noise for each track, as long as the session."""
    folder.mkdir()
    random = np.random.default_rng(0)
    files = {}
    for number in range(TRACKS):
        path = folder / f"{number}.wav"
        sf.write(path, 0.1 * random.standard_normal((frames, 1 + number % 2)), RATE_HZ, subtype="PCM_24")
        files[str(number)] = (path,)
    return files


def timeline(frames: int) -> str:
    """Lua that cuts every track into clips with gains and crossfades."""
    random = np.random.default_rng(1)
    lines = []
    for number in range(TRACKS):
        for place, position in enumerate(range(0, frames, CLIP_S * RATE_HZ)):
            fade = int(random.integers(64, RATE_HZ // 10))
            length = min(CLIP_S * RATE_HZ + fade, frames - position)
            shape = f'{{ "FadeConstantPower", {min(fade, length)} }}'
            gain = 1.0 if place % 3 else random.uniform(0.5, 1.4)
            lines.append(
                f'local _, audio = place ("Track {number}", "{number}", "{number}.{place}", {position}, {position}, '
                f"{length}, {shape}, {shape})\naudio:set_scale_amplitude ({gain})"
            )
    return "".join(f"do {line} end\n" for line in lines)


def cpu_s(pid: int) -> float:
    """Processor time that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    sys.exit(main())
