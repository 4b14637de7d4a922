"""A session to measure with: eight stems and a finished song, made of noise and tones, the same on every machine.

What the sound is matters little to the figures, but its level and its gaps do: compressors and limiters have to work,
and true peaks to be looked for. It is nothing to listen to.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile as sf
from numpy.typing import NDArray
from scipy.signal import butter, sosfilt

Samples = NDArray[np.float32]

_LOOP_S = 8
# A quarter of a second is a beat at 120 to the minute, halved.
_STEP_S = 0.25


@dataclass(frozen=True)
class Sound:
    """A stem: bursts of noise in a band over a tone.

    Attributes:
        name: of the stem.
        channels: 1 or 2.
        band_hz: of the noise.
        tone_hz: under it.
        peak_db: its highest sample.
        play: which of eight half beats it plays on.
        decay_s: of each burst.
    """

    name: str
    channels: int
    band_hz: tuple[float, float]
    tone_hz: float
    peak_db: float
    play: str
    decay_s: float


STEMS = (
    Sound("Kick", 1, (40, 4000), 55, -6, "x...x...", 0.15),
    Sound("Snare", 1, (150, 9000), 190, -8, "..x...x.", 0.12),
    Sound("Hats", 1, (5000, 16000), 7000, -18, "xxxxxxxx", 0.05),
    Sound("Bass", 1, (40, 1200), 82, -9, "x.xxx.x.", 0.6),
    Sound("Guitar", 1, (120, 6000), 220, -12, "x.x.x.xx", 0.5),
    Sound("Vocal", 1, (150, 12000), 330, -7, "xx.xxx..", 0.4),
    Sound("Keys", 2, (100, 9000), 440, -12, "x...x...", 1.5),
    Sound("Pad", 2, (200, 10000), 262, -15, "x.......", 4.0),
)


def write_session(
    folder: Path, seconds: float, sample_rate_hz: int = 44100, *, sounds: Sequence[Sound] = STEMS
) -> None:
    """Writes `stems/*.wav` (24 bit, six mono, two stereo) and `reference.wav`, which has all sounds, of this length."""
    (folder / "stems").mkdir(parents=True, exist_ok=True)
    loops = [_loop(sound, sample_rate_hz, seed) for seed, sound in enumerate(STEMS)]
    frames = round(seconds * sample_rate_hz)
    for sound, loop in zip(STEMS, loops, strict=True):
        if sound not in sounds:
            continue
        _write(folder / "stems" / f"{sound.name}.wav", loop, frames, sample_rate_hz)
    song = np.sum([np.broadcast_to(loop, (2, loop.shape[1])) for loop in loops], axis=0)
    _write(folder / "reference.wav", np.tanh(1.5 * song) * np.float32(0.8), frames, sample_rate_hz)


def stem_files(folder: Path) -> dict[str, Path]:
    """The stems by name."""
    return {sound.name: folder / "stems" / f"{sound.name}.wav" for sound in STEMS}


def write_linked_stems(folder: Path, names: Sequence[str], seconds: float, sample_rate_hz: int) -> dict[str, Path]:
    """One mono file under many names: a long session without the disk for it."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = {name: folder / f"{name}.wav" for name in names}
    first, *others = paths.values()
    _write(first, _loop(STEMS[4], sample_rate_hz, 0), round(seconds * sample_rate_hz), sample_rate_hz)
    for other in others:
        os.link(first, other)
    return paths


def _loop(sound: Sound, sample_rate_hz: int, seed: int) -> Samples:
    frames, step = _LOOP_S * sample_rate_hz, round(_STEP_S * sample_rate_hz)
    noise = np.random.default_rng(seed).standard_normal((sound.channels, frames))
    band = butter(2, sound.band_hz, "bandpass", fs=sample_rate_hz, output="sos")
    time_s = np.arange(frames) / sample_rate_hz
    audio = sosfilt(band, noise) + 0.5 * np.sin(2 * np.pi * sound.tone_hz * time_s)
    plays = np.array([sound.play[beat % 8] == "x" for beat in range(frames // step)])
    hits = np.flatnonzero(plays) * step
    since_s = (np.arange(frames) - hits[np.searchsorted(hits, np.arange(frames), "right") - 1]) / sample_rate_hz
    audio *= np.exp(-since_s / sound.decay_s)
    audio *= 10 ** (sound.peak_db / 20) / np.abs(audio).max()
    return audio.astype(np.float32)


def _write(path: Path, loop: Samples, frames: int, sample_rate_hz: int) -> None:
    with sf.SoundFile(path, "w", sample_rate_hz, loop.shape[0], "PCM_24") as file:
        for begin in range(0, frames, loop.shape[1]):
            # Verses and choruses: no two loops are equally loud.
            gain = np.float32(0.6 + 0.4 * np.sin(0.7 * begin / loop.shape[1]) ** 2)
            file.write((loop[:, : frames - begin] * gain).T)
