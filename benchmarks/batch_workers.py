"""Two workers of a batch against one that is kept to a core, by the clock: rows of a table for benchmarks/batch.md.

    python benchmarks/batch_workers.py             on a machine without other work; about five minutes on two cores
    python benchmarks/batch_workers.py --quick     short, to see that it runs

Sessions of four stems of a minute, no two alike, once with a preset and once with a reference. The start of the command
and its processes is that of a batch of one session of a second, run just before, in the same way.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import soundfile as sf
from page import table
from session import STEMS, write_session

_COMMAND = [sys.executable, "-c", "from mixbridge.bridge.command import main; main()", "batch"]
_PLACES = {"a worker on one core": (1, 1), "a worker on two cores": (1, 2), "two workers": (2, 2)}
"""Workers and cores."""


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="short and coarse")
    parser.add_argument("--presets", type=int, default=24, metavar="N", help="sessions with a preset")
    parser.add_argument("--references", type=int, default=8, metavar="N", help="sessions with a reference")
    options = parser.parse_args()
    cores = sorted(os.sched_getaffinity(0))[:2]
    if len(cores) < 2:
        parser.error("there is one core: two workers would share it")
    length_s, counts = (2.0, (2, 2)) if options.quick else (60.0, (options.presets, options.references))
    print(f"load {os.getloadavg()[0]:.1f} at the start", file=sys.stderr)
    with tempfile.TemporaryDirectory(prefix="mixbridge-workers-") as folder:
        work = Path(folder)
        _write(work / "short", 1, 1.0)
        _write(work / "songs", max(counts), length_s)
        ways = {
            f"{counts[0]} sessions with a preset": (counts[0], ["--preset", "bass"]),
            f"{counts[1]} sessions with a reference": (counts[1], ["--reference", str(work / "reference.wav")]),
        }
        rows = [_row(work, words, count, arguments, cores) for words, (count, arguments) in ways.items()]
    heads = ("work", *_PLACES, "against one core", "without the start")
    print(table(heads, rows))
    print(f"load {os.getloadavg()[0]:.1f} at the end", file=sys.stderr)


def _row(work: Path, words: str, count: int, arguments: list[str], cores: list[int]) -> tuple[str, ...]:
    chosen = work / "chosen"
    chosen.mkdir()
    for session in sorted((work / "songs").iterdir())[:count]:
        (chosen / session.name).symlink_to(session)
    took_s, start_s = {}, {}
    for place, (workers, used) in _PLACES.items():
        start_s[place] = _batch_s(work / "short", work / "out", arguments, workers, cores[:used])
        took_s[place] = _batch_s(chosen, work / "out", arguments, workers, cores[:used])
        print(f"{words}, {place}: {took_s[place]:.1f} s, start {start_s[place]:.1f} s", file=sys.stderr)
    shutil.rmtree(chosen)
    one, _, two = _PLACES
    whole, bare = took_s[one] / took_s[two], (took_s[one] - start_s[one]) / (took_s[two] - start_s[two])
    return (words, *(f"{seconds:.1f} s" for seconds in took_s.values()), f"{whole:.2f} x", f"{bare:.2f} x")


def _batch_s(songs: Path, output: Path, arguments: list[str], workers: int, cores: list[int]) -> float:
    command = [*_COMMAND, str(songs), "-o", str(output), "--workers", str(workers), "--json", *arguments]
    begun_s = time.monotonic()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, preexec_fn=lambda: os.sched_setaffinity(0, cores))
    took_s = time.monotonic() - begun_s
    shutil.rmtree(output)
    os.sync()  # what one leaves to the disk is not for the next
    return took_s


def _write(folder: Path, count: int, length_s: float) -> None:
    """As many sessions of the first four sounds, each with its tracks shifted; and their reference beside them."""
    write_session(folder / "0", length_s, sounds=STEMS[:4])
    (folder / "0" / "reference.wav").replace(folder.parent / "reference.wav")
    for number in range(1, count):
        for path in (folder / "0" / "stems").iterdir():
            audio, rate_hz = sf.read(path, dtype="float32", always_2d=True)
            place = folder / f"{number}" / "stems" / path.name
            place.parent.mkdir(parents=True, exist_ok=True)
            sf.write(place, np.roll(audio, 1499 * number, 0), rate_hz, "PCM_24")


if __name__ == "__main__":
    main()
