"""Reverb and delay on REAPER's own plug-ins, ReaVerbate and ReaDelay, and back.

ReaVerbate's laws are those of the engine that Cockos published with WDL (verbengine.h: ten combs and six allpasses a
side), with a feedback of 0.28 to 0.98 by its room size. With these the times that somebody measured on renders of
REAPER 7 (0.21 to 9.72 s at a dampening of 0.3) come out within 8 %, and their levels within 0.4 dB of each other. It
answers after 25 ms, its shortest comb. The closed forms here are within 5 % of the engine's decay from 250 Hz to 2 kHz,
and within 0.4 dB of its mean level. Nobody of us has heard either plug-in: how steep ReaVerbate's filters are, and
whether ReaDelay's act once on all echoes or on each again, was not measured.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np

from ....presets.console import Delay, Reverb, parameters
from ....presets.units import decibels, gain_factor, quantity
from .rooms import OCTAVES_HZ, console_level_db, echo_words, room_words

# The engine: its combs are as long as one of so many samples at 44.1 kHz, the shortest as the other number says.
_RATE_HZ: Final = 44100.0
_COMB, _SHORTEST_COMB = 1550, 1116
_COMBS, _ALLPASSES = 10, 6
_ENGINE_GAIN: Final = 0.015
# Power of a click behind one of its allpasses.
_ALLPASS_POWER: Final = 7 / 3
_LEAST_FEEDBACK, _FEEDBACK_SPAN = 0.28, 0.7
# Of the filter in its loop, at a dampening of 1.
_MOST_DAMPED: Final = 0.4
_HALVINGS: Final = 40
_MIDDLE_HZ, _LOW_HZ = 1000.0, 250.0

ANSWER_MS: Final = 1000 * _SHORTEST_COMB / _RATE_HZ
_HIGHEST_HZ: Final = 20000.0
_MOST_WET_DB: Final = decibels(2)


@dataclass(frozen=True)
class ReaVerbate:
    """ReaVerbate's own settings.

    Attributes:
        wet_gain: of what comes back, as a factor.
        room: its size, 0 to 1.
        dampening: 0 to 1.
        width: -1 to 1.
        delay_ms: before it answers.
        lowpass_hz: what is above is cut.
        hipass_hz: what is below is cut.
    """

    wet_gain: float
    room: float
    dampening: float
    width: float
    delay_ms: float
    lowpass_hz: float
    hipass_hz: float


@dataclass(frozen=True)
class ReaDelay:
    """The settings of ReaDelay's one tap.

    Attributes:
        wet_gain: of what comes back, as a factor.
        length_ms: from one echo to the next.
        feedback: share of an echo that is echoed again.
        lowpass_hz: what is above is cut.
        hipass_hz: what is below is cut.
    """

    wet_gain: float
    length_ms: float
    feedback: float
    lowpass_hz: float
    hipass_hz: float


@dataclass(frozen=True)
class FittedReverb:
    """A reverb as ReaVerbate has it.

    Attributes:
        plugin: its settings.
        fader_db: of the track that it is on.
        lost: what of the reverb it does not have, in a sentence.
    """

    plugin: ReaVerbate
    fader_db: float
    lost: str


@dataclass(frozen=True)
class FittedDelay:
    """A delay as ReaDelay has it; attributes as :class:`FittedReverb`."""

    plugin: ReaDelay
    fader_db: float
    lost: str


def fit_reverb(reverb: Reverb) -> FittedReverb:
    """Set ReaVerbate to the decays at 1 kHz and of the highs, as loud as the console's for sound in the middle."""
    damped = _damped(reverb)
    wanted = _loop_gain(reverb.decay_mid_s) / _filter_gain(damped, _MIDDLE_HZ)
    room = min(1.0, max(0.0, (wanted - _LEAST_FEEDBACK) / _FEEDBACK_SPAN))
    make_up_db = console_level_db(reverb) - _level_db(room, damped)
    wet_db = min(make_up_db, _MOST_WET_DB)
    plugin = ReaVerbate(
        wet_gain=gain_factor(wet_db),
        room=room,
        dampening=damped / _MOST_DAMPED,
        width=reverb.width,
        delay_ms=max(0.0, reverb.pre_delay_ms - ANSWER_MS),
        lowpass_hz=min(reverb.high_cut_hz, _HIGHEST_HZ),
        hipass_hz=reverb.low_cut_hz,
    )
    lost = _reverb_words(reverb, plugin)
    return FittedReverb(plugin, reverb.return_gain_db + make_up_db - wet_db, lost)


