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
# Sides quieter than this are those of a mono recording.
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
    """

    def __init__(self, mixed: Tensor, sample_rate_hz: int, skipped: int = 0, sizes: tuple[int, ...] = SIZES):
        self._skipped = skipped
        self._wanted = [_wanted(mixed[:, skipped:], size) for size in sizes]
        freqs_hz = np.fft.rfftfreq(_LOUDNESS_SIZE, 1 / sample_rate_hz).astype(np.float64)
        self._weights = torch.from_numpy(k_weights(freqs_hz, sample_rate_hz)).float()[:, None]
        loud = next((each for each in self._wanted if each.size == _LOUDNESS_SIZE), self._wanted[0])
        self._loudness = self._loudness_db(loud, loud.magnitudes)
        norms = torch.stack([each.norms for each in self._wanted]).mean(0)
        side = bool(norms[3] > 10 ** (_SIDE_DB / 20) * norms[2])
        self._channels = torch.tensor([1.0, 1.0, 1.0, 1.0 if side else 0.0])
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
        return total / len(self._wanted)

    def _loudness_db(self, wanted: Wanted, magnitudes: Tensor) -> Tensor:
        power = (magnitudes[:2].square().sum(0) * self._weights).sum(0) if wanted.size == _LOUDNESS_SIZE else None
        if power is None:
            return torch.zeros(1)
        return 10 * torch.log10(power + wanted.floor[2, 0, 0].square() * wanted.size)


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
    spectrum = torch.stft(audio, wanted.size, wanted.size // 2, window=wanted.window, center=False, return_complex=True)
    real, imaginary = torch.view_as_real(spectrum).unbind(-1)
    power = real.square() + imaginary.square()
    mean = power.mean(0) / 2
    cross = (real[0] * real[1] + imaginary[0] * imaginary[1]) / 2
    four = torch.stack([power[0], power[1], mean + cross, (mean - cross).clamp(min=0)])
    return (four + 1e-14).sqrt()
