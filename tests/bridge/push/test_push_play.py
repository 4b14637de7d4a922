"""Lanes that are sent to a desk in time with its song: on a clock of the tests' own, no time passes."""

from __future__ import annotations

import itertools
import socket
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from mixbridge.bridge import desks
from mixbridge.bridge.desks.layout import SongFeed
from mixbridge.bridge.desks.loading import load_desk
from mixbridge.bridge.fitting.over_time import fits_over_time
from mixbridge.bridge.osc.dialects.ardour_song import ArdourSong
from mixbridge.bridge.osc.dialects.blind import Blind
from mixbridge.bridge.osc.packets import Message, encode
from mixbridge.bridge.osc.song import FedSong, SongClock, SongPosition, Ticks
from mixbridge.bridge.push.playing.courses import DeskCourse, course
from mixbridge.bridge.push.playing.following import FollowReport, LaneFollower
from mixbridge.bridge.push.playing.playing import play_preset
from mixbridge.presets import files
from mixbridge.presets.console import Compressor, EqBand, Equalizer, Strip, parameters
from mixbridge.presets.errors import DeskError
from mixbridge.presets.lanes.lane import Lane, lane
from mixbridge.presets.lanes.values import value_at
from mixbridge.presets.preset import Preset, Track

GENERIC = load_desk("generic")
FADER = lane("fader_db", [(1.0, -20.0), (3.0, -2.0), (4.0, -2.0), (5.0, -8.0)])
ADDRESS = "/mixbridge/track/1/fader_db"


def courses_of(strip: Strip, *lanes: Lane, desk: str = "generic") -> dict[str, DeskCourse]:
    profile = load_desk(desk)
    fits = fits_over_time(strip, lanes, profile, "track", 48000)
    found = [course(item, "track 1", fits) for item in profile.settings("track", 1, fits.values[0])]
    return {item.setting.key: item for item in found if item is not None}


@dataclass
class World:
    """A song, a desk that takes what it is sent, and the clock of both."""

    position_s: float = 0.0
    speed: float = 1.0
    now: float = 100.0
    sent: list[tuple[float, float, str, Any]] = field(default_factory=list)
    events: dict[float, tuple[float, float]] = field(default_factory=dict)
    writing: list[float] = field(default_factory=list)

    def follow(self, courses: dict[str, DeskCourse], until_s: float = 60.0) -> FollowReport:
        link = SimpleNamespace(transport=SimpleNamespace(gap_ms=1.0), send=self.take, silence=lambda: DeskError("gone"))
        connection: Any = SimpleNamespace(link=link, dialect=Blind())
        song: Any = SimpleNamespace(
            clock=SongClock(),
            ticks=Ticks(0.0),
            slowest_s=0.0,
            heard_s=lambda: 0.0,
            problem=lambda: "",
            wait=self.pass_time,
        )

        def listen() -> None:
            song.clock.told(SongPosition(self.position_s, self.speed), self.now)

        song.listen = listen
        follower = LaneFollower(
            connection,
            song,
            list(courses.values()),
            begin_writing=lambda: self.writing.append(self.now),
            now=lambda: self.now,
        )
        return follower.run(lambda: self.now > 100.0 + until_s)

    def pass_time(self, seconds: float) -> None:
        self.now += seconds
        self.position_s += self.speed * seconds
        for at in [at for at in self.events if self.now - 100.0 >= at]:
            self.position_s, self.speed = self.events.pop(at)

    def take(self, message: Message) -> None:
        self.sent.append((self.now, self.position_s, message.address, message.args[-1]))

    def values(self, address: str = ADDRESS) -> list[tuple[float, float, float]]:
        """When, where in the song, and what."""
        return [(at, place, value) for at, place, told, value in self.sent if told == address]


def test_a_fader_follows_its_lane() -> None:
    world = World()
    report = world.follow(courses_of(Strip(fader_db=-20), FADER))
    row = parameters(Strip)["fader_db"]
    sent = world.values()
    assert len(sent) > 100
    for _, place, value in sent:
        assert value == pytest.approx(value_at(FADER, row, place), abs=0.25)  # 9 dB/s in steps of 20 ms
    assert sent[-1][2] == -8
    assert report.passes == 1
    assert report.moves == len(world.sent)
    assert not report.cancelled
    assert 6.0 < world.position_s < 6.1  # a second behind the last point it is over


