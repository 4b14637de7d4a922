"""Configurations as people of Diff-MST write them; what nobody knows is an error with the nearest key."""

from __future__ import annotations

from pathlib import Path

import pytest
from mixbridge.export.tuning.config import load_stacked
from mixbridge.presets.errors import ModelError

FOUR = """
track_root_dirs: [raw]
mix_root_dirs: [mixed]
batch_size: 4
num_workers: 2
"""


def written(folder: Path, text: str, name: str = "vocal.yaml") -> Path:
    file = folder / name
    file.write_text(text)
    return file


def test_four_keys_are_enough(tmp_path: Path) -> None:
    config = load_stacked([written(tmp_path, FOUR)]).config
    assert (config.batch_size, config.num_workers) == (4, 2)
    assert config.track_root_dirs == (Path("raw"),)
    assert config.start == "default"


def test_folders_are_found_beside_the_file(tmp_path: Path) -> None:
    (tmp_path / "raw").mkdir()
    config = load_stacked([written(tmp_path, FOUR)]).config
    assert config.track_root_dirs == (tmp_path / "raw",)


def test_later_files_win_and_arguments_win_over_all(tmp_path: Path) -> None:
    base = written(tmp_path, FOUR + "seed: 3\n", "base.yaml")
    later = written(tmp_path, "batch_size: 8\nmix_root_dirs: other\n")
    config = load_stacked([base, later], {"start": "nothing", "presets": None}).config
    assert (config.batch_size, config.seed, config.start) == (8, 3, "nothing")
    assert config.mix_root_dirs == (Path("other"),)


def test_a_configuration_of_diff_mst_is_accepted_as_it_is(tmp_path: Path) -> None:
    text = """
seed_everything: 12
trainer: {max_steps: 300, devices: 1, precision: 32, logger: {class_path: some.Logger, init_args: {save_dir: x}}}
data:
  class_path: mst.dataloader.MultitrackDataModule
  init_args:
    track_root_dirs: [a, b]
    mix_root_dirs: [c, d]
    length: 262144
    batch_size: 2
    num_workers: 4
    target_track_lufs_db: -48.0
model:
  class_path: mst.system.System
  init_args:
    lr: 0.001
    mix_console: {class_path: mst.modules.Console, init_args: {sample_rate: 44100}}
    mix_fn: mst.mixing.naive_random_mix
    model: {class_path: mst.modules.Model, init_args: {track_encoder: {class_path: x}}}
ckpt_path: null
"""
    loaded = load_stacked([written(tmp_path, text)])
    config = loaded.config
    assert (config.seed, config.max_steps, config.batch_size, config.learning_rate) == (12, 300, 2, 0.001)
    assert config.mix_root_dirs == (Path("c"), Path("d"))
    assert config.start == "default"
    told = "\n".join(loaded.notes)
    for place in ("trainer.devices", "trainer.precision", "data.init_args.length", "model.init_args.mix_console"):
        assert f"{place} is not used" in told
    assert "batch_size" not in told
    assert "model.init_args.mix_fn is not used" in told
    assert "hardly anything is learned" not in told
    slow = load_stacked([written(tmp_path, text.replace("lr: 0.001", "lr: 1.0e-5"))])
    assert slow.config.learning_rate == 1e-5
    assert "learning_rate (lr) is 1e-05" in "\n".join(slow.notes)
    assert "Leave it out to take 0.006" in "\n".join(slow.notes)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (FOUR + "batchsize: 3\n", "batchsize is no key of a training; the nearest one is batch_size"),
        (FOUR + "data: {init_args: {num_worker: 3}}\n", r"data\.init_args\.num_worker is no key.*num_workers"),
        (FOUR + "batch_size: 5\n", "'batch_size' stands twice"),
        (FOUR + "freeze: all\n", "freeze: "),
        (FOUR + "held_out: 0.9\n", "held_out: "),
        ("batch_size: 3\n", "track_root_dirs and mix_root_dirs must be given"),
        ("- a\n", "is no configuration"),
        ("!!python/object/apply:os.system [touch hacked]\n", "cannot be read as YAML"),
        (FOUR + "seed: [1\n", "cannot be read as YAML"),
        (FOUR + "x: &a [1]\n", "x is no key"),
        ("a: " * 3000, "cannot be read as YAML|nested too deeply"),
        ("[" * 5000, "more than 500 lists and mappings"),
        ("k: " + "x" * 70_000, "larger than 64 KiB"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ModelError, match=message):
        load_stacked([written(tmp_path, text)])
    assert not (tmp_path / "hacked").exists()


def test_aliases_do_not_unfold(tmp_path: Path) -> None:
    lines = ["a0: &a0 {init_args: {}}"]
    for level in range(1, 30):
        inside = ", ".join(f"k{number}: *a{level - 1}" for number in range(9))
        lines.append(f"a{level}: &a{level} {{init_args: {{{inside}}}}}")
    with pytest.raises(ModelError, match="too large or too deep"):
        load_stacked([written(tmp_path, "\n".join(lines))])


@pytest.mark.parametrize(
    ("freeze", "encoders", "layers"), [("none", False, 0), ("encoders", True, 0), ("encoders+2", True, 2)]
)
def test_what_is_frozen(tmp_path: Path, freeze: str, encoders: bool, layers: int) -> None:
    config = load_stacked([written(tmp_path, FOUR + f"freeze: {freeze}\n")]).config
    assert (config.are_encoders_frozen, config.frozen_layers) == (encoders, layers)
