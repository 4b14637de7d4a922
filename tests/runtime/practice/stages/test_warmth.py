"""Saturation: a little on what carries a dense mix, measured on what it does to peaks and harmonics."""

from __future__ import annotations

import math

import numpy as np
import pytest
from mixbridge.presets.console import Saturation
from mixbridge.runtime.console.saturation import SaturationProcessor
from mixbridge.runtime.practice.stages.warmth import driven, saturation_of, warmth_words
from numpy.typing import NDArray

RATE_HZ = 44100
TIME_S = np.arange(2 * RATE_HZ) / RATE_HZ


def made(mono: NDArray[np.floating]) -> NDArray[np.float32]:
    """A mono track behind its strip, in the middle."""
    return np.stack([mono, mono]).astype(np.float32) * np.float32(math.sqrt(0.5))


def saturated(mono: NDArray[np.floating], saturation: Saturation) -> NDArray[np.float32]:
    processor = SaturationProcessor(saturation, 1, RATE_HZ)
    late = processor.latency_samples
    return processor.process(np.pad(mono[None], ((0, 0), (0, late))).astype(np.float32))[0, late:]


@pytest.mark.parametrize(("density_db", "drive"), [(8.0, 0.7), (9.0, 0.7), (12.0, 0.35), (14.0, 0.0), (18.0, 0.0)])
def test_the_denser_the_reference_the_more(density_db: float, drive: float) -> None:
    assert driven(density_db) == pytest.approx(drive)


@pytest.mark.parametrize("density_db", [None, math.nan, math.inf])
def test_a_reference_that_says_nothing_asks_for_nothing(density_db: float | None) -> None:
    assert driven(density_db) == 0


@pytest.mark.parametrize("level", [0.5, 0.02])
def test_peaks_are_bent_by_less_than_a_decibel_or_so_and_what_is_soft_passes(level: float) -> None:
    hits = level * np.sin(2 * np.pi * 200 * TIME_S) * np.exp(-(TIME_S % 0.5) / 0.05)
    saturation = saturation_of(made(hits), RATE_HZ, 0.7, 1)
    bent = saturated(hits, saturation)
    peak_db = 20 * np.log10(np.abs(bent).max() / np.abs(hits).max())
    assert -1.2 < peak_db < -0.6
    soft = (TIME_S % 0.5) > 0.2
    assert np.square(bent[soft]).sum() / np.square(hits[soft]).sum() == pytest.approx(1, abs=0.01)


def test_a_tone_stays_a_tone() -> None:
    """Its third harmonic is below 1 %: what stands has no peaks to be bent."""
    tone = 0.3 * np.sin(2 * np.pi * 440 * TIME_S)
    spectrum = np.abs(np.fft.rfft(saturated(tone, saturation_of(made(tone), RATE_HZ, 0.7, 1))))
    assert 0.002 < spectrum[3 * 880] / spectrum[880] < 0.012


def test_silence_is_left_alone() -> None:
    assert saturation_of(made(np.zeros(RATE_HZ)), RATE_HZ, 0.7, 1) == Saturation()


def test_it_is_said_what_is_saturated_and_why() -> None:
    (words,) = warmth_words(10.2, {"snare", "lead vocal", "bass"})
    assert words.endswith("snare, bass and lead vocal.")
    assert "10 dB" in words
    assert warmth_words(10.2, {"bass"})[0].endswith(": bass.")
    assert warmth_words(10.2, set()) == warmth_words(None, {"bass"}) == ()
