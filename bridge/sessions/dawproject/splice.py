"""Changes in a file of XML that leave every other byte as it is: attributes set, elements added, replaced, removed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from xml.etree.ElementTree import Element, indent, tostring
from xml.sax.saxutils import quoteattr

from .xml import Document, MalformedError


class Splicer:
    """Collects the changes of one file.

    Args:
        document: the file.

    Raises:
        MalformedError: it is written in an encoding that is not a kind of ASCII.
    """

    def __init__(self, document: Document):
        if b"\0" in document.data:
            raise MalformedError("its project.xml is not in UTF-8")
        self._document = document
        self._edits: list[tuple[int, int, bytes]] = []

    def result(self) -> bytes:
        """Return the file with all changes."""
        data = self._document.data
        parts, at = [], 0
        for start, end, new in sorted(self._edits, key=lambda edit: edit[:2]):
            parts += [data[at:start], new]
            at = max(at, end)
        return b"".join((*parts, data[at:]))

    def set(self, element: Element, values: Mapping[str, str | None]) -> None:
        """Give attributes other values; None takes one away."""
        there = {name.decode("utf-8", "replace"): (start, end) for name, start, end in self._attributes(element)}
        start, _ = self._document.places[element]
        behind = max((end for _, end in there.values()), default=start + 1 + len(self._tag(element)))
        for name, value in values.items():
            text = b"" if value is None else f" {name}={quoteattr(value)}".encode("ascii", "xmlcharrefreplace")
            self._edits.append((*there.get(name, (behind, behind)), text))

    def add(self, parent: Element, children: Sequence[tuple[Element | None, Element]]) -> None:
        """Put new elements into one that is there.

        Args:
            parent: that one.
            children: each with the child of `parent` behind which it stands; None at the beginning.
        """
        span = self._document.span(parent)
        margin = self._margin(parent)
        if span.close is None:
            lines = b"".join(_lines(child, margin + b"  ") for _, child in children)
            end = b"\n" + margin + b"</" + self._tag(parent) + b">"
            self._edits.append((span.inside - 2, span.inside, b">" + lines + end))
            return
        for before, child in children:
            place = span.inside if before is None else self._document.span(before).end
            # Where there are none inside, the end tag may follow at once.
            bare = before is None and not len(parent) and not self._document.data[span.inside : span.close].strip()
            end = b"\n" + margin if bare and span.inside == span.close else b""
            self._edits.append((place, place, _lines(child, margin + b"  ") + end))

    def replace(self, old: Element, new: Sequence[Element]) -> None:
        """Put elements in the place of one; none remove it with the space before it."""
        span = self._document.span(old)
        start = span.start
        while self._document.data[start - 1 : start].isspace():
            start -= 1
        margin = self._margin(old)
        self._edits.append((start, span.end, b"".join(_lines(child, margin) for child in new)))

    def _attributes(self, element: Element) -> list[tuple[bytes, int, int]]:
        return self._document.attributes(element)

    def _tag(self, element: Element) -> bytes:
        """Return an element's name as it is written in the file."""
        return element.tag.encode()

    def _margin(self, element: Element) -> bytes:
        """Return the space in front of an element on its line."""
        start, _ = self._document.places[element]
        line = self._document.data[self._document.data.rfind(b"\n", 0, start) + 1 : start]
        return line if not line.strip() else b""


def _lines(element: Element, margin: bytes) -> bytes:
    """Write an element on lines of its own, each beginning with a margin."""
    indent(element)
    return b"".join(b"\n" + margin + line for line in tostring(element, "us-ascii").strip().split(b"\n"))
