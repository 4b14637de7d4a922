"""One reference, or several with weights: how they are told, and what is heard of them."""

from __future__ import annotations

from pathlib import Path

import mixbridge
import numpy as np
import pytest
import soundfile as sf
from mixbridge import AudioProcessor, Reference
from mixbridge.presets.errors import AudioError
from mixbridge.runtime.audio.loudness import integrated_loudness
from mixbridge.runtime.mastering.fitting import reference_profile
from mixbridge.runtime.mastering.profile import loudness_power, thirds_of
from mixbridge.runtime.model.controller import Controller
from mixbridge.runtime.model.features import mix_features
from mixbridge.runtime.model.references import Song, hear_reference, hear_songs, songs_of, typed_references
from mixbridge.runtime.prediction.predict import predict_files
from numpy.typing import NDArray

Audio = NDArray[np.float32]
RATE_HZ = 44100
SAMPLES = 3 * RATE_HZ


def noise(seconds: float, seed: int, side: float = 0.5, level: float = 0.1) -> Audio:
    """Noise whose sides are this much softer than its middle."""
    middle, sides = np.random.default_rng(seed).standard_normal((2, round(seconds * RATE_HZ)))
    return (level * np.stack([middle + side * sides, middle - side * sides])).astype(np.float32)


def save(path: Path, audio: Audio) -> Path:
    sf.write(path, audio.T, RATE_HZ, subtype="FLOAT")
    return path


@pytest.fixture
def wide(tmp_path: Path) -> Path:
    return save(tmp_path / "wide.wav", noise(12, 1, side=0.8))


@pytest.fixture
def mono(tmp_path: Path) -> Path:
    return save(tmp_path / "mono.wav", noise(12, 2, side=0.0, level=0.02)[:1])


class TestTyped:
    def test_files_and_weights(self, wide: Path, mono: Path) -> None:
        assert typed_references([f"{wide}=0.6", f"{mono}=1.8"]) == (Song(mono, 0.75), Song(wide, 0.25))
        assert typed_references([str(wide), f"{mono}=3"])[0] == Song(mono, 0.75)

    @pytest.mark.parametrize("name", ["a=b.wav", "take=0.7", "=2", "x==.wav"])
    def test_names_with_an_equals_sign(self, tmp_path: Path, wide: Path, name: str) -> None:
        odd = tmp_path / name
        odd.write_bytes(wide.read_bytes())
        assert typed_references([str(odd)]) == (Song(odd, 1.0),)
        assert typed_references([f"{odd}=3", str(wide)]) == (Song(odd, 0.75), Song(wide, 0.25))

    def test_a_file_that_ends_like_a_weight_is_found_before_the_one_without(self, tmp_path: Path, wide: Path) -> None:
        odd = tmp_path / "wide.wav=0.7"
        odd.write_bytes(wide.read_bytes())
        assert typed_references([str(odd)]) == (Song(odd, 1.0),)

    @pytest.mark.parametrize(("weight", "words"), [("0", "0.01"), ("-1", "0.01"), ("nan", "0.01"), ("x", "no weight")])
    def test_weights_that_are_none(self, wide: Path, weight: str, words: str) -> None:
        with pytest.raises(AudioError, match=words) as error:
            typed_references([f"{wide}={weight}"])
        assert "wide.wav" in str(error.value)

    def test_a_file_that_is_missing_is_named_without_its_weight(self, tmp_path: Path, wide: Path) -> None:
        with pytest.raises(AudioError, match=r"none\.wav") as error:
            typed_references([str(wide), f"{tmp_path}/none.wav=0.5"])
        assert "=0.5" not in str(error.value)


