"""Settings that Ardour's strips can hold exactly."""

import random

from mixbridge.presets.console import Compressor, EqBand, Equalizer


def strip(seed, **levels):
    """Settings that Ardour has, all different from each other and from what stands there at first."""
    rng = random.Random(seed)
    bands = {
        name: EqBand(gain_db=rng.choice((-1, 1)) * rng.uniform(1, 9), freq_hz=freq_hz * rng.uniform(0.8, 1.2), q=q)
        for name, freq_hz, q in (
            ("low_shelf", 110, 0.71),
            ("band0", 300, 0.9),
            ("band1", 1200, 1.6),
            ("band2", 3500, 2.5),
            ("band3", 7000, 0.8),
            ("high_shelf", 9000, 0.71),
        )
    }
    compressor = Compressor(
        threshold_db=rng.uniform(-40, -10),
        ratio=rng.uniform(1.5, 6),
        attack_ms=rng.uniform(5, 60),
        release_ms=rng.uniform(60, 600),
        knee_db=rng.uniform(1, 7),
        makeup_db=rng.uniform(1, 6),
    )
    return {"eq": Equalizer(**bands), "compressor": compressor, **levels}