def reverb_of(plugin: ReaVerbate, fader_db: float) -> Reverb:
    """Read ReaVerbate as the console's reverb.

    Args:
        plugin: its settings.
        fader_db: of the track that it is on.
    """
    damped = _MOST_DAMPED * plugin.dampening
    table = parameters(Reverb)
    usual = Reverb()
    values = {
        "pre_delay_ms": plugin.delay_ms + ANSWER_MS,
        "decay_low_s": _decay_s(plugin.room, damped, _LOW_HZ),
        "decay_mid_s": _decay_s(plugin.room, damped, _MIDDLE_HZ),
        "decay_high_s": _decay_s(plugin.room, damped, usual.damping_hz),
        "width": abs(plugin.width),
        "low_cut_hz": plugin.hipass_hz,
        "high_cut_hz": plugin.lowpass_hz,
    }
    reverb = Reverb(**{name: table[name].clamp(value) for name, value in values.items()})
    level_db = fader_db + _gain_db(plugin.wet_gain) + _level_db(plugin.room, damped) - console_level_db(reverb)
    return reverb.model_copy(update={"return_gain_db": table["return_gain_db"].clamp(level_db)})


def fit_delay(delay: Delay) -> FittedDelay:
    """Set ReaDelay to the time, the feedback, and the cuts."""
    plugin = ReaDelay(
        wet_gain=1.0,
        length_ms=delay.echo_ms,
        feedback=delay.feedback,
        lowpass_hz=min(delay.high_cut_hz, _HIGHEST_HZ),
        hipass_hz=delay.low_cut_hz,
    )
    lost = (
        f"The delay ({echo_words(delay)}) becomes ReaDelay: echoes stay on their side; whether its filters act on each "
        "echo again was not measured."
    )
    return FittedDelay(plugin, delay.return_gain_db, lost)


def delay_of(plugin: ReaDelay, fader_db: float) -> Delay:
    """Read ReaDelay as the console's delay; arguments as :func:`reverb_of`."""
    table = parameters(Delay)
    values = {
        "time_ms": plugin.length_ms,
        "feedback": plugin.feedback,
        "low_cut_hz": plugin.hipass_hz,
        "high_cut_hz": plugin.lowpass_hz,
        "return_gain_db": fader_db + _gain_db(plugin.wet_gain),
    }
    return Delay(**{name: table[name].clamp(value) for name, value in values.items()})


def _damped(reverb: Reverb) -> float:
    """Find the filter in the loop with which the highs decay as much faster than the middle as they are to."""
    high_hz = reverb.damping_hz
    wanted = _loop_gain(reverb.decay_high_s) / _loop_gain(reverb.decay_mid_s)
    low, high = 0.0, _MOST_DAMPED
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        is_brighter = _filter_gain(middle, high_hz) / _filter_gain(middle, _MIDDLE_HZ) > wanted
        low, high = (middle, high) if is_brighter else (low, middle)
    return (low + high) / 2


def _loop_gain(decay_s: float) -> float:
    """What is left after one round of the loop, if sound falls by 60 dB in this time."""
    return float(10 ** (-3 * _COMB / _RATE_HZ / decay_s))


def _decay_s(room: float, damped: float, freq_hz: float) -> float:
    left = (_LEAST_FEEDBACK + _FEEDBACK_SPAN * room) * _filter_gain(damped, freq_hz)
    return -3 * _COMB / _RATE_HZ / math.log10(left)


def _filter_gain(damped: float, freq_hz: float) -> float:
    turned = np.exp(-2j * math.pi * freq_hz / _RATE_HZ)
    return float((1 - damped) / abs(1 - damped * turned))


def _level_db(room: float, damped: float) -> float:
    """Mean level of ReaVerbate's response in the octaves that rooms are compared in, against a click's."""
    feedback = _LEAST_FEEDBACK + _FEEDBACK_SPAN * room
    power = _ENGINE_GAIN**2 * _COMBS * _ALLPASS_POWER**_ALLPASSES
    lefts = (feedback * _filter_gain(damped, hz) for hz in OCTAVES_HZ)
    return float(np.mean([10 * math.log10(power / (1 - left**2)) for left in lefts]))


def _reverb_words(reverb: Reverb, plugin: ReaVerbate) -> str:
    damped = _MOST_DAMPED * plugin.dampening
    decays = (_decay_s(plugin.room, damped, hz) for hz in (_LOW_HZ, _MIDDLE_HZ, reverb.damping_hz))
    low, middle, high = (quantity(round(decay_s, 2), "s") for decay_s in decays)
    after = quantity(round(plugin.delay_ms + ANSWER_MS, 1), "ms")
    return (
        f"The reverb ({room_words(reverb)}) becomes ReaVerbate: {low} in the lows, {middle} at 1 kHz, {high} at "
        f"{quantity(reverb.damping_hz, 'Hz')}, after {after}, each side by itself."
    )


def _gain_db(gain: float) -> float:
    return decibels(max(gain, 1e-9))
