"""No command calls anyone whom the user did not name, looks up a host, or writes outside of what it was given."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
from mixbridge.bridge.osc.packets import Message, decode, encode
from mixbridge.presets import files
from mixbridge.presets.preset import Preset, Track
from tracing import Traced, can_strace, traced, wait_for

pytestmark = [pytest.mark.slow, pytest.mark.skipif(os.name == "nt", reason="needs signals and a home folder")]

RATE_HZ = 44100
# Devices, and the semaphores of torch's processes.
HARMLESS = ("/dev/null", "/dev/tty", "/dev/shm/sem.")
SMALL = """
{seed: 1, max_steps: 2, batch_size: 1, max_tracks: 2, learning_rate: 0.001, warmup_steps: 1, weight_decay: 0.0,
 average_decay: 0.9, checkpoint_every: 2, validation_batches: 1, threads: 1, workers: 0, model: {width: 20, channels: 8,
 layers: 1, heads: 2, feed_forward: 16, reference_tokens: 2, unmix_rounds: 2, feedback_rounds: 1}}
"""


@pytest.fixture
def stems(tmp_path: Path) -> Path:
    folder = tmp_path / "stems"
    noise(folder / "Bass.wav", 3)
    noise(folder / "Vox.wav", 3)
    noise(tmp_path / "song.wav", 3)
    return folder


def noise(path: Path, seconds: float) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(len(path.name))
    sf.write(path, 0.1 * random.standard_normal((round(seconds * RATE_HZ), 2)), RATE_HZ)


def check_quiet(did: Traced, folder: Path, at_home: tuple[str, ...] = ()) -> None:
    """Nobody was called, and nothing lies outside of the folder; at home only what begins like this."""
    assert did.calls == frozenset()
    assert did.look_ups == frozenset()
    outside = [path for path in did.written if not path.startswith((str(folder), *HARMLESS))]
    assert outside == []
    left = [path.relative_to(folder / "home").as_posix() for path in (folder / "home").rglob("*") if path.is_file()]
    assert [path for path in left if not path.startswith(at_home)] == []


def test_mix(tmp_path: Path, stems: Path) -> None:
    did = traced(["mix", str(stems), "--reference", "song.wav", "-o", "out"], tmp_path)
    check_quiet(did, tmp_path)
    assert any(path.endswith("report.html") for path in did.written)  # that writing is seen
    assert list((tmp_path / "home").iterdir()) == []
    assert list((tmp_path / "tmp").iterdir()) == []


@pytest.mark.slow
def test_train(tmp_path: Path) -> None:
    pytest.importorskip("lightning", reason="needs the `train` extra")
    for number in range(2):
        folder = tmp_path / "corpus" / f"session_{number}"
        noise(folder / "bass.flac", 19)
        (folder / "meta.json").write_text('{"kind": "tune", "stems": [{"file": "bass.flac"}]}')
    (tmp_path / "small.yaml").write_text(SMALL)
    did = traced(["model", "train", "corpus", "--config", "small.yaml", "-o", "run"], tmp_path)
    # matplotlib, which draws the loss curve, keeps its list of fonts.
    check_quiet(did, tmp_path, (".cache/matplotlib/fontlist",))
    assert (tmp_path / "run" / "checkpoints" / "last.ckpt").is_file()


def test_serve(tmp_path: Path, stems: Path) -> None:
    files.save(Preset(tracks=(Track(name="Bass"), Track(name="Vox"))), tmp_path / "mine.json")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as controller:
        controller.bind(("127.0.0.1", 0))
        controller.settimeout(0.2)
        port = free_port()

        def asks(address: str) -> list[Message]:
            controller.sendto(encode(Message(address)), ("127.0.0.1", port))
            try:
                return decode(controller.recv(65536))
            except (TimeoutError, ConnectionRefusedError):
                return []

        def play(process: subprocess.Popen[str]) -> None:
            wait_for(lambda: bool(asks("/mixbridge/track/count")), process)
            asks("/mixbridge/predict")
            wait_for(lambda: any("idle" in message.args for message in asks("/mixbridge/status")), process)
            stop(process)

        options = ["--port", str(port), "--stems", str(stems), "--reference", "song.wav"]
        did = traced(["serve", "mine.json", *options], tmp_path, play)
        answered = {controller.getsockname()} if can_strace() else set()
    assert did.calls == answered
    assert did.look_ups == frozenset()
    assert list((tmp_path / "home").iterdir()) == []


def free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def stop(process: subprocess.Popen[str]) -> None:
    """Ctrl-C, for the command itself: strace would die of it before it has written everything."""
    if not can_strace():
        process.send_signal(signal.SIGINT)
        return
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    for child in children:
        os.kill(int(child), signal.SIGINT)


@pytest.mark.parametrize(
    ("code", "what"),
    [
        ("__import__('socket').create_connection(('127.0.0.1', 9), 1)", "calls"),
        ("__import__('socket').getaddrinfo('example.invalid', 80)", "look_ups"),
        ("open('/var/tmp/mixbridge-traced', 'w')", "written"),
    ],
)
def test_the_trace_would_notice(tmp_path: Path, code: str, what: str) -> None:
    """A command that does what it should not, at the end of which it says that all is well."""
    did = traced([], tmp_path, code=f"import contextlib\nwith contextlib.suppress(OSError):\n {code}")
    Path("/var/tmp/mixbridge-traced").unlink(missing_ok=True)
    seen = getattr(did, what)
    assert seen & {("127.0.0.1", 9), "/etc/hosts", "/etc/resolv.conf", "/var/tmp/mixbridge-traced"}
