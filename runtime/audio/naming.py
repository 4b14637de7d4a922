"""File names for track names."""

from __future__ import annotations

from collections.abc import Iterable

from ...presets.names import free_name

# In bytes of UTF-8: no file system takes more than 255, and endings and numbers need some.
_LONGEST_NAME = 160
_FORBIDDEN = set('<>:"/\\|?*')
_RESERVED = {"con", "prn", "aux", "nul", *(f"{port}{number}" for port in ("com", "lpt") for number in range(1, 10))}


def file_names(names: Iterable[str]) -> list[str]:
    """Makes a file name without ending for each name: close to it, allowed everywhere, and all different."""
    files: list[str] = []
    taken: set[str] = set()
    for name in names:
        plain = "".join("_" if letter in _FORBIDDEN or not letter.isprintable() else letter for letter in name)
        plain = plain.encode()[:_LONGEST_NAME].decode(errors="ignore").strip(" .") or "track"
        if plain.split(".")[0].casefold() in _RESERVED:
            plain = f"_{plain}"
        candidate = free_name(plain, taken, key=str.casefold)
        taken.add(candidate.casefold())
        files.append(candidate)
    return files
