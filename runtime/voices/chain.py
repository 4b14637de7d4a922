"""The strip for a raw voice or instrument that stands alone: what engineers do with such a track, fitted to this one.

The prior is the mean of many chains (:mod:`.practice`). From there the curve moves a part of the way towards what
would give this voice the usual spectrum, and only along the directions in which real chains vary. A reference has a say
in what it can tell of a voice: how bright and how dense its makers like it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...presets import console
from ...presets.console import EqBand, Equalizer, Strip
from ..console.response import eq_response_db
from . import practice
from .practice import BANDS_HZ, DIRECTIONS_DB, HIGHEST_DB, LOWEST_DB, MEAN_DB, RAW_DB, within
from .sound import VoiceSound

Floats = NDArray[np.float64]

# How far a voice that is unlike others is brought towards them, and how far at most in standard deviations.
_TOWARDS_USUAL, _MOST_DEVIATIONS = 0.35, 1.0
# Words this little above the noise say nothing of the voice there, and nothing is lifted; above, boosts come in.
_NOISY_DB, _CLEAR_DB = 10.0, 25.0
# Where the bands of the console sit: the curves of :mod:`.practice` are smooth, so that only gains are fitted.
_BANDS = Equalizer(
    low_shelf=EqBand(freq_hz=150, q=0.71),
    band0=EqBand(freq_hz=330, q=0.8),
    band1=EqBand(freq_hz=1000, q=0.8),
    band2=EqBand(freq_hz=2600, q=0.8),
    band3=EqBand(freq_hz=6000, q=0.9),
    high_shelf=EqBand(freq_hz=9000, q=0.71),
)
_FITTED_HZ = (125.0, 12500.0)
_PROBE_DB = 4.0
_HOLD = 0.15
_LEAST_DB = 0.1
# Below the lowest note, by this much; engineers seldom go beyond these.
_BELOW_VOICE, _LOWEST_CUT_HZ, _HIGHEST_CUT_HZ = 0.8, 70.0, 150.0
_TWO_PI = 2 * math.pi


@dataclass(frozen=True)
class Manner:
    """How a voice is to be treated.

    Attributes:
        share: of what engineers do to the tone of a vocal, 0..1: speech is left more as it is.
        ratio: of the compressor.
        threshold_db: over the loudness of the voice.
        brightness: standard deviations of brightness to add.
        density: factor of the ratio, from the reference.
    """

    share: float
    ratio: float
    threshold_db: float
    brightness: float = 0.0
    density: float = 1.0


SUNG = Manner(1.0, practice.RATIO.middle, practice.THRESHOLD_OVER_LUFS_DB.middle)
SPOKEN = Manner(0.4, 2.2, -3.0)
PLAYED = Manner(0.0, 2.0, -2.0)


def strip_for(sound: VoiceSound, manner: Manner, has_lows: bool = False) -> Strip:
    """Set a strip for a voice; its loudness is kept roughly, in the middle, dry.

    Args:
        sound: the raw track.
        manner: how it is to be treated.
        has_lows: it is an instrument that carries the low end, which is not cut.
    """
    low_cut_hz = console.LOW_CUT_OFF_HZ if has_lows else _low_cut_hz(sound)
    ratio = practice.RATIO.clamp(manner.ratio * manner.density)
    threshold_db = practice.THRESHOLD_OVER_LUFS_DB.clamp(manner.threshold_db)
    values = {
        "low_cut.freq_hz": low_cut_hz,
        "low_cut.slope_db_per_octave": 24.0,
        "compressor.threshold_db": sound.lufs + threshold_db,
        "compressor.ratio": ratio,
        "compressor.attack_ms": _TWO_PI * practice.ATTACK_MS.middle,
        "compressor.release_ms": _TWO_PI * practice.RELEASE_MS.middle,
        "compressor.knee_db": 6.0,
        "compressor.makeup_db": practice.MAKEUP_DB.clamp(-threshold_db * (1 - 1 / ratio)),
        "deesser.freq_hz": sound.sibilance_hz,
    }
    strip = console.replace(Strip(), values)
    return strip.model_copy(update={"eq": fitted(curve_for(sound, manner))})


def curve_for(sound: VoiceSound, manner: Manner) -> Floats:
    """Decide the tone of a voice, in the bands of :data:`.practice.BANDS_HZ`, in dB."""
    if manner.share == 0:
        return np.zeros(len(BANDS_HZ))
    usual_db = RAW_DB - RAW_DB[within(300, 3000)].mean()
    heard = np.clip((sound.over_noise_db - _NOISY_DB) / (_CLEAR_DB - _NOISY_DB), 0, 1)
    unlike_db = np.clip(sound.spectrum_db - usual_db, -12, 12) * heard
    along = DIRECTIONS_DB @ unlike_db / np.square(DIRECTIONS_DB).sum(axis=1)
    deviations = np.clip(-_TOWARDS_USUAL * along, -_MOST_DEVIATIONS, _MOST_DEVIATIONS)
    deviations[0] = np.clip(deviations[0] + manner.brightness, -_MOST_DEVIATIONS, _MOST_DEVIATIONS)
    curve = np.clip(MEAN_DB + deviations @ DIRECTIONS_DB, LOWEST_DB, HIGHEST_DB) * manner.share
    quiet: Floats = np.where(curve > 0, curve * heard, curve)
    return quiet


def fitted(curve_db: Floats) -> Equalizer:
    """Find the gains of six bands that give a curve, by least squares that would rather do little."""
    names = console.EQ_BANDS
    inside = within(*_FITTED_HZ)
    shapes = np.stack([_response(name)[inside] for name in names], axis=1) / _PROBE_DB
    hold = _HOLD * np.eye(len(names)) * inside.sum() ** 0.5
    rows = np.concatenate((shapes, hold))
    wanted = np.concatenate((curve_db[inside], np.zeros(len(names))))
    gains_db = np.linalg.lstsq(rows, wanted, rcond=None)[0]
    # No band above what the curve asks for anywhere in it.
    gains_db = np.clip(gains_db, min(curve_db[inside].min(), 0), max(curve_db[inside].max(), 0))
    values = {
        f"{name}.gain_db": round(float(gain_db), 2) if abs(gain_db) >= _LEAST_DB else 0.0
        for name, gain_db in zip(names, gains_db, strict=True)
    }
    return console.replace(_BANDS, values)


def _response(name: str) -> Floats:
    probe = console.replace(_BANDS, {f"{name}.gain_db": _PROBE_DB})
    return eq_response_db(probe, BANDS_HZ, 48000)


def _low_cut_hz(sound: VoiceSound) -> float:
    return float(np.clip(_BELOW_VOICE * sound.lowest_hz, _LOWEST_CUT_HZ, _HIGHEST_CUT_HZ))
