"""The process that hears: what it is asked is answered, it may be killed, and the sound goes on."""

from __future__ import annotations

import os
import signal
import tempfile
import time
from importlib import resources
from pathlib import Path

import numpy as np
import pytest
from live_hearing import answering, hearing_for_ever
from live_presets import CHANNELS, RATE_HZ, dry_preset, stems, wet_preset
from mixbridge.presets.preset import Preset
from mixbridge.runtime.live.backends.base import BackendChoice
from mixbridge.runtime.live.engine import LiveEngine, LiveInput
from mixbridge.runtime.live.following import FollowTask, SongFollower, heard_lately
from mixbridge.runtime.live.memory import EngineMemory, EngineShape
from mixbridge.runtime.model.controller import Controller

REFERENCE = str(resources.files("mixbridge.runtime") / "example" / "reference.flac")
PATIENCE_S = 90


def test_a_killed_model_leaves_the_sound_alone_and_is_started_again() -> None:
    heard: list[Preset] = []
    events: list[str] = []
    ticks: list[float] = []
    choice = BackendChoice("null", block_frames=1024, sample_rate_hz=RATE_HZ)
    with LiveEngine(dry_preset(), LiveInput(CHANNELS), choice) as engine:
        task = FollowTask(engine.memory.name, engine.shape, (), ())
        with SongFollower(
            task, heard.append, ticks.append, every_s=0.2, on_event=events.append, run=answering
        ) as follower:
            engine.wait(PATIENCE_S, lambda: len(heard) >= 2)
            os.kill(follower.process_id, signal.SIGKILL)
            engine.wait(PATIENCE_S, lambda: bool(events))
            before, count = engine.played_frames, len(heard)
            engine.wait(PATIENCE_S, lambda: len(heard) > count and engine.played_frames > before)
            assert len(heard) > count
            assert engine.played_frames > before
        assert engine.report().restarts == 0
    assert events == ["the process that hears ended; the sound goes on, and it is started again."]
    assert heard[0] == wet_preset()
    assert ticks


def test_a_model_that_is_not_there_is_said_once() -> None:
    events: list[str] = []
    choice = BackendChoice("null", block_frames=1024, sample_rate_hz=RATE_HZ)
    with LiveEngine(dry_preset(), LiveInput(CHANNELS), choice) as engine:
        task = FollowTask(engine.memory.name, engine.shape, (), (REFERENCE,), model="nowhere")
        with SongFollower(task, lambda _: None, lambda _: None, every_s=0.2, on_event=events.append) as follower:
            process = follower._process
            assert process is not None
            engine.wait(PATIENCE_S, lambda: bool(events) and not process.is_alive)
            engine.wait(0.5)
    assert len(events) == 1
    assert events[0].startswith("nothing was followed: no model 'nowhere'")


@pytest.fixture
def memory() -> EngineMemory:
    return EngineMemory(EngineShape((1, 1), 24000, 0, 3 * 24000))


def test_the_model_hears_the_latest_seconds_of_the_tracks_that_sound(
    memory: EngineMemory, controller: Controller
) -> None:
    vox = stems(3 * RATE_HZ)["Vox"][:, ::2]
    memory.inputs.write(vox, np.zeros_like(vox))
    task = FollowTask(memory.name, memory.shape, ("Vox", "Bass"), (REFERENCE,), window_s=2.0)
    heard = heard_lately(task, memory, controller)
    assert not heard.fault
    assert heard.preset is not None
    assert [track.name for track in heard.preset.tracks] == ["Vox"]
    memory.close()


def test_silence_and_too_little_say_nothing(memory: EngineMemory, controller: Controller) -> None:
    task = FollowTask(memory.name, memory.shape, ("Vox", "Bass"), (REFERENCE,), window_s=2.0)
    assert heard_lately(task, memory, controller).preset is None
    memory.inputs.write(np.zeros((2, 60000), np.float32))
    assert heard_lately(task, memory, controller).preset is None
    memory.close()


def test_what_it_was_hearing_goes_with_it(
    memory: EngineMemory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    task = FollowTask(memory.name, memory.shape, (), ())
    with SongFollower(
        task, lambda _: None, lambda _: None, every_s=None, on_event=lambda _: None, run=hearing_for_ever
    ):
        end_s = time.monotonic() + PATIENCE_S
        while not list(tmp_path.rglob("passage.wav")) and time.monotonic() < end_s:
            time.sleep(0.02)
        assert list(tmp_path.rglob("passage.wav"))
    assert not list(tmp_path.iterdir())
    memory.close()
