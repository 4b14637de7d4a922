"""Convolution rests in silence, and goes on as if it had not."""

from __future__ import annotations

import numpy as np
import pytest
from mixbridge.runtime.console.effects.convolution import LONG_PIECE, StereoConvolution
from scipy.signal import fftconvolve

RATE_HZ = 44100
RESPONSE_FRAMES = 20_000


def sound() -> np.ndarray:
    """Noise, a silence of no round length, and noise again."""
    random = np.random.default_rng(4)
    audio = np.zeros((2, 5 * RATE_HZ), np.float32)
    audio[:, :9000] = random.normal(0, 0.1, (2, 9000))
    audio[:, 150_013:160_000] = random.normal(0, 0.1, (2, 9987))
    return audio


def answer() -> np.ndarray:
    decay = np.exp(-np.arange(RESPONSE_FRAMES) / 3000)
    return (np.random.default_rng(5).normal(0, 1, (2, RESPONSE_FRAMES)) * decay).astype(np.float32)


def convolution(piece_frames: int = LONG_PIECE) -> StereoConvolution:
    return StereoConvolution(answer(), 0.5, RATE_HZ, piece_frames)


def convolved(stage: StereoConvolution, audio: np.ndarray, size: int) -> np.ndarray:
    blocks = [audio[:, place : place + size] for place in range(0, audio.shape[1], size)]
    return np.concatenate([stage.process(block) for block in blocks], axis=1)


@pytest.mark.parametrize("piece_frames", [1024, LONG_PIECE, 65536])  # by pedalboard; by scipy in parts, and in one
@pytest.mark.parametrize("size", [70_001, 8192, 1000])
def test_it_is_the_convolution(piece_frames: int, size: int) -> None:
    audio = sound()
    wanted = 0.5 * fftconvolve(audio.astype(np.float64), answer(), axes=1)[:, : audio.shape[1]]
    error = convolved(convolution(piece_frames), audio, size) - wanted
    assert 20 * np.log10(np.std(error) / np.std(wanted)) < (-125 if piece_frames >= LONG_PIECE else -90)


@pytest.mark.parametrize("size", [32768, 4096, 1000])
def test_it_gives_what_it_would_have_given(size: int) -> None:
    restless = convolution()
    restless._needed = 10**12
    np.testing.assert_array_equal(convolved(convolution(), sound(), size), convolved(restless, sound(), size))


def test_it_does_not_work_in_silence(monkeypatch: pytest.MonkeyPatch) -> None:
    stage, worked = convolution(), []
    convolve = stage._convolved
    monkeypatch.setattr(stage, "_convolved", lambda block: worked.append(block.shape[1]) or convolve(block))
    convolved(stage, sound(), 4096)
    assert sum(worked) < 165_000  # of 220,500: the tail has to die away first
    worked.clear()
    convolved(stage, np.zeros((2, RATE_HZ), np.float32), 4096)
    assert sum(worked) < RATE_HZ
