"""Voices that no song can speak for: one alone against a song, and people who talk."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
from mixbridge.presets.console import LOW_CUT_OFF_HZ, SEND_OFF_DB, Master, Strip
from mixbridge.presets.preset import Preset
from mixbridge.runtime.audio.loudness import integrated_loudness
from mixbridge.runtime.model.analysis import Passage, heard_in
from mixbridge.runtime.model.controller import Controller
from mixbridge.runtime.model.references import hear_reference
from mixbridge.runtime.prediction.predict import predict, predict_safely
from mixbridge.runtime.refinement.refined import predict_and_refine
from mixbridge.runtime.rendering.in_memory import render_arrays
from mixbridge.runtime.voices.reference import is_voice_alone
from numpy.typing import NDArray
from raw_voices import HAS_FLITE, RATE_HZ, recording
from scipy.signal import butter, sosfilt

Audio = NDArray[np.float32]
needs_flite = pytest.mark.skipif(not HAS_FLITE, reason="flite is not installed")


def song(seconds: float = 12, seed: int = 0) -> Audio:
    """Dense, wide and full of lows: brown noise, a beat, something bright."""
    numbers = np.random.default_rng(seed)
    count = round(seconds * RATE_HZ)
    lows = sosfilt(butter(1, 150, fs=RATE_HZ, output="sos"), numbers.standard_normal((2, count)))
    beat = np.exp(-(np.arange(count) % 22050) / 4000) * np.sin(2 * np.pi * 60 * np.arange(count) / RATE_HZ)
    bright = 0.02 * numbers.standard_normal((2, count))
    return (0.3 * (lows + beat + bright)).astype(np.float32)


def heard(controller: Controller, tracks: Mapping[str, Audio]) -> Passage:
    manifest = controller.manifest
    return heard_in(tracks, manifest.sample_rate_hz, manifest.window_samples)


def stems(preset: Preset, tracks: Mapping[str, Audio]) -> Mapping[str, Audio]:
    return render_arrays(tracks, RATE_HZ, preset).stems


def test_a_song_is_no_voice_and_a_voice_is_no_song() -> None:
    assert not is_voice_alone(song(), RATE_HZ)
    mono = np.repeat(song().mean(axis=0, keepdims=True), 2, axis=0)
    assert not is_voice_alone(mono, RATE_HZ)


@needs_flite
@pytest.mark.parametrize("voice", ["slt", "rms", "kal16"])
def test_a_voice_is_known_with_reverb_and_noise(voice: str) -> None:
    preset = Preset.model_validate(
        {"tracks": [{"name": "a", "strip": {"reverb_send_db": -12, "low_cut": {"freq_hz": 90}}}]}
    )
    audio = render_arrays({"a": recording(voice)}, RATE_HZ, preset).mix
    assert is_voice_alone(audio, RATE_HZ)


@needs_flite
def test_a_voice_against_a_mono_song_stays_mono(controller: Controller) -> None:
    tracks = {"Lead Vox": recording("slt")}
    mono = np.repeat(song().mean(axis=0, keepdims=True), 2, axis=0)
    sides = []
    for reference in (mono, song()):
        preset = predict_safely(controller, heard(controller, tracks), reference)
        mix = render_arrays(tracks, RATE_HZ, preset).mix
        sides.append(float(np.abs(mix[0] - mix[1]).max()))
    assert sides[0] < 1e-4 < sides[1]


@needs_flite
def test_a_voice_against_a_song_does_not_take_its_spectrum(controller: Controller) -> None:
    """What changes with the song is small; the model's own answer has boosts of 10 dB."""
    tracks = {"Lead Vox": recording("slt")}
    strips = []
    for reference in (song(seed=1), song(seed=2) * np.array([[1.0], [0.2]], np.float32)):
        preset = predict_safely(controller, heard(controller, tracks), reference)
        (track,) = preset.tracks
        assert track.role == "lead vocal"
        assert preset.master == Master()
        assert track.strip.pan == 0
        assert track.strip.low_cut.freq_hz > LOW_CUT_OFF_HZ
        assert preset.provenance.confidence is not None
        strips.append(track.strip)
    for band in ("low_shelf", "band0", "band1", "band2", "band3", "high_shelf"):
        gains_db = [getattr(strip.eq, band).gain_db for strip in strips]
        assert abs(gains_db[0] - gains_db[1]) < 2
        assert max(gains_db) < 6


