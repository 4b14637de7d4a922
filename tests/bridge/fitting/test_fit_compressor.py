"""The console's compressor on the compressors of desks."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mixbridge.bridge.desks.loading import load_desk
from mixbridge.bridge.desks.profile import CompressorAbility
from mixbridge.bridge.desks.scales import Linear, Log
from mixbridge.bridge.fitting.compressor import fit_compressor
from mixbridge.presets.console import Compressor

X32 = load_desk("x32").compressor("track")
LEVELS_DB = np.linspace(-60, 0, 61)
PLUGIN = CompressorAbility(
    threshold=Linear(kind="linear", low=-60, high=0),
    ratio=Log(kind="log", low=1, high=20),
    attack=Log(kind="log", low=0.1, high=100),
    release=Log(kind="log", low=1, high=2000),
    knee=Linear(kind="linear", low=0, high=8),
    makeup=Linear(kind="linear", low=0, high=30),
    switch=None,
    attack_law="ninety",
    release_law="pedalboard",
)


def static_gain_db(threshold_db, ratio, knee_db):
    """Written out, piece by piece."""
    gains = []
    for level_db in LEVELS_DB:
        over_db = level_db - threshold_db
        if 2 * abs(over_db) < knee_db:
            gains.append((1 / ratio - 1) * (over_db + knee_db / 2) ** 2 / (2 * knee_db))
        else:
            gains.append((1 / ratio - 1) * max(over_db, 0))
    return np.array(gains)


def given_gain_db(values):
    if values.get("compressor.on") == 0:
        return np.zeros(len(LEVELS_DB))
    knee_db = values.get("compressor.knee_db", 0)
    return static_gain_db(values["compressor.threshold_db"], values["compressor.ratio"], knee_db)


def test_a_curve_that_the_desk_has_is_kept():
    fitted = fit_compressor(Compressor(threshold_db=-22.5, ratio=4, knee_db=0, makeup_db=3), X32)
    assert fitted.values["compressor.threshold_db"] == -22.5
    assert fitted.values["compressor.ratio"] == 4
    assert fitted.values["compressor.makeup_db"] == 3
    assert fitted.values["compressor.on"] == 1
    assert (fitted.curve_error_db, fitted.clamped, fitted.left_over_db) == (0, (), 0)


def test_a_ratio_between_two_of_the_list_moves_the_threshold():
    wanted = Compressor(threshold_db=-30, ratio=3.4, knee_db=6)
    fitted = fit_compressor(wanted, X32)
    assert fitted.values["compressor.ratio"] in (3, 4)
    error = np.abs(given_gain_db(fitted.values) - static_gain_db(-30, 3.4, 6)).max()
    assert fitted.curve_error_db == pytest.approx(error, abs=1e-6)
    plain = np.abs(static_gain_db(-30, fitted.values["compressor.ratio"], 0) - static_gain_db(-30, 3.4, 6))
    assert error < plain.max()


def test_ratio_1_is_off_and_its_makeup_goes_to_the_fader():
    fitted = fit_compressor(Compressor(ratio=1, makeup_db=2), X32)
    assert fitted.values["compressor.on"] == 0
    assert fitted.values["compressor.ratio"] == 1.1
    assert fitted.left_over_db == 2
    assert fitted.clamped == ()


def test_without_a_switch_ratio_1_is_set_as_such():
    fitted = fit_compressor(Compressor(ratio=1), PLUGIN)
    assert fitted.values["compressor.ratio"] == pytest.approx(1)
    assert "compressor.on" not in fitted.values


@pytest.mark.parametrize(("wanted_db", "given_db"), [(-4, 0), (30, 24), (2.2, 2)])
def test_makeup_that_the_desk_has_not_is_left_for_the_fader(wanted_db, given_db):
    wanted = Compressor(ratio=2).model_copy(update={"makeup_db": wanted_db})
    fitted = fit_compressor(wanted, X32)
    assert fitted.values["compressor.makeup_db"] == given_db
    assert fitted.left_over_db == pytest.approx(wanted_db - given_db)


def test_times_are_converted_by_what_the_desk_means():
    compressor = Compressor(ratio=2, attack_ms=20, release_ms=150, knee_db=3)
    fitted = fit_compressor(compressor, PLUGIN)
    assert fitted.values["compressor.attack_ms"] == pytest.approx(20 / (2 * math.pi) * math.log(9), rel=1e-4)
    assert fitted.values["compressor.release_ms"] == pytest.approx(150, rel=1e-4)
    assert fit_compressor(compressor, X32).values["compressor.attack_ms"] == round(20 / (2 * math.pi))


def test_what_is_out_of_range_is_told_with_both_values():
    fitted = fit_compressor(Compressor(threshold_db=-70, ratio=2, attack_ms=1000, release_ms=10), X32)
    found = {clamp.key: (clamp.wanted, clamp.given) for clamp in fitted.clamped}
    assert set(found) == {f"compressor.{name}" for name in ("threshold_db", "attack_ms", "release_ms")}
    assert found["compressor.threshold_db"] == (-70, -60)
    assert found["compressor.attack_ms"] == (pytest.approx(159.15, abs=0.01), 120)


def test_a_knee_that_the_desk_has_not_costs_less_than_ignoring_it():
    wanted = Compressor(threshold_db=-24, ratio=3, knee_db=20)
    fitted = fit_compressor(wanted, PLUGIN)
    ignored = np.abs(static_gain_db(-24, 3, 8) - static_gain_db(-24, 3, 20)).max()
    assert 0 < fitted.curve_error_db < ignored


compressors = st.builds(
    Compressor,
    threshold_db=st.floats(-80, 10),
    ratio=st.floats(1, 20) | st.just(1.0),
    attack_ms=st.floats(0.1, 1000),
    release_ms=st.floats(1, 5000),
    knee_db=st.floats(0, 24),
    makeup_db=st.floats(-24, 24),
)


@settings(max_examples=40, deadline=None)
@given(compressors, st.sampled_from([X32, PLUGIN]))
def test_every_value_is_on_the_grid_and_the_error_is_that_of_the_curves(compressor, ability):
    fitted = fit_compressor(compressor, ability)
    scales = {
        "threshold_db": ability.threshold,
        "ratio": ability.ratio,
        "attack_ms": ability.attack,
        "release_ms": ability.release,
        "knee_db": ability.knee,
        "makeup_db": ability.makeup,
        "on": ability.switch,
    }
    for key, value in fitted.values.items():
        assert scales[key.removeprefix("compressor.")].snap(value) == pytest.approx(value, rel=1e-6, abs=1e-6)
    wanted = static_gain_db(compressor.threshold_db, compressor.ratio, compressor.knee_db)
    error = np.abs(given_gain_db(fitted.values) - wanted).max()
    assert fitted.curve_error_db == pytest.approx(error, abs=1e-3)
    assert fitted.values.get("compressor.makeup_db", 0) + fitted.left_over_db == pytest.approx(compressor.makeup_db)
