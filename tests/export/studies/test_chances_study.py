"""The fit of the number: on cases whose truth is known, it means what it says; and what should lower it does."""

from __future__ import annotations

import numpy as np
import pytest
from mixbridge.export.studies.chances import ChanceCase, fitted, table
from mixbridge.runtime.prediction.chances import Signs


def cases(count: int, seed: int = 0) -> list[ChanceCase]:
    numbers = np.random.default_rng(seed)
    drawn = []
    for number in range(count):
        gain, mono = float(numbers.uniform(-1, 2)), float(numbers.integers(2))
        truth = 1 / (1 + np.exp(-(0.3 + 1.5 * gain - mono)))
        better = float(numbers.uniform() < truth)
        drawn.append(ChanceCase(f"session {number % 40}", "as it is", Signs(gain=gain, mono=mono), better))
    return drawn


def test_the_truth_is_found() -> None:
    fit = fitted(cases(3000))
    assert fit.weighing.bias == pytest.approx(0.3, abs=0.35)
    assert fit.weighing.weights[0] == pytest.approx(1.5, abs=0.4)
    assert fit.weighing.weights[4] == pytest.approx(-1.0, abs=0.35)
    assert fit.error < 0.05
    assert sum(count for count, _, _ in fit.bins) == 3000


def test_what_is_doubtful_never_raises_the_number() -> None:
    """Even where the cases say so by chance."""
    turned = [ChanceCase(case.session, case.kind, case.signs, 1.0 if case.signs.mono else 0.5) for case in cases(200)]
    assert max(fitted(turned).weighing.weights[1:]) < 0


def test_the_table_has_the_weights_to_enter() -> None:
    text = table(fitted(cases(100)))
    assert "WEIGHING = Weighing(bias=" in text
    assert "calibration error" in text
