"""Trainings in processes of their own, which are killed.

They come from a server that has imported torch and calculated nothing: forked from the process of the tests, in which
torch or a progress bar may have threads, now and then one waits for ever for a thread that it has not.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from multiprocessing import get_context
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import torch
from mixbridge.bridge.cli.main import main
from mixbridge.export.compact.train import TrainingModule, train
from mixbridge.export.tuning.config import TuningConfig
from mixbridge.export.tuning.run import train_pairs

_PRELOADED = ["mixbridge.bridge.cli.main", "mixbridge.export.compact.train", "mixbridge.export.tuning.run"]


def begun(work: Callable[..., object], *arguments: object) -> BaseProcess:
    """Starts a process that does this; it is a function of this module or of the package."""
    context = get_context("forkserver")
    context.set_forkserver_preload(_PRELOADED)
    process = context.Process(target=work, args=arguments)
    process.start()
    return process


def exit_code(work: Callable[..., object], *arguments: object) -> int | None:
    """How a process ends that does this; negative: by a signal."""
    process = begun(work, *arguments)
    process.join()
    return process.exitcode


def train_and_die(step: int, *arguments: Any) -> None:
    """Trains a model, and is killed in a step."""
    _signal_at(step, signal.SIGKILL)
    train(*arguments)


def train_and_die_while_writing(step: int, *arguments: Any) -> None:
    """Dies when the checkpoint of a step is half way to its place."""
    original = Path.replace

    def replace(self: Path, target: Any) -> Any:
        if self.name == ".last.ckpt.partial" and torch.load(self, weights_only=True)["global_step"] == step:
            self.write_bytes(self.read_bytes()[:1000])
            os.kill(os.getpid(), signal.SIGKILL)
        return original(self, target)

    Path.replace = replace  # type: ignore[method-assign,assignment]
    train(*arguments)


def command_with_signal(step: int, number: int, arguments: list[str]) -> None:
    """Runs the command line, whose training gets a signal in a step."""
    _signal_at(step, number)
    main(arguments)


def tune(config: TuningConfig, run: Path) -> None:
    """Tunes on pairs; the process ends with 0 when it is done, with 3 when it was interrupted."""
    sys.exit(0 if train_pairs(config, run, lambda line: None) else 3)


def _signal_at(step: int, number: int) -> None:
    original = TrainingModule.training_step

    def step_and_signal(self: TrainingModule, batch: Any, index: int) -> Any:
        if self.global_step == step:
            os.kill(os.getpid(), number)
        return original(self, batch, index)

    TrainingModule.training_step = step_and_signal  # type: ignore[method-assign]
