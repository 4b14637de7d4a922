"""The noise floor of a track, measured over all of it: what stands well above it is no noise, whatever a network says.

DeepFilterNet3 learned from speech. Held notes of a singer are noise to it at times: of one clean sung lead it left
1.5 dB of signal over what it had taken away. A track's steady noise, though, is what remains where the voice pauses or
leaves a bin alone, and can be measured; so no bin is turned down further than its distance from that floor explains.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ...audio.reading import Samples
from .spectrum import HOP, Analysis, Spectra

# Levels are means of so many frames: single ones of noise scatter too much.
_MEAN_OF: Final = 5
# Share of the time in which a bin holds noise alone.
_QUIET_SHARE: Final = 0.05
# Frames below are silence, as between clips, and say nothing of the noise that is under the voice.
_SILENT_POWER: Final = 1e-9
# So many levels are kept, spread over the track: a minute of frames.
_MOST_LEVELS: Final = 1200
# Of fewer, a second of them, no floor can be told while sound comes.
_FEWEST_LEVELS: Final = 20
# How far over its floor a bin has to stand, on the mean of five frames: the floor is 0.4 of the mean of noise, which
# alone comes there in two of a hundred thousand.
_OVER_FLOOR: Final = 12.0


def noise_floor(hops: Iterable[Samples], frames: int) -> NDArray[np.float32]:
    """Measure the power of the noise in each bin.

    Args:
        hops: blocks of one channel at 48 kHz, shape (n,), each a multiple of a hop but for the last.
        frames: samples in all of them.

    Returns:
        Power by bin, in the units of :class:`.spectrum.Analysis`; zeros where everything is silent.
    """
    step = max(1, frames // (HOP * _MEAN_OF * _MOST_LEVELS))
    analysis, kept, place = Analysis(), [], 0
    for hop in hops:
        whole = hop[: len(hop) // HOP * HOP]
        if not len(whole):
            continue
        power = np.abs(analysis.process(whole)) ** 2
        cells = power[: len(power) // _MEAN_OF * _MEAN_OF].reshape(-1, _MEAN_OF, power.shape[1])
        audible = cells.sum(axis=2).min(axis=1) > _SILENT_POWER
        taken = (np.arange(place, place + len(cells)) % step == 0) & audible
        kept.append(cells[taken].mean(axis=1))
        place += len(cells)
    levels = np.concatenate(kept) if kept else np.zeros((0, HOP + 1))
    if not len(levels):
        return np.zeros(HOP + 1, np.float32)
    return np.asarray(np.quantile(levels, _QUIET_SHARE, axis=0), np.float32)


class RunningFloor:
    """The floor of the last minute, while sound comes; before a second of it is known, the network decides alone."""

    def __init__(self) -> None:
        self._levels = np.zeros((_MOST_LEVELS, HOP + 1), np.float32)
        self._known = 0
        self._cell = np.zeros((0, HOP + 1), np.float32)
        # Over a floor without end nothing is protected.
        self._floor = np.full(HOP + 1, np.inf, np.float32)

    def hear(self, spectra: Spectra) -> NDArray[np.float32]:
        """Hear the next frames, and give the floor by now; arguments as those of :func:`noise_floor` give them."""
        power = np.concatenate((self._cell, (np.abs(spectra) ** 2).astype(np.float32)))
        whole = len(power) // _MEAN_OF * _MEAN_OF
        self._cell = power[whole:]
        for cell in power[:whole].reshape(-1, _MEAN_OF, HOP + 1):
            if cell.sum(axis=1).min() > _SILENT_POWER:
                self._levels[self._known % _MOST_LEVELS] = cell.mean(axis=0)
                self._known += 1
                self._renew()
        return self._floor

    def _renew(self) -> None:
        """Find the floor anew: while little is known of all bins, then of some each time, so that it costs little."""
        if self._known < _FEWEST_LEVELS:
            return
        step = 1 if self._known < 3 * _FEWEST_LEVELS else _FEWEST_LEVELS
        bins = slice(self._known % step, None, step)
        levels = self._levels[: min(self._known, _MOST_LEVELS), bins]
        self._floor[bins] = np.quantile(levels, _QUIET_SHARE, axis=0)


def protected(noisy: Spectra, clean: Spectra, around: NDArray[np.float32], floor: NDArray[np.float32]) -> Spectra:
    """Keep as much of each bin as its distance from the floor explains.

    Args:
        noisy: spectra as they came.
        clean: as the network has them.
        around: mean power of each bin over the frames around: a bin that is loud for a moment alone is noise, too.
        floor: of the noise, by bin.
    """
    least = np.sqrt(np.clip(1 - _OVER_FLOOR * floor / np.maximum(around, np.float32(1e-20)), 0, 1)).astype(np.float32)
    return np.where(np.abs(clean) < least * np.abs(noisy), least * noisy, clean)
