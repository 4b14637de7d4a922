"""The OSC server over real sockets on loopback, as a controller meets it."""

import socket
import threading
import time

import pytest
from mixbridge.bridge.osc.packets import Message, bundle, decode, encode
from mixbridge.bridge.server.gate import TokenBuckets
from mixbridge.bridge.server.server import OscServer
from mixbridge.bridge.server.subscribers import Subscribers
from mixbridge.bridge.server.surface import Actions
from mixbridge.presets.console import Master, Strip
from mixbridge.presets.errors import DeskError, PresetError
from mixbridge.presets.preset import Preset, Track

# Long enough for a busy machine where something has to come; short where nothing may.
PATIENCE_S, SILENCE_S = 20.0, 0.2

PRESET = Preset(
    tracks=(Track(name="Bass", strip=Strip(fader_db=-6)), Track(name="Vox"), Track(name="Keys")),
    master=Master(output_gain_db=-1),
)
PAN = "/mixbridge/track/2/pan"


class Clock:
    def __init__(self):
        self.now_s = 0.0

    def __call__(self):
        return self.now_s


class Controller:
    """A controller with a socket of its own."""

    def __init__(self, server):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.server = server
        self.waiting = []

    def send(self, address, *args, types=None):
        self.raw(encode(Message(address, args), types))

    def raw(self, datagram):
        self.socket.sendto(datagram, self.server.address)

    def next(self):
        """The next message from the server."""
        self.socket.settimeout(PATIENCE_S)
        while not self.waiting:
            self.waiting = decode(self.socket.recv(65536))
        return self.waiting.pop(0)

    def ask(self, address, *args):
        self.send(address, *args)
        return self.next()

    def value(self, address):
        answer = self.ask(address)
        assert answer.address == address
        (value,) = answer.args
        return value

    def assert_hears_nothing(self):
        self.socket.settimeout(SILENCE_S)
        assert not self.waiting
        with pytest.raises(TimeoutError):
            self.socket.recv(65536)

    def status(self, action):
        """How a job that was asked for ended, and what was said."""
        busy = self.next()
        assert busy == Message("/mixbridge/status", (action, "busy", ""))
        done = self.next()
        assert (done.address, done.args[0]) == ("/mixbridge/status", action)
        return done.args[1:]


@pytest.fixture
def serve():
    """Starts servers, and closes them in the end.

    One that a test gives datagrams itself does not listen: its thread would do what is held at the same time.
    """
    servers = []

    def serve(preset=PRESET, actions=None, listens=True, **options):
        server = OscServer(preset, actions, port=0, **options)
        servers.append(server)
        if listens:
            server.start()
        return server

    yield serve
    for server in servers:
        server.close()
        assert server.counts.faults == 0


@pytest.fixture
def connect():
    """Makes controllers."""
    controllers = []

    def connect(server):
        controllers.append(Controller(server))
        return controllers[-1]

    yield connect
    for controller in controllers:
        controller.socket.close()


@pytest.fixture
def server(serve):
    return serve()


@pytest.fixture
def controller(server, connect):
    return connect(server)


