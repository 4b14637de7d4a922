"""A preset's EQ and compressor on real plug-ins: how near they come, judged on what the plug-ins do to sound."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from mixbridge.bridge.plugins.loading import load_profile
from mixbridge.bridge.plugins.using.choices import PluginChoices, PluginsToml
from mixbridge.bridge.plugins.using.equalizers import fit_equalizer
from mixbridge.bridge.plugins.using.fitting import PluggedStage, fit_tracks, unplugged
from mixbridge.presets.console import Compressor, EqBand, Equalizer, Strip
from mixbridge.presets.lanes.lane import Lane, LanePoint
from mixbridge.presets.preset import Track
from mixbridge.runtime.console.response import eq_response_db
from mixbridge.runtime.plugins.stage import PluginHosts
from mixbridge.runtime.rendering.in_memory import render_strip

_ZAM = Path("/usr/lib/vst3")
_RATE_HZ = 44100
_CHOICES = PluginChoices(Path("plugins.toml"), PluginsToml(eq=("ZamEQ2", "ZamGEQ31"), compressor=("ZamComp",)))
_EQ = Equalizer(
    low_shelf=EqBand(gain_db=-5, freq_hz=140),
    band0=EqBand(gain_db=-6, freq_hz=320, q=2),
    band1=EqBand(gain_db=4, freq_hz=2500, q=1.2),
    band2=EqBand(gain_db=-3, freq_hz=9000, q=3),
    high_shelf=EqBand(gain_db=5, freq_hz=8000),
)
needs_zam = pytest.mark.skipif(not (_ZAM / "ZamEQ2.vst3").exists(), reason="zam-plugins are not installed")


@pytest.fixture(scope="module")
def stem(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Bursts of noise at many levels, as a track has."""
    random = np.random.default_rng(11)
    audio = random.standard_normal(3 * _RATE_HZ) * 0.2
    audio *= np.repeat(10 ** random.uniform(-1.5, 0, 20), len(audio) // 20 + 1)[: len(audio)]
    path = tmp_path_factory.mktemp("programme") / "Vox.wav"
    soundfile.write(path, audio, _RATE_HZ)
    return path


@pytest.fixture(scope="module")
def fits(stem: Path) -> Iterator[dict[str, PluggedStage]]:
    if not (_ZAM / "ZamEQ2.vst3").exists():
        pytest.skip("zam-plugins are not installed")
    track = Track(name="Vox", strip=_strip())
    with PluginHosts() as hosts:
        yield {fit.stage: fit for fit in fit_tracks(hosts, _CHOICES, [track], _RATE_HZ, {"Vox": stem})}


def _strip() -> Strip:
    compressor = Compressor(threshold_db=-26, ratio=3.5, attack_ms=25, release_ms=200, knee_db=6, makeup_db=4)
    return Strip(input_gain_db=6, eq=_EQ, compressor=compressor)


def _through(fit: PluggedStage, audio: Any) -> Any:
    with PluginHosts() as hosts:
        stage = hosts.stage(fit.settings, len(audio), _RATE_HZ)
        return stage.process(audio)


def test_an_eq_comes_near_by_the_profiles_alone() -> None:
    profiles = [load_profile("zameq2"), load_profile("zamgeq31")]
    fit = fit_equalizer(_EQ, profiles, 48000)
    assert len(fit.values) == 2
    assert fit.mean_db < 0.25
    assert fit_equalizer(_EQ, profiles[:1], 48000).mean_db > fit.mean_db


def test_what_one_plugin_can_do_needs_no_other() -> None:
    simple = Equalizer(band1=EqBand(gain_db=4, freq_hz=1000, q=1))
    fit = fit_equalizer(simple, [load_profile("zameq2"), load_profile("zamgeq31")], 48000)
    assert len(fit.values) == 1
    assert fit.mean_db < 0.05


@needs_zam
def test_the_states_that_are_kept_do_what_was_fitted(fits: dict[str, PluggedStage]) -> None:
    fit = fits["eq"]
    impulse = np.zeros((1, 32768), np.float32)
    impulse[0, 0] = 0.25
    gain = np.abs(np.fft.rfft(_through(fit, impulse)[0].astype(np.float64) / 0.25))
    freqs_hz = np.geomspace(50, 15000, 300)
    heard_db = np.interp(freqs_hz, np.fft.rfftfreq(32768, 1 / _RATE_HZ), 20 * np.log10(gain))
    errors_db = np.abs(heard_db - eq_response_db(_EQ, freqs_hz, _RATE_HZ))
    assert errors_db.mean() < 0.3
    assert fit.eq is not None
    assert abs(errors_db.mean() - fit.eq.mean_db) < 0.05
    assert "ZamEQ2 and ZamGEQ31" in fit.title


@needs_zam
def test_a_compressor_turns_down_as_much_on_the_programme(fits: dict[str, PluggedStage], stem: Path) -> None:
    fit = fits["compressor"].compressor
    assert fit is not None
    assert fit.wanted_db is not None
    assert fit.loss_db is not None
    assert fit.wanted_db > 3
    assert fit.loss_db < 0.3
    # Heard as a whole, in the levels of the raw track: the same loudness as the console's own.
    audio = soundfile.read(stem, dtype="float32", always_2d=True)[0].T
    own = render_strip(audio, _RATE_HZ, Strip(compressor=_strip().compressor, input_gain_db=6, fader_db=-6, pan=-1))[0]
    moved = Strip(compressor=_strip().compressor.model_copy(update={"threshold_db": -32.0}), pan=-1)
    assert np.sqrt(np.square(render_strip(audio, _RATE_HZ, moved)[0] - own).mean()) < 1e-4
    heard = _through(fits["compressor"], audio)[0]
    levels_db = [10 * np.log10(np.square(x).mean()) for x in (heard, own)]
    assert abs(levels_db[0] - levels_db[1]) < 1.0


@needs_zam
def test_what_does_nothing_or_moves_or_is_linked_gets_no_plugin() -> None:
    points = (LanePoint(time_s=0, value=0), LanePoint(time_s=1, value=6))
    moving = Track(name="Moving", strip=Strip(eq=_EQ), lanes=(Lane(parameter="eq.band0.gain_db", points=points),))
    simple = Strip(eq=Equalizer(band1=EqBand(gain_db=4, freq_hz=1000, q=1)))
    tracks = [Track(name="Flat", strip=Strip()), moving]
    tracks += [Track(name=name, strip=simple, link="pair") for name in ("L", "R")]
    with PluginHosts() as hosts:
        fits = list(fit_tracks(hosts, _CHOICES, tracks, _RATE_HZ))
    assert [(fit.track, fit.stage) for fit in fits] == [("L", "eq")]
    assert list(unplugged(_CHOICES, tracks, _RATE_HZ)) == [
        "Moving: its EQ moves, which plug-ins do not: mixbridge's own stands there."
    ]
