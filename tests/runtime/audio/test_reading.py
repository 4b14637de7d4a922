"""Reading audio files."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
from mixbridge.presets.errors import AudioError
from mixbridge.runtime.audio.reading import AudioReader, frames_at, probe, read_passage
from numpy.typing import NDArray

RATE_HZ = 44100


def noise(frames: int, channels: int = 1, seed: int = 0) -> NDArray[np.float32]:
    return (0.1 * np.random.default_rng(seed).standard_normal((channels, frames))).astype(np.float32)


def sine(frames: int, freq_hz: float, rate_hz: int, channels: int = 1) -> NDArray[np.float32]:
    wave = 0.5 * np.sin(2 * np.pi * freq_hz * np.arange(frames) / rate_hz)
    return np.tile(wave, (channels, 1)).astype(np.float32)


def save(path: Path, audio: NDArray[np.float32], rate_hz: int = RATE_HZ, subtype: str | None = None) -> Path:
    sf.write(path, audio.T, rate_hz, subtype=subtype)
    return path


def read_all(path: Path, rate_hz: int | None = None, block_frames: int = 1000) -> NDArray[np.float32]:
    reader = AudioReader(path, rate_hz, block_frames)
    blocks = list(reader)
    assert all(block.shape[1] == block_frames for block in blocks[:-1])
    whole = np.concatenate(blocks, axis=1)
    assert whole.shape == (reader.info.channels, reader.frames)
    assert whole.dtype == np.float32
    return whole


@pytest.mark.parametrize(
    ("suffix", "subtype", "tolerance"),
    [
        (".wav", "PCM_16", 2**-15),
        (".wav", "PCM_24", 2**-23),
        (".wav", "PCM_32", 1e-7),
        (".wav", "FLOAT", 0),
        (".wav", "DOUBLE", 0),
        (".aiff", "PCM_24", 2**-23),
        (".flac", "PCM_24", 2**-23),
        (".ogg", "VORBIS", 0.1),
        (".mp3", "MPEG_LAYER_III", 0.1),
    ],
)
@pytest.mark.parametrize("channels", [1, 2])
def test_reads_what_was_written(tmp_path: Path, suffix: str, subtype: str, tolerance: float, channels: int) -> None:
    audio = sine(10_007, 440, RATE_HZ, channels)
    path = save(tmp_path / f"a{suffix}", audio, subtype=subtype)
    info = probe(path)
    assert (info.sample_rate_hz, info.channels, info.frames, info.path) == (RATE_HZ, channels, 10_007, path)
    assert info.duration_s == pytest.approx(10_007 / RATE_HZ)
    assert np.abs(read_all(path) - audio).max() <= tolerance


@pytest.mark.parametrize("rate_in", [8000, 44100, 48000, 96000, 192000])
@pytest.mark.parametrize("rate_out", [8000, 22050, 44100, 48000])
def test_resampling_keeps_a_sine_in_time_and_level(tmp_path: Path, rate_in: int, rate_out: int) -> None:
    path = save(tmp_path / "a.wav", sine(rate_in // 2, 440, rate_in, 2), rate_in, "FLOAT")
    got = read_all(path, rate_out)
    want = sine(got.shape[1], 440, rate_out, 2)
    assert got.shape[1] == rate_out // 2
    inside = slice(rate_out // 20, -rate_out // 20)
    assert np.abs(got[:, inside] - want[:, inside]).max() < 2e-3


@pytest.mark.parametrize("block_frames", [64, 1000, 8193, 100_000])
def test_block_size_does_not_change_the_samples(tmp_path: Path, block_frames: int) -> None:
    path = save(tmp_path / "a.wav", noise(30_011, 2), 48000, "FLOAT")
    whole = read_all(path, 44100, 50_000)
    np.testing.assert_allclose(read_all(path, 44100, block_frames), whole, atol=1e-6)


def test_a_reader_can_be_iterated_twice(tmp_path: Path) -> None:
    path = save(tmp_path / "a.wav", noise(5000), 48000)
    reader = AudioReader(path, 44100, 700)
    first, second = np.concatenate(list(reader), axis=1), np.concatenate(list(reader), axis=1)
    np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize("rate_hz", [8000, 44100, 192000])
def test_one_sample(tmp_path: Path, rate_hz: int) -> None:
    path = save(tmp_path / "a.wav", noise(1), 96000)
    assert read_all(path, rate_hz).shape == (1, frames_at(probe(path), rate_hz))


@pytest.mark.parametrize("rate_in", [44100, 48000, 96000, 32000])
@pytest.mark.parametrize("start_s", [0.0, 0.01, 0.3331, 0.95])
def test_a_passage_is_part_of_the_whole(tmp_path: Path, rate_in: int, start_s: float) -> None:
    path = save(tmp_path / "a.wav", noise(rate_in, 2), rate_in, "FLOAT")
    whole = np.pad(read_all(path, RATE_HZ), [(0, 0), (0, RATE_HZ)])
    first, count = round(start_s * RATE_HZ), round(0.2 * RATE_HZ)
    got = read_passage(path, start_s, 0.2, RATE_HZ)
    assert got.shape == (2, count)
    np.testing.assert_allclose(got, whole[:, first : first + count], atol=1e-5)


def test_a_passage_behind_the_end_is_silence(tmp_path: Path) -> None:
    path = save(tmp_path / "a.wav", noise(100))
    assert not read_passage(path, 10, 1).any()


@pytest.mark.parametrize(("start_s", "length_s"), [(-1, 1), (0, 0), (0, -1), (float("nan"), 1)])
def test_a_passage_needs_a_place_and_a_length(tmp_path: Path, start_s: float, length_s: float) -> None:
    path = save(tmp_path / "a.wav", noise(100))
    with pytest.raises(AudioError, match="passage"):
        read_passage(path, start_s, length_s)


@pytest.mark.parametrize("block_frames", [1000, 32768])
def test_an_mp3_is_the_same_in_blocks_and_passages(tmp_path: Path, block_frames: int) -> None:
    path = save(tmp_path / "a.mp3", sine(100_007, 440, RATE_HZ, 2))
    whole = sf.read(path, dtype="float32")[0].T
    np.testing.assert_allclose(read_all(path, block_frames=block_frames), whole, atol=1e-6)
    np.testing.assert_allclose(read_passage(path, 1, 0.5), whole[:, RATE_HZ : RATE_HZ * 3 // 2], atol=1e-6)


def cut_in_half(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def test_what_is_wrong_with_a_file_is_said(tmp_path: Path) -> None:
    text = tmp_path / "notes.wav"
    text.write_text("not audio at all, but long enough to be looked at")
    raw = tmp_path / "a.raw"
    raw.write_bytes(bytes(100))
    empty = tmp_path / "empty.wav"
    empty.touch()
    cases = {
        tmp_path / "gone.wav": "no such file",
        tmp_path: "is a folder",
        empty: "is empty",
        text: "not audio",
        raw: "not audio",
        save(tmp_path / "none.wav", noise(0)): "no samples",
        save(tmp_path / "surround.wav", noise(100, 6)): "6 channels: split it .* fold it down",
        save(tmp_path / "low.wav", noise(100), 4000): "4000 Hz",
        save(tmp_path / "high.wav", noise(100), 384000): "384000 Hz",
    }
    for path, words in cases.items():
        with pytest.raises(AudioError, match=words) as caught:
            probe(path)
        assert str(path) in str(caught.value)
        with pytest.raises(AudioError, match=words):
            AudioReader(path)


@pytest.mark.parametrize("suffix", [".wav", ".aiff", ".ogg", ".flac"])
def test_a_cut_file_is_noticed(tmp_path: Path, suffix: str) -> None:
    path = save(tmp_path / f"a{suffix}", noise(50_000, 2))
    cut_in_half(path)
    with pytest.raises(AudioError, match=f"a{suffix} is (cut off|not audio)"):
        read_all(path)


def test_a_wav_from_a_pipe_has_no_length_and_is_read(tmp_path: Path) -> None:
    path = save(tmp_path / "a.wav", noise(1000), subtype="PCM_16")
    data = bytearray(path.read_bytes())
    place = data.index(b"data") + 4
    data[place : place + 4] = b"\xff" * 4
    path.write_bytes(data)
    assert probe(path).frames == 1000


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_samples_that_are_no_numbers_are_found_with_their_time(tmp_path: Path, bad: float) -> None:
    audio = noise(20_000, 2)
    audio[1, 11_025] = bad
    path = save(tmp_path / "a.wav", audio, subtype="FLOAT")
    with pytest.raises(AudioError, match=r"a\.wav: at 0\.250 s"):
        read_all(path)
    with pytest.raises(AudioError, match=r"at 0\.250 s"):
        read_passage(path, 0.2, 0.1)


@pytest.mark.skipif(os.name == "nt" or getattr(os, "geteuid", lambda: 0)() == 0, reason="the superuser may read all")
def test_a_file_without_permission(tmp_path: Path) -> None:
    path = save(tmp_path / "a.wav", noise(10))
    path.chmod(0)
    with pytest.raises(AudioError, match="may not be read"):
        probe(path)
