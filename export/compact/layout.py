"""The layout of the compact model and the settings it is trained on.

The layout names what the model decides and within which range; :func:`random_settings` draws what mixes look like:
faders a few dB apart, moderate EQ on about half of the bands, thresholds placed against the track's own level, pan by
role now and then, with a tail of extremes.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from ...presets.console import EQ_BANDS
from ...runtime.model.layout import Layout, Output
from .band_console import TRACK_LEVEL_LUFS

_FREQ_RANGES_HZ = ((40, 400), (100, 1000), (400, 3000), (1500, 7000), (4000, 14000), (3000, 14000))
_THRESHOLD_BELOW_DB, _THRESHOLD_ABOVE_DB = -20.0, 16.0
_HANDS, _HAND_SHARES = (0.6, 1.0, 1.4), (0.4, 0.4, 0.2)
_HABIT_SHARE = 0.7  # of sessions in which instruments are treated by their kind
_TRACK_EQ_DB, _MASTER_EQ_DB = 5.0, 1.8  # standard deviation of a band that is used, under the usual hand
LOW_CENTROID_HZ, HIGH_CENTROID_HZ = 250.0, 4000.0
"""Tracks whose spectrum's centre is below or above these live in the lows or highs."""
FIXED = {"compressor.knee_db": 6.0}
"""Settings that the console on band powers needs and the model does not decide."""


def compact_layout() -> Layout:
    """Gives the layout: 24 outputs a track, 22 for the master; input gains follow from loudness and faders."""
    compressor = (
        Output(
            path="compressor.threshold_db",
            low=TRACK_LEVEL_LUFS + _THRESHOLD_BELOW_DB,
            high=TRACK_LEVEL_LUFS + _THRESHOLD_ABOVE_DB,
        ),
        Output(path="compressor.ratio", low=1, high=8, scale="log"),
        Output(path="compressor.attack_ms", low=1, high=100, scale="log"),
        Output(path="compressor.release_ms", low=20, high=800, scale="log"),
    )
    return Layout(
        track=(
            Output(path="fader_db", low=-24, high=24),
            *_eq_outputs(12),
            *compressor,
            Output(path="pan", low=-1, high=1),
        ),
        master=(*_eq_outputs(6), *compressor),
        fixed=FIXED,
        balanced=True,
    )


def _eq_outputs(gain_limit_db: float) -> tuple[Output, ...]:
    return tuple(
        output
        for band, (low_hz, high_hz) in zip(EQ_BANDS, _FREQ_RANGES_HZ, strict=True)
        for output in (
            Output(path=f"eq.{band}.gain_db", low=-gain_limit_db, high=gain_limit_db),
            Output(path=f"eq.{band}.freq_hz", low=low_hz, high=high_hz, scale="log"),
            Output(path=f"eq.{band}.q", low=0.3, high=4, scale="log"),
        )
    )


def to_units(outputs: tuple[Output, ...], unit_values: Tensor) -> dict[str, Tensor]:
    """Turn outputs in 0..1, shape (..., outputs), into values by path; differentiable."""
    values = {}
    for index, output in enumerate(outputs):
        x = unit_values[..., index]
        if output.scale == "log":
            values[output.path] = output.low * torch.exp(x * math.log(output.high / output.low))
        else:
            values[output.path] = output.low + (output.high - output.low) * x
    for path, value in FIXED.items():
        values[path] = torch.full(unit_values.shape[:-1], value)
    return values


def to_unit_values(outputs: tuple[Output, ...], values: dict[str, Tensor]) -> Tensor:
    """Inverts :func:`to_units`, clipped to 0..1."""
    columns = []
    for output in outputs:
        value = values[output.path]
        if output.scale == "log":
            columns.append(torch.log(value / output.low) / math.log(output.high / output.low))
        else:
            columns.append((value - output.low) / (output.high - output.low))
    return torch.stack(columns, dim=-1).clamp(0, 1)


