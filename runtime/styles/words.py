"""Says what a style does to a track, and why it does more or less of it than usual."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np

from ...presets.console import SEND_OFF_DB, Reverb, Strip
from ...presets.sections import is_active
from .features import unlike_words
from .settings import TONE_HZ, Curve, tone_of
from .style import StyleAnswer

REGIONS: Final = (
    ("lows", 60.0, 170.0),
    ("body", 190.0, 520.0),
    ("middle", 600.0, 1700.0),
    ("presence", 1900.0, 6500.0),
    ("air", 7500.0, 16_500.0),
)
"""Parts of a track's spectrum that people have a word for."""

_WHOLE_HZ: Final = (190.0, 9000.0)
_TOLD_DB, _MOVED_DB = 0.5, 0.7
_MOST = 2
_OWN_REASON = 0.3


def doing_words(strip: Strip, reverb: Reverb, answer: StyleAnswer) -> str:
    """Say what a strip does, in figures: "low cut at 96 Hz, presence +2.1 dB (±1.2), ratio 3.2:1"."""
    return ", ".join(_parts(strip, reverb, answer)) or "nothing"


def moved_words(answer: StyleAnswer) -> Iterator[str]:
    """Say what of the tone differs most from what is usual, and which feature of the track asks for it."""
    if not answer.style.slopes or answer.believed == 0 or not answer.style.by_tone:
        return
    slopes = np.array(answer.style.slopes)
    parts = slopes * (answer.believed * np.clip(answer.deviations, -3, 3))
    places = {name: _tone_places(answer, low, high) for name, low, high in REGIONS}
    whole = parts[_tone_places(answer, *_WHOLE_HZ)].mean(axis=0)
    moves = {name: parts[at].mean(axis=0) - whole for name, at in places.items()}
    told = sorted(moves, key=lambda name: -abs(float(moves[name].sum())))
    for name in told[:_MOST]:
        moved_db = float(moves[name].sum())
        if abs(moved_db) < _MOVED_DB:
            return
        reasons = moves[name] * np.sign(moved_db)
        said = f"{name} {moved_db:+.1f} dB against the usual"
        # One feature has to speak for it, and the track has to be unlike others in that.
        best = int(reasons.argmax())
        if reasons[best] >= _OWN_REASON * abs(moved_db) and abs(answer.deviations[best]) >= _TOLD_DB:
            only = np.where(np.arange(len(reasons)) == best, answer.deviations, 0.0)
            said += f", as it is {unlike_words(only)} than others"
        yield said


def region_db(tone_db: Curve, low_hz: float, high_hz: float) -> float:
    """Compute the mean of a curve between two frequencies, against its middle."""
    inside, whole = _between(low_hz, high_hz), _between(*_WHOLE_HZ)
    return float(tone_db[inside].mean() - tone_db[whole].mean())


def _parts(strip: Strip, reverb: Reverb, answer: StyleAnswer) -> Iterator[str]:
    if is_active(strip, "low_cut"):
        yield f"low cut at {strip.low_cut.freq_hz:.0f} Hz"
    if is_active(strip, "eq"):
        tone_db = tone_of(strip)
        for name, low_hz, high_hz in REGIONS[1:] if is_active(strip, "low_cut") else REGIONS:
            gain_db = region_db(tone_db, low_hz, high_hz)
            if abs(gain_db) >= _TOLD_DB:
                yield f"{name} {gain_db:+.1f} dB{_spread(answer, low_hz, high_hz)}"
    if is_active(strip, "compressor"):
        over_db = strip.compressor.threshold_db
        yield f"compressor {strip.compressor.ratio:.1f}:1 above {over_db:.0f} dB"
    for name in ("deesser", "gate", "saturation"):
        if is_active(strip, name):
            yield {"deesser": "de-esser"}.get(name, name)
    if strip.reverb_send_db > SEND_OFF_DB:
        yield f"reverb of {reverb.decay_mid_s:.1f} s at {strip.reverb_send_db:.0f} dB"
    if strip.delay_send_db > SEND_OFF_DB:
        yield f"delay at {strip.delay_send_db:.0f} dB"


def _spread(answer: StyleAnswer, low_hz: float, high_hz: float) -> str:
    """How far the examples are from what is told, where their tone is told as a curve."""
    if not answer.style.by_tone:
        return ""
    spreads = np.array(answer.style.spread)[_tone_places(answer, low_hz, high_hz)]
    return f" (\N{PLUS-MINUS SIGN}{spreads.mean():.1f})"


def _tone_places(answer: StyleAnswer, low_hz: float, high_hz: float) -> list[int]:
    targets = answer.style.targets
    return [targets.index(f"tone.{at}") for at in np.flatnonzero(_between(low_hz, high_hz))]


def _between(low_hz: float, high_hz: float) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    inside: np.ndarray[tuple[int], np.dtype[np.bool_]] = (low_hz <= TONE_HZ) & (high_hz >= TONE_HZ)
    return inside
