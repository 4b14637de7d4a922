"""Measures how near a desk's equalizer and compressor come to presets, and what the fit costs.

    python benchmarks/fitting.py             1,000 random strips on an X32, the page in benchmarks/fitting.md
    python benchmarks/fitting.py -n 50 -d wing -o wing.md --json wing.json

Each strip has six bands with gains spread evenly over +-6 dB, frequencies and Q evenly in octaves over the ranges of
a model's outputs, and a compressor drawn as the compact model's. One process, one thread; errors are those of the
settings that would be sent, on the desk's grid.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import argparse
import json
import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from mixbridge.bridge.desks.loading import load_desk
from mixbridge.bridge.desks.profile import Desk
from mixbridge.bridge.fitting.compressor import fit_compressor
from mixbridge.bridge.fitting.equalizer import fit_eq
from mixbridge.presets.console import EQ_BANDS, Compressor, EqBand, Equalizer
from mixbridge.runtime.model.layout import Output, reference_layout
from numpy.typing import NDArray
from page import Goal, goals_table, table

_GAIN_DB = 6.0
_SEED = 4
# As in `export/compact/layout.py`, which needs torch to be imported.
_COMPACT_HZ = ((40, 400), (100, 1000), (400, 3000), (1500, 7000), (4000, 14000), (3000, 14000))
_COMPACT_Q = (0.3, 4.0)

Range = tuple[float, float]


@dataclass(frozen=True)
class Draw:
    """Where the bands of random strips lie."""

    title: str
    freqs_hz: Sequence[Range]
    q: Range


@dataclass(frozen=True)
class Figures:
    """What came out for one way of drawing.

    Attributes:
        draw: where the bands lay.
        mean_db: mean of the absolute error over all strips.
        p95_mean_db: 95 % of the strips have a smaller mean error.
        p95_max_db: 95 % of the strips have a smaller largest error.
        max_db: largest of all.
        mean_ms: time for a strip, of the process.
        worst_ms: longest.
    """

    draw: str
    mean_db: float
    p95_mean_db: float
    p95_max_db: float
    max_db: float
    mean_ms: float
    worst_ms: float


def main(arguments: Sequence[str] | None = None) -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-n", "--strips", type=int, default=1000, help="of each kind")
    parser.add_argument("-d", "--desk", default="x32", help="name or profile of the desk")
    parser.add_argument("-o", "--output", type=Path, default=Path(__file__).with_name("fitting.md"), help="the page")
    parser.add_argument("--json", type=Path, help="the figures as JSON, too")
    options = parser.parse_args(arguments)
    desk = load_desk(options.desk)
    equalizers = [measure_eq(draw, desk, options.strips) for draw in draws()]
    curve_db, clamped = measure_compressor(desk, options.strips)
    goals = [goal for figures in equalizers for goal in _goals(figures)]
    page = _page(desk, options.strips, equalizers, goals, f"{curve_db:.2f} dB, 95 % of the strips", clamped)
    options.output.write_text(page, encoding="utf-8")
    if options.json:
        facts = {"desk": desk.name, "strips": options.strips, "eq": [asdict(figures) for figures in equalizers]}
        facts["compressor"] = {"p95_curve_error_db": curve_db, "clamped": clamped}
        options.json.write_text(json.dumps(facts, indent=2) + "\n", encoding="utf-8")
    print(page)


def draws() -> tuple[Draw, Draw]:
    """The reference console's ranges, and those of the compact model."""
    outputs = {output.path: output for output in reference_layout().track}

    def ends(output: Output) -> Range:
        return output.low, output.high

    freqs_hz = tuple(ends(outputs[f"eq.{band}.freq_hz"]) for band in EQ_BANDS)
    reference = Draw("reference console", freqs_hz, ends(outputs[f"eq.{EQ_BANDS[0]}.q"]))
    return reference, Draw("compact model", _COMPACT_HZ, _COMPACT_Q)


