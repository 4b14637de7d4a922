from dataclasses import replace

import numpy as np
import pytest
from mixbridge.export.corpus.drums import KITS, draw_kit
from mixbridge.export.corpus.recording import Studio, StudioTrack, draw_studio, minimum_phase, record
from mixbridge.export.corpus.score import ScoreNote, ScorePart
from mixbridge.export.corpus.synth import SYNTH_RATE_HZ
from mixbridge.presets.errors import AudioError
from numpy.typing import NDArray
from scipy import fft

PLAIN = Studio(SYNTH_RATE_HZ, -10.0, 0.0, None, None, overheads=False, miked=False, hiss=0.0, mains_hz=50)
SECONDS = 3


def burst(seed: int, start_s: float, channels: int = 1) -> NDArray[np.float32]:
    audio = np.zeros((channels, SECONDS * SYNTH_RATE_HZ), np.float32)
    start = round(start_s * SYNTH_RATE_HZ)
    audio[:, start : start + 4410] = np.random.default_rng(seed).standard_normal((channels, 4410)) * 0.1
    return audio


def track(role: str, audio: NDArray[np.float32]) -> StudioTrack:
    return StudioTrack(role, role, audio, "thing", "source", "licence")


def band_db(audio: NDArray[np.float32], start_s: float, end_s: float) -> float:
    stretch = audio[:, round(start_s * SYNTH_RATE_HZ) : round(end_s * SYNTH_RATE_HZ)]
    return float(10 * np.log10(np.mean(stretch.astype(np.float64) ** 2) + 1e-30))


@pytest.mark.parametrize("seed", range(12))
def test_tracks_come_out_sane_in_any_studio(seed: int) -> None:
    numbers = np.random.default_rng(seed)
    studio = draw_studio(numbers, sampled_drums=bool(seed % 2))
    raw = [track("kick", burst(0, 0.5)), track("cymbals", burst(1, 1.0, 2)), track("guitar", burst(2, 1.5))]
    tracks = record(raw, studio, numbers)
    assert [one.name for one in tracks] == ["kick", "cymbals", "guitar"]
    for one, before in zip(tracks, raw, strict=True):
        assert one.audio.dtype == np.float32
        assert one.sample_rate_hz == studio.sample_rate_hz
        assert one.audio.shape == (len(before.audio), SECONDS * studio.sample_rate_hz)
        assert np.isfinite(one.audio).all()
        assert -30.1 < 20 * np.log10(np.abs(one.audio).max()) < -0.9


def test_recording_depends_on_its_numbers_alone() -> None:
    raw = [track("snare", burst(0, 0.5)), track("keys", burst(1, 1.0, 2))]
    studio = replace(PLAIN, miked=True, hiss=1.0, drum_bleed_db=-20.0)
    first, again, other = (record(raw, studio, np.random.default_rng(seed)) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first[0].audio, again[0].audio)
    assert not np.array_equal(first[0].audio, other[0].audio)


def test_the_raw_tracks_are_left_as_they_were() -> None:
    raw = track("keys", burst(0, 0.5))
    record([raw], replace(PLAIN, hiss=1.0), np.random.default_rng(0))
    np.testing.assert_array_equal(raw.audio, burst(0, 0.5))


def test_silent_tracks_are_left_out() -> None:
    silent = track("pad", np.zeros((2, 1000), np.float32))
    assert record([silent], PLAIN, np.random.default_rng(0)) == []


def test_drums_bleed_into_drums_only() -> None:
    raw = [track("kick", burst(0, 0.2)), track("snare", burst(1, 1.2)), track("bass", burst(2, 2.2))]
    dry = record(raw, PLAIN, np.random.default_rng(0))
    wet = record(raw, replace(PLAIN, drum_bleed_db=-20.0), np.random.default_rng(0))
    assert band_db(dry[0].audio, 1.2, 1.35) < -100
    difference_db = band_db(wet[0].audio, 1.2, 1.35) - band_db(wet[0].audio, 0.2, 0.35)
    assert -28 < difference_db < -12
    assert "bleed" in wet[0].notes
    assert band_db(wet[0].audio, 2.2, 2.35) < -100
    assert band_db(wet[2].audio, 1.2, 1.35) < -100


