"""The container of a .vstpreset file: a plug-in's class id and its states, to be read and written without the plug-in.

The format is the VST 3 SDK's: 'VST3', version, class id in 32 letters, offset of the list; chunks; 'List', count, and
for each chunk its name, offset and size. 'Comp' is what the processor keeps, 'Cont' what its editor keeps.
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass
from typing import Final

from ....presets.errors import PluginError

_HEAD: Final = struct.Struct("<4si32sq")
_LIST: Final = struct.Struct("<4si")
_ENTRY: Final = struct.Struct("<4sqq")
_VERSION: Final = 1
_MOST_CHUNKS: Final = 128


@dataclass(frozen=True)
class VstPreset:
    """A state of a VST3 plug-in.

    Attributes:
        class_id: of the plug-in, 32 hexadecimal digits.
        component: what the processor keeps.
        controller: what the editor keeps.
    """

    class_id: str
    component: bytes
    controller: bytes = b""

    def packed(self) -> bytes:
        """Make the content of a file."""
        chunks = [(b"Comp", self.component), (b"Cont", self.controller)]
        offset = _HEAD.size + sum(len(data) for _, data in chunks)
        parts = [_HEAD.pack(b"VST3", _VERSION, self.class_id.encode("ascii"), offset), *(data for _, data in chunks)]
        parts.append(_LIST.pack(b"List", len(chunks)))
        at = _HEAD.size
        for name, data in chunks:
            parts.append(_ENTRY.pack(name, at, len(data)))
            at += len(data)
        return b"".join(parts)


def unpacked(content: bytes, what: str) -> VstPreset:
    """Read the content of a file.

    Args:
        content: of the file.
        what: names it in messages.

    Raises:
        PluginError: it is no .vstpreset.
    """
    try:
        magic, _, class_id, offset = _HEAD.unpack_from(content)
        mark, count = _LIST.unpack_from(content, offset)
        identity = class_id.decode("ascii")
        count = min(count, _MOST_CHUNKS)
        entries = [_ENTRY.unpack_from(content, offset + _LIST.size + n * _ENTRY.size) for n in range(count)]
    except (struct.error, UnicodeDecodeError, MemoryError, OverflowError):
        raise PluginError(f"{what} is no .vstpreset: it is cut off.") from None
    if magic != b"VST3" or mark != b"List" or not re.fullmatch("[0-9A-Fa-f]{32}", identity):
        raise PluginError(f"{what} is no .vstpreset: its header is another.")
    chunks = {name: content[at : at + size] for name, at, size in entries if at >= 0 and size >= 0}
    whole = all(at >= 0 and size >= 0 and at + size <= len(content) for _, at, size in entries)
    if not whole or b"Comp" not in chunks:
        raise PluginError(f"{what} is no .vstpreset that can be used: the plug-in's state is missing in it.")
    return VstPreset(identity.upper(), chunks[b"Comp"], chunks.get(b"Cont", b""))
