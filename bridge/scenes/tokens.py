"""How an X32 writes values in its files: each kind of value as the desk's own firmware spells it, and back.

The desk drops the rest of a line without a word when one value is not spelled as it expects (a ratio is 4.0, never 4),
so spellings are those that desks have been seen to write. Some hold fewer digits than the desk's grid, Q below 1 above
all; so it is in the desk's own files.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from ...presets.errors import DeskError

OFF: Final = "-oo"
_OFF_DB: Final = -90.0
_TYPES: Final = {
    "low_cut": "LCut",
    "low_shelf": "LShv",
    "bell": "PEQ",
    "vintage_bell": "VEQ",
    "high_shelf": "HShv",
    "high_cut": "HCut",
    **{f"{name.lower()}_cut": name for name in ("BU6", "BU12", "BS12", "LR12", "BU18", "BU24", "BS24", "LR24")},
}
_MODES: Final = {"compressor": "COMP", "expander": "EXP"}
_GATE_MODES: Final = {2.0: "EXP2", 3.0: "EXP3", 4.0: "EXP4", 100.0: "GATE"}
_DETECTORS: Final = {"peak": "PEAK", "rms": "RMS"}
_POSITIONS: Final = {"before_eq": "PRE", "behind_eq": "POST"}


@dataclass(frozen=True)
class Token:
    """How one kind of value is written.

    Attributes:
        write: from a value in the setting's unit.
        read: back; raises ValueError for what is no such value.
    """

    write: Callable[[float | str], str]
    read: Callable[[str], float | str]


def _switch(on: str, off: str) -> Token:
    def read(text: str) -> float:
        return {on: 1.0, off: 0.0}[text]

    return Token(lambda value: on if value else off, _strict(read))


def _word(words: Mapping[str, str]) -> Token:
    back = {token: value for value, token in words.items()}
    return Token(lambda value: words[str(value)], _strict(lambda text: back[text]))


def _number(write: Callable[[float], str], read: Callable[[str], float] = float) -> Token:
    return Token(lambda value: write(float(value)), read)


def _strict(read: Callable[[str], float | str]) -> Callable[[str], float | str]:
    def strict(text: str) -> float | str:
        try:
            return read(text)
        except KeyError:
            raise ValueError(text) from None

    return strict


def _three_digits(value: float, sign: str = "") -> str:
    """8.00, 14.0, 100."""
    for limit, decimals in ((9.995, 2), (99.95, 1)):
        if abs(value) < limit:
            return f"{value:{sign}.{decimals}f}"
    return f"{value:{sign}.0f}"


def _gain(value_db: float) -> str:
    return _three_digits(value_db + 0.0, "+")


def _frequency(freq_hz: float) -> str:
    """85.3, 990.9, 1k02, 20k00: the k stands where the point would, and from there on the desk does not round."""
    if freq_hz < 999.95:
        return f"{freq_hz:.1f}"
    return f"{math.floor(freq_hz / 10 + 1e-6) / 100:.2f}".replace(".", "k")


def _read_frequency(text: str) -> float:
    return float(text.replace("k", ".")) * 1000 if "k" in text else float(text)


def _level(level_db: float) -> str:
    if level_db <= _OFF_DB:
        return OFF
    return "0.0" if abs(level_db) < 0.05 else f"{level_db:+.1f}"


def _read_level(text: str) -> float:
    return _OFF_DB if text == OFF else float(text)


def _ratio(ratio: float) -> str:
    return f"{ratio:.1f}" if ratio < 9.95 else f"{ratio:.0f}"


def _q(q: float) -> str:
    return f"{q:.1f}" if q < 9.95 else "10"


def _name(value: float | str) -> str:
    return '"' + str(value).replace('"', "'") + '"'


def _read_name(text: str) -> str:
    if len(text) < 2 or text[0] != '"' or text[-1] != '"':
        raise ValueError(text)
    return text[1:-1]


SWITCH: Final = _switch("ON", "OFF")
MUTE: Final = _switch("OFF", "ON")  # the desk says whether it is heard
NAME: Final = Token(_name, _read_name)
LEVEL: Final = _number(_level, _read_level)
TRIM: Final = _number(lambda value: f"{value + 0.0:+.1f}")
PAN: Final = _number(lambda value: f"{round(value * 100) + 0:+d}", lambda text: float(text) / 100)
FILTER: Final = _word(_TYPES)
FREQUENCY: Final = _number(_frequency, _read_frequency)
GAIN: Final = _number(_gain)
Q: Final = _number(_q)
MODE: Final = _word(_MODES)
DETECTOR: Final = _word(_DETECTORS)
GATE_MODE: Final = Token(
    lambda value: _GATE_MODES[float(value)],
    _strict(lambda text: {name: ratio for ratio, name in _GATE_MODES.items()}[text]),
)
POSITION: Final = _word(_POSITIONS)
THRESHOLD: Final = _number(lambda value: f"{value + 0.0:.1f}")
RATIO: Final = _number(_ratio)
WHOLE: Final = _number(lambda value: f"{value:.0f}")
THREE_DIGITS: Final = _number(_three_digits)


def read_token(token: Token, text: str) -> float | str:
    """What a spelling stands for.

    Raises:
        DeskError: it is none of this kind.
    """
    try:
        return token.read(text)
    except ValueError:
        raise DeskError(f"{text!r} is no value that an X32 writes here") from None
