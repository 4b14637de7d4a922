"""Five small pairs in one style, with the presets that made them; and a run that was trained on them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="needs the `train` extra")

from mixbridge.export.tuning.config import TuningConfig
from mixbridge.export.tuning.run import train_pairs
from voice_pairs import write_pairs, write_presets

SHORT = {"batch_size": 2, "num_workers": 1, "max_steps": 8, "check_every": 4, "adapters": 2}


@dataclass(frozen=True)
class SmallSet:
    """Pairs and their presets."""

    folder: Path
    presets: Path

    def config(self, **changes: object) -> TuningConfig:
        given = {
            "track_root_dirs": [self.folder / "raw"],
            "mix_root_dirs": [self.folder / "mixed"],
            "presets": self.presets,
        }
        return TuningConfig.model_validate({**given, **SHORT, **changes})


@pytest.fixture(scope="package")
def small(tmp_path_factory: pytest.TempPathFactory) -> SmallSet:
    root = tmp_path_factory.mktemp("tuning")
    folder = write_pairs(root / "set", 4)
    return SmallSet(folder, write_presets(folder, root / "presets"))


@pytest.fixture(scope="package")
def trained(small: SmallSet, tmp_path_factory: pytest.TempPathFactory) -> Path:
    run = tmp_path_factory.mktemp("trained") / "run"
    assert train_pairs(small.config(), run, lambda line: None)
    return run
