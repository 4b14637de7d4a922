"""Bundles from strangers: names and shapes are checked, and the first run is bounded."""

from __future__ import annotations

import io
import json
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from mixbridge.presets.errors import ModelError
from mixbridge.presets.roles import ROLES
from mixbridge.runtime.model import controller as controller_module
from mixbridge.runtime.model.bundle import (
    CONTROLLER,
    FAMILIARITY,
    GRAPHS,
    REFERENCE_ENCODER,
    SNAPSHOT,
    TRACK_ENCODER,
    open_bundle,
)
from mixbridge.runtime.model.controller import Controller
from mixbridge.runtime.model.familiarity import load_familiarity
from mixbridge.runtime.model.first_run import Bounds, try_first

from .test_bundle import edit_manifest, put

onnx = pytest.importorskip("onnx", reason="needs the `train` extra")
FLOAT = 1
Value = tuple[str, list[Any]]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(open_bundle().folder, tmp_path / "model"))


def graph(
    nodes: list[Any], inputs: list[Value], outputs: list[Value], constants: dict[str, np.ndarray] | None = None
) -> bytes:
    info = onnx.helper.make_tensor_value_info
    made = onnx.helper.make_graph(
        nodes, "g", [info(name, FLOAT, shape) for name, shape in inputs],
        [info(name, FLOAT, shape) for name, shape in outputs],
        [onnx.numpy_helper.from_array(value, name) for name, value in (constants or {}).items()],
    )  # fmt: skip
    model = onnx.helper.make_model(made, opset_imports=[onnx.helper.make_opsetid("", 18)])
    model.ir_version = 9
    return bytes(model.SerializeToString())


AUDIO: list[Value] = [("audio", ["n", 2, "t"])]


def node(kind: str, inputs: list[str], outputs: list[str], **attributes: Any) -> Any:
    return onnx.helper.make_node(kind, inputs, outputs, **attributes)


def looping() -> bytes:
    """Adds one for ever."""
    info = onnx.helper.make_tensor_value_info
    body = onnx.helper.make_graph(
        [node("Identity", ["on"], ["on_out"]), node("Sin", ["x"], ["y"])], "body",
        [info("i", 7, []), info("on", 9, []), info("x", FLOAT, None)], [info("on_out", 9, []), info("y", FLOAT, None)],
    )  # fmt: skip
    nodes = [
        node("ReduceMean", ["audio", "axes"], ["m"], keepdims=0),
        node("Loop", ["many", "yes", "m"], ["e"], body=body),
    ]
    constants = {"axes": np.array([2]), "many": np.array(2**62), "yes": np.array(True)}
    return graph(nodes, AUDIO, [("e", ["n", "w"])], constants)


def hungry() -> bytes:
    """Asks for 64 GiB and touches them."""
    nodes = [
        node("ConstantOfShape", ["size"], ["big"], value=onnx.numpy_helper.from_array(np.ones(1, np.float32))),
        node("ReduceSum", ["big"], ["s"], keepdims=0),
        node("ReduceMean", ["audio", "axes"], ["m"], keepdims=0),
        node("Add", ["m", "s"], ["e"]),
    ]
    return graph(nodes, AUDIO, [("e", ["n", "w"])], {"axes": np.array([2]), "size": np.array([2**34])})


def scalar() -> bytes:
    return graph([node("ReduceMean", ["audio"], ["e"], keepdims=0)], AUDIO, [("e", [])])


def empty() -> bytes:
    nodes = [node("Slice", ["audio", "z", "z", "one"], ["s"]), node("ReduceMean", ["s", "two"], ["e"], keepdims=0)]
    constants = {"z": np.array([0]), "one": np.array([1]), "two": np.array([2])}
    return graph(nodes, AUDIO, [("e", ["n", "w"])], constants)


def narrow() -> bytes:
    return graph(
        [node("ReduceMean", ["audio", "two"], ["e"], keepdims=0)], AUDIO, [("e", ["n", 2])], {"two": np.array([2])}
    )


def two_outputs() -> bytes:
    nodes = [node("ReduceMean", ["audio", "two"], ["e"], keepdims=0), node("Neg", ["e"], ["f"])]
    return graph(nodes, AUDIO, [("e", ["n", 2]), ("f", ["n", 2])], {"two": np.array([2])})


def renamed() -> bytes:
    ends: list[Value] = [
        ("track_embeddings", ["n", 482]),
        ("reference_embedding", [1, 17218]),
        ("roles", ["n", len(ROLES)]),
    ]
    nodes = [node("Neg", ["track_embeddings"], ["strips"]), node("Neg", ["reference_embedding"], ["master_outputs"])]
    return graph(nodes, ends, [("strips", ["n", 482]), ("master_outputs", [1, 17218])])


def flat_input() -> bytes:
    return graph([node("Neg", ["audio"], ["e"])], [("audio", ["n", "t"])], [("e", ["n", "t"])])


