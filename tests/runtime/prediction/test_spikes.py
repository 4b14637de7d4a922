"""Peaks that only a limiter would hold: whose they are is found, and they are compressed at the same loudness."""

from __future__ import annotations

import numpy as np
import pytest
from mixbridge.presets.console import Strip
from mixbridge.presets.preset import Preset, Track
from mixbridge.runtime.audio.loudness import integrated_loudness
from mixbridge.runtime.model.analysis import Passage
from mixbridge.runtime.prediction.guard_rails.guards import guard
from mixbridge.runtime.prediction.guard_rails.rails import SPIKY
from mixbridge.runtime.prediction.guard_rails.spikes import tamed
from mixbridge.runtime.prediction.trial import Trial
from numpy.typing import NDArray

Audio = NDArray[np.float32]
RATE_HZ = 44100
TIME_S = np.arange(3 * RATE_HZ) / RATE_HZ


def pad() -> Audio:
    return (0.05 * np.random.default_rng(1).standard_normal((1, len(TIME_S)))).astype(np.float32)


def clicks(level: float = 0.9) -> Audio:
    """Two drum strokes a second: a click of a millisecond, and a body that rings on."""
    since_s = TIME_S % 0.5
    click = np.sign(np.sin(2 * np.pi * 900 * TIME_S)) * np.exp(-800 * since_s)
    body = 0.12 * np.sin(2 * np.pi * 200 * TIME_S) * np.exp(-6 * since_s)
    return (level * (click + body))[None].astype(np.float32)


def trial_of(tracks: dict[str, Audio], reference: Audio) -> Trial:
    loudness = {name: integrated_loudness(audio, RATE_HZ) for name, audio in tracks.items()}
    return Trial(Passage(0.0, 3.0, tracks, loudness), reference, RATE_HZ, -24.0)


def preset_of(*names: str) -> Preset:
    return Preset(tracks=tuple(Track(name=name, strip=Strip()) for name in names))


@pytest.fixture
def flat() -> Audio:
    """A reference without peaks."""
    return np.repeat(0.2 * np.sign(np.sin(2 * np.pi * 500 * TIME_S))[None], 2, axis=0).astype(np.float32)


def test_the_track_with_the_peaks_is_compressed_at_the_same_loudness(flat: Audio) -> None:
    trial = trial_of({"Pad": pad(), "Clicks": clicks()}, flat)
    preset = preset_of("Pad", "Clicks")
    done = tamed(preset, trial)
    (finding,) = done.findings
    assert (finding.rule, finding.track) == ("spiky", "Clicks")
    assert finding.before is not None
    assert finding.after is not None
    assert finding.before > SPIKY.limit_db
    assert finding.after < finding.before - 3
    assert done.preset.track("Pad") == preset.track("Pad")
    before, after = (trial.render(item).stems["Clicks"] for item in (preset, done.preset))
    assert integrated_loudness(after, RATE_HZ) == pytest.approx(integrated_loudness(before, RATE_HZ), abs=0.2)
    assert np.abs(after).max() < 0.7 * np.abs(before).max()


def test_a_reference_with_peaks_of_its_own_may_have_them(flat: Audio) -> None:
    tracks = {"Pad": pad(), "Clicks": clicks()}
    preset = preset_of("Pad", "Clicks")
    like_it = np.asarray(trial_of(tracks, flat).render(preset).mix)
    assert tamed(preset, trial_of(tracks, like_it)).preset is preset


def test_what_has_no_peaks_is_left_alone(flat: Audio) -> None:
    """A mix of noise stands further above its loudness than a square wave; there is nothing that stands out."""
    trial = trial_of({"Pad": pad()}, flat)
    preset = preset_of("Pad")
    assert tamed(preset, trial).preset.track("Pad").strip.compressor.threshold_db > -60
    quiet = trial_of({"Pad": pad(), "Clicks": clicks(0.05)}, flat)
    assert "Clicks" not in {finding.track for finding in tamed(preset_of("Pad", "Clicks"), quiet).findings}


def test_it_is_among_the_guard_rails_and_settles(flat: Audio) -> None:
    trial = trial_of({"Pad": pad(), "Clicks": clicks()}, flat)
    done = guard(preset_of("Pad", "Clicks"), trial)
    assert [finding.rule for finding in done.findings] == ["spiky"]
    again = guard(done.preset, trial)
    assert len(again.findings) <= 1
    silent = trial_of({"Pad": pad() * 0, "Clicks": clicks() * 0}, flat)
    assert guard(preset_of("Pad", "Clicks"), silent).findings == ()
