"""Inserts on what comes in: in a process of their own, later by what is said, in time with all other tracks."""

from __future__ import annotations

import os
import signal
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
from insert_models import delaying, insert_of, scaling
from insert_voices import noise, voice
from live_cleaning import ALONE, RATE_HZ, RULES, as_file, inserts_on_vox, noisy, sides
from live_playing import null_db
from mixbridge.presets.errors import InsertError
from mixbridge.presets.inserts.insert import Insert
from mixbridge.runtime.audio.reading import Samples
from mixbridge.runtime.inserts.choosing import denoise_insert
from mixbridge.runtime.inserts.deepfilter.floor import RunningFloor, noise_floor
from mixbridge.runtime.inserts.deepfilter.spectrum import HOP, Analysis
from mixbridge.runtime.live.backends.base import BackendChoice
from mixbridge.runtime.live.engine import LiveEngine, LiveInput
from mixbridge.runtime.live.inserting.chain import LiveChain
from mixbridge.runtime.live.inserting.stage import InsertStage
from mixbridge.runtime.live.inserting.worker import InsertTask, InsertWorker, LiveInserts
from mixbridge.runtime.live.memory import EngineMemory, EngineShape, Tally

PATIENCE_S = 60
clean = pytest.mark.skipif(
    not pytest.importorskip("mixbridge.runtime.inserts.deepfilter.weights").is_installed(),
    reason="the extra `clean` is not installed",
)


def live(audio: Samples, inserts: Sequence[Insert], block_frames: int, rate_hz: int = RATE_HZ) -> Samples:
    """What the same sound becomes while it comes; never further behind than was counted."""
    chain = LiveChain(inserts, audio.shape[0], rate_hz, RULES)
    lag, made, given = chain.lag_frames(block_frames), [], 0
    for begin in range(0, audio.shape[1], block_frames):
        block = audio[:, begin : begin + block_frames]
        made.append(chain.process(block))
        given += made[-1].shape[1]
        assert begin + block.shape[1] - given <= lag
    chain.close()
    return np.concatenate(made, axis=1)


@clean
@pytest.mark.parametrize(("rate_hz", "wet", "worst_db"), [(48_000, 1.0, -100), (44_100, 0.75, -60)])
def test_cleaning_what_comes_is_cleaning_a_file(rate_hz: int, wet: float, worst_db: float, tmp_path: Path) -> None:
    audio, insert = noisy(rate_hz), ALONE.model_copy(update={"wet": wet})
    made, wanted = live(audio, [insert], 256, rate_hz), as_file(audio, [insert], tmp_path, rate_hz)
    assert made.shape[1] > audio.shape[1] - 0.1 * rate_hz
    assert null_db(made, wanted[:, : made.shape[1]]) < worst_db
    assert null_db(made, audio[:, : made.shape[1]]) > -30


def test_networks_in_blocks_stay_in_time_and_others_are_refused(tmp_path: Path) -> None:
    late = insert_of(delaying(tmp_path / "late.onnx", 300), latency_samples=300, block_samples=512)
    half = insert_of(scaling(tmp_path / "half.onnx"), block_samples=100, channels=1)
    audio = np.concatenate([noisy(), -noisy()])
    made = live(audio, [late, half], 128)
    np.testing.assert_allclose(made, 0.5 * audio[:, : made.shape[1]], atol=1e-7)
    assert made.shape[1] > audio.shape[1] - 300 - 512 - 128
    whole = insert_of(tmp_path / "half.onnx")
    for insert, words in (
        (whole, "it hears a whole file. If it may be given blocks"),
        (half.model_copy(update={"match_loudness": True}), "`match_loudness` measures a whole file"),
        (Insert(kind="command", command=("sox", "{in}", "{out}")), "a program hears a whole file"),
    ):
        with pytest.raises(InsertError, match=f"cannot run in real time: {words}"):
            LiveChain([insert], 1, RATE_HZ, RULES)


@clean
def test_the_floor_of_what_comes_is_that_of_the_file() -> None:
    audio = noisy(seconds=6)[0]
    frames = len(audio) // HOP * HOP
    floor, analysis = RunningFloor(), Analysis()
    heard = [floor.hear(analysis.process(audio[at : at + HOP])).copy() for at in range(0, frames, HOP)]
    assert np.isinf(heard[60]).all()  # not before a second
    wanted = noise_floor([audio], len(audio))
    off_db = 10 * np.log10(heard[-1][2:] / wanted[2:])
    assert np.abs(np.median(off_db)) < 0.5
    assert np.percentile(np.abs(off_db), 95) < 2


@clean
def test_a_voice_that_comes_is_cleaned_and_protected() -> None:
    spoken = voice(5)
    audio = spoken + noise(spoken.shape[1], -38)
    made = live(audio, [denoise_insert(30)], 512)
    heard = slice(2 * RATE_HZ, made.shape[1])
    assert si_sdr_db(made[0, heard], spoken[0, heard]) > si_sdr_db(audio[0, heard], spoken[0, heard]) + 4


def si_sdr_db(audio: Samples, wanted: Samples) -> float:
    """How far what is wanted stands over the rest, at the gain where it does most."""
    kept = (audio @ wanted) / (wanted @ wanted) * wanted
    return float(10 * np.log10(np.sum(kept**2) / np.sum((audio - kept) ** 2)))


