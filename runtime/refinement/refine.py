"""Refinement: turns a preset's settings until the runtime's own render of a passage is closer to a reference.

    refined = refine(preset, passage, reference, sample_rate_hz=44100, seconds=30)
    refined.before, refined.after, refined.preset

A damped Gauss-Newton search (Levenberg, Marquardt): the direction comes from :mod:`.sensitivity`, whether a step is
taken is decided by a true render. Distance from the start costs a little, so that of all settings which sound alike
the nearest to the start are found. What is compared are the features of :mod:`..model.features` at equal loudness. What
they do not see may not get worse meanwhile: :mod:`.holding`.
"""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from ...presets.errors import AudioError
from ...presets.preset import Preset
from ..audio.reading import Samples, as_stereo
from ..model.analysis import Passage
from ..model.features import Features, Weights, feature_distance
from ..prediction.target import FeatureTarget
from ..rendering.in_memory import render_arrays
from .holding import Held
from .search_space import SearchSpace, Vector, often_reached_db
from .sensitivity import HEARD_SIDE_DB, Matrix, Sound, residual_sensitivity

Start = Literal["model", "neutral"]

WEIGHTS = Weights(rms=0.0)
"""Of the distance; levels are matched before."""
DEFAULT_STAY = 0.1
"""What it costs to move one setting by its whole span, squared, in units of the distance."""

# Closer than this nobody hears a difference.
_GOOD_ENOUGH = 1e-4
_FIRST_DAMPING, _LEAST_DAMPING, _MOST_DAMPING = 0.1, 1e-4, 1e3
# A step that gains less than this share is no progress; after so many in a row the search leaps.
_PROGRESS, _PATIENCE = 0.005, 2
_LEAP_SIZES = (0.03, 0.06, 0.12)
_LEAP_STEPS = 5
_EMPTY_SIDE = 1e-6
_SPREAD, _SPREADS = 0.3, 3


@dataclass(frozen=True)
class RefineStep:
    """How far a search has got.

    Attributes:
        seconds: since it began.
        before: distance at the start.
        now: the smallest distance so far.
        renders: how many mixes were rendered.
    """

    seconds: float
    before: float
    now: float
    renders: int


@dataclass(frozen=True)
class Refinement:
    """What a search found.

    Attributes:
        preset: the settings of the smallest distance; the start's own if none was smaller.
        before: distance of the start's render to the reference.
        after: likewise of `preset`; never larger.
        renders: how many mixes were rendered.
        seconds: how long it took.
        interrupted: whether it was stopped before its time was over.
        trace: every improvement, the start first.
        start: what the preset at the start was.
        unasked: nothing was searched, since nearness to this reference is not what is wanted.
        heard: distances of start and result through the user's plug-ins; None where there are none.
        share: how much of the way from the start is taken, since more was not nearer through the plug-ins.
    """

    preset: Preset
    before: float
    after: float
    renders: int
    seconds: float
    interrupted: bool
    trace: tuple[RefineStep, ...]
    start: Start = "model"
    unasked: bool = False
    heard: tuple[float, float] | None = None
    share: float = 1.0


Progress = Callable[[RefineStep], bool]


def refine(
    preset: Preset,
    passage: Passage,
    reference: Samples,
    *,
    sample_rate_hz: int,
    seconds: float,
    progress: Progress | None = None,
    stay: float = DEFAULT_STAY,
    seed: int = 0,
) -> Refinement:
    """Search for settings whose render is closer to a reference.

    Only tracks that sound in the passage are changed; reverb, saturation and the compressors' times stay.

    Args:
        preset: where to start; its tracks are the passage's.
        passage: of the tracks.
        reference: shape (1 or 2, n).
        sample_rate_hz: of passage and reference.
        seconds: how long to search; the render that is running is finished.
        progress: called after each render; False ends the search. So does a KeyboardInterrupt (Ctrl-C), wherever it
            comes: what was found so far is returned.
        stay: how much distance from the start counts.
        seed: of the leaps that are made where the search is stuck.

    Raises:
        PresetError: preset and passage have different tracks.
        AudioError: the reference is shorter than 16385 samples.
    """
    search = _Search(preset, passage, reference, sample_rate_hz, seconds, progress, stay)
    try:
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            search.run(pool, np.random.default_rng(seed))
    except KeyboardInterrupt:
        search.interrupted = True
    return search.result()


def distance_to(reference: Samples, preset: Preset, passage: Passage, sample_rate_hz: int) -> float:
    """What :func:`refine` makes smaller: how far the preset's render of a passage is from a reference."""
    sound = _rendered(passage, preset, sample_rate_hz)
    return _judged(sound.mix, _target(reference, sample_rate_hz)).distance


