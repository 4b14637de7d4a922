"""How a Behringer WING is asked, and which of the three forms of its answers counts."""

from __future__ import annotations

from collections.abc import Sequence

from ...desks.profile import Setting
from ..packets import Message
from .base import Answer, DeskInfo, PlainDialect, answer_of


class Wing(PlainDialect):
    """Behringer WING: answers a number as text, as 0..1 and as what it is; a choice as text alone.

    A channel is called by its own name or by that of its source: `$name` tells which is shown, and `name` sets its own.
    """

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
        """Read one text: WING, IP address, name, model, serial number, firmware."""
        parts = str(message.args[0]).split(",") if message.address == "/?" and message.args else []
        if len(parts) < 6:
            return None
        return DeskInfo(model=f"{parts[0]} {parts[3]}", name=parts[2], firmware=parts[5])


def _asked_at(setting: Setting) -> str:
    if setting.key != "name":
        return setting.address
    strip, _, name = setting.address.rpartition("/")
    return f"{strip}/${name}"
