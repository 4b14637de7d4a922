"""Samples of 24 bits: the bytes that libsndfile writes, and the floats that it reads."""

from __future__ import annotations

import resource
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
from mixbridge.presets.errors import OutputError
from mixbridge.runtime.audio.opening import AudioFile, packed, unpacked
from mixbridge.runtime.audio.reading import AudioReader, read_passage
from mixbridge.runtime.audio.writing import FORMATS, AudioWriter

RATE_HZ = 44_100


def numbers(frames: int, channels: int) -> np.ndarray:
    """Of all sizes, both ends among them."""
    drawn = np.random.default_rng(frames).integers(-(2**23), 2**23, (frames, channels)) * 256
    drawn[0], drawn[-1] = -(2**31), 2**31 - 256
    return drawn.astype(np.int32)


def written(path: Path, samples: np.ndarray, **how: str) -> Path:
    sf.write(path, samples, RATE_HZ, "PCM_24", **how)
    return path


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 1000, 1003])
def test_three_bytes_a_sample(count: int) -> None:
    samples = numbers(count, 1)[:, 0]
    data = packed(samples)
    assert data.tobytes() == samples.view(np.uint8).reshape(count, 4)[:, 1:].tobytes()
    floats = unpacked(np.concatenate([[np.uint8(0xAB)], data]))
    np.testing.assert_array_equal(floats, samples.astype(np.float64) / 2**31)
    assert floats.dtype == np.float32


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("name", ["wav", "aiff"])
def test_files_are_those_of_libsndfile(tmp_path: Path, name: str, channels: int) -> None:
    samples = numbers(70_001, channels)
    whole = written(tmp_path / "whole", samples, format=FORMATS[name].container)
    blocks = samples.T.astype(np.float32) / np.float32(2**31)
    with AudioWriter(tmp_path / "blocks", RATE_HZ, channels, len(samples), FORMATS[name]) as writer:
        for begin in range(0, len(samples), 9_001):
            writer.write(blocks[:, begin : begin + 9_001])
    assert (tmp_path / "blocks").read_bytes() == whole.read_bytes()


@pytest.mark.parametrize(
    ("how", "is_packed"),
    [
        ({"format": "WAV"}, True),
        ({"format": "WAVEX"}, True),
        ({"format": "RF64"}, True),
        ({"format": "W64"}, True),
        ({"format": "WAV", "endian": "BIG"}, False),  # RIFX
        ({"format": "AIFF"}, False),
        ({"format": "FLAC"}, False),
    ],
)
@pytest.mark.parametrize("channels", [1, 2])
def test_floats_are_those_of_libsndfile(tmp_path: Path, channels: int, how: dict[str, str], is_packed: bool) -> None:
    path = written(tmp_path / "sound", numbers(70_001, channels), **how)
    with AudioFile(path) as file:
        assert file.is_packed is is_packed
    expected = sf.read(path, dtype="float32", always_2d=True)[0].T
    np.testing.assert_array_equal(np.concatenate(list(AudioReader(path)), axis=1), expected)
    passage = read_passage(path, 0.5, 2.0)
    np.testing.assert_array_equal(passage[:, : 70_001 - RATE_HZ // 2], expected[:, RATE_HZ // 2 :])
    assert not passage[:, 70_001 - RATE_HZ // 2 :].any()


def test_what_finds_no_room_is_told(tmp_path: Path) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, before[1]))
        with (
            pytest.raises(OutputError, match="is the disk full"),
            AudioWriter(tmp_path / "a.wav", RATE_HZ, 1, 50_000) as writer,
        ):
            writer.write(np.ones((1, 50_000), np.float32))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert not list(tmp_path.iterdir())


def test_samples_in_front_of_what_is_no_sample(tmp_path: Path) -> None:
    """A chunk behind the samples is not read as sound, whatever is asked for."""
    path = written(tmp_path / "sound.wav", numbers(100, 1))
    path.write_bytes(path.read_bytes() + b"LIST\x04\x00\x00\x00INFO")
    with AudioFile(path) as file:
        assert file.read_floats(60).shape == (60, 1)
        assert file.read_floats(60).shape == (40, 1)
        assert file.read_floats(60).shape == (0, 1)
