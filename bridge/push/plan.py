"""What a push would do: for each strip the settings, what the desk has now, and what a desk cannot follow.

A plan is made before anything is sent, and shown before anything is sent. Sending it is :mod:`.pushing`'s.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from ...presets.console import SEND_OFF_DB, Master, Strip
from ...presets.errors import DeskError, Hint
from ...presets.preset import Preset
from ...presets.sections import SectionName, is_active
from ..desks.effects import raw_scale
from ..desks.keys import owner_of, section_of
from ..desks.layout import EFFECTS
from ..desks.profile import Desk, Setting
from ..desks.scales import WireValue
from ..fitting.abilities import Clamp
from ..fitting.preset import fit_preset
from ..fitting.strip import FittedStrip, fit_strip
from .mapping import Placed, Placement
from .scope import MASTER, Scope

# Less is not heard, and not told.
_AUDIBLE_DB = 0.5
_LISTED = 6
# Levels that all of a strip passes.
_EFFECT_KEYS = tuple(f"{kind}." for kind in EFFECTS)
_STRIP_LEVELS = ("trim_db", "compressor.makeup_db", "fader_db")


@dataclass(frozen=True)
class Row:
    """One setting of a plan.

    Attributes:
        setting: as it shall be.
        now: what the desk has; None if it was not asked, or did not say.
        follows: the desk itself gives it the value of the strip that it is linked with.
        keeps: what the desk has, stays: its section says already what the preset's does, or it is only kept to be
            put back.
        is_fixed: it makes the rest of its section mean what it says, such as what effect is in a slot.
    """

    setting: Setting
    now: WireValue | None = None
    follows: bool = False
    keeps: bool = False
    is_fixed: bool = False

    def with_now(self, now: WireValue | None) -> Row:
        """The row with what the desk has now, which is what it shall have if it keeps that."""
        if self.keeps and now is not None:
            return replace(self, setting=replace(self.setting, value=now), now=now)
        return replace(self, now=now)

    @property
    def changes(self) -> bool:
        """Whether it has to be sent; what is not known is."""
        return self.now is None or not self.setting.scale.same(self.setting.value, self.now)

    @property
    def replaces(self) -> bool:
        """Whether it makes another effect of what is in a slot."""
        return self.is_fixed and self.changes and self.setting.key.startswith(_EFFECT_KEYS)

    @property
    def then_value(self) -> float | str:
        """What it shall be, in its unit; as text where an undo puts back what the profile does not know."""
        try:
            return self.setting.scale.decode(self.setting.value)
        except DeskError:
            return f"{self.setting.value}"

    @property
    def now_value(self) -> float | str | None:
        """What it is, in its unit; None if that is not known, or nothing that the profile knows."""
        try:
            return None if self.now is None else self.setting.scale.decode(self.now)
        except DeskError:
            return None


@dataclass(frozen=True)
class StripPlan:
    """One strip of a plan.

    Attributes:
        placed: which track on which strip.
        label: what the desk's users call the strip.
        fitted: how near the desk comes.
        rows: the settings that may be touched, in the order of the profile.
        missing: titles of plug-ins that the strip lacks; what they would hold is in no row.
        losses: what is left out for want of them, in dB or Hz.
        idle: sections that the preset does nothing in, and that are left as they are on the desk.
    """

    placed: Placed
    label: str
    fitted: FittedStrip
    rows: tuple[Row, ...]
    missing: tuple[str, ...] = ()
    losses: tuple[str, ...] = ()
    idle: tuple[SectionName, ...] = ()

    @property
    def changes(self) -> tuple[Row, ...]:
        """The settings that do not stand yet."""
        return tuple(row for row in self.rows if row.changes)

    @property
    def eq_error_db(self) -> tuple[float, float] | None:
        """Mean and largest error of the EQ's curve; None if the EQ is not touched."""
        if self.fitted.eq is None or not self._touches("eq"):
            return None
        return self.fitted.eq.mean_db, self.fitted.eq.max_db

    @property
    def compressor_error_db(self) -> float | None:
        """Largest error of the compressor's curve; None if it is not touched."""
        if self.fitted.compressor is None or not self._touches("compressor"):
            return None
        return self.fitted.compressor.curve_error_db

    @property
    def clamped(self) -> tuple[Clamp, ...]:
        """What is out of the desk's range, of what is touched."""
        keys = {row.setting.key for row in self.rows}
        return tuple(clamp for clamp in self.fitted.clamped if clamp.key in keys)

    @property
    def level_step_db(self) -> float | None:
        """How much louder trim, makeup and fader make it together; None if that is not known."""
        rows = {row.setting.key: row for row in self.rows}
        total_db = 0.0
        for key in _STRIP_LEVELS:
            switch = rows.get("compressor.on") if key == "compressor.makeup_db" else None
            if key in rows:
                now, then = rows[key].now_value, rows[key].then_value
                if not isinstance(now, float) or not isinstance(then, float):
                    return None
                # What is off makes nothing louder.
                was_on, goes_on = (True, True) if switch is None else (bool(switch.now_value), bool(switch.then_value))
                total_db += then * goes_on - now * was_on
        return total_db

    def without(self, lacks: Callable[[Setting], str]) -> StripPlan:
        """The strip without settings that lie in plug-ins which it lacks, and with their titles."""
        without = {row.setting.key: row for row in self.rows if lacks(row.setting)}
        rows = tuple(row for row in self.rows if row.setting.key not in without)
        # What is to be off is off where it is not there.
        off = {
            row.setting.key.removesuffix(".on") for row in self.rows if row.setting.key.endswith(".on") and _is_off(row)
        }
        lost = {key: row for key, row in without.items() if section_of(key) not in off}
        missing = dict.fromkeys(
            lacks(row.setting) for key, row in without.items() if not _is_off(row) and owner_of(key) not in off
        )
        return replace(self, rows=rows, missing=tuple(missing), losses=tuple(_losses(lost)))

    def _touches(self, section: str) -> bool:
        return any(section_of(row.setting.key) == section for row in self.rows)


