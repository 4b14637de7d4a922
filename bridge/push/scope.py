"""What a push may touch: kinds of settings and strips, as the user says, and what is left alone without being asked.

Nothing is sent here, and no desk is known but its profile.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from ...presets.errors import DeskError, Hint
from ...presets.sections import SectionName, expanded
from ..desks.keys import section_of
from ..desks.layout import EFFECTS, SETTABLE
from ..desks.profile import Desk

SECTIONS: Final = SETTABLE
# What a push leaves alone unless it is asked for: what the audience hears at once, trims, which gates and pre-fader
# monitors follow, and what strips are called.
ASKED_FOR: Final[frozenset[SectionName]] = frozenset({"fader", "mute", "send", "trim", "name", *EFFECTS})
# What is left alone where the preset has none of it, unless it is named: a preset without a gate says nothing about
# that of a desk, and a low cut keeps a stage's rumble out of it.
IF_USED: Final[frozenset[SectionName]] = frozenset({"gate", "low_cut", "high_cut", "deesser", "saturation"})

MASTER: Final = "master"
TRACK: Final = "track"
BUS: Final = "bus"
# Of the groups of sections: the others hold faders and mutes, which are named one by one.
_GROUPS: Final = frozenset({"dynamics", "cuts", "fx"})
_RANGE: Final = re.compile(r"(?P<first>\d{1,4})(?:-(?P<last>\d{1,4}))?")


@dataclass(frozen=True)
class Strips:
    """Strips of a desk, by its own numbers.

    Attributes:
        numbers: of tracks.
        master: whether the master is one of them.
    """

    numbers: frozenset[int]
    master: bool = False


@dataclass(frozen=True)
class Scope:
    """What may be touched.

    Attributes:
        sections: kinds of settings; groups ("dynamics") become what they stand for.
        strips: of the desk; None for all.
        if_used: sections that are left alone on strips where the preset does nothing in them.
    """

    sections: frozenset[SectionName] = frozenset(SECTIONS) - ASKED_FOR
    strips: Strips | None = None
    if_used: frozenset[SectionName] = IF_USED

    def __post_init__(self) -> None:
        object.__setattr__(self, "sections", expanded(self.sections))

    def holds(self, key: str) -> bool:
        """Whether a setting may be touched, by its canonical key."""
        return section_of(key) in self.sections

    @property
    def needs_effects(self) -> bool:
        """Whether effects of the desk have to be found: theirs are the sends, too."""
        return not self.sections.isdisjoint({"send", *EFFECTS})


def parse_sections(
    only: str | None, *, faders: bool = False, mutes: bool = False, effects: bool = False
) -> frozenset[SectionName]:
    """Read sections as they are typed: eq,compressor.

    Args:
        only: sections or groups ("dynamics") with commas between; None for all that is touched without being asked for.
        faders: faders and sends as well, and the trims that go with them.
        mutes: mutes as well.
        effects: reverb, delay and the sends to them as well.

    Raises:
        DeskError: a name that is no section.
    """
    named = None if only is None else [name.strip().lower() for name in only.split(",") if name.strip()]
    chosen = expanded(named or ())
    unknown = {*(named or ())} - {*SECTIONS, *_GROUPS}
    if unknown or named == []:
        raise DeskError(f"sections {only!r}: the sections are {', '.join(SECTIONS)}; write them with commas between.")
    sections = set(Scope().sections) if named is None else {name for name in SECTIONS if name in chosen}
    if faders:
        sections |= {"fader", "send", "trim"}
    if mutes:
        sections |= {"mute"}
    if effects:
        sections |= {"send", *EFFECTS}
    return frozenset(sections)


def scope_of(sections: frozenset[SectionName], strips: Strips | None, only: str | None) -> Scope:
    """A scope of what was typed: what `--only` names is set even where the preset has none of it."""
    named = expanded(name.strip().lower() for name in (only or "").split(","))
    return Scope(sections, strips, if_used=IF_USED - named)


def parse_strips(text: str | None, desk: Desk) -> Strips | None:
    """Read strips as they are typed, by the desk's numbers: 1-4,7,master.

    Raises:
        DeskError: it has another form, or the desk has no such strip.
    """
    if text is None:
        return None
    numbers: set[int] = set()
    master = False
    for part in (part.strip().lower() for part in text.split(",")):
        match = _RANGE.fullmatch(part)
        if part == MASTER:
            master = True
        elif match is None:
            raise DeskError(
                f"tracks {text!r}: write the desk's numbers such as 1-4,7, and master for the stereo sum; to pick by "
                "name, assign tracks to strips.",
                hints=(Hint("assignments", '"Lead Vox=5"'),),
            )
        else:
            first, last = int(match["first"]), int(match["last"] or match["first"])
            numbers |= _existing(first, last, text, desk)
    if master and MASTER not in desk.strips:
        raise DeskError(f"tracks {text!r}: {desk.title} has no master that mixbridge can reach.")
    return Strips(frozenset(numbers), master)


def numbers_of(desk: Desk, strips: Strips | None) -> Iterable[int]:
    """The numbers of the tracks that may be touched, rising."""
    return sorted(strips.numbers) if strips is not None else desk.track.numbers


def _existing(first: int, last: int, text: str, desk: Desk) -> set[int]:
    known = desk.track.numbers
    if first > last:
        raise DeskError(f"tracks {text!r}: {first}-{last} runs backwards; write {last}-{first}.")
    if first not in known or last not in known:
        raise DeskError(f"tracks {text!r}: {desk.title} has the tracks {known[0]} to {known[-1]}.")
    return set(range(first, last + 1))
