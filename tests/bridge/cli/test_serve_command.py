"""`mixbridge serve`, from the command line to what a controller finds."""

import socket
import threading

import pytest
from mixbridge.bridge.cli.desks.serve import Listening, Saving, run_serve
from mixbridge.bridge.cli.desks.serve import _addresses as serve_addresses
from mixbridge.bridge.osc.packets import Message, decode, encode
from mixbridge.presets import files
from mixbridge.presets.console import Strip
from mixbridge.presets.errors import DeskError, OutputError
from mixbridge.presets.preset import Preset, Track

PRESET = Preset(tracks=(Track(name="Bass"), Track(name="Keys"), Track(name="Vox", strip=Strip(pan=0.5))))
PATIENCE_S = 60.0


@pytest.fixture
def path(tmp_path):
    files.save(PRESET, tmp_path / "mine.json")
    return tmp_path / "mine.json"


class Controller:
    def __init__(self, address):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.settimeout(PATIENCE_S)
        self.address = address

    def send(self, address, *args):
        self.socket.sendto(encode(Message(address, args)), self.address)

    def ask(self, address, *args):
        self.send(address, *args)
        (message,) = decode(self.socket.recv(65536))
        return message.args

    def job(self, address, *args):
        """Asks for a job; how it ended."""
        if self.ask(address, *args)[1] == "busy":
            return decode(self.socket.recv(65536))[0].args[1:]
        pytest.fail("the job did not begin")


@pytest.fixture
def serving(path):
    """Runs `run_serve` while a function plays the controller, then presses Ctrl-C; gives what was served."""

    def serving(play, **options):
        stopped = []

        def on_ready(server):
            def session():
                controller = Controller(server.address)
                try:
                    play(controller)
                except BaseException as error:  # shown by the test's own thread
                    stopped.append(error)
                finally:
                    controller.socket.close()
                    server._stop.set()

            threading.Thread(target=session).start()

        served = run_serve(PRESET, path, port=0, on_ready=on_ready, **options)
        if stopped:
            raise stopped[0]
        return served

    return serving


def test_changes_are_kept_until_they_are_saved(serving, path):
    def play(controller):
        controller.send("/mixbridge/track/1/pan", -0.5)
        assert controller.ask("/mixbridge/track/1/pan") == (-0.5,)
        assert files.load(path) == PRESET

    served = serving(play)
    assert not served.is_saved
    assert served.preset.tracks[0].strip.pan == -0.5
    assert served.counts.messages == 2


def test_save_writes_the_served_file_or_a_new_one(serving, path):
    def play(controller):
        controller.send("/mixbridge/track/1/pan", -0.5)
        assert controller.job("/mixbridge/save", "take 2") == ("done", "saved take 2.json")
        assert files.load(path) == PRESET
        assert controller.job("/mixbridge/save") == ("done", "saved mine.json")
        assert controller.job("/mixbridge/save", "take 2")[0] == "error"
        assert controller.job("/mixbridge/save", "../elsewhere")[0] == "error"

    assert serving(play).is_saved
    assert files.load(path).tracks[0].strip.pan == -0.5
    assert files.load(path.with_name("take 2.json")) == files.load(path)
    assert {item.name for item in path.parent.iterdir()} == {"mine.json", "take 2.json"}
    assert not path.parent.with_name("elsewhere.json").exists()


def test_push_is_what_the_caller_gives(serving):
    pushed = []

    def push(preset, target):
        pushed.append((preset, target))
        return "31 of 31 confirmed"

    def play(controller):
        assert controller.job("/mixbridge/push", "x32://10.0.0.2") == ("done", "31 of 31 confirmed")

    serving(play, push=push)
    assert pushed == [(PRESET, "x32://10.0.0.2")]


def test_push_without_a_desk_says_so(serving):
    serving(lambda controller: controller.ask("/mixbridge/push")[0].index("no desk to push to"))


def test_predict_hears_the_stems(serving, session):
    stems = {path.stem: path for path in sorted((session / "stems").iterdir())}

    def play(controller):
        assert controller.job("/mixbridge/predict") == ("done", "a preset for 3 tracks")
        assert controller.ask("/mixbridge/track/3/name") == ("Vox",)

    served = serving(play, listening=Listening(stems, session / "reference.wav", provider="cpu"))
    assert served.preset.provenance.reference.file == "reference.wav"
    assert not served.is_saved


@pytest.mark.parametrize(
    "name",
    [
        "", ".", "..", ".hidden", "../up", "a/b", "a\\b", "/etc/passwd", "C:x", "a\0b", "a\nb", " a", "a ", "a.", "con",
        "NUL.json", "com1", "x" * 101, "~", "*", ".json", "a;b",
    ],
)  # fmt: skip
def test_names_that_lead_elsewhere(path, name):
    with pytest.raises(OutputError, match="no name for a preset"):
        Saving(PRESET, path)(PRESET, name)
    assert [item.name for item in path.parent.iterdir()] == ["mine.json"]


