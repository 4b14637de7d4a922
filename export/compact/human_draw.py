"""Settings as engineers set them, drawn by role: what training believes of mixes where a reference tells nothing.

Levels, pans, EQ and compressors follow the quantiles of `presets/roles.py`. What a whole session has in common is drawn
once for it, so that references differ in ways that can be heard: bright or dark, wide or narrow, dense or dynamic, the
voices and the drums up or down, and a careful or a bold hand.
"""

from __future__ import annotations

import math
from functools import cache

import torch
from torch import Tensor

from ...presets.roles import ROLES, TRAITS, Practice
from .band_console import TRACK_LEVEL_LUFS, SessionBatch, Settings, balance_gain_db, eq_curve_db
from .layout import compact_layout, random_settings, to_unit_values, to_units

_HANDS, _HAND_SHARES = (0.6, 1.0, 1.3), (0.4, 0.45, 0.15)
# Half of the spread of a role's level over mixes is the arrangement's, not the engineer's.
_LEVEL_SHARE = 0.55
# Of a normal distribution: between the quantiles 10 and 90 %, and 25 and 75 %, in standard deviations.
_DECILES, _QUARTILES = 2.563, 1.349
_UNKNOWN_LEVEL_DB, _UNKNOWN_SPREAD_DB = -17.0, 4.5
_BAND_USED, _SHELF_USED = 0.4, 0.4
_MOST_PAN_OF_CENTRED = 0.06
_STEREO_PAN = 0.12
# What counts beside a foreign reference, in the measure of the loss on settings.
_PRACTICE_PAN, _PRACTICE_LEVEL, _PRACTICE_EQ, _PRACTICE_EQ_DB = 0.4, 0.02, 0.02, 5.0
_STYLE_SPREAD_DB = 2.0
_PEAK_BANDS = ("band0", "band1", "band2", "band3")


