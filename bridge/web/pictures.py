"""The numbers of a strip's pictures: its equalizer over its spectrum, its compressor over its levels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike

from ...presets.console import EQ_BANDS, Equalizer, Master, Strip
from ...presets.preset import Preset
from ...runtime.audio.loudness import integrated_loudness
from ...runtime.audio.reading import Samples
from ...runtime.console.dynamics import compressor_work
from ...runtime.console.response import compressor_gain_db, eq_response_db
from ..report.listening import THIRDS_HZ, Curve, tone
from .hearing import Hearing

_LOWEST_HZ: Final = 20.0
_POINTS: Final = 160
_COLUMNS: Final = 36
_SILENT_DB: Final = -200.0


def strip_pictures(hearing: Hearing, preset: Preset, name: str) -> dict[str, Any]:
    """Numbers to draw a track by.

    Args:
        hearing: the loop.
        preset: its track `name` is drawn.
        name: of the track.

    Returns:
        The equalizer's curve and nodes; third octaves at equal loudness of the raw track, of the track in the mix and
        of the reference; the compressor's law and how often the track has each level. None stands for what is silent
        or lacks.
    """
    strip = preset.track(name).strip
    heard = hearing.heard
    raw = heard.stems[name]
    after = hearing.rendered(preset).stems.get(name)
    work = compressor_work(raw, heard.sample_rate_hz, strip.input_gain_db, strip.eq, strip.compressor)
    return _pictures(hearing, strip, raw, after, work.levels_db + strip.input_gain_db)


def bus_pictures(hearing: Hearing, preset: Preset, name: str) -> dict[str, Any]:
    """Numbers to draw a group by: as it sounds, and without levels."""
    bus = preset.bus(name)
    after = hearing.rendered(preset).buses.get(f"{name} bus")
    silence = np.zeros((2, 1), np.float32)
    return _pictures(hearing, bus.strip, silence, after, np.full(1, _SILENT_DB))


def master_pictures(hearing: Hearing, preset: Preset) -> dict[str, Any]:
    """Numbers to draw the master by, as :func:`strip_pictures` gives them of a track."""
    master, rendered = preset.master, hearing.rendered(preset)
    rate_hz = hearing.heard.sample_rate_hz
    work = compressor_work(rendered.bus, rate_hz, master.input_gain_db, master.eq, master.compressor, master.match)
    return _pictures(hearing, master, rendered.bus, rendered.mix, work.levels_db + master.input_gain_db)


def curves(bus: Strip | Master, sample_rate_hz: int) -> dict[str, Any]:
    """The equalizer and the compressor's law alone: quick enough for each move of a drag."""
    return {"eq": equalizer_curve(bus.eq, sample_rate_hz), "compressor": _law(bus)}


def equalizer_curve(eq: Equalizer, sample_rate_hz: int) -> dict[str, Any]:
    """The curve of an equalizer and the nodes to drag."""
    freqs_hz = np.geomspace(_LOWEST_HZ, min(22000, 0.49 * sample_rate_hz), _POINTS)
    nodes = [
        {"band": band, "freq_hz": part.freq_hz, "gain_db": part.gain_db, "q": part.q}
        for band, part in ((band, getattr(eq, band)) for band in EQ_BANDS)
    ]
    return {
        "freqs_hz": _numbers(freqs_hz, 1),
        "gains_db": _numbers(eq_response_db(eq, freqs_hz, sample_rate_hz), 2),
        "nodes": nodes,
    }


def _pictures(
    hearing: Hearing, bus: Strip | Master, before: Samples, after: Samples | None, levels_db: Curve
) -> dict[str, Any]:
    heard = hearing.heard
    spectra = {"raw": before, "mix": after, "reference": heard.reference}
    edges = _levels(bus)
    counts = np.histogram(np.clip(levels_db, edges[0], edges[-1]), edges)[0]
    return {
        "eq": equalizer_curve(bus.eq, heard.sample_rate_hz),
        "thirds_hz": _numbers(THIRDS_HZ, 1),
        "spectra_db": {
            what: None if audio is None else _numbers(_tone(audio, heard.sample_rate_hz), 1)
            for what, audio in spectra.items()
        },
        "compressor": {**_law(bus), "shares": _numbers(counts / max(1, counts.max()), 3)},
    }


def _law(bus: Strip | Master) -> dict[str, Any]:
    """Level out over level in, around the threshold."""
    levels_db = _levels(bus)
    return {
        "input_db": _numbers(levels_db, 1),
        "output_db": _numbers(levels_db + compressor_gain_db(bus.compressor, levels_db), 2),
    }


def _levels(bus: Strip | Master) -> Samples:
    threshold_db = bus.compressor.threshold_db
    return np.linspace(threshold_db - 36, threshold_db + 24, _COLUMNS + 1, dtype=np.float32)


def _tone(audio: Samples, rate_hz: int) -> Samples:
    return tone(audio, rate_hz, integrated_loudness(audio, rate_hz)).astype(np.float32)


def _numbers(values: ArrayLike, digits: int) -> Sequence[float | None]:
    """Plain numbers for JSON, which has none that are not finite."""
    return [round(float(value), digits) if np.isfinite(value) else None for value in np.asarray(values, np.float64)]
