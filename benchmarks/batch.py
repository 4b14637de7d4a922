"""Measures what `mixbridge batch` costs beside its mixing, and writes benchmarks/batch.md.

    python benchmarks/batch.py            some minutes
    python benchmarks/batch.py --quick    short, to see that it runs; to another page

Figures are ratios of processor times, or differences within one run, so that they hold on a machine with other work.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from statistics import median

import numpy as np
import soundfile as sf
from measure import MEBIBYTE
from page import table

_RATE_HZ = 44100
_COMMAND = [sys.executable, "-c", "from mixbridge.bridge.command import main; main()", "batch"]


@dataclass(frozen=True)
class Scope:
    """How much is measured.

    Attributes:
        sessions: whose tracks are predicted one at a time and together.
        rounds: of that.
        items: that one process does, for its memory.
        ray_items: that Ray does.
    """

    sessions: int
    rounds: int
    items: int
    ray_items: int


FULL = Scope(sessions=50, rounds=2, items=500, ray_items=12)
QUICK = Scope(sessions=3, rounds=1, items=20, ray_items=2)


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true")
    options = parser.parse_args()
    scope = QUICK if options.quick else FULL
    output = Path(__file__).with_name("batch-quick.md" if options.quick else "batch.md")
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory(prefix="mixbridge-batch-") as folder:
        sections = [_predictor(scope), _memory(Path(folder), scope), _ray(Path(folder), scope)]
    head = (
        f"# What a batch costs beside its mixing\n\nMade by `python benchmarks/batch.py`, {time.strftime('%Y-%m-%d')}, "
        f"on {os.cpu_count()} cores, load {load:.1f} at the start. On a machine with other work wall times say little: "
        "figures are processor times, or differences within one run."
    )
    output.write_text("\n\n".join([head, *sections]) + "\n", encoding="utf-8")
    print(f"written: {output}", file=sys.stderr)


def _predictor(scope: Scope) -> str:
    """Tracks of many sessions encoded together, against a session at a time."""
    from mixbridge.runtime.model.controller import Controller

    controller = Controller("default", "cpu", threads=1)
    session = controller._track_encoder
    noise = np.random.default_rng(0)
    samples = controller.manifest.window_samples
    rows, best = [], 0.0
    for tracks in (1, 4, 8):
        all_tracks = noise.standard_normal((scope.sessions * tracks, 1, samples)).astype(np.float32)

        def encoded(size: int, audio: np.ndarray = all_tracks) -> Callable[[], None]:
            def run() -> None:
                for first in range(0, len(audio), size):
                    session.run(None, {"audio": audio[first : first + size]})

            return run

        alone = median(_cpu_s(encoded(tracks)) for _ in range(scope.rounds))
        ratios = [alone / median(_cpu_s(encoded(size)) for _ in range(scope.rounds)) for size in (8, 32)]
        best = max(best, *ratios)
        rows.append((str(tracks), f"{1000 * alone / scope.sessions:.0f} ms", *(f"{ratio:.2f} x" for ratio in ratios)))
    heads = ("tracks of a session", "a session alone", "8 tracks at once", "32 tracks at once")
    return (
        f"## Tracks of many sessions in one batch\n\n{scope.sessions} sessions, passages of {samples} samples, the "
        "track encoder of the default model on one thread of the CPU; predictions in a second against a session at a "
        f"time, by processor time, medians of {scope.rounds}.\n\n{table(heads, rows)}\n\n"
        f"Asked: 2 x; at best {best:.2f} x. The encoder is bound by its arithmetic: a track costs about the same in "
        "any company. So each worker predicts for itself, with the tracks of its session as one batch. On a GPU one "
        "predictor for all may be worth it: not measured."
    )


def _memory(work: Path, scope: Scope) -> str:
    """Memory of one process over many items, as a slope."""
    from mixbridge.bridge.batch.work import do_item
    from mixbridge.runtime.batch.items import BatchItem, BatchPlace

    _write_session(work / "small", 4, 0.5)
    (work / "many").mkdir()
    resident = []
    for number in range(scope.items):
        do_item(BatchItem(f"{number}", str(work / "small"), preset="bass"), BatchPlace(str(work / "many")), _ignore)
        resident.append(_resident_mib())
    settled = np.array(resident[scope.items // 5 :])
    places = np.arange(len(settled))
    slope, offset = np.polyfit(places, settled, 1)
    rest = settled - (slope * places + offset)
    error = float(np.sqrt(rest.var(ddof=2) / (places.var() * len(places)))) if len(places) > 3 else float("nan")
    low, high = (1024 * (slope + side * 1.96 * error) for side in (-1, 1))
    return (
        f"## Memory of a worker\n\nOne process, {scope.items} sessions of 4 stems, with a preset; the first fifth is "
        f"left out. It holds {settled[-1]:.0f} MiB at the end; the slope is {1024 * slope:+.1f} KiB an item "
        f"({low:+.1f} to {high:+.1f}, 95 %, as if items were independent), which is "
        f"{slope * 1000:+.1f} MiB in a thousand."
    )


def _ray(work: Path, scope: Scope) -> str:
    """What Ray adds to an item: from handing it out to having its result, less what its process took."""
    for number in range(scope.ray_items):
        _write_session(work / "songs" / f"{number}", 4, 4.0)
    command = [
        *_COMMAND,
        work / "songs",
        "-o",
        work / "on-ray",
        "--preset",
        "bass",
        "--workers",
        "2",
        "--json",
        "--ray",
    ]
    subprocess.run([str(part) for part in command], check=True, stdout=subprocess.DEVNULL)
    begun: dict[str, float] = {}
    added_s = []
    for line in (work / "on-ray/ledger.jsonl").read_text(encoding="utf-8").splitlines():
        entry = json.loads(line)
        time_s = datetime.fromisoformat(entry["time"]).timestamp()
        if entry["event"] == "begun":
            begun[entry["item"]] = time_s
        elif entry["event"] == "rendered":
            added_s.append(time_s - begun[entry["item"]] - entry["seconds"])
    middle, most = median(added_s), max(added_s)
    return (
        f"## Ray\n\n{scope.ray_items} items on Ray, one machine, two actors. From handing out an item to having its "
        f"result, less what its process took: {1000 * middle:.0f} ms (median; at most {1000 * most:.0f} ms): "
        f"{100 * middle / 5:.1f} % of an item of 5 s (asked: at most 10 %). Ray's own start is not in it."
    )


def _cpu_s(run: Callable[[], None]) -> float:
    before = time.process_time()
    run()
    return time.process_time() - before


def _resident_mib() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / MEBIBYTE


def _write_session(folder: Path, stems: int, seconds: float) -> None:
    folder.mkdir(parents=True)
    noise = np.random.default_rng(stems)
    names: Sequence[str] = ("Kick", "Bass", "Keys", "Vox")[:stems]
    for name in names:
        sf.write(folder / f"{name}.wav", 0.1 * noise.standard_normal(round(seconds * _RATE_HZ)), _RATE_HZ, "PCM_16")


def _ignore(_seconds: float) -> None:
    """Nobody asks how long the stems are."""


if __name__ == "__main__":
    main()