def test_what_stands_is_said_twice_more_and_before_it_moves() -> None:
    world = World()
    world.follow(courses_of(Strip(fader_db=-20), FADER))
    standing = [place for _, place, value in world.values() if value == -2]
    assert 2.95 < standing[0] < 3.05
    assert len(standing) <= 10
    assert [place for place in standing if 3.6 < place < 3.87] == []
    assert 3.97 < standing[-1] < 4.01


def test_a_locate_glides_and_a_stop_stands() -> None:
    """Located back from 4 s to 1 s: 18 dB down, in steps that nobody hears as one."""
    world = World(events={3.5: (1.0, 1.0), 4.0: (1.5, 0.0), 6.0: (1.5, 1.0)})
    report = world.follow(courses_of(Strip(fader_db=-20), FADER))
    values = [value for _, _, value in world.values()]
    assert max(abs(later - earlier) for earlier, later in itertools.pairwise(values)) <= 1.4 + 1e-6
    row = parameters(Strip)["fader_db"]
    stood = [value for at, _, value in world.values() if 104.5 < at < 105.9]
    assert all(value == pytest.approx(value_at(FADER, row, 1.5), abs=0.2) for value in stood)
    assert report.passes == 2
    assert report.locates == 1
    assert len(world.writing) == 1  # when it stood
    assert values[-1] == -8


def test_it_is_ready_before_the_song_plays_and_ends_by_hand() -> None:
    world = World(position_s=2.0, speed=0.0)
    report = world.follow(courses_of(Strip(fader_db=-20), FADER), until_s=1.0)
    assert world.values()[-1][2] == pytest.approx(-11, abs=0.1)
    assert report.cancelled
    assert report.passes == 0


def test_what_is_furthest_off_comes_first_where_the_desk_is_slow() -> None:
    """1 ms between messages, half of it for this: ten in each 20 ms, of twenty that move."""
    strip = Strip(fader_db=-20, eq=Equalizer(band1=EqBand(gain_db=0, freq_hz=1000)))
    names = [f"eq.{band}.{what}" for band in ("band0", "band1", "band2", "band3") for what in ("gain_db", "q")]
    lanes = [FADER] + [
        lane(name, [(0.5, 0.5), (3.0, 4.0 if name.endswith("q") else 8.0)])
        for name in [*names, "eq.low_shelf.gain_db", "eq.high_shelf.gain_db", "reverb_send_db"]
        if name != "reverb_send_db"
    ]
    courses = courses_of(strip, *lanes)
    assert len(courses) >= 11
    world = World()
    world.follow(courses)
    ticks: dict[float, int] = {}
    for at, *_ in world.sent:
        ticks[at] = ticks.get(at, 0) + 1
    assert max(ticks.values()) <= 10
    ends = {address: value for _, _, address, value in world.sent}
    for item in courses.values():
        assert ends[item.setting.address] == pytest.approx(item.values[-1], rel=1e-6)


def test_a_course_is_what_a_push_would_set() -> None:
    """Thresholds in the desk form, frequencies in octaves, the makeup that a desk has not on its fader."""
    strip = Strip(input_gain_db=6, compressor=Compressor(threshold_db=-20, ratio=3), fader_db=-3)
    lanes = (
        lane("compressor.threshold_db", [(1, -20), (2, -30)]),
        lane("eq.band1.freq_hz", [(1, 500), (3, 2000)]),
    )
    moving = strip.model_copy(update={"eq": Equalizer(band1=EqBand(gain_db=6, freq_hz=500))})
    courses = courses_of(moving, *lanes)
    assert courses["compressor.threshold_db"].at(1.5) == pytest.approx(-31)  # 6 dB of gain stand in front of it
    assert courses["eq.3.freq_hz"].at(2.0) == pytest.approx(1000, rel=1e-3)
    assert "fader_db" not in courses
    reaper = courses_of(strip, lane("compressor.makeup_db", [(0, 0), (2, 6)]), desk="reaper")
    assert reaper["fader_db"].at(1.0) == pytest.approx(6 - 3 + 3, abs=0.01)


def test_a_send_that_goes_up_from_nothing() -> None:
    courses = courses_of(Strip(), lane("delay_send_db", [(0, -80), (1, -80), (2, -20)]))
    assert courses["delay_send_db"].at(1.5) == pytest.approx(-50)


