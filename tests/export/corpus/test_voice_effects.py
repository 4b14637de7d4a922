"""Edits of voices, tuning, and the recording stage, on tones and noise."""

import importlib.util
from dataclasses import replace

import numpy as np
import pytest
from mixbridge.export.corpus import tuning, voice_effects, voice_recording
from mixbridge.export.corpus.score import SungNote
from mixbridge.export.corpus.voice_effects import Throat, Tune

RATE = voice_effects.SAMPLE_RATE_HZ
SCALE = (55, 57, 59, 60, 62)

needs_world = pytest.mark.skipif(not importlib.util.find_spec("pyworld"), reason="pyworld is not installed")


def buzz(hz, seconds, rate_hz=RATE):
    """A voice-like tone with all harmonics, falling by 6 dB an octave."""
    turns = 2 * np.pi * hz * np.arange(int(seconds * rate_hz)) / rate_hz
    return 0.1 * sum(np.sin(n * turns) / n for n in range(1, int(6000 / hz)))


def peak_hz(audio, rate_hz=RATE):
    spectrum = np.abs(np.fft.rfft(audio * np.hanning(len(audio))))
    return np.argmax(spectrum) * rate_hz / len(audio)


def db(ratio):
    return 20 * np.log10(ratio)


def rms(audio):
    return float(np.sqrt(np.mean(np.square(audio))))


