"""Lanes in presets: what a file may hold, what values mean at a time, and what edits make of them."""

import json
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mixbridge.bridge.report.lanes import describe_lanes
from mixbridge.presets import files
from mixbridge.presets.checking.links import made_alike
from mixbridge.presets.console import Compressor, Master, Saturation, Strip, get, parameters
from mixbridge.presets.edit import blended, desk_form, diff, merged, scaled, without_input_gain
from mixbridge.presets.editing.moving_lanes import as_linear
from mixbridge.presets.editing.passages import beginning_at, preset_at
from mixbridge.presets.errors import PresetError
from mixbridge.presets.lanes.lane import MOST_LANE_POINTS, MOST_POINTS, Lane, LanePoint, lane, movable
from mixbridge.presets.lanes.values import bus_at, is_still, settled, value_at
from mixbridge.presets.preset import GroupBus, Preset, Track

FADER = lane("fader_db", [(1, -6), (3, 0)])
ROW = parameters(Strip)["fader_db"]
RICH = {
    "input_gain_db": 8.0,
    "compressor": Compressor(ratio=3, threshold_db=-10),
    "saturation": Saturation(drive=2),
}


def vox(*lanes: Lane, **settings) -> Preset:
    return Preset(tracks=(Track(name="Vox", strip=Strip(**settings), lanes=lanes),))


def error_of(data: dict) -> str:
    with pytest.raises(PresetError) as caught:
        files.loads(json.dumps(data), name="mix.json")
    message = str(caught.value)
    assert "mix.json" in message
    assert "pydantic" not in message
    return message


def written(preset: Preset) -> dict:
    return json.loads(files.dumps(preset))


