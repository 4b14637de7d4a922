"""What a compressor does to peaks, told from an envelope: beside what the rendered stem has."""

from __future__ import annotations

import numpy as np
import pytest
from mixbridge.presets.console import Compressor
from mixbridge.runtime.console.compressor import CompressorProcessor
from mixbridge.runtime.practice.peaks import FRAME_SAMPLES, Envelope, crest_change_db, like, with_crest_floor
from numpy.typing import NDArray

Audio = NDArray[np.float32]
RATE_HZ = 44100


def drums(seconds: float = 4, seed: int = 0) -> Audio:
    """Hits of several strengths that ring for a while."""
    random = np.random.default_rng(seed)
    time_s = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    audio = np.zeros(len(time_s))
    for start_s in np.arange(0, seconds, 0.25):
        after_s = time_s - start_s - 0.03 * random.random()
        ring = np.exp(-after_s / random.uniform(0.02, 0.1)) * (after_s >= 0)
        audio += random.uniform(0.1, 1) * np.where(after_s >= 0, ring, 0) * random.standard_normal(len(time_s))
    return (0.2 * audio / np.abs(audio).max())[None].astype(np.float32)


def voice(seconds: float = 4, seed: int = 0) -> Audio:
    """A tone in syllables of several strengths."""
    random = np.random.default_rng(seed)
    time_s = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    strengths = np.repeat(random.uniform(0.05, 1, round(seconds * 5)), RATE_HZ // 5)[: len(time_s)]
    strengths = np.convolve(strengths, np.hanning(2000) / 1000, "same")
    tone = sum(np.sin(2 * np.pi * 200 * overtone * time_s) / overtone for overtone in range(1, 9))
    return (0.1 * strengths * tone)[None].astype(np.float32)


def compressed(audio: Audio, compressor: Compressor) -> Audio:
    processor = CompressorProcessor(compressor, len(audio), RATE_HZ)
    late = processor.latency_samples
    return processor.process(np.pad(audio, ((0, 0), (0, late))))[:, late:]


def crest_db(audio: Audio) -> float:
    return float(20 * np.log10(np.abs(audio).max() / np.sqrt(np.mean(np.square(audio, dtype=np.float64)))))


def drawn(number: int) -> tuple[Audio, Compressor]:
    random = np.random.default_rng(number)
    compressor = Compressor(
        threshold_db=float(random.uniform(-45, -15)),
        ratio=float(random.uniform(1.5, 8)),
        attack_ms=float(np.exp(random.uniform(np.log(1), np.log(80)))),
        release_ms=float(np.exp(random.uniform(np.log(40), np.log(400)))),
        knee_db=float(random.choice((0, 6))),
        lookahead_ms=float(random.choice((0, 0, 2))),
    )
    return (drums if number % 2 else voice)(seed=number), compressor


def test_frames_are_finer_than_six_milliseconds() -> None:
    assert 1000 * FRAME_SAMPLES / RATE_HZ < 6


def test_predicted_and_rendered_crest_go_together() -> None:
    predicted, rendered = [], []
    for audio, compressor in map(drawn, range(40)):
        predicted.append(crest_change_db(Envelope.of(audio, RATE_HZ, compressor), compressor))
        rendered.append(crest_db(compressed(audio, compressor)) - crest_db(audio))
    assert np.std(rendered) > 1  # that there is something to be told
    assert np.corrcoef(predicted, rendered)[0, 1] > 0.95
    assert np.median(np.abs(np.subtract(predicted, rendered))) < 0.3


def test_reduction_is_that_of_the_rendering() -> None:
    for audio, compressor in map(drawn, range(6)):
        envelope = Envelope.of(audio, RATE_HZ, compressor)
        gains = compressed(audio, compressor)[0] / np.where(audio[0] == 0, 1, audio[0])
        count = len(envelope.peaks)
        by_frame = gains[: count * FRAME_SAMPLES].reshape(count, FRAME_SAMPLES)
        heard = np.abs(audio[0, : count * FRAME_SAMPLES]).reshape(count, FRAME_SAMPLES) > 1e-5
        plays = envelope.playing & heard.any(axis=1)
        made_db = -20 * np.log10(np.array([by_frame[at][heard[at]].mean() for at in np.flatnonzero(plays)])).mean()
        assert envelope.reduction_db(compressor) == pytest.approx(made_db, abs=0.4)


def test_a_compressor_takes_no_more_off_the_crest_than_it_may() -> None:
    audio = drums()
    deep = Compressor(threshold_db=-30, ratio=6, attack_ms=1, release_ms=250, knee_db=6, lookahead_ms=3)
    envelope = Envelope.of(audio, RATE_HZ, deep)
    assert crest_change_db(envelope, deep) < -2.5
    eased = with_crest_floor(deep, envelope, 1.5)
    assert eased.threshold_db > deep.threshold_db
    assert crest_change_db(envelope, eased) == pytest.approx(-1.5, abs=0.1)
    assert crest_db(compressed(audio, eased)) - crest_db(audio) == pytest.approx(-1.5, abs=0.3)
    gentle = deep.model_copy(update={"threshold_db": -8.0})
    assert with_crest_floor(gentle, envelope, 1.5) == gentle


TIMES = [Compressor(attack_ms=attack_ms, release_ms=120, knee_db=6) for attack_ms in (3, 12, 40)]


def test_a_voice_is_made_to_move_like_another_passage_of_a_mixed_one() -> None:
    """Squared distances of the crest, over several voices: one passage alone may have a peak that no other has."""
    truth = Compressor(threshold_db=-34, ratio=6, attack_ms=30, release_ms=120, knee_db=6)
    left, untouched = [], []
    for seed in range(5):
        raw, mixed = voice(seed=seed), compressed(voice(6, seed=seed + 50), truth)
        found = like(raw, mixed, RATE_HZ, TIMES, (2, 3, 5), (-10, -6, -3, 0, 3))
        wanted_db = crest_db(compressed(raw, truth))
        made = raw if found is None else compressed(raw, found)
        left.append((crest_db(made) - wanted_db) ** 2)
        untouched.append((crest_db(raw) - wanted_db) ** 2)
    assert np.mean(left) < 0.5 * np.mean(untouched)


def test_what_moves_so_already_is_left() -> None:
    assert like(voice(seed=1), voice(seed=1), RATE_HZ, TIMES, (2, 4), (-6, 0)) is None
