"""Whether stems have the level that a preset's thresholds were made for, where its description says one."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from ..presets.preset import Preset
from ..runtime.model.analysis import cut_passage

# As the factory presets say it.
_FITS: Final = re.compile(r"Thresholds fit an? (?:track|mix) at about (-?\d+) LUFS")
# Nearer than this, gates and compressors work as they were meant to.
_FAR_LU: Final = 6.0
_LISTED: Final = 6
# What is listened to: six seconds, as a model would.
_RATE_HZ: Final = 44100
_SAMPLES: Final = 262144


def threshold_notes(preset: Preset, stems: Mapping[str, Path]) -> Iterator[str]:
    """Say at which level a preset's thresholds fit, and which stems are far from it.

    Args:
        preset: with a track for each stem.
        stems: files by track name.

    Raises:
        AudioError: a file cannot be read.
    """
    fits = _FITS.search(preset.description)
    if fits is None or not stems:
        return
    wanted = float(fits[1])
    loudness = cut_passage(stems, _RATE_HZ, _SAMPLES).loudness_lufs
    levels = {name: level + preset.track(name).strip.input_gain_db for name, level in loudness.items()}
    far = {name: level for name, level in levels.items() if math.isfinite(level) and abs(level - wanted) > _FAR_LU}
    yield f"the preset's thresholds fit tracks at about {wanted:g} LUFS" + _said(far, wanted)


def _said(far: Mapping[str, float], wanted: float) -> str:
    if not far:
        return ""
    listed = [f"{name} is at {level:.0f}" for name, level in list(far.items())[:_LISTED]]
    more = [f"{len(far) - _LISTED} more are far from it, too"] if len(far) > _LISTED else []
    name, level = next(iter(far.items()))
    return (
        f"; {', '.join([*listed, *more])}: add the difference to input_gain_db in the strip "
        f"({wanted - level:+.0f} for {name}), or move the thresholds"
    )
