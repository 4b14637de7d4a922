from __future__ import annotations

import hashlib
import json
import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import mixbridge
import numpy as np
import pytest
import soundfile as sf
from mixbridge.export.styles.bundle import add_style
from mixbridge.presets.console import Reverb
from mixbridge.presets.errors import ModelError, PresetError
from mixbridge.presets.files import load
from mixbridge.runtime.audio.loudness import integrated_loudness
from mixbridge.runtime.model.analysis import heard_in
from mixbridge.runtime.model.bundle import LEARNED_REFERENCE, StyleNote, open_bundle
from mixbridge.runtime.model.controller import Controller
from mixbridge.runtime.prediction.hearing import decided
from mixbridge.runtime.rendering.in_memory import render_mix
from mixbridge.runtime.styles.deciding import StyledModel, predict_in_style
from mixbridge.runtime.styles.settings import TONE_HZ, tone_of
from mixbridge.runtime.styles.snapshot import check_style
from mixbridge.runtime.styles.style import load_style
from style_examples import sung

RATE_HZ = 44_100
AT_2500 = int(np.abs(TONE_HZ - 2500).argmin())


def styled(folder: Path) -> StyledModel:
    model = StyledModel.of(folder)
    assert model is not None
    return model


def voice_file(folder: Path, name: str = "vox", seed: int = 50, tilt_db: float = 0.0, level_db: float = -24.0) -> Path:
    path = folder / f"{name}.wav"
    sf.write(path, sung(seed, 2.0, tilt_db, level_db).T, RATE_HZ, subtype="FLOAT")
    return path


def presence_db(model: StyledModel, tilt_db: float) -> float:
    passage = heard_in({"Vox": sung(51, 2.0, tilt_db)}, RATE_HZ, model.window_samples)
    return float(tone_of(predict_in_style(model, passage).tracks[0].strip)[AT_2500])


def test_a_dull_voice_gets_more_presence(house_bundle: Path) -> None:
    model = styled(house_bundle)
    assert presence_db(model, -5.0) - presence_db(model, 5.0) > 2.5  # learned: 5 dB


def test_what_was_told_at_export_is_told_here(house_bundle: Path) -> None:
    assert check_style(open_bundle(house_bundle)) < 1e-4


def test_mix_needs_no_reference(house_bundle: Path, tmp_path: Path) -> None:
    result = mixbridge.mix({"Vox": voice_file(tmp_path)}, output=tmp_path / "out", model=house_bundle)
    preset = load(tmp_path / "out" / "preset.json")
    assert preset == result.preset
    strip = preset.track("Vox").strip
    assert strip.compressor.ratio == pytest.approx(3.0, rel=0.01)
    assert strip.low_cut.freq_hz == pytest.approx(90.0, rel=0.02)
    assert strip.reverb_send_db == pytest.approx(-18.0, abs=0.3)
    assert preset.provenance.model == "mine"
    assert preset.provenance.reference is None
    said = preset.provenance.decisions or ()
    assert any("57 pairs of mine" in line and "low cut at 90 Hz" in line for line in said)
    assert preset.provenance.confidence is not None
    assert preset.provenance.confidence.level == "high"
    assert "45% nearer" in preset.provenance.confidence.reasons[0]


def test_settings_explain_themselves(house_bundle: Path) -> None:
    model = styled(house_bundle)
    passage = heard_in({"Vox": sung(51, 2.0, -5.0)}, RATE_HZ, model.window_samples)
    said = " ".join(predict_in_style(model, passage).provenance.decisions or ())
    assert "presence +" in said
    assert "against the usual" in said


def test_the_same_in_one_file(house_bundle: Path, packed_bundle: Path) -> None:
    passage = heard_in({"Vox": sung(52, 2.0)}, RATE_HZ, styled(house_bundle).window_samples)
    one, other = (predict_in_style(styled(path), passage).tracks[0].strip for path in (house_bundle, packed_bundle))
    assert one == other


