"""What in the reference asks for what a strip does: what the prediction noted, and figures of both sounds side by side.

Figures compare the raw tracks together with the reference, at one loudness: a lone track and a song do not compare.
What was set by practice, without regard to the song (a voice alone, people who talk), has no such reasons.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np

from ....presets.console import EQ_BANDS, Master, Strip
from ....presets.preset import Preset
from ....presets.units import power_decibels
from ....runtime.prediction.confidence import set_by_practice
from ...report.listening import THIRDS_HZ, SoundFigures
from ...report.text import AUDIBLE_PAN, AUDIBLE_RATIO, spoken_frequency
from ...server.addresses import PartName

# Less is not worth a sentence.
_EQ_DB: Final = 1.0
_APART_DB: Final = 1.0
_CREST_DB: Final = 1.0
_SIDES_DB: Final = 2.0
# Thirds of an octave on each side of a band.
_AROUND: Final = 1


def reasons(
    preset: Preset, part: PartName, index: int, raw: SoundFigures | None, reference: SoundFigures | None
) -> list[str]:
    """Say why a strip is set as it is, a sentence each.

    Args:
        preset: its provenance has what was noted.
        part: of the preset.
        index: which track or group.
        raw: all tracks together, as they came; None where there are none.
        reference: what the mix goes after; None where there is none.
    """
    name = preset.tracks[index].name if part == "track" else None
    said = [*_noted(preset, part, name)]
    if raw is not None and reference is not None and not set_by_practice(preset):
        if part == "track":
            said += _measured(preset.tracks[index].strip, raw, reference)
        elif part == "bus":
            said += _measured(preset.buses[index].strip, raw, reference)
        elif part == "master":
            said += _measured(preset.master, raw, reference)
    return list(dict.fromkeys(said))


def _noted(preset: Preset, part: PartName, name: str | None) -> Iterator[str]:
    """What the prediction wrote down of a track; of the mix as a whole at the master."""
    provenance = preset.provenance
    names = [track.name for track in preset.tracks]
    for finding in provenance.findings or ():
        if finding.track == name and part in ("track", "master"):
            yield finding.message
    for words in provenance.decisions or ():
        about = [known for known in names if known in words]
        if name in about or (part == "master" and not about):
            yield words


def _measured(bus: Strip | Master, raw: SoundFigures, reference: SoundFigures) -> Iterator[str]:
    apart_db = reference.thirds_db - raw.thirds_db
    for band in (getattr(bus.eq, name) for name in EQ_BANDS):
        if abs(band.gain_db) < _EQ_DB:
            continue
        nearest = int(np.argmin(np.abs(np.log(THIRDS_HZ / band.freq_hz))))
        around = apart_db[max(0, nearest - _AROUND) : nearest + _AROUND + 1]
        found_db = float(np.mean(around[np.isfinite(around)])) if np.isfinite(around).any() else 0.0
        if found_db * band.gain_db > 0 and abs(found_db) >= _APART_DB:
            more = "more" if found_db > 0 else "less"
            where = spoken_frequency(band.freq_hz)
            yield f"around {where} the reference has {abs(found_db):.1f} dB {more} than the raw tracks together"
    if (
        isinstance(bus, Master)
        and bus.compressor.ratio >= AUDIBLE_RATIO
        and raw.crest_db - reference.crest_db >= _CREST_DB
    ):
        yield (
            f"peaks of the reference stand {reference.crest_db:.1f} dB above its loudness, those of the raw tracks "
            f"together {raw.crest_db:.1f} dB"
        )
    sides_db, raw_sides_db = (_sides_db(figures.width) for figures in (reference, raw))
    if isinstance(bus, Strip) and abs(bus.pan) >= AUDIBLE_PAN and sides_db - raw_sides_db >= _SIDES_DB:
        yield (
            f"the sides of the reference are {-sides_db:.1f} dB below the whole, those of the raw tracks together "
            f"{-raw_sides_db:.1f} dB"
        )


def _sides_db(width: float) -> float:
    return power_decibels(max(width, 1e-6))
