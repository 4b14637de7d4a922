"""mixbridge's two plug-ins in the chains of a REAPER project: putting them there, and finding them again."""

from __future__ import annotations

import uuid
from typing import Final

from .edits import ProjectEdits
from .reading import platform
from .rpp import Block, ReaperDocument, blocks
from .states import PluginKind, PluginStates, state_in, state_lines

NAMES: Final[dict[PluginKind, str]] = {"eq": "mixbridge EQ", "compressor": "mixbridge compressor"}
_ID: Final[dict[PluginKind, str]] = {
    "eq": '"VST: ReaEQ (Cockos)" {file} 0 "mixbridge EQ" 1919247729<56535472656571726561657100000000> ""',
    "compressor": (
        '"VST: ReaComp (Cockos)" {file} 0 "mixbridge compressor" 1919247213<5653547265636D726561636F6D700000> ""'
    ),
}
_FILES: Final[dict[PluginKind, str]] = {"eq": "reaeq", "compressor": "reacomp"}
_ENDINGS: Final = {"windows": ".dll", "macos": ".vst.dylib", "linux": ".vst.so"}
CHAINS: Final = ("FXCHAIN", "MASTERFXLIST")
_IDENTITIES = uuid.UUID("6d697862-7269-4467-a500-726561706572")


def put_plugins(edits: ProjectEdits, owner: Block, tag: str, before: int, states: PluginStates) -> None:
    """Put both plug-ins into a chain; into a new one, in front of a line, where there is none."""
    chain = next(blocks(owner, tag), None)
    pair: tuple[tuple[PluginKind, bytes], ...] = (("eq", states.eq), ("compressor", states.compressor))
    if chain is None:
        lines = [f"<{tag}", "  SHOW 0", "  LASTSEL 0", "  DOCKED 0"]
        for kind, state in pair:
            lines += [f"  {line}" for line in _plugin(edits.document, owner, kind, state)]
        edits.insert(before, [*lines, ">"], edits.inside(owner))
        return
    place = _first_plugin(edits.document, chain)
    for kind, state in pair:
        own = _own_plugin(edits.document, chain, kind)
        if own is None:
            edits.insert(place, _plugin(edits.document, owner, kind, state), edits.inside(chain))
            continue
        _switch_on(edits, chain, own)
        indent = edits.inside(own)
        edits.replace(own.first + 1, own.last, state_lines(kind, state), indent)
        place = _next_plugin(edits.document, chain, own)


def _plugin(document: ReaperDocument, owner: Block, kind: PluginKind, state: bytes) -> list[str]:
    """Write a plug-in's lines for a chain."""
    file = _FILES[kind] + _ENDINGS[platform(document)]
    identity = uuid.uuid5(_IDENTITIES, f"{document.row(owner.first).words} {owner.first} {kind}")
    return [
        "BYPASS 0 0 0",
        f"<VST {_ID[kind].format(file=file)}",
        *(f"  {line}" for line in state_lines(kind, state)),
        ">",
        "FLOATPOS 0 0 0 0",
        f"FXID {{{str(identity).upper()}}}",
        "WAK 0 0",
    ]


def _first_plugin(document: ReaperDocument, chain: Block) -> int:
    """Find the line in front of which the first plug-in of a chain goes."""
    for child in chain.children:
        if isinstance(child, Block):
            return child.first
        if document.key(child) == "BYPASS":
            return child
    return chain.last


def _next_plugin(document: ReaperDocument, chain: Block, own: Block) -> int:
    for child in chain.children[chain.children.index(own) + 1 :]:
        if isinstance(child, int) and document.key(child) == "BYPASS":
            return child
    return chain.last


def _switch_on(edits: ProjectEdits, chain: Block, own: Block) -> None:
    for child in reversed(chain.children[: chain.children.index(own)]):
        if isinstance(child, Block):
            return
        if edits.document.key(child) == "BYPASS":
            if edits.document.row(child).whole(1):
                edits.change(edits.document.row(child), {1: "0"})
            return


def states_in(document: ReaperDocument, owner: Block) -> tuple[bytes, bytes] | None:
    """Find the states of both of mixbridge's plug-ins; none if one is missing."""
    for chain in blocks(owner, *CHAINS):
        states = [_state(document, _own_plugin(document, chain, kind)) for kind in NAMES]
        if states[0] is not None and states[1] is not None:
            return states[0], states[1]
    return None


def _state(document: ReaperDocument, block: Block | None) -> bytes | None:
    return None if block is None else state_in(document.lines[block.first + 1 : block.last])


def _own_plugin(document: ReaperDocument, chain: Block, kind: PluginKind) -> Block | None:
    """Find the plug-in in a chain that mixbridge put there: it bears its name."""
    for block in blocks(chain, "VST"):
        row = document.row(block.first)
        if row.text(4) == NAMES[kind]:
            return block
    return None