def distance_of(reference: Samples, mix: Samples, sample_rate_hz: int) -> float:
    """How far a mix, shape (2, n), is from a reference."""
    return _judged(mix, _target(reference, sample_rate_hz)).distance


@dataclass(frozen=True)
class _Verdict:
    """How a mix compares.

    Attributes:
        residuals: their squares sum up to the distance.
        distance: to the reference.
        held: what the mix costs beside it, for what a search may not spoil.
        match_gain: factor to the reference's loudness; 0 for silence.
        width: of the mix.
    """

    residuals: Vector
    distance: float
    match_gain: float
    width: float
    held: float = 0.0


@dataclass(frozen=True)
class _Point:
    """A place that was rendered; its cost is the distance, what it spoils, and what being away from the start costs."""

    place: Vector
    preset: Preset
    sound: Sound
    verdict: _Verdict
    cost: float


class _Search:
    """One run of :func:`refine`, its clock and the best it has found."""

    def __init__(
        self,
        preset: Preset,
        passage: Passage,
        reference: Samples,
        sample_rate_hz: int,
        seconds: float,
        progress: Progress | None,
        stay: float,
    ):
        self._began = time.monotonic()
        self._given = preset
        self._passage = passage
        self._reference = reference
        self._target = _target(reference, sample_rate_hz)
        self._held: Held | None = None
        self._rate_hz = sample_rate_hz
        self._seconds = seconds
        self._progress = progress
        self._stay = stay
        self._trace: list[RefineStep] = []
        self._renders = 0
        self._best: _Point | None = None
        self.interrupted = False

    def run(self, pool: Executor, numbers: np.random.Generator) -> None:
        """Searches until the time is over."""
        silent = set(self._passage.silent)
        levels_db: dict[str | None, float] = {
            name: often_reached_db(audio, self._rate_hz)
            for name, audio in self._passage.audio.items()
            if name not in silent
        }
        first = _rendered(self._passage, self._given, self._rate_hz)
        verdict = _judged(first.mix, self._target)
        if not levels_db or verdict.match_gain == 0:
            return
        space = SearchSpace(self._given, {**levels_db, None: often_reached_db(first.bus, self._rate_hz)})
        self._held = Held(self._given, first, as_stereo(self._reference), self._rate_hz, verdict.distance)
        verdict = replace(verdict, held=self._held.cost(first))
        best = _Point(space.start, self._given, first, verdict, verdict.distance + verdict.held)
        self._note(best)
        best = min([best, *self._spread(space, best, numbers)], key=lambda point: point.cost)
        best = self._descend(space, best, pool)
        while self._goes_on(best):
            leap = float(numbers.choice(_LEAP_SIZES)) * numbers.standard_normal(len(best.place))
            point = self._descend(space, self._try(space, best.place + leap), pool, _LEAP_STEPS)
            if point.cost < best.cost:
                best = self._descend(space, point, pool)

    def result(self) -> Refinement:
        """What was found so far."""
        seconds = time.monotonic() - self._began
        if self._best is None:
            return Refinement(self._given, math.nan, math.nan, 0, seconds, self.interrupted, ())
        best, trace = self._best, tuple(self._trace)
        return Refinement(
            best.preset, trace[0].now, best.verdict.distance, self._renders, seconds, self.interrupted, trace
        )

    def _descend(self, space: SearchSpace, point: _Point, pool: Executor, most_steps: float = math.inf) -> _Point:
        """Downhill from here, until there is no progress."""
        damping, idle, steps = _FIRST_DAMPING, 0, 0
        while self._goes_on(point) and idle < _PATIENCE and steps < most_steps:
            steps += 1
            sensitivity = residual_sensitivity(
                space,
                point.preset,
                self._passage.audio,
                point.sound,
                self._rate_hz,
                weights=WEIGHTS,
                match_gain=point.verdict.match_gain,
                pool=pool,
            )
            better = None
            while better is None and damping <= _MOST_DAMPING and self._has_time():
                trial = self._try(space, _step(space, point, sensitivity, self._stay, damping))
                if trial.cost < point.cost:
                    better = trial
                    damping = max(damping / 4, _LEAST_DAMPING)
                else:
                    damping *= 5
            if better is None:
                break
            idle = idle + 1 if better.cost > (1 - _PROGRESS) * point.cost else 0
            point = better
        return point

    def _spread(self, space: SearchSpace, point: _Point, numbers: np.random.Generator) -> Iterator[_Point]:
        """Where nothing is on the sides there is no direction out of the middle: tries some ways out."""
        if point.verdict.width > _EMPTY_SIDE or self._target.features.width <= _EMPTY_SIDE:
            return
        pans = [index for index, knob in enumerate(space.knobs) if knob.path == "pan"]
        for _ in range(_SPREADS):
            if not self._has_time():
                return
            place = point.place.copy()
            place[pans] += _SPREAD * numbers.uniform(-0.5, 0.5, len(pans))
            yield self._try(space, place)

    def _try(self, space: SearchSpace, place: Vector) -> _Point:
        inside = np.clip(place, space.low, space.high)
        preset = space.preset(inside)
        sound = _rendered(self._passage, preset, self._rate_hz)
        verdict = _judged(sound.mix, self._target)
        if self._held is not None:
            verdict = replace(verdict, held=self._held.cost(sound))
        away = float(np.sum(np.square(inside - space.start)))
        point = _Point(inside, preset, sound, verdict, verdict.distance + verdict.held + self._stay * away)
        self._note(point)
        return point

    def _note(self, point: _Point) -> None:
        """Counts a render, keeps it if it is the best, and tells whoever wants to know.

        The best is nearer to the reference than all before, and spoils less than it brings nearer.
        """
        self._renders += 1
        verdict, distance = point.verdict, point.verdict.distance
        is_best = self._best is None or (
            distance < self._best.verdict.distance
            and distance + verdict.held < self._best.verdict.distance + self._best.verdict.held
        )
        if is_best:
            self._best = point
        step = RefineStep(
            seconds=time.monotonic() - self._began,
            before=self._trace[0].before if self._trace else distance,
            now=distance if is_best else self._trace[-1].now,
            renders=self._renders,
        )
        if is_best:
            self._trace.append(step)
        if self._progress is not None and not self._progress(step):
            self.interrupted = True

    def _goes_on(self, point: _Point) -> bool:
        return self._has_time() and point.verdict.distance > _GOOD_ENOUGH

    def _has_time(self) -> bool:
        return not self.interrupted and time.monotonic() - self._began < self._seconds


