"""From a model's outputs to a preset: levels, ranges, silent tracks, provenance, and the reference's laws."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import mixbridge
import numpy as np
import pytest
import soundfile as sf
from mixbridge.presets.console import SEND_OFF_DB, Master, Strip, get, parameters
from mixbridge.presets.units import gain_factor
from mixbridge.runtime.audio.loudness import integrated_loudness
from mixbridge.runtime.console.strip import pan_gains
from mixbridge.runtime.model.analysis import Passage
from mixbridge.runtime.model.bundle import MANIFEST
from mixbridge.runtime.model.controller import Controller, Outputs
from mixbridge.runtime.model.layout import Layout, balance_gain_db, denormalize, reference_layout
from mixbridge.runtime.prediction.hearing import embeddings
from mixbridge.runtime.prediction.predict import predict, predict_files, settings
from numpy.typing import NDArray

Audio = NDArray[np.float32]
REFERENCE = reference_layout()


def sound(samples: int, channels: int = 1, seed: int = 0, level: float = 0.1) -> Audio:
    random = np.random.default_rng(seed)
    noise = random.standard_normal((channels, samples + 8))
    taps = random.standard_normal(9)
    audio = np.stack([np.convolve(row, taps, "valid") for row in noise])
    return np.asarray(level * audio / audio.std(), np.float32)


def passage(controller: Controller, tracks: Mapping[str, Audio]) -> Passage:
    rate_hz = controller.manifest.sample_rate_hz
    return Passage(1.5, 1.0, tracks, {name: integrated_loudness(audio, rate_hz) for name, audio in tracks.items()})


def band(controller: Controller) -> Passage:
    return passage(
        controller,
        {
            "Bass": sound(44100, 1, 1, 0.3),
            "Keys": sound(44100, 2, 2, 0.01),
            "Off": np.zeros((1, 44100), np.float32),
            "Vox": sound(44100, 1, 3, 0.05),
            "Hiss": sound(44100, 2, 4, 1e-4),
        },
    )


def heard_as(loudness_lufs: float, name: str = "a") -> Passage:
    return Passage(0, 1, {}, {name: loudness_lufs})


def reference_strip(**unit_values: float) -> Strip:
    """A strip from the reference's layout, all outputs at a half but these; keys as paths with `__` for dots."""
    wanted = {path.replace("__", "."): value for path, value in unit_values.items()}
    row = np.array([wanted.get(output.path, 0.5) for output in REFERENCE.track], np.float64)
    outputs = Outputs(row[None], np.full(len(REFERENCE.master), 0.5))
    return settings(REFERENCE, outputs, -48.0, heard_as(-48.0), ["a"])[0]["a"]


def test_the_level_is_folded_into_the_input_gain(controller: Controller) -> None:
    session = band(controller)
    preset = predict(controller, session, sound(44100, 2, 9))
    for name in ("Bass", "Keys", "Vox"):
        want_db = controller.manifest.track_level_lufs - session.loudness_lufs[name]
        assert preset.track(name).strip.input_gain_db == pytest.approx(want_db, abs=1e-9)


def test_an_input_gain_of_the_model_comes_on_top() -> None:
    row = np.full((1, len(REFERENCE.track)), 0.5, np.float32)
    row[0, 0] = 0.75  # of -48..48 dB: 24
    outputs = Outputs(row, np.full(len(REFERENCE.master), 0.5, np.float32))
    strips, _ = settings(REFERENCE, outputs, -48.0, heard_as(-30.0), ["a"])
    assert strips["a"].input_gain_db == pytest.approx(24 - 18)


def test_a_gain_over_the_limit_is_held_there() -> None:
    row = np.ones((1, len(REFERENCE.track)), np.float32)
    outputs = Outputs(row, np.full(len(REFERENCE.master), 0.5, np.float32))
    strips, _ = settings(REFERENCE, outputs, 0.0, heard_as(-59.0), ["a"])
    assert strips["a"].input_gain_db == 96


