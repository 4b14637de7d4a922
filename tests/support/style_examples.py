"""Examples of an engineer whose habits are known, and voices for them, both made up: what styles are tested with."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from mixbridge.export.styles.bundle import write_style_bundle
from mixbridge.export.styles.examples import WINDOW_SAMPLES, StyleExample
from mixbridge.export.styles.fitting import fit_house
from mixbridge.presets.console import Strip, replace
from mixbridge.presets.preset import Preset, Track
from mixbridge.runtime.model.analysis import heard_in
from mixbridge.runtime.model.bundle import StyleNote, WayMeasured
from mixbridge.runtime.styles.features import FEATURES, features_in
from mixbridge.runtime.styles.settings import settings_of
from numpy.typing import NDArray

RATE_HZ = 44_100
PRESENCE = FEATURES.index("tone_2528_hz_db")


def sung(seed: int, seconds: float = 3.0, tilt_db: float = 0.0, level_db: float = -24.0) -> NDArray[np.float32]:
    """A voice that sings syllables, shape (1, samples): harmonics whose highs rise with `tilt_db`, s between them."""
    rng = np.random.default_rng(seed)
    time = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    pitch_hz = 180 * 2 ** (np.cumsum(rng.normal(0, 1, len(time))) * 2e-5 + rng.uniform(-0.3, 0.3))
    phase = 2 * np.pi * np.cumsum(pitch_hz) / RATE_HZ
    slope = -1.0 + tilt_db / 20
    voice = sum(np.sin(n * phase + rng.uniform(0, 6)) * n**slope for n in range(1, 40))
    syllables = np.clip(np.sin(2 * np.pi * 1.7 * time + rng.uniform(0, 6)) + 0.3, 0, None) ** 0.5
    hiss = np.diff(rng.standard_normal(len(time) + 1)) * np.clip(np.sin(2 * np.pi * 1.7 * time + 3.5), 0, 1) ** 8
    audio = np.asarray(voice * syllables + 0.4 * hiss)
    audio *= 10 ** (level_db / 20) / np.sqrt(np.mean(np.square(audio)))
    return audio[None].astype(np.float32)


def example(number: int, features: NDArray[np.float64], strip: Strip, level_lufs: float = -18.0) -> StyleExample:
    """An example that was never recorded."""
    preset = Preset(tracks=(Track(name="Vox", strip=strip),))
    loudness_lufs = float(features[0])
    settings = settings_of(preset, "Vox", loudness_lufs)
    nowhere = Path(f"{number}.wav")
    return StyleExample(
        str(number), nowhere, nowhere, preset, "lead vocal", features, loudness_lufs, level_lufs, settings
    )


def usual_features(rng: np.random.Generator) -> NDArray[np.float64]:
    """Features of a made-up track, far enough from each other that they count."""
    middle = np.array([-24.0, *[0.0] * 7, 14.0, 5.0, 10.0, -5.0, 50.0, 1.0])
    spread = np.array([4.0, *[3.0] * 7, 3.0, 2.0, 3.0, 3.0, 5.0, 0.5])
    return np.asarray(middle + spread * rng.standard_normal(len(middle)))


def presence_strip(gain_db: float, threshold_db: float) -> Strip:
    """A strip with a bell at 2.5 kHz and a compressor."""
    values = {
        "low_cut.freq_hz": 90.0,
        "eq.band1.gain_db": gain_db,
        "eq.band1.freq_hz": 2500.0,
        "eq.band1.q": 0.8,
        "compressor.threshold_db": threshold_db,
        "compressor.ratio": 3.0,
        "reverb_send_db": -18.0,
    }
    return replace(Strip(), values)


def presence_examples(count: int, seed: int = 0, noise_db: float = 0.5) -> list[StyleExample]:
    """Examples of an engineer who gives dull voices presence: 2 dB less for each 3 dB that a voice has more of it."""
    rng = np.random.default_rng(seed)
    examples = []
    for number in range(count):
        features = usual_features(rng)
        gain_db = 3.0 - 2.0 * features[PRESENCE] / 3.0 + noise_db * rng.standard_normal()
        examples.append(example(number, features, presence_strip(gain_db, features[0] - 4.0)))
    return examples


def write_house_bundle(folder: Path) -> None:
    """A style learned from made-up voices: those with more highs get less presence."""
    examples = []
    for number in range(12):
        tilt_db = float(np.linspace(-6, 6, 12)[number])
        passage = heard_in({"Vox": sung(number, 2.0, tilt_db)}, RATE_HZ, WINDOW_SAMPLES)
        features = features_in(passage, "Vox", RATE_HZ)
        examples.append(example(number, features, presence_strip(3.0 - tilt_db / 2, features[0] - 3), -19.0))
    note = StyleNote(
        way="house",
        pairs=57,
        held_out=12,
        ways=(
            WayMeasured(name="mean", distance=0.5, share=0.7),
            WayMeasured(name="house", distance=0.4, share=0.55, better=0.8),
        ),
        why="The house style came nearest.",
    )
    write_style_bundle(fit_house(examples), note, folder, name="mine", licence="mine alone")
