import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from mixbridge.export.corpus import build as module
from mixbridge.export.corpus import make as make_module
from mixbridge.export.corpus.build import JobOutcome, build, check_session, missing, session_folder
from mixbridge.export.corpus.make import BuildReport, Request, make
from mixbridge.export.corpus.plan import Job
from mixbridge.export.corpus.sources import CorpusSources
from mixbridge.presets.errors import OutputError

HERE = Path(__file__).parent
SOURCES = CorpusSources(Path("/nowhere"), {}, Path("/nowhere"), Path("/nowhere"), None)


def job(seed: int, split: str = "train") -> Job:
    return Job("composition", "own", seed, split, 60.0, f"composition_{seed:06d}", f"composition:{seed}")


@pytest.fixture
def standin(monkeypatch, tmp_path):
    """The stand-in builders, which workers can import, too; sessions that were made are in tmp_path/log."""
    monkeypatch.syspath_prepend(str(HERE))
    (tmp_path / "log").mkdir()
    monkeypatch.setenv("STANDIN_LOG", str(tmp_path / "log"))
    import standin_builder

    return standin_builder


@pytest.fixture
def corpus(tmp_path):
    folder = tmp_path / "corpus"
    folder.mkdir()
    return folder


def made_names(tmp_path: Path) -> list[str]:
    return sorted(line for log in (tmp_path / "log").iterdir() for line in log.read_text().split())


def run(corpus, jobs, standin, workers=2) -> dict[str, JobOutcome]:
    return {done.job.name: done for done in build(corpus, jobs, SOURCES, workers, standin.standin)}


def test_sessions_go_to_their_splits(corpus, standin):
    jobs = [job(1), job(900_000, "test"), job(2)]
    done = run(corpus, jobs, standin)
    assert [one.failure for one in done.values()] == [None] * 3
    assert {path.relative_to(corpus).as_posix() for path in corpus.glob("*/*")} == {
        "train/composition_000001",
        "train/composition_000002",
        "test/composition_900000",
    }
    assert not (corpus / ".partial").exists()


def test_a_failure_stops_nothing_and_leaves_nothing(corpus, standin):
    jobs = [job(1), job(standin.REFUSED), job(standin.CRASHING), job(standin.INCOMPLETE), job(2), job(3)]
    done = run(corpus, jobs, standin)
    failures = {one.job.seed: one.failure for one in done.values() if one.failure}
    assert failures.keys() == {standin.REFUSED, standin.CRASHING, standin.INCOMPLETE}
    assert failures[standin.REFUSED] == "ValueError: no such chord"
    assert "died with code 3" in failures[standin.CRASHING]
    assert "snare.wav" in failures[standin.INCOMPLETE]
    assert sorted(path.name for path in (corpus / "train").iterdir()) == [job(seed).name for seed in (1, 2, 3)]


def test_a_session_that_hangs_is_given_up(corpus, standin, monkeypatch):
    monkeypatch.setattr(module, "LONGEST_SESSION_S", 1.5)
    monkeypatch.setattr(module, "_LOOK_EVERY_S", 0.1)
    done = run(corpus, [job(standin.HANGING), job(1)], standin, workers=1)
    assert "took more than" in done[job(standin.HANGING).name].failure
    assert done[job(1).name].failure is None


def test_what_is_there_is_not_made_again(corpus, standin, tmp_path):
    jobs = [job(1), job(2), job(3)]
    run(corpus, jobs[:2], standin)
    (session_folder(corpus, jobs[1]) / "meta.json").unlink()
    rest = missing(corpus, jobs)
    assert rest == jobs[1:]
    run(corpus, rest, standin)
    assert made_names(tmp_path) == [one.name for one in (jobs[0], jobs[1], jobs[1], jobs[2])]
    assert missing(corpus, jobs) == []


def test_closing_early_leaves_whole_sessions_only(corpus, standin):
    making = build(corpus, [job(seed) for seed in range(1, 60)], SOURCES, 2, standin.standin)
    next(making)
    making.close()
    there = list((corpus / "train").iterdir())
    assert 1 <= len(there) < 59
    for folder in there:
        check_session(folder)
    assert not (corpus / ".partial").exists()


