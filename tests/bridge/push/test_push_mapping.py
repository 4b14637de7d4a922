"""Which track goes to which strip, what may be touched, and what is refused with what to do."""

from __future__ import annotations

import pytest
from mixbridge.bridge.desks.loading import load_desk
from mixbridge.bridge.push.mapping import place_tracks
from mixbridge.bridge.push.scope import SECTIONS, parse_sections, parse_strips, section_of
from mixbridge.presets.errors import DeskError

X32 = load_desk("x32")
ARDOUR = load_desk("ardour")
NAMES = {1: "Kick", 2: "bass_DI", 3: "Lead Vox", 4: "Acoustic Gui", 7: "Lead Vox 2"}


def places(tracks, desk=X32, names=NAMES, **how):
    return {item.track: (item.number, item.how) for item in place_tracks(tracks, desk, names, **how).placed}


class TestMatching:
    def test_by_name_then_by_likeness(self):
        assert places(["Kick", "Bass DI", "lead vox 2", "Acoustic Guitar"]) == {
            "Kick": (1, "same name"),
            "Bass DI": (2, "alike"),
            "lead vox 2": (7, "alike"),
            "Acoustic Guitar": (4, "alike"),  # the desk's display holds 12 letters
        }

    def test_a_likeness_takes_nothing_from_the_very_name(self):
        assert places(["lead vox", "Lead Vox"], names={3: "Lead Vox"}) == {"Lead Vox": (3, "same name")}

    def test_what_has_no_strip_is_left_out(self):
        placement = place_tracks(["Kick", "Tuba"], X32, NAMES)
        assert placement.left_out == ("Tuba",)
        assert placement.assignment == {"Kick": 1}

    @pytest.mark.parametrize("strip", ["5", "ch/05", "/ch/05", "CH/05"])
    def test_as_told(self, strip):
        assert places(["Kick", "Vox=1"], assignments=[f"Vox=1={strip}"]) == {
            "Kick": (1, "same name"),
            "Vox=1": (5, "as told"),
        }

    def test_as_told_by_name(self):
        assert places(["Vox"], assignments=["Vox=Lead Vox"])["Vox"] == (3, "as told")
        assert places(["Vox"], assignments=["Vox=bass di"])["Vox"] == (2, "as told")

    def test_by_order_on_free_strips(self):
        found = places(["Kick", "A", "B"], by_order=True)
        assert found == {"Kick": (1, "same name"), "A": (2, "by order"), "B": (3, "by order")}
        found = places(["A", "B"], names={}, by_order=True, strips=parse_strips("9-10", X32))
        assert found == {"A": (9, "by order"), "B": (10, "by order")}

    def test_by_order_only_on_strips_that_a_session_has(self):
        placement = place_tracks(["A", "B", "C"], ARDOUR, {1: "x", 2: "y"}, by_order=True)
        assert placement.assignment == {"A": 1, "B": 2}
        assert placement.left_out == ("C",)

    def test_only_among_these_strips(self):
        with pytest.raises(DeskError, match="no track of the preset"):
            places(["Kick"], strips=parse_strips("2-4", X32))

    def test_what_is_assigned_elsewhere_is_left_out(self):
        """A whole map, some strips of it chosen: the others stay untouched, and no other strip is taken for them."""
        names = {1: "Kick", 2: "Snare", 3: "Vox", 4: "Vox"}
        chosen = parse_strips("1-2", X32)
        placement = place_tracks(["Kick", "Vox"], X32, names, assignments=["Vox=3"], strips=chosen, by_order=True)
        assert placement.assignment == {"Kick": 1}
        assert placement.left_out == ("Vox",)


class TestRefused:
    @pytest.mark.parametrize(
        ("told", "words"),
        [
            (["Kick"], "not of the form"),
            (["Kick="], "not of the form"),
            (["Tuba=1"], r"the preset has no track 'Tuba'. It has: 'Kick', 'Snare'"),
            (["Kick=33"], r"no strip '33'. Give a number from 1 to 32, .*ch/01.*, or its name"),
            (["Kick=1", "Kick=2"], "'Kick' stands in another assignment already"),
            (["Kick=1", "Snare=ch/01"], "ch/01 was given to 'Kick' already"),
        ],
    )
    def test_what_is_told(self, told, words):
        with pytest.raises(DeskError, match=words):
            places(["Kick", "Snare"], assignments=told)

    def test_a_name_that_two_strips_have(self):
        twice = {3: "Vox", 5: "Vox"}
        with pytest.raises(DeskError, match=r"'Vox' could be ch/03 or ch/05.*Assign it to one"):
            places(["Vox"], names=twice)
        with pytest.raises(DeskError, match=r"name of ch/03 or ch/05. Give the number"):
            places(["Lead"], names=twice, assignments=["Lead=Vox"])
        assert places(["Vox"], names=twice, assignments=["Vox=5"]) == {"Vox": (5, "as told")}

    def test_a_strip_that_two_tracks_could_be(self):
        with pytest.raises(DeskError, match=r"'lead vox', 'LEAD VOX' could all be ch/03 .'Lead Vox'.*Assign each"):
            places(["lead vox", "LEAD VOX"])

    def test_nothing_matches(self):
        with pytest.raises(DeskError, match=r"no track of the preset .'Tuba'. is called like .*in order"):
            places(["Tuba"])
        with pytest.raises(DeskError, match=r"tells no names.*in order"):
            places(["Tuba"], names={})
        with pytest.raises(DeskError, match="has no tracks: choose the master"):
            places([])


