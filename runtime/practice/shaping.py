"""Compression and de-essing by role, as far as a track needs it."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from ...presets.console import Compressor, DeEsser, Equalizer, parameters
from ...presets.roles import Family
from ..audio.reading import Samples
from ..console.dynamics import compressor_work
from ..console.response import compressor_gain_db
from .sounds import RoleSound

Curve = NDArray[np.float64]

# Mean reduction by family, while the track plays, for one that needs it.
_REDUCTION_DB: Final[dict[Family, float]] = {"vocals": 3.5, "speech": 3.5, "bass": 3.0, "drums": 1.5, "guitars": 2.0}
_USUAL_REDUCTION_DB: Final = 1.5
_SHARE_OF_PRACTICE: Final = 0.45
# Between these spreads of its level, loud over usual, a track starts to need a compressor, and needs all of it.
_STEADY_DB, _DYNAMIC_DB = 2.0, 8.0
_WORTH_IT_DB: Final = 0.4
# As much softer as a track may become by it.
_MOST_SOFTER_DB: Final = 4.5
_HALVINGS: Final = 16
_KNEE_DB: Final = 6.0
_LEAST_RELEASE_MS: Final = 60.0
# Sibilance: its band, how far it may stand below the loud parts of the voice, and the most that is taken.
_SIBILANT_HZ: Final = (4500.0, 10000.0)
_SIBILANT_DB: Final = -11.0
_MOST_DEESSED_DB: Final = 8.0
_FRAME_S: Final = 0.02
_TINY: Final = 1e-12


def compressor_of(sound: RoleSound, sample_rate_hz: int, input_gain_db: float) -> Compressor:
    """A compressor as engineers set it for the role, on a track whose level moves; off on one that is steady."""
    practice = sound.practice
    if practice.compressed_share < _SHARE_OF_PRACTICE:
        return Compressor()
    shape = Compressor(
        ratio=practice.ratio[1],
        attack_ms=max(practice.attack_ms, 1.0),
        release_ms=max(practice.release_ms, _LEAST_RELEASE_MS),
        knee_db=_KNEE_DB,
    )
    work = compressor_work(sound.audio, sample_rate_hz, input_gain_db, Equalizer(), shape)
    levels_db = work.levels_db + input_gain_db
    wanted_db = _REDUCTION_DB.get(sound.trait.family, _USUAL_REDUCTION_DB) * need(levels_db)
    return with_reduction(shape, levels_db, wanted_db)


def need(levels_db: Curve) -> float:
    """How much of a compressor a track needs whose detector sees these levels: 0 steady, 1 dynamic."""
    spread_db = float(np.quantile(levels_db, 0.95) - np.quantile(levels_db, 0.4))
    return min(1.0, max(0.0, (spread_db - _STEADY_DB) / (_DYNAMIC_DB - _STEADY_DB)))


def with_reduction(shape: Compressor, levels_db: Curve, mean_db: float) -> Compressor:
    """This compressor with the threshold at which it turns down so much on average; off where that is hardly any."""
    if mean_db < _WORTH_IT_DB or shape.ratio <= 1.01:
        return shape.model_copy(update={"ratio": 1.0, "threshold_db": 0.0})
    lowest_db, highest_db = float(levels_db.min()) - 20, float(levels_db.max()) + shape.knee_db
    threshold_db = threshold_for(shape, levels_db, mean_db, lowest_db, highest_db)
    if softer_db(_at(shape, threshold_db), levels_db) <= _MOST_SOFTER_DB:
        return _at(shape, threshold_db)
    # A few hits among much bleed: on average little is turned down, and the hits are crushed.
    for _ in range(_HALVINGS):
        middle_db = (threshold_db + highest_db) / 2
        if softer_db(_at(shape, middle_db), levels_db) > _MOST_SOFTER_DB:
            threshold_db = middle_db
        else:
            highest_db = middle_db
    return _at(shape, highest_db)


def _at(shape: Compressor, threshold_db: float) -> Compressor:
    return shape.model_copy(update={"threshold_db": parameters(Compressor)["threshold_db"].clamp(threshold_db)})


def softer_db(compressor: Compressor, levels_db: Curve) -> float:
    """How much softer a compressor makes a track whose detector sees these levels: what is loud counts."""
    power = 10 ** ((levels_db - levels_db.max()) / 10)
    left = power * 10 ** (compressor_gain_db(compressor, levels_db) / 10)
    return float(-10 * np.log10(left.sum() / power.sum()))


def threshold_for(shape: Compressor, levels_db: Curve, mean_db: float, low_db: float, high_db: float) -> float:
    """The lowest threshold between two at which the mean reduction is no more than this, by bisection."""
    for _ in range(24):
        middle_db = (low_db + high_db) / 2
        tried = shape.model_copy(update={"threshold_db": middle_db})
        if -compressor_gain_db(tried, levels_db).mean() > mean_db:
            low_db = middle_db
        else:
            high_db = middle_db
    return parameters(Compressor)["threshold_db"].clamp(high_db)


def deesser_of(sound: RoleSound, sample_rate_hz: int, input_gain_db: float) -> DeEsser:
    """A de-esser for a voice whose sibilants stand out; off for all else."""
    if not sound.trait.is_voice:
        return DeEsser()
    frames_db, band_db, centre_hz = _sibilance(sound.audio, sample_rate_hz)
    loud_db, sharp_db = float(np.quantile(frames_db, 0.9)), float(np.quantile(band_db, 0.98))
    over_db = sharp_db - loud_db - _SIBILANT_DB
    if over_db <= 0:
        return DeEsser()
    return DeEsser(
        freq_hz=round(centre_hz, 0),
        threshold_db=round(sharp_db - over_db - 2 + input_gain_db, 2),
        range_db=round(min(over_db + 2, _MOST_DEESSED_DB), 2),
    )


def _sibilance(audio: Samples, sample_rate_hz: int) -> tuple[Curve, Curve, float]:
    """Levels over time of a voice and of its sibilants, where it sings, and where those have their middle."""
    from scipy import fft  # late, as in audio/loudness.py

    mono = audio.mean(axis=0)
    step = max(256, round(_FRAME_S * sample_rate_hz))
    count = max(1, len(mono) // step)
    frames = np.pad(mono, (0, max(0, count * step - len(mono))))[: count * step].reshape(count, step)
    power = np.abs(fft.rfft(frames * np.hanning(step).astype(np.float32), axis=1)).astype(np.float64) ** 2
    freqs_hz = fft.rfftfreq(step, 1 / sample_rate_hz)
    scale = 2 / (step**2 * 0.375)
    band = (freqs_hz >= _SIBILANT_HZ[0]) & (freqs_hz <= _SIBILANT_HZ[1])
    whole_db = 10 * np.log10(power.sum(axis=1) * scale + _TINY)
    band_db = 10 * np.log10(power[:, band].sum(axis=1) * scale + _TINY)
    sings = whole_db > whole_db.max() - 40
    sharp = power[sings][:, band][band_db[sings] >= np.quantile(band_db[sings], 0.95)].sum(axis=0)
    centre_hz = float((sharp * freqs_hz[band]).sum() / (sharp.sum() + _TINY)) if band.any() else 6500.0
    return whole_db[sings], band_db[sings], min(max(centre_hz, 5000.0), 9000.0)