def test_thresholds_follow_the_level_of_the_track(house_bundle: Path) -> None:
    model = styled(house_bundle)
    strips = []
    for gain_db in (0.0, -6.0):
        audio = sung(53, 2.0) * np.float32(10 ** (gain_db / 20))
        strips.append(predict_in_style(model, heard_in({"Vox": audio}, RATE_HZ, model.window_samples)).tracks[0].strip)
    assert strips[0].compressor.threshold_db - strips[1].compressor.threshold_db == pytest.approx(6, abs=0.6)


def test_among_others_the_voice_alone_has_the_style(house_bundle: Path, tmp_path: Path) -> None:
    bass = np.sin(2 * np.pi * 55 * np.arange(2 * RATE_HZ) / RATE_HZ)[:, None] * 0.2
    sf.write(tmp_path / "bass.wav", bass, RATE_HZ)
    stems = {"Lead Vox": voice_file(tmp_path), "Bass": tmp_path / "bass.wav"}
    preset = mixbridge.predict(stems, model=house_bundle)
    assert preset.track("Lead Vox").strip.compressor.ratio == pytest.approx(3.0, rel=0.01)
    assert preset.track("Bass").strip.compressor.ratio != pytest.approx(3.0, rel=0.01)
    assert preset.track("Lead Vox").strip.pan == 0
    said = preset.provenance.decisions or ()
    assert said[-1] == "As engineers do by role: Bass."


def test_with_a_reference_the_song_fits_the_master_alone(house_bundle: Path, tmp_path: Path) -> None:
    song = np.random.default_rng(0).standard_normal((2 * RATE_HZ, 2)) * 0.1
    sf.write(tmp_path / "song.wav", song, RATE_HZ)
    stems = {"Vox": voice_file(tmp_path)}
    alone = mixbridge.predict(stems, model=house_bundle)
    beside = mixbridge.predict(stems, tmp_path / "song.wav", model=house_bundle)
    assert beside.track("Vox").strip == alone.track("Vox").strip
    assert beside.provenance.reference is not None
    assert "master alone" in (beside.provenance.decisions or ())[-1]


def test_models_without_a_style_ask_for_a_reference(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="needs a reference"):
        mixbridge.predict({"Vox": voice_file(tmp_path)})


def test_a_search_needs_a_reference(house_bundle: Path, tmp_path: Path) -> None:
    options = mixbridge.PredictOptions(refine_s=5)
    with pytest.raises(PresetError, match="style of its own"):
        mixbridge.predict({"Vox": voice_file(tmp_path)}, model=house_bundle, options=options)


def test_half_of_it(house_bundle: Path) -> None:
    model = styled(house_bundle)
    passage = heard_in({"Vox": sung(54, 2.0, -5.0)}, RATE_HZ, model.window_samples)
    whole, half = (predict_in_style(model, passage, amount=amount) for amount in (1.0, 0.5))
    assert half.tracks[0].strip.compressor.ratio == pytest.approx(whole.tracks[0].strip.compressor.ratio ** 0.5)
    assert "50% of it" in (half.provenance.confidence or whole.provenance.confidence).reasons[-1]  # type: ignore[union-attr]


def test_noise_is_not_lifted(house_bundle: Path) -> None:
    model = styled(house_bundle)
    silence = np.zeros((1, 2 * RATE_HZ), np.float32)
    preset = predict_in_style(model, heard_in({"Vox": silence}, RATE_HZ, model.window_samples))
    assert preset.tracks[0].strip.fader_db == 0
    assert preset.provenance.confidence is not None
    assert preset.provenance.confidence.level == "low"


