"""Reverb and delay on Ardour's own plug-ins, ACE Reverb and ACE Delay, and back.

Their laws were measured on the plug-ins of Ardour 7.3, at 44.1, 48 and 96 kHz. ACE Reverb: one decay for all
frequencies (within 12 % from 125 Hz to 8 kHz), 0.67 to 2.47 s by its room size; the room answers after 64 ms; left
gives left, right gives right; a room size of 0.75 is not taken. ACE Delay: its low-pass, 12 dB an octave, acts
once on all echoes and not in the loop; each side stays on its side.

Behind each of them stands ACE High/Low Pass Filter, for the cuts of the return (:mod:`.ace`). Values go by the number
of the plug-in's parameter, from 1, as over OSC.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from ....presets.console import Delay, Reverb, parameters
from ....presets.units import quantity
from .ace import HIGH_HZ, LOW_HZ, Values, fit_cuts
from .rooms import console_level_db, echo_words, room_words

# Parameters of the plug-ins.
BLEND, ROOM, REVERB_ON = 1, 2, 3
INVERT, SYNC, TIME, DIVISOR, WET, FEEDBACK, LOW_PASS, OUTPUT, DELAY_ON, DOTTED = 1, 2, 3, 4, 5, 6, 7, 8, 10, 11

_ROOMS: Final = (0.5, 0.55, 0.6, 0.65, 0.7, 0.8, 0.85, 0.9, 0.95, 1.0)
_DECAYS_S: Final = (0.675, 0.73, 0.805, 0.89, 1.01, 1.23, 1.42, 1.67, 2.0, 2.47)
# Mean level of its response in the octaves from 250 Hz to 4 kHz, against a click's.
_LEVELS_DB: Final = (-4.67, -4.5, -4.31, -4.09, -3.8, -3.26, -2.85, -2.4, -1.87, -1.23)
_ANSWER_MS: Final = 64.0
# It passes over this room size, and over what is nearer to it than this.
_SKIPPED, _SKIP = 0.75, 0.005


@dataclass(frozen=True)
class AceEffect:
    """An effect bus as plug-ins of Ardour's have it.

    Attributes:
        values: of ACE Reverb or ACE Delay.
        cuts: of ACE High/Low Pass Filter behind it.
        make_up_db: what the bus adds so that the effect is as loud as the console's at a return of 0 dB.
        lost: what of the effect they do not have, in sentences.
    """

    values: Values
    cuts: Values
    make_up_db: float
    lost: tuple[str, ...]


def fit_reverb(reverb: Reverb) -> AceEffect:
    """Set ACE Reverb to the decay at 1 kHz, as loud from 250 Hz to 4 kHz as the console's for sound in the middle."""
    decay_s = float(np.clip(reverb.decay_mid_s, _DECAYS_S[0], _DECAYS_S[-1]))
    room = _room(decay_s)
    cuts = fit_cuts(reverb.low_cut_hz, 12, reverb.high_cut_hz, 12)
    values = {BLEND: 1.0, ROOM: room, REVERB_ON: 1.0}
    make_up_db = console_level_db(reverb) - _level_db(room)
    return AceEffect(values, {} if cuts is None else cuts.values, make_up_db, (_reverb_words(reverb, decay_s),))


def reverb_of(values: Values, cuts: Values, level_db: float) -> Reverb:
    """Read ACE Reverb as the console's.

    Args:
        values: of ACE Reverb.
        cuts: of the filter behind it.
        level_db: of the bus: trim and fader.
    """
    decay_s = float(np.interp(values[ROOM], _ROOMS, _DECAYS_S))
    decays = dict.fromkeys(("decay_low_s", "decay_mid_s", "decay_high_s"), decay_s)
    reverb = Reverb(**decays, pre_delay_ms=_ANSWER_MS, **_cut_values(Reverb, cuts))
    own_db = console_level_db(reverb) - _level_db(values[ROOM])
    return reverb.model_copy(update={"return_gain_db": parameters(Reverb)["return_gain_db"].clamp(level_db - own_db)})


def fit_delay(delay: Delay) -> AceEffect:
    """Set ACE Delay to the time, the feedback, and the sound of the first echo."""
    values = {
        INVERT: 0.0,
        SYNC: 0.0,
        TIME: delay.echo_ms,
        WET: 100.0,
        FEEDBACK: 100 * delay.feedback,
        LOW_PASS: min(delay.high_cut_hz, 20000.0),
        OUTPUT: 0.0,
        DELAY_ON: 1.0,
        DOTTED: 0.0,
    }
    cuts = fit_cuts(delay.low_cut_hz, 12, math.inf, 12)
    return AceEffect(values, {} if cuts is None else cuts.values, 0.0, (_delay_words(delay),))


def delay_of(values: Values, cuts: Values, level_db: float) -> Delay:
    """Read ACE Delay as the console's; arguments as :func:`reverb_of`."""
    table = parameters(Delay)
    return Delay(
        time_ms=table["time_ms"].clamp(values[TIME]),
        feedback=table["feedback"].clamp(values[FEEDBACK] / 100),
        high_cut_hz=table["high_cut_hz"].clamp(values[LOW_PASS]),
        low_cut_hz=_cut_values(Delay, cuts).get("low_cut_hz", table["low_cut_hz"].low),
        return_gain_db=table["return_gain_db"].clamp(level_db + values.get(OUTPUT, 0.0)),
    )


def _room(decay_s: float) -> float:
    room = float(np.interp(math.log(decay_s), np.log(_DECAYS_S), _ROOMS))
    if abs(room - _SKIPPED) < _SKIP:
        room = _SKIPPED + math.copysign(_SKIP, room - _SKIPPED)
    return room


def _level_db(room: float) -> float:
    return float(np.interp(room, _ROOMS, _LEVELS_DB))


def _cut_values(part: type[Reverb | Delay], cuts: Values) -> Mapping[str, float]:
    numbers = {"low_cut_hz": LOW_HZ, "high_cut_hz": HIGH_HZ}
    table = parameters(part)
    return {name: table[name].clamp(cuts[number]) for name, number in numbers.items() if number in cuts}


def _reverb_words(reverb: Reverb, decay_s: float) -> str:
    return (
        f"The reverb ({room_words(reverb)}) becomes ACE Reverb: {quantity(round(decay_s, 2), 's')} at all "
        f"frequencies, after {_ANSWER_MS:g} ms, each side by itself."
    )


def _delay_words(delay: Delay) -> str:
    return f"The delay ({echo_words(delay)}) becomes ACE Delay: all echoes sound as the first, and stay on their side."
