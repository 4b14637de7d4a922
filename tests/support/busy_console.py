"""A strip and a master that use every part of the console, and noise to send through them."""

import numpy as np
from mixbridge.presets.console import Compressor, EqBand, Equalizer, FxBand, FxBus, Master, Strip
from numpy.typing import NDArray

Audio = NDArray[np.float32]
RATE_HZ = 44100
ROOM = FxBus(bands=(FxBand(gain_db=0, decay_s=0.1),) * 12)

BUSY = Strip(
    input_gain_db=3,
    eq=Equalizer(low_shelf=EqBand(gain_db=3, freq_hz=150), band1=EqBand(gain_db=-4, freq_hz=2000, q=2)),
    compressor=Compressor(threshold_db=-30, ratio=4, attack_ms=5, release_ms=80, knee_db=6, lookahead_ms=7),
    fader_db=-4,
    pan=-0.4,
)
BUSY_MASTER = Master(
    eq=Equalizer(high_shelf=EqBand(gain_db=2, freq_hz=8000)),
    compressor=Compressor(threshold_db=-20, ratio=2, attack_ms=20, release_ms=150, knee_db=6, lookahead_ms=11),
    output_gain_db=-2,
)


def noise(frames: int, channels: int = 1, seed: int = 0, level: float = 0.1) -> Audio:
    """White noise, shape (channels, frames)."""
    return (level * np.random.default_rng(seed).standard_normal((channels, frames))).astype(np.float32)
