"""What a dialect is: how each kind of desk is asked for a value, and how its answer is told from others.

A dialect turns a setting into the message that sets it and the one that asks for it, recognises answers, and does what
a desk needs before and during a push. It keeps no book of what was sent: losses, retries and comparing are the
business of `exchange.py`.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Protocol

from ...desks.profile import Desk, Setting
from ...desks.scales import WireValue
from ..link import Link
from ..packets import Argument, Message
from ..song import SongPosition

Answer = tuple[Setting, WireValue]


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
    """What the exchange and a push have to know about a kind of desk.

    Attributes:
        reply_ms: what an answer may take before the first one has been timed.
        repeat_ms: least time between two values for the same setting.
        tick_ms: how often the desk looks at its messages, and answers; 0: at once.
    """

    reply_ms: float
    repeat_ms: float
    tick_ms: float

    def prepare(self, link: Link) -> None:
        """Say or learn what comes first; called once on a connection."""

    def set(self, setting: Setting) -> Message:
        """Make the message that gives the setting its value."""

    def query(self, setting: Setting) -> Message:
        """Make the message that asks for it."""

    def topic(self, setting: Setting) -> Hashable:
        """Name what answers to it have in common.

        Of the settings of one topic only the first is asked at a time, and all of them are looked through for its
        answers: so it may be an address whose answers do not say which strip they are about, or a question whose
        answers tell several settings.
        """

    def answer(self, message: Message, asked: Sequence[Setting]) -> Answer | None:
        """Find which of the settings that wait for an answer a message tells, the longest waiting first, if any."""

    def greetings(self) -> Sequence[Message]:
        """List what to ask so that the desk says what it is, the best first; nothing if it cannot."""

    def introduction(self, message: Message) -> DeskInfo | None:
        """Read what it answered to a greeting; None for any other message."""

    def track_names(self, link: Link, desk: Desk) -> dict[int, str] | None:
        """Ask for names by the desk's numbers, where there is a special way; None: ask for the `name` of each strip."""

    def lacks(self, setting: Setting) -> str:
        """Name the plug-in that the setting lies in and its strip does not have; empty: it can be set."""

    def insert_missing(self, link: Link, row: int) -> None:
        """Have the desk insert missing plug-ins with the script in this row, where it can."""

    def advice(self, missing: Sequence[Missing]) -> str:
        """Tell the user what to do about missing plug-ins; nothing where a push goes on without them."""

    def require_settable(self, link: Link, settings: Sequence[Setting]) -> None:
        """Raise a DeskError if the desk would not take these settings; changes nothing."""

    def before_push(self, link: Link, settings: Sequence[Setting], *, to_manual: bool) -> tuple[str, ...]:
        """Make the desk ready for these settings; gives the controls that were switched to manual for it."""

    def before_switching_on(self, link: Link, switches: Sequence[Setting]) -> None:
        """Free what is about to be switched on; called right before."""

    def after_push(self, link: Link) -> None:
        """End what `before_push` began; called however the push ended."""

    def open_song(self, link: Link) -> bool:
        """Make ready to ask where the song is; False where the desk has no song, or does not tell."""

    def song_questions(self) -> Sequence[Message]:
        """List what to ask for that."""

    def song_position(self, message: Message) -> SongPosition | None:
        """Read the answer; None for any other message."""

    def song_problem(self) -> str:
        """Tell why the song cannot be followed any more; empty: it can."""

    def can_write(self, setting: Setting) -> bool:
        """Tell whether the desk can be told to write down what is sent for this setting, as automation."""

    def begin_writing(self, link: Link, settings: Sequence[Setting]) -> None:
        """Have the desk write down what is sent for these from now on, where its song plays."""

    def end_writing(self, link: Link, settings: Sequence[Setting], *, has_written: bool) -> None:
        """Have it play what was written; where nothing was, have it as it was before."""


@dataclass(frozen=True)
class Missing:
    """Plug-ins that a strip lacks.

    Attributes:
        number: of the strip, as the desk counts.
        name: of the strip.
        titles: of the plug-ins.
    """

    number: int
    name: str
    titles: tuple[str, ...]


class PlainDialect:
    """What most desks have in common: an address, leading arguments, the value; nothing to do around a push."""

    reply_ms = 100.0
    repeat_ms = 0.0
    tick_ms = 0.0

    def prepare(self, link: Link) -> None:
        """Do nothing."""

    def set(self, setting: Setting) -> Message:
        """Join address, leading arguments, value."""
        return Message(setting.address, (*setting.before, setting.value))

    def query(self, setting: Setting) -> Message:
        """Join address and leading arguments, without a value."""
        return Message(setting.address, setting.before)

    def topic(self, setting: Setting) -> Hashable:
        """Name the setting itself: an answer says which it tells."""
        return (setting.address, setting.before)

    def greetings(self) -> Sequence[Message]:
        """List nothing."""
        return ()

    def introduction(self, message: Message) -> DeskInfo | None:
        """Read nothing."""
        return None

    def track_names(self, link: Link, desk: Desk) -> dict[int, str] | None:
        """Leave names to be asked for as settings."""
        return None

    def lacks(self, setting: Setting) -> str:
        """Name nothing: all settings are built in."""
        return ""

    def insert_missing(self, link: Link, row: int) -> None:
        """Do nothing."""

    def advice(self, missing: Sequence[Missing]) -> str:
        """Say nothing: nothing is ever missing."""
        return ""

    def require_settable(self, link: Link, settings: Sequence[Setting]) -> None:
        """Accept everything."""

    def before_push(self, link: Link, settings: Sequence[Setting], *, to_manual: bool) -> tuple[str, ...]:
        """Send what the profile has to go first."""
        for opening in link.transport.first if settings else ():
            link.send(Message(opening.address, opening.values))
        return ()

    def before_switching_on(self, link: Link, switches: Sequence[Setting]) -> None:
        """Do nothing."""

    def after_push(self, link: Link) -> None:
        """Do nothing."""

    def open_song(self, link: Link) -> bool:
        """Have no song."""
        return False

    def song_questions(self) -> Sequence[Message]:
        """List nothing."""
        return ()

    def song_position(self, message: Message) -> SongPosition | None:
        """Read nothing."""
        return None

    def song_problem(self) -> str:
        """Tell nothing."""
        return ""

    def can_write(self, setting: Setting) -> bool:
        """Say no: it writes nothing down."""
        return False

    def begin_writing(self, link: Link, settings: Sequence[Setting]) -> None:
        """Do nothing."""

    def end_writing(self, link: Link, settings: Sequence[Setting], *, has_written: bool) -> None:
        """Do nothing."""


def answer_of(setting: Setting, value: Argument) -> Answer | None:
    """Give the value the type that the setting has; None if it is of a kind that no setting has."""
    if isinstance(value, bool):
        value = int(value)
    if not isinstance(value, int | float | str):
        return None
    if setting.type == "f" and isinstance(value, int):
        return setting, float(value)
    return setting, value
