"""Hears a session as a model does: every track from its excerpts, the reference from its passages, left as right.

The embeddings of a track's excerpts are pooled by how much of it plays in them. Tracks and reference are heard as they
are and mirrored, and the two answers put together: so a mirrored reference gives mirrored pans, exactly, and a
reference that is nearly the same on both sides has no side on which all turns over.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from ...presets.units import gain_factor
from ..audio.reading import Samples
from ..model.analysis import Passage
from ..model.controller import Controller, Embeddings, Outputs
from ..model.excerpts import Excerpt

Array = NDArray[np.float32]

# Excerpts that hardly play still say a little.
_LEAST_WEIGHT = 0.05
_PAN = "pan"


def decided(
    controller: Controller,
    passage: Passage,
    reference: Samples,
    names: Sequence[str],
    roles: Sequence[Mapping[str, float]] | None = None,
) -> Outputs:
    """What a model decides for tracks of a session.

    Args:
        controller: the model.
        passage: what is heard of the tracks.
        reference: shape (1 or 2, samples), at the model's rate.
        names: tracks that are heard, at least one.
        roles: for each of them, as for :meth:`Controller.predict`.
    """
    straight = controller.decide(embeddings(controller, passage, reference, names), roles)
    mirrored = controller.decide(embeddings(controller, passage, reference, names, mirror=True), roles)
    layout = controller.manifest.layout
    turned = mirrored.tracks.copy()
    for place, output in enumerate(layout.track):
        if output.path == _PAN:
            turned[:, place] = 1 - turned[:, place]
    half = np.float32(0.5)
    return Outputs(half * (straight.tracks + turned), half * (straight.master + mirrored.master))


def embeddings(
    controller: Controller, passage: Passage, reference: Samples, names: Sequence[str], mirror: bool = False
) -> Embeddings:
    """Encode what is heard of these tracks, and the reference; kept by the controller, so free the second time."""
    level_lufs = controller.manifest.track_level_lufs
    excerpts = [passage.excerpts_of(name) for name in names]
    audio = [_turned(_levelled(item, level_lufs), mirror) for track in excerpts for item in track]
    heard = controller.embeddings(audio, _turned(reference, mirror))
    pooled, first = [], 0
    for track in excerpts:
        weights = [max(item.weight, _LEAST_WEIGHT) for item in track]
        found = np.stack(heard.tracks[first : first + len(track)])
        pooled.append(np.average(found, axis=0, weights=weights).astype(np.float32))
        first += len(track)
    return Embeddings(pooled, heard.reference)


def _levelled(excerpt: Excerpt, level_lufs: float) -> Array:
    return excerpt.audio * np.float32(gain_factor(level_lufs - excerpt.loudness_lufs))


def _turned(audio: Samples, mirror: bool) -> Array:
    return np.ascontiguousarray(audio[::-1]) if mirror and audio.shape[0] == 2 else audio
