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

# Smaller gains are no bands in use, as in what people's sessions tell.
_USED_DB: Final = 0.5
_USED_RATIO: Final = 1.05
_LEAST_TRACKS: Final = 4
_HIGH_PASS_HZ: Final = 25.0
_QUANTILES: Final[Mapping[str, tuple[float, ...]]] = {
    "pan": (0.5, 0.75, 0.9),
    "level, dB": (0.1, 0.5, 0.9),
    "EQ gain, dB": (0.1, 0.5, 0.9),
    "ratio": (0.25, 0.5, 0.75),
    "high-pass, share": (),
    "high-pass, octaves": (0.5,),
    "reverb, share": (),
    "reverb send, dB": (0.5,),
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
    preset: Preset, roles: Mapping[str, Role | None], raw_lufs: Mapping[str, float], stereo: Sequence[str]
) -> list[TrackFigures]:
    """Read the settings of a mix as people's sessions were read: levels before EQ and compression.

    Args:
        preset: of the mix.
        roles: of its tracks.
        raw_lufs: loudness of the raw tracks.
        stereo: names of tracks that are stereo, whose pans say nothing.
    """
    levels = {
        track.name: raw_lufs[track.name] + track.strip.input_gain_db + track.strip.fader_db
        for track in preset.tracks
        if track.name in raw_lufs and np.isfinite(raw_lufs[track.name])
    }
    whole_db = power_decibels(sum(map(power_factor, levels.values()))) if levels else 0.0
    found = []
    for track in preset.tracks:
        role, strip = roles.get(track.name), track.strip
        if role is None or track.name not in levels:
            continue
        gains = [getattr(strip.eq, name).gain_db for name in EQ_BANDS if "shelf" not in name]
        cut_hz = strip.low_cut.freq_hz
        is_cut = cut_hz > max(_HIGH_PASS_HZ, LOW_CUT_OFF_HZ)
        is_wet = strip.reverb_send_db > SEND_OFF_DB
        ratio = strip.compressor.ratio
        values = {
            "pan": [] if track.name in stereo else [abs(strip.pan)],
            "level, dB": [levels[track.name] - whole_db],
            "EQ gain, dB": [gain for gain in gains if abs(gain) > _USED_DB],
            "ratio": [ratio] if ratio > _USED_RATIO else [],
            "high-pass, share": [float(is_cut)],
            "high-pass, octaves": [float(np.log2(cut_hz))] if is_cut else [],
            "reverb, share": [float(is_wet)],
            "reverb send, dB": [strip.reverb_send_db] if is_wet else [],
        }
        found.append(TrackFigures(role, values))
    return found


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
        "level, dB": practice.level_db,
        "EQ gain, dB": practice.peak_db,
        "ratio": practice.ratio,
        "high-pass, share": (practice.high_pass_share,),
        "high-pass, octaves": (float(np.log2(practice.high_pass_hz)),),
        "reverb, share": (practice.reverb_share,),
        "reverb send, dB": (practice.reverb_send_db,),
    }.get(figure)
