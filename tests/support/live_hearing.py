"""A process that hears, without a model: it answers with a preset at once."""

from __future__ import annotations

from multiprocessing.connection import Connection

from live_presets import wet_preset
from mixbridge.runtime.live.following import FollowTask, HeardSettings


def answering(_task: FollowTask, pipe: Connection) -> None:
    pipe.send(HeardSettings(None))
    try:
        while pipe.recv():
            pipe.send(HeardSettings(wet_preset()))
    except EOFError:
        return
