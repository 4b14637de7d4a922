"""The parts of a plug-in's profile: its parameters, and which of them is what in each stage.

A stage names parameters as pedalboard spells them (`plugin.parameters`); what they mean in dB, Hz and ms stands once,
with the parameter.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, Final, Literal

from pydantic import Field, model_validator

from ...presets.console import Part
from ..desks.scales import AnyScale, Finite
from ..desks.sections import SHELF_Q, TimeLaw, Word

BandKind = Literal["bell", "low_shelf", "high_shelf", "low_cut", "high_cut", "graphic"]
Design = Literal["cookbook", "analogue", "nyquist", "table"]

# The last words of keys of compressors and gates, and the field of each; some have both, some one.
_DYNAMICS: Final = {
    "on": "on",
    "threshold_db": "threshold",
    "range_db": "range",
    "ratio": "ratio",
    "attack_ms": "attack",
    "hold_ms": "hold",
    "release_ms": "release",
    "knee_db": "knee",
    "makeup_db": "makeup",
}

ParameterName = Annotated[str, Field(min_length=1, max_length=200)]
Raw = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Hertz = Annotated[float, Field(gt=0, le=1e6, allow_inf_nan=False)]


class PluginParameter(Part):
    """One parameter of a plug-in, and what its values mean.

    The scale is in the unit of the setting that it serves (dB, Hz, Q, ms), which is not always what the plug-in shows;
    its wire values are the 0 to 1 of the host.
    """

    label: str = Field("", max_length=200, description="name as the plug-in shows it")
    unit: str = Field("", max_length=20, description="unit as the plug-in shows it")
    index: int | None = Field(None, ge=0, le=100_000, description="its place in the plug-in's own list, from 0")
    is_read: bool = Field(
        False, description="its law is read from what the plug-in shows when it is loaded; `scale` is its range alone"
    )
    scale: AnyScale

    @model_validator(mode="before")
    @classmethod
    def _host_range(cls, data: object) -> object:
        """Lets a range be written without its wire values, which are 0 and 1 for every plug-in."""
        if isinstance(data, dict) and isinstance(data.get("scale"), dict):
            scale = data["scale"]
            if scale.get("kind") in ("linear", "log", "bandwidth") and "wire" not in scale:
                return {**data, "scale": {**scale, "wire": (0, 1)}}
        return data


class BandShape(Part):
    """The measured gain of a band around its frequency, at one setting of its gain and Q."""

    gain_db: Finite
    q: float | None = Field(None, gt=0, le=1000, allow_inf_nan=False)
    octaves: tuple[Finite, ...] = Field(min_length=2, max_length=400, description="from the band's frequency, rising")
    response_db: tuple[Finite, ...] = Field(min_length=2, max_length=400)

    @model_validator(mode="after")
    def _pairs(self) -> BandShape:
        if len(self.octaves) != len(self.response_db):
            raise ValueError(f"{len(self.octaves)} octaves, but {len(self.response_db)} gains: they go in pairs")
        if any(after <= before for before, after in pairwise(self.octaves)):
            raise ValueError("the octaves have to rise")
        if self.gain_db == 0:
            raise ValueError("a shape at a gain of 0 dB says nothing")
        return self


class PluginBand(Part):
    """One band of a plug-in's equalizer."""

    slot: Word
    kinds: tuple[BandKind, ...] = Field(min_length=1, max_length=6, description="what it can be; more need `type`")
    design: Design = Field(
        "cookbook",
        description="its formula: cookbook (R. Bristow-Johnson's), analogue (the same without the bend near half the "
        "sample rate), nyquist (S. J. Orfanidis's with the analogue gain there), table (measured shapes)",
    )
    gain: ParameterName | None = Field(None, description="parameter of its gain in dB; a cut has none")
    freq: ParameterName | None = None
    q: ParameterName | None = None
    type: ParameterName | None = None
    on: ParameterName | None = None
    freq_hz: Hertz | None = Field(None, description="of a band without a parameter for it")
    fixed_q: float = Field(SHELF_Q, gt=0, le=1000, allow_inf_nan=False, description="without a parameter for it")
    slope: float | None = Field(
        None, gt=0, le=2, allow_inf_nan=False, description="of a shelf that keeps the cookbook's slope S, not its Q"
    )
    order: int = Field(2, ge=1, le=16, description="of a cut: 6 dB per octave each")
    error_db: float | None = Field(
        None, ge=0, le=100, allow_inf_nan=False, description="largest error of the formula where it was measured"
    )
    shapes: tuple[BandShape, ...] = Field((), max_length=64)

    @model_validator(mode="after")
    def _usable(self) -> PluginBand:
        if len(self.kinds) > 1 and self.type is None:
            raise ValueError("a band of several kinds needs the parameter `type`")
        if self.freq is None and self.freq_hz is None:
            raise ValueError("needs `freq`, the parameter, or `freq_hz`, where it always is")
        if self.gain is None and not set(self.kinds) <= {"low_cut", "high_cut"}:
            raise ValueError("needs `gain`: only cuts have none")
        if (self.design == "table") != bool(self.shapes):
            raise ValueError('`shapes` and design = "table" go together')
        return self

    @property
    def parameters(self) -> dict[str, ParameterName]:
        """Its parameters by the last word of the setting's key."""
        known = {"on": self.on, "type": self.type, "gain_db": self.gain, "freq_hz": self.freq, "q": self.q}
        return {word: name for word, name in known.items() if name is not None}


