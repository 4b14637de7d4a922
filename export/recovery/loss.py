"""How far a rendered passage is from the mixed one: spectra of several window lengths, loudness over time.

Left, right, middle and side count alike. Written here instead of taken from `auraloss`: what is wanted is analysed
once, middle and side follow from left and right without a transform of their own, and sound before the passage (where
the tails of what was before it are missing) is left out; the measures (spectral convergence, L1 of logarithms) are the
same.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from torch import Tensor

from ...runtime.audio.loudness import k_weights

SIZES: Final = (512, 2048, 8192)
_LOUDNESS_SIZE: Final = 2048
_FLOOR_DB = -70.0
_LOUDNESS_WEIGHT = 0.02
_BAND_SIZE, _BANDS_PER_OCTAVE, _LOWEST_HZ = 8192, 3, 45.0
# Bands this far below the loudest are not heard beside it.
_BAND_FLOOR_DB = -60.0
# A side quieter than this against the middle is that of a mono recording; so is a middle against the side.
_SIDE_DB = -60.0


@dataclass(frozen=True)
class Wanted:
    """The mixed passage at one window length.

    Attributes:
        size: of the window.
        windows: weights.
        magnitudes: shape (4, bins, frames).
        logs: of them.
        floor: below which nothing is told apart, shape (4, 1, 1).
        norms: shape (4,).
    """

    size: int
    window: Tensor
    magnitudes: Tensor
    logs: Tensor
    floor: Tensor
    norms: Tensor


class SpectralLoss:
    """Measures the distance to a mixed passage.

    Args:
        mixed: shape (2, samples).
        sample_rate_hz: of it.
        skipped: samples at its begin that do not count.
        sizes: lengths of the windows.
        band_weight: how much levels in thirds of octaves count beside it. Bins lie as ears do not hear: an octave of
            the lows has a hundredth of them. 0 gives the plain distance.
    """

    def __init__(
        self,
        mixed: Tensor,
        sample_rate_hz: int,
        skipped: int = 0,
        sizes: tuple[int, ...] = SIZES,
        band_weight: float = 0.0,
    ):
        self._skipped = skipped
        self._wanted = [_wanted(mixed[:, skipped:], size) for size in sizes]
        freqs_hz = np.fft.rfftfreq(_LOUDNESS_SIZE, 1 / sample_rate_hz).astype(np.float64)
        self._weights = torch.from_numpy(k_weights(freqs_hz, sample_rate_hz)).float()[:, None]
        loud = next((each for each in self._wanted if each.size == _LOUDNESS_SIZE), self._wanted[0])
        self._loudness = self._loudness_db(loud, loud.magnitudes)
        self._band_weight, self._bands = band_weight, _band_rows(sample_rate_hz)
        longest = next((each for each in self._wanted if each.size == _BAND_SIZE), None)
        if longest is None or not band_weight:
            self._band_weight, self._band_floor, self._band_logs = 0.0, torch.zeros(()), torch.zeros(())
        else:
            power = self._bands @ longest.magnitudes[:2].square().sum(0)
            self._band_floor = power.amax() * 10 ** (_BAND_FLOOR_DB / 10) + 1e-12
            self._band_logs = torch.log(power + self._band_floor)
        norms = torch.stack([each.norms for each in self._wanted]).mean(0)
        least = 10 ** (_SIDE_DB / 20)
        has_middle, has_side = bool(norms[2] > least * norms[3]), bool(norms[3] > least * norms[2])
        self._channels = torch.tensor([1.0, 1.0, float(has_middle), float(has_side)])
        self._channels /= self._channels.sum()

    def __call__(self, rendered: Tensor) -> Tensor:
        """Measures a rendered passage, shape (1, 2, samples); a scalar."""
        audio = rendered[0, :, self._skipped :]
        total = torch.zeros(())
        for wanted in self._wanted:
            there = _magnitudes(audio, wanted)
            logs = (torch.log(there + wanted.floor) - wanted.logs).abs().mean(dim=(1, 2))
            shape = torch.linalg.vector_norm(there - wanted.magnitudes, dim=(1, 2)) / wanted.norms
            total = total + ((logs + shape) * self._channels).sum()
            if wanted.size == _LOUDNESS_SIZE:
                error = self._loudness_db(wanted, there) - self._loudness
                total = total + _LOUDNESS_WEIGHT * (error.abs().mean() + error.std())
            if wanted.size == _BAND_SIZE and self._band_weight:
                power = self._bands @ there[:2].square().sum(0)
                error = torch.log(power + self._band_floor) - self._band_logs
                # Of logarithms of powers; the others are of magnitudes.
                total = total + self._band_weight * len(self._wanted) * 0.5 * error.abs().mean()
        return total / len(self._wanted)

    def _loudness_db(self, wanted: Wanted, magnitudes: Tensor) -> Tensor:
        power = (magnitudes[:2].square().sum(0) * self._weights).sum(0) if wanted.size == _LOUDNESS_SIZE else None
        if power is None:
            return torch.zeros(1)
        return 10 * torch.log10(power + wanted.floor[2, 0, 0].square() * wanted.size)


def _band_rows(sample_rate_hz: int) -> Tensor:
    """Which bins are in which third of an octave, shape (bands, bins)."""
    freqs_hz = np.fft.rfftfreq(_BAND_SIZE, 1 / sample_rate_hz)
    count = int(_BANDS_PER_OCTAVE * np.log2(0.42 * sample_rate_hz / _LOWEST_HZ))
    number = np.floor(_BANDS_PER_OCTAVE * np.log2(np.maximum(freqs_hz, 1e-3) / _LOWEST_HZ))
    return torch.from_numpy(np.float32(number[None] == np.arange(count)[:, None]))


def _wanted(mixed: Tensor, size: int) -> Wanted:
    window = torch.hann_window(size)
    empty = torch.zeros(())
    plain = _magnitudes(mixed, Wanted(size, window, empty, empty, empty, empty))
    floor = (plain.amax(dim=(1, 2)) * 10 ** (_FLOOR_DB / 20)).clamp(min=1e-7)
    floor[3] = floor[2]
    floor = floor[:, None, None]
    norms = torch.linalg.vector_norm(plain, dim=(1, 2)).clamp(min=1e-6)
    return Wanted(size, window, plain, torch.log(plain + floor), floor, norms)


def _magnitudes(audio: Tensor, wanted: Wanted) -> Tensor:
    """Magnitudes of left, right, middle and side, shape (4, bins, frames)."""
    # A second at 8 kHz is shorter than the longest window.
    audio = torch.nn.functional.pad(audio, (0, max(0, wanted.size + 1 - audio.shape[1])))
    spectrum = torch.stft(audio, wanted.size, wanted.size // 2, window=wanted.window, center=False, return_complex=True)
    real, imaginary = torch.view_as_real(spectrum).unbind(-1)
    power = real.square() + imaginary.square()
    mean = power.mean(0) / 2
    cross = (real[0] * real[1] + imaginary[0] * imaginary[1]) / 2
    # Of sides that are alike, or turned to each other, one of the two is rounding.
    four = torch.stack([power[0], power[1], (mean + cross).clamp(min=0), (mean - cross).clamp(min=0)])
    return (four + 1e-14).sqrt()
