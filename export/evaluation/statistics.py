"""Figures with their 95 % interval, by bootstrap over sessions.

Cases of one session resemble each other; drawing sessions instead of cases keeps intervals from looking narrower than
they are.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from .cases import CaseResult, Values

Statistic = Callable[[Values], float]

_RESAMPLES = 2000


@dataclass(frozen=True)
class Estimate:
    """A figure and where it lies with 95 % confidence."""

    value: float
    low: float
    high: float

    def text(self, digits: int = 2, percent: bool = False) -> str:
        """Formats it as on the page."""
        if percent:
            return f"{100 * self.value:.0f} % ({100 * self.low:.0f}..{100 * self.high:.0f})"
        return f"{self.value:.{digits}f} ({self.low:.{digits}f}..{self.high:.{digits}f})"


def estimate(cases: Sequence[CaseResult], statistic: Statistic) -> Estimate:
    """Estimates a statistic over cases.

    Args:
        cases: at least one.
        statistic: from how often each case counts, shape (cases,), to a number; NaN where it has none.
    """
    numbers = np.random.default_rng(0)
    names, group = np.unique([case.session for case in cases], return_inverse=True)
    times = numbers.multinomial(len(names), np.full(len(names), 1 / len(names)), _RESAMPLES)
    drawn = [statistic(row[group].astype(np.float64)) for row in times]
    low, high = np.nanpercentile(drawn, (2.5, 97.5))
    return Estimate(statistic(np.ones(len(cases))), float(low), float(high))


def mean(values: Values) -> Statistic:
    """Gives the mean of one number a case."""
    return ratio(values, np.ones(len(values)))


def ratio(values: Values, others: Values) -> Statistic:
    """Gives the mean of one number over the mean of another; NaN where the latter is 0."""

    def of(times: Values) -> float:
        under = float(times @ others)
        return float(times @ values) / under if under > 0 else float("nan")

    return of


def share(truths: Sequence[bool]) -> Statistic:
    """Tells how many of the cases something is true of."""
    return mean(np.asarray(truths, np.float64))
