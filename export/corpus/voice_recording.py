"""The recording of a voice as a home or project studio hands it over, unmixed.

A chain of small faults, each drawn once for a take: bursts tamed, the microphone's colour, phrases of uneven level,
breaths, mouth clicks and pops, a small room, noise and hum, and a level that somebody set by eye. Nothing here mixes:
no compression, no de-essing, no reverb for beauty.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import uniform_filter1d
from scipy.signal import lfilter, oaconvolve, sosfilt

from .voice_effects import SAMPLE_RATE_HZ, Float64Array, band_passed, frame_levels, per_sample, runs, tamed

_FRAMES_PER_S = 100  # of frame_levels
_PAUSE_FRAMES = 25
_ACTIVE = 0.025  # of the loud level: 32 dB below it


@dataclass(frozen=True)
class Peak:
    """A bell of the microphone's response."""

    freq_hz: float
    gain_db: float
    q: float


@dataclass(frozen=True)
class VoiceTake:
    """The faults of one recording. Levels are against the voice's RMS, unless said otherwise.

    Attributes:
        colour: the microphone's response and how close the mouth is to it.
        unevenness_db: standard deviation of phrase levels.
        drift_db: how far the level wanders as the speaker moves.
        room_s: reverberation time.
        room_db: level of the room.
        hiss_db: level of broadband noise.
        rumble_db: level of noise below some 150 Hz.
        hum_hz: of the mains; 0 for none.
        hum_db: its level.
        breath_db: level of breaths before phrases; -inf for none.
        clicks_per_minute: from the mouth.
        pops_per_minute: of breath on the microphone.
        peak_dbfs: highest sample of the file.
    """

    colour: tuple[Peak, ...]
    unevenness_db: float
    drift_db: float
    room_s: float
    room_db: float
    hiss_db: float
    rumble_db: float
    hum_hz: float
    hum_db: float
    breath_db: float
    clicks_per_minute: float
    pops_per_minute: float
    peak_dbfs: float

    def notes(self) -> list[str]:
        """Lists what a mixer would complain about, in words."""
        faults = []
        if self.hum_hz:
            faults.append(f"hum {self.hum_hz:.0f} Hz")
        if self.room_db > -19:
            faults.append("audible room")
        if self.hiss_db > -50:
            faults.append("noisy")
        if self.pops_per_minute > 2:
            faults.append("pops")
        if self.unevenness_db > 3:
            faults.append("uneven")
        return faults


def drawn_take(numbers: np.random.Generator) -> VoiceTake:
    """Draws a take as likely as any, from a good booth to a kitchen."""
    uniform = numbers.uniform
    return VoiceTake(
        colour=(
            Peak(uniform(110, 240), uniform(-3, 7), 0.8),  # proximity
            Peak(uniform(280, 600), uniform(-2, 6), 1.2),  # box
            Peak(uniform(800, 1600), uniform(-3, 3), 1.0),
            Peak(uniform(2000, 4500), uniform(-5, 5), 0.9),  # presence
            Peak(uniform(5500, 10000), uniform(-5, 7), 1.2),  # sibilance
        ),
        unevenness_db=uniform(0.5, 4.0),
        drift_db=uniform(0.0, 2.5),
        room_s=uniform(0.12, 0.5),
        room_db=uniform(-34, -15),
        hiss_db=uniform(-66, -44),
        rumble_db=uniform(-75, -40),
        hum_hz=float(numbers.choice([50, 60])) if numbers.random() < 0.2 else 0.0,
        hum_db=uniform(-58, -38),
        breath_db=uniform(-38, -21) if numbers.random() < 0.75 else -np.inf,
        clicks_per_minute=uniform(0, 12),
        pops_per_minute=max(uniform(-6, 6), 0.0),
        peak_dbfs=uniform(-16, -2.5),
    )


