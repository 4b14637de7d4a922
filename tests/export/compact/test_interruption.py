"""A training that is stopped, killed or fed with what is no number: what is left of it, and how it goes on."""

import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from killed_trainings import command_with_signal, exit_code, train_and_die, train_and_die_while_writing
from mixbridge.bridge.cli.main import main
from mixbridge.export.compact import train as training
from mixbridge.export.compact.band_cache import CachedSession, load_corpus
from mixbridge.export.compact.checkpoint import load_checkpoint
from mixbridge.export.compact.config import TrainConfig
from mixbridge.export.compact.dataset import MixExamples
from mixbridge.export.compact.train import TrainingModule, train
from mixbridge.presets.errors import ModelError
from torch.utils.data import DataLoader

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals and forks are those of POSIX")

_STEPS, _EVERY = 7, 2


@pytest.fixture(scope="module")
def longer(config: TrainConfig) -> TrainConfig:
    return config.model_copy(update={"max_steps": _STEPS, "checkpoint_every": _EVERY})


@pytest.fixture(scope="module")
def undisturbed(longer: TrainConfig, corpus: Path, run: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """What the last checkpoint of a run holds that nothing disturbed."""
    return _content(train(longer, corpus, tmp_path_factory.mktemp("undisturbed"), run / "cache"))


def _content(checkpoint: Path) -> Any:
    return torch.load(checkpoint, weights_only=True)


def _assert_same(found: Any, expected: Any) -> None:
    """All that decides how a training goes on, and the losses that it has seen."""
    for key in ("global_step", "state_dict", "optimizer_states", "lr_schedulers", "hyper_parameters"):
        assert _equal(found[key], expected[key]), key
    curves = [
        next(state["train"] for state in content["callbacks"].values() if "train" in state)
        for content in (found, expected)
    ]
    assert curves[0] == curves[1]


def _equal(a: Any, b: Any) -> bool:
    if isinstance(a, torch.Tensor):
        return torch.equal(a, b)
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(_equal(a[key], b[key]) for key in a)
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(map(_equal, a, b))
    return bool(a == b)


@pytest.mark.parametrize(
    ("way", "step"),
    [
        (train_and_die, 1),  # before there is a checkpoint
        (train_and_die, 2),  # right after one
        (train_and_die, 5),  # between two
        (train_and_die, 6),
        (train_and_die_while_writing, 2),
        (train_and_die_while_writing, 4),
    ],
)
def test_a_killed_training_goes_on_as_if_nothing_had_been(
    way: Callable[..., None], step: int, longer: TrainConfig, corpus: Path, run: Path, undisturbed: Any, tmp_path: Path
) -> None:
    arguments = (longer, corpus, tmp_path, run / "cache")
    assert exit_code(way, step, *arguments) == -signal.SIGKILL
    last = tmp_path / "checkpoints" / "last.ckpt"
    saved = (step - 1 if way is train_and_die_while_writing else step) // _EVERY * _EVERY
    assert (_content(last)["global_step"] if last.exists() else 0) == saved
    _assert_same(_content(train(*arguments)), undisturbed)


def test_a_training_killed_again_and_again_goes_on_as_well(
    longer: TrainConfig, corpus: Path, run: Path, undisturbed: Any, tmp_path: Path
) -> None:
    arguments = (longer, corpus, tmp_path, run / "cache")
    for step in (3, 5):
        assert exit_code(train_and_die, step, *arguments) == -signal.SIGKILL
    _assert_same(_content(train(*arguments)), undisturbed)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_training_that_is_stopped_does_not_end_like_one_that_is_done(
    number: int, longer: TrainConfig, corpus: Path, run: Path, undisturbed: Any, tmp_path: Path
) -> None:
    file, output = tmp_path / "config.yaml", tmp_path / "run"
    file.write_text(yaml.safe_dump(longer.model_dump(mode="json")))
    arguments = ["model", "train", str(corpus), "--config", str(file), "-o", str(output), "--cache", str(run / "cache")]
    assert exit_code(command_with_signal, 4, number, arguments) == 128 + number
    assert _content(output / "checkpoints" / "last.ckpt")["global_step"] == 4
    assert exit_code(main, arguments) == 0
    _assert_same(_content(output / "checkpoints" / "last.ckpt"), undisturbed)


def test_workers_draw_the_same_examples_in_the_same_order(corpus: Path, run: Path) -> None:
    sessions = load_corpus(corpus, run / "cache")

    def levels(workers: int, first: int) -> list[float]:
        loader = DataLoader(MixExamples(sessions, 2, 4, 5, first=first), batch_size=None, num_workers=workers)
        batches = iter(loader)
        return [float(next(batches).reference.left.sum()) for _ in range(5 - first)]

    expected = levels(0, 0)
    assert len(set(expected)) == 5
    assert levels(2, 0) == expected
    assert levels(1, 2) == expected[2:]


@pytest.mark.parametrize("broken", ["loss", "gradient"])
def test_what_is_no_number_never_reaches_the_weights(
    broken: str, longer: TrainConfig, corpus: Path, run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    original, calls = training.loss_terms, []

    def terms(model: Any, batch: Any) -> Any:
        result = original(model, batch)
        calls.append(model.training)
        if calls.count(True) == 4:
            parameter = next(model.parameters())
            zero = (parameter * 0).sum()
            # The root of 0 is a number, its slope is none.
            result["broken"] = torch.sqrt(zero) if broken == "gradient" else zero + float("nan")
        return result

    monkeypatch.setattr(training, "loss_terms", terms)
    with pytest.raises(ModelError, match=r"step 4: the loss is not a number any more"):
        train(longer, corpus, tmp_path, run / "cache")
    model, _, steps = load_checkpoint(tmp_path / "checkpoints" / "last.ckpt")
    assert steps == 2
    assert all(value.isfinite().all() for value in model.state_dict().values())


def test_a_run_does_not_go_on_with_other_settings(run: Path, config: TrainConfig, corpus: Path) -> None:
    other = config.model_copy(update={"learning_rate": 0.5, "max_steps": 9})
    with pytest.raises(ModelError, match=r"learning_rate \(0\.001 before, 0\.5 now\)\. Go on with .*config\.yaml"):
        train(other, corpus, run, run / "cache")


@pytest.mark.parametrize("data", [b"", b"RIFF", None])
def test_a_run_with_a_damaged_checkpoint_says_how_to_begin_anew(
    data: bytes | None, run: Path, config: TrainConfig, corpus: Path, tmp_path: Path
) -> None:
    last = tmp_path / "checkpoints" / "last.ckpt"
    last.parent.mkdir()
    whole = (run / "checkpoints" / "last.ckpt").read_bytes()
    last.write_bytes(whole[: len(whole) // 2] if data is None else data)
    with pytest.raises(ModelError, match=r"last\.ckpt: .* remove .*last\.ckpt or choose another output"):
        train(config, corpus, tmp_path, run / "cache")


def test_a_batch_whose_tracks_are_nearly_silent_has_a_loss(corpus: Path, run: Path, config: TrainConfig) -> None:
    sessions = load_corpus(corpus, run / "cache")
    faint = [_fainter(session) for session in sessions]
    batch = MixExamples(faint, 2, 4, 5).batch(0)
    assert batch.session.present.any(1).all()
    terms = training.loss_terms(TrainingModule(config).model, batch)
    assert all(torch.isfinite(term) for term in terms.values())


def _fainter(session: CachedSession) -> CachedSession:
    """So faint that no track passes the gate of loudness, in bands that still count as sounding."""
    from dataclasses import replace

    import numpy as np

    low = np.minimum(session.level, np.float16(-4.9))
    return replace(session, level=np.where(np.arange(64)[:, None] == 0, low, np.float16(-14)).astype(np.float16))
