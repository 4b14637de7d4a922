"""Copies of session files with a mix in them, and what they sound like."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import soundfile as sf
from mixbridge.bridge.sessions.reading import read_session
from mixbridge.bridge.sessions.registry import format_named
from mixbridge.bridge.sessions.stems.render import render_stems
from mixbridge.bridge.sessions.writing import Written
from mixbridge.presets.console import Strip
from mixbridge.presets.preset import Preset, Track
from mixbridge.runtime.rendering.in_memory import render_arrays

# Pans that a copy is tried with: both ends, the centre, and what lies between.
PANS = (-1.0, -0.6, -0.1, 0.0, 0.25, 0.7, 1.0)
# Farther from the mix's own levels no copy may be, and quieter than this is silence.
_OFF_DB, _SILENT_DB = 0.1, -100.0


def write_copy(
    path: Path, preset: Preset, output: Path, *, match: Mapping[str, str], overwrite: bool = False
) -> Written:
    """A copy of a session's file with a preset in it, by the writer of its format."""
    session = read_session(path, allow_outside=True)
    return format_named(session.format).write(session, preset, output, match=match, overwrite=overwrite)


def balance_faults(path: Path, folder: Path, pan: float, fader_db: float = -4.0) -> list[str]:
    """Where a copy of a session has other levels than the mix that was written into it; none is as it must be.

    Args:
        path: a session's file, whose tracks are tried as they are, mono and stereo.
        folder: for what is made; it is made, too.
        pan: of every track of the mix.
        fader_db: of every track of the mix.
    """
    session = read_session(path, allow_outside=True)
    raw = _sounds(path, folder / "raw", post_fader=False)
    strip = Strip(fader_db=fader_db, pan=pan)
    preset = Preset(tracks=tuple(Track(name=name, strip=strip) for name in raw))
    mix = render_arrays(raw, session.sample_rate_hz, preset).stems
    copy_path = path.with_name(f"copy-{folder.name}{path.suffix}")
    copy = write_copy(path, preset, copy_path, match={name: name for name in raw})
    there = _sounds(copy.path, folder / "copy", post_fader=True)
    faults = []
    for name, stem in mix.items():
        for side, wanted, got in zip(("left", "right"), _levels_db(stem), _levels_db(there[name]), strict=True):
            if max(wanted, got) > _SILENT_DB and abs(wanted - got) > _OFF_DB:
                faults.append(f"{name}, {side}, pan {pan}: {got:.2f} dB, not {wanted:.2f} dB")
    return faults


def _sounds(path: Path, folder: Path, *, post_fader: bool) -> dict[str, np.ndarray]:
    files = render_stems(read_session(path, allow_outside=True), folder, post_fader=post_fader)
    return {name: sf.read(file, dtype="float32", always_2d=True)[0].T for name, file in files.items()}


def _levels_db(stem: np.ndarray) -> list[float]:
    return [10 * float(np.log10(np.mean(np.square(side, dtype=float)) + 1e-20)) for side in stem]
