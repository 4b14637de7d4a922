"""Fits the detector offset of :mod:`..compact.band_console` to pedalboard's compressor on real stems.

On band powers a frame has one level; pedalboard's detector follows |x| sample by sample and settles somewhere
between the frame's mean and its peak, depending on attack and release. One regression over many stems and settings
closes most of that gap: `mixbridge model calibration CORPUS` prints the constants to enter and what remains.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pedalboard
from numpy.typing import NDArray

from ...presets.errors import ModelError
from ..compact.band_cache import read_stereo, session_folders, stem_files
from ..compact.bands import FFT_LENGTH, FRAME_LENGTH, HOP_LENGTH, SAMPLE_RATE_HZ

_FLOOR_DB = -100.0
_RATIO = 1000.0


@dataclass(frozen=True)
class DetectorFit:
    """Constants of the detector offset, and how well they fit.

    Attributes:
        constants_db: c0, c1 and c2 of :data:`..compact.band_console.DETECTOR_OFFSET_DB`.
        spread_before_db: standard deviation of the offset.
        spread_after_db: what the constants leave of it.
    """

    constants_db: tuple[float, float, float]
    spread_before_db: float
    spread_after_db: float


def run(corpus: Path, stems: int, seed: int = 0) -> DetectorFit:
    """Fits the constants to stems of a corpus.

    Args:
        corpus: folder of sessions.
        stems: how many to measure, drawn at random.
        seed: of what is drawn.

    Raises:
        AudioError: a stem cannot be read.
        ModelError: the corpus has no stems.
    """
    rows, offsets_db = measure(corpus, stems, seed)
    c0, c1, c2 = np.linalg.lstsq(rows, offsets_db, rcond=None)[0].tolist()
    rest_db = offsets_db - rows @ np.array([c0, c1, c2])
    return DetectorFit((c0, c1, c2), float(offsets_db.std()), float(rest_db.std()))


def envelope_db(signal: NDArray[np.float32], attack_ms: float, release_ms: float) -> NDArray[np.float32]:
    """Reveals pedalboard's own detector in dB, shape (samples,), by a low threshold and a huge ratio."""
    box = pedalboard.Compressor(threshold_db=_FLOOR_DB, ratio=_RATIO, attack_ms=attack_ms, release_ms=release_ms)
    key = np.maximum(np.abs(signal), 1e-4).astype(np.float32)
    gain = box(key[None], SAMPLE_RATE_HZ)[0] / key
    envelope: NDArray[np.float32] = (_FLOOR_DB + 20 * np.log10(gain) / (1 / _RATIO - 1)).astype(np.float32)
    return envelope


def frame_level_db(signal: NDArray[np.float32]) -> NDArray[np.float32]:
    """Measures the RMS level of each analysis frame, as band powers have it, shape (frames,)."""
    window = np.hanning(FFT_LENGTH).astype(np.float32)
    frames = np.lib.stride_tricks.sliding_window_view(signal, FFT_LENGTH)[::HOP_LENGTH] * window
    power = (frames**2).sum(-1) / (window**2).sum()
    pairs = FRAME_LENGTH // HOP_LENGTH
    power = power[: len(power) // pairs * pairs].reshape(-1, pairs).mean(-1)
    level: NDArray[np.float32] = (10 * np.log10(power + 1e-12)).astype(np.float32)
    return level


def measure(corpus: Path, stems: int, seed: int = 0) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Measures rows of (1, ln(release / attack), ln attack) and the offset in dB of each."""
    numbers = np.random.default_rng(seed)
    files = [file for folder in session_folders(corpus) for file in stem_files(folder)]
    if not files:
        raise ModelError(f"{corpus}: no stems found; a session is a folder with meta.json and one audio file a track")
    rows, offsets = [], []
    for index in numbers.permutation(len(files))[:stems]:
        signal = read_stereo(files[index])[0][0]
        attack_ms, release_ms = (float(np.exp(numbers.uniform(*np.log(ends)))) for ends in ((1, 80), (30, 600)))
        level = frame_level_db(signal)
        middle = np.arange(len(level)) * FRAME_LENGTH + (FFT_LENGTH + HOP_LENGTH) // 2
        loud = level > np.percentile(level, 60)
        fall_db = 20 / np.log(10) * FRAME_LENGTH * 2 * np.pi * 1000 / SAMPLE_RATE_HZ / release_ms
        ramp = fall_db * np.arange(len(level))
        envelope = np.maximum.accumulate(level + ramp) - ramp
        offset = envelope_db(signal, attack_ms, release_ms)[middle] - envelope
        rows.append([1.0, np.log(release_ms / attack_ms), np.log(attack_ms)])
        offsets.append(float(np.mean(offset[loud])))
    return np.array(rows), np.array(offsets)
