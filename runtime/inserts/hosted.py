"""A strange model in a process of its own: it may crash, hang or ask for memory without end, and only it ends."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from typing import Final

import numpy as np

from ...presets.errors import InsertError
from ..audio.reading import Samples
from ..isolated.process import IsolatedFault, IsolatedProcess
from .host import BLOCK, HEADER, TERMS, block_message
from .terms import InsertTerms

_MEMORY_BYTES: Final = 16 * 2**30
_LONGEST_TEXT: Final = 65_536
_MOST_FRAMES: Final = 2**30
# Each thread of a library takes address space before it does anything.
_ENVIRONMENT: Final = {"MALLOC_ARENA_MAX": "2"}
_OPENING_S: Final = 120.0


class HostedModel:
    """A model that another process runs.

    Args:
        module: what the process runs, which serves by :mod:`.host`.
        settings: of the model, for that.
        name: of the insert, for errors.
        timeout_s: for each block.
        terms: makes the terms of what the process says.

    Raises:
        InsertError: it cannot be opened.
    """

    def __init__(
        self,
        module: str,
        settings: Mapping[str, object],
        name: str,
        timeout_s: float,
        terms: Callable[[Mapping[str, int | None]], InsertTerms],
    ):
        self._name, self._timeout_s = name, timeout_s
        told = json.dumps({**settings, "memory_bytes": _MEMORY_BYTES})
        self._process = IsolatedProcess([sys.executable, "-P", "-m", module, told], _ENVIRONMENT)
        try:
            self.terms = terms(json.loads(self._asked(b"", TERMS, max(_OPENING_S, timeout_s))))
        except BaseException:
            self.close()
            raise

    def process(self, block: Samples) -> Samples:
        """The next samples, shape (channels, n)."""
        answer = self._asked(block_message(block), BLOCK, self._timeout_s)
        return np.frombuffer(answer, "<f4").reshape(self._shape)

    def close(self) -> None:
        """Ends the process, whatever it does."""
        self._process.close()

    def _asked(self, message: bytes, kind: bytes, limit_s: float) -> bytes:
        try:
            with self._process.within(limit_s):
                try:
                    self._process.send(message)
                except IsolatedFault:  # it may have said why before it ended
                    self._answer(kind)
                    raise
                return self._answer(kind)
        except IsolatedFault as fault:
            more = " `timeout_s` of the insert gives it more." if fault.kind == "hung" else ""
            raise InsertError(f"{self._name} {fault.with_last_words}{more}") from fault

    def _answer(self, kind: bytes) -> bytes:
        said, first, second = HEADER.unpack(self._process.receive(HEADER.size))
        size = 4 * first * second if said == BLOCK else first
        if (said == BLOCK and second > _MOST_FRAMES) or (said != BLOCK and size > _LONGEST_TEXT):
            raise InsertError(f"{self._name} answered with what is no sound.")
        data = self._process.receive(size)
        if said != kind:
            raise InsertError(f"{self._name} failed: {data.decode('utf-8', 'replace')}")
        self._shape = (first, second)
        return data
