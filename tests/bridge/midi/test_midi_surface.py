"""A controller's messages at a mix, byte by byte, and what it is told."""

from __future__ import annotations

import pytest
from midi_controllers import PlayedDouble
from mixbridge.bridge.midi.mapping import MidiMap, load_map
from mixbridge.bridge.midi.surface import MidiSurface
from mixbridge.bridge.server.addresses import find
from mixbridge.presets.console import Compressor, EqBand, Equalizer, Strip
from mixbridge.presets.errors import DeskError
from mixbridge.presets.preset import GroupBus, Preset, Track

EQ = Equalizer(band1=EqBand(gain_db=6, freq_hz=1000))
PRESET = Preset(
    tracks=tuple(Track(name=f"Track {number}", strip=Strip(eq=EQ)) for number in range(1, 13)),
    buses=(GroupBus(name="Band"),),
)
TRACK = "/mixbridge/track/1"


class Playing:
    """A surface on a mix, and time that passes when it is told."""

    def __init__(self, *controls: dict[str, object], preset: Preset = PRESET, mapping: MidiMap | None = None) -> None:
        self.mix = PlayedDouble(preset)
        self.said: list[str] = []
        data = {"format": "mixbridge-midi", "version": 1, "controls": controls}
        self.surface = MidiSurface(self.mix, mapping or MidiMap.model_validate(data), self.said.append)
        self.now_s = 0.0

    def hear(self, *messages: bytes) -> list[bytes]:
        """Messages, 10 ms apart, each with its turn; what was told."""
        told = []
        for data in messages:
            self.surface.hear(data, self.now_s)
            self.now_s += 0.01
            told += self.surface.turn(self.now_s)
        return told

    def wait(self, seconds: float) -> list[bytes]:
        self.now_s += seconds
        return self.surface.turn(self.now_s)

    @property
    def strip(self) -> Strip:
        return self.mix.preset.tracks[0].strip


def cc(address: str, **more: object) -> dict[str, object]:
    return {"message": "cc", "channel": 1, "number": 7, "address": address, **more}


def value(number: int) -> bytes:
    return bytes((0xB0, 7, number))


def bend(channel: int, place: float) -> bytes:
    number = round(place * 16383)
    return bytes((0xE0 | channel - 1, number & 127, number >> 7))


class TestLaws:
    """A control at its ends and in its middle, with `jump` so that it need not be fetched."""

    @pytest.mark.parametrize(
        ("suffix", "low", "middle", "high"),
        [
            ("fader_db", -120, pytest.approx(-9.84, abs=0.01), 10),
            ("pan", -1, pytest.approx(0.008, abs=0.001), 1),
            ("trim_db", -24, pytest.approx(0.19, abs=0.01), 24),
            ("eq/3/gain_db", -24, pytest.approx(0.19, abs=0.01), 24),
            ("eq/3/freq_hz", 20, pytest.approx(681.8, abs=0.5), pytest.approx(22000)),
            ("compressor/threshold_db", -60, pytest.approx(-29.76, abs=0.01), 0),
            ("compressor/ratio", 1, pytest.approx(4.525, abs=0.01), pytest.approx(20)),
            ("reverb_send_db", -80, pytest.approx(-9.84, abs=0.01), 10),
        ],
    )
    def test_of_settings(self, suffix: str, low: float, middle: float, high: float) -> None:
        playing = Playing(cc(f"{TRACK}/{suffix}", takeover="jump"))
        seen = []
        for number in (0, 64, 127):
            playing.hear(value(number))
            preset = playing.mix.preset
            seen.append(find(preset, f"{TRACK}/{suffix}").read(preset))
        assert seen == [low, middle, high]

    def test_of_master_and_groups(self) -> None:
        playing = Playing(cc("/mixbridge/master/fader_db", takeover="jump"))
        playing.hear(value(127))
        assert playing.mix.preset.master.output_gain_db == 10
        playing = Playing(cc("/mixbridge/bus/1/fader_db", takeover="jump"))
        playing.hear(value(0))
        assert playing.mix.preset.buses[0].strip.fader_db == -120

    def test_the_range_holds_what_the_preset_has(self) -> None:
        strip = Strip(fader_db=16, compressor=Compressor(threshold_db=-72))
        preset = Preset(tracks=(Track(name="Loud", strip=strip),))
        playing = Playing(cc(f"{TRACK}/fader_db"), preset=preset)
        playing.hear(value(127), value(126))
        assert 15 < playing.strip.fader_db < 16  # taken without a jump
        playing = Playing(cc(f"{TRACK}/compressor/threshold_db", takeover="jump"), preset=preset)
        playing.hear(value(0))
        assert playing.strip.compressor.threshold_db == -72

    def test_a_map_may_say_another(self) -> None:
        scale = {"kind": "linear", "low": -12, "high": 0}
        playing = Playing(cc(f"{TRACK}/fader_db", takeover="jump", scale=scale))
        playing.hear(value(0))
        assert playing.strip.fader_db == -12