@pytest.mark.parametrize("name", ["a", "Take 2", "take-2_b.json", "Lied (Größe)", "v1.2", "command", "コーラス"])
def test_names_of_files(path, name):
    saving = Saving(PRESET, path)
    assert saving(PRESET, name).startswith("saved ")
    assert files.load(path.parent / f"{name.removesuffix('.json')}.json") == PRESET


def test_a_link_is_not_followed(path):
    (path.parent / "link.json").symlink_to(path.parent / "elsewhere")
    with pytest.raises(OutputError, match="is a link"):
        Saving(PRESET, path)(PRESET, "link")
    assert not (path.parent / "elsewhere").exists()


def test_a_preset_without_a_file_wants_a_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    saving = Saving(PRESET, None)
    with pytest.raises(OutputError, match="give a name"):
        saving(PRESET, None)
    saving(PRESET, "new")
    assert files.load(tmp_path / "new.json") == PRESET


class FakeSocket(socket.socket):
    """Stands in a machine with a network card at .7 of two networks."""

    def connect(self, address):
        self.peer = address[0]
        if self.peer.startswith("172."):
            raise OSError(101, "Network is unreachable")

    def getsockname(self):
        return (f"{self.peer.rpartition('.')[0]}.7", 1)


class TestCommand:
    def test_ctrl_c_is_the_way_to_end_it(self, path, run, monkeypatch):
        monkeypatch.setattr("mixbridge.bridge.server.server.OscServer.serve", _interrupted)
        outcome = run("serve", path, "--port", "0")
        assert outcome.code == 2  # 0 is no port to tell a controller
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        outcome = run("serve", path, "--port", port)
        assert outcome.code == 0, outcome.err
        assert f"mine.json at 127.0.0.1, UDP port {port}" in outcome.err
        assert "not saved" not in outcome.err
        assert run("--quiet", "serve", path, "--port", port).err == ""

    def test_controllers_are_told_an_address_that_they_can_reach(self, path, run, monkeypatch):
        monkeypatch.setattr("mixbridge.bridge.server.server.OscServer.serve", _interrupted)
        monkeypatch.setattr("mixbridge.bridge.cli.desks.serve.socket.socket", FakeSocket)
        assert serve_addresses(["192.168.1.0/24"]) == "192.168.1.7"
        assert serve_addresses(["10.0.0.4", "10.0.0.0/8", "192.168.1.9"]) == "10.0.0.7 and 192.168.1.7"
        assert serve_addresses(["172.16.0.0/12"]) == "every address of this machine"

    def test_the_wildcard_address_is_not_shown(self, path, run, monkeypatch):
        monkeypatch.setattr("mixbridge.bridge.server.server.OscServer.serve", _interrupted)
        outcome = run("serve", path, "--port", "59501", "--allow", "192.168.1.0/24")
        assert outcome.code == 0
        assert "0.0.0.0" not in outcome.err
        assert "UDP port 59501" in outcome.err

    def test_what_was_dropped_and_not_saved_is_said(self, path, run, monkeypatch):
        def serve(server):
            server.receive(b"/", ("127.0.0.1", 1))
            server.receive(b"/", ("10.0.0.1", 1))
            server.receive(encode(Message("/mixbridge/track/1/pan", (0.5,))), ("127.0.0.1", 1))
            raise KeyboardInterrupt

        monkeypatch.setattr("mixbridge.bridge.server.server.OscServer.serve", serve)
        outcome = run("serve", path, "--port", "59500")
        assert "1 messages in 3 datagrams" in outcome.err
        assert "dropped 1 datagrams from senders that are not allowed (see --allow)" in outcome.err
        assert "dropped 1 datagrams that are no OSC" in outcome.err
        assert "the last changes were not saved" in outcome.err

    def test_mistakes(self, path, session, refused):
        refused("serve", path, "--host", "0.0.0.0", words=["--allow 192.168.1.0/24"])
        refused("serve", path, "--allow", "my-tablet", words=["my-tablet", "192.168.1.0/24"])
        refused("serve", "nothing.json", words=["nothing.json"])
        refused(
            "serve", path, "--stems", session / "stems", "--reference", session / "none.wav", words=["none.wav"]
        )  # fmt: skip

    def test_stems_and_reference_belong_together(self, path, session, run):
        outcome = run("serve", path, "--stems", session / "stems")
        assert outcome.code == 2
        assert "--stems and --reference" in outcome.err


def test_a_port_that_is_taken_is_known_before_anything_is_served(path):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        with pytest.raises(DeskError, match="another port"):
            run_serve(PRESET, path, port=taken.getsockname()[1])


def _interrupted(server):
    raise KeyboardInterrupt
