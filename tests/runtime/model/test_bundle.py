"""Model bundles: what is in one is checked, and what is wrong is named."""

from __future__ import annotations

import hashlib
import io
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from mixbridge.presets.errors import ModelError
from mixbridge.runtime.model.bundle import (
    CONTROLLER,
    FAMILIARITY,
    FILES,
    MANIFEST,
    SNAPSHOT,
    TRACK_ENCODER,
    open_bundle,
    shipped_models,
)
from mixbridge.runtime.model.controller import Controller


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the shipped bundle, to be broken."""
    return Path(shutil.copytree(open_bundle().folder, tmp_path / "model"))


def edit_manifest(folder: Path, edit: Callable[[dict[str, Any]], None]) -> None:
    manifest = json.loads((folder / MANIFEST).read_text())
    edit(manifest)
    (folder / MANIFEST).write_text(json.dumps(manifest))


def put(folder: Path, name: str, data: bytes) -> None:
    """A file in the bundle, with its hash in the manifest as it should be."""
    (folder / name).write_bytes(data)
    edit_manifest(folder, lambda manifest: manifest["sha256"].update({name: hashlib.sha256(data).hexdigest()}))


def test_the_shipped_bundle_is_small_and_complete() -> None:
    bundle = open_bundle()
    files = [path for path in bundle.folder.iterdir() if path.is_file()]
    assert {path.name for path in files} == {*FILES, FAMILIARITY, MANIFEST}
    assert sum(path.stat().st_size for path in files) <= 12 * 2**20
    for name in FILES:
        assert bundle.read(name) == (bundle.folder / name).read_bytes()
    assert bundle.manifest_sha256 == hashlib.sha256((bundle.folder / MANIFEST).read_bytes()).hexdigest()


def test_the_shipped_snapshot_holds(controller: Controller) -> None:
    assert controller.check_snapshot() <= 1e-4


def test_a_snapshot_that_does_not_hold_is_told(folder: Path) -> None:
    with np.load(folder / SNAPSHOT) as data:
        arrays = {name: data[name] for name in data}
    arrays["master_outputs"] = arrays["master_outputs"] + np.float32(0.01)
    np.savez(folder / SNAPSHOT, **arrays)
    put(folder, SNAPSHOT, (folder / SNAPSHOT).read_bytes())
    with pytest.raises(ModelError, match=r"0\.01 away from what was recorded.*provider cpu"):
        Controller(folder, "cpu", threads=1).check_snapshot()


def test_a_bundle_anywhere_is_as_good(folder: Path) -> None:
    bundle = open_bundle(folder)
    assert bundle.folder == folder
    assert bundle.manifest == open_bundle().manifest
    assert open_bundle(str(folder)).manifest_sha256 == open_bundle().manifest_sha256


@pytest.mark.parametrize("name", FILES)
def test_a_changed_file_is_refused(folder: Path, name: str) -> None:
    data = bytearray((folder / name).read_bytes())
    data[len(data) // 2] ^= 1
    (folder / name).write_bytes(data)
    with pytest.raises(ModelError, match=rf"{name}: does not match its hash in {MANIFEST}"):
        open_bundle(folder).read(name)


def test_a_file_that_the_manifest_does_not_name_is_refused(folder: Path) -> None:
    edit_manifest(folder, lambda manifest: manifest["sha256"].pop(CONTROLLER))
    with pytest.raises(ModelError, match=f"{CONTROLLER}: does not match its hash"):
        Controller(folder, "cpu", threads=1)


def test_a_missing_file_is_named(folder: Path) -> None:
    (folder / TRACK_ENCODER).unlink()
    with pytest.raises(ModelError, match=f"{TRACK_ENCODER}: cannot be read.*{MANIFEST}"):
        Controller(folder, "cpu", threads=1)


def test_a_folder_without_a_manifest_is_no_model(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=f"{MANIFEST}: cannot be read.*a model is a folder with {MANIFEST}"):
        open_bundle(tmp_path)


def test_an_unknown_name_lists_what_ships() -> None:
    assert "default" in shipped_models()
    with pytest.raises(ModelError, match="no model 'defualt'") as refusal:
        open_bundle("defualt")
    for name in shipped_models():
        assert name in str(refusal.value)


def test_a_name_does_not_lead_out_of_the_shipped_models() -> None:
    with pytest.raises(ModelError, match="no model"):
        open_bundle("../../runtime/models/default")


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("sample_rate_hz", 1),
        ("window_samples", "long"),
        ("track_level_lufs", float("nan")),
        ("version", 2),
        ("format", "mixbridge-preset"),
        ("layout.track.3.scale", "cubic"),
        ("layout.law", "none"),
        ("sha256", ["a"]),
    ],
)
def test_a_wrong_value_is_placed(folder: Path, path: str, value: object) -> None:
    *parents, leaf = path.split(".")

    def edit(manifest: Any) -> None:
        for step in parents:
            manifest = manifest[int(step) if step.isdigit() else step]
        manifest[leaf] = value

    edit_manifest(folder, edit)
    with pytest.raises(ModelError) as refusal:
        open_bundle(folder)
    assert str(refusal.value).startswith(f"{folder / MANIFEST}: {path}: ")


def test_an_unknown_setting_in_the_layout_is_named(folder: Path) -> None:
    edit_manifest(folder, lambda manifest: manifest["layout"]["track"][0].update(path="fader"))
    with pytest.raises(ModelError, match=r"layout: .*unknown settings fader; known: .*fader_db"):
        open_bundle(folder)


@pytest.mark.parametrize(
    "output",
    [{"low": float("nan")}, {"high": float("inf")}, {"low": 0.0, "scale": "log"}, {"low": -1.0, "scale": "log"}],
)
def test_a_range_that_is_none_is_refused(folder: Path, output: dict[str, object]) -> None:
    edit_manifest(folder, lambda manifest: manifest["layout"]["track"][0].update(output))
    with pytest.raises(ModelError, match="layout"):
        open_bundle(folder)


def test_a_fixed_setting_outside_the_console_is_refused(folder: Path) -> None:
    edit_manifest(folder, lambda manifest: manifest["layout"].update(fixed={"compressor.knee_db": 600.0}))
    with pytest.raises(ModelError, match="layout"):
        open_bundle(folder)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"{", id="cut off"),
        pytest.param(b"\xff\xfe{}", id="not UTF-8"),
        pytest.param(b"[]", id="list"),
        pytest.param(b"null", id="null"),
        pytest.param(b"[" * 100_000, id="deep"),
        pytest.param(b'{"version": ' + b"1" * 5000 + b"}", id="long number"),
    ],
)
def test_a_manifest_that_is_none_is_refused(folder: Path, text: bytes) -> None:
    (folder / MANIFEST).write_bytes(text)
    with pytest.raises(ModelError, match=MANIFEST):
        open_bundle(folder)


@pytest.mark.parametrize(("name", "most"), [(MANIFEST, "4 MiB"), (SNAPSHOT, "2 GiB")])
def test_an_oversized_file_is_not_even_read(folder: Path, name: str, most: str) -> None:
    with (folder / name).open("r+b") as file:
        file.truncate(2**31 + 1)  # sparse: nothing is written
    with pytest.raises(ModelError, match=rf"{name}: larger than {most}"):
        open_bundle(folder).read(name)


def test_weights_in_another_file_are_refused(folder: Path, tmp_path: Path) -> None:
    put(folder, CONTROLLER, _graph_with_weights_outside(tmp_path))
    with pytest.raises(ModelError, match=rf"{CONTROLLER}: keeps weights in another file"):
        Controller(folder, "cpu", threads=1)


@pytest.mark.parametrize("length", [b"\x88\x00", b"\x88\x80\x00"])
def test_weights_in_another_file_cannot_be_hidden(folder: Path, length: bytes) -> None:
    """Protobuf reads a length with empty bytes behind it as well; onnxruntime was seen to load such a file."""
    entry = b"\x0a" + length + b"location\x12\x05w.bin"
    put(folder, CONTROLLER, b"\x08\x08\x6a" + bytes([len(entry)]) + entry)
    with pytest.raises(ModelError, match="keeps weights in another file"):
        open_bundle(folder).read(CONTROLLER)


def test_a_file_that_is_no_graph_is_told(folder: Path) -> None:
    put(folder, TRACK_ENCODER, b"not a graph")
    with pytest.raises(ModelError, match=rf"{TRACK_ENCODER}: onnxruntime cannot load it"):
        Controller(folder, "cpu", threads=1)


def test_graphs_in_the_wrong_places_are_told(folder: Path) -> None:
    put(folder, CONTROLLER, (folder / TRACK_ENCODER).read_bytes())
    with pytest.raises(ModelError, match=rf"{CONTROLLER}: takes \['audio'\]"):
        Controller(folder, "cpu", threads=1)


def test_outputs_that_do_not_fit_the_layout_are_told(folder: Path) -> None:
    edit_manifest(folder, lambda manifest: manifest["layout"]["track"].pop())
    with pytest.raises(ModelError, match="do not fit its layout"):
        Controller(folder, "cpu", threads=1)
    session = Controller(folder, "cpu", threads=1, trusted=True)
    audio = np.random.default_rng(0).uniform(-0.1, 0.1, (2, 44100)).astype(np.float32)
    with pytest.raises(ModelError, match="do not fit its layout"):
        session.predict([audio], audio)


def _graph_with_weights_outside(folder: Path) -> bytes:
    """As onnx writes it where it is there, else the bytes that matter."""
    try:
        import onnx
    except ImportError:
        return b"\x08\x08\x6a\x12\x0a\x08location\x12\x05w.bin"
    weights = onnx.numpy_helper.from_array(np.ones(400, np.float32), "w")
    ends = [onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [400]) for name in ("audio", "y")]
    node = onnx.helper.make_node("Add", ["audio", "w"], ["y"])
    graph = onnx.helper.make_graph([node], "g", ends[:1], ends[1:], [weights])
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)])
    onnx.save(model, folder / "m.onnx", save_as_external_data=True, location="w.bin", size_threshold=0)
    assert (folder / "w.bin").stat().st_size == 1600
    return (folder / "m.onnx").read_bytes()


def _with_learned_reference(folder: Path, data: bytes) -> Path:
    put(folder, "learned_reference.npy", data)
    edit_manifest(folder, lambda manifest: manifest.update(learned_reference="learned_reference.npy"))
    return folder


def _saved(array: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=True)
    return buffer.getvalue()


def test_a_learned_reference_is_read(folder: Path) -> None:
    row = np.linspace(-1, 1, 50, dtype=np.float32)
    bundle = open_bundle(_with_learned_reference(folder, _saved(row)))
    np.testing.assert_array_equal(bundle.learned_reference(), row)
    with pytest.raises(ModelError, match="give it a reference"):
        open_bundle().learned_reference()


@pytest.mark.parametrize(
    "data",
    [
        _saved(np.zeros((2, 3), np.float32)),
        _saved(np.zeros(3)),
        _saved(np.array([np.nan], np.float32)),
        _saved(np.array([{}], dtype=object)),
        b"no array",
        _saved(np.zeros(2**22 + 1, np.float32)),
    ],
    ids=["two rows", "doubles", "nan", "objects", "text", "large"],
)
def test_a_learned_reference_that_is_none_is_refused(folder: Path, data: bytes) -> None:
    bundle = open_bundle(_with_learned_reference(folder, data))
    with pytest.raises(ModelError, match=r"learned_reference\.npy"):
        bundle.learned_reference()
