"""Recovering a folder that is killed at any moment, or stopped by Ctrl-C: the same command goes on where it was."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import soundfile as sf

pytest.importorskip("torch", reason="needs the `train` extra")

from killing import RECOVER, contents, kill_often

from .conftest import RATE_HZ, sung
from .test_dataset import folder_of

pytestmark = pytest.mark.skipif(os.name != "posix", reason="needs signals")

# On a machine with much other work a process takes a minute to begin.
_PATIENCE_S = 600
# The command without its search: what a pair gives is slow to come, and is delivered as ever.
FOLDER = """
import sys, time
from pathlib import Path
from mixbridge.export.recovery import dataset, files
from mixbridge.presets.preset import Preset, Provenance, Track
from mixbridge.presets.files import dumps
from mixbridge.runtime.audio.output import OutputFolder, finish_earlier, write_text
def slow(raw, mixed, target, *, name, overwrite, with_audio, effort, lags):
    finish_earlier(target.parent)
    note = "STFT distance 0.1000 of the raw recording's."
    track = Track(name=name, source=files.source_of(raw))
    preset = Preset(tracks=(track,), provenance=Provenance(reference=files.source_of(mixed), note=note))
    report = target.with_suffix(".report.html").name
    with OutputFolder(target.parent, overwrite, [report, target.name]) as workplace:
        for file, text in ((report, name), (target.name, dumps(preset))):
            time.sleep(0.03)
            write_text(workplace / file, text)
    class Result:
        class explained:
            ratio = 0.1
    return Result
dataset.recover = slow
dataset.recover_dataset(sys.argv[1], sys.argv[2], jobs=1)
"""


def test_a_folder_that_is_killed_ends_as_one_that_is_not(tmp_path: Path) -> None:
    names = tuple(f"{'x' * number}.wav" for number in range(1, 7))
    dataset = folder_of(tmp_path / "set", names, names)
    outputs = [tmp_path / "undisturbed", tmp_path / "killed"]
    commands = [[sys.executable, "-c", FOLDER, str(dataset), str(output)] for output in outputs]
    begin = time.monotonic()
    subprocess.run(commands[0], check=True)
    whole_s = time.monotonic() - begin
    kill_often(commands[1], 3, 5, whole_s)
    assert contents(outputs[1]) == contents(outputs[0])
    assert len(contents(outputs[0])) == 12


@pytest.mark.slow
def test_ctrl_c_drops_what_has_begun_and_leaves_nothing(tmp_path: Path) -> None:
    dataset = folder_of(tmp_path / "set", ("a.wav", "bb.wav"), ())
    for name in ("a.wav", "bb.wav"):
        sf.write(dataset / "mixed" / name, 0.5 * sung(len(name.removesuffix(".wav")), 4.0).T, RATE_HZ)
        sf.write(dataset / "raw" / name, sung(len(name.removesuffix(".wav")), 4.0).T, RATE_HZ)
    output = tmp_path / "presets"
    command = [*RECOVER, str(dataset), "-o", str(output), "--jobs", "2"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, start_new_session=True)
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    deadline = time.monotonic() + _PATIENCE_S
    # Two workers, and what multiprocessing tracks resources with.
    while len(children.read_text().split()) < 3 and time.monotonic() < deadline:
        time.sleep(0.1)
    os.killpg(process.pid, signal.SIGINT)
    process.communicate(timeout=_PATIENCE_S)
    assert process.returncode != 0
    assert not output.exists() or not contents(output)
