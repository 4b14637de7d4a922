"""The match curve of a master where there is none: its tone goes into the bands of the equalizer, the rest is said.

Desks and DAWs have no such curve in a strip. The console's own six bands, those of the preset's EQ included, are fitted
to EQ and tone together; what becomes of six bands on a desk is then the same as for any master.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from ...presets.console import EQ_BANDS, Equalizer, Master, Strip
from ...presets.parts.match import MatchCurve, is_flat, points_db
from ...presets.sections import described
from ...runtime.console.match import match_gains_db
from .bands import audible_freqs_hz, closest
from .equalizer import console_bands
from .response import Floats
from .unfit import console_band, console_limits

# Of the plug-ins, where a format does not say.
PLUGIN_RATE_HZ = 48000
_CURVE_POINTS = 480


@dataclass(frozen=True)
class FoldedMatch:
    """A match curve that was put into an equalizer.

    Attributes:
        eq: EQ and tone together, as near as six bands come.
        mean_db: mean of the absolute error.
        max_db: largest absolute error.
        words: what is approximated and what is left out, a sentence without its beginning.
    """

    eq: Equalizer
    mean_db: float
    max_db: float
    words: str


def without_match(bus: Strip | Master, sample_rate_hz: int) -> tuple[Strip | Master, FoldedMatch | None]:
    """Put the match curve of a master into its EQ; a strip, or a master without one, stays as it is."""
    if not isinstance(bus, Master) or is_flat(bus.match):
        return bus, None
    fold = folded(bus.eq, bus.match, sample_rate_hz)
    return bus.model_copy(update={"eq": fold.eq, "match": MatchCurve()}), fold


@lru_cache(maxsize=32)
def folded(eq: Equalizer, match: MatchCurve, sample_rate_hz: int) -> FoldedMatch:
    """Fit six bands to an equalizer and the tone of a match curve."""

    def tone_db(freqs_hz: Floats) -> Floats:
        return match_gains_db(match, freqs_hz)[0]

    wanted = console_bands(eq)
    order = sorted(range(len(EQ_BANDS)), key=lambda index: wanted.values[index][0] == 0)
    bands = closest(wanted, console_limits(), order, sample_rate_hz, tone_db)
    freqs_hz = audible_freqs_hz(_CURVE_POINTS, sample_rate_hz)
    errors_db = np.abs(
        bands.response_db(freqs_hz, sample_rate_hz) - wanted.response_db(freqs_hz, sample_rate_hz) - tone_db(freqs_hz)
    )
    fitted = Equalizer(**{name: console_band(row) for name, row in zip(EQ_BANDS, bands.values, strict=True)})
    mean_db, max_db = float(errors_db.mean()), float(errors_db.max())
    return FoldedMatch(fitted, mean_db, max_db, _words(match, mean_db, max_db))


def _words(match: MatchCurve, mean_db: float, max_db: float) -> str:
    said = (
        f"{described(Master(match=match), 'match')} is approximated by the EQ: {mean_db:.1f} dB off on average, "
        f"{max_db:.1f} dB at most"
    )
    return f"{said}; its width is left out" if any(points_db(match.width)) else said
