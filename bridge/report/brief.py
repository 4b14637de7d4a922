"""A track of a preset in a line: how loud, where, and which processors work."""

from __future__ import annotations

from ...presets.console import EQ_BANDS, SEND_OFF_DB, Strip
from ...presets.preset import Track
from .text import AUDIBLE_DB, AUDIBLE_PAN, AUDIBLE_RATIO


def brief_cells(track: Track) -> tuple[str, str, str]:
    """Gives level change, place and processors, each short."""
    strip = track.strip
    gain_db = round(strip.input_gain_db + strip.fader_db, 1) + 0.0
    level = "muted" if track.mute else f"{gain_db:+.1f} dB"
    pan = "C" if abs(strip.pan) < AUDIBLE_PAN else f"{'L' if strip.pan < 0 else 'R'}{abs(strip.pan) * 100:.0f}"
    return level, pan, ", ".join(_processors(strip))


def _processors(strip: Strip) -> list[str]:
    bands = sum(abs(getattr(strip.eq, name).gain_db) >= AUDIBLE_DB for name in EQ_BANDS)
    working = [f"EQ {bands} band{'' if bands == 1 else 's'}"] if bands else []
    if strip.compressor.ratio >= AUDIBLE_RATIO:
        working.append(f"compressor {strip.compressor.ratio:.2g}:1")
    if strip.saturation.drive:
        working.append("saturation")
    if strip.fx_send_db > SEND_OFF_DB:
        working.append("reverb")
    return working
