"""The features and distance of :mod:`mixbridge.runtime.model.features`, differentiable, for training.

Constants, filters, window and weights come from there; this file adds nothing but gradients and batches.
Loudness is matched, if at all, by whoever calls.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor

from ...presets.errors import AudioError
from ...runtime.model.features import (
    AMPLITUDE_FLOOR,
    DEFAULT_WEIGHTS,
    FFT_SIZE,
    HOP,
    LOG_FLOOR,
    MIN_SAMPLES,
    Weights,
    bark_filters,
    hann_window,
)

_DB_PER_NEPER = 20 / math.log(10)


class TorchFeatures(NamedTuple):
    """Features of a batch of stereo mixes; `...` is the batch.

    Attributes:
        rms: of left and right, shape (..., 2).
        crest_db: peak over rms, shape (..., 2).
        width: power of left - right over power of left + right, shape (...).
        imbalance: (right - left) / (right + left) in power, shape (...).
        bark: log magnitude in Bark bands of left + right and left - right, shape (..., 24, 2).
    """

    rms: Tensor
    crest_db: Tensor
    width: Tensor
    imbalance: Tensor
    bark: Tensor


class FeatureTerms(NamedTuple):
    """The weighted terms of the loss, scalars, averaged over the batch."""

    rms: Tensor
    crest: Tensor
    width: Tensor
    imbalance: Tensor
    bark: Tensor

    @property
    def total(self) -> Tensor:
        """Gives the sum of the terms."""
        return torch.stack(tuple(self)).sum()


def torch_features(audio: Tensor, sample_rate_hz: int = 44100) -> TorchFeatures:
    """Measure a batch of stereo mixes.

    Args:
        audio: samples, shape (..., 2, samples), full scale 1.0, at least 16385 samples.
        sample_rate_hz: of the audio.

    Raises:
        AudioError: not stereo, or too short.
    """
    if audio.ndim < 2 or audio.shape[-2] != 2 or audio.shape[-1] < MIN_SAMPLES:
        raise AudioError(
            f"the feature loss needs stereo of at least {MIN_SAMPLES} samples, shape (..., 2, samples), "
            f"but got shape {tuple(audio.shape)}"
        )
    left, right = audio.unbind(-2)
    mid_side = torch.stack([left + right, left - right], dim=-2)
    power = audio.square().mean(-1)
    mid_power, side_power = mid_side.square().mean(-1).unbind(-1)
    left_power, right_power = power.unbind(-1)
    # The floor stands under the root, where it also keeps the gradient of silence finite.
    rms = power.clamp(min=AMPLITUDE_FLOOR**2).sqrt()
    peak = audio.abs().amax(-1).clamp(min=AMPLITUDE_FLOOR)
    return TorchFeatures(
        rms=rms,
        crest_db=_DB_PER_NEPER * torch.log(peak / rms),
        width=side_power / mid_power.clamp(min=AMPLITUDE_FLOOR**2),
        imbalance=(right_power - left_power) / (left_power + right_power).clamp(min=AMPLITUDE_FLOOR**2),
        bark=_bark(mid_side, sample_rate_hz),
    )


def feature_loss(
    mix: Tensor, reference: Tensor, sample_rate_hz: int = 44100, weights: Weights = DEFAULT_WEIGHTS
) -> FeatureTerms:
    """Measures the distance between mixes and references that they may be trained towards.

    Args:
        mix: shape (..., 2, samples).
        reference: shape (..., 2, samples); its length may differ, for only features are compared.
        sample_rate_hz: of both.
        weights: of the terms.

    Raises:
        AudioError: one of them is not stereo, or too short.
    """
    a, b = torch_features(mix, sample_rate_hz), torch_features(reference, sample_rate_hz)
    return FeatureTerms(
        rms=weights.rms * (a.rms - b.rms).square().mean(),
        crest=weights.crest * (a.crest_db - b.crest_db).square().mean(),
        width=weights.width * (a.width - b.width).square().mean(),
        imbalance=weights.imbalance * (a.imbalance - b.imbalance).square().mean(),
        bark=weights.bark * (a.bark - b.bark).square().mean(),
    )


def _bark(mid_side: Tensor, sample_rate_hz: int) -> Tensor:
    """Measures Bark bands: shape (..., 2, samples) to (..., 24, 2)."""
    # Copies, because torch knows no read-only arrays.
    filters = torch.from_numpy(bark_filters(sample_rate_hz).copy()).to(mid_side)
    window = torch.from_numpy(hann_window().copy()).to(mid_side)
    spectrum = torch.stft(
        mid_side.flatten(0, -2),
        FFT_SIZE,
        HOP,
        window=window,
        center=True,
        pad_mode="reflect",
        return_complex=True,
    )
    magnitude = spectrum.abs().mean(-1).reshape(*mid_side.shape[:-1], -1)
    return torch.log(magnitude @ filters + LOG_FLOOR).transpose(-1, -2)
