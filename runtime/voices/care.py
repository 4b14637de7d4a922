"""Sees to it that a voice's strip lifts nothing but the voice: noise between the words, hum and sibilance stay.

A strip is tried on the voice itself, at equal loudness, and put right until it holds: the de-esser for sibilance, a
narrow cut for hum, an expander between the words for the noise, and where there is no room for one, less boost and
less compression.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...presets import console
from ...presets.console import EQ_BANDS, Strip
from ..audio.loudness import integrated_loudness
from ..audio.reading import Samples
from ..console.primitives import Follower
from ..rendering.in_memory import render_strip
from .sound import HUM_HZ, SIBILANCE_HZ, Bools, Floats, Frames, VoiceSound, decibels, framed, tone_power

MOST_NOISE_DB = 6.0
"""How far noise between words may rise."""

# What is aimed at is less than what is allowed: other passages are a little different.
_NOISE_GOAL_DB, _SIBILANCE_GOAL_DB, _HUM_GOAL_DB = 1.0, 0.0, -3.0
_RAISED_GOAL_DB = 4.0
# A voice whose sibilants are further than this below its middle is dull: they may come up to there.
_DULL_DB = -18.0
_MOST_SIBILANCE_DB = 3.0
_MOST_DEESSER_DB, _DEESSER_STEP_DB = 12.0, 2.0
# A de-esser that takes more than this from what was there has been overtaken by what was eased since.
_TOO_DULL_DB = 2.0
_MOST_EXPANDER_DB = 24.0
_STEPS = 6
_EASED = 0.7
# Without room for an expander this much is accepted before boosts and compression give way.
_EASE_ABOVE_DB = 4.5
_NOTCH_Q, _NOTCH_STEP_DB, _MOST_NOTCH_DB = 6.0, 6.0, 18.0
_OCTAVES_HZ = (125.0, 250.0, 500.0, 1000.0, 2000.0, 4000.0, 8000.0)
# As the gate's own detector.
_DETECTOR_MS, _DETECTOR_EXPONENT = (0.5, 100.0), 20
# The expander's threshold lies above the noise by this, and below the words by at least as much.
_OVER_NOISE_DB = 5.0
_SILENT_DB = -110.0


@dataclass(frozen=True)
class Rises:
    """What a strip does to what should stay, against the voice, which is as loud as before.

    Attributes:
        noise_db: between the words, in the octave where it rises most; minus infinity where there is none.
        hum_db: of the mains, where it rises most; minus infinity where there is none.
        sibilance_db: 5 to 9 kHz in sibilants; minus infinity where there are none.
    """

    noise_db: float
    hum_db: float
    sibilance_db: float


class VoiceComparison:
    """Compares a voice with what a strip made of it, at equal loudness.

    Args:
        audio: the voice as it came, shape (1 or 2, samples).
        sample_rate_hz: of it.
        sound: measured of it.
    """

    def __init__(self, audio: Samples, sample_rate_hz: int, sound: VoiceSound):
        self._rate_hz, self._sound = sample_rate_hz, sound
        self._lufs = integrated_loudness(audio, sample_rate_hz)
        self._noise, self._sibilance, self._hum = self._powers(audio)

    def rises(self, after: Samples) -> Rises:
        """Tell what has risen in audio of the same length."""
        louder_db = integrated_loudness(after, self._rate_hz) - self._lufs
        noise, sibilance, hum = self._powers(after)
        return Rises(
            _most_db(noise, self._noise) - louder_db,
            _most_db(hum, self._hum) - louder_db,
            _most_db(sibilance, self._sibilance) - louder_db,
        )

    def room_share(self, dry: Samples, wet: Samples) -> float:
        """Find how much of a tail, a factor of its power up to 1, leaves the pauses as quiet as they should be."""
        if not self._sound.pauses.any():
            return 1.0
        louder_db = integrated_loudness(dry, self._rate_hz) - self._lufs
        allowed = self._noise * 10 ** ((MOST_NOISE_DB - 1 + louder_db) / 10)
        left, tail = allowed - self._powers(dry)[0], self._powers(wet)[0]
        there = tail > 10 ** (_SILENT_DB / 10)
        return float(np.clip(left[there] / tail[there], 0, 1).min(initial=1.0))

    def _powers(self, audio: Samples) -> tuple[Floats, Floats, Floats]:
        """Power between the words in octaves, in sibilants, of hums; each empty where there are none."""
        sound, none = self._sound, np.zeros(0)
        frames = [framed(channel, self._rate_hz) for channel in audio]
        octaves = [(freq_hz / 2**0.5, freq_hz * 2**0.5) for freq_hz in _OCTAVES_HZ]
        noise = _mean_power(frames, sound.pauses, octaves) if sound.pauses.any() else none
        sibilance = _mean_power(frames, sound.sibilants, [SIBILANCE_HZ]) if sound.sibilants.any() else none
        hum = [[tone_power(channel, self._rate_hz, freq_hz)[0] for freq_hz in sound.hums_hz] for channel in audio]
        return noise, sibilance, np.sum(hum, axis=0)


def careful(strip: Strip, audio: Samples, sample_rate_hz: int, sound: VoiceSound, louder_db: float = 0.0) -> Strip:
    """Ease a strip until it lifts nothing but the voice.

    Args:
        strip: for this voice.
        audio: the voice, shape (1 or 2, samples); `sound` was measured of it.
        sample_rate_hz: of the audio.
        sound: of the voice.
        louder_db: how much the voice will be raised behind the strip, which an expander makes up for in the pauses.
    """
    expander = _expander(audio, sample_rate_hz, sound)
    comparison = VoiceComparison(audio, sample_rate_hz, sound)
    for _ in range(_STEPS):
        found = comparison.rises(render_strip(audio, sample_rate_hz, strip))
        changed = _desibilated(strip, found, sound, audio, sample_rate_hz)
        changed = _without_hum(changed, found, sound)
        changed = _quieter(changed, found, expander, max(0.0, louder_db))
        if changed == strip:
            break
        strip = changed
    return strip


def _desibilated(strip: Strip, found: Rises, sound: VoiceSound, audio: Samples, sample_rate_hz: int) -> Strip:
    allowed_db = float(np.clip(_DULL_DB - sound.sibilance_db, _SIBILANCE_GOAL_DB, _MOST_SIBILANCE_DB))
    if found.sibilance_db < allowed_db - _TOO_DULL_DB and strip.deesser.range_db > 0:
        range_db = max(0.0, strip.deesser.range_db - (allowed_db - found.sibilance_db))
        return console.replace(strip, {"deesser.range_db": range_db})
    if not found.sibilance_db > allowed_db + 0.25:
        return strip
    range_db = strip.deesser.range_db + max(found.sibilance_db - allowed_db, _DEESSER_STEP_DB / 2) * 1.3
    if range_db > _MOST_DEESSER_DB:
        return _eased(strip, bands=("band3", "high_shelf", "band2"))
    # Low enough that sibilants are turned down by the whole range.
    level_db = _sibilant_level_db(audio, sample_rate_hz, sound) + strip.compressor.makeup_db
    values = {"deesser.range_db": range_db, "deesser.threshold_db": level_db - range_db}
    return console.replace(strip, values)


def _sibilant_level_db(audio: Samples, sample_rate_hz: int, sound: VoiceSound) -> float:
    frames = framed(audio.mean(axis=0), sample_rate_hz)
    return decibels(float(np.quantile(frames.within(*SIBILANCE_HZ)[sound.sibilants], 0.3)))


def _without_hum(strip: Strip, found: Rises, sound: VoiceSound) -> Strip:
    """Cut hum with the low shelf's neighbour, which a lone voice can spare: a narrow bell at the mains."""
    if not found.hum_db > _HUM_GOAL_DB or not sound.hums_hz:
        return strip
    gain_db = strip.eq.low_shelf.gain_db
    freq_hz = max(sound.hums_hz)
    deeper = strip.eq.band0.gain_db if strip.eq.band0.freq_hz in HUM_HZ else 0.0
    if gain_db > 0:
        return console.replace(strip, {"eq.low_shelf.gain_db": 0.0})
    if deeper <= -_MOST_NOTCH_DB:
        return strip
    values = {
        "eq.band0.freq_hz": freq_hz,
        "eq.band0.q": _NOTCH_Q,
        "eq.band0.gain_db": deeper - _NOTCH_STEP_DB,
    }
    return console.replace(strip, values)


