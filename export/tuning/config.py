"""What a training on pairs is told: YAML files, several stacked, later ones win.

Keys may stand alone or nested as LightningCLI writes them (`data: init_args: batch_size: 8`). Keys of Diff-MST that
mean nothing here are told; a key that nobody knows is an error that names the nearest one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from ...presets.errors import ModelError
from ...presets.inputs import read_text
from ...presets.roles import Role
from ...runtime.model.bundle import shipped_models

# A configuration has a few hundred bytes; aliases let a small file unfold to a huge one, which a count keeps small.
_MOST_BYTES, _MOST_ENTRIES, _DEEPEST = 64 * 1024, 10_000, 20
_MOST_BRACKETS = 500
_LONGEST_MESSAGE = 1000
# Adam moves a weight by its rate a step at most: at this one, 1500 steps of a falling rate move a logit by 0.2.
_LEAST_RATE = 3e-4
_SECTIONS: Final = ("data", "model", "trainer", "fit", "init_args", "optimizer", "lr_scheduler", "early_stopping")
# Other names for keys, as Lightning and Diff-MST have them.
_ALIASES: Final[Mapping[str, str]] = {
    "ckpt": "start",
    "ckpt_path": "start",
    "lr": "learning_rate",
    "seed_everything": "seed",
    "jobs": "num_workers",
    "max_tracks_per_mix": "max_tracks",
}
_MODEL_DECIDES: Final = "the model that the training begins with decides it"
# Parts of a model of Diff-MST, with classes and sizes of their own.
_PARTS: Final = ("model", "mix_console", "mix_fn", "loss", "track_encoder", "mix_encoder", "controller", "generate_mix")
# What such files say beside it, and why it is not used here.
_UNUSED: Final[Mapping[str, str]] = {
    "class_path": "the model and its data are mixbridge's own",
    **dict.fromkeys(
        (
            *("length", "min_tracks", "target_track_lufs_db", "target_mix_lufs_db", "randomize_ref_mix_gain"),
            *("generate_mix", "instrument_number_file", "sample_rate", "embed_dim", "schedule", "warmup", "automix"),
            *("use_track_loss", "use_mix_loss", "use_track_input_fader", "use_track_panner", "use_track_eq"),
            *("use_track_compressor", "use_fx_bus", "use_master_bus", "use_output_fader", "active_eq_epoch"),
            *("active_compressor_epoch", "active_fx_bus_epoch", "active_master_bus_epoch"),
        ),
        _MODEL_DECIDES,
    ),
    **dict.fromkeys(
        ("num_train_passes", "num_val_passes", "num_train_examples", "num_val_examples", "num_examples_per_pass"),
        "what is trained on is kept in memory: max_steps says how long",
    ),
    **dict.fromkeys(("train_buffer_size_gb", "val_buffer_size_gb", "buffer_size_gb"), "nothing is buffered"),
    **dict.fromkeys(
        ("accelerator", "devices", "strategy", "precision", "num_nodes", "sync_batchnorm", "benchmark"),
        "it trains on the processor, in single precision",
    ),
    **dict.fromkeys(("logger", "callbacks", "log_every_n_steps", "default_root_dir"), "the run's folder has all logs"),
    **dict.fromkeys(
        (
            "metadata_files",
            "check_val_every_n_epoch",
            "num_sanity_val_steps",
            "gradient_clip_val",
            "accumulate_grad_batches",
            "reload_dataloaders_every_n_epochs",
            "enable_checkpointing",
            "enable_progress_bar",
            "use_distributed_sampler",
            "max_epochs",
        ),
        "the training sees to it itself; max_steps and patience say how long",
    ),
}


class TuningConfig(BaseModel):
    """A training on pairs.

    Attributes:
        track_root_dirs: folders of raw files, or of folders of raw tracks.
        mix_root_dirs: folders of mixed files, in the same order.
        batch_size: pairs in a step.
        num_workers: processes that check and recover pairs; None takes one for each core.
        start: a bundle, the name of a model that ships, a checkpoint of Diff-MST, or "nothing".
        presets: folder of presets that `mixbridge recover DATASET` wrote; None recovers in the run.
        freeze: what is not trained: "encoders", "encoders+N" (and the first N layers of the transformer), "none".
        adapters: rank of low-rank adapters that are trained in the place of the transformer's weights; 0 for none.
        layer_decay: factor of the rate from each layer to the one below.
        learning_rate: of what is new; what was trained before learns at a tenth of it.
        weight_decay: of AdamW.
        max_steps: at most.
        check_every: steps from one look at held-out pairs to the next; a checkpoint is written then.
        patience: looks without an improvement after which it ends.
        held_out: share of the pairs, or songs, that are held out.
        audio_weight: of the loss on sound, against that on settings.
        max_tracks: a larger session is left out.
        role: what the tracks are; None finds it out.
        seed: of all that is drawn.
        threads: of torch.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    track_root_dirs: tuple[Path, ...] = Field(min_length=1, max_length=100)
    mix_root_dirs: tuple[Path, ...] = Field(min_length=1, max_length=100)
    batch_size: int = Field(16, gt=0, le=4096)
    num_workers: int | None = Field(None, ge=0, le=256)
    start: str = "default"
    presets: Path | None = None
    freeze: str = Field("encoders", pattern=r"^(none|encoders(\+\d{1,3})?)$")
    adapters: int = Field(8, ge=0, le=256)
    layer_decay: float = Field(0.8, gt=0, le=1)
    learning_rate: float = Field(6e-3, gt=0, le=1)
    weight_decay: float = Field(0.05, ge=0, le=10)
    max_steps: int = Field(1500, gt=0, le=10_000_000)
    check_every: int = Field(50, gt=0, le=100_000)
    patience: int = Field(8, gt=0, le=10_000)
    held_out: float = Field(0.15, gt=0, le=0.5)
    audio_weight: float = Field(1.0, ge=0, le=1000)
    max_tracks: int = Field(24, gt=0, le=256)
    role: Role | None = None
    seed: int = Field(1, ge=0, lt=2**32)
    threads: int = Field(1, gt=0, le=256)

    @field_validator("track_root_dirs", "mix_root_dirs", mode="before")
    @classmethod
    def _one_or_several(cls, value: Any) -> Any:
        return (value,) if isinstance(value, str | Path) else value

    @property
    def frozen_layers(self) -> int:
        """Gives how many layers of the transformer are not trained."""
        _, _, layers = self.freeze.partition("+")
        return int(layers or 0)

    @property
    def are_encoders_frozen(self) -> bool:
        """Tells whether the encoders stay as they are."""
        return self.freeze != "none"


