"""How Ableton Live is asked through the AbletonOSC remote script."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from ...desks.profile import Setting
from ..packets import Message
from .base import Answer, DeskInfo, PlainDialect, answer_of

_TICK_MS: Final = 100.0


class Ableton(PlainDialect):
    """Ableton Live through AbletonOSC: `/live/../set/..` and `/live/../get/..` with the same leading arguments.

    Live looks at its messages ten times a second; more than one value for a parameter in that time is for nothing.
    """

    reply_ms = 400.0
    repeat_ms = _TICK_MS

    def query(self, setting: Setting) -> Message:
        """Put `get` in the place of `set`."""
        return Message(_getter(setting.address), setting.before)

    def answer(self, message: Message, asked: Sequence[Setting]) -> Answer | None:
        """Find the setting by the leading arguments, which come back before the value."""
        for setting in asked:
            if _getter(setting.address) == message.address and message.args[:-1] == setting.before:
                return answer_of(setting, message.args[-1])
        return None

    def greetings(self) -> Sequence[Message]:
        """List the question for its version."""
        return (Message("/live/application/get/version"),)

    def introduction(self, message: Message) -> DeskInfo | None:
        """Read major and minor number."""
        if message.address != "/live/application/get/version":
            return None
        return DeskInfo(model="Ableton Live", firmware=".".join(str(value) for value in message.args))


def _getter(address: str) -> str:
    return address.replace("/set/", "/get/", 1)
