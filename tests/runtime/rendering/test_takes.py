"""Takes: what is played from them is what would have been rendered, and only what changed is run."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from mixbridge.presets.console import Reverb, Strip, replace
from mixbridge.presets.preset import Preset, Track
from mixbridge.runtime.console.strip import Stages
from mixbridge.runtime.rendering.in_memory import render_arrays, render_bus, render_strip
from mixbridge.runtime.rendering.takes import Takes

RATE_HZ = 44100
# Neither is a whole number of the console's blocks.
FRAMES = 150_001

Samples = np.ndarray


@pytest.fixture
def stems() -> dict[str, Samples]:
    noise = np.random.default_rng(5)
    return {
        "Vox": 0.1 * noise.standard_normal((1, FRAMES), np.float32),
        "Gtr L": 0.1 * noise.standard_normal((1, FRAMES), np.float32),
        "Gtr R": 0.1 * noise.standard_normal((1, FRAMES), np.float32),
        "Keys": 0.1 * noise.standard_normal((2, FRAMES - 3000), np.float32),
    }


def mixed(stems: dict[str, Samples], **vox: float) -> Preset:
    strip = replace(
        Strip(),
        {
            "input_gain_db": 3.0,
            "low_cut.freq_hz": 80.0,
            "eq.band1.gain_db": 4.0,
            "compressor.threshold_db": -25.0,
            "compressor.ratio": 3.0,
            "compressor.lookahead_ms": 2.0,
        },
    )
    links = {"Gtr L": "Gtr", "Gtr R": "Gtr"}
    tracks = [
        Track(name=name, strip=replace(strip, vox) if name == "Vox" else strip, link=links.get(name)) for name in stems
    ]
    return Preset(tracks=tuple(tracks), reverb=Reverb(decay_low_s=0.4, decay_mid_s=0.4, decay_high_s=0.3))


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """Counts the blocks that stages really process."""
    counts = {"tone": 0, "dynamics": 0}

    def counted(name: str, process: Callable[[Stages, Samples], Samples]) -> Callable[[Stages, Samples], Samples]:
        def count(stages: Stages, block: Samples) -> Samples:
            counts[name] += 1
            return process(stages, block)

        return count

    monkeypatch.setattr(Stages, "toned", counted("tone", Stages.toned))
    monkeypatch.setattr(Stages, "levelled", counted("dynamics", Stages.levelled))
    return counts


CHANGES = (
    {},
    {"fader_db": -7.0, "pan": 0.4},
    {"reverb_send_db": -6.0},
    {"compressor.threshold_db": -31.0},
    {"eq.band1.gain_db": -2.0},
    {"compressor.lookahead_ms": 0.0},
    {"input_gain_db": 5.0},
)


def test_each_change_sounds_as_if_nothing_was_kept(stems: dict[str, Samples]) -> None:
    takes = Takes()
    for change in (*CHANGES, *reversed(CHANGES)):
        preset = mixed(stems, **change)
        kept, plain = render_arrays(stems, RATE_HZ, preset, takes), render_arrays(stems, RATE_HZ, preset)
        assert np.array_equal(kept.mix, plain.mix)
        assert np.array_equal(kept.bus, plain.bus)
        assert all(np.array_equal(kept.stems[name], plain.stems[name]) for name in stems)
        assert all(np.array_equal(kept.buses[name], plain.buses[name]) for name in plain.buses)
        strip = preset.track("Vox").strip
        alone = render_strip(stems["Vox"], RATE_HZ, strip, takes)
        assert np.array_equal(alone, render_strip(stems["Vox"], RATE_HZ, strip))


@pytest.mark.parametrize(
    ("change", "tone", "dynamics"),
    [
        ({"fader_db": -7.0, "pan": 0.4}, 0, 0),
        ({"compressor.threshold_db": -31.0}, 0, 4),  # what comes before the first sample, and three blocks
        ({"eq.band1.gain_db": -2.0}, 4, 4),
    ],
)
def test_only_what_changed_is_run(
    stems: dict[str, Samples], runs: dict[str, int], change: dict[str, float], tone: int, dynamics: int
) -> None:
    takes = Takes()
    render_arrays(stems, RATE_HZ, mixed(stems), takes)
    assert runs == {"tone": 12, "dynamics": 12}  # two single tracks and a linked pair
    render_arrays(stems, RATE_HZ, mixed(stems, **change), takes)
    assert runs == {"tone": 12 + tone, "dynamics": 12 + dynamics}


def test_other_audio_is_never_answered_from_a_take(stems: dict[str, Samples]) -> None:
    takes, strip = Takes(), mixed(stems).track("Vox").strip
    for _ in range(30):  # short-lived arrays, whose addresses come back
        audio = 0.1 * np.random.default_rng().standard_normal((1, 40_000), np.float32)
        assert np.array_equal(render_strip(audio, RATE_HZ, strip, takes), render_strip(audio, RATE_HZ, strip))


def test_what_was_not_played_for_longest_is_forgotten(
    stems: dict[str, Samples], runs: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mixbridge.runtime.rendering.takes._MOST_SAMPLES", 6 * FRAMES)
    takes = Takes()
    strips = [mixed(stems, **{"eq.band1.gain_db": float(gain)}).track("Vox").strip for gain in range(1, 6)]
    for strip in strips:
        render_strip(stems["Vox"], RATE_HZ, strip, takes)
    before = runs["tone"]
    render_strip(stems["Vox"], RATE_HZ, strips[-1], takes)
    assert runs["tone"] == before
    render_strip(stems["Vox"], RATE_HZ, strips[0], takes)
    assert runs["tone"] == before + 4


def test_the_bus_is_that_of_the_whole_mix_without_its_tail(stems: dict[str, Samples]) -> None:
    preset = mixed(stems, reverb_send_db=-6.0)
    whole = render_arrays(stems, RATE_HZ, preset).bus
    bus = render_bus(stems, RATE_HZ, preset)
    assert bus.shape == (2, FRAMES)
    assert whole.shape[1] > FRAMES
    assert np.array_equal(bus, whole[:, :FRAMES])
