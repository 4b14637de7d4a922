"""The first run of a model that did not come with mixbridge: in a process of its own, with bounds on time and memory.

A graph is a program: it may loop for ever, or ask for memory without end. What it does on a passage of noise is seen
there before it may run here. That says nothing of what it does on other input; a bundle is as trustworthy as its maker.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass

from ...presets.errors import ModelError
from .bundle import FILES, Bundle

_PROCESS = f"{__package__}.first_run_process"
# Each thread of a library takes address space before it does anything.
_FEW_THREADS = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "2"}
# A machine may have other things to do than this.
_PATIENCE = 10


@dataclass(frozen=True)
class Bounds:
    """What the first run may take.

    Attributes:
        processor_s: seconds of processor time; the models that ship take less than three, start included.
        memory_bytes: address space, beside three times the size of the files.
    """

    processor_s: int = 60
    memory_bytes: int = 8 * 2**30


def try_first(bundle: Bundle, bounds: Bounds | None = None) -> None:
    """Run a bundle once, apart from this process.

    Args:
        bundle: whose manifest has been read.
        bounds: what it may take.

    Raises:
        ModelError: it cannot be run, is not what it says, or takes more.
    """
    bounds = bounds or Bounds()
    memory_bytes = bounds.memory_bytes + 3 * bundle.size_bytes(FILES)
    command = [sys.executable, "-P", "-m", _PROCESS, str(bundle.folder.absolute()), bundle.manifest_sha256]
    command += [str(bounds.processor_s), str(memory_bytes)]
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            check=False,
            timeout=_PATIENCE * bounds.processor_s,
            stdin=subprocess.DEVNULL,
            env={**os.environ, **_FEW_THREADS},
        )
    except subprocess.TimeoutExpired as error:
        raise ModelError(_stopped(bundle, bounds, memory_bytes)) from error
    answer = _last_line(done.stdout)
    if answer is None:
        raise ModelError(_stopped(bundle, bounds, memory_bytes))
    if answer:
        raise ModelError(answer)


def _stopped(bundle: Bundle, bounds: Bounds, memory_bytes: int) -> str:
    return (
        f"{bundle.folder}: the model was stopped in its first run, in which it may take {bounds.processor_s} s of a "
        f"processor and {memory_bytes / 2**30:.1f} GiB; use another model, or export it again"
    )


def _last_line(output: bytes) -> str | None:
    """What the process said of the bundle: nothing wrong (""), or what; None if it did not come that far."""
    try:
        answer = json.loads(output.decode("utf-8", "replace").splitlines()[-1])["fault"]
    except (IndexError, ValueError, KeyError, TypeError):
        return None
    return str(answer)