def test_settings_are_what_the_layout_says(controller: Controller) -> None:
    layout = controller.manifest.layout
    random = np.random.default_rng(0)
    outputs = Outputs(
        random.uniform(0, 1, (2, len(layout.track))).astype(np.float32),
        random.uniform(0, 1, len(layout.master)).astype(np.float32),
    )
    heard = Passage(0, 1, {}, {"a": -20.0, "b": -30.0})
    strips, master = settings(layout, outputs, -24.0, heard, ["b", "a"])
    offsets_db: list[float] = []
    for name, row in (("b", outputs.tracks[0]), ("a", outputs.tracks[1])):
        said = denormalize(layout.track, row.tolist(), Strip)
        offsets_db.append(get(strips[name], "fader_db") - said.pop("fader_db"))
        for path, value in said.items():
            assert get(strips[name], path) == pytest.approx(value), path
        for path, value in layout.fixed.items():
            assert get(strips[name], path) == value
    for path, value in denormalize(layout.master, outputs.master.tolist(), Master).items():
        assert get(master, path) == pytest.approx(value), path
    assert offsets_db[0] == pytest.approx(offsets_db[1])  # the balance is kept,
    assert master.input_gain_db == pytest.approx(-10 * np.log10(2))  # and its mean power is 0 dB


def test_settings_stay_inside_the_ranges_of_the_layout(controller: Controller) -> None:
    preset = predict(controller, band(controller), sound(44100, 2, 9))
    layout = controller.manifest.layout
    for strip in (preset.track(name).strip for name in ("Bass", "Keys", "Vox")):
        for output in layout.track:
            assert output.low - 1e-9 <= get(strip, output.path) <= output.high + 1e-9, output.path
    for output in layout.master:
        assert output.low - 1e-9 <= get(preset.master, output.path) <= output.high + 1e-9, output.path


def test_the_master_is_balanced_for_the_tracks_heard(controller: Controller) -> None:
    assert controller.manifest.layout.balanced
    preset = predict(controller, band(controller), sound(44100, 2, 9))
    faders_db = [preset.track(name).strip.fader_db for name in ("Bass", "Keys", "Vox")]
    assert preset.master.input_gain_db == pytest.approx(balance_gain_db(faders_db), abs=1e-9)


def test_a_layout_that_is_not_balanced_leaves_the_master_alone(controller: Controller) -> None:
    layout = controller.manifest.layout.model_copy(update={"balanced": False})
    outputs = Outputs(np.ones((1, len(layout.track)), np.float32), np.ones(len(layout.master), np.float32))
    _, master = settings(layout, outputs, -24.0, heard_as(-20), ["a"])
    assert master.input_gain_db == 0


def test_silent_tracks_are_left_at_neutral_with_a_note(controller: Controller) -> None:
    session = band(controller)
    preset = predict(controller, session, sound(44100, 2, 9))
    assert [track.name for track in preset.tracks] == list(session.audio)
    for name in ("Off", "Hiss"):
        assert preset.track(name).strip == Strip()
        assert "silent" in (preset.track(name).note or "")
    for name in ("Bass", "Keys", "Vox"):
        assert preset.track(name).strip != Strip()
        assert preset.track(name).note is None


def test_silent_tracks_do_not_change_the_others(controller: Controller) -> None:
    session, reference = band(controller), sound(44100, 2, 9)
    alone = passage(controller, {name: session.audio[name] for name in ("Bass", "Keys", "Vox")})
    with_silence, without = (predict(controller, item, reference) for item in (session, alone))
    for name in ("Bass", "Keys", "Vox"):
        assert with_silence.track(name) == without.track(name)
    assert with_silence.master == without.master


def test_a_session_of_silence_is_left_alone(controller: Controller) -> None:
    session = passage(controller, {"a": np.zeros((1, 44100), np.float32), "b": np.zeros((2, 44100), np.float32)})
    preset = predict(controller, session, sound(44100, 2, 9))
    assert [track.strip for track in preset.tracks] == [Strip(), Strip()]
    assert preset.master == Master()


