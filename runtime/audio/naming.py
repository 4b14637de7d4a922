"""File names for track names."""

from __future__ import annotations

from collections.abc import Iterable

from pathvalidate import sanitize_filename

from ...presets.names import free_name

# In bytes of UTF-8: no file system takes more than 255, and endings and numbers need some.
_LONGEST_NAME = 160


def file_names(names: Iterable[str]) -> list[str]:
    """Makes a file name without ending for each name: close to it, allowed everywhere, and all different."""
    files: list[str] = []
    taken: set[str] = set()
    for name in names:
        printable = "".join(letter if letter.isprintable() else "_" for letter in name)
        plain = sanitize_filename(printable.strip(" ."), replacement_text="_", platform="universal")
        plain = plain.encode()[:_LONGEST_NAME].decode(errors="ignore").strip(" .") or "track"
        candidate = free_name(plain, taken, key=str.casefold)
        taken.add(candidate.casefold())
        files.append(candidate)
    return files
