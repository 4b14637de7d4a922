"""Groups: of three and more tracks that engineers hold together, compressed gently and as loud as before."""

from __future__ import annotations

import numpy as np
import pytest
from mixbridge.presets.preset import Preset, Track
from mixbridge.presets.roles import Role
from mixbridge.runtime.audio.loudness import integrated_loudness
from mixbridge.runtime.model.analysis import Passage
from mixbridge.runtime.practice.stages.grouping import GROUP_STEMS, GROUPS, glued, groups_among, without_idle_words
from mixbridge.runtime.prediction.grouping import with_groups
from mixbridge.runtime.rendering.in_memory import render_mix, render_strip
from numpy.typing import NDArray

Audio = NDArray[np.float32]
RATE_HZ = 44100
TIME_S = np.arange(3 * RATE_HZ) / RATE_HZ
KIT: dict[str, Role | None] = {"Kick": "kick", "Snare": "snare", "Hats": "hi-hat", "Pad": "pad"}


def hits(level: float, every_s: float, seed: int) -> Audio:
    noise = np.random.default_rng(seed).standard_normal(len(TIME_S))
    return (level * noise * np.exp(-(TIME_S % every_s) / 0.05))[None].astype(np.float32)


STEMS = {
    "Kick": hits(0.2, 0.5, 0),
    "Snare": hits(0.1, 1.0, 1),
    "Hats": hits(0.03, 0.25, 2),
    "Pad": (0.05 * np.sin(2 * np.pi * 220 * TIME_S))[None].astype(np.float32),
}
PRESET = Preset(tracks=tuple(Track(name=name, role=role) for name, role in KIT.items()))


def passage() -> Passage:
    return Passage(0.0, 3.0, STEMS, {name: integrated_loudness(audio, RATE_HZ) for name, audio in STEMS.items()})


def test_three_of_a_kind_are_a_group() -> None:
    assert groups_among(KIT) == {"Drums": ("Kick", "Snare", "Hats")}
    choir: dict[str, Role | None] = {
        "1": "backing vocal",
        "2": "backing vocal",
        "3": "backing vocal",
        "Lead": "lead vocal",
    }
    assert groups_among(choir) == {"Backing Vocals": ("1", "2", "3")}
    guitars: dict[str, Role | None] = {
        "L": "electric guitar",
        "R": "electric guitar",
        "A": "acoustic guitar",
        "B": "bass",
    }
    assert groups_among({**KIT, **guitars}) == {"Drums": ("Kick", "Snare", "Hats"), "Guitars": ("L", "R", "A")}


@pytest.mark.parametrize(
    "roles",
    [
        pytest.param({"Kick": "kick", "Snare": "snare", "Pad": "pad"}, id="two"),
        pytest.param({"Kick": "kick", "Snare": "snare", "Hats": "hi-hat"}, id="nothing beside them"),
        pytest.param({**KIT, "drums": "full mix"}, id="a track of that name"),
        pytest.param({**KIT, "Drums Bus": "pad"}, id="a track that is called like its stem"),
        pytest.param({"a": None, "b": None, "c": None, "d": None}, id="nobody knows"),
    ],
)
def test_else_there_is_none(roles: dict[str, Role | None]) -> None:
    assert groups_among(roles) == {}


@pytest.mark.parametrize("group", GROUPS)
@pytest.mark.parametrize("level", [0.01, 1.0])
def test_a_group_is_held_gently_and_stays_as_loud(group: str, level: float) -> None:
    audio = level * np.repeat(STEMS["Kick"] + STEMS["Hats"], 2, axis=0)
    strip, reduction_db = glued(group, audio, RATE_HZ)
    assert 1.3 <= reduction_db <= 2.1
    assert strip.compressor.ratio <= 2
    made = render_strip(audio, RATE_HZ, strip)
    assert integrated_loudness(made, RATE_HZ) == pytest.approx(integrated_loudness(audio, RATE_HZ), abs=0.3)
    energies = [np.square(sound[0, : RATE_HZ * 3]).reshape(-1, 441).sum(axis=1) for sound in (made, audio)]
    loud = energies[1] > 1e-4 * energies[1].max()
    gains_db = 10 * np.log10(energies[0][loud] / energies[1][loud])
    assert 0.8 < np.ptp(gains_db) < 3.5
    assert gains_db.max() <= strip.compressor.makeup_db + 0.01


def test_a_group_is_made_where_the_reference_is_like_it_and_not_where_it_is_open_or_flat() -> None:
    strip, _ = glued("Drums", np.repeat(STEMS["Kick"] + STEMS["Snare"] + STEMS["Hats"], 2, axis=0), RATE_HZ)
    tight = strip.model_copy(update={"compressor": strip.compressor.model_copy(update={"ratio": 8.0})})
    drums = {name: render_strip(STEMS[name], RATE_HZ, tight) for name in ("Kick", "Snare", "Hats")}
    held = render_mix({**drums, "Pad": STEMS["Pad"]}, RATE_HZ, PRESET)
    made = with_groups(PRESET, passage(), held, RATE_HZ)
    assert [bus.name for bus in made.buses] == ["Drums"]
    assert [track.bus for track in made.tracks] == ["Drums", "Drums", "Drums", None]
    (words,) = made.provenance.decisions or ()
    assert words.startswith("Drums: 3 tracks go through a group")
    assert without_idle_words(made) == made
    assert without_idle_words(made.model_copy(update={"buses": (), "tracks": PRESET.tracks})) == PRESET
    open_mix = render_mix(STEMS, RATE_HZ, PRESET)
    flat = {name: 0.06 * np.tanh(audio / 0.06) for name, audio in STEMS.items()}
    for song in (open_mix, render_mix(flat, RATE_HZ, PRESET)):
        assert with_groups(PRESET, passage(), song, RATE_HZ) == PRESET


def test_groups_that_are_there_stay() -> None:
    grouped = PRESET.model_copy(
        update={"tracks": (PRESET.tracks[0].model_copy(update={"bus": "Mine"}), *PRESET.tracks[1:])}
    )
    assert with_groups(grouped, passage(), render_mix(STEMS, RATE_HZ, PRESET), RATE_HZ) == grouped


def test_their_stems_are_known_before_they_are_made() -> None:
    assert GROUP_STEMS == ("Drums bus", "Backing Vocals bus", "Guitars bus")
