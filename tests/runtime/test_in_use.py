"""One at a time: the second is told who works there; where the first was killed, the next one may."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from mixbridge.presets.errors import OutputError
from mixbridge.runtime.in_use import one_run_at_a_time

_HOLDER = """
import sys
from pathlib import Path
from mixbridge.runtime.in_use import one_run_at_a_time
with one_run_at_a_time(Path(sys.argv[1]), "mixbridge train"):
    print("there", flush=True)
    sys.stdin.read()
"""


def test_the_second_is_told_who_writes_there_and_may_when_the_first_was_killed(tmp_path: Path) -> None:
    run = tmp_path / "run"
    with subprocess.Popen(
        [sys.executable, "-c", _HOLDER, str(run)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as first:
        assert first.stdout is not None
        assert first.stdout.readline() == "there\n"
        told = rf"run is being written by another `mixbridge train` right now \(process {first.pid} of .*since.*wait"
        with pytest.raises(OutputError, match=told), one_run_at_a_time(run, "mixbridge train"):
            pass
        first.send_signal(signal.SIGKILL)
        first.wait()
        with one_run_at_a_time(run, "mixbridge train"):
            assert not run.exists()


def test_a_folder_is_one_by_whatever_name_and_others_are_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, link = tmp_path / "run", tmp_path / "link"
    run.mkdir()
    link.symlink_to(run)
    monkeypatch.chdir(tmp_path)
    with one_run_at_a_time(run, "mixbridge train"):
        for other in (link, Path("run"), run / ".." / "run"):
            told = rf"process {os.getpid()}"
            with pytest.raises(OutputError, match=told), one_run_at_a_time(other, "mixbridge train"):
                pass
        with one_run_at_a_time(tmp_path / "other", "mixbridge train"):
            assert not list(run.iterdir())
    with one_run_at_a_time(link, "mixbridge train"):
        pass
