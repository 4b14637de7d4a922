"""One track: from a raw and a mixed recording to the preset that makes one of the other.

    recovered = recover_track(raw, mixed, 44100, name="Vox")
    recovered.preset, recovered.explained.ratio

Aligned, guessed from spectra and levels, searched in samples on the differentiable console; what does not help is
switched off.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import torch

from ...presets.console import EQ_BANDS, parameters
from ...presets.errors import AudioError
from ...presets.preset import Preset
from ...runtime.audio.loudness import integrated_loudness
from ...runtime.audio.reading import Samples
from ..pairs.check import DOUBTFUL_EXPLAINED, MatchedPair, NoPairError, heard_as_one, match_pair, realigned
from ..pairs.lags import Lags
from ..twin.proof import runtime_console
from .answer import Answer, answer_of
from .explain import Explained, explain
from .fit import FIXED, Fit, Search
from .guess import PairPassage, filtered_by, first_guess, gains_by
from .passages import FULL, Effort, best_inside
from .rides import Ride, ride_between
from .space import PARTS, Space, preset_of

Progress = Callable[[float, str], None]

_SHORTEST_S = 1.0
_TRIAL_RATE, _LAST_RATE = 0.06, 0.02
_STAGES: Final = frozenset({"low_cut", "high_cut", "eq", "compressor"})
_FURTHER: Final = ("deesser", "saturation", "gate")
# Where each of them begins, in standard deviations from its mean.
_FURTHER_STARTS: Final[Mapping[str, tuple[Mapping[str, float], ...]]] = {
    "deesser": ({}, *({"threshold_db": at, "range_db": 1.0} for at in (-2.0, -1.0, 1.0))),
    "saturation": ({}, {"drive": 3.0}, {"drive": 6.0}),
    "gate": ({}, *({"threshold_db": at, "range_db": by} for at in (-1.5, 0.0, 1.5) for by in (2.0, 5.0))),
}
# A stage that is worth less than this share of the loss is switched off; one that is added is worth more.
_WORTH, _WORTH_MORE = 0.004, 0.02
# Below this there is nothing left to look for.
_DONE = 0.1
# What is left of the distance where a pair that is doubtful is none.
_UNEXPLAINED = 0.7
_INAUDIBLE_ECHO_DB = -55.0
_NEAR_SAMPLES = 6
_LEAST_GAIN_DB = 0.25
# A lane takes away this share of what is left, or it is none.
_WORTH_RIDING = 0.05


@dataclass(frozen=True)
class Recovered:
    """What was recovered of one track.

    Attributes:
        preset: of one track.
        pair: the recordings, on one time.
        rendered: the preset on the raw recording, shape (2, samples).
        explained: what is explained and what not.
        is_own_room: whether the mixed recording has the console's own reverb in it, or none.
        answer: what follows the direct sound; None where it was not looked at.
    """

    preset: Preset
    pair: MatchedPair
    rendered: Samples
    explained: Explained
    is_own_room: bool
    answer: Answer

    @property
    def residual(self) -> Samples:
        """What the mixed recording has beside the rendered one, shape (2, samples); silence where it does not reach."""
        return left_inside(self.pair.mixed, self.rendered, self.pair.inside)


def recover_track(
    raw: Samples,
    mixed: Samples,
    sample_rate_hz: int,
    *,
    name: str = "Track",
    seed: int = 0,
    effort: Effort = FULL,
    progress: Progress | None = None,
    lags: Lags | None = None,
) -> Recovered:
    """Finds the preset that makes the mixed recording of the raw one.

    Args:
        raw: shape (channels, samples), one or two channels.
        mixed: likewise, of any length.
        sample_rate_hz: of both.
        name: of the track, in the preset and in errors.
        seed: of the draws.
        effort: how long is searched.
        progress: called with 0..1 and what is being done.
        lags: how the two lie to each other, where it is known.

    Raises:
        NoPairError: one was not made of the other, or there is as much other sound in it.
        AudioError: one is silent or too short, or they have too little in common.
    """
    say = progress or (lambda share, text: None)
    say(0.0, "aligning")
    pair = match_pair(raw, mixed, sample_rate_hz, name, lags)
    seconds = (pair.inside.stop - pair.inside.start) / sample_rate_hz
    if seconds < _SHORTEST_S:
        raise AudioError(f"{name}: the mixed recording reaches {seconds:.1f} s of the raw one: give longer ones.")
    space = Space(integrated_loudness(pair.raw[:, pair.inside], sample_rate_hz))
    say(0.08, "listening: equalizer and compressor")
    guessed = first_guess(_passage(pair, effort.guess_s)[0], space, FIXED, seed)
    say(0.3, "listening: room and echoes")
    answer = _answer(pair, guessed, effort.answer_s)
    values = {**guessed, **answer.values}
    say(0.4, "searching")
    found = _searched(pair, space, values, answer, effort, lambda share: say(0.4 + 0.5 * share, "searching"))
    say(0.9, "rendering")
    preset, rendered = _at_level(name, _settings(space, found), pair)
    pair = realigned(pair, mixed, rendered)
    explained = explain(pair.raw, pair.mixed, rendered, sample_rate_hz, pair.inside)
    ride = ride_between(pair, rendered)
    if ride is not None:
        say(0.9, "searching: moves of the fader")
        ridden = _ridden(name, pair, space, {**values, **space.values(found.vector)}, answer, effort, ride)
        told = explain(pair.raw, pair.mixed, ridden[1], sample_rate_hz, pair.inside)
        if told.ratio < explained.ratio * (1 - _WORTH_RIDING):
            (preset, rendered), explained = ridden, told
            pair = replace(pair, notes=(*pair.notes, _told_ride(preset)))
    _refuse_other_sound(pair, explained, name)
    return Recovered(preset, pair, rendered, explained, answer.is_own_room, answer)


def _ridden(
    name: str,
    pair: MatchedPair,
    space: Space,
    values: Mapping[str, float],
    answer: Answer,
    effort: Effort,
    ride: Ride,
) -> tuple[Preset, Samples]:
    """Searches once more in the mixed recording as it is without a ride, and puts that on the fader."""
    steady = replace(pair, mixed=ride.undone(pair.mixed, pair.sample_rate_hz))
    # It begins near its end.
    shorter = replace(effort, steps=effort.steps // 2, trial_steps=effort.trial_steps // 2)
    found = _searched(steady, space, values, answer, shorter, lambda share: None)
    settings = _settings(space, found)
    _, rendered = _at_level(name, settings, steady)
    more = ride_between(pair, rendered)
    return _at_level(name, settings, pair, ride if more is None else more)


def _refuse_other_sound(pair: MatchedPair, explained: Explained, name: str) -> None:
    """Refuses what was doubtful before the search, and was not explained by it."""
    if pair.likeness.explained < DOUBTFUL_EXPLAINED and explained.ratio > _UNEXPLAINED:
        raise NoPairError(
            f"{name}: this is no pair: {pair.likeness.explained:.0%} of the mixed recording is the raw one, filtered, "
            f"and the best settings leave {explained.ratio:.0%} of the distance between them. It has other instruments "
            "or takes in it, or was processed by what is no console: give the track alone, or all stems of the mix.",
            pair.likeness,
        )


def left_inside(mixed: Samples, rendered: Samples, inside: slice) -> Samples:
    """What a mixed recording has beside a rendered one, as long; silence outside of what it reaches."""
    left: Samples = np.zeros_like(mixed)
    left[:, inside] = mixed[:, inside] - rendered[:, inside]
    return left


def _passage(pair: MatchedPair, length_s: float, lead_s: float = 0.0) -> tuple[PairPassage, int]:
    """A passage of what both have, and how many samples lead to it; of those the mixed recording may lack some."""
    place = best_inside(pair.raw, pair.mixed, pair.inside, pair.sample_rate_hz, length_s)
    begin = max(0, place.start - round(lead_s * pair.sample_rate_hz))
    raw, mixed = (np.ascontiguousarray(each[:, begin : place.stop]) for each in (pair.raw, pair.mixed))
    return PairPassage(raw, mixed, pair.sample_rate_hz), place.start - begin


def _answer(pair: MatchedPair, guessed: Mapping[str, float], length_s: float) -> Answer:
    passage, _ = _passage(pair, length_s)
    rate_hz = pair.sample_rate_hz
    direct = filtered_by(heard_as_one(passage.raw), guessed, FIXED, rate_hz)
    with torch.no_grad():
        return answer_of(direct * gains_by(direct, guessed, rate_hz), passage.mixed, rate_hz, pair.raw.shape[0] == 2)


def _searched(
    pair: MatchedPair,
    space: Space,
    values: Mapping[str, float],
    answer: Answer,
    effort: Effort,
    say: Callable[[float], None],
) -> Fit:
    passage, lead = _passage(pair, effort.search_s, effort.lead_s)
    search = Search(passage, space, lead)
    slope = "strip.low_cut.slope_db_per_octave"
    fixed = {**FIXED, slope: values.get(slope, FIXED[slope])}
    effects = {"reverb"} | ({"delay"} if answer.echo_db > _INAUDIBLE_ECHO_DB else set())
    full = Fit(space.start(values), fixed, _STAGES, frozenset(effects), math.inf)
    start = min((search.measured(each) for each in _starts(full, space, values)), key=lambda fit: fit.loss)
    if "delay" in start.effects:
        start = _placed_echo(search, start, pair.sample_rate_hz)
    found = search.run(start, effort.steps, lambda share: say(0.6 * share))
    if found.loss > _DONE:
        for number, stage in enumerate(_FURTHER):
            begun = min((search.measured(each) for each in _begun(found, stage, space)), key=lambda fit: fit.loss)
            tried = search.run(begun, effort.trial_steps, rate=_TRIAL_RATE)
            found = tried if tried.loss < found.loss * (1 - _WORTH_MORE) else found
            say(0.6 + 0.05 * (number + 1))
    found = _pruned(search, found)
    say(0.8)
    return search.run(found, effort.last_steps, lambda share: say(0.8 + 0.2 * share), _LAST_RATE)


def _begun(found: Fit, stage: str, space: Space) -> Iterator[Fit]:
    """A chain with one stage more, as it may have been set: a threshold that is far off has no gradient."""
    for spreads in _FURTHER_STARTS[stage]:
        vector = found.vector.clone()
        for path, deviation in spreads.items():
            vector[space.places[f"strip.{stage}.{path}"]] = deviation
        space.hold(vector)
        yield replace(found, vector=vector, stages=found.stages | {stage})


def _starts(full: Fit, space: Space, values: Mapping[str, float]) -> Iterator[Fit]:
    """The guess, and what it may be wrong about: effects that are none, a compressor that is none."""
    yield full
    yield replace(full, effects=frozenset())
    if "delay" in full.effects:
        yield replace(full, effects=full.effects - {"delay"})
    gentle = {**values, "strip.compressor.ratio": 1.5}
    yield replace(full, vector=space.start(gentle))
    yield replace(full, stages=full.stages - {"compressor"})


def _placed_echo(search: Search, fit: Fit, rate_hz: int) -> Fit:
    """Tries echoes some samples earlier and later: the filters of their loop move the peak."""
    at = search.space.places["delay.time_ms"]
    knob = search.space.knobs["delay.time_ms"]
    time_ms = search.space.values(fit.vector)["delay.time_ms"]
    best = fit
    for samples in range(-_NEAR_SAMPLES, 2):
        vector = fit.vector.clone()
        vector[at] = knob.deviation(time_ms + 1000 * samples / rate_hz)
        tried = search.measured(replace(fit, vector=vector))
        best = tried if tried.loss < best.loss else best
    return best


def _pruned(search: Search, found: Fit) -> Fit:
    """Switches off what is not worth its place: effects, stages, bands of the equalizer."""
    for effect in sorted(found.effects):
        found = _kept_or_not(search, found, replace(found, effects=found.effects - {effect}))
    for stage in sorted(found.stages - {"eq"}):
        found = _kept_or_not(search, found, replace(found, stages=found.stages - {stage}))
    for band in EQ_BANDS:
        path = f"strip.eq.{band}.gain_db"
        vector = found.vector.clone()
        vector[search.space.places[path]] = search.space.knobs[path].deviation(0.0)
        found = _kept_or_not(search, found, replace(found, vector=vector))
    return found


def _kept_or_not(search: Search, found: Fit, without: Fit) -> Fit:
    shorter = search.measured(without)
    # Where next to nothing is left, a share of that is less than anybody hears.
    return shorter if shorter.loss <= found.loss + _WORTH * max(found.loss, _DONE) else found


def _settings(space: Space, found: Fit) -> dict[str, float]:
    """The values of what is on; what is off stands at the table's neutral values."""
    values = {**found.fixed, **space.values(found.vector)}
    kept = {}
    for path, value in values.items():
        part, stage = path.split(".")[:2]
        if part in ("reverb", "delay"):
            is_on = part in found.effects
        elif stage.endswith("_send_db"):
            is_on = stage.removesuffix("_send_db") in found.effects
        else:
            is_on = path.count(".") == 1 or stage in found.stages
        if is_on:
            kept[path] = value
    for band in EQ_BANDS:
        gain = f"strip.eq.{band}.gain_db"
        if abs(kept.get(gain, 0.0)) < _LEAST_GAIN_DB:
            for name in ("gain_db", "freq_hz", "q"):
                kept.pop(f"strip.eq.{band}.{name}", None)
    return kept


