"""What a part of the console is made of: rows of the table, each a setting with its unit, range and neutral value.

The parts themselves, and what they mean, are in :mod:`..console`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import replace as with_fields
from functools import cache
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, core_schema

Scale = Literal["linear", "log", "level"]
Unit = Literal["dB", "dB/oct", "Hz", "ms", "s", ":1", ""]
Move = Literal["stays", "adds", "subtracts", "divides"]
Section = TypeVar("Section", bound=BaseModel)

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
        is_level: a level in dB of a whole track, bus or effect: a change of it is heard as a jump.
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


@cache
def parameters(section: type[BaseModel]) -> Mapping[str, Parameter]:
    """List the table of one part of the console: dotted path to row, in the order of declaration.

    Only single settings are listed; the twelve alike bands of :class:`FxBus` are not.

    >>> from mixbridge.presets.console import Strip
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


def unchecked(section: Section, values: Mapping[str, float]) -> Section:
    """Copy with the values at these dotted paths, free to pass the table's limits."""
    update: dict[str, object] = {}
    for name in dict.fromkeys(path.partition(".")[0] for path in values):
        inner = {path[len(name) + 1 :]: value for path, value in values.items() if path.startswith(f"{name}.")}
        update[name] = unchecked(getattr(section, name), inner) if inner else values[name]
    return section.model_copy(update=update)
