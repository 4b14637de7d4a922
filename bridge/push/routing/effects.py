"""Which effect slot of a desk is a preset's reverb, and which its delay: as the user says, or the only one that can be.

A slot is taken without being named only if it holds such an effect already, or nothing, and a bus feeds it. What is in
use for something else is left alone, and the user is told what to do.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from ....presets.errors import DeskError, Hint
from ...desks import effects
from ...desks.effects import Effect, Question
from ...desks.profile import Desk, Setting
from ...desks.scales import WireValue
from ...desks.sections import EffectKind
from ...desks.template import filled
from ...osc.connection import Connection
from ...osc.exchange import read

_AUDIBLE_DB: Final = 0.05
_LISTED: Final = 4


@dataclass(frozen=True)
class Rack:
    """What is in the effect slots of a desk.

    Attributes:
        types: what is in each slot, by kind and number; a slot is missing where the desk did not tell.
        buses: the bus that feeds each slot that is fed, by kind and number.
    """

    types: Mapping[tuple[str, int], str] = field(default_factory=dict)
    buses: Mapping[tuple[str, int], int] = field(default_factory=dict)


@dataclass(frozen=True)
class ChosenEffects:
    """The slots that were chosen.

    Attributes:
        effects: by kind, those that have a slot.
        notes: why one has none, or what is replaced, in sentences.
    """

    effects: Mapping[str, Effect] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def read_rack(connection: Connection, desk: Desk) -> Rack:
    """Ask what is in the effect slots, and what feeds them.

    Raises:
        DeskError: the desk does not answer.
    """
    asked: dict[Setting, tuple[str, str, int]] = {}
    for kind, effect in desk.effect_kinds.items():
        for slot in effects.slots_of(effect):
            question = effects.type_question(effect, slot, desk.scales)
            if question is not None:
                asked[_setting(question, f"{kind}.type", kind, slot)] = ("type", kind, slot)
        by_bus = effect.feed is not None and effect.feed.insert is not None
        numbers = range(1, effect.feed.buses + 1) if effect.feed and by_bus else effects.slots_of(effect)
        for number in numbers:
            question = effects.feed_question(effect, number, desk.scales)
            if question is not None:
                asked[_setting(question, f"{kind}.feed", kind, number)] = (
                    "insert" if by_bus else "bus",
                    kind,
                    number,
                )
    answers = read(connection, asked) if asked and not connection.is_blind else {}
    return _rack(desk, asked, answers)


def untold_rack(desk: Desk) -> Rack:
    """Make the rack of a desk that was not asked: the buses that feed slots by their number are known."""
    return _rack(desk, {}, {})


def choose_effects(desk: Desk, rack: Rack, named: Mapping[str, str], kinds: Iterable[str]) -> ChosenEffects:
    """Choose a slot for each effect.

    Args:
        desk: has the slots.
        rack: what is in them.
        named: slots as the user says, by kind: "1", or "fx 1" as the desk's users call it.
        kinds: of effects that are wanted.

    Raises:
        DeskError: a slot that is named cannot be used; the message says what to do.
    """
    chosen: dict[str, Effect] = {}
    notes: list[str] = []
    for kind in dict.fromkeys((*named, *kinds)):
        effect = desk.effect_kinds.get(kind)
        if effect is None:
            if kind in named:
                raise DeskError(f"{desk.title} has no {kind} that mixbridge can reach: leave out its slot.")
            continue
        slot = _named_slot(desk, effect, kind, named[kind]) if kind in named else None
        taken = {other.slot for other in chosen.values() if desk.effect_kinds[other.kind].type is not None}
        if slot is not None and slot in taken and effect.type is not None:
            raise DeskError(f"{_label(effect, slot)} cannot be both the reverb and the delay: name two slots.")
        found = _named(desk, effect, kind, slot, rack) if slot else _free(effect, kind, rack, taken)
        if isinstance(found, Effect):
            chosen[kind] = found
            notes += _replacement(effect, found, rack)
        else:
            notes.append(found)
    return ChosenEffects(chosen, tuple(notes))


def bus_notes(connection: Connection, desk: Desk) -> list[str]:
    """Tell which buses that feed effects are not at 0 dB.

    Raises:
        DeskError: the desk does not answer.
    """
    asked: dict[Setting, Effect] = {}
    for kind, chosen in desk.effects.items():
        question = effects.bus_level_question(desk.effect_kinds[kind], chosen, desk.scales)
        if question is not None:
            asked[_setting(question, "fader_db", kind, chosen.slot)] = chosen
    if not asked or connection.is_blind:
        return []
    notes = []
    for setting, wire in read(connection, asked).items():
        level_db = None if wire is None else float(setting.scale.decode(wire))
        if level_db is not None and abs(level_db) >= _AUDIBLE_DB:
            notes.append(
                f"The bus {asked[setting].bus} that feeds the {asked[setting].kind} stands at {level_db:+.1f} dB: so "
                "much louder or softer is it heard."
            )
    return notes


def _rack(
    desk: Desk, asked: Mapping[Setting, tuple[str, str, int]], answers: Mapping[Setting, WireValue | None]
) -> Rack:
    types: dict[tuple[str, int], str] = {}
    buses = {
        (kind, slot): bus
        for kind, effect in desk.effect_kinds.items()
        for slot in effects.slots_of(effect)
        if (bus := effects.fixed_bus(effect, slot)) is not None
    }
    for setting, wire in answers.items():
        what, kind, number = asked[setting]
        value = _decoded(setting, wire)
        if value is None:
            continue
        if what == "type":
            types[kind, number] = str(value)
        elif what == "bus" and value:
            buses.setdefault((kind, number), int(float(value)))
        elif what == "bus":
            buses.pop((kind, number), None)
        elif what == "insert" and value:
            buses.setdefault((kind, int(float(value))), number)
    return Rack(types, buses)


def _decoded(setting: Setting, wire: WireValue | None) -> float | str | None:
    try:
        return None if wire is None else setting.scale.decode(wire)
    except DeskError:
        return "something else" if setting.key.endswith(".type") else None


def _named_slot(desk: Desk, effect: EffectKind, kind: str, text: str) -> int:
    slots = effects.slots_of(effect)
    called = text.strip().lower()
    fits = [slot for slot in slots if called in (str(slot), _label(effect, slot).lower())]
    if not fits:
        known = ", ".join(_label(effect, slot) for slot in slots)
        raise DeskError(f"{desk.title} has no effect slot {text!r} for a {kind}; it has {known}.", hints=(Hint(kind),))
    return fits[0]


def _named(desk: Desk, effect: EffectKind, kind: str, slot: int, rack: Rack) -> Effect | str:
    """The slot that the user named, whatever is in it."""
    if effect.type is not None and (kind, slot) not in rack.types and not desk.is_blind:
        raise DeskError(f"{desk.title} did not tell what is in {_label(effect, slot)}: nothing was sent.")
    if _needs_bus(effect) and (kind, slot) not in rack.buses:
        raise DeskError(
            f"{_label(effect, slot)} is fed by no bus, so that nothing can be sent to it. Choose a bus as its source "
            "on the desk, or name another slot.",
            hints=(Hint(kind),),
        )
    model = rack.types.get((kind, slot), "")
    return Effect(
        kind, slot, rack.buses.get((kind, slot)), model if effect.model(model) is not None else effect.models[0].name
    )


def _free(effect: EffectKind, kind: str, rack: Rack, taken: Iterable[int]) -> Effect | str:
    """The only slot that holds such an effect, or else a slot that holds nothing; or why there is none."""
    slots = [slot for slot in effects.slots_of(effect) if slot not in set(taken)]
    usable = [slot for slot in slots if not _needs_bus(effect) or (kind, slot) in rack.buses]
    if effect.type is None:
        right = usable
    else:
        right = [slot for slot in usable if effect.model(rack.types.get((kind, slot), "")) is not None]
        empty = [slot for slot in usable if rack.types.get((kind, slot)) in effect.free]
        right = right or empty[:1]
    if len(right) == 1:
        slot = right[0]
        model = rack.types.get((kind, slot), "")
        is_known = effect.model(model) is not None
        return Effect(kind, slot, rack.buses.get((kind, slot)), model if is_known else effect.models[0].name)
    if right:
        which = " or ".join(
            _label(effect, slot) for slot in (right if len(right) <= _LISTED else (right[0], right[-1]))
        )
        return f"The {kind} could be {which}: name one (--{kind} {right[0]}). It and the sends to it are left alone."
    there = ", ".join(
        f"{_label(effect, slot)} is {_spoken(rack.types[kind, slot])}" for slot in slots if (kind, slot) in rack.types
    )
    return (
        f"No effect slot is a {kind} that a bus feeds{f' ({there})' if there else ''}: load one on the desk, or name a "
        f"slot whose effect may be replaced (--{kind} {slots[0] if slots else 1}). Nothing is sent to it."
    )


def _replacement(effect: EffectKind, chosen: Effect, rack: Rack) -> Iterable[str]:
    there = rack.types.get((chosen.kind, chosen.slot))
    if there is not None and there != chosen.model and there not in effect.free:
        yield (
            f"{_label(effect, chosen.slot)}: the {_spoken(there)} that is there is replaced by the "
            f"{_spoken(chosen.model)}, while its return is down."
        )


def _needs_bus(effect: EffectKind) -> bool:
    return effect.feed is not None or any("bus" in table for table in effect.slots)


def _label(effect: EffectKind, slot: int) -> str:
    return filled(effect.label, {**effect.variables(slot), "n": slot}) or f"slot {slot}"


def _spoken(name: str) -> str:
    return name.replace("_", " ")


def _setting(question: Question, key: str, kind: str, number: int) -> Setting:
    placeholder: dict[str, WireValue] = {"f": 0.0, "i": 0, "s": ""}
    scale = question.scale
    return Setting(
        key, f"{kind} {number}", question.address, question.before, placeholder[scale.type], scale.type, scale
    )
