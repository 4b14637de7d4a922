"""`apply --plugins`: rendered through real plug-ins, said, shown in the report; refused where it cannot be."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from mixbridge.presets.console import Compressor, EqBand, Equalizer, Strip
from mixbridge.presets.files import load, save
from mixbridge.presets.preset import Preset, Track
from mixbridge.runtime.refinement import refined
from mixbridge.runtime.refinement.refine import refine

_RATE_HZ = 44100
pytestmark = pytest.mark.skipif(not Path("/usr/lib/vst3/ZamEQ2.vst3").exists(), reason="zam-plugins are not installed")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("plugins")
    (folder / "stems").mkdir()
    audio = np.random.default_rng(2).standard_normal((_RATE_HZ, 2)) * [[0.2, 0.1]]
    soundfile.write(folder / "stems/Vox.wav", audio, _RATE_HZ)
    eq = Equalizer(band1=EqBand(gain_db=6, freq_hz=1000, q=1))
    save(Preset(tracks=(Track(name="Vox", strip=Strip(eq=eq, compressor=_compressor())),)), folder / "preset.json")
    (folder / "plugins.toml").write_text('eq = "ZamEQ2"\ncompressor = "ZamComp"\n', encoding="utf-8")
    return folder


def _compressor() -> Compressor:
    return Compressor(threshold_db=-20, ratio=4, attack_ms=10, release_ms=100)


@pytest.fixture
def applied(place: Path, run: Any) -> Any:
    return lambda *arguments: run("apply", place / "preset.json", place / "stems", *arguments)


def test_a_mix_goes_through_the_plugins(place: Path, applied: Any) -> None:
    plugins = ["--plugins", str(place / "plugins.toml"), "--loudness", "off", "--format", "wav32f"]
    heard = applied("-o", str(place / "plugged"), *plugins, "--json")
    assert heard.code == 0, heard.err
    eq, compressor = json.loads(heard.out)["plugins"]
    assert (eq["track"], eq["stage"], eq["plugins"][0]["name"]) == ("Vox", "eq", "ZamEQ2")
    assert eq["eq_mean_error_db"] < 0.1
    assert abs(compressor["gain_reduction_db"] - compressor["gain_reduction_wanted_db"]) < 0.3
    assert compressor["gain_reduction_wanted_db"] > 1
    assert "left and right are turned down each by itself" in compressor["notes"][0]
    ours = applied("-o", str(place / "ours"), "--loudness", "off", "--format", "wav32f", "--no-report")
    assert ours.code == 0, ours.err
    mixes = [soundfile.read(place / name / "mix.wav")[0] for name in ("plugged", "ours")]
    levels_db = [20 * np.log10(np.sqrt(np.square(mix).mean())) for mix in mixes]
    assert mixes[0].shape == mixes[1].shape
    assert abs(levels_db[0] - levels_db[1]) < 1.0
    assert not np.array_equal(*mixes)
    report = (place / "plugged/report.html").read_text(encoding="utf-8")
    assert "Your own plug-ins" in report
    assert "EQ of Vox on ZamEQ2" in report
    assert "Your own plug-ins" not in (place / "ours/preset.json").read_text(encoding="utf-8")


def test_a_dry_run_says_what_would_be_lost(place: Path, applied: Any) -> None:
    said = applied("-o", str(place / "none"), "--plugins", str(place / "plugins.toml"), "--dry-run")
    assert said.code == 0, said.err
    assert "EQ of Vox on ZamEQ2: 0.0" in said.out
    assert "compressor of Vox on ZamComp: turns down" in said.out
    assert not (place / "none").exists()


def test_a_plugin_that_cannot_be_used_stops_before_anything_is_written(place: Path, applied: Any) -> None:
    broken = place / "broken.vst3"
    broken.mkdir(exist_ok=True)
    path = place / "broken.toml"
    path.write_text(f'eq = "ZamEQ2"\n[paths]\nZamEQ2 = "{broken}"\n', encoding="utf-8")
    said = applied("-o", str(place / "none"), "--plugins", str(path))
    assert said.code == 2
    assert "plug-in ZamEQ2 on track 'Vox'" in said.err
    assert not (place / "none").exists()
    on = applied("-o", str(place / "on"), "--plugins", str(path), "--on-plugin-fault", "ours", "--no-report")
    assert on.code == 0, on.err
    assert "mixbridge's own stage stands in its place" in on.err
    assert (place / "on/mix.wav").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["apply", "P", "S", "-o", "X", "--on-plugin-fault", "ours"], "--on-plugin-fault goes with --plugins"),
    ],
)
def test_what_does_not_go_together_is_refused(place: Path, run: Any, arguments: list[str], words: str) -> None:
    names = {"P": str(place / "preset.json"), "S": str(place / "stems"), "R": str(place / "stems/Vox.wav")}
    said = run(*(names.get(item, item) for item in arguments))
    assert said.code == 2
    assert words in said.err.replace("\n", " ")


def test_a_search_is_judged_through_the_plugins(session: Path, run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def short(*given: Any, progress: Any, **options: Any) -> Any:
        return refine(*given, progress=lambda now: progress(now) and now.renders < 3, **options)

    monkeypatch.setattr(refined, "refine", short)
    (session / "plugins.toml").write_text('[tracks.Bass]\neq = "ZamEQ2"\n', encoding="utf-8")
    said = run(
        *("mix", session / "stems", "--reference", session / "reference.wav", "-o", session / "out", "--json"),
        *("--refine", "600s", "--plugins", session / "plugins.toml", "--no-report"),
    )
    assert said.code == 0, said.err
    told = said.data["refinement"]
    assert 0 < told["heard_after"] <= told["heard_before"]
    assert told["share"] in (0.0, 0.25, 0.5, 1.0)
    note = load(session / "out/preset.json").provenance.note or ""
    assert f"through your plug-ins {told['heard_before']:.3g} -> {told['heard_after']:.3g}" in note
