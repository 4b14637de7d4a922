"""What the page works on: stems, a reference, and the loop of them that is played.

A loop is read once and stays in memory at one rate; another place or another stem reads it anew.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

from ...presets.errors import AudioError
from ...runtime.audio.reading import AudioInfo, Samples, probe, read_passage
from ...runtime.model.analysis import choose_start_s

LOOP_RANGE_S: Final = (2.0, 30.0)
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
        reference: as long, or shorter where the song is; None without one.
    """

    loop: Loop
    sample_rate_hz: int
    stems: Mapping[str, Samples]
    reference: Samples | None


@dataclass(frozen=True)
class PageMaterial:
    """Files to work on.

    Attributes:
        stems: by track name.
        reference: a finished song; None without one.
        reference_name: what people know it by.
        place: what is played; None takes the fullest part.
    """

    stems: Mapping[str, Path]
    reference: Path | None = None
    reference_name: str = ""
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
        return Loop(choose_start_s(list(self.stems.values()), length_s) if self.stems else 0.0, length_s)

    @cached_property
    def _infos(self) -> list[AudioInfo]:
        return [probe(path) for path in self.stems.values()]

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
        """Read the loop of all stems, and the fullest part of the reference.

        Raises:
            AudioError: a file cannot be read any more.
        """
        stems = {
            name: read_passage(path, loop.start_s, loop.length_s, self.sample_rate_hz)
            for name, path in self.stems.items()
        }
        reference = None
        if self.reference is not None:
            start_s = choose_start_s([self.reference], loop.length_s)
            reference = read_passage(self.reference, start_s, loop.length_s, self.sample_rate_hz)
        return Heard(loop, self.sample_rate_hz, stems, reference)
