"""What stems of a session cost, beside reading and writing the same bytes: `python benchmarks/stems.py`.

Twenty tracks of five minutes, half of them stereo, 24 bit at 48 kHz, cut into clips with gains, fades and crossfades;
the stems are 32-bit float. The other side reads every file of the session and writes it again as 32-bit float, in
blocks of the same length, with soundfile alone. Both sides take turns; the ratio is of the best of each, in processor
time, because other programs slow down the clock on the wall.

Needs 5 GB of disk for a while. `--seconds 30` is a quick look.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import soundfile as sf
from mixbridge.bridge.sessions.core.model import Clip, Fade, Session, SessionTrack
from mixbridge.bridge.sessions.stems.render import BLOCK_FRAMES, render_stems

RATE_HZ = 48_000
TRACKS = 20
CLIP_S = 20
GOAL = 1.5


def main() -> int:
    """Measures, and says the ratio; exit code 1 if it misses the goal."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=300.0, help="length of the session")
    parser.add_argument("--rounds", type=int, default=5, help="repetitions of both sides")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        session = make_session(Path(folder) / "audio", arguments.seconds)
        sides: dict[str, Callable[[Path], object]] = {
            "stems": lambda output: render_stems(session, output),
            "copy": lambda output: copy(session, output),
        }
        cpu_s: dict[str, list[float]] = {name: [] for name in sides}
        wall_s: dict[str, list[float]] = {name: [] for name in sides}
        for _ in range(arguments.rounds):
            for name, work in sides.items():
                output = Path(folder) / name
                begun, begun_cpu = time.perf_counter(), time.process_time()
                work(output)
                wall_s[name].append(time.perf_counter() - begun)
                cpu_s[name].append(time.process_time() - begun_cpu)
                shutil.rmtree(output)
    ratio = min(cpu_s["stems"]) / min(cpu_s["copy"])
    for name in sides:
        print(f"{name}: {min(cpu_s[name]):.2f} s of processor, {min(wall_s[name]):.2f} s on the clock")
    print(f"ratio {ratio:.2f} (processor), {min(wall_s['stems']) / min(wall_s['copy']):.2f} (clock); goal {GOAL}")
    return 0 if ratio <= GOAL else 1


def make_session(folder: Path, seconds: float) -> Session:
    """A session whose tracks are cut all over, each from a file of its own."""
    folder.mkdir()
    random = np.random.default_rng(0)
    frames = round(seconds * RATE_HZ)
    tracks = []
    for number in range(TRACKS):
        path = folder / f"{number}.wav"
        channels = 1 + number % 2
        sf.write(path, 0.1 * random.standard_normal((frames, channels)), RATE_HZ, subtype="PCM_24")
        clips = []
        for position in range(0, frames, CLIP_S * RATE_HZ):
            fade = Fade(int(random.integers(64, RATE_HZ // 10)), "constant_power")
            length = min(CLIP_S * RATE_HZ + fade.length, frames - position)
            gain_db = 0.0 if len(clips) % 3 else float(random.uniform(-6, 3))
            clips.append(Clip(path, position, length, position, gain_db, fade, fade))
        tracks.append(SessionTrack(f"Track {number}", number, tuple(clips)))
    return Session(folder.parent / "song", "folder", "song", RATE_HZ, tuple(tracks))


def copy(session: Session, output: Path) -> None:
    """All files of the session, read and written again."""
    output.mkdir()
    for track in session.tracks:
        path = track.clips[0].source
        with (
            sf.SoundFile(path) as source,
            sf.SoundFile(output / path.name, "w", source.samplerate, source.channels, "FLOAT") as target,
        ):
            for block in source.blocks(BLOCK_FRAMES, dtype="float32", always_2d=True):
                target.write(block)


if __name__ == "__main__":
    sys.exit(main())
