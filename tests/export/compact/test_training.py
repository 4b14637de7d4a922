"""Sessions on disk to examples, a few steps of training, resuming, and what is said of broken input."""

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from mixbridge.export.compact.band_cache import CachedSession, load_corpus, load_session, load_songs, session_folders
from mixbridge.export.compact.bands import BandPowerTransform
from mixbridge.export.compact.checkpoint import build_model, go_on_from, load_checkpoint
from mixbridge.export.compact.config import DEFAULT_CONFIG, TrainConfig, load_config
from mixbridge.export.compact.dataset import REFERENCE_FRAMES, SECTION_FRAMES, MixExamples
from mixbridge.export.compact.layout import compact_layout
from mixbridge.export.compact.losses import MixFeatures, feature_terms, setting_terms
from mixbridge.export.compact.train import train
from mixbridge.presets.errors import ModelError
from mixbridge.presets.roles import ROLES
from mixbridge.runtime.model.bundle import open_bundle


def test_a_session_is_analysed_once(corpus: Path, tmp_path: Path) -> None:
    folder = session_folders(corpus)[0]
    first = load_session(folder, tmp_path, BandPowerTransform())
    (cached,) = tmp_path.iterdir()
    written = cached.stat().st_mtime_ns
    second = load_session(folder, tmp_path, BandPowerTransform())
    assert cached.stat().st_mtime_ns == written
    assert np.array_equal(first.level, second.level)
    assert first.mono.tolist() == [True, False, True]


@pytest.fixture(scope="module")
def sessions(corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> list[CachedSession]:
    return load_corpus(corpus, tmp_path_factory.mktemp("cache"))


def test_examples_repeat_by_seed_and_leave_silence_out(sessions: list[CachedSession]) -> None:
    a, b, c = (next(iter(MixExamples(sessions, 3, 4, seed))) for seed in (5, 5, 6))
    assert torch.equal(a.reference.left, b.reference.left)
    assert not torch.equal(a.reference.left, c.reference.left)
    assert a.session.powers.left.shape == (int(a.session.present.sum()), 64, SECTION_FRAMES)
    assert a.reference.left.shape == (3, 64, REFERENCE_FRAMES)
    for batch in (a, b, c):
        assert int(batch.session.present.sum(1).max()) <= 4  # two sessions at once, now and then


def test_the_loss_of_the_truth_is_nothing(sessions: list[CachedSession]) -> None:
    batch = next(iter(MixExamples(sessions, 3, 4, 5, augment=False)))
    terms = feature_terms(batch.aim, batch.aim)
    terms |= setting_terms(batch.session, batch.strips, batch.master, batch.strips, batch.master, batch.paired)
    assert batch.paired.all()
    assert max(float(term) for term in terms.values()) < 1e-6


def test_foreign_references_are_their_own_aim(sessions: list[CachedSession], corpus: Path, tmp_path: Path) -> None:
    songs = load_songs(session_folders(corpus)[0], tmp_path)
    examples = iter(MixExamples(sessions, 16, 4, 5, songs))
    batches = [next(examples) for _ in range(4)]
    shares = torch.cat([batch.paired for batch in batches]).float().mean()
    assert 0.5 < float(shares) < 0.95
    # A reference may have lost its highs on the way, its aim has not; imbalance does not depend on them much.
    for batch in batches:
        heard = MixFeatures.of(batch.reference)
        foreign = ~batch.paired
        assert torch.allclose(heard.imbalance[foreign], batch.aim.imbalance[foreign], atol=0.05)
        assert not torch.allclose(heard.mid[~foreign], batch.aim.mid[~foreign], atol=1e-3)


def test_unknown_settings_cost_nothing(sessions: list[CachedSession]) -> None:
    batch = next(iter(MixExamples(sessions, 3, 4, 5, augment=False)))
    other = {path: value + 0.1 for path, value in batch.strips.items()}
    none = torch.zeros(3, dtype=torch.bool)
    terms = setting_terms(batch.session, other, batch.master, batch.strips, batch.master, none)
    assert max(float(term) for term in terms.values()) == 0


def test_training_leaves_a_checkpoint_and_a_curve(run: Path) -> None:
    assert (run / "loss.png").read_bytes().startswith(b"\x89PNG")
    model, config, steps = load_checkpoint(run / "checkpoints" / "last.ckpt")
    assert config.model.width == 20
    assert model.track_head[-1].out_features == len(compact_layout().track)
    assert not model.training
    assert steps == 3


def test_training_goes_on_where_it_stopped(run: Path, corpus: Path, config: TrainConfig, tmp_path: Path) -> None:
    before = load_checkpoint(run / "checkpoints" / "last.ckpt")[0].state_dict()
    shutil.copytree(run / "checkpoints", tmp_path / "checkpoints")
    longer = config.model_copy(update={"max_steps": 6})
    last = train(longer, corpus, tmp_path, run / "cache")
    assert int(torch.load(last, weights_only=True)["global_step"]) == 6
    after = load_checkpoint(last)[0].state_dict()
    assert any(not torch.equal(before[key], after[key]) for key in before)


def test_no_sessions_is_said(tmp_path: Path, config: TrainConfig) -> None:
    with pytest.raises(ModelError, match=r"no sessions found"):
        train(config, tmp_path, tmp_path / "run", tmp_path / "cache")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a: [", "cannot be read as YAML"),
        ("- 1", "valid dictionary"),
        ("", "valid dictionary"),
        ("a: " * 3000 + "1", "YAML"),
        ("a: " + "[" * 3000, "nested too deeply"),
        ("seed: 1", "max_steps"),
        ("x" * 70_000, "64 KiB"),
        ({"batch_size": 0}, "batch_size"),
        ({"extra": 1}, "extra"),
        ({"seed": -1}, "seed"),
        ({"learning_rate": float("nan")}, "learning_rate"),
        ({"learning_rate": float("inf")}, "learning_rate"),
        ({"model": {"width": 21}}, r"model\.width 21 must be a multiple of model\.heads 2"),
        ({"model": {"width": 10**9, "heads": 1}}, r"model\.width is 1000000000"),
        ({"model": {"layers": 0}}, r"model\.layers is 0"),
    ],
)
def test_a_wrong_configuration_is_explained(
    tmp_path: Path, small: dict[str, Any], text: str | dict[str, Any], words: str
) -> None:
    file = tmp_path / "config.yaml"
    if isinstance(text, dict):
        sizes = {**small["model"], **text.get("model", {})}
        text = yaml.safe_dump({**small, **text, "model": sizes})
    file.write_text(text)
    with pytest.raises(ModelError, match=words):
        load_config(file)