def _losses(lost: Mapping[str, Row]) -> Iterator[str]:
    """Say how much settings that a strip cannot take would do."""
    values = {key: row.then_value for key, row in lost.items()}
    numbers = {key: float(value) for key, value in values.items() if isinstance(value, int | float)}
    boosts = [abs(value) for key, value in numbers.items() if re.fullmatch(r"eq\..+\.gain_db", key)]
    if boosts and max(boosts) >= 0.05:
        yield f"up to {max(boosts):.1f} dB of EQ"
    if "compressor.threshold_db" in numbers and "compressor.ratio" in numbers:
        over_db = max(0.0, -numbers["compressor.threshold_db"])
        yield f"{over_db * (1 - 1 / numbers['compressor.ratio']):.1f} dB of compression at full scale"
    if "gate.range_db" in numbers:
        yield f"up to {numbers['gate.range_db']:.1f} dB of what is quiet"
    for section, words in (("low_cut", "below"), ("high_cut", "above")):
        if f"{section}.freq_hz" in numbers:
            yield f"3 dB at {numbers[f'{section}.freq_hz']:.0f} Hz, and more {words}"


def _is_off(row: Row) -> bool:
    """Tell whether a row sets a send to nothing, or a switch to off."""
    value = row.then_value
    if not isinstance(value, int | float):
        return False
    is_silent = row.setting.key.endswith("_send_db") and value <= SEND_OFF_DB
    return is_silent or (row.setting.key.endswith(".on") and not value)


@dataclass(frozen=True)
class Plan:
    """A whole push before it is done.

    Attributes:
        desk: the profile.
        where: the desk's address, for people.
        strips: in the preset's order, the master last.
        left_out: tracks of the preset that have no strip.
        is_read: whether the desk was asked for what it has now.
        notes: what else its user should know, in sentences.
        is_limited: whether the user named the strips that may be touched, so that tracks are left out on purpose.
    """

    desk: Desk
    where: str
    strips: tuple[StripPlan, ...]
    left_out: tuple[str, ...] = ()
    is_read: bool = False
    notes: tuple[str, ...] = ()
    is_limited: bool = False

    @property
    def rows(self) -> tuple[Row, ...]:
        """All settings."""
        return tuple(row for strip in self.strips for row in strip.rows)

    @property
    def changes(self) -> tuple[Row, ...]:
        """The settings that do not stand yet."""
        return tuple(row for row in self.rows if row.changes)

    @property
    def is_blind(self) -> bool:
        """Whether the desk cannot be asked at all."""
        return self.desk.is_blind

    def without(self, lacks: Callable[[Setting], str]) -> Plan:
        """The plan without settings that lie in plug-ins which strips lack; `lacks` names the plug-in, if any."""
        return replace(self, strips=tuple(strip.without(lacks) for strip in self.strips))

    def with_state(self, answers: Mapping[Setting, WireValue | None]) -> Plan:
        """The plan with what the desk has now."""
        strips = (
            replace(strip, rows=tuple(row.with_now(answers.get(row.setting)) for row in strip.rows))
            for strip in self.strips
        )
        return replace(self, strips=tuple(strips), is_read=True)

    def with_notes(self, *notes: str) -> Plan:
        """The plan with more to know."""
        return replace(self, notes=(*self.notes, *notes))