def _rendered(passage: Passage, preset: Preset, sample_rate_hz: int) -> Sound:
    rendered = render_arrays(passage.audio, sample_rate_hz, preset)
    frames = max(audio.shape[1] for audio in passage.audio.values())  # without the effects' tail
    stems = {name: stem[:, :frames] for name, stem in rendered.stems.items()}
    return Sound(stems, rendered.bus[:, :frames], rendered.mix[:, :frames])


def _target(reference: Samples, sample_rate_hz: int) -> FeatureTarget:
    """The reference, as something to be near to."""
    if reference.ndim != 2 or len(reference) not in (1, 2):
        raise AudioError(f"a reference has one or two channels, shape (channels, samples), not {reference.shape}")
    return FeatureTarget.of(as_stereo(reference), sample_rate_hz, HEARD_SIDE_DB)


def _judged(mix: Samples, target: FeatureTarget) -> _Verdict:
    """Compare a mix, at the reference's loudness."""
    gain = target.match_gain(mix)
    features = target.measure(mix, gain)
    distance = feature_distance(features, target.features, WEIGHTS).total
    return _Verdict(_residuals(features, target.features), distance, gain, features.width)


def _residuals(found: Features, wanted: Features) -> Vector:
    """What :func:`..model.features.feature_distance` squares and adds, each with the root of its weight."""
    bark = (found.bark - wanted.bark).T.ravel()
    return np.concatenate(
        [
            bark * math.sqrt(WEIGHTS.bark / bark.size),
            [(found.width - wanted.width) * math.sqrt(WEIGHTS.width)],
            [(found.imbalance - wanted.imbalance) * math.sqrt(WEIGHTS.imbalance)],
            (found.crest_db - wanted.crest_db) * math.sqrt(WEIGHTS.crest / 2),
        ]
    ).astype(np.float64)


def _step(space: SearchSpace, point: _Point, sensitivity: Matrix, stay: float, damping: float) -> Vector:
    """The place that the derivatives promise to be best, damped, inside the limits.

    Knobs that would leave their limits are put onto them, and the others solved for again.
    """
    place = point.place.copy()
    free = np.ones(len(place), bool)
    while free.any():
        columns = sensitivity[:, free]
        residuals = point.verdict.residuals + sensitivity[:, ~free] @ (place - point.place)[~free]
        weight = stay + damping
        home = stay / weight * (space.start - point.place)[free]
        kernel = columns @ columns.T + weight * np.eye(len(residuals))
        move = home - columns.T @ np.linalg.solve(kernel, residuals + columns @ home)
        wanted = point.place[free] + move
        held = np.clip(wanted, space.low[free], space.high[free])
        place[free] = held
        if (held == wanted).all():
            break
        free[np.flatnonzero(free)[held != wanted]] = False
    return place
