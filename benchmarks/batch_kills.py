"""Kills a batch at random moments, again and again, and compares what it leaves with an undisturbed run.

    python benchmarks/batch_kills.py                        200 sessions of 4 to 16 stems, 20 kills; minutes
    python benchmarks/batch_kills.py --ray                  the same on Ray
    python benchmarks/batch_kills.py --nodes                on a Ray cluster of two nodes, one of which is killed
    python benchmarks/batch_kills.py --sessions 20 --kills 5

A kill is SIGKILL to a process of the batch that is chosen at random: the command, one of its workers, with --ray any
of Ray's. With --nodes it is SIGKILL to all of a node, which a new one replaces while the batch goes on; after every
second one the command is killed, too. Exits with 1 if a result differs, a hidden file is left, or something that was
done was rendered again.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import soundfile as sf

_RATE_HZ = 22050
_STEMS = ("Kick", "Snare", "Bass", "Keys", "Gtr", "Vox", "Pad", "Hat", "OH", "Lead")
_STEMS += ("Strings", "Brass", "Perc", "Tom", "Choir", "FX")
_COMMAND = [sys.executable, "-c", "from mixbridge.bridge.command import main; main()", "batch"]
_OF_RUNS = ("ledger.jsonl", "index.html")
_TRIES = 3
# A node; of the store of objects, only paths and figures go through it.
_SMALL = {"num_cpus": 1, "object_store_memory": 100_000_000}


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sessions", type=int, default=200)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=0.5, help="length of the stems")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--ray", action="store_true")
    parser.add_argument("--nodes", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="mixbridge-kills-") as folder:
        return _tried(Path(folder), options)


def _tried(work: Path, options: argparse.Namespace) -> int:
    numbers = random.Random(options.seed)
    for number in range(options.sessions):
        _write_session(work / "songs" / f"Song {number:03d}", number, 4 + numbers.randrange(13), options.seconds)
    common = [work / "songs", "--preset", "bass", "--workers", str(options.workers), "--json"]
    begun_s = time.monotonic()
    subprocess.run([*_COMMAND, *common, "-o", work / "undisturbed"], check=True, stdout=subprocess.DEVNULL)
    took_s = time.monotonic() - begun_s
    print(f"undisturbed: {options.sessions} sessions in {took_s:.0f} s", flush=True)
    command = [*_COMMAND, *common, "-o", work / "out"]
    share_s = took_s / options.kills
    if options.nodes:
        with _cluster() as cluster:
            command += ["--ray", cluster.address]
            faults, done = _nodes_killed(command, cluster, numbers, options.kills, share_s)
            last = subprocess.run([str(part) for part in command], check=False, capture_output=True, text=True)
    else:
        command += ["--ray"] if options.ray else []
        faults, done = _processes_killed(command, numbers, options.kills, share_s)
        last = subprocess.run([str(part) for part in command], check=False, capture_output=True, text=True)
    faults += _rendered_again(work / "out", done)
    if not last.stdout.startswith("{"):
        print(f"the last run failed ({last.returncode}): {last.stdout}{last.stderr}")
        return 1
    data = json.loads(last.stdout)
    print(f"last run: {data['rendered']} rendered, {data['kept']} kept, {data['failed']} failed", flush=True)
    expected, found = _hashes(work / "undisturbed"), _hashes(work / "out")
    faults += [f"differs or is missing: {name}" for name in expected if found.get(name) != expected[name]]
    faults += [f"should not be there: {name}" for name in found if name not in expected]
    for fault in faults:
        print(fault)
    print(f"{len(expected)} files compared after {options.kills} kills: {len(faults)} faults")
    return 1 if faults else 0


def _processes_killed(
    command: list[object], numbers: random.Random, kills: int, share_s: float
) -> tuple[list[str], dict[str, int]]:
    """Kill a process at each of some random moments; what went wrong, and what is done."""
    output = Path(str(command[command.index("-o") + 1]))
    done: dict[str, int] = {}
    faults: list[str] = []
    for kill in range(kills):
        _kill_once(command, numbers, share_s, output)
        faults += _rendered_again(output, done)
        done = _inodes(output)
        print(f"kill {kill + 1}: {len(done)} done", flush=True)
    return faults, done


@contextmanager
def _cluster() -> Iterator[Any]:
    """Two nodes of Ray on this machine, of one CPU each."""
    os.environ |= {"RAY_USAGE_STATS_ENABLED": "0", "RAY_worker_niceness": "0"}
    from ray.cluster_utils import Cluster

    started = Cluster()
    try:
        _add_node(started, include_dashboard=False)  # the head
        _add_node(started)
        yield started
    finally:
        started.shutdown()


def _add_node(cluster: Any, **more: Any) -> None:
    """Start a node; on a busy machine Ray gives up too soon."""
    for _ in range(_TRIES - 1):
        try:
            cluster.add_node(**_SMALL, **more)
        except Exception as error:  # Ray's own is no other
            print(f"a node did not start: {error}", flush=True)
        else:
            return
    cluster.add_node(**_SMALL, **more)


def _nodes_killed(
    command: list[object], cluster: Any, numbers: random.Random, kills: int, share_s: float
) -> tuple[list[str], dict[str, int]]:
    """Kill the second node at each of some random moments; what went wrong, and what is done."""
    output = Path(str(command[command.index("-o") + 1]))
    process: subprocess.Popen[bytes] | None = None
    done: dict[str, int] = {}
    faults: list[str] = []
    for kill in range(kills):
        if process is None or process.poll() is not None:
            process = subprocess.Popen([str(part) for part in command], stdout=subprocess.DEVNULL)
        before = len(_inodes(output))
        while process.poll() is None and len(_inodes(output)) == before:
            time.sleep(0.02)
        time.sleep(numbers.uniform(0, share_s / 2))
        is_at_work = process.poll() is None
        cluster.remove_node(next(iter(cluster.worker_nodes)), allow_graceful=False)
        if kill % 2:
            _kill(process.pid)
            process.wait()
        _add_node(cluster)
        faults += _rendered_again(output, done)
        done = _inodes(output)
        print(f"kill {kill + 1}: {len(done)} done{'' if is_at_work else ', too late'}", flush=True)
    if process is not None:
        process.wait()
    return faults, done


def _kill_once(command: list[object], numbers: random.Random, share_s: float, output: Path) -> None:
    """Start the batch, kill one of its processes, and, if it survives that, the command a little later."""
    process = subprocess.Popen([str(part) for part in command], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    before = len(_inodes(output))
    while process.poll() is None and len(_inodes(output)) == before:
        time.sleep(0.02)
    time.sleep(numbers.uniform(0, 2 * share_s))
    victim = numbers.choice([process.pid, *_descendants(process.pid)])
    _kill(victim)
    if victim != process.pid:
        time.sleep(numbers.uniform(0, 1))
        _kill(process.pid)
    process.wait()


def _kill(process: int) -> None:
    try:
        os.kill(process, signal.SIGKILL)
    except ProcessLookupError:
        return


def _descendants(process: int) -> list[int]:
    found = []
    for path in Path(f"/proc/{process}/task").glob("*/children"):
        try:
            children = [int(child) for child in path.read_text().split()]
        except OSError:
            continue
        for child in children:
            found += [child, *_descendants(child)]
    return found


def _inodes(output: Path) -> dict[str, int]:
    """Which mixes are done, and which file each is: one that is rendered again is another file."""
    return {path.parent.name: path.stat().st_ino for path in output.glob("*/mix.wav")}


def _rendered_again(output: Path, done: dict[str, int]) -> list[str]:
    now = _inodes(output)
    return [f"rendered again: {name}" for name, inode in done.items() if now.get(name) != inode]


def _hashes(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file() and path.name not in _OF_RUNS
    } | {path.relative_to(folder).as_posix(): "a hidden folder" for path in folder.rglob(".*") if path.is_dir()}


def _write_session(folder: Path, seed: int, stems: int, seconds: float) -> None:
    folder.mkdir(parents=True)
    noise = np.random.default_rng(seed)
    for name in _STEMS[:stems]:
        sf.write(folder / f"{name}.wav", 0.1 * noise.standard_normal(round(seconds * _RATE_HZ)), _RATE_HZ, "PCM_16")


if __name__ == "__main__":
    sys.exit(main())
