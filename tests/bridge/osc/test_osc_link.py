"""Links: targets, pacing, what the network may do, UDP and TCP."""

from __future__ import annotations

import itertools
import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import pytest
from mixbridge.bridge.desks.profile import Transport
from mixbridge.bridge.osc.link import Link, Pacer, Target
from mixbridge.bridge.osc.packets import Message
from mixbridge.presets.errors import DeskError
from sent_datagrams import Sent
from udp_peer import Reply, UdpPeer, Value


class Echo(UdpPeer):
    def replies(self, address: str, values: tuple[Value, ...], time_s: float) -> Sequence[Reply]:
        return [(address, values)]


def open_udp(port: int, **transport: object) -> Link:
    return Link.open(Target("x32", "127.0.0.1", port), Transport(port=1, **transport))


@pytest.mark.parametrize(
    ("text", "target"),
    [
        ("x32://192.168.1.20", Target("x32", "192.168.1.20")),
        ("ardour://127.0.0.1:3819", Target("ardour", "127.0.0.1", 3819)),
        (" x32://desk.local:10023/ ", Target("x32", "desk.local", 10023)),
        ("my desks/x.toml://10.0.0.2:9", Target("my desks/x.toml", "10.0.0.2", 9)),
        ("C:\\desks\\x.toml://10.0.0.2", Target("C:\\desks\\x.toml", "10.0.0.2")),
        ("x32://[fe80::1]:10023", Target("x32", "fe80::1", 10023)),
    ],
)
def test_targets(text: str, target: Target) -> None:
    assert Target.parse(text) == target


@pytest.mark.parametrize(
    "text", ["", "x32", "x32://", "://host", "x32://a:b", "x32://h:0", "x32://h:65536", "x32://::1"]
)
def test_what_is_no_target_is_said_with_the_form_it_has(text: str) -> None:
    with pytest.raises(DeskError, match=r"x32://192|between 1 and 65535"):
        Target.parse(text)


@pytest.mark.parametrize(("gap_ms", "burst"), [(1.0, 1), (2.0, 10), (0.5, 3)])
def test_no_stretch_of_time_sees_more_than_the_pacing_allows(gap_ms: float, burst: int, sent: list[Sent]) -> None:
    with Echo() as peer, open_udp(peer.port, gap_ms=gap_ms, burst=burst) as link:
        for number in range(80):
            link.send(Message("/a", (number,)))
        while link.receive(0.3) is not None:
            pass
    times = [each.time_s for each in sent]
    assert len(peer.arrivals) == len(times) == 80
    for first in range(len(times)):
        for last in range(first + 1, len(times)):
            # So many may follow each other within a time that ends with the last of them.
            assert last - first + 1 <= burst + (times[last] - times[first]) / (gap_ms / 1000.0)


