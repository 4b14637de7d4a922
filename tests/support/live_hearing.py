"""A process that hears, without a model: it answers with a preset at once."""

from __future__ import annotations

import tempfile
import time
from multiprocessing.connection import Connection
from pathlib import Path

from live_presets import wet_preset
from mixbridge.runtime.live.following import FollowTask, HeardSettings


def answering(_task: FollowTask, pipe: Connection) -> None:
    pipe.send(HeardSettings(None))
    try:
        while pipe.recv():
            pipe.send(HeardSettings(wet_preset()))
    except EOFError:
        return


def hearing_for_ever(task: FollowTask, pipe: Connection) -> None:
    """Is at work on a passage until it is killed."""
    with tempfile.TemporaryDirectory(dir=task.folder) as folder:
        Path(folder, "passage.wav").touch()
        pipe.recv()
        time.sleep(600)
