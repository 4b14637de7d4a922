"""Measures what `mixbridge batch` costs beside its mixing, and writes benchmarks/batch.md.

    python benchmarks/batch.py            some minutes
    python benchmarks/batch.py --quick    short, to see that it runs; to another page

Figures are ratios of processor times, or differences within one run, so that they hold on a machine with other work.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import soundfile as sf
from measure import MEBIBYTE, processor_s_of
from page import table

_RATE_HZ = 44100
_BATCHES = (8, 32)
_COMMAND = [sys.executable, "-c", "from mixbridge.bridge.command import main; main()", "batch"]


@dataclass(frozen=True)
class Scope:
    """How much is measured.

    Attributes:
        sessions: whose tracks are predicted one at a time and together.
        rounds: of that.
        items: that one process does, for its memory.
        ray_items: of a small and of a larger batch, which are done locally and by Ray.
        ray_s: length of their stems.
    """

    sessions: int
    rounds: int
    items: int
    ray_items: tuple[int, int]
    ray_s: float


FULL = Scope(sessions=50, rounds=2, items=500, ray_items=(2, 8), ray_s=60.0)
QUICK = Scope(sessions=3, rounds=1, items=20, ray_items=(1, 2), ray_s=2.0)


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
    """Predictions of many sessions together, against a session at a time."""
    from mixbridge.runtime.model.controller import Controller

    predictor = _Predictor(Controller("default", "cpu", threads=1))
    numbers = np.random.default_rng(0)
    mixed = [int(tracks) for tracks in numbers.integers(1, 17, scope.sessions)]
    rows, ratios = [], []
    for name, tracks in (("1", [1]), ("4", [4]), ("8", [8]), ("1 to 16, mixed", mixed)):
        sessions = tracks * scope.sessions if len(tracks) == 1 else tracks
        alone = _median_s(partial(predictor.alone, sessions), scope.rounds)
        together = [_median_s(partial(predictor.together, sessions, size), scope.rounds) for size in _BATCHES]
        ratios = [alone / seconds for seconds in together]
        rates = [f"{scope.sessions / seconds:.1f} ({alone / seconds:.2f} x)" for seconds in together]
        rows.append((name, f"{scope.sessions / alone:.1f}", *rates))
    heads = ("tracks of a session", "a session at a time", *(f"{size} tracks at once" for size in _BATCHES))
    return (
        f"## Tracks of many sessions in one batch\n\n{scope.sessions} sessions, whole predictions by the default model "
        f"(passages of {predictor.samples} samples, a reference each, no listening to files and no trial mixes) on one "
        "thread of the CPU: predictions in a second of processor time, and how much faster that is than a session at a "
        f"time (rounds: {scope.rounds}). The graph of the reference takes one song at a time in either "
        f"case.\n\n{table(heads, rows)}\n\n"
        f"Asked of the mixed ones: 2 x; at best {max(ratios):.2f} x. The encoder is bound by its arithmetic: a track "
        "costs about the same in any company. So each worker predicts for itself, with the tracks of its session as "
        "one batch. On a GPU one predictor for all may be worth it: not measured."
    )


class _Predictor:
    """The graphs of a model, run without its cache."""

    def __init__(self, controller: Any):
        self._controller = controller
        self.samples = controller.manifest.window_samples
        noise = np.random.default_rng(0)
        self._tracks = noise.standard_normal((max(_BATCHES), 1, self.samples)).astype(np.float32)
        self._song = noise.standard_normal((1, 2, controller.manifest.reference_length)).astype(np.float32)

    def alone(self, sessions: Sequence[int]) -> None:
        """Predict a session at a time."""
        for tracks in sessions:
            self._decided(self._encoded(tracks, max(_BATCHES)))

    def together(self, sessions: Sequence[int], size: int) -> None:
        """Encode tracks of all sessions in batches of a size; then decide session by session."""
        tracks, begin = self._encoded(sum(sessions), size), 0
        for count in sessions:
            self._decided(tracks[begin : begin + count])
            begin += count

    def _encoded(self, count: int, size: int) -> np.ndarray:
        run = self._controller._track_encoder.run
        sizes = [min(size, count - first) for first in range(0, count, size)]
        return np.concatenate([run(None, {"audio": self._tracks[:some]})[0] for some in sizes])

    def _decided(self, tracks: np.ndarray) -> None:
        from mixbridge.runtime.model.controller import Embeddings

        # Its graph takes one song at a time.
        song = self._controller._reference_encoder.run(None, {"audio": self._song})[0][0]
        self._controller.decide(Embeddings(list(tracks), song))


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
    """What Ray adds to a batch: processor time of all its processes, and to an item, by the ledger."""
    few, many = scope.ray_items
    for number in range(many):
        _write_session(work / "songs" / f"{number}", 8, scope.ray_s)
    (work / "few").mkdir()
    for number in range(few):
        (work / "few" / f"{number}").symlink_to(work / "songs" / f"{number}")
    seconds = {}
    for kind, options in (("local", []), ("ray", ["--ray"])):
        for count, source in ((few, work / "few"), (many, work / "songs")):
            seconds[kind, count] = _batch_s(source, work / f"{kind}-{count}", options)
            print(f"{count} items, {kind}: {seconds[kind, count]:.1f} s", file=sys.stderr)
    item = {kind: (seconds[kind, many] - seconds[kind, few]) / (many - few) for kind in ("local", "ray")}
    added_s = _added_s(work / f"ray-{many}")
    start_s = seconds["ray", few] - seconds["local", few] - few * (item["ray"] - item["local"])
    return (
        f"## Ray\n\nBatches of {few} and of {many} items of 8 stems of {scope.ray_s:g} s, with a preset, two at a "
        "time, local and on Ray (one machine, two actors): processor time of all processes, Ray's own among them. An "
        f"item costs {item['local']:.2f} s, on Ray {item['ray']:.2f} s: {100 * (item['ray'] / item['local'] - 1):+.1f} "
        f"% (asked: at most 10 % of items of 5 s). Ray's start and end cost {start_s:.1f} s once.\n\n"
        f"From handing out an item to having its result, less what its process took: {1000 * median(added_s):.0f} ms "
        f"(median; at most {1000 * max(added_s):.0f} ms)."
    )


def _batch_s(source: Path, output: Path, options: Sequence[str]) -> float:
    """Run a batch, and give the processor time of all processes that came of it, also of those that it left behind."""
    command = [*_COMMAND, source, "-o", output, "--preset", "bass", "--workers", "2", "--no-stems", "--json", *options]
    return processor_s_of([str(part) for part in command])


def _added_s(output: Path) -> list[float]:
    begun: dict[str, float] = {}
    added_s = []
    for line in (output / "ledger.jsonl").read_text(encoding="utf-8").splitlines():
        entry = json.loads(line)
        time_s = datetime.fromisoformat(entry["time"]).timestamp()
        if entry["event"] == "begun":
            begun[entry["item"]] = time_s
        elif entry["event"] == "rendered":
            added_s.append(time_s - begun[entry["item"]] - entry["seconds"])
    return added_s


def _median_s(run: Callable[[], None], rounds: int) -> float:
    """Run something some times; the median of its processor times."""
    marks = [time.process_time()]
    for _ in range(rounds):
        run()
        marks.append(time.process_time())
    return median(after - before for before, after in pairwise(marks))


def _resident_mib() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / MEBIBYTE


def _write_session(folder: Path, stems: int, seconds: float) -> None:
    folder.mkdir(parents=True)
    noise = np.random.default_rng(stems)
    names: Sequence[str] = ("Kick", "Bass", "Keys", "Vox", "Snare", "Pad", "Gtr", "Hat")[:stems]
    for name in names:
        sf.write(folder / f"{name}.wav", 0.1 * noise.standard_normal(round(seconds * _RATE_HZ)), _RATE_HZ, "PCM_16")


def _ignore(_seconds: float) -> None:
    """Nobody asks how long the stems are."""


if __name__ == "__main__":
    main()
