"""The console's equalizer on one or several plug-ins in a row: which settings, and how far off the response is.

All bands of all plug-ins are fitted together, by the responses of their profiles: bells and shelves start where the
fitting of desks puts them, bands of graphic equalizers at what is missing there. What the profile does not know
(another sample rate, another version) is made up for by the plug-in itself: it is measured with an impulse, the
difference goes into the target, and what comes nearer is kept.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from scipy.optimize import least_squares

from ....presets.console import Equalizer
from ....runtime.console.response import eq_response_db
from ...desks.scales import Scale
from ...fitting.abilities import highest, lowest
from ...fitting.equalizer import fit_eq
from ..profile import PluginProfile
from ..response import Floats, band_response_db
from ..sections import PluginBand

LOWEST_HZ: Final = 50.0
HIGHEST_HZ: Final = 15000.0
"""Where the error is told."""
Values = dict[str, float | str]
Measure = Callable[[Sequence[Values], Floats], Floats]
"""Tells what plug-ins in a row do at these settings, in dB at frequencies in Hz."""

_POINTS = 240
_FROM_HZ, _TO_HZ = 25.0, 18000.0
# What lies outside of where the error is told counts for less.
_OUTSIDE = 0.3
# A dB of gain costs so much: bands do not work against each other for nothing.
_EFFORT = 0.004
# So near a plug-in needs no other behind it.
_ENOUGH_DB, _MOST_DB = 0.1, 0.5
_FLAT_DB = 0.005
_STEP = 1e-4
_EVALUATIONS = 30
_CORRECTIONS = 3
# A profile this near needs no correction.
_NEAR_DB = 0.02


@dataclass(frozen=True)
class EqFit:
    """An equalizer as plug-ins have it.

    Attributes:
        values: of each plug-in that is needed, by canonical key.
        freqs_hz: where the curves are given, shape (n,).
        wanted_db: the response of the preset.
        given_db: the response of the plug-ins.
        mean_db: mean of the absolute error from 50 Hz to 15 kHz.
        max_db: the largest there.
    """

    values: tuple[Values, ...]
    freqs_hz: Floats
    wanted_db: Floats
    given_db: Floats
    mean_db: float
    max_db: float


def fit_equalizer(
    eq: Equalizer, profiles: Sequence[PluginProfile], sample_rate_hz: int, measure: Measure | None = None
) -> EqFit:
    """Fit an equalizer into plug-ins in a row; those behind are left out where the ones before come near enough.

    Args:
        eq: settings of the console.
        profiles: of the plug-ins, in the order of the sound; each has an equalizer.
        sample_rate_hz: of the audio.
        measure: asks the plug-ins themselves; None trusts their profiles.
    """
    for count in range(1, len(profiles)):
        fit = _fit(eq, profiles[:count], sample_rate_hz, measure)
        if fit.mean_db <= _ENOUGH_DB and fit.max_db <= _MOST_DB:
            return fit
    return _fit(eq, profiles, sample_rate_hz, measure)


def _fit(eq: Equalizer, profiles: Sequence[PluginProfile], sample_rate_hz: int, measure: Measure | None) -> EqFit:
    """Fit with as many bands as the preset uses; with all of them where those are not enough."""
    spare = frozenset(_spare(eq, profiles, sample_rate_hz))
    if spare:
        fit = _fit_bands(eq, profiles, sample_rate_hz, measure, spare)
        if fit.mean_db <= _ENOUGH_DB and fit.max_db <= _MOST_DB:
            return fit
    return _fit_bands(eq, profiles, sample_rate_hz, measure, frozenset())


def _spare(eq: Equalizer, profiles: Sequence[PluginProfile], sample_rate_hz: int) -> Iterator[tuple[int, str]]:
    """Name the bells and shelves that stay flat where each band of the preset gets one; of several plug-ins' none."""
    ability = profiles[0].eq_ability()
    if len(profiles) > 1 or ability is None:
        return
    values = fit_eq(eq, ability, sample_rate_hz).values
    for slot in ability.slots:
        if abs(float(values[f"eq.{slot.name}.gain_db"])) < _FLAT_DB:
            yield 0, slot.name


def _fit_bands(
    eq: Equalizer,
    profiles: Sequence[PluginProfile],
    sample_rate_hz: int,
    measure: Measure | None,
    without: frozenset[tuple[int, str]],
) -> EqFit:
    freqs_hz = np.geomspace(_FROM_HZ, min(_TO_HZ, 0.45 * sample_rate_hz), _POINTS)
    wanted_db = eq_response_db(eq, freqs_hz, sample_rate_hz)
    task = _Task(profiles, freqs_hz, sample_rate_hz, without)
    starts = [task.start(eq, wanted_db, with_bells=with_bells) for with_bells in (True, False)]
    best = min((task.fitted(start, wanted_db) for start in starts), key=lambda x: task.squares(x, wanted_db))
    given_db = task.model_db(best)
    if measure is not None:
        best, given_db = _corrected(task, best, wanted_db, measure)
    told = (freqs_hz >= LOWEST_HZ) & (freqs_hz <= HIGHEST_HZ)
    errors_db = np.abs(given_db - wanted_db)[told]
    return EqFit(
        task.values(best), freqs_hz, wanted_db, given_db, float(errors_db.mean()), float(errors_db.max(initial=0.0))
    )


