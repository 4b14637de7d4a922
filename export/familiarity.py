"""Learns what a model's training data was like, for the bundle to carry (:mod:`runtime.familiarity`).

Sessions are heard as the runtime hears them: passages through the exported encoders, references rendered under settings
drawn as in training, or cut from finished songs. A quarter of the sessions is kept back to measure how far from the
middle familiar material lies.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..presets.errors import AudioError, ModelError
from ..runtime.audio import Samples, probe, read_passage
from ..runtime.bundle import FAMILIARITY, MANIFEST, open_bundle
from ..runtime.controller import Controller
from ..runtime.familiarity import Familiarity, Territory
from .compact_model import STATISTICS, CompactConfig
from .evaluation.judging import render, repeated
from .evaluation.material import Material, cut_session, find_material
from .evaluation.presets import centroids_of, drawn_preset

log = logging.getLogger(__name__)

DRAWS = 500
_DIRECTIONS = 32
_KEPT_BACK = 4  # one session of so many
_SHARES = 201
# A direction along which nothing varies in the training data must not make every other track infinitely far.
_LEAST_SPREAD = 1e-3

Rows = NDArray[np.float32]


@dataclass(frozen=True)
class Places:
    """Where in the embeddings of tracks and references the plain statistics are."""

    tracks: slice
    reference: slice

    @classmethod
    def of(cls, config: CompactConfig) -> Places:
        """Those of a compact model: behind what the encoders learned."""
        style = config.width * config.reference_tokens
        return cls(slice(config.width, config.width + STATISTICS), slice(style, style + STATISTICS))


@dataclass(frozen=True)
class _Drawn:
    """Statistics of one session heard: shape (tracks, statistics) and (statistics,)."""

    tracks: Rows
    reference: Rows
    is_kept_back: bool


def add_familiarity(
    folder: Path, places: Places, sessions: Path, songs: Path | None = None, draws: int = DRAWS, seed: int = 0
) -> None:
    """Give a bundle an account of its training data; an older one is replaced.

    Args:
        folder: of the bundle.
        places: where its embeddings hold statistics.
        sessions: folder of training sessions; where it has a `train/`, that is taken.
        songs: folder of finished songs that were references in training, for every second draw.
        draws: how many passages to hear.
        seed: of passages and settings.

    Raises:
        ModelError: there are too few sessions.
    """
    bundle = open_bundle(folder)
    material = find_material(sessions / "train" if (sessions / "train").is_dir() else sessions, songs)
    data = learn(Controller(folder, "cpu"), places, material, draws, seed).dumps()
    hashes = {**bundle.manifest.sha256, FAMILIARITY: hashlib.sha256(data).hexdigest()}
    manifest = bundle.manifest.model_copy(update={"sha256": hashes})
    (folder / FAMILIARITY).write_bytes(data)
    (folder / MANIFEST).write_text(manifest.model_dump_json(indent=1) + "\n", encoding="utf-8")


def learn(controller: Controller, places: Places, material: Material, draws: int = DRAWS, seed: int = 0) -> Familiarity:
    """What sessions and songs are like to a model's encoders.

    Raises:
        ModelError: fewer than eight sessions could be heard.
    """
    drawn = list(_draws(controller, places, material, draws, seed))
    known = [item for item in drawn if not item.is_kept_back]
    others = [item for item in drawn if item.is_kept_back]
    if len(known) < 2 * len(others) or len(drawn) < 2 * _KEPT_BACK or not others:
        raise ModelError(f"{len(drawn)} passages are too few to know a model's training data by; give more sessions")
    tracks = fit(np.concatenate([item.tracks for item in known]), np.concatenate([item.tracks for item in others]))
    reference = fit(np.stack([item.reference for item in known]), np.stack([item.reference for item in others]))
    return Familiarity(replace(tracks, start=places.tracks.start), replace(reference, start=places.reference.start))


def fit(known: Rows, kept_back: Rows) -> Territory:
    """The territory of statistics, shape (items, statistics), and how far in it others of their kind lie."""
    mean = known.mean(0)
    centred = known - mean
    _, lengths, directions = np.linalg.svd(centred, full_matrices=False)
    count = min(_DIRECTIONS, len(known) // 4)
    spreads = np.maximum(lengths[:count] / np.sqrt(len(known)), _LEAST_SPREAD)
    kept = directions[:count]
    rest = centred - centred @ kept.T @ kept
    axes = (kept / spreads[:, None]).astype(np.float32)
    usual = max(float(np.sqrt((rest**2).sum(1).mean())), _LEAST_SPREAD)
    territory = Territory(0, mean.astype(np.float32), axes, usual, np.zeros(2, np.float32))
    distances = [territory.distance(row) for row in kept_back]
    quantiles = np.quantile(distances, np.linspace(0, 1, _SHARES)).astype(np.float32)
    return replace(territory, distances=quantiles)


def _draws(controller: Controller, places: Places, material: Material, draws: int, seed: int) -> Iterator[_Drawn]:
    manifest = controller.manifest
    rate_hz = manifest.sample_rate_hz
    heard_s, reference_s = manifest.window_samples / rate_hz, manifest.reference_length / rate_hz
    for index in range(draws):
        numbers = np.random.default_rng([seed, index])
        session = material.sessions[index % len(material.sessions)]
        try:
            passage, elsewhere, _ = cut_session(session, heard_s, reference_s, rate_hz, numbers)
        except AudioError as error:  # nearly all of it is silent, or it is too short
            log.info("left out: %s", error)
            continue
        if material.songs and index % 2:
            reference = _song(material, reference_s, rate_hz, numbers)
        else:
            reference = render(elsewhere, drawn_preset(passage, centroids_of(passage, rate_hz), numbers), rate_hz)
        embeddings = controller.embeddings(
            passage.levelled(list(passage.audio), manifest.track_level_lufs),
            repeated(reference, manifest.reference_length),
        )
        yield _Drawn(
            np.stack([row[places.tracks] for row in embeddings.tracks]),
            embeddings.reference[places.reference],
            index % len(material.sessions) % _KEPT_BACK == 0,
        )


def _song(material: Material, length_s: float, rate_hz: int, numbers: np.random.Generator) -> Samples:
    path = material.songs[int(numbers.integers(len(material.songs)))]
    duration_s = probe(path).duration_s
    length_s = min(length_s, duration_s)
    return read_passage(path, float(numbers.uniform(0, duration_s - length_s)), length_s, rate_hz)
