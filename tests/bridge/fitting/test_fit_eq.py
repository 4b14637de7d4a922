"""The console's six bands on the bands of a desk."""

import dataclasses

import cookbook
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mixbridge.bridge.desks.loading import load_desk
from mixbridge.bridge.desks.profile import EqAbility, Slot
from mixbridge.bridge.desks.scales import Bandwidth, Linear, Log
from mixbridge.bridge.fitting.equalizer import fit_eq
from mixbridge.bridge.fitting.response import BELL, HIGH_SHELF, LOW_SHELF, Responses, responses_db, warped
from mixbridge.presets.console import EQ_BANDS, EqBand, Equalizer
from mixbridge.runtime.console.response import band_responses_db

FREQS_HZ = np.geomspace(20, 20000, 700)
RANGES_HZ = ((20, 2000), (80, 2000), (2000, 8000), (8000, 12000), (12000, 21050), (6000, 21050))
X32 = load_desk("x32").eq("track")


def plugin_like(bells=4):
    """An equalizer as in plug-ins: no grid, bandwidths, shelves without a Q."""
    gain = Linear(kind="linear", low=-20, high=20)
    freq = Log(kind="log", low=20, high=20000)
    q = Bandwidth(kind="bandwidth", low=0.36, high=14)
    shelves = [
        Slot(name, (name,), gain, freq, q=None, shelf_q=0.71, shelf_law="middle", type=None, switch=None)
        for name in ("low_shelf", "high_shelf")
    ]
    middle = [Slot(f"b{n}", ("bell",), gain, freq, q, 0.71, "middle", type=None, switch=None) for n in range(bells)]
    return EqAbility((shelves[0], *middle, shelves[1]), switch=None)


def random_eq(rng, gain_db=6):
    bands = {}
    for name, (low_hz, high_hz) in zip(EQ_BANDS, RANGES_HZ, strict=True):
        freq_hz, q = low_hz * (high_hz / low_hz) ** rng.random(), 0.1 * 50 ** rng.random()
        bands[name] = EqBand(gain_db=rng.uniform(-gain_db, gain_db), freq_hz=freq_hz, q=q)
    return Equalizer(**bands)


def errors_db(eq, fitted, ability):
    wanted = cookbook.response_db(cookbook.console_filters(eq), FREQS_HZ)
    return np.abs(cookbook.response_db(cookbook.desk_filters(fitted.values, ability.slots), FREQS_HZ) - wanted)


def scales(ability):
    for slot in ability.slots:
        for name, scale in (("gain_db", slot.gain), ("freq_hz", slot.freq), ("q", slot.q), ("type", slot.type)):
            if scale is not None:
                yield f"eq.{slot.name}.{name}", scale


@pytest.mark.parametrize("kind", [LOW_SHELF, BELL, HIGH_SHELF])
@pytest.mark.parametrize("band", [(7, 90, 0.4), (-5, 3000, 4), (12, 19000, 1)])
def test_responses_are_those_of_the_cookbook_and_slopes_theirs(kind, band):
    name = ("low_shelf", "bell", "high_shelf")[kind]
    points, row = warped(FREQS_HZ, 48000), np.array([[band[0], np.log(band[1]), np.log(band[2])]])
    slopes = Responses(np.array([kind]), row, points, 48000).slopes()
    found = responses_db(np.array([kind]), row, points, 48000)[0]
    np.testing.assert_allclose(found, cookbook.response_db([(name, *band)], FREQS_HZ), atol=1e-6)
    for index in range(3):
        step = np.zeros(3)
        step[index] = 1e-5
        ends = [responses_db(np.array([kind]), row + sign * step, points, 48000)[0] for sign in (1, -1)]
        np.testing.assert_allclose(slopes[0, index], (ends[0] - ends[1]) / 2e-5, atol=1e-4)


