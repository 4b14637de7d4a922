"""What a strip does to what should stay: noise between the words, hum and sibilance, measured apart from the code."""

from __future__ import annotations

import numpy as np
import pytest
from mixbridge.presets.console import EQ_BANDS
from mixbridge.runtime.audio.loudness import integrated_loudness
from mixbridge.runtime.rendering.in_memory import render_strip
from mixbridge.runtime.voices import practice
from mixbridge.runtime.voices.care import MOST_NOISE_DB, careful
from mixbridge.runtime.voices.chain import SPOKEN, SUNG, Manner, strip_for
from mixbridge.runtime.voices.sound import measured
from numpy.typing import NDArray
from raw_voices import FLITE_VOICES, HAS_FLITE, RATE_HZ, recording
from scipy.signal import butter, sosfiltfilt, stft

Audio = NDArray[np.float32]
pytestmark = pytest.mark.skipif(not HAS_FLITE, reason="flite is not installed")
# Longer than the room and the fall of a word; seconds.
_SETTLED_S, _PAUSE_S = 0.2, 0.2


def done(audio: Audio, manner: Manner = SUNG) -> Audio:
    """A voice behind its strip, as loud as before, on two channels."""
    sound = measured(audio, RATE_HZ)
    strip = careful(strip_for(sound, manner), audio, RATE_HZ, sound)
    mixed = render_strip(audio, RATE_HZ, strip)
    return mixed * np.float32(10 ** ((sound.lufs - integrated_loudness(mixed, RATE_HZ)) / 20))


def power(audio: Audio) -> float:
    return float(np.square(audio, dtype=np.float64).sum(axis=0).mean())


def pauses(voice: str) -> list[slice]:
    """Where nobody has said anything for a while: silent in the same recording without noise, its room included."""
    clean = recording(voice, noise_db=-300, hum_db=-300)[0]
    step = round(0.05 * RATE_HZ)
    level = np.abs(clean[: len(clean) // step * step]).reshape(-1, step).max(axis=1)
    loud = level > 1e-3 * level.max()
    settled, length = round(_SETTLED_S / 0.05), round(_PAUSE_S / 0.05)
    quiet = [at for at in range(settled, len(loud) - length) if not loud[at - settled : at + length + 1].any()]
    return [slice(at * step, (at + length) * step) for at in quiet]


def rise_db(before: Audio, after: Audio, where: list[slice], low_hz: float, high_hz: float) -> float:
    filters = butter(4, (low_hz, high_hz), "bandpass", fs=RATE_HZ, output="sos")
    raw, mixed = (sosfiltfilt(filters, audio) for audio in (before, after))
    return 10 * float(
        np.log10(np.mean([power(mixed[:, at]) for at in where]) / np.mean([power(raw[:, at]) for at in where]))
    )


@pytest.mark.parametrize("voice", FLITE_VOICES)
@pytest.mark.parametrize(("noise_db", "hum_hz"), [(-45, 50), (-30, 60)])
def test_noise_between_words_rises_no_more_than_it_may(voice: str, noise_db: float, hum_hz: float) -> None:
    audio = recording(voice, noise_db=noise_db, hum_hz=hum_hz)
    mixed, gaps = done(audio), pauses(voice)
    assert len(gaps) >= 3
    for low_hz in (150, 300, 600, 1200, 2400, 4800, 9600):
        assert rise_db(audio, mixed, gaps, low_hz, 2 * low_hz) <= MOST_NOISE_DB


@pytest.mark.parametrize("voice", FLITE_VOICES)
@pytest.mark.parametrize("hum_hz", [50.0, 60.0])
def test_hum_does_not_rise(voice: str, hum_hz: float) -> None:
    audio = recording(voice, hum_db=-35, hum_hz=hum_hz)
    assert measured(audio, RATE_HZ).hums_hz == (hum_hz,)
    assert rise_db(audio, done(audio), pauses(voice), hum_hz - 4, hum_hz + 4) <= -3


@pytest.mark.parametrize("voice", ["slt", "rms", "kal16"])
def test_sibilance_stays_where_it_is_not_dull(voice: str) -> None:
    """In the tenth of a second's parts whose power is mostly in the highs."""
    audio = recording(voice)
    mixed = done(audio)
    freqs_hz, _, raw = stft(audio[0], RATE_HZ, nperseg=2048)
    high = (freqs_hz > 5000) & (freqs_hz < 9000)
    middle = (freqs_hz > 300) & (freqs_hz < 3000)
    before = np.abs(raw) ** 2
    hissing = before[high].sum(axis=0) > before[middle].sum(axis=0)
    hissing &= before[high].sum(axis=0) > 0.02 * before[high].sum(axis=0).max()
    after = sum(np.abs(stft(channel, RATE_HZ, nperseg=2048)[2]) ** 2 for channel in mixed)
    assert hissing.sum() > 10
    assert 10 * np.log10(after[high][:, hissing].sum() / before[high][:, hissing].sum()) < 1.0


def test_a_noisy_recording_is_compressed_less() -> None:
    """Where words stand 20 dB over the noise there is no room for an expander."""
    ratios = []
    for noise_db in (-60, -20):
        audio = recording("rms", noise_db=noise_db)
        sound = measured(audio, RATE_HZ)
        ratios.append(careful(strip_for(sound, SUNG), audio, RATE_HZ, sound).compressor.ratio)
    assert ratios[1] < 0.7 * ratios[0]


def test_what_is_digitally_silent_between_words_is_no_noise() -> None:
    audio = recording("slt", noise_db=-300, hum_db=-300)
    sound = measured(audio, RATE_HZ)
    assert sound.hums_hz == ()
    assert careful(strip_for(sound, SUNG), audio, RATE_HZ, sound).compressor.ratio > 3


@pytest.mark.parametrize("manner", [SUNG, SPOKEN])
@pytest.mark.parametrize("voice", FLITE_VOICES)
def test_no_setting_goes_beyond_nearly_all_chains_of_engineers(voice: str, manner: Manner) -> None:
    audio = recording(voice)
    sound = measured(audio, RATE_HZ)
    strip = careful(strip_for(sound, manner), audio, RATE_HZ, sound)
    most_db = practice.HIGHEST_DB.max()
    assert max(getattr(strip.eq, name).gain_db for name in EQ_BANDS) <= most_db
    assert practice.RATIO.low * 0.5 <= strip.compressor.ratio <= practice.RATIO.high
    assert strip.compressor.makeup_db <= practice.MAKEUP_DB.high
    assert strip.low_cut.freq_hz <= practice.HIGH_PASS_HZ.high
    over_db = strip.compressor.threshold_db - sound.lufs
    assert practice.THRESHOLD_OVER_LUFS_DB.low <= over_db <= practice.THRESHOLD_OVER_LUFS_DB.high


def test_a_dull_voice_gets_more_highs_than_a_bright_one() -> None:
    audio = recording("rms", noise_db=-80)
    dull = sosfiltfilt(butter(1, 2500, "lowpass", fs=RATE_HZ, output="sos"), audio).astype(np.float32)
    tilts = []
    for voice in (audio, dull):
        eq = strip_for(measured(voice, RATE_HZ), SUNG).eq
        tilts.append(eq.band3.gain_db + eq.high_shelf.gain_db)
    assert tilts[1] > tilts[0] + 1
