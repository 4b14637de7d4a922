"""A run that is killed at any moment goes on with the same call, and ends where an undisturbed one ends."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from multiprocessing.process import BaseProcess
from pathlib import Path

import pytest
import torch
from killed_trainings import begun, tune
from mixbridge.export.tuning.bundle import load_tuned
from mixbridge.export.tuning.records import open_run
from mixbridge.export.tuning.run import train_pairs
from mixbridge.export.tuning.training import LAST, read_tuned
from mixbridge.presets.errors import ModelError

from .conftest import SmallSet

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="there are no such signals")


def when(process: BaseProcess, ready: Callable[[], bool], number: int) -> int | None:
    """Sends a signal as soon as something is so, or nothing if the process ended before; gives its exit code."""
    while process.is_alive() and not ready():
        time.sleep(0.002)
    if process.is_alive() and process.pid is not None:
        os.kill(process.pid, number)
    process.join()
    return process.exitcode


def test_kills_change_nothing(small: SmallSet, trained: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    moments: list[Callable[[], bool]] = [
        run.is_dir,  # before anything is written
        lambda: any((run / "cache").glob("*.npz")),  # amid the analysis
        (run / LAST).exists,  # behind the first look
        lambda: (run / LAST).with_name(".last.ckpt.partial").exists(),  # amid the writing of a checkpoint
    ]
    killed = [when(begun(tune, small.config(), run), moment, signal.SIGKILL) for moment in moments]
    assert killed[:2] == [-signal.SIGKILL, -signal.SIGKILL]
    last = begun(tune, small.config(), run)
    last.join()
    assert last.exitcode == 0
    undisturbed, own = read_tuned(trained / LAST), read_tuned(run / LAST)
    assert own["global_step"] == undisturbed["global_step"] == 8
    for kind in ("best", "average", "state_dict"):
        assert own[kind].keys() == undisturbed[kind].keys()
        for name, value in undisturbed[kind].items():
            assert torch.equal(own[kind][name], value), f"{kind} {name}"


def test_an_interrupted_run_can_be_used(small: SmallSet, tmp_path: Path) -> None:
    run = tmp_path / "run"
    exit_code = when(begun(tune, small.config(max_steps=5000), run), (run / LAST).exists, signal.SIGINT)
    assert exit_code == 3
    tuned = load_tuned(open_run(run))
    with torch.no_grad():
        decided = tuned.decide(torch.zeros(1, 1, len(tuned.middle)), None, None)
    assert decided.isfinite().all()


def test_another_run_in_its_place_is_refused(small: SmallSet, trained: Path) -> None:
    with pytest.raises(ModelError, match=r"learning_rate \(0\.006 before, 0\.1 now\)"):
        train_pairs(small.config(learning_rate=0.1), trained, lambda line: None)


def test_a_damaged_checkpoint_is_told(small: SmallSet, trained: Path, tmp_path: Path) -> None:
    import shutil

    run = tmp_path / "run"
    shutil.copytree(trained, run)
    (run / LAST).write_bytes((run / LAST).read_bytes()[:2000])
    with pytest.raises(ModelError, match=r"last\.ckpt.*Remove it to train from the beginning"):
        train_pairs(small.config(), run, lambda line: None)
