"""The numbers of a strip's pictures: its equalizer over its spectrum, its dynamics over their levels."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from ....presets.console import EQ_BANDS, Equalizer, Master, Strip
from ....presets.editing.passages import preset_at
from ....presets.preset import Preset
from ....runtime.audio.loudness import integrated_loudness
from ....runtime.audio.reading import Samples
from ....runtime.console.dynamics import compressor_work
from ....runtime.console.response import eq_response_db
from ...report.listening import THIRDS_HZ, tone
from .hearing import Hearing
from .laws import counted, laws_of, levels_of
from .numbers import numbers

_LOWEST_HZ: Final = 20.0
_POINTS: Final = 160


def strip_pictures(hearing: Hearing, preset: Preset, name: str, song: int | None = None) -> dict[str, Any]:
    """Numbers to draw a track by.

    Args:
        hearing: the loop.
        preset: its track `name` is drawn.
        name: of the track; its lanes stand where the loop begins.
        song: which reference is drawn; None for the one that weighs most.

    Returns:
        The equalizer's curve and nodes; third octaves at equal loudness of the raw track, of the track in the mix and
        of the reference; the laws of the dynamics and how often each level comes to them. None stands for what is
        silent or lacks.
    """
    strip = preset_at(preset, hearing.heard.loop.start_s).track(name).strip
    raw = hearing.heard.stems[name]
    after = hearing.rendered(preset).stems.get(name)
    levels = levels_of(raw, hearing.heard.sample_rate_hz, strip, hearing.takes)
    return _pictures(hearing, strip, raw, after, levels, hearing.reference(song))


def bus_pictures(hearing: Hearing, preset: Preset, name: str, song: int | None = None) -> dict[str, Any]:
    """Numbers to draw a group by: as it sounds, and without levels."""
    bus = preset_at(preset, hearing.heard.loop.start_s).bus(name)
    after = hearing.rendered(preset).buses.get(f"{name} bus")
    return _pictures(hearing, bus.strip, np.zeros((2, 1), np.float32), after, {}, hearing.reference(song))


def master_pictures(hearing: Hearing, preset: Preset, song: int | None = None) -> dict[str, Any]:
    """Numbers to draw the master by, as :func:`strip_pictures` gives them of a track."""
    master, rendered = preset_at(preset, hearing.heard.loop.start_s).master, hearing.rendered(preset)
    rate_hz = hearing.heard.sample_rate_hz
    work = compressor_work(rendered.bus, rate_hz, master.input_gain_db, master.eq, master.compressor, master.match)
    levels = {"compressor": counted(work.levels_db + master.input_gain_db)}
    return _pictures(hearing, master, rendered.bus, rendered.mix, levels, hearing.reference(song))


def bus_curves(bus: Strip | Master, sample_rate_hz: int) -> dict[str, Any]:
    """The equalizer and the laws alone: quick enough for each move of a drag."""
    return {"eq": equalizer_curve(bus.eq, sample_rate_hz), "laws": laws_of(bus)}


def equalizer_curve(eq: Equalizer, sample_rate_hz: int) -> dict[str, Any]:
    """The curve of an equalizer and the nodes to drag."""
    freqs_hz = np.geomspace(_LOWEST_HZ, min(22000, 0.49 * sample_rate_hz), _POINTS)
    nodes = [
        {"band": band, "freq_hz": part.freq_hz, "gain_db": part.gain_db, "q": part.q}
        for band, part in ((band, getattr(eq, band)) for band in EQ_BANDS)
    ]
    return {
        "freqs_hz": numbers(freqs_hz, 1),
        "gains_db": numbers(eq_response_db(eq, freqs_hz, sample_rate_hz), 2),
        "nodes": nodes,
    }


def _pictures(
    hearing: Hearing,
    bus: Strip | Master,
    before: Samples,
    after: Samples | None,
    levels: dict[str, Any],
    reference: Samples | None,
) -> dict[str, Any]:
    heard = hearing.heard
    spectra = {"raw": before, "mix": after, "reference": reference}
    return {
        **bus_curves(bus, heard.sample_rate_hz),
        "levels": levels,
        "thirds_hz": numbers(THIRDS_HZ, 1),
        "spectra_db": {
            what: None if audio is None else numbers(_tone(audio, heard.sample_rate_hz), 1)
            for what, audio in spectra.items()
        },
    }


def _tone(audio: Samples, rate_hz: int) -> Samples:
    return tone(audio, rate_hz, integrated_loudness(audio, rate_hz)).astype(np.float32)
