"""Small pairs of raw and mixed voices whose settings are known: what trainings on pairs are tested with."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import soundfile as sf
from mixbridge.export.recovery.files import source_of
from mixbridge.export.twin.proof import runtime_console
from mixbridge.presets.console import Reverb, Strip, replace
from mixbridge.presets.files import save
from mixbridge.presets.preset import Preset, Provenance, Track
from numpy.typing import NDArray

RATE_HZ = 22050
STYLE: Mapping[str, float] = {
    "low_cut.freq_hz": 110.0,
    "eq.band0.gain_db": -4.0,
    "eq.high_shelf.gain_db": 5.0,
    "eq.high_shelf.freq_hz": 6000.0,
    "compressor.threshold_db": -30.0,
    "compressor.ratio": 3.0,
    "fader_db": 3.0,
    "reverb_send_db": -14.0,
}
REVERB: Mapping[str, float] = {"decay_mid_s": 2.2, "pre_delay_ms": 30.0}


def sung(seed: int = 0, seconds: float = 3.0, *, any_level: bool = True) -> NDArray[np.float32]:
    """Words: harmonics that glide, breath, pauses; shape (1, samples). At a level of its own, or all alike."""
    rng = np.random.default_rng(seed)
    frames, steps = round(seconds * RATE_HZ), round(seconds / 0.2) + 2
    places = np.arange(steps) * 0.2 * RATE_HZ
    pitch_hz = np.interp(np.arange(frames), places, rng.uniform(120, 300, steps))
    phase = 2 * np.pi * np.cumsum(pitch_hz) / RATE_HZ
    tone = sum(np.sin(phase * k + rng.uniform(0, 6)) / k for k in range(1, 24))
    loud = rng.uniform(0.1, 1, steps) * (rng.uniform(0, 1, steps) > 0.25)
    words = np.interp(np.arange(frames), places, loud)
    level = 10 ** (rng.uniform(-6, 0) / 20) if any_level else 1.0
    return (0.12 * level * (tone + 0.5 * rng.standard_normal(frames)) * words)[None].astype(np.float32)


def style_preset(name: str, changes: Mapping[str, float] | None = None) -> Preset:
    """The style that all pairs are mixed in."""
    strip = replace(Strip(), {**STYLE, **(changes or {})})
    return Preset(tracks=(Track(name=name, strip=strip),), reverb=replace(Reverb(), REVERB))


def write_pairs(folder: Path, count: int, seconds: float = 3.0) -> Path:
    """Writes `raw/voiceN.wav` and `mixed/voiceN.wav`; gives the folder."""
    for side in ("raw", "mixed"):
        (folder / side).mkdir(parents=True, exist_ok=True)
    for number in range(count):
        name, raw = f"voice{number}", sung(number, seconds)
        mixed = runtime_console(raw, style_preset(name, {"fader_db": 3.0 + number % 3}), RATE_HZ)
        for side, audio in (("raw", raw), ("mixed", mixed)):
            sf.write(folder / side / f"{name}.wav", audio.T, RATE_HZ, subtype="FLOAT")
    return folder


def write_presets(dataset: Path, presets: Path) -> Path:
    """Writes the presets that made the pairs as `mixbridge recover` would; gives their folder."""
    presets.mkdir(parents=True, exist_ok=True)
    for number, raw in enumerate(sorted((dataset / "raw").iterdir())):
        made = style_preset(raw.stem, {"fader_db": 3.0 + number % 3})
        track = made.tracks[0].model_copy(update={"source": source_of(raw)})
        provenance = Provenance(reference=source_of(dataset / "mixed" / raw.name))
        save(made.model_copy(update={"tracks": (track,), "provenance": provenance}), presets / f"{raw.stem}.json")
    return presets
