"""The mixing console, described once.

The classes below *are* the table: each setting is declared in one place with its unit (also in its name), range,
scale, neutral value and a line of help. Validation, the JSON schema, denormalising a model's outputs, `amount`,
sliders, desk mappings and docs are derived from it through :func:`parameters`, :func:`get` and :func:`replace`.
Nothing here touches audio.

Signal flow of a strip: input gain, EQ, compressor, saturation, fader, pan; the fx send is taken behind the pan. Strips
are summed with the fx bus's return; the master is input gain, EQ, compressor, output gain.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import replace as with_fields
from functools import cache
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, core_schema

Scale = Literal["linear", "log", "level"]
Unit = Literal["dB", "Hz", "ms", "s", ":1", ""]
Move = Literal["stays", "adds", "subtracts", "divides"]
Section = TypeVar("Section", bound=BaseModel)

EQ_BANDS = ("low_shelf", "band0", "band1", "band2", "band3", "high_shelf")
FX_BAND_CENTRES_HZ = (31.5, 63.0, 125.0, 250.0, 500.0, 1000.0, 2000.0, 4000.0, 6000.0, 8000.0, 12000.0, 16000.0)
SEND_OFF_DB = -80.0
_UNIT_ENDING = re.compile("_(db|hz|ms|s)$")


@dataclass(frozen=True)
class Parameter:
    """One row of the table: a setting of the console.

    Attributes:
        unit: as written after a value; "" where the number stands alone.
        low: smallest value a preset may hold.
        high: largest value a preset may hold.
        scale: how a control runs between them. "level" is a level in dB whose lowest value means off.
        neutral: the value at which the setting does nothing; None for one that only shapes another (a frequency,
            a threshold), which `amount` therefore leaves where it is.
        help: one line for users.
        section: which part of the strip it belongs to; that of a stage is the stage's name. See :mod:`.sections`.
        label: what people call it within its section.
        with_gain: what becomes of it when gain is moved from behind the stages to before them, so that the sound stays
            the same: the gain in dB is added or subtracted, or the value is divided by its factor.
        is_level: a level in dB that all of the sound passes: a change of it is heard as a jump.
    """

    unit: Unit
    low: float
    high: float
    scale: Scale
    neutral: float | None
    help: str
    section: str = ""
    label: str = ""
    with_gain: Move = "stays"
    is_level: bool = False

    def clamp(self, value: float) -> float:
        """Find the nearest value inside the range."""
        return min(max(value, self.low), self.high)

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.float_schema(ge=self.low, le=self.high, allow_inf_nan=False)

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        extra = {"x-unit": self.unit, "x-scale": self.scale, "x-neutral": self.neutral}
        return {**handler(schema), "description": self.help, **extra}


class Part(BaseModel):
    """A frozen part of the console; an unknown key is a mistake, not an extension."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class EqBand(Part):
    """One filter, as in R. Bristow-Johnson's Audio EQ Cookbook."""

    gain_db: Annotated[float, Parameter("dB", -24, 24, "linear", 0, "boost or cut of the band")] = 0.0
    freq_hz: Annotated[
        float, Parameter("Hz", 20, 22000, "log", None, "centre, or corner of a shelf", label="frequency")
    ] = 1000.0
    q: Annotated[float, Parameter("", 0.1, 10, "log", None, "narrowness of the band", label="Q")] = 0.71


class Equalizer(Part):
    """Low shelf, four bells, high shelf."""

    low_shelf: EqBand = EqBand(freq_hz=100)
    band0: EqBand = EqBand(freq_hz=250)
    band1: EqBand = EqBand(freq_hz=3000)
    band2: EqBand = EqBand(freq_hz=9000)
    band3: EqBand = EqBand(freq_hz=14000)
    high_shelf: EqBand = EqBand(freq_hz=10000)


class Compressor(Part):
    """Feed-forward compressor; ratio 1 is off.

    Its detector follows |x| with one pole, whose time constant is the attack or release divided by 2 pi
    (pedalboard's law, measured; see docs/console.md).
    """

    threshold_db: Annotated[
        float, Parameter("dB", -120, 60, "linear", None, "level where it starts", with_gain="adds")
    ] = 0.0
    ratio: Annotated[float, Parameter(":1", 1, 20, "log", 1, "input dB for one dB out, above it")] = 1.0
    attack_ms: Annotated[float, Parameter("ms", 0.1, 1000, "log", None, "time to clamp down")] = 20.0
    release_ms: Annotated[float, Parameter("ms", 1, 5000, "log", None, "time to let go")] = 150.0
    knee_db: Annotated[float, Parameter("dB", 0, 24, "linear", None, "width of the soft corner")] = 6.0
    makeup_db: Annotated[float, Parameter("dB", -24, 24, "linear", 0, "gain behind it", is_level=True)] = 0.0
    lookahead_ms: Annotated[
        float,
        Parameter(
            "ms", 0, 50, "linear", None, "how early it sees the signal coming (no delay is heard)", label="look-ahead"
        ),
    ] = 0.0


