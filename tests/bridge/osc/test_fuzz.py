"""A short run of the fuzzer, as the command `scripts/fuzz` runs it; the long one is for machines with time."""

import subprocess
import sys
from pathlib import Path

import fuzzing
import pytest
from mixbridge.bridge.osc.packets import PacketError, decode
from mixbridge.bridge.server import server

SCRIPT = Path(fuzzing.__file__)


def test_twenty_thousand_datagrams_do_no_harm():
    command = [sys.executable, SCRIPT, "--datagrams", "20000", "--profiles", "100", "--seed", "7"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "harm: none" in done.stdout
    assert "20010 datagrams" in done.stdout


def test_the_corpus_is_good_and_the_mutations_are_both():
    assert all(isinstance(decode(packet), list) for packet in fuzzing.corpus())
    mutator = fuzzing.Mutator(fuzzing.random.Random(1))
    good = 0
    for _ in range(500):
        try:
            decode(mutator.next())
        except PacketError:
            continue
        good += 1
    assert 100 < good < 400


@pytest.mark.parametrize("fault", [UnicodeDecodeError("utf-8", b"\xff", 0, 1, "bad"), RecursionError(), IndexError()])
def test_the_fuzzer_would_notice(monkeypatch, fault):
    def fails(datagram):
        raise fault

    monkeypatch.setattr(server, "decode", fails)
    result = fuzzing.run(19, 1, 0)  # few enough for none to go through a socket
    assert result.harm