class TestSettings:
    def test_asked_set_and_asked_again(self, controller, server):
        assert controller.value("/mixbridge/track/1/fader_db") == -6
        controller.send("/mixbridge/track/1/fader_db", -3.5)
        assert controller.value("/mixbridge/track/1/fader_db") == -3.5
        controller.send("/mixbridge/track/1/eq/2/gain_db", 3, types="i")
        assert controller.value("/mixbridge/track/1/eq/2/gain_db") == 3.0
        strip = server.current.preset.tracks[0].strip
        assert (strip.fader_db, strip.eq.band0.gain_db) == (-3.5, 3)

    def test_tracks_are_counted_and_named(self, controller):
        assert controller.value("/mixbridge/track/count") == 3
        assert controller.value("/mixbridge/track/3/name") == "Keys"

    def test_a_whole_strip_comes_in_one_answer(self, controller):
        controller.send("/mixbridge/track/1")
        controller.socket.settimeout(PATIENCE_S)
        size, messages = 0, []
        while not {"/mixbridge/track/1/name", "/mixbridge/track/1/delay_send_db"} <= {m.address for m in messages}:
            datagram = controller.socket.recv(65536)
            size = max(size, len(datagram))
            messages += decode(datagram)
        assert Message("/mixbridge/track/1/fader_db", (-6.0,)) in messages
        assert size <= 1472  # one Ethernet frame

    @pytest.mark.parametrize(
        ("address", "args", "words"),
        [
            ("/mixbridge/track/1/eq/2/gain_db", (30.0,), "30 is out of range: -24 to 24 dB"),
            (PAN, (float("nan"),), "nan is no number"),
            (PAN, (float("inf"),), "inf is no number"),
            (PAN, ("left",), "'left' is no number"),
            (PAN, (0.1, 0.2), "one value is wanted, not 2"),
            ("/mixbridge/track/9/pan", (0.0,), "there is no track '9': they are numbered 1 to 3"),
            ("/mixbridge/track/1/name", ("x",), "not be changed"),
            ("/mixbridge/nonsense", (), "there is no address"),
            ("/elsewhere", (1,), "there is no address"),
            ("#reply", (1,), "there is no address"),
            ("/mixbridge/undo", (), "nothing to undo"),
            ("/mixbridge/amount", (9.0,), "out of range"),
            ("/mixbridge/amount", (float("nan"),), "the amount is a number"),
            ("/mixbridge/predict", (), "with stems and a reference"),
            ("/mixbridge/push", (), "no desk to push to"),
            ("/mixbridge/save", (), "saves nothing"),
            ("/mixbridge/subscribe", (80,), "port 80"),
            ("/mixbridge/subscribe", (9001, 10**6), "lasts 1 to 600 s"),
            ("/mixbridge/subscribe", ("x",), "whole numbers"),
            ("/mixbridge/subscribe", (9001.5,), "whole numbers"),
            ("/mixbridge/subscribe", (float("nan"),), "whole numbers"),
        ],
    )
    def test_what_cannot_be_done_is_said(self, controller, server, address, args, words):
        answer = controller.ask(address, *args)
        assert answer.address == "/mixbridge/error"
        assert address in answer.args[0]
        assert words in answer.args[0]
        assert server.current.preset is PRESET

    def test_bundles_are_done_in_order_whenever_they_are_for(self, controller):
        messages = [encode(Message(PAN, (value,))) for value in (0.25, -0.5)]
        future = b"\xff" * 8
        controller.raw(bundle(messages).replace(b"\0\0\0\0\0\0\0\1", future, 1))
        assert controller.value(PAN) == -0.5

    def test_answers_of_other_servers_are_not_answered(self, controller):
        controller.send("/mixbridge/error", "what?")
        controller.send("/mixbridge/status", "push", "done", "")
        controller.assert_hears_nothing()
        assert controller.ask("/mixbridge/status").args == ("", "idle", "")


class TestAmountAndUndo:
    def test_amount(self, controller):
        controller.send("/mixbridge/amount", 0.5)
        assert controller.value("/mixbridge/track/1/fader_db") == pytest.approx(-3)
        assert controller.value("/mixbridge/amount") == 0.5
        controller.send("/mixbridge/amount", 1)
        assert controller.value("/mixbridge/track/1/fader_db") == pytest.approx(-6)

    def test_undo_by_message_and_by_button(self, controller, server):
        controller.send(PAN, 0.5)
        controller.send("/mixbridge/undo")
        assert controller.value(PAN) == 0
        assert server.current.preset is PRESET
        controller.send(PAN, 0.5)
        controller.send("/mixbridge/undo", 1.0)
        controller.send("/mixbridge/undo", 0.0)  # the button is let go
        assert controller.value(PAN) == 0