def random_settings(
    low_centroid: Tensor, mono: Tensor, generator: torch.Generator, high_centroid: Tensor | None = None
) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Draw settings for a batch of sessions, as mixes have them: `docs/settings.md` shows what comes out.

    Each session has a hand: careful (two in five), usual (as many) or extreme, which scales EQ and balance alike.
    Habits follow the instrument in most sessions: what lives in the lows stays near the centre and gets no treble,
    what lives in the highs gets no bass.

    Args:
        low_centroid: shape (batch, tracks), True for tracks that live in the lows (kick, bass).
        mono: shape (batch, tracks).
        generator: source of randomness.
        high_centroid: True for tracks that live in the highs (hats, cymbals); None for none.

    Returns:
        Settings of the strips, shape (batch, tracks), and of the master, shape (batch,), inside the layout's ranges.
    """
    layout = compact_layout()
    batch, tracks = mono.shape
    hand = torch.tensor(_HANDS)[
        torch.multinomial(torch.tensor(_HAND_SHARES), batch, replacement=True, generator=generator)
    ][:, None]
    strips = _draw_eq(layout.track, (batch, tracks), generator) | _draw_compressor((batch, tracks), 0.6, generator)
    habit = torch.rand((batch, 1), generator=generator) < _HABIT_SHARE
    high = torch.zeros_like(mono) if high_centroid is None else high_centroid
    for path, wrong in (
        ("eq.high_shelf.gain_db", low_centroid),
        ("eq.low_shelf.gain_db", high),
    ):
        strips[path] = torch.where(habit & wrong, -strips[path].abs(), strips[path])
    for output in layout.track:
        if output.path.endswith(".gain_db"):
            strips[output.path] = _TRACK_EQ_DB * hand * strips[output.path]
    spread_db = 4 + 5 * torch.rand((batch, 1), generator=generator)
    strips["fader_db"] = hand * spread_db * torch.randn((batch, tracks), generator=generator)
    strips["pan"] = _draw_pan(low_centroid, mono, generator)
    master = _draw_eq(layout.master, (batch,), generator) | _draw_compressor((batch,), 0.5, generator)
    for output in layout.master:
        if output.path.endswith(".gain_db"):
            master[output.path] = _MASTER_EQ_DB * hand[:, 0] * master[output.path]
    return (
        to_units(layout.track, to_unit_values(layout.track, strips)),
        to_units(layout.master, to_unit_values(layout.master, master)),
    )


def _draw_eq(outputs: tuple[Output, ...], shape: tuple[int, ...], generator: torch.Generator) -> dict[str, Tensor]:
    """Draws EQs: half of the bands in use, gains with a standard deviation of 1, frequencies and Q anywhere."""
    values = {}
    for output in outputs:
        if not output.path.startswith("eq."):
            continue
        if output.path.endswith("gain_db"):
            used = torch.rand(shape, generator=generator) < 0.5
            values[output.path] = torch.randn(shape, generator=generator) * used
        else:
            x = torch.rand(shape, generator=generator)
            values[output.path] = output.low * torch.exp(x * math.log(output.high / output.low))
    return values


def _draw_compressor(shape: tuple[int, ...], share_on: float, generator: torch.Generator) -> dict[str, Tensor]:
    def uniform(low: float, high: float) -> Tensor:
        return low + (high - low) * torch.rand(shape, generator=generator)

    used = torch.rand(shape, generator=generator) < share_on
    ratio = torch.exp(uniform(math.log(1.3), math.log(6)))
    return {
        "compressor.threshold_db": TRACK_LEVEL_LUFS + uniform(-10, 12),
        "compressor.ratio": torch.where(used, ratio, torch.ones(())),
        "compressor.attack_ms": torch.exp(uniform(math.log(1), math.log(80))),
        "compressor.release_ms": torch.exp(uniform(math.log(30), math.log(600))),
    }


def _draw_pan(low_centroid: Tensor, mono: Tensor, generator: torch.Generator) -> Tensor:
    """Draws pans: by role in some sessions (lows near the centre, a quarter of the rest too), else anywhere.

    Off-centre positions lean to the sides, as engineers do: the root of an even spread.
    """
    shape = mono.shape
    spread = 2 * torch.rand(shape, generator=generator) - 1
    anywhere = torch.sign(spread) * torch.sqrt(spread.abs())
    centred = low_centroid | (torch.rand(shape, generator=generator) < 0.25)
    by_role = torch.rand((shape[0], 1), generator=generator) < 0.35
    pan = torch.where(by_role & centred, 0.05 * torch.randn(shape, generator=generator), anywhere)
    return torch.where(mono, pan, 0.4 * pan)
