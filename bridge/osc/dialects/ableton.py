"""How Ableton Live is asked through the AbletonOSC remote script."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from ...desks.profile import Desk, Setting
from ..asking import ask
from ..link import Link
from ..packets import Message
from .base import Answer, DeskInfo, PlainDialect, answer_of

_TICK_MS: Final = 100.0
_COUNT: Final = "/live/song/get/num_tracks"
_NAMES: Final = "/live/song/get/track_names"


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

    def track_names(self, link: Link, desk: Desk) -> dict[int, str] | None:
        """Ask for all names at once: hundreds of single questions would keep Live busy for a minute.

        Raises:
            DeskError: Live does not answer.
        """
        count = self._count(link)
        if count == 0:
            return {}
        messages = ask(link, [Message(_NAMES)], lambda got: _tells_names(got[-1], count), wait_s=self.reply_ms / 1000)
        first = desk.track.first
        return {first + index: str(name) for index, name in enumerate(messages[-1].args[: desk.track.count])}

    def _count(self, link: Link) -> int:
        messages = ask(link, [Message(_COUNT)], lambda got: _tells_count(got[-1]), wait_s=self.reply_ms / 1000)
        count = messages[-1].args[0]
        return count if isinstance(count, int) else 0

    def greetings(self) -> Sequence[Message]:
        """List the question for its version."""
        return (Message("/live/application/get/version"),)

    def introduction(self, message: Message) -> DeskInfo | None:
        """Read major and minor number."""
        if message.address != "/live/application/get/version":
            return None
        return DeskInfo(model="Ableton Live", firmware=".".join(str(value) for value in message.args))


def _tells_count(message: Message) -> bool:
    return message.address == _COUNT and len(message.args) == 1 and isinstance(message.args[0], int)


def _tells_names(message: Message, count: int) -> bool:
    is_whole = message.address == _NAMES and len(message.args) == count
    return is_whole and all(isinstance(name, str) for name in message.args)


def _getter(address: str) -> str:
    return address.replace("/set/", "/get/", 1)
