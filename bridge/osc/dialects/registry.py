"""How each kind of desk is asked for a value, and how its answer is told from others.

A dialect turns a setting into the message that sets it and the one that asks for it, and recognises answers. It keeps
no book of what was sent: losses, retries and comparing are the business of `exchange.py`. Ardour's is in `ardour.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from ...desks.profile import Desk, Setting
from ...desks.scales import WireValue
from ..link import Link, Target
from ..packets import Argument, Message

Answer = tuple[Setting, WireValue]
_ABLETON_TICK_MS: Final = 100.0


@dataclass(frozen=True)
class DeskInfo:
    """What a desk says of itself; what it does not say is empty.

    Attributes:
        model: such as "X32" or "Ardour".
        name: that its owner gave it.
        firmware: or the program's version.
    """

    model: str = ""
    name: str = ""
    firmware: str = ""


class Dialect(Protocol):
    """What the exchange has to know about a kind of desk.

    Attributes:
        blind: it cannot be asked: nothing about it is ever confirmed.
        reply_ms: what an answer may take before the first one has been timed.
        repeat_ms: least time between two values for the same setting.
    """

    blind: bool
    reply_ms: float
    repeat_ms: float

    def prepare(self, link: Link) -> None:
        """Whatever has to be said or learnt first; called once on a link."""

    def set(self, setting: Setting) -> Message:
        """The message that gives the setting its value."""

    def query(self, setting: Setting) -> Message:
        """The message that asks for it."""

    def topic(self, setting: Setting) -> Hashable:
        """What answers to it have in common.

        Of the settings of one topic only the first is asked at a time, and all of them are looked through for its
        answers: so it may be an address whose answers do not say which strip they are about, or a question whose
        answers tell several settings.
        """

    def answer(self, message: Message, asked: Sequence[Setting]) -> Answer | None:
        """Which of the settings that wait for an answer a message tells, the longest waiting first; None: no answer."""

    def greetings(self) -> Sequence[Message]:
        """What to ask so that the desk says what it is, the best first; none: it cannot."""

    def introduction(self, message: Message) -> DeskInfo | None:
        """What it answered to a greeting; None: this is something else."""

    def track_names(self, link: Link, desk: Desk) -> dict[int, str] | None:
        """Names by the desk's numbers, where there is a way of its own; None: ask for the `name` of each strip."""


class PlainDialect:
    """What most desks have in common: an address, leading arguments, the value."""

    blind = False
    reply_ms = 100.0
    repeat_ms = 0.0

    def prepare(self, link: Link) -> None:
        """Nothing to do."""

    def set(self, setting: Setting) -> Message:
        """Address, leading arguments, value."""
        return Message(setting.address, (*setting.before, setting.value))

    def query(self, setting: Setting) -> Message:
        """Address and leading arguments, no value."""
        return Message(setting.address, setting.before)

    def topic(self, setting: Setting) -> Hashable:
        """An answer names its setting."""
        return (setting.address, setting.before)

    def greetings(self) -> Sequence[Message]:
        """None."""
        return ()

    def introduction(self, message: Message) -> DeskInfo | None:
        """Never."""
        return None

    def track_names(self, link: Link, desk: Desk) -> dict[int, str] | None:
        """As settings."""
        return None


class AskEmpty(PlainDialect):
    """Behringer X32 and X Air, Midas M32: an address without arguments is answered from there with the value."""

    def answer(self, message: Message, asked: Sequence[Setting]) -> Answer | None:
        """The address says which."""
        for setting in asked:
            if setting.address == message.address and len(message.args) == len(setting.before) + 1:
                return _told(setting, message.args[-1])
        return None

    def greetings(self) -> Sequence[Message]:
        """`/xinfo` has the owner's name for it, too; `/info` is the older one."""
        return (Message("/xinfo"), Message("/info"))

    def introduction(self, message: Message) -> DeskInfo | None:
        """Both answer with four texts."""
        if message.address not in {"/xinfo", "/info"} or len(message.args) != 4:
            return None
        # Before them, /xinfo has the IP address and /info the version of the protocol.
        _, name, model, firmware = (str(value) for value in message.args)
        return DeskInfo(model=model, name=name, firmware=firmware)


