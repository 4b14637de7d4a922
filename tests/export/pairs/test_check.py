"""Pairs are aligned with the values that were put in, and what is no pair is refused with the measure that says so."""

from __future__ import annotations

import numpy as np
import pytest
from mixbridge.export.pairs.check import MatchedPair, NoPairError, _refuse_none, match_pair, realigned
from mixbridge.export.pairs.likeness import PairLikeness, cut_seconds
from mixbridge.presets.errors import AudioError
from scipy.signal import butter, fftconvolve, sosfilt

RATE_HZ = 22050
SECONDS = 12


def voice(seed: int, seconds: float = SECONDS) -> np.ndarray:
    """Words: harmonics that glide and breathe, with pauses; shape (1, samples)."""
    rng = np.random.default_rng(seed)
    frames = round(seconds * RATE_HZ)
    steps = round(seconds / 0.3) + 2
    pitch_hz = np.interp(np.arange(frames), np.arange(steps) * 0.3 * RATE_HZ, rng.uniform(110, 260, steps))
    phase = 2 * np.pi * np.cumsum(pitch_hz) / RATE_HZ
    tone = sum(np.sin(phase * k + rng.uniform(0, 6)) / k for k in range(1, 20))
    words = np.interp(np.arange(frames), np.arange(steps) * 0.3 * RATE_HZ, rng.uniform(0, 1, steps) ** 2)
    noise = 0.3 * rng.standard_normal(frames)
    return (0.1 * (tone + noise) * words)[None].astype(np.float32)


def spoken(seed: int) -> np.ndarray:
    """Words that end suddenly, some much louder than others."""
    audio = voice(seed)
    words = np.random.default_rng(seed).choice([0.0, 0.2, 1.0], round(SECONDS / 0.3) + 1, p=[0.35, 0.4, 0.25])
    gain = np.repeat(words, round(0.3 * RATE_HZ))[: audio.shape[1]]
    return (audio * np.convolve(gain, np.ones(200) / 200, "same")).astype(np.float32)


