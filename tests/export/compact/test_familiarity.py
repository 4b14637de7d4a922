"""What a bundle learns of its training data: held-out material is inside, what is far from it is not."""

import numpy as np
import pytest
import torch
from mixbridge.export.compact.band_cache import CachedSession
from mixbridge.export.compact.familiarity import fit, learn
from mixbridge.export.compact.layout import compact_layout
from mixbridge.export.compact.model import CompactConfig, CompactModel
from mixbridge.presets.errors import ModelError

FRAMES = 420


def _session(seed: int) -> CachedSession:
    """Two tracks whose spectra fall by an amount of their own."""
    numbers = np.random.default_rng(seed)
    tilt = numbers.uniform(0.01, 0.05, (2, 1, 1, 1)) * np.arange(64)[:, None]
    level = -2 - tilt + numbers.normal(0, 0.3, (2, 1, 64, FRAMES)) * np.ones((1, 2, 1, 1))
    return CachedSession(
        f"s{seed}", level.astype(np.float16), np.ones((2, 64, FRAMES), np.float16), np.array([True, False])
    )


def test_held_out_rows_lie_inside_and_far_ones_outside() -> None:
    numbers = np.random.default_rng(0)
    rows = numbers.normal(0, [3, 1, 0.1], (200, 3)).astype(np.float32)
    territory = fit(rows[:150], rows[150:])
    inside = sum(not territory.is_outside(row) for row in rows[150:])
    assert inside >= 49
    assert territory.is_strange(np.array([0, 0, 30], np.float32))
    assert territory.rank(rows[:150].mean(0)) < 0.1


def test_training_sessions_are_familiar_and_noise_is_not() -> None:
    torch.manual_seed(0)
    model = CompactModel(CompactConfig(width=20, channels=8, layers=1, heads=2), compact_layout()).eval()
    known = learn(model, [_session(seed) for seed in range(12)], [], batches=2)
    assert known.tracks.start == 20
    assert known.reference.start == 20 * model.config.reference_tokens
    numbers = torch.Generator().manual_seed(1)
    noise = model.transform(torch.randn(1, 1, 120_000, generator=numbers))
    with torch.no_grad():
        embedding = model.encode_tracks(noise)[0].numpy()
    assert known.tracks.is_outside(embedding)


def test_too_few_sessions_are_said() -> None:
    model = CompactModel(CompactConfig(width=20, channels=8, layers=1, heads=2), compact_layout())
    with pytest.raises(ModelError, match=r"3 sessions are too few"):
        learn(model, [_session(seed) for seed in range(3)], [])
