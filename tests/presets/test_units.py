import math

import pytest
from mixbridge.presets.units import decibels, gain_factor, power_decibels, power_factor


@pytest.mark.parametrize(("factor", "level_db"), [(1, 0), (10, 20), (0.5, -6.0206), (0, -math.inf)])
def test_a_factor_of_samples_is_20_log10(factor: float, level_db: float) -> None:
    assert decibels(factor) == pytest.approx(level_db, abs=1e-4)
    assert gain_factor(level_db) == pytest.approx(factor, abs=1e-5)


@pytest.mark.parametrize(("power", "level_db"), [(1, 0), (10, 10), (0.5, -3.0103), (0, -math.inf)])
def test_a_power_is_10_log10(power: float, level_db: float) -> None:
    assert power_decibels(power) == pytest.approx(level_db, abs=1e-4)
    assert power_factor(level_db) == pytest.approx(power, abs=1e-5)


def test_less_than_nothing_is_silence() -> None:
    assert decibels(-0.1) == power_decibels(-1e-9) == -math.inf
