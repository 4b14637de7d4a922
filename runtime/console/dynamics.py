"""How a sound meets its compressor: what the detector sees, and how much is turned down. Nothing is compressed here."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...presets.console import Compressor, Equalizer
from ...presets.parts.match import MatchCurve
from ..audio.reading import Samples
from .compressor import CompressorProcessor
from .match import matched
from .response import compressor_gain_db, eq_response_db

Curve = NDArray[np.float64]

_TINY = 1e-12
_LOWEST_DB = -120.0
# Levels change slowly: one of so many samples tells enough.
_EVERY = 64
# What is further below the loudest is not counted as played.
_PLAYING_DB = 40.0


@dataclass(frozen=True)
class CompressorWork:
    """How a track meets its compressor.

    Attributes:
        levels_db: what its detector sees while the track plays, in dB of the track as it came; shape (n,).
        mean_db: how much is turned down on average while it plays, 0 or more.
        most_db: how much at most.
    """

    levels_db: Curve
    mean_db: float
    most_db: float


def compressor_work(
    audio: Samples,
    sample_rate_hz: int,
    input_gain_db: float,
    eq: Equalizer,
    compressor: Compressor,
    match: MatchCurve | None = None,
    playing_db: float = _PLAYING_DB,
) -> CompressorWork:
    """How audio of shape (1 or 2, n) meets a compressor behind a gain, an equalizer and, of stereo, a match curve.

    What is further than `playing_db` below the loudest does not count as played.
    """
    shaped = equalized(audio, sample_rate_hz, eq)
    if match is not None:
        shaped = matched(shaped, match, sample_rate_hz)
    detector = np.abs(shaped).max(axis=0)
    levels_db = followed_db(detector, sample_rate_hz, compressor)[::_EVERY]
    levels_db = levels_db[levels_db > levels_db.max() - playing_db]
    turned_down = -compressor_gain_db(compressor, levels_db + input_gain_db)
    return CompressorWork(levels_db, float(turned_down.mean()), float(turned_down.max()))


def followed_db(detector: Samples, sample_rate_hz: int, compressor: Compressor) -> Curve:
    """The level that the compressor's own follower sees, sample by sample.

    It is found in the gain of a compressor of the same speed whose threshold lies below everything.
    """
    probe = Compressor(
        threshold_db=_LOWEST_DB,
        ratio=20,
        attack_ms=compressor.attack_ms,
        release_ms=compressor.release_ms,
        knee_db=0,
    )
    signal = np.maximum(detector, np.float32(_TINY))
    followed = CompressorProcessor(probe, 1, sample_rate_hz).process(signal[None].copy())[0]
    gain_db = 20 * np.log10(followed.astype(np.float64) / signal)
    levels_db: Curve = _LOWEST_DB - gain_db / (1 - 1 / probe.ratio)
    return levels_db


def equalized(audio: Samples, sample_rate_hz: int, eq: Equalizer) -> Samples:
    """Audio of shape (1 or 2, n) behind an equalizer, without the filters' phase, which no level depends on much."""
    from scipy import fft  # late, as in audio/loudness.py

    freqs_hz = fft.rfftfreq(audio.shape[1], 1 / sample_rate_hz)
    grid_hz = np.geomspace(10, sample_rate_hz / 2, 400)
    gain = 10 ** (np.interp(freqs_hz, grid_hz, eq_response_db(eq, grid_hz, sample_rate_hz)) / 20)
    spectrum = fft.rfft(audio, axis=1) * gain.astype(np.float32)
    shaped: Samples = fft.irfft(spectrum, audio.shape[1], axis=1)
    return shaped
