"""Tracks kept by name: a pan that moves costs neither reading nor stages, and sounds as if all had been run."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
from mixbridge.presets.console import Strip, replace
from mixbridge.presets.preset import Preset, Track
from mixbridge.runtime.console.strip import Stages
from mixbridge.runtime.mastering import passages
from mixbridge.runtime.mastering.passages import RATE_HZ, BusPassages
from mixbridge.runtime.rendering.in_memory import render_bus
from mixbridge.runtime.rendering.track_takes import TrackTakes

SECONDS = 32  # longer than the passages together
STRIP = replace(
    Strip(),
    {
        "input_gain_db": 3.0,
        "low_cut.freq_hz": 80.0,
        "compressor.ratio": 3.0,
        "compressor.threshold_db": -25.0,
        "compressor.lookahead_ms": 2.0,
        "reverb_send_db": -12.0,
    },
)


@pytest.fixture(scope="module")
def stems(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder, noise = tmp_path_factory.mktemp("stems"), np.random.default_rng(3)
    channels = {"Vox": 1, "Gtr L": 1, "Gtr R": 1, "Keys": 2}
    for name, count in channels.items():
        sf.write(folder / f"{name}.wav", 0.1 * noise.standard_normal((SECONDS * RATE_HZ, count)), RATE_HZ)
    return {name: folder / f"{name}.wav" for name in channels}


def panned(pan: float, **vox: float) -> Preset:
    links = {"Gtr L": "Gtr", "Gtr R": "Gtr"}
    strips = {"Vox": replace(STRIP, {"pan": pan, **vox}), "Gtr L": replace(STRIP, {"pan": -pan})}
    names = ("Vox", "Gtr L", "Gtr R", "Keys")
    return Preset(tracks=tuple(Track(name=name, strip=strips.get(name, STRIP), link=links.get(name)) for name in names))


@pytest.fixture
def counts(monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """Counts what is read, and the channels that stages are built for."""
    counts = {"read": 0, "channels": 0}
    read, build = passages.read_passage, Stages.__init__

    def counted_read(*args, **options):
        counts["read"] += 1
        return read(*args, **options)

    def counted_build(self, strip, channels, *args, **options):
        counts["channels"] += channels
        build(self, strip, channels, *args, **options)

    monkeypatch.setattr(passages, "read_passage", counted_read)
    monkeypatch.setattr(Stages, "__init__", counted_build)
    return counts


def test_only_pan_and_sum_are_computed_again(stems: dict[str, Path], counts: dict[str, int]) -> None:
    trials = BusPassages(stems)
    first = trials.bus(panned(0.3))
    assert counts == {"read": 4 * 5, "channels": 5 * 5}
    moved = trials.bus(panned(-0.7))
    assert counts == {"read": 4 * 5, "channels": 5 * 5}
    np.testing.assert_array_equal(moved, BusPassages(stems).bus(panned(-0.7)))
    assert np.abs(moved - first).max() > 0.01
    np.testing.assert_array_equal(trials.bus(panned(0.3)), first)


def test_a_strip_that_is_set_otherwise_is_run_again(stems: dict[str, Path], counts: dict[str, int]) -> None:
    trials = BusPassages(stems)
    trials.bus(panned(0.3))
    other = panned(0.3, **{"compressor.ratio": 6.0})
    after = trials.bus(other)
    assert counts == {"read": 5 * 5, "channels": 6 * 5}  # the vocal alone
    np.testing.assert_array_equal(after, BusPassages(stems).bus(other))


def test_what_would_be_too_much_is_not_kept() -> None:
    noise = np.random.default_rng(4)
    frames = 20_000
    audio = {name: 0.1 * noise.standard_normal((1, frames), np.float32) for name in ("Vox", "Gtr L", "Gtr R")}
    audio["Keys"] = 0.1 * noise.standard_normal((2, frames), np.float32)
    takes = TrackTakes(most_samples=3 * frames)
    preset = panned(0.3)
    whole = render_bus(audio, RATE_HZ, preset, takes.run)
    kept = {track.name for track in preset.tracks if takes.stand_in(track) is not None}
    assert kept == {"Vox", "Gtr L", "Gtr R"}
    stand_ins = {track.name: takes.stand_in(track) for track in preset.tracks if track.name in kept}
    assert {audio.shape for audio in stand_ins.values()} == {(1, frames)}
    again = render_bus({**audio, **stand_ins}, RATE_HZ, preset, takes.run)
    np.testing.assert_array_equal(again, whole)
    np.testing.assert_array_equal(whole, render_bus(audio, RATE_HZ, preset))