def human_settings(
    roles: Tensor, mono: Tensor, generator: torch.Generator
) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Draws settings for a batch of sessions by role.

    Args:
        roles: numbers in :data:`.ROLES`, -1 where a role is not known, shape (batch, tracks).
        mono: shape (batch, tracks).
        generator: source of randomness.

    Returns:
        Settings of the strips, shape (batch, tracks), and of the master, shape (batch,), inside the layout's ranges.
    """
    layout, table = compact_layout(), {name: column[roles] for name, column in _columns().items()}
    batch, shape = roles.shape[0], roles.shape

    def normal(*size: int) -> Tensor:
        return torch.randn(size, generator=generator)

    def chance(share: Tensor | float) -> Tensor:
        return torch.rand(shape, generator=generator) < share

    # Frequencies, Q and the master are those of any mix; what people do by role replaces the rest.
    none = torch.zeros_like(mono)
    strips, master = random_settings(none, mono, generator)
    hand = torch.tensor(_HANDS)[
        torch.multinomial(torch.tensor(_HAND_SHARES), batch, replacement=True, generator=generator)
    ][:, None]
    bright_db, dense = 1.5 * normal(batch, 1), normal(batch, 1)
    voices_db, drums_db, lows_db = 2.0 * normal(batch, 1), 2.0 * normal(batch, 1), 1.5 * normal(batch, 1)
    strips["fader_db"] = (
        table["level_db"]
        + hand * table["level_spread_db"] * normal(*shape)
        + voices_db * table["is_voice"]
        + drums_db * table["is_drum"]
        + lows_db * table["has_lows"]
    )
    strips["fader_db"] = strips["fader_db"] - strips["fader_db"].mean(1, keepdim=True)
    strips["pan"] = _pan(table, roles, mono, generator)
    for band in _PEAK_BANDS:
        gain_db = table["peak_db"] + table["peak_spread_db"] * normal(*shape)
        strips[f"eq.{band}.gain_db"] = hand * gain_db * chance(_BAND_USED)
    shelf_db = table["shelf_db"] + table["shelf_spread_db"] * normal(*shape)
    strips["eq.high_shelf.gain_db"] = hand * shelf_db * chance(_SHELF_USED) + bright_db * (1 - table["has_lows"])
    cut = chance(table["high_pass_share"])
    cut_db = -4 - 8 * torch.rand(shape, generator=generator)
    strips["eq.low_shelf.gain_db"] = torch.where(cut, cut_db, 2 * hand * normal(*shape) * chance(0.3))
    strips["eq.low_shelf.freq_hz"] = torch.where(
        cut, table["high_pass_hz"] * torch.exp(0.3 * normal(*shape)), strips["eq.low_shelf.freq_hz"]
    )
    used = chance((table["compressed_share"] + 0.15 * dense).clamp(0, 1))
    ratio = 1 + (table["ratio"] - 1) * torch.exp(0.4 * normal(*shape))
    strips["compressor.ratio"] = torch.where(used, ratio.clamp(min=1.2), torch.ones(()))
    strips["compressor.threshold_db"] = TRACK_LEVEL_LUFS - 1.5 * dense + 4.5 * normal(*shape)
    for name in ("attack_ms", "release_ms"):
        strips[f"compressor.{name}"] = table[name] * torch.exp(0.7 * normal(*shape))
    return to_units(layout.track, to_unit_values(layout.track, strips)), master


def practice_term(session: SessionBatch, strips: Settings, roles: Tensor, foreign: Tensor) -> Tensor:
    """Measures how far settings are from what people do, where the reference is foreign and tells of no track.

    Else a vocal would be panned until the mix leans as a foreign reference does.

    Args:
        session: whose settings these are.
        strips: as decided.
        roles: of its tracks, as for :func:`human_settings`.
        foreign: sessions whose reference is another's, shape (batch,).
    """
    table = {name: column[roles] for name, column in _columns().items()}
    counted = session.present & foreign[:, None]
    balance = balance_gain_db(strips["fader_db"], session.present)[:, None]
    usual = balance_gain_db(table["level_db"], session.present)[:, None]
    level_db = (strips["fader_db"] + balance) - (table["level_db"] + usual)
    spread_db = (table["level_spread_db"] ** 2 + _STYLE_SPREAD_DB**2).sqrt()
    error = (
        _PRACTICE_PAN * table["is_centred"] * strips["pan"].square()
        + _PRACTICE_LEVEL * (level_db / spread_db).square()
        + _PRACTICE_EQ * (eq_curve_db(strips) / _PRACTICE_EQ_DB).square().mean(-1)
    )
    return (error * counted).sum() / counted.sum().clamp(min=1)


def _pan(table: dict[str, Tensor], roles: Tensor, mono: Tensor, generator: torch.Generator) -> Tensor:
    """Draws pans: what is centred near the middle, the rest by the quantiles of its role, alike ones on both sides."""
    shape = roles.shape
    share = torch.rand(shape, generator=generator)
    width = 0.5 + 0.7 * torch.rand((shape[0], 1), generator=generator)
    knots = torch.stack((torch.zeros(shape), table["pan_50"], table["pan_75"], table["pan_90"]), dim=-1)
    edges = torch.tensor((0.0, 0.5, 0.75, 0.9))
    place = torch.bucketize(share.clamp(max=0.899), edges[1:])
    low, high = (knots.gather(-1, (place + step)[..., None])[..., 0] for step in (0, 1))
    part = (share.clamp(max=0.9) - edges[place]) / (edges[place + 1] - edges[place])
    distance = (width * (low + part * (high - low))).clamp(0, 1)
    first = torch.where(torch.rand((shape[0], len(ROLES) + 1), generator=generator) < 0.5, -1.0, 1.0)
    # The second track of a role stands opposite to the first, the third to the second.
    same = roles[:, :, None] == roles[:, None, :]
    before = (same & torch.ones(shape[1], shape[1], dtype=torch.bool).tril(-1)).sum(-1)
    side = first.gather(1, roles + 1) * (1 - 2 * (before % 2))
    centred = _MOST_PAN_OF_CENTRED / 2 * torch.randn(shape, generator=generator).clamp(-2, 2)
    pan = torch.where(table["is_centred"] > 0, centred, side * distance)
    stereo = _STEREO_PAN * torch.randn(shape, generator=generator)
    return torch.where(mono, pan, torch.where(table["is_centred"] > 0, centred, stereo)).clamp(-1, 1)


@cache
def _columns() -> dict[str, Tensor]:
    """Gives what is drawn from as one column a figure; the last row is of tracks whose role is not known."""
    rows = [_row(TRAITS[role].practice) for role in ROLES]
    unknown = {name: sum(row[name] for row in rows) / len(rows) for name in rows[0]}
    unknown |= {"level_db": _UNKNOWN_LEVEL_DB, "level_spread_db": _UNKNOWN_SPREAD_DB}
    columns = {name: torch.tensor([row[name] for row in [*rows, unknown]]) for name in unknown}
    for name, flags in (
        ("is_centred", [TRAITS[role].is_centred for role in ROLES]),
        ("has_lows", [TRAITS[role].has_lows for role in ROLES]),
        ("is_voice", [TRAITS[role].is_voice for role in ROLES]),
        ("is_drum", [TRAITS[role].family == "drums" for role in ROLES]),
    ):
        columns[name] = torch.tensor([*map(float, flags), 0.0])
    return columns


def _row(practice: Practice) -> dict[str, float]:
    low_db, mean_db, high_db = practice.level_db
    return {
        "level_db": mean_db,
        "level_spread_db": _LEVEL_SHARE * (high_db - low_db) / _DECILES,
        "pan_50": practice.pan[0],
        "pan_75": practice.pan[1],
        "pan_90": practice.pan[2],
        "peak_db": practice.peak_db[1],
        "peak_spread_db": (practice.peak_db[2] - practice.peak_db[0]) / _DECILES,
        "shelf_db": practice.high_shelf_db[1],
        "shelf_spread_db": (practice.high_shelf_db[2] - practice.high_shelf_db[0]) / _QUARTILES,
        "high_pass_share": practice.high_pass_share,
        "high_pass_hz": practice.high_pass_hz,
        "compressed_share": practice.compressed_share,
        "ratio": math.sqrt(practice.ratio[0] * practice.ratio[2]),
        "attack_ms": practice.attack_ms,
        "release_ms": practice.release_ms,
    }
