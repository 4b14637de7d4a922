"""The strips of the session that is open in Ardour, with their plug-ins, and what Ardour has to know of us first.

Read in Ardour 7.3's sources and tried with it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from ..asking import ATTEMPTS, ask
from ..link import Link
from ..packets import Argument, Message

# Tracks and buses (audio and MIDI), VCAs, foldback (1 + 2 + 4 + 8 + 16 + 128), and the master (32), which is then
# a strip with a number like the others: only so can its plug-ins be reached.
STRIP_TYPES: Final = 191
# No feedback; answers to lists come from /reply, which is a valid address, instead of #reply.
PLAIN_REPLIES: Final = 16384
MASTER_KIND: Final = "MA"
PLUGIN_LIST: Final = "/strip/plugin/list"
SENDS: Final = "/strip/sends"
# A send in its answer: number and name of the strip it goes to, its own number, fader position, whether it is on.
SEND_LENGTH: Final = 5
# A machine under load takes its time.
ANSWER_WAIT_S: Final = 0.4

# Kinds that can have plug-ins: all but VCAs ("V").
_WITH_PLUGINS: Final = frozenset({"AT", "AX", "B", "FB", "MA", "MB", "MT"})
# Kinds that can have sends to busses.
_WITH_SENDS: Final = frozenset({"AT", "B", "MT", "MB"})
STRIP_LIST: Final = "/strip/list"
LIST_END: Final = "end_route_list"


@dataclass(frozen=True)
class ArdourStrip:
    """A track, bus or the master of the session that is open.

    Attributes:
        number: in the mixer's order, from 1; the master is last.
        name: as in the mixer.
        kind: AT audio track, MT MIDI track, B bus, MB MIDI bus, AX aux, FB foldback, V VCA, MA master.
        inputs: audio channels.
        plugins: names, in the order of Ardour's numbers (from 1).
        sends: numbers of the strips that its sends go to, in the order of Ardour's numbers (from 1).
    """

    number: int
    name: str
    kind: str
    inputs: int
    plugins: tuple[str, ...] = ()
    sends: tuple[int, ...] = ()

    def plugin_number(self, title: str) -> int | None:
        """Number of the first plug-in of this title, "ACE Compressor (stereo)" being an "ACE Compressor"."""
        for number, name in enumerate(self.plugins, 1):
            if name == title or name.startswith(f"{title} ("):
                return number
        return None

    @property
    def has_sound(self) -> bool:
        """Whether audio comes in, or may come from an instrument."""
        return self.kind in _WITH_PLUGINS and bool(self.inputs or self.plugins)


def introduce(link: Link) -> None:
    """Say what we are: a surface that sees all strips at once and asks instead of being sent feedback."""
    link.send(Message("/set_surface", (0, STRIP_TYPES, PLAIN_REPLIES, 0)))


def read_strips(link: Link) -> tuple[ArdourStrip, ...]:
    """Ask for the strips of the session with their plug-ins, in the mixer's order.

    Raises:
        DeskError: Ardour does not answer.
    """
    introduce(link)
    return tuple(_with_plugins(link, strip) for strip in _listed(link))


def _listed(link: Link) -> list[ArdourStrip]:
    """The strips without their plug-ins; asked for until a list has nothing new, since rows may get lost.

    Rows may come twice and after the end of their list; numbers have no gaps.
    """
    strips: dict[int, ArdourStrip] = {}
    for _ in range(ATTEMPTS):
        messages = ask(link, [Message(STRIP_LIST)], _has_end, wait_s=ANSWER_WAIT_S, quiet_s=0.04)
        rows = {strip.number: strip for strip in map(_row, messages) if strip is not None}
        has_news = any(strips.get(number) != strip for number, strip in rows.items())
        strips.update(rows)
        if strips and not has_news and len(strips) == max(strips):
            return [strips[number] for number in sorted(strips)]
    raise link.silence()


def _has_end(messages: Sequence[Message]) -> bool:
    return LIST_END in messages[-1].args[:1]


def _row(message: Message) -> ArdourStrip | None:
    """One line of `/strip/list`: kind, name, inputs, outputs, mute, solo, number, and for tracks the record arm."""
    if message.address not in {"/reply", "#reply"}:
        return None
    match message.args:
        case (str() as kind, str() as name, int() as inputs, int(), int(), int(), int() as number, *_) if number > 0:
            return ArdourStrip(number, name, kind, inputs)
        case _:
            return None


def read_sends(link: Link, strips: Iterable[ArdourStrip]) -> tuple[ArdourStrip, ...]:
    """Ask where the sends of strips go.

    Raises:
        DeskError: Ardour does not answer.
    """
    return tuple(_with_sends(link, strip) for strip in strips)


def _with_plugins(link: Link, strip: ArdourStrip) -> ArdourStrip:
    if strip.kind not in _WITH_PLUGINS:
        return strip
    plugins = tuple(str(name) for name in _answer(link, PLUGIN_LIST, strip)[2::3])
    return replace(strip, plugins=plugins)


def _with_sends(link: Link, strip: ArdourStrip) -> ArdourStrip:
    if strip.kind not in _WITH_SENDS:
        return strip
    targets = _answer(link, SENDS, strip)[1::SEND_LENGTH]
    return replace(strip, sends=tuple(target if isinstance(target, int) else 0 for target in targets))


def _answer(link: Link, address: str, strip: ArdourStrip) -> tuple[Argument, ...]:
    """Ask something about a strip, whose number comes first in the answer."""

    def answers(messages: Iterable[Message]) -> list[Message]:
        return [item for item in messages if (item.address, *item.args[:1]) == (address, strip.number)]

    messages = ask(link, [Message(address, (strip.number,))], lambda got: bool(answers(got[-1:])), wait_s=ANSWER_WAIT_S)
    return answers(messages)[-1].args
