"""The one-track drop-in: what comes out has the shape, loudness and peaks that were asked for."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
from mixbridge.presets.errors import AudioError, PresetError
from mixbridge.runtime.audio.loudness import integrated_loudness
from mixbridge.runtime.audio.peaks import true_peak_db
from mixbridge.runtime.model.controller import Controller
from mixbridge.runtime.processor import AudioProcessor
from numpy.typing import NDArray

Audio = NDArray[np.float32]
RATE_HZ = 44100


def voice(seconds: float = 4, rate_hz: int = RATE_HZ, channels: int = 1, level: float = 0.1) -> Audio:
    """A tone with overtones, vibrato and syllables."""
    time_s = np.arange(round(seconds * rate_hz)) / rate_hz
    phase = 2 * np.pi * 220 * time_s + 0.5 * np.sin(2 * np.pi * 5 * time_s)
    tone = sum(np.sin(overtone * phase) / overtone for overtone in range(1, 12))
    syllables = 0.55 + 0.45 * np.sin(2 * np.pi * 2.5 * time_s)
    breath = np.random.default_rng(0).standard_normal((channels, len(time_s)))
    return (level * (tone * syllables + 0.05 * breath)).astype(np.float32)


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("reference") / "song.wav"
    random = np.random.default_rng(1)
    sf.write(path, 0.1 * random.standard_normal((8 * RATE_HZ, 2)) * [1.0, 0.3], RATE_HZ)
    return path


@pytest.fixture
def processor(controller: Controller, reference: Path) -> AudioProcessor:
    return AudioProcessor(controller, reference=reference)


@pytest.mark.parametrize("shape", ["(n,)", "(1, n)", "(2, n)"])
def test_the_shape_stays(processor: AudioProcessor, shape: str) -> None:
    audio = {"(n,)": voice()[0], "(1, n)": voice(), "(2, n)": voice(channels=2)}[shape]
    mixed = processor.process(audio, RATE_HZ)
    assert mixed.shape == audio.shape
    assert mixed.dtype == np.float32
    assert np.isfinite(mixed).all()
    assert not np.array_equal(mixed, audio)


def test_one_dimension_is_one_channel(processor: AudioProcessor) -> None:
    np.testing.assert_array_equal(processor.process(voice()[0], RATE_HZ), processor.process(voice(), RATE_HZ)[0])


def test_doubles_are_taken_and_nothing_is_changed_in_place(processor: AudioProcessor) -> None:
    audio = voice().astype(np.float64)
    before = audio.copy()
    np.testing.assert_array_equal(processor.process(audio, RATE_HZ), processor.process(voice(), RATE_HZ))
    np.testing.assert_array_equal(audio, before)


@pytest.mark.parametrize("rate_hz", [16000, 22050, 48000, 96000])
@pytest.mark.parametrize("seconds", [0.6, 2.3])
def test_other_rates_and_lengths(processor: AudioProcessor, rate_hz: int, seconds: float) -> None:
    audio = voice(seconds, rate_hz, 2)
    mixed = processor.process(audio, rate_hz)
    assert mixed.shape == audio.shape
    assert integrated_loudness(mixed, rate_hz) == pytest.approx(integrated_loudness(audio, rate_hz), abs=0.5)
    assert true_peak_db(mixed) <= -1


@pytest.mark.parametrize("level", [0.01, 0.1])
def test_the_loudness_stays(processor: AudioProcessor, level: float) -> None:
    audio = voice(8, level=level)
    mixed = processor.process(audio, RATE_HZ)
    assert integrated_loudness(mixed, RATE_HZ) == pytest.approx(integrated_loudness(audio, RATE_HZ), abs=0.5)


def test_another_loudness_is_made(controller: Controller, reference: Path) -> None:
    processor = AudioProcessor(controller, reference=reference, loudness_lufs=-23)
    assert integrated_loudness(processor.process(voice(), RATE_HZ), RATE_HZ) == pytest.approx(-23, abs=0.5)


@pytest.mark.parametrize("ceiling_dbtp", [-1.0, -6.0])
@pytest.mark.parametrize("channels", [1, 2])
def test_the_ceiling_is_held(controller: Controller, reference: Path, ceiling_dbtp: float, channels: int) -> None:
    processor = AudioProcessor(controller, reference=reference, loudness_lufs=-6, ceiling_dbtp=ceiling_dbtp)
    mixed = processor.process(voice(channels=channels), RATE_HZ)
    assert ceiling_dbtp - 1 <= true_peak_db(mixed) <= ceiling_dbtp


def test_amount_0_changes_nothing_but_the_level(controller: Controller, reference: Path) -> None:
    audio = voice(channels=2)
    mixed = AudioProcessor(controller, reference=reference, amount=0).process(audio, RATE_HZ)
    np.testing.assert_allclose(mixed, audio, atol=2e-5)


def test_an_amount_out_of_range_is_refused(controller: Controller, reference: Path) -> None:
    with pytest.raises(PresetError, match=r"amount 2 is out of range"):
        AudioProcessor(controller, reference=reference, amount=2).process(voice(), RATE_HZ)


def test_the_level_that_comes_in_does_not_change_the_sound(processor: AudioProcessor) -> None:
    loud, quiet = (processor.process(voice(level=level), RATE_HZ) for level in (0.1, 0.01))
    difference = np.sqrt(np.mean((loud - 10 * quiet) ** 2)) / np.sqrt(np.mean(loud**2))
    assert 20 * np.log10(difference) <= -50


def test_the_settings_can_be_seen(processor: AudioProcessor) -> None:
    assert processor.preset is None
    processor.process(voice(channels=2), RATE_HZ)
    assert processor.preset is not None
    (track,) = processor.preset.tracks
    assert track.strip.pan == 0
    assert track.strip.fader_db != 0 or track.strip.input_gain_db != 0


@pytest.mark.parametrize("shape", [(RATE_HZ,), (1, RATE_HZ), (2, RATE_HZ), (2, 10)])
@pytest.mark.parametrize("level", [0.0, 1e-5])
def test_silence_comes_back_as_it_is(processor: AudioProcessor, shape: tuple[int, ...], level: float) -> None:
    audio = (level * np.random.default_rng(0).standard_normal(shape)).astype(np.float32)
    result = processor.process(audio, RATE_HZ)
    np.testing.assert_array_equal(result, audio)
    assert result is not audio
    assert result.dtype == np.float32


@pytest.mark.parametrize(
    ("audio", "words"),
    [
        (np.zeros(100, np.int16), r"floats with full scale 1\.0, not int16"),
        (np.zeros(100, np.complex64), "not complex64"),
        (np.zeros(0, np.float32), r"not \(0,\)"),
        (np.zeros((2, 0), np.float32), r"not \(2, 0\)"),
        (np.zeros((3, 100), np.float32), r"not \(3, 100\)"),
        (np.zeros((100, 2), np.float32), r"not \(100, 2\)"),
        (np.zeros((1, 2, 100), np.float32), r"not \(1, 2, 100\)"),
        (np.float32(0.5), r"not \(\)"),
        (np.array([0.1, np.nan, 0.2], np.float32), "NaN or infinity at sample 1"),
        (np.array([[0.1, 0.1], [0.1, -np.inf]]), "NaN or infinity at sample 1"),
    ],
)
def test_what_cannot_be_used_is_refused(processor: AudioProcessor, audio: Audio, words: str) -> None:
    with pytest.raises(AudioError, match=words):
        processor.process(audio, RATE_HZ)


@pytest.mark.parametrize("rate_hz", [0, 100])
def test_a_sample_rate_that_is_none_is_refused(processor: AudioProcessor, rate_hz: int) -> None:
    with pytest.raises(AudioError):
        processor.process(voice(1), rate_hz)


def test_a_reference_that_is_missing_is_named(controller: Controller, tmp_path: Path) -> None:
    with pytest.raises(AudioError, match=r"nowhere\.wav"):
        AudioProcessor(controller, reference=tmp_path / "nowhere.wav")
