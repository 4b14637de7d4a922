"""No reader of files ends in anything but an error of ours, whatever a file holds."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from fuzzing_files import Target, fuzz_files
from fuzzing_targets import TARGETS

FILES = 150


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_files_that_are_nearly_right_are_read_or_refused(tmp_path: Path, target: Target) -> None:
    result = fuzz_files(target, FILES, 1, tmp_path)
    assert result.harm == []
    assert result.files == FILES
    assert result.refused  # that mutations matter


def test_yaml_that_is_nearly_right_is_read_or_refused(tmp_path: Path) -> None:
    train = pytest.importorskip("mixbridge.export.compact.config", reason="needs the `train` extra")
    import mixbridge.export

    seed = (Path(mixbridge.export.__file__).parent / "configs" / "default.yaml").read_bytes()
    deep = b"seed: " + b"[" * 1000
    dates = b"seed: 2020-99-99\n"
    target = Target("yaml", ".yaml", (seed, deep, dates), train.load_config)
    assert fuzz_files(target, FILES, 1, tmp_path).harm == []


def test_the_fuzzer_would_notice(tmp_path: Path) -> None:
    target = Target("json", ".json", (b'{"a": [1, 2, 3]}',), lambda path: json.loads(path.read_bytes()))
    assert fuzz_files(target, 50, 1, tmp_path).harm
