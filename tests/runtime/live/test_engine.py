"""The engine in its process: what it records, what it counts, and how it ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
from live_playing import Audio, null_db, played, player_of, rows_of
from live_presets import CHANNELS, RATE_HZ, dry_preset, stems
from mixbridge.presets.console import Master, Reverb
from mixbridge.presets.errors import AudioError, PresetError
from mixbridge.presets.preset import Preset
from mixbridge.runtime.console.effects.buses import REVERB, tail_of
from mixbridge.runtime.live.backends.base import BackendChoice
from mixbridge.runtime.live.engine import LiveEngine, LiveInput
from mixbridge.runtime.live.feeding import StemFeed
from mixbridge.runtime.live.memory import EngineMemory, EngineShape
from mixbridge.runtime.live.sound.parts import Parts
from mixbridge.runtime.live.sound.player import dry_sum

FREE = BackendChoice("null", block_frames=256, sample_rate_hz=RATE_HZ, freewheel=True)
CLOCKED = BackendChoice("null", block_frames=512, sample_rate_hz=RATE_HZ)
FRAMES = 2 * RATE_HZ
PATIENCE_S = 60


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("stems")
    paths = {}
    for name, audio in stems(FRAMES).items():
        paths[name] = folder / f"{name}.wav"
        sf.write(paths[name], audio.T, RATE_HZ, subtype="FLOAT")
    return paths


def read(path: Path) -> Audio:
    audio: Audio = sf.read(path, dtype="float32", always_2d=True)[0].T
    return audio


def test_a_recording_holds_every_block_as_the_console_makes_it(files: dict[str, Path], tmp_path: Path) -> None:
    place = tmp_path / "out.wav"
    source = LiveInput.of_files(files, dry_preset())
    with LiveEngine(dry_preset(), source, FREE, record=place, record_frames=FRAMES) as engine:
        engine.wait(PATIENCE_S, lambda: engine.has_recorded)
    report = engine.report()
    inputs = rows_of(stems(FRAMES), dry_preset())
    player = player_of(dry_preset(), CHANNELS, RATE_HZ)
    np.testing.assert_array_equal(read(place), played(player, inputs, 512))
    assert report.latency_samples == player.latency_samples
    assert (report.sample_rate_hz, report.block_frames) == (RATE_HZ, 256)
    assert report.period_ms == pytest.approx(1000 * 256 / RATE_HZ)
    assert report.recorded_frames == FRAMES
    assert (report.starved_blocks, report.silenced_blocks, report.record_lost_frames) == (0, 0, 0)
    assert 0 < report.callback_p99_ms <= report.callback_worst_ms * 17 / 16 + 1e-3


def test_it_comes_back_when_its_process_is_killed_and_says_so(files: dict[str, Path]) -> None:
    events: list[str] = []
    source = LiveInput.of_files(files, dry_preset(), loops=True)
    with LiveEngine(dry_preset(), source, CLOCKED, on_event=events.append) as engine:
        engine.wait(PATIENCE_S, lambda: engine.played_frames > 0)
        os.kill(engine.process_id, signal.SIGKILL)
        engine.wait(PATIENCE_S, lambda: bool(events))
        before = engine.played_frames
        engine.wait(PATIENCE_S, lambda: engine.played_frames > before + RATE_HZ // 4)
        assert engine.played_frames > before + RATE_HZ // 4
    assert any("the engine's process was killed (SIGKILL)" in event for event in events)
    assert engine.report().restarts == 1


def test_what_follows_a_killed_process_plays_what_is_set_now(files: dict[str, Path]) -> None:
    """Settings, the level of B, and the bypass."""
    source = LiveInput.of_files(files, dry_preset(), loops=True)
    quieter = dry_preset().model_copy(update={"master": Master(output_gain_db=-6)})
    with LiveEngine(dry_preset(), source, CLOCKED) as engine:
        task = engine._process._task
        engine.set_preset(quieter, gain=0.25)
        engine.bypass(True)
        engine.wait(PATIENCE_S, lambda: engine.played_frames > RATE_HZ)
        os.kill(engine.process_id, signal.SIGKILL)
        engine.wait(PATIENCE_S, lambda: engine.report().restarts > 0)
        before = engine.played_frames
        engine.wait(PATIENCE_S, lambda: engine.played_frames > before + RATE_HZ // 2)
        end = engine.played_frames
        raw = engine.memory.inputs.read(end - RATE_HZ // 4, end)
        mix = engine.memory.mixes.read(end - RATE_HZ // 4, end)
    after = engine._process._task
    assert (task.bypass_gain, task.trim_gain) == (None, 1.0)
    assert after.parts == Parts.of(quieter, source.channels)
    assert after.trim_gain == 0.25
    assert after.bypass_gain is not None
    late = engine.report().latency_samples
    wanted = after.bypass_gain * dry_sum(raw, source.channels)
    assert null_db(mix[:, late:], wanted[:, : wanted.shape[1] - late]) < -100


def test_it_plays_until_the_room_that_is_set_now_has_died_away(files: dict[str, Path]) -> None:
    source = LiveInput.of_files(files, dry_preset())
    sending = [
        track.model_copy(update={"strip": track.strip.model_copy(update={"reverb_send_db": -10.0})})
        for track in dry_preset().tracks
    ]
    wet = dry_preset().model_copy(update={"tracks": tuple(sending), "reverb": Reverb(decay_mid_s=1.0)})
    with LiveEngine(dry_preset(), source, FREE) as engine:
        engine.set_preset(wet)
        engine.wait(PATIENCE_S, lambda: engine.is_played_out)
    tail = tail_of(wet.fx_bus, wet.reverb, wet.delay, (REVERB,), RATE_HZ)
    assert tail > RATE_HZ // 2
    assert engine.report().frames >= FRAMES + tail


def test_each_who_looks_at_the_meters_sees_every_peak(files: dict[str, Path]) -> None:
    with LiveEngine(dry_preset(), LiveInput.of_files(files, dry_preset()), CLOCKED) as engine:
        engine.peaks("one")
        engine.peaks("other")
        engine.wait(PATIENCE_S, lambda: engine.played_frames > RATE_HZ // 4)
        first = engine.peaks("one")[1]
        assert min(first) > 0
        assert min(engine.peaks("other")[1]) >= min(first)


ORPHAN = """
import os, sys
from live_presets import CHANNELS, dry_preset
from mixbridge.runtime.live.backends.base import BackendChoice
from mixbridge.runtime.live.engine import LiveEngine, LiveInput
from mixbridge.runtime.live.feeding import StemFeed
from mixbridge.runtime.live.memory import EngineMemory, EngineShape
with LiveEngine(dry_preset(), LiveInput(CHANNELS), BackendChoice("null")) as engine:
    print(engine.process_id, flush=True)
    os._exit(0)
