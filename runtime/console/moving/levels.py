"""Fader, pan and sends over samples: numbers where they stand still, a value for each sample where they move."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from ....presets.console import SEND_OFF_DB, Strip
from ....presets.lanes.lane import Lane
from ....presets.units import gain_factor
from ...audio.reading import Samples
from .courses import Motion, Stretches, Values

SEND_PATHS = ("fx_send_db", "reverb_send_db", "delay_send_db")
Level = float | Samples


def pan_gains(pan: float, channels: int) -> tuple[float, float]:
    """Gains of the left and right output.

    A mono track is panned at constant power, 3 dB down in the centre. A stereo track is balanced: the side
    away from which it is turned fades out, and the centre leaves it as it is.

    Args:
        pan: -1 left, 0 centre, 1 right.
        channels: of the track, 1 or 2.
    """
    if channels == 1:
        angle = (pan + 1) * math.pi / 4
        return math.cos(angle), math.sin(angle)
    return math.cos(max(pan, 0) * math.pi / 2), math.cos(max(-pan, 0) * math.pi / 2)


def send_factor(level_db: float) -> float:
    """The factor of a send; 0 where it is off."""
    return gain_factor(level_db) if level_db > SEND_OFF_DB else 0.0


def loudest_sends(strip: Strip, lanes: Sequence[Lane] = ()) -> tuple[float, ...]:
    """The highest level that each send of a strip ever has, as factors: fx bus, reverb, delay."""
    motion = Motion(strip, lanes, 1)
    return tuple(send_factor(motion.extremes(path)[1]) for path in SEND_PATHS)


class OutputGains:
    """Gains of both sides behind a strip's stages: fader and pan.

    Args:
        motion: of the strip.
        channels: of the track, 1 or 2.
        late: how much later than the song the audio comes, in samples.
    """

    def __init__(self, motion: Motion, channels: int, late: int = 0):
        self._motion, self._channels, self._frame = motion, channels, -late
        self._stretches = motion.stretches(("fader_db", "pan"))

    def following(self, frames: int) -> Samples:
        """The gains of the next samples, shape (2, n), or (2, 1) where they stand still."""
        self._frame += frames
        return _joined(self._stretches, self._frame - frames, self._frame, self.at, self._moving)

    def at(self, frame: float) -> Samples:
        """The gains at a sample, shape (2, 1)."""
        left, right = pan_gains(self._motion.value("pan", frame), self._channels)
        fader = gain_factor(self._motion.value("fader_db", frame))
        return np.array([[fader * left], [fader * right]], np.float32)

    def _moving(self, begin: int, end: int) -> Samples:
        pan = self._motion.levels_db("pan", begin, end)
        fader = 10 ** (self._motion.levels_db("fader_db", begin, end) / 20)
        if self._channels == 1:
            angle = (pan + 1) * (math.pi / 4)
            sides = np.stack([np.cos(angle), np.sin(angle)])
        else:
            sides = np.stack([np.cos(np.maximum(side, 0) * (math.pi / 2)) for side in (pan, -pan)])
        gains: Samples = (fader * sides).astype(np.float32)
        return gains


class FollowingLevel:
    """A level over samples, as a factor: a send, or the gain behind a master.

    Args:
        motion: of the strip or master.
        path: of the setting.
        factor: of a level in dB that stands still.
        late: how much later than the song the audio comes, in samples.
    """

    def __init__(self, motion: Motion, path: str, factor: Callable[[float], float], late: int = 0):
        self._motion, self._path, self._factor, self._frame = motion, path, factor, -late
        self._stretches = motion.stretches((path,))
        # A setting that never moves is asked for once a block, which shows in short ones.
        self._constant = None if motion.moving(path) else float(self._still(0)[0, 0])

    def following(self, frames: int) -> Level:
        """The level of the next samples: a number where it stands still, else shape (n,)."""
        if self._constant is not None:
            return self._constant
        self._frame += frames
        levels = _joined(self._stretches, self._frame - frames, self._frame, self._still, self._moving)
        return float(levels[0, 0]) if levels.shape[1] == 1 else levels[0]

    def _still(self, frame: float) -> Samples:
        return np.array([[self._factor(self._motion.value(self._path, frame))]], np.float32)

    def _moving(self, begin: int, end: int) -> Samples:
        levels_db: Values = self._motion.levels_db(self._path, begin, end)
        factors = 10 ** (levels_db / 20)
        if self._path in SEND_PATHS:
            factors[levels_db <= SEND_OFF_DB] = 0
        return factors.astype(np.float32)[None]


def sends_of(motion: Motion, late: int = 0) -> list[FollowingLevel]:
    """The sends of a strip: fx bus, reverb, delay."""
    return [FollowingLevel(motion, path, send_factor, late) for path in SEND_PATHS]


def _joined(
    stretches: Stretches,
    begin: int,
    end: int,
    still: Callable[[float], Samples],
    moving: Callable[[int, int], Samples],
) -> Samples:
    """Gains of samples by stretches; a single column where one stretch that stands still has them all."""
    pieces = list(stretches.pieces(begin, end))
    if len(pieces) <= 1 and not (pieces and pieces[0][3]):
        return still(begin)
    parts = []
    for first, stop, _, step in pieces:
        gains = moving(first, stop) if step else still(first)
        parts.append(np.broadcast_to(gains, (gains.shape[0], stop - first)))
    return np.concatenate(parts, axis=1)