class TestSeveral:
    def test_every_way_to_say_it(self, wide: Path, mono: Path) -> None:
        expected = (Song(mono, 0.75), Song(wide, 0.25))
        assert songs_of({wide: 1, mono: 3}) == expected
        assert songs_of([wide, Reference(mono, 3)]) == expected
        assert songs_of(expected) == expected
        assert songs_of(wide) == songs_of([str(wide)]) == (Song(wide, 1.0),)

    def test_one_song_twice_is_one_song(self, wide: Path, mono: Path) -> None:
        again = wide.parent / "." / "wide.wav"
        assert songs_of([wide, again]) == (Song(wide, 1.0),)
        assert songs_of([wide, mono, again])[0] == Song(wide, pytest.approx(2 / 3))

    @pytest.mark.parametrize("nothing", [[], (), {}])
    def test_none(self, nothing: object) -> None:
        with pytest.raises(AudioError, match="no reference"):
            songs_of(nothing)  # type: ignore[arg-type]

    @pytest.mark.parametrize("weight", [0, -1, float("inf"), float("nan"), "much"])
    def test_weights_that_are_none(self, wide: Path, weight: float) -> None:
        with pytest.raises(AudioError, match="weight"):
            songs_of({wide: weight})

    def test_too_many(self, tmp_path: Path) -> None:
        with pytest.raises(AudioError, match="17 references"):
            songs_of([tmp_path / f"{number}.wav" for number in range(17)])