@needs_flite
def test_a_voice_alone_keeps_its_loudness(controller: Controller) -> None:
    tracks = {"Vocal": recording("rms", level_db=-31)}
    preset = predict(controller, heard(controller, tracks), song())
    mixed = render_arrays(tracks, RATE_HZ, preset).mix
    before = integrated_loudness(tracks["Vocal"], RATE_HZ)
    assert integrated_loudness(mixed, RATE_HZ) == pytest.approx(before, abs=1)


@needs_flite
def test_another_voice_as_reference_is_the_models_affair(controller: Controller) -> None:
    tracks = {"Vocal": recording("slt")}
    reference = np.repeat(recording("rms", hum_db=-80), 2, axis=0)
    (track,) = predict(controller, heard(controller, tracks), reference).tracks
    assert track.strip.low_cut.freq_hz == LOW_CUT_OFF_HZ
    assert track.strip.input_gain_db != 0


@needs_flite
@pytest.mark.parametrize("apart_db", [2.7, 10.0])
@pytest.mark.parametrize("reference", ["song", "speech"])
def test_two_people_come_out_equally_loud(controller: Controller, apart_db: float, reference: str) -> None:
    """Each measured on its own words: they take turns."""
    one, two = recording("slt", level_db=-20), recording("rms", level_db=-20 - apart_db)
    length = one.shape[1] + two.shape[1]
    tracks = {
        "Host": np.pad(one, ((0, 0), (0, length - one.shape[1]))),
        "Guest": np.pad(two, ((0, 0), (length - two.shape[1], 0))),
    }
    style = song() if reference == "song" else np.repeat(recording("awb"), 2, axis=0)
    preset = predict_safely(controller, heard(controller, tracks), style)
    assert {track.role for track in preset.tracks} == {"speech"}
    loudness = [integrated_loudness(stem, RATE_HZ) for stem in stems(preset, tracks).values()]
    assert abs(loudness[0] - loudness[1]) <= 1
    for track in preset.tracks:
        assert track.strip.pan == 0
        assert track.strip.reverb_send_db == SEND_OFF_DB
        assert track.strip.low_cut.freq_hz >= 70
        assert 1 < track.strip.compressor.ratio <= 3
    assert preset.master == Master()


@needs_flite
def test_people_who_talk_over_music_are_equal_too(controller: Controller) -> None:
    tracks = {
        "Speaker 1": recording("slt", level_db=-20)[:, : 17 * RATE_HZ],
        "Speaker 2": recording("rms", level_db=-30)[:, : 17 * RATE_HZ],
        "Music": song(17)[:, : 17 * RATE_HZ],
    }
    preset = predict_safely(controller, heard(controller, tracks), song(seed=3))
    found = stems(preset, tracks)
    loudness = [integrated_loudness(found[name], RATE_HZ) for name in ("Speaker 1", "Speaker 2")]
    assert abs(loudness[0] - loudness[1]) <= 1
    assert preset.track("Music").strip != Strip()
    behind_lu = min(loudness) - integrated_loudness(found["Music"], RATE_HZ)
    assert 10 < behind_lu < 20
    assert preset.master.eq == Master().eq


@needs_flite
def test_a_voice_is_not_searched_towards_a_song(controller: Controller, tmp_path: Path) -> None:
    """The search would bring up what the song has and the voice has not."""
    sf.write(tmp_path / "Vocal.wav", recording("slt").T, RATE_HZ)
    sf.write(tmp_path / "song.wav", song().T, RATE_HZ)
    stems = {"Vocal": tmp_path / "Vocal.wav"}
    preset, passage, found = predict_and_refine(
        controller, stems, tmp_path / "song.wav", None, None, 5.0, "neutral", None
    )
    assert (found.renders, found.unasked) == (0, True)
    assert "not refined" in (preset.provenance.note or "")
    reference, _, _ = hear_reference(tmp_path / "song.wav", RATE_HZ, controller.manifest.reference_length)
    assert preset.track("Vocal").strip == predict(controller, passage, reference).track("Vocal").strip


def test_silent_tracks_may_be_beside_a_lone_one(controller: Controller) -> None:
    """A channel that was not plugged in: the lone voice is still sent to a room."""
    numbers = np.random.default_rng(8)
    phrases = (np.arange(12 * RATE_HZ) % RATE_HZ < 0.7 * RATE_HZ).astype(np.float32)
    sung = (0.1 * numbers.standard_normal((1, phrases.size)) * phrases).astype(np.float32)
    tracks = {"Lead Vox": sung, "Nobody": np.zeros_like(sung), "Nothing": np.zeros((2, phrases.size), np.float32)}
    preset = predict(controller, heard(controller, tracks), song())
    assert [track.name for track in preset.tracks] == list(tracks)
    assert preset.track("Nobody").strip == preset.track("Nothing").strip
