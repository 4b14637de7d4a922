"""mixbridge's plug-ins in the chains of a REAPER project: putting them there, and finding them again."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Final

from .edits import ProjectEdits
from .rpp import Block, ReaperDocument, blocks
from .states import PluginKind, PluginStates, state_in, state_lines

NAMES: Final[dict[PluginKind, str]] = {
    "gate": "mixbridge gate",
    "eq": "mixbridge EQ",
    "compressor": "mixbridge compressor",
    "reverb": "mixbridge reverb",
    "delay": "mixbridge delay",
}
# Title in REAPER, file without its ending, and what stands behind the name that a user sees.
_VSTS: Final[dict[PluginKind, tuple[str, str, str]]] = {
    "gate": ("ReaGate", "reagate", "1919248244<56535472656774726561676174650000>"),
    "eq": ("ReaEQ", "reaeq", "1919247729<56535472656571726561657100000000>"),
    "compressor": ("ReaComp", "reacomp", "1919247213<5653547265636D726561636F6D700000>"),
    "reverb": ("ReaVerbate", "reaverbate", "1920361016<56535472766238726561766572626174>"),
    "delay": ("ReaDelay", "readelay", "1919247468<5653547265646C72656164656C617900>"),
}
_ENDINGS: Final = {"windows": ".dll", "macos": ".vst.dylib", "linux": ".vst.so"}
# Those that returns have.
EFFECTS: Final[tuple[PluginKind, ...]] = ("reverb", "delay")
CHAINS: Final = ("FXCHAIN", "MASTERFXLIST")
_IDENTITIES = uuid.UUID("6d697862-7269-4467-a500-726561706572")

States = Mapping[PluginKind, bytes]


def states_by_kind(states: PluginStates) -> dict[PluginKind, bytes]:
    """List the states of a strip's plug-ins in the order of their chain."""
    gate: dict[PluginKind, bytes] = {} if states.gate is None else {"gate": states.gate}
    return {**gate, "eq": states.eq, "compressor": states.compressor}


def put_plugins(edits: ProjectEdits, owner: Block, tag: str, before: int, states: PluginStates) -> None:
    """Put the plug-ins of a strip into a chain; into a new one, in front of a line, where there is none.

    A gate that an earlier mix put there goes where the strip has none.
    """
    chain = next(blocks(owner, tag), None)
    document, wanted = edits.document, states_by_kind(states)
    if chain is None:
        key = f"{document.row(owner.first).words} {owner.first}"
        edits.insert(before, new_chain(document, tag, wanted, key), edits.inside(owner))
        return
    place = _first_plugin(document, chain)
    for kind in ("gate", "eq", "compressor"):
        own, state = own_plugin(document, chain, kind), wanted.get(kind)
        if own is None:
            if state is not None:
                key = f"{document.row(owner.first).words} {owner.first}"
                edits.insert(place, _plugin(document, kind, state, key), edits.inside(chain))
            continue
        if state is None:
            first, stop = extent(document, chain, own)
            edits.replace(first, stop, [], b"")
            place = stop if place == first else place
            continue
        _switch_on(edits, chain, own)
        edits.replace(own.first + 1, own.last, state_lines(kind, state), edits.inside(own))
        place = extent(document, chain, own)[1]


def new_chain(document: ReaperDocument, tag: str, states: States, key: str) -> list[str]:
    """Write the lines of a chain of these plug-ins.

    Args:
        document: the project that it is for.
        tag: of the chain.
        states: of its plug-ins, in their order.
        key: names the chain, for identities that come out the same again.
    """
    lines = [f"<{tag}", "  SHOW 0", "  LASTSEL 0", "  DOCKED 0"]
    for kind, state in states.items():
        lines += [f"  {line}" for line in _plugin(document, kind, state, key)]
    return [*lines, ">"]


def _plugin(document: ReaperDocument, kind: PluginKind, state: bytes, key: str) -> list[str]:
    """Write a plug-in's lines for a chain."""
    title, file, identity = _VSTS[kind]
    ending = _ENDINGS[document.platform]
    return [
        "BYPASS 0 0 0",
        f'<VST "VST: {title} (Cockos)" {file}{ending} 0 "{NAMES[kind]}" {identity} ""',
        *(f"  {line}" for line in state_lines(kind, state)),
        ">",
        "FLOATPOS 0 0 0 0",
        f"FXID {fresh_identity(f'{key} {kind}')}",
        "WAK 0 0",
    ]


def fresh_identity(key: str) -> str:
    """Make an identity in REAPER's form, the same for the same key."""
    return f"{{{str(uuid.uuid5(_IDENTITIES, key)).upper()}}}"


def _first_plugin(document: ReaperDocument, chain: Block) -> int:
    """Find the line in front of which the first plug-in of a chain goes."""
    for child in chain.children:
        if isinstance(child, Block):
            return child.first
        if document.key(child) == "BYPASS":
            return child
    return chain.last


def extent(document: ReaperDocument, chain: Block, own: Block) -> tuple[int, int]:
    """Find a plug-in's lines in its chain: the first of them, and the first behind them."""
    place = chain.children.index(own)
    first, stop = own.first, chain.last
    for child in reversed(chain.children[:place]):
        if isinstance(child, Block):
            break
        if document.key(child) == "BYPASS":
            first = child
            break
    for child in chain.children[place + 1 :]:
        if isinstance(child, int) and document.key(child) == "BYPASS":
            stop = child
            break
    return first, stop


def _switch_on(edits: ProjectEdits, chain: Block, own: Block) -> None:
    for child in reversed(chain.children[: chain.children.index(own)]):
        if isinstance(child, Block):
            return
        if edits.document.key(child) == "BYPASS":
            if edits.document.row(child).whole(1):
                edits.change(edits.document.row(child), {1: "0"})
            return


def states_in(document: ReaperDocument, owner: Block) -> tuple[bytes, bytes, bytes | None] | None:
    """Find the states of mixbridge's EQ, compressor and gate; none if one of the first two is missing."""
    eq, compressor = state_of(document, owner, "eq"), state_of(document, owner, "compressor")
    if eq is None or compressor is None:
        return None
    return eq, compressor, state_of(document, owner, "gate")


def state_of(document: ReaperDocument, owner: Block, kind: PluginKind) -> bytes | None:
    """Find the state of the plug-in of this kind that mixbridge put into a chain; none without it."""
    for chain in blocks(owner, *CHAINS):
        block = own_plugin(document, chain, kind)
        if block is not None:
            return state_in(document.lines[block.first + 1 : block.last])
    return None


def own_plugin(document: ReaperDocument, chain: Block, kind: PluginKind) -> Block | None:
    """Find the plug-in in a chain that mixbridge put there: it bears its name."""
    for block in blocks(chain, "VST"):
        row = document.row(block.first)
        if row.text(4) == NAMES[kind]:
            return block
    return None