class TestHearing:
    def test_one_is_heard_as_ever(self, wide: Path) -> None:
        listened = hear_songs(songs_of(wide), RATE_HZ, SAMPLES)
        expected, start_s, length_s = hear_reference(wide, RATE_HZ, SAMPLES)
        np.testing.assert_array_equal(listened.audio, expected)
        assert (listened.songs[0].start_s, listened.songs[0].length_s) == (start_s, length_s)

    def test_each_is_heard_for_its_share_and_as_loud(self, wide: Path, mono: Path) -> None:
        audio = hear_songs(songs_of({wide: 1, mono: 3}), RATE_HZ, SAMPLES).audio
        assert audio.shape == (2, 3 * SAMPLES)
        first, second = audio[:, : 9 * SAMPLES // 4], audio[:, 9 * SAMPLES // 4 :]
        np.testing.assert_array_equal(first[0], first[1])
        assert float(np.abs(second[0] - second[1]).max()) > 0.05
        assert integrated_loudness(first, RATE_HZ) == pytest.approx(integrated_loudness(second, RATE_HZ), abs=0.1)

    def test_width_is_pooled_with_the_weights(self, wide: Path, mono: Path) -> None:
        def width(weights: dict[Path, float]) -> float:
            return float(mix_features(hear_songs(songs_of(weights), RATE_HZ, SAMPLES).audio, RATE_HZ).width)

        # Equally loud, so the wide one's middle is softer: sides 0.64 of it, of a power of 1.64 in all.
        sides = 0.64 / 1.64
        assert width({wide: 1, mono: 1}) == pytest.approx(0.5 * sides / (1 - 0.5 * sides), rel=0.05)
        assert width({wide: 3, mono: 1}) == pytest.approx(0.75 * sides / (1 - 0.75 * sides), rel=0.05)

    def test_a_little_weight_is_heard_for_a_second(self, wide: Path, mono: Path) -> None:
        audio = hear_songs(songs_of({wide: 100, mono: 0.01}), RATE_HZ, SAMPLES).audio
        assert audio.shape[1] == pytest.approx(3 * SAMPLES + RATE_HZ, abs=RATE_HZ / 100)
        np.testing.assert_array_equal(audio[0, -RATE_HZ:], audio[1, -RATE_HZ:])

    def test_a_passage_of_several_cannot_be_chosen(self, wide: Path, mono: Path) -> None:
        with pytest.raises(AudioError, match="here are 2"):
            hear_songs(songs_of([wide, mono]), RATE_HZ, SAMPLES, start_s=1.0)

    def test_a_silent_one_is_named(self, tmp_path: Path, wide: Path) -> None:
        silent = save(tmp_path / "silent.wav", np.zeros((2, 5 * RATE_HZ), np.float32))
        with pytest.raises(AudioError, match=r"silent\.wav"):
            hear_songs(songs_of([wide, silent]), RATE_HZ, SAMPLES)


class TestMaster:
    def test_spectra_are_pooled_in_decibels_and_sides_in_power(self, tmp_path: Path) -> None:
        dark, bright = noise(12, 3, side=0.0), noise(12, 4, side=0.8)
        for audio, sign in ((dark, -1), (bright, 1)):
            spectrum = np.fft.rfft(audio)
            octaves = np.log2(np.maximum(np.fft.rfftfreq(audio.shape[1], 1 / RATE_HZ), 20) / 1000)
            audio[:] = np.fft.irfft(spectrum * 10 ** (sign * 3 * octaves / 20), audio.shape[1])
        paths = save(tmp_path / "dark.wav", dark), save(tmp_path / "bright.wav", bright)
        alone = [reference_profile(path) for path in paths]
        both = reference_profile({paths[0]: 1, paths[1]: 3})

        def middle_db(power: NDArray[np.float64]) -> NDArray[np.float64]:
            return np.asarray(10 * np.log10(thirds_of(power)[0] / loudness_power(power)))[5:28]

        expected_db = 0.25 * middle_db(alone[0].power) + 0.75 * middle_db(alone[1].power)
        apart_db = middle_db(both.power) - expected_db
        assert np.abs(apart_db - apart_db.mean()).max() < 0.1
        sides, middle = thirds_of(both.power)[1], thirds_of(both.power)[0]
        assert np.median(sides / middle) == pytest.approx(0.75 * 0.64, rel=0.1)
        for measure in ("loudness_lufs", "peak_to_loudness_db"):
            expected = 0.25 * getattr(alone[0], measure) + 0.75 * getattr(alone[1], measure)
            assert getattr(both, measure) == pytest.approx(expected, abs=1e-6)

    def test_a_band_that_one_lacks_is_asked_of_the_other(self, tmp_path: Path) -> None:
        whole, cut = noise(12, 5), noise(12, 6)
        spectrum = np.fft.rfft(cut)
        spectrum[:, np.fft.rfftfreq(cut.shape[1], 1 / RATE_HZ) > 9000] = 0
        cut[:] = np.fft.irfft(spectrum, cut.shape[1])
        paths = save(tmp_path / "whole.wav", whole), save(tmp_path / "cut.wav", cut)
        both, alone = reference_profile(list(paths)), reference_profile(paths[0])
        above = slice(28, 29)  # 12.5 kHz
        ratios_db = [
            10 * np.log10(thirds_of(item.power)[0][above] / loudness_power(item.power)) for item in (both, alone)
        ]
        assert ratios_db[0] == pytest.approx(ratios_db[1], abs=1.5)

    def test_one_file_after_two_songs(self, tmp_path: Path, wide: Path, mono: Path) -> None:
        mix = save(tmp_path / "mix.wav", noise(8, 7, side=0.3))
        result = mixbridge.master(mix, {wide: 1, mono: 1}, tmp_path / "out")
        said = result.preset.provenance.references
        assert said is not None
        assert [(item.file, item.weight) for item in said] == [("wide.wav", 0.5), ("mono.wav", 0.5)]


class TestPrediction:
    @pytest.fixture
    def stems(self, tmp_path: Path) -> dict[str, Path]:
        time_s = np.arange(8 * RATE_HZ) / RATE_HZ
        tone = (0.2 * np.sin(2 * np.pi * 80 * time_s)[None]).astype(np.float32)
        return {"Bass": save(tmp_path / "Bass.wav", tone), "Keys": save(tmp_path / "Keys.wav", noise(8, 8)[:1])}

    def test_the_preset_names_all_with_weight_and_passage(
        self, controller: Controller, stems: dict[str, Path], wide: Path, mono: Path
    ) -> None:
        preset, _ = predict_files(controller, stems, {wide: 1, mono: 3})
        said = preset.provenance
        assert said.reference is not None
        assert said.references is not None
        assert said.reference.file == "mono.wav"
        assert [(item.file, item.weight) for item in said.references] == [("mono.wav", 0.75), ("wide.wav", 0.25)]
        assert said.references[0].window == said.reference_window
        assert said.references[1].sha256 != said.reference.sha256


def test_a_voice_after_several_in_memory_and_in_files(controller: Controller, wide: Path, mono: Path) -> None:
    voice = noise(4, 11)[:1]
    several = [Reference(noise(8, 1, side=0.8), 1), Reference(mono, 2)]
    processor = AudioProcessor(controller, reference=several, reference_sample_rate=RATE_HZ, sample_rate=RATE_HZ)
    mixed = processor.process(voice)
    assert mixed.shape == voice.shape
    assert np.isfinite(mixed).all()
    files = AudioProcessor(controller, reference={wide: 1, mono: 2}, sample_rate=RATE_HZ)
    assert np.isfinite(files.process(voice)).all()
    with pytest.raises(AudioError, match="reference_sample_rate"):
        AudioProcessor(controller, reference=several)
