"""Writing audio files."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
import soundfile as sf
from mixbridge.presets.errors import AudioError, OutputError
from mixbridge.runtime.audio import writing
from mixbridge.runtime.audio.opening import OneWayFile
from mixbridge.runtime.audio.output import output_file
from mixbridge.runtime.audio.reading import probe
from mixbridge.runtime.audio.writing import FORMATS, AudioWriter
from mixbridge.runtime.inserts.stems import write_float
from numpy.typing import NDArray

RATE_HZ = 44100


def noise(frames: int, channels: int = 1) -> NDArray[np.float32]:
    return (0.1 * np.random.default_rng(0).standard_normal((channels, frames))).astype(np.float32)


def read_all(path: Path) -> NDArray[np.float32]:
    return sf.read(path, dtype="float32", always_2d=True)[0].T


@pytest.mark.parametrize("name", sorted(FORMATS))
@pytest.mark.parametrize("channels", [1, 2])
def test_every_format_can_be_written(tmp_path: Path, name: str, channels: int) -> None:
    audio_format = FORMATS[name]
    audio = noise(5000, channels)
    path = tmp_path / f"a{audio_format.suffix}"
    with AudioWriter(path, 48000, channels, 5000, audio_format) as writer:
        writer.write(audio[:, :1234])
        writer.write(audio[:, 1234:])
    info = probe(path)
    assert (info.container, info.subtype, info.sample_rate_hz) == (
        audio_format.container,
        audio_format.subtype,
        48000,
    )
    # Half a step: rounded, not cut off.
    tolerance = 2.0 ** (-8 * audio_format.bytes_per_sample) if audio_format.is_integer else 0
    assert np.abs(read_all(path) - audio).max() <= tolerance
    assert [entry.name for entry in tmp_path.iterdir()] == [path.name]


def test_24_bit_samples_pass_unchanged(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    sf.write(path, noise(5000).T, RATE_HZ, subtype="PCM_24")
    with AudioWriter(tmp_path / "b.wav", RATE_HZ, 1, 5000) as writer:
        writer.write(read_all(path))
    np.testing.assert_array_equal(read_all(tmp_path / "b.wav"), read_all(path))


def test_integer_formats_clip_instead_of_wrapping(tmp_path: Path) -> None:
    with AudioWriter(tmp_path / "a.wav", RATE_HZ, 1, 2) as writer:
        writer.write(np.array([[1.5, -1.5]], np.float32))
    np.testing.assert_array_equal(read_all(tmp_path / "a.wav"), np.array([[1 - 2**-23, -1]], np.float32))


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_nothing_stays_when_writing_is_broken_off(tmp_path: Path, error: type[BaseException]) -> None:
    def broken_off() -> None:
        with (
            output_file(tmp_path / "a.wav", overwrite=False) as place,
            AudioWriter(place, RATE_HZ, 1, 100) as writer,
        ):
            writer.write(noise(50))
            assert not (tmp_path / "a.wav").exists()
            raise error

    with pytest.raises(error):
        broken_off()
    assert list(tmp_path.iterdir()) == []


def test_a_writer_alone_removes_its_unfinished_file(tmp_path: Path) -> None:
    with (
        pytest.raises(AudioError),
        AudioWriter(tmp_path / "a.wav", RATE_HZ, 1, 100) as writer,
    ):
        writer.write(noise(50) * np.float32(np.nan))
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_said_and_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.wav"
    sf.write(path, noise(10).T, RATE_HZ)
    before = path.read_bytes()

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(OneWayFile, "write_numbers", full)
    with (
        pytest.raises(OutputError, match="disk full") as refusal,
        output_file(path, overwrite=True) as place,
        AudioWriter(place, RATE_HZ, 1, 100) as writer,
    ):
        writer.write(noise(100))
    assert str(refusal.value).startswith(f"{path} cannot be written (No space left on device)")
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_an_existing_file_is_only_replaced_when_asked(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    sf.write(path, noise(10).T, RATE_HZ)
    with pytest.raises(OutputError, match="exists already"), output_file(path, overwrite=False):
        pytest.fail("it was opened")
    with output_file(path, overwrite=True) as place, AudioWriter(place, RATE_HZ, 1, 20) as writer:
        writer.write(noise(20))
    assert probe(path).frames == 20
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("name", ["wav32f", "aiff32f"])
def test_a_float_file_holds_no_time(tmp_path: Path, name: str) -> None:
    """The PEAK chunk has a time stamp, which would make equal samples different files."""
    path = tmp_path / f"a{FORMATS[name].suffix}"
    with AudioWriter(path, RATE_HZ, 2, 100, FORMATS[name]) as writer:
        writer.write(noise(100, 2))
    data = path.read_bytes()
    chunk = data.index(b"PEAK")
    order: Literal["big", "little"] = "big" if data[:4] == b"FORM" else "little"
    version, time_s = (int.from_bytes(data[chunk + place : chunk + place + 4], order) for place in (8, 12))
    assert (version, time_s) == (1, 0)
    np.testing.assert_array_equal(read_all(path), noise(100, 2))


def test_a_missing_folder_is_said(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="does not exist"):
        AudioWriter(tmp_path / "no" / "a.wav", RATE_HZ, 1, 1)


def test_what_is_no_number_is_not_written(tmp_path: Path) -> None:
    block = noise(100)
    block[0, 50] = np.nan
    with (
        pytest.raises(AudioError, match="not a finite number"),
        AudioWriter(tmp_path / "a.wav", 1000, 1, 100) as writer,
    ):
        writer.write(block)
    assert list(tmp_path.iterdir()) == []


def test_over_4_gb_takes_a_container_that_can(tmp_path: Path) -> None:
    frames = 2**30
    with AudioWriter(tmp_path / "a.wav", RATE_HZ, 2, frames) as writer:
        writer.write(noise(10, 2))
    assert probe(tmp_path / "a.wav").container == "RF64"
    with pytest.raises(OutputError, match="over 4 GB"):
        AudioWriter(tmp_path / "a.aiff", RATE_HZ, 2, frames, FORMATS["aiff"])


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("signed", [False, True])
def test_silence_is_skipped_and_the_file_is_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, *, signed: bool
) -> None:
    noise = np.random.default_rng(6).uniform(-1, 1, (2, 5000)).astype(np.float32)
    silence = np.zeros((2, 50_000), np.float32)
    nothing = silence[:, :0]
    blocks = [nothing, silence, silence, noise, silence, nothing, noise[:, :100], silence[:, :100], silence, nothing]
    files = {}
    for least in (writing._LEAST_SILENT, 10**9):
        monkeypatch.setattr(writing, "_LEAST_SILENT", least)
        path = tmp_path / f"{least}{FORMATS[name].suffix}"
        frames = sum(block.shape[1] for block in blocks)
        with AudioWriter(path, 44100, 2, frames, FORMATS[name], signed=signed) as writer:
            for block in blocks:
                writer.write(block)
        files[least] = path
    skipped, written = files.values()
    assert skipped.read_bytes() == written.read_bytes()
    if FORMATS[name].container != "FLAC" and os.name == "posix":
        assert skipped.stat().st_blocks < written.stat().st_blocks / 3


@pytest.mark.parametrize(
    "write",
    [
        lambda path: writing.write_samples(path, noise(5000), RATE_HZ),
        lambda path: write_float(path, RATE_HZ, 1, [noise(5000)]),
    ],
)
def test_a_full_disk_is_told_whatever_libsndfile_says_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, write: Callable[[Path], None]
) -> None:
    def refused(*_: object) -> None:
        raise sf.LibsndfileError(2)  # "System error."

    monkeypatch.setattr(sf.SoundFile, "write", refused)
    with pytest.raises(OutputError, match=r"a\.wav cannot be written \(System error\.\): is the disk full\?"):
        write(tmp_path / "a.wav")


def test_samples_are_written_as_floats_unless_asked(tmp_path: Path) -> None:
    writing.write_samples(tmp_path / "a.wav", 2 * noise(5000, 2), RATE_HZ)
    np.testing.assert_array_equal(read_all(tmp_path / "a.wav"), 2 * noise(5000, 2))
