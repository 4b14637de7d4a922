"""Exported graphs opened up, so that frames come in blocks of any length and nothing is heard of where one ends.

As exported, a graph pads its causal convolutions with zeros and starts its recurrent layers from zero at every call.
Opened, each of its pads becomes an input, fed with the frames before, and each recurrent layer's state an input and an
output. A block then goes on exactly where the last one ended.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from ..wire import (
    GRAPH_INPUT,
    GRAPH_NODE,
    GRAPH_OUTPUT,
    MODEL_GRAPH,
    NODE_INPUT,
    NODE_OUTPUT,
    NODE_TYPE,
    WireField,
    joined,
    parsed,
    text_field,
    texts,
)

_FLOAT: Final = 1
_STATE_INPUT: Final = 5
_VALUE_NAME: Final = 1


@dataclass(frozen=True)
class OpenedGraph:
    """An ONNX model whose memory is outside of it.

    Attributes:
        model: the ONNX file.
        padded: by name of an input: the input that takes its place, with earlier frames before it.
        states: inputs for states of recurrent layers, each with the output that it goes on from.
    """

    model: bytes
    padded: dict[str, str]
    states: tuple[tuple[str, str], ...]


def opened(model: bytes) -> OpenedGraph:
    """Open a graph: its pads of inputs become inputs, its recurrent states inputs and outputs.

    Raises:
        BrokenMessageError: it is no ONNX model.
    """
    fields = parsed(model)
    place = next(place for place, field in enumerate(fields) if field.number == MODEL_GRAPH)
    graph, padded, states = _opened_graph(parsed(_bytes(fields[place])))
    fields[place] = WireField(MODEL_GRAPH, joined(graph))
    return OpenedGraph(joined(fields), padded, states)


def _opened_graph(graph: Sequence[WireField]) -> tuple[list[WireField], dict[str, str], tuple[tuple[str, str], ...]]:
    inputs = {name for field in graph if field.number == GRAPH_INPUT for name in texts(parsed(_bytes(field)), 1)}
    padded: dict[str, str] = {}
    states: list[tuple[str, str]] = []
    kept: list[WireField] = []
    for field in graph:
        if field.number != GRAPH_NODE:
            kept.append(field)
            continue
        node = parsed(_bytes(field))
        kind, reads = texts(node, NODE_TYPE)[0], texts(node, NODE_INPUT)
        if kind == "Pad" and reads[0] in inputs:
            padded[reads[0]] = texts(node, NODE_OUTPUT)[0]
            continue
        if kind == "GRU":
            state = f"state_{len(states)}_in", f"state_{len(states)}_out"
            states.append(state)
            node = _with_state(node, *state)
        kept.append(WireField(GRAPH_NODE, joined(node)))
    # An input that is read by another node, too, stays beside the padded one.
    read = {name for field in kept if field.number == GRAPH_NODE for name in texts(parsed(_bytes(field)), NODE_INPUT)}
    kept = [field for field in kept if not _is_unread(field, padded.keys() - read)]
    kept += [_value(GRAPH_INPUT, name) for name in (*padded.values(), *(state for state, _ in states))]
    kept += [_value(GRAPH_OUTPUT, name) for _, name in states]
    return kept, padded, tuple(states)


def _with_state(node: Sequence[WireField], state_in: str, state_out: str) -> list[WireField]:
    """A recurrent node that takes its first state from an input, and gives its last one to an output."""
    reads, writes = texts(node, NODE_INPUT), texts(node, NODE_OUTPUT)
    reads = [*reads, *[""] * (_STATE_INPUT + 1 - len(reads))]
    reads[_STATE_INPUT] = state_in
    others = [field for field in node if field.number not in {NODE_INPUT, NODE_OUTPUT}]
    return [
        *(text_field(NODE_INPUT, name) for name in reads),
        *(text_field(NODE_OUTPUT, name) for name in (writes[0], state_out)),
        *others,
    ]


def _is_unread(field: WireField, unread: set[str]) -> bool:
    return field.number == GRAPH_INPUT and texts(parsed(_bytes(field)), _VALUE_NAME)[0] in unread


def _value(number: int, name: str) -> WireField:
    """An input or output of floats, of any shape."""
    tensor = joined([WireField(1, _FLOAT, wire=0)])
    kind = joined([WireField(1, tensor)])
    return WireField(number, joined([text_field(_VALUE_NAME, name), WireField(2, kind)]))


def _bytes(field: WireField) -> bytes:
    return field.value if isinstance(field.value, bytes) else b""