def test_the_shipped_configuration_loads() -> None:
    import mixbridge.export.commands as commands

    assert load_config(commands._DEFAULT_CONFIG).max_steps > 1000


def test_a_wrong_checkpoint_is_explained(tmp_path: Path) -> None:
    file = tmp_path / "x.ckpt"
    file.write_bytes(b"nothing of the kind")
    with pytest.raises(ModelError, match=r"x\.ckpt: is not a checkpoint"):
        load_checkpoint(file)
    torch.save({"state_dict": {}}, file)
    with pytest.raises(ModelError, match="not a checkpoint"):
        load_checkpoint(file)


@pytest.mark.slow
def test_from_sessions_to_a_mix_by_commands(corpus: Path, run: Path, small: dict[str, Any], tmp_path: Path) -> None:
    from click.testing import CliRunner
    from mixbridge.bridge.cli.main import cli

    def call(*arguments: object) -> None:
        result = CliRunner().invoke(cli, [str(argument) for argument in arguments], catch_exceptions=False)
        assert result.exit_code == 0, result.output

    config, again = tmp_path / "config.yaml", tmp_path / "run"
    # What the rounds do is seen in test_onnx_bundle; here they would be most of the time.
    short = {**small, "model": {**small["model"], "unmix_rounds": 1, "feedback_rounds": 0}}
    config.write_text(yaml.safe_dump(short))
    call("model", "train", corpus, "--config", config, "-o", again, "--cache", run / "cache")
    call("model", "export", again / "checkpoints" / "last.ckpt", "-o", tmp_path / "model", "--name", "small")
    judged = ("--model", tmp_path / "model", "--cases", 2, "--jobs", 1, "--cache", tmp_path / "cases")
    call("model", "evaluate", corpus, "-o", tmp_path / "quality.md", *judged)
    stems, reference, mix = corpus / "session_0", corpus / "session_1" / "pad.flac", tmp_path / "mix"
    call("mix", stems, "--reference", reference, "-o", mix, "--model", tmp_path / "model")
    assert {path.name for path in mix.iterdir()} == {"mix.wav", "preset.json", "report.html", "stems"}
    assert "small" in (tmp_path / "quality.md").read_text()


def test_what_is_told_of_roles_is_mostly_true(sessions: list[CachedSession]) -> None:
    named = [replace(session, roles=("kick", "bass", "lead vocal")) for session in sessions]
    batches = [MixExamples(named, 16, 4, 5).batch(number) for number in range(8)]
    told, told_right, tracks = 0, 0, 0
    for batch in batches:
        present = batch.session.present
        assert batch.session.roles is not None
        weights, roles = batch.session.roles[present], batch.roles[present]
        assert set(roles.tolist()) <= {ROLES.index(role) for role in ("kick", "bass", "lead vocal")}
        assert set(weights.sum(-1).tolist()) <= {0.0, 1.0}
        told += int(weights.sum())
        told_right += int((weights.argmax(-1) == roles)[weights.sum(-1) > 0].sum())
        tracks += len(roles)
    assert 0.6 < told / tracks < 0.95
    assert 0.9 < told_right / told < 1


def test_sessions_without_roles_are_examples_too(sessions: list[CachedSession]) -> None:
    bare = [replace(session, roles=()) for session in sessions]
    batch = MixExamples(bare, 4, 4, 5, augment=False).batch(0)
    assert batch.session.roles is not None
    assert not batch.session.roles.any()
    assert (batch.roles == -1).all()


def test_a_training_begins_with_the_weights_of_a_model() -> None:
    bundle = open_bundle()
    model = build_model(load_config(DEFAULT_CONFIG).model).eval()
    go_on_from(model, bundle)
    recorded = bundle.read_arrays("snapshot.npz", ("tracks", "reference", "track_outputs", "master_outputs"))
    with torch.no_grad():
        strips, master = model(torch.from_numpy(recorded["tracks"]), torch.from_numpy(recorded["reference"])[None])
    np.testing.assert_allclose(strips, recorded["track_outputs"], rtol=0, atol=1e-5)
    np.testing.assert_allclose(master, recorded["master_outputs"], rtol=0, atol=1e-5)


def test_a_training_refuses_weights_of_other_sizes() -> None:
    model = build_model(replace(load_config(DEFAULT_CONFIG).model, channels=64))
    with pytest.raises(ModelError, match=r"default: .*has the shape .* use the model's own sizes"):
        go_on_from(model, open_bundle())
