"""Gates for drums with a microphone of their own: shut between hits, where only other instruments are heard.

Hits are told from bleed by how loud they are and by what they sound like: a soft note of the drum itself is no bleed.
A gate is set only where a gap in level lies between both, and where, tried on the track, it takes next to nothing of
any hit. Whoever rings on (cymbals, rooms, overheads) has none.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ....presets.console import Gate, parameters
from ....presets.roles import Role
from ...audio.reading import Samples
from ...console.gate import GateProcessor, detected_db
from ..sounds import RoleSound

Floats = NDArray[np.float64]

GATED: Final[frozenset[Role]] = frozenset({"kick", "snare", "tom"})
"""Drums that people mike closely, and gate."""
MOST_LOST_DB: Final = 0.5
"""What a gate may take of the energy of any hit."""

# What is shut, and how: so far that bleed no longer counts, not so far that the kit falls apart.
_RANGE_DB: Final = 18.0
_RATIO: Final = 10.0
_ATTACK_MS: Final = 0.3
_HOLD_MS: Final = 50.0
_RELEASES_MS: Final[dict[Role, float]] = {"kick": 150.0, "snare": 200.0, "tom": 350.0}
_MOST_HYSTERESIS_DB: Final = 8.0
# Levels are looked at in steps of so many samples; an onset rises by this within that time, and peaks soon.
_STEP: Final = 64
_RISE_DB, _RISE_S, _PEAK_S = 6.0, 0.02, 0.03
_APART_S: Final = 0.06
_SOUND_S: Final = 0.08
# A hit is no further below the loud ones; what is further is bleed, or a soft note that sounds like them.
_HITS_DB: Final = 14.0
_LEAST_HITS: Final = 4
# As much as this of the likeness that hits have to each other makes a soft onset one of them.
_LIKE_THEM: Final = 0.1
# Between hits and what is shut off there is so much room; bleed so far below is not heard, and one knock is none.
_GAP_DB: Final = 8.0
_UNHEARD_DB: Final = 36.0
_LEAST_BLEED: Final = 3
# A hit that has fallen to this is not told from bleed.
_OVER_REST_DB: Final = 1.0
# So much of the time there has to be something to shut off.
_LEAST_SHARE: Final = 0.15
_LOUDEST_REST: Final = 0.98
# Steps before an onset that belong to it, and that it rises in; what has come as low as it gets within this stands.
_BEFORE: Final = 4
_RISING: Final = 40
_STANDS_DB: Final = 2.0
_CENTRES_HZ: Final = np.geomspace(50, 12000, 28)
_QUIET_DB: Final = -110.0


@dataclass(frozen=True)
class Hits:
    """The onsets of a drum's track.

    Attributes:
        starts: of each, in samples.
        peaks_db: level that its detector reaches.
        are_own: whether it is the drum itself.
        levels_db: of the detector all along, in steps of 64 samples.
    """

    starts: NDArray[np.intp]
    peaks_db: Floats
    are_own: NDArray[np.bool_]
    levels_db: Floats

    @property
    def own_db(self) -> Floats:
        """Peaks of the drum itself."""
        return self.peaks_db[self.are_own]


def gate_of(sound: RoleSound, sample_rate_hz: int, input_gain_db: float) -> Gate:
    """A gate for a drum that has bleed between its hits; off for all else.

    Args:
        sound: the track.
        sample_rate_hz: of its audio.
        input_gain_db: before the gate; its threshold is a level behind it.
    """
    if sound.role not in GATED:
        return Gate()
    hits = hits_of(sound.audio, sample_rate_hz)
    if hits is None:
        return Gate()
    gate = _between(hits, sound.role)
    if gate is None or lost_db(sound.audio, sample_rate_hz, gate, hits) > MOST_LOST_DB:
        return Gate()
    threshold_db = parameters(Gate)["threshold_db"].clamp(round(gate.threshold_db + input_gain_db, 2))
    return gate.model_copy(update={"threshold_db": threshold_db})


def hits_of(audio: Samples, sample_rate_hz: int) -> Hits | None:
    """Find the onsets of a drum's track, shape (1 or 2, n); None where there are too few of the drum."""
    levels_db = detected_db(np.abs(audio).max(axis=0), sample_rate_hz)[::_STEP].astype(np.float64)
    levels_db = np.maximum(levels_db, _QUIET_DB)
    starts, peaks_db = _onsets(levels_db, sample_rate_hz)
    if len(starts) < _LEAST_HITS:
        return None
    loud = peaks_db >= np.quantile(peaks_db, 0.9) - _HITS_DB
    if loud.sum() < _LEAST_HITS:
        return None
    shapes = np.stack([_shape(audio, start, sample_rate_hz) for start in starts])
    likeness = _likeness(shapes, shapes[loud])
    own = loud | (likeness >= np.quantile(likeness[loud], _LIKE_THEM))
    return Hits(starts, peaks_db, own, levels_db)


