"""Gate, compressor, de-esser and ducking on audio, shape (batch, channels, samples); the laws are the runtime's.

The louder channel decides for all of them. Settings are those of one stage, without its name in the paths.
"""

from __future__ import annotations

import torch
from torch import Tensor

from ...runtime.console import deesser
from ...runtime.console.effects import ducking
from .designs import band_pass
from .kernels.door import gate_gains
from .kernels.followers import compression, pole, reduction
from .kernels.motion import moved
from .kernels.sections import filtered
from .settings import NEPER_PER_DB, TwinSettings, factor


def gated(audio: Tensor, gate: TwinSettings, sample_rate_hz: int) -> Tensor:
    """Gates audio. Hold and hysteresis have no gradient; see :mod:`.kernels.door`."""
    threshold_db, ratio = gate["threshold_db"], gate["ratio"]
    range_db = torch.where(ratio > 1, gate["range_db"], torch.zeros_like(ratio))
    settings = _rows(
        threshold_db * NEPER_PER_DB,
        range_db * NEPER_PER_DB,
        ratio - 1,
        pole(gate["attack_ms"], sample_rate_hz),
        pole(gate["release_ms"], sample_rate_hz),
    )
    closes = (threshold_db - gate["hysteresis_db"]) * NEPER_PER_DB
    hold = torch.round(gate["hold_ms"] * sample_rate_hz / 1000)
    gains = gate_gains(_loudest(audio), settings, _rows(closes, hold).detach(), sample_rate_hz)
    return audio * gains[:, None]


def compressed(audio: Tensor, compressor: TwinSettings, sample_rate_hz: int) -> Tensor:
    """Compresses audio, makeup included; look-ahead moves the gain, and needs as much silence behind the audio."""
    settings = _rows(
        (compressor["threshold_db"] - compressor["knee_db"] / 2) * NEPER_PER_DB,
        compressor["knee_db"] * NEPER_PER_DB,
        1 / compressor["ratio"] - 1,
        pole(compressor["attack_ms"], sample_rate_hz),
        pole(compressor["release_ms"], sample_rate_hz),
    )
    gains = compression(_loudest(audio), settings)
    early = compressor["lookahead_ms"] * sample_rate_hz / 1000
    if early.requires_grad or bool((early > 0).any()):
        gains = moved(gains, -early)
    makeup = factor(compressor["makeup_db"]).to(audio.dtype)
    return audio * (gains * makeup[:, None])[:, None]


def deessed(audio: Tensor, settings: TwinSettings, sample_rate_hz: int) -> Tensor:
    """Turns sibilance down in its band."""
    band = filtered(audio, band_pass(settings["freq_hz"], sample_rate_hz))
    gains = _reduction(band, settings, deesser.ATTACK_MS, deesser.RELEASE_MS, 1.0, sample_rate_hz)
    return audio - (1 - gains)[:, None] * band


def ducked(sends: Tensor, wet: Tensor, settings: TwinSettings, sample_rate_hz: int) -> Tensor:
    """Turns an effect's return down while what feeds it is loud."""
    gains = _reduction(sends, settings, ducking.ATTACK_MS, ducking.RELEASE_MS, ducking.SLOPE, sample_rate_hz)
    return wet * gains[:, None]


def _reduction(
    audio: Tensor, settings: TwinSettings, attack_ms: float, release_ms: float, slope: float, sample_rate_hz: int
) -> Tensor:
    threshold = settings["threshold_db"] * NEPER_PER_DB
    rows = _rows(
        threshold,
        settings["range_db"] * NEPER_PER_DB,
        torch.full_like(threshold, slope),
        pole(attack_ms, sample_rate_hz).expand_as(threshold),
        pole(release_ms, sample_rate_hz).expand_as(threshold),
    )
    return reduction(_loudest(audio), rows)


def _rows(*columns: Tensor) -> Tensor:
    return torch.stack([column.to(torch.float64) for column in columns], dim=1)


def _loudest(audio: Tensor) -> Tensor:
    """The detector's input: the louder channel, shape (batch, samples)."""
    size = audio.abs()
    loudest = size[:, 0]
    for channel in range(1, size.shape[1]):
        loudest = torch.maximum(loudest, size[:, channel])
    return loudest
