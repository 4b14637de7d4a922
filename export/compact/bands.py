"""Band power: what the compact model hears, and the currency in which it is trained.

A waveform becomes the power of 64 mel-spaced bands per frame, for left, right, and their product; mid and side
follow from those three. The transform is part of the exported graph, so it is made of matrix products only: ONNX's
STFT and DFT have no CUDA kernels, and a Conv1d over 2048 taps costs eight times more. A 2048-point DFT is split once
in the way of Cooley and Tukey (64 x 32), and only the half that a real signal needs is computed.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

SAMPLE_RATE_HZ = 44100
FFT_LENGTH = 2048
HOP_LENGTH = 1024  # between transforms
FRAME_LENGTH = 2048  # two transforms are averaged to a frame: half the work, and no transient falls between windows
BAND_COUNT = 64
FEATURE_ROWS = 4 * BAND_COUNT
WINDOW_SAMPLES = 262144
REFERENCE_SAMPLES = 2 * WINDOW_SAMPLES  # a song's reference tells more of who plays what if more of it is heard
_OUTER, _INNER = 64, 32  # FFT_LENGTH = _OUTER * _INNER
_LOW_HZ, _HIGH_HZ = 20.0, 20000.0
# 70 dB below the passage's mean: quieter bands are noise floor and carry no mixing decision.
_FLOOR = 1e-7
# Left and right that are the same cancel in the side but for rounding, which differs between torch and onnxruntime.
_ROUNDING = 1e-6


@dataclass(frozen=True)
class BandPowers:
    """Power in bands over time.

    Attributes:
        left: shape (..., bands, frames).
        right: likewise.
        cross: real part of left times conjugate of right; equal to both where the signal is mono.
    """

    left: Tensor
    right: Tensor
    cross: Tensor

    @property
    def mid(self) -> Tensor:
        """Gives the power of (L + R) / 2."""
        both = self.left + self.right
        return ((both + 2 * self.cross) / 4 - _ROUNDING * both).clamp(min=0)

    @property
    def side(self) -> Tensor:
        """Gives the power of (L - R) / 2."""
        both = self.left + self.right
        return ((both - 2 * self.cross) / 4 - _ROUNDING * both).clamp(min=0)

    def map(self, change: Callable[[Tensor], Tensor]) -> BandPowers:
        """Applies a function to left, right and cross."""
        return BandPowers(change(self.left), change(self.right), change(self.cross))

    @classmethod
    def joined(cls, parts: Sequence[BandPowers], dim: int = 0) -> BandPowers:
        """Joins parts, one behind the other."""
        left, right, cross = zip(*((part.left, part.right, part.cross) for part in parts), strict=True)
        return cls(torch.cat(left, dim), torch.cat(right, dim), torch.cat(cross, dim))

    def scaled(self, left: Tensor, right: Tensor) -> BandPowers:
        """Multiplies each channel by an amplitude, broadcast over bands and frames."""
        return BandPowers(self.left * left * left, self.right * right * right, self.cross * left * right)


def band_centres_hz() -> Tensor:
    """Gives the centre of each band, shape (bands,)."""
    return _mel_edges_hz()[1:-1].float()


def relative_rows(powers: BandPowers) -> Tensor:
    """Gives the power of left, right, mid and side over the passage's own mean.

    Args:
        powers: shape (..., bands, frames).

    Returns:
        Shape (..., 4 * bands, frames).
    """
    total = (powers.left + powers.right).sum(-2, keepdim=True).mean(-1, keepdim=True) / 2
    return torch.cat((powers.left, powers.right, powers.mid, powers.side), dim=-2) / (total + 1e-20)


def features(rows: Tensor) -> Tensor:
    """Gives what the encoders see: the logarithm of :func:`relative_rows`, about -1..1."""
    return (torch.log10(rows + _FLOOR) + 3.5) / 2.5


class BandPowerTransform(nn.Module):
    """Waveform to :class:`BandPowers`."""

    outer_cos: Tensor
    outer_sin: Tensor
    twiddle_cos: Tensor
    twiddle_sin: Tensor
    inner_cos: Tensor
    inner_sin: Tensor
    window: Tensor
    filters: Tensor

    def __init__(self) -> None:
        super().__init__()
        n, n1, n2 = FFT_LENGTH, _OUTER, _INNER
        k1 = torch.arange(n1 // 2 + 1, dtype=torch.float64)
        a = torch.outer(k1, torch.arange(n1, dtype=torch.float64)) * (-2 * math.pi / n1)
        twiddle = torch.outer(k1, torch.arange(n2, dtype=torch.float64)) * (-2 * math.pi / n)
        inner = torch.arange(n2, dtype=torch.float64)
        b = torch.outer(inner, inner) * (-2 * math.pi / n2)
        for name, angle in (("outer", a), ("twiddle", twiddle), ("inner", b)):
            self.register_buffer(f"{name}_cos", torch.cos(angle).float(), persistent=False)
            self.register_buffer(f"{name}_sin", torch.sin(angle).float(), persistent=False)
        window = torch.hann_window(n, periodic=True, dtype=torch.float64)
        scale = 1 / torch.sqrt((window**2).sum() * n / 2)  # so that the bands sum to the mean square
        self.register_buffer("window", (window * scale).float(), persistent=False)
        self.register_buffer("filters", _folded_filters(), persistent=False)

    def forward(self, audio: Tensor) -> BandPowers:
        """Analyse.

        Args:
            audio: shape (items, 1 or 2, samples) at 44.1 kHz, at least 3072 samples; a mono signal costs half.

        Returns:
            Powers of shape (items, bands, frames), frames = (samples // 1024 - 1) // 2.
        """
        real, imag = self._spectrum(audio)
        power = torch.unflatten(self._in_bands((real**2 + imag**2).flatten(0, 1)), 0, real.shape[:2])
        cross = self._in_bands(real[:, 0] * real[:, -1] + imag[:, 0] * imag[:, -1])
        left, right = power[:, 0], power[:, -1]
        return BandPowers(left, right, cross)

    def _spectrum(self, audio: Tensor) -> tuple[Tensor, Tensor]:
        """Computes half of the bins, in the order in which the folded filters expect them."""
        blocks = audio.shape[-1] // HOP_LENGTH
        blocked = torch.unflatten(audio[..., : blocks * HOP_LENGTH], -1, (-1, HOP_LENGTH))
        frames = torch.cat((blocked[:, :, :-1], blocked[:, :, 1:]), dim=-1) * self.window
        grid = torch.unflatten(frames, -1, (_OUTER, _INNER))
        real, imag = self.outer_cos @ grid, self.outer_sin @ grid
        turned_real = real * self.twiddle_cos - imag * self.twiddle_sin
        turned_imag = real * self.twiddle_sin + imag * self.twiddle_cos
        out_real = turned_real @ self.inner_cos - turned_imag @ self.inner_sin
        out_imag = turned_real @ self.inner_sin + turned_imag @ self.inner_cos
        return out_real.flatten(-2), out_imag.flatten(-2)

    def _in_bands(self, power: Tensor) -> Tensor:
        bands = (power @ self.filters).transpose(-1, -2)
        return functional.avg_pool1d(bands, FRAME_LENGTH // HOP_LENGTH)


def _mel_edges_hz() -> Tensor:
    def mel(hz: float) -> float:
        return 2595 * math.log10(1 + hz / 700)

    points = torch.linspace(mel(_LOW_HZ), mel(_HIGH_HZ), BAND_COUNT + 2, dtype=torch.float64)
    return 700 * (10 ** (points / 2595) - 1)


def _folded_filters() -> Tensor:
    """Makes triangular bands over the computed bins k1 + 64 k2 (k1 <= 32), shape (33 * 32, bands).

    A bin above the middle mirrors the one at N - k. Where both were computed (k1 = 0 and 32) each gets half the weight.
    """
    n, n1, n2 = FFT_LENGTH, _OUTER, _INNER
    bins_hz = torch.arange(n // 2 + 1, dtype=torch.float64) * SAMPLE_RATE_HZ / n
    edges = _mel_edges_hz()
    low, centre, high = edges[:-2], edges[1:-1], edges[2:]
    rise = (bins_hz[:, None] - low) / (centre - low)
    fall = (high - bins_hz[:, None]) / (high - centre)
    weights = torch.minimum(rise, fall).clamp(min=0)
    k = (torch.arange(n1 // 2 + 1)[:, None] + n1 * torch.arange(n2)[None, :]).flatten()
    mirrored = torch.minimum(k, n - k)
    count = torch.bincount(mirrored, minlength=n // 2 + 1)
    return (weights[mirrored] / count[mirrored][:, None]).float()
