from __future__ import annotations

import math

import numpy as np
import pytest
from mixbridge.presets.console import EqBand, Equalizer, Strip, get, replace
from mixbridge.presets.preset import Preset, Track
from mixbridge.runtime.console.response import eq_response_db
from mixbridge.runtime.styles.settings import RATE_HZ, TONE_HZ, applied, fitted_eq, settings_of, tone_of

FULL = {
    "low_cut.freq_hz": 95.0,
    "low_cut.slope_db_per_octave": 24.0,
    "eq.band1.gain_db": 3.0,
    "eq.band1.freq_hz": 3100.0,
    "compressor.threshold_db": -27.0,
    "compressor.ratio": 4.0,
    "compressor.attack_ms": 8.0,
    "saturation.drive": 3.0,
    "deesser.range_db": 6.0,
    "deesser.threshold_db": -33.0,
    "reverb_send_db": -15.0,
}


def a_preset(values: dict[str, float]) -> Preset:
    return Preset(tracks=(Track(name="Vox", strip=replace(Strip(), values)),))


def test_settings_come_back_as_they_were() -> None:
    settings = settings_of(a_preset(FULL), "Vox", -23.0)
    strip, reverb, _ = applied(settings, -23.0, by_tone=False)
    for path, value in FULL.items():
        assert get(strip, path) == pytest.approx(value, rel=1e-4), path
    assert reverb == a_preset(FULL).reverb


def test_levels_are_relative_to_the_track() -> None:
    settings = settings_of(a_preset(FULL), "Vox", -23.0)
    strip, _, _ = applied(settings, -29.0, by_tone=False)
    assert strip.compressor.threshold_db == pytest.approx(-33.0, abs=0.01)
    assert strip.deesser.threshold_db == pytest.approx(-39.0, abs=0.01)
    assert strip.saturation.drive == pytest.approx(3.0 * 10 ** (6 / 20), rel=1e-3)  # bends as much of a quieter track


def test_input_gain_is_counted_in() -> None:
    plain = settings_of(a_preset({"compressor.threshold_db": -20, "compressor.ratio": 3}), "Vox", -23.0)
    moved = {"input_gain_db": 6.0, "compressor.threshold_db": -14, "compressor.ratio": 3, "fader_db": -6.0}
    assert settings_of(a_preset(moved), "Vox", -23.0).values == pytest.approx(plain.values)


def test_a_stage_that_is_off_says_nothing() -> None:
    settings = settings_of(a_preset({"eq.band0.freq_hz": 444.0, "compressor.threshold_db": -50.0}), "Vox", -20.0)
    assert settings.on == frozenset()
    assert "strip.compressor.threshold_db" not in settings.values
    assert "strip.eq.band0.freq_hz" not in settings.values
    assert settings.values["strip.eq.band0.gain_db"] == 0


def test_a_slope_is_one_that_there_is() -> None:
    settings = settings_of(a_preset(FULL), "Vox", -23.0)
    between = {**settings.values, "strip.low_cut.slope_db_per_octave": 19.0}
    strip, _, _ = applied(type(settings)(between, settings.on, settings.tone_db), -23.0, by_tone=False)
    assert strip.low_cut.slope_db_per_octave == 24.0


def test_bands_are_fitted_to_a_curve() -> None:
    wanted = Equalizer(
        low_shelf=EqBand(gain_db=4, freq_hz=117),
        band0=EqBand(gain_db=-3, freq_hz=800, q=2),
        band1=EqBand(gain_db=3, freq_hz=3000, q=0.8),
        high_shelf=EqBand(gain_db=4, freq_hz=4000),
    )
    curve_db = eq_response_db(wanted, TONE_HZ, RATE_HZ)
    found_db = eq_response_db(fitted_eq(curve_db), TONE_HZ, RATE_HZ)
    heard = (TONE_HZ > 50) & (TONE_HZ < 15_000)
    assert np.abs(found_db - curve_db)[heard].max() < 0.4
    assert np.abs(found_db - curve_db)[heard].mean() < 0.12


def test_a_flat_curve_needs_no_band() -> None:
    flat = fitted_eq(np.zeros(len(TONE_HZ)))
    assert all(getattr(flat, name).gain_db == 0 for name in Equalizer.model_fields)


def test_tone_has_the_cuts_in_it() -> None:
    tone_db = tone_of(replace(Strip(), {"low_cut.freq_hz": 125.0}))
    assert tone_db[int(np.abs(TONE_HZ - 125).argmin())] == pytest.approx(-3.0, abs=0.05)
    assert tone_db[-1] == pytest.approx(0, abs=0.01)
    by_curve, _, _ = applied(settings_of(a_preset({"low_cut.freq_hz": 125.0}), "Vox", -20.0), -20.0, by_tone=True)
    assert np.abs(tone_of(by_curve) - tone_db)[TONE_HZ > 60].max() < 0.3
    assert math.isclose(by_curve.low_cut.freq_hz, 125.0, rel_tol=1e-3)
