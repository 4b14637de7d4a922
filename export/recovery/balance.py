"""Levels, pans, curves and sends of all tracks of a session at once, from spectra: the linear part of a mix.

In each part of an octave and on each side the mix is the sum of the stems, each times a complex gain (an equalizer
turns phases, too); least squares over the whole song find the gains. What cannot be met so is no linear mix of these
stems.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import nnls

from ...runtime.audio.reading import Samples
from .guess import PairBands

Curve = NDArray[np.float64]

_LONGEST_S, _CHUNK = 90.0, 128
_RIDGE, _SEND_RIDGE, _EVENED = 1e-4, 1e-6, 5
# Two stems that are nearly the same share what they do.
_SILENT_DB: Final = -55.0
_HEARD_DB, _STEEPEST_DB = 40.0, 30.0


@dataclass(frozen=True)
class TrackBalance:
    """What became of a stem.

    Attributes:
        level_db: of the stem in the mix, as a fader says it.
        pan: -1..1.
        curve_db: gains in the bands, over that level.
        weights: how far each band can be trusted, 0..1.
        heard_db: energy of the stem in the mix, in dB of the mix.
        is_silent: not heard.
    """

    level_db: float
    pan: float
    curve_db: Curve
    weights: Curve
    heard_db: float
    is_silent: bool


@dataclass(frozen=True)
class SessionBalance:
    """What became of all stems.

    Attributes:
        tracks: in their order.
        explained: share of the mix that is a linear mix of the stems, 0..1.
        bands: of the curves.
    """

    tracks: tuple[TrackBalance, ...]
    explained: float
    bands: PairBands


def balance_of(stems: Sequence[Samples], mix: Samples, sample_rate_hz: int) -> SessionBalance:
    """Finds levels, pans and curves.

    Args:
        stems: shape (1 or 2, samples) each, all as long as the mix.
        mix: shape (2, samples), on their time.
        sample_rate_hz: of all.
    """
    bands = PairBands(sample_rate_hz)
    frames = round(_LONGEST_S * sample_rate_hz)
    begin = max(0, (mix.shape[1] - frames) // 2)
    part = slice(begin, begin + frames)
    sides = []
    for side in range(2):
        rows = [stem[min(side, len(stem) - 1), part] for stem in stems]
        sides.append(_side_gains(rows, mix[side, part], bands))
    gains = np.stack([gain for gain, _, _, _ in sides])  # (2, bands, stems)
    powers = np.stack([power for _, power, _, _ in sides])
    left, total = (sum(side[at].sum() for side in sides) for at in (2, 3))
    explained = 1 - float(left / max(total, 1e-30))
    tracks = tuple(
        _track(gains[:, :, at], powers[:, :, at], float(total), len(stem) == 2) for at, stem in enumerate(stems)
    )
    return SessionBalance(tracks, max(0.0, explained), bands)


def sends_of(
    dry: Sequence[Samples], wet: Sequence[Samples], mix: Samples, sample_rate_hz: int, is_same_room: bool
) -> list[float]:
    """Finds how much of each track's reverb is in a mix, as a factor; 0 where there is none.

    Args:
        dry: what each strip gives to the mix, shape (2, samples).
        wet: what the room makes of each, sent at 0 dB, likewise.
        mix: likewise.
        sample_rate_hz: of all.
        is_same_room: whether the mix has this very room in it, so that samples match; else powers are compared.
    """
    bands = PairBands(sample_rate_hz)
    square, aim = (_in_phase if is_same_room else _in_power)(dry, wet, mix, bands)
    # The least squares of what is known by its products alone.
    scale = np.sqrt(np.maximum(np.diag(square), 1e-30))
    factors = np.linalg.cholesky(square / scale / scale[:, None] + _SEND_RIDGE * np.eye(len(scale)))
    found = nnls(factors.T, np.linalg.solve(factors, aim / scale))[0] / scale
    sends = found[-len(wet) :]
    return [float(send) if is_same_room else math.sqrt(float(send)) for send in sends]


def _in_phase(dry: Sequence[Samples], wet: Sequence[Samples], mix: Samples, bands: PairBands) -> tuple[Curve, Curve]:
    """Products of the wet tracks with each other and the mix, without what any equalizer of the dry ones explains."""
    count = len(wet)
    square, aim = np.zeros((count, count)), np.zeros(count)
    for side in range(2):
        total: NDArray[np.complex128] | None = None
        rows = [each[side] for each in (*dry, *wet, mix)]
        for chunk in bands.spectra(rows, _CHUNK):
            summed = bands.summed(chunk.conj() @ chunk.transpose(0, 2, 1))
            total = summed if total is None else total + summed
        assert total is not None  # the mix has a frame
        known, others = total[:, :count, :count], total[:, :count, count:]
        ridge = _RIDGE * np.einsum("bii->bi", known).real.mean(axis=1) + 1e-20
        explained = np.linalg.solve(known + ridge[:, None, None] * np.eye(count), others)
        left = total[:, count:, count:] - others.conj().transpose(0, 2, 1) @ explained
        weights = 1 / np.maximum(total[:, -1, -1].real, 1e-6 * total[:, -1, -1].real.max())
        left = np.einsum("b,bij->ij", weights, left.real)
        square, aim = square + left[:count, :count], aim + left[:count, -1]
    return square, aim


def _in_power(dry: Sequence[Samples], wet: Sequence[Samples], mix: Samples, bands: PairBands) -> tuple[Curve, Curve]:
    """Products of the powers of all tracks with each other and the mix's, in parts of what the mix has there."""
    wanted = _evened(bands.power(mix))
    floor = wanted.max(axis=0) * 10 ** (-_HEARD_DB / 10)
    loud = wanted > floor
    rows = np.stack([(_evened(bands.power(each)) / np.maximum(wanted, floor))[loud] for each in (*dry, *wet)])
    return rows @ rows.T, rows.sum(axis=1)


