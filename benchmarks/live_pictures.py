"""Draws docs/live-changes.png: what a change of settings adds to a sine, as mixbridge makes it and as a jump.

Run it with `.venv-test/bin/python benchmarks/live_pictures.py`.
"""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl
import numpy as np

mpl.use("Agg")
from matplotlib import pyplot as plt
from mixbridge.presets.console import Compressor, EqBand, Equalizer, LowCut, Strip
from mixbridge.presets.preset import Preset, Track
from mixbridge.runtime.live.sound.parts import Parts
from mixbridge.runtime.live.sound.player import Player
from mixbridge.runtime.live.sound.ramps import LEVEL_RAMP_MS, PRESET_FADE_MS
from mixbridge.runtime.live.sound.ring import AudioRing

RATE_HZ = 48_000
BLOCK_FRAMES = 128
CHANGE_AT = RATE_HZ // 2
SINE = (0.25 * np.sin(2 * np.pi * 1000 * np.arange(RATE_HZ) / RATE_HZ)).astype(np.float32)[None]
QUIET = Strip(fader_db=-30)
LOUD = Strip(
    fader_db=6,
    low_cut=LowCut(freq_hz=300),
    eq=Equalizer(band1=EqBand(gain_db=18, freq_hz=1000, q=3), high_shelf=EqBand(gain_db=-18, freq_hz=4000)),
    compressor=Compressor(threshold_db=-40, ratio=4),
)


def parts_of(strip: Strip) -> Parts:
    """Take a preset of one strip apart."""
    return Parts.of(Preset(tracks=(Track(name="Sine", strip=strip),)), (1,))


def played(to: Strip | None, bypass: bool = False) -> np.ndarray:
    """Play the sine, with a change in the middle."""
    player = Player(parts_of(QUIET), RATE_HZ, AudioRing.of(1, 4 * RATE_HZ), AudioRing.of(2, 4 * RATE_HZ))
    out = np.zeros((2, RATE_HZ), np.float32)
    for begin in range(0, RATE_HZ, BLOCK_FRAMES):
        if begin <= CHANGE_AT < begin + BLOCK_FRAMES:
            if bypass:
                player.bypass(1.0)
            if to is not None:
                parts = parts_of(to)
                player.console.change(parts.differences(player.console.parts), parts, PRESET_FADE_MS)
        player.process(SINE[:, begin : begin + BLOCK_FRAMES], out[:, begin : begin + BLOCK_FRAMES])
    return out[0]


def jumped(end: np.ndarray) -> np.ndarray:
    """Put the end of one sound behind the beginning of the first, within a sample."""
    return np.concatenate([played(None)[: CHANGE_AT + 12], end[CHANGE_AT + 12 :]])


def spectrum_db(audio: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Measure 200 ms around the change."""
    stretch = audio[CHANGE_AT - 4800 : CHANGE_AT + 4800] * np.blackman(9600)
    spectrum = np.abs(np.fft.rfft(stretch))
    return np.fft.rfftfreq(9600, 1 / RATE_HZ), 20 * np.log10(spectrum / spectrum.max() + 1e-9)


def main() -> None:
    """Draw."""
    cases = {
        f"fader by 36 dB ({LEVEL_RAMP_MS:g} ms)": played(QUIET.model_copy(update={"fader_db": 6.0})),
        f"another preset: fader, low cut, EQ, compressor ({PRESET_FADE_MS:g} ms)": played(LOUD),
        f"bypass ({PRESET_FADE_MS:g} ms)": played(None, bypass=True),
    }
    figure, axes = plt.subplots(len(cases), 2, figsize=(11, 8), width_ratios=(2, 3))
    for (name, audio), (wave, spectrum) in zip(cases.items(), axes, strict=True):
        time_ms = (np.arange(RATE_HZ) - CHANGE_AT) / RATE_HZ * 1000
        wave.plot(time_ms, audio, linewidth=0.6, color="#1f6f8b")
        wave.set(xlim=(-15, 75), ylabel="sample", title=name)
        for label, sound, colour in (("as it is", audio, "#1f6f8b"), ("as a jump", jumped(audio), "#c8553d")):
            spectrum.plot(*spectrum_db(sound), label=label, color=colour, linewidth=0.8)
        spectrum.set(xscale="log", xlim=(50, 20000), ylim=(-140, 3), ylabel="dB")
        spectrum.legend(loc="upper right")
        spectrum.grid(alpha=0.3)
    axes[-1][0].set_xlabel("ms from the change")
    axes[-1][1].set_xlabel("Hz, 200 ms around the change")
    figure.tight_layout()
    figure.savefig(Path(__file__).parent.parent / "docs" / "live-changes.png", dpi=80)


if __name__ == "__main__":
    main()
