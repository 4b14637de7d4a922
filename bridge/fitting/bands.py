"""The nearest that a set of equalizer slots comes to a set of bands, in numbers; nothing here knows desks or presets.

What fits as it is, is carried over. Else the magnitude response between 20 Hz and 20 kHz is fitted by least squares,
from several starts: with more bands than slots, those that leave out what is missed least; with enough of them, those
with a bell moved to where most is missing. Behind it the values are put on the slots' grid and moved along it, band by
band, until nothing gets better.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations, product

import numpy as np
from scipy.optimize import least_squares, linear_sum_assignment

from ...runtime.console.eq import INAUDIBLE_DB
from .response import BELL, FREQ, GAIN, Floats, Kinds, Responses, responses_db, warped

LOWEST_HZ, HIGHEST_HZ = 20.0, 20000.0
# 13 points an octave, against the narrowest bell of a desk, 1/7 octave.
_FIT_POINTS = 128
# More gain little: six random bands on four, mean error with 3, 4, 6 and 8 starts: 0.131, 0.126, 0.122, 0.119 dB.
_STARTS = 4
_EVALUATIONS = 40
# A start that is this near is carried over as it is, so that what was set in numbers stays those numbers.
_SAME_DB = 0.02
# A step of the fit that changes as much everywhere: 3 dB, a third of an octave or so, as much in Q.
_STEP = np.array([3.0, 0.25, 0.35])
# Against each other: a slot that cannot be what a band is, the same for a band that does nothing, an octave out of the
# slot's range, and a place in another order.
_WRONG_KIND, _WRONG_IDLE_KIND, _OCTAVE_OUT, _OTHER_PLACE = 1e6, 1e3, 1e2, 1.0
_SWEEPS = 30
_LN_NARROW_Q = math.log(2)
# Of bells that a curve of no bands is built up from.
_FILLING_QS = (0.7, 1.4)


@dataclass(frozen=True)
class SlotLimits:
    """What one slot can be set to.

    Attributes:
        kinds: of :data:`.response.KINDS`, what it can be; the first is what it is when nothing asks for it.
        low: lowest gain, log frequency and log Q, shape (3,).
        high: highest, shape (3,); where it is the lowest, the value cannot be changed.
        grids: all values that it can have, rising, for each of the three; None for any in the range.
        idle: gain 0 and the frequency and Q of the slot when nothing asks for it.
    """

    kinds: tuple[int, ...]
    low: Floats
    high: Floats
    grids: tuple[Floats | None, Floats | None, Floats | None]
    idle: Floats

    def snapped(self, band: Floats) -> Floats:
        """Round to the nearest band on the grid."""
        clipped = np.clip(band, self.low, self.high)
        pairs = zip(clipped, self.grids, strict=True)
        return np.array([value if grid is None else grid[np.abs(grid - value).argmin()] for value, grid in pairs])

    def around(self, band: Floats) -> Floats:
        """List a band on the grid and those a step away in any of its numbers, shape (n, 3)."""
        choices = []
        for value, grid in zip(band, self.grids, strict=True):
            if grid is None:
                choices.append(np.array([value]))
            else:
                place = int(np.abs(grid - value).argmin())
                choices.append(grid[max(place - 1, 0) : place + 2])
        return np.array(list(product(*choices)))


@dataclass(frozen=True)
class FilterBands:
    """A setting of some bands or slots: kinds, shape (n,), and values, shape (n, 3)."""

    kinds: Kinds
    values: Floats

    def response_db(self, freqs_hz: Floats, sample_rate_hz: int) -> Floats:
        """Compute the gain of all together, shape as `freqs_hz`."""
        return _total_db(self, warped(freqs_hz, sample_rate_hz), sample_rate_hz)


def audible_freqs_hz(count: int, sample_rate_hz: int) -> Floats:
    """Space frequencies evenly in octaves over what is heard."""
    return np.geomspace(LOWEST_HZ, min(HIGHEST_HZ, 0.48 * sample_rate_hz), count)


def closest(
    wanted: FilterBands,
    slots: Sequence[SlotLimits],
    preferred: Sequence[int],
    sample_rate_hz: int,
    besides_db: Callable[[Floats], Floats] | None = None,
) -> FilterBands:
    """Find the setting of the slots that sounds most like these bands, on the slots' grid.

    Args:
        wanted: the bands; those with gain 0 say nothing about the sound.
        slots: what they can be set to.
        preferred: indices of the bands that do something, and behind them of those whose frequency may be shown in
            a slot that is left, in order of preference.
        sample_rate_hz: of the filters.
        besides_db: a gain over frequencies in Hz that the slots have to give on top of the bands; None for none.
    """
    task = _Task(wanted, tuple(slots), sample_rate_hz, besides_db)
    active = [index for index in preferred if wanted.values[index, GAIN] != 0]
    if len(active) <= len(slots):
        whole = task.start(sorted(preferred[: len(slots)]))
        starts = [whole, *task.with_one_bell_moved(whole)]
        if besides_db is not None:
            starts += [task.filled(whole, math.log(q)) for q in _FILLING_QS]
    else:
        starts = [task.start(list(kept)) for kept in combinations(sorted(active), len(slots))]
    starts.sort(key=task.squares)
    if np.abs(task.errors_db(starts[0])).max() < _SAME_DB:
        return task.snapped(starts[0])
    best = min((task.fitted(start) for start in starts[:_STARTS]), key=task.squares)
    return task.polished(task.snapped(best))


class _Task:
    """One set of bands, to be had from one set of slots."""

    def __init__(
        self,
        wanted: FilterBands,
        slots: tuple[SlotLimits, ...],
        sample_rate_hz: int,
        besides_db: Callable[[Floats], Floats] | None,
    ):
        self._wanted = wanted
        self._slots = slots
        self._rate_hz = sample_rate_hz
        self._freqs_hz = audible_freqs_hz(_FIT_POINTS, sample_rate_hz)
        self._points = warped(self._freqs_hz, sample_rate_hz)
        self._target_db = _total_db(wanted, self._points, sample_rate_hz)
        if besides_db is not None:
            self._target_db = self._target_db + besides_db(self._freqs_hz)
        self._low = np.array([slot.low for slot in slots])
        self._high = np.array([slot.high for slot in slots])

    def errors_db(self, bands: FilterBands) -> Floats:
        return _total_db(bands, self._points, self._rate_hz) - self._target_db

    def squares(self, bands: FilterBands) -> float:
        return float((self.errors_db(bands) ** 2).sum())

    def start(self, kept: Sequence[int]) -> FilterBands:
        """Put these bands into the slots that suit them best, within the slots' ranges; other slots idle."""
        kinds = np.array([slot.kinds[0] for slot in self._slots])
        values = np.array([slot.idle for slot in self._slots])
        cost = [
            [self._misfit(index, rank, place) for place in range(len(self._slots))] for rank, index in enumerate(kept)
        ]
        ranks, places = linear_sum_assignment(np.array(cost))
        for rank, place in zip(ranks.tolist(), places.tolist(), strict=True):
            band, slot = kept[rank], self._slots[place]
            if self._wanted.kinds[band] in slot.kinds:
                kinds[place] = self._wanted.kinds[band]
            values[place] = self._wanted.values[band]
        return FilterBands(kinds, np.clip(values, self._low, self._high))

    def _misfit(self, band: int, rank: int, place: int) -> float:
        slot, (gain_db, freq, _) = self._slots[place], self._wanted.values[band]
        octaves_out = float(abs(freq - np.clip(freq, slot.low[FREQ], slot.high[FREQ]))) / math.log(2)
        is_wrong = int(self._wanted.kinds[band]) not in slot.kinds
        wrong = (_WRONG_KIND if gain_db else _WRONG_IDLE_KIND) * is_wrong
        # Squares keep the order of bands that could stand in each other's slots.
        return wrong + _OCTAVE_OUT * octaves_out + _OTHER_PLACE * (rank - place) ** 2

    def with_one_bell_moved(self, start: FilterBands) -> list[FilterBands]:
        """Make starts with one bell elsewhere: where most is missing without it."""
        parts_db = responses_db(start.kinds, start.values, self._points, self._rate_hz)
        starts = []
        for place, slot in enumerate(self._slots):
            if BELL not in slot.kinds:
                continue
            missing_db = self._target_db - (parts_db.sum(axis=0) - parts_db[place])
            peak = int(np.abs(missing_db).argmax())
            bell = [missing_db[peak], math.log(self._freqs_hz[peak]), _LN_NARROW_Q]
            kinds, values = start.kinds.copy(), start.values.copy()
            kinds[place], values[place] = BELL, np.clip(bell, slot.low, slot.high)
            starts.append(FilterBands(kinds, values))
        return starts

    def filled(self, start: FilterBands, log_q: float) -> FilterBands:
        """Make a start whose idle bells stand where most is missing, one after the other."""
        bands = FilterBands(start.kinds.copy(), start.values.copy())
        for place, slot in enumerate(self._slots):
            if BELL in slot.kinds and bands.values[place, GAIN] == 0:
                missing_db = -self.errors_db(bands)
                peak = int(np.abs(missing_db).argmax())
                bell = [missing_db[peak], math.log(self._freqs_hz[peak]), log_q]
                bands.kinds[place], bands.values[place] = BELL, np.clip(bell, slot.low, slot.high)
        return bands

    def fitted(self, start: FilterBands) -> FilterBands:
        """Find the nearest response that can be reached from here, off the grid."""
        low, high = self._low.ravel(), self._high.ravel()
        free = low < high
        step = np.tile(_STEP, len(self._slots))[free]
        margin = 1e-6 * (high - low)
        at = start.values.flatten()
        seen: dict[bytes, Responses] = {}

        def responses(x: Floats) -> Responses:
            # Slopes are asked for where the errors were looked at last.
            if x.tobytes() not in seen:
                seen.clear()
                at[free] = x
                seen[x.tobytes()] = Responses(start.kinds, at.reshape(-1, 3), self._points, self._rate_hz)
            return seen[x.tobytes()]

        def errors_db(x: Floats) -> Floats:
            return np.asarray(responses(x).gains_db().sum(axis=0) - self._target_db)

        def slopes(x: Floats) -> Floats:
            return responses(x).slopes().reshape(len(at), -1)[free].T

        solution = least_squares(
            errors_db,
            np.clip(at, low + margin, high - margin)[free],
            jac=slopes,
            bounds=(low[free], high[free]),
            x_scale=step,
            ftol=1e-4,
            xtol=1e-4,
            gtol=1e-6,
            max_nfev=_EVALUATIONS,
        )
        at[free] = solution.x
        return FilterBands(start.kinds, at.reshape(-1, 3))

    def snapped(self, bands: FilterBands) -> FilterBands:
        pairs = zip(self._slots, bands.values, strict=True)
        values = np.array([slot.snapped(band) for slot, band in pairs])
        values[np.abs(values[:, GAIN]) < INAUDIBLE_DB, GAIN] = 0
        return FilterBands(bands.kinds, values)

    def polished(self, bands: FilterBands) -> FilterBands:
        """Move along the grid, one band at a time, until no step makes it better."""
        values = bands.values.copy()
        parts_db = responses_db(bands.kinds, values, self._points, self._rate_hz)
        best = float(((parts_db.sum(axis=0) - self._target_db) ** 2).sum())
        for _ in range(_SWEEPS):
            before = best
            for place, slot in enumerate(self._slots):
                choices = slot.around(values[place])
                kinds = np.full(len(choices), bands.kinds[place])
                choices_db = responses_db(kinds, choices, self._points, self._rate_hz)
                rest_db = parts_db.sum(axis=0) - parts_db[place] - self._target_db
                squares = ((choices_db + rest_db) ** 2).sum(axis=1)
                winner = int(squares.argmin())
                if squares[winner] < best - 1e-9:
                    best = float(squares[winner])
                    values[place], parts_db[place] = choices[winner], choices_db[winner]
            if best == before:
                break
        return FilterBands(bands.kinds, values)


def _total_db(bands: FilterBands, points: Floats, sample_rate_hz: int) -> Floats:
    return np.asarray(responses_db(bands.kinds, bands.values, points, sample_rate_hz).sum(axis=0))