@pytest.mark.parametrize("rate_hz", [44100, 96000])
def test_responses_are_those_that_reports_show(rate_hz):
    eq = random_eq(np.random.default_rng(3))
    shown = band_responses_db(eq, FREQS_HZ, rate_hz)
    for (name, expected), kind in zip(shown.items(), (LOW_SHELF, BELL, BELL, BELL, BELL, HIGH_SHELF), strict=True):
        band = getattr(eq, name)
        row = np.array([[band.gain_db, np.log(band.freq_hz), np.log(band.q)]])
        found = responses_db(np.array([kind]), row, warped(FREQS_HZ, rate_hz), rate_hz)[0]
        np.testing.assert_allclose(found, expected, atol=1e-6)


def test_a_flat_equalizer_is_on_and_flat():
    fitted = fit_eq(Equalizer(), X32)
    assert fitted.values["eq.on"] == 1
    assert [fitted.values[f"eq.{n}.gain_db"] for n in "1234"] == [0, 0, 0, 0]
    assert fitted.max_db == 0


@pytest.mark.parametrize("name", ["band0", "band3"])
def test_a_single_bell_survives_within_half_a_grid_step(name):
    band = EqBand(gain_db=-4.6, freq_hz=777, q=2.2)
    values = fit_eq(Equalizer(**{name: band}), X32).values
    slot = next(slot for slot in X32.slots if values[f"eq.{slot.name}.gain_db"])
    prefix = f"eq.{slot.name}"
    assert values[f"{prefix}.type"] == "bell"
    assert values[f"{prefix}.gain_db"] == pytest.approx(band.gain_db, abs=0.125)
    assert abs(np.log(values[f"{prefix}.freq_hz"] / band.freq_hz)) <= np.log(1000) / 200 / 2 * 1.001
    assert abs(np.log(values[f"{prefix}.q"] / band.q)) <= np.log(10 / 0.3) / 71 / 2 * 1.001
    assert sum(values[f"eq.{n}.gain_db"] != 0 for n in "1234") == 1


def test_shelves_and_bells_that_fit_stand_in_order_with_their_numbers():
    eq = Equalizer(
        low_shelf=EqBand(gain_db=-6, freq_hz=100, q=0.7),
        band1=EqBand(gain_db=3, freq_hz=2500, q=1.4),
        band3=EqBand(gain_db=-2, freq_hz=12000, q=1),
        high_shelf=EqBand(gain_db=4, freq_hz=8000, q=0.7),
    )
    values = fit_eq(eq, X32).values
    assert [values[f"eq.{n}.type"] for n in "1234"] == ["low_shelf", "bell", "bell", "high_shelf"]
    assert [values[f"eq.{n}.gain_db"] for n in "1234"] == [-6, 3, -2, 4]
    found = [values[f"eq.{n}.freq_hz"] for n in "1234"]
    assert found == pytest.approx([100, 2500, 12000, 8000], rel=0.018)


def test_six_bands_on_four_stay_near_the_curve():
    rng = np.random.default_rng(7)
    found = []
    for _ in range(12):
        eq = random_eq(rng)
        found.append(errors_db(eq, fit_eq(eq, X32), X32))
    assert np.mean(found) < 0.2
    assert np.percentile(np.max(found, axis=1), 95) < 3


def test_errors_that_are_told_are_those_of_the_desks_filters():
    eq = random_eq(np.random.default_rng(11))
    fitted = fit_eq(eq, X32)
    errors = errors_db(eq, fitted, X32)
    assert fitted.mean_db == pytest.approx(errors.mean(), abs=0.01)
    assert fitted.max_db == pytest.approx(errors.max(), abs=0.05)
    assert fitted.mean_db > 0.01
    expected = cookbook.response_db(cookbook.console_filters(eq), fitted.freqs_hz)
    np.testing.assert_allclose(fitted.wanted_db, expected, atol=1e-6)
    expected = cookbook.response_db(cookbook.desk_filters(fitted.values, X32.slots), fitted.freqs_hz)
    np.testing.assert_allclose(fitted.given_db, expected, atol=1e-3)


def test_as_many_bands_without_a_grid_are_carried_over():
    ability = plugin_like()
    eq = random_eq(np.random.default_rng(1))
    shelves = {name: getattr(eq, name).model_copy(update={"q": 0.71}) for name in ("low_shelf", "high_shelf")}
    bells = {f"band{n}": EqBand(gain_db=2 - n, freq_hz=200 * 4**n, q=0.8) for n in range(4)}
    eq = eq.model_copy(update={**shelves, **bells})
    fitted = fit_eq(eq, ability)
    assert errors_db(eq, fitted, ability).max() < 0.01
    assert fitted.values["eq.b2.freq_hz"] == pytest.approx(3200, rel=1e-4)


