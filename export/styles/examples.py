"""What a style is learned from: raw tracks as they are heard, and the settings that made the mixed ones."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import soxr
from numpy.typing import NDArray

from ...presets.errors import AudioError, PresetError
from ...presets.files import load
from ...presets.preset import Preset
from ...presets.roles import Role
from ...runtime.audio.loudness import integrated_loudness
from ...runtime.audio.reading import Samples, as_stereo, probe
from ...runtime.model.analysis import Passage, heard_in
from ...runtime.model.excerpts import SILENT_LUFS
from ...runtime.practice.noise import noise_bands, noise_lift_db
from ...runtime.prediction.predict import heard_roles
from ...runtime.styles.features import features_in, heard_of
from ...runtime.styles.settings import RATE_HZ, TrackSettings, settings_of
from ..recovery.dataset import NamedPair, ratio_in
from ..recovery.files import read_whole

WINDOW_SAMPLES: Final = 262_144
"""Length of an excerpt that is heard, as the runtime hears it."""

# A pair of which so much of the distance was left counts half.
_HALF_TOLD = 0.35
Say = Callable[[str], None]


@dataclass(frozen=True)
class StyleExample:
    """A pair whose settings are known.

    Attributes:
        name: of the pair.
        raw: file of the raw track.
        mixed: file of the mixed one.
        preset: the settings that make one of the other, of one track.
        role: what the track is, as it is found out where a style is used.
        features: of the raw track.
        loudness_lufs: of the raw track.
        level_lufs: of the mixed one, on two channels.
        settings: as numbers.
        lifted_noise_db: how far the settings lift what is only noise in the raw track against its music.
        weight: how far they are to be believed, 0..1: what was recovered of a pair may explain little of it.
    """

    name: str
    raw: Path
    mixed: Path
    preset: Preset
    role: Role | None
    features: NDArray[np.float64]
    loudness_lufs: float
    level_lufs: float
    settings: TrackSettings
    lifted_noise_db: float = 0.0
    weight: float = 1.0


def read_examples(pairs: Sequence[NamedPair], presets: Path, say: Say = lambda text: None) -> list[StyleExample]:
    """Read the pairs of a folder whose settings were recovered; those that were not are left out.

    Args:
        pairs: as of :func:`mixbridge.export.recovery.dataset.list_pairs`.
        presets: folder with NAME.json for each of them.
        say: told why a pair is left out.

    Raises:
        AudioError: a file cannot be used, or no pair has a preset.
        PresetError: a preset is broken, or of several tracks.
    """
    examples = []
    for pair in pairs:
        file = presets / f"{pair.name}.json"
        if not file.is_file():
            say(f"{pair.name}: has no preset in {presets}: left out")
            continue
        preset = load(file)
        if len(preset.tracks) != 1:
            raise PresetError(f"{file}: has {len(preset.tracks)} tracks; a style is learned from pairs of one track.")
        raw, mixed = read_at_rate(pair.raw), read_at_rate(pair.mixed)
        example = example_of(pair, preset, raw, mixed)
        if example is None:
            say(f"{pair.name}: silent: left out")
            continue
        examples.append(example)
    if not examples:
        raise AudioError(f"{presets}: has no preset of any of the pairs: run `mixbridge recover DATASET -o {presets}`.")
    return examples


def example_of(pair: NamedPair, preset: Preset, raw: Samples, mixed: Samples) -> StyleExample | None:
    """Make an example of a pair in memory, at :data:`RATE_HZ`; None where one of them is silent."""
    level_lufs = integrated_loudness(as_stereo(mixed), RATE_HZ)
    passage = heard_in({pair.name: raw}, RATE_HZ, WINDOW_SAMPLES)
    if not passage.heard or level_lufs < SILENT_LUFS:
        return None
    loudness_lufs = passage.level_lufs(pair.name)
    left = ratio_in(preset)
    heard = heard_of(passage, pair.name, RATE_HZ)
    return StyleExample(
        pair.name,
        pair.raw,
        pair.mixed,
        preset,
        _role(passage, pair.name),
        features_in(passage, pair.name, RATE_HZ),
        loudness_lufs,
        level_lufs,
        settings_of(preset, preset.tracks[0].name, loudness_lufs),
        noise_lift_db(noise_bands(heard, RATE_HZ), preset.tracks[0].strip, heard, RATE_HZ),
        1.0 if left is None else 1 / (1 + (left / _HALF_TOLD) ** 2),
    )


def read_at_rate(path: Path) -> Samples:
    """Read a file of one or two channels at the rate of styles.

    Raises:
        AudioError: it cannot be used.
    """
    rate_hz = probe(path).sample_rate_hz
    audio = read_whole(path, rate_hz)
    return at_rate(audio, rate_hz)


def at_rate(audio: Samples, sample_rate_hz: int) -> Samples:
    """Resample audio to the rate of styles."""
    if sample_rate_hz == RATE_HZ:
        return audio
    moved: Samples = np.ascontiguousarray(soxr.resample(audio.T, sample_rate_hz, RATE_HZ).T, np.float32)
    return moved


def _role(passage: Passage, name: str) -> Role | None:
    return heard_roles(passage, RATE_HZ)[name].role
