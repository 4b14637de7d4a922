"""How a Behringer X32, X Air or Midas M32 is asked: by an address without a value."""

from __future__ import annotations

from collections.abc import Sequence

from ...desks.profile import Setting
from ..packets import Message
from .base import Answer, DeskInfo, PlainDialect, answer_of


class AskEmpty(PlainDialect):
    """Behringer X32 and X Air, Midas M32: an address without arguments is answered from there with the value."""

    def answer(self, message: Message, asked: Sequence[Setting]) -> Answer | None:
        """Find the setting by the address."""
        for setting in asked:
            if setting.address == message.address and len(message.args) == len(setting.before) + 1:
                return answer_of(setting, message.args[-1])
        return None

    def greetings(self) -> Sequence[Message]:
        """List `/xinfo`, which has the owner's name too, and `/info`, the older one."""
        return (Message("/xinfo"), Message("/info"))

    def introduction(self, message: Message) -> DeskInfo | None:
        """Read the four texts of either."""
        if message.address not in {"/xinfo", "/info"} or len(message.args) != 4:
            return None
        # Before them, /xinfo has the IP address and /info the version of the protocol.
        _, name, model, firmware = (str(value) for value in message.args)
        return DeskInfo(model=model, name=name, firmware=firmware)