def _corrected(task: _Task, best: Floats, wanted_db: Floats, measure: Measure) -> tuple[Floats, Floats]:
    """Move the target by what the plug-ins do otherwise than their profiles say, as long as that helps."""
    given_db = measure(task.values(best), task.freqs_hz)
    at = best
    for _ in range(_CORRECTIONS):
        beside_db = measure(task.values(at), task.freqs_hz) - task.model_db(at)
        if np.abs(beside_db).max() < _NEAR_DB:
            break
        at = task.fitted(at, wanted_db - beside_db)
        now_db = measure(task.values(at), task.freqs_hz)
        if np.square(now_db - wanted_db).sum() < np.square(given_db - wanted_db).sum():
            best, given_db = at, now_db
    return best, given_db


@dataclass(frozen=True)
class _Knob:
    """A setting that is fitted: its key, its plug-in and its band (None: the gain behind all), its range."""

    key: str
    plugin: int
    band: PluginBand | None
    low: float
    high: float
    idle: float
    is_log: bool

    @property
    def is_gain(self) -> bool:
        return not self.is_log


class _Task:
    """The bands of some plug-ins at some frequencies, as one vector of numbers; those `without` stay flat."""

    def __init__(
        self,
        profiles: Sequence[PluginProfile],
        freqs_hz: Floats,
        sample_rate_hz: int,
        without: frozenset[tuple[int, str]] = frozenset(),
    ):
        self._without = without
        self.profiles, self.freqs_hz, self._rate_hz = profiles, freqs_hz, sample_rate_hz
        self._weights = np.where((freqs_hz >= LOWEST_HZ) & (freqs_hz <= HIGHEST_HZ), 1.0, _OUTSIDE)
        knobs = (knob for place, profile in enumerate(profiles) for knob in _knobs(place, profile))
        self._knobs = [knob for knob in knobs if knob.band is None or (knob.plugin, knob.band.slot) not in without]
        self._low = np.array([knob.low for knob in self._knobs])
        self._high = np.array([knob.high for knob in self._knobs])
        self._effort = np.array([_EFFORT if knob.is_gain else 0.0 for knob in self._knobs])
        self._bands = _grouped(self._knobs)
        self._types: dict[tuple[int, str], str] = {}

    def start(self, eq: Equalizer, wanted_db: Floats, *, with_bells: bool) -> Floats:
        """Set bells and shelves as the fitting of desks does, and graphic bands to what is missing."""
        at = np.array([knob.idle for knob in self._knobs])
        taken: set[int] = set()
        for place, profile in enumerate(self.profiles):
            ability = profile.eq_ability()
            if ability is None or taken or not with_bells:
                continue
            taken.add(place)  # one of them: all would do it twice
            fitted = fit_eq(eq, ability, self._rate_hz).values
            for index, knob in enumerate(self._knobs):
                if knob.plugin == place and knob.key in fitted:
                    value = float(fitted[knob.key])
                    at[index] = math.log(value) if knob.is_log else value
            self._types.update({(place, key): str(value) for key, value in fitted.items() if key.endswith(".type")})
        at = np.clip(at, self._low, self._high)
        missing_db = wanted_db - self.model_db(at)
        filled: set[float] = set()
        for index, knob in enumerate(self._knobs):
            if knob.band is not None and knob.band.freq is None and knob.is_gain:
                freq_hz = knob.band.freq_hz or 0.0
                if freq_hz not in filled:
                    at[index] += np.interp(freq_hz, self.freqs_hz, missing_db)
                    filled.add(freq_hz)
        clipped: Floats = np.clip(at, self._low, self._high)
        return clipped

    def fitted(self, start: Floats, wanted_db: Floats) -> Floats:
        """Find the nearest that can be reached from here."""
        span = self._high - self._low
        inside = np.clip(start, self._low + 1e-6 * span, self._high - 1e-6 * span)

        def errors(x: Floats) -> Floats:
            return np.concatenate([self._weights * (self.model_db(x) - wanted_db), self._effort * x * 10])

        solution = least_squares(
            errors,
            inside,
            jac=self._slopes,
            bounds=(self._low, self._high),
            x_scale=np.where(self._effort > 0, 3.0, 0.3),
            ftol=1e-5,
            xtol=1e-5,
            max_nfev=_EVALUATIONS,
        )
        return np.asarray(solution.x)

    def squares(self, x: Floats, wanted_db: Floats) -> float:
        """Sum what is missed."""
        return float(np.square(self._weights * (self.model_db(x) - wanted_db)).sum())

    def model_db(self, x: Floats) -> Floats:
        """Compute the gain of all plug-ins, by their profiles."""
        total = np.zeros(len(self.freqs_hz))
        for band, places in self._bands:
            total += self._band_db(band, places, x)
        return total

    def values(self, x: Floats) -> tuple[Values, ...]:
        """Name the settings, as the plug-ins will have them."""
        result: list[Values] = []
        for place, profile in enumerate(self.profiles):
            values: Values = {key: value for (plugin, key), value in self._types.items() if plugin == place}
            values |= {key: 1.0 for key in profile.settings if key == "eq.on" or _is_switch(key)}
            for knob, number in zip(self._knobs, x.tolist(), strict=True):
                if knob.plugin == place:
                    values[knob.key] = profile.snapped(knob.key, math.exp(number) if knob.is_log else number)
            flat = [f"eq.{slot}.gain_db" for plugin, slot in self._without if plugin == place]
            values |= {key: profile.snapped(key, 0.0) for key in flat}
            values |= {f"{band}.on": 0.0 for band in _flat(values) if f"{band}.on" in values}
            result.append(values)
        return tuple(result)

    def _slopes(self, x: Floats) -> Floats:
        slopes, points = np.zeros((len(self.freqs_hz) + len(x), len(x))), len(self.freqs_hz)
        for band, places in self._bands:
            before = self._band_db(band, places, x)
            for place in places.values():
                moved = x.copy()
                step = _STEP if x[place] + _STEP <= self._high[place] else -_STEP
                moved[place] += step
                slopes[: len(self.freqs_hz), place] = (
                    self._weights * (self._band_db(band, places, moved) - before) / step
                )
        rows = np.arange(len(x))
        slopes[points + rows, rows] = self._effort * 10
        return slopes

    def _band_db(self, band: PluginBand | None, places: Mapping[str, int], x: Floats) -> Floats:
        if band is None:
            return np.full(len(self.freqs_hz), x[places["gain"]])
        gain_db = float(x[places["gain"]])
        freq_hz = math.exp(x[places["freq"]]) if "freq" in places else float(band.freq_hz or 1000.0)
        q = math.exp(x[places["q"]]) if "q" in places else band.fixed_q
        kind: Any = self._types.get((self._knobs[places["gain"]].plugin, f"eq.{band.slot}.type"), band.kinds[0])
        return band_response_db(band, kind, gain_db, freq_hz, q, self.freqs_hz, float(self._rate_hz))


