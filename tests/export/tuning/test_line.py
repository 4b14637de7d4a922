"""The whole line: pairs in, a trained run, a bundle that needs no reference, what it decides."""

from __future__ import annotations

import csv
import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
import torch
import yaml
from click.testing import CliRunner
from mixbridge.export.commands import export
from mixbridge.export.styles.compare import WayComparison
from mixbridge.export.tuning import comparing
from mixbridge.export.tuning.bundle import described_run, export_run, load_tuned
from mixbridge.export.tuning.command import train
from mixbridge.export.tuning.losses import SOUND_TERMS
from mixbridge.export.tuning.records import open_run
from mixbridge.export.tuning.training import LAST, _judged, read_tuned
from mixbridge.presets.console import Strip
from mixbridge.presets.errors import ModelError, OutputError
from mixbridge.runtime.mixing import predict
from mixbridge.runtime.model.bundle import open_bundle
from mixbridge.runtime.model.controller import Controller, Embeddings
from mixbridge.runtime.prediction.predict import denormalize
from mixbridge.runtime.styles.deciding import StyledModel
from voice_pairs import REVERB, STYLE

from .conftest import SHORT, SmallSet


@pytest.fixture(scope="module")
def line(small: SmallSet, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The run and the bundle that the commands make of a configuration with the four keys."""
    root = tmp_path_factory.mktemp("line")
    (root / "vocal.yaml").write_text(
        yaml.safe_dump(
            {
                "track_root_dirs": [str(small.folder / "raw")],
                "mix_root_dirs": [str(small.folder / "mixed")],
                "batch_size": 2,
                "num_workers": 1,
            }
        )
    )
    (root / "more.yaml").write_text(yaml.safe_dump({**SHORT, "check_every": 20, "trainer": {"max_steps": 40}}))
    told = CliRunner().invoke(
        train,
        [
            *("-c", str(root / "vocal.yaml"), "-c", str(root / "more.yaml")),
            *("--presets", str(small.presets), "-o", str(root / "run")),
        ],
    )
    assert told.exit_code == 0, told.output
    assert "4 of 4 pairs can be trained on" in told.output
    assert "step 40 of 40: held-out loss" in told.output
    made = CliRunner().invoke(export, [str(root / "run"), "-o", str(root / "bundle")])
    assert made.exit_code == 0, made.output
    assert "comparing mean, neighbour, house, fine-tuned, halfway on 1 pairs" in made.output
    assert f"next: mixbridge mix TRACK --model {root / 'bundle'} -o OUT" in made.output
    assert re.search(r"parameters, ([1-9]\d* kB|\d+\.\d MB)\n", made.output)
    assert " 0.0 MB" not in made.output
    network = root / "network"
    export_run(root / "run", network, described_run(root / "run", "mine", "", "not stated"))
    return root / "run", network


def test_the_best_way_is_shipped_and_mixes(line: tuple[Path, Path], small: SmallSet, tmp_path: Path) -> None:
    bundle = line[0].parent / "bundle"
    note = open_bundle(bundle).manifest.style
    assert note is not None
    assert {way.name for way in note.ways} == {"mean", "neighbour", "house", "fine-tuned", "halfway"}
    assert note.way == min(note.ways, key=lambda way: way.distance).name
    assert "of the raw tracks' distance" in note.why
    for model in (bundle, line[1]):
        preset = predict(small.folder / "raw" / "voice0.wav", None, model=model, provider="cpu")
        strip = preset.tracks[0].strip
        assert -30 < strip.reverb_send_db < 0
        assert preset.reverb.decay_mid_s == pytest.approx(REVERB["decay_mid_s"], rel=0.05)


def test_a_network_is_shipped_with_what_it_does_not_tell(
    line: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = comparing._material(open_run(line[0]))
    lifting = [replace(example, lifted_noise_db=9.0) for example in found.train]
    monkeypatch.setattr(comparing, "_material", lambda run: replace(found, train=lifting, held_out=lifting[:1]))
    monkeypatch.setattr(WayComparison, "best", comparing.TUNED)
    comparing.export_best(line[0], tmp_path / "bundle", described_run(line[0], "mine", "", ""), lambda text: None)
    model = StyledModel.of(tmp_path / "bundle")
    assert model is not None
    assert model.network is not None
    assert model.style is not None
    # All the way to the network; beside it, how far the pairs lift noise.
    assert model.style.network_share is None
    assert model.style.lifted_noise_db == pytest.approx(9.0)


def test_the_best_look_is_the_one_that_sounds_best(line: tuple[Path, Path]) -> None:
    with (line[0] / "csv" / "version_0" / "metrics.csv").open() as file:
        rows = [row for row in csv.DictReader(file) if row["held_out_loss"]]
    sounds = [sum(float(row[f"held_out_{name}"]) for name in SOUND_TERMS) for row in rows]
    assert len(sounds) == 3
    looks = next(state for name, state in read_tuned(line[0] / LAST)["callbacks"].items() if "HeldOutLooks" in name)
    assert looks["best"] == pytest.approx(min(sounds), rel=1e-4)
    assert looks["best"] < min(float(row["held_out_loss"]) for row in rows)


def test_one_pair_that_is_none_does_not_decide_which_look_is_the_best() -> None:
    def looks(good: float, wrong: float) -> list[dict[str, float]]:
        return [dict.fromkeys(SOUND_TERMS, each / len(SOUND_TERMS)) | {"curve": 1.0} for each in (good, good, wrong)]

    assert _judged(looks(0.06, 9.9), 1.0) < _judged(looks(0.12, 6.0), 1.0) < 0.5
    assert _judged(looks(0.06, 0.06), 1.0) == pytest.approx(0.06)
    assert _judged(looks(0.06, 0.06), 0.0) == pytest.approx(1.06)
    # Where all are far, what is nearer is better all the same.
    assert _judged(looks(1.5, 1.5), 1.0) < _judged(looks(2.5, 2.5), 1.0)


def test_the_bundle_knows_the_style(line: tuple[Path, Path], small: SmallSet) -> None:
    run, folder = line
    bundle = open_bundle(folder)
    manifest = bundle.manifest
    assert manifest.effects is not None
    assert manifest.effects.reverb.decay_mid_s == pytest.approx(REVERB["decay_mid_s"])
    assert not manifest.layout.balanced
    controller = Controller(folder, provider="cpu", trusted=True)
    assert controller.check_snapshot() < 1e-4
    raw, _ = sf.read(small.folder / "raw" / "voice0.wav", dtype="float32")
    heard = controller.embeddings([raw[None]], np.zeros((1, 70000), np.float32))
    learned = bundle.learned_reference()
    outputs = controller.decide(Embeddings(heard.tracks, learned))
    tuned = load_tuned(open_run(run))
    with torch.no_grad():
        expected = tuned.decide(torch.from_numpy(np.stack(heard.tracks))[None], None, None)[0]
    np.testing.assert_allclose(outputs.tracks, expected.numpy(), atol=1e-4)
    np.testing.assert_array_equal(outputs.master, np.float32([0.5]))
    values = denormalize(manifest.layout.track, outputs.tracks[0].tolist(), Strip)
    # Forty steps on four pairs: the room, the fader and the tone have gone where the style is.
    assert abs(values["reverb_send_db"] - STYLE["reverb_send_db"]) < 9
    assert values["delay_send_db"] < -25


def test_a_run_goes_on_where_it_is_done(line: tuple[Path, Path], small: SmallSet) -> None:
    run, _ = line
    before = (run / "checkpoints" / "last.ckpt").read_bytes()
    assert json.loads((run / "config.json").read_text())["config"]["max_steps"] == 40
    assert before
    names = {path.name for path in run.iterdir()}
    assert {"config.json", "pairs.json", "cache", "checkpoints", "csv", "tensorboard", "check.html"} <= names
    assert list(run.glob("tensorboard/events.*"))
    assert "held_out_loss" in next(run.glob("csv/*/metrics.csv")).read_text()


def test_one_training_at_a_time_in_a_folder(tmp_path: Path, small: SmallSet) -> None:
    from mixbridge.export.tuning.run import train_pairs
    from mixbridge.runtime.in_use import one_run_at_a_time

    run = tmp_path / "run"
    with (
        one_run_at_a_time(run, "mixbridge train"),
        pytest.raises(OutputError, match=r"another `mixbridge train` right now \(process \d+ of"),
    ):
        train_pairs(small.config(), run, lambda line: None)
    assert not run.exists()


def test_what_is_no_run_is_told(tmp_path: Path, small: SmallSet) -> None:
    with pytest.raises(ModelError, match="is no run of `mixbridge train`"):
        open_run(tmp_path)
    from mixbridge.export.tuning.run import train_pairs

    (tmp_path / "mine.txt").write_text("kept")
    with pytest.raises(OutputError, match="choose another output"):
        train_pairs(small.config(), tmp_path, lambda line: None)
