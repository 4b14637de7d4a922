"""How likely a mix is really nearer to its reference than the plain one, as a number that means what it says.

The mix was measured on one passage. On others it may be worse: the likelier, the less it gained and the odder the
material. A logistic function of a few signs says how likely, with weights that were fitted to held-out sessions and
songs, on passages that the prediction did not hear, of the song as it is, whatever was given of it (`mixbridge model
chances`, :mod:`mixbridge.export.studies.chances`).
What makes it less sure may only lower it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np

from ...presets.console import EQ_BANDS, Strip
from ...presets.preset import Preset
from ...presets.units import power_decibels
from ..audio.loudness import integrated_loudness
from ..audio.reading import Samples
from ..voices.reference import side_db
from .trial import Trial

_MOST_GAIN = 2.0
_FULL_S = 12.0
_MONO_DB, _SIDED_DB, _MOST_SIDED_DB = -40.0, 1.5, 6.0
_QUIET_LUFS, _QUIET_SPAN_LU = -30.0, 20.0
_BOLD_EQ_DB, _BOLD_FADER_DB, _BOLD_RATIO = 9.0, 15.0, 8.0
_PATTERN = 32
_TINY = 1e-12


@dataclass(frozen=True)
class Signs:
    """What speaks for and against a mix, each 0 where nothing does.

    Attributes:
        gain: natural logarithm of the plain mix's distance over its own, on the passage that was heard; -2..2.
        strange_tracks: share of tracks unlike what the model has learned from.
        strange_reference: 1 where the reference is.
        short: how much of 12 s the reference lacks, 0..1.
        mono: 1 for a reference in mono.
        one_sided: how far a reference leans, 0..1.
        quiet: how far a reference is below -30 LUFS, 0..1.
        untried: share of tracks that do not play in the passage that was tried.
        unknown: share of tracks whose role nobody knows.
        bold: share of tracks with extreme settings.
        reduced: how much of the prediction was not kept, 0..1.
    """

    gain: float = 0.0
    strange_tracks: float = 0.0
    strange_reference: float = 0.0
    short: float = 0.0
    mono: float = 0.0
    one_sided: float = 0.0
    quiet: float = 0.0
    untried: float = 0.0
    unknown: float = 0.0
    bold: float = 0.0
    reduced: float = 0.0


@dataclass(frozen=True)
class Weighing:
    """Weights of the signs.

    Attributes:
        bias: log odds without any sign.
        weights: for each field of :class:`Signs`, in its order.
    """

    bias: float
    weights: tuple[float, ...]

    def probability(self, signs: Signs) -> float:
        """How likely the mix is nearer than the plain one, 0..1."""
        odds = self.bias + float(np.dot(self.weights, values(signs)))
        return 1 / (1 + math.exp(-odds))


# As `mixbridge model chances` printed them for the model that ships.
WEIGHING = Weighing(bias=1.746, weights=(0.619, -0.2, -0.2, -0.8, -3.087, -1.756, -0.2, -0.2, -0.2, -0.2, -1.45))


def signs_of(
    preset: Preset, trial: Trial, distance: float, plain: float, strange: tuple[float, bool], amount: float = 1.0
) -> Signs:
    """Collect the signs for a mix.

    Args:
        preset: as it will be used.
        trial: what it was tried on.
        distance: of the mix to the reference.
        plain: of the plain mix.
        strange: share of tracks unlike what the model has learned from, and whether the reference is.
        amount: how much of the prediction was kept.
    """
    tracks = [track for track in preset.tracks if not track.mute]
    count = max(len(tracks), 1)
    reference, rate_hz = trial.reference, trial.sample_rate_hz
    return Signs(
        gain=_gain(distance, plain),
        strange_tracks=strange[0],
        strange_reference=float(strange[1]),
        short=max(0.0, 1 - heard_s(reference, rate_hz) / _FULL_S),
        mono=float(side_db(reference) < _MONO_DB),
        one_sided=_share(abs(_lean_db(reference)) - _SIDED_DB, _MOST_SIDED_DB),
        quiet=_share(_QUIET_LUFS - integrated_loudness(reference, rate_hz), _QUIET_SPAN_LU),
        untried=sum(track.name in trial.passage.silent for track in tracks) / count,
        unknown=sum(track.role is None for track in tracks) / count,
        bold=_bold([track.strip for track in tracks]),
        reduced=1 - amount,
    )


def values(signs: Signs) -> list[float]:
    """The signs as numbers, in the order of the fields."""
    return [float(getattr(signs, field.name)) for field in fields(Signs)]


def heard_s(reference: Samples, sample_rate_hz: int) -> float:
    """How long a reference is until it repeats itself: a short one is heard again and again."""
    first = reference[0]
    pattern = first[:_PATTERN].tobytes()
    if not first[:_PATTERN].any():
        return float(reference.shape[1] / sample_rate_hz)
    data, size = first.tobytes(), first.itemsize
    at = data.find(pattern, size)
    while at >= 0 and at % size:
        at = data.find(pattern, at + 1)
    return float((at // size if at > 0 else reference.shape[1]) / sample_rate_hz)


def _gain(distance: float, plain: float) -> float:
    if not (math.isfinite(distance) and math.isfinite(plain)):
        return -_MOST_GAIN
    return min(max(math.log((plain + _TINY) / (distance + _TINY)), -_MOST_GAIN), _MOST_GAIN)


def _lean_db(reference: Samples) -> float:
    return power_decibels(_power(reference[-1]) / _power(reference[0]))


def _power(channel: Samples) -> float:
    return float(np.mean(np.square(channel, dtype=np.float64))) + _TINY


def _share(over: float, span: float) -> float:
    return min(max(over / span, 0.0), 1.0) if math.isfinite(over) else 1.0


def _bold(strips: Sequence[Strip]) -> float:
    if not strips:
        return 0.0
    middle_db = float(np.median([strip.fader_db for strip in strips]))
    bold = [
        max(abs(getattr(strip.eq, name).gain_db) for name in EQ_BANDS) > _BOLD_EQ_DB
        or abs(strip.fader_db - middle_db) > _BOLD_FADER_DB
        or strip.compressor.ratio > _BOLD_RATIO
        for strip in strips
    ]
    return float(np.mean(bold))
