"""Fits the numbers of styles: the mean, the nearest neighbour, and the house style.

The last is a ridge over the features of the raw track; its strength is chosen by leaving each example out once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ...presets.errors import AudioError
from ...presets.roles import TRAITS, Role
from ...runtime.styles.features import FEATURES
from ...runtime.styles.settings import EFFECTS, STAGES, TONE_HZ, setting_rows, stage_of
from ...runtime.styles.style import LEVEL, Style, WayName
from .examples import StyleExample

Matrix = NDArray[np.float64]

_STRENGTHS: Final = (0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0, 300.0, 1000.0)
# Slopes have to be better than none by so many standard errors: the best of ten strengths is often so by chance.
_SURE = 1.5
_FEWEST_FOR_SLOPES, _FEWEST_WITH_STAGE = 8, 3
_LEAST_SPREAD = 1e-3
_NEARLY_ALL, _MARGIN = 0.95, 1.3
# Of a track that nobody has seen before, few examples say little: their spread is taken as larger.
_MOST_DEVIATIONS = 3.0
# Roles of this share of the examples are those of the style, beside their whole family.
_LEAST_SHARE = 0.1
_NINE_IN_TEN, _MOST_LIFT_DB = 0.9, 60.0


def fit_mean(examples: Sequence[StyleExample]) -> Style:
    """Fit the mean of the settings, each in its table's own scale; stages are on where most have them on."""
    return _Fitting.of(examples, with_tone=False).style("mean")


def fit_neighbour(examples: Sequence[StyleExample]) -> Style:
    """Keep all examples, to take the settings of the one whose raw track is most alike."""
    return _Fitting.of(examples, with_tone=False).style("neighbour")


def fit_house(examples: Sequence[StyleExample]) -> Style:
    """Fit the house style: settings move with the features of the raw track as far as examples show that they do."""
    return _Fitting.of(examples, with_tone=True).style("house")


@dataclass(frozen=True)
class _Fitting:
    """Examples as matrices.

    Attributes:
        examples: at least one.
        features: mean and spread of each.
        heard: features in standard deviations, shape (examples, features).
        targets: names.
        values: shape (examples, targets); NaN where an example says nothing.
        weights: of the examples.
    """

    examples: Sequence[StyleExample]
    features: tuple[Matrix, Matrix]
    heard: Matrix
    targets: tuple[str, ...]
    values: Matrix
    weights: Matrix

    @classmethod
    def of(cls, examples: Sequence[StyleExample], *, with_tone: bool) -> _Fitting:
        if not examples:
            raise AudioError("there are no pairs with settings to learn from")
        raw = np.array([example.features for example in examples])
        weights = np.array([example.weight for example in examples])
        mean = np.average(raw, axis=0, weights=weights)
        # Of few examples, their spread is known badly; never taken as less than what hardly matters.
        spread = np.sqrt(np.average(np.square(raw - mean), axis=0, weights=weights))
        spread = np.maximum(spread, _least_spread())
        targets = _targets(examples, with_tone)
        values = np.array([_row(example, targets) for example in examples])
        return cls(examples, (mean, spread), (raw - mean) / spread, targets, values, weights)

    def style(self, way: WayName) -> Style:
        mean = np.array([self._mean(at) for at in range(len(self.targets))])
        slopes = np.zeros((len(self.targets), len(FEATURES)))
        spread = np.array([self._spread(at, mean[at]) for at in range(len(self.targets))])
        if way == "house" and len(self.examples) >= _FEWEST_FOR_SLOPES:
            for block in _blocks(self.targets):
                self._fit_block(block, mean, slopes, spread)
        unlike = self._unlike()
        found = np.where(np.isnan(self.values), mean, self.values)
        return Style(
            way=way,
            roles=_roles(self.examples),
            examples=len(self.examples),
            feature_mean=_numbers(self.features[0]),
            feature_spread=_numbers(self.features[1]),
            likeness=tuple(map(_numbers, unlike[0])),
            most_unlike=max(float(unlike[1]), 0.1),
            targets=self.targets,
            mean=_numbers(mean),
            spread=_numbers(spread),
            slopes=tuple(map(_numbers, slopes)) if slopes.any() else (),
            heard=tuple(map(_numbers, self.heard)) if way == "neighbour" else (),
            found=tuple(map(_numbers, found)) if way == "neighbour" else (),
            lifted_noise_db=self._lifted_noise_db(),
        )

    def _lifted_noise_db(self) -> float:
        lifts_db = [example.lifted_noise_db for example in self.examples]
        return float(np.clip(np.quantile(lifts_db, _NINE_IN_TEN), 0, _MOST_LIFT_DB))

    def _mean(self, at: int) -> float:
        there = ~np.isnan(self.values[:, at])
        return float(np.average(self.values[there, at], weights=self.weights[there])) if there.any() else 0.0

    def _spread(self, at: int, mean: float) -> float:
        there = ~np.isnan(self.values[:, at])
        if there.sum() < 2:
            return 0.0
        return float(np.sqrt(np.average(np.square(self.values[there, at] - mean), weights=self.weights[there])))

    def _fit_block(self, block: Sequence[int], mean: Matrix, slopes: Matrix, spread: Matrix) -> None:
        """Chooses one strength for targets that belong together, and puts their slopes in place."""
        there = ~np.isnan(self.values[:, block]).any(axis=1)
        if there.sum() < _FEWEST_FOR_SLOPES:
            return
        weights = self.weights[there] / self.weights[there].mean()
        values = self.values[there][:, block]
        centre = np.average(values, axis=0, weights=weights)
        scale = np.maximum(np.sqrt(np.average(np.square(values - centre), axis=0, weights=weights)), _LEAST_SPREAD)
        heard = np.clip(self.heard[there], -_MOST_DEVIATIONS, _MOST_DEVIATIONS)
        # Bands of a curve are told together: each in dB, so that those which move most count most.
        units = np.full(len(block), scale.mean()) if len(block) == len(TONE_HZ) else scale
        wanted = (values - centre) / units
        best: tuple[float, Matrix, Matrix] | None = None
        none = _left_out(heard, wanted, weights, np.inf)[1]
        without = np.square(none).sum(axis=1)
        for strength in _STRENGTHS:
            found, errors = _left_out(heard, wanted, weights, strength)
            gain = without - np.square(errors).sum(axis=1)
            mean_gain = float(np.average(gain, weights=weights))
            doubt = float(gain.std(ddof=1)) / len(gain) ** 0.5
            if mean_gain > _SURE * doubt and (best is None or mean_gain > best[0]):
                best = mean_gain, found, errors
        if best is None:
            return
        _, found, errors = best
        at = np.array(block)
        # Examples without a stage are others than those with it: their features have another mean.
        offset = np.average(heard, axis=0, weights=weights)
        slopes[at] = (found * units).T
        mean[at] = centre - slopes[at] @ offset
        spread[at] = np.sqrt(np.average(np.square(errors * units), axis=0, weights=weights))

    def _unlike(self) -> tuple[Matrix, float]:
        """The inverse of the shrunk covariance, and the distance within which nearly all examples lie."""
        count, size = self.heard.shape
        covariance = np.cov(self.heard.T, aweights=self.weights, bias=True) if count > 1 else np.eye(size)
        shrunk = size / (size + count)
        inverse = np.linalg.inv((1 - shrunk) * covariance + shrunk * np.eye(size))
        distances = np.sqrt(np.einsum("nf,fg,ng->n", self.heard, inverse, self.heard) / size)
        # With few examples each is near to their mean because it is one of them.
        own = np.sqrt(1 + size / max(count, 1) * 0.5)
        return inverse, float(np.quantile(distances, _NEARLY_ALL)) * _MARGIN * float(own)


