import pytest
from click.testing import CliRunner
from mixbridge.export.corpus import make as make_module
from mixbridge.export.corpus.command import corpus
from mixbridge.export.corpus.plan import HELD_OUT_TUNES, Job, plan
from mixbridge.export.corpus.tunes import FREEDOOM_TUNES

JOB = Job("voice", "lone", 1, "train", 30.0, "voice_000001", "voice:1")


@pytest.fixture
def run(monkeypatch, tmp_path):
    """Runs the command on a folder; `make` does what it is told to."""

    def call(*options, making=lambda request, made, show: None):
        monkeypatch.setattr(make_module, "make", making)
        return CliRunner().invoke(corpus, [str(tmp_path), *options])

    return call


def test_options_reach_the_making(run, tmp_path):
    requests = []
    run(
        "--hours",
        "2.5",
        "--seed",
        "3",
        "--jobs",
        "4",
        "--only",
        "voices",
        making=lambda *given: requests.append(given[0]),
    )
    assert requests == [make_module.Request(tmp_path, 2.5, 3, 4, "voices")]


def test_failures_are_told_and_give_code_1(run):
    def making(request, made, show):
        show("Sessions", 1, 20)
        made.failures += [(JOB, f"reason {number}") for number in range(12)]
        made.notes.append("sessions: 8 of 20, 12 failed")

    outcome = run(making=making)
    assert outcome.exit_code == 1
    assert "sessions: 8 of 20" in outcome.stderr
    assert "failed: train/voice_000001: reason 9" in outcome.stderr
    assert "2 more failed" in outcome.stderr


def test_ctrl_c_says_that_it_goes_on(run):
    def making(request, made, show):
        raise KeyboardInterrupt

    outcome = run(making=making)
    assert outcome.exit_code == 130
    assert "the same command goes on" in outcome.stderr


def test_list_fetches_and_makes_nothing(run, monkeypatch, tmp_path):
    def fetch(request):
        raise AssertionError("a list needs no packages")

    monkeypatch.setattr(make_module, "_sources", fetch)
    outcome = run("--list", "--hours", "1")
    header, *lines = outcome.stdout.splitlines()
    assert header.split("\t") == ["split", "kind", "length", "session", "music"]
    assert "h to train on" in outcome.stderr
    assert list(tmp_path.iterdir()) == []
    assert len(lines) == len(plan(1, 1, FREEDOOM_TUNES))
    assert set(HELD_OUT_TUNES) < set(FREEDOOM_TUNES)
    assert lines[0] == "train\tcomposition\t60 s\tcomposition_010000\tcomposition:10000"
    voices = run("--list", "--hours", "1", "--only", "voices").stdout.splitlines()[1:]
    assert 0 < len(voices) < len(lines)
    assert {line.split("\t")[1] for line in voices} == {"voice"}
    assert run("--list", "--only", "songs").stdout.splitlines() == [header]


@pytest.mark.parametrize("options", [["--hours", "0"], ["--seed", "90"], ["--jobs", "0"], ["--only", "drums"]])
def test_mistakes_are_refused(run, options):
    assert run(*options).exit_code == 2
