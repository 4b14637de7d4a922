"""Variants of the training: that each lacks what its name says, and that both consoles see the same mixes."""

from pathlib import Path

import numpy as np
import pytest
import torch
from mixbridge.export.compact.band_cache import CachedSession, load_corpus
from mixbridge.export.compact.bands import SAMPLE_RATE_HZ, BandPowerTransform
from mixbridge.export.compact.checkpoint import build_model
from mixbridge.export.compact.config import TrainConfig
from mixbridge.export.compact.layout import compact_layout
from mixbridge.export.compact.model import CompactConfig
from mixbridge.export.evaluation.material import find_material
from mixbridge.export.evaluation.suites import SUITES, EvaluationScene, make_scene
from mixbridge.export.studies.ablations import (
    VARIANTS,
    MonoEars,
    compare_consoles,
    judge,
    judge_by_training_console,
    train_variant,
)
from mixbridge.runtime.model.bundle import DEFAULT_MODEL, Manifest, open_bundle
from session_folders import write_session

CONFIG = TrainConfig(
    seed=1, max_steps=2, batch_size=2, max_tracks=4, learning_rate=0.001, warmup_steps=1, weight_decay=0.0,
    average_decay=0.9, checkpoint_every=2, validation_batches=1, threads=1, workers=0,
    model=CompactConfig(20, 8, 1, 2, 16, 2, 2, 1),
)  # fmt: skip


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A session of two pulsing tracks."""
    root = tmp_path_factory.mktemp("corpus")
    numbers, time = np.random.default_rng(0), np.arange(20 * SAMPLE_RATE_HZ) / SAMPLE_RATE_HZ
    pulse = np.exp(-((time * 2) % 1) * 4)
    bass = 0.3 * pulse * np.sin(2 * np.pi * 90 * time)
    write_session(root / "tune_0", {"bass": bass, "noise": 0.1 * pulse[::-1] * numbers.standard_normal(len(time))})
    return root


@pytest.fixture(scope="module")
def sessions(corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> list[CachedSession]:
    return load_corpus(corpus, tmp_path_factory.mktemp("cache"))


@pytest.fixture(scope="module")
def manifest() -> Manifest:
    return open_bundle(DEFAULT_MODEL).manifest


@pytest.fixture(scope="module")
def scenes(corpus: Path, manifest: Manifest) -> list[EvaluationScene]:
    return [make_scene(SUITES["odd"], find_material(corpus), manifest, index, seed=0) for index in range(4)]


def test_a_model_with_mono_ears_cannot_tell_sides() -> None:
    audio = torch.randn(1, 2, 70_000, generator=torch.Generator().manual_seed(0)) * torch.tensor([[[1.0], [0.3]]])
    powers, turned = (BandPowerTransform()(item) for item in (audio, audio.flip(1)))
    whole, deaf = build_model(CONFIG.model), MonoEars(CONFIG.model, compact_layout())
    for hears_sides, model in ((True, whole), (False, deaf)):
        difference = (model.encode_reference(powers) - model.encode_reference(turned)).abs().max()
        assert (difference > 0.01) == hears_sides


def test_half_is_half(sessions: list[CachedSession]) -> None:
    whole, _, data, size, alone = VARIANTS
    assert len(data.sessions([sessions[0]] * 7)) == 4
    big = CONFIG.model_copy(update={"model": CompactConfig()})
    counts = [
        sum(parameter.numel() for parameter in build_model(variant.change(big).model).parameters())
        for variant in (whole, size)
    ]
    assert 0.4 < counts[1] / counts[0] < 0.55
    assert alone.change(big).model.unmix_rounds == 0


@pytest.mark.parametrize("variant", [VARIANTS[0], VARIANTS[1]], ids=lambda variant: variant.name)
def test_a_variant_learns_and_is_judged(
    variant: object, sessions: list[CachedSession], scenes: list[EvaluationScene], manifest: Manifest
) -> None:
    model = train_variant(variant, CONFIG, sessions, ())  # type: ignore[arg-type]
    assert not model.training
    heard = judge(model, scenes, manifest.sample_rate_hz)
    made = judge_by_training_console(model, scenes, manifest)
    for a, b in zip(heard, made, strict=True):
        assert a["total"] > 0
        assert a["total"] == pytest.approx(b["total"], rel=0.5)  # hardly trained, it hardly listens


def test_both_consoles_see_the_same(scenes: list[EvaluationScene], manifest: Manifest) -> None:
    found = compare_consoles(scenes, manifest)
    assert set(found) == {"bark", "width", "imbalance", "crest"}
    trained, rendered, correlation = found["imbalance"]
    assert trained == pytest.approx(rendered, rel=0.2)
    assert correlation > 0.9