class TestSameNames:
    def test_strips_of_one_name_are_counted_as_they_are_pulled(self):
        names = {1: "Kick", 5: "Kick", 7: "Bass"}
        assert places(["Kick", "Kick 2", "Bass"], names=names) == {
            "Kick": (1, "same name"),
            "Kick 2": (5, "same name"),
            "Bass": (7, "same name"),
        }
        with pytest.raises(DeskError, match="could be ch/01 or ch/05"):
            places(["Kick"], names=names)

    def test_a_track_that_was_pulled_from_a_strip_without_a_name(self):
        assert places(["Kick", "ch/05"], names={1: "Kick"}) == {"Kick": (1, "same name"), "ch/05": (5, "same name")}

    def test_names_that_a_display_cuts(self):
        names = {1: "Lead Vocal D", 2: "Gesang fur R"}
        assert places(["Lead Vocal Double", "Gesang für Refrain"], names=names) == {
            "Lead Vocal Double": (1, "alike"),
            "Gesang für Refrain": (2, "alike"),
        }
        with pytest.raises(DeskError, match="could all be ch/01"):
            places(["Lead Vocal Double 1", "Lead Vocal Double 2"], names=names)

    def test_of_a_linked_pair_the_strip_that_has_the_name(self):
        assert places(["Keys"], names={5: "Keys", 6: "Keys"}, seconds=frozenset({6})) == {"Keys": (5, "same name")}
        assert places(["Keys"], names={6: "Keys"}, seconds=frozenset({6})) == {"Keys": (6, "same name")}


class TestScope:
    def test_every_setting_of_every_desk_belongs_somewhere(self):
        for name in ("x32", "xair", "wing", "ardour", "reaper", "ableton", "generic"):
            desk = load_desk(name)
            for kind in desk.strips:
                assert {section_of(key) for key in desk.parameters(kind)} <= set(SECTIONS)

    def test_sections(self):
        usual = {"gate", "low_cut", "high_cut", "eq", "compressor", "deesser", "saturation", "pan"}
        assert parse_sections(None) == usual
        assert parse_sections(None, faders=True) == usual | {"trim", "fader", "send"}
        assert parse_sections(None, effects=True) == usual | {"send", "reverb", "delay"}
        assert parse_sections(None, faders=True, mutes=True, effects=True) == set(SECTIONS) - {"name"}
        assert parse_sections("cuts,fx") == {"low_cut", "high_cut", "send", "reverb", "delay"}
        assert parse_sections("eq, PAN") == {"eq", "pan"}
        assert parse_sections("eq", mutes=True) == {"eq", "mute"}

    @pytest.mark.parametrize("only", ["", "eq,gain", ","])
    def test_unknown_sections(self, only):
        with pytest.raises(DeskError, match=r"the sections are trim, gate, low_cut, .*, name, reverb, delay"):
            parse_sections(only)

    def test_strips(self):
        assert parse_strips(None, X32) is None
        strips = parse_strips("1-3, 7,master", X32)
        assert strips.numbers == {1, 2, 3, 7}
        assert strips.master

    @pytest.mark.parametrize(
        ("text", "words"),
        [
            ("0", "tracks 1 to 32"),
            ("30-33", "tracks 1 to 32"),
            ("4-2", "write 2-4"),
            ("Vox", "assign tracks to strips"),
            ("", "numbers such as 1-4,7"),
            ("1,,2", "numbers such as"),
            ("99999999999", "numbers such as"),
        ],
    )
    def test_bad_strips(self, text, words):
        with pytest.raises(DeskError, match=words):
            parse_strips(text, X32)

    def test_a_master_that_is_not_there(self):
        with pytest.raises(DeskError, match="no master"):
            parse_strips("master", load_desk("ableton"))
