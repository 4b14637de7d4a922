"""Writes `docs/quality.md` and its picture from evaluated cases: means, intervals, how often the model is better."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .. import __version__
from ..runtime.bundle import Bundle
from .evaluate import BASELINES, MODEL, TERMS, Case, values_of

_METHOD = """\
A case: a session the model never met is mixed under settings drawn at random, as in training. The model hears the raw
tracks of one passage of 5.94 s and the mix of *another* passage of the same song; its own mix of the first is compared
with the true one. Every mix is rendered by the runtime through pedalboard and brought to the loudness of the true one.
The distance is the feature distance of Diff-MST: the spectrum of mid and side (bark, weight 0.1), stereo width (1),
left-right imbalance (1), crest (0.001), RMS (0.1; zero after matching). Smaller is better."""
_RESAMPLES = 2000
_WORST = 6

Values = NDArray[np.float64]


def write_report(cases: Sequence[Case], bundle: Bundle, command: str, path: Path) -> None:
    """Write the page, and `quality.png` beside it.

    Args:
        cases: what :func:`.evaluate.evaluate` found.
        bundle: the model that was judged.
        command: how to repeat it.
        path: of the Markdown file.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    draw(cases, path.with_name("quality.png"))
    path.write_text("\n".join(_page(cases, bundle, command)) + "\n", encoding="utf-8")


def interval(cases: Sequence[Case], statistic: Callable[[NDArray[np.intp]], float]) -> tuple[float, float]:
    """95 % bootstrap interval of a statistic over cases, given as a function of case indices."""
    numbers = np.random.default_rng(0)
    drawn = [statistic(numbers.integers(0, len(cases), len(cases))) for _ in range(_RESAMPLES)]
    low, high = np.percentile(drawn, (2.5, 97.5))
    return float(low), float(high)


def _page(cases: Sequence[Case], bundle: Bundle, command: str) -> list[str]:
    sessions = len({case.session for case in cases})
    date = datetime.now(UTC).date().isoformat()
    return [
        "# How good the model is",
        "",
        f"Model `{bundle.manifest.name}` (manifest {bundle.manifest_sha256[:12]}), {len(cases)} cases from {sessions} "
        f"held-out sessions, mixbridge {__version__}, {date}. Made by:",
        "",
        f"    {command}",
        "",
        _METHOD,
        "",
        "![Total distance by mix](quality.png)",
        "",
        "## Mean distance (95 % bootstrap interval)",
        "",
        *_distance_table(cases),
        "",
        "## The model against each way of doing without",
        "",
        *_comparison_table(cases),
        "",
        "## By kind of session (mean total)",
        "",
        *_kind_table(cases),
        "",
        "## The worst cases",
        "",
        *_worst_table(cases),
    ]


def _distance_table(cases: Sequence[Case]) -> list[str]:
    rows = ["| mix | " + " | ".join(TERMS) + " | median total |", "|---" * (len(TERMS) + 2) + "|"]
    for mix in (MODEL, *BASELINES):
        cells = []
        for term in TERMS:
            values = values_of(cases, mix, term)
            low, high = interval(cases, _mean_of(values))
            cells.append(f"{values.mean():.3f} ({low:.3f}..{high:.3f})")
        rows.append(f"| {mix} | " + " | ".join(cells) + f" | {np.median(values_of(cases, mix)):.3f} |")
    return rows


def _comparison_table(cases: Sequence[Case]) -> list[str]:
    rows = ["| against | model's mean total / its mean total | model better in |", "|---|---|---|"]
    model = values_of(cases, MODEL)
    for mix in BASELINES:
        other = values_of(cases, mix)
        low, high = interval(cases, _ratio_of(model, other))
        better = model < other
        wins_low, wins_high = interval(cases, _mean_of(better.astype(np.float64)))
        rows.append(
            f"| {mix} | {model.mean() / other.mean():.2f} ({low:.2f}..{high:.2f}) | "
            f"{100 * better.mean():.0f} % ({100 * wins_low:.0f}..{100 * wins_high:.0f}) |"
        )
    return rows


def _kind_table(cases: Sequence[Case]) -> list[str]:
    kinds: dict[str, list[Case]] = {}
    for case in cases:
        kinds.setdefault(_kind(case), []).append(case)
    rows = ["| sessions | cases | model | " + " | ".join(BASELINES) + " |", "|---" * (len(BASELINES) + 3) + "|"]
    for kind, found in sorted(kinds.items()):
        means = (f"{values_of(found, mix).mean():.3f}" for mix in (MODEL, *BASELINES))
        rows.append(f"| {kind} | {len(found)} | " + " | ".join(means) + " |")
    return rows


def _kind(case: Case) -> str:
    """By the prefix that the corpus gives a session's folder."""
    prefix = case.session.split("_")[0]
    names = {
        "fd": "held-out tunes, rendered",
        "own": "own compositions, rendered",
        "fof": "recorded guitar and backing (2 tracks)",
    }
    return names.get(prefix, prefix)


def _worst_table(cases: Sequence[Case]) -> list[str]:
    rows = [
        "| session | tracks | at | total | of it bark | width | imbalance | crest | random settings |",
        "|---" * 9 + "|",
    ]
    for case in sorted(cases, key=lambda item: -item.distances[MODEL]["total"])[:_WORST]:
        terms = case.distances[MODEL]
        cells = (f"{terms[term]:.3f}" for term in ("total", "bark", "width", "imbalance", "crest"))
        other = case.distances["random settings"]["total"]
        rows.append(
            f"| {case.session} | {case.tracks} | {case.start_s:.1f} s | " + " | ".join(cells) + f" | {other:.3f} |"
        )
    return rows


def _mean_of(values: Values) -> Callable[[NDArray[np.intp]], float]:
    return lambda index: float(values[index].mean())


def _ratio_of(values: Values, others: Values) -> Callable[[NDArray[np.intp]], float]:
    return lambda index: float(values[index].mean() / others[index].mean())


def draw(cases: Sequence[Case], path: Path) -> None:
    """Box plot of the total distance of each mix, logarithmic, as PNG."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 3.2), layout="constrained")
    axes = figure.subplots()
    mixes = (MODEL, *BASELINES)
    axes.boxplot(
        [values_of(cases, mix) for mix in mixes],
        orientation="horizontal",
        showfliers=True,
        flierprops={"markersize": 3},
    )
    axes.set_yticks(range(1, len(mixes) + 1), mixes)
    axes.set(xscale="log", xlabel="distance to the true mix (smaller is better)")
    axes.invert_yaxis()
    axes.grid(axis="x", alpha=0.3)
    figure.savefig(path, dpi=110)