def record(audio: Float64Array, take: VoiceTake, numbers: np.random.Generator) -> Float64Array:
    """Records a clean voice as a raw track.

    Args:
        audio: at SAMPLE_RATE_HZ, shape (samples,); silence stays silence with noise.
        take: the faults.
        numbers: draws where they happen.

    Returns:
        Shape (samples,), peak at the take's.
    """
    voice = tamed(audio - audio.mean())
    voice *= 0.1 / max(_loud_level(voice), 1e-9)
    parts = phrases_in(voice)
    if parts:
        voice *= _phrase_gains(parts, len(voice), take, numbers)
        voice += _breaths(parts, len(voice), take.breath_db, numbers)
    voice += _clicks(len(voice), take.clicks_per_minute, numbers)
    voice += _pops(voice, parts, take.pops_per_minute, numbers)
    voice = sosfilt(np.concatenate([_bell(peak) for peak in take.colour]), voice)
    voice = _in_room(voice, take, numbers)
    voice += _noise(len(voice), take, numbers)
    return np.asarray(voice * (10 ** (take.peak_dbfs / 20) / max(float(np.abs(voice).max()), 1e-9)), np.float64)


def phrases_in(audio: Float64Array) -> list[tuple[int, int]]:
    """Finds where the voice sounds, as (first, after the last) frame of 10 ms; pauses under 0.25 s are sung through."""
    levels = frame_levels(audio)
    found: list[tuple[int, int]] = []
    for start, end in runs(levels > _ACTIVE * max(float(np.percentile(levels, 95)), 1e-6)):
        if found and start - found[-1][1] < _PAUSE_FRAMES:
            found[-1] = (found[-1][0], end)
        elif end - start >= 4:
            found.append((start, end))
    return found


def _loud_level(audio: Float64Array) -> float:
    """Measures the RMS over the frames in which the voice sounds."""
    levels = frame_levels(audio)
    active = levels[levels > _ACTIVE * np.percentile(levels, 95)]
    return float(np.sqrt(np.mean(active**2))) if active.size else 0.0


