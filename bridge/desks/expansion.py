"""From the tables of a profile to one list of settings with addresses and scales, checked as a whole."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from ...presets.console import Part
from ...presets.errors import DeskError
from .keys import owner_of
from .layout import EFFECTS, SECTIONS, StripKind
from .scales import Choice, Scale, Text
from .sections import FILTER_TYPES, Constant, Control, EffectKind, EffectModel, EqSection
from .template import Variables, filled, filled_argument, has_number, open_variables, unknown_gaps

_EFFECTS: Final = frozenset(EFFECTS)
# Keys of single controls that are not called as in the format.
_SWITCHES: Final = {f"send_{effect}_on": f"send.{effect}_on" for effect in EFFECTS}


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
        """That of "eq" or "gate", a plug-in in its place ("eq.@zameq2"), or the key of a single control."""
        return owner_of(self.key)


def expand(
    kind: str,
    strip: StripKind,
    scales: Mapping[str, Scale],
    plugins: Mapping[str, object],
    effects: Collection[str] = (),
) -> list[DeskParameter]:
    """Every setting of a kind of strip, in the order in which they are sent.

    Args:
        kind: "track", "bus" or "master".
        strip: what it has.
        scales: by name.
        plugins: by name.
        effects: kinds of effect whose bus may stand in addresses: `{reverb}`, `{delay}`.

    Raises:
        ValueError: something is missing or contradicts something else; the message says where, and what to do.
    """
    parameters = [
        _parameter(kind, strip.prefix, key, control, variables, scales) for key, control, variables in _entries(strip)
    ]
    _check_keys(kind, parameters)
    for parameter in parameters:
        _check_address(kind, strip.count, parameter, plugins, effects)
        _check_scale(kind, parameter)
    _check_places(kind, parameters)
    return parameters


def expand_effect(
    kind: str,
    effect: EffectKind,
    model: EffectModel,
    variables: Variables,
    scales: Mapping[str, Scale],
    plugins: Mapping[str, object],
) -> list[DeskParameter]:
    """Every setting of an effect, in the order in which they are sent: what it is, how it sounds, how loud it is.

    Args:
        kind: "reverb" or "delay".
        effect: its kind on the desk.
        model: which of its models.
        variables: what fills gaps besides the number of the slot: `bus`, those of the slot, buses of other effects.
        scales: by name.
        plugins: of the profile, by name.

    Raises:
        ValueError: as for :func:`expand`.
    """
    parameters = [
        _parameter(kind, effect.prefix, f"{kind}.{key}", control, variables, scales)
        for key, control in _effect_entries(effect, model)
    ]
    # A delay is sent to a reverb only where there is one.
    parameters = [item for item in parameters if not open_variables((item.address, *item.before)) & _EFFECTS]
    _check_keys(kind, parameters)
    for parameter in parameters:
        _check_address(kind, effect.count, parameter, plugins, ())
        _check_scale(kind, parameter)
    _check_places(kind, parameters)
    return parameters


def _parameter(
    kind: str, prefix: str, key: str, control: Control, variables: Variables, scales: Mapping[str, Scale]
) -> DeskParameter:
    address = control.address if control.address.startswith("/") else f"{prefix}/{control.address}"
    return DeskParameter(
        key=key,
        address=filled(address, variables),
        before=tuple(filled_argument(item, variables) for item in control.before),
        scale=scale_of(f"{kind}, {key}", control, scales),
        constant=control.value if isinstance(control, Constant) else None,
    )


def _entries(strip: StripKind) -> Iterator[tuple[str, Control, Variables]]:
    """Keys and controls. What gives the rest its meaning comes first, what switches a section on comes last."""
    for name, control in _controls(strip.controls):
        yield _SWITCHES.get(name, name), control, {}
    for section in SECTIONS:
        table = getattr(strip, section)
        if table is None:
            continue
        for name, constant in table.fixed.items():
            yield f"{section}.{name}", constant, {}
        for bands in table.bands if isinstance(table, EqSection) else ():
            for variables in bands.variables():
                for name, control in _controls(bands):
                    yield f"{section}.{variables['slot']}.{name}", control, variables
        for name, control in sorted(_controls(table), key=lambda item: item[0] == "on"):
            yield f"{section}.{name}", control, {}


def _effect_entries(effect: EffectKind, model: EffectModel) -> Iterator[tuple[str, Control]]:
    if effect.type is not None:
        yield "type", Constant(**dict(effect.type), value=model.name)
    yield from model.fixed.items()
    for name, control in _controls(model):
        head = name.partition("_right")[0]
        ducking = head.partition("ducking_")[2]
        yield (f"ducking.{ducking}" if ducking else "right." * (name != head) + head), control
    for name, controls in (("reverb_send_db", effect.reverb_sends), ("return_gain_db", effect.returns)):
        for index, control in enumerate(controls):
            yield "right." * index + name, control


def _controls(section: Part) -> list[tuple[str, Control]]:
    """The entries of a section that are controls, in the order of the format."""
    fields = ((name, getattr(section, name)) for name in type(section).model_fields)
    return [(name, value) for name, value in fields if isinstance(value, Control)]


def scale_of(where: str, control: Control, scales: Mapping[str, Scale]) -> Scale:
    """The scale of a control, be it named or written there.

    Raises:
        ValueError: there is none of that name; `where` is what the message begins with.
    """
    if not isinstance(control.scale, str):
        return control.scale
    if control.scale not in scales:
        known = ", ".join(scales) or "none yet"
        raise ValueError(
            f"{where}: there is no scale {control.scale!r}; add it to [scales] (which has {known}), "
            "or write the scale itself"
        )
    return scales[control.scale]


def _check_keys(kind: str, parameters: list[DeskParameter]) -> None:
    keys = [parameter.key for parameter in parameters]
    twice = sorted({key for key in keys if keys.count(key) > 1})
    if twice:
        raise ValueError(f"{kind}: {', '.join(twice)} stands more than once; give slots and fixed settings own names")


def _check_address(
    kind: str, count: int, parameter: DeskParameter, plugins: Mapping[str, object], effects: Collection[str]
) -> None:
    templates = (parameter.address, *parameter.before)
    if count > 1 and not has_number(templates) and kind not in _EFFECTS:
        raise ValueError(
            f"{kind}, {parameter.key}: the address {parameter.address} is the same for all {count} strips; write "
            "{n} or {n:02} where their number goes, here, in the prefix or in `before`"
        )
    for gap in unknown_gaps(templates, plugins, effects):
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