class TestJobs:
    def test_predict_replaces_the_preset_and_can_be_undone(self, serve, connect):
        new = Preset(tracks=(Track(name="Drums", strip=Strip(pan=0.5)),))
        server = serve(actions=Actions(predict=lambda: new))
        controller = connect(server)
        controller.send("/mixbridge/predict")
        assert controller.status("predict") == ("done", "a preset for 1 track")
        assert server.current.preset is new
        assert controller.value("/mixbridge/track/count") == 1
        controller.send("/mixbridge/undo")
        assert controller.value("/mixbridge/track/count") == 3

    def test_save_and_push_take_the_preset_as_it_was_when_they_were_asked_for(self, serve, connect):
        done = []
        actions = Actions(
            push=lambda preset, target: done.append((preset.tracks[1].strip.pan, target)) or "pushed",
            save=lambda preset, name: done.append((preset.tracks[1].strip.pan, name)) or "saved",
        )
        controller = connect(serve(actions=actions))
        controller.send(PAN, 0.25)
        for address, args in (("push", ("x32://10.0.0.2",)), ("push", ()), ("save", ("mine",)), ("save", (1.0,))):
            controller.send(f"/mixbridge/{address}", *args)
            assert controller.status(address)[0] == "done"
        assert done == [(0.25, "x32://10.0.0.2"), (0.25, None), (0.25, "mine"), (0.25, None)]
        controller.send("/mixbridge/save", 0.0)
        controller.assert_hears_nothing()
        assert len(done) == 4

    def test_one_at_a_time_while_settings_go_on(self, serve, connect):
        go_on = threading.Event()
        actions = Actions(predict=lambda: go_on.wait(PATIENCE_S) and PRESET, save=lambda preset, name: "saved")
        controller = connect(serve(actions=actions))
        controller.send("/mixbridge/predict")
        assert controller.next().args == ("predict", "busy", "")
        assert controller.ask("/mixbridge/save").args == (
            "save",
            "error",
            "predict is not done yet: ask again after it",
        )
        assert controller.ask("/mixbridge/status").args == ("predict", "busy", "")
        controller.send(PAN, 0.5)
        assert controller.value(PAN) == 0.5
        go_on.set()
        assert controller.next().args[:2] == ("predict", "done")
        controller.send("/mixbridge/save")  # it may come as soon as "done" was said
        assert controller.status("save") == ("done", "saved")

    @pytest.mark.parametrize(
        ("error", "words"),
        [(PresetError("the stems have gone"), "the stems have gone"), (KeyError("x"), "unexpected error (KeyError)")],
    )
    def test_a_job_that_fails_says_so(self, serve, connect, error, words):
        def fails():
            raise error

        controller = connect(serve(actions=Actions(predict=fails)))
        for _ in range(2):
            controller.send("/mixbridge/predict")
            state, said = controller.status("predict")
            assert state == "error"
            assert words in said
        assert controller.value("/mixbridge/track/count") == 3


