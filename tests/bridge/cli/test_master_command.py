"""The command `master`: what it says, to people and to programs, and what it leaves on the disk."""

from __future__ import annotations

import json
from pathlib import Path

import mixbridge
import numpy as np
import pytest
import soundfile as sf
from click.testing import CliRunner
from mixbridge.bridge.cli.main import cli
from scipy.signal import lfilter

SONG = Path(mixbridge.__file__).parent / "runtime" / "example" / "reference.flac"


@pytest.fixture
def mix(tmp_path: Path) -> Path:
    audio, rate_hz = sf.read(SONG, frames=4 * 44_100, always_2d=True)
    path = tmp_path / "My mix.wav"
    sf.write(path, 0.1 * lfilter([1.0], [1.0, -0.9], audio, axis=0), rate_hz, subtype="FLOAT")
    return path


def run(*arguments: str) -> str:
    result = CliRunner().invoke(cli, ["master", *arguments], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def test_it_says_what_it_did_and_makes_a_report(tmp_path: Path, mix: Path) -> None:
    said = run(str(mix), "--reference", str(SONG), "-o", str(tmp_path / "out"))
    assert "a match curve bends the tone" in said
    assert "Reference: " in said
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"mix.wav", "preset.json", "report.html"}
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    for words in ("Match curve, dB over Hz", "Middle in third octaves", "Sides in third octaves"):
        assert words in page


def test_programs_get_spectra_and_a_dry_run_writes_nothing(tmp_path: Path, mix: Path) -> None:
    out = tmp_path / "out"
    plan = json.loads(run(str(mix), "--reference", str(SONG), "-o", str(out), "--dry-run", "--json"))
    assert plan["dry_run"]
    assert not out.exists()
    assert plan["preset"]["tracks"][0]["name"] == "My mix"
    made = json.loads(run(str(mix), "--reference", str(SONG), "-o", str(out), "--json", "--loudness", "-18"))
    assert made["loudness_lufs"] == pytest.approx(-18, abs=0.5)
    spectra = made["mastering"]["spectra_db"]
    assert set(spectra) == {"before", "after", "reference"}
    apart = {
        name: np.abs(np.array(spectra[name]["middle"]) - spectra["reference"]["middle"])[6:28].mean()
        for name in ("before", "after")
    }
    assert apart["after"] < 0.6 * apart["before"]
    assert len(made["mastering"]["thirds_hz"]) == len(spectra["after"]["sides"]) == 31
