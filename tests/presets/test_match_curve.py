"""The match curve among the settings: read from old files, scaled, blended, said, and claimed."""

from __future__ import annotations

import json

import pytest
from mixbridge.bridge.report.text import describe_master
from mixbridge.presets import files
from mixbridge.presets.checking.claims import hold, settings_digest, with_claims
from mixbridge.presets.console import Master, replace
from mixbridge.presets.edit import blended, scaled
from mixbridge.presets.errors import PresetError
from mixbridge.presets.parts.match import MatchCurve, ToneCurve, WidthCurve, is_flat
from mixbridge.presets.preset import Preset, Track

CURVE = MatchCurve(tone=ToneCurve(hz_63_db=4, hz_400_db=-2), width=WidthCurve(hz_80_db=-12))
PRESET = Preset(tracks=(Track(name="Vox"),), master=Master(match=CURVE))


def test_a_file_of_version_1_has_none() -> None:
    old = json.dumps({"format": "mixbridge-preset", "version": 1, "master": {"output_gain_db": 3}})
    assert is_flat(files.loads(old).master.match)


def test_it_is_kept_in_a_file_and_mistakes_are_named() -> None:
    assert files.loads(files.dumps(PRESET)) == PRESET
    text = files.dumps(PRESET).replace('"hz_63_db": 4.0', '"hz_63_db": 14.0')
    with pytest.raises(PresetError, match=r"master.match.tone.hz_63_db is 14.0, but must be -8 to 8 dB"):
        files.loads(text)


def test_amount_and_blend_run_in_decibels() -> None:
    half = scaled(PRESET, 0.5).master.match
    assert half.tone.hz_63_db == 2
    assert half.width.hz_80_db == -6
    assert half.amount == 1
    assert scaled(PRESET, 1.5).master.match.tone.hz_63_db == 6
    between = blended(Preset(tracks=PRESET.tracks), PRESET, 0.25).master.match
    assert between.tone.hz_400_db == -0.5


def test_a_digest_without_a_curve_is_what_it_was_before_there_was_one() -> None:
    plain = Preset(tracks=(Track(name="Vox"),))
    assert settings_digest(plain) == "dcb156fecd8abc934416b20704f3958d288396c03d2a0e867ca2e7cf3d3b3efd"
    claimed = with_claims(PRESET, None, ())
    assert hold(claimed)
    louder = claimed.model_copy(update={"master": replace(claimed.master, {"match.tone.hz_80_db": 1.0})})
    assert not hold(louder)


def test_words_name_its_turning_points() -> None:
    assert describe_master(PRESET.master) == [
        "a match curve bends the tone: +4.0 dB at 63 Hz, -2.0 dB at 400 Hz",
        "the sides against the middle: -12.0 dB at 80 Hz",
    ]


def test_a_flat_one_is_not_written_and_one_that_is_turned_off_is() -> None:
    assert '"match"' not in files.dumps(Preset())
    off = Preset(master=Master(match=CURVE.model_copy(update={"amount": 0.0})))
    assert files.loads(files.dumps(off)) == off
