"""What a raw track is like, in a few numbers that an engineer would set it by: level, tone, dynamics, noise."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ...presets.units import decibels
from ..audio.reading import Samples
from ..model.analysis import Passage
from ..model.excerpts import joined
from ..voices.practice import BANDS_HZ
from ..voices.sound import framed, measured

Floats = NDArray[np.float64]

# Third octaves are put together by three: less hangs on the notes that are sung.
_GROUPS_HZ: Final = ((112, 225), (225, 450), (450, 900), (900, 1800), (1800, 3550), (3550, 7100), (7100, 18000))
_HEARD_HZ: Final = (120.0, 10_000.0)
# Where there is no sibilant, or no noise between the words.
_NO_SIBILANCE_DB, _NO_NOISE_DB = -30.0, 70.0
_SOUNDING_DB = 35.0
_TINY = 1e-12

FEATURES: Final = (
    "loudness_lufs",
    *(f"tone_{math.sqrt(low * high):.0f}_hz_db" for low, high in _GROUPS_HZ),
    "crest_db",
    "movement_db",
    "quiet_words_db",
    "sibilance_db",
    "over_noise_db",
    "lowest_octave",
)
"""Names of the features, in their order."""

SPOKEN: Final[Mapping[str, tuple[str, str]]] = {
    "loudness_lufs": ("quieter", "louder"),
    "crest_db": ("less peaky", "more peaky"),
    "movement_db": ("steadier", "less steady"),
    "quiet_words_db": ("more even", "less even"),
    "sibilance_db": ("less sibilant", "more sibilant"),
    "over_noise_db": ("noisier", "less noisy"),
    "lowest_octave": ("lower", "higher"),
}
"""How a track is called that has less or more of a feature; those of tone are called by their frequency."""


def features_of(audio: Samples, sample_rate_hz: int, loudness_lufs: float) -> Floats:
    """Measure a track, half a second or longer and not silent.

    Args:
        audio: what is heard of it, shape (1 or 2, samples).
        sample_rate_hz: of it, 40 kHz or more.
        loudness_lufs: of all of it.

    Returns:
        Finite numbers in the order of :data:`FEATURES`.
    """
    sound = measured(audio, sample_rate_hz)
    middle_db = float(sound.spectrum_db.mean())
    tone_db = [_group_db(sound.spectrum_db, low, high) - middle_db for low, high in _GROUPS_HZ]
    level_db = _levels_db(audio, sample_rate_hz)
    low, middle, high = np.quantile(level_db, [0.1, 0.5, 0.95])
    peak_db = decibels(float(np.abs(audio).max()) + _TINY)
    values = [
        loudness_lufs,
        *tone_db,
        peak_db - sound.lufs,
        high - middle,
        middle - low,
        max(sound.sibilance_db, _NO_SIBILANCE_DB),
        min(sound.over_pauses_db, _NO_NOISE_DB),
        math.log2(sound.lowest_hz / 100),
    ]
    return np.nan_to_num(np.array(values, np.float64), nan=0.0, posinf=_NO_NOISE_DB, neginf=-_NO_NOISE_DB)


def features_in(passage: Passage, name: str, sample_rate_hz: int) -> Floats:
    """Measure a track of a passage, from its excerpts; once for each passage."""
    key = "features", name, sample_rate_hz
    if key not in passage.memory:
        audio = heard_of(passage, name, sample_rate_hz)
        passage.memory[key] = features_of(audio, sample_rate_hz, passage.level_lufs(name))
    features: Floats = passage.memory[key]
    return features


def heard_of(passage: Passage, name: str, sample_rate_hz: int) -> Samples:
    """Put together what is heard of a track."""
    return joined([excerpt.audio for excerpt in passage.excerpts_of(name)], sample_rate_hz)


def unlike_words(deviations: Floats) -> str:
    """Say in what a track is most unlike others, by its features in standard deviations: "brighter at 5 kHz"."""
    place = int(np.abs(deviations).argmax())
    name, is_more = FEATURES[place], bool(deviations[place] > 0)
    if name in SPOKEN:
        return SPOKEN[name][is_more]
    freq_hz = float(name.split("_")[1])
    spoken = f"{freq_hz / 1000:.1f} kHz" if freq_hz >= 1000 else f"{freq_hz:.0f} Hz"
    return f"{'stronger' if is_more else 'weaker'} around {spoken}"


def _group_db(spectrum_db: Floats, low_hz: float, high_hz: float) -> float:
    inside = (low_hz <= BANDS_HZ) & (high_hz > BANDS_HZ)
    return float(spectrum_db[inside].mean())


def _levels_db(audio: Samples, sample_rate_hz: int) -> Floats:
    """Levels of the frames in which something sounds."""
    power = framed(audio.mean(axis=0), sample_rate_hz).within(*_HEARD_HZ)
    level_db: Floats = 10 * np.log10(power + _TINY)
    sounding: Floats = level_db[level_db > level_db.max() - _SOUNDING_DB]
    return sounding
