"""Profiles of plug-ins: values to parameters and back, responses by formula and by shape, files, mistakes."""

from __future__ import annotations

import math
import tomllib
from pathlib import Path

import numpy as np
import pytest
from mixbridge.bridge.fitting.equalizer import fit_eq
from mixbridge.bridge.plugins.loading import load_profile, profile_for, profiles
from mixbridge.bridge.plugins.profile import PluginProfile
from mixbridge.bridge.plugins.response import nyquist_bell_db, slope_q
from mixbridge.bridge.plugins.writing import profile_text
from mixbridge.presets.console import Equalizer
from mixbridge.presets.errors import PluginError
from mixbridge.runtime.console.response import eq_response_db


def test_the_shipped_profiles_serve_their_stages():
    assert {name: profile.stages for name, profile in profiles().items()}.items() >= {
        "zameq2": ("eq",),
        "zamgeq31": ("eq",),
        "zamcomp": ("compressor",),
    }.items()


@pytest.mark.parametrize("name", sorted(profiles()))
def test_what_is_written_reads_the_same(name, tmp_path: Path):
    profile = load_profile(name)
    file = tmp_path / "copy.toml"
    file.write_text(profile_text(profile), encoding="utf-8")
    assert load_profile(file) == profile


@pytest.mark.parametrize("name", sorted(profiles()))
def test_raw_values_survive_the_way_to_units_and_back(name):
    profile = load_profile(name)
    for setting in profile.settings:
        scale = profile.scale(setting)
        for raw in (0.0, 0.1, 0.35, 0.5, 0.9, 1.0) if scale.values is None else ():
            value = profile.from_parameter(setting, raw)
            low = scale.points[0][1] if scale.kind == "table" else 0.0
            assert profile.to_parameter(setting, value) == pytest.approx(max(raw, low), abs=2e-6), setting


def test_values_in_units_become_what_the_plugin_says_it_has():
    eq = load_profile("ZamEQ2")
    assert eq.to_parameter("eq.1.gain_db", 0.0) == pytest.approx(50 / 70)
    assert eq.to_parameter("eq.1.gain_db", 99.0) == 1.0
    assert eq.to_parameter("eq.1.freq_hz", 500.0) == pytest.approx(480 / 13980)
    # Measured: a bandwidth of 2 is a Q of 2.9619, one of 4 is 0.4981.
    assert eq.to_parameter("eq.1.q", 2.9619) == pytest.approx(1.9 / 5.9, abs=2e-4)
    assert eq.to_parameter("eq.1.q", 0.4981) == pytest.approx(3.9 / 5.9, abs=2e-4)
    assert eq.raw_values({"eq.output_db": 6.0}) == {"peaks_on": 0.0, "master_gain_db": pytest.approx(0.75)}
    with pytest.raises(PluginError, match=r"ZamEQ2 has no setting eq\.7\.gain_db; it has eq\.low\.gain_db"):
        eq.to_parameter("eq.7.gain_db", 1.0)


def test_bells_and_shelves_have_the_gain_that_was_measured():
    eq = load_profile("zameq2")
    # A bell is a cookbook bell at low frequencies, and an analogue one beyond; its shelves are the cookbook's.
    assert eq.response_db({"eq.1.gain_db": 12.0, "eq.1.freq_hz": 1000.0, "eq.1.q": 1.1309}, [1000.0]) == pytest.approx(
        [12.0], abs=0.01
    )
    shelf = {"eq.low.gain_db": -12.0, "eq.low.freq_hz": 250.0}
    assert eq.response_db(shelf, [20.0, 100.0, 250.0, 500.0, 1000.0]) == pytest.approx(
        [-11.957, -10.812, -6.0, -1.877, -0.443], abs=0.02
    )
    high = {"eq.high.gain_db": 6.0, "eq.high.freq_hz": 8000.0}
    assert eq.response_db(high, [1000.0, 3000.0, 8000.0, 16000.0]) == pytest.approx(
        [0.035, 0.364, 3.0, 5.661], abs=0.01
    )
    assert eq.response_db({}, [100.0, 1000.0]) == pytest.approx([0.0, 0.0])


