"""What a desk offers to those who use it: abilities, settings with exact addresses, questions, labels."""

import pytest
from mixbridge.bridge.desks.filters import middle_hz, pole_hz
from mixbridge.bridge.desks.loading import desk_names, load_desk
from mixbridge.bridge.desks.profile import FILTER_TYPES, Desk
from mixbridge.presets.errors import DeskError

NAMES = ["ableton", "ardour", "generic", "reaper", "wing", "x32", "xair"]


@pytest.fixture(params=NAMES)
def desk(request: pytest.FixtureRequest) -> Desk:
    return load_desk(request.param)


def test_the_desks_that_were_promised_are_there():
    assert desk_names() == NAMES
    assert load_desk("m32") is load_desk("x32")


def test_names_and_aliases_are_unique():
    names = [name for desk in map(load_desk, NAMES) for name in (desk.name, *desk.aliases)]
    assert len(set(names)) == len(names)


class TestEveryDesk:
    def test_says_what_it_is(self, desk: Desk):
        assert desk.title
        assert desk.cannot, "every desk has limits; say them"
        assert all(sentence.endswith(".") for sentence in (*desk.cannot, *desk.notes))
        assert all(desk.label(kind, 1) for kind in desk.strips)

    def test_every_setting_of_the_last_strip_is_addressed_and_told_apart(self, desk: Desk):
        for kind, strip in desk.strips.items():
            questions = desk.questions(kind, strip.numbers[-1])
            assert [question.key for question in questions] == list(desk.parameters(kind))
            assert len({(question.address, question.before) for question in questions}) == len(questions)
            for question in questions:
                assert question.address.startswith("/")
                assert "{" not in question.address
                assert hash(question)

    def test_strips_do_not_share_addresses(self, desk: Desk):
        first, last = (
            {(item.address, item.before) for item in desk.questions("track", number)}
            for number in (desk.track.numbers[0], desk.track.numbers[-1])
        )
        assert not first & last

    def test_abilities_are_those_of_the_settings(self, desk: Desk):
        for kind in desk.strips:
            ability = desk.eq(kind)
            for slot in ability.slots if ability else ():
                assert slot.types
                assert set(slot.types) <= set(FILTER_TYPES)
                assert slot.gain is desk.scale(kind, f"eq.{slot.name}.gain_db")
                assert slot.q is desk.scale(kind, f"eq.{slot.name}.q")
                assert (slot.type is None) == (f"eq.{slot.name}.type" not in desk.parameters(kind))
            compressor = desk.compressor(kind)
            if compressor:
                assert compressor.knee is desk.scale(kind, "compressor.knee_db")
                assert compressor.ratio is desk.scale(kind, "compressor.ratio")

    def test_messages_fit_its_datagrams(self, desk: Desk):
        for kind, strip in desk.strips.items():
            for item in desk.questions(kind, strip.numbers[-1]):
                assert len(item.address) + 16 * len(item.before) + 300 < desk.transport.max_bytes


