"""Learning by moving a control, and the map that keeps it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from midi_controllers import PlayedDouble
from mixbridge.bridge.midi.learning import MidiLearner
from mixbridge.bridge.midi.mapping import MidiEntry, add_to_map, load_map
from mixbridge.bridge.midi.surface import MidiSurface
from mixbridge.presets.errors import DeskError
from mixbridge.presets.preset import Preset, Track

PAN, MUTE = "/mixbridge/track/1/pan", "/mixbridge/track/1/mute"


def learnt(messages: Sequence[bytes], *, is_switch: bool = False) -> MidiEntry:
    learner = MidiLearner()
    learner.want(PAN, is_switch=is_switch)
    for number, data in enumerate(messages):
        assert learner.due(number / 100) is None
        learner.take(data, number / 100)
    entry = learner.due(2.0)
    assert entry is not None
    assert learner.wanted is None
    return entry


def ccs(number: int, *values: int) -> list[bytes]:
    return [bytes((0xB2, number, value)) for value in values]


@pytest.mark.parametrize(
    ("messages", "kind", "number", "relative"),
    [
        (ccs(16, 10, 11, 12, 13), "cc", 16, None),
        (ccs(16, 1, 2, 3, 4), "cc", 16, None),  # a knob near its lowest place
        ([one for n in range(4) for one in ccs(16, 10 + n) + ccs(48, 3 * n)], "cc14", 16, None),
        ([*ccs(48, 7), *ccs(16, 10)], "cc14", 16, None),
        (ccs(48, 7, 8, 9), "cc", 48, None),
        (ccs(16, 1, 1, 1, 2), "cc", 16, "signed"),
        (ccs(16, 1, 1, 2, 65, 65), "cc", 16, "signed"),
        (ccs(16, 1, 1, 127, 127), "cc", 16, "signed"),
        (ccs(16, 65, 65, 66, 63), "cc", 16, "offset"),
        ([b"\x92\x68\x7f", b"\xe2\x00\x40", b"\xe2\x00\x41", b"\x92\x68\x00"], "pitchbend", None, None),
        ([*ccs(16, 10, 11, 12, 13), *ccs(17, 5)], "cc", 16, None),  # another was brushed
    ],
)
def test_what_moves_is_told_apart(
    messages: Sequence[bytes], kind: str, number: int | None, relative: str | None
) -> None:
    entry = learnt(messages)
    assert (entry.message, entry.channel, entry.number, entry.relative) == (kind, 3, number, relative)


def test_a_switch_takes_a_button() -> None:
    entry = learnt([b"\x92\x10\x7f", b"\x92\x10\x00"], is_switch=True)
    assert (entry.message, entry.number) == ("note", 16)
    assert learnt(ccs(20, 127, 0), is_switch=True).message == "cc"


def test_what_is_still_moved_is_not_the_next_control() -> None:
    learner = MidiLearner()
    learner.want(PAN, is_switch=False)
    learner.want(MUTE, is_switch=True)
    for number in range(30):
        learner.take(ccs(16, number)[0], number / 20)
        if number == 10:
            first = learner.due(0.5)
            assert first is not None
            assert first.address == PAN
    assert learner.due(3.0) is None
    learner.take(b"\x92\x10\x7f", 3.0)
    learner.take(ccs(16, 40)[0], 3.1)  # it has rested, but the button was first
    second = learner.due(4.0)
    assert second is not None
    assert (second.address, second.message) == (MUTE, "note")


def test_learning_ends_when_it_is_stopped() -> None:
    learner = MidiLearner()
    learner.want(PAN, is_switch=False)
    learner.take(ccs(16, 1)[0], 0.0)
    learner.stop()
    assert learner.wanted is None
    assert learner.due(5.0) is None


def test_what_is_no_control_is_not_learnt() -> None:
    learner = MidiLearner()
    learner.want(PAN, is_switch=False)
    for data in (b"\xf8", b"\x92\x68\x7f", b"\xd0\x10", b"\xb0\x07"):
        learner.take(data, 0.0)
    assert learner.due(5.0) is None
    assert learner.wanted == PAN


class TestAtAMix:
    def test_one_after_another_then_they_work(self) -> None:
        mix, said, kept = PlayedDouble(Preset(tracks=(Track(name="Vox"),))), [], []
        surface = MidiSurface(mix, say=said.append, learnt=kept.append)
        surface.learn([PAN, MUTE])
        for data in ccs(16, 10, 11, 12):
            surface.hear(data, 0.0)
        surface.turn(1.0)
        surface.hear(b"\x92\x10\x7f", 2.0)
        surface.turn(3.0)
        assert [entry.address for entry in kept] == [PAN, MUTE]
        assert said == [
            f"move the control for {PAN} (an endless one to the right).",
            f"CC 16, channel 3 sets {PAN} now.",
            f"move the control for {MUTE} (an endless one to the right).",
            f"note 16, channel 3 sets {MUTE} now.",
        ]
        assert mix.preset == Preset(tracks=(Track(name="Vox"),))  # learning moved nothing
        for data in (*ccs(16, 64, 70), b"\x92\x10\x7f"):
            surface.hear(data, 4.0)
        surface.turn(4.0)
        assert mix.preset.tracks[0].mute
        assert mix.preset.tracks[0].strip.pan == pytest.approx(0.102, abs=0.001)

    def test_what_is_not_there_cannot_be_learnt(self) -> None:
        surface = MidiSurface(PlayedDouble(Preset(tracks=(Track(name="Vox"),))))
        with pytest.raises(DeskError, match="fewer tracks"):
            surface.learn(["/mixbridge/track/2/pan"])
        with pytest.raises(DeskError, match="no preset has"):
            surface.learn(["/mixbridge/track/1/size"])


class TestMaps:
    def test_mackie_comes_along(self) -> None:
        mapping = load_map("mackie")
        assert mapping.bank == 8
        assert len(mapping.by_source) == len(mapping.controls) == 9 + 8 + 8 + 5

    def test_what_is_learnt_stands_behind_what_is_there(self, tmp_path: Path) -> None:
        path = tmp_path / "map.toml"
        first = learnt(ccs(16, 1, 1, 1))
        assert add_to_map(path, [first]).controls == (first,)
        mine = f"# mine\n{path.read_text()}# end"
        path.write_text(mine)
        other = MidiEntry(message="pitchbend", channel=2, address=MUTE, motor=True)
        again = first.model_copy(update={"address": MUTE})
        add_to_map(path, [other, again])
        assert path.read_text().startswith(mine)
        loaded = load_map(str(path))
        assert loaded.controls == (first, other, again)
        assert loaded.by_source[first.source].address == MUTE  # the last one counts

    @pytest.mark.parametrize(
        ("text", "words"),
        [
            ("controls = 1", "controls"),
            ('[[controls]]\nmessage = "cc"\nchannel = 1\naddress = "/x"', "`number` is of a cc"),
            ('[[controls]]\nmessage = "cc14"\nchannel = 1\nnumber = 40\naddress = "/x"', "0 to 31"),
            ('[[controls]]\nmessage = "cc"\nchannel = 17\nnumber = 1\naddress = "/x"', "channel"),
            (
                '[[controls]]\nmessage = "note"\nchannel = 1\nnumber = 1\nrelative = "signed"\naddress = "/x"',
                "relative",
            ),
            (
                '[[controls]]\nmessage = "cc14"\nchannel = 1\nnumber = 7\naddress = "/x"\n'
                '[[controls]]\nmessage = "cc"\nchannel = 1\nnumber = 39\naddress = "/y"',
                "half of a pair",
            ),
            ('[[controls]]\nmessage = "cc"\nchannel = 1\nnumber = 1\naddress = "/x"\nsoft = true', "soft"),
            ("[[controls", "TOML"),
        ],
    )
    def test_mistakes_are_told(self, tmp_path: Path, text: str, words: str) -> None:
        path = tmp_path / "map.toml"
        path.write_text(f'format = "mixbridge-midi"\nversion = 1\n{text}\n')
        with pytest.raises(DeskError, match=words) as error:
            load_map(str(path))
        assert str(path) in str(error.value)

    def test_one_that_cannot_be_added_to_stays(self, tmp_path: Path) -> None:
        path = tmp_path / "map.toml"
        text = 'format = "mixbridge-midi"\nversion = 1\ncontrols = []\n'
        path.write_text(text)
        with pytest.raises(DeskError, match="cannot be added to"):
            add_to_map(path, [MidiEntry(message="pitchbend", channel=1, address=PAN)])
        assert path.read_text() == text