def _at_level(
    name: str, settings: Mapping[str, float], pair: MatchedPair, ride: Ride | None = None
) -> tuple[Preset, Samples]:
    """Sets the fader by all that both have: a passage may be louder or quieter than what was guessed."""
    rate_hz = pair.sample_rate_hz
    preset = _riding(preset_of(name, settings), ride)
    rendered = runtime_console(pair.raw, preset, rate_hz)
    error_db = too_quiet_db(rendered[:, pair.inside], pair.mixed[:, pair.inside], rate_hz)
    if not math.isfinite(error_db):
        return preset, rendered
    row = parameters(PARTS["strip"])["fader_db"]
    fader_db = row.clamp(round(settings["strip.fader_db"] + error_db, 2))
    gain = 10 ** ((fader_db - settings["strip.fader_db"]) / 20)
    return _riding(preset_of(name, {**settings, "strip.fader_db": fader_db}), ride), rendered * np.float32(gain)


def _told_ride(preset: Preset) -> str:
    (track,) = preset.tracks
    moves_db = [point.value - track.strip.fader_db for point in track.lanes[0].points]
    return f"Its fader was moved, by {min(moves_db):+.1f} to {max(moves_db):+.1f} dB; the preset has a lane of that."


def _riding(preset: Preset, ride: Ride | None) -> Preset:
    if ride is None:
        return preset
    (track,) = preset.tracks
    lanes = (ride.fader_lane(track.strip.fader_db),)
    return preset.model_copy(update={"tracks": (track.model_copy(update={"lanes": lanes}),)})


def too_quiet_db(rendered: Samples, mixed: Samples, rate_hz: int) -> float:
    """By how much a rendered recording is quieter than the mixed one, where that is not cut to silence."""
    heard = mixed.any(axis=0)
    return integrated_loudness(mixed[:, heard], rate_hz) - integrated_loudness(rendered[:, heard], rate_hz)