class TestAudioProcessor:
    def test_takes_the_place_of_an_old_model(self, packed_bundle: Path) -> None:
        processor = mixbridge.AudioProcessor(model_path=packed_bundle, use_ml_model=True, sample_rate=RATE_HZ)
        mono = sung(60, 2.0)[0]
        mixed = processor.process(mono)
        assert mixed.shape == mono.shape
        assert mixed.dtype == np.float32
        both = np.stack([mixed, mixed])
        assert integrated_loudness(both, RATE_HZ) == pytest.approx(-19, abs=0.7)  # as the pairs were
        assert np.abs(mixed).max() <= 10 ** (-1 / 20) + 1e-6

    def test_off_passes_audio_as_it_is(self, packed_bundle: Path) -> None:
        processor = mixbridge.AudioProcessor(model_path=packed_bundle, use_ml_model=False, sample_rate=RATE_HZ)
        mono = sung(61, 1.0)[0]
        assert np.array_equal(processor.process(mono), mono)

    def test_threads_get_what_one_gets(self, packed_bundle: Path) -> None:
        processor = mixbridge.AudioProcessor(packed_bundle, sample_rate=RATE_HZ)
        tracks = [sung(seed, 2.0)[0] for seed in (62, 63)]
        alone = [processor.process(track) for track in tracks]
        with ThreadPoolExecutor(4) as pool:
            together = list(pool.map(processor.process, [*tracks, *tracks]))
        for one, other in zip([*alone, *alone], together, strict=True):
            assert np.array_equal(one, other)

    def test_blocks_are_the_whole(self, packed_bundle: Path) -> None:
        processor = mixbridge.AudioProcessor(packed_bundle, sample_rate=RATE_HZ)
        mono = sung(64, 2.0)[0]
        whole = processor.process(mono)
        processor.prepare(mono)
        blocks = [processor.process(mono[at : at + 5000]) for at in range(0, len(mono), 5000)]
        assert np.concatenate([*blocks, processor.flush()]) == pytest.approx(whole, abs=2e-5)

    def test_other_rates(self, packed_bundle: Path) -> None:
        mixed = mixbridge.AudioProcessor(packed_bundle).process(sung(65, 2.0)[0, ::2].copy(), 22_050)
        assert mixed.shape == (RATE_HZ,)
        assert np.isfinite(mixed).all()


def broken(bundle: Path, folder: Path, change: dict[str, object]) -> Path:
    """The bundle with something else in its style, and hashes that fit."""
    shutil.copytree(bundle, folder)
    style = json.loads((folder / "style.json").read_text()) | change
    (folder / "style.json").write_text(json.dumps(style))
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["sha256"]["style.json"] = hashlib.sha256((folder / "style.json").read_bytes()).hexdigest()
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder


@pytest.mark.parametrize(
    "change",
    [
        {"mean": [1.0]},
        {"mean": None},
        {"targets": ["strip.nonsense"]},
        {"feature_spread": [0.0] * 14},
        {"way": "neighbour"},
        {"slopes": [[float("nan")]]},
        {"likeness": []},
        {"more": 1},
    ],
)
def test_broken_styles_are_refused(change: dict[str, object], house_bundle: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"style\.json"):
        StyledModel.of(broken(house_bundle, tmp_path / "broken", change))


def test_a_changed_style_is_refused(house_bundle: Path, tmp_path: Path) -> None:
    folder = broken(house_bundle, tmp_path / "broken", {})
    with (folder / "style.json").open("a") as style:
        style.write(" ")
    with pytest.raises(ModelError, match="hash"):
        StyledModel.of(folder)


@pytest.fixture(scope="module")
def tuned_bundle(tmp_path_factory: pytest.TempPathFactory, controller: Controller) -> Path:
    """The network that ships, with what a song gave it in place of a reference, and a room."""
    folder = tmp_path_factory.mktemp("tuned") / "tuned"
    shutil.copytree(controller.bundle.folder, folder)
    song = np.random.default_rng(0).standard_normal((2, 2 * RATE_HZ)).astype(np.float32) * np.float32(0.1)
    np.save(folder / LEARNED_REFERENCE, controller.embeddings([song], song).reference)
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["sha256"][LEARNED_REFERENCE] = hashlib.sha256((folder / LEARNED_REFERENCE).read_bytes()).hexdigest()
    manifest |= {"learned_reference": LEARNED_REFERENCE, "role": "lead vocal", "name": "tuned"}
    manifest["effects"] = {"reverb": {"decay_mid_s": 2.5}}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder


def test_a_network_with_a_learned_reference_needs_none(tuned_bundle: Path, controller: Controller) -> None:
    network = Controller(tuned_bundle, "cpu", threads=1, trusted=True)
    model = StyledModel.of(network)
    assert model is not None
    audio = sung(80, 2.0)
    passage = heard_in({"Vox": audio}, RATE_HZ, model.window_samples)
    preset = predict_in_style(model, passage)
    song = np.random.default_rng(0).standard_normal((2, 2 * RATE_HZ)).astype(np.float32) * np.float32(0.1)
    outputs = decided(controller, passage, song, ["Vox"], [{"lead vocal": 1.0}])
    ratio = next(
        output.denormalize(float(value))
        for output, value in zip(controller.manifest.layout.track, outputs.tracks[0], strict=True)
        if output.path == "compressor.ratio"
    )
    assert preset.tracks[0].strip.compressor.ratio == pytest.approx(ratio, rel=0.2)
    assert preset.reverb == Reverb()  # nothing is sent there
    assert "set by a network" in (preset.provenance.decisions or ("",))[0]
    assert preset.provenance.confidence is not None
    assert "Nobody measured" in preset.provenance.confidence.reasons[0]


def test_numbers_tell_what_a_network_does_not(tuned_bundle: Path, house_bundle: Path, tmp_path: Path) -> None:
    both = tmp_path / "both"
    shutil.copytree(tuned_bundle, both)
    add_style(both, load_style(open_bundle(house_bundle)), StyleNote(way="house", pairs=57))
    model = StyledModel.of(Controller(both, "cpu", threads=1, trusted=True))
    assert model is not None
    strip = predict_in_style(model, heard_in({"Vox": sung(81, 2.0)}, RATE_HZ, model.window_samples)).tracks[0].strip
    assert strip.reverb_send_db == pytest.approx(-18.0, abs=0.1)
    assert strip.low_cut.freq_hz == pytest.approx(90.0, rel=0.02)


def test_settings_lie_between_numbers_and_network(tuned_bundle: Path, house_bundle: Path, tmp_path: Path) -> None:
    style = load_style(open_bundle(house_bundle)).model_copy(update={"network_share": 0.25})
    both = tmp_path / "both"
    shutil.copytree(tuned_bundle, both)
    add_style(both, style, StyleNote(way="halfway", pairs=57))
    middle = StyledModel.of(Controller(both, "cpu", threads=1, trusted=True))
    assert middle is not None
    assert middle.style is not None
    assert middle.style.network_share == 0.25  # written and read
    audio = sung(81, 2.0)
    passage = heard_in({"Vox": audio}, RATE_HZ, middle.window_samples)
    numbers, network = replace(middle, network=None), replace(middle, style=None)
    strips, levels = [], []
    for model in (numbers, middle, network):
        preset = predict_in_style(model, passage)
        strips.append(preset.tracks[0].strip)
        levels.append(integrated_loudness(render_mix({"Vox": audio}, RATE_HZ, preset)[:, : audio.shape[1]], RATE_HZ))
    low, between, high = (np.log(strip.compressor.ratio) for strip in strips)
    assert between == pytest.approx(low + 0.25 * (high - low), abs=0.01)
    assert abs(high - low) > 0.05
    assert levels[1] == pytest.approx(levels[0] + 0.25 * (levels[2] - levels[0]), abs=0.3)
    # What the numbers leave off stays off, and what only they know is as they tell it.
    assert strips[1].low_cut.freq_hz == pytest.approx(90.0, rel=0.02)
    tones = [tone_of(strip)[8:24] for strip in strips]
    assert np.abs(tones[1] - tones[0] - 0.25 * (tones[2] - tones[0])).mean() < 0.7
