"""Questions whose answers are no settings: who a desk is, which strips it has; repeated until they are answered.

This is the one way in which such questions are retried, for all dialects; settings are `pipeline.py`'s. Answers may be
lost, doubled or late: what arrives in all attempts is collected, and the caller says when it has all it needs.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Final, TypeVar

from .link import Link
from .packets import Message

Asked = TypeVar("Asked", bound=Hashable)

# With three of ten datagrams lost in both directions, one question in 300,000 fails in so many attempts. A desk that
# is not there is given up after about eight seconds.
ATTEMPTS: Final = 19
_FIRST_WAIT_S: Final = 0.15
_MOST_WAIT_S: Final = 0.5
# After what completes an answer, for parts of it that were overtaken.
_QUIET_S: Final = 0.04
# Messages that are taken in one attempt, should a desk never stop talking.
_MOST_MESSAGES: Final = 20_000


def ask(
    link: Link,
    questions: Sequence[Message],
    is_complete: Callable[[Sequence[Message]], bool],
    *,
    first: Sequence[Message] = (),
    wait_s: float = _FIRST_WAIT_S,
    quiet_s: float = 0.0,
) -> list[Message]:
    """Collect what arrives after some questions until it is complete.

    Args:
        link: to the desk.
        questions: sent one after the other; all of them again in each attempt.
        is_complete: told all that arrived so far, the latest last.
        first: sent once before them, since saying it twice would mean something else.
        wait_s: how long the first attempt waits for the next message; the later ones wait longer.
        quiet_s: how long to listen on after that, until nothing more comes.

    Raises:
        DeskError: it never was complete, or the connection failed.
    """
    while link.receive(0) is not None:
        pass  # answers to something else
    for message in first:
        link.send(message)
    collected: list[Message] = []
    for _ in range(ATTEMPTS):
        for question in questions:
            link.send(question)
        if _listen(link, collected, is_complete, wait_s):
            if quiet_s:
                _listen(link, collected, lambda _messages: False, quiet_s)
            return collected
        wait_s = min(wait_s * 1.5, max(wait_s, _MOST_WAIT_S))
    raise link.silence()


def ask_each(
    link: Link, questions: Mapping[Asked, Message], told_by: Callable[[Message], Asked | None], *, wait_s: float
) -> dict[Asked, Message]:
    """Ask several things at once; gives the answer to each.

    Args:
        link: to the desk.
        questions: by what they ask for; may be none.
        told_by: what a message answers; None for any other.
        wait_s: as for :func:`ask`.

    Raises:
        DeskError: not all were answered, or the connection failed.
    """
    told: dict[Asked, Message] = {}

    def is_complete(messages: Sequence[Message]) -> bool:
        asked = told_by(messages[-1])
        if asked is not None and asked in questions:
            told[asked] = messages[-1]
        return len(told) == len(questions)

    if questions:
        ask(link, list(questions.values()), is_complete, wait_s=wait_s)
    return told


def listen_until_quiet(link: Link) -> list[Message]:
    """Collect what still arrives, until nothing has come for a moment."""
    collected: list[Message] = []
    _listen(link, collected, lambda _messages: False, _QUIET_S)
    return collected


def _listen(
    link: Link, collected: list[Message], is_complete: Callable[[Sequence[Message]], bool], wait_s: float
) -> bool:
    """Whether it came to be complete before nothing arrived for so long."""
    deadline = time.monotonic() + 10 * wait_s
    for _ in range(_MOST_MESSAGES):
        message = link.receive(wait_s)
        if message is None or time.monotonic() > deadline:
            return False
        collected.append(message)
        if is_complete(collected):
            return True
    return False