def _left_out(heard: Matrix, wanted: Matrix, weights: Matrix, strength: float) -> tuple[Matrix, Matrix]:
    """Slopes of a weighted ridge, and the errors of each example told by the others."""
    roots = np.sqrt(weights / weights.sum())[:, None]
    total = weights / weights.sum()
    middle = total @ heard
    centred = (heard - middle) * roots
    values = (wanted - total @ wanted) * roots
    if np.isinf(strength):
        slopes = np.zeros((heard.shape[1], wanted.shape[1]))
        hat = total
    else:
        penalty = strength / len(heard) * np.eye(heard.shape[1])
        inverse = np.linalg.inv(centred.T @ centred + penalty)
        slopes = inverse @ centred.T @ values
        hat = np.einsum("nf,fg,ng->n", centred, inverse, centred) + total
    errors = (values - centred @ slopes) / roots / np.maximum(1 - hat, 1e-6)[:, None]
    return slopes, errors


def _targets(examples: Sequence[StyleExample], with_tone: bool) -> tuple[str, ...]:
    """What is told: settings of stages that enough examples have on, which stages are on, tone and level."""
    counts = Counter(stage for example in examples for stage in example.settings.on)
    needed = min(_FEWEST_WITH_STAGE, len(examples))
    used = {stage for stage in (*STAGES, *EFFECTS) if counts[stage] >= needed}
    told = {path for example in examples for path in example.settings.values}
    paths = [path for path in setting_rows() if path in told and stage_of(path) in (None, *used)]
    if with_tone:
        paths = [path for path in paths if not path.startswith("strip.eq.")]
    tone = [f"tone.{at}" for at in range(len(TONE_HZ))] if with_tone else []
    return (*paths, *(f"on.{stage}" for stage in (*STAGES, *EFFECTS) if stage in used), *tone, LEVEL)


def _row(example: StyleExample, targets: Sequence[str]) -> list[float]:
    settings = example.settings
    known = {**settings.values, LEVEL: example.level_lufs}
    known |= {f"on.{stage}": float(stage in settings.on) for stage in (*STAGES, *EFFECTS)}
    known |= {f"tone.{at}": float(value) for at, value in enumerate(settings.tone_db)}
    return [known.get(target, np.nan) for target in targets]


def _blocks(targets: Sequence[str]) -> list[list[int]]:
    """Targets that are told with one strength: a stage's settings, a stage's switch, the curve, each of the others."""
    groups: dict[str, list[int]] = {}
    for at, target in enumerate(targets):
        if target.startswith("tone."):
            key = "tone"
        elif target in setting_rows() and stage_of(target) is not None:
            key = f"stage {stage_of(target)}"
        else:
            key = target
        groups.setdefault(key, []).append(at)
    return list(groups.values())


def _roles(examples: Sequence[StyleExample]) -> tuple[Role, ...]:
    """Roles that the examples have, with all of their family: a style of voices is one of backing vocals, too."""
    counts = Counter(example.role for example in examples if example.role is not None)
    families = {
        "voice" if TRAITS[role].is_voice else TRAITS[role].family
        for role, count in counts.items()
        if count >= _LEAST_SHARE * len(examples)
    }
    return tuple(role for role, trait in TRAITS.items() if ("voice" if trait.is_voice else trait.family) in families)


def _least_spread() -> Matrix:
    """Spreads of features below which tracks count as alike, where all examples are: in dB, and in octaves."""
    few = {"lowest_octave": 0.2, "loudness_lufs": 4.0, "over_noise_db": 5.0}
    return np.array([few.get(name, 1.5) for name in FEATURES])


def _numbers(row: Matrix) -> tuple[float, ...]:
    return tuple(float(f"{value:.6g}") for value in row)