class TestSettings:
    def test_addresses_types_and_order(self):
        values = {"compressor.on": 1, "fader_db": 0, "eq.1.gain_db": 3, "eq.on": 1, "pan": 0.5}
        settings = load_desk("x32").settings("track", 3, values)
        plain = [item for item in settings if not item.key.startswith("compressor.") or item.key == "compressor.on"]
        assert [(item.address, item.type, type(item.value)) for item in plain] == [
            ("/ch/03/mix/fader", "f", float),
            ("/ch/03/mix/pan", "f", float),
            ("/ch/03/eq/1/g", "f", float),
            ("/ch/03/eq/on", "i", int),
            ("/ch/03/dyn/on", "i", int),
        ]
        assert {item.strip for item in settings} == {"track 3"}

    def test_fixed_settings_come_along_and_first(self):
        settings = load_desk("x32").settings("track", 1, {"compressor.threshold_db": -20})
        assert settings[0].key == "compressor.mode"
        assert settings[-1].key == "compressor.threshold_db"
        assert {item.key for item in load_desk("x32").settings("track", 1, {"pan": 0})} == {"pan"}

    def test_a_fixed_setting_can_be_given_all_the_same(self):
        """As an undo does, which brings back the mode that was there."""
        settings = load_desk("x32").settings("track", 1, {"compressor.mode": "expander"})
        assert {item.key: item.value for item in settings}["compressor.mode"] == 1

    def test_master_of_x32(self):
        x32 = load_desk("x32")
        assert [item.address for item in x32.settings("master", 1, {"eq.6.gain_db": 1, "fader_db": 0})] == [
            "/main/st/mix/fader",
            "/main/st/eq/6/g",
        ]
        assert x32.scale("master", "trim_db") is None
        assert x32.scale("master", "compressor.ratio") is x32.scale("track", "compressor.ratio")

    def test_ardour_leaves_plugin_numbers_to_its_dialect(self):
        found = load_desk("ardour").settings("track", 2, {"eq.3.q": 1.41, "compressor.ratio": 4})
        arguments = {item.key: (item.address, item.before) for item in found}
        assert arguments["eq.3.q"] == ("/strip/plugin/parameter", (2, "{plugin.eq}", 11))
        assert arguments["compressor.ratio"] == ("/strip/plugin/parameter", (2, "{plugin.compressor}", 4))

    def test_ardours_numbers_are_those_of_its_plugins(self):
        """As `/strip/plugin/descriptor` told them (shared/facts/ardour.md)."""
        numbers = {
            key: parameter.before[2]
            for key, parameter in load_desk("ardour").parameters("track").items()
            if len(parameter.before) == 3
        }
        freqs = [numbers[f"eq.{slot}.freq_hz"] for slot in ("low", "1", "2", "3", "4", "high")]
        assert freqs == [1, 3, 6, 9, 12, 15]
        assert [numbers[f"eq.{slot}.gain_db"] - numbers[f"eq.{slot}.freq_hz"] for slot in ("low", "2", "high")] == [
            1,
            1,
            1,
        ]
        assert [numbers[f"eq.{slot}.on"] for slot in ("low", "1", "4", "high")] == [18, 19, 22, 23]
        compressor = ["attack_ms", "release_ms", "knee_db", "ratio", "threshold_db", "makeup_db", "sidechain", "on"]
        assert [numbers[f"compressor.{key}"] for key in compressor] == [1, 2, 3, 4, 5, 6, 10, 11]

    def test_live_counts_from_zero(self):
        setting = load_desk("ableton").settings("track", 1, {"pan": 0})[0]
        assert (setting.address, setting.before) == ("/live/track/set/panning", (0,))

    def test_generic_is_as_the_issue_writes_it(self):
        setting = load_desk("generic").settings("track", 1, {"eq.2.gain_db": -3.5})[0]
        assert (setting.address, setting.value) == ("/mixbridge/track/1/eq/2/gain_db", -3.5)

    def test_the_type_of_a_band_that_can_be_nothing_else_goes_without_saying(self):
        generic = load_desk("generic")
        assert generic.settings("track", 1, {"eq.1.type": "low_shelf"}) == []
        with pytest.raises(DeskError, match=r"eq\.1\.type"):
            generic.settings("track", 1, {"eq.1.type": "bell"})

    @pytest.mark.parametrize(
        ("kind", "number", "values", "message"),
        [
            ("track", 33, {"pan": 0}, "numbered 1 to 32"),
            ("track", 0, {"pan": 0}, "numbered 1 to 32"),
            ("matrix", 1, {"pan": 0}, "no matrix"),
            ("track", 1, {"compressor.knee_db": 3}, r"no compressor\.knee_db"),
            ("track", 1, {"eq.1.type": "notch"}, r"track 1, eq\.1\.type: 'notch' is none of"),
            ("track", 1, {"pan": "left"}, "number is expected"),
            ("track", 1, {"pan": float("nan")}, "number is expected"),
        ],
    )
    def test_what_is_not_there_is_said(self, kind: str, number: int, values: dict[str, float], message: str):
        with pytest.raises(DeskError, match=message):
            load_desk("x32").settings(kind, number, values)

    def test_live_has_no_master(self):
        assert load_desk("ableton").eq("master") is None
        with pytest.raises(DeskError, match="no master"):
            load_desk("ableton").questions("master", 1)


class TestAbilities:
    def test_x32(self):
        eq, compressor = load_desk("x32").eq("track"), load_desk("x32").compressor("track")
        assert eq is not None
        assert compressor is not None
        assert [slot.name for slot in eq.slots] == ["1", "2", "3", "4"]
        assert all(slot.types == FILTER_TYPES for slot in eq.slots)
        assert compressor.knee is None
        assert compressor.ratio.values == (1.1, 1.3, 1.5, 2, 2.5, 3, 4, 5, 7, 10, 20, 100)

    def test_ardour(self):
        eq, compressor = load_desk("ardour").eq("master"), load_desk("ardour").compressor("master")
        assert eq is not None
        assert compressor is not None
        assert [slot.types for slot in eq.slots] == [("low_shelf",), *[("bell",)] * 4, ("high_shelf",)]
        assert [slot.shelf_law for slot in eq.slots if slot.q is None] == ["poles", "poles"]
        assert compressor.knee is not None
        assert (compressor.attack_law, compressor.release_law) == ("tau", "tau")

    def test_generic_takes_a_preset_as_it_is(self):
        compressor = load_desk("generic").compressor("track")
        assert compressor is not None
        assert compressor.attack_law == "pedalboard"


class TestShelves:
    """The numbers were read off the response of Ardour 7.3's ACE EQ, run as a plug-in."""

    @pytest.mark.parametrize(("gain_db", "middle"), [(12.0, 200 * 2**0.5), (-12.0, 200 / 2**0.5), (0.0, 200.0)])
    def test_low_ones_have_their_middle_above_their_poles(self, gain_db: float, middle: float):
        assert middle_hz(200, gain_db, "low_shelf", 48000) == pytest.approx(middle, rel=3e-3)

    @pytest.mark.parametrize("shelf", ["low_shelf", "high_shelf", "bell"])
    @pytest.mark.parametrize("gain_db", [-20.0, 3.0, 20.0])
    @pytest.mark.parametrize("freq_hz", [20.0, 1000.0, 8000.0])
    def test_there_and_back(self, shelf: str, gain_db: float, freq_hz: float):
        assert pole_hz(middle_hz(freq_hz, gain_db, shelf, 48000), gain_db, shelf, 48000) == pytest.approx(freq_hz)

    def test_bells_stay(self):
        assert pole_hz(1000, 12, "bell", 48000) == 1000
