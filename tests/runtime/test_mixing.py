"""The main verbs on short sessions: what is left on the disk, and laws that hold whatever the model decides."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
from mixbridge.presets.console import (
    EQ_BANDS,
    Compressor,
    EqBand,
    Equalizer,
    FxBand,
    FxBus,
    Master,
    Saturation,
    Strip,
    get,
    parameters,
)
from mixbridge.presets.edit import desk_form
from mixbridge.presets.errors import AudioError, MixbridgeError, OutputError, PresetError
from mixbridge.presets.files import load
from mixbridge.presets.preset import Preset, Track
from mixbridge.runtime import mixing
from mixbridge.runtime.audio.loudness import integrated_loudness
from mixbridge.runtime.mixing import PredictOptions, apply, mix, predict
from mixbridge.runtime.model.controller import Controller
from mixbridge.runtime.rendering.in_memory import render_arrays
from mixbridge.runtime.rendering.render import RenderOptions
from numpy.typing import NDArray

pytestmark = pytest.mark.usefixtures("one_prediction_for_each_input")

Audio = NDArray[np.float32]
RATE_HZ = 44100
FLOAT = RenderOptions(audio_format="wav32f")
# With filters of double precision (scipy's sosfilt) all of them null at -117 dB and below.
NAMES = ("Bass", "Drums", "Keys")


def audio_of(name: str, seconds: float = 3) -> Audio:
    """A bass line and drums in mono, keys in stereo."""
    time_s = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    random = np.random.default_rng(NAMES.index(name))
    if name == "Bass":
        return (0.2 * np.sin(2 * np.pi * 55 * time_s) * (1 + 0.5 * np.sin(12 * time_s)))[None].astype(np.float32)
    if name == "Drums":
        return (0.4 * random.standard_normal(len(time_s)) * np.exp(-12 * (2 * time_s % 1)))[None].astype(np.float32)
    sides = [sum(np.sin(2 * np.pi * freq_hz * time_s + side) for freq_hz in (262, 330, 392)) for side in (0, 1)]
    return (0.1 * np.array(sides)).astype(np.float32)


def save(path: Path, audio: Audio) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    sf.write(path, audio.T, RATE_HZ, subtype="FLOAT")
    return path


def read(path: Path) -> Audio:
    audio: Audio = sf.read(path, dtype="float32", always_2d=True)[0].T
    return audio


@pytest.fixture
def stems(tmp_path: Path) -> dict[str, Path]:
    return {name: save(tmp_path / "in" / f"{name}.wav", audio_of(name)) for name in NAMES}


@pytest.fixture
def reference(tmp_path: Path) -> Path:
    """Bright noise that is louder on the left, with a beat."""
    noise = np.random.default_rng(5).standard_normal((2, 6 * RATE_HZ))
    beat = 0.3 + np.exp(-6 * (2 * np.arange(6 * RATE_HZ) / RATE_HZ % 1))
    return save(tmp_path / "song.wav", (0.1 * noise * beat * [[1.0], [0.6]]).astype(np.float32))


def null_db(one: Audio, other: Audio) -> float:
    """How far two mixes are apart, relative to the first's RMS."""
    square = np.mean(np.square(one.astype(np.float64) - other))
    return float(10 * np.log10(square / np.mean(np.square(one, dtype=np.float64)) + 1e-30))