class Saturation(Part):
    """Soft clipping tanh(drive * x) / drive: quiet sound passes unchanged; drive 0 is off."""

    drive: Annotated[
        float,
        Parameter("", 0, 100, "linear", 0, "how hard it is driven: 1 bends only near full scale", with_gain="divides"),
    ] = 0.0


_INPUT_GAIN = Parameter(
    "dB", -96, 96, "linear", 0, "gain before EQ and compressor", "trim", "trim", with_gain="adds", is_level=True
)


class Strip(Part):
    """The settings of one track."""

    input_gain_db: Annotated[float, _INPUT_GAIN] = 0.0
    eq: Equalizer = Equalizer()
    compressor: Compressor = Compressor()
    saturation: Saturation = Saturation()
    fader_db: Annotated[
        float, Parameter("dB", -120, 60, "linear", 0, "gain behind them", "fader", with_gain="subtracts", is_level=True)
    ] = 0.0
    pan: Annotated[float, Parameter("", -1, 1, "linear", 0, "-1 left, 0 centre, 1 right", "pan")] = 0.0
    fx_send_db: Annotated[
        float,
        Parameter(
            "dB",
            SEND_OFF_DB,
            12,
            "level",
            SEND_OFF_DB,
            "send to the reverb; -80 is off",
            "send",
            "send to the reverb",
            is_level=True,
        ),
    ] = SEND_OFF_DB


class FxBand(Part):
    """One band of the reverb."""

    gain_db: Annotated[float, Parameter("dB", -60, 12, "linear", None, "level of the band in the reverb", "reverb")] = (
        0.0
    )
    decay_s: Annotated[float, Parameter("s", 0.05, 10, "log", None, "time to fall by 60 dB", "reverb")] = 1.2


# A bright plate, shorter in the lows and the air, is what a send is expected to open on.
_PLATE = tuple(
    FxBand(gain_db=gain_db, decay_s=decay_s)
    for gain_db, decay_s in zip(
        (-60, -24, -9, -4, -2, 0, 0, 0, -1, -3, -8, -14),
        (0.5, 0.7, 0.9, 1.1, 1.2, 1.3, 1.3, 1.1, 0.9, 0.8, 0.6, 0.4),
        strict=True,
    )
)


class FxBus(Part):
    """The reverb that the sends feed: noise, shaped in twelve bands; the same seed is the same room."""

    bands: tuple[FxBand, ...] = Field(_PLATE, min_length=len(FX_BAND_CENTRES_HZ), max_length=len(FX_BAND_CENTRES_HZ))
    return_gain_db: Annotated[
        float, Parameter("dB", SEND_OFF_DB, 12, "linear", None, "level of the reverb in the mix", "reverb")
    ] = 0.0
    seed: int = Field(1, ge=0, le=2**32 - 1, description="which room: the same number is the same reverb")


class Master(Part):
    """The settings of the stereo sum."""

    input_gain_db: Annotated[float, _INPUT_GAIN] = 0.0
    eq: Equalizer = Equalizer()
    compressor: Compressor = Compressor()
    output_gain_db: Annotated[
        float, Parameter("dB", -96, 96, "linear", 0, "gain behind them", "fader", with_gain="subtracts", is_level=True)
    ] = 0.0


@cache
def parameters(section: type[BaseModel]) -> Mapping[str, Parameter]:
    """List the table of one part of the console: dotted path to row, in the order of declaration.

    Only single settings are listed; the twelve alike bands of :class:`FxBus` are not.

    >>> parameters(Strip)["compressor.threshold_db"].unit
    'dB'
    """
    rows: dict[str, Parameter] = {}
    for name, field in section.model_fields.items():
        row = next((item for item in field.metadata if isinstance(item, Parameter)), None)
        if row is not None:
            rows[name] = with_fields(row, label=row.label or _UNIT_ENDING.sub("", name).replace("_", " "))
        elif isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            stage = parameters(field.annotation)
            rows.update({f"{name}.{path}": with_fields(row, section=name) for path, row in stage.items()})
    return rows


def get(section: BaseModel, path: str) -> float:
    """Read the value at a dotted path of :func:`parameters`."""
    value: Any = section
    for name in path.split("."):
        value = getattr(value, name)
    return float(value)


def replace(section: Section, values: Mapping[str, float]) -> Section:
    """Copy with the values at these dotted paths changed, validated.

    Raises:
        pydantic.ValidationError: a value is out of range or a path unknown.
    """
    data = section.model_dump()
    for path, value in values.items():
        *parents, leaf = path.split(".")
        node = data
        for name in parents:
            node = node[name]
        node[leaf] = value
    return type(section).model_validate(data)
