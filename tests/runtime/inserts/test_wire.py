"""ONNX files as fields, and the mark of those that read others."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mixbridge.runtime.inserts.deepfilter.opened_graph import opened
from mixbridge.runtime.inserts.wire import BrokenMessageError, has_external_data, joined, parsed
from mixbridge.runtime.model.inference import onnxruntime
from onnx import TensorProto, helper, numpy_helper


def model(*nodes: onnx.NodeProto, weights: list[onnx.TensorProto] | None = None) -> onnx.ModelProto:
    sound = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 1, "S", 4])
    out = helper.make_tensor_value_info("y", TensorProto.FLOAT, None)
    graph = helper.make_graph(list(nodes), "g", [sound], [out], weights or [])
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    made.ir_version = 9
    return made


def test_a_file_is_put_together_as_it_was() -> None:
    data = model(helper.make_node("Relu", ["x"], ["y"])).SerializeToString()
    assert joined(parsed(data)) == data


def test_numbers_in_another_file_are_found_wherever_they_are(tmp_path: Path) -> None:
    weight = numpy_helper.from_array(np.ones((4, 4), np.float32), "w")
    whole = model(helper.make_node("MatMul", ["x", "w"], ["y"]), weights=[weight])
    assert not has_external_data(whole.SerializeToString())
    onnx.save(whole, tmp_path / "m.onnx", save_as_external_data=True, location="m.bin", size_threshold=0)
    assert has_external_data((tmp_path / "m.onnx").read_bytes())
    hidden = onnx.TensorProto(data_type=TensorProto.FLOAT, dims=[1], data_location=TensorProto.EXTERNAL)
    entry = hidden.external_data.add()
    entry.key, entry.value = "location", "/etc/passwd"
    inner = helper.make_graph(
        [helper.make_node("Constant", [], ["c"], value=hidden)],
        "inner",
        [],
        [helper.make_tensor_value_info("c", TensorProto.FLOAT, [1])],
    )
    nested = model(helper.make_node("If", ["x"], ["y"], then_branch=inner, else_branch=inner))
    assert has_external_data(nested.SerializeToString())


@given(st.binary(max_size=200))
def test_any_bytes_are_a_message_or_said_to_be_none(data: bytes) -> None:
    try:
        fields = parsed(data)
    except BrokenMessageError:
        return
    assert parsed(joined(fields)) == fields


def test_bytes_that_end_too_early_are_no_message() -> None:
    data = model(helper.make_node("Relu", ["x"], ["y"])).SerializeToString()
    with pytest.raises(BrokenMessageError):
        parsed(data[:-1])


def test_a_graph_is_opened_at_its_pads_and_recurrent_layers() -> None:
    pads = numpy_helper.from_array(np.array([0, 0, 2, 0, 0, 0, 0, 0], np.int64), "pads")
    shape = numpy_helper.from_array(np.array([-1, 1, 4], np.int64), "shape")
    random = np.random.default_rng(0)
    w, r = (
        numpy_helper.from_array(random.normal(size=(1, 9, n)).astype(np.float32), k) for k, n in (("w", 4), ("r", 3))
    )
    data = model(
        helper.make_node("Pad", ["x", "pads"], ["padded"]),
        helper.make_node("Reshape", ["padded", "shape"], ["steps"]),
        helper.make_node("GRU", ["steps", "w", "r"], ["y"], hidden_size=3),
        weights=[pads, shape, w, r],
    ).SerializeToString()
    graph = opened(data)
    assert graph.padded == {"x": "padded"}
    assert graph.states == (("state_0_in", "state_0_out"),)
    loaded = onnx.load_from_string(graph.model)
    assert [item.name for item in loaded.graph.input] == ["padded", "state_0_in"]
    assert [item.name for item in loaded.graph.output] == ["y", "state_0_out"]
    assert [node.op_type for node in loaded.graph.node] == ["Reshape", "GRU"]
    sound = random.normal(size=(1, 1, 12, 4)).astype(np.float32)
    (whole,) = onnxruntime.InferenceSession(data).run(None, {"x": sound})
    session = onnxruntime.InferenceSession(graph.model)
    state, parts, heard = np.zeros((1, 1, 3), np.float32), [], np.pad(sound, ((0, 0), (0, 0), (2, 0), (0, 0)))
    for place, frames in ((0, 5 + 2), (7, 1), (8, 6)):
        fed = {"padded": heard[:, :, place : place + frames], "state_0_in": state}
        out, state = session.run(None, fed)
        parts.append(out)
    np.testing.assert_allclose(np.concatenate(parts), whole, atol=1e-6)
