"""Lanes where a song changes, and none where it does not: told from predictions that wander."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
from mixbridge.presets.console import Strip
from mixbridge.presets.errors import PresetError
from mixbridge.presets.preset import Preset, Track
from mixbridge.runtime.automation import following
from mixbridge.runtime.automation.drawing import MOST_MOVE_DB, draw_lanes
from mixbridge.runtime.automation.sections import against_others, find_sections
from mixbridge.runtime.automation.windows import WantedLevels
from mixbridge.runtime.mixing import PredictOptions

HOP_S, WINDOW_S = 3.0, 6.0
NAMES = ("Vox", "Gtr", "Kick", "Snare", "Bass", "Keys")
RATE_HZ = 8000


def song(shift_db: float = 0.0, windows: int = 24, change: int = 12, wander_db: float = 0.5, louder_db: float = 0.0):
    """Levels wanted and heard: drums come in at the change, and the voice is wanted at another level."""
    random = np.random.default_rng(1)
    wanted = np.array([-18.0, -22.0, -20.0, -21.0, -19.0, -23.0])[:, None]
    wanted = wanted + wander_db * random.standard_normal((6, windows))
    heard = np.array([-25.0, -24.0, -20.0, -20.0, -22.0, -21.0])[:, None] + 0.5 * random.standard_normal((6, windows))
    wanted[0, change:] += shift_db
    wanted[:, change:] += louder_db
    heard[:, change:] += louder_db
    heard[2:4, :change] = -90
    wanted[2:4, :change] = np.nan
    return wanted, heard


@pytest.fixture(scope="module")
def stems(tmp_path_factory) -> dict[str, Path]:
    """Sounds whose drums come in at 37 s."""
    folder, random = tmp_path_factory.mktemp("stems"), np.random.default_rng(0)
    result = {}
    for name in NAMES:
        audio = 0.1 * random.standard_normal(75 * RATE_HZ)
        if name in NAMES[2:4]:
            audio[: 37 * RATE_HZ] = 0
        result[name] = folder / f"{name}.wav"
        sf.write(result[name], audio, RATE_HZ)
    return result


def drawn(stems, wanted, heard, **how):
    starts = tuple(HOP_S * place for place in range(wanted.shape[1]))
    preset = how.pop("preset", Preset(tracks=tuple(Track(name=name, strip=Strip(fader_db=-3)) for name in NAMES)))
    return draw_lanes(preset, WantedLevels(NAMES, starts, WINDOW_S, wanted, heard), stems, **how)


def lanes(result) -> dict[str, list[tuple[float, float]]]:
    return {
        track.name: [(point.time_s, point.value) for point in item.points]
        for track in result.preset.tracks
        for item in track.lanes
    }


def test_a_change_is_drawn_where_it_is_heard(stems):
    found = lanes(drawn(stems, *song(shift_db=3)))
    assert set(found) == {"Vox"}
    (first, before), (second, after) = found["Vox"]
    assert (first, second) == pytest.approx((36.75, 37.25), abs=0.3)
    assert after - before == pytest.approx(3, abs=0.6)
    assert (before + after) / 2 == pytest.approx(-3, abs=0.4)  # on average the fader stays


@pytest.mark.parametrize("seed", range(5))
def test_a_steady_song_has_no_points(stems, seed):
    random = np.random.default_rng(seed)
    wanted = -20 + 1.0 * random.standard_normal((6, 24))
    result = drawn(stems, wanted, np.full((6, 24), -22.0) + random.standard_normal((6, 24)))
    assert lanes(result) == {}
    assert result.changes_s == ()


def test_a_change_without_another_balance_has_no_points(stems):
    assert lanes(drawn(stems, *song(shift_db=0))) == {}


def test_a_small_step_is_no_move(stems):
    assert lanes(drawn(stems, *song(shift_db=0.6, wander_db=0.05))) == {}


def test_what_wanders_far_needs_a_larger_step(stems):
    assert lanes(drawn(stems, *song(shift_db=1.6, wander_db=2.5))) == {}


def test_the_song_may_get_louder(stems):
    """A chorus that is wanted louder as a whole stays louder: it is not turned down, nor the verse up."""
    assert lanes(drawn(stems, *song(louder_db=6))) == {}


def test_moves_are_limited(stems):
    (points,) = lanes(drawn(stems, *song(shift_db=20))).values()
    values = [value for _, value in points]
    assert max(values) - min(values) <= 2 * MOST_MOVE_DB + 1e-6
    assert max(map(abs, (value + 3 for value in values))) <= MOST_MOVE_DB + 1e-6


def test_amount_and_held_faders(stems):
    whole, half = (lanes(drawn(stems, *song(shift_db=3), amount=amount))["Vox"] for amount in (1.0, 0.5))
    assert half[1][1] - half[0][1] == pytest.approx((whole[1][1] - whole[0][1]) / 2, abs=0.02)
    assert lanes(drawn(stems, *song(shift_db=3), held={"Vox"})) == {}


def test_a_pair_moves_together_or_not_at_all(stems):
    tracks = tuple(Track(name=name, link="pair" if name in NAMES[:2] else None) for name in NAMES)
    assert lanes(drawn(stems, *song(shift_db=3), preset=Preset(tracks=tracks))) == {}
    wanted, heard = song(shift_db=3)
    wanted[1, 12:] += 3
    found = lanes(drawn(stems, wanted - np.nanmean(wanted), heard, preset=Preset(tracks=tracks)))
    assert found.get("Vox") == found.get("Gtr")


def test_what_all_have_in_common_is_taken_out():
    wanted, heard = song(shift_db=2, louder_db=5, wander_db=0.0)
    relative = against_others(wanted)
    assert np.nanmax(np.abs(relative[1])) < 1e-9
    found = find_sections(relative, heard, HOP_S, WINDOW_S)
    assert found.bounds == (0, 12, 24)
    assert found.levels_db[0, 1] - found.levels_db[0, 0] == pytest.approx(2)


def test_moments_that_are_one_moment(stems):
    """Two sections that begin at the same sound: their moves follow each other."""
    wanted, heard = song(shift_db=3, windows=24, change=12)
    heard[1:3, 9:12] = -90
    wanted[0, 9:12] += 6
    for points in lanes(drawn(stems, wanted, heard)).values():
        assert all(later > earlier for (earlier, _), (later, _) in pairwise(points))


def test_a_short_song_is_one_section():
    found = find_sections(np.zeros((3, 1)), np.full((3, 1), -20.0), HOP_S, WINDOW_S)
    assert found.bounds == (0, 1)
    assert found.levels_db.shape == (3, 1)


@pytest.mark.parametrize("seconds", [0.0, 0.5, 100.0, float("nan")])
def test_times_that_cannot_be(seconds):
    with pytest.raises(PresetError):
        PredictOptions(automation_s=seconds)


@pytest.mark.parametrize(("shift_db", "words"), [(6.0, "Vox: its fader moves between"), (0.0, "no fader moves: ")])
def test_who_asks_for_automation_is_told_what_moves(stems, shift_db, words):
    preset = following._said(drawn(stems, *song(shift_db)))
    assert preset.provenance.decisions is not None
    assert [said[: len(words)] for said in preset.provenance.decisions] == [words]