def lost_db(audio: Samples, sample_rate_hz: int, gate: Gate, hits: Hits) -> float:
    """How much of the energy of a hit a gate takes, at most; each lasts until the next onset or until it is bleed."""
    gated = GateProcessor(gate, sample_rate_hz).process(audio)
    before, after = (np.concatenate([[0.0], np.cumsum(np.square(row, dtype=np.float64).sum(axis=0))])
                     for row in (audio, gated))  # fmt: skip
    ends = np.append(hits.starts[1:], audio.shape[1])
    rest_db = _rest_db(hits)
    heard_db = gate.threshold_db - gate.hysteresis_db if rest_db is None else rest_db + _OVER_REST_DB
    losses = []
    for start, end in zip(hits.starts[hits.are_own], ends[hits.are_own], strict=True):
        inside = hits.levels_db[start // _STEP : end // _STEP + 1]
        sounding = np.flatnonzero(inside > heard_db)
        last = min(int(end), int(start) + (int(sounding[-1]) + 1) * _STEP) if len(sounding) else int(end)
        whole, left = before[last] - before[start], after[last] - after[start]
        losses.append(-10 * np.log10(max(left, 1e-15) / max(whole, 1e-15)))
    return float(max(losses, default=0.0))


def _between(hits: Hits, role: Role) -> Gate | None:
    """A gate that opens between the softest hits and what is heard between them; None where there is no room."""
    softest_db = float(hits.own_db.min())
    loud_db = float(np.median(hits.own_db))
    rest_db = _rest_db(hits)
    bleed = int((hits.peaks_db[~hits.are_own] > loud_db - _UNHEARD_DB).sum())
    if rest_db is None or bleed < _LEAST_BLEED or softest_db - rest_db < _GAP_DB:
        return None
    # Nearer to what is shut off: a drum's own decay is heard as long as it can be.
    threshold_db = rest_db + max(0.45 * (softest_db - rest_db), 3.0)
    hysteresis_db = min(_MOST_HYSTERESIS_DB, threshold_db - rest_db - 1.5)
    return Gate(
        threshold_db=round(threshold_db, 2),
        range_db=_RANGE_DB,
        ratio=_RATIO,
        attack_ms=_ATTACK_MS,
        hold_ms=_HOLD_MS,
        release_ms=_RELEASES_MS[role],
        hysteresis_db=round(max(hysteresis_db, 1.0), 2),
    )


def _rest_db(hits: Hits) -> float | None:
    """The loudest of what is heard between the hits, but for a few moments; None where hits follow each other."""
    starts = hits.starts // _STEP
    spans = [hits.levels_db[: starts[0]]]
    for start, end, is_own in zip(starts, [*starts[1:], len(hits.levels_db)], hits.are_own, strict=True):
        span = hits.levels_db[start : end - _BEFORE]
        spans.append(_died_away(span) if is_own else span)
    rest_db = np.concatenate(spans)
    if len(rest_db) < _LEAST_SHARE * len(hits.levels_db):
        return None
    return float(np.quantile(rest_db, _LOUDEST_REST))


def _died_away(levels_db: Floats) -> Floats:
    """What of a hit's span is no decay any more: behind its peak, from where it comes as low as it gets, nearly."""
    peak = int(np.argmax(levels_db[:_RISING])) if len(levels_db) else 0
    decay_db = levels_db[peak:]
    if len(decay_db) < 2:
        return decay_db[:0]
    low = int(np.argmax(decay_db <= np.quantile(decay_db, 0.1) + _STANDS_DB))
    return decay_db[low:]


def _onsets(levels_db: Floats, sample_rate_hz: int) -> tuple[NDArray[np.intp], Floats]:
    """Where levels rise steeply, in samples, and the peaks that they rise to."""
    step_s = _STEP / sample_rate_hz
    back, ahead, apart = (max(1, round(seconds / step_s)) for seconds in (_RISE_S, _PEAK_S, _APART_S))
    padded = np.concatenate([np.full(back, _QUIET_DB), levels_db])
    lowest = np.lib.stride_tricks.sliding_window_view(padded, back + 1).min(axis=1)
    rising = levels_db - lowest >= _RISE_DB
    starts: list[int] = []
    for place in np.flatnonzero(rising & ~np.concatenate([[False], rising[:-1]])).tolist():
        if not starts or place - starts[-1] >= apart:
            starts.append(place)
    peaks = [float(levels_db[place : place + ahead].max()) for place in starts]
    heard = [index for index, peak in enumerate(peaks) if peak > max(peaks) - 60]
    places = np.array([max(0, starts[index] - _BEFORE) * _STEP for index in heard], np.intp)
    return places, np.array([peaks[index] for index in heard])


def _shape(audio: Samples, start: int, sample_rate_hz: int) -> Floats:
    """What an onset sounds like: its spectrum in third octaves, in dB around their mean."""
    from scipy import fft  # late, as in audio/loudness.py

    size = round(_SOUND_S * sample_rate_hz)
    piece = audio[:, start : start + size].astype(np.float64).sum(axis=0)
    fading = np.linspace(1, 0, len(piece))
    power = np.square(np.abs(fft.rfft(piece * fading, size)))
    edges = np.clip((_CENTRES_HZ * size / sample_rate_hz).astype(int), 1, len(power) - 2)
    sums = np.add.reduceat(power, edges)
    levels_db = 10 * np.log10(sums + 1e-12)
    levels_db = np.maximum(levels_db, levels_db.max() - 50)
    return np.asarray(levels_db - levels_db.mean())


def _likeness(shapes: Floats, hits: Floats) -> Floats:
    """How much each onset sounds like the hits, -1 to 1."""
    middle = np.median(hits, axis=0)
    scale = np.linalg.norm(shapes, axis=1) * np.linalg.norm(middle) + 1e-12
    return np.asarray(shapes @ middle / scale)
