"""The session that ships as an example: complete, credited, and mixed without a flaw."""

from __future__ import annotations

import json
from importlib import resources
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
from example_print import GOLDEN, machine, prints
from mixbridge.runtime.audio.loudness import integrated_loudness
from mixbridge.runtime.audio.peaks import true_peak_db
from mixbridge.runtime.audio.reading import probe
from mixbridge.runtime.mixing import MixResult, mix
from mixbridge.runtime.model.controller import Controller
from numpy.typing import NDArray

Audio = NDArray[np.float32]
EXAMPLE = Path(str(resources.files("mixbridge.runtime") / "example"))
STEMS = {path.stem: path for path in sorted((EXAMPLE / "stems").iterdir())}
REFERENCE = EXAMPLE / "reference.flac"
ONE_STEM = next(iter(STEMS.values()))
# Equalizers and compressors sharpen what is bright and short by up to half of this.
CLICK_DB = 9


def read(path: Path) -> Audio:
    audio: Audio = sf.read(path, dtype="float32", always_2d=True)[0].T
    return audio


def step_crest_db(audio: Audio) -> float:
    """The largest step from sample to sample, over the RMS of all steps.

    Music has large steps where it is bright and loud, and then many of them; a click is a large one alone.
    Gains cancel out, so a stem can be compared before and behind its strip.
    """
    steps = np.abs(np.diff(audio.astype(np.float64)))
    return float(20 * np.log10(steps.max() / np.sqrt(np.mean(np.square(steps)))))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, controller: Controller) -> MixResult:
    return mix(STEMS, REFERENCE, tmp_path_factory.mktemp("example") / "out", model=controller)


@pytest.fixture(scope="module")
def mixed(made: MixResult) -> Audio:
    return read(made.mix_path)


def test_the_session_is_small_and_whole() -> None:
    assert 6 <= len(STEMS) <= 8
    infos = [probe(path) for path in STEMS.values()]
    assert all(20 <= info.duration_s <= 30 for info in infos)
    assert len({(info.sample_rate_hz, info.frames) for info in infos}) == 1
    assert probe(REFERENCE).duration_s >= 5.95
    assert probe(REFERENCE).channels == 2
    assert sum(path.stat().st_size for path in EXAMPLE.rglob("*") if path.is_file()) <= 12 * 2**20


@pytest.mark.parametrize("name", STEMS)
def test_each_stem_has_something_in_it_and_does_not_clip(name: str) -> None:
    info, audio = probe(STEMS[name]), read(STEMS[name])
    assert audio.shape == (info.channels, info.frames)
    assert integrated_loudness(audio, info.sample_rate_hz) > -50
    assert np.abs(audio).max() < 0.999


def test_every_source_is_credited() -> None:
    text = (EXAMPLE / "CREDITS.md").read_text(encoding="utf-8")
    for part in ("`stems/`", "`reference.flac`"):
        assert part in text
    plain = text.casefold()
    for licence in ("public domain", "cc0", "cc by", "bsd", "apache-2.0"):
        assert licence in plain
    for source in ("Csound", "Sonic Pi", "HTS Working Group", "Sinsy", "Kenta Cho"):
        assert source in text


def test_the_mix_is_as_long_as_the_stems(made: MixResult, mixed: Audio) -> None:
    info = probe(next(iter(STEMS.values())))
    assert made.render.sample_rate_hz == info.sample_rate_hz
    # A room is behind the last note, no longer than a song's end.
    assert info.frames < mixed.shape[1] <= info.frames + 3 * info.sample_rate_hz


def test_the_mix_has_its_loudness_and_ceiling(made: MixResult, mixed: Audio) -> None:
    assert np.isfinite(mixed).all()
    assert integrated_loudness(mixed, made.render.sample_rate_hz) == pytest.approx(-14, abs=0.5)
    assert true_peak_db(mixed) <= -1
    assert made.render.limited_db < 6


def test_the_mix_does_not_fall_silent(made: MixResult, mixed: Audio) -> None:
    """No second without music, on either side, but where the stems have none."""
    rate_hz = made.render.sample_rate_hz
    plain = sum((np.abs(read(path)).max(axis=0) for path in STEMS.values()), np.zeros(read(ONE_STEM).shape[1]))
    for begin in range(0, len(plain) - rate_hz, rate_hz):
        if plain[begin : begin + rate_hz].max() > 0.01:
            rms = np.sqrt(np.mean(np.square(mixed[:, begin : begin + rate_hz]), axis=1))
            assert rms.min() > 10 ** (-50 / 20), f"at {begin / rate_hz:.0f} s"


def test_every_track_is_in_the_mix(made: MixResult) -> None:
    assert set(made.render.stems) == set(STEMS)
    assert all(track.note is None for track in made.preset.tracks)
    for name, path in made.stem_paths.items():
        assert integrated_loudness(read(path), made.render.sample_rate_hz) > -60, name


def test_no_strip_clicks(made: MixResult) -> None:
    for name, path in made.stem_paths.items():
        assert step_crest_db(read(path)) <= step_crest_db(read(STEMS[name])) + CLICK_DB, name


def test_the_mix_does_not_click(mixed: Audio) -> None:
    plain = sum((np.sqrt(0.5) * read(path) for path in STEMS.values()), np.zeros_like(read(ONE_STEM)))
    assert step_crest_db(mixed) <= step_crest_db(plain) + CLICK_DB


def test_a_click_would_be_seen() -> None:
    for path in STEMS.values():
        audio = read(path)
        broken = audio.copy()
        broken[:, audio.shape[1] // 2 :] += np.float32(4 * np.abs(np.diff(audio)).max())
        assert step_crest_db(broken) > step_crest_db(audio) + CLICK_DB, path.name


def test_the_mix_is_the_one_that_it_was(made: MixResult) -> None:
    """To the last bit where the same instructions and libraries render it; elsewhere within a tenth of a dB."""
    golden = json.loads(GOLDEN.read_text(encoding="utf-8"))
    now = prints(made.folder)
    assert {name: item["frames"] for name, item in now.items()} == {
        name: item["frames"] for name, item in golden["files"].items()
    }
    for name, item in golden["files"].items():
        assert now[name]["levels_db"] == pytest.approx(item["levels_db"], abs=0.1), name
    if golden["machine"] == machine():
        assert {name: item["sha256"] for name, item in now.items()} == {
            name: item["sha256"] for name, item in golden["files"].items()
        }
