"""The reference's mixing console in torch: Diff-MST's laws, differentiable, to train and check its models.

It takes the 0..1 outputs of a :class:`~mixbridge.export.reference.model.ReferenceModel` and mixes with them.
The laws are the reference's own, down to its look-ahead that delays the mix; what a user hears is rendered by
:mod:`mixbridge.runtime`, not here. The fx bus is left out: the reference never trained it.

A strip is a chain of stages. A stage left out of the chain is a stage that does nothing.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce

import torch
from torch import Tensor

from ...presets.console import EQ_BANDS
from ...runtime.model.layout import Layout, Output, reference_layout

# Audio of shape (..., channels, samples), settings in units of shape (...), sample rate in Hz.
Settings = Mapping[str, Tensor]
Stage = Callable[[Tensor, Settings, int], Tensor]
# Numerator and denominator of a biquad, each of shape (..., 3).
Biquad = tuple[Tensor, Tensor]

_DETECTOR_FLOOR = 1e-8


def denormalize_tensor(outputs: Sequence[Output], unit_values: Tensor) -> dict[str, Tensor]:
    """Converts outputs to settings in their own units, by path.

    Args:
        outputs: one head of a layout.
        unit_values: shape (..., outputs), 0..1.

    Returns:
        A tensor of shape (...) for each path.
    """
    columns = zip(outputs, unit_values.unbind(-1), strict=True)
    return {output.path: _denormalized(output, column) for output, column in columns}


def equalize(audio: Tensor, settings: Settings, sample_rate_hz: int) -> Tensor:
    """Applies six filters in series, in the frequency domain.

    Args:
        audio: shape (..., channels, samples).
        settings: `eq.*` of the console's table, each of shape (...).
        sample_rate_hz: of the audio.
    """
    fft_size = _fft_size(audio.shape[-1])
    responses = []
    for band in EQ_BANDS:
        gain_db, freq_hz, q = (settings[f"eq.{band}.{name}"].double() for name in ("gain_db", "freq_hz", "q"))
        numerator, denominator = _FILTERS.get(band, _peak)(gain_db, freq_hz, q, sample_rate_hz)
        responses.append(_response(numerator, denominator, fft_size))
    return _filter(audio, reduce(torch.mul, responses).unsqueeze(-2), fft_size)


@dataclass(frozen=True)
class ReferenceCompressor:
    """A stage: feed-forward compressor with a soft knee, one detector for all channels, and look-ahead.

    Its gain is smoothed in dB by one pole with the attack time; the release is ignored, as in the reference.

    Attributes:
        lookahead_samples: by how much the signal, and so the output, is late against the gain.
    """

    lookahead_samples: int

    def __call__(self, audio: Tensor, settings: Settings, sample_rate_hz: int) -> Tensor:
        """Compress audio of shape (..., channels, samples) with `compressor.*` of shape (...)."""
        threshold_db, ratio, attack_ms, knee_db, makeup_db = (
            settings[f"compressor.{name}"].unsqueeze(-1)
            for name in ("threshold_db", "ratio", "attack_ms", "knee_db", "makeup_db")
        )
        level_db = 20 * torch.log10(audio.sum(-2).abs().clamp(min=_DETECTOR_FLOOR))
        static_db = _reduction_db(level_db - threshold_db, ratio, knee_db)
        gain_db = _smooth(static_db, attack_ms, sample_rate_hz) + makeup_db
        gain = 10 ** (gain_db / 20)
        return _delay(audio, self.lookahead_samples) * gain.unsqueeze(-2)


TRACK_STAGES: tuple[Stage, ...] = (equalize, ReferenceCompressor(lookahead_samples=2048))
MASTER_STAGES: tuple[Stage, ...] = (equalize, ReferenceCompressor(lookahead_samples=1024))


@dataclass(frozen=True)
class ReferenceConsole:
    """The reference's console.

    Attributes:
        sample_rate_hz: of the audio; the upper limits of two filters depend on it.
        track_stages: what stands between a track's input gain and its pan.
        master_stages: what stands between the master's input gain and its output gain.
    """

    sample_rate_hz: int = 44100
    track_stages: tuple[Stage, ...] = TRACK_STAGES
    master_stages: tuple[Stage, ...] = MASTER_STAGES

    @property
    def layout(self) -> Layout:
        """Tells what the parameters mean, in their order."""
        return reference_layout(self.sample_rate_hz)

    def sum_tracks(self, tracks: Tensor, track_params: Tensor) -> Tensor:
        """Sums the tracks, through their strips and panned: what the master receives.

        Args:
            tracks: mono tracks, shape (..., tracks, samples).
            track_params: 0..1, shape (..., tracks, 27).

        Returns:
            Stereo, shape (..., 2, samples), late by the look-ahead of the tracks' compressors.
        """
        settings = denormalize_tensor(self.layout.track, track_params)
        audio = tracks.unsqueeze(-2) * _amplitude(settings["input_gain_db"])
        for stage in self.track_stages:
            audio = stage(audio, settings, self.sample_rate_hz)
        return (audio * _pan_gains(settings["pan"]).unsqueeze(-1)).sum(-3)

    def mix(self, tracks: Tensor, track_params: Tensor, master_bus_params: Tensor) -> Tensor:
        """Mix tracks to stereo.

        Args:
            tracks: mono tracks, shape (..., tracks, samples).
            track_params: 0..1, shape (..., tracks, 27).
            master_bus_params: 0..1, shape (..., 26).

        Returns:
            The mix, shape (..., 2, samples), late by the compressors' look-ahead.
        """
        settings = denormalize_tensor(self.layout.master, master_bus_params)
        audio = self.sum_tracks(tracks, track_params) * _amplitude(settings["input_gain_db"])
        for stage in self.master_stages:
            audio = stage(audio, settings, self.sample_rate_hz)
        return audio * _amplitude(settings["output_gain_db"])


def _denormalized(output: Output, unit_value: Tensor) -> Tensor:
    if output.scale == "log":
        return output.low * (output.high / output.low) ** unit_value
    return output.low + (output.high - output.low) * unit_value


def _amplitude(gain_db: Tensor) -> Tensor:
    """Gives the factor of shape (..., 1, 1), to multiply audio of shape (..., channels, samples)."""
    return (10 ** (gain_db / 20))[..., None, None]


def _pan_gains(pan: Tensor) -> Tensor:
    """Gives the gains of left and right, shape (..., 2): half way between power and linear law, -4.5 dB centred."""
    right_share = (pan + 1) / 2
    angle = right_share * (math.pi / 2)
    # Floors keep the roots' gradients finite at hard left and right.
    left = ((1 - right_share) * torch.cos(angle)).clamp(min=1e-12).sqrt()
    right = (right_share * torch.sin(angle)).clamp(min=1e-12).sqrt()
    return torch.stack([left, right], dim=-1)


def _reduction_db(over_db: Tensor, ratio: Tensor, knee_db: Tensor) -> Tensor:
    """Gives the gain that the static curve asks for at a level this far over the threshold; a parabola in the knee."""
    slope = 1 / ratio - 1
    into_knee_db = (over_db + knee_db / 2).clamp(min=0)
    knee = slope * into_knee_db.square() / (2 * knee_db)
    return torch.where(over_db > knee_db / 2, slope * over_db, knee)


def _smooth(gain_db: Tensor, time_ms: Tensor, sample_rate_hz: int) -> Tensor:
    """Smooths (..., samples) by one pole that takes this time from 10 to 90 % of a step, hence the ln 9."""
    pole = torch.exp(-math.log(9) / (sample_rate_hz * time_ms.double() / 1000))
    fft_size = _fft_size(gain_db.shape[-1])
    denominator = torch.cat([torch.ones_like(pole), -pole], dim=-1)
    return _filter(gain_db, _response(1 - pole, denominator, fft_size), fft_size)


def _delay(audio: Tensor, samples: int) -> Tensor:
    """Delays by this many samples; the same length, silence first."""
    return torch.nn.functional.pad(audio, (samples, 0))[..., : audio.shape[-1]]


def _fft_size(samples: int) -> int:
    """Gives the power of two at or above 2n - 1; what rings longer wraps around, as in the reference."""
    return 1 << (2 * samples - 2).bit_length()


def _response(numerator: Tensor, denominator: Tensor, fft_size: int) -> Tensor:
    """Computes a frequency response, shape (..., fft_size / 2 + 1), from coefficients in float64.

    Towards 0 Hz both polynomials are small differences of large numbers, and a slow pole is next to 1:
    float32 there took 7 dB off the agreement with the golden mix.
    """
    response: Tensor = torch.fft.rfft(numerator, fft_size) / torch.fft.rfft(denominator, fft_size)
    return response


def _filter(signal: Tensor, response: Tensor, fft_size: int) -> Tensor:
    spectrum = torch.fft.rfft(signal, fft_size)
    filtered: Tensor = torch.fft.irfft(spectrum * response.to(spectrum.dtype), fft_size)
    return filtered[..., : signal.shape[-1]]


def _peak(gain_db: Tensor, freq_hz: Tensor, q: Tensor, sample_rate_hz: int) -> Biquad:
    """Designs the peaking EQ of R. Bristow-Johnson's Audio EQ Cookbook."""
    A, cos, alpha = _cookbook_terms(gain_db, freq_hz, q, sample_rate_hz)
    numerator = torch.stack([1 + alpha * A, -2 * cos, 1 - alpha * A], dim=-1)
    denominator = torch.stack([1 + alpha / A, -2 * cos, 1 - alpha / A], dim=-1)
    return numerator, denominator


