"""A setting of a track set by name, from Python."""

from __future__ import annotations

import mixbridge
import pytest
from mixbridge.presets.errors import PresetError
from mixbridge.presets.preset import Preset, Track

MIX = Preset(tracks=(Track(name="Vox"), Track(name="OH L", link="a"), Track(name="OH R", link="a")))


def test_a_track_is_set_and_the_preset_that_was_given_stays() -> None:
    made = mixbridge.edited(MIX, "Vox", {"fader_db": -3.0, "compressor.ratio": 2})
    assert (made.track("Vox").strip.fader_db, made.track("Vox").strip.compressor.ratio) == (-3, 2)
    assert MIX.track("Vox").strip.fader_db == 0
    assert made.track("OH L") == MIX.track("OH L")


def test_linked_tracks_share_what_they_share() -> None:
    made = mixbridge.edited(MIX, "OH L", {"eq.band1.gain_db": 2.0, "pan": 0.2})
    assert [made.track(name).strip.eq.band1.gain_db for name in ("OH L", "OH R")] == [2, 2]
    assert [made.track(name).strip.pan for name in ("OH L", "OH R")] == [0.2, MIX.track("OH R").strip.pan]


@pytest.mark.parametrize(
    ("track", "path", "value", "words"),
    [
        ("Voxx", "fader_db", 0, 'no track .Voxx.; did you mean "Vox"'),
        ("Tuba", "fader_db", 0, "there are: Vox, OH L, OH R"),
        ("Vox", "fader", 0, 'no setting .fader.; did you mean "fader_db"'),
        ("Vox", "fader_db", 1000, r"fader_db is a number from -?\d+ to \d+ dB"),
        ("Vox", "fader_db", float("nan"), "fader_db is a number"),
        ("Vox", "fader_db", "loud", "fader_db is a number"),
    ],
)
def test_what_cannot_be_is_refused(track: str, path: str, value: float, words: str) -> None:
    with pytest.raises(PresetError, match=words):
        mixbridge.edited(MIX, track, {path: value})
