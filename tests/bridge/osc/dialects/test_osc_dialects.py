"""What desks other than the X32 are told and asked, against stand-ins that answer as theirs is written down."""

from __future__ import annotations

import itertools
import math
import socket
from collections.abc import Sequence

import pytest
from mixbridge.bridge.desks.loading import load_desk
from mixbridge.bridge.desks.profile import Desk
from mixbridge.bridge.osc.connection import Connection, connect
from mixbridge.bridge.osc.dialects.base import DeskInfo
from mixbridge.bridge.osc.exchange import hello, push, read, track_names
from mixbridge.bridge.osc.link import Target
from mixbridge.bridge.osc.packets import Message
from mixbridge.bridge.osc.ramp import ramp
from sent_datagrams import Sent
from udp_peer import Reply, UdpPeer, Value, Weather


def hurried(desk: Desk, **transport: object) -> Desk:
    return desk.model_copy(update={"transport": desk.transport.model_copy(update=transport)})


def connection_to(peer: UdpPeer, desk: Desk) -> Connection:
    return connect(Target(desk.name, "127.0.0.1", peer.port), desk)


class WingPeer(UdpPeer):
    """Answers a number as text, as a position and as what it is; text as it is."""

    held: dict[str, Value]

    def replies(self, address: str, values: tuple[Value, ...], time_s: float) -> Sequence[Reply]:
        if address == "/?":
            return [(address, ("WING,127.0.0.1,FOH,ngc-full,NO_SERIAL,3.0.6",))]
        if values:
            self.held[address] = values[0]
            return []
        value = self.held.get(address, 0.0)
        return [(address, (value,) if isinstance(value, str) else (f"{value:g}", 0.5, value))]


def test_a_wing_tells_the_value_as_the_profile_sends_it() -> None:
    desk = load_desk("wing")
    keys = [key for key in ("fader_db", "pan", "mute", "compressor.ratio") if desk.scale("track", key) is not None]
    values = {key: {"fader_db": -6.0, "compressor.ratio": 4.0}.get(key, 0.0) for key in keys}
    settings = desk.settings("track", 2, values)
    with WingPeer(Weather.all(0.1), Weather.all(0.1), 1) as peer, connection_to(peer, desk) as connection:
        peer.held = {}
        assert hello(connection) == DeskInfo(model="WING ngc-full", name="FOH", firmware="3.0.6")
        assert push(connection, settings).complete
    assert {address: type(value) for address, value in peer.held.items()} == {
        setting.address: type(setting.value) for setting in settings if setting.address in peer.held
    }
    assert "fader_db" in keys


def test_a_wing_is_asked_for_the_name_that_it_shows() -> None:
    """A channel without a name of its own shows that of its source."""
    desk = load_desk("wing")
    with WingPeer() as peer, connection_to(peer, desk) as connection:
        peer.held = {"/ch/3/name": "", "/ch/3/$name": "Vox"}
        names = desk.questions("track", 3)[0]
        assert read(connection, [names]) == {names: "Vox"}
    assert {arrival.address for arrival in peer.arrivals} == {"/ch/3/$name"}


def test_a_glide_ends_at_its_target_where_answers_may_be_off() -> None:
    """A WING's grid is not known: half a dB counts as the same."""
    desk = load_desk("wing")
    (fader,) = desk.settings("track", 2, {"fader_db": -6.0})
    with WingPeer() as peer, connection_to(peer, desk) as connection:
        peer.held = {"/ch/2/fdr": -9.0}
        assert ramp(connection, [fader], over_ms=200).complete
    assert peer.held["/ch/2/fdr"] == -6.0


class LivePeer(UdpPeer):
    """AbletonOSC: getters repeat their arguments before the value, and all answers go to one port."""

    reply_port = 0
    names: Sequence[str] = ()
    held: dict[tuple[Value, ...], Value]

    def reply_address(self, client: tuple[str, int]) -> tuple[str, int]:
        return client[0], self.reply_port

    def replies(self, address: str, values: tuple[Value, ...], time_s: float) -> Sequence[Reply]:
        if address == "/live/application/get/version":
            return [(address, (12, 1))]
        if address == "/live/song/get/num_tracks":
            return [(address, (len(self.names),))]
        if address == "/live/song/get/track_names":
            return [(address, tuple(self.names))]
        place = address.replace("/set/", "/get/")
        if "/set/" in address:
            self.held[place, *values[:-1]] = values[-1]
            return []
        return [(address, (*values, self.held.get((place, *values), 0.0)))]


@pytest.fixture
def live() -> Desk:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind(("127.0.0.1", 0))
        return hurried(load_desk("ableton"), reply_port=free.getsockname()[1])


def live_peer(desk: Desk) -> LivePeer:
    peer = LivePeer()
    peer.held = {}
    peer.reply_port = desk.transport.reply_port or 0
    return peer


def test_live_is_asked_by_get_with_the_arguments_of_set(live: Desk) -> None:
    settings = [
        setting
        for number in itertools.islice(live.track.numbers, 3)
        for setting in live.settings("track", number, {"fader_db": -6.0 - number, "pan": 0.25})
    ]
    with live_peer(live) as peer, connection_to(peer, live) as connection:
        assert hello(connection) == DeskInfo(model="Ableton Live", firmware="12.1")
        outcome = push(connection, settings)
        again = push(connection, settings)
    assert outcome.complete
    assert {result.state for result in again.results} == {"same"}
    asked = {arrival.address for arrival in peer.arrivals if "/get/" in arrival.address}
    told = {arrival.address for arrival in peer.arrivals if "/set/" in arrival.address}
    assert {address.replace("/set/", "/get/") for address in told} <= asked


