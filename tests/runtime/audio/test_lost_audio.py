"""Audio that a file holds is used, and what it lacks is said."""

from __future__ import annotations

import logging
import struct
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
from mixbridge.presets.errors import AudioError
from mixbridge.runtime.audio.reading import AudioReader, probe, read_passage

RATE_HZ = 44100
NOISE = (0.1 * np.random.default_rng(0).standard_normal((RATE_HZ, 2))).astype(np.float32)


def wav(path: Path, named: int, subtype: str = "PCM_24", tail: bytes = b"") -> Path:
    """A WAV file of a second whose header names so many bytes."""
    sf.write(path, NOISE, RATE_HZ, subtype)
    data = bytearray(path.read_bytes())
    place = data.index(b"data") + 4
    struct.pack_into("<I", data, place, named)
    path.write_bytes(bytes(data) + tail)
    return path


@pytest.mark.parametrize("subtype", ["PCM_16", "PCM_24", "FLOAT"])
@pytest.mark.parametrize("named", [0, 6, 60000, 0xFFFFFFFF, 0x7FFFFFFF])
def test_a_header_that_names_less_or_nothing_loses_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, named: int, subtype: str
) -> None:
    path = wav(tmp_path / "cut.wav", named, subtype)
    whole = wav(tmp_path / "whole.wav", NOISE.size * {"PCM_16": 2, "PCM_24": 3, "FLOAT": 4}[subtype], subtype)
    assert probe(path).frames == RATE_HZ
    for _ in range(2):
        np.testing.assert_array_equal(
            np.concatenate(list(AudioReader(path)), axis=1), np.concatenate(list(AudioReader(whole)), axis=1)
        )
    np.testing.assert_array_equal(read_passage(path, 0.5, 0.2), read_passage(whole, 0.5, 0.2))
    said = [record.getMessage() for record in caplog.records if "cut.wav" in record.getMessage()]
    assert len(said) == (1 if named < 0x7FFFFFFF else 0)
    assert all(f"names {named} bytes of audio" in line for line in said)


def test_what_stands_behind_the_audio_is_no_audio(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    size = NOISE.size * 2
    chunk = b"LIST" + struct.pack("<I", 200) + bytes(range(200)) + b"id3 " + struct.pack("<I", 90) + b"\xff" * 90
    for tail in (chunk, bytes(500), b""):
        assert probe(wav(tmp_path / "tagged.wav", size, "PCM_16", tail)).frames == RATE_HZ
    assert caplog.records == []


def test_a_header_that_names_more_is_refused(tmp_path: Path) -> None:
    with pytest.raises(AudioError, match=r"cut\.wav is cut off"):
        probe(wav(tmp_path / "cut.wav", NOISE.size * 3 + 6000))


@pytest.mark.skipif("MP3" not in sf.available_formats(), reason="this libsndfile has no MP3")
def test_half_an_mp3_is_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "half.mp3"
    sf.write(path, np.tile(NOISE, (6, 1)), RATE_HZ, format="MP3")
    whole = np.concatenate(list(AudioReader(path)), axis=1)
    assert caplog.records == []
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    for _ in range(2):
        half = np.concatenate(list(AudioReader(path)), axis=1)
    np.testing.assert_array_equal(half[:, : 2 * RATE_HZ], whole[:, : 2 * RATE_HZ])
    if half.shape[1] > 0.6 * whole.shape[1]:  # the header's length was believed
        (record,) = caplog.records
        assert record.levelno == logging.WARNING
        assert "half.mp3 ends after" in record.getMessage()
        assert "the rest is silent" in record.getMessage()
