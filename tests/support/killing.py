"""Kills a command at random moments until it has been killed often enough, then lets it end.

    python tests/support/killing.py DATASET --kills 10 --seed 1

recovers a folder of pairs undisturbed, then again with kill -9 at random moments (the same command each time), and a
third time with Ctrl-C; it says whether all three end alike, to the byte, and leave nothing. Exits with 1 if not.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

# A shell's background jobs ignore Ctrl-C, and so do what they start.
_PROGRAM = """
import signal
from mixbridge.bridge.command import main
signal.signal(signal.SIGINT, signal.default_int_handler)
main()
"""
RECOVER = (sys.executable, "-c", _PROGRAM, "--quiet", "recover")


def kill_often(command: Sequence[str], kills: int, seed: int, longest_s: float, number: int = signal.SIGKILL) -> int:
    """Starts a command again and again, ends it after random times, and lets it end at last.

    Args:
        command: the same each time.
        kills: how often it is ended; fewer, if it comes to its end before.
        seed: of the moments.
        longest_s: after which it is ended at the latest.
        number: of the signal.

    Returns:
        How often it was ended.

    Raises:
        RuntimeError: it failed by itself.
    """
    moments = random.Random(seed)
    for done in range(kills):
        process = subprocess.Popen(command, stderr=subprocess.PIPE)
        try:
            _, said = process.communicate(timeout=moments.uniform(0, longest_s))
        except subprocess.TimeoutExpired:
            process.send_signal(number)
            process.communicate()
            continue
        if process.returncode:
            raise RuntimeError(said.decode())
        return done
    ended = subprocess.run(command, stderr=subprocess.PIPE, check=False)
    if ended.returncode:
        raise RuntimeError(ended.stderr.decode())
    return kills


def contents(folder: Path) -> dict[str, bytes]:
    """Reads all files of a folder, hidden ones too."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def main() -> int:
    """Runs the comparison; 0 if all ends are alike."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dataset", type=Path)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        folders = [Path(place) / name for name in ("undisturbed", "killed", "interrupted")]
        commands = [
            [*RECOVER, str(options.dataset), "-o", str(folder), "--jobs", str(options.jobs)] for folder in folders
        ]
        begin = time.monotonic()
        subprocess.run(commands[0], check=True)
        whole_s = time.monotonic() - begin
        wanted = contents(folders[0])
        print(f"undisturbed: {len(wanted)} files in {whole_s:.0f} s", flush=True)
        is_alike = True
        for folder, command, number in zip(folders[1:], commands[1:], (signal.SIGKILL, signal.SIGINT), strict=True):
            count = options.kills if number == signal.SIGKILL else 1
            ended = kill_often(command, count, options.seed, 0.6 * whole_s, number)
            same = contents(folder) == wanted
            is_alike &= same
            print(f"{number.name}: {ended} times, then {'the same' if same else 'other'} files", flush=True)
    return 0 if is_alike else 1


if __name__ == "__main__":
    sys.exit(main())
