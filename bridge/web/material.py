"""What the page works on: stems, a reference, and the loop of them that is played.

A loop is read once and stays in memory at one rate; another place or another stem reads it anew.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Final

from ...presets.errors import AudioError
from ...runtime.audio.reading import AudioInfo, Samples, probe, read_passage
from ...runtime.model.excerpts import choose_start_s

LOOP_RANGE_S: Final = (2.0, 30.0)
# Weighed against each other by one control.
MOST_REFERENCES: Final = 2
_SHARES: Final = (0.01, 0.99)
_USUAL_LOOP_S: Final = 10.0


@dataclass(frozen=True)
class Loop:
    """The part of a song that is played over and over.

    Attributes:
        start_s: where it begins in the stems.
        length_s: how long it is.
    """

    start_s: float
    length_s: float


@dataclass(frozen=True)
class Heard:
    """A loop in memory.

    Attributes:
        loop: which.
        sample_rate_hz: of all.
        stems: samples of shape (1 or 2, n) by track name, all equally long.
    """

    loop: Loop
    sample_rate_hz: int
    stems: Mapping[str, Samples]


@dataclass(frozen=True)
class PageReference:
    """A finished song that the mix goes after.

    Attributes:
        path: of the file.
        name: what people know it by.
        weight: against the others.
    """

    path: Path
    name: str
    weight: float = 1.0


@dataclass(frozen=True)
class PageMaterial:
    """Files to work on.

    Attributes:
        stems: by track name.
        references: finished songs; two at most can be weighed on the page.
        place: what is played; None takes the fullest part.
    """

    stems: Mapping[str, Path]
    references: tuple[PageReference, ...] = ()
    place: Loop | None = None

    @cached_property
    def sample_rate_hz(self) -> int:
        """That of most stems, the higher one of equally many; 0 without stems."""
        rates = [info.sample_rate_hz for info in self._infos]
        return max(sorted(set(rates), reverse=True), key=rates.count, default=0)

    @cached_property
    def length_s(self) -> float:
        """That of the longest stem."""
        return max((info.duration_s for info in self._infos), default=0.0)

    @cached_property
    def loop(self) -> Loop:
        """What is played."""
        if self.place is not None:
            return self.place
        length_s = min(_USUAL_LOOP_S, self.length_s)
        try:
            return Loop(choose_start_s(list(self.stems.values()), length_s) if self.stems else 0.0, length_s)
        except AudioError:  # a file that is damaged inside: said where it is heard, and its track can be removed
            return Loop(0.0, length_s)

    @cached_property
    def _infos(self) -> list[AudioInfo]:
        return [probe(path) for path in self.stems.values()]

    def share(self, reference: PageReference) -> float:
        """How much of all references one is, 0..1."""
        return reference.weight / sum(song.weight for song in self.references)

    def of(self, names: Collection[str]) -> PageMaterial:
        """The same with these tracks alone, in their order, as far as there are stems of them."""
        return replace(self, stems={name: self.stems[name] for name in names if name in self.stems})

    def going_after(self, references: tuple[PageReference, ...]) -> PageMaterial:
        """The same with other references; what is known of the stems is not found out again."""
        made = replace(self, references=references)
        for name in ("_infos", "sample_rate_hz", "length_s", "loop"):
            if name in self.__dict__:
                made.__dict__[name] = self.__dict__[name]
        return made

    def sounds_as(self, other: PageMaterial) -> bool:
        """Whether the loop of the stems is that of another, whatever the references are."""
        return dict(self.stems) == dict(other.stems) and self.loop == other.loop

    def loop_at(self, start_s: float, length_s: float) -> Loop:
        """The loop that begins there, brought into the song.

        Raises:
            AudioError: the length is outside 2 to 30 s.
        """
        if not LOOP_RANGE_S[0] <= length_s <= LOOP_RANGE_S[1]:
            raise AudioError(f"a loop of {length_s:g} s: give {LOOP_RANGE_S[0]:g} to {LOOP_RANGE_S[1]:g} s.")
        length_s = min(length_s, self.length_s)
        return Loop(min(max(0.0, start_s), max(0.0, self.length_s - length_s)), length_s)

    def read(self, loop: Loop) -> Heard:
        """Read the loop of all stems.

        Raises:
            AudioError: a file cannot be read any more.
        """
        stems = {
            name: read_passage(path, loop.start_s, loop.length_s, self.sample_rate_hz)
            for name, path in self.stems.items()
        }
        return Heard(loop, self.sample_rate_hz, stems)


def with_reference(material: PageMaterial, reference: PageReference) -> PageMaterial:
    """Add a song that the mix goes after; all count alike from here on.

    Raises:
        AudioError: there are enough.
    """
    known = material.references
    if len(known) >= MOST_REFERENCES:
        raise AudioError(f"{len(known)} references are there: remove one first.")
    return replace(material, references=tuple(replace(song, weight=1.0) for song in (*known, reference)))


def without_reference(material: PageMaterial, index: int) -> PageMaterial:
    """Remove a song that the mix goes after.

    Raises:
        AudioError: there is none of this number.
    """
    known = material.references
    if not 0 <= index < len(known):
        raise AudioError(f"there is no reference {index + 1}.")
    return replace(material, references=known[:index] + known[index + 1 :])


def weighed(material: PageMaterial, share: float) -> PageMaterial:
    """Give the second of two references this share, 0.01 to 0.99, and the first the rest.

    Raises:
        AudioError: there are no two.
    """
    if len(material.references) != MOST_REFERENCES:
        raise AudioError(f"to weigh references, {MOST_REFERENCES} are needed.")
    share = min(max(share, _SHARES[0]), _SHARES[1])
    shares = (1 - share, share)
    weighed = tuple(replace(song, weight=part) for song, part in zip(material.references, shares, strict=True))
    return replace(material, references=weighed)