class TestSubscriptions:
    @pytest.fixture
    def clock(self):
        return Clock()

    @pytest.fixture
    def server(self, serve, clock):
        return serve(actions=Actions(predict=lambda: PRESET), subscribers=Subscribers(clock))

    @pytest.fixture
    def other(self, server, connect):
        """A controller that has subscribed."""
        other = connect(server)
        other.send("/mixbridge/subscribe")
        assert other.value("/mixbridge/track/count") == 3
        return other

    def test_changes_of_others_are_heard_ones_own_are_not(self, controller, other):
        controller.send(PAN, 0.5)
        assert other.next() == Message(PAN, (0.5,))
        controller.send(PAN, 0.5)
        other.send("/mixbridge/track/3/mute", 1)
        assert controller.value("/mixbridge/track/3/mute") == 1
        other.assert_hears_nothing()
        controller.assert_hears_nothing()

    def test_undo_and_amount_are_news_to_who_asked_too(self, controller, other):
        other.send(PAN, 0.5)
        other.send("/mixbridge/undo")
        assert other.next() == Message(PAN, (0.0,))
        other.send("/mixbridge/amount", 0.0)
        assert {other.next().address for _ in range(2)} == {
            "/mixbridge/track/1/fader_db",
            "/mixbridge/master/fader_db",
        }
        controller.send("/mixbridge/amount", 1.0)
        assert [other.next().address for _ in range(3)][-1] == "/mixbridge/amount"

    def test_what_becomes_of_jobs_is_heard(self, controller, other):
        controller.send("/mixbridge/predict")
        assert controller.status("predict")[0] == "done"
        assert other.status("predict")[0] == "done"

    def test_it_runs_out_unless_something_is_said(self, controller, other, clock):
        for _ in range(3):
            clock.now_s += 9
            assert other.value(PAN) is not None
        clock.now_s += 10
        controller.send(PAN, 0.5)
        assert controller.value(PAN) == 0.5
        other.assert_hears_nothing()

    def test_it_can_be_longer_and_ended(self, controller, other, clock):
        other.send("/mixbridge/subscribe", 0, 600)
        assert other.value(PAN) == 0
        clock.now_s += 599
        controller.send(PAN, 0.5)
        assert other.next() == Message(PAN, (0.5,))
        other.send("/mixbridge/unsubscribe")
        assert other.value(PAN) == 0.5
        controller.send(PAN, 0.25)
        assert controller.value(PAN) == 0.25
        other.assert_hears_nothing()

    def test_answers_at_another_port(self, controller, server, connect):
        """TouchOSC sends from one port and listens at another."""
        ear = connect(server)
        controller.send("/mixbridge/subscribe", float(ear.port))
        controller.send(PAN)
        assert ear.next() == Message(PAN, (0.0,))
        controller.assert_hears_nothing()

    def test_a_button_subscribes_too(self, controller, other):
        controller.send("/mixbridge/subscribe", 1.0)
        controller.send("/mixbridge/subscribe", 0.0)
        assert controller.value(PAN) == 0
        other.send(PAN, 0.5)
        assert controller.next() == Message(PAN, (0.5,))

    def test_there_is_an_end_to_them(self, controller, server, connect):
        subscribed = [connect(server) for _ in range(32)]
        for other in subscribed:
            other.send("/mixbridge/subscribe")
            assert other.value(PAN) == 0
        assert "32 subscribers" in controller.ask("/mixbridge/subscribe").args[0]
        subscribed[0].send("/mixbridge/subscribe")
        subscribed[0].send("/mixbridge/unsubscribe")
        assert subscribed[0].value(PAN) == 0
        controller.send("/mixbridge/subscribe")
        subscribed[1].send(PAN, 0.5)
        assert controller.next() == Message(PAN, (0.5,))

    def test_a_big_change_arrives_whole(self, serve, connect):
        tracks = tuple(Track(name=f"Track {number}") for number in range(64))
        changed = tuple(
            track.model_copy(update={"strip": Strip(fader_db=-1, pan=0.5, input_gain_db=2)}) for track in tracks
        )
        server = serve(Preset(tracks=tracks), Actions(predict=lambda: Preset(tracks=changed)))
        controller = connect(server)
        controller.send("/mixbridge/subscribe", 0, 600)
        controller.send("/mixbridge/predict")
        heard = {}
        while len(heard) < 64 * 3:
            message = controller.next()
            if message.address != "/mixbridge/status":
                heard[message.address] = message.args
        assert heard["/mixbridge/track/64/fader_db"] == (-1.0,)
        assert server.counts.unsent == 0