@dataclass(frozen=True)
class LoadedConfig:
    """A configuration and what was told on the way.

    Attributes:
        config: all of it.
        notes: sentences on keys that are not used.
    """

    config: TuningConfig
    notes: tuple[str, ...]


def load_stacked(files: Sequence[Path], given: Mapping[str, Any] | None = None) -> LoadedConfig:
    """Reads configurations and stacks them.

    Args:
        files: YAML files; later ones win, key by key.
        given: values that win over all files.

    Raises:
        ModelError: a file is none, a key is unknown, a value is wrong, or there is no data.
    """
    values: dict[str, Any] = {}
    notes: dict[str, None] = {}
    for file in files:
        for key, value, place in _entries(_read(file), file):
            name = _ALIASES.get(key, key)
            if name in TuningConfig.model_fields:
                if value is not None:  # `ckpt_path: null` says that there is none
                    values[name] = _located(name, value, file)
            elif key in _UNUSED:
                notes[f"{file}: {place} is not used: {_UNUSED[key]}."] = None
            else:
                raise ModelError(f"{file}: {place} is no key of a training{_nearest(key)}.")
    values |= {key: value for key, value in (given or {}).items() if value is not None}
    _make_absolute(values)
    missing = [key for key in ("track_root_dirs", "mix_root_dirs") if key not in values]
    where = ", ".join(map(str, files)) or "the call"
    if missing:
        raise ModelError(
            f"{where}: {' and '.join(missing)} must be given: the folders of the raw and of the mixed files."
        )
    try:
        config = TuningConfig.model_validate(values)
    except ValidationError as error:
        raise ModelError(f"{where}: {complaints(error)}") from error
    if config.learning_rate < _LEAST_RATE:
        usual = TuningConfig.model_fields["learning_rate"].default
        notes[
            f"{where}: learning_rate (lr) is {config.learning_rate:g}: networks that are trained whole take such "
            "rates; with the few new parts that are trained here hardly anything is learned. Leave it out to take "
            f"{usual:g}."
        ] = None
    return LoadedConfig(config, tuple(notes))


