"""A track of a preset in a line: how loud, where, and which processors work."""

from __future__ import annotations

from typing import Final

from ...presets.console import EQ_BANDS, Strip
from ...presets.inserts.words import insert_name
from ...presets.preset import Track
from ...presets.sections import active_sections, spoken
from .text import AUDIBLE_DB, AUDIBLE_PAN, AUDIBLE_RATIO, open_sends

# Sections that level and place show.
_CELLS: Final = frozenset({"trim", "fader", "pan"})


def brief_cells(track: Track) -> tuple[str, str, str]:
    """Gives level change, place and processors, each short."""
    strip = track.strip
    gain_db = round(strip.input_gain_db + strip.fader_db, 1) + 0.0
    level = "muted" if track.mute else f"{gain_db:+.1f} dB"
    pan = "C" if abs(strip.pan) < AUDIBLE_PAN else f"{'L' if strip.pan < 0 else 'R'}{abs(strip.pan) * 100:.0f}"
    return level, pan, ", ".join([*map(insert_name, track.inserts), *_processors(strip)])


def _processors(strip: Strip) -> list[str]:
    working: list[str] = []
    for section in active_sections(strip, known=_CELLS):
        if section == "eq":
            bands = sum(abs(getattr(strip.eq, name).gain_db) >= AUDIBLE_DB for name in EQ_BANDS)
            working += [f"EQ {bands} band{'' if bands == 1 else 's'}"] if bands else []
        elif section == "compressor":
            ratio = strip.compressor.ratio
            working += [f"compressor {ratio:.2g}:1"] if ratio >= AUDIBLE_RATIO else []
        elif section == "send":
            working += [name for name, _ in open_sends(strip)]
        else:
            working.append(spoken(section))
    return working


def describe_role(track: Track) -> str:
    """Say what a track is and what it is linked with; empty where nothing is known."""
    return ", ".join([*([track.role] if track.role else []), *([f"linked as {track.link}"] if track.link else [])])
