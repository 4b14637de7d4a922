"""Draws what the stages of the console do, measured on the stages themselves, into docs/console-*.png.

    python benchmarks/console_pictures.py [-o docs]

Nothing here is asserted: the tests beside each stage do that; these are for looking at.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")
import itertools

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from mixbridge.presets.console import DeEsser, Delay, Gate, HighCut, LowCut, Reverb, Saturation
from mixbridge.runtime.console.cut import CutProcessor
from mixbridge.runtime.console.deesser import DeEsserProcessor
from mixbridge.runtime.console.effects.delay import DelayProcessor
from mixbridge.runtime.console.effects.room import ROOM_RATE_HZ, decay_s, room_response
from mixbridge.runtime.console.gate import GateProcessor
from mixbridge.runtime.console.saturation import SaturationProcessor
from numpy.typing import NDArray
from scipy.signal import butter, sosfilt, sosfiltfilt, spectrogram

RATE_HZ = 48_000
OCTAVES_HZ = (125, 250, 500, 1000, 2000, 4000, 8000)
Audio = NDArray[np.float32]


def decibels(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Amplitudes in dB, -140 at least."""
    return 20 * np.log10(np.maximum(np.abs(values), 1e-7))


def sine(freq_hz: float, level_db: float, length_s: float = 1.0, rate_hz: int = RATE_HZ) -> Audio:
    """One channel."""
    time_s = np.arange(round(length_s * rate_hz)) / rate_hz
    return (10 ** (level_db / 20) * np.sin(2 * np.pi * freq_hz * time_s))[None].astype(np.float32)


def draw_gate(axes: Axes) -> None:
    """Level in and out, and the gain over time."""
    levels = np.arange(-80, 1, 1.0)
    for ratio in (2, 4, 20):
        settings = Gate(threshold_db=-30, range_db=40, ratio=ratio, hold_ms=0, hysteresis_db=0)
        out = [
            level + decibels(GateProcessor(settings, RATE_HZ).gains(np.abs(sine(1000, level)[0]))[-4800:]).mean()
            for level in levels
        ]
        axes.plot(levels, out, label=f"ratio {ratio}:1")
    axes.set(title="Gate, threshold -30 dB, range 40 dB", xlabel="level in, dB", ylabel="level out, dB")
    axes.legend()


def draw_gate_times(axes: Axes) -> None:
    """A burst of 0.3 s through gates of other hold and release."""
    burst = np.concatenate([sine(1000, -90, 0.1), sine(1000, -6, 0.3), sine(1000, -90, 0.6)], axis=1)
    time_s = np.arange(burst.shape[1]) / RATE_HZ
    for hold_ms, release_ms in ((0, 50), (100, 50), (100, 400)):
        settings = Gate(threshold_db=-30, range_db=60, ratio=50, hold_ms=hold_ms, release_ms=release_ms)
        gain = decibels(GateProcessor(settings, RATE_HZ).gains(np.abs(burst[0])))
        axes.plot(time_s, gain, label=f"hold {hold_ms} ms, release {release_ms} ms")
    axes.axvspan(0.1, 0.4, alpha=0.15)
    axes.set(title="Gate over time (shaded: the sound)", xlabel="s", ylabel="gain, dB")
    axes.legend()


def draw_cuts(axes: Axes) -> None:
    """Responses of both cuts."""
    click = np.zeros((1, 2 * RATE_HZ), np.float32)
    click[0, 0] = 1
    freqs_hz = np.fft.rfftfreq(click.shape[1], 1 / RATE_HZ)
    for slope in (12, 24):
        cuts = LowCut(freq_hz=100, slope_db_per_octave=slope), HighCut(freq_hz=8000, slope_db_per_octave=slope)
        response = np.fft.rfft(CutProcessor(*cuts, 1, RATE_HZ).process(click)[0])
        axes.semilogx(freqs_hz[1:], decibels(response)[1:], label=f"{slope} dB an octave")
    axes.set(title="Low cut 100 Hz, high cut 8 kHz", xlabel="Hz", ylabel="dB", xlim=(10, 22_000), ylim=(-60, 5))
    axes.legend()


def draw_deesser(axes: Axes) -> None:
    """What is taken away from noise, by frequency."""
    noise = np.random.default_rng(0).standard_normal((1, 20 * RATE_HZ)).astype(np.float32) * np.float32(0.2)
    for range_db in (3, 6, 12):
        settings = DeEsser(freq_hz=6500, threshold_db=-60, range_db=range_db)
        result = DeEsserProcessor(settings, 1, RATE_HZ).process(noise)
        before, after = (np.abs(np.fft.rfft(audio[0, RATE_HZ:])) ** 2 for audio in (noise, result))
        edges = np.geomspace(100, 20_000, 120)
        places = np.searchsorted(np.fft.rfftfreq(noise.shape[1] - RATE_HZ, 1 / RATE_HZ), edges)
        change = [10 * np.log10(after[a:b].sum() / before[a:b].sum()) for a, b in itertools.pairwise(places)]
        axes.semilogx(edges[:-1], change, label=f"range {range_db} dB")
    axes.set(title="De-esser at 6.5 kHz, wide open", xlabel="Hz", ylabel="dB")
    axes.legend()


def draw_delay(axes: Axes) -> None:
    """What comes back of a click."""
    click = np.zeros((2, round(2.2 * RATE_HZ)), np.float32)
    click[:, 0] = 1
    returned = DelayProcessor(Delay(time_ms=300, feedback=0.6, ping_pong=1), RATE_HZ).process(click)
    time_s = np.arange(click.shape[1]) / RATE_HZ
    for name, side in zip(("left", "right"), returned, strict=True):
        axes.plot(time_s, side, label=name, linewidth=1)
    axes.set(title="Delay of 300 ms, feedback 0.6, from side to side", xlabel="s", ylabel="amplitude")
    axes.legend()