def everything_in(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def test_a_mix_is_audio_stems_and_preset(
    tmp_path: Path, stems: dict[str, Path], reference: Path, controller: Controller
) -> None:
    told: list[tuple[float, str]] = []
    result = mix(
        stems,
        reference,
        tmp_path / "out",
        model=controller,
        render_options=RenderOptions(loudness_lufs=-20),
        progress=lambda *step: told.append(step),
    )
    names = sorted([*NAMES, "reverb return"])  # keys and vocal have a room
    assert everything_in(tmp_path / "out") == [
        "mix.wav",
        "preset.json",
        "stems",
        *(f"stems/{name}.wav" for name in names),
    ]
    assert result.preset_path == tmp_path / "out/preset.json"
    assert result.mix_path == tmp_path / "out/mix.wav"
    assert result.stem_paths == {name: tmp_path / f"out/stems/{name}.wav" for name in NAMES}
    assert result.passage is not None
    assert list(result.passage.audio) == list(NAMES)
    saved = load(result.preset_path)
    assert saved.provenance == result.preset.provenance
    for track in saved.tracks:
        for path in parameters(Strip):
            assert get(track.strip, path) == pytest.approx(get(result.preset.track(track.name).strip, path), rel=1e-5)
    assert 3 * RATE_HZ < read(result.mix_path).shape[1] < 6 * RATE_HZ  # with the tail of the room
    assert integrated_loudness(read(result.mix_path), RATE_HZ) == pytest.approx(-20, abs=0.5)
    shares = [share for share, _ in told]
    assert (shares[0], shares[-1]) == (0, 1)
    assert shares == sorted(shares)


def test_predict_is_what_mix_applies(
    tmp_path: Path, stems: dict[str, Path], reference: Path, controller: Controller
) -> None:
    before = everything_in(tmp_path)
    preset = predict(stems, reference, model=controller)
    assert everything_in(tmp_path) == before
    mixed = mix(stems, reference, tmp_path / "out", model=controller).preset
    assert (preset.tracks, preset.master, preset.fx_bus) == (mixed.tracks, mixed.master, mixed.fx_bus)


def test_the_saved_preset_makes_the_same_mix(
    tmp_path: Path, stems: dict[str, Path], reference: Path, controller: Controller
) -> None:
    first = mix(stems, reference, tmp_path / "one", model=controller)
    again = apply(load(first.preset_path), stems, tmp_path / "two")
    np.testing.assert_array_equal(read(first.mix_path), read(again.mix_path))
    # The reference's peaks stand so high that the usual loudness would cost the mix its own.
    assert first.render.levels.loudness_lufs < -15
    quieter = apply(load(first.preset_path), stems, tmp_path / "three", options=RenderOptions(loudness_lufs=-16.5))
    assert quieter.render.levels.loudness_lufs == pytest.approx(-16.5, abs=0.3)


def test_a_saved_preset_stays_the_same_file(
    tmp_path: Path, stems: dict[str, Path], reference: Path, controller: Controller
) -> None:
    first = mix(stems, reference, tmp_path / "one", model=controller)
    again = apply(load(first.preset_path), stems, tmp_path / "two")
    assert again.passage is None
    assert again.preset_path.read_bytes() == first.preset_path.read_bytes()
    third = apply(load(again.preset_path), stems, tmp_path / "three")
    np.testing.assert_array_equal(read(third.mix_path), read(again.mix_path))


def test_amount_0_is_the_plain_sum(
    tmp_path: Path, stems: dict[str, Path], reference: Path, controller: Controller
) -> None:
    options, quiet = PredictOptions(amount=0), RenderOptions(audio_format="wav32f", loudness_lufs=-24)
    result = mix(stems, reference, tmp_path / "out", model=controller, options=options, render_options=quiet)
    centre = np.sqrt(0.5)
    plain = centre * (audio_of("Bass") + audio_of("Drums")) + audio_of("Keys")
    assert result.render.limited_db == 0  # else there would be nothing to compare
    assert null_db(read(result.mix_path), plain * 10 ** (result.render.loudness_gain_db / 20)) <= -120


def test_half_is_between_nothing_and_all(stems: dict[str, Path], reference: Path, controller: Controller) -> None:
    whole, half = (
        predict(stems, reference, model=controller, options=PredictOptions(amount=amount)) for amount in (1, 0.5)
    )
    for track in whole.tracks:
        strip = half.track(track.name).strip
        assert strip.pan == pytest.approx(track.strip.pan / 2, rel=1e-4)
        for band in EQ_BANDS:
            assert getattr(strip.eq, band).gain_db == pytest.approx(getattr(track.strip.eq, band).gain_db / 2, rel=1e-4)


def test_what_was_measured_on_other_recordings_is_not_repeated(
    stems: dict[str, Path], reference: Path, controller: Controller, tmp_path: Path
) -> None:
    preset = predict(stems, reference, model=controller)
    assert preset.provenance.confidence is not None
    same = apply(preset, stems, tmp_path / "same").preset
    assert same.provenance.confidence == preset.provenance.confidence
    first, second, *_ = stems
    swapped = {**stems, first: stems[second], second: stems[first]}
    other = apply(preset, swapped, tmp_path / "other")
    assert other.preset.provenance.confidence is None
    assert load(other.preset_path).provenance.confidence is None
    assert [track.strip for track in other.preset.tracks] == [track.strip for track in preset.tracks]


def test_an_amount_is_measured_anew(stems: dict[str, Path], reference: Path, controller: Controller) -> None:
    full, less = (
        predict(stems, reference, model=controller, options=PredictOptions(amount=amount)).provenance
        for amount in (1, 0.3)
    )
    assert full.confidence is not None
    assert less.confidence is not None
    assert less.confidence.distance_prediction != full.confidence.distance_prediction
    assert less.confidence.reasons != full.confidence.reasons
    assert less.findings is None


@pytest.mark.parametrize("amount", [-0.1, 1.6, float("nan")])
def test_an_amount_out_of_range_is_refused(
    tmp_path: Path, stems: dict[str, Path], reference: Path, controller: Controller, amount: float
) -> None:
    before = everything_in(tmp_path)
    with pytest.raises(PresetError, match=r"amount .* is out of range"):
        mix(stems, reference, tmp_path / "out", model=controller, options=PredictOptions(amount=amount))
    assert everything_in(tmp_path) == before


def test_the_passages_can_be_chosen(stems: dict[str, Path], reference: Path, controller: Controller) -> None:
    options = PredictOptions(window_s=1.25, reference_window_s=0.5)
    provenance = predict(stems, reference, model=controller, options=options).provenance
    assert provenance.window is not None
    assert provenance.window.start_s == 1.25
    assert provenance.reference_window is not None
    assert provenance.reference_window.start_s == 0.5


@pytest.mark.parametrize("broken_off_at", [0.2, 0.9, 1.0])
def test_a_mix_that_is_broken_off_leaves_nothing(
    tmp_path: Path, stems: dict[str, Path], reference: Path, controller: Controller, broken_off_at: float
) -> None:
    def stop(share: float, _what: str) -> None:
        if share >= broken_off_at:
            raise KeyboardInterrupt

    before = everything_in(tmp_path)
    with pytest.raises(KeyboardInterrupt):
        mix(stems, reference, tmp_path / "new" / "out", model=controller, progress=stop)
    assert everything_in(tmp_path) == before


def test_a_preset_that_cannot_be_saved_leaves_no_audio(
    tmp_path: Path, stems: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path, _text: str) -> None:
        raise OutputError("cannot be written: the disk is full.", path)

    monkeypatch.setattr(mixing, "write_text", full)
    before = everything_in(tmp_path)
    with pytest.raises(OutputError, match="disk is full") as refusal:
        apply(neutral(), stems, tmp_path / "out")
    assert str(tmp_path / "out" / "preset.json") in str(refusal.value)
    assert everything_in(tmp_path) == before


def test_a_stem_that_breaks_late_leaves_nothing(tmp_path: Path, stems: dict[str, Path]) -> None:
    audio = audio_of("Keys")
    audio[1, -5] = np.nan
    save(stems["Keys"], audio)
    before = everything_in(tmp_path)
    with pytest.raises(AudioError, match=r"Keys\.wav"):
        apply(neutral(), stems, tmp_path / "out")
    assert everything_in(tmp_path) == before


@pytest.mark.parametrize("standing", ["mix.wav", "preset.json", "stems/Keys.wav"])
def test_what_stands_there_stays(tmp_path: Path, stems: dict[str, Path], standing: str) -> None:
    mine = tmp_path / "out" / standing
    mine.parent.mkdir(parents=True)
    mine.write_bytes(b"mine")
    before = everything_in(tmp_path)
    with pytest.raises(OutputError, match=Path(standing).name):
        apply(neutral(), stems, tmp_path / "out")
    assert everything_in(tmp_path) == before
    assert mine.read_bytes() == b"mine"
    apply(neutral(), stems, tmp_path / "out", options=RenderOptions(overwrite=True))
    assert mine.read_bytes() != b"mine"


def test_a_session_without_stems_is_refused(tmp_path: Path, reference: Path, controller: Controller) -> None:
    with pytest.raises(MixbridgeError):
        mix({}, reference, tmp_path / "out", model=controller)
    assert not (tmp_path / "out").exists()


def test_the_order_of_stems_means_nothing(stems: dict[str, Path], reference: Path, controller: Controller) -> None:
    one = predict(stems, reference, model=controller)
    other = predict(dict(reversed(stems.items())), reference, model=controller)
    assert [track.name for track in other.tracks] == list(reversed(NAMES))
    for name in NAMES:
        for path, row in parameters(Strip).items():
            got, want = (get(preset.track(name).strip, path) for preset in (other, one))
            assert got == pytest.approx(want, rel=1e-4, abs=1e-4 * (row.high - row.low)), path


def test_a_stem_recorded_20_db_lower_ends_in_the_same_place(
    tmp_path: Path, stems: dict[str, Path], reference: Path, controller: Controller
) -> None:
    as_it_was = mix(stems, reference, tmp_path / "one", model=controller, render_options=FLOAT)
    save(stems["Keys"], audio_of("Keys") * np.float32(0.1))
    lower = mix(stems, reference, tmp_path / "two", model=controller, render_options=FLOAT)
    difference_db = lower.preset.track("Keys").strip.input_gain_db - as_it_was.preset.track("Keys").strip.input_gain_db
    assert difference_db == pytest.approx(20, abs=0.1)
    for name in NAMES:
        levels = [integrated_loudness(read(made.stem_paths[name]), RATE_HZ) for made in (as_it_was, lower)]
        assert levels[1] == pytest.approx(levels[0], abs=0.5)
    assert null_db(read(as_it_was.mix_path), read(lower.mix_path)) <= -40


def test_the_desk_form_of_a_prediction_sounds_the_same(
    stems: dict[str, Path], reference: Path, controller: Controller
) -> None:
    preset = predict(stems, reference, model=controller)
    assert all(abs(track.strip.input_gain_db) > 0.1 for track in preset.tracks)
    assert desk_null_db(preset) <= -100


@pytest.mark.parametrize("seed", range(5))
def test_the_desk_form_of_any_preset_sounds_the_same(seed: int) -> None:
    assert desk_null_db(busy(seed)) <= -100


def desk_null_db(preset: Preset) -> float:
    audio: Mapping[str, Audio] = {name: audio_of(name) for name in NAMES}
    desk = desk_form(preset)
    assert all(track.strip.input_gain_db == 0 for track in desk.tracks)
    return null_db(render_arrays(audio, RATE_HZ, preset).mix, render_arrays(audio, RATE_HZ, desk).mix)


def neutral() -> Preset:
    return Preset(tracks=tuple(Track(name=name) for name in NAMES))


def busy(seed: int) -> Preset:
    """All stages on, with settings as one might find them in a mix."""
    random = np.random.default_rng(seed)

    def some(low: float, high: float) -> float:
        return float(random.uniform(low, high))

    def eq() -> Equalizer:
        places = ((40, 400), (100, 1000), (400, 3000), (1500, 7000), (4000, 14000), (3000, 14000))
        bands = {
            name: EqBand(gain_db=some(-9, 9), freq_hz=float(np.exp(some(*np.log(place)))), q=some(0.3, 4))
            for name, place in zip(EQ_BANDS, places, strict=True)
        }
        return Equalizer(**bands)

    def compressor() -> Compressor:
        return Compressor(
            threshold_db=some(-40, -10),
            ratio=some(1.5, 8),
            attack_ms=some(1, 100),
            release_ms=some(20, 500),
            knee_db=some(0, 12),
            makeup_db=some(-3, 6),
            lookahead_ms=some(0, 20),
        )

    def strip() -> Strip:
        return Strip(
            input_gain_db=some(-20, 20),
            eq=eq(),
            compressor=compressor(),
            saturation=Saturation(drive=some(0.2, 4)),
            fader_db=some(-12, 6),
            pan=some(-1, 1),
            fx_send_db=some(-30, -6),
        )

    return Preset(
        tracks=tuple(Track(name=name, strip=strip()) for name in NAMES),
        fx_bus=FxBus(bands=(FxBand(decay_s=0.3),) * 12),
        master=Master(input_gain_db=some(-12, 6), eq=eq(), compressor=compressor(), output_gain_db=some(-6, 6)),
    )


def test_a_mix_without_a_folder_is_told_that_it_needs_one(stems: dict[str, Path], reference: Path) -> None:
    with pytest.raises(OutputError, match="needs a folder: say output='my-mix'"):
        mix(stems, reference)
