"""Names of tracks: which are free, and how several of the same name are told apart."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable

LONGEST_NAME = 200


def free_name(name: str, taken: Collection[str], longest: int = LONGEST_NAME, key: Callable[[str], str] = str) -> str:
    """Add a number to a name that is taken: "Vox (2)".

    Args:
        name: what is wanted.
        taken: what is in use already.
        longest: characters; a longer name is cut, so that its number fits.
        key: what is compared and stands in `taken`, e.g. `str.casefold`.
    """
    candidate, number = name[:longest], 2
    while key(candidate) in taken:
        ending = f" ({number})"
        candidate, number = name[: longest - len(ending)] + ending, number + 1
    return candidate


def unique_names(names: Iterable[str]) -> list[str]:
    """Make names differ, in their order: one that comes again gets a number; an empty one is "track"."""
    taken: set[str] = set()
    unique = []
    for name in names:
        candidate = free_name(name.strip() or "track", taken)
        taken.add(candidate)
        unique.append(candidate)
    return unique
