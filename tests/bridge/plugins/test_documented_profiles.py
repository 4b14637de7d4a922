"""Profiles from documents: said to be so, true to their sources, and corrected by what the plug-in shows and does."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import documented_plugins
import numpy as np
import pytest
from mixbridge.bridge.plugins.drift import drift
from mixbridge.bridge.plugins.loading import load_profile, profile_for, profiles
from mixbridge.bridge.plugins.probing.scanning import ScannedPlugin, _scanned
from mixbridge.bridge.plugins.profile import PluginProfile
from mixbridge.bridge.plugins.using.choices import PluginChoices, PluginsToml, UserPlugin, load_choices
from mixbridge.bridge.plugins.using.equalizers import fit_equalizer
from mixbridge.bridge.plugins.using.fitting import PluggedStage, fit_tracks
from mixbridge.bridge.plugins.using.shown import number_shown, with_shown_laws
from mixbridge.presets.console import Compressor, EqBand, Equalizer, Strip
from mixbridge.presets.errors import PluginError
from mixbridge.presets.preset import Track
from mixbridge.runtime.plugins.process import PluginFile
from mixbridge.runtime.plugins.stage import PluginHosts

DOCUMENTED = sorted(name for name, profile in profiles().items() if not profile.measured)
EQ = Equalizer(
    low_shelf=EqBand(gain_db=-4, freq_hz=140, q=0.7),
    band0=EqBand(gain_db=-5, freq_hz=320, q=2),
    band1=EqBand(gain_db=4, freq_hz=2500, q=1.2),
    high_shelf=EqBand(gain_db=3, freq_hz=7000, q=0.7),
)


def test_those_that_people_own_are_there() -> None:
    assert DOCUMENTED == ["pro-c-2", "pro-q-3", "reaeq", "tdr-nova"]


@pytest.mark.parametrize("name", DOCUMENTED)
def test_each_says_that_it_is_not_measured_and_names_its_sources(name: str) -> None:
    profile = load_profile(name)
    assert profile.title == f"{profile.name} (not measured)"
    assert profile.sources
    assert not profile.version, "nobody had one"


def test_names_are_found_as_people_write_them() -> None:
    assert load_profile("Pro-Q 3") is load_profile("FabFilter Pro-Q 3") is load_profile("proq3")
    assert profile_for(Path("/x/FabFilter Pro-Q 3.vst3")) is load_profile("pro-q-3")


@pytest.mark.parametrize(
    ("name", "setting", "raw", "value"),
    [
        # What public readings of the plug-ins themselves say.
        ("pro-q-3", "eq.1.freq_hz", 0.6180100142955762, 1409.0),
        ("pro-q-3", "eq.4.gain_db", 0.39941664040, -6.035),
        ("pro-q-3", "eq.8.q", 0.5, 1 / math.sqrt(2)),
        ("tdr-nova", "eq.1.freq_hz", 0.0, 10.0),
        ("tdr-nova", "eq.2.q", 1.0, 6.0),
        ("tdr-nova", "eq.4.gain_db", 0.75, 9.0),
        ("pro-c-2", "compressor.threshold_db", 0.7, -18.0),
        ("pro-c-2", "compressor.knee_db", 0.25, 18.0),
        ("reaeq", "eq.1.freq_hz", 0.4766, 1000.0),
        ("reaeq", "eq.high.gain_db", 0.3555, -3.0),
    ],
)
def test_laws_are_those_of_the_sources(name: str, setting: str, raw: float, value: float) -> None:
    assert load_profile(name).from_parameter(setting, raw) == pytest.approx(value, rel=1e-3)


def test_kinds_of_bands_are_set_by_their_place_in_the_list() -> None:
    profile = load_profile("pro-q-3")
    raw = profile.raw_values({"eq.2.type": "high_shelf", "eq.2.on": 1.0})
    assert raw["band_2_shape"] == 0.375  # the fourth of nine
    assert raw["band_2_used"] == raw["band_1_enabled"] == 1.0
    assert raw["band_1_slope"] == pytest.approx(1 / 9, abs=1e-5)  # 12 dB/oct, the second of ten


@pytest.mark.parametrize(("name", "mean_db"), [("pro-q-3", 0.15), ("tdr-nova", 0.1), ("reaeq", 0.3)])
def test_an_eq_comes_near_by_the_profile(name: str, mean_db: float) -> None:
    assert fit_equalizer(EQ, [load_profile(name)], 48000).mean_db < mean_db


def test_bands_that_are_not_needed_stay_off() -> None:
    fit = fit_equalizer(Equalizer(band1=EqBand(gain_db=4, freq_hz=1000, q=1)), [load_profile("pro-q-3")], 48000)
    switches = [value for key, value in fit.values[0].items() if key.endswith(".on")]
    assert sorted(switches) == [0.0] * 7 + [1.0]


def _fits(
    load: Callable[[str, str | None], Any], monkeypatch: pytest.MonkeyPatch, strip: Strip | None = None
) -> list[PluggedStage]:
    plugin = UserPlugin(load_profile("pro-q-3"), PluginFile(Path(__file__), title="FabFilter Pro-Q 3", load=load))
    monkeypatch.setattr(PluginChoices, "chosen", lambda _self, _track, stage: (plugin,) if stage == "eq" else ())
    with PluginHosts() as hosts:
        tracks = [Track(name="Vox", strip=strip or Strip(eq=EQ))]
        return list(fit_tracks(hosts, PluginChoices(Path("plugins.toml"), PluginsToml()), tracks, 48000))


def test_a_plugin_that_is_as_documented_is_met(monkeypatch: pytest.MonkeyPatch) -> None:
    [fit] = _fits(documented_plugins.pro_q_3, monkeypatch)
    assert fit.eq is not None
    assert fit.eq.mean_db < 0.1
    assert "on FabFilter Pro-Q 3 (not measured)" in fit.title
    assert any("from documents and was not measured" in note for note in fit.notes)
    assert not any("shows another" in note for note in fit.notes)


def test_where_the_documents_are_wrong_the_sound_corrects_them(monkeypatch: pytest.MonkeyPatch) -> None:
    profile = load_profile("pro-q-3")
    trusted = fit_equalizer(EQ, [profile], 48000)
    [fit] = _fits(documented_plugins.narrower_pro_q_3, monkeypatch)
    assert fit.eq is not None
    # What the plug-in does with the settings of which the profile alone is sure.
    plugin = documented_plugins.narrower_pro_q_3("", None)
    for name, raw in profile.raw_values(trusted.values[0]).items():
        plugin.parameters[name].raw_value = raw
    impulse = np.zeros((1, 32768), np.float32)
    impulse[0, 0] = 1
    heard = np.abs(np.fft.rfft(plugin.process(impulse, 48000, 0, reset=True)[0]))
    given_db = np.interp(trusted.freqs_hz, np.fft.rfftfreq(32768, 1 / 48000), 20 * np.log10(heard))
    told = (trusted.freqs_hz >= 50) & (trusted.freqs_hz <= 15000)
    blind_db = float(np.abs(given_db - trusted.wanted_db)[told].mean())
    assert fit.eq.mean_db < 0.6 * blind_db


@dataclass
class Showing:
    """A plug-in that shows what it is told to."""

    laws: Mapping[str, Callable[[float], str]]

    def state(self, values: Mapping[str, float]) -> Any:
        return SimpleNamespace(words={name: self.laws[name](raw) for name, raw in values.items()})


def _seconds(ms: float) -> str:
    return f"{ms / 1000:.3f} s" if ms >= 1000 else f"{ms:.3f} ms"


PRO_C_2 = {
    "threshold": lambda raw: f"{raw * 60 - 60:.2f} dB",
    "ratio": lambda raw: f"{1 + 99 * raw**3:.2f}:1",
    "knee": lambda raw: f"{raw * 72:.2f} dB",
    "attack": lambda raw: _seconds(0.005 + 250 * raw**3),
    "release": lambda raw: _seconds(10 * 250**raw),
    "wet_gain": lambda raw: "-INF dB" if raw < 0.05 else f"{raw * 72 - 36:+.2f} dB",
}


def _laws(change: Mapping[str, Callable[[float], str]] | None = None) -> tuple[PluginProfile, tuple[str, ...]]:
    showing: Any = Showing({**PRO_C_2, **(change or {})})
    return with_shown_laws(load_profile("pro-c-2"), showing)


def test_what_no_document_tells_is_read_from_the_plugin() -> None:
    profile, notes = _laws()
    assert notes == ()
    # Measured by others on its successor: 0.725 ms at 0.1423.
    assert profile.to_parameter("compressor.attack_ms", 0.725) == pytest.approx(0.1423, abs=1e-3)
    assert profile.from_parameter("compressor.release_ms", 1.0) == pytest.approx(2500)
    assert profile.to_parameter("compressor.ratio", 4) == pytest.approx((3 / 99) ** (1 / 3), abs=2e-3)
    assert profile.from_parameter("compressor.makeup_db", 0.5) == pytest.approx(0, abs=1e-6)
    assert profile.scale("compressor.threshold_db") == load_profile("pro-c-2").scale("compressor.threshold_db")
    assert not profile.measured


def test_a_law_that_is_another_is_taken_and_told() -> None:
    profile, notes = _laws({"threshold": lambda raw: f"{raw * 80 - 80:.2f} dB"})
    assert profile.from_parameter("compressor.threshold_db", 0.5) == pytest.approx(-40)
    assert notes == (
        "FabFilter Pro-C 2 shows another range or law of Threshold than its profile has: what it shows is taken.",
    )


@pytest.mark.parametrize("show", [lambda _raw: "Auto", lambda raw: f"{math.sin(20 * raw):.3f}:1"])
def test_what_shows_no_law_is_refused(show: Callable[[float], str]) -> None:
    with pytest.raises(PluginError, match=r"Pro-C 2 \(not measured\): the law of Ratio is read from what the plug-in"):
        _laws({"ratio": show})


@pytest.mark.parametrize(
    ("text", "key", "number"),
    [
        ("4.00:1", "compressor.ratio", 4),
        ("2.50 s", "compressor.release_ms", 2500),
        ("0,72 ms", "compressor.attack_ms", 0.72),
        ("12.5 kHz", "eq.1.freq_hz", 12500),
        ("1k", "eq.1.freq_hz", 1000),
        ("-18.0 dB", "compressor.threshold_db", -18),
        ("-INF", "compressor.makeup_db", None),
        ("Off", "compressor.ratio", None),
    ],
)
def test_shown_texts_are_read_in_the_unit_of_the_setting(text: str, key: str, number: float | None) -> None:
    assert number_shown(text, key) == number


def test_without_the_plugin_its_unread_laws_are_an_error_and_the_rest_is_fitted(tmp_path: Path) -> None:
    file = tmp_path / "plugins.toml"
    file.write_text('eq = "Pro-Q 3"\ncompressor = "Pro-C 2"\n', encoding="utf-8")
    with pytest.raises(PluginError, match=r"FabFilter Pro-Q 3 \(not measured\) is not installed"):
        load_choices(file)
    choices = load_choices(file, is_remote=True)
    with PluginHosts() as hosts:
        [fit] = fit_tracks(hosts, choices, [Track(name="Vox", strip=Strip(eq=EQ))], 48000)
        assert fit.eq is not None
        assert fit.eq.mean_db < 0.15
        assert any("cannot be loaded on this machine: fitted by the profile alone" in note for note in fit.notes)
        strip = Strip(compressor=Compressor(threshold_db=-20, ratio=3))
        with pytest.raises(PluginError, match="the laws of Ratio, Attack, Release, Wet Gain can only be read from"):
            list(fit_tracks(hosts, choices, [Track(name="Vox", strip=strip)], 48000))


def test_what_is_part_of_a_daw_is_not_looked_for_here(tmp_path: Path) -> None:
    file = tmp_path / "plugins.toml"
    file.write_text('eq = "ReaEQ"\n', encoding="utf-8")
    with pytest.raises(PluginError, match=r"ReaEQ \(not measured\) is part of its DAW and cannot be loaded here"):
        load_choices(file)
    assert not load_choices(file, is_remote=True).chosen("Vox", "eq")[0].is_here


def test_a_scan_says_that_the_profile_was_not_measured() -> None:
    said = {
        "names": ["FabFilter Pro-Q 3"],
        "name": "FabFilter Pro-Q 3",
        "vendor": "FabFilter",
        "version": "3.24",
        "class_id": None,
        "problems": [],
        "parameter_count": 358,
        "channels": [1, 2],
        "latency_samples": 0,
        "parameters": [],
    }
    answer: Any = SimpleNamespace(result=said, printed="")
    scanned: ScannedPlugin = _scanned(Path("/x/FabFilter Pro-Q 3.vst3"), answer)
    assert scanned.profile == "FabFilter Pro-Q 3 (not measured)"
    assert scanned.remark == ""


def test_a_check_compares_a_measured_one_with_the_documents() -> None:
    known = load_profile("tdr-nova")
    measured = known.model_copy(update={"measured": True, "version": "2.1"})
    assert drift(known, measured) == []
