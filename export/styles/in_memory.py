"""A bundle that was not written: what a style needs around it where ways are tried."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from ...presets.version import __version__
from ...runtime.model.bundle import Bundle, Manifest, StyleNote
from ...runtime.model.layout import Layout
from ...runtime.styles.settings import RATE_HZ
from ...runtime.styles.style import Style
from .examples import WINDOW_SAMPLES

TRACK_LEVEL_LUFS: Final = -23.0
"""Loudness at which the plain mix by role meets tracks beside those of a style."""


def style_manifest(style: Style, note: StyleNote, name: str, description: str, licence: str) -> Manifest:
    """Make the manifest of a bundle that has a style and no network; hashes are missing still."""
    return Manifest(
        name=name,
        description=description,
        architecture=f"mixbridge-style-{style.way}",
        parameters=_count(style),
        layout=Layout(track=(), master=()),
        sample_rate_hz=RATE_HZ,
        window_samples=WINDOW_SAMPLES,
        track_level_lufs=TRACK_LEVEL_LUFS,
        stereo_tracks=True,
        feature_version=1,
        style=note,
        licence=licence,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        tool=f"mixbridge {__version__}",
        sha256={},
    )


def bundle_of(style: Style) -> Bundle:
    """Make a bundle that is nowhere on disk."""
    note = StyleNote(way=style.way, pairs=style.examples)
    return Bundle(Path(style.way), style_manifest(style, note, style.way, "", "not stated"), "0" * 64)


def _count(style: Style) -> int:
    """How many numbers tell settings."""
    rows = [style.mean, *style.slopes, *style.found]
    return sum(map(len, rows))
