"""What a desk is: where it listens, how its strips are addressed, and which settings they have on which scale.

The models below *are* the format of a profile (a TOML file, see docs/desks.md). What a fit needs to know, `EqAbility`
and `CompressorAbility`, is derived from them, so that it stands in one place. Nothing here opens a file or a socket.

Keys of settings are the same for all desks, dotted: `name`, `mute`, `fader_db`, `trim_db`, `pan`, `fx_send_db`,
`eq.on`, `eq.<slot>.gain_db`, `compressor.threshold_db` and so on, in the units of the console table.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, Field, model_validator

from ...presets.console import Part
from ...presets.errors import DeskError
from .scales import AnyScale, Choice, Finite, Scale, Text, WireValue

StripName = Literal["track", "master"]
FilterType = Literal["low_shelf", "bell", "high_shelf"]
TimeLaw = Literal["tau", "pedalboard", "ninety"]

FILTER_TYPES: Final[tuple[FilterType, ...]] = ("low_shelf", "bell", "high_shelf")
# The Q at which a shelf neither overshoots nor sags (Butterworth, rounded as on front panels).
SHELF_Q: Final = 0.71

_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
_NUMBER = re.compile(r"n(?::0([1-9]))?")
_PLUGIN = re.compile(r"plugin\.([a-z][a-z0-9_]*)")


def _template(text: str) -> str:
    for name in _PLACEHOLDER.findall(text):
        if not (_NUMBER.fullmatch(name) or _PLUGIN.fullmatch(name) or re.fullmatch(r"[a-z][a-z0-9_]*", name)):
            raise ValueError(f"{{{name}}} is not understood; write {{n}}, {{n:02}}, {{slot}} or {{plugin.eq}}")
    if "{" in (rest := _PLACEHOLDER.sub("", text)) or "}" in rest:
        raise ValueError(f"a brace is not closed in {text!r}")
    return text


def _address(text: str) -> str:
    plain = _PLACEHOLDER.sub("x", _template(text)).removeprefix("/")
    if not re.fullmatch(r"[\x21-\x7e]+", plain) or "//" in plain or plain.endswith("/") or set(plain) & set(" #*,?"):
        raise ValueError(f"{text!r} is no OSC address: ASCII without spaces and # * , ?, parts separated by one /")
    return text


Template = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(_template)]
AddressTemplate = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(_address)]
Sentence = Annotated[str, Field(min_length=1, max_length=500)]
Word = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]*$", max_length=40)]


class Transport(Part):
    """How a desk is reached and how fast it may be spoken to."""

    protocol: Literal["udp", "tcp"] = Field("udp", description="tcp is OSC 1.1 with SLIP framing")
    port: int = Field(ge=1, le=65535, description="where the desk listens")
    reply_port: int | None = Field(None, ge=1, le=65535, description="where it answers, if not to the sender's port")
    gap_ms: float = Field(1.0, ge=0, le=10_000, allow_inf_nan=False, description="least time between two messages")
    burst: int = Field(1, ge=1, le=10_000, description="messages that may follow each other without that gap")
    barrier_every: int | None = Field(
        None, ge=1, le=100_000, description="wait for an answer after as many messages; absent: never"
    )
    max_bytes: int = Field(512, ge=32, le=65_507, description="longest datagram that the desk takes")
    settle_ms: float = Field(
        0.0, ge=0, le=10_000, allow_inf_nan=False, description="time between a set and a read-back that shows it"
    )
    dialect: Literal["ask_empty", "wing", "ardour", "ableton", "blind"] = Field(
        "blind",
        description="how it is asked: ask_empty answers an address without arguments; blind cannot be asked at all",
    )


class Plugin(Part):
    """A plug-in that the desk's EQ or compressor is."""

    title: str = Field(min_length=1, max_length=100, description="for people")
    uri: str = Field(min_length=1, max_length=300, description="what the desk calls it")
    stereo_uri: str | None = Field(None, min_length=1, max_length=300, description="the same for stereo strips")


class Control(Part):
    """Where one setting lies and on which scale: an entry of a profile."""

    address: AddressTemplate = Field(description="below the strip's prefix, or from the root if it starts with /")
    before: tuple[int | Template, ...] = Field(
        (), max_length=10, description='arguments before the value, e.g. ["{n}", 3]'
    )
    scale: str | AnyScale = Field(description="name of an entry in [scales], or the scale itself")


class Constant(Control):
    """A setting that needs one value for the others to mean what they say, e.g. the mode of a dynamics section."""

    value: Finite | str = Field(description="in the scale's unit")


