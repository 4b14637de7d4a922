"""What a desk is, for those who use one: which strips and settings it has, and what has to be sent to set them.

A :class:`Desk` is read from a TOML file (:mod:`.loading`, docs/desks.md). What a fit needs to know, `EqAbility` and
`CompressorAbility`, is derived from the same tables, so that it stands in one place. Nothing here opens a socket.

Keys of settings are the same for all desks, dotted: `name`, `mute`, `fader_db`, `trim_db`, `pan`, `fx_send_db`,
`eq.on`, `eq.<slot>.gain_db`, `compressor.threshold_db` and so on, in the units of the console table.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from pydantic import Field, PrivateAttr, model_validator

from ...presets.console import Part
from ...presets.errors import DeskError
from . import effects
from .effects import Effect
from .expansion import DeskParameter, expand
from .filters import ShelfLaw
from .hosted.plugged import Plugged, PluginAddress
from .layout import EFFECTS, BusStrip, MasterStrip, Plugin, StripKind, Transport
from .scales import AnyScale, Choice, Scale, Text, WireValue
from .sections import (
    FILTER_TYPES,
    SHELF_Q,
    Bands,
    CutSection,
    EffectKind,
    FilterType,
    GateSection,
    Sentence,
    TimeLaw,
    Word,
)
from .template import filled, filled_argument, open_variables

__all__ = [
    "FILTER_TYPES",
    "SHELF_Q",
    "CompressorAbility",
    "Desk",
    "DeskParameter",
    "Effect",
    "EqAbility",
    "FilterType",
    "Plugin",
    "Setting",
    "Slot",
    "StripKind",
    "TimeLaw",
    "Transport",
]


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
        shelf_law: "poles" if `freq` names a shelf by its poles: convert with `filters.pole_hz` and `middle_hz`.
        type: scale of its type; None if it is fixed.
        switch: scale of its own switch; None if it has none.
    """

    name: str
    types: tuple[FilterType, ...]
    gain: Scale
    freq: Scale
    q: Scale | None
    shelf_q: float
    shelf_law: ShelfLaw
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
    release: Scale | None
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
    aliases: tuple[Word, ...] = Field((), max_length=10, description="other names for it")
    checked: Literal["running", "emulator", "documents", "none"] = Field(
        "none", description="against what the profile was checked: the desk itself running, an emulator, documents"
    )
    notes: tuple[Sentence, ...] = Field((), max_length=50, description="what its users should know")
    cannot: tuple[Sentence, ...] = Field((), max_length=50, description="what it cannot do")
    transport: Transport
    plugins: dict[Word, Plugin] = Field(default_factory=dict, max_length=20)
    plugin_parameter: PluginAddress | None = Field(None, description="how a parameter of any plug-in is reached")
    scales: dict[Word, AnyScale] = Field(default_factory=dict, max_length=200)
    track: StripKind
    bus: BusStrip | None = Field(None, description="buses for groups of tracks")
    master: MasterStrip | None = None
    reverb: EffectKind | None = None
    delay: EffectKind | None = None

    _tables: dict[str, dict[str, DeskParameter]] = PrivateAttr(default_factory=dict)
    _effects: dict[str, Effect] = PrivateAttr(default_factory=dict)
    _plugged: tuple[Plugged, ...] = PrivateAttr(())

    @model_validator(mode="after")
    def _usable(self) -> Desk:
        for kind, strip in self._kinds().items():
            parameters = expand(kind, strip, self.scales, self.plugins, tuple(self.effect_kinds))
            self._tables[kind] = {parameter.key: parameter for parameter in parameters}
        for kind, effect in self.effect_kinds.items():
            effects.check(kind, effect, self.scales, self.plugins)
        return self

    @property
    def is_blind(self) -> bool:
        """Whether it cannot be asked for what it has."""
        return self.transport.is_blind

    @property
    def strips(self) -> Mapping[str, StripKind]:
        """Its kinds of strip: "track", "bus" and "master" if it has them, "reverb" and "delay" if they were chosen."""
        slots = {
            kind: StripKind(label=self._slot_label(kind, effect.slot), first=effect.slot)
            for kind, effect in self._effects.items()
        }
        return {**self._kinds(), **slots}

    @property
    def effect_kinds(self) -> Mapping[str, EffectKind]:
        """The kinds of effect that it can have: "reverb", "delay"."""
        kinds = {name: getattr(self, name) for name in EFFECTS}
        return {name: kind.resolved(self.reverb) for name, kind in kinds.items() if kind is not None}

    @property
    def effects(self) -> Mapping[str, Effect]:
        """The effects that were chosen, by kind."""
        return self._effects

    def with_effects(self, chosen: Iterable[Effect]) -> Desk:
        """The desk with these effects: their settings, and the sends to them.

        Raises:
            DeskError: it has no such effect.
        """
        desk = self.model_copy()
        desk._effects = {effect.kind: effect for effect in chosen}
        buses = {kind: effect.bus for kind, effect in desk._effects.items() if effect.bus is not None}
        desk._tables = {
            kind: _with_buses(table, buses) for kind, table in self._tables.items() if kind in self._kinds()
        }
        for kind, effect in desk._effects.items():
            if kind not in self.effect_kinds or effect.slot not in effects.slots_of(self.effect_kinds[kind]):
                raise DeskError(f"{self.title} has no {kind} {effect.slot}")
            try:
                parameters = effects.parameters_of(self.effect_kinds[kind], effect, buses, self.scales, self.plugins)
            except ValueError as error:
                raise DeskError(f"{self.title}: {error}") from None
            desk._tables[kind] = {parameter.key: parameter for parameter in parameters}
        return desk

    @property
    def plugged(self) -> tuple[Plugged, ...]:
        """The user's plug-ins that were told to stand on its tracks."""
        return self._plugged

    def with_plugged(self, plugged: Iterable[Plugged]) -> Desk:
        """The desk with plug-ins of the user's on its tracks: their settings are those of tracks, too.

        Raises:
            DeskError: it does not set parameters of plug-ins.
        """
        items = tuple(plugged)
        if not items:
            return self
        if self.plugin_parameter is None:
            raise DeskError(f"{self.title} sets no parameters of plug-ins: push without plug-ins.")
        hosted = {item.name: Plugin(title=item.title, uri=item.title) for item in items}
        desk = self.model_copy(update={"plugins": {**self.plugins, **hosted}})
        desk._plugged = items
        settings = {setting.key: setting for item in items for setting in item.settings(self.plugin_parameter)}
        desk._tables = {**self._tables, "track": {**self._tables["track"], **settings}}
        return desk

    def parameters(self, kind: str) -> Mapping[str, DeskParameter]:
        """All settings of a kind of strip by key, in the order of sending; empty if it has no such strip."""
        return {key: item for key, item in self._tables.get(kind, {}).items() if not _is_open(item)}

    def scale(self, kind: str, key: str) -> Scale | None:
        """The scale of a setting; None if the desk does not have it."""
        parameter = self.parameters(kind).get(key)
        return None if parameter is None else parameter.scale

    def eq(self, kind: str) -> EqAbility | None:
        """What the equalizer of a kind of strip can do; None without one."""
        strip = self.strips.get(kind)
        if strip is None or strip.eq is None:
            return None
        slots = [
            self._slot(kind, str(variables["slot"]), bands)
            for bands in strip.eq.bands
            for variables in bands.variables()
        ]
        return EqAbility(slots=tuple(slots), switch=self.scale(kind, "eq.on"))

    def compressor(self, kind: str) -> CompressorAbility | None:
        """What the compressor of a kind of strip can do; None without one."""
        strip = self.strips.get(kind)
        if strip is None or strip.compressor is None:
            return None
        table = self.parameters(kind)
        return CompressorAbility(
            threshold=table["compressor.threshold_db"].scale,
            ratio=table["compressor.ratio"].scale,
            attack=table["compressor.attack_ms"].scale,
            release=self.scale(kind, "compressor.release_ms"),
            knee=self.scale(kind, "compressor.knee_db"),
            makeup=self.scale(kind, "compressor.makeup_db"),
            switch=self.scale(kind, "compressor.on"),
            attack_law=strip.compressor.attack_law,
            release_law=strip.compressor.release_law,
        )

    def cut(self, kind: str, section: str) -> CutSection | None:
        """What a low cut or high cut is beyond its controls; None without one."""
        strip = self.strips.get(kind)
        found: CutSection | None = getattr(strip, section, None)
        return found

    def gate(self, kind: str) -> GateSection | None:
        """What the gate of a kind of strip is beyond its controls; None without one."""
        strip = self.strips.get(kind)
        return None if strip is None else strip.gate

    def settings(self, kind: str, number: int, values: Mapping[str, float | str]) -> list[Setting]:
        """What has to be sent so that a strip has these values, in the profile's order.

        The fixed settings of a section (such as a compressor's mode) come along when any value of it is set.

        Args:
            kind: of strip.
            number: of the strip, as the desk counts; ignored for the master.
            values: by canonical key, in the key's unit. The type of a band that can be nothing else is left out.

        Raises:
            DeskError: the desk has no such strip or setting, or a value is not usable.
        """
        self._require(kind, number)
        table = self.parameters(kind)
        wanted = {key: value for key, value in values.items() if not self._is_given(kind, key, value)}
        unknown = [key for key in wanted if key not in table]
        if unknown:
            raise DeskError(f"{self.title} has no {', '.join(unknown)} on a {kind}; it has {', '.join(table)}")
        sections = {parameter.section for key, parameter in table.items() if key in wanted and parameter.section != key}
        constants = {
            key: parameter.constant
            for key, parameter in table.items()
            if parameter.constant is not None and parameter.section in sections
        }
        complete = {**constants, **wanted}
        return [
            self._setting(kind, number, parameter, complete[key]) for key, parameter in table.items() if key in complete
        ]

    def questions(self, kind: str, number: int) -> list[Setting]:
        """All settings of a strip, to be asked for; their values are only placeholders of the right type.

        Raises:
            DeskError: the desk has no such strip.
        """
        self._require(kind, number)
        return [
            self._setting(kind, number, parameter, _placeholder(parameter.scale))
            for parameter in self.parameters(kind).values()
        ]

    def rest(self, kind: str) -> list[Setting]:
        """All settings of the slot of an effect that was chosen, whatever is in it, to be asked for."""
        chosen = self._effects[kind]
        strip = _strip_name(kind, chosen.slot)
        scale = effects.raw_scale(None)
        return [
            Setting(f"{kind}{key}", strip, address, (), 0, scale.type, scale)
            for key, address in effects.rest_addresses(self.effect_kinds[kind], chosen.slot).items()
        ]

    def label(self, kind: str, number: int) -> str:
        """What the desk's users call a strip, e.g. "ch/05"; "track 5" where the profile does not say."""
        strip = self.strips.get(kind)
        return filled(strip.label, {"n": number}) if strip and strip.label else _strip_name(kind, number)

    def _kinds(self) -> dict[str, StripKind]:
        master = None if self.master is None else self.master.resolved(self.track)
        bus = None if self.bus is None else self.bus.resolved(self.track, master)
        kinds = {"track": self.track, "bus": bus, "master": master}
        return {name: kind for name, kind in kinds.items() if kind is not None}

    def _slot_label(self, kind: str, slot: int) -> str:
        effect = self.effect_kinds[kind]
        return filled(effect.label, {**effect.variables(slot), "n": slot})

    def _slot(self, kind: str, name: str, bands: Bands) -> Slot:
        table = self.parameters(kind)
        scale_of_type = self.scale(kind, f"eq.{name}.type")
        names: tuple[object, ...] = scale_of_type.values if isinstance(scale_of_type, Choice) else bands.types
        return Slot(
            name=name,
            types=tuple(type_ for type_ in FILTER_TYPES if type_ in names),
            gain=table[f"eq.{name}.gain_db"].scale,
            freq=table[f"eq.{name}.freq_hz"].scale,
            q=self.scale(kind, f"eq.{name}.q"),
            shelf_q=bands.shelf_q,
            shelf_law=bands.shelf_law,
            type=scale_of_type,
            switch=self.scale(kind, f"eq.{name}.on"),
        )

    def _is_given(self, kind: str, key: str, value: float | str) -> bool:
        """Whether a key only says what type a band has anyway."""
        if not re.fullmatch(r"eq\..+\.type", key) or key in self.parameters(kind):
            return False
        ability = self.eq(kind)
        return ability is not None and any(
            key == f"eq.{slot.name}.type" and value in slot.types for slot in ability.slots
        )

    def _require(self, kind: str, number: int) -> None:
        strip = self.strips.get(kind)
        if strip is None:
            raise DeskError(f"{self.title} has no {kind} that can be reached")
        if kind != "master" and number not in strip.numbers:
            raise DeskError(
                f"{self.title} has no {kind} {number}: they are numbered {strip.first} to {strip.numbers[-1]}"
            )

    def _setting(self, kind: str, number: int, parameter: DeskParameter, value: float | str) -> Setting:
        strip = _strip_name(kind, number)
        try:
            wire = parameter.scale.encode(value)
        except DeskError as error:
            raise DeskError(f"{self.title}, {strip}, {parameter.key}: {error}") from None
        variables = {"n": number}
        return Setting(
            key=parameter.key,
            strip=strip,
            address=filled(parameter.address, variables),
            before=tuple(filled_argument(item, variables) for item in parameter.before),
            value=wire,
            type=parameter.type,
            scale=parameter.scale,
        )


def _is_open(parameter: DeskParameter) -> bool:
    """Whether its address is not known yet, for want of the bus of an effect."""
    return bool(open_variables((parameter.address, *parameter.before)))


def _with_buses(table: Mapping[str, DeskParameter], buses: Mapping[str, int]) -> dict[str, DeskParameter]:
    """Settings with the buses of chosen effects in their addresses."""
    return {
        key: replace(
            item,
            address=filled(item.address, buses),
            before=tuple(filled_argument(argument, buses) for argument in item.before),
        )
        for key, item in table.items()
    }


def _strip_name(kind: str, number: int) -> str:
    return "master" if kind == "master" else f"{kind} {number}"


def _placeholder(scale: Scale) -> float | str:
    if isinstance(scale, Text):
        return ""
    return scale.values[0] if isinstance(scale, Choice) else scale.low
