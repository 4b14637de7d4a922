"""The user's VST3 plug-ins in the chains of a REAPER project, behind those of mixbridge whose place they take.

Layout of a VST3's block, from projects that REAPER wrote and others described: a head with a number of the plug-in, a
magic word and the pins of in- and outputs, the lengths and bytes of both states, and the name of its program. The
number is the 32-bit FNV-1a hash of the class id as Windows keeps it in memory, without the highest bit. REAPER itself
was not at hand to open one.
"""

from __future__ import annotations

import base64
import struct
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from ....presets.names import unique_names
from ..core.plugged import PLUGGED_MARK, PluggedTracks, SessionPlugin
from .chains import CHAINS, extent, fresh_identity, own_plugin
from .edits import ProjectEdits
from .mixer import Mixer
from .rpp import Block, ReaperDocument, blocks, parse

_MAGIC: Final = 0xFEED5EEE
_TAIL: Final = (1, 0x0010FFFF)
_LINE: Final = 128
_PROGRAM: Final = "AAAQAAAA"
_LEFT, _RIGHT = 1, 2
_FNV_START, _FNV_PRIME = 0x811C9DC5, 0x01000193


def plugged(document: ReaperDocument, tracks: PluggedTracks, channels: Mapping[str, int]) -> bytes:
    """Put plug-ins into a project that a mix was written into.

    Args:
        document: the project.
        tracks: by name, what their stages stand on.
        channels: of the stems, by track.
    """
    edits, mixer = ProjectEdits(document), Mixer(document)
    for track, name in zip(mixer.shown, unique_names(track.name for track in mixer.shown), strict=True):
        chain = next(blocks(track.block, "FXCHAIN"), None)
        for stage in ("eq", "compressor") if chain is not None else ():
            own = None if chain is None else own_plugin(document, chain, "eq" if stage == "eq" else "compressor")
            chosen = [plugin for plugin in tracks.get(name, ()) if plugin.stage == stage]
            if chain is not None and own is not None and chosen:
                lines = [line for plugin in chosen for line in _plugin_lines(plugin, name, channels[name])]
                edits.insert(extent(document, chain, own)[1], lines, edits.inside(chain))
    return edits.result()


def without_plugged(document: ReaperDocument) -> ReaperDocument:
    """Take out the plug-ins that an earlier mix put into the chains of tracks."""
    edits, count = ProjectEdits(document), 0
    for track in Mixer(document).tracks:
        for chain in blocks(track.block, *CHAINS):
            for block in _plugged_in(document, chain):
                first, stop = extent(document, chain, block)
                edits.replace(first, stop, [], b"")
                count += 1
    return parse(edits.result(), document.path) if count else document


def plugged_states(document: ReaperDocument, owner: Block) -> Iterator[tuple[str, bytes]]:
    """Give class id and processor's state of each plug-in that a mix put into the chains of a track."""
    for chain in blocks(owner, *CHAINS):
        for block in _plugged_in(document, chain):
            identity = document.row(block.first).text(5)
            data = b"".join(base64.b64decode(line.strip()) for line in document.lines[block.first + 2 : block.last - 1])
            (size,) = struct.unpack_from("<I", data)
            yield identity[identity.index("{") + 1 : identity.index("}")], data[8 : 8 + size]


def vst3_number(class_id: str) -> int:
    """Compute the number that REAPER gives a VST3."""
    raw = bytes.fromhex(class_id)
    number = _FNV_START
    for byte in (*raw[3::-1], *raw[5:3:-1], *raw[7:5:-1], *raw[8:]):
        number = (number ^ byte) * _FNV_PRIME & 0xFFFFFFFF
    return number & 0x7FFFFFFF


def _plugged_in(document: ReaperDocument, chain: Block) -> Iterable[Block]:
    return [block for block in blocks(chain, "VST") if document.row(block.first).text(4).startswith(PLUGGED_MARK)]


def _plugin_lines(plugin: SessionPlugin, track: str, channels: int) -> Iterator[str]:
    """Write a plug-in's lines for a chain; a mono one for each side of a stereo track."""
    for number, (inputs, outputs) in enumerate(_pins(plugin.channels, channels)):
        title = f"VST3: {plugin.name}" + (f" ({plugin.vendor})" if plugin.vendor else "")
        key = f"{track} {plugin.stage} {plugin.class_id} {number}"
        yield "BYPASS 0 0 0"
        yield (
            f'<VST "{_plain(title)}" "{_plain(plugin.file)}" 0 "{_plain(plugin.title)}" '
            f'{vst3_number(plugin.class_id)}{{{plugin.class_id}}} ""'
        )
        yield from (f"  {line}" for line in _state_lines(plugin, inputs, outputs))
        yield ">"
        yield "FLOATPOS 0 0 0 0"
        yield f"FXID {fresh_identity(key)}"
        yield "WAK 0 0"


def _pins(takes: int, channels: int) -> Sequence[tuple[Sequence[int], Sequence[int]]]:
    """List what goes where, for each instance: masks of the track's channels for each pin in, and out."""
    if takes == 2:
        return [((_LEFT, _RIGHT), (_LEFT, _RIGHT))]
    if channels == 1:
        return [((_LEFT,), (_LEFT | _RIGHT,))]
    return [((_LEFT,), (_LEFT,)), ((_RIGHT,), (_RIGHT,))]


def _state_lines(plugin: SessionPlugin, inputs: Sequence[int], outputs: Sequence[int]) -> Iterator[str]:
    state = struct.pack("<II", len(plugin.component), 1) + plugin.component
    state += struct.pack("<II", len(plugin.controller), 0) + plugin.controller
    head = struct.pack("<II", vst3_number(plugin.class_id), _MAGIC)
    for pins in (inputs, outputs):
        head += struct.pack(f"<I{len(pins)}Q", len(pins), *pins)
    head += struct.pack("<III", len(state), *_TAIL)
    text = base64.b64encode(state).decode("ascii")
    yield base64.b64encode(head).decode("ascii")
    yield from (text[at : at + _LINE] for at in range(0, len(text), _LINE))
    yield _PROGRAM


def _plain(text: str) -> str:
    return text.replace('"', "'")
