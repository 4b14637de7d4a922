"""What a model's 0..1 outputs mean: an ordered list of settings with the range each was trained on.

A layout travels in the model's manifest, so that a model with other settings or other ranges needs no change here.
`REFERENCE` is that of Diff-MST (Vanka et al., ISMIR 2024), in the order of its outputs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from pydantic import BaseModel, Field, model_validator

from ...presets.console import EQ_BANDS, Master, Parameter, Part, Strip, parameters
from ...presets.units import power_decibels, power_factor

Law = Literal["runtime", "reference"]

# The reference sends its fx bus 12 band gains, 12 decays and a mix, all 0..1. It was never trained: no preset holds it.
REFERENCE_FX_OUTPUTS = 25


class Output(Part):
    """One output: which setting it is, and the values at 0 and at 1.

    Attributes:
        path: dotted path in the console table.
        low: value at 0.
        high: value at 1.
        scale: "linear" or "log" between them.
    """

    path: str
    low: float = Field(allow_inf_nan=False)
    high: float = Field(allow_inf_nan=False)
    scale: Literal["linear", "log"] = "linear"

    @model_validator(mode="after")
    def _usable_range(self) -> Output:
        if self.scale == "log" and not (self.low > 0 and self.high > 0):
            raise ValueError(f"{self.path}: a log scale needs both ends above 0, not {self.low:g} and {self.high:g}")
        return self

    def denormalize(self, unit_value: float) -> float:
        """From 0..1 to the setting's own unit."""
        if self.scale == "log":
            return float(self.low * (self.high / self.low) ** unit_value)
        return self.low + (self.high - self.low) * unit_value


class Layout(Part):
    """The ordered outputs of a model's heads.

    Attributes:
        law: whose compressor and pan law the numbers are meant for: pedalboard's as rendered here, or the reference's.
        track: outputs of the head of each track.
        master: outputs of the head of the master bus.
        fixed: settings that the model was trained with and does not decide, by path, on tracks and master alike.
        balanced: whether the master's input gain follows from the faders (:func:`balance_gain_db`).
    """

    law: Law = "runtime"
    track: tuple[Output, ...]
    master: tuple[Output, ...]
    fixed: dict[str, float] = Field(default_factory=dict)
    balanced: bool = False

    @model_validator(mode="after")
    def _known_paths(self) -> Layout:
        for section, outputs in ((Strip, self.track), (Master, self.master)):
            table = parameters(section)
            paths = [*(output.path for output in outputs), *self.fixed]
            unknown = sorted(set(paths) - set(table))
            if unknown:
                raise ValueError(f"unknown settings {', '.join(unknown)}; known: {', '.join(table)}")
            if len(set(paths)) != len(paths):
                raise ValueError("a setting stands twice in the layout")
            for path, value in self.fixed.items():
                if not table[path].low <= value <= table[path].high:
                    raise ValueError(f"{path} is fixed at {value:g}, outside {table[path].low:g}..{table[path].high:g}")
        return self


def denormalize(outputs: Sequence[Output], unit_values: Sequence[float], section: type[BaseModel]) -> dict[str, float]:
    """Values in units by path, inside the console's limits.

    Args:
        outputs: one head of a layout.
        unit_values: as many numbers in 0..1.
        section: the part of the console they belong to, for its limits.
    """
    table: Mapping[str, Parameter] = parameters(section)
    return {
        output.path: table[output.path].clamp(output.denormalize(float(value)))
        for output, value in zip(outputs, unit_values, strict=True)
    }


def balance_gain_db(faders_db: Sequence[float]) -> float:
    """The master's input gain that brings a sum of equally loud, unrelated tracks back to the level of one.

    It makes a common offset of all faders mean nothing, so that a model need not learn the number of tracks.
    """
    return -power_decibels(sum(map(power_factor, faders_db))) if faders_db else 0.0


def reference_layout(sample_rate_hz: int = 44100) -> Layout:
    """The layout of Diff-MST's console: 27 outputs a track, 26 for the master (`docs/console.md`)."""
    top_hz = sample_rate_hz // 2 - 1000
    ranges_hz = ((20, 2000), (80, 2000), (2000, 8000), (8000, 12000), (12000, top_hz), (6000, top_hz))
    eq = [
        output
        for band, (low_hz, high_hz) in zip(EQ_BANDS, ranges_hz, strict=True)
        for output in (
            Output(path=f"eq.{band}.gain_db", low=-12, high=12),
            Output(path=f"eq.{band}.freq_hz", low=low_hz, high=high_hz),
            Output(path=f"eq.{band}.q", low=0.1, high=5),
        )
    ]
    compressor = [
        Output(path="compressor.threshold_db", low=-60, high=0),
        Output(path="compressor.ratio", low=1, high=10),
        Output(path="compressor.attack_ms", low=5, high=250),
        Output(path="compressor.release_ms", low=10, high=250),
        Output(path="compressor.knee_db", low=3, high=12),
        Output(path="compressor.makeup_db", low=0, high=6),
    ]
    gain = Output(path="input_gain_db", low=-48, high=48)
    return Layout(
        law="reference",
        track=(
            gain,
            *eq,
            *compressor,
            Output(path="pan", low=-1, high=1),
            Output(path="fx_send_db", low=-80, high=12),
        ),
        master=(*eq, *compressor, Output(path="output_gain_db", low=-48, high=48), gain),
    )
