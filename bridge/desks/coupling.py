"""What has to be asked so that a desk tells which of its strips are linked, and which groups they are in.

Linked strips share settings: on an X32 a fader that is moved over OSC moves that of the other channel, too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ...presets.sections import SectionName
from .layout import Groups
from .profile import Desk, Setting
from .ranges import Linear
from .scales import Scale, Switch, WireValue
from .sections import Control
from .template import filled

_SWITCH: Final = Switch(kind="switch")


@dataclass(frozen=True)
class GroupQuestions:
    """What to ask about one group.

    Attributes:
        title: what the desk's users call it.
        mute: whether it is muted.
        level: its level in dB; None if it has none.
    """

    title: str
    mute: Setting
    level: Setting | None


def pair_questions(desk: Desk) -> dict[int, Setting]:
    """What tells whether a strip and the next are linked, by the number of the first; empty if the desk links none."""
    coupling = desk.track.linked
    if coupling is None:
        return {}
    firsts = (number for number in desk.track.numbers if number % 2 and number + 1 in desk.track.numbers)
    return {n: _question(filled(coupling.pair, {"a": n, "b": n + 1}), "link", _SWITCH) for n in firsts}


def shared_questions(desk: Desk) -> dict[SectionName, Setting]:
    """What tells whether linked strips share a section."""
    coupling = desk.track.linked
    shared = {} if coupling is None else coupling.shared
    return {section: _question(address, f"link.{section}", _SWITCH) for section, address in shared.items()}


def member_question(desk: Desk, groups: Groups, number: int) -> Setting:
    """What tells the groups that a strip is in, a bit for each."""
    address = groups.member if groups.member.startswith("/") else f"{desk.track.prefix}/{groups.member}"
    scale = Linear(kind="linear", low=0, high=2**groups.count - 1, type="i")
    return _question(filled(address, {"n": number}), "groups", scale)


def group_questions(desk: Desk, groups: Groups, group: int) -> GroupQuestions:
    """What tells the state of a group."""
    level = groups.level_db
    return GroupQuestions(
        title=filled(groups.title, {"g": group}),
        mute=_of_group(desk, groups.mute, group, "mute"),
        level=None if level is None else _of_group(desk, level, group, "fader_db"),
    )


def _of_group(desk: Desk, control: Control, group: int, key: str) -> Setting:
    scale = desk.scales[control.scale] if isinstance(control.scale, str) else control.scale
    return _question(filled(control.address, {"g": group}), key, scale)


def _question(address: str, key: str, scale: Scale) -> Setting:
    placeholder: dict[str, WireValue] = {"f": 0.0, "i": 0, "s": ""}
    return Setting(key, "desk", address, (), placeholder[scale.type], scale.type, scale)
