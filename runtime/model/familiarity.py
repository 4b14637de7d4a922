"""How far a track or a reference is from what a model has learned from: a warning, never a verdict.

A bundle may carry `familiarity.npz`: for tracks and references, the directions in which the plain statistics in its
embeddings varied in the training data, and how far from their middle held-out data lay. What is further out than
nearly all of that is something the model has to guess at.
"""

from __future__ import annotations

import io
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...presets.errors import ModelError
from .bundle import FAMILIARITY, Bundle

Floats = NDArray[np.float32]

_FIELDS = ("start", "mean", "axes", "rest", "distances")
# What counts as further out than nearly all that was learned from.
_EDGE = 0.99
# As far again beyond the edge, and nothing that was learned helps.
_STRANGE = 2.0


@dataclass(frozen=True)
class Territory:
    """Where the training data lies in the space of the statistics.

    Attributes:
        start: where in an embedding the statistics begin.
        mean: its middle, shape (statistics,).
        axes: its directions, each divided by the spread along it, shape (directions, statistics).
        rest: the usual length of what the directions leave over.
        distances: of held-out data, ascending, at evenly spaced shares from none to all of it.
    """

    start: int
    mean: Floats
    axes: Floats
    rest: float
    distances: Floats

    def distance(self, embedding: Floats) -> float:
        """How far from the middle, in spreads; about 1 for what is usual, infinite for what no float can say.

        Raises:
            ModelError: the embedding is too short to hold these statistics.
        """
        statistics = embedding[self.start : self.start + len(self.mean)]
        if len(statistics) != len(self.mean):
            raise ModelError(f"{FAMILIARITY} belongs to another model: it does not fit embeddings of {len(embedding)}")
        with np.errstate(over="ignore", invalid="ignore"):  # what is too far out for a float is told below
            centred = statistics - self.mean
            along = self.axes @ centred
            # Directions are orthogonal: what they explain is taken off in squares.
            lengths = 1 / np.linalg.norm(self.axes, axis=1)
            left_over = max(float(centred @ centred - ((along * lengths) ** 2).sum()), 0.0) / max(self.rest, 1e-9) ** 2
            distance = float(np.sqrt((along @ along + left_over) / (len(along) + 1)))
        return distance if math.isfinite(distance) else math.inf

    def rank(self, embedding: Floats) -> float:
        """The share of what was learned from that lies nearer, 0 to 1."""
        shares = np.linspace(0, 1, len(self.distances))
        return float(np.interp(self.distance(embedding), self.distances, shares))

    def is_outside(self, embedding: Floats) -> bool:
        """Whether it is further out than nearly all of it."""
        return self.distance(embedding) > self._edge

    def is_strange(self, embedding: Floats) -> bool:
        """Whether it is so far out that the model can only guess."""
        return self.distance(embedding) > _STRANGE * self._edge

    @property
    def _edge(self) -> float:
        return float(np.quantile(self.distances, _EDGE))


@dataclass(frozen=True)
class Familiarity:
    """What a model has learned from.

    Attributes:
        tracks: raw tracks.
        reference: references.
    """

    tracks: Territory
    reference: Territory

    def dumps(self) -> bytes:
        """As `familiarity.npz`."""
        file = io.BytesIO()
        arrays: dict[str, Any] = {
            f"{name}_{field}": np.asarray(getattr(getattr(self, name), field), np.float32)
            for name in ("tracks", "reference")
            for field in _FIELDS
        }
        np.savez_compressed(file, **arrays)
        return file.getvalue()


def load_familiarity(bundle: Bundle) -> Familiarity | None:
    """What a bundle says it has learned from; None where it says nothing.

    Raises:
        ModelError: the file is missing, changed, or not what it should be.
    """
    if FAMILIARITY not in bundle.manifest.sha256:
        return None
    parts = ("tracks", "reference")
    arrays = bundle.read_arrays(FAMILIARITY, [f"{part}_{field}" for part in parts for field in _FIELDS])
    try:
        return Familiarity(*(_territory(arrays, part) for part in parts))
    except ValueError as error:
        raise ModelError(f"{bundle.folder / FAMILIARITY}: cannot be used ({error}); export the model again") from error


def _territory(arrays: Mapping[str, NDArray[np.float32]], name: str) -> Territory:
    start, mean, axes, rest, distances = (arrays[f"{name}_{field}"] for field in _FIELDS)
    if not (
        start.ndim == rest.ndim == 0
        and start >= 0
        and mean.ndim == distances.ndim == 1
        and axes.ndim == 2
        and axes.shape[1] == len(mean) > 0
        and len(distances) > 1
    ):
        raise ValueError(f"the shapes of {name} do not fit together")
    if (np.diff(distances) < 0).any():
        raise ValueError(f"{name} holds numbers that cannot be")
    if not len(axes) or (np.abs(axes).max(axis=1) == 0).any():
        raise ValueError(f"{name} has a direction without length")
    return Territory(int(start), mean, axes, float(rest), distances)