def test_provenance_says_what_was_heard(tmp_path: Path, controller: Controller) -> None:
    stems = {"Bass": tmp_path / "01 bass.wav", "Vox": tmp_path / "vox.wav"}
    for seed, path in enumerate(stems.values()):
        sf.write(path, sound(10 * 22050, 1, seed).T, 22050, subtype="PCM_16")
    reference = tmp_path / "song.flac"
    sf.write(reference, sound(4 * 44100, 2, 9).T, 44100)
    preset, heard = predict_files(controller, stems, reference, 2.25, 1.5)
    manifest = controller.manifest
    provenance = preset.provenance
    for name, path in stems.items():
        source = preset.track(name).source
        assert source is not None
        assert (source.file, source.sha256) == (path.name, hashlib.sha256(path.read_bytes()).hexdigest())
    assert provenance.reference is not None
    assert provenance.reference.file == "song.flac"
    assert provenance.reference.sha256 == hashlib.sha256(reference.read_bytes()).hexdigest()
    assert provenance.window is not None
    assert (provenance.window.start_s, heard.start_s) == (2.25, 2.25)
    assert provenance.window.length_s == pytest.approx(manifest.window_samples / manifest.sample_rate_hz, abs=1e-3)
    assert provenance.reference_window is not None
    assert provenance.reference_window.start_s == 1.5
    assert provenance.reference_window.length_s == pytest.approx(2.5)
    assert provenance.model == manifest.name
    digest = hashlib.sha256((controller.bundle.folder / MANIFEST).read_bytes()).hexdigest()
    assert provenance.model_sha256 == digest
    assert provenance.tool == f"mixbridge {mixbridge.__version__}"
    assert provenance.created is not None
    assert abs(datetime.now(UTC) - datetime.fromisoformat(provenance.created)) < timedelta(minutes=5)


@pytest.mark.parametrize("pan01", [0, 1e-6, 0.01, 0.1, 0.25, 0.4, 0.5, 0.6, 0.75, 0.9, 0.99, 1])
def test_the_reference_s_pan_law_is_kept(pan01: float) -> None:
    angle = pan01 * math.pi / 2
    want_left = math.sqrt((math.pi / 2 - angle) * (2 / math.pi) * math.cos(angle))
    want_right = math.sqrt(angle * (2 / math.pi) * math.sin(angle))
    strip = reference_strip(pan=pan01)
    left, right = pan_gains(strip.pan, 1)
    assert left * gain_factor(strip.fader_db) == pytest.approx(want_left, abs=1e-7)
    assert right * gain_factor(strip.fader_db) == pytest.approx(want_right, abs=1e-7)


@pytest.mark.parametrize("unit_value", [0.0, 0.1, 0.5, 1.0])
def test_the_reference_s_time_constants_are_kept(unit_value: float) -> None:
    """Its compressor follows with attack / ln 9 both ways, whatever the release says; ours with ms / 2 pi."""
    strip = reference_strip(compressor__attack_ms=unit_value, compressor__release_ms=1 - unit_value)
    attack_ms = 5 + unit_value * 245
    for ours_ms in (strip.compressor.attack_ms, strip.compressor.release_ms):
        assert ours_ms / (2 * math.pi) == pytest.approx(attack_ms / math.log(9))


def test_the_reference_s_look_ahead_and_send() -> None:
    strip = reference_strip(fx_send_db=1.0)
    assert strip.fx_send_db == SEND_OFF_DB
    assert strip.compressor.lookahead_ms == pytest.approx(2048 / 44.1)
    outputs = Outputs(
        np.full((1, len(REFERENCE.track)), 0.5, np.float32), np.full(len(REFERENCE.master), 0.5, np.float32)
    )
    _, master = settings(REFERENCE, outputs, -48.0, heard_as(-48), ["a"])
    assert master.compressor.lookahead_ms == pytest.approx(1024 / 44.1)
    assert master.compressor.attack_ms == pytest.approx(127.5 * 2 * math.pi / math.log(9))
    assert master.compressor.release_ms == master.compressor.attack_ms
    assert (master.input_gain_db, master.output_gain_db) == (0, 0)