def draw_level_match(axes: Axes) -> None:
    """Loudness of saturated noise over drive."""
    noise = sosfilt(
        butter(1, [80, 4000], "bandpass", fs=RATE_HZ, output="sos"),
        np.random.default_rng(1).standard_normal((1, 6 * RATE_HZ)) * 0.3,
    ).astype(np.float32)
    drives = np.geomspace(0.3, 100, 12)
    for match in (0.0, 1.0):
        levels = [
            decibels(SaturationProcessor(Saturation(drive=drive, level_match=match), 1, RATE_HZ).process(noise).std())
            - decibels(noise.std())
            for drive in drives
        ]
        axes.semilogx(drives, levels, marker="o", label=f"level match {match:.0f}")
    axes.set(title="Saturation, level against the input", xlabel="drive", ylabel="dB")
    axes.legend()


def draw_stages(path: Path) -> None:
    """Six panels."""
    figure, axes = plt.subplots(3, 2, figsize=(11, 11), layout="constrained")
    panels = (draw_gate, draw_gate_times, draw_cuts, draw_deesser, draw_delay, draw_level_match)
    for draw, panel in zip(panels, axes.flat, strict=True):
        draw(panel)
        panel.grid(alpha=0.3)
    figure.savefig(path, dpi=90)


def draw_saturation(path: Path) -> None:
    """Spectra of a 10 kHz tone at full scale."""
    figure, axes = plt.subplots(1, 3, figsize=(12, 3.6), layout="constrained", sharey=True)
    tone = sine(10_000, 0, 3.0, 44_100)
    for drive, panel in zip((2, 12, 100), axes, strict=True):
        for name, audio in (
            ("tanh as it is", np.tanh(drive * tone) / drive),
            ("here", SaturationProcessor(Saturation(drive=drive), 1, 44_100).process(tone)),
        ):
            piece = audio[0, 44_100:88_200] * np.hanning(44_100)
            spectrum = np.abs(np.fft.rfft(piece))
            panel.plot(np.arange(22_051) / 1000, decibels(spectrum / spectrum[10_000]), label=name, linewidth=0.8)
        panel.axhline(-70, linestyle=":", color="grey")
        panel.set(title=f"10 kHz at full scale, drive {drive}", xlabel="kHz", ylim=(-130, 5))
        panel.grid(alpha=0.3)
    axes[0].set_ylabel("dB against the tone")
    axes[0].legend()
    figure.savefig(path, dpi=90)


def draw_reverb(path: Path) -> None:
    """Decay by octave, echo density, spectrogram."""
    settings = Reverb(pre_delay_ms=0, low_cut_hz=20, high_cut_hz=22_000)
    response = room_response(settings, ROOM_RATE_HZ)[0]
    time_s = np.arange(len(response)) / ROOM_RATE_HZ
    figure, axes = plt.subplots(1, 3, figsize=(13, 3.8), layout="constrained")
    wanted = decay_s(settings, np.array(OCTAVES_HZ, float))
    for octave_hz, decay in zip(OCTAVES_HZ, wanted, strict=True):
        edges = [octave_hz / 2**0.5, octave_hz * 2**0.5]
        band = sosfiltfilt(butter(3, edges, "bandpass", fs=ROOM_RATE_HZ, output="sos"), response)
        left = np.cumsum(band[::-1] ** 2)[::-1]
        axes[0].plot(time_s, 10 * np.log10(left / left[0] + 1e-9), label=f"{octave_hz} Hz: {decay:.1f} s set")
    axes[0].set(title="Energy left, by octave", xlabel="s", ylabel="dB", ylim=(-60, 2))
    axes[0].legend(fontsize=7)
    frames = round(0.02 * ROOM_RATE_HZ)
    window = np.hanning(frames) / np.hanning(frames).sum()
    for size in (0.0, 0.5, 1.0):
        sound = room_response(settings.model_copy(update={"size": size}), ROOM_RATE_HZ)[0]
        begins = np.arange(0, round(0.2 * ROOM_RATE_HZ), frames // 4)
        density = []
        for begin in begins:
            piece = sound[begin : begin + frames]
            deviation = np.sqrt(np.sum(window * piece**2))
            density.append(np.sum(window[np.abs(piece) > deviation]) / 0.3173)
        axes[1].plot((begins + frames / 2) / ROOM_RATE_HZ * 1000, density, label=f"size {size}")
    axes[1].axvline(80, linestyle=":", color="grey")
    axes[1].set(title="Echo density (1: as noise)", xlabel="ms", ylim=(0, 1.2))
    axes[1].legend()
    freqs_hz, times_s, power = spectrogram(response, ROOM_RATE_HZ, nperseg=1024, noverlap=768)
    axes[2].pcolormesh(times_s, freqs_hz / 1000, 10 * np.log10(power + 1e-14), shading="auto", vmin=-110)
    axes[2].set(title="Spectrogram", xlabel="s", ylabel="kHz", ylim=(0, 20))
    figure.savefig(path, dpi=90)


def main() -> None:
    """Draws all."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("-o", "--output", type=Path, default=Path(__file__).parents[1] / "docs", help="folder")
    folder = parser.parse_args().output
    draw_stages(folder / "console-stages.png")
    draw_saturation(folder / "console-saturation.png")
    draw_reverb(folder / "console-reverb.png")


if __name__ == "__main__":
    main()
