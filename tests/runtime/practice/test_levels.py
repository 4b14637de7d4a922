"""How loud tracks should be: by role, by how many there are, and with the lead vocal heard."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from mixbridge.presets.roles import ROLES, Role
from mixbridge.runtime.practice.levels import (
    LEAD_CEILING_DB,
    LEAD_FLOOR_DB,
    SPOKEN_CEILING_DB,
    SPOKEN_FLOOR_DB,
    is_jingle,
    is_spoken,
    lead_against_rest_db,
    usual_levels,
    with_lead_heard,
)
from mixbridge.runtime.practice.sounds import RoleSound, sound_of

NOISE = np.random.default_rng(0).standard_normal((1, 8192)).astype(np.float32)


def sounds(*roles: Role | None) -> tuple[RoleSound, ...]:
    return tuple(sound_of(f"{number}", role, NOISE, 44100, -20.0) for number, role in enumerate(roles))


def test_every_role_has_a_level() -> None:
    assert all(np.isfinite(level) for level in usual_levels(sounds(*ROLES, None)).values())


def test_more_of_a_kind_are_a_little_louder_together_and_softer_each() -> None:
    one, four = (usual_levels(sounds(*["electric guitar"] * count, "bass")) for count in (1, 4))
    assert four["0"] - one["0"] == pytest.approx(-3.01, abs=0.01)  # twice 1.5 dB


def test_the_order_is_that_of_a_song() -> None:
    level = usual_levels(sounds("lead vocal", "bass", "kick", "hi-hat", "backing vocal"))
    assert level["0"] > level["1"] > level["2"] > level["3"]
    assert level["4"] <= level["0"] - 4 + 6  # behind the lead, which may have been moved by its window


def test_the_lead_is_heard_in_a_full_band_and_not_alone_before_a_piano() -> None:
    full = sounds("lead vocal", "drums", *["electric guitar"] * 8, *["backing vocal"] * 6, "bass", "keys", "keys")
    sparse = sounds("lead vocal", "keys")
    gaps = [lead_against_rest_db(group, usual_levels(group)) for group in (full, sparse)]
    assert gaps[0] is not None
    assert gaps[1] is not None
    assert LEAD_FLOOR_DB - 1e-9 <= gaps[0] <= gaps[1] <= LEAD_CEILING_DB + 1e-9


def test_people_who_talk_stand_before_their_music_and_a_spoken_line_in_a_song_does_not() -> None:
    podcast, song = sounds("speech", "speech", "full mix"), sounds("speech", "drums", "bass", "keys", "pad")
    gap_db, song_gap_db = (lead_against_rest_db(group, usual_levels(group)) for group in (podcast, song))
    assert gap_db == pytest.approx(SPOKEN_FLOOR_DB)
    assert song_gap_db is not None
    assert song_gap_db <= LEAD_CEILING_DB
    assert is_spoken(["speech", None])
    assert is_spoken(["speech", "speech", "full mix", "effect", "effect", "room", "room", "effect"])
    assert not is_spoken(["speech", "bass", "keys", "drums", "effect"])
    assert not is_spoken(["speech", "backing vocal"])
    assert not is_spoken(["keys"])


def test_only_leads_are_moved() -> None:
    group = sounds("lead vocal", "lead vocal", "bass")
    moved = with_lead_heard(group, {"0": -20.0, "1": -26.0, "2": 0.0})
    assert moved == {"0": LEAD_FLOOR_DB, "1": LEAD_FLOOR_DB - 6, "2": 0.0}


def test_there_may_be_no_lead() -> None:
    group = sounds("bass", "keys")
    assert lead_against_rest_db(group, usual_levels(group)) is None
    assert with_lead_heard(group, {"0": 1.0, "1": 2.0}) == {"0": 1.0, "1": 2.0}


def named(name: str, role: Role, lufs: float = -20.0, source: str | None = None) -> RoleSound:
    return sound_of(name, role, NOISE, 44100, lufs, source=source)


def test_a_double_stands_behind_the_lead_that_it_follows() -> None:
    level = usual_levels((named("Ld Vox", "lead vocal"), named("Ld Vox Dbl", "lead vocal"), named("Gtr", "bass")))
    assert level["Ld Vox"] - level["Ld Vox Dbl"] == pytest.approx(6)
    alone = usual_levels((named("Vox Dbl", "lead vocal"), named("Gtr", "bass")))
    assert alone["Vox Dbl"] == pytest.approx(usual_levels(sounds("lead vocal", "bass"))["0"])


def test_a_microphone_below_a_snare_stands_behind_the_one_above() -> None:
    for above, below in (
        ("SN TOP", "SN BOT"),
        ("Snare oben", "Snare unten"),
        ("SnT", "SnB"),
        ("caixa", "caixa esteira"),
    ):
        level = usual_levels((named(below, "snare"), named(above, "snare"), named("Bass", "bass")))
        assert level[above] - level[below] == pytest.approx(6)
    two = usual_levels((named("Snare A", "snare"), named("Snare B", "snare"), named("Bass", "bass")))
    assert two["Snare A"] == two["Snare B"]
    alone = usual_levels((named("SN BOT", "snare"), named("Bass", "bass")))
    assert alone["SN BOT"] == pytest.approx(usual_levels(sounds("snare", "bass"))["0"])


def test_several_microphones_are_one_guitar() -> None:
    guitars = [
        named("Rhythm", "electric guitar"),
        *(named(f"Amp {at}", "electric guitar", -20, "Amp 0") for at in "012"),
    ]
    level = usual_levels((*guitars, named("Bass", "bass")))
    assert level["Rhythm"] - level["Amp 1"] == pytest.approx(4.77, abs=0.01)


def test_a_room_below_the_voices_is_not_lifted_against_them() -> None:
    scene = (named("Anna", "speech", -22), named("Room Tone", "room", -58), named("Steps", "effect", -30))
    level = usual_levels(scene)
    assert level["Anna"] - level["Room Tone"] >= 36 - 1e-9
    assert level["Anna"] - level["Steps"] >= SPOKEN_FLOOR_DB
    song = (named("Vox", "lead vocal", -22), named("Room", "room", -58))
    assert usual_levels(song)["Vox"] - usual_levels(song)["Room"] < 20


def music(name: str, under_talk: float | None) -> RoleSound:
    return replace(named(name, "full mix"), under_talk=under_talk)


def test_a_jingle_is_about_as_loud_as_the_talk_and_a_bed_stays_well_below_it() -> None:
    level = usual_levels((named("Host", "speech"), music("a", 0.0), music("b", 1.0), music("c", 0.2)))
    assert level["Host"] - level["a"] == level["Host"] - level["c"] == pytest.approx(3)
    assert SPOKEN_FLOOR_DB - 1e-9 <= level["Host"] - level["b"] <= SPOKEN_CEILING_DB
    alone = usual_levels((named("Host", "speech"), music("a", 0.0)))
    assert alone["Host"] - alone["a"] == pytest.approx(3)


@pytest.mark.parametrize(
    ("name", "under_talk", "jingle"),
    [
        *(("Intro", None, True), ("Music bed", None, False), ("music", None, False)),
        # A jingle may fade out under the first sentence; a bed may begin before it.
        *(("Intro", 0.6, True), ("Intro", 0.9, False), ("music", 0.6, False), ("Fond sonore", 0.3, False)),
    ],
)
def test_names_help_where_it_is_close(name: str, under_talk: float | None, jingle: bool) -> None:
    assert is_jingle(music(name, under_talk)) is jingle
    assert not is_jingle(replace(music(name, under_talk), role="effect"))


def test_a_song_has_no_jingles() -> None:
    song = [replace(sound, under_talk=0.0) for sound in sounds("lead vocal", "full mix", "drums")]
    assert usual_levels(song) == usual_levels(sounds("lead vocal", "full mix", "drums"))
