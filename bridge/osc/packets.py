"""OSC packets: messages to bytes with exactly the types that are meant, and bytes from anybody to messages.

What comes in is not trusted: every size is checked before it is used, the work is bounded by the length of the
datagram, and whatever is wrong is a :class:`PacketError`, never anything else. Time tags are read and not obeyed: a
bundle from the future is a bundle. Single values are written by python-osc; they are not read by it, since it copies
the rest of a datagram for each of them, lets bad UTF-8 escape and turns for ever on a bundle's element of size -4.
No socket here.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pythonosc import slip
from pythonosc.parsing import osc_types

from ...presets.errors import DeskError

Argument = int | float | str | bool | bytes | None

# What a UDP datagram can hold; a TCP peer gets no more than that either.
MAX_BYTES = 65535
MAX_ARGUMENTS = 4096

_BUNDLE = b"#bundle\0"
_TIME_TAG_BYTES = 8
_IMMEDIATELY = b"\0\0\0\0\0\0\0\1"
_INT32_BITS, _INT64_BITS = 31, 63
_SHOWN = 40


class PacketError(DeskError):
    """Bytes that are no OSC packet, or a message that cannot be made one."""


@dataclass(frozen=True)
class Message:
    """One OSC message.

    Attributes:
        address: as a rule a path such as `/ch/01/mix/fader`; Ardour answers from `#reply`, an X32 from `node`.
        args: in Python's types: `i` and `h` are int, `f` and `d` float, `s` str, `b` bytes, `T` and `F` bool, `N` None.
            Arrays arrive flat; an impulse (`I`) is True; a time tag or colour is an int, MIDI its four bytes.
    """

    address: str
    args: tuple[Argument, ...] = ()


def encode(message: Message, types: str | None = None) -> bytes:
    """A message as a datagram.

    Args:
        message: what to send.
        types: a type tag for each argument, of `i h f d s b T F N`; None takes them from Python's types (an int that
            does not fit 32 bits becomes `h`, a float is always `f`). A whole number may stand where a float is asked
            for; nothing else is converted.

    Raises:
        PacketError: an argument is not of its type, or the message is no valid one.
    """
    if types is None:
        types = "".join(_tag(value) for value in message.args)
    if len(types) != len(message.args):
        raise PacketError(f"{_short(message.address)}: {len(message.args)} arguments, but {len(types)} types")
    if not _is_address(message.address):
        raise PacketError(f"{_short(message.address)} is no OSC address: it takes printable ASCII characters")
    parts = [osc_types.write_string(message.address), osc_types.write_string(f",{types}")]
    for tag, value in zip(types, message.args, strict=True):
        try:
            parts.append(_WRITERS[tag](value))
        except (KeyError, TypeError, ValueError, OverflowError, osc_types.BuildError) as error:
            raise PacketError(
                f"{_short(message.address)}: {_short(value)} cannot be sent as OSC type {tag!r}"
            ) from error
    packet = b"".join(parts)
    if len(packet) > MAX_BYTES:
        raise PacketError(f"{_short(message.address)}: {len(packet)} bytes are too many for a datagram")
    return packet


_Reader = Callable[[bytes, int], tuple["Argument", int]]


def decode(datagram: bytes, max_messages: int = 1000, max_depth: int = 4, *, old_texts: bool = False) -> list[Message]:
    """The messages in a datagram, those of bundles in their order.

    Args:
        datagram: as received.
        max_messages: more in one datagram are refused.
        max_depth: how deep bundles may lie in each other.
        old_texts: texts that are no UTF-8 are Latin-1, as older programs keep names on a desk; else they are refused.

    Raises:
        PacketError: it is not OSC, or passes a bound. Nothing of it is returned then.
    """
    if len(datagram) > MAX_BYTES:
        raise PacketError(f"{len(datagram)} bytes are too many for a datagram")
    messages: list[Message] = []
    for packet in _flattened(datagram, max_depth):
        if len(messages) == max_messages:
            raise PacketError(f"more than {max_messages} messages in one datagram")
        messages.append(_message(packet, _OLD_READERS if old_texts else _READERS))
    return messages


def bundle(packets: Sequence[bytes]) -> bytes:
    """Packets as one, to be acted upon at once.

    Raises:
        PacketError: together they are too long for a datagram.
    """
    parts = [_BUNDLE, _IMMEDIATELY]
    for packet in packets:
        parts += [osc_types.write_int(len(packet)), packet]
    together = b"".join(parts)
    if len(together) > MAX_BYTES:
        raise PacketError(f"a bundle of {len(together)} bytes is too long for a datagram")
    return together


def slip_decode(stream: bytes) -> tuple[list[bytes], bytes]:
    """The whole packets at the start of a stream, and what is left to be put before the next bytes.

    Raises:
        PacketError: a wrong escape, or more bytes than a packet may have without an end.
    """
    *frames, rest = stream.split(slip.END)
    if len(rest) > 2 * MAX_BYTES:
        raise PacketError(f"{len(rest)} bytes without an end: this is no SLIP stream")
    return [_unescaped(frame) for frame in frames if frame], rest


def _unescaped(frame: bytes) -> bytes:
    try:
        return slip.decode(frame)
    except slip.ProtocolError as error:
        raise PacketError("a wrong escape in a SLIP stream") from error


def _flattened(packet: bytes, depth: int) -> Iterator[bytes]:
    """The messages' bytes in a packet, bundles opened."""
    if not packet or len(packet) % 4:
        raise PacketError(f"{len(packet)} bytes: a packet's length is a multiple of 4")
    if not packet.startswith(_BUNDLE):
        yield packet
        return
    if depth == 0:
        raise PacketError("bundles lie too deep in each other")
    position = len(_BUNDLE) + _TIME_TAG_BYTES
    if len(packet) < position:
        raise PacketError("a bundle without a time tag")
    while position < len(packet):
        # At least four bytes are left, since all sizes are multiples of 4.
        (size,) = struct.unpack_from(">i", packet, position)
        position += 4
        if not 0 < size <= len(packet) - position:
            raise PacketError(f"a bundle's element of {size} bytes where {len(packet) - position} are left")
        yield from _flattened(packet[position : position + size], depth - 1)
        position += size


