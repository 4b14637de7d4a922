"""From the tables of a profile to one list of settings with addresses and scales, checked as a whole."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ...presets.console import Part
from ...presets.errors import DeskError
from .layout import FILTER_TYPES, Constant, Control, StripKind
from .scales import Choice, Scale, Text
from .template import Variables, filled, filled_argument, has_number, unknown_gaps


@dataclass(frozen=True)
class DeskParameter:
    """One setting of a strip, with everything looked up: only the number of the strip is open.

    Attributes:
        key: canonical, e.g. "eq.1.gain_db".
        address: template of the OSC address.
        before: arguments before the value; texts are templates.
        scale: between the key's unit and the wire.
        constant: the value it always gets; None for one that a preset decides.
    """

    key: str
    address: str
    before: tuple[int | str, ...]
    scale: Scale
    constant: float | str | None = None

    @property
    def type(self) -> str:
        """OSC type of the value: f, i or s."""
        return self.scale.type

    @property
    def section(self) -> str:
        """Either "eq" or "compressor", or the key of a single control."""
        return self.key.split(".")[0]


def expand(
    kind: str, strip: StripKind, scales: Mapping[str, Scale], plugins: Mapping[str, object]
) -> list[DeskParameter]:
    """Every setting of a kind of strip, in the order in which they are sent.

    Raises:
        ValueError: something is missing or contradicts something else; the message says where, and what to do.
    """
    parameters = [
        DeskParameter(
            key=key,
            address=filled(_absolute(strip, control.address), variables),
            before=tuple(filled_argument(item, variables) for item in control.before),
            scale=_scale(kind, key, control, scales),
            constant=control.value if isinstance(control, Constant) else None,
        )
        for key, control, variables in _entries(strip)
    ]
    _check_keys(kind, parameters)
    for parameter in parameters:
        _check_address(kind, strip, parameter, plugins)
        _check_scale(kind, parameter)
    _check_places(kind, parameters)
    return parameters


def _entries(strip: StripKind) -> Iterator[tuple[str, Control, Variables]]:
    """Keys and controls. What gives the rest its meaning comes first, what switches a section on comes last."""
    for name, control in _controls(strip.controls):
        yield name, control, {}
    if strip.eq is not None:
        for name, constant in strip.eq.fixed.items():
            yield f"eq.{name}", constant, {}
        for bands in strip.eq.bands:
            for variables in bands.variables():
                for name, control in _controls(bands):
                    yield f"eq.{variables['slot']}.{name}", control, variables
        if strip.eq.on is not None:
            yield "eq.on", strip.eq.on, {}
    if strip.compressor is not None:
        for name, constant in strip.compressor.fixed.items():
            yield f"compressor.{name}", constant, {}
        for name, control in sorted(_controls(strip.compressor), key=lambda item: item[0] == "on"):
            yield f"compressor.{name}", control, {}


def _controls(section: Part) -> list[tuple[str, Control]]:
    """The entries of a section that are controls, in the order of the format."""
    fields = ((name, getattr(section, name)) for name in type(section).model_fields)
    return [(name, value) for name, value in fields if isinstance(value, Control)]


def _absolute(strip: StripKind, address: str) -> str:
    return address if address.startswith("/") else f"{strip.prefix}/{address}"


def _scale(kind: str, key: str, control: Control, scales: Mapping[str, Scale]) -> Scale:
    if not isinstance(control.scale, str):
        return control.scale
    if control.scale not in scales:
        known = ", ".join(scales) or "none yet"
        raise ValueError(
            f"{kind}, {key}: there is no scale {control.scale!r}; add it to [scales] (which has {known}), "
            "or write the scale itself"
        )
    return scales[control.scale]


def _check_keys(kind: str, parameters: list[DeskParameter]) -> None:
    keys = [parameter.key for parameter in parameters]
    twice = sorted({key for key in keys if keys.count(key) > 1})
    if twice:
        raise ValueError(f"{kind}: {', '.join(twice)} stands more than once; give slots and fixed settings own names")


def _check_address(kind: str, strip: StripKind, parameter: DeskParameter, plugins: Mapping[str, object]) -> None:
    templates = (parameter.address, *parameter.before)
    if strip.count > 1 and not has_number(templates):
        raise ValueError(
            f"{kind}, {parameter.key}: the address {parameter.address} is the same for all {strip.count} strips; write "
            "{n} or {n:02} where their number goes, here, in the prefix or in `before`"
        )
    for gap in unknown_gaps(templates, plugins):
        remedy = f"add [plugins.{gap[7:]}]" if gap.startswith("plugin.") else "give it a value in each table of `slots`"
        raise ValueError(f"{kind}, {parameter.key}: nothing says what {{{gap}}} is; {remedy}")


def _check_scale(kind: str, parameter: DeskParameter) -> None:
    """A key needs a scale of its sort: names of filters, texts, or numbers."""
    where, scale = f"{kind}, {parameter.key}", parameter.scale
    if parameter.constant is not None:
        _check_constant(where, scale, parameter.constant)
    elif parameter.key == "name":
        if not isinstance(scale, Text):
            raise ValueError(f"{where}: needs a scale of kind text, not {scale.kind}")
    elif parameter.section == "eq" and parameter.key.endswith(".type"):
        if not isinstance(scale, Choice) or not set(FILTER_TYPES) & set(scale.values):
            raise ValueError(f"{where}: needs a choice whose values name at least one of {', '.join(FILTER_TYPES)}")
    elif scale.low is None:
        raise ValueError(f"{where}: needs a scale with numbers, not names or texts")


def _check_constant(where: str, scale: Scale, constant: float | str) -> None:
    try:
        scale.encode(constant)
    except DeskError as error:
        raise ValueError(f"{where}: its fixed value does not suit its scale: {error}") from None


def _check_places(kind: str, parameters: list[DeskParameter]) -> None:
    places: dict[tuple[str, tuple[int | str, ...]], str] = {}
    for parameter in parameters:
        place = (parameter.address, parameter.before)
        if place in places:
            arguments = f" with {', '.join(map(str, parameter.before))}" if parameter.before else ""
            raise ValueError(
                f"{kind}: {places[place]} and {parameter.key} have the same address {parameter.address}{arguments}; "
                "one of them has to be another"
            )
        places[place] = parameter.key