class Controls(Part):
    """The single settings of a strip; what is absent cannot be set."""

    name: Control | None = None
    mute: Control | None = Field(None, description="1 is muted")
    trim_db: Control | None = None
    fader_db: Control | None = None
    pan: Control | None = Field(None, description="-1 left .. 1 right")
    fx_send_db: Control | None = None


class Bands(Part):
    """Equaliser bands that are alike: one entry stands for each of its slots."""

    slots: tuple[Word | dict[str, int | str], ...] = Field(
        min_length=1,
        max_length=32,
        description="names; or tables with `name` and whatever else differs between the bands, for {...} in addresses",
    )
    types: tuple[FilterType, ...] = Field(
        (),
        max_length=3,
        description="what the bands are, if that cannot be changed: one of low_shelf, bell, high_shelf",
    )
    on: Control | None = None
    type: Control | None = None
    gain_db: Control
    freq_hz: Control
    q: Control | None = None
    shelf_q: float = Field(SHELF_Q, gt=0, le=20, allow_inf_nan=False, description="Q of a shelf that has no control")

    @model_validator(mode="after")
    def _one_kind_of_type(self) -> Bands:
        if self.type is None and len(self.types) != 1:
            raise ValueError('without a `type` control, `types` must name the one type the bands have, e.g. ["bell"]')
        if self.type is not None and self.types:
            raise ValueError("`types` is for bands whose type cannot be changed: leave it out, or the `type` control")
        return self

    def variables(self) -> dict[str, dict[str, int | str]]:
        """What stands for {...} in each slot, by the slot's name."""
        tables = [slot if isinstance(slot, dict) else {"name": slot} for slot in self.slots]
        return {str(table.get("name", "")): {**table, "slot": table.get("name", "")} for table in tables}


class EqSection(Part):
    """The equaliser of a strip."""

    on: Control | None = None
    bands: tuple[Bands, ...] = Field(min_length=1, max_length=32)
    fixed: dict[Word, Constant] = Field(default_factory=dict, max_length=20)


class CompressorSection(Part):
    """The compressor of a strip."""

    attack_law: TimeLaw = Field(
        "tau",
        description="what a time means: tau (time constant), pedalboard (2 pi of them), ninety (ln 9: 10 to 90 %)",
    )
    release_law: TimeLaw = Field("tau", description="the same for the release")
    on: Control | None = None
    threshold_db: Control
    ratio: Control
    attack_ms: Control
    release_ms: Control
    knee_db: Control | None = None
    makeup_db: Control | None = None
    fixed: dict[Word, Constant] = Field(default_factory=dict, max_length=20)


class StripKind(Part):
    """A kind of strip: how many there are, where they lie, what they have."""

    label: str = Field("", max_length=100, description="what the desk's users call it, e.g. ch/{n:02}")
    prefix: str = Field("", max_length=200, description="what the addresses of its settings begin with")
    first: int = Field(1, ge=0, le=100_000)
    count: int = Field(1, ge=1, le=1000)
    controls: Controls = Controls()
    eq: EqSection | None = None
    compressor: CompressorSection | None = None

    @model_validator(mode="after")
    def _usable_templates(self) -> StripKind:
        if self.label:
            _template(self.label)
        if self.prefix:
            _address(self.prefix)
            if not self.prefix.startswith("/"):
                raise ValueError(f"a prefix starts with /, so /{self.prefix} instead of {self.prefix}")
        return self

    @property
    def numbers(self) -> range:
        """The numbers of its strips."""
        return range(self.first, self.first + self.count)


@dataclass(frozen=True)
class Parameter:
    """One setting of a strip, with everything looked up: the address still has its {n}.

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


@dataclass(frozen=True)
class Setting:
    """One value for one address, ready to be sent.

    Attributes:
        key: canonical, e.g. "eq.1.gain_db".
        strip: for people: "track 3" or "master".
        address: OSC address.
        before: arguments before the value; "{plugin.eq}" in them is for the dialect to fill in.
        value: what goes over the wire, an int, float or str as `type` says.
        type: OSC type of the value.
        scale: for the value in units, and for comparing with a read-back.
    """

    key: str
    strip: str
    address: str
    before: tuple[int | str, ...]
    value: WireValue
    type: str
    scale: Scale


@dataclass(frozen=True)
class Slot:
    """One band of a desk's equaliser.

    Attributes:
        name: the `<slot>` of its keys.
        types: those of low_shelf, bell, high_shelf that it can be.
        gain: scale of its gain in dB.
        freq: scale of its frequency in Hz.
        q: scale of its Q; None if it has none.
        shelf_q: Q that a shelf has where `q` is None.
        type: scale of its type; None if it is fixed.
        switch: scale of its own switch; None if it has none.
    """

    name: str
    types: tuple[FilterType, ...]
    gain: Scale
    freq: Scale
    q: Scale | None
    shelf_q: float
    type: Scale | None
    switch: Scale | None


@dataclass(frozen=True)
class EqAbility:
    """What a strip's equaliser can do; `switch` is that of the whole."""

    slots: tuple[Slot, ...]
    switch: Scale | None


