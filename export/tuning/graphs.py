"""The graphs of a tuned compact model, made of those that ship: other weights, and the tuned heads behind them.

Tracing them anew would take a minute; the result is compared with torch all the same (:mod:`..onnx_bundle`).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn

from ...presets.errors import ModelError
from ...presets.version import __version__
from ...runtime.model.bundle import CONTROLLER, GRAPHS, open_bundle
from .model import LOGIT_EDGE, OWN_LIMIT, TunedModel
from .settings import MASTER

_WEIGHT = "model."
_TRACKS, _MASTER = "track_outputs", "master_outputs"
_KNOWN, _KNOWN_MASTER = "known_track_outputs", "known_master_outputs"
_FLOAT = TensorProto.FLOAT


def tuned_graphs(tuned: TunedModel) -> dict[str, bytes]:
    """Makes the three graphs of a tuned model that began with the compact architecture.

    Raises:
        ModelError: the graphs that ship are of other sizes.
    """
    shipped = open_bundle()
    weights = {name: value.detach() for name, value in tuned.base.state_dict().items()}
    waiting = set(weights)
    graphs = {}
    for name in GRAPHS:
        graph = onnx.load_from_string(shipped.read(name))
        waiting -= _put_weights(graph, weights, name)
        if name == CONTROLLER:
            _put_heads(graph, tuned)
        onnx.checker.check_model(graph)
        helper.set_model_props(graph, {"mixbridge_version": __version__, "graph": name.removesuffix(".onnx")})
        graphs[name] = graph.SerializeToString()
    if waiting:
        raise ModelError(
            f"{shipped.folder}: has no place for {', '.join(sorted(waiting)[:3])}; export with its version."
        )
    return graphs


def _put_weights(graph: onnx.ModelProto, weights: dict[str, Tensor], name: str) -> set[str]:
    """Puts weights in the places of those of their names; gives the names. Constants of the features stay."""
    put = set()
    for tensor in graph.graph.initializer:
        own = weights.get(tensor.name.removeprefix(_WEIGHT)) if tensor.name.startswith(_WEIGHT) else None
        if own is None:
            continue
        if list(own.shape) != list(tensor.dims):
            raise ModelError(f"{name}: {tensor.name} does not fit the model that ships; export with its version.")
        put.add(tensor.name.removeprefix(_WEIGHT))
        tensor.CopyFrom(numpy_helper.from_array(own.numpy().astype(np.float32), tensor.name))
    return put


def _put_heads(graph: onnx.ModelProto, tuned: TunedModel) -> None:
    """Lets the outputs of the graph go through the tuned heads."""
    inner = graph.graph
    for node in inner.node:
        for at, output in enumerate(node.output):
            node.output[at] = {_TRACKS: _KNOWN, _MASTER: _KNOWN_MASTER}.get(output, output)
        for at, given in enumerate(node.input):
            node.input[at] = {_TRACKS: _KNOWN, _MASTER: _KNOWN_MASTER}.get(given, given)
    first, last = tuned.own[0], tuned.own[2]
    assert isinstance(first, nn.Linear)
    assert isinstance(last, nn.Linear)
    extra = len(tuned.layout.track) - tuned.known
    constants = {
        "middle": tuned.middle,
        "spread": tuned.spread,
        "first_weight": first.weight,
        "first_bias": first.bias,
        "last_weight": last.weight,
        "last_bias": last.bias + tuned.offset,
    }
    arrays: dict[str, NDArray[Any]] = {
        name: value.detach().numpy().astype(np.float32) for name, value in constants.items()
    }
    arrays |= {
        "low": np.array(-OWN_LIMIT, np.float32),
        "high": np.array(OWN_LIMIT, np.float32),
        "least": np.array(LOGIT_EDGE, np.float32),
        "most": np.array(1 - LOGIT_EDGE, np.float32),
        "one": np.array(1, np.float32),
        "half": np.array(0.5, np.float32),
        "root": np.array(np.sqrt(0.5), np.float32),
        "pads": np.array([0, 0, 0, extra], np.int64),
        "zero": np.array([0], np.int64),
        "masters": np.array([len(MASTER)], np.int64),
        "nothing": np.array(0, np.float32),
    }
    inner.initializer.extend(
        numpy_helper.from_array(np.asarray(each), f"heads.{name}") for name, each in arrays.items()
    )
    steps: tuple[tuple[str, tuple[str, ...], str, dict[str, int]], ...] = (
        ("Sub", ("track_embeddings", "middle"), "centred", {}),
        ("Div", ("centred", "spread"), "scaled", {}),
        ("Clip", ("scaled", "low", "high"), "clipped", {}),
        ("Gemm", ("clipped", "first_weight", "first_bias"), "hidden", {"transB": 1}),
        ("Mul", ("hidden", "root"), "smaller", {}),
        ("Erf", ("smaller",), "bent", {}),
        ("Add", ("bent", "one"), "gate", {}),
        ("Mul", ("hidden", "gate"), "gated", {}),
        ("Mul", ("gated", "half"), "active", {}),
        ("Gemm", ("active", "last_weight", "last_bias"), "own", {"transB": 1}),
        ("Clip", (_KNOWN, "least", "most"), "inside", {}),
        ("Sub", ("one", "inside"), "outside", {}),
        ("Div", ("inside", "outside"), "odds", {}),
        ("Log", ("odds",), "logits", {}),
        ("Pad", ("logits", "pads", "nothing"), "padded", {}),
        ("Add", ("padded", "own"), "sum", {}),
        ("Sigmoid", ("sum",), _TRACKS, {}),
        ("Slice", (_KNOWN_MASTER, "zero", "masters"), "master", {}),
        ("Mul", ("master", "nothing"), "silenced", {}),
        ("Add", ("silenced", "half"), _MASTER, {}),
    )
    names = {_KNOWN, _KNOWN_MASTER, _TRACKS, _MASTER, "track_embeddings"}
    for kind, given, made, options in steps:
        inputs = [each if each in names else f"heads.{each}" for each in given]
        output = made if made in names else f"heads.{made}"
        inner.node.append(helper.make_node(kind, inputs, [output], None, None, None, None, **options))
    for output in inner.output:
        if output.name == _TRACKS:
            shape: list[str | int] = ["tracks", len(tuned.layout.track)]
        else:
            shape = [len(MASTER)]
        output.CopyFrom(helper.make_tensor_value_info(output.name, _FLOAT, shape))
