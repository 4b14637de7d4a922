"""Short sessions on disk, and the command line run in this process."""

import json
from dataclasses import dataclass

import numpy as np
import pytest
import soundfile as sf
from mixbridge.bridge.cli.main import main
from mixbridge.bridge.osc import link
from mixbridge.bridge.osc.link import Pacer

RATE_HZ = 22050


@dataclass(frozen=True)
class Outcome:
    code: int
    out: str
    err: str

    @property
    def data(self):
        return json.loads(self.out)


def sound(seconds, seed=0, channels=1, level=0.1):
    """A few notes and some noise."""
    random = np.random.default_rng(seed)
    time_s = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    notes = sum(np.sin(2 * np.pi * freq_hz * time_s) for freq_hz in random.uniform(80, 2000, 3))
    audio = [notes / 3 + 0.3 * random.standard_normal(len(time_s)) for _ in range(channels)]
    return (level * np.array(audio)).astype(np.float32)


def write(path, audio, rate_hz=RATE_HZ, subtype="FLOAT"):
    path.parent.mkdir(parents=True, exist_ok=True)
    sf.write(path, audio.T, rate_hz, subtype=subtype)
    return path


@pytest.fixture(autouse=True)
def _predictions_are_runtimes(one_prediction_for_each_input):
    """What is decided is tested in `tests/runtime`."""


@pytest.fixture
def quick_desks(monkeypatch):
    """Desks that take messages ten times as fast as their profiles say; what pacing does is tested with links."""
    monkeypatch.setattr(link, "Pacer", lambda gap_ms, burst: Pacer(gap_ms / 10, burst))


@pytest.fixture
def session(tmp_path):
    """A folder with `stems/` (three tracks of a second) and `reference.wav` (8 s)."""
    for seed, name in enumerate(("Bass", "Keys", "Vox")):
        write(tmp_path / "stems" / f"{name}.wav", sound(1, seed))
    write(tmp_path / "reference.wav", sound(8, 9, channels=2))
    return tmp_path


@pytest.fixture
def run(capsys):
    """Runs a command line; gives exit code, standard output and standard error."""

    def run(*arguments):
        with pytest.raises(SystemExit) as stop:
            main([str(argument) for argument in arguments])
        out, err = capsys.readouterr()
        return Outcome(stop.value.code, out, err)

    return run


@pytest.fixture
def refused(run, tmp_path):
    """Runs a command line that cannot be done: one line that holds these words, and nothing new on the disk."""

    def refused(*arguments, words):
        before = sorted(tmp_path.rglob("*"))
        outcome = run("--quiet", *arguments)
        assert outcome.code == 2, outcome
        assert outcome.out == ""
        assert outcome.err.startswith("mixbridge: ")
        assert outcome.err.count("\n") == 1, outcome.err
        assert "Traceback" not in outcome.err
        for word in words:
            assert str(word) in outcome.err
        assert sorted(tmp_path.rglob("*")) == before
        return outcome

    return refused