@dataclass(frozen=True)
class CompressorAbility:
    """What a strip's compressor can do; None where it has no such control."""

    threshold: Scale
    ratio: Scale
    attack: Scale
    release: Scale
    knee: Scale | None
    makeup: Scale | None
    switch: Scale | None
    attack_law: TimeLaw
    release_law: TimeLaw


class Desk(Part):
    """A DAW or mixer as its profile describes it."""

    format: Literal["mixbridge-desk"] = "mixbridge-desk"
    version: Literal[1] = 1
    name: Word
    title: str = Field(min_length=1, max_length=100, description="for people")
    aliases: tuple[Word, ...] = Field((), max_length=10)
    checked: Literal["running", "emulator", "documents", "none"] = Field(
        "none", description="what the profile was checked against"
    )
    notes: tuple[Sentence, ...] = Field((), max_length=50, description="what its users should know")
    cannot: tuple[Sentence, ...] = Field((), max_length=50, description="what it cannot do, in sentences")
    transport: Transport
    plugins: dict[Word, Plugin] = Field(default_factory=dict, max_length=20)
    scales: dict[Word, AnyScale] = Field(default_factory=dict, max_length=100)
    track: StripKind
    master: StripKind | None = None

    @model_validator(mode="after")
    def _usable(self) -> Desk:
        for kind, strip in self.strips.items():
            parameters = _expand(self, strip)
            _check(self, kind, strip, parameters)
            self._tables[kind] = {parameter.key: parameter for parameter in parameters}
        return self

    @cached_property
    def _tables(self) -> dict[str, dict[str, Parameter]]:
        return {}

    @property
    def strips(self) -> Mapping[str, StripKind]:
        """Its kinds of strip: "track", and "master" if it has one."""
        return {"track": self.track} if self.master is None else {"track": self.track, "master": self.master}

    def parameters(self, kind: str) -> Mapping[str, Parameter]:
        """All settings of a kind of strip by key, in the order of sending; empty if it has no such strip."""
        return self._tables.get(kind, {})

    def scale(self, kind: str, key: str) -> Scale | None:
        """The scale of a setting; None if the desk does not have it."""
        parameter = self.parameters(kind).get(key)
        return None if parameter is None else parameter.scale

    def eq(self, kind: str) -> EqAbility | None:
        """What the equaliser of a kind of strip can do; None without one."""
        section = self.strips[kind].eq if kind in self.strips else None
        if section is None:
            return None
        slots = [self._slot(kind, name, bands) for bands in section.bands for name in bands.variables()]
        return EqAbility(slots=tuple(slots), switch=self.scale(kind, "eq.on"))

    def compressor(self, kind: str) -> CompressorAbility | None:
        """What the compressor of a kind of strip can do; None without one."""
        section = self.strips[kind].compressor if kind in self.strips else None
        if section is None:
            return None
        table = self.parameters(kind)
        return CompressorAbility(
            threshold=table["compressor.threshold_db"].scale,
            ratio=table["compressor.ratio"].scale,
            attack=table["compressor.attack_ms"].scale,
            release=table["compressor.release_ms"].scale,
            knee=self.scale(kind, "compressor.knee_db"),
            makeup=self.scale(kind, "compressor.makeup_db"),
            switch=self.scale(kind, "compressor.on"),
            attack_law=section.attack_law,
            release_law=section.release_law,
        )

    def settings(self, kind: str, number: int, values: Mapping[str, float | str]) -> list[Setting]:
        """What has to be sent so that a strip has these values, in the profile's order.

        The fixed settings of a section (such as a compressor's mode) come along when any value of it is set.

        Args:
            kind: "track" or "master".
            number: of the strip, as the desk counts; ignored for the master.
            values: by canonical key, in the key's unit.

        Raises:
            DeskError: the desk has no such strip or setting, or a value is not usable.
        """
        table = self.parameters(kind)
        self._require(kind, number)
        unknown = sorted(key for key in values if key not in table and not self._is_fixed_type(kind, key, values[key]))
        if unknown:
            raise DeskError(f"{self.title} has no {', '.join(unknown)} on a {kind}; it has {', '.join(table)}")
        sections = {key.split(".")[0] for key in values if "." in key}
        settings = []
        for key, parameter in table.items():
            if parameter.constant is not None and key.split(".")[0] in sections:
                settings.append(self._setting(kind, number, parameter, values.get(key, parameter.constant)))
            elif key in values:
                settings.append(self._setting(kind, number, parameter, values[key]))
        return settings

    def questions(self, kind: str, number: int) -> list[Setting]:
        """All settings of a strip, to be asked for; their values are only placeholders of the right type.

        Raises:
            DeskError: the desk has no such strip.
        """
        self._require(kind, number)
        return [
            self._setting(kind, number, parameter, _any_value(parameter.scale))
            for parameter in self.parameters(kind).values()
        ]

    def label(self, kind: str, number: int) -> str:
        """What the desk's users call a strip, e.g. "ch/05"; "track 5" where the profile does not say."""
        strip = self.strips.get(kind)
        return _fill(strip.label, {"n": number}) if strip and strip.label else _strip_name(kind, number)

    def _slot(self, kind: str, name: str, bands: Bands) -> Slot:
        scale_of_type = self.scale(kind, f"eq.{name}.type")
        names: tuple[object, ...] = scale_of_type.values if isinstance(scale_of_type, Choice) else bands.types
        table = self.parameters(kind)
        return Slot(
            name=name,
            types=tuple(type_ for type_ in FILTER_TYPES if type_ in names),
            gain=table[f"eq.{name}.gain_db"].scale,
            freq=table[f"eq.{name}.freq_hz"].scale,
            q=self.scale(kind, f"eq.{name}.q"),
            shelf_q=bands.shelf_q,
            type=scale_of_type,
            switch=self.scale(kind, f"eq.{name}.on"),
        )

    def _is_fixed_type(self, kind: str, key: str, value: float | str) -> bool:
        """Whether a key only says what type a band has anyway."""
        ability = self.eq(kind) if re.fullmatch(r"eq\..+\.type", key) else None
        return ability is not None and any(
            key == f"eq.{slot.name}.type" and value in slot.types for slot in ability.slots
        )

    def _require(self, kind: str, number: int) -> None:
        strip = self.strips.get(kind)
        if strip is None:
            raise DeskError(f"{self.title} has no {kind} that could be reached")
        if kind != "master" and number not in strip.numbers:
            raise DeskError(
                f"{self.title} has no {kind} {number}: they are numbered {strip.first} to {strip.numbers[-1]}"
            )

    def _setting(self, kind: str, number: int, parameter: Parameter, value: float | str) -> Setting:
        strip = _strip_name(kind, number)
        try:
            wire = parameter.scale.encode(value)
        except DeskError as error:
            raise DeskError(f"{self.title}, {strip}, {parameter.key}: {error}") from None
        return Setting(
            key=parameter.key,
            strip=strip,
            address=_fill(parameter.address, {"n": number}),
            before=tuple(_argument(item, {"n": number}) for item in parameter.before),
            value=wire,
            type=parameter.type,
            scale=parameter.scale,
        )


