"""How settings go after predictions: slowly, together, not for every trifle, and not where a track is locked."""

from __future__ import annotations

import pytest
from mixbridge.presets.console import EqBand, Equalizer, Master, Strip
from mixbridge.presets.preset import Preset, Track
from mixbridge.runtime.live.steering import MOST_DB, Steering, way_s

A = Preset(tracks=(Track(name="Vox"), Track(name="Bass")))
HEARD = Preset(
    tracks=(
        Track(name="Vox", strip=Strip(fader_db=6, pan=0.2)),
        Track(name="Bass", strip=Strip(fader_db=-3, eq=Equalizer(band1=EqBand(gain_db=-6, freq_hz=3000)))),
    ),
    master=Master(output_gain_db=1),
)


def test_no_setting_moves_faster_than_it_may_and_all_arrive_together() -> None:
    steering, preset = Steering(set()), A
    assert steering.hear(A, HEARD)
    for turn in range(1, 12):
        after = steering.step(preset, 0.25)
        assert way_s(preset, after) <= 0.25 + 1e-6
        assert after.tracks[0].strip.fader_db == pytest.approx(min(6, MOST_DB * 0.25 * turn))
        preset = after
    preset = steering.step(preset, 0.25)
    assert preset.tracks[0].strip.fader_db == pytest.approx(6)
    assert preset.tracks[1].strip.eq.band1.gain_db == pytest.approx(-6)
    assert preset.master.output_gain_db == pytest.approx(1)
    assert steering.target is None
    assert steering.step(preset, 0.25) is preset


def test_a_prediction_near_by_changes_nothing() -> None:
    near = A.model_copy(update={"tracks": (Track(name="Vox", strip=Strip(fader_db=1.4)), A.tracks[1])})
    steering = Steering(set())
    assert not steering.hear(A, near)
    assert steering.step(A, 1.0) is A


def test_while_under_way_a_prediction_near_the_target_is_not_followed() -> None:
    steering = Steering(set())
    assert steering.hear(A, HEARD)
    target = steering.target
    nearly = HEARD.model_copy(update={"master": Master(output_gain_db=2)})
    assert not steering.hear(A, nearly)
    assert steering.target is target


def test_a_locked_track_stays_even_if_it_is_locked_on_the_way() -> None:
    steering = Steering({"Vox"})
    steering.hear(A, HEARD)
    preset = steering.step(A, 0.5)
    assert preset.tracks[0] == A.tracks[0]
    assert preset.tracks[1] != A.tracks[1]
    steering.locked.add("Bass")
    assert steering.step(preset, 0.5).tracks == preset.tracks


def test_a_track_that_was_not_heard_stays() -> None:
    steering = Steering(set())
    steering.hear(A, HEARD.model_copy(update={"tracks": HEARD.tracks[1:]}))
    preset = steering.step(A, 0.5)
    assert preset.tracks[0] == A.tracks[0]
    assert preset.tracks[1].strip.fader_db < 0
