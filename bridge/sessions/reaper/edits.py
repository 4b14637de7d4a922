"""Changes to the text of a REAPER project, collected: other words in lines, and lines that come or go."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from .rpp import Block, Edit, ReaperDocument, RppLine


class ProjectEdits:
    """Collects the changes of one project.

    Args:
        document: the project; it is not changed.
    """

    def __init__(self, document: ReaperDocument):
        self.document = document
        self._inserted: list[Edit] = []
        # Lines that are changed, once or more.
        self._changed: dict[int, bytes] = {}

    def result(self) -> bytes:
        """Make the project with all changes."""
        lines = (Edit(line, line + 1, [text]) for line, text in self._changed.items())
        return self.document.changed([*self._inserted, *lines])

    def set(self, block: Block, key: str, words: Mapping[int, str], new: str) -> None:
        """Set words of a line and keep the rest of it; where there is none, make one.

        Args:
            block: whose line.
            key: its first word.
            words: by their place behind the key, which is 0.
            new: the words of a new line.
        """
        row = self.document.find(block, key)
        if row is None:
            line = f"{key} {new.format(*words.values())}"
            self.insert(block.first + 1, [line], self.inside(block))
            return
        self.change(row, words)

    def change(self, row: RppLine, words: Mapping[int, str]) -> None:
        """Set words of a line and keep the rest of it."""
        line = self._changed.get(row.line, self.document.lines[row.line])
        ending = line[len(line.rstrip()) :]
        pieces = re.split(rb"(\s+)", line.rstrip())
        # A line begins with white space: its words are every second piece behind that.
        offset = 0 if pieces[0] else 2
        for index, word in words.items():
            at = offset + 2 * index
            while len(pieces) <= at:
                pieces += [b" ", b"-1"]
            pieces[at] = word.encode("ascii")
        self._changed[row.line] = b"".join(pieces) + ending

    def insert(self, before: int, lines: Sequence[str], indent: bytes) -> None:
        """Put lines in front of one."""
        self._inserted.append(Edit(before, before, self._lines(lines, indent)))

    def replace(self, first: int, stop: int, lines: Sequence[str], indent: bytes) -> None:
        """Put lines in place of others."""
        self._inserted.append(Edit(first, stop, self._lines(lines, indent)))

    def inside(self, block: Block) -> bytes:
        """Tell how far the lines in a block are indented."""
        line = self.document.lines[block.first]
        return line[: len(line) - len(line.lstrip())] + b"  "

    def _lines(self, lines: Sequence[str], indent: bytes) -> list[bytes]:
        return [indent + line.encode("utf-8", "surrogateescape") + self.document.line_end for line in lines]


def digits(value: float) -> str:
    """Write a number as REAPER does."""
    return f"{value + 0.0:.14g}"
