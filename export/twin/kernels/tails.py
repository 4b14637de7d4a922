"""Tails of noise that decay in bands: what reverb and fx bus are made of, quickly and differentiably.

The runtime splits noise into bands with a spectrum as long as the tail. Here a room's bands of some length are kept,
and a tail takes as much of them as it needs: the same noise.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ....runtime.console.effects import bands, room
from .applying import applied
from .compiled import Values, Wave, compiled, reassociated

# Energies are kept for steps of half a millisecond.
HOP = room.KEPT_STEP
_FEWEST_STEPS = 1 + room.SHORTEST_FRAMES // HOP
_CORRECTIONS = room.CORRECTIONS
_LEAST, _MOST = room.CORRECTION_FACTORS


def room_bands(seed: int, frames: int) -> tuple[Wave, Values]:
    """Gives the bands of a room's noise, at least so many frames, and their energies in steps.

    Returns:
        Shapes (frames, 2, bands) and (steps, 2, bands).
    """
    return _kept(seed, room.kept_frames(frames))


def fx_bands(seed: int, frames: int) -> Wave:
    """Gives the bands of the fx bus's noise, just so many frames, shape (frames, 2, bands).

    It is loud from its first sample on, and that depends on the length of the spectrum.
    """
    from scipy.fft import irfft, rfft

    spectrum = rfft(bands.fx_noise(seed, frames))
    return _wave([irfft(spectrum * weight, frames) for weight in bands.fx_band_weights(frames)])


def decaying(noise: Wave, slopes: Tensor, gains: Tensor, frames: int) -> Tensor:
    """Adds up bands of noise, each falling by its slope.

    Args:
        noise: shape (frames, 2, bands).
        slopes: decades of amplitude in a sample, shape (2, bands), float64.
        gains: at the start, shape (bands,), float64.
        frames: of the result.

    Returns:
        Shape (2, frames), float64.
    """
    return applied(_Decaying, noise, slopes, gains, frames)


def corrected_slopes(energies: Values, growth: Values, decays_s: Values) -> Values:
    """Finds the slopes with which bands decay in their times as measured; decades a second, shape (2, bands).

    Narrow bands of noise swell and shrink by themselves. Measured as the runtime does it, in steps instead of samples.

    Args:
        energies: of the bands, shape (steps, 2, bands).
        growth: by which the tail is multiplied, shape (steps,).
        decays_s: that are wanted, shape (bands,).
    """
    slopes = np.empty(energies.shape[1:])
    _correct(energies, growth, decays_s, HOP / room.ROOM_RATE_HZ, slopes)
    return slopes


# A search goes through several lengths and back; the rooms of many pairs of one engineer have few.
@lru_cache(maxsize=12)
def _kept(seed: int, frames: int) -> tuple[Wave, Values]:
    noise = _wave(list(room.room_bands(seed, frames)))
    energies = np.square(noise.astype(np.float64)).reshape(-1, HOP, *noise.shape[1:]).sum(axis=1)
    return noise, energies


def _wave(parts: Sequence[Values]) -> Wave:
    """Turn bands of shape (2, frames) into one array of shape (frames, 2, bands)."""
    return np.ascontiguousarray(np.stack(parts, axis=-1).transpose(1, 0, 2), np.float32)


class _Decaying(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, noise: Wave, slopes: Tensor, gains: Tensor, frames: int) -> Tensor:
        ctx.save_for_backward(slopes, gains)
        ctx.noise = noise
        tail = np.empty((2, frames))
        _decay(noise, 10 ** -slopes.detach().numpy(), gains.detach().numpy(), tail)
        return torch.from_numpy(tail)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[None, Tensor, Tensor, None]:
        slopes, gains = ctx.saved_tensors
        by_slope, by_gain = np.zeros(slopes.shape), np.zeros(slopes.shape)
        gradient = gradients[0].contiguous().numpy()
        _decay_back(ctx.noise, 10 ** -slopes.detach().numpy(), gradient, by_slope, by_gain)
        by_slope *= -math.log(10) * gains.detach().numpy()
        return None, torch.from_numpy(by_slope), torch.from_numpy(by_gain.sum(axis=0)), None


@reassociated
def _decay(noise: Wave, shrink: Values, gains: Values, tail: Values) -> None:
    count = len(gains)
    for side in range(2):
        heights, shrinks = gains.copy(), shrink[side].copy()
        for n in range(tail.shape[1]):
            total = 0.0
            for band in range(count):
                total += noise[n, side, band] * heights[band]
                heights[band] *= shrinks[band]
            tail[side, n] = total


@reassociated
def _decay_back(noise: Wave, shrink: Values, gradient: Values, by_slope: Values, by_gain: Values) -> None:
    count = shrink.shape[1]
    for side in range(2):
        heights, shrinks = np.ones(count), shrink[side].copy()
        level, moment = np.zeros(count), np.zeros(count)
        for n in range(gradient.shape[1]):
            g = gradient[side, n]
            late = g * n
            for band in range(count):
                value = noise[n, side, band] * heights[band]
                level[band] += g * value
                moment[band] += late * value
                heights[band] *= shrinks[band]
        by_gain[side], by_slope[side] = level, moment


@compiled
def _correct(energies: Values, growth: Values, decays_s: Values, step_s: float, slopes: Values) -> None:
    for side in range(energies.shape[1]):
        for band in range(energies.shape[2]):
            wanted = 3 / decays_s[band]
            slope = wanted
            for _ in range(_CORRECTIONS):
                slope += wanted - _measured(energies[:, side, band], growth, slope, step_s, wanted)
                slope = min(max(slope, _LEAST * wanted), _MOST * wanted)
            slopes[side, band] = slope


@compiled
def _measured(energies: Values, growth: Values, slope: float, step_s: float, otherwise: float) -> float:
    """Decades of amplitude in a second, from 5 to 35 dB below the start of the energy that is left (ISO 3382)."""
    steps = len(growth)
    left = np.empty(steps + 1)
    left[steps] = 0.0
    height, shrink = 10 ** (-slope * step_s), 10 ** (-2 * slope * step_s)
    for n in range(steps):
        left[n] = energies[n] * growth[n] ** 2 * height
        height *= shrink
    for n in range(steps - 1, -1, -1):
        left[n] += left[n + 1]
    begin = end = -1
    for n in range(steps + 1):
        if begin < 0 and left[n] < left[0] * 10**-0.5:
            begin = n
        if left[n] < left[0] * 10**-3.5:
            end = n
            break
    if end - begin < _FEWEST_STEPS:
        return otherwise
    count, times, logs = end - begin, 0.0, 0.0
    for n in range(begin, end):
        times += n
        logs += math.log10(left[n])
    product, square = 0.0, 0.0
    for n in range(begin, end):
        product += (n - times / count) * (math.log10(left[n]) - logs / count)
        square += (n - times / count) ** 2
    return -product / square / step_s / 2
