"""A plug-in played by pedalboard alone, in a process of its own.

Plug-ins that were compiled with -ffast-math switch the processor to flush denormal numbers as they are loaded, for
good: in the process of the tests, Hypothesis then finds that 5e-324 is 0.
"""

from __future__ import annotations

from collections.abc import Mapping
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Wave = NDArray[np.float32]


def bare_played(
    path: Path | str,
    audio: Wave,
    sample_rate_hz: int,
    *,
    raw: Mapping[str, float] | None = None,
    preset: Path | None = None,
) -> Wave:
    """Play mono audio through a plug-in.

    Args:
        path: of the plug-in.
        audio: shape (samples,).
        sample_rate_hz: of the audio.
        raw: parameters that are set one by one, 0 to 1.
        preset: a .vstpreset that is loaded by pedalboard's own loader.
    """
    with get_context("spawn").Pool(1) as pool:
        return pool.apply(
            _played, (str(path), audio, sample_rate_hz, dict(raw or {}), None if preset is None else str(preset))
        )


def _played(path: str, audio: Wave, sample_rate_hz: int, raw: dict[str, float], preset: str | None) -> Wave:
    import pedalboard

    plugin: Any = pedalboard.load_plugin(path)
    if preset is not None:
        plugin.load_preset(preset)
    for name, value in raw.items():
        plugin.parameters[name].raw_value = value
    plugin.process(audio[:8192], sample_rate_hz, 8192, reset=True)
    heard: Wave = plugin.process(audio, sample_rate_hz, 8192, reset=True)
    return heard