def _low_shelf(gain_db: Tensor, freq_hz: Tensor, q: Tensor, sample_rate_hz: int) -> Biquad:
    """Designs the low shelf of the Cookbook."""
    A, cos, alpha = _cookbook_terms(gain_db, freq_hz, q, sample_rate_hz)
    return _shelf(A, cos, alpha)


def _high_shelf(gain_db: Tensor, freq_hz: Tensor, q: Tensor, sample_rate_hz: int) -> Biquad:
    """Designs the high shelf of the Cookbook: the low shelf, mirrored in frequency (z to -z)."""
    A, cos, alpha = _cookbook_terms(gain_db, freq_hz, q, sample_rate_hz)
    mirror = A.new_tensor([1.0, -1.0, 1.0])
    numerator, denominator = _shelf(A, -cos, alpha)
    return numerator * mirror, denominator * mirror


def _shelf(A: Tensor, cos: Tensor, alpha: Tensor) -> Biquad:
    slope = 2 * A.sqrt() * alpha
    plus, minus = A + 1, A - 1
    numerator = A.unsqueeze(-1) * torch.stack(
        [plus - minus * cos + slope, 2 * (minus - plus * cos), plus - minus * cos - slope], dim=-1
    )
    denominator = torch.stack(
        [plus + minus * cos + slope, -2 * (minus + plus * cos), plus + minus * cos - slope], dim=-1
    )
    return numerator, denominator


def _cookbook_terms(gain_db: Tensor, freq_hz: Tensor, q: Tensor, sample_rate_hz: int) -> tuple[Tensor, Tensor, Tensor]:
    """Gives the Cookbook's A (root of the amplitude), cos w0 and alpha."""
    w0 = 2 * math.pi * freq_hz / sample_rate_hz
    return 10 ** (gain_db / 40), torch.cos(w0), torch.sin(w0) / (2 * q)


_FILTERS = {"low_shelf": _low_shelf, "high_shelf": _high_shelf}
