"""MP3 files whose length is named wrongly or not at all: all that is in them is read."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
from mixbridge.runtime.audio.mp3_length import counted_mp3
from mixbridge.runtime.audio.opening import AudioFile
from mixbridge.runtime.audio.reading import AudioReader, notes_of, read_passage

RATES_HZ = (44100, 22050, 8000)
TAG = b"ID3\x04\x00\x00\x00\x00\x01\x00" + bytes(128)


def encoded(path: Path, frequencies_hz: list[float], rate_hz: int, channels: int = 2) -> bytes:
    """A second of each tone, at a bit rate that varies."""
    times = np.arange(rate_hz) / rate_hz
    tones = np.concatenate([0.3 * np.sin(2 * np.pi * frequency * times) for frequency in frequencies_hz])
    sf.write(path, tones[:, None].repeat(channels, 1), rate_hz, format="MP3", bitrate_mode="VARIABLE")
    return path.read_bytes()


def unnamed(data: bytes) -> bytes:
    """The file without the frame that names its length: each frame begins with the same two bytes."""
    return data[data.index(data[:2], 4) :]


def levels(path: Path) -> list[float]:
    reader = AudioReader(path)
    audio = np.concatenate(list(reader), axis=1)
    rate_hz = reader.info.sample_rate_hz
    return [
        float(np.sqrt((audio[:, place : place + rate_hz] ** 2).mean())) for place in range(0, audio.shape[1], rate_hz)
    ]


@pytest.mark.parametrize("rate_hz", RATES_HZ)
@pytest.mark.parametrize("channels", [1, 2])
def test_joined_files_are_read_to_their_end(tmp_path: Path, rate_hz: int, channels: int) -> None:
    one = encoded(tmp_path / "one.mp3", [220, 0, 440], rate_hz, channels)
    two = encoded(tmp_path / "two.mp3", [880, 660], rate_hz, channels)
    for name, data in (("plain", one + two), ("tags", TAG + one + TAG + two), ("end", one + b"TAG" + bytes(125) + two)):
        path = tmp_path / f"{name}.mp3"
        path.write_bytes(data)
        assert AudioReader(path).info.duration_s == pytest.approx(5, abs=0.5)
        assert levels(path)[:5] == pytest.approx([0.21, 0, 0.21, 0.21, 0.21], abs=0.1)
        assert "3." in notes_of(path)[0]
        assert "all are used" in notes_of(path)[0]
    alone = np.concatenate(list(AudioReader(tmp_path / "one.mp3")), axis=1)
    joined = np.concatenate(list(AudioReader(tmp_path / "plain.mp3")), axis=1)
    unlike = np.abs(joined[:, : alone.shape[1]] - alone).max(axis=0)[: -rate_hz // 10]
    assert unlike.max() == 0  # what is before the joint stands where it stood


@pytest.mark.parametrize("rate_hz", RATES_HZ)
def test_a_length_that_nobody_names_is_counted(tmp_path: Path, rate_hz: int) -> None:
    path = tmp_path / "stream.mp3"
    path.write_bytes(unnamed(encoded(tmp_path / "whole.mp3", [0, 0, 220], rate_hz)))
    with AudioFile(path) as file:
        assert file.frames / rate_hz == pytest.approx(3, abs=0.4)
    assert levels(path)[:3] == pytest.approx([0, 0, 0.21], abs=0.1)
    assert notes_of(path) == []
    passage = read_passage(path, 2.5, 0.25)
    whole = np.concatenate(list(AudioReader(path)), axis=1)
    place = round(2.5 * rate_hz)
    np.testing.assert_array_equal(passage, whole[:, place : place + passage.shape[1]])


def test_files_that_are_right_are_left_alone(tmp_path: Path) -> None:
    data = encoded(tmp_path / "a.mp3", [220, 440], 44100)
    for name, content in (("a", data), ("tagged", TAG + data), ("end", data + b"TAG" + bytes(125))):
        path = tmp_path / f"{name}.mp3"
        path.write_bytes(content)
        with path.open("rb", buffering=0) as file:
            mp3 = counted_mp3(file)
        assert mp3 is not None
        assert not mp3.is_longer
        assert not mp3.is_unnamed
        assert mp3.frames == mp3.named
        assert AudioReader(path).frames == 2 * 44100
    with (tmp_path / "noise").open("wb") as file:
        file.write(np.random.default_rng(2).bytes(200_000))
    with (tmp_path / "noise").open("rb", buffering=0) as file:
        assert counted_mp3(file) is None


def test_a_file_that_is_replaced_is_counted_anew(tmp_path: Path) -> None:
    path = tmp_path / "a.mp3"
    one = encoded(tmp_path / "one.mp3", [220], 44100)
    path.write_bytes(one + one)
    assert AudioReader(path).info.duration_s == pytest.approx(2, abs=0.2)
    path.write_bytes(one)
    assert AudioReader(path).info.duration_s == pytest.approx(1, abs=0.01)
