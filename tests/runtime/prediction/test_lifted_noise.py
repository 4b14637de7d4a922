"""The rail against lifting noise in whole mixes: it acts on what has noise, keeps the level, and leaves the rest."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from mixbridge.presets.console import Compressor, EqBand, Equalizer, Strip
from mixbridge.presets.preset import Preset, Track
from mixbridge.runtime.audio.loudness import integrated_loudness
from mixbridge.runtime.model.analysis import Passage
from mixbridge.runtime.model.excerpts import Excerpt
from mixbridge.runtime.practice.noise import noise_bands, noise_lift_db
from mixbridge.runtime.prediction.guard_rails.rails import LIFTED_NOISE
from mixbridge.runtime.prediction.guard_rails.spikes import without_lifted_noise
from mixbridge.runtime.prediction.trial import Trial
from mixbridge.runtime.rendering.in_memory import render_strip
from numpy.typing import NDArray

Audio = NDArray[np.float32]
RATE_HZ = 44100
SECONDS = 6
BRIGHT = Strip(
    fader_db=-3,
    eq=Equalizer(high_shelf=EqBand(gain_db=10, freq_hz=7000), band1=EqBand(gain_db=-2, freq_hz=500)),
    compressor=Compressor(threshold_db=-32, ratio=4, attack_ms=5, release_ms=100, knee_db=6),
)


def singer(hiss: float) -> Audio:
    time_s = np.arange(SECONDS * RATE_HZ) / RATE_HZ
    tone = sum(np.sin(2 * np.pi * 220 * k * time_s) / k for k in range(1, 18))
    phrases = np.clip(np.sin(np.pi * time_s) * 20, 0, 1)
    noise = np.random.default_rng(0).standard_normal(len(time_s))
    return (0.1 * tone * phrases + hiss * noise)[None].astype(np.float32)


def organ() -> Audio:
    time_s = np.arange(SECONDS * RATE_HZ) / RATE_HZ
    tone = sum(np.sin(2 * np.pi * 110 * k * time_s) / k for k in range(1, 80))
    return (0.05 * tone)[None].astype(np.float32)


def trial(vocal: Audio) -> Trial:
    audio = {"Vox": vocal, "Organ": organ()}
    loudness = {name: integrated_loudness(item, RATE_HZ) for name, item in audio.items()}
    passage = Passage(0.0, SECONDS, audio, loudness)
    return Trial(passage, np.repeat(organ(), 2, axis=0), RATE_HZ, -24.0)


def preset(strip: Strip) -> Preset:
    return Preset(tracks=(Track(name="Vox", role="lead vocal", strip=strip), Track(name="Organ", strip=BRIGHT)))


def test_noise_comes_up_by_six_decibels_at_most_and_the_voice_stays_as_loud() -> None:
    vocal = singer(10 ** (-62 / 20))
    found = without_lifted_noise(preset(BRIGHT), trial(vocal))
    (said,) = found.findings
    assert (said.rule, said.track) == (LIFTED_NOISE.name, "Vox")
    assert said.before is not None
    assert said.after is not None
    assert said.before > 10
    assert said.after <= 5
    strip = found.preset.track("Vox").strip
    assert noise_lift_db(noise_bands(vocal, RATE_HZ), strip, vocal, RATE_HZ) == pytest.approx(said.after, abs=0.05)
    loudness = [integrated_loudness(render_strip(vocal, RATE_HZ, item), RATE_HZ) for item in (BRIGHT, strip)]
    assert loudness[1] == pytest.approx(loudness[0], abs=1)
    assert strip.eq.high_shelf.gain_db > 0  # no more than needed
    assert found.preset.track("Organ").strip == BRIGHT


@pytest.mark.parametrize("strip", [Strip(), Strip(eq=Equalizer(high_shelf=EqBand(gain_db=4, freq_hz=8000)))])
def test_what_lifts_little_stays(strip: Strip) -> None:
    given = preset(strip)
    found = without_lifted_noise(given, trial(singer(10 ** (-62 / 20))))
    assert found.preset == given
    assert not found.findings


def test_noise_counts_wherever_the_track_is_heard() -> None:
    """In the passage the voice never rests, so that nothing tells what is noise; in another excerpt it does."""
    pausing = singer(10 ** (-62 / 20))
    held = singer(10 ** (-62 / 20))
    phrase = held[:, round(0.1 * RATE_HZ) : round(0.9 * RATE_HZ)]
    held = np.tile(phrase, 8)[:, : held.shape[1]]
    tried = trial(held)
    excerpts = tuple(
        Excerpt(at, item, integrated_loudness(item, RATE_HZ), 1.0) for at, item in ((0, held), (9, pausing))
    )
    passage = replace(tried.passage, excerpts={"Vox": excerpts})
    assert without_lifted_noise(preset(BRIGHT), tried).findings == ()
    (said,) = without_lifted_noise(preset(BRIGHT), replace(tried, passage=passage)).findings
    assert said.track == "Vox"


def test_noise_is_lifted_as_far_as_it_is_meant_to_be() -> None:
    vocal = singer(10 ** (-62 / 20))
    (eased,) = without_lifted_noise(preset(BRIGHT), trial(vocal)).findings
    assert eased.before is not None
    meant = without_lifted_noise(preset(BRIGHT), trial(vocal), {"Vox": eased.before + 0.1})
    assert meant.findings == ()
    assert meant.preset == preset(BRIGHT)
    (less,) = without_lifted_noise(preset(BRIGHT), trial(vocal), {"Vox": 8.0}).findings
    assert less.after is not None
    assert 6 < less.after <= 8
    # What is meant for one track says nothing of the others, and less than the rail allows is no limit.
    for others in ({"Organ": 60.0}, {"Vox": 2.0}):
        assert without_lifted_noise(preset(BRIGHT), trial(vocal), others).findings == (eased,)
