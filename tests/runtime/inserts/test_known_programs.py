"""The lines of docs/inserts.md for public code whose weights are not to be had here, on stand-ins.

A stand-in takes the arguments that the real program takes, refuses all others, and writes where that one writes; it
turns the sound down in place of what a network does.
"""

from __future__ import annotations

import os
import re
import stat
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
from insert_voices import voice
from mixbridge.runtime.inserts.declaring import declared
from mixbridge.runtime.inserts.stems import through_inserts
from mixbridge.runtime.inserts.terms import InsertRules

PAGE = (Path(__file__).parents[3] / "docs" / "inserts.md").read_text(encoding="utf-8")
RATE_HZ = 44_100

# AnyEnhance's infer.py: one channel at 44.1 kHz, into a folder, under the name of what it read.
ANYENHANCE = """
import argparse, os, soundfile as sf
p = argparse.ArgumentParser()
for name in ("--config_path", "--ckpt_path", "--input_file"): p.add_argument(name, required=True)
p.add_argument("--output_folder", default="./output/"); p.add_argument("--device", default="cuda")
p.add_argument("--timesteps", type=int, default=20); p.add_argument("--cond_scale", type=float, default=1)
a = p.parse_args()
assert open(a.config_path) and open(a.ckpt_path)
x, r = sf.read(a.input_file, always_2d=True)
assert r == 44100
os.makedirs(a.output_folder, exist_ok=True)
sf.write(os.path.join(a.output_folder, os.path.basename(a.input_file)), x.mean(1) * 0.5, r, subtype="PCM_16")
"""
# NeMo's examples/audio/process_audio.py: all files of a folder at 16 kHz; arguments as NAME=VALUE.
NEMO = """
import glob, os, sys, soundfile as sf
a = dict(item.split("=", 1) for item in sys.argv[1:])
assert set(a) <= {"model_path", "pretrained_name", "audio_dir", "output_dir", "output_filename", "overwrite_output",
                  "cuda", "batch_size"}
assert os.path.exists(a["model_path"])
assert not os.path.exists(a["output_dir"]) or a["overwrite_output"] == "true"
for path in glob.glob(os.path.join(a["audio_dir"], "**/*.wav"), recursive=True):
    x, r = sf.read(path)
    assert r == 16000
    os.makedirs(a["output_dir"], exist_ok=True)
    sf.write(os.path.join(a["output_dir"], "processed_" + os.path.basename(path)), x * 0.5, r, subtype="FLOAT")
open(a["output_filename"], "w").write("{}")
"""
# The program `encodec`, by whose networks AudioCraft hears music: stereo at 48 kHz with -q, and back in one go.
ENCODEC = """
import argparse, os, sys, soundfile as sf
p = argparse.ArgumentParser()
p.add_argument("input"); p.add_argument("output", nargs="?")
p.add_argument("-b", "--bandwidth", type=float, default=6, choices=[1.5, 3., 6., 12., 24.])
for short, name in (("-q", "--hq"), ("-l", "--lm"), ("-f", "--force"), ("-r", "--rescale")):
    p.add_argument(short, name, action="store_true")
a = p.parse_args()
if os.path.exists(a.output) and not a.force: sys.exit("exists")
x, r = sf.read(a.input, always_2d=True)
assert a.hq and r == 48000 and x.shape[1] == 2
sf.write(a.output, x * 0.5, r, subtype="PCM_16")
"""


def line_of(program: str) -> str:
    """The argument `KIND` of the page's line for a program."""
    (line,) = re.findall(rf'mixbridge preset insert \S+ "(command:[^"]*{re.escape(program)}[^"]*)"', PAGE)
    return str(line)


@pytest.mark.parametrize(
    ("program", "code", "files", "settings"),
    [
        ("infer.py", ANYENHANCE, ("anyenhance_v1.json", "model.pt"), {"sample_rate_hz": 44100}),
        ("process_audio.py", NEMO, ("sr_ssl_flowmatching_16k_430m.nemo",), {"sample_rate_hz": 16000}),
        ("encodec", ENCODEC, (), {"sample_rate_hz": 48000, "channels": 2}),
    ],
)
def test_the_line_runs_a_stand_in_that_is_called_alike(
    program: str,
    code: str,
    files: tuple[str, ...],
    settings: dict[str, int],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stand_in = tmp_path / program
    stand_in.write_text(f"#!{sys.executable}\n{code}", encoding="utf-8")
    stand_in.chmod(stand_in.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    for file in files:
        (tmp_path / file).write_text("stand-in")
    line = re.sub(r"/opt/[\w./-]*/([\w.-]+)", lambda match: str(tmp_path / match[1]), line_of(program))
    audio = 0.8 * voice(1, RATE_HZ)
    sf.write(tmp_path / "Vox.wav", audio.T, RATE_HZ, subtype="FLOAT")
    insert = declared(line, model=str(tmp_path / files[-1]) if "{model}" in line else None, **settings)
    rules = InsertRules(allow_code=True)
    made = through_inserts({"Vox": tmp_path / "Vox.wav"}, {"Vox": (insert,)}, tmp_path, rules)["Vox"]
    out, rate_hz = sf.read(made, always_2d=True)
    assert rate_hz == RATE_HZ
    assert out.shape == audio.T.shape
    error = out[:, 0] - 0.5 * audio[0]
    # At 16 kHz the highs are gone.
    assert 10 * np.log10(np.mean(error**2) / np.mean(audio**2)) < (-15 if program == "process_audio.py" else -55)
