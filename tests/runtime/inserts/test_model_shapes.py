"""ONNX models that take or give no sound of the declared shape, rate or block: each is refused in a line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from insert_models import FLOAT, insert_of, saved, scaling
from mixbridge.presets.errors import ModelError
from mixbridge.runtime.inserts.onnx_host import open_onnx
from onnx import TensorProto, helper

HALF = {"f": np.float32(0.5)}
MUL = [helper.make_node("Mul", ["x", "f"], ["y"])]


def mean(path: Path) -> Path:
    return saved(path, [helper.make_node("ReduceMean", ["x"], ["y"], keepdims=0)], {})


def doubled(path: Path) -> Path:
    return saved(path, [helper.make_node("Concat", ["x", "x"], ["y"], axis=1)], {})


def pictures(path: Path) -> Path:
    return saved(path, MUL, HALF, shape=[1, 1, "h", "w"])


def stereo(path: Path) -> Path:
    return saved(path, MUL, HALF, shape=[1, 2, "n"])


def of_numbers(path: Path) -> Path:
    number = helper.make_tensor_value_info("x", TensorProto.INT64, [1, 1, "n"])
    model = saved(path, [helper.make_node("Cast", ["x"], ["y"], to=FLOAT)], {}, shape=[1, 1, "n"])
    import onnx

    graph = onnx.load(model)
    graph.graph.input[0].CopyFrom(number)
    onnx.save(graph, model)
    return model


def greedy(path: Path) -> Path:
    """Takes a state, and gives none back."""
    state = helper.make_tensor_value_info("late", FLOAT, [1, 1, 4])
    return saved(path, [helper.make_node("Concat", ["late", "x"], ["y"], axis=2)], {}, inputs=[state])


def at_16_khz(path: Path) -> Path:
    return scaling(path, said={"sample_rate": "16000"})


def played(settings: dict[str, Any]) -> None:
    _, process = open_onnx(settings)
    process(np.zeros((1, 2400), np.float32))


def refused(model: Path, **settings: Any) -> str:
    insert = insert_of(model)
    told = {"sample_rate_hz": None, "stem_rate_hz": 48_000, "channels": 1, "block_samples": None}
    with pytest.raises(ModelError) as caught:
        played({"file": str(model), "sha256": insert.sha256, **told, **settings})
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (mean, "m.onnx gives float32 of the shape () for sound of the shape (1, 1, 2400)"),
        (doubled, "gives float32 of the shape (1, 2, 2400) for sound of the shape (1, 1, 2400)"),
        (
            pictures,
            "takes no sound: its first input of floats must have the shape (n), (channels, n) or (1, channels, n)",
        ),
        (stereo, "takes 2 channels, and 1 were declared: set `channels`"),
        (of_numbers, "takes no sound"),
        (greedy, "takes more than it gives back"),
    ],
)
def test_what_is_no_sound_of_the_declared_shape_is_said(
    make: Callable[[Path], Path], said: str, tmp_path: Path
) -> None:
    assert said in refused(make(tmp_path / "m.onnx"))


def test_another_rate_than_the_models_own_is_refused(tmp_path: Path) -> None:
    said = refused(at_16_khz(tmp_path / "m.onnx"), sample_rate_hz=48_000)
    assert said == "m.onnx says that it works at 16000 Hz, and 48000 Hz were declared: leave `sample_rate_hz` away."
