"""A batch on a Ray cluster of two nodes, which the test starts on this machine; one of them is killed in the middle."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from batch_jobs import PLAY
from mixbridge.runtime.batch.driver import run_batch, state_of
from mixbridge.runtime.batch.items import BatchItem, BatchPlace
from mixbridge.runtime.batch.ledger import read_status
from mixbridge.runtime.batch.limits import Limits
from mixbridge.runtime.batch.pool import Work
from mixbridge.runtime.batch.ray_pool import RayPool, _talk_to_stderr

pytest.importorskip("ray")
SUPPORT = Path(__file__).parents[2] / "support"
ITEMS = 10


@pytest.fixture
def cluster(monkeypatch):
    """Two nodes of one CPU each; they and all that they started are gone afterwards."""
    monkeypatch.setenv("PYTHONPATH", str(SUPPORT))
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    from ray.cluster_utils import Cluster

    small = {"num_cpus": 1, "object_store_memory": 100_000_000, "include_dashboard": False}
    started = Cluster(initialize_head=True, head_node_args=small)
    try:
        started.add_node(**{key: value for key, value in small.items() if key != "include_dashboard"})
        yield started
    finally:
        started.shutdown()


def test_what_ray_says_is_not_among_the_results(capsys):
    from ray._private import worker

    for _ in range(2):
        _talk_to_stderr()
    data = {"lines": ["The node has been marked dead"], "pid": "raylet", "ip": "", "job": "", "is_err": False}
    worker.print_to_stdstream(data, ignore_prefix=False)
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("marked dead") == 1


@pytest.mark.slow
def test_a_node_that_is_killed_costs_nothing_but_time(cluster, tmp_path):
    items = [BatchItem(f"{number}", "nap 0.3") for number in range(ITEMS)] + [BatchItem("bad", "refuse")]
    pool = RayPool(Work(PLAY, BatchPlace(str(tmp_path)), Limits()), cluster.address)
    nodes = list(cluster.worker_nodes)
    pids: set[int] = set()

    def told(tally, event):
        if event.result is not None and state_of(event) == "rendered":
            pids.add(event.result.figures["process"])
        if len(pids) == 2 and nodes:  # both have done something, and both have more to do
            cluster.remove_node(nodes.pop(), allow_graceful=False)

    done = run_batch(items, tmp_path, pool, total=len(items), told=told)
    assert not nodes, "the other node never did anything"
    assert {event.item.name: state_of(event) for event in done.results} == {
        **{f"{number}": "rendered" for number in range(ITEMS)},
        "bad": "failed",
    }
    begun = {item.name: int((tmp_path / f"{item.name}.begun").read_text()) for item in items}
    assert sum(begun.values()) <= len(items) + 1  # what the killed node had in hand, once more
    assert all(entry.renders <= 1 for entry in read_status(tmp_path).entries.values())
    for pid in pids:
        for _ in range(200):
            if not _is_alive(pid):
                break
            time.sleep(0.02)
        assert not _is_alive(pid)


def _is_alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    state = Path(f"/proc/{pid}/stat")
    return not (state.exists() and state.read_text().rpartition(")")[2].split()[0] == "Z")