def _quieter(strip: Strip, found: Rises, expander: Strip | None, louder_db: float) -> Strip:
    # Behind the strip the voice is raised, and the noise with it.
    over_db = max(found.noise_db - _NOISE_GOAL_DB, found.noise_db + louder_db - _RAISED_GOAL_DB)
    if expander is not None:
        range_db = min(strip.gate.range_db + max(over_db, 0.0), _MOST_EXPANDER_DB)
        if range_db > strip.gate.range_db + 0.25:
            return strip.model_copy(update={"gate": expander.gate.model_copy(update={"range_db": range_db})})
    if found.noise_db > _EASE_ABOVE_DB:
        return _eased(strip, bands=EQ_BANDS)
    return strip


def _eased(strip: Strip, bands: tuple[str, ...]) -> Strip:
    """Less boost, and less compression."""
    values = {
        f"eq.{name}.gain_db": _EASED * band.gain_db for name in bands if (band := getattr(strip.eq, name)).gain_db > 0
    }
    ratio = 1 + (strip.compressor.ratio - 1) * _EASED
    return console.replace(strip, {**values, "compressor.ratio": ratio})


def _expander(audio: Samples, sample_rate_hz: int, sound: VoiceSound) -> Strip | None:
    """Set an expander that closes on the noise and opens for the quietest words; None where they are too near."""
    if not sound.pauses.any():
        return None
    follower = Follower(*_DETECTOR_MS, sample_rate_hz, _DETECTOR_EXPONENT)
    level = follower.process(np.abs(audio).max(axis=0).astype(np.float32))
    level_db = 20 * np.log10(np.maximum(level, 1e-12)) - 20 * _DETECTOR_EXPONENT * np.log10(2)
    return _expander_between(_frame_levels(level_db, len(sound.pauses)), sound.pauses)


