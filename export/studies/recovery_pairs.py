"""Pairs whose settings are known: raw voices, processed by the console with drawn settings, or by other processors.

Settings are rows of 385 vocal chains that were fitted to pairs of raw and mixed vocals (DiffVox, Chin-Yun Yu et al.,
DAFx 2025, arXiv 2504.14735, MIT), in the console's units: `vocal_chains.json`.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np

from ...presets.console import parameters
from ...presets.preset import Preset
from ...runtime.audio.loudness import integrated_loudness
from ...runtime.audio.reading import Samples
from ..recovery import space
from ..twin.proof import runtime_console

Kind = Literal["own", "foreign"]
KINDS: Final[tuple[Kind, ...]] = ("own", "foreign")
"""Whose processors make the mixed recording."""
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
    """Draws one of the real vocal chains; values by path, inside the console's ranges.

    Args:
        rng: that draws.
        loudness_lufs: of the raw voice, which thresholds are relative to.
    """
    described = _chains()
    row = described["chains"][int(rng.integers(len(described["chains"])))]
    values = {}
    for path, value in zip(described["settings"], row, strict=True):
        part, name = path.split(".", 1)
        over = loudness_lufs if name == "compressor.threshold_db" else 0.0
        values[path] = parameters(space.PARTS[part])[name].clamp(value + over)
    return values | {"delay.ping_pong": 1.0}


@cache
def _chains() -> dict[str, Any]:
    described: dict[str, Any] = json.loads(Path(space.__file__).with_name("vocal_chains.json").read_text("utf-8"))
    return described


def own_pair(raw: Samples, rate_hz: int, values: Mapping[str, float]) -> KnownPair:
    """Processes a voice by the console."""
    preset = space.preset_of("Vox", values)
    return KnownPair(raw, runtime_console(raw, preset, rate_hz), rate_hz, values, preset)


def foreign_pair(raw: Samples, rate_hz: int, values: Mapping[str, float]) -> KnownPair:
    """Processes a voice by processors that are not the console's, with settings of the same kind."""
    stereo = np.repeat(foreign_strip(raw, rate_hz, values), 2, axis=0)
    send = 10 ** (values["strip.reverb_send_db"] / 20)
    mixed: Samples = (_EQUAL_POWER * (stereo + send * foreign_room(stereo, rate_hz, values))).astype(np.float32)
    return KnownPair(raw, mixed, rate_hz, values, None)


def foreign_strip(raw: Samples, rate_hz: int, values: Mapping[str, float]) -> Samples:
    """Processes one channel, shape (1, samples), without fader and pan.

    A cut of fourth order, shelves of first order, bells as parallel band-passes, pedalboard's Compressor.
    """
    from pedalboard import Compressor
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
    squeezed: Samples = Pedalboard([compressor])(audio.astype(np.float32)[None], rate_hz)
    return squeezed


def foreign_room(sent: Samples, rate_hz: int, values: Mapping[str, float]) -> Samples:
    """Gives what pedalboard's Reverb returns of what is sent, shape (2, samples), as loud as that."""
    from pedalboard import Reverb
    from pedalboard._pedalboard import Pedalboard

    size = float(np.clip((math.log2(values["reverb.decay_mid_s"]) + 2) / 5, *_ROOM_SIZES))
    room = Pedalboard([Reverb(room_size=size, damping=0.4, wet_level=1.0, dry_level=0.0, width=1.0)])
    wet: Samples = room(sent, rate_hz)
    power = float(np.square(sent).mean()) / max(float(np.square(wet).mean()), 1e-12)
    return wet * np.float32(math.sqrt(power))


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
