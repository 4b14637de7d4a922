"""How far the settings of mixes are from what people set, by role: distances between distributions.

People's are those of :mod:`...presets.roles`, known at three quantiles each. The distance is the mean difference at
these quantiles, a Wasserstein distance as far as they tell it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from ...presets.console import EQ_BANDS, LOW_CUT_OFF_HZ, SEND_OFF_DB
from ...presets.preset import Preset
from ...presets.roles import TRAITS, Role
from ...presets.units import power_decibels, power_factor
from ...runtime.practice.levels import together_db

# Smaller gains are no bands in use, as in what people's sessions tell.
_USED_DB: Final = 0.5
_USED_RATIO: Final = 1.05
_LEAST_TRACKS: Final = 4
_HIGH_PASS_HZ: Final = 25.0
_QUANTILES: Final[Mapping[str, tuple[float, ...]]] = {
    "pan": (0.5, 0.75, 0.9),
    "balance, dB": (0.1, 0.5, 0.9),
    "EQ gain, dB": (0.1, 0.5, 0.9),
    "ratio": (0.25, 0.5, 0.75),
    "high-pass, share": (),
    "high-pass, octaves": (0.5,),
    "reverb, share": (),
    "reverb send, dB": (0.5,),
}
# How loud all tracks of a role are together in 64 mixes by people (MixologyDB, Michael Clemens, 2023, MIT), against
# `levels.together_db`, about the mean of the roles that the mix has: 10, 50 and 90 %. Of roles that they lack, nothing.
_BALANCE_DB: Final[Mapping[Role, tuple[float, float, float]]] = {
    "kick": (-7.4, -1.0, 4.1),
    "snare": (-7.9, -0.4, 4.5),
    "tom": (-8.1, 0.0, 5.6),
    "hi-hat": (-11.7, -1.2, 6.0),
    "overhead": (-6.8, 0.2, 5.2),
    "cymbal": (-6.2, -0.5, 2.0),
    "percussion": (-3.8, 1.2, 6.7),
    "bass": (-4.9, -0.3, 4.1),
    "electric guitar": (-5.8, 1.4, 7.6),
    "acoustic guitar": (-6.4, 0.5, 8.6),
    "keys": (-3.3, 1.5, 5.9),
    "lead vocal": (-6.8, -0.1, 7.7),
    "backing vocal": (-3.2, 2.4, 8.0),
}
FIGURES: Final = tuple(_QUANTILES)
"""What is compared."""

Settings = Mapping[str, list[float]]


@dataclass(frozen=True)
class TrackFigures:
    """The settings of one track.

    Attributes:
        role: of it.
        values: by the names of :data:`FIGURES`; several where there are several bands, none where nothing is set.
    """

    role: Role
    values: Settings


def figures_of(
    preset: Preset, roles: Mapping[str, Role | None], stem_lufs: Mapping[str, float], stereo: Sequence[str]
) -> list[TrackFigures]:
    """Read the settings of a mix as people's sessions were read.

    Args:
        preset: of the mix.
        roles: of its tracks.
        stem_lufs: loudness of the tracks behind their faders. People's is that of the raw track and the fader, as
            their compressors make up for what they take; here faders do.
        stereo: names of tracks that are stereo, whose pans say nothing.
    """
    heard = [track for track in preset.tracks if np.isfinite(stem_lufs.get(track.name, -np.inf))]
    balance = _balance({track.name: stem_lufs[track.name] for track in heard}, roles)
    found = []
    for track in heard:
        role, strip = roles.get(track.name), track.strip
        if role is None:
            continue
        gains = [getattr(strip.eq, name).gain_db for name in EQ_BANDS if "shelf" not in name]
        cut_hz = strip.low_cut.freq_hz
        is_cut = cut_hz > max(_HIGH_PASS_HZ, LOW_CUT_OFF_HZ)
        is_wet = strip.reverb_send_db > SEND_OFF_DB
        ratio = strip.compressor.ratio
        values = {
            "pan": [] if track.name in stereo else [abs(strip.pan)],
            "balance, dB": [balance.pop(role)] if role in balance else [],  # once for all tracks of the role
            "EQ gain, dB": [gain for gain in gains if abs(gain) > _USED_DB],
            "ratio": [ratio] if ratio > _USED_RATIO else [],
            "high-pass, share": [float(is_cut)],
            "high-pass, octaves": [float(np.log2(cut_hz))] if is_cut else [],
            "reverb, share": [float(is_wet)],
            "reverb send, dB": [strip.reverb_send_db] if is_wet else [],
        }
        found.append(TrackFigures(role, values))
    return found


def _balance(stem_lufs: Mapping[str, float], roles: Mapping[str, Role | None]) -> dict[Role, float]:
    """How loud all tracks of each role are against what is usual, about the mean of the roles.

    So a mix of few tracks, or one that lacks the guitars, is compared with people's in what it has.
    """
    together: dict[Role, float] = {}
    for name, lufs in stem_lufs.items():
        role = roles.get(name)
        if role is not None and role in _BALANCE_DB:
            together[role] = together.get(role, 0.0) + power_factor(lufs)
    away_db = {role: power_decibels(power) - together_db(role) for role, power in together.items()}
    middle_db = float(np.mean(list(away_db.values()))) if away_db else 0.0
    return {role: away - middle_db for role, away in away_db.items()}


def distances(tracks: Sequence[TrackFigures]) -> dict[str, float]:
    """How far settings are from people's, for each of :data:`FIGURES`: the mean over roles, by their tracks."""
    found = {}
    for figure, at in _QUANTILES.items():
        parts, weights = [], []
        for role in sorted({track.role for track in tracks}):
            values = [value for track in tracks if track.role == role for value in track.values[figure]]
            people = _people(role, figure)
            if len(values) < _LEAST_TRACKS or people is None:
                continue
            ours = np.quantile(values, at) if at else [float(np.mean(values))]
            parts.append(float(np.abs(np.asarray(ours) - np.asarray(people)).mean()))
            weights.append(len(values))
        found[figure] = float(np.average(parts, weights=weights)) if parts else float("nan")
    return found


def _people(role: Role, figure: str) -> tuple[float, ...] | None:
    practice = TRAITS[role].practice
    return {
        "pan": practice.pan,
        "balance, dB": _BALANCE_DB.get(role),
        "EQ gain, dB": practice.peak_db,
        "ratio": practice.ratio,
        "high-pass, share": (practice.high_pass_share,),
        "high-pass, octaves": (float(np.log2(practice.high_pass_hz)),),
        "reverb, share": (practice.reverb_share,),
        "reverb send, dB": (practice.reverb_send_db,),
    }.get(figure)