def _frame_levels(level_db: NDArray[np.floating], frames: int) -> NDArray[np.float64]:
    hop = len(level_db) // (frames + 1)
    return np.array([np.median(level_db[n * hop : (n + 2) * hop]) for n in range(frames)])


def _expander_between(level_db: NDArray[np.float64], pauses: Bools) -> Strip | None:
    noise_db = float(np.quantile(level_db[pauses], 0.9))
    words_db = float(np.quantile(level_db[level_db > level_db.max() - 30.0], 0.2))
    threshold_db = noise_db + _OVER_NOISE_DB
    if noise_db < _SILENT_DB or words_db - threshold_db < _OVER_NOISE_DB:
        return None
    values = {
        "gate.threshold_db": threshold_db,
        "gate.ratio": 8.0,
        "gate.attack_ms": 2.0,
        "gate.hold_ms": 60.0,
        "gate.release_ms": 250.0,
        "gate.hysteresis_db": 3.0,
    }
    return console.replace(Strip(), values)


def _mean_power(frames: Sequence[Frames], where: Bools, ranges_hz: Sequence[tuple[float, float]]) -> Floats:
    """Mean power in these frames in each range, channels added up, as loudness does."""
    return np.array(
        [
            np.sum([channel.within(*range_hz)[: len(where)][where].mean() for channel in frames])
            for range_hz in ranges_hz
        ]
    )


def _most_db(after: Floats, before: Floats) -> float:
    """The largest rise where there was anything; minus infinity where there was nothing."""
    there = before > 10 ** (_SILENT_DB / 10)
    return float((10 * np.log10((after[there] + 1e-20) / before[there])).max(initial=-np.inf))