class PluginEq(Part):
    """The equalizer of a plug-in."""

    on: ParameterName | None = None
    output: ParameterName | None = Field(None, description="parameter of the gain behind the bands")
    bands: tuple[PluginBand, ...] = Field(min_length=1, max_length=64)

    @property
    def parameters(self) -> dict[str, ParameterName]:
        """Its parameters by what follows `eq.` in the setting's key."""
        bands = {f"{band.slot}.{word}": name for band in self.bands for word, name in band.parameters.items()}
        known = {"on": self.on, **bands, "output_db": self.output}
        return {word: name for word, name in known.items() if name is not None}


class PluginDynamics(Part):
    """What compressors and gates of plug-ins share."""

    @property
    def parameters(self) -> dict[str, ParameterName]:
        """Its parameters by what follows `compressor.` or `gate.` in the setting's key."""
        known = {word: getattr(self, field, None) for word, field in _DYNAMICS.items()}
        return {word: name for word, name in known.items() if name is not None}


class PluginCompressor(PluginDynamics):
    """The compressor of a plug-in."""

    on: ParameterName | None = None
    threshold: ParameterName
    ratio: ParameterName | None = None
    attack: ParameterName | None = None
    release: ParameterName | None = None
    knee: ParameterName | None = None
    makeup: ParameterName | None = None
    attack_law: TimeLaw = Field("tau", description="what its ms mean, as in profiles of desks")
    release_law: TimeLaw = "tau"
    detector: Literal["peak", "rms", "unknown"] = Field("unknown", description="what of the sound it measures")
    level_offset_db: Finite = Field(
        0.0, description="by so much lies the threshold above what the parameter says, for a sine's peak level"
    )
    fixed_ratio: float | None = Field(None, ge=1, le=1000, allow_inf_nan=False)
    fixed_knee_db: float = Field(0.0, ge=0, le=60, allow_inf_nan=False, description="without a parameter for it")
    error_db: float | None = Field(None, ge=0, le=100, allow_inf_nan=False)


class PluginGate(PluginDynamics):
    """The gate of a plug-in."""

    on: ParameterName | None = None
    threshold: ParameterName
    range: ParameterName | None = Field(None, description="the most it turns down, in dB below 0")
    ratio: ParameterName | None = None
    attack: ParameterName | None = None
    hold: ParameterName | None = None
    release: ParameterName | None = None
    makeup: ParameterName | None = None
    attack_law: TimeLaw = "tau"
    release_law: TimeLaw = "tau"
    level_offset_db: Finite = 0.0
    error_db: float | None = Field(None, ge=0, le=100, allow_inf_nan=False)
