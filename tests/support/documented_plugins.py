"""Stand-ins for plug-ins that nobody here has, with the names and laws that documents tell, in pedalboard's shape."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from cookbook import coefficients
from scipy.signal import lfilter

_SHAPES = {0: "bell", 1: "low_shelf", 3: "high_shelf"}


@dataclass
class _Knob:
    """A parameter: raw 0 to 1, and what is shown for it."""

    show: Any
    raw_value: float = 0.0
    name: str = ""
    units: str = ""
    range: tuple[float | None, ...] = (None, None, None)
    is_automatable: bool = True

    @property
    def string_value(self) -> str:
        return str(self.show(self.raw_value))


@dataclass
class StandInProQ3:
    """FabFilter Pro-Q 3's first bands; `q_factor` is how much narrower than its documents say."""

    q_factor: float = 1.0
    bands: int = 8
    name: str = "FabFilter Pro-Q 3"
    manufacturer_name: str = "FabFilter"
    version: str = "3.24"
    reported_latency_samples: int = 0
    parameters: dict[str, _Knob] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for n in range(1, self.bands + 1):
            self.parameters |= {
                f"band_{n}_used": _Knob(lambda raw: "Used" if raw > 0.5 else "Unused"),
                f"band_{n}_enabled": _Knob(lambda raw: "Enabled" if raw > 0.5 else "Bypassed", 1.0),
                f"band_{n}_frequency": _Knob(lambda raw: f"{10 * 3000**raw:.2f} Hz", 0.575),
                f"band_{n}_gain": _Knob(lambda raw: f"{raw * 60 - 30:+.2f} dB", 0.5),
                f"band_{n}_q": _Knob(lambda raw: f"{0.025 * 1600**raw:.3f}", 0.5),
                f"band_{n}_shape": _Knob(lambda raw: f"shape {round(raw * 8)}"),
                f"band_{n}_slope": _Knob(lambda raw: f"slope {round(raw * 9)}", 1 / 9),
            }
        for name, knob in self.parameters.items():
            knob.name = name.replace("_", " ").title()

    @property
    def preset_data(self) -> bytes:
        return repr([knob.raw_value for knob in self.parameters.values()]).encode()

    def process(self, audio: Any, rate_hz: int, buffer_size: int = 8192, *, reset: bool = True) -> Any:
        del buffer_size, reset
        heard = np.asarray(audio, np.float64)
        for n in range(1, self.bands + 1):
            raw = {word: self.parameters[f"band_{n}_{word}"].raw_value for word in ("used", "frequency", "gain", "q")}
            gain_db = raw["gain"] * 60 - 30
            shape = _SHAPES.get(round(self.parameters[f"band_{n}_shape"].raw_value * 8))
            if raw["used"] < 0.5 or abs(gain_db) < 1e-6 or shape is None:
                continue
            freq_hz, q = 10 * 3000 ** raw["frequency"], 0.025 * 1600 ** raw["q"] / math.sqrt(2) * self.q_factor
            b, a = coefficients(shape, gain_db, min(freq_hz, 0.45 * rate_hz), q, rate_hz)
            heard = np.asarray(lfilter(np.asarray(b), np.asarray(a), heard))
        return heard.astype(np.float32)


def pro_q_3(_path: str, _name: str | None) -> StandInProQ3:
    return StandInProQ3()


def narrower_pro_q_3(_path: str, _name: str | None) -> StandInProQ3:
    return StandInProQ3(q_factor=1.25)
