"""Other throats and other melodies for the few voices there are: edits of pitch, formants and bandwidth.

Voices are edited with the WORLD vocoder or, at no cost, by playing them faster or slower. What a microphone and a
room add is made in :mod:`.voice_recording`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import soxr
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter1d
from scipy.signal import butter, sosfilt

from .optional import required

SAMPLE_RATE_HZ = 44100
Float64Array = NDArray[np.float64]

_FRAME_MS = 10.0  # of WORLD; twice its default, half its cost
_HIGHEST_HZ = 19500.0
_LEVEL_FRAME = 441  # samples, 10 ms
_SEMITONE = 2 ** (1 / 12)


@dataclass(frozen=True)
class Throat:
    """How a voice differs from the one it was made from.

    Attributes:
        formants: ratio of formant frequencies; below 1 is a larger body.
        pitch_semitones: shift of the melody.
        breath: 0 none to 0.3 much, added to the voice's own.
    """

    formants: float = 1.0
    pitch_semitones: float = 0.0
    breath: float = 0.0


@dataclass(frozen=True)
class Tune:
    """What speech is made to sing.

    Attributes:
        pitches: MIDI keys of the scale within the voice's range, ascending.
        stretch: how many times as long vowels last.
        vibrato_semitones: depth, once a note has been held a while.
        vibrato_hz: rate.
    """

    pitches: tuple[int, ...]
    stretch: float
    vibrato_semitones: float
    vibrato_hz: float


def resampled(audio: Float64Array, rate_hz: float, faster: float = 1.0) -> Float64Array:
    """Resamples to SAMPLE_RATE_HZ, played `faster` times as fast, pitch and formants with it."""
    return np.asarray(soxr.resample(audio, rate_hz * faster, SAMPLE_RATE_HZ, quality="HQ"), np.float64)


def reshaped(audio: Float64Array, rate_hz: int, throat: Throat, lowest_hz: float, highest_hz: float) -> Float64Array:
    """Renders the same performance from another throat.

    Args:
        audio: shape (samples,).
        rate_hz: of the audio; 24000 or less keeps it quick.
        throat: what changes.
        lowest_hz: lowest pitch to expect.
        highest_hz: highest pitch to expect.

    Returns:
        As long as the audio to within a frame, at the same rate.
    """
    pitch_hz, spectrum = _analysed(audio, rate_hz, lowest_hz, highest_hz)
    return _resynthesised(pitch_hz * _SEMITONE**throat.pitch_semitones, spectrum, throat, rate_hz)


def sung(audio: Float64Array, rate_hz: int, tune: Tune, throat: Throat, numbers: np.random.Generator) -> Float64Array:
    """Makes speech sing: vowels are held on notes of a scale; the throat's pitch shift is not used.

    Returns:
        At the same rate, longer by up to the tune's stretch.
    """
    pitch_hz, spectrum = _analysed(audio, rate_hz, 70.0, 450.0)
    source = stretched_frames(pitch_hz > 0, tune.stretch)
    pitch_hz, spectrum = pitch_hz[source], spectrum[source]
    melody = melody_of_speech(pitch_hz, tune, numbers)
    return _resynthesised(np.where(pitch_hz > 0, melody, 0.0), spectrum, throat, rate_hz)


def stretched_frames(voiced: NDArray[np.bool_], stretch: float) -> NDArray[np.intp]:
    """Gives for every frame of the longer performance the frame it comes from; only voiced ones last longer."""
    ends = np.cumsum(np.where(voiced, stretch, 1.0))
    frames = np.arange(math.floor(ends[-1])) if len(ends) else np.arange(0)
    return np.minimum(np.searchsorted(ends, frames, side="right"), max(len(voiced) - 1, 0))


def melody_of_speech(pitch_hz: Float64Array, tune: Tune, numbers: np.random.Generator) -> Float64Array:
    """Draws pitches in Hz for every frame: a walk on the scale that rises and falls as the speech does.

    Args:
        pitch_hz: of the speech, 0 where it has none; shape (frames,).
        tune: the scale and the vibrato.
        numbers: draws the walk.

    Returns:
        Shape (frames,); between voiced stretches it glides.
    """
    voiced = pitch_hz > 0
    if not voiced.any():
        return np.zeros(len(pitch_hz))
    middle_hz = float(np.median(pitch_hz[voiced]))
    keys = np.full(len(pitch_hz), np.nan)
    frames_held = np.zeros(len(pitch_hz))
    step_index = int(numbers.integers(len(tune.pitches)))
    for start, end in runs(voiced):
        for first, last in _notes_within(start, end, numbers):
            up = float(np.mean(pitch_hz[first:last])) > middle_hz
            step = int(numbers.choice([0, 1, 1, 2])) * (1 if up == (numbers.random() < 0.75) else -1)
            step_index = _reflected(step_index + step, len(tune.pitches))
            keys[first:last] = tune.pitches[step_index]
            frames_held[first:last] = np.arange(last - first)
    keyed_frames = np.flatnonzero(~np.isnan(keys))
    gliding = np.interp(np.arange(len(keys)), keyed_frames, keys[keyed_frames])
    gliding = np.convolve(np.pad(gliding, 4, "edge"), np.hanning(11)[1:-1] / np.hanning(11).sum(), "valid")
    seconds = np.arange(len(keys)) * _FRAME_MS / 1000
    vibrato = np.clip((frames_held - 20) / 25, 0, 1) * np.sin(2 * np.pi * tune.vibrato_hz * seconds)
    drift = uniform_filter1d(numbers.standard_normal(len(keys)), 15) * 0.25
    semitones = gliding + tune.vibrato_semitones * vibrato + drift
    return np.asarray(440.0 * _SEMITONE ** (semitones - 69), np.float64)


def extended(audio: Float64Array, from_hz: float, numbers: np.random.Generator) -> Float64Array:
    """Fills the band above `from_hz`, which the source did not have, with noise that follows the band below it.

    Args:
        audio: at SAMPLE_RATE_HZ, shape (samples,).
        from_hz: where the source ends.
        numbers: draws the noise.
    """
    if from_hz >= 0.8 * _HIGHEST_HZ:
        return audio
    top = band_passed(audio, 0.6 * from_hz, 0.95 * from_hz)
    level = np.sqrt(np.maximum(uniform_filter1d(top**2, 220), 0.0))
    noise = band_passed(numbers.standard_normal(len(audio)), 0.95 * from_hz, _HIGHEST_HZ)
    noise /= max(float(noise.std()), 1e-12)
    return audio + 0.6 * level * noise


def tamed(audio: Float64Array) -> Float64Array:
    """Lowers bursts of synthesis: no 10 ms are more than 9 dB above the level that singing seldom exceeds."""
    level = frame_levels(audio)
    sounding = level[level > 1e-6]
    if not sounding.size:
        return audio
    # A burst must not raise what it is measured against.
    active = level > 0.03 * np.percentile(sounding, 90)
    ceiling = 2.8 * float(np.percentile(level[active], 80))
    gain = np.minimum(1.0, ceiling / np.maximum(level, 1e-12))
    gain = np.minimum.reduce([gain, np.append(gain[1:], 1.0), np.insert(gain[:-1], 0, 1.0)])
    return audio * per_sample(gain, len(audio))


def frame_levels(audio: Float64Array) -> Float64Array:
    """Measures the RMS of every 10 ms, shape (frames,); one frame at least."""
    whole = max(len(audio) // _LEVEL_FRAME, 1)
    padded = np.pad(audio, (0, max(whole * _LEVEL_FRAME - len(audio), 0)))[: whole * _LEVEL_FRAME]
    return np.asarray(np.sqrt(np.mean(padded.reshape(whole, _LEVEL_FRAME) ** 2, axis=1)), np.float64)


def _analysed(
    audio: Float64Array, rate_hz: int, lowest_hz: float, highest_hz: float
) -> tuple[Float64Array, Float64Array]:
    """Measures pitch (frames,) in Hz, 0 where there is none, and spectral envelope (frames, bins) as power."""
    world = required("pyworld")
    samples = np.ascontiguousarray(audio)
    pitch_hz, times_s = world.dio(
        samples, rate_hz, f0_floor=lowest_hz, f0_ceil=highest_hz, frame_period=_FRAME_MS, speed=4
    )
    pitch_hz = world.stonemask(samples, pitch_hz, times_s, rate_hz)
    return pitch_hz, world.cheaptrick(samples, pitch_hz, times_s, rate_hz, f0_floor=lowest_hz)


def _resynthesised(pitch_hz: Float64Array, spectrum: Float64Array, throat: Throat, rate_hz: int) -> Float64Array:
    world = required("pyworld")
    spectrum = _warped(spectrum, throat.formants)
    # How breathy a voice is above which frequency is drawn, not measured: D4C would double the cost.
    bins_hz = np.linspace(0, rate_hz / 2, spectrum.shape[1])
    breath_db = np.interp(bins_hz, [0, 1000, 4000, 8000, 12000], [-45, -30, -14, -5, -2])
    voiced = np.clip(10 ** (breath_db / 20) + throat.breath * np.clip(bins_hz / 4000, 0.2, 1), 0.001, 0.999)
    aperiodicity = np.where((pitch_hz > 0)[:, None], voiced, 0.999)
    made = world.synthesize(np.ascontiguousarray(pitch_hz), spectrum, aperiodicity, rate_hz, _FRAME_MS)
    return np.asarray(made, np.float64)


def _warped(spectrum: Float64Array, formants: float) -> Float64Array:
    """Multiplies the frequencies of envelopes (frames, bins) by `formants`, interpolated in dB."""
    if formants == 1:
        return np.ascontiguousarray(spectrum)
    last = spectrum.shape[1] - 1
    source = np.minimum(np.arange(last + 1) / formants, last)
    low = np.minimum(source.astype(np.intp), last - 1)
    part = source - low
    log = np.log(spectrum + 1e-16)
    return np.ascontiguousarray(np.exp(log[:, low] * (1 - part) + log[:, low + 1] * part))


def runs(flags: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Finds stretches of true values as (first, after the last)."""
    edges = np.diff(np.concatenate([[0], flags.astype(np.int8), [0]]))
    return list(zip(np.flatnonzero(edges == 1).tolist(), np.flatnonzero(edges == -1).tolist(), strict=True))


def _notes_within(start: int, end: int, numbers: np.random.Generator) -> list[tuple[int, int]]:
    """Cuts a voiced stretch of frames into notes of 0.15 to 0.8 s."""
    notes = []
    while start < end:
        length = int(numbers.choice([15, 20, 30, 40, 60, 80]))
        stop = end if end - start - length < 10 else start + length
        notes.append((start, stop))
        start = stop
    return notes


def _reflected(step_index: int, count: int) -> int:
    """Reflects an index that was walked over either end of a list."""
    top = count - 1
    return abs(step_index) if step_index < 0 else max(2 * top - step_index, 0) if step_index > top else step_index


def band_passed(audio: Float64Array, low_hz: float, high_hz: float) -> Float64Array:
    """Filters audio to between two frequencies, 12 dB per octave beyond."""
    sections = butter(2, [low_hz, high_hz], "bandpass", fs=SAMPLE_RATE_HZ, output="sos")
    return np.asarray(sosfilt(sections, audio), np.float64)


def per_sample(gain: Float64Array, samples: int) -> Float64Array:
    """Interpolates gains of frames to samples."""
    centres = (np.arange(len(gain)) + 0.5) * _LEVEL_FRAME
    return np.interp(np.arange(samples), centres, gain)
