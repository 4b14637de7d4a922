"""What a run's folder says of itself: its configuration, its pairs, which were held out."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError

from ...presets.errors import ModelError, OutputError
from ...presets.files import load
from ...presets.inputs import read_text
from ...presets.preset import Preset
from ...runtime.model.bundle import ModelEffects
from ..pairs.pairing import TuningPair
from ..whole_files import check_apart, check_folder, write_text
from .config import TuningConfig
from .material.recovering import PRESETS
from .training import LAST

CONFIG: Final = "config.json"
PAIRS: Final = "pairs.json"
_FORMAT: Final = "mixbridge-tuning-run"
_MOST_BYTES = 64 * 2**20
# A run may go on with other values of these; all else would make it another run.
_FREE: Final = ("num_workers", "max_steps", "patience", "threads")


@dataclass(frozen=True)
class TuningRun:
    """What a run's folder says.

    Attributes:
        folder: of the run.
        config: that it was begun with.
        pairs: by name.
        train: names of the pairs it was trained on.
        held_out: names of the others.
        effects: of the style.
        base_identity: SHA-256 of what it began with.
    """

    folder: Path
    config: TuningConfig
    pairs: Mapping[str, TuningPair]
    train: tuple[str, ...]
    held_out: tuple[str, ...]
    effects: ModelEffects
    base_identity: str

    def preset_of(self, name: str) -> Preset:
        """Loads the recovered preset of a pair.

        Raises:
            PresetError: it is gone.
        """
        places = [folder / f"{name}.json" for folder in (self.config.presets, self.folder / PRESETS) if folder]
        return load(next((place for place in places if place.exists()), places[-1]))


def open_run(folder: Path) -> TuningRun:
    """Reads a run's folder.

    Raises:
        ModelError: it is none, or has trained nothing yet.
    """
    try:
        config = TuningConfig.model_validate(json.loads(read_text(folder / CONFIG, _MOST_BYTES))["config"])
        told = json.loads(read_text(folder / PAIRS, _MOST_BYTES))
        pairs = {
            item["name"]: TuningPair(
                item["name"], {name: Path(path) for name, path in item["raws"].items()}, Path(item["mixed"])
            )
            for item in told["pairs"]
        }
        effects = ModelEffects.model_validate(told["effects"])
        return TuningRun(
            folder, config, pairs, tuple(told["train"]), tuple(told["held_out"]), effects, str(told["base_sha256"])
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError, ValidationError) as error:
        raise ModelError(
            f"{folder}: is no run of `mixbridge train` that could be used ({error}); train it first."
        ) from error


def is_run(folder: Path) -> bool:
    """Tells whether a folder is of `mixbridge train`."""
    try:
        return bool(json.loads(read_text(folder / CONFIG, _MOST_BYTES)).get("format") == _FORMAT)
    except (OSError, ValueError, AttributeError):
        return False


def check_run(run: Path, config: TuningConfig) -> None:
    """Checks, before the work, that nothing in a run's folder is replaced but what an earlier run wrote there."""
    check_folder(run)
    check_apart(run, [*config.track_root_dirs, *config.mix_root_dirs])
    file = run / CONFIG
    if not file.exists():
        if run.is_dir() and any(not path.name.startswith(".") for path in run.iterdir()):
            raise OutputError("is there already, and no run of `mixbridge train`: choose another output.", run)
        return
    try:
        told = json.loads(read_text(file, _MOST_BYTES))
        earlier = TuningConfig.model_validate(told["config"]) if told["format"] == _FORMAT else None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise OutputError("is there already, and not of a training: choose another output.", file) from error
    if earlier is None:
        raise OutputError("is there already, and not of a training: choose another output.", file)
    before, now = earlier.model_dump(mode="json"), config.model_dump(mode="json")
    changed = [f"{name} ({before[name]} before, {now[name]} now)" for name in now if before[name] != now[name]]
    changed = [each for each in changed if each.split(" ", 1)[0] not in _FREE]
    if changed and (run / LAST).exists():
        raise ModelError(
            f"{run}: the run was begun with other settings: {', '.join(changed)}. Choose another output, or remove it."
        )


def described(config: TuningConfig) -> dict[str, Any]:
    """Describes a run's configuration for its file."""
    return {"format": _FORMAT, "config": config.model_dump(mode="json")}


def keep_pairs(run: TuningRun) -> None:
    """Writes down which pairs are trained on; a run that goes on must have the same.

    Raises:
        ModelError: the run has a checkpoint of other pairs.
    """
    told = {
        "train": run.train,
        "held_out": run.held_out,
        "base_sha256": run.base_identity,
        "effects": run.effects.model_dump(mode="json"),
        "pairs": [
            {
                "name": name,
                "raws": {track: str(path.resolve()) for track, path in pair.raws.items()},
                "mixed": str(pair.mixed.resolve()),
            }
            for name, pair in run.pairs.items()
        ],
    }
    text = json.dumps(told, indent=1, ensure_ascii=False) + "\n"
    file = run.folder / PAIRS
    if (run.folder / LAST).exists() and (not file.exists() or file.read_text(encoding="utf-8") != text):
        raise ModelError(
            f"{run.folder}: the run was begun with other pairs, or another model to start from: choose another output, "
            f"or remove {run.folder / LAST} to train again on what is there now."
        )
    write_text(file, text)
