"""Two presets at one level, so that the better one is not just the louder one."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ...presets.preset import Preset
from ..audio.reading import Samples
from ..rendering.in_memory import render_mix
from .sound.loudness import matching_gain


def level_between(old: Preset, new: Preset, inputs: Samples, channels: Sequence[int], sample_rate_hz: int) -> float:
    """Compute the factor that brings the mix of one preset to the loudness of another's, on the same sound.

    Args:
        old: whose loudness is wanted.
        new: what is brought there.
        inputs: raw tracks, a row a channel, shape (rows, n).
        channels: 1 or 2, by track.
        sample_rate_hz: of the sound.
    """
    if not inputs.shape[1] or not inputs.any():
        return 1.0
    ends = np.cumsum(channels)
    rows = [inputs[end - count : end] for end, count in zip(ends, channels, strict=True)]
    mixes = []
    for preset in (old, new):
        stems = {track.name: block for track, block in zip(preset.tracks, rows, strict=True) if not track.mute}
        mixes.append(render_mix(stems, sample_rate_hz, preset)[:, : inputs.shape[1]] if stems else inputs[:1] * 0)
    return matching_gain(mixes[0], mixes[1], sample_rate_hz)
