"""Measures what mixbridge costs, beside what else one would use, and writes a page about it.

    python benchmarks/run.py                 the page in benchmarks/results.md, about five minutes
    python benchmarks/run.py --quick         short and coarse, to see that it runs; to another page
    python benchmarks/run.py --long          with 20 minutes of 24 stems at 96 kHz, too: 2 GB of disk, many minutes

Needs the `train` extra, for torch. Leave the machine alone meanwhile: its load is on the page, not in the figures.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from measure import MEBIBYTE, Measured, Spread, in_fresh_process, usable_cores
from page import Goal, goals_table, spread, table

_PACKAGES = ("mixbridge", "numpy", "scipy", "soundfile", "pedalboard", "onnxruntime-gpu", "onnxruntime", "torch")
_MIX_PARTS = ("listen and predict", "render the tracks", "finish the mix", "report and deliver")


@dataclass(frozen=True)
class Size:
    """How much is measured.

    Attributes:
        rounds: repetitions, each a fresh process on both sides.
        session_s: length of the eight stems.
        repeats: runs of a model in each process, after a first one that is not counted.
        reference_tracks: tracks for the reference architecture, which takes its time.
        long_s: length of the long session.
    """

    rounds: int
    session_s: float
    repeats: int
    reference_tracks: int
    long_s: float


FULL = Size(rounds=5, session_s=180, repeats=5, reference_tracks=8, long_s=1200)
QUICK = Size(rounds=2, session_s=10, repeats=2, reference_tracks=1, long_s=20)
_TRACKS = 8


@dataclass(frozen=True)
class Section:
    """A part of the page, and the goals that it is about."""

    text: str
    goals: Sequence[Goal]


def main(arguments: Sequence[str] | None = None) -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="short and coarse")
    parser.add_argument("--long", action="store_true", help="also the 20-minute session")
    parser.add_argument("-o", "--output", type=Path, help="the page; results.md (quick: quick.md) beside this file")
    parser.add_argument("--work", type=Path, help="folder for the audio; a temporary one")
    options = parser.parse_args(arguments)
    size = QUICK if options.quick else FULL
    output = options.output or Path(__file__).with_name("quick.md" if options.quick else "results.md")
    before = _machine()
    with tempfile.TemporaryDirectory(prefix="mixbridge-benchmarks-", dir=options.work) as work:
        sections = [_mix_section(Path(work), size), _controller_section(Path(work), size)]
        if options.long:
            sections.append(_long_section(Path(work), size))
    goals = [goal for section in sections for goal in section.goals]
    texts = [
        "# Benchmarks",
        f"Made by `python {' '.join(['benchmarks/run.py', *(sys.argv[1:] if arguments is None else arguments)])}`. "
        "Figures are medians, with the lowest and highest in brackets; ratios are taken round by round, both sides one "
        "after the other in the same run.",
        *["A quick run: short audio and few rounds. **Not for quoting.**"] * options.quick,
        goals_table(goals),
        before,
        *(section.text for section in sections),
    ]
    output.write_text("\n\n".join(texts) + "\n", encoding="utf-8")
    print(f"written: {output}", file=sys.stderr)


def _machine() -> str:
    versions = ", ".join(f"{name} {found}" for name, found in _versions())
    memory = ""
    if hasattr(os, "sysconf") and "SC_PHYS_PAGES" in os.sysconf_names:
        memory = f", {os.sysconf('SC_PHYS_PAGES') * os.sysconf('SC_PAGE_SIZE') / 2**30:.0f} GiB of memory"
    return (
        f"## Machine\n\n{_cpu()}, {os.cpu_count()} cores of which {usable_cores()} could be used{memory}; "
        f"{platform.platform()}; {time.strftime('%Y-%m-%d')}. Python {platform.python_version()}, {versions}."
    )


def _versions() -> Iterator[tuple[str, str]]:
    for name in _PACKAGES:
        try:
            yield name, version(name)
        except PackageNotFoundError:
            continue


def _cpu() -> str:
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


def _mix_section(work: Path, size: Size) -> Section:
    session, output, peer_output = work / "session", work / "mix", work / "chain"
    in_fresh_process("make_session", str(session), size.session_s)
    full, plain, peer = [], [], []
    for _ in range(size.rounds):
        full.append(in_fresh_process("mix", str(session), str(output), "report"))
        preset = full[-1].facts["preset"]
        peer.append(in_fresh_process("chain", str(session), str(peer_output), preset))
        plain.append(in_fresh_process("mix", str(session), str(work / "plain"), "no report"))
    wall, cpu = _once(peer, "all"), _once(peer, "all cpu")
    rows = [
        (name, *_beside(runs, "all", wall), *_beside(runs, "all cpu", cpu), _peak(runs), _load(runs))
        for name, runs in (("`mix`", plain), ("`mix` with its report", full), ("bare chain", peer))
    ]
    parts = [(name, spread(_once(full, name))) for name in _MIX_PARTS]
    ours, theirs = full[0].facts, peer[0].facts
    text = f"""## `mix` against the bare chain

