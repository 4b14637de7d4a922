"""Outputs of training, corpus, evaluation and studies replace nothing but what an earlier run of theirs wrote."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="needs the `train` extra")

import mixbridge.export
from mixbridge.export.compact import train as training
from mixbridge.export.compact.config import load_config
from mixbridge.export.corpus import make as make_module
from mixbridge.export.corpus.make import BuildReport, Request, make
from mixbridge.export.evaluation.command import EvaluationRequest, judge
from mixbridge.export.studies import ablations, refinement, settings
from mixbridge.export.whole_files import check_page, write_bytes
from mixbridge.presets.errors import OutputError

CONFIG = Path(mixbridge.export.__file__).parent / "configs" / "default.yaml"


def pages(page: Path) -> None:
    """What each command that writes a page does first; what follows would fail, for want of a corpus."""
    nothing = page.parent / "nothing"
    judge(EvaluationRequest(nothing, "default", "all", None, 1, 0, 1, page, nothing))


COMMANDS = {
    "evaluate": pages,
    "settings": settings.run,
    "ablations": lambda page: ablations.run(
        ablations.AblationRequest(page.parent, page.parent / "no.ckpt", page.parent, 1, 2), page, print
    ),
    "refinement": lambda page: refinement.run(
        refinement.RefinementRequest(page.parent, "default", 1, 1.0, 1.0, 1), page, print
    ),
}


@pytest.mark.parametrize("command", COMMANDS)
def test_a_page_replaces_no_file_of_somebody_else(tmp_path: Path, command: str) -> None:
    page = tmp_path / "notes.md"
    page.write_text("my notes")
    with pytest.raises(OutputError, match="no earlier result of this command"):
        COMMANDS[command](page)
    assert page.read_text() == "my notes"


@pytest.mark.parametrize("command", ["evaluate", "settings"])
def test_a_page_replaces_no_picture_of_somebody_else(tmp_path: Path, command: str) -> None:
    (tmp_path / "page.png").write_bytes(b"holiday")
    with pytest.raises(OutputError, match=r"page\.png"):
        COMMANDS[command](tmp_path / "page.md")
    assert os.listdir(tmp_path) == ["page.png"]  # noqa: PTH208


@pytest.mark.parametrize("kind", ["link", "folder", "pipe"])
def test_a_page_stands_where_a_file_can_be(tmp_path: Path, kind: str) -> None:
    page, other = tmp_path / "page.md", tmp_path / "other.md"
    other.write_text("# Title\n")
    {"link": lambda: page.symlink_to(other), "folder": page.mkdir, "pipe": lambda: os.mkfifo(page)}[kind]()
    with pytest.raises(OutputError, match="never replaced"):
        check_page(page, "# Title")
    assert other.read_text() == "# Title\n"


def test_an_earlier_page_of_the_same_kind_is_replaced(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# Title\nold")
    (tmp_path / "page.png").write_bytes(b"old")
    check_page(page, "# Title", [tmp_path / "page.png"])
    with pytest.raises(OutputError, match="no earlier result"):
        check_page(page, "# Another title", [tmp_path / "page.png"])
    with pytest.raises(OutputError, match=r"ends in \.md"):
        check_page(tmp_path / "page.png", "# Title", [tmp_path / "page.png"])


def test_what_stands_beside_a_file_is_never_written_through(tmp_path: Path) -> None:
    recording = tmp_path / "recording.wav"
    recording.write_bytes(b"sound")
    (tmp_path / ".a.npz.partial").symlink_to(recording)
    write_bytes(tmp_path / "a.npz", b"data")
    assert (tmp_path / "a.npz").read_bytes() == b"data"
    assert recording.read_bytes() == b"sound"
    (tmp_path / "b.npz").symlink_to(recording)
    with pytest.raises(OutputError, match="link"):
        write_bytes(tmp_path / "b.npz", b"data")
    assert recording.read_bytes() == b"sound"


@pytest.mark.parametrize("name", ["config.yaml", "loss.png"])
def test_a_training_replaces_no_file_of_somebody_else(tmp_path: Path, name: str) -> None:
    corpus, run = tmp_path / "corpus", tmp_path / "run"
    corpus.mkdir()
    run.mkdir()
    (run / name).write_text("mine: 1")
    with pytest.raises(OutputError, match="not of a training"):
        training.train(load_config(CONFIG), corpus, run, run / "cache")
    assert (run / name).read_text() == "mine: 1"


def test_a_training_does_not_write_into_its_corpus(tmp_path: Path) -> None:
    (tmp_path / "corpus").mkdir()
    for run in (tmp_path / "corpus", tmp_path):
        with pytest.raises(OutputError, match="which is read"):
            training.train(load_config(CONFIG), tmp_path / "corpus", run, tmp_path / "cache")
    (tmp_path / "link").symlink_to(tmp_path / "corpus")
    with pytest.raises(OutputError, match="which is read"):
        training.train(load_config(CONFIG), tmp_path / "corpus", tmp_path / "link", tmp_path / "cache")
    assert sorted(os.listdir(tmp_path)) == ["corpus", "link"]  # noqa: PTH208


def test_a_configuration_stays_as_its_user_wrote_it(tmp_path: Path) -> None:
    file = tmp_path / "config.yaml"
    text = f"# mine\n{CONFIG.read_text()}"
    file.write_text(text)
    training._write_config(file, load_config(CONFIG))
    assert file.read_text() == text
    training._write_config(file, load_config(CONFIG).model_copy(update={"max_steps": 7}))
    assert load_config(file).max_steps == 7


@pytest.mark.parametrize("name", ["manifest.json", "CREDITS.md", "failed.txt", "train", "songs"])
def test_a_corpus_is_not_made_among_files_of_somebody_else(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(make_module, "fetch_packages", lambda *_: pytest.fail("work before the check"))
    mine = tmp_path / name
    if "." in name:
        mine.write_text(json.dumps({"packages": []}))
    else:
        (mine / "voice_000001").mkdir(parents=True)
    with pytest.raises(OutputError, match="no corpus of mixbridge"):
        make(Request(tmp_path), BuildReport(), lambda *_: None)
    assert os.listdir(tmp_path) == [name]  # noqa: PTH208