class Wing(PlainDialect):
    """Behringer WING: answers a number as text, as 0..1 and as what it is; a choice as text alone."""

    def answer(self, message: Message, asked: Sequence[Setting]) -> Answer | None:
        """The address says which; of three forms the one that the profile sends is taken."""
        for setting in asked:
            if setting.address == message.address and message.args:
                return _told(setting, message.args[0 if setting.type == "s" else -1])
        return None

    def greetings(self) -> Sequence[Message]:
        """`/?`."""
        return (Message("/?"),)

    def introduction(self, message: Message) -> DeskInfo | None:
        """One text: WING, IP address, name, model, serial number, firmware."""
        parts = str(message.args[0]).split(",") if message.address == "/?" and message.args else []
        if len(parts) < 6:
            return None
        return DeskInfo(model=f"{parts[0]} {parts[3]}", name=parts[2], firmware=parts[5])


class Ableton(PlainDialect):
    """Ableton Live through AbletonOSC: `/live/../set/..` and `/live/../get/..` with the same leading arguments.

    Live looks at its messages ten times a second; more than one value for a parameter in that time is for nothing.
    """

    reply_ms = 400.0
    repeat_ms = _ABLETON_TICK_MS

    def query(self, setting: Setting) -> Message:
        """`get` in the place of `set`."""
        return Message(_getter(setting.address), setting.before)

    def answer(self, message: Message, asked: Sequence[Setting]) -> Answer | None:
        """The leading arguments come back before the value."""
        for setting in asked:
            if _getter(setting.address) == message.address and message.args[:-1] == setting.before:
                return _told(setting, message.args[-1])
        return None

    def greetings(self) -> Sequence[Message]:
        """Its version."""
        return (Message("/live/application/get/version"),)

    def introduction(self, message: Message) -> DeskInfo | None:
        """Major and minor number."""
        if message.address != "/live/application/get/version":
            return None
        return DeskInfo(model="Ableton Live", firmware=".".join(str(value) for value in message.args))


class Blind(PlainDialect):
    """REAPER's pattern file and programs of one's own: they take values and say nothing."""

    blind = True

    def answer(self, message: Message, asked: Sequence[Setting]) -> Answer | None:
        """Never."""
        return None


def connect(target: Target, desk: Desk) -> Link:
    """Opens a link to a desk that speaks its dialect; the way to get a link for everything in `exchange.py`.

    Raises:
        DeskError: the host cannot be found or reached, or a port is taken.
    """
    link = Link.open(target, desk.transport)
    link.dialect = _DIALECTS[desk.transport.dialect](desk)
    return link


def dialect_of(link: Link) -> Dialect:
    """What is spoken on a link, prepared at the first call.

    Raises:
        DeskError: the preparation failed.
    """
    if link.dialect is None:
        raise ValueError("this link speaks no dialect yet: open it with mixbridge.bridge.osc.dialects.registry.connect")
    if not link.prepared:
        link.dialect.prepare(link)
        link.prepared = True
    return link.dialect


def _ardour(desk: Desk) -> Dialect:
    from .ardour import ArdourDialect

    return ArdourDialect(desk)


_DIALECTS: Final[dict[str, Callable[[Desk], Dialect]]] = {
    "ask_empty": lambda _desk: AskEmpty(),
    "wing": lambda _desk: Wing(),
    "ableton": lambda _desk: Ableton(),
    "ardour": _ardour,
    "blind": lambda _desk: Blind(),
}


def _getter(address: str) -> str:
    return address.replace("/set/", "/get/", 1)


def _told(setting: Setting, value: Argument) -> Answer | None:
    """The value in the type that the setting has; None if it is of a kind that no setting has."""
    if isinstance(value, bool):
        value = int(value)
    if not isinstance(value, int | float | str):
        return None
    if setting.type == "f" and isinstance(value, int):
        return setting, float(value)
    return setting, value
