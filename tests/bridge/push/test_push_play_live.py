"""Lanes in time with Live, on a clock of the tests' own: AbletonOSC takes values ten times a second and tells beats."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from live_set import LiveSet, LiveTrack, live_set
from live_song import PlayedSet
from mixbridge.bridge.desks.loading import load_desk
from mixbridge.bridge.fitting.over_time import fits_over_time
from mixbridge.bridge.osc.dialects.ableton import Ableton
from mixbridge.bridge.osc.dialects.ableton_song import LiveSong
from mixbridge.bridge.osc.packets import Message
from mixbridge.bridge.osc.song import AskedSong, SongPosition, Ticks
from mixbridge.bridge.push.playing.courses import DeskCourse, course
from mixbridge.bridge.push.playing.following import FollowReport, LaneFollower
from mixbridge.presets import files
from mixbridge.presets.console import Strip
from mixbridge.presets.lanes.lane import Lane, lane
from mixbridge.presets.preset import Preset, Track

DESK = load_desk("ableton")
FADER = lane("fader_db", [(1.0, -16.0), (3.0, -2.0), (4.0, -2.0), (5.0, -8.0), (6.0, -8.0)])
_GRID_S, _WIDE = 0.002, 400
SCALE = DESK.settings("track", 1, {"fader_db": 0.0})[0].scale


def fader_course(*lanes: Lane) -> DeskCourse:
    fits = fits_over_time(Strip(fader_db=-16), lanes, DESK, "track", 48000)
    [setting] = [item for item in DESK.settings("track", 1, fits.values[0]) if item.key == "fader_db"]
    found = course(setting, "track 1", fits)
    assert found is not None
    return found


def follow(live: PlayedSet, until_s: float = 60.0, fader: Lane = FADER) -> FollowReport:
    moving = fader_course(fader)
    live.volume = float(moving.setting.value)
    dialect = Ableton(DESK)
    link: Any = SimpleNamespace(
        transport=SimpleNamespace(gap_ms=5.0), send=live.send, receive=live.receive, silence=live.silence
    )
    dialect.open_song(link)
    song = AskedSong(link, dialect, live.clock)
    follower = LaneFollower(SimpleNamespace(link=link, dialect=dialect), song, [moving], now=live.clock)  # type: ignore[arg-type]
    return follower.run(lambda: live.now > 100.0 + until_s)


def worst_off_s(live: PlayedSet, settled_s: float = 0.3, fader: Lane = FADER) -> float:
    """How far in time what stood was from the lane while it played, at the worst; after a jump, once it has settled."""
    moving = fader_course(fader)
    lane_wire = np.array([float(moving.wire(moving.at(at))) for at in np.arange(-1.0, 12.0, _GRID_S)])
    worst, since, before = 0, live.stood[0][0], None
    for now, beats, plays, volume in live.stood[::5]:
        place = beats * 60 / live.bpm
        if before is None or not plays or abs(place - before) > 0.05:
            since = now
        before = place
        if now - since < settled_s:
            continue
        at = round((place + 1.0) / _GRID_S)
        around = lane_wire[at - _WIDE : at + _WIDE + 1]
        lows = np.minimum.accumulate(np.minimum(around[_WIDE::-1], around[_WIDE:]))
        highs = np.maximum.accumulate(np.maximum(around[_WIDE::-1], around[_WIDE:]))
        fits = (lows - 1e-4 <= volume) & (volume <= highs + 1e-4)
        worst = max(worst, int(np.argmax(fits)) if fits.any() else _WIDE)
    return worst * _GRID_S


def steps_db(live: PlayedSet) -> list[float]:
    values = [volume for *_, volume in live.stood]
    return [
        abs(float(SCALE.decode(later)) - float(SCALE.decode(earlier)))
        for earlier, later in itertools.pairwise(values)
        if later != earlier
    ]


@pytest.mark.parametrize("bpm", [120.0, 87.3])
def test_what_stands_is_the_lane_within_half_a_tick(bpm: float) -> None:
    """A value stands for 100 ms, so 50 ms are the least that can be."""
    live = PlayedSet(bpm=bpm)
    report = follow(live)
    assert worst_off_s(live) <= 0.055
    assert live.sets == report.moves < 60
    assert live.volume == pytest.approx(fader_course(FADER).wire(-8.0))
    assert (report.passes, report.locates, report.cancelled, report.problem) == (1, 0, False, "")


@pytest.mark.parametrize(("jitter_s", "lost", "most_s"), [(0.02, 0.0, 0.075), (0.0, 0.05, 0.2)])
def test_late_ticks_and_lost_datagrams_make_it_no_worse_than_they_are(
    jitter_s: float, lost: float, most_s: float
) -> None:
    live = PlayedSet(jitter_s=jitter_s, lost=lost)
    assert follow(live).problem == ""
    assert worst_off_s(live) <= most_s
    assert max(steps_db(live)) <= 2 * 1.4
    assert live.volume == pytest.approx(fader_course(FADER).wire(-8.0))


def test_a_loop_glides_back_and_follows_again() -> None:
    """From -2 dB to -16 dB, 2.8 dB in each tick."""
    live = PlayedSet(loop=(2.0, 7.0))
    live.events = {6.0: lambda: setattr(live, "loop", None)}
    report = follow(live)
    assert report.passes == 1
    assert report.locates == 1
    assert max(steps_db(live)) <= 2.8 + 1e-6
    assert worst_off_s(live, settled_s=0.8) <= 0.055


def test_a_stop_stands_and_a_start_elsewhere_goes_on() -> None:
    live = PlayedSet()

    def start() -> None:
        live.beats, live.plays = 9.0, True

    live.events = {2.5: lambda: setattr(live, "plays", False), 4.0: start}
    report = follow(live)
    stood = {volume for now, _, plays, volume in live.stood if 103.0 < now < 104.0 and not plays}
    assert len(stood) == 1
    assert float(SCALE.decode(stood.pop())) == pytest.approx(-5.5, abs=0.2)  # where it stopped
    assert report.passes == 2
    assert max(steps_db(live)) <= 2.8 + 1e-6
    assert live.volume == pytest.approx(fader_course(FADER).wire(-8.0))


def test_a_lane_that_is_fast_is_followed_and_one_that_jumps_glides() -> None:
    """30 dB in a second are 3 dB in each tick."""
    fast = lane("fader_db", [(1.0, -30.0), (2.0, 0.0)])
    live = PlayedSet()
    follow(live, fader=fast)
    assert worst_off_s(live, fader=fast) <= 0.055
    jump = lane("fader_db", [(0.5, -30.0), (1.5, 0.0)], "hold")
    live = PlayedSet()
    follow(live, fader=jump)
    assert max(steps_db(live)) <= 7.0 + 1e-6
    assert live.volume == pytest.approx(fader_course(jump).wire(0.0))


def test_another_tempo_ends_it_where_it_is() -> None:
    """Beats tell no seconds then."""
    live = PlayedSet()
    live.events = {2.0: lambda: setattr(live, "bpm", 100.0)}
    report = follow(live)
    assert "went from 120 to 100 BPM" in report.problem
    assert "mixbridge apply" in report.problem
    assert not report.is_lost
    assert float(SCALE.decode(live.volume)) == pytest.approx(-8.5, abs=1.0)


def test_the_tempo_may_be_set_before_it_plays() -> None:
    live = PlayedSet(plays=False, bpm=90.0)

    def start() -> None:
        live.plays = True

    live.events = {0.5: lambda: setattr(live, "bpm", 140.0), 1.0: start}
    assert follow(live).problem == ""
    assert worst_off_s(live) <= 0.055


def test_live_that_is_gone_is_told() -> None:
    live = PlayedSet()
    live.events = {2.0: lambda: setattr(live, "is_there", False)}
    report = follow(live)
    assert (report.problem, report.is_lost) == ("it does not answer", True)
    assert live.now < 106.0


def test_when_the_next_tick_is() -> None:
    ticks = Ticks(0.1)
    assert ticks.following(5.0) == 5.0
    ticks.seen(10.0)
    assert [ticks.following(10.0 + after) for after in (0.0, 0.09, 0.14)] == pytest.approx([10.1] * 3)
    assert [ticks.following(10.0 + after) for after in (0.16, 0.24)] == pytest.approx([10.2] * 2)  # one was not heard
    assert Ticks(0.0).following(7.0) == 7.0


def test_what_abletonosc_says() -> None:
    song = LiveSong()
    assert song.position(Message("/live/song/get/current_song_time", (8.0,))) is None
    assert song.position(Message("/live/song/get/is_playing", (True,))) is None
    assert song.position(Message("/live/song/get/tempo", (60.0,))) is None
    assert song.position(Message("/live/song/get/current_song_time", (8.0,))) == SongPosition(8.0, 1.0)
    assert song.position(Message("/live/song/get/current_song_time", ("x",))) is None
    assert song.position(Message("/live/song/beat", (3,))) is None


@pytest.fixture
def live(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[LiveSet, str]]:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    with live_set((LiveTrack("Vox"), LiveTrack("Keys")), tmp_path) as (peer, target):
        yield peer, target


def test_from_the_command_line_and_back(live: tuple[LiveSet, str], tmp_path: Path, run: Any) -> None:
    """The fader that has a lane moves, the other one does not; undo puts back what stood."""
    peer, target = live
    fader = ("/live/track/get/volume", 0)
    peer.values[fader] = 0.5
    peer.plays_since = time.monotonic() - 0.2
    mix = Preset(tracks=(Track(name="Vox", lanes=(lane("fader_db", [(0.1, -8.0), (0.4, -6.0)]),)), Track(name="Keys")))
    files.save(mix, tmp_path / "mix.json")
    done = run("push", tmp_path / "mix.json", "--to", target, "--play", "--yes", "--json", "--no-ramp")
    assert done.code == 0, done.err
    assert done.data["played"]["passes"] == 1
    assert done.data["played"]["ends"] == [{"strip": "track 1", "key": "fader_db", "state": "confirmed"}]
    assert float(SCALE.decode(peer.values[fader])) == pytest.approx(-6.0, abs=0.05)  # type: ignore[arg-type]
    assert ("/live/track/get/volume", 1) not in peer.values
    assert run("undo", "--yes").code == 0
    assert peer.values[fader] == 0.5