def _make_absolute(values: dict[str, Any]) -> None:
    """Makes a run independent of the folder that it was begun in."""
    if isinstance(values.get("presets"), str | Path):
        values["presets"] = Path(values["presets"]).absolute()
    start = values.get("start")
    if isinstance(start, str) and start not in shipped_models() and Path(start).expanduser().exists():
        values["start"] = str(Path(start).expanduser().absolute())


def complaints(error: ValidationError) -> str:
    """Lists what is wrong with a configuration, by key."""
    items = (f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in error.errors())
    return "; ".join(items)[:_LONGEST_MESSAGE]


def _nearest(key: str) -> str:
    known = [*TuningConfig.model_fields, *_ALIASES, *_UNUSED]
    close = get_close_matches(key, known, n=1, cutoff=0.5)
    return f"; the nearest one is {close[0]}" if close else f"; known are {', '.join(TuningConfig.model_fields)}"


def _located(name: str, value: Any, file: Path) -> Any:
    """Finds folders from where the program was started, else from the file's folder."""
    if name in ("track_root_dirs", "mix_root_dirs"):
        items = value if isinstance(value, list) else [value]
        return [_beside(item, file) for item in items]
    return _beside(value, file) if name == "presets" and value is not None else value


def _beside(value: Any, file: Path) -> Any:
    if not isinstance(value, str):
        return value
    path = Path(value).expanduser()
    beside = file.parent / path
    return beside if not path.exists() and beside.exists() else path


def _entries(value: Mapping[str, Any], file: Path) -> Iterator[tuple[str, Any, str]]:
    """Gives keys, values and dotted places of all that is no section."""
    waiting: list[tuple[Mapping[str, Any], tuple[str, ...]]] = [(value, ())]
    count = 0
    while waiting:
        section, place = waiting.pop(0)
        for key, item in section.items():
            count += 1
            if count > _MOST_ENTRIES or len(place) > _DEEPEST:
                raise ModelError(f"{file}: is too large or too deep to be a configuration.")
            if not isinstance(key, str):
                raise ModelError(f"{file}: {key!r} is no key: keys are words.")
            where = (*place, key)
            if key in _UNUSED or (key in _PARTS and place and isinstance(item, dict | str | None)):
                yield (key if key in _UNUSED else "sample_rate"), None, ".".join(where)
            elif isinstance(item, dict) and (key in _SECTIONS or item.keys() & {"init_args", "class_path"}):
                waiting.append((item, where))
            elif key not in _SECTIONS or item is not None:
                yield key, item, ".".join(where)


class _Loader(yaml.SafeLoader):
    """Plain values only; a key that stands twice is an error, not the last one's win."""


def _mapping(loader: _Loader, node: yaml.MappingNode) -> dict[Any, Any]:
    seen: set[Any] = set()
    for key_node, _ in node.value:
        key = loader.construct_object(key_node, deep=True)
        if not isinstance(key, str | int | float | bool | None):
            raise yaml.constructor.ConstructorError(None, None, "a key is no plain value", key_node.start_mark)
        if key in seen and key != "<<":
            raise yaml.constructor.ConstructorError(None, None, f"{key!r} stands twice", key_node.start_mark)
        seen.add(key)
    loader.flatten_mapping(node)
    return {loader.construct_object(key): loader.construct_object(value, deep=True) for key, value in node.value}


_Loader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping)


def _read(file: Path) -> Mapping[str, Any]:
    try:
        text = read_text(file, _MOST_BYTES)
        # The reader takes time without end for them.
        if sum(map(text.count, "[{")) > _MOST_BRACKETS:
            raise ModelError(f"{file}: has more than {_MOST_BRACKETS} lists and mappings: it is no configuration.")
        found = yaml.load(text, _Loader)  # a safe one
    except RecursionError as error:
        raise ModelError(f"{file}: is nested too deeply to be a configuration.") from error
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise ModelError(f"{file}: cannot be read as YAML: {str(error)[:_LONGEST_MESSAGE]}") from error
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise ModelError(f"{file}: is no configuration: write keys and values, such as `batch_size: 8`.")
    return found
