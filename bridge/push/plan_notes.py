"""What a plan's user should know besides its numbers, in sentences: trims, levels, links, what is left as it is."""

from __future__ import annotations

from collections.abc import Mapping

from ...presets.preset import Preset
from ...presets.sections import spoken
from ..desks.keys import is_level, label_of, section_of
from ..desks.profile import Setting
from ..desks.scales import WireValue
from .linking import Links
from .plan import Plan
from .scope import TRACK

# Less is not heard, and not told.
_AUDIBLE_DB = 0.5


def trim_notes(plan: Plan, trims_db: Mapping[str, float]) -> list[str]:
    """What a trim that is not touched does to the thresholds that are.

    Args:
        plan: the plan.
        trims_db: what the desk has, by label.
    """
    off = [
        f"{strip.label} ({trims_db[strip.label]:+.1f} dB)"
        for strip in plan.strips
        if strip.label in trims_db
        and abs(trims_db[strip.label] - float(strip.fitted.values.get("trim_db", 0.0))) >= _AUDIBLE_DB
    ]
    if not off:
        return []
    return [
        f"Thresholds are meant for another trim than the desk has on {', '.join(off)}: add trim to --only, or the "
        "compressors work harder or less than in the preset."
    ]


def unread_notes(plan: Plan) -> list[str]:
    """Tell that values are not sent, because the desk did not tell them."""
    unread = [row for row in plan.rows if row.now is None]
    if not unread:
        return []
    return [
        f"The desk did not tell {len(unread)} of {len(plan.rows)} values; they could not be put back, so they are not "
        "sent."
    ]


def level_notes(plan: Plan, ramp_ms: float) -> list[str]:
    """Tell which levels move, and how."""
    moving = [row for row in plan.changes if is_level(row.setting.key) and row.now is not None]
    if not moving:
        return []
    what = sorted({label_of(row.setting.key) for row in moving})
    how = f"glide over {ramp_ms:g} ms" if ramp_ms else "jump (--no-ramp)"
    return [f"Levels {how}: {', '.join(what)}. What EQ, threshold and ratio change is heard at once."]


def idle_notes(plan: Plan, answers: Mapping[Setting, WireValue | None]) -> list[str]:
    """Tell which stages of the desk are on that the preset has none of, and that stay.

    Args:
        plan: the plan.
        answers: what the desk has, for all settings of its strips.
    """
    on = {
        (setting.strip, setting.key)
        for setting, wire in answers.items()
        if setting.key.endswith(".on") and wire is not None and setting.scale.decode(wire)
    }
    staying: dict[str, list[str]] = {}
    for strip in plan.strips:
        name = strip.rows[0].setting.strip if strip.rows else ""
        for section in strip.idle:
            if (name, f"{section}.on") in on:
                staying.setdefault(section, []).append(strip.label)
    return [
        f"The preset has no {spoken(section)} on {', '.join(labels)}: that of the desk stays on (--only {section} "
        "switches it off)."
        for section, labels in staying.items()
    ]


def link_notes(plan: Plan, preset: Preset, links: Links) -> list[str]:
    """Tell which linked tracks of the preset stand on strips that are not linked: their dynamics act apart there."""
    strips: dict[str, list[tuple[int, str]]] = {}
    touched = {section_of(row.setting.key) for row in plan.rows} & {"gate", "compressor", "deesser"}
    for strip in plan.strips:
        if strip.placed.kind == TRACK and strip.placed.how != "linked" and touched:
            link = preset.track(strip.placed.track).link
            if link is not None:
                strips.setdefault(link, []).append((strip.placed.number, f"{strip.placed.track} ({strip.label})"))
    return [
        f"{' and '.join(words for _, words in members)} are linked in the preset and not on the desk: their dynamics "
        "act apart there. Link the strips on the desk, if they are neighbours."
        for members in strips.values()
        if len(members) > 1 and not _are_linked([number for number, _ in members], links)
    ]


def _are_linked(numbers: list[int], links: Links) -> bool:
    return len(numbers) == 2 and links.partner(numbers[0]) == numbers[1]
