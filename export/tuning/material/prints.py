"""What a recording is known by again, and where it is clipped."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ....runtime.audio.reading import Samples

# Levels of so many parts tell recordings apart: takes of one song differ by several dB, lossy copies by a tenth.
_PRINT_PARTS, _PRINT_S, _PRINT_DB, _PRINT_EDGE = 200, 0.01, 0.3, 0.01
_PRINT_DEPTH_DB = 40.0
# Noise and constants of the same length have the same levels, and are not known by them.
_LEAST_SPREAD_DB = 0.5
_CLIPPED_RUN, _CLIPPED_PEAK = 3, 0.89
_FULL = 0.9995
# What was clipped and turned down: as often at its peak as near it; a sine is there a fourteenth as often.
_NEAR, _AT_PEAK_SHARE, _LEAST_PEAK = 0.9, 0.3, 0.02


@dataclass(frozen=True)
class SoundPrint:
    """What a recording is known by again, whatever format and level it is stored in.

    Attributes:
        seconds: length of what sounds.
        levels_db: of equal parts of it, against their mean.
    """

    seconds: float
    levels_db: tuple[float, ...]

    @classmethod
    def of(cls, audio: Samples, sample_rate_hz: int) -> SoundPrint:
        """Takes the print of a recording of shape (channels, samples); of silence it is empty."""
        one = audio.mean(axis=0)
        sounding = np.flatnonzero(np.abs(one) > _PRINT_EDGE * np.abs(one).max(initial=0))
        if not len(sounding) or not one.any():
            return cls(0.0, ())
        kept = one[sounding[0] : sounding[-1] + 1].astype(np.float64)
        kept -= kept.mean()
        parts = np.array_split(kept, min(_PRINT_PARTS, len(kept)))
        levels = np.array([10 * np.log10(np.square(part).mean() + 1e-12) for part in parts])
        levels = np.maximum(levels, levels.max() - _PRINT_DEPTH_DB)  # pauses are as deep as a format lets them be
        if levels.std() < _LEAST_SPREAD_DB:
            return cls(0.0, ())
        return cls(len(kept) / sample_rate_hz, tuple(np.round(levels - levels.mean(), 2).tolist()))

    def is_same(self, other: SoundPrint) -> bool:
        """Tells whether two recordings are one."""
        if len(self.levels_db) != len(other.levels_db) or abs(self.seconds - other.seconds) > _PRINT_S:
            return False
        return bool(np.abs(np.subtract(self.levels_db, other.levels_db)).mean() < _PRINT_DB)


def clipped_places(audio: Samples) -> int:
    """Counts runs of samples that stand at the peak, near full scale or where the level was turned down behind."""
    size = np.abs(audio)
    peak = float(size.max(initial=0))
    at_peak = size >= _FULL * peak
    is_often = at_peak.sum() > _AT_PEAK_SHARE * (size >= _NEAR * peak).sum()
    if peak < _LEAST_PEAK or (peak < _CLIPPED_PEAK and not is_often):
        return 0
    # Flat tops have no shape: neighbours are the same, which a tone that just reaches the peak is not.
    flat = at_peak[:, 1:] & at_peak[:, :-1] & (np.abs(np.diff(audio, axis=1)) < 1e-4 * peak)
    padded = np.pad(flat, ((0, 0), (1, 1)))
    starts = np.argwhere(padded[:, 1:] & ~padded[:, :-1])
    ends = np.argwhere(~padded[:, 1:] & padded[:, :-1])
    lengths = ends[:, 1] - starts[:, 1] + 1 if len(starts) == len(ends) else np.zeros(0)
    return int((lengths >= _CLIPPED_RUN).sum())
