"""Notes that a synthesized singer missed, moved to where the melody has them.

Pitch is moved by pitch-synchronous overlap and add: two periods around each glottal pulse are laid closer together or
further apart, so formants, timing and bandwidth stay. Meant for a semitone or two, not for another voice.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import soxr
from scipy.ndimage import uniform_filter1d

from .optional import required
from .score import SungNote
from .voice_effects import Float64Array

_ANALYSIS_RATE_HZ = 16000
_FRAMES_PER_S = 100
_UNVOICED_HZ = 200.0  # grains of what has no pitch: consonants and breath
_LARGEST_SEMITONES = 4.0
_GLIDE_FRAMES = 7
_HUMAN_SEMITONES = 0.08  # what a singer is off after correction


def tuned(
    audio: Float64Array,
    rate_hz: int,
    notes: Sequence[SungNote],
    range_hz: tuple[float, float],
    numbers: np.random.Generator,
) -> Float64Array:
    """Moves singing into tune.

    Args:
        audio: shape (samples,).
        rate_hz: of the audio.
        notes: what should be heard, times from the start of the audio.
        range_hz: lowest and highest pitch of the singer.
        numbers: draws how far off each note stays.
    """
    pitch_hz = pitch_of(audio, rate_hz, range_hz)
    return moved(audio, rate_hz, pitch_hz, corrections(pitch_hz, notes, numbers))


def pitch_of(audio: Float64Array, rate_hz: int, range_hz: tuple[float, float]) -> Float64Array:
    """Measures pitch in Hz for every 10 ms, 0 where there is none; shape (frames,)."""
    world = required("pyworld")
    narrow = np.ascontiguousarray(soxr.resample(audio, rate_hz, _ANALYSIS_RATE_HZ, quality="MQ"))
    pitch_hz, _ = world.dio(
        narrow,
        _ANALYSIS_RATE_HZ,
        f0_floor=range_hz[0],
        f0_ceil=range_hz[1],
        frame_period=1000 / _FRAMES_PER_S,
        speed=2,
    )
    return np.asarray(pitch_hz, np.float64)


def corrections(pitch_hz: Float64Array, notes: Sequence[SungNote], numbers: np.random.Generator) -> Float64Array:
    """Computes semitones by which to move each frame: one value a note, from its middle, with glides between."""
    semitones = np.zeros(len(pitch_hz))
    for note in notes:
        first, last = round(note.start_s * _FRAMES_PER_S), round((note.start_s + note.length_s) * _FRAMES_PER_S)
        third = (last - first) // 3
        heard = pitch_hz[first + third : last]
        heard = heard[heard > 0]
        if heard.size:
            missed = note.pitch - 69 - 12 * np.log2(float(np.median(heard)) / 440)
            semitones[first:last] = np.clip(missed, -_LARGEST_SEMITONES, _LARGEST_SEMITONES)
            semitones[first:last] += numbers.normal(0, _HUMAN_SEMITONES)
    return np.asarray(uniform_filter1d(semitones, _GLIDE_FRAMES, mode="nearest"), np.float64)


def moved(audio: Float64Array, rate_hz: int, pitch_hz: Float64Array, semitones: Float64Array) -> Float64Array:
    """Moves the pitch of audio by semitones, both pitch and semitones by frame; shape and timing stay."""
    pulses_hz = np.where(pitch_hz > 0, pitch_hz, _UNVOICED_HZ)
    ratio = np.where(pitch_hz > 0, 2 ** (semitones / 12), 1.0)
    pulses = _pulses(pulses_hz, len(audio), rate_hz)
    placed = _pulses(pulses_hz * ratio, len(audio), rate_hz)
    if not len(pulses):
        return audio
    nearest = np.clip(np.searchsorted(pulses, placed), 1, max(len(pulses) - 1, 1))
    nearest -= (placed - pulses[nearest - 1]) < (pulses[np.minimum(nearest, len(pulses) - 1)] - placed)
    widest = int(rate_hz / pulses_hz.min()) + 2
    padded = np.pad(audio, widest)
    out = np.zeros(len(padded))
    periods = np.diff(pulses, append=pulses[-1] + int(rate_hz / pulses_hz[-1]))
    windows: dict[int, Float64Array] = {}
    for centre_out, source in zip((placed + widest).tolist(), nearest.tolist(), strict=True):
        period = min(int(periods[source]), widest)
        if period not in windows:
            windows[period] = np.hanning(2 * period + 1)
        centre = int(pulses[source]) + widest
        out[centre_out - period : centre_out + period + 1] += (
            padded[centre - period : centre + period + 1] * windows[period]
        )
    return out[widest : widest + len(audio)]


def _pulses(hz: Float64Array, samples: int, rate_hz: int) -> np.ndarray[tuple[int], np.dtype[np.intp]]:
    """Finds samples at which one cycle of a changing frequency, given by frame, ends and the next begins."""
    frames = np.arange(samples) * (_FRAMES_PER_S / rate_hz)
    cycles = np.cumsum(np.interp(frames, np.arange(len(hz)), hz)) / rate_hz
    return np.searchsorted(cycles, np.arange(1, int(cycles[-1]) + 1)) if samples else np.arange(0)
