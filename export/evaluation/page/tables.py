"""The tables of the page, as lines of Markdown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np

from ..cases import CaseResult, Cause, values_of
from ..judging import TERMS
from ..statistics import estimate, mean, ratio, share
from ..suites import MODEL, SUITES
from .bars import bars_of

REFERENCE = "the reference itself"
"""Another passage of the true mix: how far it is from the one that was to be made."""


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Makes a table, with an empty line behind it."""
    lines = [_row(head), "|---" * len(head) + "|", *(_row(row) for row in rows)]
    return [*lines, ""]


def bar_table(means: Mapping[str, Sequence[CaseResult]]) -> list[str]:
    """Makes a table of every demand with what was measured."""
    rows = []
    for suite, cases in means.items():
        for bar in bars_of(suite, cases):
            limit = f"{100 * bar.limit:.0f} %" if bar.percent else f"{bar.limit:g}"
            rows.append(
                (
                    f"[{suite}](#{anchor(SUITES[suite].title)})",
                    bar.what,
                    bar.measured.text(percent=bar.percent),
                    f"{bar.sense} {limit}",
                    "met" if bar.is_met else "**missed**",
                )
            )
    return table(("suite", "measured", "value (95 % interval)", "asked", ""), rows)


def distance_table(cases: Sequence[CaseResult]) -> list[str]:
    """Makes a table of means by mix and term."""
    rows = []
    for mix in cases[0].distances:
        cells = [estimate(cases, mean(values_of(cases, mix, term))).text(3) for term in TERMS]
        rows.append((mix, *cells, f"{np.median(values_of(cases, mix)):.3f}"))
    if all(case.between for case in cases):
        means = {term: np.array([case.between[term] for case in cases]) for term in TERMS}
        cells = [estimate(cases, mean(means[term])).text(3) for term in TERMS]
        rows.append((REFERENCE, *cells, f"{np.median(means['total']):.3f}"))
    return table(("mix", *TERMS, "median total"), rows)


def comparison_table(cases: Sequence[CaseResult]) -> list[str]:
    """Makes a table of the model against each of the others."""
    model, rows = values_of(cases, MODEL), []
    for mix in list(cases[0].distances)[1:]:
        other = values_of(cases, mix)
        ratios = estimate(cases, ratio(model, other)).text()
        rows.append((mix, ratios, estimate(cases, share((model < other).tolist())).text(percent=True)))
    return table(("against", "model's mean total / its mean total", "model better in"), rows)


def group_table(what: str, groups: Mapping[str, Sequence[CaseResult]]) -> list[str]:
    """Makes a table of mean totals of parts of a suite."""
    mixes = list(next(iter(groups.values()))[0].distances)
    rows = []
    for name, cases in groups.items():
        means = [estimate(cases, mean(values_of(cases, MODEL))).text(3)]
        means += [f"{values_of(cases, mix).mean():.3f}" for mix in mixes[1:]]
        rows.append((name, str(len(cases)), *means))
    return table((what, "cases", *mixes), rows)


def worst_table(cases: Sequence[CaseResult], causes: Mapping[int, Cause]) -> list[str]:
    """Makes a table of the worst cases with their probable causes."""
    rows = []
    for case in cases:
        terms = case.distances[MODEL]
        numbers = [f"{terms[term]:.3f}" for term in ("total", "bark", "width", "imbalance", "crest")]
        between = f"{case.between['total']:.3f}"
        cause = causes[case.index]
        rows.append(
            (case.session, str(case.tracks), f"{case.start_s:.1f} s", *numbers, between, cause.kind, cause.text)
        )
    head = (
        "session",
        "tracks",
        "at",
        "total",
        "bark",
        "width",
        "imbalance",
        "crest",
        "between passages",
        "cause",
        "found",
    )
    return table(head, rows)


def cause_table(causes: Mapping[int, Cause]) -> list[str]:
    """Makes a table of how often each kind of cause was found."""
    counts = Counter(cause.kind for cause in causes.values()).most_common()
    return table(("probable cause", "cases"), [(kind, str(count)) for kind, count in counts])


def anchor(title: str) -> str:
    """Tells where a heading is linked to."""
    kept = "".join(letter for letter in title.lower() if letter.isalnum() or letter in " -")
    return kept.replace(" ", "-")


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"