def _knobs(plugin: int, profile: PluginProfile) -> Iterator[_Knob]:
    assert profile.eq is not None
    for band in profile.eq.bands:
        key = f"eq.{band.slot}"
        if band.gain is None:
            continue  # a cut: the console's own stand beside
        for word, name, is_log in (("gain_db", band.gain, False), ("freq_hz", band.freq, True), ("q", band.q, True)):
            if name is not None:
                yield _knob(f"{key}.{word}", plugin, band, profile.parameters[name].scale, is_log=is_log)
    if profile.eq.output is not None:
        yield _knob("eq.output_db", plugin, None, profile.parameters[profile.eq.output].scale, is_log=False)


def _knob(key: str, plugin: int, band: PluginBand | None, scale: Scale, *, is_log: bool) -> _Knob:
    low, high = sorted((lowest(scale), highest(scale)))
    if not is_log:
        return _Knob(key, plugin, band, low, high, 0.0, is_log=False)
    middle = 0.0 if key.endswith(".q") else math.log(_IDLE_HZ.get(band.kinds[0] if band else "", 1000.0))
    low, high = math.log(max(low, 1e-3)), math.log(max(high, 2e-3))
    return _Knob(key, plugin, band, low, high, min(max(middle, low), high), is_log=True)


_IDLE_HZ: Final = {"low_shelf": 120.0, "high_shelf": 8000.0}


def _grouped(knobs: Sequence[_Knob]) -> list[tuple[PluginBand | None, dict[str, int]]]:
    """List the bands with the places of their numbers: "gain", "freq", "q"."""
    groups: dict[tuple[int, str], tuple[PluginBand | None, dict[str, int]]] = {}
    for index, knob in enumerate(knobs):
        slot = knob.band.slot if knob.band else ""
        word = knob.key.rpartition(".")[2].removesuffix("_db").removesuffix("_hz")
        entry = groups.setdefault((knob.plugin, slot), (knob.band, {}))
        entry[1]["gain" if word == "output" else word] = index
    return list(groups.values())


def _flat(values: Values) -> list[str]:
    """List the bands that do nothing, as "eq.3"."""
    gains = ((key, value) for key, value in values.items() if key.endswith(".gain_db"))
    return [key.removesuffix(".gain_db") for key, value in gains if abs(float(value)) < _FLAT_DB]


def _is_switch(key: str) -> bool:
    return key.startswith("eq.") and key.endswith(".on")