def processed(audio: np.ndarray) -> np.ndarray:
    """Cut, squeezed, panned, with a room: shape (2, samples)."""
    rng = np.random.default_rng(9)
    dry = np.tanh(4 * sosfilt(butter(2, 150, "highpass", fs=RATE_HZ, output="sos"), audio[0])) / 4
    tail = rng.standard_normal((2, RATE_HZ // 2)) * np.exp(-np.arange(RATE_HZ // 2) / 2500) * 0.02
    wet = np.stack([fftconvolve(dry, row)[: dry.size] for row in tail])
    return (np.stack([0.8 * dry, 0.6 * dry]) + wet).astype(np.float32)


def moved(audio: np.ndarray, samples: float) -> np.ndarray:
    """Later by a number of samples, whole and fraction."""
    size = 2 * audio.shape[1]
    turn = np.exp(-2j * np.pi * np.fft.rfftfreq(size) * samples)
    return np.fft.irfft(np.fft.rfft(audio, size) * turn, size)[:, : audio.shape[1]].astype(np.float32)


def resampled(audio: np.ndarray, slow: float) -> np.ndarray:
    """Running slow by a share."""
    places = np.arange(round(audio.shape[1] * (1 + slow))) / (1 + slow)
    return np.stack([np.interp(places, np.arange(audio.shape[1]), row) for row in audio]).astype(np.float32)


def error_db(pair: MatchedPair, wanted: np.ndarray) -> float:
    """What differs from the mixed recording as it was before it was moved, below 4 kHz, away from the ends."""
    low = butter(4, 4000, fs=RATE_HZ, output="sos")
    inside = slice(RATE_HZ, -RATE_HZ)
    there, meant = (sosfilt(low, each)[:, inside] for each in (pair.mixed, wanted))
    return float(10 * np.log10(np.square(there - meant).sum() / np.square(meant).sum()))


@pytest.mark.parametrize("samples", [0, 2, 1234, -777, 310.5, 20_000])
def test_an_offset_is_found_and_mended(samples: float) -> None:
    raw = voice(1)
    mixed = processed(raw)
    pair = match_pair(raw, moved(mixed, samples), RATE_HZ)
    assert pair.offset_samples == pytest.approx(samples, abs=0.2)
    assert error_db(pair, mixed) < -28
    assert bool(pair.notes) or samples == 0


@pytest.mark.parametrize("where", [slice(0, 3 * RATE_HZ), slice(-3 * RATE_HZ, None)])
def test_silence_in_both_is_in_both_and_where_the_mixed_file_alone_is_silent_it_breaks_off(where: slice) -> None:
    raw = voice(1)
    mixed = processed(raw)
    mixed[:, where] = 0
    assert match_pair(raw, mixed, RATE_HZ).inside != slice(0, raw.shape[1])
    raw[:, where] = 0
    assert match_pair(raw, mixed, RATE_HZ).inside == slice(0, raw.shape[1])


@pytest.mark.parametrize("seconds", [1.5, 2.4])
def test_a_voice_that_comes_in_with_the_last_bars_is_found(seconds: float) -> None:
    raw = 1e-4 * np.random.default_rng(3).standard_normal((1, SECONDS * RATE_HZ)).astype(np.float32)
    heard = round(seconds * RATE_HZ)
    raw[:, -heard:] += voice(1)[:, -heard:]
    mixed = processed(raw) + 3e-4 * np.random.default_rng(4).standard_normal((2, raw.shape[1])).astype(np.float32)
    assert match_pair(raw, mixed, RATE_HZ).offset_samples == 0


@pytest.mark.parametrize("samples", [400, 1, 250.4])
def test_against_what_was_rendered_the_offset_is_exact(samples: float) -> None:
    raw = voice(1)
    # A filter that moves the peak.
    made = np.repeat(sosfilt(butter(2, 1500, fs=RATE_HZ, output="sos"), raw), 2, axis=0).astype(np.float32)
    mixed = -moved(made, samples)
    pair = match_pair(raw, mixed, RATE_HZ)
    better = realigned(pair, mixed, made)
    assert better.offset_samples == pytest.approx(samples, abs=0.04)
    assert better.is_inverted
    inside = slice(RATE_HZ, -RATE_HZ)
    left = np.square((better.mixed - made)[:, inside]).sum() / np.square(made[:, inside]).sum()
    assert 10 * np.log10(left) < -35
    assert better.inside.start == 0
    assert better.inside.stop >= raw.shape[1] - samples - 1
    assert realigned(better, mixed, made) is better


def test_polarity_level_and_channels_are_told() -> None:
    raw = voice(2)
    pair = match_pair(raw, -0.25 * raw, RATE_HZ)
    assert pair.is_inverted
    assert pair.is_mixed_mono
    assert pair.mixed.shape == (2, raw.shape[1])
    assert pair.gain_db == pytest.approx(20 * np.log10(0.25), abs=0.1)
    assert any("polarity is inverted" in note for note in pair.notes)
    np.testing.assert_allclose(pair.mixed[0], 0.25 * raw[0], atol=1e-6)


def test_a_clock_that_drifts_is_found_and_mended() -> None:
    raw = voice(3, 40)
    mixed = processed(raw)
    pair = match_pair(raw, resampled(mixed, 60e-6), RATE_HZ)
    assert pair.drift_ppm == pytest.approx(60, abs=1)
    assert error_db(pair, mixed) < -20
    assert any("ppm" in note for note in pair.notes)


def test_a_mixed_recording_may_be_longer_or_shorter() -> None:
    raw = voice(4)
    mixed = processed(raw)
    longer = np.concatenate([np.zeros((2, 5000), np.float32), mixed, np.zeros((2, 30_000), np.float32)], axis=1)
    assert match_pair(raw, longer, RATE_HZ).offset_samples == pytest.approx(5000, abs=0.2)
    cut = match_pair(raw, mixed[:, 3 * RATE_HZ : 9 * RATE_HZ], RATE_HZ)
    assert cut.offset_samples == pytest.approx(-3 * RATE_HZ, abs=0.2)
    assert not cut.mixed[:, : 2 * RATE_HZ].any()
    assert any("6.0 s long" in note for note in cut.notes)


def test_another_take_is_refused_by_its_measure() -> None:
    with pytest.raises(NoPairError, match=r"not heard in the mixed one \(\d+% of the mixed") as caught:
        match_pair(voice(5), processed(voice(6)), RATE_HZ, "Lead")
    assert str(caught.value).startswith("Lead: ")
    assert caught.value.likeness is not None
    assert caught.value.likeness.explained < 0.2


def test_other_instruments_are_refused_by_their_measure() -> None:
    raw = voice(7)
    band = sum(processed(voice(seed)) for seed in (20, 21, 22, 23))
    with pytest.raises(NoPairError, match="something else"):
        match_pair(raw, processed(raw) + 1.5 * band, RATE_HZ)


def test_a_band_that_plays_on_in_the_pauses_is_refused_however_quiet() -> None:
    raw = voice(7)
    raw[:, 5 * RATE_HZ : 8 * RATE_HZ] = 0
    mixed, band = processed(raw), sum(processed(voice(seed)) for seed in range(20, 26))
    gain = 0.5 * np.sqrt(np.square(mixed).mean() / np.square(band).mean())
    with pytest.raises(NoPairError, match="where the raw recording pauses the mixed one plays on") as caught:
        match_pair(raw, mixed + gain * band, RATE_HZ)
    assert caught.value.likeness is not None
    assert caught.value.likeness.explained > 0.5
    # It is 6 dB below the voice, which is silent for a quarter of the time.
    assert caught.value.likeness.pauses_db == pytest.approx(-9, abs=3)
    alone = match_pair(raw, mixed, RATE_HZ).likeness
    assert alone.pauses_db is not None
    assert alone.pauses_db < -60


def test_what_is_cut_to_silence_is_counted() -> None:
    raw = np.ones(10 * RATE_HZ, np.float32) * np.sin(np.arange(10 * RATE_HZ) * 0.3).astype(np.float32)
    mixed = raw.copy()
    mixed[2 * RATE_HZ : 5 * RATE_HZ] = 0
    assert cut_seconds(raw, mixed, RATE_HZ) == pytest.approx(3, abs=0.1)
    assert cut_seconds(raw, raw, RATE_HZ) == 0


def test_silence_and_scraps_are_refused() -> None:
    with pytest.raises(AudioError, match="mixed recording is silent"):
        match_pair(voice(8), np.zeros((2, SECONDS * RATE_HZ), np.float32), RATE_HZ)
    with pytest.raises(AudioError, match="shorter than 1 s"):
        match_pair(voice(8)[:, :2000], voice(8), RATE_HZ)


def test_of_a_raw_recording_whose_sides_cancel_each_other_one_is_heard_and_it_is_told() -> None:
    raw = voice(1)
    pair = match_pair(np.concatenate([raw, -raw]), moved(processed(raw), 500), RATE_HZ, "vox")
    assert pair.offset_samples == pytest.approx(500, abs=0.2)
    assert not pair.is_inverted
    assert any("sides of the raw recording cancel each other" in note for note in pair.notes)
    turned = match_pair(np.concatenate([raw, -raw]), np.concatenate([raw, -raw]), RATE_HZ, "vox")
    assert not turned.is_inverted
    assert turned.likeness.explained > 0.95
    with pytest.raises(AudioError, match="vox: the mixed recording is silent: give another file"):
        match_pair(raw, 0 * raw, RATE_HZ, "vox")


def test_a_side_that_is_inverted_is_turned_and_told() -> None:
    raw = voice(1)
    mixed = processed(raw)
    pair = match_pair(raw, np.stack([mixed[0], -mixed[1]]), RATE_HZ)
    np.testing.assert_allclose(pair.mixed, mixed, atol=1e-6)
    assert pair.is_side_turned
    assert any("the right one was turned" in note for note in pair.notes)
    assert not match_pair(raw, mixed, RATE_HZ).is_side_turned


def test_a_voice_that_was_tuned_all_through_is_told_apart_from_another_take() -> None:
    raw = voice(1)
    # As long, a fifth of a semitone higher: the levels stay, the waves do not.
    frames = raw.shape[1]
    tuned = np.zeros_like(raw)
    size = RATE_HZ // 4
    for at in range(0, frames - 2 * size, size // 2):
        grain = raw[0, at : at + 2 * size]
        places = np.arange(size) * 2 ** (0.4 / 12)
        tuned[0, at : at + size] += np.interp(places, np.arange(2 * size), grain) * np.hanning(size)
    with pytest.raises(NoPairError, match="tuned all through") as tuning:
        match_pair(raw, tuned, RATE_HZ)
    with pytest.raises(NoPairError, match="Another take") as other:
        match_pair(raw, processed(voice(2)), RATE_HZ)
    followed = [error.value.likeness.following for error in (tuning, other) if error.value.likeness is not None]
    assert followed[0] is not None
    assert followed[1] is not None
    assert followed[0] > 0.7 > 0.4 > followed[1]


def test_what_is_explained_by_rhythm_alone_is_no_pair() -> None:
    """Another drum that plays alike is predicted in part; its levels move otherwise."""
    _refuse_none(PairLikeness(0.3, 37.0, 0.5, 0.8), "a tuned voice")
    with pytest.raises(NoPairError, match="levels move as those of the raw one by 13%"):
        _refuse_none(PairLikeness(0.3, 37.0, 0.5, 0.13), "another drum")


@pytest.mark.parametrize("seed", [1, 2, 4])
def test_a_pair_that_is_swapped_is_told_as_such(seed: int) -> None:
    raw = spoken(seed)
    mixed = processed(3 * raw)
    honest, swapped = match_pair(raw, mixed, RATE_HZ), match_pair(mixed, raw, RATE_HZ)
    assert not honest.is_turned
    assert not any("swapped" in note for note in honest.notes)
    assert swapped.is_turned
    assert any("give them the other way round" in note for note in swapped.notes)


def test_the_offset_of_a_converter_makes_no_pair_look_swapped() -> None:
    raw = spoken(2)
    assert not match_pair(raw + np.float32(0.3), processed(3 * raw), RATE_HZ).is_turned


def test_what_has_neither_room_nor_compressor_looks_honest() -> None:
    raw = spoken(4)
    filtered = sosfilt(butter(2, 300, "highpass", fs=RATE_HZ, output="sos"), raw).astype(np.float32)
    for mixed in (filtered, 0.2 * raw):
        for one, other in ((raw, mixed), (mixed, raw)):
            assert not match_pair(one, np.repeat(other, 2, axis=0), RATE_HZ).is_turned
    # Too short to tell.
    mixed = processed(3 * raw)
    assert not match_pair(mixed[:, : 2 * RATE_HZ], raw[:, : 2 * RATE_HZ], RATE_HZ).is_turned