def test_a_shelf_that_the_desk_names_by_its_poles_is_the_same_filter():
    slot = dataclasses.replace(plugin_like().slots[0], shelf_law="poles")
    eq = Equalizer(low_shelf=EqBand(gain_db=8, freq_hz=200, q=0.71))
    fitted = fit_eq(eq, EqAbility((slot,), switch=None))
    assert fitted.max_db < 0.001
    # With A = 10^(8/40), (s^2 + kAs + A^2) / (s^2 + ks + 1) is that shelf at its frequency times sqrt(A).
    assert fitted.values["eq.low_shelf.freq_hz"] == pytest.approx(200 / 10 ** (8 / 80), rel=1e-3)


def test_what_a_shelf_cannot_do_other_bands_make_up_for():
    eq = Equalizer(
        low_shelf=EqBand(gain_db=6, freq_hz=150, q=0.3),
        band1=EqBand(gain_db=-4, freq_hz=3000),
        band0=EqBand(freq_hz=60),
    )
    fitted = fit_eq(eq, plugin_like())
    as_it_is = [("low_shelf", 6, 150, 0.71), ("bell", -4, 3000, 0.71)]
    plain = cookbook.response_db(as_it_is, FREQS_HZ) - cookbook.response_db(cookbook.console_filters(eq), FREQS_HZ)
    assert fitted.max_db < 0.3 * np.abs(plain).max()


def test_a_desk_of_bells_alone_takes_a_shelf_as_near_as_it_can():
    slots = plugin_like().slots[1:3]
    eq = Equalizer(high_shelf=EqBand(gain_db=-6, freq_hz=5000, q=0.7))
    fitted = fit_eq(eq, EqAbility(slots, switch=None))
    assert fitted.mean_db < 0.6
    assert errors_db(eq, fitted, EqAbility(slots, switch=None)).mean() == pytest.approx(fitted.mean_db, abs=0.02)


def test_a_boost_beyond_the_desks_range_ends_at_its_end():
    values = fit_eq(Equalizer(band0=EqBand(gain_db=24, freq_hz=500, q=5)), X32).values
    assert max(values[f"eq.{n}.gain_db"] for n in "1234") <= 15


bands = st.builds(
    EqBand,
    gain_db=st.floats(-24, 24) | st.just(0.0),
    freq_hz=st.floats(np.log(20), np.log(22000)).map(np.exp).map(lambda value: min(max(value, 20), 22000)),
    q=st.floats(0.1, 10),
)


@settings(max_examples=25, deadline=None)
@given(st.builds(Equalizer, **dict.fromkeys(EQ_BANDS, bands)), st.sampled_from(["x32", "plugin"]))
def test_every_value_is_on_the_desks_grid(eq, desk):
    ability = X32 if desk == "x32" else plugin_like(3)
    fitted = fit_eq(eq, ability)
    assert fitted.mean_db <= fitted.max_db
    for key, scale in scales(ability):
        assert scale.snap(fitted.values[key]) == fitted.values[key], key


def test_a_fit_is_better_than_leaving_two_bands_out():
    rng = np.random.default_rng(5)
    for _ in range(5):
        eq = random_eq(rng, gain_db=12)
        wanted = cookbook.response_db(cookbook.console_filters(eq), FREQS_HZ)
        within_reach = [
            (kind, gain_db, min(freq_hz, 20000), max(q, 0.3))
            for kind, gain_db, freq_hz, q in cookbook.console_filters(eq)
        ]
        parts = np.array([cookbook.response_db([one], FREQS_HZ) for one in within_reach])
        left_out = [parts.sum(axis=0) - parts[i] - parts[j] - wanted for i in range(len(parts)) for j in range(i)]
        best = min(np.sqrt(np.mean(left**2)) for left in left_out)
        assert np.sqrt(np.mean(errors_db(eq, fit_eq(eq, X32), X32) ** 2)) < best
