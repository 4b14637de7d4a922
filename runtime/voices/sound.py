"""What a raw voice is like: its spectrum while it sounds, the noise between its words, its sibilants, its lowest note.

Everything is measured on short frames and their percentiles, so that nobody has to say where the words are. What is
silent to the last digit (a file cut at its words) is no noise.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..audio.loudness import integrated_loudness
from ..audio.reading import Samples
from .practice import BANDS_HZ, within

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

FRAME_S = 0.046
SIBILANCE_HZ = (5000.0, 9000.0)
MIDDLE_HZ = (300.0, 3000.0)
VOICE_HZ = (120.0, 10000.0)
HUM_HZ = (50.0, 60.0)

# Voice is where the level is within this of the loud end. Noise is steady: much lies within a few dB of the quietest,
# which the end of a word, falling through it, does not.
_SOUNDING_DB = 20.0
_LOUD_SHARE, _QUIET_SHARE, _LOWEST_SHARE = 0.95, 0.1, 0.02
_STEADY_DB, _LEAST_SHARE = 4.0, 0.05
_SILENT_DB = -110.0
# Quieter passages this little below the voice are no pauses: it never stops.
_LEAST_PAUSE_DB = 12.0
# A sibilant has its power in the highs, near the highest that there is, and clear of the noise.
_SIBILANT_OVER_MIDDLE_DB, _SIBILANT_BELOW_MOST_DB, _SIBILANT_OVER_NOISE_DB = -3.0, 15.0, 10.0
_FEWEST_SIBILANTS = 4
# A hum is a tone: this far above what lies beside it.
_HUM_OVER_DB = 8.0
_HUM_WINDOW_S = 0.5
_HALF_BAND = 2 ** (1 / 6)
_PITCH_BELOW_DB = 16.0
_TINY = 1e-20


@dataclass(frozen=True)
class Frames:
    """Power of audio over time and frequency.

    Attributes:
        power: shape (frames, bins), mean square.
        freqs_hz: shape (bins,).
    """

    power: NDArray[np.float32]
    freqs_hz: Floats

    def within(self, low_hz: float, high_hz: float) -> Floats:
        """Add up the power between two frequencies, shape (frames,)."""
        inside = (self.freqs_hz >= low_hz) & (self.freqs_hz < high_hz)
        total: Floats = self.power[:, inside].sum(axis=1, dtype=np.float64)
        return total


@dataclass(frozen=True)
class VoiceSound:
    """A raw voice.

    Attributes:
        lufs: its loudness, gated, so of its words.
        spectrum_db: of its words, in the bands of :data:`.practice.BANDS_HZ`, against its own mean of 300 Hz to 3 kHz.
        over_noise_db: how far its words are above the pauses in each band; infinite where there is no noise.
        pauses: frames between words; none where it never stops, or where nothing is heard between them.
        sibilants: frames of s, sh and the like; may be none.
        sibilance_db: 5 to 9 kHz in its sibilants against the middle of its words; minus infinity without any.
        sibilance_hz: where the middle of that power lies.
        lowest_hz: where its words begin; what is below is no voice.
        hums_hz: mains frequencies that are heard in it.
    """

    lufs: float
    spectrum_db: Floats
    over_noise_db: Floats
    pauses: Bools
    sibilants: Bools
    sibilance_db: float
    sibilance_hz: float
    lowest_hz: float
    hums_hz: tuple[float, ...]

    @property
    def over_pauses_db(self) -> float:
        """How far its words are above the pauses, in the bands that carry words."""
        words = 10 ** (self.spectrum_db / 10)
        noise = words / 10 ** (self.over_noise_db / 10)
        return decibels(float(words.sum())) - decibels(float(noise.sum())) if noise.any() else np.inf


def measured(audio: Samples, sample_rate_hz: int) -> VoiceSound:
    """Measure a voice, shape (1 or 2, samples), half a second or longer and not silent."""
    mono = audio.mean(axis=0)
    frames = framed(mono, sample_rate_hz)
    level_db = _decibels(frames.within(*VOICE_HZ))
    there = level_db > _SILENT_DB
    loud_db = float(np.quantile(level_db[there], _LOUD_SHARE)) if there.any() else _SILENT_DB
    sounding = there & (level_db > loud_db - _SOUNDING_DB)
    pauses = _pauses(level_db, there, sounding)
    words = _bands(frames, sounding)
    noise = _bands(frames, pauses)
    spectrum_db = _decibels(words)
    spectrum_db = spectrum_db - spectrum_db[within(*MIDDLE_HZ)].mean()
    over_noise_db = _decibels(words) - _decibels(noise) if pauses.any() else np.full(len(BANDS_HZ), np.inf)
    sibilants = _sibilants(frames, sounding, pauses)
    sibilance_db, sibilance_hz = _sibilance(frames, sibilants, sounding)
    return VoiceSound(
        lufs=integrated_loudness(audio, sample_rate_hz),
        spectrum_db=spectrum_db,
        over_noise_db=over_noise_db,
        pauses=pauses,
        sibilants=sibilants,
        sibilance_db=sibilance_db,
        sibilance_hz=sibilance_hz,
        lowest_hz=_lowest_hz(frames, sounding, pauses),
        hums_hz=_hums(mono, sample_rate_hz),
    )


def framed(mono: NDArray[np.float32], sample_rate_hz: int) -> Frames:
    """Cut audio of shape (n,) into overlapping frames and give their power."""
    from scipy import fft  # late, as in audio/loudness.py

    size = 2 ** round(np.log2(FRAME_S * sample_rate_hz))
    window = np.hanning(size).astype(np.float32)
    padded = np.pad(mono, (0, max(0, size - len(mono))))
    frames = np.lib.stride_tricks.sliding_window_view(padded, size)[:: size // 2] * window
    power = np.square(np.abs(fft.rfft(frames, axis=1, workers=1))) * np.float32(2 / (size * np.square(window).sum()))
    return Frames(power, np.arange(power.shape[1]) * sample_rate_hz / size)


def decibels(power: float) -> float:
    """Convert a power to dB, with a floor far below anything heard."""
    return float(10 * np.log10(power + _TINY))


def tone_power(mono: NDArray[np.float32], sample_rate_hz: int, freq_hz: float) -> tuple[float, float]:
    """Measure the power of a tone where the rest is quiet, and of as much beside it.

    Args:
        mono: shape (n,).
        sample_rate_hz: of the audio.
        freq_hz: of the tone.

    Returns:
        Power of the tone, and what noise alone would have there.
    """
    size = min(len(mono), round(_HUM_WINDOW_S * sample_rate_hz))
    window = np.blackman(size).astype(np.float32)
    views = np.lib.stride_tricks.sliding_window_view(mono, size)[:: max(1, size // 4)]
    offsets_hz = np.array([0.0, -14.0, -11.0, 11.0, 14.0])
    turns = np.exp(-2j * np.pi * np.outer(freq_hz + offsets_hz, np.arange(size) / sample_rate_hz)) * window
    power = np.square(np.abs(views @ turns.T.astype(np.complex64))) * 2 / np.square(window.sum())
    tone, *beside = np.quantile(power[power[:, 0] > 0], _QUIET_SHARE, axis=0) if power[:, 0].any() else np.zeros(5)
    return float(tone), float(np.median(beside))


def _pauses(level_db: Floats, there: Bools, sounding: Bools) -> Bools:
    none = np.zeros(len(level_db), np.bool_)
    if not sounding.any():
        return none
    quiet = there & (level_db <= np.quantile(level_db[there], _LOWEST_SHARE) + _STEADY_DB)
    if quiet.sum() < _LEAST_SHARE * there.sum():
        return none
    below_db = decibels(_mean(level_db, sounding)) - decibels(_mean(level_db, quiet))
    return quiet if below_db >= _LEAST_PAUSE_DB else none


def _mean(level_db: Floats, where: Bools) -> float:
    return float((10 ** (level_db[where] / 10)).mean())


def _bands(frames: Frames, where: Bools) -> Floats:
    """Mean power in each third-octave band over these frames."""
    if not where.any():
        return np.zeros(len(BANDS_HZ))
    mean = frames.power[where].mean(axis=0, dtype=np.float64)
    return band_powers(mean, frames.freqs_hz)


def band_powers(power: Floats, freqs_hz: Floats) -> Floats:
    """Add a spectrum up in the bands of :data:`.practice.BANDS_HZ`; bins are shared where a band cuts them."""
    edges = np.stack((BANDS_HZ / _HALF_BAND, BANDS_HZ * _HALF_BAND))
    half = (freqs_hz[1] - freqs_hz[0]) / 2
    total = np.concatenate(([0.0], np.cumsum(power)))
    low, high = (np.interp(edge, np.append(freqs_hz - half, freqs_hz[-1] + half), total) for edge in edges)
    bands: Floats = high - low
    return bands


def _sibilants(frames: Frames, sounding: Bools, pauses: Bools) -> Bools:
    high_db = _decibels(frames.within(*SIBILANCE_HZ))
    middle_db = _decibels(frames.within(*MIDDLE_HZ))
    none = np.zeros(len(high_db), np.bool_)
    if not sounding.any():
        return none
    noise_db = decibels(_mean(high_db, pauses)) if pauses.any() else _SILENT_DB
    found = (
        (high_db > middle_db + _SIBILANT_OVER_MIDDLE_DB)
        & (high_db > np.quantile(high_db, 0.99) - _SIBILANT_BELOW_MOST_DB)
        & (high_db > noise_db + _SIBILANT_OVER_NOISE_DB)
    )
    return found if found.sum() >= _FEWEST_SIBILANTS else none


def _sibilance(frames: Frames, sibilants: Bools, sounding: Bools) -> tuple[float, float]:
    if not sibilants.any():
        return -np.inf, float(np.sqrt(SIBILANCE_HZ[0] * SIBILANCE_HZ[1]))
    inside = (frames.freqs_hz >= SIBILANCE_HZ[0]) & (frames.freqs_hz < SIBILANCE_HZ[1])
    power = frames.power[sibilants][:, inside].mean(axis=0, dtype=np.float64)
    middle = float(frames.within(*MIDDLE_HZ)[sounding].mean())
    freqs_hz = frames.freqs_hz[inside]
    return decibels(float(power.sum())) - decibels(middle), float((power * freqs_hz).sum() / (power.sum() + _TINY))


def _lowest_hz(frames: Frames, sounding: Bools, pauses: Bools) -> float:
    """Find the lowest frequency at which the words stand clear of the pauses and near their own loudest."""
    usual_hz = 100.0
    if not sounding.any():
        return usual_hz
    words = _decibels(frames.power[sounding].mean(axis=0, dtype=np.float64))
    noise = _decibels(frames.power[pauses].mean(axis=0, dtype=np.float64)) if pauses.any() else words - 60.0
    range_hz = (frames.freqs_hz >= 75) & (frames.freqs_hz <= 400)
    clear = range_hz & (words > noise + 10.0) & (words > words[range_hz].max() - _PITCH_BELOW_DB)
    return float(frames.freqs_hz[clear][0]) if clear.any() else usual_hz


def _hums(mono: NDArray[np.float32], sample_rate_hz: int) -> tuple[float, ...]:
    found = []
    for freq_hz in HUM_HZ:
        tone, beside = tone_power(mono, sample_rate_hz, freq_hz)
        if decibels(tone) - decibels(beside) > _HUM_OVER_DB and decibels(tone) > _SILENT_DB:
            found.append(freq_hz)
    return tuple(found)


def _decibels(power: Floats) -> Floats:
    levels: Floats = 10 * np.log10(power + _TINY)
    return levels