def test_threads_and_links_to_one_desk_share_its_pace(sent: list[Sent]) -> None:
    with Echo() as peer, open_udp(peer.port) as one, open_udp(peer.port) as other:
        threads = [
            threading.Thread(target=lambda link=link: [link.send(Message("/a")) for _ in range(25)])
            for link in (one, other, one, other)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        while one.receive(0.2) is not None:
            pass
    assert len(peer.arrivals) == len(sent) == 100
    assert min(later.time_s - earlier.time_s for earlier, later in itertools.pairwise(sent)) >= 0.001


def test_the_pacer_never_shortens_a_gap_after_being_late() -> None:
    now = [0.0]
    pacer = Pacer(gap_ms=10, burst=1, clock=lambda: now[0])
    sent = []

    def sleep(seconds: float) -> None:
        now[0] += seconds

    for late in (0.0, 0.025, 0.0, 0.0):
        now[0] += late
        with pacer.turn(sleep):
            sent.append(now[0])
            now[0] += 0.004  # the sending itself took long
    assert [round(b - a, 6) for a, b in itertools.pairwise(sent)] == [0.029, 0.014, 0.014]


def test_one_socket_serves_both_directions_and_keeps_types() -> None:
    with Echo() as peer, open_udp(peer.port) as link:
        link.send(Message("/a", (1, 0.5, "x")))
        answer = link.receive(20.0)
    assert answer == Message("/a", (1, 0.5, "x"))
    assert [type(value) for value in peer.arrivals[0].values] == [int, float, str]
    assert len(peer.clients) == 1


def test_answers_come_to_the_reply_port_where_a_desk_has_one() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with Echo() as peer, open_udp(peer.port, reply_port=port) as link:
        link.send(Message("/a"))
        assert link.receive(20.0) == Message("/a")
        assert peer.clients[0][1] == port
        with pytest.raises(DeskError, match=rf"{port}.*Close the other program"):
            open_udp(peer.port, reply_port=port)


def test_nobody_there_is_said_with_host_port_and_remedy() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with open_udp(port, dialect="ardour") as link:
        link.send(Message("/a"))
        with pytest.raises(DeskError, match=rf"127\.0\.0\.1:{port}.*OSC on"):
            link.receive(20.0)


def test_an_unknown_host_is_said() -> None:
    with pytest.raises(DeskError, match=r"no-such-host\.invalid.*IP address"):
        Link.open(Target("x32", "no-such-host.invalid"), Transport(port=10023))


def test_a_stranger_is_not_heard() -> None:
    with Echo() as peer, open_udp(peer.port) as link, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        link.send(Message("/a"))
        assert link.receive(20.0) == Message("/a")
        stranger.sendto(b"/b\0\0,\0\0\0", peer.clients[0])
        assert link.receive(0.2) is None


def test_bytes_that_are_no_osc_are_dropped_and_bundles_are_opened() -> None:
    with Echo() as peer, open_udp(peer.port) as link:
        link.send(Message("/a"))
        assert link.receive(20.0) is not None
        element = b"\0\0\0\x08/b\0\0,\0\0\0"
        for datagram in (
            b"",
            b"x",
            b"/a\0\0,f\0\0",
            b"#bundle\0" + bytes(8) + b"\xff\xff\xff\xfc",
            b"/\xff\xff\0,\0\0\0",
        ):
            peer.say(datagram)
        peer.say(b"#bundle\0" + bytes(8) + element + element)
        assert [link.receive(20.0), link.receive(20.0), link.receive(0.1)] == [Message("/b"), Message("/b"), None]
        assert link.dropped == 5


def test_what_does_not_fit_into_a_datagram_is_not_sent() -> None:
    with Echo() as peer, open_udp(peer.port, max_bytes=64) as link:
        with pytest.raises(DeskError, match="64"):
            link.send(Message("/name", ("x" * 60,)))
        link.send(Message("/end"))
        assert link.receive(20.0) == Message("/end")
    assert [arrival.address for arrival in peer.arrivals] == ["/end"]


@contextmanager
def stream_echo(times: int) -> Iterator[int]:
    """Sends every byte back that arrives, a few at a time, until so many frames came; then closes."""
    server = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        peer, _ = server.accept()
        ends = 0
        with peer:
            while ends < 2 * times:
                data = peer.recv(5)
                ends += data.count(b"\xc0")
                peer.sendall(data)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    with server:
        yield server.getsockname()[1]
        thread.join(5)


def test_tcp_frames_messages_by_slip() -> None:
    # -3.0 and 0xdb hold the two bytes that SLIP escapes.
    messages = [Message("/a", (-3.0,)), Message("/b", (0xDBC0, "x")), Message("/c")]
    transport = Transport(protocol="tcp", port=1)
    with stream_echo(len(messages)) as port, Link.open(Target("x", "127.0.0.1", port), transport) as link:
        for message in messages:
            link.send(message)
        assert [link.receive(20.0) for _ in messages] == messages
        with pytest.raises(DeskError, match="closed the connection"):
            link.receive(20.0)


def test_a_refused_tcp_connection_is_said() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with pytest.raises(DeskError, match=rf"Nobody listens for OSC at 127\.0\.0\.1:{port}"):
        Link.open(Target("x", "127.0.0.1", port), Transport(protocol="tcp", port=1))