class TestStrangersAndFloods:
    def test_a_stranger_changes_nothing_and_hears_nothing(self, server):
        server.receive(encode(Message(PAN, (0.5,))), ("192.168.1.20", 9000))
        assert server.current.preset is PRESET
        assert (server.counts.strangers, server.counts.messages) == (1, 0)

    def test_who_is_allowed_is_heard(self, serve):
        server = serve(listens=False, host="127.0.0.1", allow=["192.168.1.0/24"])
        server.receive(encode(Message(PAN, (0.5,))), ("192.168.1.20", 9000))
        assert server.current.preset.tracks[1].strip.pan == 0.5

    def test_no_network_without_a_list(self):
        for host in ("0.0.0.0", "192.168.1.5"):
            with pytest.raises(DeskError, match="name those who may"):
                OscServer(PRESET, host=host, port=0)
            with pytest.raises(DeskError, match="name those who may"):
                OscServer(PRESET, host=host, port=0, allow=["127.0.0.1"])

    def test_where_it_listens(self, serve):
        assert serve().address[0] == "127.0.0.1"
        assert serve(allow=["192.168.1.0/24"]).address[0] == "0.0.0.0"

    @pytest.mark.parametrize("host", ["localhost", "::1", "300.1.1.1"])
    def test_hosts_that_are_none(self, host):
        with pytest.raises(DeskError):
            OscServer(PRESET, host=host, port=0)

    def test_a_port_that_is_taken(self, server):
        with pytest.raises(DeskError, match="another server"):
            OscServer(PRESET, port=server.address[1])

    def test_a_flood_is_dropped_and_others_are_heard(self, serve):
        clock = Clock()
        server = serve(listens=False, buckets=TokenBuckets(1000, 100, clock), allow=["10.0.0.0/8"])
        for number in range(500):
            server.receive(encode(Message(PAN, (number / 1000,))), ("10.0.0.1", 9000))
        assert (server.counts.messages, server.counts.floods) == (100, 400)
        server.receive(encode(Message(PAN, (-1.0,))), ("10.0.0.2", 9000))
        assert server.current.preset.tracks[1].strip.pan == -1
        clock.now_s += 0.01
        server.receive(bundle([encode(Message(PAN, (0.0,)))] * 30), ("10.0.0.1", 9000))
        server.receive(encode(Message(PAN, (1.0,))), ("10.0.0.1", 9000))
        # One was held: the newest of the flood, which is done first.
        assert (server.counts.messages, server.counts.floods) == (132, 401)
        assert server.current.preset.tracks[1].strip.pan == 0.0

    def test_of_a_flood_the_newest_of_each_address_is_done_in_order(self, serve):
        clock = Clock()
        server = serve(listens=False, buckets=TokenBuckets(1000, 100, clock), allow=["10.0.0.0/8"])
        flooder = ("10.0.0.1", 9000)
        for number in range(20_000):
            track, place = number % 2 + 1, round(number / 20_000, 4)
            server.receive(encode(Message(f"/mixbridge/track/{track}/pan", (place,))), flooder)
            server.receive(encode(Message("/mixbridge/undo", (1,))), flooder)
        server.receive(bundle([encode(Message(PAN, (-0.25,))), encode(Message(PAN, (-0.5,)))]), flooder)
        assert server.counts.messages == 100
        assert len(server._held._held["10.0.0.1"]) == 2  # a switch or value each; undo is no value
        clock.now_s += 0.01
        server._release()
        pans = [track.strip.pan for track in server.current.preset.tracks[:2]]
        assert pans == [pytest.approx(0.9999, abs=2e-4), -0.5]
        assert not server._held

    def test_what_is_held_is_bounded_whoever_sends(self, serve):
        server = serve(listens=False, buckets=TokenBuckets(0.0, 1), allow=["10.0.0.0/8"])
        for number in range(10_000):
            server.receive(encode(Message(f"/mixbridge/{number}", (1,))), ("10.0.0.1", 9000))
        server.receive(encode(Message("/nothing", ())), ("10.0.0.2", 9000))
        server.receive(encode(Message(PAN, (0.5,))), ("10.0.0.2", 9000))
        held = server._held._held
        assert sum(len(messages) for messages in held.values()) == 4096
        assert list(held["10.0.0.2"]) == [(("10.0.0.2", 9000), PAN)]  # the flood pays, and nobody else
        assert (("10.0.0.1", 9000), "/mixbridge/9999") in held["10.0.0.1"]

    @pytest.mark.parametrize(
        "datagram",
        [
            b"", b"/", b"\xff" * 100, b"/a\xff\0", b"#bundle\0" + bytes(8) + b"\xff\xff\xff\xfc",
            b"#bundle\0" * 8000, b"/" * 65507, b"/a\0\0,b\0\0\xff\xff\xff\xfc",
        ],
        ids=["empty", "one byte", "noise", "bad UTF-8", "size -4", "bundles", "64 kB", "blob -4"],
    )  # fmt: skip
    def test_hostile_datagrams_are_counted_and_the_server_goes_on(self, controller, server, datagram):
        controller.raw(datagram)
        assert controller.value(PAN) == 0
        assert server.counts.malformed == 1

    def test_a_flood_through_the_socket(self, serve, connect):
        server = serve(buckets=TokenBuckets(1000, 50))
        flooder = connect(server)
        for number in range(3000):
            flooder.send(PAN, number / 3000)
        deadline_s = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline_s:
            flooder.send("/mixbridge/track/count")
            flooder.socket.settimeout(SILENCE_S)
            try:
                assert decode(flooder.socket.recv(65536)) == [Message("/mixbridge/track/count", (3,))]
                break
            except TimeoutError:
                continue
        else:
            pytest.fail("the server did not come back")
        assert server.counts.floods > 0


def test_closing_while_there_is_much_to_say(serve, connect):
    server = serve()
    controller = connect(server)
    controller.send("/mixbridge/subscribe")
    assert controller.value(PAN) == 0
    for _ in range(2000):
        server.queue(("127.0.0.1", controller.port), [Message(PAN, (0.0,))])
    server.close()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("mixbridge osc")]
