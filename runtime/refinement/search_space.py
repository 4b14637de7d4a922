"""What a search may turn, how far, and how much of a change counts as one: presets as vectors and back.

A number of the vector is a setting divided by its span (a frequency's or ratio's logarithm likewise), so that equal
steps of any two are about equally much of a change to a mix. Limits are musical, narrower than the console's: nobody
wants a search to win by 20 dB of boost. Nothing is heard or judged here.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from ...presets.checking.links import made_alike
from ...presets.console import EQ_BANDS, Master, Strip, get, parameters, replace
from ...presets.preset import Preset, Track
from ...presets.roles import TRAITS, Role
from ..audio.reading import Samples
from ..practice.sins import CENTRED

Vector = NDArray[np.float64]
Section = TypeVar("Section", Strip, Master)

FADER_REACH_DB = 12.0
"""Of tracks of which nobody knows what they are; the others keep about their level: :func:`free_level_db`."""
EQ_LIMIT_DB = 12.0
MOST_REDUCTION_DB = 12.0
_HIGHEST_RATIO = 8.0
_LOWEST_Q, _HIGHEST_Q = 0.3, 4.0
# Pan hard to one side hides the other channel of a stereo track from the search, for good.
_WIDEST_PAN = 0.97
# What the search leaves alone: sections, or single settings, each with the reason.
LEFT_ALONE: Final[Mapping[str, str]] = {
    "trim": "does what threshold and fader do together",
    "gate": "features are taken over a whole passage",
    "low_cut": "set where a track has something below its lows",
    "high_cut": "off in a prediction; a search does not switch effects on",
    "deesser": "set where sibilants stand out",
    "saturation": "follows how dense the reference is; features hardly hear it",
    "match": "fitted behind the search, to the mix that it found",
    "send": "room and echoes follow how the reference's notes fall silent",
    "compressor.attack_ms": "features are taken over a whole passage",
    "compressor.release_ms": "features are taken over a whole passage",
    "compressor.lookahead_ms": "features are taken over a whole passage",
    "compressor.knee_db": "does nearly what threshold and ratio do",
    "compressor.makeup_db": "does what the fader does",
    "output_gain_db": "features are compared at equal loudness",
}
# How far a track's level may move against all else: who carries the song, who stands in the middle, the rest. A fader
# may go further, since the others move, too.
_FREE_LEAD_DB, _FREE_CENTRED_DB, _FREE_DB = 0.5, 1.0, 2.0
_FADER_MORE = 2.0
_LEADS: Final[frozenset[Role]] = frozenset({"lead vocal", "speech", "lead synth"})
# An engineer who turns more than this at a known instrument is mending it.
_KNOWN_EQ_DB = 6.0
_LOW_BAND_HZ = 180.0
_LEVEL_FRAME_S = 0.05
_QUIET_DB = -120.0


@dataclass(frozen=True)
class Knob:
    """One setting that may be turned.

    Attributes:
        track: whose; None for the master.
        path: in the console table.
        start: where it stands, in units of its span.
        low: lowest place, likewise.
        high: highest place, likewise.
        span: what one unit is, in the setting's own unit, or in its natural logarithm.
        is_log: whether the span is one of the logarithm.
    """

    track: str | None
    path: str
    start: float
    low: float
    high: float
    span: float
    is_log: bool

    def value(self, place: float) -> float:
        """The setting at a place."""
        return math.exp(place * self.span) if self.is_log else place * self.span

    def place(self, value: float) -> float:
        """Where a setting stands."""
        return (math.log(value) if self.is_log else value) / self.span


class SearchSpace:
    """The settings of the tracks that are heard, and the master's.

    Args:
        preset: where the search starts. A compressor that is off is readied: its threshold moves to where a higher
            ratio would do something, which changes no sound.
        levels_db: what the compressors see, by track: a level that the track often reaches, raw; None stands for the
            master, whose level is that of the sum.

    Attributes:
        base: the preset at the start.
        knobs: what may be turned; all tracks' in the order of the preset, then the master's.
    """

    def __init__(self, preset: Preset, levels_db: Mapping[str | None, float]):
        knobs: list[Knob] = []
        tracks = []
        for track in preset.tracks:
            if track.name not in levels_db or track.mute:
                tracks.append(track)
                continue
            level_db = levels_db[track.name] + track.strip.input_gain_db
            strip = _readied(track.strip, level_db)
            tracks.append(track.model_copy(update={"strip": strip}))
            knobs += _of_role(track, strip, _knobs(track.name, strip, level_db))
        level_db = levels_db[None] + preset.master.input_gain_db
        master = _readied(preset.master, level_db)
        knobs += _knobs(None, master, level_db)
        self.base = preset.model_copy(update={"tracks": tuple(tracks), "master": master})
        self.knobs = tuple(knobs)

    @cached_property
    def start(self) -> Vector:
        """The starting preset's place."""
        return np.array([knob.start for knob in self.knobs])

    @cached_property
    def low(self) -> Vector:
        """The lowest place."""
        return np.array([knob.low for knob in self.knobs])

    @cached_property
    def high(self) -> Vector:
        """The highest place."""
        return np.array([knob.high for knob in self.knobs])

    def preset(self, place: Vector) -> Preset:
        """The preset at a place."""
        turned: dict[str | None, dict[str, float]] = {}
        for knob, position in zip(self.knobs, place, strict=True):
            section = Master if knob.track is None else Strip
            value = parameters(section)[knob.path].clamp(knob.value(float(position)))
            turned.setdefault(knob.track, {})[knob.path] = value
        tracks = tuple(
            track.model_copy(update={"strip": replace(track.strip, turned[track.name])})
            if track.name in turned
            else track
            for track in self.base.tracks
        )
        master = replace(self.base.master, turned.get(None, {}))
        turned_preset = self.base.model_copy(update={"tracks": tracks, "master": master})
        return made_alike(turned_preset) if any(track.link for track in tracks) else turned_preset


