"""Which dialect a desk speaks, by the word in its profile."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from ...desks.profile import Desk
from .ableton import Ableton
from .ardour import ArdourDialect
from .ask_empty import AskEmpty
from .base import Dialect
from .blind import Blind
from .wing import Wing

_DIALECTS: Final[dict[str, Callable[[Desk], Dialect]]] = {
    "ask_empty": lambda _desk: AskEmpty(),
    "wing": Wing,
    "ableton": Ableton,
    "ardour": ArdourDialect,
    "blind": lambda _desk: Blind(),
}


def dialect_for(desk: Desk) -> Dialect:
    """Make the dialect of a desk, for one connection."""
    return _DIALECTS[desk.transport.dialect](desk)
