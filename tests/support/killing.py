"""Kills a command at random moments until it has been killed often enough, then lets it end.

    python tests/support/killing.py DATASET --kills 10 --seed 1

recovers a folder of pairs undisturbed, then again with kill -9 at random moments (the same command each time), and a
third time with Ctrl-C; it says whether all three end alike, to the byte, and leave nothing. Exits with 1 if not.

    python tests/support/killing.py DATASET --training --kills 10 --page kills.md

trains on the folder likewise, and compares presets and weights, bit for bit. A page is added to, or begun.
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
TRAIN = (sys.executable, "-c", _PROGRAM, "--quiet", "train")
_TRAINING = "{batch_size: 4, num_workers: 1, max_steps: 300, check_every: 20, patience: 15, held_out: 0.25}"


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


def learned(run: Path) -> dict[str, bytes]:
    """Reads what a run has learned: presets, and what its checkpoint has of weights."""
    import torch

    data = torch.load(run / "checkpoints" / "last.ckpt", weights_only=True)
    presets = run / "presets"
    found = {name: value for name, value in contents(presets).items() if name.endswith(".json")}
    found["steps"] = str(data["global_step"]).encode()
    for kind in ("best", "average", "state_dict"):
        found |= {f"{kind} {name}": value.numpy().tobytes() for name, value in data[kind].items()}
    return found


def main() -> int:
    """Runs the comparison; 0 if all ends are alike."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dataset", type=Path)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--training", action="store_true")
    parser.add_argument("--presets", type=Path, help="of the pairs, for --training; else they are recovered in it")
    parser.add_argument("--page", type=Path)
    options = parser.parse_args()
    read = learned if options.training else contents
    lines = [f"## {'Training' if options.training else 'Recovering'}", ""]

    def say(text: str) -> None:
        print(text, flush=True)
        lines.append(f"- {text}")

    with tempfile.TemporaryDirectory() as place:
        folders = [Path(place) / name for name in ("undisturbed", "killed", "interrupted")]
        commands = [_command(options, folder, Path(place)) for folder in folders]
        begin = time.monotonic()
        subprocess.run(commands[0], check=True)
        whole_s = time.monotonic() - begin
        wanted = read(folders[0])
        say(f"undisturbed: {len(wanted)} {'arrays and presets' if options.training else 'files'} in {whole_s:.0f} s")
        is_alike = True
        for folder, command, number in zip(folders[1:], commands[1:], (signal.SIGKILL, signal.SIGINT), strict=True):
            count = options.kills if number == signal.SIGKILL else 1
            ended = kill_often(command, count, options.seed, 0.6 * whole_s, number)
            same = read(folder) == wanted
            is_alike &= same
            say(f"{number.name}: {ended} times, then {'the same' if same else 'other'} results, to the bit")
    if options.page:
        with options.page.open("a", encoding="utf-8") as page:
            page.write("\n".join(lines) + "\n\n")
    return 0 if is_alike else 1


def _command(options: argparse.Namespace, folder: Path, place: Path) -> list[str]:
    if not options.training:
        return [*RECOVER, str(options.dataset), "-o", str(folder), "--jobs", str(options.jobs)]
    config = place / "training.yaml"
    config.write_text(_TRAINING, encoding="utf-8")
    known = ["--presets", str(options.presets)] if options.presets else []
    return [*TRAIN, str(options.dataset), "-c", str(config), *known, "-o", str(folder)]


if __name__ == "__main__":
    sys.exit(main())
