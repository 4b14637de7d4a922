"""`model list`, `show` and `test`, and `mix` without a reference."""

import shutil

import numpy as np
import pytest
import soundfile as sf
from mixbridge.runtime.audio.loudness import integrated_loudness
from mixbridge.runtime.model import bundle as bundles
from style_examples import sung

RATE_HZ = 44_100


@pytest.fixture
def voice(tmp_path):
    path = tmp_path / "vox.wav"
    sf.write(path, sung(70, 2.0).T, RATE_HZ, subtype="FLOAT")
    return path


@pytest.fixture
def own_place(tmp_path, monkeypatch):
    monkeypatch.setattr(bundles, "models_folder", lambda: tmp_path / "models")
    (tmp_path / "models").mkdir()
    return tmp_path / "models"


def test_list_has_those_that_ship_and_those_in_the_usual_place(run, packed_bundle, own_place):
    shutil.copy(packed_bundle, own_place / "mine.zip")
    (own_place / "broken").mkdir()
    (own_place / "broken" / "manifest.json").write_text("{")
    outcome = run("model", "list")
    assert outcome.code == 0
    assert "default  needs a reference" in outcome.out
    assert "mine  needs no reference: a style learned from 57 pairs (house), mine alone" in outcome.out
    assert "broken  cannot be used" in outcome.out
    assert str(own_place) in outcome.err
    listed = {item["name"]: item for item in run("model", "list", "--json").data}
    assert listed["mine"]["needs_reference"] is False
    assert listed["mine"]["place"] == str(own_place / "mine.zip")
    assert listed["default"]["needs_reference"] is True
    assert "problem" in listed["broken"]


def test_show_says_what_it_is_worth(run, house_bundle):
    outcome = run("model", "show", str(house_bundle))
    assert outcome.code == 0
    assert "learned from 57 pairs; measured on 12" in outcome.out
    assert "house        0.55 of the raw tracks' distance" in outcome.out
    assert "licence: mine alone" in outcome.out
    assert "style: answers as when it was made" in outcome.out


def test_show_checks_the_network_that_ships(run):
    shown = run("model", "show", "default", "--json").data
    assert shown["needs_reference"] is True
    assert shown["parity"]["network"] < 1e-3
    assert shown["bytes"] > 10_000_000


def test_test_leaves_before_and_after_equally_loud(run, packed_bundle, voice, tmp_path):
    outcome = run("model", "test", str(packed_bundle), str(voice), "-o", str(tmp_path / "heard"), "--json")
    assert outcome.code == 0, outcome.err
    before, after = (sf.read(tmp_path / "heard" / name)[0].T for name in ("before.wav", "after.wav"))
    assert before.shape == after.shape == (2, 2 * RATE_HZ)
    loudness = [integrated_loudness(audio.astype(np.float32), RATE_HZ) for audio in (before, after)]
    assert loudness[0] == pytest.approx(loudness[1], abs=0.1)
    assert max(np.abs(before).max(), np.abs(after).max()) < 10 ** (-0.9 / 20)
    assert outcome.data["confidence"]["level"] in {"high", "fair", "low"}
    assert outcome.data["distance"] is None
    assert (tmp_path / "heard" / "preset.json").is_file()
    wanted = ("--mixed", str(tmp_path / "heard" / "after.wav"))
    nearer = run("model", "test", str(packed_bundle), str(voice), *wanted, "-o", str(tmp_path / "again"), "--json")
    assert nearer.data["distance"] < 0.05 * nearer.data["raw_distance"]


def test_test_speaks_to_people(run, packed_bundle, voice, tmp_path):
    outcome = run("model", "test", str(packed_bundle), str(voice), "-o", str(tmp_path / "heard"))
    assert outcome.code == 0
    assert "as in the 57 pairs of mine, by house style" in outcome.out
    assert "Loudness: -2" in outcome.out
    again = run("model", "test", str(packed_bundle), str(voice), "-o", str(tmp_path / "heard"))
    assert again.code == 2
    assert "--force" in again.err or "exist" in again.err


def test_mix_without_reference(run, packed_bundle, own_place, voice, tmp_path):
    shutil.copy(packed_bundle, own_place / "mine.zip")
    outcome = run("mix", str(voice), "--model", "mine", "-o", str(tmp_path / "out"))
    assert outcome.code == 0, outcome.err
    assert "57 pairs of mine" in outcome.out
    assert (tmp_path / "out" / "mix.wav").is_file()
    report = (tmp_path / "out" / "report.html").read_text()
    assert "57 pairs of mine" in report
    assert "nearer to the mixed track" in report


def test_mix_with_the_default_model_asks_for_a_reference(run, voice, tmp_path):
    outcome = run("mix", str(voice), "-o", str(tmp_path / "out"))
    assert outcome.code == 2
    assert "needs a reference" in outcome.err
    assert not (tmp_path / "out").exists()
