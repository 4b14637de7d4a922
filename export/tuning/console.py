"""The console of tuned models on band powers, with gradients: that of the compact model, with cuts and a room.

What the room answers to a track is measured once by the runtime, through a flat strip; here it is scaled by what the
strip does to the track. Saturation, de-esser and echoes are not heard here; the loss on settings teaches them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from torch import Tensor
from torch.nn import functional

from ...runtime.model.layout import Layout
from ..compact.band_console import SessionBatch, Settings, compressor_gain_db, eq_curve_db, pan_gains
from ..compact.bands import BandPowers, band_centres_hz

_DB_PER_NEPER = 10 / math.log(10)
_TINY = 1e-12
# As the runtime translates: the reference's time constants are ms / ln 9, pedalboard's ms / (2 pi).
_REFERENCE_TIME = 2 * math.pi / math.log(9)


def to_console(layout: Layout, unit: Tensor) -> dict[str, Tensor]:
    """Turns outputs in 0..1, shape (..., outputs), into settings of the runtime's law, by path; differentiable."""
    values: dict[str, Tensor] = {}
    for index, output in enumerate(layout.track):
        x = unit[..., index]
        if output.scale == "log":
            values[output.path] = output.low * torch.exp(x * math.log(output.high / output.low))
        else:
            values[output.path] = output.low + (output.high - output.low) * x
    for path, value in layout.fixed.items():
        values[path] = torch.full(unit.shape[:-1], value)
    return _from_reference(values) if layout.law == "reference" else values


def strip_curve_db(settings: Settings) -> Tensor:
    """Gives the gain of cuts and equalizer at the band centres in dB, shape (..., bands)."""
    freqs_hz = band_centres_hz()
    curve = eq_curve_db(settings)
    low, high = settings["low_cut.freq_hz"][..., None], settings["high_cut.freq_hz"][..., None]
    falls = torch.log1p((low / freqs_hz) ** 4) + torch.log1p((freqs_hz / high) ** 4)
    return curve - _DB_PER_NEPER * falls


def mix_tracks(session: SessionBatch, strips: Settings, room: Tensor) -> BandPowers:
    """Mixes to stereo under these settings, shape (batch, bands, frames); faders are absolute.

    Args:
        session: raw tracks at the model's level.
        strips: values of shape (batch, tracks).
        room: power of what the room answers to each track at a send of 0 dB through a flat strip in the centre, mean of
            both sides, shape (present tracks, bands, frames).
    """
    present = session.present
    own = {path: value[present] for path, value in strips.items()}
    powers = session.powers
    curve = torch.exp(strip_curve_db(own) / _DB_PER_NEPER)
    levels = [torch.einsum("...kf,...k->...f", channel, curve) for channel in (powers.left, powers.right)]
    level_db = _DB_PER_NEPER * torch.log(torch.maximum(*levels) + _TINY)
    squeeze = torch.exp(compressor_gain_db(level_db, own) / _DB_PER_NEPER)
    fader = torch.exp(own["fader_db"] / _DB_PER_NEPER)
    left, right = pan_gains(own["pan"], session.mono[present])
    belongs = functional.one_hot(present.nonzero()[:, 0], present.shape[0]).T.to(fader.dtype)
    heard = curve[..., None] * squeeze[:, None]

    def bus(power: Tensor, weight: Tensor) -> Tensor:
        return ((belongs * (weight * fader)) @ (power * heard).flatten(1)).reshape(-1, *power.shape[1:])

    dry = BandPowers(bus(powers.left, left**2), bus(powers.right, right**2), bus(powers.cross, left * right))
    # The tail follows the compressor of the sound before it: its mean, weighted by level.
    weight = levels[0] + levels[1]
    steady = (squeeze * weight).sum(-1) / (weight.sum(-1) + _TINY)
    send = torch.exp(own["reverb_send_db"] / _DB_PER_NEPER)
    answer = room * curve[..., None] * (steady * send * fader)[:, None, None]
    wet = (belongs @ answer.flatten(1)).reshape(-1, *room.shape[1:])
    return BandPowers(dry.left + wet, dry.right + wet, dry.cross)


def _from_reference(values: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Translates settings of Diff-MST's law, as the runtime does: gain before the strip moves behind it."""
    found = dict(values)
    gain_db = values.get("input_gain_db")
    fader_db = values.get("fader_db", torch.zeros(())) + values.get("compressor.makeup_db", torch.zeros(()))
    if gain_db is not None:
        fader_db = fader_db + gain_db
        for path in ("compressor.threshold_db", "deesser.threshold_db"):
            if path in found:
                found[path] = found[path] - gain_db
    angle = (values["pan"] + 1) * (math.pi / 4)
    left = ((math.pi / 2 - angle) * torch.cos(angle) * (2 / math.pi)).clamp(min=1e-6)
    right = (angle * torch.sin(angle) * (2 / math.pi)).clamp(min=1e-6)
    found["pan"] = torch.atan2(torch.sqrt(right), torch.sqrt(left)) * (4 / math.pi) - 1
    found["fader_db"] = fader_db + _DB_PER_NEPER * torch.log(left + right)
    time_ms = values["compressor.attack_ms"] * _REFERENCE_TIME
    found["compressor.attack_ms"], found["compressor.release_ms"] = time_ms, time_ms
    return found
