"""A small corpus and a small training, for the tests of both."""

from pathlib import Path

import numpy as np
import pytest
from mixbridge.export.compact.bands import SAMPLE_RATE_HZ
from mixbridge.export.compact.config import TrainConfig
from mixbridge.export.compact.train import train
from session_folders import write_session

SMALL = {
    "seed": 1, "max_steps": 3, "batch_size": 2, "max_tracks": 4, "learning_rate": 0.001, "warmup_steps": 1,
    "weight_decay": 0.0, "average_decay": 0.9, "checkpoint_every": 3, "validation_batches": 1, "threads": 1,
    "workers": 0,
    "model": {
        "width": 20, "channels": 8, "layers": 1, "heads": 2, "feed_forward": 16, "reference_tokens": 2,
        "unmix_rounds": 2, "feedback_rounds": 1,
    },
}  # fmt: skip


@pytest.fixture(scope="session")
def small() -> dict[str, object]:
    """A configuration as in YAML."""
    return SMALL


@pytest.fixture(scope="session")
def config() -> TrainConfig:
    return TrainConfig.model_validate(SMALL)


@pytest.fixture(scope="session")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two sessions of 19 s: a mono bass, a stereo pad, and a track that is silent."""
    root = tmp_path_factory.mktemp("corpus")
    numbers = np.random.default_rng(0)
    time = np.arange(19 * SAMPLE_RATE_HZ) / SAMPLE_RATE_HZ
    for number in range(2):
        bass = 0.3 * np.sin(2 * np.pi * 80 * (number + 1) * time)
        pad = 0.05 * numbers.standard_normal((len(time), 2)) * [1, 0.2]
        stems = {"bass": bass, "pad": pad, "silent": np.zeros(len(time))}
        write_session(root / f"session_{number}", stems, ending="flac")
    return root


@pytest.fixture(scope="session")
def run(corpus: Path, config: TrainConfig, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of three steps, with its cache of the corpus."""
    folder = tmp_path_factory.mktemp("run")
    train(config, corpus, folder, folder / "cache")
    return folder
