"""Embeddings of the published architecture, whose encoders take a second for a passage: made once and kept."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ...presets.units import gain_factor
from ...runtime.audio.loudness import integrated_loudness
from ...runtime.model.excerpts import SILENT_LUFS
from ..compact.bands import SAMPLE_RATE_HZ
from ..pairs.pairing import TuningPair
from ..reference.model import ReferenceModel
from ..whole_files import write_bytes
from .data import cut_pair, key_of
from .model import Base


def heard_as_waveforms(model: ReferenceModel, pair: TuningPair, base: Base, cache: Path) -> Tensor:
    """Embeds the raw passages of a pair, shape (passages, tracks, width); tracks at the model's level, in mono."""

    def embedded() -> Tensor:
        rows = []
        for passage in cut_pair(pair).raws:
            levelled = []
            for audio in passage:
                lufs = integrated_loudness(audio, SAMPLE_RATE_HZ)
                gain = gain_factor(base.track_level_lufs - lufs) if lufs > SILENT_LUFS else 1.0
                levelled.append((audio * np.float32(gain)).mean(axis=0))
            rows.append(model.track_encoder(torch.from_numpy(np.stack(levelled))))
        return torch.stack(rows)

    return _kept(cache / f"{pair.name}-tracks-{key_of(pair, base.identity)}.npy", embedded)


def references_as_waveforms(model: ReferenceModel, pair: TuningPair, base: Base, cache: Path) -> Tensor:
    """Embeds the mixed passages of a pair, left and right side by side, shape (passages, reference width)."""

    def embedded() -> Tensor:
        return torch.stack([model.mix_encoder(torch.from_numpy(item)).flatten() for item in cut_pair(pair).mixed])

    return _kept(cache / f"{pair.name}-mixed-{key_of(pair, base.identity)}.npy", embedded)


def _kept(file: Path, make: Callable[[], Tensor]) -> Tensor:
    try:
        return torch.from_numpy(np.load(file, allow_pickle=False))
    except (OSError, ValueError, EOFError):
        with torch.no_grad():
            found = make().float()
        buffer = io.BytesIO()
        np.save(buffer, found.numpy())
        write_bytes(file, buffer.getvalue())
        return found
