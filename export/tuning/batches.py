"""Batches of passages. Each is drawn from the seed and its number alone, so that a run can go on anywhere."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import IterableDataset

from ..compact.band_console import SessionBatch
from ..compact.bands import BandPowers
from .data import PairPassages

# How often nobody tells a track's role.
_UNTOLD = 0.3


@dataclass(frozen=True)
class PairBatch:
    """Passages of pairs.

    Attributes:
        session: raw tracks at the model's level.
        heard: embeddings of the tracks where they are not trained, shape (batch, tracks, width); None where they are.
        room: of :func:`.console.mix_tracks`.
        wanted: what was made of them, shape (batch, bands, frames).
        targets: settings recovered, by path, of shape (batch, tracks).
    """

    session: SessionBatch
    heard: Tensor | None
    room: Tensor
    wanted: BandPowers
    targets: dict[str, Tensor]


def batch_of(
    chosen: Sequence[tuple[PairPassages, int]], heard: Sequence[Tensor] | None, told: np.random.Generator | None = None
) -> PairBatch:
    """Puts passages together.

    Args:
        chosen: pairs, and the number of the passage of each.
        heard: embeddings of the tracks of each, shape (tracks, width); None where they are trained.
        told: draws whether a track's role is told; None tells all.
    """
    tracks = max(len(pair.mono) for pair, _ in chosen)
    present = torch.zeros(len(chosen), tracks, dtype=torch.bool)
    mono = torch.zeros_like(present)
    roles = torch.zeros(len(chosen), tracks, chosen[0][0].roles.shape[-1])
    targets = {path: torch.zeros(len(chosen), tracks) for path in chosen[0][0].targets}
    embeddings = None if heard is None else torch.zeros(len(chosen), tracks, heard[0].shape[-1])
    for row, (pair, passage) in enumerate(chosen):
        there = len(pair.mono)
        present[row, :there] = pair.present[passage]
        mono[row, :there] = pair.mono
        if told is None or told.random() >= _UNTOLD:
            roles[row, :there] = pair.roles
        for path, values in pair.targets.items():
            targets[path][row, :there] = values
        if embeddings is not None and heard is not None:
            embeddings[row, :there] = heard[row]
    # What is not there has settings that a logarithm can take.
    targets = {path: torch.where(present, values, torch.ones(())) for path, values in targets.items()}
    powers = [_cut(pair.raw, passage, pair.present[passage]) for pair, passage in chosen]
    room = torch.cat([pair.room[passage][pair.present[passage]] for pair, passage in chosen])
    wanted = [_cut(pair.mixed, slice(passage, passage + 1), slice(None)) for pair, passage in chosen]
    session = SessionBatch(BandPowers.joined(powers), mono, present, roles)
    return PairBatch(session, embeddings, room, BandPowers.joined(wanted), targets)


def _cut(powers: BandPowers, passage: int | slice, tracks: Tensor | slice) -> BandPowers:
    return powers.map(lambda item: item[passage][tracks])


class PairBatches(IterableDataset[PairBatch]):
    """Endless batches.

    Args:
        pairs: to draw from.
        heard: embeddings of all passages of each, shape (passages, tracks, width); None where they are trained.
        batch_size: passages in each.
        seed: of all that is drawn.
        first: number of the first batch.
    """

    def __init__(
        self,
        pairs: Sequence[PairPassages],
        heard: Sequence[Tensor] | None,
        batch_size: int,
        seed: int,
        first: int = 0,
    ) -> None:
        self.pairs, self.heard, self.batch_size, self.seed, self.first = pairs, heard, batch_size, seed, first

    def __iter__(self) -> Iterator[PairBatch]:
        return (self.batch(number) for number in count(self.first))

    def batch(self, number: int) -> PairBatch:
        """Draws the batch of this number: pairs in turns, so that each is heard as often as the others."""
        numbers = np.random.default_rng([self.seed, number])
        chosen = [self._turn(number * self.batch_size + place) for place in range(self.batch_size)]
        passages = [int(numbers.integers(self.pairs[pair].passages)) for pair in chosen]
        heard = None
        if self.heard is not None:
            heard = [self.heard[pair][passage] for pair, passage in zip(chosen, passages, strict=True)]
        items = [(self.pairs[pair], passage) for pair, passage in zip(chosen, passages, strict=True)]
        return batch_of(items, heard, numbers)

    def _turn(self, place: int) -> int:
        turn, at = divmod(place, len(self.pairs))
        return int(np.random.default_rng([self.seed, turn, 1]).permutation(len(self.pairs))[at])
