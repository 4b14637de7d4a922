"""Recognises a reference that is a mix of the very tracks that are mixed, and reads levels and pans off it.

Somebody's rough mix is a common reference. It plays what the tracks play at the same time, so what each track adds to
it can be computed: in every band each side of the mix is a sum of the tracks, times a complex factor each, found by
least squares. A finished song by others does not line up with the tracks, and is left to the model.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ...presets.units import power_decibels
from ..audio.loudness import k_weights
from ..audio.reading import Samples, as_stereo

Spectra = NDArray[np.complex64]
Floats = NDArray[np.float64]

SEARCHED_S: Final = 2.0
"""How far a mix may be earlier or later than the tracks."""

# A correlation's peak stands this far above its noise where two sounds are the same; the highest of noise alone at 5.
_ALIGNED: Final = 9.0
_FFT: Final = 4096
_EDGES_HZ: Final = np.geomspace(60.0, 10_000.0, 25)
# A mix of these tracks is explained by them but for what compressors and reverb add.
_EXPLAINED: Final = 0.6
# Tracks further below the whole are not read off it.
_READ_DB: Final = 30.0
_RIDGE: Final = 1e-3
# What reverb and bleed move a track from the middle.
_CENTRED: Final = 0.1
_TINY: Final = 1e-20


@dataclass(frozen=True)
class OwnMix:
    """What a mix of the same tracks does to them.

    Attributes:
        gains_db: how much louder each track is in it than by itself, by name; tracks that are not heard are missing.
        pans: of the mono tracks among them: -1 left to 1 right.
        explained: share of the mix that the tracks make, 0..1.
        audio: what of the mix plays along with the tracks, shape (2, n).
    """

    gains_db: Mapping[str, float]
    pans: Mapping[str, float]
    explained: float
    audio: Samples


def own_mix(tracks: Mapping[str, Samples], mix: Samples, sample_rate_hz: int) -> OwnMix | None:
    """Read levels and pans off a mix, if it is one of these tracks.

    Args:
        tracks: by name, shape (1 or 2, n) each; those with sound in them.
        mix: shape (1 or 2, m), from :data:`SEARCHED_S` before the tracks to as long behind them.
        sample_rate_hz: of all.

    Returns:
        None where the mix is of something else.
    """
    frames = min((audio.shape[1] for audio in tracks.values()), default=0)
    if frames < 4 * _FFT or mix.shape[1] < frames:
        return None
    late = _found_at([audio.mean(axis=0) for audio in tracks.values()], mix.mean(axis=0))
    if late is None or late + frames > mix.shape[1]:
        return None
    along = as_stereo(mix[:, late : late + frames])
    parts = {name: _spectra(audio) for name, audio in tracks.items()}
    gains_db, pans, explained = _read(parts, _spectra(along), sample_rate_hz)
    return OwnMix(gains_db, pans, explained, along) if explained >= _EXPLAINED else None


def _found_at(tracks: list[Samples], mix: Samples) -> int | None:
    """Where in a mix the tracks begin, in samples; None where they do not line up anywhere."""
    from scipy.fft import irfft, next_fast_len, rfft

    total = sum(track / (float(np.sqrt(np.square(track).mean())) + _TINY) for track in tracks)
    size = next_fast_len(len(mix) + len(tracks[0]), real=True)
    spectra = [rfft(row.astype(np.float32), size) for row in (np.asarray(mix), np.asarray(total))]
    cross = spectra[0] * np.conj(spectra[1])
    # Each frequency counts alike, so that the peak is one of time, not of a note.
    correlation = irfft(cross / (np.abs(cross) + _TINY), size)
    lags = np.abs(correlation[: len(mix) - len(tracks[0]) + 1])
    at = int(lags.argmax())
    return at if lags[at] > _ALIGNED * float(correlation.std()) else None


def _read(
    parts: Mapping[str, Spectra], sides: Spectra, sample_rate_hz: int
) -> tuple[dict[str, float], dict[str, float], float]:
    """Gains and pans of tracks in a mix, and the share of it that they make; shapes (channels, frames, bins)."""
    freqs_hz = np.fft.rfftfreq(_FFT, 1 / sample_rate_hz).astype(np.float64)
    names, weights = list(parts), k_weights(freqs_hz, sample_rate_hz)
    made, raw = np.zeros((len(names), 2)), np.zeros(len(names))
    whole = left_over = 0.0
    for low_hz, high_hz in pairwise(_EDGES_HZ):
        inside = (freqs_hz >= low_hz) & (freqs_hz < high_hz)
        weight = float(weights[inside].mean())
        for side in (0, 1):
            wanted = sides[side][:, inside].ravel()
            rows = np.stack([parts[name][min(side, len(parts[name]) - 1)][:, inside].ravel() for name in names])
            powers = np.square(np.abs(rows)).sum(axis=1).astype(np.float64)
            factors = _least_squares(rows, wanted, powers)
            made[:, side] += weight * np.square(np.abs(factors)) * powers
            raw += weight * powers / 2
            whole += weight * float(np.square(np.abs(wanted)).sum())
            left_over += weight * float(np.square(np.abs(wanted - factors @ rows)).sum())
    return *_settings(names, parts, made, raw), 1 - left_over / (whole + _TINY)


def _least_squares(rows: Spectra, wanted: Spectra, powers: Floats) -> NDArray[np.complex128]:
    """Complex factors with which the rows make up what is wanted; a row without power gets none."""
    scale = 1 / np.sqrt(powers + 1e-9 * powers.max() + _TINY)
    levelled = (rows * scale[:, None]).astype(np.complex128)
    normal = levelled @ np.conj(levelled.T) + _RIDGE * np.eye(len(rows))
    found = np.linalg.solve(normal.T, np.conj(levelled) @ wanted)
    return np.asarray(found * scale)


def _settings(
    names: list[str], parts: Mapping[str, Spectra], made: Floats, raw: Floats
) -> tuple[dict[str, float], dict[str, float]]:
    floor = made.sum() * 10 ** (-_READ_DB / 10)
    gains: dict[str, float] = {}
    pans: dict[str, float] = {}
    for name, (left, right), before in zip(names, made, raw, strict=True):
        if left + right < floor or before <= 0:
            continue
        gains[name] = power_decibels((left + right) / (len(parts[name]) * before))
        if len(parts[name]) == 1:
            pan = math.atan2(math.sqrt(right), math.sqrt(left)) * 4 / math.pi - 1
            pans[name] = 0.0 if abs(pan) < _CENTRED else round(pan, 3)
    return gains, pans


def _spectra(audio: Samples) -> Spectra:
    """Frames over time, shape (channels, frames, bins)."""
    from scipy.fft import rfft

    frames = np.lib.stride_tricks.sliding_window_view(audio, _FFT, axis=1)[:, :: _FFT // 2]
    return np.asarray(rfft(frames * np.hanning(_FFT).astype(np.float32), axis=-1), np.complex64)