def test_live_gets_no_more_than_ten_values_a_second_for_a_parameter(live: Desk, sent: list[Sent]) -> None:
    number = live.track.numbers[0]
    (target,) = live.settings("track", number, {"fader_db": 0.0})
    with live_peer(live) as peer, connection_to(peer, live) as connection:
        peer.held["/live/track/get/volume", *target.before] = target.scale.encode(-12.0)
        assert ramp(connection, [target], over_ms=100).complete
    times = [each.time_s for each in sent if each.message.address == target.address]
    assert len(times) > 3
    # The last is the proof's, which comes after a rest.
    assert min(later - earlier for earlier, later in itertools.pairwise(times[:-1])) >= 0.0999


@pytest.mark.parametrize("count", [0, 3, 40])
def test_live_is_asked_for_all_names_at_once(live: Desk, count: int) -> None:
    with live_peer(live) as peer, connection_to(peer, live) as connection:
        peer.names = [f"Track {number}" for number in range(1, count + 1)]
        assert track_names(connection, live) == {number: f"Track {number}" for number in range(1, count + 1)}
    assert len(peer.arrivals) <= 4


class Deaf(UdpPeer):
    def replies(self, address: str, values: tuple[Value, ...], time_s: float) -> Sequence[Reply]:
        return []


@pytest.mark.parametrize("name", ["generic", "reaper"])
def test_a_desk_that_cannot_be_asked_gets_every_value_once_and_proves_none(name: str) -> None:
    desk = load_desk(name)
    settings = desk.settings("track", 1, {"fader_db": -6.0, "pan": -0.5})
    with Deaf() as peer, connection_to(peer, desk) as connection:
        assert hello(connection) is None
        assert track_names(connection, desk) == {}
        assert read(connection, settings) == dict.fromkeys(settings)
        outcome = push(connection, settings)
        moved = ramp(connection, settings[:1], over_ms=40)
        connection.link.receive(0.1)
    assert [result.state for result in outcome.results] == ["unverifiable"] * len(settings)
    assert [result.state for result in moved.results] == ["unverifiable"]
    assert not outcome.complete
    assert len(outcome.results) == outcome.datagrams
    assert all(arrival.values for arrival in peer.arrivals)
    assert [arrival.address for arrival in peer.arrivals[: len(settings)]] == [setting.address for setting in settings]


def test_reaper_deselects_all_tracks_before_a_push() -> None:
    """What is set on a selected track is set on all that are selected."""
    desk = load_desk("reaper")
    settings = desk.settings("track", 2, {"pan": 0.5, "name": "Bass"})
    with Deaf() as peer, connection_to(peer, desk) as connection:
        connection.dialect.before_push(connection.link, settings, to_manual=False)
        push(connection, settings)
        connection.link.receive(0.1)
    sent = [(arrival.address, arrival.values[0]) for arrival in peer.arrivals]
    assert sent == [("/action", 40297), ("/track/2/name", "Bass"), ("/track/2/pan", 0.75)]


def test_an_end_from_outside_of_a_blind_push_says_what_was_sent() -> None:
    desk = load_desk("generic")
    settings = [desk.settings("track", number, {"pan": 0.5})[0] for number in range(1, 6)]
    counter = itertools.count()
    with Deaf() as peer, connection_to(peer, desk) as connection:
        outcome = push(connection, settings, cancel=lambda: next(counter) == 2)
        connection.link.receive(0.1)
    assert outcome.cancelled
    assert [result.state for result in outcome.results] == ["unverifiable"] * 2 + ["unsent"] * 3
    assert len(peer.arrivals) == 2


class Slow(UdpPeer):
    """Answers from a queue that nobody empties until the barrier asks: counts what came between two answers."""

    def __init__(self) -> None:
        super().__init__()
        self.held: dict[str, Value] = {}

    def replies(self, address: str, values: tuple[Value, ...], time_s: float) -> Sequence[Reply]:
        if values:
            self.held[address] = values[0]
            return []
        return [(address, (self.held.get(address, 0.0),))]


def test_a_barrier_waits_for_an_answer_after_so_many_messages() -> None:
    desk = hurried(load_desk("x32"), barrier_every=6, gap_ms=0.0)
    settings = [desk.settings("track", number, {"pan": 0.5})[0] for number in range(1, 33)]
    unanswered = []
    with Slow() as peer, connection_to(peer, desk) as connection:
        receive, sent_when_heard = connection.link.receive, [0]

        def counted(timeout_s: float) -> Message | None:
            message = receive(timeout_s)
            unanswered.append(connection.link.sent - sent_when_heard[0])
            if message is not None:
                sent_when_heard[0] = connection.link.sent
            return message

        connection.link.receive = counted  # type: ignore[method-assign]
        assert push(connection, settings).complete
    assert 0 < max(unanswered) <= 6


def test_levels_of_scales_that_reach_silence_are_finite() -> None:
    for name in ("x32", "xair", "wing", "ardour", "reaper", "ableton", "generic"):
        scale = load_desk(name).scale("track", "fader_db")
        assert scale is not None
        assert math.isfinite(float(scale.low or 0.0))
        assert math.isfinite(float(scale.decode(scale.encode(float(scale.low or 0.0)))))
