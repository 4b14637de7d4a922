"""Where a stem has only noise, and how far a strip lifts it: beside what the rendered stem has."""

from __future__ import annotations

import numpy as np
import pytest
from mixbridge.presets.console import Compressor, EqBand, Equalizer, Strip
from mixbridge.presets.parts.match import THIRDS_HZ
from mixbridge.runtime.practice.noise import noise_bands, noise_lift_db
from mixbridge.runtime.rendering.in_memory import render_strip
from numpy.typing import NDArray

Audio = NDArray[np.float32]
RATE_HZ = 44100
SECONDS = 6
HISS = 10 ** (-62 / 20)


def singer(noise: float = HISS) -> Audio:
    """Phrases of a second with pauses as long; overtones up to 4 kHz, and hiss all the time."""
    time_s = np.arange(SECONDS * RATE_HZ) / RATE_HZ
    tone = sum(np.sin(2 * np.pi * 220 * k * time_s) / k for k in range(1, 18))
    phrases = np.clip(np.sin(np.pi * time_s) * 20, 0, 1)
    hiss = np.random.default_rng(0).standard_normal(len(time_s))
    return (0.1 * tone * phrases + noise * hiss)[None].astype(np.float32)


def test_hiss_above_a_voice_is_found_and_the_voice_is_not() -> None:
    found = np.array(THIRDS_HZ)[noise_bands(singer(), RATE_HZ).is_noise]
    assert {8000.0, 10000.0, 12500.0, 16000.0} <= set(found)
    assert not {250.0, 500.0, 1000.0, 2000.0} & set(found)


def test_what_never_stops_tells_nothing() -> None:
    time_s = np.arange(SECONDS * RATE_HZ) / RATE_HZ
    pad = (0.1 * np.sin(2 * np.pi * 300 * time_s))[None] + HISS * np.random.default_rng(1).standard_normal(
        (1, len(time_s))
    )
    assert not noise_bands(pad.astype(np.float32), RATE_HZ).is_noise.any()
    assert not noise_bands(np.zeros((1, SECONDS * RATE_HZ), np.float32), RATE_HZ).is_noise.any()


def measured_lift_db(strip: Strip) -> float:
    """How far hiss above 8 kHz comes up in the pauses against the voice below 3 kHz in the phrases, rendered."""
    audio = singer()
    made = render_strip(audio, RATE_HZ, strip)
    at = np.arange(SECONDS * RATE_HZ) / RATE_HZ
    pause, phrase = (np.abs(np.sin(np.pi * at)) > 0.5) & (np.sin(np.pi * at) < 0), np.sin(np.pi * at) > 0.5

    def level_db(signal: Audio, mask: NDArray[np.bool_], low_hz: float, high_hz: float) -> float:
        power = np.square(np.abs(np.fft.rfft(signal[0] * mask)))
        freqs_hz = np.fft.rfftfreq(signal.shape[1], 1 / RATE_HZ)
        return float(10 * np.log10(power[(freqs_hz > low_hz) & (freqs_hz < high_hz)].sum()))

    gaps = [level_db(x, pause, 9000, 15000) - level_db(x, phrase, 200, 3000) for x in (audio, made)]
    return gaps[1] - gaps[0]


@pytest.mark.parametrize(
    "strip",
    [
        Strip(),
        Strip(eq=Equalizer(high_shelf=EqBand(gain_db=9, freq_hz=7000))),
        Strip(compressor=Compressor(threshold_db=-35, ratio=5, attack_ms=5, release_ms=100, knee_db=6)),
        Strip(
            eq=Equalizer(high_shelf=EqBand(gain_db=5, freq_hz=7000)),
            compressor=Compressor(threshold_db=-30, ratio=3, attack_ms=5, release_ms=100, knee_db=6),
        ),
    ],
)
def test_the_lift_is_that_of_the_rendering(strip: Strip) -> None:
    bands = noise_bands(singer(), RATE_HZ)
    assert noise_lift_db(bands, strip, singer(), RATE_HZ) == pytest.approx(measured_lift_db(strip), abs=1.6)