def test_overheads_hear_the_kit_and_a_live_room_the_band() -> None:
    raw = [track("kick", burst(0, 0.2)), track("cymbals", burst(1, 1.2)), track("wind", burst(2, 2.2))]
    studio = replace(PLAIN, drum_bleed_db=-30.0, overheads=True)
    overheads = record(raw, studio, np.random.default_rng(0))[1]
    assert "overheads" in overheads.notes
    assert -22 < band_db(overheads.audio, 0.2, 0.35) - band_db(overheads.audio, 1.2, 1.35) < 2
    live = record(raw, replace(PLAIN, room_bleed_db=-35.0), np.random.default_rng(0))[2]
    assert -45 < band_db(live.audio, 0.2, 0.35) - band_db(live.audio, 2.2, 2.35) < -25


def test_hiss_lies_under_the_music() -> None:
    floors = []
    for seed in range(8):
        hissing = record([track("keys", burst(0, 0.2))], replace(PLAIN, hiss=1.0), np.random.default_rng(seed))[0]
        assert "hiss" in hissing.notes
        floors.append(band_db(hissing.audio, 2.0, 3.0))
    # Some engineers mute it where nothing is played.
    assert min(floors) < -150
    assert -100 < max(floors) < -55


def test_a_curve_becomes_the_shortest_response_with_its_magnitude() -> None:
    curve_db = 6 * np.cos(np.linspace(0, 3 * np.pi, 1025))
    response = minimum_phase(curve_db)
    assert np.abs(response).argmax() == 0
    # Measured where the analysis window's edge plays no part.
    heard_db = 20 * np.log10(np.abs(fft.rfft(response.astype(np.float64), 2048)))
    np.testing.assert_allclose(heard_db, curve_db, atol=0.2)


def test_a_voice_is_left_as_its_singer_recorded_it() -> None:
    raw = track("vocal", burst(0, 0.5))
    for seed in range(10):
        sung = record([raw], replace(PLAIN, miked=True, hiss=1.0), np.random.default_rng(seed))[0]
        if "hot" not in sung.notes:
            scaled = raw.audio * (np.abs(sung.audio).max() / np.abs(raw.audio).max())
            np.testing.assert_allclose(sung.audio, scaled, atol=1e-6)


@pytest.mark.parametrize("style", KITS)
def test_kits_strike_a_sample_for_each_hit(one_shots: object, style: str) -> None:
    kit = draw_kit(one_shots, style, np.random.default_rng(0))  # type: ignore[arg-type]
    notes = (ScoreNote(0.5, 0.1, 42, 127), ScoreNote(1.0, 0.1, 46, 127), ScoreNote(1.5, 0.1, 42, 40))
    audio = kit.play(ScorePart("hats", "hats", 0, True, notes), 2.0)
    assert audio.shape == (1, 2 * SYNTH_RATE_HZ)
    closed, opened, soft = (audio[0, round(t * SYNTH_RATE_HZ) :][:1500] for t in (0.5, 1.0, 1.5))
    np.testing.assert_allclose(soft, closed * (40 / 127) ** 1.6, atol=1e-5)
    assert not np.allclose(opened, closed, atol=1e-3)
    assert not audio[0, : SYNTH_RATE_HZ // 2].any()


def test_a_missing_sample_is_told(tmp_path: object) -> None:
    kit = draw_kit(tmp_path, "club", np.random.default_rng(0))  # type: ignore[arg-type]
    with pytest.raises(AudioError, match="drum sample"):
        kit.play(ScorePart("kick", "kick", 0, True, (ScoreNote(0.0, 0.1, 36, 100),)), 1.0)
