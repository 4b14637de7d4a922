"""A reference that is a mix of the tracks themselves: levels and pans are read off it; another song is told apart."""

from __future__ import annotations

from pathlib import Path

import mixbridge
import numpy as np
import pytest
import soundfile as sf
from mixbridge.presets.console import Master, Strip, replace
from mixbridge.presets.preset import Preset, Track
from mixbridge.runtime.audio.loudness import integrated_loudness
from mixbridge.runtime.audio.reading import read_passage
from mixbridge.runtime.model.own_mix import SEARCHED_S, own_mix
from mixbridge.runtime.rendering.in_memory import render_arrays
from numpy.typing import NDArray

Audio = NDArray[np.float32]
RATE_HZ = 44_100
EXAMPLE = Path(mixbridge.__file__).parent / "runtime" / "example"
STEMS = {path.stem: path for path in sorted((EXAMPLE / "stems").iterdir())}
FADERS = {"Bass": 3.0, "Hats": -9.0, "Kick": 1.0, "Lead Synth": -6.0, "Lead Vocal": 6.0, "Pad": -2.0,
          "Pluck Synth": 2.0, "Snare": -4.0}  # fmt: skip
PANS = {"Hats": 0.5, "Lead Synth": -0.6, "Pluck Synth": 0.7}
START_S, LENGTH_S = 8.0, 6.0


def engineers(stems: dict[str, Audio]) -> tuple[Audio, dict[str, Audio]]:
    """A mix with EQ, compression, reverb and a master compressor, and its stems."""
    tracks = tuple(
        Track(
            name=name,
            strip=replace(
                Strip(),
                {
                    "fader_db": FADERS[name],
                    "pan": PANS.get(name, 0.0),
                    "eq.band1.gain_db": (-1) ** index * 3.0,
                    "compressor.threshold_db": -24.0,
                    "compressor.ratio": 2.5,
                    "reverb_send_db": -12.0,
                },
            ),
        )
        for index, name in enumerate(stems)
    )
    master = replace(Master(), {"compressor.threshold_db": -16.0, "compressor.ratio": 2.0})
    rendered = render_arrays(stems, RATE_HZ, Preset(tracks=tracks, master=master))
    return rendered.mix, dict(rendered.stems)


@pytest.fixture(scope="module")
def raw() -> dict[str, Audio]:
    return {name: read_passage(path, 0, 24, RATE_HZ) for name, path in STEMS.items()}


def passage_of(audio: Audio, early_s: float = 0.0, late_s: float = 0.0) -> Audio:
    return audio[:, round((START_S - early_s) * RATE_HZ) : round((START_S + LENGTH_S + late_s) * RATE_HZ)]


@pytest.mark.parametrize("moved_s", [0.0, 0.3, -1.1])
def test_levels_and_pans_are_read_off(raw: dict[str, Audio], moved_s: float) -> None:
    mix, stems = engineers(raw)
    tracks = {name: passage_of(audio) for name, audio in raw.items()}
    found = own_mix(tracks, passage_of(mix, SEARCHED_S + moved_s, SEARCHED_S - moved_s), RATE_HZ)
    assert found is not None
    assert found.explained > 0.7
    assert {"Bass", "Kick", "Lead Vocal", "Pad"} <= set(found.gains_db)
    made = {name: integrated_loudness(passage_of(stems[name]), RATE_HZ) for name in found.gains_db}
    true = {name: made[name] - integrated_loudness(tracks[name], RATE_HZ) for name in made}
    off_db = np.array([found.gains_db[name] - true[name] for name in true])
    assert np.std(off_db) < 1.5
    for name, pan in found.pans.items():
        assert pan == pytest.approx(PANS.get(name, 0.0), abs=0.1), name


def test_another_song_is_none_of_it(raw: dict[str, Audio]) -> None:
    tracks = {name: passage_of(audio) for name, audio in raw.items()}
    song = read_passage(EXAMPLE / "reference.flac", 0, LENGTH_S + 2 * SEARCHED_S, RATE_HZ)
    assert own_mix(tracks, song, RATE_HZ) is None
    assert own_mix(tracks, song[:, : 2 * RATE_HZ], RATE_HZ) is None  # too short to hold them
    assert own_mix({}, song, RATE_HZ) is None


def test_a_rough_mix_as_reference_is_followed_in_its_levels(raw: dict[str, Audio], tmp_path: Path) -> None:
    mix, stems = engineers(raw)
    sf.write(tmp_path / "rough.wav", (0.5 * mix / np.abs(mix).max()).T, RATE_HZ)
    for name, audio in raw.items():
        sf.write(tmp_path / f"{name}.wav", audio.T, RATE_HZ)
    preset = mixbridge.predict({name: tmp_path / f"{name}.wav" for name in raw}, tmp_path / "rough.wav")
    ours = render_arrays(raw, RATE_HZ, preset).stems
    off_db = np.array([integrated_loudness(ours[n], RATE_HZ) - integrated_loudness(stems[n], RATE_HZ) for n in raw])
    assert np.sqrt(np.mean(np.square(off_db - off_db.mean()))) < 1.5
    assert preset.track("Pluck Synth").strip.pan == pytest.approx(0.7, abs=0.1)
    assert preset.track("Lead Vocal").strip.pan == 0
