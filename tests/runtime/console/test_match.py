"""The match curve as it sounds: gains at its points, phase, latency, middle and sides."""

from __future__ import annotations

import numpy as np
import pytest
from mixbridge.presets.console import Master, parameters, replace
from mixbridge.presets.parts.match import THIRDS_HZ, MatchCurve, ToneCurve, WidthCurve, is_flat, points_db
from mixbridge.presets.preset import Preset, Track
from mixbridge.runtime.console.match import FirStream, MatchProcessor, match_gains_db, matched, smooth_curve_db
from mixbridge.runtime.rendering.in_memory import render_arrays
from mixbridge.runtime.rendering.track_stream import TrackStream

RATE_HZ = 44_100
LENGTH = 2**16
IMPULSE = 20_000


def wavy(seed: int = 0, linear_phase: float = 0.0, amount: float = 1.0) -> MatchCurve:
    """A curve as it is fitted: gains that drift from third to third."""
    steps = np.random.default_rng(seed).uniform(-1.5, 1.5, (2, len(THIRDS_HZ))).cumsum(axis=1)
    curves = [
        kind(**dict(zip(parameters(kind), np.clip(row, -8, 8).tolist(), strict=True)))
        for kind, row in zip((ToneCurve, WidthCurve), steps, strict=True)
    ]
    return MatchCurve(tone=curves[0], width=curves[1], linear_phase=linear_phase, amount=amount)


def impulse(*, side: bool) -> np.ndarray:
    sound = np.zeros((2, LENGTH), np.float32)
    sound[:, IMPULSE] = (1, -1) if side else (1, 1)
    return sound


def spectrum(sound: np.ndarray) -> np.ndarray:
    return np.fft.rfft(sound[0].astype(np.float64))


@pytest.mark.parametrize("rate_hz", [8_000, 44_100, 48_000, 96_000])
@pytest.mark.parametrize("linear_phase", [0.0, 0.4, 1.0])
@pytest.mark.parametrize("side", [False, True])
def test_it_has_the_gains_of_its_curves(rate_hz: int, linear_phase: float, side: bool) -> None:
    match = wavy(3, linear_phase)
    heard = spectrum(matched(impulse(side=side), match, rate_hz))
    freqs_hz = np.fft.rfftfreq(LENGTH, 1 / rate_hz)
    wanted_db = match_gains_db(match, freqs_hz)[int(side)]
    error_db = np.abs(20 * np.log10(np.abs(heard)) - wanted_db)
    upper = (freqs_hz > 60) & (freqs_hz < min(20_000, 0.49 * rate_hz))
    assert error_db[upper].max() < 0.05
    assert error_db[(freqs_hz > 20) & upper].max() < 0.5


def test_the_curve_passes_its_points_and_nothing_beyond_them() -> None:
    gains_db = np.array(points_db(wavy(5).tone))
    assert smooth_curve_db(gains_db, THIRDS_HZ) == pytest.approx(gains_db)
    between_db = smooth_curve_db(gains_db, np.geomspace(1, 30_000, 2000))
    assert between_db.max() <= gains_db.max() + 1e-9
    assert between_db.min() >= gains_db.min() - 1e-9
    assert smooth_curve_db(gains_db, [0.0, 5.0, 25_000.0]) == pytest.approx([gains_db[0], gains_db[0], gains_db[-1]])


def test_minimum_phase_comes_at_once_and_linear_phase_turns_nothing() -> None:
    at_once = matched(impulse(side=False), wavy(1), RATE_HZ)[0]
    assert np.argmax(np.abs(at_once)) == IMPULSE
    assert np.abs(at_once[:IMPULSE]).max() < 1e-6
    turned = np.angle(spectrum(matched(impulse(side=False), wavy(1, 1.0), RATE_HZ)) / spectrum(impulse(side=False)))
    assert np.abs(turned[100:29_000]).max() < 1e-3


def test_a_middle_that_is_mono_stays_mono_and_sides_that_are_cut_are_gone() -> None:
    sound = np.random.default_rng(0).standard_normal((2, 30_000)).astype(np.float32) * 0.1
    centre = np.broadcast_to(sound[0], sound.shape).copy()
    made = matched(centre, wavy(2), RATE_HZ)
    assert np.abs(made[0] - made[1]).max() < 1e-7
    narrow = MatchCurve(width=WidthCurve(**dict.fromkeys(parameters(WidthCurve), -24.0)))
    made = matched(sound, narrow, RATE_HZ)
    sides_db = 20 * np.log10(np.std(made[0] - made[1]) / np.std(sound[0] - sound[1]))
    assert sides_db == pytest.approx(-24, abs=0.05)
    assert np.std(made[0] + made[1]) == pytest.approx(np.std(sound[0] + sound[1]), rel=1e-5)


def test_amount_scales_the_curve_in_decibels() -> None:
    half = match_gains_db(wavy(4, amount=0.5), THIRDS_HZ)
    whole = match_gains_db(wavy(4), THIRDS_HZ)
    assert half[0] == pytest.approx(whole[0] / 2)
    assert half[1] == pytest.approx(whole[1] / 2)


def test_off_it_passes_the_very_same_samples() -> None:
    sound = np.ones((2, 100), np.float32)
    for flat in (MatchCurve(), MatchCurve(linear_phase=1), wavy(amount=0)):
        assert is_flat(flat)
        processor = MatchProcessor(flat, RATE_HZ)
        assert processor.process(sound) is sound
        assert processor.latency_samples == 0


@pytest.mark.parametrize("linear_phase", [0.0, 1.0])
def test_a_render_has_it_in_time_and_so_has_a_stream(linear_phase: float) -> None:
    sound = np.zeros((1, 40_000), np.float32)
    sound[0, 500:20_000] = 0.3 * np.random.default_rng(1).standard_normal(19_500)
    master = Master(match=wavy(6, linear_phase))
    preset = Preset(tracks=(Track(name="Vox"),), master=master)
    plain = render_arrays({"Vox": sound}, RATE_HZ, preset.model_copy(update={"master": Master()})).mix
    mix = render_arrays({"Vox": sound}, RATE_HZ, preset).mix
    assert mix.shape == plain.shape
    correlation = np.correlate(mix[0, 100:30_000], plain[0, 500:20_000])
    assert int(np.argmax(correlation)) == 400
    stream = TrackStream(preset, 1, RATE_HZ)
    blocks = [stream.process(sound[:, at : at + 777]) for at in range(0, sound.shape[1], 777)]
    streamed = np.concatenate([*blocks, stream.flush()], axis=1)
    assert np.abs(streamed - mix).max() < 1e-5
    assert stream.latency_samples == MatchProcessor(master.match, RATE_HZ).latency_samples


def test_long_and_short_blocks_are_convolved_alike() -> None:
    rng = np.random.default_rng(3)
    responses = rng.standard_normal((2, 5000)) * np.exp(-np.arange(5000) / 700)
    audio = rng.standard_normal((2, 90_001)).astype(np.float32)
    whole = FirStream(responses).process(audio)
    for row, response, filtered in zip(audio, responses, whole, strict=True):
        assert np.abs(filtered - np.convolve(row.astype(np.float64), response)[: len(row)]).max() < 1e-10
    stream = FirStream(responses)
    cuts = np.split(audio, [1, 4000, 37_000, 37_000, 70_000], axis=1)
    assert np.abs(np.concatenate([stream.process(block) for block in cuts], axis=1) - whole).max() < 1e-10


def test_a_point_out_of_range_is_refused() -> None:
    with pytest.raises(ValueError, match="less than or equal to 8"):
        replace(Master(), {"match.tone.hz_1000_db": 8.5})
