"""Copies of session files with a mix in them, and what they sound like."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from mixbridge.bridge.sessions.reading import read_session
from mixbridge.bridge.sessions.registry import format_named
from mixbridge.bridge.sessions.writing import Written
from mixbridge.presets.preset import Preset


def write_copy(
    path: Path, preset: Preset, output: Path, *, match: Mapping[str, str], overwrite: bool = False
) -> Written:
    """A copy of a session's file with a preset in it, by the writer of its format."""
    session = read_session(path, allow_outside=True)
    return format_named(session.format).write(session, preset, output, match=match, overwrite=overwrite)