INTERRUPTED = """
import sys
from pathlib import Path
sys.path.insert(0, {here!r})
import standin_builder
from mixbridge.export.corpus.build import build
from mixbridge.export.corpus.plan import Job
from mixbridge.export.corpus.sources import CorpusSources

if __name__ == "__main__":
    seeds = (1, 2, standin_builder.HANGING)
    jobs = [Job("composition", "own", seed, "train", 1.0, f"one_{{seed}}", "x") for seed in seeds]
    sources = CorpusSources(Path(), {{}}, Path(), Path(), None)
    try:
        for done in build(Path({corpus!r}), jobs, sources, 1, standin_builder.standin):
            print(done.job.name, flush=True)
    except KeyboardInterrupt:
        print("stopped", flush=True)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="signals of a terminal")
def test_ctrl_c_ends_the_workers(corpus, standin, tmp_path):
    script = tmp_path / "script.py"
    script.write_text(INTERRUPTED.format(here=str(HERE), corpus=str(corpus)))
    process = subprocess.Popen(
        [sys.executable, str(script)], stdout=subprocess.PIPE, text=True, start_new_session=True, env=os.environ.copy()
    )
    assert [process.stdout.readline().strip() for _ in range(2)] == ["one_1", "one_2"]
    time.sleep(0.3)
    os.killpg(process.pid, signal.SIGINT)
    out, _ = process.communicate(timeout=30)
    assert out.split() == ["stopped"]
    (worker,) = (tmp_path / "log").iterdir()
    with pytest.raises(ProcessLookupError):
        os.kill(int(worker.name), 0)
    assert sorted(path.name for path in (corpus / "train").iterdir()) == ["one_1", "one_2"]
    assert not (corpus / ".partial").exists()


@pytest.mark.parametrize(
    "content",
    [
        None,
        "{",
        '{"stems": []}',
        '{"stems": [{"file": "other.wav"}]}',
        '{"stems": [{"file": "a.wav"}, {"file": "b.wav"}]}',
        "[]",
    ],
)
def test_sessions_that_are_not_what_they_say(tmp_path, content):
    (tmp_path / "a.wav").write_bytes(b"")
    if content is not None:
        (tmp_path / "meta.json").write_text(content)
    with pytest.raises(OutputError, match=r"meta\.json"):
        check_session(tmp_path)


class TestMake:
    @pytest.fixture
    def request_(self, corpus, monkeypatch, standin):
        jobs = [job(1), job(standin.REFUSED), job(900_000, "test")]
        monkeypatch.setattr(make_module, "_sources", lambda request: (SOURCES, []))
        monkeypatch.setattr(make_module, "_planned", lambda request, sources: jobs)
        return Request(corpus, only="sessions", workers=1)

    def test_papers(self, request_, corpus, standin):
        made = BuildReport()
        make(request_, made, lambda *_: None, standin.standin)
        manifest = json.loads((corpus / "manifest.json").read_text())
        assert [(row["file"], row["split"], row["song"]) for row in manifest["files"]] == [
            ("test/composition_900000/kick.wav", "test", "composition:900000"),
            ("train/composition_000001/kick.wav", "train", "composition:1"),
        ]
        assert {row["licence"] for row in manifest["files"]} == {"BSD-3-Clause"}
        assert "NIT SONG070" in (corpus / "CREDITS.md").read_text()
        assert [reason for _, reason in made.failures] == ["ValueError: no such chord"]
        assert (corpus / "failed.txt").read_text() == "train/composition_900100: ValueError: no such chord\n"
        assert made.notes[0] == "sessions: 2 of 3, 1 failed"

    def test_too_little_space(self, request_, standin, monkeypatch):
        monkeypatch.setattr(make_module, "_BYTES_A_SESSION", 10**15)
        with pytest.raises(OutputError, match="need about"):
            make(request_, BuildReport(), lambda *_: None, standin.standin)