def _message(packet: bytes, readers: Mapping[str, _Reader]) -> Message:
    address, position = _string(packet, 0)
    if not _is_address(address):
        raise PacketError(f"{_short(address)} is no OSC address")
    if position == len(packet):  # old senders leave the types out where there are no arguments
        return Message(address)
    tags, position = _string(packet, position)
    if not tags.startswith(","):
        raise PacketError(f"{_short(address)}: the types {_short(tags)} do not begin with a comma")
    if len(tags) - 1 > MAX_ARGUMENTS:
        raise PacketError(f"{_short(address)}: {len(tags) - 1} arguments are too many")
    args: list[Argument] = []
    arrays = 0
    for tag in tags[1:]:
        if tag in "[]":
            arrays += 1 if tag == "[" else -1
            if arrays < 0:
                raise PacketError(f"{_short(address)}: an array ends that did not begin")
            continue
        reader = readers.get(tag)
        if reader is None:
            raise PacketError(f"{_short(address)}: unknown type {tag!r}")
        value, position = reader(packet, position)
        args.append(value)
    if arrays:
        raise PacketError(f"{_short(address)}: an array does not end")
    if position != len(packet):
        raise PacketError(f"{_short(address)}: {len(packet) - position} bytes more than its types say")
    return Message(address, tuple(args))


def _string(packet: bytes, start: int) -> tuple[str, int]:
    end = packet.find(b"\0", start)
    if end < 0:
        raise PacketError("a string without an end")
    try:
        # The end is found in a packet of whole words, so the padding is there too.
        return packet[start:end].decode("utf-8"), end + 4 - end % 4
    except UnicodeDecodeError as error:
        raise PacketError("a string that is not UTF-8") from error


