"""Protocol buffers as fields: what an ONNX file is made of, read and written without the onnx package.

Only the wire format is known here, and which fields of ONNX hold others; a field that is not known is kept as it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

_VARINT: Final = 0
_BYTES: Final = 2
_FIXED: Final = {1: 8, 5: 4}
_MOST_VARINT_BYTES: Final = 10
# A graph inside a graph inside a graph: no honest file is nested deeper.
_DEEPEST: Final = 16

# Numbers of fields, from onnx.proto.
MODEL_GRAPH, MODEL_TRAINING, MODEL_FUNCTION = 7, 20, 25
GRAPH_NODE, GRAPH_INITIALIZER, GRAPH_INPUT, GRAPH_OUTPUT = 1, 5, 11, 12
NODE_INPUT, NODE_OUTPUT, NODE_NAME, NODE_TYPE = 1, 2, 3, 4
TENSOR_EXTERNAL, TENSOR_LOCATION = 13, 14

# Which fields of a kind of message hold messages that matter here, and of which kind.
_INNER: Final[dict[str, dict[int, str]]] = {
    "model": {MODEL_GRAPH: "graph", MODEL_TRAINING: "training", MODEL_FUNCTION: "function"},
    "training": {1: "graph", 2: "graph"},
    "function": {7: "node", 11: "attribute"},
    "graph": {GRAPH_NODE: "node", GRAPH_INITIALIZER: "tensor", 15: "sparse"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse"},
    "sparse": {1: "tensor", 2: "tensor"},
}


class BrokenMessageError(ValueError):
    """Bytes that are no protocol buffer."""


@dataclass(frozen=True)
class WireField:
    """One field of a message.

    Attributes:
        number: of the field.
        value: a number, or bytes: text, a message, or what is packed.
        wire: how it is written.
    """

    number: int
    value: int | bytes
    wire: int = _BYTES

    @property
    def text(self) -> str:
        """The value as text; empty where it is none."""
        return self.value.decode("utf-8", "replace") if isinstance(self.value, bytes) else ""


def parsed(message: bytes) -> list[WireField]:
    """Take a message apart.

    Raises:
        BrokenMessageError: it is none.
    """
    fields, place = [], 0
    while place < len(message):
        key, place = _varint(message, place)
        number, wire = key >> 3, key & 7
        if wire == _VARINT:
            value, place = _varint(message, place)
            fields.append(WireField(number, value, wire))
            continue
        if wire == _BYTES:
            length, place = _varint(message, place)
        elif wire in _FIXED:
            length = _FIXED[wire]
        else:
            raise BrokenMessageError(f"a field is of the unknown wire type {wire}")
        if not number or place + length > len(message):
            raise BrokenMessageError("a field ends behind the message")
        fields.append(WireField(number, message[place : place + length], wire))
        place += length
    return fields


def joined(fields: Iterable[WireField]) -> bytes:
    """Put a message together."""
    return b"".join(_written(field) for field in fields)


def text_field(number: int, text: str) -> WireField:
    """Make a field that holds text."""
    return WireField(number, text.encode())


def texts(fields: Iterable[WireField], number: int) -> list[str]:
    """List the texts in the fields of a number."""
    return [field.text for field in fields if field.number == number]


def has_external_data(model: bytes) -> bool:
    """Tell whether a tensor of an ONNX model lies in another file, which a model from a stranger may not name.

    Raises:
        BrokenMessageError: it is no ONNX model.
    """
    return any(_external(model, "model", 0))


def _external(message: bytes, kind: str, depth: int) -> Iterator[bool]:
    if depth > _DEEPEST:
        raise BrokenMessageError("graphs are nested too deeply")
    inner = _INNER.get(kind, {})
    for field in parsed(message):
        if kind == "tensor":
            yield field.number == TENSOR_EXTERNAL or (field.number == TENSOR_LOCATION and bool(field.value))
        elif field.number in inner and isinstance(field.value, bytes):
            yield from _external(field.value, inner[field.number], depth + 1)


def _varint(message: bytes, place: int) -> tuple[int, int]:
    value = 0
    for count in range(_MOST_VARINT_BYTES):
        if place + count >= len(message):
            break
        byte = message[place + count]
        value |= (byte & 0x7F) << (7 * count)
        if byte < 0x80:
            return value, place + count + 1
    raise BrokenMessageError("a number does not end")


def _written(field: WireField) -> bytes:
    key = _number(field.number << 3 | field.wire)
    if isinstance(field.value, int):
        return key + _number(field.value)
    length = _number(len(field.value)) if field.wire == _BYTES else b""
    return key + length + field.value


def _number(value: int) -> bytes:
    written = bytearray()
    while value > 0x7F:
        written.append(value & 0x7F | 0x80)
        value >>= 7
    written.append(value)
    return bytes(written)
