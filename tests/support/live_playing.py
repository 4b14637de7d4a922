"""The live console on arrays, block by block, without a process or a clock."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from mixbridge.presets.preset import Preset
from mixbridge.runtime.live.sound.parts import Parts
from mixbridge.runtime.live.sound.player import Player
from mixbridge.runtime.live.sound.ring import AudioRing
from numpy.typing import NDArray

Audio = NDArray[np.float32]


def player_of(preset: Preset, channels: Sequence[int], rate_hz: int) -> Player:
    """A player with some seconds of past."""
    rows = sum(channels)
    rings = (AudioRing.of(count, 4 * rate_hz) for count in (rows, 2))
    return Player(Parts.of(preset, channels), rate_hz, *rings)


def rows_of(stems: Mapping[str, Audio], preset: Preset) -> Audio:
    """All channels of all tracks, one below the other."""
    return np.concatenate([stems[track.name] for track in preset.tracks])


def played(
    player: Player, inputs: Audio, block_frames: int, before: Mapping[int, Callable[[], None]] | None = None
) -> Audio:
    """The mix of inputs, shape (2, n), with the latency in it.

    Args:
        player: that plays.
        inputs: shape (rows, n).
        block_frames: of a block; the last may be shorter.
        before: what is done before the first block that begins at a sample or later.
    """
    out = np.zeros((2, inputs.shape[1]), np.float32)
    waiting = sorted((before or {}).items(), key=lambda item: item[0])
    for begin in range(0, inputs.shape[1], block_frames):
        while waiting and waiting[0][0] <= begin:
            waiting.pop(0)[1]()
        block = slice(begin, begin + block_frames)
        player.process(inputs[:, block], out[:, block])
    return out


def null_db(audio: Audio, wanted: Audio) -> float:
    """How far the difference is below what is wanted, in dB of their RMS; -inf where they are the same bits."""
    rest = np.sqrt(np.mean(np.square(audio.astype(np.float64) - wanted)))
    return float(20 * np.log10(rest / np.sqrt(np.mean(np.square(wanted.astype(np.float64)))))) if rest else -np.inf
