"""Text from files and networks, made safe to show: no control character of a name reaches a terminal or a page.

A terminal obeys escape sequences in whatever is printed, and a mark of direction turns what stands around it. Names of
files, tracks, sessions and models, and messages that hold them, go through :func:`escaped` before they are shown.
Characters of every script stay, joiners of emoji and Persian too.
"""

from __future__ import annotations

import json
import re
from typing import Any

# C0, delete and C1; separators of lines and paragraphs; marks, embeddings and isolates of direction; the byte order
# mark; halves of surrogate pairs, which stand for bytes of file names that are no UTF-8.
_UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")


def escaped(text: str, keep: str = "") -> str:
    r"""Replace control characters by escapes that can be read, such as ``\x1b``; bytes that are no UTF-8 by "?".

    Args:
        text: what is to be shown.
        keep: characters that stay, e.g. the line breaks of a message of several lines.
    """
    return _UNSAFE.sub(lambda match: match[0] if match[0] in keep else _shown(match[0]), text)


def json_text(data: Any, *, indent: int | None = 2) -> str:
    r"""Write JSON that can be printed: control characters stand in it as ``\u001b``, and read back as they were.

    Raises:
        ValueError: a number in it is not finite.
    """
    text = json.dumps(data, indent=indent, ensure_ascii=False, allow_nan=False)
    return _UNSAFE.sub(lambda match: match[0] if match[0] == "\n" else f"\\u{ord(match[0]):04x}", text)


def _shown(letter: str) -> str:
    return "?" if "\ud800" <= letter <= "\udfff" else ascii(letter)[1:-1]
