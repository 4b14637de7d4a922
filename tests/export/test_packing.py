from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from mixbridge.export.packing import TOLERANCES, Precision, export_copy
from mixbridge.presets.errors import ModelError, OutputError
from mixbridge.runtime.model.bundle import GRAPHS, open_bundle
from mixbridge.runtime.model.controller import Controller


def graphs_bytes(model: str | Path) -> int:
    return open_bundle(model).size_bytes(GRAPHS)


def test_a_copy_in_one_file_is_the_same_model(tmp_path: Path) -> None:
    export_copy("default", tmp_path / "copy.zip")
    copy, shipped = open_bundle(tmp_path / "copy.zip"), open_bundle("default")
    assert copy.manifest == shipped.manifest
    assert copy.read("controller.onnx") == shipped.read("controller.onnx")
    export_copy(tmp_path / "copy.zip", tmp_path / "folder")
    assert open_bundle(tmp_path / "folder").manifest == shipped.manifest
    assert {path.name for path in (tmp_path / "folder").iterdir()} == {*shipped.manifest.sha256, "manifest.json"}
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


@pytest.mark.parametrize(("precision", "share"), [("fp16", 0.6), ("int8", 0.4)])
def test_smaller_weights_answer_alike(
    precision: Precision, share: float, tmp_path: Path, controller: Controller
) -> None:
    manifest = export_copy("default", tmp_path / "small", precision)
    assert graphs_bytes(tmp_path / "small") < share * graphs_bytes("default")
    assert precision in manifest.description
    small = Controller(tmp_path / "small", "cpu", threads=1, trusted=True)
    assert small.check_snapshot() < 1e-4  # recorded anew
    noise = np.random.default_rng(1).standard_normal((2, 70_000)).astype(np.float32) * np.float32(0.1)
    one, other = (each.predict([noise], noise[::-1].copy()) for each in (small, controller))
    assert np.abs(one.tracks - other.tracks).max() < 5 * TOLERANCES[precision]


def test_what_answers_otherwise_is_not_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(TOLERANCES, "int8", 1e-6)  # type: ignore[misc]  # a dict behind a read-only type
    with pytest.raises(ModelError, match="away from itself"):
        export_copy("default", tmp_path / "small", "int8")
    assert list(tmp_path.iterdir()) == []


def test_styles_have_no_weights_to_make_smaller(house_bundle: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="leave --precision"):
        export_copy(house_bundle, tmp_path / "small", "fp16")
    export_copy(house_bundle, tmp_path / "mine.zip")
    assert open_bundle(tmp_path / "mine.zip").manifest == open_bundle(house_bundle).manifest


def test_nothing_is_replaced(house_bundle: Path, tmp_path: Path) -> None:
    (tmp_path / "there.zip").write_text("mine")
    with pytest.raises(OutputError, match="exists already"):
        export_copy(house_bundle, tmp_path / "there.zip")
