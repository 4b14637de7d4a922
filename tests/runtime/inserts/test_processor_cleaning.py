"""A processor that cleans its track first: whole and block by block alike, at any rate; and it says so."""

from __future__ import annotations

import numpy as np
import pytest
from insert_voices import noise, voice
from mixbridge import AudioProcessor
from mixbridge.presets.errors import PresetError
from mixbridge.runtime.audio.reading import Samples
from mixbridge.runtime.inserts.cleaning import StreamCleaner, floors_of
from mixbridge.runtime.inserts.deepfilter.weights import is_installed

clean = pytest.mark.skipif(not is_installed(), reason="the extra `clean` is not installed")


def pause_db(audio: Samples, rate_hz: int) -> float:
    """How far pauses are below the loudest tenth, in frames of 20 ms."""
    frames = audio[: len(audio) // (rate_hz // 50) * (rate_hz // 50)].reshape(-1, rate_hz // 50)
    power = np.mean(frames**2, axis=1) + 1e-12
    return float(10 * np.log10(np.percentile(power, 8) / np.percentile(power, 90)))


@clean
def test_a_vocal_is_cleaned_before_it_is_mixed_whole_or_in_blocks() -> None:
    rate_hz = 44_100
    audio = (voice(2, rate_hz) + noise(2 * rate_hz, -40))[0]
    made = AudioProcessor(reference=audio, sample_rate=rate_hz, clean_db=24, amount=0)
    whole = made.process(audio)
    assert whole.shape == audio.shape
    assert [(item.kind, item.strength_db) for item in made.preset.tracks[0].inserts] == [("denoise", 24)]
    assert pause_db(whole, rate_hz) < pause_db(audio, rate_hz) - 10
    made.prepare(audio)
    lengths, blocks, begin = (1000, 1, 7, 4096, 333), [], 0
    while begin < len(audio):
        length = lengths[len(blocks) % len(lengths)]
        blocks.append(made.process(audio[begin : begin + length]))
        begin += length
    given = sum(map(len, blocks))
    assert len(audio) - given == made.latency_samples
    blocks.append(made.flush())
    np.testing.assert_allclose(np.concatenate(blocks), whole, atol=2e-4)
    again = np.concatenate([made.process(audio), made.flush()])
    np.testing.assert_allclose(again, whole, atol=2e-4)


@clean
@pytest.mark.parametrize("rate_hz", [8_000, 48_000, 96_000])
def test_what_is_held_back_is_always_enough(rate_hz: int) -> None:
    audio = np.repeat(voice(0.6, rate_hz) + noise(round(0.6 * rate_hz), -40), 2, axis=0)
    cleaner = StreamCleaner(2, rate_hz, 100, floors_of(audio, rate_hz))
    random, made, begin = np.random.default_rng(2), [], 0
    while begin < audio.shape[1]:
        length = int(random.integers(1, 2000))
        made.append(cleaner.process(audio[:, begin : begin + length]))
        begin += length
        given = sum(block.shape[1] for block in made)
        assert given == max(0, min(begin, audio.shape[1]) - cleaner.latency_samples)
    out = np.concatenate([*made, cleaner.flush()], axis=1)
    assert out.shape == audio.shape
    whole = StreamCleaner(2, rate_hz, 100, floors_of(audio, rate_hz))
    np.testing.assert_allclose(out, np.concatenate([whole.process(audio), whole.flush()], axis=1), atol=1e-4)


def test_no_such_strength() -> None:
    with pytest.raises(PresetError, match="the strength of the cleaning in dB"):
        AudioProcessor(use_ml_model=False, clean_db=101)
