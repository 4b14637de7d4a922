"""What measuring finds in real plug-ins is what their profiles, written by hand, say; laws of made-up parameters."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from documented_plugins import StandInProQ3
from mixbridge.bridge.cli.main import cli
from mixbridge.bridge.plugins.drift import drift
from mixbridge.bridge.plugins.loading import load_profile
from mixbridge.bridge.plugins.measuring.bands import best_fit, kind_of_response, slope_of
from mixbridge.bridge.plugins.measuring.dynamics import LEVELS_DB, curve_db, fit_static
from mixbridge.bridge.plugins.measuring.laws import FREQ, GAIN, law_of
from mixbridge.bridge.plugins.measuring.measure import measure
from mixbridge.bridge.plugins.measuring.rig import FREQS_HZ, PluginKnob
from mixbridge.bridge.plugins.probing import measuring
from mixbridge.bridge.plugins.probing.measuring import measured_profile
from mixbridge.bridge.plugins.profile import PluginProfile
from mixbridge.bridge.plugins.writing import profile_text

ZAM = Path("/usr/lib/vst3")
with_zam = pytest.mark.skipif(not (ZAM / "ZamEQ2.vst3").exists(), reason="zam-plugins is not installed")


@pytest.fixture(scope="module")
def zameq2() -> PluginProfile:
    return measured_profile(ZAM / "ZamEQ2.vst3")


@pytest.fixture(scope="module")
def zamcomp() -> PluginProfile:
    return measured_profile(ZAM / "ZamComp.vst3")


@with_zam
def test_an_equalizer_comes_out_as_written_by_hand(zameq2):
    by_hand = load_profile("zameq2")
    assert drift(by_hand, zameq2) == []
    assert zameq2.settings.items() >= by_hand.settings.items()
    bands = {band.slot: (band.kinds, band.design) for band in zameq2.eq.bands}
    assert bands == {
        "1": (("bell",), "nyquist"),
        "2": (("bell",), "nyquist"),
        "low": (("low_shelf",), "cookbook"),
        "high": (("high_shelf",), "cookbook"),
    }
    values = {
        "eq.low.gain_db": 5.0,
        "eq.low.freq_hz": 180.0,
        "eq.1.gain_db": -8.0,
        "eq.1.freq_hz": 900.0,
        "eq.1.q": 1.3,
        "eq.2.gain_db": 6.0,
        "eq.2.freq_hz": 7000.0,
        "eq.2.q": 0.7,
        "eq.high.gain_db": -4.0,
        "eq.high.freq_hz": 6000.0,
    }
    apart_db = by_hand.response_db(values, FREQS_HZ) - zameq2.response_db(values, FREQS_HZ)
    assert np.abs(apart_db).max() < 0.1


@with_zam
def test_a_compressor_comes_out_as_written_by_hand(zamcomp):
    by_hand = load_profile("zamcomp")
    assert drift(by_hand, zamcomp) == []
    assert zamcomp.settings == by_hand.settings
    assert (zamcomp.compressor.attack_law, zamcomp.compressor.detector) == ("tau", "peak")
    assert zamcomp.fixed["knee_db"] == 0.0
    assert any("Knee turns up what is below the threshold" in trap for trap in zamcomp.traps)


@with_zam
def test_check_tells_drift_by_its_exit_code(tmp_path: Path, zamcomp, monkeypatch):
    # Measured once for this module is enough.
    monkeypatch.setattr(measuring, "measured_profile", lambda *_, **__: zamcomp)
    text = profile_text(zamcomp)
    wrong = tmp_path / "wrong.toml"
    wrong.write_text(text.replace("low = -80", "low = -60").replace('"4.1.0"', '"4.0.9"'), encoding="utf-8")
    result = CliRunner().invoke(cli, ["plugin", "check", "ZamComp", "--profile", str(wrong), "--json"])
    assert result.exit_code == 1, result.output
    said = json.loads(result.stdout)
    assert said["version"] == "the profile is of version 4.0.9, the plug-in of version 4.1.0"
    assert said["differences"] == ["compressor.threshold_db at 0.1 of its way is -72, in the profile -54"]


@with_zam
def test_measure_writes_a_profile_once(tmp_path: Path):
    file = tmp_path / "gate.toml"
    result = CliRunner().invoke(cli, ["plugin", "measure", str(ZAM / "ZamGate.vst3"), "-o", str(file), "--yes"])
    assert result.exit_code == 0, result.output
    profile = load_profile(file)
    assert profile.settings == {
        "gate.threshold_db": "threshold_db",
        "gate.range_db": "max_gate_close_db",
        "gate.attack_ms": "attack_ms",
        "gate.release_ms": "release_ms",
        "gate.makeup_db": "makeup_db",
    }
    # It opens along a straight line: half-way after half the time, which an exponential of 0.72 of it is, too.
    assert profile.from_parameter("gate.attack_ms", 0.5) == pytest.approx(250.05 / 2 / math.log(2), rel=0.03)
    assert profile.to_parameter("gate.range_db", 20.0) == pytest.approx(0.6, abs=0.01)
    before = file.read_bytes()
    again = CliRunner().invoke(cli, ["plugin", "measure", str(ZAM / "ZamGate.vst3"), "-o", str(tmp_path / "x.txt")])
    assert again.exit_code != 0
    assert file.read_bytes() == before


def _knob(low: float | None, high: float | None) -> PluginKnob:
    return PluginKnob("knob", "Knob", "", low, high, 0.0)


def test_a_law_is_what_is_shown_if_that_holds_else_a_table():
    places = np.linspace(0, 1, 9)
    shown = law_of(_knob(-20.0, 20.0), [(raw, -20 + 40 * raw + 0.01) for raw in places], GAIN)
    assert shown == {"kind": "linear", "low": -20.0, "high": 20.0, "wire": (0, 1)}
    log = law_of(_knob(20.0, 20000.0), [(raw, 20 * 1000**raw) for raw in places], FREQ)
    assert log == {"kind": "log", "low": 20.0, "high": 20000.0, "wire": (0, 1)}
    falling = law_of(_knob(None, None), [(raw, 6 - 12 * raw) for raw in places], GAIN)
    assert falling == {"kind": "linear", "low": -6.0, "high": 6.0, "wire": (1, 0)}
    table = law_of(_knob(-20.0, 20.0), [(raw, 12 * raw**3) for raw in places], GAIN)
    assert table["kind"] == "table"
    assert table["points"][4] == (12 * 0.125, 0.5)
    assert law_of(_knob(0.0, 1.0), [(0.0, 1.0), (1.0, math.nan)], GAIN) is None


def test_bands_are_told_by_their_responses():
    profile = load_profile("zameq2")
    low = profile.response_db({"eq.low.gain_db": 9.0, "eq.low.freq_hz": 150.0}, FREQS_HZ)
    bell = profile.response_db({"eq.1.gain_db": -9.0, "eq.1.freq_hz": 2500.0, "eq.1.q": 2.0}, FREQS_HZ)
    high = profile.response_db({"eq.high.gain_db": 9.0, "eq.high.freq_hz": 5000.0}, FREQS_HZ)
    assert [kind_of_response(curve) for curve in (low, bell, high)] == ["low_shelf", "bell", "high_shelf"]
    assert kind_of_response(np.full_like(low, 6.0)) is None
    assert kind_of_response(-np.maximum(0, 24 * np.log2(200 / FREQS_HZ))) == "low_cut"
    fit = best_fit("low_shelf", "cookbook", low)
    assert (fit.gain_db, fit.freq_hz, slope_of(fit)) == pytest.approx((9.0, 150.0, 0.707), rel=0.01)


@pytest.mark.parametrize(
    ("threshold_db", "ratio", "knee_db"), [(-30.0, 4.0, 0.0), (-22.0, 2.0, 12.0), (-40.0, 20.0, 6.0)]
)
def test_a_static_curve_gives_back_its_numbers(threshold_db, ratio, knee_db):
    fit = fit_static(curve_db(threshold_db, 1 - 1 / ratio, knee_db) + 5.0)
    assert fit.threshold_db == pytest.approx(threshold_db, abs=0.3)
    assert 1 / (1 - fit.slope) == pytest.approx(ratio, rel=0.03)
    assert fit.error_db < 0.1
    assert len(LEVELS_DB) == 24


def test_drift_names_what_differs():
    known = load_profile("zamcomp")
    section = known.compressor.model_copy(update={"release_law": "ninety", "level_offset_db": 3.0})
    other = known.model_copy(update={"compressor": section, "latency_samples": 64})
    assert drift(known, known) == []
    assert drift(known, other) == [
        "its latency is 64 samples, in the profile 0",
        "compressor.release_law is ninety, in the profile tau",
        "it takes a sine for 3.0 dB below its peak, in the profile 1.9",
    ]


def test_bands_that_are_unused_at_first_are_turned_on_and_measured():
    told = measure(lambda: StandInProQ3(bands=2), "Pro-Q.vst3", lambda _share, _text: None)
    assert told["fixed"] == {"band_1_used": 1.0, "band_2_used": 1.0}
    profile = PluginProfile.model_validate(told)
    assert [(band.kinds, band.gain) for band in profile.eq.bands] == [
        (("bell",), "band_1_gain"),
        (("bell",), "band_2_gain"),
    ]
    assert profile.from_parameter("eq.1.freq_hz", 0.575) == pytest.approx(1000, rel=0.02)
    assert profile.to_parameter("eq.2.gain_db", 6.0) == pytest.approx(0.6, abs=0.002)
    assert profile.from_parameter("eq.2.q", 0.5) == pytest.approx(2**-0.5, rel=0.03)


def test_a_plugin_of_which_nothing_ever_moves_is_left_as_it_is():
    class Still(StandInProQ3):
        def process(self, audio, rate_hz, buffer_size=8192, *, reset=True):
            return np.asarray(audio, np.float32)

    told = measure(lambda: Still(bands=1), "Still.vst3", lambda _share, _text: None)
    assert told["fixed"] == {}
    assert not {"eq", "compressor", "gate"} & set(told)