Eight stems (six mono, two stereo) of {size.session_s:g} s at 44.1 kHz, 24 bit, and a reference as long; generated by
`session.py`. {size.rounds} rounds, a fresh process each; imports are not counted, loading the model is.

{table(("", "wall", "ratio", "CPU", "ratio", "peak memory", "load before"), rows)}

- **`mix`** analyses all files for the passage to hear, hashes them, loads the model, predicts, renders, and writes
  {ours["files"]} files of {ours["bytes"] / MEBIBYTE:.0f} MiB in all: the stereo stems and the mix. It runs the master's
  channel, brings the mix to -14 LUFS, holds it at -1 dBTP (here the limiter took {ours["limited_db"]:.1f} dB) and
  measures both. It reads, renders and writes in blocks, on as many threads as there are cores.
- **The bare chain** is a script: for each stem, read the whole file with soundfile, run pedalboard's `Gain`, six
  filters, `Compressor` and `Gain` with the settings that `mix` predicted, pan, write a 24-bit stereo file; write the
  sum as the mix. {theirs["files"]} files of {theirs["bytes"] / MEBIBYTE:.0f} MiB, on one thread. It predicts nothing,
  has no soft knee, no linked stereo compressor, no master, no loudness and no ceiling, and holds whole files in memory.

Where the wall time of `mix` with its report goes:

{table(("step", "wall"), parts)}"""
    ratio = _once(full, "all").over(wall).median
    plain_ratio = _once(plain, "all").over(wall).median
    listening = _once(plain, "listen and predict").over(_once(plain, "all")).median
    peak = max(run.peak_bytes for run in full)
    return Section(
        text,
        [
            Goal("`mix` against the bare chain, wall time", plain_ratio, 1.1, at_most=True),
            Goal("the same with its report", ratio, 1.25, at_most=True),
            Goal("listening, as a share of `mix`", listening, 0.15, at_most=True),
            Goal("peak memory of `mix` with its report", peak / MEBIBYTE, 2048, at_most=True, unit="MiB"),
        ],
    )


def _controller_section(work: Path, size: Size) -> Section:
    exported = in_fresh_process("export_compact", str(work))
    ours, eager = [], []
    for _ in range(size.rounds):
        ours.append(in_fresh_process("compact_onnx", str(work), _TRACKS, size.repeats))
        eager.append(in_fresh_process("compact_torch", str(work), _TRACKS, size.repeats))
    onnx, torch = _each(ours, "all"), _each(eager, "all")
    against_eager = Spread(tuple(b / a for a, b in zip(onnx.values, torch.values, strict=True)))
    reference = in_fresh_process("reference_torch", size.reference_tracks)
    slow = Spread(tuple(reference.seconds["all"]))
    same = _each([in_fresh_process("compact_onnx", str(work), size.reference_tracks, size.repeats)], "all")
    faster = slow.median / same.median
    on_tracks = "one track" if size.reference_tracks == 1 else f"{size.reference_tracks} tracks"
    rows = [
        ("compact, onnxruntime", str(_TRACKS), spread(onnx), _peak(ours), _load(ours)),
        ("the same, embeddings cached", str(_TRACKS), spread(_each(ours, "cached")), "", ""),
        ("compact, torch eager", str(_TRACKS), spread(torch), _peak(eager), _load(eager)),
        ("of which band powers", str(_TRACKS), spread(_each(eager, "all: band powers")), "", ""),
        (
            "reference architecture, torch",
            str(size.reference_tracks),
            spread(slow),
            _peak([reference]),
            _load([reference]),
        ),
        ("compact, onnxruntime", str(size.reference_tracks), spread(same), "", ""),
    ]
    text = f"""## The controller