def kept_row(setting: Setting, wire: WireValue) -> Row:
    """Make a row for a setting of which only the wire value is known; it stays as it is."""
    scale = raw_scale(wire)
    return Row(replace(setting, value=wire, type=scale.type, scale=scale), wire, keeps=True)


def make_plan(
    preset: Preset,
    desk: Desk,
    where: str,
    placement: Placement,
    scope: Scope,
    *,
    sample_rate_hz: int = 48000,
    groups: Sequence[Placed] = (),
) -> Plan:
    """Fit a preset and pick the settings that may be touched.

    Args:
        preset: the mix.
        desk: where it shall stand, with the effects that were chosen.
        where: the desk's address, for people.
        placement: which track on which strip.
        scope: what may be touched.
        sample_rate_hz: of the desk.
        groups: which group on which bus.

    Raises:
        DeskError: nothing is left to be sent.
    """
    trims = "trim" in scope.sections
    names = [placed.track for placed in groups]
    fitted = fit_preset(preset, desk, placement.assignment, sample_rate_hz, groups=names, trims=trims)
    strips = [
        _strip(placed, fitted.strips[placed.track], desk, scope, preset.track(placed.track).strip)
        for placed in placement.placed
    ]
    strips += [
        _strip(placed, fitted.groups[placed.track], desk, scope, preset.bus(placed.track).strip) for placed in groups
    ]
    for kind, effect in fitted.effects.items():
        if kind in scope.sections and effect.values:
            strips.append(_strip(Placed(kind, kind, desk.effects[kind].slot, "", "effect"), effect, desk, scope))
    notes = list(fitted.lost)
    if touches_master(preset, desk, scope):
        master = fit_strip(preset.master, desk, MASTER, sample_rate_hz, trims=trims)
        strips.append(_strip(Placed(MASTER, MASTER, 0, "", "master"), master, desk, scope))
    elif MASTER in desk.strips and scope.strips is None:
        notes.append("The master of the preset does nothing, so that of the desk is left as it is.")
    plan = Plan(desk, where, tuple(strips), placement.left_out, is_limited=scope.strips is not None)
    if not plan.rows:
        raise DeskError(
            f"{desk.title} has nothing of {', '.join(sorted(scope.sections))} to be set: choose other sections.",
            hints=(Hint("only", "eq,compressor"),),
        )
    names = [track.name for track in preset.tracks if track.inserts]
    names += [bus.name for bus in preset.buses if bus.inserts]
    names += ["the master"] if preset.master_inserts else []
    if names:
        listed = f"{', '.join(names[:_LISTED])}{' and others' if len(names) > _LISTED else ''}"
        notes.append(f"What {listed} went through first is left out: apply the preset, and use the stems written.")
    if preset.has_lanes:
        count = sum(1 for _ in preset.all_lanes())
        lanes = "a lane that moves a setting" if count == 1 else f"{count} lanes that move settings"
        notes.append(f"The preset has {lanes}; a push sends the settings' own values, which stand still.")
    return plan.with_notes(*notes, *_untouched_levels(plan, scope))


def touches_master(preset: Preset, desk: Desk, scope: Scope) -> bool:
    """Whether the master is set: if it is asked for, or does something where nobody said what is to be set."""
    if MASTER not in desk.strips:
        return False
    return scope.strips.master if scope.strips is not None else preset.master != Master()


def _strip(placed: Placed, fitted: FittedStrip, desk: Desk, scope: Scope, strip: Strip | None = None) -> StripPlan:
    idle = () if strip is None else [name for name in scope.if_used & scope.sections if not is_active(strip, name)]
    values = {key: value for key, value in fitted.values.items() if scope.holds(key) and section_of(key) not in idle}
    settings: Sequence[Setting] = desk.settings(placed.kind, placed.number, values) if values else ()
    table = desk.parameters(placed.kind)
    rows = (Row(setting, is_fixed=table[setting.key].constant is not None) for setting in settings)
    return StripPlan(placed, desk.label(placed.kind, placed.number), fitted, tuple(rows), idle=tuple(sorted(idle)))


def _untouched_levels(plan: Plan, scope: Scope) -> list[str]:
    """What belongs to what is set and stands on a fader or trim that is not."""
    notes = []
    if "fader" not in scope.sections:
        behind = [
            f"{strip.placed.track} ({strip.fitted.compressor.left_over_db:+.1f} dB)"
            for strip in plan.strips
            if strip.fitted.compressor is not None
            and "compressor" in scope.sections
            and abs(strip.fitted.compressor.left_over_db) >= _AUDIBLE_DB
        ]
        if behind:
            notes.append(
                f"Makeup that {plan.desk.title} can only give with the fader, which is left alone: "
                f"{', '.join(behind)}. --faders sets it."
            )
    return notes
