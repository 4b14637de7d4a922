"""A desk's values as a strip, and there and back."""

import cookbook
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from mixbridge.bridge.desks.loading import load_desk
from mixbridge.bridge.fitting.strip import fit_strip
from mixbridge.bridge.fitting.unfit import unfit
from mixbridge.presets.console import Compressor, EqBand, Equalizer, Master, Strip

X32 = load_desk("x32")
FREQS_HZ = np.geomspace(20, 20000, 300)
# The console's longest release is 796 ms as the desk counts.
LONGEST_RELEASE_MS = 795


def on_grid(kind, key):
    """Any value that the desk can have."""
    scale = X32.scale(kind, key)
    if scale.values:
        return st.sampled_from(scale.values)
    return st.integers(0, scale.steps).map(lambda step: scale.decode(float(np.float32(step / scale.steps))))


def strips(kind, slots):
    """What a person may have set on the desk: shelves at the ends, bells between, trim at 0."""
    count = len(slots)
    first, last = st.sampled_from(["low_shelf", "bell"]), st.sampled_from(["high_shelf", "bell"])
    if count > 4:
        first, last = st.just("low_shelf"), st.just("high_shelf")
    values = {"eq.on": st.just(1.0), "compressor.on": st.just(1.0)}
    for place, slot in enumerate(slots):
        values[f"eq.{slot}.type"] = first if place == 0 else last if place == count - 1 else st.just("bell")
        for name in ("gain_db", "freq_hz", "q"):
            values[f"eq.{slot}.{name}"] = on_grid(kind, f"eq.{slot}.{name}")
    for name in ("threshold_db", "ratio", "attack_ms", "release_ms", "makeup_db"):
        values[f"compressor.{name}"] = on_grid(kind, f"compressor.{name}")
    for name in ("fader_db", "pan"):
        values[name] = on_grid(kind, name) if kind == "track" or name == "fader_db" else st.just(0.0)
    if kind == "track":
        values["trim_db"] = st.just(0.0)
    return st.fixed_dictionaries(values)


@pytest.mark.parametrize(("kind", "slots"), [("track", "1234"), ("master", "123456")])
def test_what_stands_on_the_desk_comes_back_to_it(kind, slots):
    @settings(max_examples=40, deadline=None)
    @given(strips(kind, slots))
    def check(values):
        assume(values["compressor.ratio"] <= 20 and values["compressor.release_ms"] <= LONGEST_RELEASE_MS)
        unfitted = unfit(values, X32, kind)
        assert unfitted.lost == ()
        found = fit_strip(unfitted.strip, X32, kind).values
        assert {key: found[key] for key in values} == values

    check()


def test_a_strip_survives_the_way_there_and_back():
    eq = Equalizer(
        low_shelf=EqBand(gain_db=3, freq_hz=120, q=0.8),
        band0=EqBand(gain_db=-4, freq_hz=400, q=1.5),
        band1=EqBand(gain_db=2, freq_hz=3000, q=1),
        band2=EqBand(gain_db=-2, freq_hz=7000, q=2),
        high_shelf=EqBand(gain_db=4, freq_hz=9000, q=0.7),
    )
    compressor = Compressor(threshold_db=-24, ratio=3, knee_db=0, attack_ms=120, release_ms=400, makeup_db=2)
    strip = Strip(input_gain_db=-4, fader_db=3, pan=0.3, eq=eq, compressor=compressor)
    fitted = fit_strip(strip, X32, "track")
    back = unfit(fitted.values, X32, "track").strip
    wanted, found = (cookbook.response_db(cookbook.console_filters(one), FREQS_HZ) for one in (eq, back.eq))
    assert np.abs(found - wanted).mean() == pytest.approx(fitted.eq.mean_db, abs=0.02)
    assert fitted.eq.mean_db < 0.2
    assert back.input_gain_db == 0
    assert back.fader_db == pytest.approx(-1, abs=0.05)
    assert back.pan == pytest.approx(0.3, abs=0.01)
    assert back.compressor.threshold_db == -20
    assert (back.compressor.ratio, back.compressor.knee_db, back.compressor.makeup_db) == (3, 0, 2)
    assert back.compressor.attack_ms == pytest.approx(120, abs=4)
    assert back.compressor.release_ms == pytest.approx(400, rel=0.04)


