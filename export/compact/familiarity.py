"""Learns what a model's training data was like, for the bundle to carry (:mod:`runtime.model.familiarity`).

Examples are drawn as in training, from its cached sessions. A quarter of the sessions is kept back to measure how far
from the middle familiar material lies.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from ...presets.errors import ModelError
from ...runtime.audio.reading import probe
from ...runtime.model.bundle import FAMILIARITY, MANIFEST, open_bundle
from ...runtime.model.familiarity import Familiarity, Territory
from .band_cache import CachedSession, session_folders, stem_files
from .dataset import SHORTEST_S, MixExamples, usable
from .model import CompactModel

_SESSIONS = 160  # more would only take time and memory: what matters is their kind
_FEWEST_SESSIONS = 8
_BATCHES, _BATCH_SIZE = 32, 16
_MOST_TRACKS = 24
_DIRECTIONS = 32
_KEPT_BACK = 4  # one session of so many
_SHARES = 201
# A direction along which nothing varies in the training data must not make every other track infinitely far.
_LEAST_SPREAD = 1e-3

Rows = NDArray[np.float32]


def add_familiarity(
    folder: Path, model: CompactModel, sessions: Sequence[CachedSession], songs: Sequence[CachedSession]
) -> None:
    """Give a bundle an account of its training data; an older one is replaced.

    Args:
        folder: of the bundle.
        model: that was exported.
        sessions: of the training.
        songs: that were references in training.

    Raises:
        ModelError: there are fewer than eight sessions long enough for an example.
    """
    bundle = open_bundle(folder)
    data = learn(model, sessions, songs).dumps()
    hashes = {**bundle.manifest.sha256, FAMILIARITY: hashlib.sha256(data).hexdigest()}
    manifest = bundle.manifest.model_copy(update={"sha256": hashes})
    (folder / FAMILIARITY).write_bytes(data)
    (folder / MANIFEST).write_text(manifest.model_dump_json(indent=1) + "\n", encoding="utf-8")


def check_sessions(corpus: Path) -> None:
    """Checks, from headers alone, that a corpus has sessions enough for :func:`learn`.

    Raises:
        AudioError: a file is no audio.
        ModelError: there are fewer than eight sessions long enough for an example.
    """
    folders = sample(session_folders(corpus))
    lengths_s = [max((probe(file).duration_s for file in stem_files(folder)), default=0.0) for folder in folders]
    _check_count(sum(length_s >= SHORTEST_S for length_s in lengths_s))


def _check_count(sessions: int) -> None:
    if sessions < _FEWEST_SESSIONS:
        raise ModelError(
            f"{sessions} sessions are too few to know a model's training data by; "
            f"give at least {_FEWEST_SESSIONS} of {SHORTEST_S:.0f} s or more"
        )


def sample(folders: list[Path]) -> list[Path]:
    """Draws as many folders of sessions as are enough, in random order."""
    order = np.random.default_rng(0).permutation(len(folders))[:_SESSIONS]
    return [folders[index] for index in order]


def learn(
    model: CompactModel,
    sessions: Sequence[CachedSession],
    songs: Sequence[CachedSession],
    batches: int = _BATCHES,
    seed: int = 0,
) -> Familiarity:
    """Learns what sessions and songs are like to a model's encoders.

    Args:
        model: a trained one.
        sessions: some of what it was trained on, in random order (:func:`sample`).
        songs: likewise.
        batches: of examples to hear.
        seed: of their choice.

    Raises:
        ModelError: there are fewer than eight sessions.
    """
    sessions = usable(sessions) if sessions else []
    _check_count(len(sessions))
    parts = [sessions[start::_KEPT_BACK] for start in range(_KEPT_BACK)]
    others, main = parts[0], [session for part in parts[1:] for session in part]
    heard, held_out = (
        _hear(model, MixExamples(part, _BATCH_SIZE, _MOST_TRACKS, seed, songs), count)
        for part, count in ((main, batches), (others, max(1, batches // 2)))
    )
    starts = model.config.width, model.config.reference_statistics.start
    return Familiarity(
        replace(fit(heard[0], held_out[0]), start=starts[0]), replace(fit(heard[1], held_out[1]), start=starts[1])
    )


@torch.no_grad()
def _hear(model: CompactModel, examples: MixExamples, batches: int) -> tuple[Rows, Rows]:
    """Collects statistics of tracks and of references, shape (items, STATISTICS)."""
    tracks, references = [], []
    for batch in islice(examples, batches):
        tracks.append(model.encode_tracks(batch.session.powers)[:, model.config.width :])
        references.append(model.encode_reference(batch.reference)[:, model.config.reference_statistics])
    return torch.cat(tracks).numpy(), torch.cat(references).numpy()


def fit(rows: Rows, kept_back: Rows) -> Territory:
    """Fits the territory of statistics, shape (items, statistics), and how far in it others of their kind lie."""
    mean = rows.mean(0)
    centred = rows - mean
    _, lengths, directions = np.linalg.svd(centred, full_matrices=False)
    count = min(_DIRECTIONS, len(rows) // 4)
    spreads = np.maximum(lengths[:count] / np.sqrt(len(rows)), _LEAST_SPREAD)
    kept = directions[:count]
    rest = centred - centred @ kept.T @ kept
    axes = (kept / spreads[:, None]).astype(np.float32)
    usual = max(float(np.sqrt((rest**2).sum(1).mean())), _LEAST_SPREAD)
    territory = Territory(0, mean.astype(np.float32), axes, usual, np.zeros(2, np.float32))
    distances = [territory.distance(row) for row in kept_back]
    quantiles = np.quantile(distances, np.linspace(0, 1, _SHARES)).astype(np.float32)
    return replace(territory, distances=quantiles)
