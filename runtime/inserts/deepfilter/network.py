"""The network over one channel: features in; gains of bands and filters of the lowest bins out, block by block.

What the encoder says of voice over noise goes unused, as in the model's own runtime: its limits for skipping a stage
lie where the network's answers end.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ...model.inference import onnxruntime
from .opened_graph import OpenedGraph, opened
from .spectrum import BANDS, DEEP_BINS
from .weights import load_graphs

Floats = NDArray[np.float32]

ORDER: Final = 5
"""Frames that a deep filter covers."""
LOOKAHEAD: Final = 2
"""Frames that come after the one that is cleaned."""
_CONTEXT: Final = 2
_DEEP_CONTEXT: Final = 4
_CHANNELS: Final = 64
_HIDDEN: Final = 256


@dataclass(frozen=True)
class Decided:
    """What the network decides on frames.

    Attributes:
        gains: of bands, shape (frames, bands).
        filters: of the lowest bins, shape (frames, bins, order), complex; the oldest frame first.
    """

    gains: Floats
    filters: NDArray[np.complex64]


class Network:
    """The network's three graphs with the memory of one channel."""

    def __init__(self) -> None:
        encoder, bands, deep = _graphs()
        before = {"feat_erb": (1, 1, _CONTEXT, BANDS), "feat_spec": (1, 2, _CONTEXT, DEEP_BINS)}
        self._encoder = _Running(encoder, before)
        self._bands = _Running(bands, {})
        self._deep = _Running(deep, {"c0": (1, _CHANNELS, _DEEP_CONTEXT, DEEP_BINS)})

    def process(self, bands: Floats, bins: Floats) -> Decided:
        """Decide on frames by their features, and on each by the two frames that follow it."""
        heard = self._encoder.run({"feat_erb": bands, "feat_spec": bins})
        gains = self._bands.run({name: heard[name] for name in ("emb", "e3", "e2", "e1", "e0")})["m"]
        parts = self._deep.run({name: heard[name] for name in ("emb", "c0")})["coefs"]
        pairs = parts.reshape(-1, DEEP_BINS, ORDER, 2)
        return Decided(gains.reshape(-1, BANDS), pairs[..., 0] + 1j * pairs[..., 1])


class _Running:
    """A graph with its memory: frames before, and states."""

    def __init__(self, graph: _Session, before: Mapping[str, tuple[int, ...]]):
        self._graph = graph
        self._before = {name: np.zeros(shape, np.float32) for name, shape in before.items()}
        self._states = {name: np.zeros((1, 1, _HIDDEN), np.float32) for name, _ in graph.opened.states}

    def run(self, inputs: dict[str, Floats]) -> dict[str, Floats]:
        """The graph's outputs by name for the next frames."""
        fed = {}
        for name, frames in inputs.items():
            before = self._before.get(name)
            if before is None:
                fed[name] = frames
                continue
            whole = np.concatenate((before, frames), axis=2)
            self._before[name] = whole[:, :, -before.shape[2] :]
            fed[self._graph.opened.padded[name]] = whole
        outputs = dict(zip(self._graph.outputs, self._graph.session.run(None, {**fed, **self._states}), strict=True))
        self._states = {state: outputs[after] for state, after in self._graph.opened.states}
        return outputs


@dataclass(frozen=True)
class _Session:
    opened: OpenedGraph
    session: Any
    outputs: tuple[str, ...]


@cache
def _graphs() -> tuple[_Session, _Session, _Session]:
    """Sessions hold no memory of a sound, so that all channels share them."""
    graphs = load_graphs()
    encoder, bands, deep = map(_session, (graphs.encoder, graphs.band_decoder, graphs.deep_decoder))
    return encoder, bands, deep


def _session(model: bytes) -> _Session:
    graph = opened(model)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(graph.model, options, providers=["CPUExecutionProvider"])
    return _Session(graph, session, tuple(output.name for output in session.get_outputs()))