def _strip_name(kind: str, number: int) -> str:
    return "master" if kind == "master" else f"{kind} {number}"


def _any_value(scale: Scale) -> float | str:
    if isinstance(scale, Text):
        return ""
    return scale.values[0] if isinstance(scale, Choice) else scale.low


def _fill(template: str, variables: Mapping[str, int | str]) -> str:
    """The template with those {...} replaced that are known."""

    def value(match: re.Match[str]) -> str:
        name, _, width = match[1].partition(":0")
        return str(variables[name]).zfill(int(width or 0)) if name in variables else match[0]

    return _PLACEHOLDER.sub(value, template)


def _argument(template: int | str, variables: Mapping[str, int | str]) -> int | str:
    """The argument with its {...} replaced; a number stays a number where it stands alone."""
    if isinstance(template, str):
        whole = _PLACEHOLDER.fullmatch(template)
        if whole and whole[1] in variables:
            return variables[whole[1]]
        return _fill(template, variables)
    return template


def _expand(desk: Desk, strip: StripKind) -> list[Parameter]:
    """Every setting of a strip with its scale, in the order in which they are sent."""

    def parameter(key: str, control: Control, variables: Mapping[str, int | str] | None = None) -> Parameter:
        address = control.address if control.address.startswith("/") else f"{strip.prefix}/{control.address}"
        return Parameter(
            key=key,
            address=_fill(address, variables or {}),
            before=tuple(_argument(item, variables or {}) for item in control.before),
            scale=_scale(desk, key, control),
            constant=control.value if isinstance(control, Constant) else None,
        )

    found = [parameter(key, control) for key, control in _controls(strip.controls)]
    if strip.eq is not None:
        found += [parameter(f"eq.{name}", control) for name, control in strip.eq.fixed.items()]
        for bands in strip.eq.bands:
            for slot, variables in bands.variables().items():
                found += [parameter(f"eq.{slot}.{key}", control, variables) for key, control in _controls(bands)]
        found += [parameter(f"eq.{key}", control) for key, control in _controls(strip.eq)]
    if strip.compressor is not None:
        found += [parameter(f"compressor.{name}", control) for name, control in strip.compressor.fixed.items()]
        controls = _controls(strip.compressor)
        # A section is switched on when everything else of it stands.
        controls.sort(key=lambda item: item[0] == "on")
        found += [parameter(f"compressor.{key}", control) for key, control in controls]
    return found