def measure_eq(draw: Draw, desk: Desk, count: int) -> Figures:
    """Fits that many random equalizers."""
    rng = np.random.default_rng(_SEED)
    ability = desk.eq("track")
    if ability is None:
        raise SystemExit(f"{desk.title} has no equalizer to be set")
    fit_eq(_random_eq(draw, rng), ability)  # the grids of the desk's scales are made once
    seconds, means, largest = [], [], []
    for _ in range(count):
        eq = _random_eq(draw, rng)
        begin = time.process_time()
        fitted = fit_eq(eq, ability)
        seconds.append(time.process_time() - begin)
        means.append(fitted.mean_db)
        largest.append(fitted.max_db)
    return Figures(
        draw.title,
        float(np.mean(means)),
        _p95(means),
        _p95(largest),
        max(largest),
        1000 * float(np.mean(seconds)),
        1000 * max(seconds),
    )


def measure_compressor(desk: Desk, count: int) -> tuple[float, Mapping[str, float]]:
    """The 95th percentile of the curve's error in dB, and the share of strips in which each setting was clamped."""
    rng = np.random.default_rng(_SEED)
    ability = desk.compressor("track")
    if ability is None:
        return math.nan, {}
    errors_db, clamped = [], dict[str, int]()
    for _ in range(count):
        fitted = fit_compressor(_random_compressor(rng), ability)
        errors_db.append(fitted.curve_error_db)
        for clamp in fitted.clamped:
            clamped[clamp.key] = clamped.get(clamp.key, 0) + 1
    return _p95(errors_db), {key: times / count for key, times in sorted(clamped.items())}


def _random_eq(draw: Draw, rng: np.random.Generator) -> Equalizer:
    bands = {
        name: EqBand(gain_db=rng.uniform(-_GAIN_DB, _GAIN_DB), freq_hz=_between(ends, rng), q=_between(draw.q, rng))
        for name, ends in zip(EQ_BANDS, draw.freqs_hz, strict=True)
    }
    return Equalizer(**bands)


def _random_compressor(rng: np.random.Generator) -> Compressor:
    return Compressor(
        threshold_db=rng.uniform(-44, -8),
        ratio=_between((1.1, 8), rng),
        attack_ms=_between((1, 100), rng),
        release_ms=_between((20, 800), rng),
        knee_db=6,
    )


def _between(ends: Range, rng: np.random.Generator) -> float:
    """Evenly in octaves."""
    return float(ends[0] * (ends[1] / ends[0]) ** rng.random())


def _p95(values: Sequence[float] | NDArray[np.float64]) -> float:
    return float(np.percentile(values, 95))


def _goals(figures: Figures) -> tuple[Goal, ...]:
    return (
        Goal(f"{figures.draw}: mean absolute error", figures.mean_db, 0.4, at_most=True, unit="dB"),
        Goal(f"{figures.draw}: 95th percentile of the largest", figures.p95_max_db, 4, at_most=True, unit="dB"),
        Goal(f"{figures.draw}: time for a strip", figures.mean_ms, 150, at_most=True, unit="ms"),
    )


def _page(
    desk: Desk,
    count: int,
    equalizers: Sequence[Figures],
    goals: Sequence[Goal],
    curve: str,
    clamped: Mapping[str, float],
) -> str:
    ability = desk.eq("track")
    rows = [
        (
            figures.draw,
            f"{figures.mean_db:.3f} dB",
            f"{figures.p95_mean_db:.2f} dB",
            f"{figures.p95_max_db:.2f} dB",
            f"{figures.max_db:.2f} dB",
            f"{figures.mean_ms:.0f} ms",
            f"{figures.worst_ms:.0f} ms",
        )
        for figures in equalizers
    ]
    shares = ", ".join(f"{key} in {100 * share:.0f} %" for key, share in clamped.items()) or "nothing"
    head = ("ranges of", "mean", "95 % of means", "95 % of largest", "largest", "a strip", "slowest")
    return f"""# Presets on {desk.title}

Made by `python benchmarks/fitting.py`: {count} random strips of each kind, gains within +-{_GAIN_DB:g} dB, all six
bands in use, on {len(ability.slots) if ability else 0} bands of the desk. Errors of the magnitude response from 20 Hz
to 20 kHz at 48 kHz, after the desk's grid; process time of one thread, load {os.getloadavg()[0]:.1f}.

{goals_table(goals)}

{table(head, rows)}

Compressors drawn as the compact model's (threshold -44..-8 dB, ratio to 8:1, knee 6 dB): largest error of the static
curve up to 0 dBFS {curve}; clamped: {shares}.
"""


if __name__ == "__main__":
    main()