def test_the_runtime_s_law_is_not_translated() -> None:
    layout = Layout(law="runtime", track=REFERENCE.track, master=REFERENCE.master)
    outputs = Outputs(np.full((1, 27), 0.25, np.float32), np.full(26, 0.25, np.float32))
    strips, master = settings(layout, outputs, -48.0, heard_as(-48), ["a"])
    strip = strips["a"]
    assert strip.pan == -0.5
    assert strip.fx_send_db == -57
    assert strip.fader_db == 0
    assert strip.compressor.attack_ms == master.compressor.attack_ms == 66.25
    assert strip.compressor.release_ms == 70
    assert strip.compressor.lookahead_ms == 0


@pytest.mark.parametrize("unit_value", [0.0, 1.0])
@pytest.mark.parametrize("rate_hz", [44100, 48000, 96000])
def test_the_ends_of_the_reference_s_layout_fit_the_console(rate_hz: int, unit_value: float) -> None:
    layout = reference_layout(rate_hz)
    outputs = Outputs(
        np.full((1, len(layout.track)), unit_value, np.float32), np.full(len(layout.master), unit_value, np.float32)
    )
    strips, master = settings(layout, outputs, -48.0, heard_as(-20), ["a"])
    for section in (strips["a"], master):
        for path, row in parameters(type(section)).items():
            assert row.low <= get(section, path) <= row.high


def test_a_mono_track_alone_stays_in_the_middle_unless_the_reference_leans(controller: Controller) -> None:
    alone = passage(controller, {"Vox": sound(70_000, 1, 3)})
    # With pauses, as a voice has them: a song would have no say.
    words = np.where(np.arange(140_000) % 22_050 < 15_000, 1.0, 0.001).astype(np.float32)
    wide, one = sound(140_000, 2, 9) * words, np.repeat(sound(140_000, 1, 9), 2, axis=0) * words
    little, much = np.array([[1.0], [0.95]], np.float32), np.array([[1.0], [0.05]], np.float32)
    pans = {
        name: predict(controller, alone, reference).track("Vox").strip.pan
        for name, reference in {
            "wide": wide * little, "wide, leaning": wide * much, "one sound": one, "one sound, panned": one * little,
        }.items()
    }  # fmt: skip
    assert pans["wide"] == pans["one sound"] == 0
    assert pans["wide, leaning"] != 0
    assert pans["one sound, panned"] != 0


def test_mirrored_references_give_mirrored_pans(controller: Controller) -> None:
    """Exactly, with mono tracks and stereo ones, whatever the model has learned of left and right."""
    tracks = {"Bass": sound(70_000, 1, 1), "Keys": sound(70_000, 2, 2), "Vox": sound(70_000, 1, 3)}
    wide = sound(140_000, 2, 4) * np.array([[1.0], [0.97]], np.float32)
    straight = predict(controller, passage(controller, tracks), wide)
    turned = {name: np.ascontiguousarray(audio[::-1]) for name, audio in tracks.items()}
    mirrored = predict(controller, passage(controller, turned), np.ascontiguousarray(wide[::-1]))
    assert max(abs(track.strip.pan) for track in straight.tracks) > 0.01
    for track in straight.tracks:
        other = mirrored.track(track.name).strip
        assert other.pan == pytest.approx(-track.strip.pan, abs=1e-6)
        assert other.model_copy(update={"pan": 0.0}) == track.strip.model_copy(update={"pan": 0.0})
    assert mirrored.master == straight.master


def test_a_mirrored_session_is_heard_once(controller: Controller) -> None:
    """What confidence asks of the model afterwards is what the prediction has asked already."""
    heard = passage(controller, {"Keys": sound(70_000, 2, 2), "Vox": sound(70_000, 1, 3)})
    song = sound(140_000, 2, 4) * np.array([[0.5], [1.0]], np.float32)
    predict(controller, heard, song)
    kept = list(controller._embeddings)
    embeddings(controller, heard, song, ["Keys", "Vox"])
    assert sorted(controller._embeddings) == sorted(kept)