def _controls(section: Part) -> list[tuple[str, Control]]:
    """The entries of a section that are controls, in the order of the format."""
    fields = ((name, getattr(section, name)) for name in type(section).model_fields)
    return [(name, value) for name, value in fields if isinstance(value, Control)]


def _scale(desk: Desk, key: str, control: Control) -> Scale:
    if not isinstance(control.scale, str):
        return control.scale
    if control.scale not in desk.scales:
        known = ", ".join(desk.scales) or "none"
        raise ValueError(f"{key}: there is no scale {control.scale!r} in [scales] (there are: {known})")
    return desk.scales[control.scale]


def _check(desk: Desk, kind: str, strip: StripKind, parameters: list[Parameter]) -> None:
    """What no single entry can know: everything is reachable, once, and of a usable kind."""
    places: dict[tuple[Any, ...], str] = {}
    for parameter in parameters:
        texts = [parameter.address, *(item for item in parameter.before if isinstance(item, str))]
        names = [name for text in texts for name in _PLACEHOLDER.findall(text)]
        if strip.count > 1 and not any(_NUMBER.fullmatch(name) for name in names):
            raise ValueError(
                f"{kind}, {parameter.key}: neither prefix nor address nor `before` has an {{n}}, so that all "
                f"{strip.count} strips would be the same; write {{n}} or {{n:02}} where their number goes"
            )
        _check_names(desk, kind, parameter, names)
        place = (parameter.address, parameter.before)
        if place in places:
            raise ValueError(f"{kind}: {places[place]} and {parameter.key} have the same address {parameter.address}")
        places[place] = parameter.key
        _check_value(kind, parameter)
    keys = [parameter.key for parameter in parameters]
    twice = sorted({key for key in keys if keys.count(key) > 1})
    if twice:
        raise ValueError(f"{kind}: {', '.join(twice)} stands more than once; slots and fixed settings need own names")


def _check_names(desk: Desk, kind: str, parameter: Parameter, names: list[str]) -> None:
    for name in names:
        plugin = _PLUGIN.fullmatch(name)
        if plugin and plugin[1] in desk.plugins:
            continue
        if plugin:
            raise ValueError(f"{kind}, {parameter.key}: there is no [plugins.{plugin[1]}] for {{{name}}}")
        if not _NUMBER.fullmatch(name):
            raise ValueError(f"{kind}, {parameter.key}: nothing says what {{{name}}} is; give it in each of the slots")


def _check_value(kind: str, parameter: Parameter) -> None:
    is_type = parameter.key.startswith("eq.") and parameter.key.endswith(".type")
    if is_type and not (isinstance(parameter.scale, Choice) and set(FILTER_TYPES) & set(parameter.scale.values)):
        raise ValueError(f"{kind}, {parameter.key}: needs a choice with at least one of {', '.join(FILTER_TYPES)}")
    if parameter.key == "name" and not isinstance(parameter.scale, Text):
        raise ValueError(f"{kind}, name: needs a scale of kind text")
    if parameter.constant is None:
        numeric = not isinstance(parameter.scale, Text) and parameter.scale.low is not None
        if not (is_type or parameter.key == "name" or numeric):
            raise ValueError(f"{kind}, {parameter.key}: needs a scale with numbers")
        return
    try:
        parameter.scale.encode(parameter.constant)
    except DeskError as error:
        raise ValueError(f"{kind}, {parameter.key}: {error}") from None
