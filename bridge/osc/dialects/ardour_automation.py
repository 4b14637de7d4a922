"""Controls of an Ardour session that are under automation, which would swallow what is sent or write it down.

A control whose automation is in Play takes no value over OSC and says nothing; in Write, Touch and Latch what is
pushed would be written down. Ardour tells the modes of fader, pan, trim and mute in its feedback alone, and those of
plug-in parameters never: a parameter that does not keep its value is found by the read-back.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from ....presets.errors import DeskError
from ..asking import ATTEMPTS, ask, listen_until_quiet
from ..link import Link
from ..packets import Message
from .ardour_strips import ANSWER_WAIT_S, PLAIN_REPLIES, STRIP_TYPES, ArdourStrip, introduce

MANUAL: Final = 0
PLAY: Final = 1
WRITE: Final = 2
MODES: Final = {0: "Manual", 1: "Play", 2: "Write", 3: "Touch", 4: "Latch"}
# A level is told as gain, its automation is set as that of the fader.
CONTROLS: Final = {
    "/strip/gain": "/strip/fader",
    "/strip/fader": "/strip/fader",
    "/strip/pan_stereo_position": "/strip/pan_stereo_position",
    "/strip/trimdB": "/strip/trimdB",
    "/strip/mute": "/strip/mute",
}

# Strips that tell everything at once: about 30 datagrams each, twice, and Ardour does not wait for a slow reader.
_BANK: Final = 4
# Buttons (1, with names and mutes) and levels (2).
_FEEDBACK: Final = 3
_FIRST: Final = "/strip/name/1"
_SUFFIX: Final = "/automation"
# Scans of the session in which a control has to have the same mode: a message from another bank may come late.
_AGREEING: Final = 2

Control = tuple[int, str]


@dataclass(frozen=True)
class Automated:
    """A control whose automation is not manual.

    Attributes:
        strip: whose it is.
        control: address of the control.
        mode: of :data:`MODES`.
    """

    strip: ArdourStrip
    control: str
    mode: int

    def __str__(self) -> str:
        name = self.control.rpartition("/")[2].replace("_stereo_position", "").replace("dB", "")
        return f"{self.strip.name} ({self.strip.number}): {name} in {MODES.get(self.mode, self.mode)}"


def find_automated(link: Link, strips: Sequence[ArdourStrip]) -> tuple[Automated, ...]:
    """List the controls of these strips, all of the session, that are under automation.

    Raises:
        DeskError: Ardour does not answer.
    """
    seen: dict[Control, Counter[int]] = {}
    by_number = {strip.number: strip for strip in strips}
    try:
        for _ in range(ATTEMPTS):
            modes = _scan(link, strips)
            has_news = bool(modes.keys() - seen.keys())
            for control, mode in modes.items():
                seen.setdefault(control, Counter())[mode] += 1
            covered = {number for number, _ in seen}
            if not has_news and covered == by_number.keys() and all(map(_is_agreed, seen.values())):
                return tuple(
                    Automated(by_number[number], address, mode)
                    for (number, address), counts in seen.items()
                    if (mode := counts.most_common(1)[0][0]) != MANUAL
                )
    finally:
        introduce(link)
    raise link.silence()


def require_manual(automated: Sequence[Automated]) -> None:
    """Refuse a push that automation would swallow or write down.

    Raises:
        DeskError: names the strips and what to do, if there are any.
    """
    if automated:
        raise DeskError(
            f"Ardour plays or writes automation here and would not take the preset's values: "
            f"{'; '.join(map(str, automated))}. Switch them to Manual, or allow mixbridge to do it."
        )


def to_manual(link: Link, automated: Iterable[Automated]) -> None:
    """Switch the controls to manual; their automation stays as it is."""
    set_mode(link, [(item.strip.number, item.control) for item in automated], MANUAL)


def set_mode(link: Link, controls: Iterable[Control], mode: int) -> None:
    """Switch controls, given as the number of their strip and their address, to a mode of :data:`MODES`."""
    for number, address in controls:
        link.send(Message(f"{address}{_SUFFIX}", (number, mode)))


def _is_agreed(counts: Counter[int]) -> bool:
    most, *others = (count for _, count in counts.most_common())
    return most >= _AGREEING and most > sum(others)


def _scan(link: Link, strips: Sequence[ArdourStrip]) -> dict[Control, int]:
    """The modes of the controls, bank by bank, as far as they arrive.

    Strips are told by name within a bank; names are unique in Ardour.
    """
    by_name = {strip.name: strip for strip in strips}
    modes: dict[Control, int] = {}
    banks = -(-len(strips) // _BANK)
    step = Message("/set_surface", (_BANK, STRIP_TYPES, PLAIN_REPLIES + _FEEDBACK, 0))
    for _ in range(2 * banks + 2):  # a step that got lost is repeated, one that came twice leaves a bank out
        # Ardour answers in order: when it tells the name of the bank's first strip, everything before it has been sent.
        question = Message(_FIRST)
        messages = ask(link, [question], lambda got: got[-1].address == _FIRST, first=[step], wait_s=ANSWER_WAIT_S)
        messages += listen_until_quiet(link)
        names = {name for message in messages if (name := _name(message)) in by_name}
        modes.update(_modes(messages, by_name))
        if strips[-1].name in names:
            break
        step = Message("/bank_up", (1,))
    return modes


def _name(message: Message) -> str:
    name = message.args[1] if message.address == "/strip/name" and len(message.args) == 2 else ""
    return name if isinstance(name, str) else ""


def _modes(messages: Iterable[Message], by_name: dict[str, ArdourStrip]) -> dict[Control, int]:
    """The modes in a bank's feedback. Numbers count within the bank, whose last one begins early to be full."""
    messages = list(messages)
    strips: dict[int, ArdourStrip] = {}
    for message in messages:
        place = message.args[0] if message.args else None
        if (name := _name(message)) in by_name and isinstance(place, int):
            strips[place] = by_name[name]
    modes: dict[Control, int] = {}
    for message in messages:
        match message.address, message.args:
            case str() as address, (int() as place, float() | int() as mode) if address.endswith(_SUFFIX):
                control = CONTROLS.get(address.removesuffix(_SUFFIX))
                if control is not None and place in strips:
                    modes[strips[place].number, control] = int(mode)
            case _:
                continue
    return modes
