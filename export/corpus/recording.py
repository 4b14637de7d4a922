"""What makes rendered tracks raw: microphones or DI, rooms, bleed, hiss, hum, and levels as people record them.

Works on float32 arrays, draws everything from the numbers it is given, and knows neither scores nor files.
Tracks stay dry and centred as a multitrack recording is; nothing here mixes.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import soxr
from numpy.typing import NDArray
from scipy import fft, signal

from .general_midi import DRUM_ROLES
from .synth import SYNTH_RATE_HZ

Samples = NDArray[np.float32]
"""Audio, shape (channels, samples), full scale 1.0."""

# The singer of the corpus brings a track with microphone, room and hiss of its own, see `voices`.
_RAW_ALREADY = frozenset({"vocal"})
# Instruments that stand before a microphone; the others come out of a socket, if not told otherwise.
_MIKED_ROLES = frozenset({*DRUM_ROLES, "guitar", "strings", "brass", "wind", "choir"})
_DI_CHANCE_OF_MIKED = 0.15
_MIKED_CHANCE_OF_DI = 0.25
_HUMMING_ROLES = frozenset({"guitar", "bass", "keys"})
_HUM_CHANCE = 0.12
_HOT_CHANCE = 0.05
_CURVE_LENGTH = 2048
_RATES_HZ = (44100, 48000, 96000, 22050)
_RATE_CHANCES = (0.86, 0.1, 0.02, 0.02)
_LOUDEST_DBFS, _QUIETEST_DBFS = -1.0, -30.0
_SILENT = 1e-5


@dataclass(frozen=True)
class StudioTrack:
    """A track of a session with what its meta.json says of it.

    Attributes:
        name: unique in the session; becomes the file's name.
        role: word of the session format.
        audio: shape (channels, samples).
        instrument: what sounds, in words.
        source: key of the source of the sound.
        licence: of what is heard.
        notes: what was done to it, in words.
        sample_rate_hz: of the audio.
    """

    name: str
    role: str
    audio: Samples
    instrument: str
    source: str
    licence: str
    notes: tuple[str, ...] = ()
    sample_rate_hz: int = SYNTH_RATE_HZ


@dataclass(frozen=True)
class Studio:
    """What all tracks of a session share.

    Attributes:
        sample_rate_hz: of the files.
        level_dbfs: middle of the tracks' peaks.
        spread_db: standard deviation of the peaks.
        drum_bleed_db: level of the other drums in a drum's microphone; None for samples or a gated kit.
        room_bleed_db: level of the band in every microphone; None for overdubs.
        overheads: the cymbals' microphones hear the whole kit.
        miked: microphones and rooms colour what they hear; otherwise only DI and samples.
        hiss: chance that a track has a noise floor.
        mains_hz: 50 or 60.
    """

    sample_rate_hz: int
    level_dbfs: float
    spread_db: float
    drum_bleed_db: float | None
    room_bleed_db: float | None
    overheads: bool
    miked: bool
    hiss: float
    mains_hz: int


def draw_studio(numbers: np.random.Generator, sampled_drums: bool) -> Studio:
    """Draws a studio; drums made of samples do not bleed."""
    drum_bleed = not sampled_drums and numbers.random() < 0.55
    return Studio(
        sample_rate_hz=int(numbers.choice(_RATES_HZ, p=_RATE_CHANCES)),
        level_dbfs=float(numbers.uniform(-18, -5)),
        spread_db=float(numbers.choice([1.5, 4.0, 7.0], p=[0.25, 0.5, 0.25])),
        drum_bleed_db=float(numbers.uniform(-34, -16)) if drum_bleed else None,
        room_bleed_db=float(numbers.uniform(-46, -30)) if numbers.random() < 0.08 else None,
        overheads=drum_bleed and numbers.random() < 0.5,
        miked=numbers.random() < 0.9,
        hiss=float(numbers.choice([0.0, 0.5, 0.95], p=[0.25, 0.5, 0.25])),
        mains_hz=int(numbers.choice([50, 60])),
    )


def record(tracks: Sequence[StudioTrack], studio: Studio, numbers: np.random.Generator) -> list[StudioTrack]:
    """Records the tracks in this studio; silent ones are left out."""
    heard = [track for track in tracks if _peak(track.audio) > _SILENT]
    bled = _bleed(heard, studio, numbers)
    return [_record_one(track, studio, numbers) for track in bled]


def _record_one(track: StudioTrack, studio: Studio, numbers: np.random.Generator) -> StudioTrack:
    audio, notes = track.audio, list(track.notes)
    raw_already = track.role in _RAW_ALREADY
    activity = _activity(audio)
    if not raw_already:
        kernel, heard = _colour(track.role, studio, numbers, channels=len(audio))
        notes.append(heard)
        coloured = signal.oaconvolve(audio, kernel, axes=-1)[:, : audio.shape[-1]]
        audio = coloured.astype(np.float32, copy=False)
    audio = _resampled(audio, track.sample_rate_hz, studio.sample_rate_hz)
    audio = audio / np.float32(max(_peak(audio), _SILENT))
    if numbers.random() < studio.hiss and not raw_already:
        audio += _noise_floor(activity, audio.shape, numbers)
        notes.append("hiss")
    if track.role in _HUMMING_ROLES and numbers.random() < _HUM_CHANCE:
        audio += _hum(studio, audio.shape[-1], numbers)
        notes.append("hum")
    level_dbfs = float(np.clip(numbers.normal(studio.level_dbfs, studio.spread_db), _QUIETEST_DBFS, _LOUDEST_DBFS))
    if numbers.random() < _HOT_CHANCE:
        level_dbfs = _LOUDEST_DBFS
        audio = np.tanh(audio * np.float32(_amplitude(numbers.uniform(3, 9))))
        notes.append("hot")
    audio *= np.float32(_amplitude(level_dbfs) / max(_peak(audio), _SILENT))
    return replace(track, audio=audio, notes=tuple(notes), sample_rate_hz=studio.sample_rate_hz)


def _resampled(audio: Samples, from_hz: int, to_hz: int) -> Samples:
    if from_hz == to_hz:
        return audio
    return np.ascontiguousarray(np.asarray(soxr.resample(audio.T, from_hz, to_hz), np.float32).T)


def _bleed(tracks: list[StudioTrack], studio: Studio, numbers: np.random.Generator) -> list[StudioTrack]:
    """Adds to each microphone what it hears of its neighbours, a few milliseconds late."""
    if studio.drum_bleed_db is None and studio.room_bleed_db is None:
        return tracks
    monos = [track.audio.sum(axis=0) / np.float32(len(track.audio)) for track in tracks]
    is_drum = [track.role in DRUM_ROLES for track in tracks]
    kit = np.sum([mono for mono, drum in zip(monos, is_drum, strict=True) if drum], axis=0)
    band = np.sum(monos, axis=0)
    result = []
    for track, mono, drum in zip(tracks, monos, is_drum, strict=True):
        audio = track.audio
        level_db = studio.drum_bleed_db if drum else None
        others = kit - mono if level_db is not None else None
        note = "bleed"
        if studio.overheads and track.role == "cymbals":
            level_db, note = float(numbers.uniform(-14, -4)), "overheads"
        if level_db is None and studio.room_bleed_db is not None and track.role in _MIKED_ROLES:
            level_db, others = studio.room_bleed_db, band - mono
        if level_db is None or others is None or _peak(others) <= _SILENT:
            result.append(track)
            continue
        gain = _amplitude(level_db + numbers.uniform(-4, 4))
        late = np.float32(gain) * _delayed(others, round(numbers.uniform(0.001, 0.006) * track.sample_rate_hz))
        result.append(replace(track, audio=audio + late, notes=(*track.notes, note)))
    return result


def _colour(role: str, studio: Studio, numbers: np.random.Generator, channels: int) -> tuple[Samples, str]:
    """Draws the impulse response of microphone (and room) or DI, shape (channels, taps), and its name."""
    di_chance = _DI_CHANCE_OF_MIKED if role in _MIKED_ROLES else 1 - _MIKED_CHANCE_OF_DI
    if not studio.miked or numbers.random() < di_chance:
        return np.tile(
            minimum_phase(_curve_db(numbers, bumps=2, bump_db=3.0, tilt_db=0.5, low_cut_hz=15)), (channels, 1)
        ), "DI"
    low_cut_hz = float(numbers.uniform(20, 90))
    mouth = minimum_phase(_curve_db(numbers, bumps=5, bump_db=6.0, tilt_db=1.5, low_cut_hz=low_cut_hz))
    if numbers.random() > 0.35:
        return np.tile(mouth, (channels, 1)), "microphone"
    rooms = _rooms(numbers, channels)
    return signal.oaconvolve(rooms, mouth[None], axes=-1).astype(np.float32), "microphone in a room"


def _curve_db(
    numbers: np.random.Generator, *, bumps: int, bump_db: float, tilt_db: float, low_cut_hz: float
) -> NDArray[np.float64]:
    """Draws a smooth frequency response: bumps an octave or two wide on a tilt (dB per octave), and a low cut."""
    freq_hz = fft.rfftfreq(_CURVE_LENGTH, 1 / SYNTH_RATE_HZ)
    octaves = np.log2(np.maximum(freq_hz, 10.0) / 1000.0)
    curve = numbers.normal(0, tilt_db / 2) * octaves
    for centre, width, height in zip(
        numbers.uniform(-4.5, 4, bumps),
        numbers.uniform(0.3, 1.6, bumps),
        numbers.normal(0, bump_db / 1.5, bumps),
        strict=True,
    ):
        curve += height * np.exp(-0.5 * ((octaves - centre) / width) ** 2)
    curve -= 10 * np.log10(1 + (low_cut_hz / np.maximum(freq_hz, 1.0)) ** 4)
    return np.clip(curve, -40, 14)


def minimum_phase(curve_db: NDArray[np.float64]) -> Samples:
    """Computes the shortest impulse response with this magnitude (dB on a half spectrum), shape (taps,)."""
    length = 2 * (len(curve_db) - 1)
    cepstrum = fft.irfft(curve_db * (math.log(10) / 20), length)
    cepstrum[1 : length // 2] *= 2
    cepstrum[length // 2 + 1 :] = 0
    response = fft.irfft(np.exp(fft.rfft(cepstrum)), length)[: length // 2]
    fade = np.ones(length // 2)
    fade[-length // 8 :] = np.linspace(1, 0, length // 8)
    return (response * fade).astype(np.float32)


def _rooms(numbers: np.random.Generator, channels: int) -> Samples:
    """Draws direct sound, then decaying noise that loses its highs; shape (channels, taps)."""
    decay_s = float(numbers.uniform(0.1, 0.6))
    pre_delay = round(float(numbers.uniform(0.003, 0.015)) * SYNTH_RATE_HZ)
    tail = numbers.standard_normal((channels, round(decay_s * SYNTH_RATE_HZ)), dtype=np.float32)
    time_s = np.arange(tail.shape[-1], dtype=np.float32) / SYNTH_RATE_HZ
    pole = float(numbers.uniform(0.4, 0.9))
    tail = np.asarray(signal.lfilter([1 - pole], [1, -pole], tail * np.exp(-6.9 * time_s / decay_s)), np.float32)
    gain = _amplitude(-numbers.uniform(4, 20)) / np.sqrt((tail**2).sum(axis=-1, keepdims=True))
    rooms = np.zeros((channels, pre_delay + tail.shape[-1]), np.float32)
    rooms[:, 0] = 1.0
    rooms[:, pre_delay:] += (tail * gain).astype(np.float32)
    return rooms


def _activity(audio: Samples) -> NDArray[np.float32]:
    """Marks by tenths of a second where the track plays and shortly after: 1, elsewhere 0."""
    step = SYNTH_RATE_HZ // 10
    frames = audio.shape[-1] // step
    if not frames:
        return np.ones(1, np.float32)
    peaks = np.abs(audio[:, : frames * step]).max(axis=0).reshape(frames, step).max(axis=1)
    playing = (peaks > 1e-3 * peaks.max()).astype(np.float32)
    return np.convolve(playing, np.ones(9, np.float32), "same").clip(0, 1).astype(np.float32)


def _noise_floor(activity: NDArray[np.float32], shape: tuple[int, ...], numbers: np.random.Generator) -> Samples:
    """Draws coloured noise, for a track of peak 1; half of the engineers mute it where the track does not play."""
    block = fft.rfft(numbers.standard_normal((shape[0], 2**18), dtype=np.float32), axis=-1)
    tilt = numbers.uniform(0, 0.5)
    block *= (np.arange(1, block.shape[-1] + 1) ** -tilt).astype(np.float32)
    noise = fft.irfft(block, axis=-1)
    noise *= np.float32(_amplitude(-numbers.uniform(52, 84)) / noise.std())
    result = np.tile(noise, (1, -(-shape[-1] // 2**18)))[:, : shape[-1]].astype(np.float32, copy=False)
    if numbers.random() < 0.5:
        positions = np.linspace(0, len(activity) - 1, shape[-1], dtype=np.float32)
        result = result * np.interp(positions, np.arange(len(activity)), activity).astype(np.float32)
    return result


def _hum(studio: Studio, samples: int, numbers: np.random.Generator) -> NDArray[np.float32]:
    """Draws mains and its harmonics; a second of it repeats exactly at any sample rate."""
    phase = np.arange(studio.sample_rate_hz) * (2 * math.pi * studio.mains_hz / studio.sample_rate_hz)
    harmonics = np.arange(1, 9)
    heights = numbers.random(8) / harmonics
    second = (heights[:, None] * np.sin(harmonics[:, None] * phase + numbers.uniform(0, 6, (8, 1)))).sum(axis=0)
    second *= _amplitude(-numbers.uniform(46, 70)) / np.abs(second).max()
    return np.resize(second.astype(np.float32), samples)


def _delayed(audio: NDArray[np.float32], samples: int) -> NDArray[np.float32]:
    return np.concatenate((np.zeros(samples, np.float32), audio[: len(audio) - samples]))


def _peak(audio: NDArray[np.float32]) -> float:
    return max(float(audio.max(initial=0.0)), -float(audio.min(initial=0.0)))


def _amplitude(level_db: float) -> float:
    return float(10 ** (level_db / 20))
