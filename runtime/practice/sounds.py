"""What a plain mix has to know of a track: its role, how loud it is while it plays, and where its power lies.

Powers are K-weighted, so that sums of them are as loud as they sound, and relative to the track's own.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from ...presets.roles import TRAITS, Practice, Role, Trait
from ..audio.loudness import bin_weights
from ..audio.reading import Samples
from ..console.strip import pan_gains

Powers = NDArray[np.float64]
Found = TypeVar("Found")

EDGES_HZ: Final = (20.0, 120.0, 400.0, 1500.0, 5000.0, 20000.0)
"""Corners of the bands in which left and right are balanced."""
UNKNOWN: Final[Role] = "keys"
"""What a track counts as whose role nobody knows: neither low nor in the middle."""
# Sides further than this below the middle are those of a mono track in a stereo file.
_MONO_DB: Final = -40.0
_TINY: Final = 1e-15


@dataclass(frozen=True)
class RoleSound:
    """One track as a mix needs to know it.

    Attributes:
        name: of the track.
        role: what it is; None where nobody knows.
        audio: a passage in which it plays, shape (1 or 2, samples).
        loudness_lufs: while it plays, in the whole song.
        activity: share of the song in which it plays, 0..1.
        left: its power on the left by band, of a total of 1 on both sides; shape (bands,).
        right: likewise.
        cross: what left and right have in common: M = left + right + 2 cross, S = left + right - 2 cross.
        centroid_hz: the middle of its power over log frequency.
        source: what it is a recording of: the name of the first track that has the same sound, from another
            microphone; its own name where there is none.
        under_talk: share of what it plays that somebody talks over, 0..1; None where that is not known.
        memory: what was found out about it, for :meth:`once`.
    """

    name: str
    role: Role | None
    audio: Samples
    loudness_lufs: float
    activity: float
    left: Powers
    right: Powers
    cross: Powers
    centroid_hz: float
    source: str = ""
    under_talk: float | None = None
    memory: dict[Hashable, Any] = field(default_factory=dict, init=False, repr=False, compare=False)

    def once(self, key: Hashable, find: Callable[[], Found]) -> Found:
        """What was found out about this track under a key, or is now."""
        if key not in self.memory:
            self.memory[key] = find()
        found: Found = self.memory[key]
        return found

    @property
    def trait(self) -> Trait:
        """What its role is."""
        return TRAITS[self.role or UNKNOWN]

    @property
    def practice(self) -> Practice:
        """What engineers do with its role."""
        return self.trait.practice

    @property
    def is_mono(self) -> bool:
        """Whether left and right are the same."""
        side = float((self.left + self.right - 2 * self.cross).sum())
        return side < 2 * 10 ** (_MONO_DB / 10)

    def placed(self, pan: float) -> tuple[Powers, Powers, Powers]:
        """Left, right and cross powers behind a pan."""
        left, right = pan_gains(pan, self.audio.shape[0])
        scale = 2.0 if self.audio.shape[0] == 1 else 1.0
        return scale * left**2 * self.left, scale * right**2 * self.right, scale * left * right * self.cross


def sound_of(
    name: str,
    role: Role | None,
    audio: Samples,
    sample_rate_hz: int,
    loudness_lufs: float,
    activity: float = 1.0,
    source: str | None = None,
) -> RoleSound:
    """Measure a track.

    Args:
        name: of it.
        role: of it, if known.
        audio: a passage in which it plays, shape (1 or 2, samples).
        sample_rate_hz: of the audio.
        loudness_lufs: while it plays.
        activity: share of the song in which it plays.
        source: the first track of the same sound; None where there is no other.
    """
    from scipy import fft  # late, as in audio/loudness.py

    spectrum = fft.rfft(audio, axis=1)
    freqs_hz = fft.rfftfreq(audio.shape[1], 1 / sample_rate_hz)
    weights = bin_weights(audio.shape[1], sample_rate_hz)
    left, right = spectrum[0], spectrum[-1]
    rows = [np.square(np.abs(left)), np.square(np.abs(right)), np.real(left * np.conj(right))]
    bands = np.digitize(freqs_hz, EDGES_HZ[1:-1])
    heard = freqs_hz >= EDGES_HZ[0]
    powers = [np.bincount(bands[heard], (row * weights)[heard], len(EDGES_HZ) - 1) for row in rows]
    total = float((powers[0] + powers[1]).sum()) + _TINY
    weighted = (rows[0] + rows[1])[heard]
    centroid = float(np.exp((weighted * np.log(freqs_hz[heard])).sum() / (weighted.sum() + _TINY)))
    own_left, own_right, cross = (power / total for power in powers)
    powers_of = own_left, own_right, cross
    return RoleSound(
        name, role, audio, loudness_lufs, activity, *powers_of, centroid, name if source is None else source
    )


def mix_powers(
    sounds: Sequence[RoleSound], levels_db: Mapping[str, float], pans: Mapping[str, float]
) -> tuple[Powers, Powers, Powers]:
    """Left, right and cross powers by band of all tracks at these levels and pans, as unrelated sounds add up."""
    totals = np.zeros((3, len(EDGES_HZ) - 1))
    for sound in sounds:
        gain = 10 ** (levels_db[sound.name] / 10) * sound.activity
        totals += gain * np.stack(sound.placed(pans[sound.name]))
    return totals[0], totals[1], totals[2]


def lean_db(left: Powers, right: Powers) -> float:
    """How much louder the right is than the left."""
    return float(10 * np.log10((right.sum() + _TINY) / (left.sum() + _TINY)))


def sides_db(left: Powers, right: Powers, cross: Powers) -> Powers:
    """Power of the sides against the middle in each band from 120 Hz up, shape (bands - 1,); what is mono is at -40."""
    both, common = (left + right)[1:], 2 * cross[1:]
    share = (both - common + _TINY) / (both + common + _TINY)
    levels: Powers = 10 * np.log10(np.maximum(share, 10 ** (_MONO_DB / 10)))
    return levels


def mean_power(audio: Samples, sample_rate_hz: int, window: Samples) -> tuple[Powers, Powers]:
    """Frequencies, and the mean power in them, which is not weighted.

    Args:
        audio: shape (channels, n), padded where it is shorter than the window.
        sample_rate_hz: its rate.
        window: of a frame, shape (frames,); frames overlap by half.

    Returns:
        Both of shape (frames // 2 + 1,), channels added up.
    """
    from scipy import fft  # late, as in audio/loudness.py

    size = len(window)
    padded = np.pad(audio, ((0, 0), (0, max(0, size - audio.shape[1]))))
    frames = np.lib.stride_tricks.sliding_window_view(padded, size, axis=1)[:, :: size // 2]
    spectrum = fft.rfft(frames * window, axis=-1)
    power = (np.abs(spectrum).astype(np.float64) ** 2).mean(axis=1).sum(axis=0)
    return np.arange(len(power)) * sample_rate_hz / size, power