def test_where_the_song_is_between_what_is_told() -> None:
    clock = SongClock()
    assert clock.at(0) is None
    clock.told(SongPosition(10.0, 0.0), 0)
    assert clock.at(5) == SongPosition(10.0, 0.0)
    for tick in range(40):  # told in blocks of 21 ms, as Ardour does
        now = 5 + tick * 0.05
        clock.told(SongPosition(10 + (now - 5) // 0.02133 * 0.02133, 1.0), now)
    there = clock.at(7.0)
    assert there is not None
    assert there.time_s == pytest.approx(12.0 - 0.0107, abs=0.008)
    assert clock.locates == 0
    clock.told(SongPosition(3.0, 1.0), 7.0)
    assert clock.locates == 1
    assert clock.at(7.5) == SongPosition(3.5, 1.0)


def test_ardours_words() -> None:
    song = ArdourSong(48000)
    assert song.position(Message("/transport_frame", (96000,))) is None
    assert song.position(Message("/transport_speed", (1.0,))) is None
    assert song.position(Message("/transport_frame", (96000,))) == SongPosition(2.0, 1.0)
    assert song.position(Message("/transport_frame", ("x",))) is None


def test_a_program_that_tells_unasked_rolls_while_it_tells() -> None:
    now = [50.0]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    song = FedSong(SongFeed(address="/time", port=port), "127.0.0.1", lambda: now[0])
    sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        for place in (4.0, 4.1, 4.2):
            sender.sendto(b"nonsense", ("127.0.0.1", port))
            sender.sendto(encode(Message("/time", (place,))), ("127.0.0.1", port))
            song.listen()
            now[0] += 0.1
        there = song.clock.at(now[0])
        assert there is not None
        assert there.rolls
        assert there.time_s == pytest.approx(4.3, abs=0.01)
        now[0] += 0.5
        song.listen()
        assert song.clock.at(now[0]) == SongPosition(pytest.approx(4.2, abs=0.01), 0.0)
    finally:
        sender.close()
        song.close()


def test_the_plan_of_a_program_of_ones_own(tmp_path: Path, run: Any) -> None:
    """Told where the song is on a port of the tests' own; nothing is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as desk:
        desk.bind(("127.0.0.1", 0))
        profile = (Path(desks.__file__).parent / "generic.toml").read_text(encoding="utf-8")
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        (tmp_path / "own.toml").write_text(profile.replace("port = 9002", f"port = {port}"), encoding="utf-8")
        preset = Preset(tracks=(Track(name="Vox", lanes=(FADER,)), Track(name="Keys", strip=Strip(fader_db=-5))))
        files.save(preset, tmp_path / "mix.json")
        target = f"{tmp_path / 'own.toml'}://127.0.0.1:{desk.getsockname()[1]}"
        push = ("push", tmp_path / "mix.json", "--to", target, "--by-order", "--play")
        told = run(*push, "--dry-run", "--json").data
        desk.setblocking(False)
        with pytest.raises(BlockingIOError):
            desk.recv(100)
    assert told["dry_run"]
    assert told["ends_s"] == 5.0
    assert [(line["track"], line["setting"], line["written"]) for line in told["lanes"]] == [("Vox", "fader", False)]
    changes = {strip["track"]: [change["key"] for change in strip["changes"]] for strip in told["strips"]}
    assert "fader_db" in changes["Vox"]
    assert "fader_db" not in changes["Keys"]
    refused = run(*push, "--dry-run", "--only", "eq")
    assert refused.code == 2
    assert "nothing that the lanes move" in refused.err
    assert run(*push, "--offline", "--dry-run").code == 2


class Reaper:
    """REAPER as its OSC device hears it, on a clock of its own: the time fifteen times a second while it changes."""

    def __init__(self) -> None:
        self.now, self.place_s, self.plays, self._told_at, self._told = 50.0, 4.0, False, 0.0, -1.0
        self.events: dict[float, tuple[float, bool]] = {}
        self.lost: set[str] = set()
        self.sent: list[tuple[float, float, bool, float]] = []
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.song = FedSong(SongFeed(address="/time", port=port, playing="/play"), "127.0.0.1", lambda: self.now)
        self.song.wait = self.wait  # type: ignore[method-assign]

    def wait(self, seconds: float) -> None:
        until = self.now + seconds
        while self.now < until - 1e-9:
            self.now += 0.001
            self.place_s += 0.001 * self.plays
            for at in [at for at in self.events if self.now - 50.0 >= at]:
                self.place_s, plays = self.events.pop(at)
                if plays != self.plays:
                    self.plays = plays
                    self.say("/play", float(plays))
            if self.place_s != self._told and self.now - self._told_at >= 1 / 15:
                self._told, self._told_at = self.place_s, self.now
                self.say("/time", self.place_s)

    def say(self, address: str, value: float) -> None:
        if address not in self.lost:
            self.song.hear(encode(Message(address, (value,))))

    def take(self, message: Message) -> None:
        self.sent.append((self.now, self.place_s, self.plays, float(message.args[-1])))  # type: ignore[arg-type]

    def follow(self, until_s: float) -> FollowReport:
        link = SimpleNamespace(transport=SimpleNamespace(gap_ms=1.0), send=self.take)
        [fader] = courses_of(Strip(fader_db=-20), FADER, desk="reaper").values()
        connection: Any = SimpleNamespace(link=link, dialect=Blind())
        try:
            return LaneFollower(connection, self.song, [fader], now=lambda: self.now).run(
                lambda: self.now > 50.0 + until_s
            )
        finally:
            self.song.close()


@pytest.mark.parametrize("lost", [set(), {"/play"}])
def test_reaper_is_followed_from_start_to_stop_and_elsewhere(lost: set[str]) -> None:
    """Located to 1.2 s, it plays to 2.6 s, is located to 3.5 s while it plays, stops at 4.5 s and goes back."""
    reaper = Reaper()
    reaper.lost = lost
    reaper.events = {0.5: (1.2, False), 1.0: (1.2, True), 2.4: (3.5, True), 3.4: (1.2, False)}
    report = reaper.follow(5.0)
    row = parameters(Strip)["fader_db"]
    steady = [item for item in reaper.sent if 51.2 < item[0] < 52.4 or 53.0 < item[0] < 53.4]
    assert len(steady) > 50
    for _, place, _, value in steady:
        ends = [value_at(FADER, row, place + off) for off in (-0.05, 0.0, 0.05)]
        assert min(ends) - 0.2 <= value <= max(ends) + 0.2
    values = [value for *_, value in reaper.sent]
    assert max(abs(later - earlier) for earlier, later in itertools.pairwise(values)) <= 1.4 + 1e-6
    assert values[-1] == pytest.approx(value_at(FADER, row, 1.2), abs=0.1)  # where the cursor went back to
    assert report.cancelled
    if not lost:
        assert report.passes == 1


def test_reapers_stop_is_known_at_once() -> None:
    """Taken from its silence, a stop would be known after 0.3 s, in which the fader went on."""
    reaper = Reaper()
    reaper.events = {0.2: (1.5, True), 1.0: (2.3, False)}
    reaper.follow(2.0)
    row = parameters(Strip)["fader_db"]
    stood = [value for now, _, plays, value in reaper.sent if now > 51.03 and not plays]
    assert stood
    assert all(value == pytest.approx(value_at(FADER, row, 2.3), abs=0.4) for value in stood)


def test_a_program_on_ipv6_is_heard() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    song = FedSong(SongFeed(address="/time", port=port), "::1")
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as sender:
            sender.sendto(encode(Message("/time", (7.0,))), ("::1", port))
        song.wait(0.05)
        assert song.clock.at(0.0) is not None
    except OSError:
        pytest.skip("this machine has no IPv6")
    finally:
        song.close()


@pytest.mark.parametrize("desk", ["x32", "xair", "wing"])
def test_a_mixer_has_no_song_and_what_to_do_is_said(desk: str) -> None:
    mix = Preset(tracks=(Track(name="Vox", lanes=(FADER,)),))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as mixer:
        mixer.bind(("127.0.0.1", 0))
        with pytest.raises(DeskError, match=r"does not tell where its song is.*session insert.*apply"):
            play_preset(mix, f"{desk}://127.0.0.1:{mixer.getsockname()[1]}")
        mixer.setblocking(False)
        with pytest.raises(BlockingIOError):
            mixer.recv(100)