def shape_of(*channels: int, inserted: tuple[int, ...]) -> EngineShape:
    return EngineShape(channels, RATE_HZ, 0, RATE_HZ, inserted, RATE_HZ)


def test_what_is_not_made_in_time_is_heard_as_it_came_and_comes_back_without_a_click() -> None:
    frames, latency = 128, 256
    with EngineMemory(shape_of(1, 2, inserted=(1,))) as memory:
        memory.fields[Tally.INSERT_LATENCY] = latency
        stage = InsertStage(memory)
        ones = np.ones((3, frames), np.float32)
        out = []
        for block in range(12):
            if block not in (5, 6, 7):  # what is made is twice as loud
                memory.inserted.write(np.full((2, memory.captured.position - memory.inserted.position), 2, np.float32))
            out.append(stage.process(ones).copy())
        heard = np.concatenate(out, axis=1)
        assert memory[Tally.INSERT_LATE] == 2
        del stage
    assert (heard[:, :latency] == 0).all()
    assert (heard[0, latency:] == 1).all()
    np.testing.assert_array_equal(heard[1], heard[2])
    made = heard[1, latency:]
    assert (made[: 4 * frames] == 2).all()
    assert (made[4 * frames : 6 * frames] == 1).all()
    back = made[6 * frames : 7 * frames]
    assert np.abs(np.diff(back, prepend=1)).max() <= 1 / frames + 1e-6
    assert (made[7 * frames :] == 2).all()


def test_who_slept_begins_anew_and_leaves_no_gap(tmp_path: Path) -> None:
    half = insert_of(scaling(tmp_path / "half.onnx"), block_samples=64)
    shape = shape_of(1, 1, inserted=(1,))
    task = InsertTask("", shape, LiveInserts(((), (half,)), RULES), ("Dry", "Vox"), 256)
    with EngineMemory(shape) as memory:
        worker = InsertWorker(task, memory)
        memory.captured.write(np.ones((2, 512), np.float32))
        assert worker.work()
        assert memory.inserted.position == 256
        for _ in range(8):
            memory.captured.write(np.ones((2, RATE_HZ // 4), np.float32))
        while worker.work():
            pass
        memory.captured.write(np.ones((2, 256), np.float32))
        assert worker.work()
        position = memory.inserted.position
        assert position == memory.captured.position
        latest = memory.inserted.read(position - 512, position)
        worker._close()
        del worker
    np.testing.assert_array_equal(latest[0], [1.0] * 256 + [0.5] * 256)


@clean
def test_the_engine_plays_all_tracks_later_by_what_it_says(tmp_path: Path) -> None:
    audio = noisy()
    wanted = as_file(audio, [ALONE], tmp_path)
    paths = {name: tmp_path / f"{name}.wav" for name in ("Vox", "Dry")}
    for path in paths.values():
        sf.write(path, audio.T, RATE_HZ, subtype="FLOAT")
    source = LiveInput((1, 1), paths, inserts=inserts_on_vox(ALONE))
    choice = BackendChoice("null", block_frames=256, sample_rate_hz=RATE_HZ, freewheel=True)
    place, frames = tmp_path / "out.wav", audio.shape[1] + RATE_HZ // 5
    with LiveEngine(sides(), source, choice, record=place, record_frames=frames) as engine:
        engine.wait(PATIENCE_S, lambda: engine.has_recorded)
    report = engine.report()
    assert report.insert_late_blocks == 0
    assert 1500 < report.insert_latency_samples == report.latency_samples < 0.1 * RATE_HZ
    left, right = sf.read(place, dtype="float32")[0].T[:, report.latency_samples :][:, : audio.shape[1]]
    gain = right @ audio[0] / (audio[0] @ audio[0])
    assert null_db(right, gain * audio[0]) < -100
    assert null_db(left, gain * wanted[0]) < -100


def test_who_runs_them_is_started_again_and_a_fault_is_said(tmp_path: Path) -> None:
    half = insert_of(scaling(tmp_path / "half.onnx"), block_samples=64)
    choice = BackendChoice("null", block_frames=256, sample_rate_hz=RATE_HZ)
    events: list[str] = []
    source = LiveInput((1, 1), inserts=inserts_on_vox(half))
    with LiveEngine(sides(), source, choice, on_event=events.append) as engine:
        first = engine.insert_process_id
        os.kill(first, signal.SIGKILL)
        engine.wait(PATIENCE_S, lambda: bool(events) and engine.insert_process_id not in (first, 0))
        made = engine.memory[Tally.INSERTED]
        engine.wait(PATIENCE_S, lambda: engine.memory[Tally.INSERTED] > made + RATE_HZ // 4)
        assert engine.memory[Tally.INSERTED] > made
        assert "the process that runs inserts was killed (SIGKILL)" in events[0]
        assert engine.report().restarts == 0
    gone = half.model_copy(update={"sha256": "0" * 64})
    with (
        pytest.raises(InsertError, match=r'Track "Vox": onnx:half\.onnx: .* is not the model'),
        LiveEngine(sides(), LiveInput((1, 1), inserts=inserts_on_vox(gone)), choice),
    ):
        pass