def often_reached_db(audio: Samples, sample_rate_hz: int) -> float:
    """A level of the louder channel that a signal often reaches: of its 50 ms, one in ten is louder."""
    step = max(1, min(audio.shape[1], round(_LEVEL_FRAME_S * sample_rate_hz)))
    whole = audio[:, : audio.shape[1] // step * step].reshape(audio.shape[0], -1, step)
    power = np.einsum("cfn,cfn->cf", whole, whole, dtype=np.float64).max(axis=0) / step
    return max(_QUIET_DB, float(10 * np.log10(np.percentile(power, 90) + 1e-12)))


def free_level_db(role: Role) -> float:
    """How far the level of a track may move against all others before a search has to pay for it."""
    if role in _LEADS:
        return _FREE_LEAD_DB
    return _FREE_CENTRED_DB if TRAITS[role].is_centred else _FREE_DB


def _of_role(track: Track, strip: Strip, knobs: Iterable[Knob]) -> Iterator[Knob]:
    """The knobs of a track that its role and its partner leave to a search, in narrower limits."""
    role = track.role
    keeps_place = track.link is not None or role in CENTRED
    for knob in knobs:
        if knob.path == "pan" and keeps_place:
            continue
        if role is None:
            yield knob
        elif knob.path == "fader_db":
            yield _within(knob, knob.start, _FADER_MORE * free_level_db(role) / knob.span)
        elif knob.path.endswith(".gain_db"):
            band = knob.path.split(".")[1]
            is_low = band == "low_shelf" or getattr(strip.eq, band).freq_hz < _LOW_BAND_HZ
            narrow = _within(knob, 0.0, _KNOWN_EQ_DB / knob.span)
            if is_low and not TRAITS[role].has_lows:
                narrow = dataclasses.replace(narrow, high=max(0.0, knob.start))
            yield narrow
        else:
            yield knob


def _within(knob: Knob, middle: float, reach: float) -> Knob:
    """A knob that turns no further from here, but may stay where it is."""
    low, high = max(knob.low, middle - reach), min(knob.high, middle + reach)
    return dataclasses.replace(knob, low=min(low, knob.start), high=max(high, knob.start))


def _readied(section: Section, level_db: float) -> Section:
    if section.compressor.ratio > 1:
        return section
    row = parameters(type(section))["compressor.threshold_db"]
    return replace(section, {"compressor.threshold_db": row.clamp(level_db)})


def _knobs(track: str | None, section: Strip | Master, level_db: float) -> list[Knob]:
    def knob(path: str, low: float, high: float, span: float, is_log: bool = False) -> Knob:
        value = get(section, path)
        row = parameters(type(section))[path]
        ends = (row.clamp(min(low, value)), row.clamp(max(high, value)))
        place, lowest, highest = ((math.log(x) if is_log else x) / span for x in (value, *ends))
        return Knob(track, path, place, lowest, highest, span, is_log)

    octave = math.log(2)
    # At the highest ratio, a threshold this far under the level turns it down by all that is allowed.
    deepest_db = MOST_REDUCTION_DB / (1 - 1 / max(_HIGHEST_RATIO, section.compressor.ratio))
    knobs = [
        knob("compressor.threshold_db", level_db - deepest_db, level_db + 12, span=40),
        knob("compressor.ratio", 1, _HIGHEST_RATIO, span=math.log(10), is_log=True),
    ]
    for band in EQ_BANDS:
        settings = getattr(section.eq, band)
        knobs += [
            knob(f"eq.{band}.gain_db", -EQ_LIMIT_DB, EQ_LIMIT_DB, span=24),
            knob(f"eq.{band}.freq_hz", settings.freq_hz / 2, settings.freq_hz * 2, span=3 * octave, is_log=True),
            knob(f"eq.{band}.q", _LOWEST_Q, _HIGHEST_Q, span=3 * octave, is_log=True),
        ]
    if isinstance(section, Strip):
        knobs += [
            knob("fader_db", section.fader_db - FADER_REACH_DB, section.fader_db + FADER_REACH_DB, span=24),
            knob("pan", -_WIDEST_PAN, _WIDEST_PAN, span=2),
        ]
    return knobs
