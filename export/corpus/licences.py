"""Which licence a file of a Debian package is under, and whether the corpus may have it.

Read from the package's copyright file in Debian's machine-readable form: paragraphs with Files, Copyright and License,
of which the last that matches a file rules. Where a file is offered under either of several licences, one of them that
is permissive is chosen. Nothing that is GPL, ShareAlike or NonCommercial goes in, and nothing that states no licence.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ...presets.errors import AudioError

# As Debian writes them, and their SPDX names.
_PERMISSIVE: Mapping[str, str] = {
    "bsd-2-clause": "BSD-2-Clause",
    "bsd-3-clause": "BSD-3-Clause",
    "cc-by-3": "CC-BY-3.0",
    "cc-by-3.0": "CC-BY-3.0",
    "cc-by-4": "CC-BY-4.0",
    "cc-by-4.0": "CC-BY-4.0",
    "cc0": "CC0-1.0",
    "cc0-1.0": "CC0-1.0",
    "expat": "MIT",
    "mit": "MIT",
    "pd": "public-domain",
    "public-domain": "public-domain",
}
# For material that is judged with but never trained on.
ARTISTIC = {"artistic-2": "Artistic-2.0", "artistic-2.0": "Artistic-2.0"}
_FIELD = re.compile(r"^(?P<name>[A-Za-z-]+):(?P<first>.*)$")


@dataclass(frozen=True)
class Terms:
    """The terms of some files.

    Attributes:
        patterns: of paths in the source package; `*` matches slashes, too.
        makers: the copyright holders.
        stated: the licence, as Debian writes it.
    """

    patterns: tuple[str, ...]
    makers: tuple[str, ...]
    stated: str


def read_terms(file: Path) -> list[Terms]:
    """Reads the paragraphs about files in a machine-readable copyright file, in its order.

    Raises:
        AudioError: the file is missing, or states no terms in that form.
    """
    try:
        text = file.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise AudioError(f"{file}: cannot be read ({error.strerror}); unpack its package anew.") from error
    paragraphs = []
    for paragraph in re.split(r"\n[ \t]*\n", text):
        fields = _fields(paragraph)
        if "files" in fields and "license" in fields:
            stated = fields["license"][0]
            paragraphs.append(
                Terms(_patterns(fields["files"]), tuple(filter(None, fields.get("copyright", []))), stated)
            )
    if not paragraphs:
        raise AudioError(f"{file}: states no licence by file; use the package of Debian 12.")
    return paragraphs


def terms_of(path: str, terms: Sequence[Terms]) -> Terms | None:
    """Finds the terms of a file, by its path in the source package; None if none match."""
    fitting = [one for one in terms if any(_matches(path, pattern) for pattern in one.patterns)]
    return fitting[-1] if fitting else None


def permissive(stated: str, also: Mapping[str, str] | None = None) -> str | None:
    """Gives the SPDX name of the licence that a file may be used under; None if it may not.

    Args:
        stated: as Debian writes it; "or" offers a choice, "and" does not.
        also: further licences that will do, by their lower-case name.
    """
    known = {**_PERMISSIVE, **(also or {})}
    for choice in re.split(r",?\s+or\s+", stated.strip().lower()):
        names = [known.get(part.strip()) for part in re.split(r",?\s+and\s+", choice)]
        if all(names):
            return " AND ".join(dict.fromkeys(filter(None, names)))
    return None


def _fields(paragraph: str) -> dict[str, list[str]]:
    """Splits a paragraph into the lines of each field, by its lower-case name."""
    fields: dict[str, list[str]] = {}
    lines: list[str] = []
    for line in paragraph.splitlines():
        if match := _FIELD.match(line):
            lines = fields.setdefault(match["name"].lower(), [])
            lines.append(match["first"].strip())
        elif line[:1] in (" ", "\t"):
            lines.append(line.strip())
    return fields


def _patterns(lines: Sequence[str]) -> tuple[str, ...]:
    return tuple(word.removeprefix("./") for line in lines for word in line.split())


def _matches(path: str, pattern: str) -> bool:
    """Matches Debian's patterns: `*` and `?` match anything, a backslash takes the next character as it is."""
    parts = re.findall(r"\\.|.", pattern)
    made = "".join(".*" if p == "*" else "." if p == "?" else re.escape(p[-1]) for p in parts)
    return re.fullmatch(made, path, re.DOTALL) is not None