def test_two_low_shelves_are_fitted_and_what_is_off_is_told():
    values = {"eq.on": 1.0}
    for slot, kind, gain_db, freq_hz in (
        ("1", "low_shelf", 6.0, 80.0),
        ("2", "low_shelf", -3.0, 600.0),
        ("3", "bell", 2.0, 2000.0),
        ("4", "bell", 0.0, 5000.0),
    ):
        values.update({f"eq.{slot}.type": kind, f"eq.{slot}.gain_db": gain_db, f"eq.{slot}.q": 0.7})
        values[f"eq.{slot}.freq_hz"] = freq_hz
    unfitted = unfit(values, X32, "track")
    wanted = cookbook.response_db(cookbook.desk_filters(values, X32.eq("track").slots), FREQS_HZ)
    found = cookbook.response_db(cookbook.console_filters(unfitted.strip.eq), FREQS_HZ)
    assert np.abs(found - wanted).max() < 0.6
    assert np.abs(found - wanted).max() < 0.05 or any("EQ" in sentence for sentence in unfitted.lost)


@pytest.mark.parametrize("kind", ["low_cut", "vintage"])
def test_a_filter_that_no_preset_has_is_told(kind):
    values = {"eq.on": 1.0, "eq.1.type": kind, "eq.1.gain_db": 5.0, "eq.1.freq_hz": 100.0, "eq.1.q": 1.0}
    unfitted = unfit(values, X32, "track")
    assert unfitted.strip.eq == Equalizer()
    (lost,) = unfitted.lost
    assert kind.replace("_", " ") in lost
    (off,) = unfit({**values, "eq.on": 0.0}, X32, "track").lost
    assert "The EQ is off" in off


def test_bells_in_use_keep_their_numbers_where_idle_ones_can_give_way():
    values = {"eq.on": 1.0}
    for slot, gain_db in zip("123456", (3.0, -2.0, 0.0, 0.0, 4.0, 1.0), strict=True):
        values |= {f"eq.{slot}.type": "bell", f"eq.{slot}.gain_db": gain_db, f"eq.{slot}.q": 1.0}
        values[f"eq.{slot}.freq_hz"] = 100.0 * 2 ** int(slot)
    unfitted = unfit(values, X32, "master")
    assert unfitted.lost == ()
    eq = unfitted.strip.eq
    assert [(band.gain_db, band.freq_hz) for band in (eq.band0, eq.band1, eq.band2, eq.band3)] == [
        (3, 200),
        (-2, 400),
        (4, 3200),
        (1, 6400),
    ]


def test_what_is_switched_off_is_neutral():
    values = {"eq.on": 0.0, "eq.2.type": "bell", "eq.2.gain_db": 5.0, "eq.2.freq_hz": 100.0, "eq.2.q": 1.0}
    values |= {"compressor.on": 0.0, "compressor.ratio": 4.0, "compressor.makeup_db": 6.0}
    strip = unfit(values, X32, "track").strip
    assert all(band.gain_db == 0 for _, band in strip.eq)
    assert (strip.compressor.ratio, strip.compressor.makeup_db) == (1, 0)


def test_what_the_console_cannot_hold_is_told():
    values = {"compressor.on": 1.0, "compressor.ratio": 100.0, "compressor.release_ms": 4000.0}
    unfitted = unfit(values, X32, "track")
    assert unfitted.strip.compressor.ratio == 20
    assert len(unfitted.lost) == 2
    assert any("100:1" in sentence for sentence in unfitted.lost)


def test_trim_is_gain_before_the_eq():
    strip = unfit({"trim_db": 5.0, "fader_db": -90.0}, X32, "track").strip
    assert (strip.input_gain_db, strip.fader_db) == (5, -90)


def test_a_master_comes_back_as_one():
    master = Master(output_gain_db=-3, eq=Equalizer(band3=EqBand(gain_db=2, freq_hz=12000)))
    back = unfit(fit_strip(master, X32, "master").values, X32, "master").strip
    assert isinstance(back, Master)
    assert back.output_gain_db == pytest.approx(-3, abs=0.05)
    assert back.eq.band3.gain_db == 2


def test_a_desk_that_tells_nothing_is_a_neutral_strip_without_a_knee():
    unfitted = unfit({}, X32, "track")
    assert unfitted.strip == Strip(compressor=Compressor(knee_db=0))
