"""Desks that take values and tell nothing."""

from __future__ import annotations

from collections.abc import Sequence

from ...desks.profile import Setting
from ..packets import Message
from .base import Answer, PlainDialect


class Blind(PlainDialect):
    """REAPER's pattern file and programs of one's own: they take values and say nothing."""

    def answer(self, message: Message, asked: Sequence[Setting]) -> Answer | None:
        """Find nothing."""
        return None
