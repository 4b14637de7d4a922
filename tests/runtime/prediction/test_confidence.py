"""Confidence: good settings are trusted, bad ones give way to the plain mix, strangeness is said."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
from mixbridge.presets.console import EqBand, Equalizer, Master, Strip
from mixbridge.presets.files import dumps, loads
from mixbridge.presets.preset import Preset, Provenance, Track
from mixbridge.runtime.audio.loudness import integrated_loudness
from mixbridge.runtime.model.analysis import Passage
from mixbridge.runtime.model.controller import Controller
from mixbridge.runtime.model.familiarity import Familiarity, Territory
from mixbridge.runtime.prediction import confidence, predict
from mixbridge.runtime.prediction.confidence import Strangeness, assured, strange, weigh
from mixbridge.runtime.prediction.predict import predict_files
from mixbridge.runtime.prediction.trial import AMOUNTS, Trial
from numpy.typing import NDArray

Audio = NDArray[np.float32]
RATE_HZ = 44100
SAMPLES = 2 * RATE_HZ
GOOD = {
    "a": Strip(input_gain_db=-8, fader_db=5, pan=-0.6, eq=Equalizer(band1=EqBand(gain_db=6, freq_hz=2000))),
    "b": Strip(input_gain_db=-8, fader_db=-4, pan=0.3, eq=Equalizer(low_shelf=EqBand(gain_db=-6, freq_hz=200))),
}
# The other way round in everything.
BAD = {
    "a": Strip(input_gain_db=-8, fader_db=-12, pan=0.9, eq=Equalizer(band1=EqBand(gain_db=-9, freq_hz=2000))),
    "b": Strip(input_gain_db=-8, fader_db=12, pan=0.9, eq=Equalizer(low_shelf=EqBand(gain_db=9, freq_hz=200))),
}


def preset_of(strips: dict[str, Strip]) -> Preset:
    return Preset(name="mine", tracks=tuple(Track(name=name, strip=strip) for name, strip in strips.items()))


def passage_of(audio: dict[str, Audio]) -> Passage:
    loudness = {name: integrated_loudness(item, RATE_HZ) for name, item in audio.items()}
    return Passage(0.0, SAMPLES / RATE_HZ, audio, loudness)


def noise(seed: int, channels: int = 1, level: float = 0.1) -> Audio:
    return (level * np.random.default_rng(seed).standard_normal((channels, SAMPLES))).astype(np.float32)


@pytest.fixture(scope="module")
def trial() -> Trial:
    return trial_on({"a": noise(0), "b": noise(1)})


@pytest.fixture(scope="module")
def wide_trial() -> Trial:
    """In stereo: of a reference in mono nobody is sure."""
    return trial_on({"a": noise(0, 2), "b": noise(1, 2)})


def trial_on(tracks: dict[str, Audio]) -> Trial:
    passage = passage_of(tracks)
    reference = Trial(passage, noise(2), RATE_HZ, -24.0).render(preset_of(GOOD)).mix
    return Trial(passage, reference, RATE_HZ, -24.0)


class TestTrial:
    def test_the_right_settings_are_at_no_distance_whatever_their_level(self, trial: Trial) -> None:
        louder = preset_of(GOOD).model_copy(update={"master": Master(output_gain_db=7)})
        assert trial.distance(preset_of(GOOD)) == pytest.approx(0, abs=1e-6)
        assert trial.distance(louder) == pytest.approx(0, abs=1e-4)

    def test_the_plain_mix_is_level_and_central(self, trial: Trial) -> None:
        plain = trial.plain(preset_of(BAD))
        rendered = trial.render(plain)
        for stem in rendered.stems.values():
            assert integrated_loudness(stem, RATE_HZ) == pytest.approx(-24, abs=0.1)
            np.testing.assert_array_equal(stem[0], stem[1])
        assert integrated_loudness(rendered.mix, RATE_HZ) == pytest.approx(-24, abs=0.3)

    def test_between_the_plain_mix_and_the_settings(self, trial: Trial) -> None:
        preset = preset_of(GOOD)
        distances = [trial.distance(trial.nearer_plain(preset, amount)) for amount in AMOUNTS]
        assert distances == sorted(distances)
        assert distances[-1] == pytest.approx(trial.distance(trial.plain(preset)), rel=1e-4)
        half = trial.nearer_plain(preset, 0.5)
        assert (half.name, half.provenance) == ("mine", preset.provenance)

    def test_an_empty_side_does_not_outweigh_everything(self, trial: Trial) -> None:
        assert trial.distance(trial.plain(preset_of(GOOD))) < 1

    def test_a_mono_reference_is_the_same_on_both_sides(self, trial: Trial) -> None:
        one = Trial(trial.passage, noise(5), RATE_HZ, -24.0)
        two = Trial(trial.passage, np.repeat(noise(5), 2, axis=0), RATE_HZ, -24.0)
        assert one.distance(preset_of(GOOD)) == two.distance(preset_of(GOOD))

    def test_silence_is_as_far_as_can_be(self, trial: Trial) -> None:
        muted = preset_of({name: Strip(fader_db=-120) for name in GOOD})
        assert trial.distance(muted) == np.inf


class TestWeigh:
    def test_settings_that_are_right_are_kept_and_trusted(self, wide_trial: Trial) -> None:
        preset, found = weigh(preset_of(GOOD), wide_trial)
        assert preset == preset_of(GOOD)
        assert (found.level, found.amount) == ("high", 1)
        assert found.distance_prediction == pytest.approx(0, abs=1e-5)
        assert "100 % closer" in found.reasons[0]
        assert found.reasons[-1].startswith("Of mixes like this one")

    def test_settings_that_are_worse_than_none_give_way(self, trial: Trial) -> None:
        preset, found = weigh(preset_of(BAD), trial)
        assert found.level == "low"
        assert found.amount == 0
        assert preset == trial.nearer_plain(preset_of(BAD), 0)
        assert found.distance_prediction == found.distance_neutral == pytest.approx(trial.distance(preset), rel=1e-4)
        assert "further from the reference" in found.reasons[0]
        assert "equally loud" in found.reasons[0]
        assert "only that was kept" in found.reasons[0]

    def test_the_most_that_helps_is_kept(self, trial: Trial) -> None:
        """Right in direction, four times too much of it."""
        wild = preset_of(GOOD)
        trial = Trial(trial.passage, trial.render(trial.nearer_plain(wild, 0.25)).mix, RATE_HZ, -24.0)
        plain = trial.distance(trial.plain(wild))
        helps = [amount for amount in AMOUNTS if trial.distance(trial.nearer_plain(wild, amount)) <= plain * 1.0000001]
        preset, found = weigh(wild, trial)
        assert 0 < found.amount < 1
        assert found.amount == max(helps)
        assert trial.distance(preset) <= plain
        assert f"{100 * found.amount:.0f} % of them were kept" in found.reasons[0]

    def test_unfamiliar_material_is_said_and_changes_nothing(self, wide_trial: Trial) -> None:
        preset, found = weigh(preset_of(GOOD), wide_trial, Strangeness(tracks=("a",), reference=True))
        assert preset == preset_of(GOOD)
        assert (found.level, found.amount) == ("fair", 1)
        assert [words.split()[0] for words in found.reasons[1:3]] == ["The", "Unlike"]
        assert "a." in found.reasons[2]

    def test_strange_material_changes_nothing_where_the_gain_is_clear(self, trial: Trial) -> None:
        preset, found = weigh(preset_of(GOOD), trial, Strangeness(reference=True, is_extreme=True))
        assert (found.level, found.amount) == ("low", 1)
        assert preset == preset_of(GOOD)

    def test_what_speaks_for_a_mix_that_is_not_trusted_is_said_as_that(self, wide_trial: Trial) -> None:
        _, found = weigh(preset_of(GOOD), wide_trial, Strangeness(is_extreme=True))
        assert found.level == "low"
        assert (found.probability or 0) >= 0.6
        assert found.reasons[-1].startswith("Even so, of mixes like this one")

    def test_strange_material_and_little_gain_halve_it(self, trial: Trial) -> None:
        little = trial.nearer_plain(preset_of(GOOD), 0.05)
        assert weigh(little, trial)[1].amount == 1
        preset, found = weigh(little, trial, Strangeness(reference=True, is_extreme=True))
        assert (found.level, found.amount) == ("low", 0.5)
        assert preset == trial.nearer_plain(little, 0.5)
        assert "nothing like this" in found.reasons[0]

    def test_many_names_are_cut(self, trial: Trial) -> None:
        _, found = weigh(preset_of(GOOD), trial, Strangeness(tracks=tuple("abcdefg")))
        assert found.reasons[1].endswith("a, b, c, d and 3 more.")

    def test_silence(self, trial: Trial) -> None:
        silence = passage_of({"a": np.zeros((1, SAMPLES), np.float32)})
        preset = preset_of({"a": Strip()})
        kept, found = weigh(preset, Trial(silence, trial.reference, RATE_HZ, -24.0))
        assert kept is preset
        assert (found.level, found.distance_neutral) == ("low", None)


class TestStrange:
    @staticmethod
    def territory(embeddings: list[Audio], edge: float) -> Territory:
        """Around the mean of some embeddings, as wide as is said."""
        rows = np.stack(embeddings)[:, 10:20]
        distances = np.linspace(0, edge, 11, dtype=np.float32)
        return Territory(10, rows.mean(0), np.eye(10, dtype=np.float32), 1.0, distances)

    @pytest.mark.parametrize(
        ("edges", "want"),
        [
            ((1e6, 1e6), Strangeness()),
            ((1e-6, 1e6), Strangeness(tracks=("a", "b"), is_extreme=True)),
            ((1e6, 1e-6), Strangeness(reference=True, is_extreme=True)),
        ],
    )
    def test_finds_what_is_beyond(
        self, controller: Controller, trial: Trial, edges: tuple[float, float], want: Strangeness
    ) -> None:
        silent = np.zeros((1, SAMPLES), np.float32)
        passage = passage_of({**trial.passage.audio, "silent": silent})
        one = Trial(passage, trial.reference, RATE_HZ, -24.0)
        found = controller.embeddings(passage.levelled(["a", "b"], -24.0), trial.reference)
        known = Familiarity(
            self.territory([found.tracks[0], found.tracks[1]], edges[0]),
            self.territory([found.reference, found.reference + 1], edges[1]),
        )
        assert strange(controller, known, one) == want


class TestAssured:
    def test_says_everything_in_the_provenance(self, controller: Controller, trial: Trial) -> None:
        buried = {**GOOD, "b": GOOD["b"].model_copy(update={"fader_db": -45.0})}
        given = preset_of(buried).model_copy(update={"provenance": Provenance(model="m", note="n")})
        kept = assured(controller, given, trial.passage, trial.reference)
        provenance = kept.provenance
        assert (provenance.model, provenance.note) == ("m", "n")
        assert provenance.findings is not None
        assert [finding.rule for finding in provenance.findings] == ["buried"]
        assert provenance.confidence is not None
        assert loads(dumps(kept)).provenance.findings == provenance.findings
        assert loads(dumps(kept)).provenance.confidence is not None

    def test_nothing_found_is_not_in_the_file(self, controller: Controller, trial: Trial) -> None:
        kept = assured(controller, preset_of(GOOD), trial.passage, trial.reference)
        assert kept.provenance.findings is None
        assert "findings" not in dumps(kept)

    def test_predictions_from_files_are_checked_unless_told_otherwise(
        self, controller: Controller, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for name, seed in (("a", 0), ("song", 1)):
            sf.write(tmp_path / f"{name}.wav", noise(seed, 2).T, RATE_HZ)
        monkeypatch.setattr(predict, "assured", _marked)
        stems = {"a": tmp_path / "a.wav"}
        checked, _ = predict_files(controller, stems, tmp_path / "song.wav")
        raw, _ = predict_files(controller, stems, tmp_path / "song.wav", decide=predict.predict)
        assert (checked.provenance.note, raw.provenance.note) == ("checked", None)
        assert confidence.assured is not _marked


def _marked(_controller: Controller, preset: Preset, _passage: Passage, _reference: Audio) -> Preset:
    return preset.model_copy(update={"provenance": preset.provenance.model_copy(update={"note": "checked"})})
