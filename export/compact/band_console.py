"""The runtime's console on band powers, differentiable: what the compact model is trained through.

Uncorrelated tracks add in power, a filter multiplies a band by |H|^2, and a compressor multiplies a frame by its
gain, so a mix costs a few hundred times less here than on samples. It follows the runtime's law (RBJ filters,
pedalboard's detector, constant-power pan), not the reference's. What it leaves out: phase between tracks,
saturation, reverb, peaks inside a frame. Quality is therefore always judged on audio that the runtime rendered
(:mod:`.evaluation`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from ...presets.console import EQ_BANDS
from .bands import FRAME_LENGTH, SAMPLE_RATE_HZ, BandPowers, band_centres_hz

Settings = Mapping[str, Tensor]
"""Values in units by dotted path of the console table; shape (batch, tracks) or (batch,) for the master."""

TRACK_LEVEL_LUFS = -24.0
_KINDS = {"low_shelf": EQ_BANDS[:1], "peak": EQ_BANDS[1:-1], "high_shelf": EQ_BANDS[-1:]}
_DB_PER_NEPER = 10 / math.log(10)
_TINY = 1e-12
# BS.1770: 400 ms gating blocks, a relative gate 10 LU under the mean of what passed the absolute one.
_BLOCK_FRAMES = round(0.4 * SAMPLE_RATE_HZ / FRAME_LENGTH)
# Envelope above the frame's RMS level, fitted to pedalboard's detector on the training stems by
# `export.calibration` (spread 3.1 dB before, 1.8 dB after): c0 + c1 * ln(release / attack) + c2 * ln(attack).
DETECTOR_OFFSET_DB = (-5.06, 2.04, 0.72)


@dataclass(frozen=True)
class SessionBatch:
    """A batch of raw sessions, each track at TRACK_LEVEL_LUFS.

    Attributes:
        powers: of the tracks that are present, session after session, shape (present tracks, bands, frames): sessions
            have few tracks or many, and padding would be half of the work.
        mono: shape (batch, tracks), whether a track is mono (panned) or stereo (balanced).
        present: shape (batch, tracks), False for padding.
        roles: what is told of each track's role, shape (batch, tracks, roles), 1 at the one or 0 at all; None for
            nothing.
    """

    powers: BandPowers
    mono: Tensor
    present: Tensor
    roles: Tensor | None = None


def mix(session: SessionBatch, strips: Settings, master: Settings) -> BandPowers:
    """Mixes to stereo under these settings, shape (batch, bands, frames); no loudness target is applied.

    Tracks are taken as uncorrelated: powers add.
    """
    present = session.present
    own = {path: value[present] for path, value in strips.items()}
    curve = _power_gain(eq_curve_db(own))
    heard = curve[..., None] * _power_gain(_squeeze_db(session.powers, curve, own))[:, None]
    fader = _amplitude(own["fader_db"])
    left, right = (side * fader for side in pan_gains(own["pan"], session.mono[present]))
    belongs = functional.one_hot(present.nonzero()[:, 0], present.shape[0]).T.to(fader.dtype)

    def bus(power: Tensor, weight: Tensor) -> Tensor:
        return ((belongs * weight) @ (power * heard).flatten(1)).reshape(-1, *power.shape[1:])

    powers = session.powers
    total = BandPowers(bus(powers.left, left * left), bus(powers.right, right * right), bus(powers.cross, left * right))
    balance = _power_gain(balance_gain_db(strips["fader_db"], session.present))[:, None, None]
    curve = _power_gain(eq_curve_db(master)) * balance[..., 0]
    gains = _power_gain(_squeeze_db(total, curve, master))
    weights = curve[..., None] * gains[..., None, :]
    return BandPowers(total.left * weights, total.right * weights, total.cross * weights)


def balance_gain_db(fader_db: Tensor, present: Tensor) -> Tensor:
    """Gives the master input gain that brings a sum of equally loud, uncorrelated tracks to the track level.

    It makes a common offset of all faders mean nothing, so that the model need not learn it. Shape (batch,).
    """
    power = (torch.exp(fader_db / _DB_PER_NEPER) * present).sum(-1)
    return -_DB_PER_NEPER * torch.log(power + _TINY)


def loudness_lufs(powers: BandPowers) -> Tensor:
    """Measures gated loudness of a passage by BS.1770's rules on band powers, shape (...)."""
    weights = k_weights(powers.left)[:, None]
    power = ((powers.left + powers.right) * weights).sum(-2)
    shape = power.shape[:-1]
    blocks = functional.avg_pool1d(power.reshape(-1, 1, power.shape[-1]), _BLOCK_FRAMES, stride=_BLOCK_FRAMES // 4)
    blocks = blocks.reshape(*shape, -1)
    loud = blocks > 10 ** ((-70 + 0.691) / 10)
    mean = (blocks * loud).sum(-1, keepdim=True) / loud.sum(-1, keepdim=True).clamp(min=1)
    loud = loud & (blocks > 0.1 * mean)
    gated = (blocks * loud).sum(-1) / loud.sum(-1).clamp(min=1)
    return _DB_PER_NEPER * torch.log(gated + _TINY) - 0.691


def eq_curve_db(settings: Settings) -> Tensor:
    """Gives the gain of the six filters at the band centres in dB, shape (..., bands)."""
    curve = torch.zeros(())
    for kind, bands in _KINDS.items():
        gain_db, freq_hz, q = (
            torch.stack([settings[f"eq.{band}.{name}"] for band in bands], dim=-1)[..., None]
            for name in ("gain_db", "freq_hz", "q")
        )
        curve = curve + _biquad_db(kind, gain_db, freq_hz, q).sum(-2)
    return curve


def compressor_gain_db(level_db: Tensor, settings: Settings) -> Tensor:
    """Computes the gain of each frame.

    Args:
        level_db: RMS level of each frame in dB, shape (..., frames).
        settings: of shape (...).
    """
    threshold, ratio, attack, release, knee = (
        settings[f"compressor.{name}"][..., None]
        for name in ("threshold_db", "ratio", "attack_ms", "release_ms", "knee_db")
    )
    c0, c1, c2 = DETECTOR_OFFSET_DB
    level = level_db + c0 + c1 * torch.log(release / attack) + c2 * torch.log(attack)
    # Time constants are ms / 2 pi: an attack is over within a frame; a release falls by a straight line in dB,
    # which a running maximum of (level + slope * time) gives without a loop over frames.
    fall_db = 20 / math.log(10) * (1000 * FRAME_LENGTH / SAMPLE_RATE_HZ) * 2 * math.pi / release
    ramp = fall_db * torch.arange(level.shape[-1], dtype=level.dtype)
    envelope = torch.cummax(level + ramp, dim=-1).values - ramp
    over = envelope - threshold
    soft = (over + knee / 2).clamp(min=0)
    bent = torch.where(over > knee / 2, over, soft * soft / (2 * knee.clamp(min=1e-3)))
    return (1 / ratio - 1) * bent


def _squeeze_db(powers: BandPowers, curve: Tensor, settings: Settings) -> Tensor:
    """Computes the gain per frame behind an EQ of this power gain; the louder channel decides for both."""
    frames = [torch.einsum("...kf,...k->...f", channel, curve) for channel in (powers.left, powers.right)]
    return compressor_gain_db(_DB_PER_NEPER * torch.log(torch.maximum(*frames) + _TINY), settings)


def pan_gains(pan: Tensor, mono: Tensor) -> tuple[Tensor, Tensor]:
    """Gives the amplitudes of left and right: constant power for mono tracks, balance for stereo ones."""
    angle = (pan + 1) * (math.pi / 4)
    left = torch.where(mono, torch.cos(angle), torch.cos(pan.clamp(min=0) * (math.pi / 2)))
    right = torch.where(mono, torch.sin(angle), torch.cos((-pan).clamp(min=0) * (math.pi / 2)))
    return left, right


def _power_gain(gain_db: Tensor) -> Tensor:
    return torch.exp(gain_db / _DB_PER_NEPER)


def _amplitude(gain_db: Tensor) -> Tensor:
    return torch.exp(gain_db * (math.log(10) / 20))


def _biquad_db(kind: str, gain_db: Tensor, freq_hz: Tensor, q: Tensor) -> Tensor:
    """Computes |H| in dB of a cookbook filter at the band centres.

    The squared magnitude of b0 + b1/z + b2/z^2 is (D - 2 phi S)^2 + 4 phi (1 - phi) (b0 - b2)^2, where D and S are
    the sums b0 + b1 + b2 and b0 + b2, and phi is sin^2(w/2). D, a small difference of large numbers in the lows, is
    known in closed form: so nothing cancels, and single precision is enough.
    """
    A = torch.exp(gain_db * (math.log(10) / 40))
    w0 = 2 * math.pi * freq_hz / SAMPLE_RATE_HZ
    cos, alpha, phi0 = torch.cos(w0), torch.sin(w0) / (2 * q), torch.sin(w0 / 2) ** 2
    if kind == "peak":
        numerator = (4 * phi0, torch.full_like(cos, 2), 2 * alpha * A)
        denominator = (4 * phi0, torch.full_like(cos, 2), 2 * alpha / A)
    else:
        root = 4 * torch.sqrt(A) * alpha
        up, down = 2 * (A + 1 + (A - 1) * cos), 2 * (A + 1 - (A - 1) * cos)
        if kind == "low_shelf":
            numerator = (8 * A * A * phi0, A * down, A * root)
            denominator = (8 * phi0, up, root)
        else:
            numerator = (8 * A * phi0, A * up, A * root)
            denominator = (8 * A * phi0, down, root)
    phi = torch.sin(math.pi * band_centres_hz() / SAMPLE_RATE_HZ) ** 2
    ratio = _squared_magnitude(numerator, phi) / _squared_magnitude(denominator, phi)
    return _DB_PER_NEPER * torch.log(ratio.clamp(min=_TINY))


def _squared_magnitude(sums: tuple[Tensor, Tensor, Tensor], phi: Tensor) -> Tensor:
    """Computes the squared magnitude from (b0 + b1 + b2, b0 + b2, b0 - b2)."""
    whole, even, odd = sums
    return (whole - 2 * phi * even) ** 2 + 4 * phi * (1 - phi) * odd * odd


def k_weights(like: Tensor) -> Tensor:
    """Gives the power gain of BS.1770's K-weighting at the band centres: a shelf and an analogue high-pass."""
    f = band_centres_hz().to(like)
    shelf = _biquad_db("high_shelf", torch.tensor(4.0), torch.tensor(1681.97), torch.tensor(0.7072))
    ratio = f / 38.135
    high_pass = ratio**4 / ((1 - ratio**2) ** 2 + (ratio / 0.5003) ** 2)
    return torch.exp(shelf / _DB_PER_NEPER) * high_pass
