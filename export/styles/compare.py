"""Compares ways of making a mixed track of a raw one, on pairs that none of them has seen, by rendered audio."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ...runtime.audio.reading import Samples, as_stereo
from ...runtime.model.bundle import StyleNote, WayMeasured
from ...runtime.prediction.target import FeatureTarget
from ...runtime.styles.settings import RATE_HZ
from ..recovery.explain import at_loudness_of, stft_distance
from .examples import StyleExample, read_at_rate
from .ways import Rendering

Distances = NDArray[np.float64]

PLAINEST: Final = "mean"
_SIDE_FLOOR_DB = 20.0
# What a way is called in a sentence.
_SPOKEN: Final = {
    "mean": "the mean of the settings",
    "neighbour": "the settings of the most alike track",
    "house": "the house style",
    "fine-tuned": "the fine-tuned network",
    "halfway": "halfway between the house style and the network",
}


@dataclass(frozen=True)
class WayDistances:
    """How near a way comes to each held-out pair.

    Attributes:
        distances: STFT distances of the rendered tracks to the mixed ones.
        features: feature distances, likewise.
    """

    distances: Distances
    features: Distances


@dataclass(frozen=True)
class WayComparison:
    """Ways, compared on the same pairs.

    Attributes:
        names: of the pairs.
        raw: STFT distances of the raw tracks at the loudness of the mixed ones.
        raw_features: feature distances of them.
        ways: by name, in the order in which they were given.
    """

    names: Sequence[str]
    raw: Distances
    raw_features: Distances
    ways: Mapping[str, WayDistances]

    def share(self, way: str) -> float:
        """Tell the distance of a way, in parts of that of the raw tracks; the mean of the pairs'."""
        return float((self.ways[way].distances / np.maximum(self.raw, 1e-9)).mean())

    @property
    def best(self) -> str:
        """The way with the smallest mean distance, of the plainest first where they are equal."""
        return min(self.ways, key=lambda way: float(self.ways[way].distances.mean()))

    def better(self, way: str, than: str) -> float:
        """Tell in which share of the pairs one way is nearer than another."""
        return float((self.ways[way].distances < self.ways[than].distances).mean())

    @property
    def why(self) -> str:
        """A sentence on why the best is the best, and how clearly."""
        best = self.best
        said = f"{_spoken(best)} came nearest to {len(self.names)} mixed tracks that it had not seen"
        others = [way for way in self.ways if way != best]
        if not others:
            return f"{said.capitalize()}: {self.share(best):.2f} of the raw tracks' distance."
        runner = min(others, key=lambda way: float(self.ways[way].distances.mean()))
        apart = self.ways[runner].distances - self.ways[best].distances
        error = float(apart.std(ddof=1) / np.sqrt(len(apart))) if len(apart) > 1 else np.inf
        clear = "clearly" if apart.mean() > 2 * error else "not clearly"
        told = ", ".join(f"{_spoken(way)} {self.share(way):.2f}" for way in others)
        return (
            f"{said[:1].upper()}{said[1:]}: {self.share(best):.2f} of the raw tracks' distance ({told}), {clear} "
            "better than the next."
        )

    def note(self, way: str, pairs: int) -> StyleNote:
        """Make what a bundle says of it."""
        measured = tuple(
            WayMeasured(
                name=name,
                distance=round(float(found.distances.mean()), 4),
                share=round(self.share(name), 4),
                better=round(self.better(name, PLAINEST), 3) if PLAINEST in self.ways and name != PLAINEST else None,
            )
            for name, found in self.ways.items()
        )
        return StyleNote(way=way, pairs=pairs, held_out=len(self.names), ways=measured, why=self.why)


def compare(ways: Mapping[str, Rendering], held_out: Sequence[StyleExample]) -> WayComparison:
    """Render held-out pairs by each way, and measure how near the results come to the mixed tracks.

    Args:
        ways: by name, the plainest first.
        held_out: none of which a way may have seen.

    Raises:
        AudioError: a file cannot be used.
    """
    pairs = ((example.name, read_at_rate(example.raw), read_at_rate(example.mixed)) for example in held_out)
    return compare_pairs(ways, list(pairs))


def compare_pairs(ways: Mapping[str, Rendering], pairs: Sequence[tuple[str, Samples, Samples]]) -> WayComparison:
    """Do what :func:`compare` does with pairs in memory: name, raw and mixed track at the rate of styles."""
    raw, raw_features = [], []
    found: dict[str, list[tuple[float, float]]] = {way: [] for way in ways}
    for _, track, mixed in pairs:
        wanted = as_stereo(mixed)[:, : track.shape[1]]
        target = FeatureTarget.of(wanted, RATE_HZ, _SIDE_FLOOR_DB)
        plain = at_loudness_of(track, wanted, RATE_HZ)[:, : wanted.shape[1]]
        raw.append(stft_distance(plain, wanted, RATE_HZ))
        raw_features.append(target.distance(plain).total)
        for way, render in ways.items():
            made = render(track, RATE_HZ)[:, : wanted.shape[1]]
            found[way].append((stft_distance(made, wanted, RATE_HZ), target.distance(made).total))
    return WayComparison(
        [name for name, _, _ in pairs],
        np.array(raw),
        np.array(raw_features),
        {way: WayDistances(*np.array(rows, np.float64).reshape(-1, 2).T) for way, rows in found.items()},
    )


def _spoken(way: str) -> str:
    return _SPOKEN.get(way, f"the way {way}")