def test_the_nyquist_bell_is_an_analogue_one_at_half_the_sample_rate():
    gain_db, q, freq_hz, rate_hz = 12.0, 0.8, 9000.0, 48000
    A, t = 10 ** (gain_db / 40), (rate_hz / 2 / freq_hz) ** 2
    analogue_db = 10 * math.log10(((1 - t) ** 2 + A * A * t / q**2) / ((1 - t) ** 2 + t / (A * q) ** 2))
    at = nyquist_bell_db(gain_db, freq_hz, q, np.array([freq_hz, rate_hz / 2]), rate_hz)
    assert at == pytest.approx([gain_db, analogue_db], abs=1e-9)


def test_a_slope_is_the_cookbooks():
    # S = 1 is the steepest without overshoot: Q of 1 over the square root of 2 at every gain.
    assert [slope_q(1.0, gain_db) for gain_db in (-12.0, 0.0, 12.0)] == pytest.approx([math.sqrt(0.5)] * 3)


def test_bands_of_a_graphic_equalizer_add_up_as_measured():
    graphic = load_profile("zamgeq31")
    one = graphic.response_db({"eq.999hz.gain_db": 12.0}, [823.0, 945.0, 999.0, 1163.0])
    assert one == pytest.approx([0.0, 12.0, 12.0, 0.0], abs=0.05)
    both = graphic.response_db(
        {"eq.999hz.gain_db": 6.0, "eq.1257hz.gain_db": -3.0, "eq.output_db": 1.0}, [999.0, 1257.0]
    )
    assert both == pytest.approx([7.0, -2.0], abs=0.05)


def test_the_fitting_of_desks_serves_a_plugin():
    profile = load_profile("zameq2")
    freqs_hz = np.geomspace(50, 10000, 100)
    low = {"gain_db": 4.0, "freq_hz": 150.0, "q": 0.6}
    bell = {"gain_db": -6.0, "freq_hz": 3000.0, "q": 1.2}
    eq = Equalizer.model_validate({"low_shelf": low, "band1": bell})
    fitted = fit_eq(eq, profile.eq_ability())
    error_db = profile.response_db(fitted.values, freqs_hz) - eq_response_db(eq, freqs_hz, 48000)
    assert np.abs(error_db).mean() < 0.3
    assert np.abs(error_db).max() < 1.0


def test_a_profile_is_found_by_file_and_by_class():
    assert profile_for(Path("/usr/lib/vst3/ZamComp.vst3")).name == "ZamComp"
    assert profile_for(Path("renamed.vst3"), "2046504473616C633251455A00000000").name == "ZamEQ2"
    assert profile_for(Path("Other.vst3")) is None


def _mistaken(tmp_path: Path, change) -> str:
    data = tomllib.loads(profile_text(load_profile("zamcomp")))
    change(data)
    with pytest.raises((PluginError, ValueError)) as caught:
        PluginProfile.model_validate(data)
    return str(caught.value)


def test_mistakes_say_where_they_are(tmp_path: Path):
    def lost(data):
        del data["parameters"]["ratio"]

    assert "compressor.ratio is the parameter 'ratio', which is not under [parameters]" in _mistaken(tmp_path, lost)
    file = tmp_path / "wrong.toml"
    file.write_text(profile_text(load_profile("zamcomp")).replace("measured = true", "measured = 7"), encoding="utf-8")
    with pytest.raises(PluginError, match=r"wrong\.toml: measured: is 7, but has to be true or false"):
        load_profile(file)
    with pytest.raises(PluginError, match=r"no profile of 'nosuch'; it has .*zameq2.*plugin measure"):
        load_profile("nosuch")


def test_what_was_not_measured_says_so():
    profile = load_profile("zamcomp").model_copy(update={"measured": False})
    with pytest.raises(PluginError, match=r"ZamComp \(not measured\) has no setting"):
        profile.to_parameter("gate.on", 1.0)
