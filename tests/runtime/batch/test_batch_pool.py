"""Processes that do items: what goes wrong with one stays with it, and none outlives its parent."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from batch_jobs import PLAY
from mixbridge.runtime.batch.driver import run_batch, state_of
from mixbridge.runtime.batch.items import BatchItem, BatchPlace, Failure, ItemOutcome
from mixbridge.runtime.batch.ledger import read_status
from mixbridge.runtime.batch.limits import Limits
from mixbridge.runtime.batch.pool import LocalPool, Work

SUPPORT = Path(__file__).parents[2] / "support"


@pytest.fixture(autouse=True)
def _jobs_can_be_imported(monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(SUPPORT))


def pool(output, workers=1, **limits):
    return LocalPool(Work(PLAY, BatchPlace(str(output)), Limits(**limits)), workers)


def played(output, words, workers=1, max_failures=None, **limits):
    items = [BatchItem(f"{number}", word) for number, word in enumerate(words)]
    told = []
    done = run_batch(
        items,
        output,
        pool(output, workers, **limits),
        total=len(items),
        max_failures=max_failures,
        told=lambda _tally, event: told.append(event),
    )
    return done, told


def test_what_goes_wrong_is_set_aside_and_the_rest_goes_on(tmp_path):
    words = ["fine", "refuse 3", "shout", "break", "die-once", "die", "eat", "fine"]
    done, _ = played(tmp_path, words, memory_bytes=2**29)
    results = {event.item.session: event.result for event in done.results}
    said = {word: result.message for word, result in results.items() if isinstance(result, Failure)}
    assert said.keys() == {"refuse 3", "break", "die", "eat"}
    assert said["refuse 3"] == "refuse 3 is damaged"
    assert "KeyError" in said["break"]
    assert "a fault of mixbridge" in said["break"]
    assert "ended 2 times (signal 9)" in said["die"]
    assert "--memory" in said["eat"]
    assert all(isinstance(results[word], ItemOutcome) for word in ("fine", "shout", "die-once"))
    assert [event.attempt for event in done.results if event.item.session == "die-once"] == [2]
    assert (tmp_path / "6.begun").read_text() == "1"  # more memory there will not be
    entries = read_status(tmp_path).entries
    assert {name: entry.state for name, entry in entries.items()} == {
        event.item.name: state_of(event) for event in done.results
    }
    assert entries["1"].error == "refuse 3 is damaged"


def test_one_that_hangs_is_stopped_by_its_length(tmp_path):
    begun_s = time.monotonic()
    done, _ = played(tmp_path, ["hang 7", "fine"], time_s=1.0)
    (failure, outcome) = (event.result for event in sorted(done.results, key=lambda event: event.item.name))
    assert time.monotonic() - begun_s < 60
    assert "was stopped after" in failure.message
    assert "limit for 7 s of stems" in failure.message
    assert "--time-limit" in failure.message
    assert isinstance(outcome, ItemOutcome)


def test_time_follows_from_the_length_and_the_search():
    assert Limits().processor_s_for(1440) - Limits().processor_s_for(0) == 1440
    assert Limits().processor_s_for(0, searched_s=60) > Limits().processor_s_for(0) + 60
    assert Limits().time_for(1440) > 5 * Limits().processor_s_for(1440)  # other programs want to run, too
    assert Limits(time_s=5).time_for(1440) == 5


@pytest.mark.skipif(sys.platform != "linux", reason="the system tells no processor time")
def test_one_that_works_without_end_is_stopped_by_its_processor_time(tmp_path, monkeypatch):
    monkeypatch.setattr(Limits, "processor_s_for", lambda _limits, length_s, _searched_s=0.0: 0.4 * length_s)
    monkeypatch.setattr(Limits, "time_for", lambda _limits, _length_s, _searched_s=0.0: 600.0)
    done, _ = played(tmp_path, ["spin 4", "fine"])
    said = {event.item.session: event.result for event in done.results}
    assert "limit for 4 s of stems" in said["spin 4"].message
    assert isinstance(said["fine"], ItemOutcome)


def test_a_disk_that_fails_for_a_moment_is_asked_again(tmp_path):
    done, _ = played(tmp_path, ["hiccup"])
    assert isinstance(done.results[0].result, ItemOutcome)
    assert (tmp_path / "0.begun").read_text() == "2"
    assert done.results[0].attempt == 1


def test_too_many_failures_end_it(tmp_path):
    done, _ = played(tmp_path, ["refuse", "refuse", "fine", "fine"], max_failures=2)
    assert [state_of(event) for event in done.results] == ["failed", "failed"]
    assert done.unfinished == 2


def test_processes_share_the_items_and_are_used_again(tmp_path):
    done, told = played(tmp_path, ["fine"] * 6, workers=2)
    processes = {event.result.figures["process"] for event in done.results}
    assert 1 <= len(processes) <= 2
    assert sum(event.result is None for event in told) == 6
    for process in processes:
        with pytest.raises(ProcessLookupError):
            os.kill(process, 0)


def test_items_that_come_later_are_waited_for(tmp_path):
    def coming():
        yield BatchItem("a", "fine")
        yield None
        yield None
        yield BatchItem("b", "fine")

    done = run_batch(coming(), tmp_path, pool(tmp_path))
    assert [event.item.name for event in done.results] == ["a", "b"]


PARENT = """
import json, sys
from pathlib import Path
from mixbridge.runtime.batch.driver import run_batch
from mixbridge.runtime.batch.items import BatchItem, BatchPlace
from mixbridge.runtime.batch.pool import LocalPool, Work
from batch_jobs import PLAY
output = Path(sys.argv[1])
def told(tally, event):
    print(json.dumps([event.item.name, event.worker, event.result is not None]), flush=True)
items = [BatchItem("a", "fine"), BatchItem("b", "hang 1")]
run_batch(items, output, LocalPool(Work(PLAY, BatchPlace(str(output))), 1), total=2, told=told)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_no_process_outlives_a_parent_that_is_killed(tmp_path):
    parent = subprocess.Popen([sys.executable, "-c", PARENT, tmp_path], stdout=subprocess.PIPE, text=True)
    said = [json.loads(parent.stdout.readline()) for _ in range(3)]
    assert [name for name, _, _ in said] == ["a", "a", "b"]
    worker = int(said[-1][1])
    while not (tmp_path / "b.begun").exists():  # in the middle of its job
        time.sleep(0.01)
    assert read_status(tmp_path).running
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    for _ in range(500):
        if not Path(f"/proc/{worker}").exists() or _is_zombie(worker):
            break
        time.sleep(0.01)
    assert not Path(f"/proc/{worker}").exists() or _is_zombie(worker)
    status = read_status(tmp_path)
    assert not status.running
    assert status.ended == ""
    assert {name: entry.state for name, entry in status.entries.items()} == {"a": "rendered", "b": "begun"}
    parent.stdout.close()


def _is_zombie(process):
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True
