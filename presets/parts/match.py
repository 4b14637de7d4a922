"""The match curve of the master: gains at third octaves, for all of the sound and for its width.

Made for being fitted to a reference, where six bands cannot follow; it is edited like any other setting. How it sounds
is in `runtime/console/match.py`.
"""

from __future__ import annotations

from typing import Annotated, Final

from .table import Parameter, Part, get, parameters

# Preferred centres of ISO 266.
THIRDS_HZ: Final = (
    20.0, 25.0, 31.5, 40.0, 50.0, 63.0, 80.0, 100.0, 125.0, 160.0, 200.0, 250.0, 315.0, 400.0, 500.0, 630.0, 800.0,
    1000.0, 1250.0, 1600.0, 2000.0, 2500.0, 3150.0, 4000.0, 5000.0, 6300.0, 8000.0, 10000.0, 12500.0, 16000.0, 20000.0,
)  # fmt: skip
MOST_TONE_DB: Final = 8.0
MOST_WIDER_DB: Final = 16.0
MOST_NARROWER_DB: Final = 24.0


def _tone(freq_hz: float) -> Parameter:
    label = f"tone at {freq_hz:g} Hz"
    return Parameter("dB", -MOST_TONE_DB, MOST_TONE_DB, "linear", 0, "gain of the whole mix there", label=label)


def _width(freq_hz: float) -> Parameter:
    label = f"width at {freq_hz:g} Hz"
    text = "gain of the sides against the middle there"
    return Parameter("dB", -MOST_NARROWER_DB, MOST_WIDER_DB, "linear", 0, text, label=label)


class ToneCurve(Part):
    """Gains of the whole mix, middle and sides alike, at the centres of third octaves."""

    hz_20_db: Annotated[float, _tone(20)] = 0.0
    hz_25_db: Annotated[float, _tone(25)] = 0.0
    hz_31_5_db: Annotated[float, _tone(31.5)] = 0.0
    hz_40_db: Annotated[float, _tone(40)] = 0.0
    hz_50_db: Annotated[float, _tone(50)] = 0.0
    hz_63_db: Annotated[float, _tone(63)] = 0.0
    hz_80_db: Annotated[float, _tone(80)] = 0.0
    hz_100_db: Annotated[float, _tone(100)] = 0.0
    hz_125_db: Annotated[float, _tone(125)] = 0.0
    hz_160_db: Annotated[float, _tone(160)] = 0.0
    hz_200_db: Annotated[float, _tone(200)] = 0.0
    hz_250_db: Annotated[float, _tone(250)] = 0.0
    hz_315_db: Annotated[float, _tone(315)] = 0.0
    hz_400_db: Annotated[float, _tone(400)] = 0.0
    hz_500_db: Annotated[float, _tone(500)] = 0.0
    hz_630_db: Annotated[float, _tone(630)] = 0.0
    hz_800_db: Annotated[float, _tone(800)] = 0.0
    hz_1000_db: Annotated[float, _tone(1000)] = 0.0
    hz_1250_db: Annotated[float, _tone(1250)] = 0.0
    hz_1600_db: Annotated[float, _tone(1600)] = 0.0
    hz_2000_db: Annotated[float, _tone(2000)] = 0.0
    hz_2500_db: Annotated[float, _tone(2500)] = 0.0
    hz_3150_db: Annotated[float, _tone(3150)] = 0.0
    hz_4000_db: Annotated[float, _tone(4000)] = 0.0
    hz_5000_db: Annotated[float, _tone(5000)] = 0.0
    hz_6300_db: Annotated[float, _tone(6300)] = 0.0
    hz_8000_db: Annotated[float, _tone(8000)] = 0.0
    hz_10000_db: Annotated[float, _tone(10000)] = 0.0
    hz_12500_db: Annotated[float, _tone(12500)] = 0.0
    hz_16000_db: Annotated[float, _tone(16000)] = 0.0
    hz_20000_db: Annotated[float, _tone(20000)] = 0.0


class WidthCurve(Part):
    """Gains of the sides (left minus right) on top of the tone; in the lows far down means mono there."""

    hz_20_db: Annotated[float, _width(20)] = 0.0
    hz_25_db: Annotated[float, _width(25)] = 0.0
    hz_31_5_db: Annotated[float, _width(31.5)] = 0.0
    hz_40_db: Annotated[float, _width(40)] = 0.0
    hz_50_db: Annotated[float, _width(50)] = 0.0
    hz_63_db: Annotated[float, _width(63)] = 0.0
    hz_80_db: Annotated[float, _width(80)] = 0.0
    hz_100_db: Annotated[float, _width(100)] = 0.0
    hz_125_db: Annotated[float, _width(125)] = 0.0
    hz_160_db: Annotated[float, _width(160)] = 0.0
    hz_200_db: Annotated[float, _width(200)] = 0.0
    hz_250_db: Annotated[float, _width(250)] = 0.0
    hz_315_db: Annotated[float, _width(315)] = 0.0
    hz_400_db: Annotated[float, _width(400)] = 0.0
    hz_500_db: Annotated[float, _width(500)] = 0.0
    hz_630_db: Annotated[float, _width(630)] = 0.0
    hz_800_db: Annotated[float, _width(800)] = 0.0
    hz_1000_db: Annotated[float, _width(1000)] = 0.0
    hz_1250_db: Annotated[float, _width(1250)] = 0.0
    hz_1600_db: Annotated[float, _width(1600)] = 0.0
    hz_2000_db: Annotated[float, _width(2000)] = 0.0
    hz_2500_db: Annotated[float, _width(2500)] = 0.0
    hz_3150_db: Annotated[float, _width(3150)] = 0.0
    hz_4000_db: Annotated[float, _width(4000)] = 0.0
    hz_5000_db: Annotated[float, _width(5000)] = 0.0
    hz_6300_db: Annotated[float, _width(6300)] = 0.0
    hz_8000_db: Annotated[float, _width(8000)] = 0.0
    hz_10000_db: Annotated[float, _width(10000)] = 0.0
    hz_12500_db: Annotated[float, _width(12500)] = 0.0
    hz_16000_db: Annotated[float, _width(16000)] = 0.0
    hz_20000_db: Annotated[float, _width(20000)] = 0.0


class MatchCurve(Part):
    """A smooth curve through third-octave points; all at 0 is off."""

    tone: ToneCurve = ToneCurve()
    width: WidthCurve = WidthCurve()
    amount: Annotated[float, Parameter("", 0, 1, "linear", None, "share of the curves that is applied")] = 1.0
    linear_phase: Annotated[
        float,
        Parameter(
            "", 0, 1, "linear", None, "0 minimum phase, 1 linear phase: no phase is turned, but attacks ring before"
        ),
    ] = 0.0


def points_db(curve: ToneCurve | WidthCurve) -> tuple[float, ...]:
    """List the gains of a curve in the order of :data:`THIRDS_HZ`."""
    return tuple(get(curve, path) for path in parameters(type(curve)))


def is_flat(match: MatchCurve) -> bool:
    """Tell whether a match curve does nothing."""
    return match.amount == 0 or not any((*points_db(match.tone), *points_db(match.width)))