def phrases_with_pauses(seconds=9.0):
    """A second of tone, a second of silence, and so on."""
    audio = buzz(200, seconds)
    audio[(np.arange(len(audio)) // RATE) % 2 == 1] = 0
    return audio


@pytest.fixture
def take():
    """A take with no faults at all."""
    return voice_recording.VoiceTake(
        colour=(voice_recording.Peak(1000, 0, 1),),
        unevenness_db=0,
        drift_db=0,
        room_s=0.2,
        room_db=-120,
        hiss_db=-120,
        rumble_db=-120,
        hum_hz=0,
        hum_db=-120,
        breath_db=-np.inf,
        clicks_per_minute=0,
        pops_per_minute=0,
        peak_dbfs=-6,
    )


@pytest.mark.parametrize("faster", [0.8, 1.0, 1.25])
def test_playing_faster_moves_pitch_and_length(faster):
    played = voice_effects.resampled(buzz(300, 1.0, 48000), 48000, faster)
    assert len(played) == pytest.approx(RATE / faster, abs=2)
    assert peak_hz(played) == pytest.approx(300 * faster, abs=2)


def test_only_voiced_frames_last_longer():
    frames = voice_effects.stretched_frames(np.array([False, True, True, False]), 3.0)
    assert np.bincount(frames).tolist() == [1, 3, 3, 1]


def test_melody_of_speech_keeps_to_the_scale_and_is_repeatable():
    pitch_hz = np.where(np.arange(400) % 100 < 70, 120 + 30 * np.sin(np.arange(400) / 40), 0.0)
    tune = Tune(SCALE, 1.5, 0.0, 5.0)
    melody = voice_effects.melody_of_speech(pitch_hz, tune, np.random.default_rng(1))
    keys = 69 + 12 * np.log2(melody / 440)
    off = np.min(np.abs(keys[:, None] - np.array(SCALE)), axis=1)[pitch_hz > 0]
    assert np.mean(off < 0.35) > 0.7
    assert np.array_equal(melody, voice_effects.melody_of_speech(pitch_hz, tune, np.random.default_rng(1)))


def test_silence_has_no_melody():
    assert not voice_effects.melody_of_speech(np.zeros(9), Tune(SCALE, 1, 0, 5), np.random.default_rng(0)).any()


def test_the_missing_band_follows_the_voice():
    noise = np.random.default_rng(0).standard_normal(2 * RATE)
    narrow = voice_effects.band_passed(voice_effects.band_passed(noise, 100, 7000), 100, 7000)
    narrow[RATE:] = 0
    wide = voice_effects.extended(narrow, 7700, np.random.default_rng(1))
    added = voice_effects.band_passed(wide - narrow, 9000, 18000)
    assert -25 < db(rms(added[:RATE]) / rms(narrow[:RATE])) < -3
    assert rms(added[RATE + 2000 :]) < 1e-6


def test_a_full_band_source_is_left_alone():
    tone = buzz(200, 0.2)
    assert voice_effects.extended(tone, 18000, np.random.default_rng(0)) is tone


def test_bursts_are_tamed_and_the_rest_is_not():
    audio = buzz(200, 2.0)
    audio[RATE : RATE + 2000] *= 40
    tamed = voice_effects.tamed(audio)
    levels = voice_effects.frame_levels(tamed)
    assert levels.max() < 4 * np.median(levels)
    assert np.array_equal(tamed[: RATE // 2], audio[: RATE // 2])


def test_frame_levels_of_less_than_a_frame():
    assert voice_effects.frame_levels(np.ones(10)).shape == (1,)


@pytest.mark.parametrize("semitones", [-2.0, 0.0, 1.5])
def test_pitch_moves_and_formants_and_length_stay(semitones):
    audio = buzz(300, 1.0)
    moved = tuning.moved(audio, RATE, np.full(100, 300.0), np.full(100, semitones))
    assert moved.shape == audio.shape
    assert peak_hz(moved[4000:-4000]) == pytest.approx(300 * 2 ** (semitones / 12), abs=2)
    assert db(rms(moved) / rms(audio)) == pytest.approx(0, abs=1.5)


def test_what_has_no_pitch_is_not_moved():
    noise = np.random.default_rng(0).standard_normal(RATE)
    moved = tuning.moved(noise, RATE, np.zeros(100), np.full(100, 3.0))
    assert rms(moved[2000:-2000] - noise[2000:-2000]) < 0.05


def test_corrections_aim_each_note_at_its_pitch():
    pitch_hz = np.concatenate([np.full(50, 440.0), np.full(50, 466.16), np.zeros(20)])
    notes = [SungNote(0.0, 0.5, 70), SungNote(0.5, 0.5, 70), SungNote(1.0, 0.2, 60)]
    semitones = tuning.corrections(pitch_hz, notes, np.random.default_rng(0))
    assert semitones[25] == pytest.approx(1, abs=0.3)
    assert semitones[75] == pytest.approx(0, abs=0.3)
    assert semitones[115] == pytest.approx(0, abs=1e-9)


@needs_world
def test_another_throat_keeps_time():
    voice = buzz(200, 1.0, 16000)
    edited = voice_effects.reshaped(voice, 16000, Throat(0.9, -5.0, 0.05), 70.0, 450.0)
    assert abs(len(edited) - len(voice)) <= 200
    assert peak_hz(edited[2000:-2000], 16000) == pytest.approx(200 * 2 ** (-5 / 12), abs=4)


@needs_world
def test_speech_that_sings_is_longer_and_finite():
    numbers = np.random.default_rng(0)
    out = voice_effects.sung(buzz(150, 1.0, 16000), 16000, Tune(SCALE, 1.5, 0.3, 5.5), Throat(1.1), numbers)
    assert 1.3 * 16000 < len(out) < 1.6 * 16000
    assert np.isfinite(out).all()


def test_a_faultless_take_changes_the_level_alone(take):
    audio = phrases_with_pauses()
    track = voice_recording.record(audio, take, np.random.default_rng(0))
    assert db(np.abs(track).max()) == pytest.approx(-6, abs=1e-6)
    inside = slice(RATE // 4, RATE // 2)
    assert db(rms(track[inside]) / rms(audio[inside])) == pytest.approx(
        db(np.abs(track).max() / np.abs(audio).max()), abs=0.5
    )
    assert rms(track[RATE + 4000 : 2 * RATE - 4000]) < 1e-5


@pytest.mark.parametrize(
    ("fault", "value"),
    [("hiss_db", -40), ("rumble_db", -35), ("room_db", -15), ("breath_db", -20), ("clicks_per_minute", 900)],
)
def test_faults_are_heard_in_pauses(take, fault, value):
    audio = phrases_with_pauses()
    pauses = (np.arange(len(audio)) // (RATE // 2)) % 4 == 3  # the second half of each pause, where breaths are
    if fault == "room_db":
        pauses = (np.arange(len(audio)) // (RATE // 10)) % 20 == 10
    clean = voice_recording.record(audio, take, np.random.default_rng(1))
    spoilt = voice_recording.record(audio, replace(take, **{fault: value}), np.random.default_rng(1))
    assert rms(spoilt[pauses]) > 3 * rms(clean[pauses])


def test_hum_stands_at_the_mains(take):
    track = voice_recording.record(
        phrases_with_pauses(), replace(take, hum_hz=50.0, hum_db=-30), np.random.default_rng(0)
    )
    assert peak_hz(track[RATE + 4000 : 2 * RATE - 4000]) == pytest.approx(50, abs=2)


def test_uneven_phrases_differ_in_level(take):
    track = voice_recording.record(phrases_with_pauses(), replace(take, unevenness_db=5), np.random.default_rng(3))
    levels = [db(rms(track[start * RATE + 5000 : (start + 1) * RATE - 5000])) for start in (0, 2, 4, 6)]
    assert max(levels) - min(levels) > 3


def test_pops_come_with_phrases():
    audio = phrases_with_pauses(3.0)
    pops = voice_recording._pops(audio, [(0, 100), (200, 300)], 600, np.random.default_rng(1))
    loud = np.flatnonzero(voice_effects.frame_levels(pops) > 0.005)
    assert {0, 2} == set((loud // 100).tolist())
    assert (loud % 100).max() < 13
    assert 20 < peak_hz(pops[2 * RATE : 2 * RATE + RATE // 8]) < 120


def test_phrases_are_found():
    found = voice_recording.phrases_in(phrases_with_pauses(5.0))
    assert found == [(0, 100), (200, 300), (400, 500)]


@pytest.mark.parametrize("seed", range(5))
def test_any_take_is_finite_and_noisy(seed):
    numbers = np.random.default_rng(seed)
    drawn = voice_recording.drawn_take(numbers)
    track = voice_recording.record(phrases_with_pauses(4.0), drawn, numbers)
    assert np.isfinite(track).all()
    assert -16 <= db(np.abs(track).max()) <= -2.5
    assert voice_effects.frame_levels(track).min() > 1e-6


def test_silence_is_recorded_as_noise():
    numbers = np.random.default_rng(0)
    track = voice_recording.record(np.zeros(RATE), voice_recording.drawn_take(numbers), numbers)
    assert np.isfinite(track).all()
    assert rms(track) > 0


def test_a_take_says_what_is_wrong_with_it(take):
    assert take.notes() == []
    bad = replace(take, hum_hz=60.0, room_db=-16, hiss_db=-45, pops_per_minute=5, unevenness_db=4)
    assert bad.notes() == ["hum 60 Hz", "audible room", "noisy", "pops", "uneven"]
