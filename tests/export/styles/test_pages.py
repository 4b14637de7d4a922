"""Every command on the page for people with pairs runs, in its order; and its two languages have the same."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
from mixbridge.bridge.cli.main import main
from mixbridge.export.recovery.files import source_of
from mixbridge.export.styles.ways import rendered
from mixbridge.presets.files import load, save
from mixbridge.presets.preset import Preset, Provenance, Track
from style_examples import RATE_HZ, presence_strip, sung

DOCS = Path(__file__).parents[3] / "docs"
# What is measured elsewhere, or needs a corpus.
ELSEWHERE = {"curve": "tests/export/styles/test_curve.py"}


def commands(page: str) -> list[list[str]]:
    lines = [
        line.strip() for line in (DOCS / page).read_text(encoding="utf-8").splitlines() if line.startswith("    mixb")
    ]
    return [shlex.split(line, comments=True)[1:] for line in lines]


def python_of(page: str) -> str:
    (code,) = re.findall(r"^```python\n(.*?)^```", (DOCS / page).read_text(encoding="utf-8"), re.M | re.S)
    return str(code)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Four pairs whose settings were recovered before, so that the command goes on with them; and a new voice."""
    for number in range(1, 5):
        raw = sung(number, 2.0, tilt_db=2.0 * number - 5)
        strip = presence_strip(6.0 - number, -30.0).model_copy(update={"fader_db": 6.0})
        preset = Preset(tracks=(Track(name=f"vocal{number}", strip=strip),))
        files = [tmp_path / "dataset" / side / f"vocal{number}.wav" for side in ("raw", "mixed")]
        for path, audio in zip(files, (raw, rendered(preset, raw, RATE_HZ)), strict=True):
            path.parent.mkdir(parents=True, exist_ok=True)
            sf.write(path, audio.T, RATE_HZ, subtype="FLOAT")
        track = preset.tracks[0].model_copy(update={"source": source_of(files[0])})
        note = "STFT distance 0.0500 of the raw recording's."
        told = Provenance(reference=source_of(files[1]), note=note)
        (tmp_path / "presets").mkdir(exist_ok=True)
        made = preset.model_copy(update={"tracks": (track,), "provenance": told})
        save(made, tmp_path / "presets" / f"vocal{number}.json")
    yaml = re.findall(r"^```yaml\n(.*?)^```", (DOCS / "fine-tuning.md").read_text(encoding="utf-8"), re.M | re.S)[0]
    yaml = yaml.replace("batch_size: 8", "batch_size: 2").replace("num_workers: 2", "num_workers: 1")
    (tmp_path / "vocal.yaml").write_text(f"{yaml}max_steps: 4\ncheck_every: 2\nadapters: 2\n")  # as good for a test
    sf.write(tmp_path / "vox.wav", sung(9, 2.0).T, RATE_HZ, subtype="FLOAT")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_commands_of_the_page_run_in_their_order(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ran = []
    for arguments in commands("fine-tuning.md"):
        if any(word in ELSEWHERE for word in arguments):
            continue
        with pytest.raises(SystemExit) as stop:
            main(arguments)
        assert stop.value.code == 0, (arguments, capsys.readouterr().err)
        ran.append(" ".join(arguments[:2]))
    assert {
        "recover dataset",
        "model style",
        "model show",
        "model test",
        "mix vox.wav",
        "model pack",
        "train -c",
    } <= set(ran)
    found = load(folder / "out" / "preset.json").track("vox").strip
    assert found.compressor.ratio == pytest.approx(3.0, rel=0.05)
    samples = sung(10, 2.0)[0]
    places = {"samples": samples}
    exec(python_of("fine-tuning.md"), places)
    assert places["mixed"].shape == samples.shape
    assert np.abs(places["mixed"] - samples).max() > 0.01


def test_both_languages_have_the_same_commands() -> None:
    assert commands("fine-tuning.md") == commands("fine-tuning.fr.md")
    calls = [re.sub(r" *#.*", "", python_of(page)) for page in ("fine-tuning.md", "fine-tuning.fr.md")]
    assert calls[0] == calls[1]


def test_what_is_run_elsewhere_is_there() -> None:
    root = Path(__file__).parents[3]
    for word, test in ELSEWHERE.items():
        assert any(word in arguments for arguments in commands("fine-tuning.md"))
        assert (root / test).is_file()
