"""Effects of a desk that strips send to: which slots there are, what tells what is in them, and one that was chosen.

A slot holds an effect of some type and is fed by a bus. Only when both are known does the profile know the addresses of
its settings, and of the sends to it: :meth:`.profile.Desk.with_effects` fills them in.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from .expansion import DeskParameter, expand_effect, scale_of
from .layout import EFFECTS
from .ranges import Linear
from .scales import Scale, WireValue
from .sections import Control, EffectKind
from .template import Variables, filled, filled_argument

# Of keys of settings that are kept as they are: "reverb.rest.13".
REST: Final = ".rest."
# What stands for a slot and a bus while a profile is checked.
_ANY_BUS: Final = 1


@dataclass(frozen=True)
class Effect:
    """An effect slot that was chosen.

    Attributes:
        kind: "reverb" or "delay".
        slot: its number.
        bus: number of the bus that feeds it; None where it needs none.
        model: which of the profile's models it is, or will be.
    """

    kind: str
    slot: int
    bus: int | None
    model: str


@dataclass(frozen=True)
class Question:
    """A value of a desk that is only looked at.

    Attributes:
        address: where it lies.
        before: arguments before the value.
        scale: what it means.
    """

    address: str
    before: tuple[int | str, ...]
    scale: Scale


def slots_of(effect: EffectKind) -> range:
    """The numbers of the slots of a kind of effect."""
    return range(1, effect.count + 1)


def fixed_bus(effect: EffectKind, slot: int) -> int | None:
    """The bus that feeds a slot by its number; None where that has to be asked, or there is none."""
    bus = effect.variables(slot).get("bus")
    return bus if isinstance(bus, int) else None


def type_question(effect: EffectKind, slot: int, scales: Mapping[str, Scale]) -> Question | None:
    """What tells which effect is in a slot; None where it is built in."""
    return None if effect.type is None else _question(effect.type, {"n": slot, **effect.variables(slot)}, scales)


def feed_question(effect: EffectKind, number: int, scales: Mapping[str, Scale]) -> Question | None:
    """What tells the bus of a slot, or, for an insert, the slot of a bus."""
    if effect.feed is None:
        return None
    if effect.feed.bus is not None:
        return _question(effect.feed.bus, {"n": number}, scales)
    return None if effect.feed.insert is None else _question(effect.feed.insert, {"bus": number}, scales)


def bus_level_question(effect: EffectKind, chosen: Effect, scales: Mapping[str, Scale]) -> Question | None:
    """What tells the level of the bus that feeds an effect."""
    if effect.bus_level_db is None or chosen.bus is None:
        return None
    return _question(effect.bus_level_db, {"bus": chosen.bus, "n": chosen.slot}, scales)


def parameters_of(
    effect: EffectKind,
    chosen: Effect,
    buses: Mapping[str, int],
    scales: Mapping[str, Scale],
    plugins: Mapping[str, object],
) -> list[DeskParameter]:
    """The settings of a chosen effect.

    Args:
        effect: its kind on the desk.
        chosen: the slot.
        buses: number of the bus of each chosen effect, by kind.
        scales: by name.
        plugins: of the profile, by name.

    Raises:
        ValueError: the effect's model is none of the profile's.
    """
    model = effect.model(chosen.model)
    if model is None:
        raise ValueError(f"{chosen.kind}: there is no model {chosen.model!r} of it")
    bus = {} if chosen.bus is None else {"bus": chosen.bus}
    variables: Variables = {**buses, **bus, **effect.variables(chosen.slot), "n": chosen.slot}
    return expand_effect(chosen.kind, effect, model, variables, scales, plugins)


def rest_addresses(effect: EffectKind, slot: int) -> dict[str, str]:
    """The addresses of all settings of a slot, whatever is in it, by key but for the name of the effect."""
    if effect.rest is None:
        return {}
    template = f"{effect.prefix}/{effect.rest.address}"
    return {f"{REST}{par}": filled(template, {"n": slot, "par": par}) for par in range(1, effect.rest.count + 1)}


def raw_scale(wire: WireValue | None) -> Scale:
    """The scale of a setting of which only the wire value is known: a float 0..1, or the place in a list."""
    if isinstance(wire, float):
        return Linear(kind="linear", low=0, high=1, tolerance=1e-4)
    return Linear(kind="linear", low=0, high=1000, type="i")


def check(kind: str, effect: EffectKind, scales: Mapping[str, Scale], plugins: Mapping[str, object]) -> None:
    """Check every slot and model.

    Raises:
        ValueError: something is missing or contradicts something else; the message says where, and what to do.
    """
    buses = dict.fromkeys(EFFECTS, _ANY_BUS)
    has_bus = effect.feed is not None
    for slot in slots_of(effect):
        for model in effect.models:
            bus = _ANY_BUS if has_bus else fixed_bus(effect, slot)
            parameters_of(effect, Effect(kind, slot, bus, model.name), buses, scales, plugins)
        type_question(effect, slot, scales)
        feed_question(effect, slot, scales)
    if effect.bus_level_db is not None:
        scale_of(f"{kind}, bus_level_db", effect.bus_level_db, scales)


def _question(control: Control, variables: Variables, scales: Mapping[str, Scale]) -> Question:
    return Question(
        filled(control.address, variables),
        tuple(filled_argument(item, variables) for item in control.before),
        scale_of("effects", control, scales),
    )
