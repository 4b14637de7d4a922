"""A hidden engineer: what is to be learned, made so that it is known.

The engineer's habits are one draw from the Gaussian over 385 real vocal chains (DiffVox, MIT; its figures are in
`recovery/vocal_prior.json`). What a track gets differs from the habits by how the track differs in level, tone and
dynamics from those that the engineer is used to (a dull voice gets more presence, one that moves much more
compression), and by chance. The track is looked at with measures of the engineer's own, which are not the features that
styles are learned from.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ...presets.console import SEND_OFF_DB, parameters
from ...presets.preset import Preset
from ...presets.units import gain_factor, power_decibels
from ...runtime.audio.loudness import integrated_loudness
from ...runtime.audio.reading import Samples
from ..recovery import space
from .ways import rendered

Figures = NDArray[np.float64]

# Parts of the spread of all engineers: how far one's habits lie from the middle, and how far one's own tracks scatter.
_HABITS, _CHANCE = 0.8, 0.25
# What of the level of the raw track the engineer leaves; the rest is brought to the usual.
_LEVEL_KEPT, _LEVEL_CHANCE_DB = 0.15, 0.7
_USUAL_LUFS: Final = -18.0
_FAINT_SEND_DB = -36.0
_BANDS_HZ: Final = ((80, 200), (200, 500), (500, 2000), (2000, 5000), (5000, 9000), (9000, 16_000))
# Steps in spreads of a setting for one of a measure: bands as above, then movement and crest.
_HABIT_OF: Final[Mapping[str, Mapping[int, float]]] = {
    "strip.low_cut.freq_hz": {0: 0.5},
    "strip.eq.low_shelf.gain_db": {0: -0.5, 1: -0.2},
    "strip.eq.band0.gain_db": {2: -0.6, 1: -0.2},
    "strip.eq.band1.gain_db": {3: -0.6, 4: -0.2},
    "strip.eq.high_shelf.gain_db": {4: -0.4, 5: -0.5},
    "strip.compressor.ratio": {6: 0.5, 7: 0.2},
    "strip.compressor.threshold_db": {6: -0.5},
    "strip.compressor.attack_ms": {7: -0.3},
    "strip.reverb_send_db": {6: -0.3, 3: -0.3},
    "reverb.decay_mid_s": {6: 0.3},
}


@dataclass(frozen=True)
class HiddenEngineer:
    """One engineer.

    Attributes:
        habits: of the usual track, in the scales of the table.
        spread: of the settings over all engineers, likewise.
        settings: paths, in this order.
        out_lufs: how loud the usual finished track is.
        usual: measures of the tracks that the engineer is used to (:func:`measures`), their middle.
        differ: how far those differ.
    """

    habits: Figures
    spread: Figures
    settings: tuple[str, ...]
    out_lufs: float
    usual: Figures
    differ: Figures

    @classmethod
    def drawn(cls, seed: int, known: Figures) -> HiddenEngineer:
        """Draw an engineer who is used to tracks of these measures, shape (tracks, measures)."""
        described = _described()
        rng = np.random.default_rng([seed, 1])
        mean, spread = np.array(described["mean"]), np.array(described["spread"])
        root = np.linalg.cholesky(np.array(described["correlation"]))
        habits = mean + _HABITS * spread * (root @ rng.standard_normal(len(mean)))
        usual, differ = known.mean(axis=0), np.maximum(known.std(axis=0), 1.0)
        return cls(habits, spread, tuple(described["settings"]), float(rng.uniform(-20, -16)), usual, differ)

    def mix(
        self, raw: Samples, sample_rate_hz: int, rng: np.random.Generator, name: str = "Vox"
    ) -> tuple[Preset, Samples]:
        """Set a track: give the preset, and what it makes of the track, shape (2, n).

        Args:
            raw: shape (1 or 2, samples), not silent.
            sample_rate_hz: of it.
            rng: of what is chance.
            name: of the track.
        """
        lufs = integrated_loudness(raw, sample_rate_hz)
        away = np.clip((measures(raw, sample_rate_hz) - self.usual) / self.differ, -2.5, 2.5)
        root = np.linalg.cholesky(np.array(_described()["correlation"]))
        steps = _CHANCE * (root @ rng.standard_normal(len(self.settings)))
        for path, habit in _HABIT_OF.items():
            steps[self.settings.index(path)] += sum(step * away[at] for at, step in habit.items())
        values: dict[str, float] = {"delay.ping_pong": 1.0}
        for path, drawn in zip(self.settings, self.habits + self.spread * steps, strict=True):
            part, setting = path.split(".", 1)
            row = parameters(space.PARTS[part])[setting]
            value = math.exp(drawn) if row.scale == "log" else float(drawn)
            values[path] = row.clamp(value + (lufs if setting == "compressor.threshold_db" else 0.0))
        values["strip.pan"] = 0.0
        for send in ("strip.reverb_send_db", "strip.delay_send_db"):
            if values[send] < _FAINT_SEND_DB:
                values[send] = SEND_OFF_DB
        wanted = self.out_lufs + _LEVEL_KEPT * (lufs - _USUAL_LUFS) + _LEVEL_CHANCE_DB * float(rng.standard_normal())
        made = rendered(space.preset_of(name, values), raw, sample_rate_hz)
        gain_db = round(wanted - integrated_loudness(made, sample_rate_hz), 4)
        preset = space.preset_of(name, {**values, "strip.fader_db": gain_db})
        # The fader is behind all that is not linear.
        return preset, made * np.float32(gain_factor(gain_db))


def measures(raw: Samples, sample_rate_hz: int) -> Figures:
    """Look at a track as the engineer does: six bands against the whole, how much its level moves, its crest."""
    mono = raw.mean(axis=0).astype(np.float64)
    power = np.square(np.abs(np.fft.rfft(mono)))
    freqs_hz: Figures = np.fft.rfftfreq(len(mono), 1 / sample_rate_hz).astype(np.float64)
    total = float(power.sum()) + 1e-20
    bands = [power_decibels(float(power[_inside(freqs_hz, band)].sum()) / total + 1e-9) for band in _BANDS_HZ]
    hop = round(0.4 * sample_rate_hz)
    blocks = np.square(mono[: len(mono) // hop * hop]).reshape(-1, hop).mean(axis=1) if len(mono) >= hop else np.ones(1)
    level_db = 10 * np.log10(blocks + 1e-12)
    loud_db = level_db[level_db > level_db.max() - 25]
    crest_db = 20 * math.log10(float(np.abs(mono).max()) + 1e-9) - integrated_loudness(raw, sample_rate_hz)
    return np.array([*bands, float(loud_db.std()) * 2, crest_db])


def _inside(freqs_hz: Figures, band: tuple[int, int]) -> NDArray[np.bool_]:
    inside: NDArray[np.bool_] = (freqs_hz >= band[0]) & (freqs_hz < band[1])
    return inside


@cache
def _described() -> dict[str, Any]:
    described: dict[str, Any] = json.loads(
        Path(space.__file__).with_name("vocal_prior.json").read_text(encoding="utf-8")
    )
    return described