class TestTakeover:
    def test_a_knob_elsewhere_makes_no_jump(self) -> None:
        playing = Playing(cc(f"{TRACK}/fader_db"))
        playing.hear(value(20), value(40), value(70))
        assert playing.strip.fader_db == 0
        playing.hear(value(100))  # past three quarters, where 0 dB is
        assert playing.strip.fader_db == pytest.approx(1.5, abs=0.1)
        playing.hear(value(90))
        assert playing.strip.fader_db == pytest.approx(-1.65, abs=0.1)

    def test_what_others_set_has_to_be_fetched_again(self) -> None:
        playing = Playing(cc(f"{TRACK}/pan"))
        playing.hear(value(64), value(70))
        assert playing.strip.pan == pytest.approx(0.102, abs=0.001)
        playing.mix.undo()
        playing.hear(value(71), value(72))
        assert playing.strip.pan == 0

    def test_a_burst_in_one_turn_is_one_change_to_the_newest(self) -> None:
        playing = Playing(cc(f"{TRACK}/pan"))
        playing.hear(value(64))
        changes = []
        change = playing.mix.change
        playing.mix.change = lambda edit, gesture="": changes.append(gesture) or change(edit, gesture)  # type: ignore[method-assign]
        for number in range(64, 128):
            playing.surface.hear(value(number), playing.now_s)
        playing.surface.turn(playing.now_s)
        assert playing.strip.pan == 1
        assert changes == [f"{TRACK}/pan"]


class TestFourteenBits:
    def test_a_pitch_bend_fader(self) -> None:
        playing = Playing({"message": "pitchbend", "channel": 1, "address": f"{TRACK}/fader_db"})
        playing.hear(bend(1, 0.75), bend(1, 0.7501), bend(1, 0.7502))
        assert playing.strip.fader_db == pytest.approx(0.008, abs=0.002)

    def test_a_pair(self) -> None:
        playing = Playing({"message": "cc14", "channel": 1, "number": 7, "address": f"{TRACK}/pan"})
        playing.hear(b"\xb0\x07\x40", b"\xb0\x27\x00", b"\xb0\x07\x40", b"\xb0\x27\x08")
        assert playing.strip.pan == pytest.approx(2 * 8200 / 16383 - 1)


class TestSwitches:
    def test_a_button_changes_a_mute_at_each_press(self) -> None:
        playing = Playing({"message": "note", "channel": 1, "number": 16, "address": f"{TRACK}/mute"})
        seen = []
        for data in (b"\x90\x10\x7f", b"\x90\x10\x00", b"\x90\x10\x7f", b"\x80\x10\x00"):
            playing.hear(data)
            seen.append(playing.mix.preset.tracks[0].mute)
        assert seen == [True, True, False, False]

    def test_one_that_is_held(self) -> None:
        playing = Playing(cc("/mixbridge/live/bypass", button="hold"))
        playing.hear(value(127))
        assert playing.mix.switches["/mixbridge/live/bypass"] == 1
        playing.hear(value(0))
        assert playing.mix.switches["/mixbridge/live/bypass"] == 0

    def test_a_section_comes_back_as_it_was(self) -> None:
        playing = Playing(cc(f"{TRACK}/eq/on"))
        playing.hear(value(127), value(0))
        assert playing.strip.eq.band1.gain_db == 0
        playing.hear(value(127))
        assert playing.strip.eq == EQ

    def test_a_and_b_and_undo(self) -> None:
        playing = Playing(
            cc("/mixbridge/live/ab"), {"message": "note", "channel": 1, "number": 1, "address": "/mixbridge/undo"}
        )
        playing.hear(value(127))
        assert playing.mix.switches["/mixbridge/live/ab"] == 1
        playing.mix.change(lambda preset: preset.model_copy(update={"tracks": preset.tracks[:1]}))
        playing.hear(b"\x90\x01\x7f", b"\x90\x01\x00")
        assert len(playing.mix.preset.tracks) == 12
        playing.hear(b"\x90\x01\x7f")
        assert len(playing.said) == 1
        assert "there is nothing to undo" in playing.said[0]


class TestEncoders:
    @pytest.mark.parametrize(("relative", "up", "down"), [("signed", 3, 67), ("signed", 3, 125), ("offset", 67, 61)])
    def test_steps_go_from_where_the_setting_is(self, relative: str, up: int, down: int) -> None:
        playing = Playing(cc(f"{TRACK}/pan", relative=relative))
        playing.mix.change(lambda preset: preset)
        playing.hear(value(up))
        assert playing.strip.pan == pytest.approx(2 * 3 / 128)
        playing.hear(value(down), value(down))
        assert playing.strip.pan == pytest.approx(-2 * 3 / 128)

    def test_the_ends_hold(self) -> None:
        playing = Playing(cc(f"{TRACK}/pan", relative="signed"))
        playing.hear(*[value(63)] * 3)
        assert playing.strip.pan == 1


