"""Hears a session as a model does: every track from its excerpts, the reference from its passages, left as right.

The embeddings of a track's excerpts are pooled by how much of it plays in them. Tracks and reference are heard as they
are and mirrored, and the two answers put together: so a mirrored reference gives mirrored pans, exactly, and a
reference that is nearly the same on both sides has no side on which all turns over.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...presets.units import gain_factor
from ..audio.opening import OpenFiles
from ..audio.reading import Samples, probe, read_passage
from ..model.analysis import Passage
from ..model.controller import Controller, Embeddings, Outputs
from ..model.excerpts import Excerpt
from ..model.own_mix import SEARCHED_S, own_mix

Array = NDArray[np.float32]

# Excerpts that hardly play still say a little.
_LEAST_WEIGHT = 0.05
_PAN = "pan"


def decided(
    controller: Controller,
    passage: Passage,
    reference: Samples | None,
    names: Sequence[str],
    roles: Sequence[Mapping[str, float]] | None = None,
) -> Outputs:
    """What a model decides for tracks of a session.

    Args:
        controller: the model.
        passage: what is heard of the tracks.
        reference: shape (1 or 2, samples), at the model's rate; None takes what the model learned in place of one.
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
    controller: Controller, passage: Passage, reference: Samples | None, names: Sequence[str], mirror: bool = False
) -> Embeddings:
    """Encode what is heard of these tracks, and the reference; kept by the controller, so free the second time."""
    level_lufs = controller.manifest.track_level_lufs
    excerpts = [passage.excerpts_of(name) for name in names]
    audio = [_turned(_levelled(item, level_lufs), mirror) for track in excerpts for item in track]
    heard = controller.embeddings(audio, None if reference is None else _turned(reference, mirror))
    pooled, first = [], 0
    for track in excerpts:
        weights = [max(item.weight, _LEAST_WEIGHT) for item in track]
        found = np.stack(heard.tracks[first : first + len(track)])
        pooled.append(np.average(found, axis=0, weights=weights).astype(np.float32))
        first += len(track)
    return Embeddings(pooled, heard.reference)


def with_own_mix(passage: Passage, reference: Path, sample_rate_hz: int, files: OpenFiles) -> Passage:
    """A passage with what the reference does to its tracks, if that is a mix of them that plays along with them.

    Args:
        passage: of the tracks.
        reference: a song in a file.
        sample_rate_hz: of the passage.
        files: keeps the reference open.

    Raises:
        AudioError: the file cannot be used.
    """
    begin_s = max(0.0, passage.start_s - SEARCHED_S)
    if probe(reference, files).duration_s < begin_s + passage.length_s:
        return passage
    silent = set(passage.silent)
    tracks = {name: audio for name, audio in passage.audio.items() if name not in silent}
    length_s = passage.start_s - begin_s + passage.length_s + SEARCHED_S
    mix = read_passage(reference, begin_s, length_s, sample_rate_hz, files)
    return replace(passage, own_mix=own_mix(tracks, mix, sample_rate_hz))


def _levelled(excerpt: Excerpt, level_lufs: float) -> Array:
    return excerpt.audio * np.float32(gain_factor(level_lufs - excerpt.loudness_lufs))


def _turned(audio: Samples, mirror: bool) -> Array:
    return np.ascontiguousarray(audio[::-1]) if mirror and audio.shape[0] == 2 else audio
