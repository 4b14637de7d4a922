"""How often a `mix` opens its stems and renames its results: traced from outside of the process."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
import soundfile as sf
from mixbridge.presets.console import Strip
from mixbridge.presets.files import save
from mixbridge.presets.preset import Preset, Track

from .conftest import sound, write

_OPENED = re.compile(r'openat\([^"]*"([^"]+)", O_RDONLY[^)]*\) = \d+')
_RENAMED = re.compile(r'rename(?:at2?)?\([^"]*"([^"]+)".*"([^"]+)".*\) = 0')


@pytest.fixture
def traced(tmp_path):
    """Runs a command line under strace; gives what was opened for reading, how often, and what was renamed."""
    if sys.platform != "linux" or shutil.which("strace") is None:
        pytest.skip("needs strace")

    def traced(*arguments):
        logs = tmp_path / "traces"
        shutil.rmtree(logs, ignore_errors=True)
        logs.mkdir()
        code = "from mixbridge.bridge.cli.main import main; main()"
        # A file for each thread, whose lines are whole; what is not traced runs at full speed.
        strace = ["strace", "-ff", "--seccomp-bpf", "-e", "trace=rename,renameat,renameat2,openat", "-o", logs / "of"]
        done = subprocess.run(
            [*strace, sys.executable, "-c", code, "--quiet", *arguments], check=False, capture_output=True, text=True
        )
        if "ptrace" in done.stderr.lower():
            pytest.skip("may not trace here")
        assert done.returncode == 0, done.stderr
        text = "\n".join(log.read_text(errors="replace") for log in logs.iterdir())
        return Counter(map(Path, _OPENED.findall(text))), _RENAMED.findall(text)

    return traced


@pytest.fixture
def stems(tmp_path):
    """Stems in four kinds of file, one at another sample rate."""
    folder = tmp_path / "song" / "stems"
    write(folder / "Bass.wav", sound(3, 1), subtype="PCM_24")
    write(folder / "Keys.flac", sound(3, 2, channels=2), subtype="PCM_16")
    write(folder / "Vox.wav", sound(3, 3), rate_hz=48_000)
    sf.write(folder / "Drums.mp3", sound(3, 4).T, 22_050)
    sf.write(folder / "Pad.ogg", sound(3, 5).T, 22_050)
    write(tmp_path / "song" / "reference.wav", sound(8, 9, channels=2))
    return sorted(folder.iterdir())


def test_a_mix_opens_each_stem_twice_and_renames_its_result_once(tmp_path, traced, stems):
    out = tmp_path / "mix"
    opened, renamed = traced("mix", stems[0].parent, "--reference", tmp_path / "song" / "reference.wav", "-o", out)
    assert {path.name: opened[path] for path in stems} == {path.name: 2 for path in stems}
    (only,) = renamed
    assert only[1] == str(out)
    assert sorted(path.name for path in out.iterdir()) == ["mix.wav", "preset.json", "report.html", "stems"]


def test_a_mix_over_an_old_one_is_one_exchange(tmp_path, traced, stems, run):
    out = tmp_path / "mix"
    command = ["mix", stems[0].parent, "--reference", tmp_path / "song" / "reference.wav", "-o", out]
    assert run(*command).code == 0
    (out / "notes.txt").write_text("mine")
    _, renamed = traced(*command, "--force")
    (only,) = renamed
    assert only[1] == str(out)
    assert (out / "notes.txt").read_text() == "mine"


def test_stems_that_clip_are_rendered_again_without_being_opened_again(tmp_path, traced, stems):
    preset = tmp_path / "loud.json"
    save(Preset(tracks=tuple(Track(name=path.stem, strip=Strip(fader_db=30)) for path in stems)), preset)
    opened, renamed = traced("apply", preset, stems[0].parent, "-o", tmp_path / "mix", "--no-report")
    assert {path.name: opened[path] for path in stems} == {path.name: 2 for path in stems}
    assert len(renamed) == 1
