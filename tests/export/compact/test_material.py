"""What a training is fed with: files that cannot be used are named, and files that changed are read anew."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
import yaml
from click.testing import CliRunner
from mixbridge.bridge.cli.main import _run
from mixbridge.export.commands import export
from mixbridge.export.compact import band_cache, familiarity
from mixbridge.export.compact import checkpoint as checkpoints
from mixbridge.export.compact.band_cache import load_corpus, load_session
from mixbridge.export.compact.bands import SAMPLE_RATE_HZ, BandPowerTransform
from mixbridge.export.compact.checkpoint import load_checkpoint
from mixbridge.export.compact.config import TrainConfig
from mixbridge.export.compact.dataset import MixExamples, usable
from mixbridge.presets.errors import ModelError
from session_folders import write_session

LONG = 19 * SAMPLE_RATE_HZ


def _noise(frames: int = LONG, channels: int = 1) -> np.ndarray:
    return 0.1 * np.random.default_rng(0).standard_normal((frames, channels)).astype(np.float32)


def _session(folder: Path, **stems: np.ndarray) -> Path:
    return write_session(folder, stems, subtype="FLOAT")


def _empty(file: Path) -> None:
    file.write_bytes(b"")


def _text(file: Path) -> None:
    file.write_text("no audio at all, but a text that somebody called a WAV file\n" * 50)


def _truncated(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:50_000])


def _no_samples(file: Path) -> None:
    sf.write(file, np.zeros((0, 1)), SAMPLE_RATE_HZ)


def _six_channels(file: Path) -> None:
    sf.write(file, _noise(channels=6), SAMPLE_RATE_HZ)


def _one_nan(file: Path) -> None:
    audio = _noise()
    audio[3 * SAMPLE_RATE_HZ] = np.nan
    sf.write(file, audio, SAMPLE_RATE_HZ, subtype="FLOAT")


def _far_too_loud(file: Path) -> None:
    sf.write(file, _noise() * np.float32(3e38), SAMPLE_RATE_HZ, subtype="FLOAT")


@pytest.fixture
def call(
    small: dict[str, object], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> Callable[[Path], tuple[int, str]]:
    """Trains on a corpus by the command; gives its exit code and what it says."""
    config = tmp_path / "config.yaml"
    config.write_text(yaml.safe_dump(small))

    def train(corpus: Path) -> tuple[int, str]:
        code = _run(["model", "train", str(corpus), "--config", str(config), "-o", str(tmp_path / "run")])
        return code, capsys.readouterr().err

    return train


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (_empty, "is empty"),
        (_text, "is not audio"),
        (_no_samples, "holds no samples"),
        (_six_channels, "has 6 channels"),
        (_one_nan, "at 3.000 s a sample is not a finite number"),
        (_far_too_loud, "times full scale, which is no audio"),
    ],
)
def test_a_file_that_cannot_be_trained_on_is_named(
    spoil: Callable[[Path], None], words: str, tmp_path: Path, call: Callable[[Path], tuple[int, str]]
) -> None:
    folder = _session(tmp_path / "corpus" / "session", good=_noise(), spoiled=_noise())
    spoil(folder / "spoiled.wav")
    code, said = call(tmp_path / "corpus")
    assert code == 2
    assert words in said
    assert str(folder / "spoiled.wav") in said
    assert "fault of mixbridge" not in said
    assert not (tmp_path / "run" / "checkpoints").exists()


def test_a_file_that_is_cut_off_is_no_fault_of_ours(tmp_path: Path, call: Callable[[Path], tuple[int, str]]) -> None:
    folder = _session(tmp_path / "corpus" / "session", good=_noise(), spoiled=_noise())
    _truncated(folder / "spoiled.wav")
    code, said = call(tmp_path / "corpus")
    assert code in (0, 2)
    assert "fault of mixbridge" not in said


@pytest.mark.parametrize(
    ("stems", "words"),
    [
        ({}, "session: no audio files"),
        ({"a": _noise(SAMPLE_RATE_HZ)}, "session is shorter than 18 s"),
        ({"a": _noise(100)}, "session is shorter than 18 s"),
        ({"a": np.zeros((LONG, 1), np.float32)}, "session is silent"),
    ],
    ids=["no files", "a second", "a few samples", "silence"],
)
def test_a_corpus_without_anything_to_train_on_says_so(
    stems: dict[str, np.ndarray], words: str, tmp_path: Path, call: Callable[[Path], tuple[int, str]]
) -> None:
    _session(tmp_path / "corpus" / "session", **stems)
    code, said = call(tmp_path / "corpus")
    assert code == 2
    assert words in said
    assert "fault of mixbridge" not in said


def test_silent_and_short_sessions_are_left_out_with_a_word(
    tmp_path: Path, config: TrainConfig, caplog: pytest.LogCaptureFixture
) -> None:
    corpus = tmp_path / "corpus"
    _session(corpus / "good", a=_noise())
    _session(corpus / "quiet", a=np.zeros((LONG, 2), np.float32))
    _session(corpus / "short", a=_noise(9 * SAMPLE_RATE_HZ))
    sessions = load_corpus(corpus, tmp_path / "cache")
    assert [session.name for session in usable(sessions)] == ["good"]
    assert "left out: quiet is silent; short is shorter than 18 s" in caplog.text
    assert MixExamples(sessions, 2, 4, 5).batch(0).session.present.any(1).all()


def _half_silent(wav: bytes) -> bytes:
    half = len(wav) // 2
    return wav[:half] + bytes(len(wav) - half)


def test_a_stem_exported_anew_is_analysed_anew(tmp_path: Path) -> None:
    """Of the same size, in the same folder, whose own time does not change when a file in it is rewritten."""
    folder = _session(tmp_path / "session", a=_noise())
    transform, cache = BandPowerTransform(), tmp_path / "cache"
    before, folder_time = load_session(folder, cache, transform), folder.stat().st_mtime_ns
    with (folder / "a.wav").open("r+b") as file:
        data = file.read()
        file.seek(0)
        file.write(_half_silent(data))
    os.utime(folder, ns=(folder_time, folder_time))
    after = load_session(folder, cache, transform)
    assert folder.stat().st_mtime_ns == folder_time
    assert not np.array_equal(after.level, before.level)


def test_a_stem_replaced_by_a_copy_with_the_same_time_is_analysed_anew(tmp_path: Path) -> None:
    folder = _session(tmp_path / "session", a=_noise())
    stem, transform, cache = folder / "a.wav", BandPowerTransform(), tmp_path / "cache"
    before, state = load_session(folder, cache, transform), stem.stat()
    other = tmp_path / "other.wav"
    other.write_bytes(_half_silent(stem.read_bytes()))
    os.utime(other, ns=(state.st_atime_ns, state.st_mtime_ns))
    other.replace(stem)
    assert (stem.stat().st_mtime_ns, stem.stat().st_size) == (state.st_mtime_ns, state.st_size)
    assert not np.array_equal(load_session(folder, cache, transform).level, before.level)


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04", b"nothing of the kind", None])
def test_a_damaged_cache_is_made_anew(data: bytes | None, tmp_path: Path) -> None:
    folder, transform = _session(tmp_path / "session", a=_noise()), BandPowerTransform()
    first = load_session(folder, tmp_path / "cache", transform)
    (file,) = (tmp_path / "cache").iterdir()
    whole = file.read_bytes()
    if data is None:
        np.savez(file, level=np.zeros((3, 1)), correlation=np.zeros(2), mono=np.zeros(1))
    else:
        file.write_bytes(data)
    assert np.array_equal(load_session(folder, tmp_path / "cache", transform).level, first.level)
    assert file.read_bytes() == whole


def _packed(checkpoint: Path, target: Path, zeros: int) -> None:
    """A checkpoint with so many zeros more, deflated."""
    import zipfile

    with zipfile.ZipFile(checkpoint) as source, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as packed:
        for entry in source.infolist():
            packed.writestr(entry.filename, source.read(entry))
        packed.writestr("archive/data/999999", bytes(zeros))


def test_a_checkpoint_that_unpacks_to_too_much_is_not_unpacked(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "bomb.ckpt"
    _packed(run / "checkpoints" / "last.ckpt", file, 2**26)
    monkeypatch.setattr(checkpoints, "MAX_BYTES", 2**25)
    assert file.stat().st_size < 2**24
    with pytest.raises(ModelError, match=r"bomb\.ckpt: holds 0\.1 GiB; more than 32 MiB is not loaded"):
        load_checkpoint(file)


def test_a_checkpoint_cannot_ask_for_a_huge_model(run: Path, tmp_path: Path) -> None:
    import torch

    content = torch.load(run / "checkpoints" / "last.ckpt", weights_only=True)
    for width, words in ((2**30, r"model\.width is"), (40, "not a checkpoint of `mixbridge model train`")):
        content["hyper_parameters"]["model"]["width"] = width
        torch.save(content, tmp_path / "other.ckpt")
        with pytest.raises(ModelError, match=words):
            load_checkpoint(tmp_path / "other.ckpt")


def test_a_checkpoint_with_weights_that_are_no_numbers_is_not_exported(run: Path, tmp_path: Path) -> None:
    import torch

    content = torch.load(run / "checkpoints" / "last.ckpt", weights_only=True)
    content["state_dict"]["average.kind"][0, 0] = float("nan")
    torch.save(content, tmp_path / "nan.ckpt")
    with pytest.raises(ModelError, match=r"nan\.ckpt: weights that are not numbers: kind; train the model again"):
        load_checkpoint(tmp_path / "nan.ckpt")


@pytest.mark.parametrize("half", ["nothing", "empty", "truncated", "foreign"])
def test_a_file_that_is_no_checkpoint_is_named(
    half: str, run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    whole, file = (run / "checkpoints" / "last.ckpt").read_bytes(), tmp_path / "model.ckpt"
    file.write_bytes({"nothing": b"", "empty": b"\0" * 100, "truncated": whole[:-500], "foreign": b"RIFF" * 100}[half])
    for architecture in ("compact", "diff-mst"):
        arguments = ["model", "export", str(file), "-o", str(tmp_path / "out"), "--name", "x"]
        code, said = _run([*arguments, "--architecture", architecture]), capsys.readouterr().err
        assert code == 2
        assert "model.ckpt: is not a checkpoint" in said
        assert "fault of mixbridge" not in said
    assert not (tmp_path / "out").exists()


class TestExportSaysAtOnceWhatItCanKnow:
    """Before a corpus is analysed, which takes minutes."""

    @pytest.fixture(autouse=True)
    def _no_analysis(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def analyse(*_: object) -> None:
            raise AssertionError("the corpus was analysed")

        monkeypatch.setattr(band_cache, "load_corpus", analyse)

    def _said(self, run: Path, corpus: Path, output: Path, *more: str) -> tuple[int, str]:
        checkpoint = run / "checkpoints" / "last.ckpt"
        arguments = [checkpoint, "-o", output, "--name", "x", "--corpus", corpus, *more]
        result = CliRunner().invoke(export, list(map(str, arguments)))
        return result.exit_code, f"{result.output} {result.exception}"

    def test_an_output_that_exists(self, run: Path, corpus: Path, tmp_path: Path) -> None:
        code, said = self._said(run, corpus, tmp_path)
        assert code
        assert "exists already" in said

    def test_an_output_below_a_file(self, run: Path, corpus: Path, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("")
        code, said = self._said(run, corpus, tmp_path / "file" / "model")
        assert code
        assert "is a file, not a folder" in said

    def test_a_record_that_is_none(self, run: Path, corpus: Path, tmp_path: Path) -> None:
        for text, words in (("{", "not a record of a training"), ('{"hours": "many"}', "hours"), ("\xff", "record")):
            (tmp_path / "record.json").write_text(text, encoding="latin-1")
            code, said = self._said(run, corpus, tmp_path / "out", "--training", str(tmp_path / "record.json"))
            assert code
            assert "record.json" in said
            assert words in said

    def test_a_corpus_with_too_few_sessions(self, run: Path, corpus: Path, tmp_path: Path) -> None:
        code, said = self._said(run, corpus, tmp_path / "out")
        assert code
        assert "2 sessions are too few" in said
        assert "at least 8 of 18 s or more" in said

    def test_a_corpus_for_the_other_architecture(self, run: Path, corpus: Path, tmp_path: Path) -> None:
        code, said = self._said(run, corpus, tmp_path / "out", "--architecture", "diff-mst")
        assert code == 2
        assert "--corpus is for the compact architecture" in said


def test_export_warns_of_a_training_that_was_not_finished(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch
    from mixbridge.export import onnx_bundle

    content = torch.load(run / "checkpoints" / "last.ckpt", weights_only=True)
    content["hyper_parameters"]["max_steps"] = 100
    torch.save(content, tmp_path / "half.ckpt")

    def write(*_: object) -> None:
        raise ModelError("written")

    monkeypatch.setattr(onnx_bundle, "export_bundle", write)
    for file, warned in ((tmp_path / "half.ckpt", True), (run / "checkpoints" / "last.ckpt", False)):
        result = CliRunner().invoke(export, [str(file), "-o", str(tmp_path / "out"), "--name", "x"])
        assert str(result.exception) == "written"
        assert ("stopped at step 3 of 100" in result.output) == warned


def test_only_long_sessions_count_for_familiarity(corpus: Path, tmp_path: Path) -> None:
    for number in range(9):
        shutil.copytree(corpus / "session_0", tmp_path / f"session_{number}")
    familiarity.check_sessions(tmp_path)
    for number in range(2):
        for stem in (tmp_path / f"session_{number}").glob("*.flac"):
            sf.write(stem, _noise(SAMPLE_RATE_HZ), SAMPLE_RATE_HZ)
    with pytest.raises(ModelError, match="7 sessions are too few"):
        familiarity.check_sessions(tmp_path)
