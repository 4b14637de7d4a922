"""XML from anywhere, read within bounds, with the place of each element in the file so that the rest can be left alone.

No DTDs, no entities. Knows nothing of what the elements mean, but that their attributes may be numbers.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element, ParseError, TreeBuilder

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import DefusedXMLParser

if TYPE_CHECKING:
    from pyexpat import XMLParserType

MOST_ELEMENTS = 2_000_000
DEEPEST = 200
# Times in seconds or beats beyond this are nonsense, as are values.
_LARGEST = 1e9
_ATTRIBUTE = re.compile(rb"""\s+([^\s=/>]+)\s*=\s*("[^"]*"|'[^']*')""")
_SHOWN = 60


class MalformedError(Exception):
    """What is wrong with the XML, without the name of its file; never leaves the reader or writer."""


@dataclass(frozen=True)
class Span:
    """Where an element stands in the file, in bytes.

    Attributes:
        start: its "<".
        inside: behind its start tag.
        close: its end tag; None if it has none ("<Track/>").
        end: behind it.
    """

    start: int
    inside: int
    close: int | None
    end: int


@dataclass(frozen=True)
class Document:
    """A file of XML.

    Attributes:
        data: its bytes.
        root: its elements.
        places: where each of them begins and, for its end, what the parser said; empty if that was not asked for.
    """

    data: bytes
    root: Element
    places: dict[Element, tuple[int, int]]

    def span(self, element: Element) -> Span:
        """Return where an element stands."""
        start, end = self.places[element]
        inside = _tag_end(self.data, start)
        if self.data[inside - 2 : inside] == b"/>":
            return Span(start, inside, None, inside)
        return Span(start, inside, end, self.data.index(b">", end) + 1)

    def attributes(self, element: Element) -> list[tuple[bytes, int, int]]:
        """List name, begin and end of each attribute in the file, with the space before it."""
        start, _ = self.places[element]
        place = re.compile(rb"<[^\s/>]+").match(self.data, start)
        result = []
        at = place.end() if place else start
        while match := _ATTRIBUTE.match(self.data, at):
            result.append((match[1], match.start(), match.end()))
            at = match.end()
        return result


def parse(data: bytes, *, with_places: bool = False) -> Document:
    """Parse a file; with the places of its elements for whoever changes it.

    Raises:
        MalformedError: it is no XML, has entities, or is deeper or longer than any project.
    """
    builder = _PlacingBuilder() if with_places else _Builder()
    try:
        parser = DefusedXMLParser(target=builder, forbid_dtd=True)
        builder.expat = parser.parser
        parser.feed(data)
        root: Element = parser.close()
    except DefusedXmlException as error:
        raise MalformedError("its XML defines entities or a document type, which no project needs") from error
    except (ParseError, ValueError, LookupError) as error:
        raise MalformedError(f"its XML is damaged ({error})") from error
    return Document(data, root, builder.places)


def number(element: Element, name: str, default: float | None = None) -> float:
    """Read an attribute that is a number.

    Raises:
        MalformedError: it is missing without a default, is none, or beyond all measure.
    """
    text = element.get(name)
    if text is None:
        if default is None:
            raise MalformedError(f"<{element.tag[:_SHOWN]}> has no {name}")
        return default
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not abs(value) <= _LARGEST:
        raise MalformedError(f'<{element.tag[:_SHOWN]} {name}="{text[:_SHOWN]}"> is no usable number')
    return value


def is_true(element: Element | None, name: str, default: bool) -> bool:
    """Read an attribute that is true or false."""
    text = None if element is None else element.get(name)
    # Programs in Python write "True".
    return default if text is None else text.strip().lower() in ("true", "1")


def plain_text(name: str) -> str:
    """Return a name without what XML cannot hold."""
    return "".join(letter if letter.isprintable() else "?" for letter in name)


class _Builder(TreeBuilder):
    """Makes elements, and counts them."""

    def __init__(self) -> None:
        super().__init__()
        self.expat: XMLParserType
        self.places: dict[Element, tuple[int, int]] = {}
        self._depth = self._count = 0

    def start(self, tag: str, attrs: dict[str, str], /) -> Element:
        self._depth += 1
        self._count += 1
        if self._depth > DEEPEST or self._count > MOST_ELEMENTS:
            raise MalformedError("its XML is deeper or longer than any project")
        return super().start(tag, attrs)

    def end(self, tag: str, /) -> Element:
        self._depth -= 1
        return super().end(tag)


class _PlacingBuilder(_Builder):
    """Keeps where the elements are, too."""

    def __init__(self) -> None:
        super().__init__()
        self._starts: list[int] = []

    def start(self, tag: str, attrs: dict[str, str], /) -> Element:
        self._starts.append(self.expat.CurrentByteIndex)
        return super().start(tag, attrs)

    def end(self, tag: str, /) -> Element:
        element = super().end(tag)
        self.places[element] = (self._starts.pop(), self.expat.CurrentByteIndex)
        return element


def _tag_end(data: bytes, start: int) -> int:
    """Find the place behind the ">" of the start tag at `start`; one within quotes does not count."""
    at = start
    quote = b""
    while True:
        letter = data[at : at + 1]
        at += 1
        if quote:
            quote = b"" if letter == quote else quote
        elif letter in (b'"', b"'"):
            quote = letter
        elif letter in (b">", b""):
            return at
