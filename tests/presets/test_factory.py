"""The factory presets: readable, in canonical form, described, and in the form they promise."""

import json
from pathlib import Path

import mixbridge.presets
import pytest
from mixbridge.presets import factory, files
from mixbridge.presets.edit import desk_form, scaled
from mixbridge.presets.errors import PresetError

FOLDER = Path(mixbridge.presets.__file__).parent / "factory"


def test_names():
    assert factory.names() == (
        "acoustic-guitar", "backing-vocals", "bass", "drum-bus", "drum-kit", "electric-guitar", "gentle-master",
        "kick", "lead-vocal", "piano", "podcast-pair", "podcast-voice", "snare", "tom",
    )  # fmt: skip


@pytest.mark.parametrize("name", factory.names())
class TestEach:
    def test_file_is_as_it_would_be_saved(self, name):
        text = (FOLDER / f"{name}.json").read_text(encoding="utf-8")
        assert files.dumps(factory.load(name)) == text
        assert json.loads(text)["name"]

    def test_says_what_for_and_which_level(self, name):
        description = factory.load(name).description
        assert "-20 LUFS" in description
        assert "\n" not in description

    def test_thresholds_are_on_the_raw_track(self, name):
        assert desk_form(factory.load(name)) == factory.load(name)

    def test_does_something_and_leaves_room_to_do_more(self, name):
        preset = factory.load(name)
        assert scaled(preset, 0).tracks != preset.tracks or scaled(preset, 0).master != preset.master
        scaled(preset, 1.5)


def test_unknown_name():
    with pytest.raises(PresetError, match='"lead-vocals"; did you mean "lead-vocal"'):
        factory.load("lead-vocals")
    with pytest.raises(PresetError, match="there are: acoustic-guitar"):
        factory.load("../lead")
