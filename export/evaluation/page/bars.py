"""What each suite is held to, and what was measured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from ..cases import CaseResult, values_of
from ..judging import TERMS
from ..statistics import Estimate, Statistic, estimate, ratio, share
from ..suites import BASELINES, MEAN, MODEL, PLAIN, RANDOM, SPREAD, UNTOUCHED

_CLIFF_FROM, _CLIFF_TO = 8, (16, 24)


@dataclass(frozen=True)
class Demand:
    """One demand.

    Attributes:
        what: is measured.
        measured: the figure.
        limit: to be kept.
        sense: "at most" or "at least".
        percent: whether figure and limit are shares.
    """

    what: str
    measured: Estimate
    limit: float
    sense: Literal["at most", "at least"] = "at most"
    percent: bool = False

    @property
    def is_met(self) -> bool:
        """Tells whether the figure itself meets the limit, wherever its interval reaches."""
        if self.sense == "at most":
            return self.measured.value <= self.limit
        return self.measured.value >= self.limit


def bars_of(suite: str, cases: Sequence[CaseResult]) -> list[Demand]:
    """Gives the demands on one suite."""
    makers = {
        "known": _known,
        "recorded": _recorded,
        "songs": _songs,
        "voices": _voices,
        "tracks": _tracks,
        "odd": _odd,
    }
    return makers[suite](cases)


def best_plain(cases: Sequence[CaseResult]) -> str:
    """Finds the best way of doing without a model: the lowest mean total of mean setting and equal loudness."""
    return min(PLAIN, key=lambda mix: float(values_of(cases, mix).mean()))


def _known(cases: Sequence[CaseResult]) -> list[Demand]:
    bars = [Demand("total / that of random settings by role", _ratio(cases, RANDOM), 0.15), _wins(cases, MEAN, 0.85)]
    for term in TERMS[:-1]:
        lowest = min(PLAIN, key=lambda mix, term=term: float(values_of(cases, mix, term).mean()))  # type: ignore[misc]
        bars.append(Demand(f"{term} / the lowest of the plain ways ({lowest})", _ratio(cases, lowest, term), 1.0))
    return bars


def _recorded(cases: Sequence[CaseResult]) -> list[Demand]:
    return [Demand("total / that of random settings by role", _ratio(cases, RANDOM), 0.1)]


def _odd(cases: Sequence[CaseResult]) -> list[Demand]:
    best = best_plain(cases)
    return [
        Demand("total / that of random settings", _ratio(cases, RANDOM), 0.12),
        Demand(f"total / that of the best plain way ({best})", _ratio(cases, best), 0.18),
        *(_wins(cases, mix, 0.95) for mix in BASELINES),
    ]


def _songs(cases: Sequence[CaseResult]) -> list[Demand]:
    return [Demand(f"total / that of {SPREAD}", _ratio(cases, SPREAD), 0.3), _wins(cases, SPREAD, 0.96)]


def _voices(cases: Sequence[CaseResult]) -> list[Demand]:
    return [
        Demand(f"{term} / that of the untouched voice", _ratio(cases, UNTOUCHED, term), limit)
        for term, limit in (("bark", 0.35), ("crest", 0.5))
    ]


def _tracks(cases: Sequence[CaseResult]) -> list[Demand]:
    """Demands no cliff: the gain over random settings falls with many tracks by half at most, against 8."""
    counts = {case.tracks for case in cases}
    if _CLIFF_FROM not in counts:
        return []
    return [
        Demand(
            f"share of the random settings' total that is left at {count} tracks / at {_CLIFF_FROM}",
            estimate(cases, _relative(cases, count)),
            1.5,
        )
        for count in _CLIFF_TO
        if count in counts
    ]


def _relative(cases: Sequence[CaseResult], count: int) -> Statistic:
    model, other = values_of(cases, MODEL), values_of(cases, RANDOM)
    tracks = np.array([case.tracks for case in cases])
    many, few = (ratio(model * (tracks == at), other * (tracks == at)) for at in (count, _CLIFF_FROM))
    return lambda times: many(times) / few(times)


def _ratio(cases: Sequence[CaseResult], mix: str, term: str = "total") -> Estimate:
    return estimate(cases, ratio(values_of(cases, MODEL, term), values_of(cases, mix, term)))


def _wins(cases: Sequence[CaseResult], mix: str, limit: float) -> Demand:
    better = (values_of(cases, MODEL) < values_of(cases, mix)).tolist()
    return Demand(f"better than {mix}, of all cases", estimate(cases, share(better)), limit, "at least", percent=True)