class TestFiles:
    def test_comes_back(self):
        preset = Preset(
            tracks=(Track(name="Vox", bus="All", lanes=(FADER, lane("pan", [(0, -1), (2, 1)], "hold"))),),
            buses=(GroupBus(name="All", lanes=(lane("eq.band0.gain_db", [(0, 0), (1, 3)]),)),),
            master_lanes=(lane("output_gain_db", [(0, 0), (9, -3)]),),
        )
        assert files.loads(files.dumps(preset)) == preset
        assert written(preset)["version"] == 3

    def test_a_point_is_a_line(self):
        assert '{"time_s": 3.0, "value": 0.0}\n' in files.dumps(vox(FADER))

    def test_without_lanes_it_is_what_older_programs_read(self):
        data = written(vox())
        assert data["version"] == 2
        assert "lanes" not in data["tracks"][0]
        assert "master_lanes" not in data

    @pytest.mark.parametrize("version", [1, 2, 3])
    def test_older_presets_have_none(self, version):
        data = written(vox(fader_db=-3.0)) | {"version": version}
        preset = files.loads(json.dumps(data))
        assert preset == vox(fader_db=-3.0)
        assert not preset.has_lanes

    def test_times_late_in_a_song_are_kept_to_the_microsecond(self):
        time_s = 4321.123456
        back = files.loads(files.dumps(vox(lane("pan", [(time_s, 0.1), (time_s + 0.0005, 0.2)]))))
        assert [point.time_s for point in back.tracks[0].lanes[0].points] == [time_s, pytest.approx(time_s + 0.0005)]

    def test_a_full_one_is_read(self):
        points = [(index * 0.01, -1.5) for index in range(MOST_LANE_POINTS)]
        full = Track(name="0", lanes=(lane("fader_db", points),))
        tracks = tuple(full.model_copy(update={"name": str(n)}) for n in range(MOST_POINTS // MOST_LANE_POINTS))
        preset = Preset(tracks=tracks)
        assert files.loads(files.dumps(preset)) == preset

    @pytest.mark.parametrize(
        ("change", "words"),
        [
            ({"parameter": "fader"}, 'did you mean "fader_db"'),
            ({"parameter": "compressor.lookahead_ms"}, "set once"),
            ({"points": []}, "points"),
            ({"points": [{"time_s": 2, "value": 0}, {"time_s": 1, "value": 0}]}, "times must rise"),
            ({"points": [{"time_s": 2, "value": 0}, {"time_s": 2, "value": 1}]}, "times must rise"),
            ({"points": [{"time_s": -1, "value": 0}]}, "time_s"),
            ({"points": [{"time_s": 1e9, "value": 0}]}, "time_s"),
            ({"points": [{"time_s": 1, "value": 99}]}, "-120 to 60 dB"),
            ({"points": [{"time_s": 1, "value": "loud"}]}, "value"),
            ({"points": [{"time_s": 1}]}, "value is missing"),
            ({"shape": "curved"}, "shape"),
            ({"colour": 1}, "colour is unknown"),
        ],
    )
    def test_mistakes_are_named(self, change, words):
        data = written(vox(FADER))
        data["tracks"][0]["lanes"][0] |= change
        message = error_of(data)
        assert words in message
        assert 'tracks[0] "Vox"' in message

    @pytest.mark.parametrize("number", ["NaN", "Infinity", "1e999"])
    def test_numbers_are_finite(self, number):
        text = files.dumps(vox(FADER)).replace('"value": -6.0', f'"value": {number}')
        with pytest.raises(PresetError):
            files.loads(text)

    def test_two_lanes_for_one_setting(self):
        data = written(vox(FADER))
        data["tracks"][0]["lanes"] *= 2
        assert "two lanes" in error_of(data)

    def test_too_many_points_in_all(self):
        points = [{"time_s": index * 0.01, "value": 0} for index in range(MOST_LANE_POINTS)]
        data = written(Preset(tracks=tuple(Track(name=str(n), lanes=(FADER,)) for n in range(6))))
        for track in data["tracks"]:
            track["lanes"][0]["points"] = points
        assert "25000 at most" in error_of(data)

    def test_the_masters_are_checked_too(self):
        data = written(Preset(master_lanes=(lane("output_gain_db", [(0, 0), (1, -3)]),)))
        data["master_lanes"][0]["parameter"] = "pan"
        assert 'no setting "pan"' in error_of(data)

    def test_linked_tracks_move_alike(self):
        moving = lane("eq.band0.gain_db", [(0, 0), (1, 3)])
        tracks = Track(name="L", link="OH", lanes=(moving, FADER)), Track(name="R", link="OH", lanes=(moving,))
        assert Preset(tracks=tracks).has_lanes
        with pytest.raises(ValueError, match="linked"):
            Preset(tracks=(tracks[0], Track(name="R", link="OH")))
        mended = made_alike(Preset.model_construct(tracks=(tracks[0], Track(name="R", link="OH"))))
        assert mended.tracks[1].lanes == (moving,)


class TestValues:
    @pytest.mark.parametrize(("time_s", "value"), [(-5, -6), (0, -6), (1, -6), (1.5, -4.5), (2, -3), (3, 0), (99, 0)])
    def test_straight_in_decibels(self, time_s, value):
        assert value_at(FADER, ROW, time_s) == pytest.approx(value)

    @pytest.mark.parametrize(("time_s", "value"), [(0, -6), (1, -6), (2.999, -6), (3, 0), (9, 0)])
    def test_held(self, time_s, value):
        assert value_at(lane("fader_db", [(1, -6), (3, 0)], "hold"), ROW, time_s) == value

    def test_frequencies_run_in_octaves(self):
        moving = lane("eq.band0.freq_hz", [(0, 100), (2, 400)])
        assert value_at(moving, parameters(Strip)["eq.band0.freq_hz"], 1) == pytest.approx(200)

    @given(st.floats(0, 10))
    @settings(max_examples=50, deadline=None)
    def test_every_setting_can_move_within_its_limits(self, time_s):
        for path, row in movable(Strip).items():
            value = value_at(lane(path, [(1, row.low), (9, row.high)]), row, time_s)
            assert row.low <= value <= row.high

    def test_a_strip_at_a_time(self):
        strip = bus_at(Strip(pan=0.5), [FADER, lane("eq.band1.gain_db", [(0, 0), (4, 8)])], 2)
        assert (strip.fader_db, strip.eq.band1.gain_db, strip.pan) == (pytest.approx(-3), pytest.approx(4), 0.5)

    def test_a_lane_of_one_value_is_the_setting(self):
        still = lane("pan", [(0, 0.25), (7, 0.25)])
        assert is_still(still)
        assert settled(Strip(), [still, FADER]) == (Strip(pan=0.25), (FADER,))

    def test_a_passage_begins_later(self):
        later = beginning_at(vox(FADER), 2).tracks[0].lanes[0]
        assert [(point.time_s, point.value) for point in later.points] == [(0, pytest.approx(-3)), (1, 0)]

    def test_jumps_of_held_values_as_lines(self):
        held = lane("fader_db", [(1, -6), (3, 0), (5, 0)], "hold")
        line = as_linear(held)
        for time_s in (0, 1, 2, 2.99, 3, 4, 5, 6):
            assert value_at(line, ROW, time_s) == value_at(held, ROW, time_s)


class TestEdits:
    LANES = (
        FADER,
        lane("compressor.threshold_db", [(0, -20), (2, -8)]),
        lane("eq.band1.gain_db", [(0, -2), (2, 4)]),
        lane("reverb_send_db", [(0, -80), (2, -10)]),
        lane("input_gain_db", [(0, 8), (2, 2)]),
    )

    @pytest.mark.parametrize("amount", [0, 0.5, 1, 1.5])
    def test_an_amount_of_lanes_is_that_of_the_strip_at_each_point(self, amount):
        preset = vox(*self.LANES[:-1], **RICH)
        result = scaled(preset, amount)
        for time_s in (0, 1, 2, 3):
            track = result.tracks[0]
            of_lanes = bus_at(track.strip, track.lanes, time_s)
            of_strip = scaled(preset_at(preset, time_s), amount).tracks[0].strip
            for item in self.LANES[:-1]:
                if time_s in {point.time_s for point in item.points}:
                    expected = get(of_strip, item.parameter)
                    assert get(of_lanes, item.parameter) == pytest.approx(expected), item.parameter

    def test_no_effect_at_amount_zero(self):
        track = scaled(vox(FADER, self.LANES[2], **RICH), 0).tracks[0]
        assert {point.value for item in track.lanes for point in item.points} == {0}

    def test_in_desk_form_it_sounds_the_same_at_every_time(self):
        preset = vox(*self.LANES, **RICH)
        desk = desk_form(preset)
        assert desk.tracks[0].strip.input_gain_db == 0
        for time_s in (0, 0.7, 1.5, 4):
            strips = [preset_at(each, time_s).tracks[0].strip for each in (preset, desk)]
            one, other = map(without_input_gain, strips)
            for path in parameters(Strip):
                assert get(one, path) == pytest.approx(get(other, path)), path

    @pytest.mark.parametrize("position", [0, 0.25, 0.5, 1])
    def test_between_two(self, position):
        a, b = vox(FADER, fader_db=-1.0), vox(self.LANES[2], fader_db=2.0)
        result = blended(a, b, position).tracks[0]
        assert {item.parameter for item in result.lanes} == {"fader_db", "eq.band1.gain_db"}
        for time_s in (1, 3):
            expected = (1 - position) * value_at(FADER, ROW, time_s) + position * 2.0
            assert bus_at(result.strip, result.lanes, time_s).fader_db == pytest.approx(expected)

    def test_between_held_and_straight(self):
        a, b = vox(FADER), vox(lane("fader_db", [(0, 0), (2, -10)], "hold"))
        middle = blended(a, b, 0.5).tracks[0].lanes[0]
        assert middle.shape == "linear"
        assert value_at(middle, ROW, 1.9) == pytest.approx((-3.3 + 0) / 2)
        assert value_at(middle, ROW, 2) == pytest.approx((-3 - 10) / 2)

    def test_taken_from_another(self):
        a, b = vox(FADER, lane("pan", [(0, 0), (1, 1)])), vox(lane("fader_db", [(0, -20), (1, -10)]), input_gain_db=4.0)
        result = merged(a, b, sections=["fader"])
        lanes = {item.parameter: item for item in result.tracks[0].lanes}
        assert set(lanes) == {"pan", "fader_db"}
        assert lanes["fader_db"].points[0].value == pytest.approx(-16)  # without the other's input gain
        assert merged(a, b, sections=["eq"]).tracks[0].lanes == a.tracks[0].lanes

    def test_differences(self):
        a = vox(FADER)
        (change,) = diff(a, vox())
        assert (change.path, change.new) == ("tracks[Vox].lanes[fader_db]", None)
        assert change.old == "2 points, 0:01.0 to 0:03.0, -6 to 0 dB"
        assert diff(a, a) == ()
        (change,) = diff(a, vox(lane("fader_db", [(1, -6), (3.5, 0)])))
        assert change.new == "2 points, 0:01.0 to 0:03.5, -6 to 0 dB"

    def test_claims_are_of_the_lanes_too(self):
        from mixbridge.presets.checking.claims import settings_digest

        digests = {settings_digest(preset) for preset in (vox(), vox(FADER), vox(lane("fader_db", [(1, -6), (4, 0)])))}
        assert len(digests) == 3


def test_words():
    assert describe_lanes([FADER], Strip) == ["fader moves: 2 points, 0:01.0 to 0:03.0, -6 to 0 dB"]
    assert describe_lanes([lane("eq.band1.gain_db", [(0, 1)])], Strip) == [
        "EQ band 1 gain moves: 1 point, 1 dB all the time"
    ]
    assert describe_lanes([lane("output_gain_db", [(0, 0), (60, -1)], "hold")], Master) == [
        "fader moves: 2 points, held, 0:00.0 to 1:00.0, -1 to 0 dB"
    ]


def test_points_are_finite():
    for value in (math.nan, math.inf):
        with pytest.raises(ValueError, match="finite"):
            LanePoint(time_s=0, value=value)
