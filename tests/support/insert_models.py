"""Small models and programs that stand in front of a strip: good ones, and ones that do harm."""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from mixbridge.presets.inserts.insert import Insert
from onnx import TensorProto, helper, numpy_helper

FLOAT = TensorProto.FLOAT


def insert_of(path: Path, kind: str = "onnx", **settings: Any) -> Insert:
    """An insert that names a model by its hash."""
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return Insert.model_validate({"kind": kind, "file": str(path), "sha256": digest, **settings})


def saved(path: Path, nodes: list[onnx.NodeProto], weights: dict[str, Any], **more: Any) -> Path:
    """A graph from `x`, shape (1, 1, n), to `y`; `more` are its inputs, outputs and metadata."""
    tensors = [numpy_helper.from_array(np.asarray(value), name) for name, value in weights.items()]
    shape = more.get("shape", [1, 1, "n"])
    inputs = [helper.make_tensor_value_info("x", FLOAT, shape), *more.get("inputs", [])]
    outputs = [helper.make_tensor_value_info("y", FLOAT, None), *more.get("outputs", [])]
    model = helper.make_model(
        helper.make_graph(nodes, "g", inputs, outputs, tensors), opset_imports=[helper.make_opsetid("", 17)]
    )
    model.ir_version = 9
    helper.set_model_props(model, more.get("said", {}))
    onnx.save(model, path)
    return path


def scaling(path: Path, factor: float = 0.5, **more: Any) -> Path:
    """Turns everything down."""
    return saved(path, [helper.make_node("Mul", ["x", "f"], ["y"])], {"f": np.float32(factor)}, **more)


def delaying(path: Path, frames: int) -> Path:
    """Gives everything later, and keeps what is late for the next block: a state."""
    state = helper.make_tensor_value_info("late", FLOAT, [1, 1, frames])
    after = helper.make_tensor_value_info("later", FLOAT, None)
    starts = {"zero": np.array([0]), "minus": np.array([-frames]), "end": np.array([2**40]), "axis": np.array([2])}
    nodes = [
        helper.make_node("Concat", ["late", "x"], ["all"], axis=2),
        helper.make_node("Slice", ["all", "zero", "minus", "axis"], ["y"]),
        helper.make_node("Slice", ["all", "minus", "end", "axis"], ["later"]),
    ]
    return saved(path, nodes, starts, inputs=[state], outputs=[after])


def looping(path: Path) -> Path:
    """Never ends."""
    kept = [helper.make_tensor_value_info("v", FLOAT, None)]
    count = helper.make_tensor_value_info("i", TensorProto.INT64, [])
    go, on = (helper.make_tensor_value_info(name, TensorProto.BOOL, []) for name in ("go", "on"))
    turn = [helper.make_node("Identity", ["go"], ["on"]), helper.make_node("Neg", ["v"], ["w"])]
    after = helper.make_tensor_value_info("w", FLOAT, None)
    body = helper.make_graph(turn, "body", [count, go, *kept], [on, after])
    return saved(path, [helper.make_node("Loop", ["", "true", "x"], ["y"], body=body)], {"true": np.array(True)})


def python_program(path: Path, body: str) -> tuple[str, ...]:
    """The command of a program that has its WAV files as `source` and `target`, and soundfile as `sf`."""
    path.write_text(f"import sys\nimport soundfile as sf\nsource, target = sys.argv[1:3]\n{body}\n", encoding="utf-8")
    return (sys.executable, str(path), "{in}", "{out}")
