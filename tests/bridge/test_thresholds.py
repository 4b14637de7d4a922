"""What `apply` says of the level that a preset's thresholds fit."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
from mixbridge.bridge.thresholds import threshold_notes
from mixbridge.presets import factory
from mixbridge.presets.preset import Preset
from mixbridge.runtime.audio.loudness import integrated_loudness


def recorded(path: Path, level_lufs: float) -> Path:
    noise = np.random.default_rng(3).normal(0, 0.05, (1, 44100 * 7)).astype(np.float32)
    gain_db = level_lufs - integrated_loudness(noise, 44100)
    sf.write(path, noise.T * 10 ** (gain_db / 20), 44100, subtype="FLOAT")
    return path


def named(name: str, *tracks: str) -> Preset:
    preset = factory.load(name)
    only = preset.tracks[0]
    return preset.model_copy(update={"tracks": tuple(only.model_copy(update={"name": track}) for track in tracks)})


def test_stems_far_from_the_level_are_named(tmp_path: Path) -> None:
    stems = {name: recorded(tmp_path / f"{name}.wav", level) for name, level in (("A", -33), ("B", -18), ("C", -8))}
    (note,) = threshold_notes(named("lead-vocal", "A", "B", "C"), stems)
    assert note.startswith("the preset's thresholds fit tracks at about -20 LUFS; A is at -33, C is at -8: ")
    assert "(+13 for A)" in note


def test_a_gain_that_was_added_counts(tmp_path: Path) -> None:
    stems = {"A": recorded(tmp_path / "a.wav", -33)}
    preset = named("lead-vocal", "A")
    (track,) = preset.tracks
    louder = track.model_copy(update={"strip": track.strip.model_copy(update={"input_gain_db": 13.0})})
    note = "the preset's thresholds fit tracks at about -20 LUFS"
    assert list(threshold_notes(preset.model_copy(update={"tracks": (louder,)}), stems)) == [note]


@pytest.mark.parametrize("name", [name for name in factory.names() if factory.load(name).tracks])
def test_every_factory_preset_says_its_level(tmp_path: Path, name: str) -> None:
    preset = factory.load(name)
    stems = {track.name: recorded(tmp_path / "a.wav", -20) for track in preset.tracks}
    assert list(threshold_notes(preset, stems)) == ["the preset's thresholds fit tracks at about -20 LUFS"]


def test_a_preset_without_such_a_level_is_silent(tmp_path: Path) -> None:
    preset = named("bass", "A").model_copy(update={"description": "Mine."})
    assert list(threshold_notes(preset, {"A": tmp_path / "is not read.wav"})) == []
