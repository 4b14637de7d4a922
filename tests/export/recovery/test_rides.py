"""Moves of the fader: found against what is rendered, played as a lane, and none where there are none."""

from __future__ import annotations

import re

import numpy as np
import pytest
from numpy.typing import NDArray

pytest.importorskip("torch", reason="needs the `train` extra")

from mixbridge.export.pairs.check import MatchedPair, match_pair
from mixbridge.export.recovery import track
from mixbridge.export.recovery.answer import Answer
from mixbridge.export.recovery.explain import explain
from mixbridge.export.recovery.fit import FIXED, Fit
from mixbridge.export.recovery.rides import Ride, ride_between
from mixbridge.export.recovery.space import Space
from mixbridge.export.recovery.track import _at_level, recover_track
from mixbridge.presets.console import Strip, get
from mixbridge.presets.lanes.lane import MOST_LANE_POINTS
from mixbridge.presets.lanes.values import value_at
from mixbridge.presets.parts.table import parameters

from .conftest import RATE_HZ, mixed_by, preset, sung

SECONDS = 8
STRIP = {"fader_db": -2.0, "eq.high_shelf.gain_db": 5.0, "compressor.threshold_db": -30.0, "compressor.ratio": 3.0}


def gains_db(frames: int) -> NDArray[np.float64]:
    """A verse 5 dB louder, in half a second, and a fade."""
    return np.interp(np.arange(frames) / RATE_HZ, [2.5, 3.0, 5.5, 6.0, 7.0, 8.0], [0, 5, 5, 0, 0, -20])


def ridden(seed: int) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    """A raw voice, what a strip makes of it, and the same behind a fader that moved."""
    raw = sung(seed, SECONDS)
    steady = mixed_by(raw, preset(STRIP))
    return raw, steady, (steady * 10 ** (gains_db(raw.shape[1]) / 20)).astype(np.float32)


@pytest.mark.parametrize("seed", [5, 6])
def test_moves_are_found_to_a_decibel_and_played_again(seed: int) -> None:
    raw, steady, mixed = ridden(seed)
    pair = match_pair(raw, mixed, RATE_HZ)
    ride = ride_between(pair, steady)
    assert ride is not None
    settings = {f"strip.{path}": value for path, value in STRIP.items()}
    found, rendered = _at_level("Vox", settings, pair, ride)
    (lane,) = found.tracks[0].lanes
    assert lane.parameter == "fader_db"
    assert len(lane.points) <= 20
    row = parameters(Strip)["fader_db"]
    for at_s, wanted_db in ((1.5, -2.0), (4.2, 3.0), (6.5, -2.0)):
        assert value_at(lane, row, at_s) == pytest.approx(wanted_db, abs=1.0)
    with_lane = explain(raw, mixed, rendered, RATE_HZ).distance
    without = explain(raw, mixed, _at_level("Vox", settings, pair)[1], RATE_HZ).distance
    assert with_lane < 0.4 * without
    undone, wanted = (audio[:, : 7 * RATE_HZ] for audio in (ride.undone(mixed, RATE_HZ), steady))
    assert np.square(undone - wanted).sum() < 0.03 * np.square(wanted).sum()


def test_other_settings_are_no_moves() -> None:
    """Another compressor, tone and room leave differences, which are no course of the fader."""
    raw = sung(5, SECONDS)
    mixed = mixed_by(raw, preset({**STRIP, "reverb_send_db": -14.0}))
    pair = match_pair(raw, mixed, RATE_HZ)
    weaker = preset({**STRIP, "compressor.ratio": 2.0, "eq.high_shelf.gain_db": 3.0})
    assert ride_between(pair, mixed_by(raw, weaker)) is None
    assert ride_between(match_pair(raw[:, : 2 * RATE_HZ], mixed, RATE_HZ), mixed[:, : 2 * RATE_HZ]) is None


def test_a_lane_of_a_long_ride_fits_a_preset() -> None:
    gains = np.random.default_rng(0).uniform(-3, 3, 6_500)
    lane = Ride(np.arange(6_500) * 0.05, gains).fader_lane(-2.0)
    assert 100 < len(lane.points) <= MOST_LANE_POINTS
    assert min(point.value for point in lane.points) == pytest.approx(-5.0, abs=0.1)


def test_a_mix_whose_fader_moved_is_recovered_with_a_lane(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is searched is the mixed recording without the moves; the searches themselves are tested elsewhere."""
    raw, steady, mixed = ridden(5)
    searched = []

    def as_it_was(pair: MatchedPair, space: Space, *others: object) -> Fit:
        searched.append(pair.mixed)
        strip = preset(STRIP).tracks[0].strip
        known = {path: get(strip, path[6:]) for path in space.knobs if path.startswith("strip.")}
        return Fit(space.start(known), FIXED, frozenset({"eq", "compressor"}), frozenset(), 0.1)

    monkeypatch.setattr(track, "first_guess", lambda *others: {})
    monkeypatch.setattr(track, "_answer", lambda *others: Answer({}, False, -60.0, -60.0))
    monkeypatch.setattr(track, "_searched", as_it_was)
    found = recover_track(raw, mixed, RATE_HZ)
    assert found.explained.ratio < 0.2
    assert any(re.match(r"Its fader was moved, by -\d+\.\d to \+[45]\.\d dB", note) for note in found.pair.notes)
    (lane,) = found.preset.tracks[0].lanes
    row = parameters(Strip)["fader_db"]
    assert value_at(lane, row, 4.2) - value_at(lane, row, 1.5) == pytest.approx(5.0, abs=1.0)
    first, second = (np.square(each[:, : 7 * RATE_HZ] - steady[:, : 7 * RATE_HZ]).sum() for each in searched)
    assert second < 0.1 * first
    # Without moves there is no second search, and no lane.
    searched.clear()
    assert not recover_track(raw, steady, RATE_HZ).preset.tracks[0].lanes
    assert len(searched) == 1
