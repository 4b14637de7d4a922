"""The text of a REAPER project as a tree of blocks, line by line, and changes to it that leave every other byte alone.

A project is lines; `<NAME ...` opens a block and `>` closes it. Lines are kept as the bytes they are, so what is not
touched stays as it is: line endings, quotes, digits, encodings. What the lines mean is told in :mod:`.reading`. Nothing
here recurses, and what is too large is refused before it is split.

The library `reaper-parser` (0.1.0a1) was tried and not taken: it bounds nothing, refuses a line with one quote in a
script, and recurses while it writes.
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

from ....presets.errors import SessionError
from ....presets.inputs import open_regular

LARGEST_FILE = 64 * 2**20
MOST_LINES = 3_000_000
MOST_DEPTH = 64
LONGEST_LINE = 8 * 2**20
_LARGEST_NUMBER = 1e15
_BOM = b"\xef\xbb\xbf"
# A value is in the quotes that it does not contain itself; there are no escapes.
_WORD = re.compile(r"\"([^\"]*)\"?|'([^']*)'?|`([^`]*)`?|(\S+)")


@dataclass(slots=True)
class Block:
    """A block.

    Attributes:
        tag: the word behind its "<".
        first: number of its opening line, from 0.
        last: number of its ">".
        children: in order: blocks, and numbers of lines.
    """

    tag: str
    first: int
    last: int = -1
    children: list[Block | int] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class RppLine:
    """The words of a line, without their quotes; the first is its key.

    Attributes:
        path: of the project, for messages.
        line: its number, from 0.
        words: at least one.
    """

    path: Path
    line: int
    words: tuple[str, ...]

    @property
    def key(self) -> str:
        """The first word."""
        return self.words[0]

    def text(self, index: int, default: str = "") -> str:
        """Return a word, counted from the key, which is 0."""
        return self.words[index] if index < len(self.words) else default

    def number(self, index: int, default: float = 0.0) -> float:
        """Return a word as a number; the default where the line is too short.

        Raises:
            SessionError: it is none, or not finite.
        """
        if index >= len(self.words):
            return default
        word = self.words[index]
        try:
            value = float(word)
        except ValueError:
            value = math.nan
        if not abs(value) < _LARGEST_NUMBER:
            raise SessionError(f"{self.path}, line {self.line + 1}: {self.key} has {word[:40]!r}, which is no number.")
        return value

    def whole(self, index: int, default: int = 0) -> int:
        """Return the same as a whole number, cut off."""
        return int(self.number(index, default))


@dataclass(frozen=True)
class Edit:
    """Lines `start` to before `stop` become `lines`; where both are the same, they go in front of that line."""

    start: int
    stop: int
    lines: Sequence[bytes]


@dataclass(frozen=True)
class ReaperDocument:
    """A project's text.

    Attributes:
        path: its file, for messages.
        lines: without the line feed; a carriage return belongs to the line.
        root: the block REAPER_PROJECT.
        older_versions: how many others the file had, as backups do; the lines are those of the newest.
    """

    path: Path
    lines: list[bytes]
    root: Block
    older_versions: int = 0

    @property
    def line_end(self) -> bytes:
        """What a new line needs at its end to look like the others."""
        return b"\r" if self.lines[self.root.first].endswith(b"\r") else b""

    @property
    def platform(self) -> str:
        """What REAPER ran on when it wrote the project: "windows", "macos" or "linux"."""
        version = self.row(self.root.first).text(2).lower()
        if "linux" in version:
            return "linux"
        return "macos" if "mac" in version or "osx" in version else "windows"

    def row(self, line: int) -> RppLine:
        """Split the words of a line; a block's tag is without its "<"."""
        text = decoded(self.lines[line].removeprefix(_BOM)).strip().removeprefix("<")
        words = tuple(next(filter(None, match.groups()), "") for match in _WORD.finditer(text))
        return RppLine(self.path, line, words or ("",))

    def key(self, line: int) -> str:
        """Return the first word of a line."""
        parts = self.lines[line].split(None, 1)
        return decoded(parts[0]) if parts else ""

    def rows(self, block: Block, keys: Collection[str]) -> Iterator[RppLine]:
        """List those of a block's own lines that begin with one of these keys."""
        for child in block.children:
            if isinstance(child, int) and self.key(child) in keys:
                yield self.row(child)

    def find(self, block: Block, key: str) -> RppLine | None:
        """Find the first of a block's own lines with this key."""
        return next(self.rows(block, (key,)), None)

    def changed(self, edits: Iterable[Edit]) -> bytes:
        """Make the file's bytes with some lines replaced; edits at the same place stay in their order."""
        result: list[bytes] = []
        place = 0
        for edit in sorted(edits, key=lambda edit: (edit.start, edit.stop)):
            if edit.start < place:
                raise ValueError(f"two changes of line {edit.start}")
            result.extend(self.lines[place : edit.start])
            result.extend(edit.lines)
            place = edit.stop
        result.extend(self.lines[place:])
        return b"\n".join(result)


