"""Inserts in words: what one is, and how it is set."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePath
from typing import Final

from ..units import quantity
from .insert import FULL_STRENGTH_DB, Insert

_LONGEST: Final = 80


def insert_name(insert: Insert) -> str:
    """Name what runs: "denoise", "onnx:clean.onnx", "command:sox"."""
    if insert.kind == "command":
        return f"command:{PurePath((insert.command or ('',))[0]).name}"
    return insert.kind if insert.file is None else f"{insert.kind}:{PurePath(insert.file).name}"


def insert_words(insert: Insert) -> str:
    """Say what an insert does: "denoise (noise down by 24 dB at most), before everything else"."""
    details = []
    if insert.kind == "denoise":
        full = insert.strength_db >= FULL_STRENGTH_DB
        details.append(
            "noise removed" if full else f"noise down by {quantity(round(insert.strength_db, 1), 'dB')} at most"
        )
    if insert.kind == "denoise" and not insert.protect:
        details.append("by the network alone")
    if insert.kind == "command":
        line = " ".join(insert.command or ())
        details.append(line if len(line) <= _LONGEST else f"{line[: _LONGEST - 1]}…")
    if insert.method:
        details.append(f"method {insert.method}")
    if insert.wet < 1:
        details.append(f"{insert.wet:.0%} of its sound")
    if insert.match_loudness:
        details.append("at the loudness of what goes in")
    said = f" ({', '.join(details)})" if details else ""
    return f"goes through {insert_name(insert)}{said} first"


def inserts_line(inserts: Sequence[Insert]) -> str:
    """Name several in a row; empty where there is none."""
    return " > ".join(map(insert_name, inserts))