"""


def test_its_process_ends_when_the_one_that_started_it_is_gone() -> None:
    """Also: a script without `if __name__ == "__main__"` is not run again by the process that plays."""
    support = str(Path(__file__).parents[2] / "support")
    done = subprocess.run(
        [sys.executable, "-c", ORPHAN],
        env={**os.environ, "PYTHONPATH": support},
        capture_output=True,
        text=True,
        check=True,
        timeout=PATIENCE_S,
    )
    number = int(done.stdout)
    until = time.monotonic() + PATIENCE_S
    while is_alive(number) and time.monotonic() < until:
        time.sleep(0.02)
    assert not is_alive(number)


def is_alive(number: int) -> bool:
    try:
        state = Path(f"/proc/{number}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def test_tracks_without_a_stem_are_named(files: dict[str, Path]) -> None:
    some = {name: path for name, path in files.items() if name != "Keys"}
    with pytest.raises(PresetError, match="Keys"):
        LiveInput.of_files(some, dry_preset())


def test_a_preset_without_tracks_is_refused() -> None:
    with pytest.raises(PresetError, match="no tracks"):
        LiveEngine(Preset(), LiveInput(()), FREE)


def test_a_stem_that_is_no_audio_is_named(files: dict[str, Path], tmp_path: Path) -> None:
    broken = tmp_path / "Vox.wav"
    broken.write_bytes(b"nothing")
    with pytest.raises(AudioError, match=r"Vox\.wav"):
        LiveInput.of_files({**files, "Vox": broken}, dry_preset())


def test_a_stem_that_cannot_be_read_on_is_silent_and_the_others_play(files: dict[str, Path], tmp_path: Path) -> None:
    broken = stems(FRAMES)["Vox"].copy()
    broken[:, 20_000] = np.nan
    sf.write(tmp_path / "Vox.wav", broken.T, RATE_HZ, subtype="FLOAT")
    names = [track.name for track in dry_preset().tracks]
    memory = EngineMemory(EngineShape(CHANNELS, RATE_HZ, 2 * FRAMES, RATE_HZ, (), 0))
    feed = StemFeed({**files, "Vox": tmp_path / "Vox.wav"}, names, CHANNELS, memory)
    feed.run()
    wanted = rows_of(stems(FRAMES), dry_preset())
    got = memory.feed.read(0, FRAMES).copy()
    said = feed.news()
    again = feed.news()
    memory.close()
    assert got[0, :8192].any()
    assert not got[0, 20_000:].any()
    np.testing.assert_array_equal(got[1:], wanted[1:])
    assert len(said) == 1
    assert said[0].startswith(f"{tmp_path / 'Vox.wav'}: at 0.417 s a sample is not a finite number")
    assert said[0].endswith("The rest of this stem is silent.")
    assert again == []
