"""Measuring in fresh processes: wall and CPU time, peak memory, and the spread over repetitions.

Each measurement is a function of :mod:`workloads`, run in a Python of its own: memory is its own then, and no library's
threads disturb another's.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

MEBIBYTE = 2**20
_RESULT = "RESULT "
# Runs a command as the one that gets all orphans, waits for all of them, and says what processor time they took.
_REAPER = """
import ctypes, os, resource, subprocess, sys
ctypes.CDLL(None).prctl(36, 1)
code = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL).returncode
try:
    while True:
        os.wait()
except ChildProcessError:
    pass
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(used.ru_utime + used.ru_stime)
sys.exit(code)
"""


@dataclass(frozen=True)
class Spread:
    """What came out when something was measured several times."""

    values: tuple[float, ...]

    @property
    def median(self) -> float:
        """The middle one."""
        return median(self.values)

    def over(self, other: Spread) -> Spread:
        """Ratios, round by round: what disturbs the machine disturbs both sides of a round."""
        return Spread(tuple(a / b for a, b in zip(self.values, other.values, strict=True)))


@dataclass(frozen=True)
class Measured:
    """What a workload took.

    Attributes:
        seconds: by name, each time it was run in the process.
        facts: what else it has to say.
        peak_bytes: of the process's memory.
        load: the machine's load average when it began.
    """

    seconds: dict[str, list[float]]
    facts: dict[str, Any]
    peak_bytes: int
    load: float


@dataclass
class Watch:
    """Takes times inside a workload."""

    seconds: dict[str, list[float]] = field(default_factory=dict)

    @contextmanager
    def time(self, name: str) -> Iterator[None]:
        """Wall and CPU time (of all threads) of the block, as `name` and `name cpu`."""
        wall, cpu = time.perf_counter(), time.process_time()
        yield
        self.add(name, time.perf_counter() - wall)
        self.add(f"{name} cpu", time.process_time() - cpu)

    def add(self, name: str, seconds: float) -> None:
        """One more time of this name."""
        self.seconds.setdefault(name, []).append(seconds)


def in_fresh_process(workload: str, *args: str | int | float) -> Measured:
    """Runs a workload; its name and arguments as in :mod:`workloads`.

    Raises:
        RuntimeError: it failed; what it wrote is shown.
    """
    load = os.getloadavg()[0]
    print(f"{time.strftime('%H:%M:%S')} load {load:.2f}: {workload} {' '.join(map(str, args))}", file=sys.stderr)
    command = [sys.executable, str(Path(__file__).with_name("workloads.py")), workload, *map(str, args)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    lines = [line for line in done.stdout.splitlines() if line.startswith(_RESULT)]
    if done.returncode or not lines:
        raise RuntimeError(f"{workload} failed:\n{done.stdout}{done.stderr}")
    result = json.loads(lines[-1].removeprefix(_RESULT))
    return Measured(result["seconds"], result["facts"], result["peak_bytes"], load)


def processor_s_of(command: Sequence[str]) -> float:
    """Runs a command; the processor time, in s, of all processes that came of it, also of those that it left behind.

    Raises:
        CalledProcessError: it failed.
    """
    done = subprocess.run([sys.executable, "-c", _REAPER, *command], check=True, stdout=subprocess.PIPE, text=True)
    return float(done.stdout.splitlines()[-1])


def report(workload: Callable[[Watch], dict[str, Any]]) -> None:
    """In the fresh process: runs the workload and tells :func:`in_fresh_process`."""
    watch = Watch()
    facts = workload(watch)
    print(_RESULT + json.dumps({"seconds": watch.seconds, "facts": facts, "peak_bytes": peak_bytes()}))


def usable_cores() -> int:
    """Cores that this process may use; fewer than the machine has under `taskset`."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def peak_bytes() -> int:
    """Of this process alone: on Linux, getrusage would include what the parent had before exec."""
    status = Path("/proc/self/status")
    if status.exists():
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM:"))
        return int(line.split()[1]) * 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
