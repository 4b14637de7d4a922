import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from mixbridge.export.corpus import voices
from mixbridge.export.corpus.build import check_session
from mixbridge.export.corpus.plan import Job
from mixbridge.export.corpus.score import SungNote
from mixbridge.export.corpus.session import SessionBuilder, write_session
from mixbridge.export.corpus.sources import CorpusSources
from mixbridge.presets.errors import AudioError
from numpy.typing import NDArray

SECONDS = 6.0


def job(kind: Any, seed: int, split: Any = "train") -> Job:
    key = "toy" if kind == "tune" else "own"
    return Job(kind, key, seed, split, SECONDS, f"{kind}_{seed}", f"{kind}:{key}")


def hummed(notes: Sequence[SungNote], tempo_bpm: float, seconds: float, numbers: np.random.Generator) -> NDArray[Any]:
    return 0.1 * np.sin(np.arange(round(seconds * 44100), dtype=np.float32) / 20)


def built(builder: SessionBuilder, which: Job, folder: Path) -> dict[str, Any]:
    folder.mkdir()
    builder.build(which, folder)
    check_session(folder)
    meta: dict[str, Any] = json.loads((folder / "meta.json").read_text())
    return meta


@pytest.fixture(scope="module")
def builder(sources: CorpusSources) -> SessionBuilder:
    return SessionBuilder(sources, hummed)


@pytest.mark.parametrize("kind", ["tune", "composition"])
@pytest.mark.parametrize("seed", range(2))
def test_files_are_as_their_meta_says(builder: SessionBuilder, kind: str, seed: int, tmp_path: Path) -> None:
    which = job(kind, seed)
    meta = built(builder, which, tmp_path / "a")
    assert {key: meta[key] for key in ("format", "name", "kind", "song", "seed", "split", "seconds")} == {
        "format": 1, "name": which.name, "kind": kind, "song": which.song, "seed": seed, "split": "train",
        "seconds": SECONDS,
    }  # fmt: skip
    assert 1 <= len(meta["stems"]) <= 24
    for stem in meta["stems"]:
        path = tmp_path / "a" / stem["file"]
        audio, rate_hz = soundfile.read(path, always_2d=True)
        assert (audio.shape[1], rate_hz) == (stem["channels"], stem["sample_rate_hz"])
        assert len(audio) == SECONDS * rate_hz
        assert 0.02 < np.abs(audio).max() < 0.95
        assert stem["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
        assert all(stem[key] for key in ("role", "instrument", "source", "licence"))
    assert len({stem["sample_rate_hz"] for stem in meta["stems"]}) == 1


def test_the_same_job_gives_the_same_session(sources: CorpusSources, builder: SessionBuilder, tmp_path: Path) -> None:
    first = built(builder, job("composition", 5), tmp_path / "a")
    built(builder, job("tune", 5), tmp_path / "b")
    assert built(SessionBuilder(sources, hummed), job("composition", 5), tmp_path / "c") == first
    other = built(builder, job("composition", 6), tmp_path / "d")
    assert other["stems"] != first["stems"]


def test_training_never_hears_the_font_of_the_test(builder: SessionBuilder, tmp_path: Path) -> None:
    heard: dict[str, set[str]] = {"train": set(), "test": set()}
    for split, fonts in heard.items():
        for seed in range(6):
            meta = built(builder, job("tune", seed, split), tmp_path / f"{split}{seed}")
            fonts.update(stem["source"] for stem in meta["stems"])
    assert "gmbank" not in heard["train"]
    assert {"gmbank", "fluid"} <= heard["test"]


def test_a_singer_who_fails_leaves_the_band(
    sources: CorpusSources, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def hoarse(*_: object) -> NDArray[Any]:
        raise RuntimeError("no voice today")

    for seed in range(5):
        meta = built(SessionBuilder(sources, hoarse), job("composition", seed), tmp_path / str(seed))
        assert all(stem["role"] != "vocal" for stem in meta["stems"])
    assert "no voice today" in caplog.text


def test_most_songs_are_sung(builder: SessionBuilder, tmp_path: Path) -> None:
    sung = [
        any(stem["role"] == "vocal" for stem in built(builder, job("composition", seed), tmp_path / str(seed))["stems"])
        for seed in range(9)
    ]
    assert 2 < sum(sung) < 9


def test_a_lone_voice_is_a_session_of_one_track(
    builder: SessionBuilder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def spoken(sources: CorpusSources, seconds: float, numbers: np.random.Generator, split: str) -> tuple[Any, Any]:
        asked.append((seconds, split))
        info = voices.VoiceInfo("spoken", "somebody", "festvox-ru", "BSD", ("pops",))
        return hummed((), 0.0, seconds, numbers), info

    monkeypatch.setattr(voices, "lone_voice", spoken)
    meta = built(builder, job("voice", 1, "test"), tmp_path / "a")
    (stem,) = meta["stems"]
    assert asked == [(SECONDS, "test")]
    assert (stem["role"], stem["channels"], stem["source"], stem["licence"]) == ("vocal", 1, "festvox-ru", "BSD")
    assert stem["notes"] == ["pops"]


def test_a_silent_session_is_told(tmp_path: Path) -> None:
    with pytest.raises(AudioError, match="tune_1 is silent"):
        write_session(job("tune", 1), [], tmp_path, "PCM_16")
