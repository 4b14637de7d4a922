"""A link to a desk and the dialect that is spoken on it: what everything that reads or sets a desk is given."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from ..desks.profile import Desk
from .dialects.base import Dialect
from .dialects.registry import dialect_for
from .link import Link, Target


class Connection:
    """A link with its dialect; a context manager.

    Attributes:
        link: sends and receives.
    """

    def __init__(self, link: Link, dialect: Dialect) -> None:
        self.link = link
        self._dialect = dialect
        self._is_prepared = False

    @property
    def dialect(self) -> Dialect:
        """What is spoken, prepared at the first use.

        Raises:
            DeskError: the preparation failed.
        """
        if not self._is_prepared:
            self._dialect.prepare(self.link)
            self._is_prepared = True
        return self._dialect

    @property
    def is_blind(self) -> bool:
        """Whether the desk cannot be asked, so that nothing about it is ever confirmed."""
        return self.link.transport.is_blind

    @property
    def where(self) -> str:
        """The desk's "host:port", for messages."""
        return self.link.where

    def close(self) -> None:
        """End the connection; closing twice does no harm."""
        self.link.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def connect(target: Target, desk: Desk) -> Connection:
    """Open a connection to a desk.

    Raises:
        DeskError: the host cannot be found or reached, or a port is taken.
    """
    return Connection(Link.open(target, desk.transport), dialect_for(desk))
