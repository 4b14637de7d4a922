"""Players: the passage raw, mixed and of the reference, inside of the report, all at one loudness."""

from __future__ import annotations

import base64
import io
import math
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

import numpy as np
import soundfile as sf
import soxr

from ...presets.units import gain_factor
from ...runtime.audio.reading import Samples
from .listening import SoundFigures

_LEVEL_LUFS: Final = -16.0
# Coding for the ear moves peaks a little.
_CEILING_DBTP: Final = -1.5
_FADE_S: Final = 0.01
# Those that MP3 has.
_RATES_HZ: Final = frozenset({8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000})
_OTHERWISE_HZ: Final = 44100


@dataclass(frozen=True)
class ReportPlayer:
    """Something to be heard.

    Attributes:
        name: "raw", "mix" or "reference".
        source: a data URL of an MP3.
    """

    name: str
    source: str


def players(
    audio: Mapping[str, Samples], figures: Mapping[str, SoundFigures], sample_rate_hz: int
) -> list[ReportPlayer]:
    """Make a player for each sound that is not silent.

    Args:
        audio: samples of shape (1 or 2, n), by name.
        figures: of the same sounds.
        sample_rate_hz: of all.

    Returns:
        In the order given, at the loudness that lets all peaks stand.
    """
    heard = {name: figures[name] for name in audio if math.isfinite(figures[name].loudness_lufs)}
    level_lufs = min([_LEVEL_LUFS, *(_CEILING_DBTP - sound.crest_db for sound in heard.values())])

    def made(name: str) -> ReportPlayer:
        gain = gain_factor(level_lufs - heard[name].loudness_lufs)
        return ReportPlayer(name, _encoded(audio[name] * np.float32(gain), sample_rate_hz))

    with ThreadPoolExecutor() as pool:  # coding is done outside of Python's lock
        return list(pool.map(made, heard))


def _encoded(samples: Samples, sample_rate_hz: int) -> str:
    """An MP3 as a data URL, faded at its ends, which would click."""
    if sample_rate_hz not in _RATES_HZ:
        resampled: Samples = soxr.resample(samples.T, sample_rate_hz, _OTHERWISE_HZ).T
        samples, sample_rate_hz = resampled, _OTHERWISE_HZ
    frames = min(round(_FADE_S * sample_rate_hz), samples.shape[1] // 2)
    ramp = np.linspace(0, 1, frames, dtype=np.float32)
    faded = np.clip(samples, -1, 1)
    faded[:, :frames] *= ramp
    faded[:, faded.shape[1] - frames :] *= ramp[::-1]
    file = io.BytesIO()
    sf.write(file, faded.T, sample_rate_hz, format="MP3")
    return f"data:audio/mpeg;base64,{base64.b64encode(file.getvalue()).decode('ascii')}"