def _evened(power: Curve) -> Curve:
    """Means over frames: the powers of noise scatter, and those that are small by chance would count most."""
    count = min(_EVENED, len(power))
    sums = np.cumsum(np.concatenate([np.zeros((1, power.shape[1])), power]), axis=0)
    means: Curve = (sums[count:] - sums[:-count]) / count
    return means


def _side_gains(rows: Sequence[Samples], wanted: Samples, bands: PairBands) -> tuple[Curve, Curve, Curve, Curve]:
    """Sizes of the gains, shape (bands, stems), the stems' power likewise; of the mix what is left, and all of it."""
    square: NDArray[np.complex128] | None = None
    for chunk in bands.spectra([*rows, wanted], _CHUNK):
        # (bins, rows, frames): one product for each bin.
        product = chunk @ chunk.conj().transpose(0, 2, 1)
        summed = bands.summed(product)
        square = summed if square is None else square + summed
    assert square is not None  # the mix has a frame
    inner, outer = square[:, :-1, :-1], square[:, :-1, -1]
    powers = np.einsum("bii->bi", inner).real
    ridge = _RIDGE * powers.mean(axis=1, keepdims=True) + 1e-6 * powers.sum() / powers.size + 1e-20
    regular = inner + ridge[:, :, None] * np.eye(inner.shape[1])
    # square[i, j] is the sum of x_i times the conjugate of x_j: the gains are those of the conjugate problem.
    gains = np.linalg.solve(regular.conj(), outer.conj()[..., None])[..., 0]
    total = square[:, -1, -1].real
    met = 2 * np.einsum("bi,bi->b", gains.conj(), outer.conj()).real
    met -= np.einsum("bi,bij,bj->b", gains.conj(), inner.conj(), gains).real
    return np.abs(gains), powers, np.maximum(total - met, 0), total


def _track(gains: Curve, powers: Curve, mix_power: float, is_stereo: bool) -> TrackBalance:
    heard = np.square(gains) * powers
    energy = heard.sum(axis=1)
    share_db = 10 * math.log10(max(float(energy.sum()) / max(mix_power, 1e-30), 1e-12))
    left, right = np.sqrt(energy / np.maximum(powers.sum(axis=1), 1e-30)).tolist()
    if is_stereo:
        level, pan = max(left, right), _balance(left, right)
    else:
        level, pan = math.hypot(left, right), 4 / math.pi * math.atan2(right, left) - 1
    level_db = 20 * math.log10(max(level, 1e-6))
    both = np.sqrt(heard.sum(axis=0) / np.maximum(powers.sum(axis=0), 1e-30))
    scale = math.sqrt(float(energy.sum()) / max(float(powers.sum()), 1e-30))
    curve_db = np.clip(20 * np.log10(np.maximum(both / max(scale, 1e-9), 1e-3)), -_STEEPEST_DB, _STEEPEST_DB)
    band_db = 10 * np.log10(heard.sum(axis=0) / max(float(heard.sum(axis=0).max()), 1e-30) + 1e-12)
    weights = np.clip((band_db + _HEARD_DB) / 20, 0, 1)
    return TrackBalance(level_db, pan, curve_db, weights, share_db, share_db < _SILENT_DB)


def _balance(left: float, right: float) -> float:
    """The balance of a stereo track: one side is left as it is."""
    if max(left, right) <= 0:
        return 0.0
    size = 2 / math.pi * math.acos(min(1.0, min(left, right) / max(left, right)))
    return size if right > left else -size