def _phrase_gains(
    parts: list[tuple[int, int]], samples: int, take: VoiceTake, numbers: np.random.Generator
) -> Float64Array:
    frames = max(samples * _FRAMES_PER_S // SAMPLE_RATE_HZ, 1)
    gains_db = np.zeros(frames)
    for index, (start, _) in enumerate(parts):
        end = parts[index + 1][0] if index + 1 < len(parts) else frames
        gains_db[start:end] = np.clip(numbers.normal(0, take.unevenness_db), -8, 6)
    wander = np.sin(2 * np.pi * (np.arange(frames) / (_FRAMES_PER_S * numbers.uniform(9, 25)) + numbers.random()))
    gains_db = uniform_filter1d(gains_db, 9, mode="nearest") + take.drift_db * wander
    return per_sample(10 ** (gains_db / 20), samples)


def _breaths(parts: list[tuple[int, int]], samples: int, level_db: float, numbers: np.random.Generator) -> Float64Array:
    """Adds an intake of air before phrases that have room for it."""
    track = np.zeros(samples)
    if not np.isfinite(level_db):
        return track
    last_end = 0
    for start, end in parts:
        length = int(numbers.uniform(0.18, 0.5) * SAMPLE_RATE_HZ)
        stop = int((start / _FRAMES_PER_S - numbers.uniform(0.02, 0.12)) * SAMPLE_RATE_HZ)
        if stop - length > last_end * SAMPLE_RATE_HZ // _FRAMES_PER_S and numbers.random() < 0.8:
            low_hz = numbers.uniform(400, 900)
            air = band_passed(numbers.standard_normal(length), low_hz, numbers.uniform(3500, 8000))
            air *= np.linspace(0, 1, length) ** 1.5 * np.minimum(1, np.linspace(6, 0, length))
            loud = 10 ** ((level_db + numbers.normal(0, 2.5)) / 20)
            track[stop - length : stop] += 0.1 * loud * air / max(float(air.std()), 1e-9)
        last_end = end
    return track


def _clicks(samples: int, per_minute: float, numbers: np.random.Generator) -> Float64Array:
    """Draws short resonances of a dry mouth, near a thousandth of full voice."""
    track = np.zeros(samples)
    length = SAMPLE_RATE_HZ // 200
    seconds = np.arange(length) / SAMPLE_RATE_HZ
    for _ in range(int(numbers.poisson(per_minute * samples / SAMPLE_RATE_HZ / 60))):
        start = int(numbers.integers(max(samples - length, 1)))
        ring = np.sin(2 * np.pi * numbers.uniform(1800, 6000) * seconds) * np.exp(-seconds * numbers.uniform(900, 2500))
        track[start : start + length] += 10 ** (numbers.uniform(-48, -32) / 20) * ring[: samples - start]
    return track


def _pops(
    voice: Float64Array, parts: list[tuple[int, int]], per_minute: float, numbers: np.random.Generator
) -> Float64Array:
    """Draws puffs of breath that hit the membrane as a phrase begins."""
    track = np.zeros(len(voice))
    length = SAMPLE_RATE_HZ // 8
    seconds = np.arange(length) / SAMPLE_RATE_HZ
    expected = per_minute * len(voice) / SAMPLE_RATE_HZ / 60
    for start_frame, _ in parts:
        start = start_frame * SAMPLE_RATE_HZ // _FRAMES_PER_S
        if numbers.random() < expected / len(parts) and start + length < len(voice):
            puff = np.sin(2 * np.pi * numbers.uniform(35, 90) * seconds) * np.exp(-seconds * 35) * np.sin(40 * seconds)
            track[start : start + length] += 0.1 * numbers.uniform(1, 4) * puff
    return track


def _in_room(voice: Float64Array, take: VoiceTake, numbers: np.random.Generator) -> Float64Array:
    """Adds a diffuse tail some milliseconds behind the voice."""
    length = int(take.room_s * SAMPLE_RATE_HZ)
    tail = numbers.standard_normal(length) * 10 ** (-3 * np.arange(length) / length)
    tail = band_passed(tail, numbers.uniform(150, 300), numbers.uniform(3500, 9000))
    late = np.concatenate([np.zeros(int(numbers.uniform(0.002, 0.012) * SAMPLE_RATE_HZ)), tail])
    late *= 10 ** (take.room_db / 20) / np.sqrt(np.sum(late**2))
    return np.asarray(voice + oaconvolve(voice, late)[: len(voice)], np.float64)


def _noise(samples: int, take: VoiceTake, numbers: np.random.Generator) -> Float64Array:
    """Draws what the track holds while nobody sings; levels are those of the take, against a voice of RMS 0.1."""
    white = numbers.standard_normal(samples)
    rumble = lfilter([1.0], [1.0, -0.98], white)
    noise = 0.1 * 10 ** (take.hiss_db / 20) * white + 0.1 * 10 ** (take.rumble_db / 20) * rumble / rumble.std()
    if take.hum_hz:
        turns = np.arange(samples) * (2 * np.pi * take.hum_hz / SAMPLE_RATE_HZ)
        hum = np.sin(turns) + 0.6 * np.sin(2 * turns + 1) + 0.25 * np.sin(3 * turns + 2)
        noise += 0.1 * 10 ** (take.hum_db / 20) * hum
    return np.asarray(noise, np.float64)


def _bell(peak: Peak) -> Float64Array:
    """Designs a peaking filter of the Audio EQ Cookbook (R. Bristow-Johnson) as one second-order section."""
    amplitude = 10 ** (peak.gain_db / 40)
    turn = 2 * np.pi * peak.freq_hz / SAMPLE_RATE_HZ
    alpha = np.sin(turn) / (2 * peak.q)
    b = [1 + alpha * amplitude, -2 * np.cos(turn), 1 - alpha * amplitude]
    a = [1 + alpha / amplitude, -2 * np.cos(turn), 1 - alpha / amplitude]
    return np.asarray([[*b, *a]], np.float64) / float(a[0])