Mono tracks of 262,144 samples at 44.1 kHz (5.9 s) and a stereo reference, as long for the reference architecture and
twice as long for the compact model, as they were trained; noise, new each time, so that the cache of embeddings helps
only where it says so. Random weights: the compact model has {exported.facts["parameters"]:,}, the reference
architecture {reference.facts["parameters"]:,}. CPU, {usable_cores()} threads on
each side, {size.rounds} rounds of {size.repeats} runs after one that is not counted; the reference architecture once.

{table(("", "tracks", "wall", "peak memory", "load before"), rows)}

Compact against the reference architecture, {on_tracks}: {faster:.0f} x faster. onnxruntime against
torch eager, the same weights: {spread(against_eager, "x")} faster. onnxruntime's time is that of the runtime's
`Controller.predict`, with the hashing of the audio for its cache."""
    return Section(
        text,
        [
            Goal(f"compact against the reference architecture, {on_tracks}", faster, 150, False),
            Goal("compact, onnxruntime against torch eager", against_eager.median, 1.3, at_most=False),
        ],
    )


def _long_section(work: Path, size: Size) -> Section:
    in_fresh_process("make_long", str(work / "long"), size.long_s)
    run = in_fresh_process("long_render", str(work / "long"), str(work / "long-mix"))
    wall, cpu = run.seconds["all"][0], run.seconds["all cpu"][0]
    text = f"""## A long session

24 mono stems of {size.long_s / 60:.3g} minutes at 96 kHz, 24 bit, every stage on (six filters, compressor with knee and
look-ahead, saturation, pan, reverb send; master), to a mix; without the processed stems. Once.

{table(("wall", "CPU", "peak memory", "load before"), [(f"{wall:.0f} s", f"{cpu:.0f} s", _peak([run]), _load([run]))])}

{run.facts["seconds"] / wall:.1f} seconds of session in a second."""
    goal = Goal("peak memory, 24 stems at 96 kHz", run.peak_bytes / 1e9, 2, at_most=True, unit="GB")
    return Section(text, [goal])


def _once(runs: Sequence[Measured], name: str) -> Spread:
    """What each process took the one time."""
    return Spread(tuple(run.seconds[name][0] for run in runs))


def _beside(runs: Sequence[Measured], name: str, other: Spread) -> tuple[str, str]:
    """Time, and ratio to another's."""
    times = _once(runs, name)
    return spread(times), spread(times.over(other), "x")


def _each(runs: Sequence[Measured], name: str) -> Spread:
    """The median of each process."""
    return Spread(tuple(Spread(tuple(run.seconds[name])).median for run in runs))


def _peak(runs: Sequence[Measured]) -> str:
    return f"{max(run.peak_bytes for run in runs) / MEBIBYTE:.0f} MiB"


def _load(runs: Sequence[Measured]) -> str:
    loads = [run.load for run in runs]
    return f"{min(loads):.1f}..{max(loads):.1f}" if len(loads) > 1 else f"{loads[0]:.1f}"


if __name__ == "__main__":
    main()