def blocks(block: Block, *tags: str) -> Iterator[Block]:
    """List those of a block's own blocks that have one of these tags; all without any."""
    for child in block.children:
        if isinstance(child, Block) and (not tags or child.tag in tags):
            yield child


def block_text(document: ReaperDocument, owner: Block, tag: str | None = None) -> str:
    """Read the text of a block in which REAPER keeps what no quotes can hold, a line behind each "|".

    Args:
        document: the project.
        owner: the block, or that which has it among its own.
        tag: of the block, if that is among the owner's; "" is given if there is none.
    """
    block = owner if tag is None else next(blocks(owner, tag), None)
    if block is None:
        return ""
    lines = (decoded(line).strip() for line in document.lines[block.first + 1 : block.last])
    return " ".join(line.removeprefix("|") for line in lines)


def load(path: Path) -> ReaperDocument:
    """Read the tree of a project's file.

    Raises:
        SessionError: it cannot be read, is too large, or is no REAPER project.
    """
    try:
        with open_regular(path) as file:
            data = file.read(LARGEST_FILE + 1)
    except (OSError, ValueError) as error:
        raise SessionError(f"{path} cannot be read: {getattr(error, 'strerror', None) or error}.") from error
    return parse(data, path)


def parse(data: bytes, path: Path) -> ReaperDocument:
    """Parse the tree of a project.

    Args:
        data: what its file holds.
        path: for messages.

    Raises:
        SessionError: it is too large, or is no REAPER project.
    """
    if len(data) > LARGEST_FILE:
        raise SessionError(f"{path} is larger than {LARGEST_FILE // 2**20} MiB, which is no session that can be read.")
    if data.count(b"\n") >= MOST_LINES:
        raise SessionError(f"{path} has more than {MOST_LINES} lines, which is no session that can be read.")
    lines = data.split(b"\n")
    if max(map(len, lines)) > LONGEST_LINE:
        raise SessionError(f"{path} has a line of more than {LONGEST_LINE // 2**20} MiB: it is damaged.")
    versions = list(_versions(lines))
    # Later in the file is newer where two were saved in the same second, or an old REAPER wrote no time.
    newest = max(range(len(versions)), key=lambda number: (_saved_at(lines[versions[number].start]), number))
    chosen = lines[versions[newest].start : versions[newest].stop]
    return ReaperDocument(path, chosen, _tree(chosen, path), len(versions) - 1)


def decoded(raw: bytes) -> str:
    """Decode text as REAPER writes it: UTF-8, in old projects that of Windows."""
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("cp1252", "replace")


def _versions(lines: Sequence[bytes]) -> Iterator[range]:
    """List the lines of each project in a file: a backup has several, one behind the other."""
    starts = [number for number, line in enumerate(lines) if _opens_project(line, first=number == 0)]
    starts = [0, *starts[1:]] if starts else [0]
    yield from (range(*pair) for pair in pairwise([*starts, len(lines)]))


def _opens_project(line: bytes, *, first: bool) -> bool:
    # Not indented, so that a project in the notes of a project is none.
    return (line.removeprefix(_BOM) if first else line).startswith(b"<REAPER_PROJECT")


def _saved_at(line: bytes) -> float:
    """Tell when a project was saved, in seconds: the last word of its first line."""
    words = line.split()
    try:
        return float(words[-1]) if len(words) >= 4 else 0.0
    except ValueError:
        return 0.0


def _tree(lines: Sequence[bytes], path: Path) -> Block:
    open_blocks: list[Block] = []
    for number, line in enumerate(lines):
        text = line.strip()
        if not open_blocks:
            text = text.removeprefix(_BOM)
            if text and not text.startswith(b"<REAPER_PROJECT"):
                break
        if text == b">" and open_blocks:
            closed = open_blocks.pop()
            closed.last = number
            if not open_blocks:
                return closed
        elif text.startswith(b"<"):
            block = Block(decoded((text[1:].split(None, 1) or [b""])[0]), number)
            if open_blocks:
                open_blocks[-1].children.append(block)
            open_blocks.append(block)
            if len(open_blocks) > MOST_DEPTH:
                raise SessionError(f"{path}, line {number + 1}: blocks lie more than {MOST_DEPTH} deep: it is damaged.")
        elif text:
            open_blocks[-1].children.append(number)
    if not open_blocks:
        raise SessionError(f"{path} is no REAPER project: it does not begin with <REAPER_PROJECT.")
    block = open_blocks[-1]
    raise SessionError(
        f"{path} ends before its block <{block.tag[:40]}, opened in line {block.first + 1}, is closed: it is cut off."
    )