class TestFeedback:
    def mackie(self) -> Playing:
        playing = Playing(mapping=load_map("mackie"))
        playing.surface.is_told = True
        return playing

    def test_at_the_beginning_all_is_told(self) -> None:
        told = self.mackie().wait(1.0)
        assert bend(1, 0.75) in told
        assert bend(9, 0.75) in told
        assert b"\xb0\x30\x16" in told  # the middle of eleven lights
        assert b"\x90\x10\x00" in told  # not muted
        assert len(told) == 9 + 8 + 8 + 5

    def test_what_others_change_is_told_once(self) -> None:
        playing = self.mackie()
        playing.wait(1.0)
        assert playing.wait(1.0) == []
        strip = Strip(fader_db=-10, pan=1.0)
        track = PRESET.tracks[1].model_copy(update={"strip": strip, "mute": True})
        playing.mix.change(
            lambda preset: preset.model_copy(update={"tracks": (preset.tracks[0], track, *preset.tracks[2:])})
        )
        assert sorted(playing.wait(0.02)) == sorted([bend(2, 0.5), b"\xb0\x31\x1b", b"\x90\x11\x7f"])
        assert playing.wait(1.0) == []

    def test_a_motor_hears_where_a_hand_left_it_and_not_before(self) -> None:
        playing = self.mackie()
        playing.wait(1.0)
        assert playing.hear(bend(1, 0.76), bend(1, 0.78), bend(1, 0.8)) == []
        assert playing.strip.fader_db == pytest.approx(2, abs=0.01)
        assert playing.wait(0.5) == [bend(1, 0.8)]

    def test_a_motor_has_its_setting_where_it_was_sent(self) -> None:
        playing = self.mackie()
        playing.wait(1.0)
        playing.mix.change(lambda preset: _with_fader(preset, -30.0))
        assert playing.wait(1.0) == [bend(1, 0.25)]
        playing.hear(bend(1, 0.26))
        assert playing.strip.fader_db == pytest.approx(-29.2, abs=0.1)

    def test_without_an_output_a_motor_has_to_be_moved_by_hand(self) -> None:
        playing = Playing(mapping=load_map("mackie"))
        playing.mix.change(lambda preset: _with_fader(preset, -30.0))
        assert playing.wait(1.0) == []
        playing.hear(bend(1, 0.7), bend(1, 0.72))
        assert playing.strip.fader_db == -30

    def test_after_the_cable_all_is_told_anew_and_fetched_anew(self) -> None:
        playing = self.mackie()
        first = playing.wait(1.0)
        playing.surface.forget()
        assert playing.wait(1.0) == first


def _with_fader(preset: Preset, fader_db: float) -> Preset:
    strip = preset.tracks[0].strip.model_copy(update={"fader_db": fader_db})
    return preset.model_copy(
        update={"tracks": (preset.tracks[0].model_copy(update={"strip": strip}), *preset.tracks[1:])}
    )


def test_banks_bring_the_other_tracks() -> None:
    playing = Playing(mapping=load_map("mackie"))
    playing.hear(b"\x90\x2f\x7f", b"\x90\x2f\x00")
    assert playing.said == ["the controller has tracks 9 to 12."]
    playing.hear(b"\x90\x13\x7f", b"\x90\x13\x00", b"\x90\x14\x7f", b"\x90\x14\x00")  # the fifth has none
    assert [track.mute for track in playing.mix.preset.tracks] == [False] * 11 + [True]
    playing.hear(b"\x90\x2f\x7f", b"\x90\x2f\x00")  # no more than there are
    playing.hear(b"\x90\x2e\x7f", b"\x90\x2e\x00", b"\x90\x10\x7f")
    assert playing.mix.preset.tracks[0].mute


def test_controls_without_a_track_do_nothing_and_are_named() -> None:
    playing = Playing(cc("/mixbridge/track/13/pan"))
    playing.hear(value(64), value(65))
    assert playing.said == ["this preset has nothing at /mixbridge/track/13/pan: these controls do nothing."]
    assert playing.mix.preset == PRESET


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("/mixbridge/track/1/volume", "no preset has the address"),
        ("/mixbridge/track/99/volume", "no preset has the address"),
        ("/mixbridge/track/1/name", "not be set by a control"),
        ("/mixbridge/live/meters", "no preset has the address"),
    ],
)
def test_addresses_that_cannot_be_are_refused(address: str, words: str) -> None:
    with pytest.raises(DeskError, match=words):
        Playing(cc(address))
