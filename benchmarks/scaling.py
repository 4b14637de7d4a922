"""Measures what mixes cost over tracks, length, sessions and workers, beside peers; writes docs/performance.md.

    python benchmarks/scaling.py                                    some minutes; needs matplotlib
    python benchmarks/scaling.py --matchering PYTHON                with matchering, in a Python that has it
    python benchmarks/scaling.py --lengths 10,60,600,3600           up to an hour; half an hour of a core, 6 GB of disk
    python benchmarks/scaling.py --kept points.jsonl                goes on where an earlier run ended
    python benchmarks/scaling.py --sessions ""                      without batches
    python benchmarks/scaling.py --tracks 1,2 --lengths 4,8 --sessions 1,2 --workers 1,2 -o /tmp/performance.md

Figures are processor times of fresh processes, imports left out, and ratios of them: on a machine with other work, wall
times say little. The peers: pedalboard alone with the same settings (see workloads.py), matchering on the finished mix.
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeVar, cast

import numpy as np
import soundfile as sf
from measure import MEBIBYTE, peak_bytes, processor_s_of
from page import table
from session import STEMS, write_session

_ROOT = Path(__file__).parents[1]
_RATE_HZ = 44100
_PEER = """
import json, sys, time
import matchering
before = time.process_time()
matchering.process(target=sys.argv[1], reference=sys.argv[2], results=[matchering.pcm16(sys.argv[3])])
print(json.dumps(time.process_time() - before))
"""


Measured = TypeVar("Measured")


@dataclass(frozen=True)
class Point:
    """What one session cost, in s of processor time.

    Attributes:
        tracks: of the session.
        length_s: of each.
        mix_s: by `mix`, without its report.
        decide_s: of that, until the first track is rendered for good: listening, deciding, trial mixes, the master.
        chain_s: by pedalboard alone, with the settings that `mix` chose.
        peer_s: by matchering on the finished mix; None where it was not asked for.
        peak_bytes: of memory, of `mix`.
    """

    tracks: int
    length_s: float
    mix_s: float
    decide_s: float
    chain_s: float
    peer_s: float | None
    peak_bytes: int

    @property
    def ratio(self) -> float:
        """`mix` against pedalboard alone."""
        return self.mix_s / self.chain_s


@dataclass(frozen=True)
class BatchPoint:
    """What one batch cost, in s of processor time of all its processes.

    Attributes:
        sessions: of four tracks.
        workers: that shared them.
        all_s: from the start of the command to the end of its last process.
    """

    sessions: int
    workers: int
    all_s: float


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tracks", default="1,4,16,64", help="numbers of tracks, of the shortest length")
    parser.add_argument("--lengths", default="10,60,240", help="in s, of four tracks")
    parser.add_argument("--sessions", default="1,2,4", help="of a batch, of four tracks of the shortest length")
    parser.add_argument("--workers", default="1,2,4", help="of a batch of the most sessions")
    parser.add_argument("--matchering", metavar="PYTHON")
    parser.add_argument(
        "--kept", type=Path, metavar="FILE", help="points that were measured before; new ones are added"
    )
    parser.add_argument("-o", "--output", type=Path, default=_ROOT / "docs" / "performance.md")
    parser.add_argument("--child", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        print(json.dumps(_child(*options.child)))
        return
    tracks = [int(number) for number in options.tracks.split(",")]
    lengths = [float(length) for length in options.lengths.split(",")]
    sessions = [int(number) for number in options.sessions.split(",") if number]
    workers = [int(number) for number in options.workers.split(",") if number and sessions]
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory(prefix="mixbridge-scaling-") as folder:
        work = Path(folder)

        def point(number: int, length_s: float) -> Point:
            name = f"{number} tracks of {length_s:g} s"
            return _kept(options.kept, name, Point, lambda: _measured(work, number, length_s, options.matchering))

        def batch(number: int, shared: int) -> BatchPoint:
            name = f"{number} sessions of {lengths[0]:g} s, {shared} workers"
            return _kept(options.kept, name, BatchPoint, lambda: _batch(work / name, number, shared, lengths[0]))

        over_tracks = [point(number, lengths[0]) for number in tracks]
        over_length = [point(4, length) for length in lengths]
        over_sessions = [batch(number, 1) for number in sessions]
        over_workers = [batch(sessions[-1], number) for number in workers]
    picture = options.output.with_suffix(".svg")
    _draw(picture, over_tracks, over_length, over_sessions, over_workers)
    text = _page(over_tracks, over_length, over_sessions, over_workers, load, picture.name)
    options.output.write_text(text, encoding="utf-8")
    print(f"written: {options.output}", file=sys.stderr)


def _kept(file: Path | None, name: str, kind: Callable[..., Measured], measure: Callable[[], Measured]) -> Measured:
    """What a file of lines holds under a name; else it is measured, and kept there."""
    known = dict(map(json.loads, file.read_text("utf-8").splitlines())) if file is not None and file.exists() else {}
    if name in known:
        return kind(**known[name])
    measured: Any = measure()
    if file is not None:
        with file.open("a", encoding="utf-8") as lines:
            lines.write(json.dumps([name, asdict(measured)]) + "\n")
    return cast("Measured", measured)


def _page(
    over_tracks: Sequence[Point],
    over_length: Sequence[Point],
    over_sessions: Sequence[BatchPoint],
    over_workers: Sequence[BatchPoint],
    load: float,
    picture: str,
) -> str:
    copy_gib_s, gemm_gflops = _machine()
    command = shlex.join(["benchmarks/scaling.py", *sys.argv[1:]])
    kept = "; points that were kept are of runs shortly before, at other loads" if "--kept" in sys.argv else ""
    shortest, longest = over_length[0], over_length[-1]
    second_s = (longest.mix_s - shortest.mix_s) / (longest.length_s - shortest.length_s)
    track_s = (over_tracks[-1].mix_s - over_tracks[0].mix_s) / (over_tracks[-1].tracks - over_tracks[0].tracks)
    parts = [
        "# What a mix costs",
        f"Made by `python {command}`, {time.strftime('%Y-%m-%d')}, on {os.cpu_count()} cores with load "
        f"{load:.1f}{kept}: other programs ran meanwhile, so these are processor times of fresh processes, once each, "
        f"imports left out, and ratios within one run. The machine copies {copy_gib_s:.1f} GiB/s and multiplies "
        f"matrices at {gemm_gflops:.0f} GFLOPS (float32, one thread, by processor time).",
        "`mix` hears, decides, renders stems and mix, and brings them to their loudness, without its report. "
        "*pedalboard alone* is a script that reads the same files, puts each through `Gain`, six filters, `Compressor` "
        "and `Gain` with the settings that `mix` chose, and writes as many. *matchering* gets the finished mix and the "
        "reference.",
        f"![Processor time over what is mixed]({picture})",
        "## Over tracks",
        _table(over_tracks),
        f"A track more of {over_tracks[0].length_s:g} s costs {track_s:.2f} s.",
        "## Over length",
        _table(over_length),
        f"A second more of {shortest.tracks} tracks costs {second_s:.3f} s. *Decides* is all that comes before the "
        "first track is rendered for good: listening, the model, trial mixes of guard rails, and the fits of the "
        "master, each of which runs the whole bus. *Renders* is what pedalboard alone is a peer of: "
        f"{(longest.mix_s - longest.decide_s) / longest.chain_s:.1f} x at {longest.length_s:g} s, with a master, cuts, "
        "effects, and a finish that the script has not.",
        "## Over sessions and workers",
        *_batch_parts(shortest.length_s, over_sessions, over_workers),
        "## Other pages",
        "`benchmarks/published.md` has a whole song against the published way; `benchmarks/results.md` has wall times, "
        "memory and the controller beside torch; `benchmarks/batch.md` what a batch costs beside its mixing; "
        "`benchmarks/gpu.md` the GPU path; `benchmarks/mastering.md` how near the "
        "master comes to its reference, beside matchering.",
    ]
    return "\n\n".join(parts) + "\n"


def _batch_parts(length_s: float, over_sessions: Sequence[BatchPoint], over_workers: Sequence[BatchPoint]) -> list[str]:
    if not over_sessions:
        return ["Not measured in this run; `benchmarks/batch.md` has what was measured before."]
    return [
        f"Batches of sessions of four tracks of {length_s:g} s, each with its stems, no two alike; processor "
        "time of the command and all its processes, their start and imports among it. How long that takes by the clock "
        "is another matter: workers share nothing but the disk, so it is this time over the cores that are free.",
        _batch_table([*over_sessions, *over_workers]),
        _session_words(over_sessions),
    ]


def _table(points: Sequence[Point]) -> str:
    rows = [
        (
            str(point.tracks),
            f"{point.length_s:g} s",
            f"{point.mix_s:.2f} s",
            f"{point.decide_s:.2f} s",
            f"{point.mix_s - point.decide_s:.2f} s",
            f"{point.chain_s:.2f} s",
            f"{point.ratio:.2f} x",
            f"{point.peak_bytes / MEBIBYTE:.0f} MiB",
            "not measured" if point.peer_s is None else f"{point.peer_s:.2f} s",
        )
        for point in points
    ]
    heads = (
        "tracks",
        "length",
        "`mix`",
        "decides",
        "renders",
        "pedalboard alone",
        "ratio",
        "peak memory",
        "matchering",
    )
    return table(heads, rows)


def _batch_table(points: Sequence[BatchPoint]) -> str:
    rows = [
        (str(point.sessions), str(point.workers), f"{point.all_s:.1f} s", f"{point.all_s / point.sessions:.2f} s")
        for point in dict.fromkeys(points)
    ]
    return table(("sessions", "workers", "processor time", "for each"), rows)


def _session_words(points: Sequence[BatchPoint]) -> str:
    first, last = points[0], points[-1]
    if first.sessions == last.sessions:
        return ""
    session_s = (last.all_s - first.all_s) / (last.sessions - first.sessions)
    return f"A session more costs {session_s:.2f} s; the batch itself {first.all_s - first.sessions * session_s:.2f} s."


def _batch(folder: Path, sessions: int, workers: int, length_s: float) -> BatchPoint:
    for number in range(sessions):
        _write(folder / "songs" / f"{number}", 4, length_s, number)
        (folder / "songs" / f"{number}" / "reference.wav").replace(folder / f"{number}.wav")
    entry = "from mixbridge.bridge.command import main; main()"
    command = [sys.executable, "-c", entry, "batch", folder / "songs", "-o", folder / "out", "--json"]
    command += ["--reference", folder / "0.wav", "--workers", workers]
    point = BatchPoint(sessions, workers, processor_s_of([str(part) for part in command]))
    print(f"{sessions} sessions, {workers} workers: {point.all_s:.1f} s", file=sys.stderr)
    return point


def _measured(work: Path, tracks: int, length_s: float, peer: str | None) -> Point:
    folder = work / f"{tracks} of {length_s:g}"
    _write(folder, tracks, length_s)
    mix_s, decide_s, peak_bytes = _in_child("mix", folder, folder / "mix")
    chain_s, _, _ = _in_child("chain", folder, folder / "chain")
    peer_s = None
    if peer is not None:
        arguments = [folder / "mix" / "mix.wav", folder / "reference.wav", folder / "peer.wav"]
        done = subprocess.run([peer, "-c", _PEER, *map(str, arguments)], check=True, capture_output=True, text=True)
        peer_s = float(done.stdout.splitlines()[-1])
    print(f"{tracks} tracks of {length_s:g} s: {mix_s:.2f} s, {chain_s:.2f} s, {peer_s}", file=sys.stderr)
    shutil.rmtree(folder)
    return Point(tracks, length_s, mix_s, decide_s, chain_s, peer_s, peak_bytes)


def _in_child(kind: str, folder: Path, output: Path) -> tuple[float, float, int]:
    command = [sys.executable, __file__, "--child", kind, str(folder), str(output)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    all_s, decide_s, peak_memory = json.loads(done.stdout.splitlines()[-1])
    return all_s, decide_s, peak_memory


def _child(kind: str, folder: str, output: str) -> tuple[float, float, int]:
    """In the fresh process: the processor time of one side, the part of it until rendering begins, peak memory."""
    from mixbridge import load_preset
    from mixbridge.bridge.jobs import run_mix
    from workloads import chain_of

    stems = {path.stem: path for path in sorted((Path(folder) / "stems").iterdir())}
    preset = load_preset(Path(folder) / "mix" / "preset.json") if kind == "chain" else None
    steps: dict[str, float] = {}
    before = time.process_time()

    def note(_share: float, step: str) -> None:
        steps.setdefault(step, time.process_time() - before)

    if preset is None:
        run_mix(stems, Path(folder) / "reference.wav", Path(output), report=False, progress=note)
    else:
        chain_of(preset, stems, Path(output))
    return time.process_time() - before, steps.get("rendering the tracks", 0.0), peak_bytes()


def _write(folder: Path, tracks: int, length_s: float, number: int = 0) -> None:
    """As many tracks as wanted of the eight sounds that there are; no two numbers sound alike."""
    write_session(folder, length_s, sounds=STEMS[:tracks])
    if number:
        for path in (folder / "stems").iterdir():
            audio, rate_hz = sf.read(path, dtype="float32", always_2d=True)
            sf.write(path, np.roll(audio, 1499 * number, 0), rate_hz, "PCM_24")
    sounds = {path.stem: path for path in (folder / "stems").iterdir()}
    for place in range(len(STEMS), tracks):
        sound = STEMS[place % len(STEMS)].name
        audio, rate_hz = sf.read(sounds[sound], dtype="float32")
        # No two tracks are the same: their hashes would be, and the cache would help.
        sf.write(folder / "stems" / f"{sound} {place // len(STEMS) + 1}.wav", np.roll(audio, 997 * place, 0), rate_hz)


def _machine() -> tuple[float, float]:
    """Copying of memory in GiB/s, multiplying of matrices in GFLOPS, by processor time."""
    data, target, size = np.ones(2**26, np.float32), np.ones(2**26, np.float32), 1024
    matrix = np.ones((size, size), np.float32)
    before = time.process_time()
    np.copyto(target, data)
    copied_s = time.process_time() - before
    before = time.process_time()
    for _ in range(4):
        _ = matrix @ matrix
    multiplied_s = time.process_time() - before
    return data.nbytes / 2**30 / copied_s, 4 * 2 * size**3 / 1e9 / multiplied_s


def _draw(
    path: Path,
    over_tracks: Sequence[Point],
    over_length: Sequence[Point],
    over_sessions: Sequence[BatchPoint],
    over_workers: Sequence[BatchPoint],
) -> None:
    from matplotlib.figure import Figure

    rows = 2 if over_sessions else 1
    figure = Figure(figsize=(9, 3.2 * rows), layout="constrained")
    (tracks_axes, length_axes), *batch_axes = figure.subplots(rows, 2, squeeze=False)
    for axes, points, horizontal, label in (
        (
            tracks_axes,
            over_tracks,
            [float(point.tracks) for point in over_tracks],
            f"tracks of {over_tracks[0].length_s:g} s",
        ),
        (
            length_axes,
            over_length,
            [point.length_s for point in over_length],
            f"length of {over_length[0].tracks} tracks, s",
        ),
    ):
        axes.loglog(horizontal, [point.mix_s for point in points], "o-", color="#c2410c", label="mix")
        rendering = [point.mix_s - point.decide_s for point in points]
        axes.loglog(horizontal, rendering, "o--", color="#c2410c", label="of which rendering", markerfacecolor="none")
        axes.loglog(horizontal, [point.chain_s for point in points], "o-", color="#2563a8", label="pedalboard alone")
        if all(point.peer_s is not None for point in points):
            axes.loglog(horizontal, [point.peer_s for point in points], "o-", color="#66707a", label="matchering")
        axes.set(xlabel=label, ylabel="processor time, s")
        axes.legend(frameon=False, fontsize=8)
    for sessions_axes, workers_axes in batch_axes:
        sessions = [point.sessions for point in over_sessions]
        sessions_axes.plot(sessions, [point.all_s for point in over_sessions], "o-", color="#c2410c")
        sessions_axes.set(xlabel="sessions, one worker", ylabel="processor time, s", ylim=(0, None))
        workers = [point.workers for point in over_workers]
        workers_axes.plot(workers, [point.all_s for point in over_workers], "o-", color="#c2410c")
        label = f"workers, {over_sessions[-1].sessions} sessions"
        workers_axes.set(xlabel=label, ylabel="processor time, s", ylim=(0, None))
    for axes in figure.axes:
        axes.grid(which="both", color="#e3e0da", linewidth=0.6)
    figure.savefig(path, metadata={"Date": None})


if __name__ == "__main__":
    main()
