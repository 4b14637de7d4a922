"""Level out over level in of a strip's dynamics, and how often the loop has each level there."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ....presets.console import Compressor, DeEsser, Gate, Master, Saturation, Strip, replace
from ....presets.units import decibels
from ....runtime.audio.reading import Samples
from ....runtime.console.deesser import ATTACK_MS, RELEASE_MS, band_section
from ....runtime.console.dynamics import compressor_work
from ....runtime.console.gate import detected_db
from ....runtime.console.primitives import Follower, SectionStream
from ....runtime.console.response import compressor_curve_db
from ....runtime.rendering.in_memory import render_strip
from ....runtime.rendering.takes import Takes
from .numbers import numbers

Curve = NDArray[np.float64]

# Around the threshold, a point each dB.
_REACH_DB: Final = (-90, 60)
# Levels are followed sample by sample; one of so many tells enough.
_EVERY: Final = 64
_PLAYING_DB: Final = 80.0
_LOWEST_DB: Final = -130.0
# A follower reads down to 2 to the minus this.
_EXPONENT: Final = 20
_PEAK_S: Final = 0.001


def laws_of(bus: Strip | Master) -> dict[str, Any]:
    """Compute the law of each of a strip's dynamics; of the master, the compressor's alone."""
    laws = {"compressor": _compressor_law(bus.compressor)}
    if isinstance(bus, Strip):
        laws["gate"] = _gate_law(bus.gate)
        laws["deesser"] = _deesser_law(bus.deesser)
        laws["saturation"] = _saturation_law(bus.saturation)
    return laws


def levels_of(audio: Samples, sample_rate_hz: int, strip: Strip, takes: Takes) -> dict[str, Any]:
    """Count how often each level comes to a strip's dynamics.

    Args:
        audio: the track as it came, shape (1 or 2, n), which must not change.
        sample_rate_hz: of it.
        strip: its settings.
        takes: strips that were rendered on such audio.

    Returns:
        By section, as :func:`counted` has them: what the detectors of gate, compressor and de-esser see, and what is
        bent by the saturation (the highest sample of each millisecond).
    """
    gain_db = strip.input_gain_db
    work = compressor_work(audio, sample_rate_hz, gain_db, strip.eq, strip.compressor)
    esses = _band_levels_db(_before(audio, sample_rate_hz, strip, takes, _DEESSED), sample_rate_hz, strip.deesser)
    bent = _peaks_db(_before(audio, sample_rate_hz, strip, takes, _BENT), sample_rate_hz)
    return {
        "gate": counted(detected_db(np.abs(audio).max(axis=0), sample_rate_hz)[::_EVERY] + gain_db),
        "compressor": counted(work.levels_db + gain_db),
        "deesser": counted(esses),
        "saturation": counted(bent),
    }


def counted(levels_db: Curve | Samples) -> dict[str, Any] | None:
    """Count levels by whole dB, the most frequent as 1; None where there is nothing but silence."""
    levels = np.asarray(levels_db, np.float64)
    levels = levels[levels > max(_LOWEST_DB, levels.max(initial=_LOWEST_DB) - _PLAYING_DB)]
    if not len(levels):
        return None
    low, high = math.floor(levels.min()), math.floor(levels.max()) + 1
    counts = np.histogram(levels, np.arange(low, high + 1))[0]
    return {"low_db": low, "shares": numbers(counts / counts.max(), 3)}


# What is off where sound comes to a stage; nothing is moved behind it.
_BENT: Final[Mapping[str, float]] = {"saturation.drive": 0.0}
_DEESSED: Final[Mapping[str, float]] = {**_BENT, "deesser.range_db": 0.0}


def _before(audio: Samples, sample_rate_hz: int, strip: Strip, takes: Takes, off: Mapping[str, float]) -> Samples:
    """Render what comes to a stage, in the middle and at the level that it has there."""
    sound = render_strip(audio, sample_rate_hz, replace(strip, {**off, "fader_db": 0.0, "pan": 0.0}), takes)
    # Sound in the middle comes out 3 dB lower on each side than a mono track has it.
    return sound * np.float32(math.sqrt(2)) if len(audio) == 1 else sound


def _band_levels_db(audio: Samples, sample_rate_hz: int, deesser: DeEsser) -> Curve:
    band = SectionStream(band_section(deesser.freq_hz, sample_rate_hz), len(audio)).process(audio)
    follower = Follower(ATTACK_MS, RELEASE_MS, sample_rate_hz, _EXPONENT)
    followed = follower.process(np.abs(band).max(axis=0).astype(np.float32))[::_EVERY]
    levels_db: Curve = 20 * (np.log10(np.maximum(followed, 1e-30).astype(np.float64)) - _EXPONENT * math.log10(2))
    return levels_db


def _peaks_db(audio: Samples, sample_rate_hz: int) -> Curve:
    step = max(1, round(_PEAK_S * sample_rate_hz))
    line = np.abs(audio).max(axis=0)
    peaks = np.pad(line, (0, -len(line) % step)).reshape(-1, step).max(axis=1)
    levels_db: Curve = 20 * np.log10(np.maximum(peaks, 1e-30).astype(np.float64))
    return levels_db


def _around(threshold_db: float) -> Curve:
    return threshold_db + np.arange(_REACH_DB[0], _REACH_DB[1] + 1, dtype=np.float64)


def _law(input_db: Curve, output_db: Curve, threshold_db: float | None, *, is_on: bool) -> dict[str, Any]:
    return {
        "input_db": numbers(input_db, 2),
        "output_db": numbers(output_db, 2),
        "threshold_db": threshold_db,
        "is_on": is_on,
    }


def _compressor_law(compressor: Compressor) -> dict[str, Any]:
    input_db = _around(compressor.threshold_db)
    is_on = compressor.ratio > 1 or compressor.makeup_db != 0
    return _law(input_db, compressor_curve_db(compressor, input_db), compressor.threshold_db, is_on=is_on)


def _gate_law(gate: Gate) -> dict[str, Any]:
    """The law of a level that rises; a falling one passes down to `closes_db`."""
    input_db = _around(gate.threshold_db)
    below_db = np.minimum(input_db - gate.threshold_db, 0)
    output_db = input_db + np.maximum((gate.ratio - 1) * below_db, -gate.range_db)
    is_on = gate.range_db > 0 and gate.ratio > 1
    return {
        **_law(input_db, output_db, gate.threshold_db, is_on=is_on),
        "closes_db": gate.threshold_db - gate.hysteresis_db,
    }


def _deesser_law(deesser: DeEsser) -> dict[str, Any]:
    input_db = _around(deesser.threshold_db)
    taken_db = np.clip(input_db - deesser.threshold_db, 0, deesser.range_db)
    return _law(input_db, input_db - taken_db, deesser.threshold_db, is_on=deesser.range_db > 0)


def _saturation_law(saturation: Saturation) -> dict[str, Any]:
    """The law of the highest sample of a wave, without tone and level match."""
    drive, mix = saturation.drive, saturation.mix
    input_db = _around(0.0 if drive <= 0 else -decibels(drive))
    wave = 10 ** (input_db / 20)
    bent = wave if drive <= 0 else mix * np.tanh(drive * wave) / drive + (1 - mix) * wave
    return _law(input_db, 20 * np.log10(bent), None, is_on=drive > 0 and mix > 0)
