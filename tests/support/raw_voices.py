"""Raw voices for tests: sentences of Flite with a room, noise and mains hum added, as a home recording has them."""

from __future__ import annotations

import functools
import shutil
import subprocess
import tempfile
from pathlib import Path

import numpy as np
import soundfile as sf
import soxr
from numpy.typing import NDArray
from scipy.signal import fftconvolve

RATE_HZ = 44100
FLITE_VOICES = ("slt", "awb", "rms", "kal16", "kal")
SENTENCES = (
    "She sells sea shells on the sea shore, and some of us saw six ships sailing south.",
    "The session starts at seven; please switch the system off before you leave the house.",
    "It was a quiet summer evening. Nobody said a word, and the rain had stopped.",
)
HAS_FLITE = shutil.which("flite") is not None
_GAP_S, _ROOM_S = 0.8, 0.3


@functools.cache
def recording(
    voice: str, level_db: float = -23, noise_db: float = -45, hum_db: float = -45, hum_hz: float = 50
) -> NDArray[np.float32]:
    """Three sentences, shape (1, samples); noise and hum are against the level of the words."""
    numbers = np.random.default_rng(FLITE_VOICES.index(voice))
    gap = np.zeros(round(_GAP_S * RATE_HZ), np.float32)
    dry = np.concatenate([gap, *(part for sentence in SENTENCES for part in (_said(voice, sentence), gap))])
    time_s = np.arange(round(_ROOM_S * RATE_HZ)) / RATE_HZ
    room = 0.004 * numbers.standard_normal(len(time_s)) * 10 ** (-3 * time_s / _ROOM_S)
    room[0] = 1
    words = fftconvolve(dry, room)[: len(dry)]
    words *= 10 ** (level_db / 20) / np.sqrt(np.mean(words[np.abs(words) > 1e-4] ** 2))
    time_s = np.arange(len(words)) / RATE_HZ
    hum = sum(np.sin(2 * np.pi * hum_hz * overtone * time_s + overtone) / overtone for overtone in (1, 2, 3))
    noise = 10 ** ((level_db + noise_db) / 20) * numbers.standard_normal(len(words))
    return (words + noise + 10 ** ((level_db + hum_db) / 20) * hum)[None].astype(np.float32)


@functools.cache
def _said(voice: str, sentence: str) -> NDArray[np.float32]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "said.wav"
        subprocess.run(["flite", "-voice", voice, "-t", sentence, "-o", str(path)], check=True, capture_output=True)
        audio, rate_hz = sf.read(path, dtype="float32")
    return np.asarray(soxr.resample(audio, rate_hz, RATE_HZ), np.float32)
