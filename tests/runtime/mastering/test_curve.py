"""The curve between two profiles: what a known filter did is undone, and what would do harm is not done."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from mixbridge.presets.console import Master
from mixbridge.presets.parts.match import THIRDS_HZ, MatchCurve, ToneCurve, WidthCurve, points_db
from mixbridge.runtime.audio.loudness import integrated_loudness
from mixbridge.runtime.audio.peaks import true_peak_db
from mixbridge.runtime.console.match import matched
from mixbridge.runtime.mastering.curve import curved, fit_curve
from mixbridge.runtime.mastering.density import MasterTrial, fit_density
from mixbridge.runtime.mastering.fitting import fit_to_bus
from mixbridge.runtime.mastering.profile import PARTS_HZ, Profile, loudness_power, profile_of, thirds_of

RATE_HZ = 44_100
THIRDS = np.array(THIRDS_HZ)
HEARD = slice(4, 30)  # 50 Hz to 16 kHz


@cache
def music(seed: int = 0, seconds: float = 6.0, width: float = 0.5) -> np.ndarray:
    """Pink bursts that come and go in every band, as music does, with sides of their own."""
    random = np.random.default_rng(seed)
    frames = round(seconds * RATE_HZ)
    freqs_hz = np.fft.rfftfreq(frames, 1 / RATE_HZ)
    slope = 1 / np.sqrt(np.maximum(freqs_hz, 30))
    rows = []
    for _ in range(2):
        total = np.zeros(frames)
        for low, high in zip(np.geomspace(20, 16_000, 12), np.geomspace(35, 22_000, 12), strict=True):
            inside = slope * ((freqs_hz >= low) & (freqs_hz < high))
            noise = np.fft.irfft(np.fft.rfft(random.standard_normal(frames)) * inside, frames)
            hits = np.repeat(random.uniform(0, 1, round(seconds * 3)) ** 3, -(-frames // round(seconds * 3)))[:frames]
            total += noise * hits
        rows.append(total)
    middle, sides = rows
    sound = np.stack([middle + width * sides, middle - width * sides])
    return (0.1 * sound / sound.std()).astype(np.float32)


def profile(sound: np.ndarray) -> Profile:
    return profile_of([sound[:, at : at + 50_000] for at in range(0, sound.shape[1], 50_000)], RATE_HZ)


def test_a_profile_has_the_power_of_the_sound_and_hears_no_gaps() -> None:
    sound = music()
    measured = profile(sound)
    middle = (sound[0] + sound[1]) / 2
    assert 10 * np.log10(measured.power[0].sum() / np.mean(middle.astype(float) ** 2)) == pytest.approx(0, abs=0.6)
    assert measured.loudness_lufs == pytest.approx(integrated_loudness(sound, RATE_HZ), abs=0.01)
    gaps = np.concatenate([np.zeros((2, 6 * RATE_HZ), np.float32), sound, 0.003 * sound], axis=1)
    apart_db = 10 * np.log10(thirds_of(profile(gaps).power) / thirds_of(measured.power))
    assert np.abs(apart_db[:, HEARD]).max() < 1.2  # frames lie otherwise; counted, the gaps would take 3 dB


def test_a_tone_falls_into_its_third() -> None:
    times_s = np.arange(4 * RATE_HZ) / RATE_HZ
    for hz in (50.0, 100.0, 1000.0, 10_000.0):
        tone = 0.1 * np.sin(2 * np.pi * hz * times_s)
        power = thirds_of(profile(np.stack([tone, tone]).astype(np.float32)).power)[0]
        assert THIRDS_HZ[int(np.argmax(power))] == hz
        assert power.max() == pytest.approx(0.005, rel=0.1)


def test_what_a_curve_did_is_undone() -> None:
    bent = MatchCurve(
        tone=ToneCurve(hz_100_db=3, hz_125_db=4, hz_160_db=3, hz_3150_db=-4, hz_4000_db=-5, hz_5000_db=-4),
        width=WidthCurve(**dict.fromkeys(WidthCurve.model_fields, -4.0)),
    )
    song = music(1)
    mix = matched(song, bent, RATE_HZ)
    fitted = fit_curve(profile(mix), profile(song))
    mended = profile(matched(mix, fitted, RATE_HZ))
    goal = profile(song)
    left_db = 10 * np.log10(
        thirds_of(mended.power) / loudness_power(mended.power) / thirds_of(goal.power) * loudness_power(goal.power)
    )
    assert np.abs(left_db[0, HEARD]).mean() < 0.4
    assert np.abs(left_db[1, 8:30]).mean() < 0.5
    assert np.array(points_db(fitted.width))[10:28] == pytest.approx(4, abs=1.0)


def test_the_same_song_is_left_alone_at_any_level() -> None:
    song = music(2)
    fitted = fit_curve(profile(song * np.float32(0.2)), profile(song))
    assert np.abs(points_db(fitted.tone)).max() < 0.1
    assert np.abs(points_db(fitted.width)).max() < 0.1


def test_loudness_stays_and_limits_hold() -> None:
    mix, goal = profile(music(3)), profile(music(4))
    tilt = np.exp(np.linspace(3, -6, len(PARTS_HZ)))
    goal = Profile(goal.power * tilt, goal.movement_db, goal.loudness_lufs, goal.true_peak_dbtp, RATE_HZ)
    fitted = fit_curve(mix, goal)
    tone_db, width_db = np.array(points_db(fitted.tone)), np.array(points_db(fitted.width))
    assert np.abs(tone_db).max() <= 8
    assert (tone_db + width_db).max() <= 8
    louder = loudness_power(curved(mix.power, np.stack([tone_db, tone_db + width_db]))) / loudness_power(mix.power)
    assert abs(10 * np.log10(louder)) < 1.0


def test_hiss_is_not_lifted_and_sides_are_not_widened_in_the_lows() -> None:
    random = np.random.default_rng(5)
    song = music(5, width=0.8)
    spectrum = np.fft.rfft(song, axis=1)
    freqs_hz = np.fft.rfftfreq(song.shape[1], 1 / RATE_HZ)
    dull = np.fft.irfft(spectrum * (freqs_hz < 6000), song.shape[1])
    hiss = 0.002 * random.standard_normal(song.shape)
    mix = (dull + hiss).astype(np.float32)
    mix[1] = 0.7 * mix[0] + 0.3 * mix[1]
    fitted = fit_curve(profile(mix), profile(song))
    tone_db, width_db = np.array(points_db(fitted.tone)), np.array(points_db(fitted.width))
    assert tone_db[THIRDS >= 8000].max() <= 0.5  # it would take 20 dB and more to come to the song's highs
    assert width_db[THIRDS < 120].max() <= 0
    assert width_db[(THIRDS > 300) & (THIRDS < 4000)].min() > 0


def test_what_the_reference_lacks_is_not_asked_for() -> None:
    song = music(6)
    spectrum = np.fft.rfft(song, axis=1)
    freqs_hz = np.fft.rfftfreq(song.shape[1], 1 / RATE_HZ)
    cut = np.fft.irfft(spectrum * (freqs_hz < 10_000), song.shape[1]).astype(np.float32)
    fitted = fit_curve(profile(song), profile(cut))
    tone_db = np.array(points_db(fitted.tone))
    assert -4 < tone_db[THIRDS == 10_000] < -0.5  # half of that third is cut
    assert tone_db[THIRDS > 10_000] == pytest.approx(float(tone_db[THIRDS == 10_000][0]))


def peaky(seed: int = 7) -> np.ndarray:
    sound = music(seed)
    hits = np.zeros(sound.shape[1])
    hits[:: RATE_HZ // 2] = 1
    tail = np.exp(-np.arange(2000) / 300) * np.sin(np.arange(2000) / 5)
    return (sound + 1.6 * np.convolve(hits, tail)[: len(hits)]).astype(np.float32)


def peak_to_loudness_db(sound: np.ndarray) -> float:
    return true_peak_db(sound) - integrated_loudness(sound, RATE_HZ)


def test_peaks_come_down_to_what_the_limiter_may_do_and_others_stay() -> None:
    sound = peaky()
    trial = MasterTrial(sound, RATE_HZ)
    now_db = peak_to_loudness_db(sound)
    assert now_db > 18
    dense = fit_density(trial, Master(), 12.0)
    after_db = peak_to_loudness_db(trial.mastered(dense))
    assert 13.0 < after_db <= 14.6
    assert fit_density(trial, Master(), now_db - 1) == Master()
    assert fit_density(trial, Master(), now_db + 4) == Master()


def test_a_compressor_that_does_too_much_is_relaxed() -> None:
    sound = peaky()
    trial = MasterTrial(sound, RATE_HZ)
    squashed = fit_density(trial, Master(), 8.0)
    assert squashed.compressor.ratio > 2
    goal_db = peak_to_loudness_db(trial.mastered(squashed)) + 3
    relaxed = fit_density(trial, squashed, goal_db)
    assert 1 <= relaxed.compressor.ratio < squashed.compressor.ratio
    assert peak_to_loudness_db(trial.mastered(relaxed)) == pytest.approx(goal_db, abs=0.5)


def test_lows_that_a_guard_rail_narrowed_stay_narrow() -> None:
    song = music(2)
    narrowed = Master(match=MatchCurve(width=WidthCurve(hz_50_db=-20.0, hz_1000_db=-6.0)))
    fitted = fit_to_bus(song * np.float32(0.2), narrowed, profile(song))
    assert fitted is not None
    assert fitted.master.match.width.hz_50_db == -20.0
    assert abs(fitted.master.match.width.hz_1000_db) < 0.5  # that is the fit's to decide


def _banded(sound: np.ndarray, low_hz: float, high_hz: float) -> np.ndarray:
    freqs_hz = np.fft.rfftfreq(sound.shape[1], 1 / RATE_HZ)
    inside = (freqs_hz >= low_hz) & (freqs_hz < high_hz)
    return np.asarray(np.fft.irfft(np.fft.rfft(sound) * inside, sound.shape[1]), np.float32)


def test_a_lift_of_what_is_wide_leaves_the_lows_in_the_middle() -> None:
    """The mix is wide at 100 Hz alone, and its reference has more there and less below."""
    sound = music(3, width=0.0)
    sides = 0.36 * _banded(music(4, width=0.0), 85, 118)
    mix = sound + sides * np.array([[1.0], [-1.0]], np.float32)
    song = (
        sound + _banded(sound, 85, 118) - 0.8 * _banded(sound, 20, 70) + sides * np.array([[1.0], [-1.0]], np.float32)
    )

    def low_sides_db(match: MatchCurve) -> float:
        low = curved(
            profile(mix).power, np.stack([points_db(match.tone), np.add(points_db(match.tone), points_db(match.width))])
        )
        middle, side = low[:, PARTS_HZ < 120].sum(axis=1)
        return float(10 * np.log10(side / middle))

    assert low_sides_db(MatchCurve()) < -14
    fitted = fit_to_bus(mix.astype(np.float32), Master(), profile(song.astype(np.float32)), aspects=("tone", "width"))
    assert fitted is not None
    tone_alone = MatchCurve(tone=fitted.master.match.tone)
    assert low_sides_db(tone_alone) > -14  # what it would have been
    assert low_sides_db(fitted.master.match) <= -13.9


def _low_sides_db(sound: np.ndarray) -> float:
    middle, sides = profile(sound).power[:, PARTS_HZ < 120].sum(axis=1)
    return float(10 * np.log10(sides / middle))


def test_lows_are_as_wide_as_the_reference_as_far_as_they_stay_in_the_middle() -> None:
    narrow = music(8, width=0.06)
    assert _low_sides_db(narrow) < -23
    for song in (music(8, width=0.7), music(8, width=0.12)):
        fitted = fit_curve(profile(narrow), profile(song))
        made = matched(narrow, fitted, RATE_HZ)
        assert _low_sides_db(made) == pytest.approx(min(-15.0, _low_sides_db(song)), abs=1.5)
        assert _low_sides_db(made) < -14.5
        assert fitted.width.hz_31_5_db <= 0  # that is rumble


def test_a_compressor_that_holds_the_middle_down_leaves_the_lows_there() -> None:
    """The sides of the lows are steady, the middle comes in bursts: pressed down, it would leave them at -11 dB."""
    sound, steady = music(3, width=0.0), np.random.default_rng(1).standard_normal(music(3).shape[1])
    bursts = ((np.arange(sound.shape[1]) / RATE_HZ * 3) % 1 < 0.15) * 3 + 0.05
    turned = np.array([[1.0], [-1.0]], np.float32)
    mix = (sound * bursts + turned * 0.25 * _banded(steady[None], 60, 112)).astype(np.float32)
    song = np.tanh(12 * (sound + turned * 2 * _banded(music(4, width=0.0), 40, 112))).astype(np.float32)
    fitted = fit_to_bus(mix, Master(), profile(song))
    assert fitted is not None
    assert fitted.master.compressor.ratio > 1
    assert _low_sides_db(MasterTrial(mix, RATE_HZ).mastered(fitted.master)) <= -13.5


def test_of_wide_lows_the_strongest_give_way() -> None:
    """Sides are strong at 60 Hz and weak at 100 Hz: these stay as they are in the reference."""
    sound = music(3, width=0.0)
    turned = np.array([[1.0], [-1.0]], np.float32)
    song = sound + turned * (1.0 * _banded(music(4, width=0.0), 50, 70) + 0.12 * _banded(music(4, width=0.0), 90, 112))
    mix = 1.0 * sound + turned * 0.2 * (song[:1] - song[1:])
    made = matched(mix.astype(np.float32), fit_curve(profile(mix.astype(np.float32)), profile(song)), RATE_HZ)
    assert _low_sides_db(made) < -14.5
    thirds, wanted = (10 * np.log10(thirds_of(profile(item).power)) for item in (made, song))
    away_db = (thirds[1] - thirds[0]) - (wanted[1] - wanted[0])
    assert abs(away_db[THIRDS_HZ.index(100)]) < 2
    assert away_db[THIRDS_HZ.index(63)] < -4


def test_sides_are_widened_by_much_but_no_louder_than_the_middle_or_the_reference() -> None:
    narrow, half, song = (profile(music(9, width=width)) for width in (0.1, 0.5, 2.0))
    assert np.array(points_db(fit_curve(narrow, half).width))[10:28] == pytest.approx(14, abs=1.0)
    widened = thirds_of(half.power)[1] * 10 ** (np.array(points_db(fit_curve(half, song).width)) / 10)
    song_over_db = 10 * np.log10(thirds_of(song.power)[1] / thirds_of(song.power)[0])
    over_db = 10 * np.log10(widened / thirds_of(half.power)[0])
    assert (over_db - np.maximum(song_over_db, 0))[10:28].max() < 0.1


def test_a_mix_in_mono_stays_mono() -> None:
    mono = music(9, width=0.0)
    made = matched(mono, fit_curve(profile(mono), profile(music(9, width=0.5))), RATE_HZ)
    assert np.array_equal(made[0], made[1])
