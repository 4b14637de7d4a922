"""Pairs whose settings are known: raw voices, processed by the console with drawn settings, or by other processors."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ...presets.console import parameters
from ...presets.preset import Preset
from ...runtime.audio.loudness import integrated_loudness
from ...runtime.audio.reading import Samples
from ..recovery import space
from ..twin.proof import runtime_console

_ROOM_SIZES = (0.1, 0.95)
_EQUAL_POWER = math.sqrt(0.5)


@dataclass(frozen=True)
class KnownPair:
    """A raw voice and what was made of it.

    Attributes:
        raw: shape (1, samples).
        mixed: shape (2, samples).
        sample_rate_hz: of both.
        values: settings by path, of the console or, for other processors, what they were set to.
        preset: that made it; None where other processors did.
    """

    raw: Samples
    mixed: Samples
    sample_rate_hz: int
    values: Mapping[str, float]
    preset: Preset | None


def drawn_values(rng: np.random.Generator, loudness_lufs: float) -> dict[str, float]:
    """Draws a vocal chain from the Gaussian over real ones; values by path, inside the console's ranges."""
    described = json.loads(Path(space.__file__).with_name("vocal_prior.json").read_text(encoding="utf-8"))
    correlation = np.array(described["correlation"])
    plain = np.array(described["mean"]) + np.array(described["spread"]) * (
        np.linalg.cholesky(correlation) @ rng.standard_normal(len(correlation))
    )
    values = {}
    for path, drawn in zip(described["settings"], plain, strict=True):
        part, name = path.split(".", 1)
        row = parameters(space.PARTS[part])[name]
        value = math.exp(drawn) if row.scale == "log" else drawn
        values[path] = row.clamp(value + (loudness_lufs if name == "compressor.threshold_db" else 0.0))
    return values | {"delay.ping_pong": 1.0}


def own_pair(raw: Samples, rate_hz: int, values: Mapping[str, float]) -> KnownPair:
    """Processes a voice by the console."""
    preset = space.preset_of("Vox", values)
    return KnownPair(raw, runtime_console(raw, preset, rate_hz), rate_hz, values, preset)


def foreign_pair(raw: Samples, rate_hz: int, values: Mapping[str, float]) -> KnownPair:
    """Processes a voice by processors that are not the console's, with settings of the same kind.

    A cut of fourth order, shelves of first order, bells as parallel band-passes, pedalboard's Compressor and Reverb.
    """
    from pedalboard import Compressor, Reverb
    from pedalboard._pedalboard import Pedalboard
    from scipy.signal import butter, sosfilt

    set_to = {path.removeprefix("strip."): value for path, value in values.items()}
    audio = sosfilt(butter(4, max(set_to["low_cut.freq_hz"], 20), "highpass", output="sos", fs=rate_hz), raw[0])
    for name in ("low_shelf", "high_shelf"):
        audio = _first_order_shelf(audio, set_to[f"eq.{name}.gain_db"], set_to[f"eq.{name}.freq_hz"], name, rate_hz)
    for name in ("band0", "band1"):
        centre_hz, q = set_to[f"eq.{name}.freq_hz"], max(0.4, set_to[f"eq.{name}.q"])
        half = 1 / (2 * q)
        edges = [centre_hz * (math.sqrt(1 + half**2) + side * half) for side in (-1, 1)]
        band = butter(1, [max(edges[0], 20), min(edges[1], 0.45 * rate_hz)], "bandpass", output="sos", fs=rate_hz)
        audio = audio + (10 ** (set_to[f"eq.{name}.gain_db"] / 20) - 1) * sosfilt(band, audio)
    compressor = Compressor(
        set_to["compressor.threshold_db"],
        set_to["compressor.ratio"],
        max(0.1, set_to["compressor.attack_ms"] / 2),
        max(5.0, set_to["compressor.release_ms"] / 2),
    )
    dry = Pedalboard([compressor])(audio.astype(np.float32)[None], rate_hz)
    stereo = np.repeat(dry, 2, axis=0)
    size = float(np.clip((math.log2(set_to["reverb.decay_mid_s"]) + 2) / 5, *_ROOM_SIZES))
    room = Pedalboard([Reverb(room_size=size, damping=0.4, wet_level=1.0, dry_level=0.0, width=1.0)])
    wet = room(stereo, rate_hz)
    wet *= 10 ** (set_to["reverb_send_db"] / 20) * math.sqrt(
        float(np.square(stereo).mean()) / max(float(np.square(wet).mean()), 1e-12)
    )
    mixed: Samples = (_EQUAL_POWER * (stereo + wet)).astype(np.float32)
    return KnownPair(raw, mixed, rate_hz, values, None)


def loudness_of(raw: Samples, rate_hz: int) -> float:
    """Measures the loudness that thresholds are relative to."""
    return integrated_loudness(raw, rate_hz)


def _first_order_shelf(audio: Samples, gain_db: float, freq_hz: float, name: str, rate_hz: int) -> Samples:
    from scipy.signal import lfilter

    gain, corner = 10 ** (gain_db / 20), math.tan(math.pi * min(freq_hz, 0.4 * rate_hz) / rate_hz)
    low, high = (gain, 1.0) if name == "low_shelf" else (1.0, gain)
    above = [high + low * corner, low * corner - high]
    shelved = lfilter(np.array(above) / (1 + corner), [1, (corner - 1) / (1 + corner)], audio)
    return shelved.astype(np.float32)