def _text(packet: bytes, start: int) -> tuple[str, int]:
    """A text as argument: UTF-8, or else Latin-1."""
    try:
        return _string(packet, start)
    except PacketError:
        end = packet.find(b"\0", start)
        if end < 0:
            raise
        return packet[start:end].decode("latin-1"), end + 4 - end % 4


def _number(form: str) -> Callable[[bytes, int], tuple[Any, int]]:
    layout = struct.Struct(form)

    def read(packet: bytes, start: int) -> tuple[Any, int]:
        end = start + layout.size
        if end > len(packet):
            raise PacketError("the datagram ends within a value")
        return layout.unpack_from(packet, start)[0], end

    return read


_int32 = _number(">i")
_uint32 = _number(">I")


def _blob(packet: bytes, start: int) -> tuple[bytes, int]:
    size, start = _int32(packet, start)
    if not 0 <= size <= len(packet) - start:
        raise PacketError(f"a blob of {size} bytes where {len(packet) - start} are left")
    return packet[start : start + size], start + size + -size % 4


def _character(packet: bytes, start: int) -> tuple[str, int]:
    code, end = _uint32(packet, start)
    if code > 127:
        raise PacketError(f"{code} is no ASCII character")
    return chr(code), end


def _constant(value: Argument) -> Callable[[bytes, int], tuple[Argument, int]]:
    return lambda _packet, start: (value, start)


_READERS: dict[str, _Reader] = {
    "i": _int32,
    "h": _number(">q"),
    "f": _number(">f"),
    "d": _number(">d"),
    "t": _number(">Q"),
    "r": _uint32,
    "m": _number(">4s"),
    "c": _character,
    "s": _string,
    "S": _string,
    "b": _blob,
    "T": _constant(True),
    "F": _constant(False),
    "N": _constant(None),
    "I": _constant(True),
}
_OLD_READERS = {**_READERS, "s": _text, "S": _text}


def _tag(value: Argument) -> str:
    match value:
        case bool():
            return "T" if value else "F"
        case int():
            return "i" if _fits(value, _INT32_BITS) else "h"
        case float():
            return "f"
        case str():
            return "s"
        case bytes():
            return "b"
        case _:
            return "N"


def _fits(value: int, bits: int) -> bool:
    return -(1 << bits) <= value < 1 << bits


def _exactly(kind: type | tuple[type, ...], write: Callable[[Any], bytes]) -> Callable[[Argument], bytes]:
    """A writer that takes its own type only; to Python a bool is an int, to a desk it is not."""

    def checked(value: Argument) -> bytes:
        if not isinstance(value, kind) or isinstance(value, bool):
            raise TypeError
        return write(value)

    return checked


def _only(wanted: Argument) -> Callable[[Argument], bytes]:
    def checked(value: Argument) -> bytes:
        if value is not wanted:
            raise TypeError
        return b""

    return checked


def _write_text(value: str) -> bytes:
    if "\0" in value:
        raise ValueError
    return osc_types.write_string(value)


def _write_blob(value: bytes) -> bytes:
    return osc_types.write_int(len(value)) + value + bytes(-len(value) % 4)


_WRITERS: dict[str, Callable[[Argument], bytes]] = {
    "i": _exactly(int, osc_types.write_int),
    "h": _exactly(int, osc_types.write_int64),
    "f": _exactly((int, float), osc_types.write_float),
    "d": _exactly((int, float), osc_types.write_double),
    "s": _exactly(str, _write_text),
    "b": _exactly(bytes, _write_blob),
    "T": _only(True),
    "F": _only(False),
    "N": _only(None),
}


def _is_address(text: str) -> bool:
    return bool(text) and text.isascii() and text.isprintable()


def _short(value: object) -> str:
    """What was sent, so that it can stand in a line of a log."""
    if isinstance(value, int) and not _fits(value, _INT64_BITS):  # Python itself refuses to write the longest
        return f"a number of {value.bit_length()} bits"
    shown = ascii(value)
    return shown if len(shown) <= _SHOWN else f"{shown[:_SHOWN]}.."
