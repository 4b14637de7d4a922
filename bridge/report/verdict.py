"""Says what changed from the raw tracks to the mix, and whether it came closer to the reference."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ...presets.units import power_decibels
from .listening import THIRDS_HZ, SoundFigures

# Smaller changes are not worth a sentence.
_HEARD_DB = 1.0
_HEARD_WIDTH = 0.02
_MOST_SENTENCES = 3
# What is compared of the tone; below the floor nothing is heard.
_TONE_HZ = (45, 15000)
_FLOOR_DB = -60.0


@dataclass(frozen=True)
class _Region:
    """A part of the spectrum that people have a word for."""

    name: str
    low_hz: float
    high_hz: float
    more: str
    less: str


_REGIONS = (
    _Region("below 120 Hz", 0, 120, "fuller", "leaner"),
    _Region("between 120 and 500 Hz", 120, 500, "warmer", "less boomy"),
    _Region("between 500 Hz and 2 kHz", 500, 2000, "more forward", "softer"),
    _Region("between 2 and 6 kHz", 2000, 6000, "more present", "less harsh"),
    _Region("above 6 kHz", 6000, math.inf, "brighter", "darker"),
)


def compare(raw: SoundFigures, mix: SoundFigures, reference: SoundFigures | None = None) -> list[str]:
    """Say what is heard, the greatest change first; all sounds are compared at equal loudness.

    Args:
        raw: the plain sum of the tracks.
        mix: the mix.
        reference: the song it should be like, if any.
    """
    if not (math.isfinite(raw.loudness_lufs) and math.isfinite(mix.loudness_lufs)):
        return ["There is nothing to hear in this passage."]
    changes = [(region, _region_db(mix, region) - _region_db(raw, region)) for region in _REGIONS]
    heard = sorted((item for item in changes if abs(item[1]) >= _HEARD_DB), key=lambda item: -abs(item[1]))
    sentences = [_tone(region, change, raw, mix, reference) for region, change in heard[:_MOST_SENTENCES]]
    sentences = sentences or ["Its tone has hardly changed."]
    return [*sentences, *_width(raw, mix, reference), *_distance(raw, mix, reference)]


def _tone(
    region: _Region, change_db: float, raw: SoundFigures, mix: SoundFigures, reference: SoundFigures | None
) -> str:
    sentence = f"The mix is {abs(change_db):.1f} dB {region.more if change_db > 0 else region.less} {region.name}"
    if reference is None:
        return f"{sentence} than the raw tracks."
    goal = _region_db(reference, region)
    before, after = goal - _region_db(raw, region), goal - _region_db(mix, region)
    return f"{sentence} than the raw tracks, {_towards(before, after)}."


def _towards(before_db: float, after_db: float) -> str:
    left = f"which still has {abs(after_db):.1f} dB {'more' if after_db > 0 else 'less'} there"
    if abs(after_db) < _HEARD_DB:
        return "as in the reference"
    if abs(after_db) > abs(before_db):
        return f"away from the reference, which has {abs(after_db):.1f} dB {'more' if after_db > 0 else 'less'} there"
    if before_db * after_db < 0:
        return f"past the reference, which has {abs(after_db):.1f} dB {'more' if after_db > 0 else 'less'} there"
    return f"closer to the reference, {left}"


def _width(raw: SoundFigures, mix: SoundFigures, reference: SoundFigures | None) -> Iterator[str]:
    change = mix.width - raw.width
    if abs(change) < _HEARD_WIDTH:
        return
    wider = "wider" if change > 0 else "narrower"
    others = f"raw tracks {_percent(raw.width)}" + (f", reference {_percent(reference.width)}" if reference else "")
    yield f"It is {wider}: {_percent(mix.width)} of its power is in the sides ({others})."


def _distance(raw: SoundFigures, mix: SoundFigures, reference: SoundFigures | None) -> Iterator[str]:
    """Say how far the tone as a whole is from the reference's, raw and in the mix."""
    if reference is None:
        return
    known = (_TONE_HZ[0] < THIRDS_HZ) & (_TONE_HZ[1] > THIRDS_HZ)
    before, after = (
        float(
            np.nanmean(
                np.abs(np.maximum(sound.thirds_db, _FLOOR_DB) - np.maximum(reference.thirds_db, _FLOOR_DB))[known]
            )
        )
        for sound in (raw, mix)
    )
    yield f"Average distance of its tone from the reference's: {after:.1f} dB (raw tracks {before:.1f} dB)."


def _region_db(sound: SoundFigures, region: _Region) -> float:
    """Compute the power of a region at a loudness of 0 LUFS."""
    inside = (region.low_hz <= THIRDS_HZ) & (region.high_hz > THIRDS_HZ) & ~np.isnan(sound.thirds_db)
    power = float((10 ** (sound.thirds_db[inside] / 10)).sum())
    return power_decibels(power + 1e-12)


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"
