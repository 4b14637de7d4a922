"""How a Behringer WING is asked, which of the three forms of its answers counts, and what a model in a strip takes.

Its gate, compressor and EQ are one of many models each, which have other settings; what another model holds is lost
where a model is selected, and a setting that it has not is not answered. One owner of a console measured (firmware 3.1)
that after such a question nothing more is answered to that port. So models are asked for first.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Final

from ...desks.profile import Desk, Setting
from ..asking import ask_each
from ..link import Link
from ..packets import Message
from .base import Answer, DeskInfo, Missing, PlainDialect, answer_of

_MODEL: Final = "mdl"
_SECTION: Final = re.compile(r"(?P<node>/(?:ch|bus|main)/[0-9]+/(?P<section>gate|dyn|eq))/[a-z0-9]+")
_WORDS: Final = {"gate": "gate", "dyn": "compressor", "eq": "EQ"}
_SWITCHES: Final = ("gate.on", "compressor.on", "eq.on")
_AT_ONCE: Final = 40


class Wing(PlainDialect):
    """Behringer WING: answers a number as text, as 0..1 and as what it is; a choice as text alone.

    A channel is called by its own name or by that of its source: `$name` tells which is shown, and `name` sets its own.

    Args:
        desk: the profile.
    """

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._link: Link | None = None
        self._models: Mapping[str, str] | None = None

    def prepare(self, link: Link) -> None:
        """Keep the link: models are asked for when the first setting of one is."""
        self._link, self._models = link, None

    def query(self, setting: Setting) -> Message:
        """Join address and leading arguments; of a name, ask for the one that is shown."""
        return Message(_asked_at(setting), setting.before)

    def answer(self, message: Message, asked: Sequence[Setting]) -> Answer | None:
        """Find the setting by the address; of three forms the one that the profile sends is taken."""
        for setting in asked:
            if _asked_at(setting) == message.address and message.args:
                return answer_of(setting, message.args[0 if setting.type == "s" else -1])
        return None

    def greetings(self) -> Sequence[Message]:
        """List `/?`."""
        return (Message("/?"),)

    def introduction(self, message: Message) -> DeskInfo | None:
        """Read one text: WING, IP address, name, model, serial number, firmware. Some answer from `/*`."""
        parts = str(message.args[0]).split(",") if message.address in {"/?", "/*"} and message.args else []
        if len(parts) < 6 or parts[0] != "WING":
            return None
        return DeskInfo(model=f"{parts[0]} {parts[3]}", name=parts[2], firmware=parts[5])

    def lacks(self, setting: Setting) -> str:
        """Name the standard model where a section of the strip is another one: it is left alone, or switched off.

        Raises:
            DeskError: the desk does not answer.
        """
        match = _SECTION.fullmatch(setting.address)
        if match is None or (setting.address.endswith("/on") and not setting.value):  # every model has that
            return ""
        node, section = match["node"], match["section"]
        wanted = self._standard.get(node)
        told = self.models.get(node, "")
        return "" if not told or wanted in {None, told} else f"standard {_WORDS[section]} ({wanted}; it has {told})"

    def advice(self, missing: Sequence[Missing]) -> str:
        """Say nothing: the rest is set, and the plan names what is not."""
        return ""

    @property
    def models(self) -> Mapping[str, str]:
        """What each section is, by its node: `/ch/1/dyn` is "COMP" or another one.

        Raises:
            DeskError: the desk does not answer.
        """
        if self._models is None:
            self._models = {} if self._link is None else dict(self._told(self._link, list(self._standard)))
        return self._models

    @cached_property
    def _standard(self) -> Mapping[str, str]:
        """The models that the profile sets, by node."""
        desk = self._desk
        found = {}
        for kind, numbers in (
            ("track", desk.track.numbers),
            ("bus", desk.bus.numbers if desk.bus is not None else ()),
            ("master", (1,)),
        ):
            for number in numbers:
                on = {key: 1.0 for key in _SWITCHES if desk.scale(kind, key) is not None}
                for setting in desk.settings(kind, number, on):
                    node, _, leaf = setting.address.rpartition("/")
                    if leaf == _MODEL:
                        found[node] = str(setting.value)
        return found

    def _told(self, link: Link, nodes: Sequence[str]) -> Iterator[tuple[str, str]]:
        for first in range(0, len(nodes), _AT_ONCE):
            questions = {node: Message(f"{node}/{_MODEL}") for node in nodes[first : first + _AT_ONCE]}
            told = ask_each(link, questions, _node_of, wait_s=self.reply_ms / 1000)
            yield from ((node, str(message.args[0])) for node, message in told.items())


def _node_of(message: Message) -> str | None:
    """Whose model a message tells."""
    node, _, leaf = message.address.rpartition("/")
    return node if leaf == _MODEL and message.args else None


def _asked_at(setting: Setting) -> str:
    if setting.key != "name":
        return setting.address
    strip, _, name = setting.address.rpartition("/")
    return f"{strip}/${name}"
