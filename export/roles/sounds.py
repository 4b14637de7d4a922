"""What happens to a sound between an instrument and a track, by chance: microphones, rooms, bleed, tape, effects.

A corpus is cleaner than what people record. Each example for training goes through some of this, so that what is
learned is the instrument.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from ...runtime.audio.reading import Samples

Random = np.random.Generator

_OCTAVE_POINTS_HZ = np.array([30, 60, 125, 250, 500, 1000, 2000, 4000, 8000, 16000, 22050], dtype=np.float64)
_TINY = 1e-9
# Share of the examples that stay as they are: some people record as cleanly as a sound font plays.
_CLEAN = 0.4


def roughened(audio: Samples, others: Sequence[Samples], bleed_db: tuple[float, float], rng: Random) -> Samples:
    """A track as somebody else might have recorded it; shape (1 or 2, samples).

    Args:
        audio: shape (1 or 2, samples), not silent.
        others: tracks of the same passage, that may bleed into it.
        bleed_db: how loud they are against it, least and most.
        rng: draws.
    """
    if rng.random() < _CLEAN:
        return audio
    # Half of what is stereo becomes mono: width is a matter of recording.
    sound = levelled(audio if audio.shape[0] == 1 or rng.random() < 0.5 else _spread(audio, 1))
    if others:
        sound = sound + _spread(sum_of(others), sound.shape[0]) * _factor(rng.uniform(*bleed_db))
    if rng.random() < 0.7:
        sound = coloured(sound, rng)
    if sound.shape[0] == 1 and rng.random() < 0.25:
        angle = rng.uniform(0.3, 1.27)
        sound = np.concatenate([sound * np.float32(np.cos(angle)), sound * np.float32(np.sin(angle))])
    if rng.random() < 0.25:
        sound = in_a_room(sound, rng.uniform(0.1, 1.5), rng.uniform(-24, -8), rng)
    if rng.random() < 0.3:
        drive = np.float32(rng.uniform(1, 8))
        sound = np.tanh(drive * levelled(sound)) / drive
    if rng.random() < 0.3:
        sound = compressed(sound, rng.uniform(0.2, 0.8))
    if rng.random() < 0.6:
        noise = rng.standard_normal(sound.shape, np.float32)
        sound = levelled(sound) + noise * _factor(rng.uniform(-75, -42))
    return sound


def levelled(audio: Samples) -> Samples:
    """The same at a root mean square of 1/8, so that its strokes hardly clip."""
    rms = float(np.linalg.norm(audio)) / np.sqrt(audio.size)
    return np.asarray(audio, np.float32) * np.float32(0.125 / max(rms, _TINY))


def sum_of(tracks: Sequence[Samples]) -> Samples:
    """The tracks side by side, each as loud as the others, in two channels."""
    total = sum((_spread(levelled(track), 2) for track in tracks), np.zeros((2, tracks[0].shape[1]), np.float32))
    return levelled(total)


def in_a_room(audio: Samples, decay_s: float, level_db: float, rng: Random, rate_hz: int = 44100) -> Samples:
    """With the tail of a room: noise that fades by 60 dB in this time, of another kind for each channel."""
    samples = audio.shape[1]
    length = min(round(min(decay_s, 1.5) * rate_hz), samples)
    fading = np.exp(-6.9 / decay_s / rate_hz * np.arange(length, dtype=np.float32))
    tail = np.zeros(audio.shape, np.float32)
    tail[:, :length] = rng.standard_normal((audio.shape[0], length), np.float32) * fading
    # The end of a tail sounds at the beginning again; there it is as good as in its place.
    spectrum = fft.rfft(audio) * fft.rfft(tail) * _dark(samples, rng.uniform(2000, 12000), rate_hz)
    return levelled(audio) + levelled(fft.irfft(spectrum, samples)) * _factor(level_db)


def coloured(audio: Samples, rng: Random, rate_hz: int = 44100) -> Samples:
    """Through another microphone: a smooth curve of some dB, sometimes without the lowest or the highest."""
    curve_db = rng.normal(0, 3, len(_OCTAVE_POINTS_HZ)) + rng.normal(0, 1) * np.arange(-5, 6)
    octaves = _octaves(audio.shape[1], rate_hz)
    gain_db = np.interp(octaves, np.log2(_OCTAVE_POINTS_HZ), curve_db)
    if rng.random() < 0.25:
        gain_db -= 24 * np.maximum(0, octaves - np.log2(rng.uniform(8000, 17000)))
    if rng.random() < 0.25:
        gain_db -= 12 * np.maximum(0, np.log2(rng.uniform(40, 120)) - octaves)
    return _filtered(audio, np.power(np.float32(10), (gain_db / 20).astype(np.float32)))


def compressed(audio: Samples, amount: float) -> Samples:
    """With its slow envelope evened out by this exponent, 0..1."""
    step = 441
    samples = audio.shape[1]
    whole = audio[:, : samples // step * step].reshape(audio.shape[0], -1, step)
    power = np.square(whole).mean(axis=(0, 2))
    smooth = np.convolve(power, np.ones(5) / 5, mode="same")
    gain = np.power(smooth / (smooth.max() + _TINY) + 1e-4, -amount / 2)
    places = np.arange(samples, dtype=np.float64) / step
    evened: Samples = audio * np.interp(places, np.arange(len(gain)), gain).astype(np.float32)
    return evened


def sung_along(audio: Samples, rng: Random) -> Samples:
    """Several voices out of one: each a little later, and tuned a little or some semitones up or down."""
    voices = []
    wave = levelled(audio[:1])
    for _ in range(int(rng.integers(2, 6))):
        speed = 2 ** (rng.choice([0, 0, 3, 4, -3, -5, 7]) / 12 + rng.normal(0, 0.006))
        places = np.arange(int(wave.shape[1] / max(speed, 1.0))) * speed + rng.uniform(0, 1500)
        voice = np.interp(places, np.arange(wave.shape[1]), wave[0])
        voices.append(_spread(np.resize(voice, (1, wave.shape[1])), 2) * rng.uniform(0.3, 1.0, (2, 1)))
    return levelled(np.sum(voices, axis=0).astype(np.float32))


def swept_noise(samples: int, rng: Random, rate_hz: int = 44100) -> Samples:
    """A riser, a fall or an impact: noise whose colour or level moves over seconds."""
    noise = rng.standard_normal((2, samples), np.float32)
    seconds = np.arange(samples) / rate_hz
    length_s = rng.uniform(1.0, samples / rate_hz)
    place = np.clip(seconds / length_s, 0, 1)
    kind = rng.choice(["rise", "fall", "impact", "drone"])
    level = {"rise": place**2, "fall": (1 - place) ** 2, "impact": np.exp(-seconds / rng.uniform(0.2, 1.5)),
             "drone": 0.3 + 0.7 * np.sin(np.pi * place) ** 2}[str(kind)]  # fmt: skip
    colours = [_darker(noise, rng.uniform(200, 1500), rate_hz), noise]
    mixture = place if kind == "rise" else 1 - place
    sound = levelled(colours[0]) * (1 - mixture) + levelled(colours[1]) * mixture
    if rng.random() < 0.4:
        tone_hz = rng.uniform(100, 400) * 2 ** (place * rng.uniform(-3, 3))
        sound = sound * 0.5 + 0.3 * np.sin(2 * np.pi * np.cumsum(tone_hz) / rate_hz)
    return np.asarray(sound * level, dtype=np.float32)


def _spread(audio: Samples, channels: int) -> Samples:
    if audio.shape[0] == channels:
        return audio
    return np.repeat(audio, channels, axis=0) if channels == 2 else np.asarray(audio.mean(axis=0, keepdims=True))


@cache
def _octaves(samples: int, rate_hz: int) -> NDArray[np.float64]:
    """Base-two logarithm of the frequencies of a spectrum."""
    octaves: NDArray[np.float64] = np.log2(np.maximum(1.0, fft.rfftfreq(samples, 1 / rate_hz)))
    return octaves


def _dark(samples: int, above_hz: float, rate_hz: int) -> NDArray[np.float32]:
    """Gain of a low-pass of 6 dB an octave."""
    freqs_hz = fft.rfftfreq(samples, 1 / rate_hz).astype(np.float32)
    gain: NDArray[np.float32] = 1 / np.sqrt(1 + np.square(freqs_hz / np.float32(above_hz)))
    return gain


def _darker(audio: Samples, above_hz: float, rate_hz: int) -> Samples:
    return _filtered(audio, _dark(audio.shape[1], above_hz, rate_hz))


def _filtered(audio: Samples, gain: NDArray[np.float32]) -> Samples:
    filtered: Samples = fft.irfft(fft.rfft(audio) * gain, audio.shape[1])
    return filtered


def _factor(level_db: float) -> np.float32:
    return np.float32(10 ** (level_db / 20))