@pytest.mark.parametrize(
    ("name", "make", "words"),
    [
        (TRACK_ENCODER, scalar, r"answers with shape \(\)"),
        (TRACK_ENCODER, empty, r"answers with shape \(1, 0\)"),
        (TRACK_ENCODER, narrow, "cannot be run"),
        (TRACK_ENCODER, two_outputs, r"gives \['e', 'f'\] and should give one output"),
        (TRACK_ENCODER, flat_input, "should take floats in 3 dimensions"),
        (REFERENCE_ENCODER, scalar, r"answers with shape \(\)"),
        (REFERENCE_ENCODER, narrow, "cannot be run"),
        (CONTROLLER, renamed, r"gives \['master_outputs', 'strips'\] and should give track_outputs and master_outputs"),
    ],
)
def test_graphs_that_are_not_what_they_should_be_are_named(
    folder: Path, name: str, make: Callable[[], bytes], words: str
) -> None:
    put(folder, name, make())
    with pytest.raises(ModelError, match=words) as refusal:
        Controller(folder, "cpu", threads=1)
    assert any(graph_name in str(refusal.value) for graph_name in GRAPHS)


@pytest.mark.parametrize("make", [looping, hungry])
def test_a_graph_without_end_is_stopped(folder: Path, make: Callable[[], bytes]) -> None:
    put(folder, TRACK_ENCODER, make())
    with pytest.raises(ModelError, match=r"stopped in its first run|cannot be run") as refusal:
        try_first(open_bundle(folder), Bounds(processor_s=8))
    assert str(folder) in str(refusal.value)


def test_a_good_stranger_passes_and_what_ships_is_not_tried(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[object] = []
    monkeypatch.setattr(controller_module, "try_first", tried.append)
    Controller("default", "cpu", threads=1)
    Controller(folder, "cpu", threads=1)  # the same files elsewhere
    assert tried == []
    edit_manifest(folder, lambda manifest: manifest.update(name="mine"))
    Controller(folder, "cpu", threads=1, trusted=True)
    assert tried == []
    Controller(folder, "cpu", threads=1)
    assert len(tried) == 1
    try_first(open_bundle(folder))


@pytest.mark.parametrize("window", [2**22 + 1, 2**63, -1])
def test_a_window_that_is_absurd_is_refused(folder: Path, window: int) -> None:
    edit_manifest(folder, lambda manifest: manifest.update(window_samples=window))
    with pytest.raises(ModelError, match="window_samples"):
        open_bundle(folder)


def spoiled(data: bytes) -> dict[str, bytes]:
    """Archives of arrays that cannot be used."""
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "<f4", "fortran_order": False, "shape": (2**40,)})  # type: ignore[arg-type]
    huge, zeros = io.BytesIO(), io.BytesIO()
    import zipfile

    with zipfile.ZipFile(huge, "w") as archive:
        archive.writestr("tracks_start.npy", header.getvalue())
        archive.writestr("tracks.npy", header.getvalue())
    np.savez_compressed(zeros, tracks=np.zeros(2**23), tracks_start=np.zeros(2**23))
    flipped = bytearray(data)
    flipped[len(data) // 3 : len(data) // 3 + 40] = b"\xff" * 40
    return {
        "cut": data[: len(data) // 2],
        "flipped": bytes(flipped),
        "huge array": huge.getvalue(),
        "bomb": zeros.getvalue(),
        "nothing": b"",
        "text": b"PK\x03\x04 no archive",
    }


@pytest.mark.parametrize("how", ["cut", "flipped", "huge array", "bomb", "nothing", "text"])
@pytest.mark.parametrize("name", [FAMILIARITY, SNAPSHOT])
def test_arrays_that_cannot_be_used_are_named(folder: Path, controller: Controller, name: str, how: str) -> None:
    put(folder, name, spoiled((folder / name).read_bytes())[how])
    stranger = Controller(folder, "cpu", threads=1, trusted=True)
    with pytest.raises(ModelError, match=name):
        load_familiarity(stranger.bundle) if name == FAMILIARITY else stranger.check_snapshot()


def test_control_characters_of_a_manifest_are_shown(folder: Path) -> None:
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["layout"]["track"][0]["path"] = "\x1b[2J"
    (folder / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(ModelError) as refusal:
        open_bundle(folder)
    assert r"\x1b[2J" in str(refusal.value)
    assert "\x1b" not in str(refusal.value)


def test_threads_may_share_a_controller_whose_cache_turns_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(controller_module, "_CACHED_EMBEDDINGS", 2)
    shared = Controller("default", "cpu", threads=1)
    random = np.random.default_rng(0)
    songs = [[(0.1 * random.standard_normal((1, 66000))).astype(np.float32) for _ in range(3)] for _ in range(4)]
    alone = [shared.predict(song, song[0]) for song in songs]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda song: shared.predict(song, song[0]), songs * 4))
    # What is cached is not encoded again, so passages are encoded in other batches, which round otherwise.
    for want, got in zip(alone * 4, together, strict=True):
        np.testing.assert_allclose(got.tracks, want.tracks, rtol=0, atol=1e-5)
        np.testing.assert_allclose(got.master, want.master, rtol=0, atol=1e-5)
