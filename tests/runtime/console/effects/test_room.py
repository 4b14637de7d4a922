"""The reverb: decay, echo density, modes, width, cuts, level, ducking."""

from __future__ import annotations

import numpy as np
import pytest
from mixbridge.presets.console import Ducking, Reverb
from mixbridge.runtime.console.effects.room import ROOM_RATE_HZ, RoomProcessor, decay_s, room_response
from scipy.signal import butter, sosfiltfilt

OCTAVES_HZ = (125, 250, 500, 1000, 2000, 4000, 8000)
OPEN = {"low_cut_hz": 20, "high_cut_hz": 22_000, "pre_delay_ms": 0}
ROOMS = {
    "plate": Reverb(**OPEN),
    "hall": Reverb(decay_low_s=4, decay_mid_s=3.4, decay_high_s=2, size=1, **OPEN),
    "chamber": Reverb(decay_low_s=0.5, decay_mid_s=0.45, decay_high_s=0.35, size=0.1, **OPEN),
    "other seed": Reverb(seed=7, **OPEN),
    "a swell that came late": Reverb(decay_low_s=0.35, decay_mid_s=0.5, decay_high_s=0.25, seed=3, **OPEN),
}


def measured_decay_s(response: np.ndarray, octave_hz: float) -> float:
    """T30 by backward integration (ISO 3382)."""
    edges = [octave_hz / 2**0.5, octave_hz * 2**0.5]
    band = sosfiltfilt(butter(3, edges, "bandpass", fs=ROOM_RATE_HZ, output="sos"), response)
    left_db = 10 * np.log10(np.cumsum(band[::-1] ** 2)[::-1] + 1e-30)
    left_db -= left_db[0]
    begin, end = np.argmax(left_db < -5), np.argmax(left_db < -35)
    slope = np.polyfit(np.arange(begin, end) / ROOM_RATE_HZ, left_db[begin:end], 1)[0]
    return float(-60 / slope)


def echo_density(response: np.ndarray, at_s: float) -> float:
    """Share of samples beyond one standard deviation against that of Gaussian noise (Abel and Huang, AES 2006)."""
    frames = round(0.02 * ROOM_RATE_HZ)
    begin = round(at_s * ROOM_RATE_HZ) - frames // 2
    piece, window = response[begin : begin + frames], np.hanning(frames)
    window /= window.sum()
    deviation = np.sqrt(np.sum(window * piece**2))
    return float(np.sum(window[np.abs(piece) > deviation]) / 0.3173)


@pytest.mark.parametrize("name", ROOMS)
def test_every_octave_decays_as_it_is_set(name):
    wanted = decay_s(ROOMS[name], np.array(OCTAVES_HZ, float))
    for response in room_response(ROOMS[name], ROOM_RATE_HZ):
        measured = [measured_decay_s(response, octave_hz) for octave_hz in OCTAVES_HZ]
        np.testing.assert_allclose(measured, wanted, rtol=0.1)


@pytest.mark.parametrize("name", ROOMS)
def test_within_80_ms_it_is_as_dense_as_noise(name):
    for response in room_response(ROOMS[name], ROOM_RATE_HZ):
        assert np.mean([echo_density(response, at_s) for at_s in np.arange(0.08, 0.14, 0.01)]) > 0.9


def test_no_mode_rings_longer_than_its_band():
    """Late in the tail no line stands out: of n lines of noise, the largest is 10 log10(ln n) dB above the mean."""
    response = room_response(ROOMS["plate"], ROOM_RATE_HZ)[0]
    late = response[round(0.6 * ROOM_RATE_HZ) :][: ROOM_RATE_HZ // 2]
    power = np.abs(np.fft.rfft(late * np.hanning(len(late)))) ** 2
    freqs_hz = np.fft.rfftfreq(len(late), 1 / ROOM_RATE_HZ)
    for octave_hz in OCTAVES_HZ[2:]:
        band = power[(freqs_hz > octave_hz / 1.1) & (freqs_hz < octave_hz * 1.1)]
        assert 10 * np.log10(band.max() / band.mean()) < 11


@pytest.mark.parametrize(("width", "correlation"), [(0.0, 1.0), (0.5, 0.707), (1.0, 0.0)])
def test_width_is_how_much_left_and_right_differ(width, correlation):
    left, right = room_response(Reverb(width=width, **OPEN), ROOM_RATE_HZ)
    assert np.corrcoef(left, right)[0, 1] == pytest.approx(correlation, abs=0.05)


def test_pre_delay_cuts_and_size_are_heard():
    response = room_response(Reverb(pre_delay_ms=50, low_cut_hz=300, high_cut_hz=5000), ROOM_RATE_HZ)
    assert not response[:, : round(0.05 * ROOM_RATE_HZ)].any()
    power = np.abs(np.fft.rfft(response[0])) ** 2
    freqs_hz = np.fft.rfftfreq(response.shape[1], 1 / ROOM_RATE_HZ)

    def level_db(freq_hz: float) -> float:
        return float(10 * np.log10(power[(freqs_hz > freq_hz / 1.2) & (freqs_hz < freq_hz * 1.2)].mean()))

    assert level_db(75) < level_db(1000) - 15
    assert level_db(15_000) < level_db(1000) - 12
    small, large = (np.abs(room_response(Reverb(size=size, **OPEN), ROOM_RATE_HZ)[0]) for size in (0, 1))
    early = slice(0, round(0.015 * ROOM_RATE_HZ))
    assert np.sum(small[early] ** 2) > 2 * np.sum(large[early] ** 2)


def test_noise_comes_back_at_the_level_it_is_sent_at():
    noise = np.random.default_rng(0).standard_normal((2, 5 * ROOM_RATE_HZ)).astype(np.float32) * 0.1
    returned = RoomProcessor(Reverb(**OPEN), ROOM_RATE_HZ).process(noise)[:, 2 * ROOM_RATE_HZ :]
    level_db = 20 * np.log10(returned.std() / noise.std())
    assert level_db == pytest.approx(0, abs=1.5)
    quiet = RoomProcessor(Reverb(return_gain_db=-12, **OPEN), ROOM_RATE_HZ).process(noise)[:, 2 * ROOM_RATE_HZ :]
    np.testing.assert_allclose(quiet, returned * 10 ** (-12 / 20), atol=1e-6)


@pytest.mark.parametrize("rate_hz", [8_000, 44_100, 96_000, 192_000])
def test_a_seed_is_the_same_room_at_every_rate(rate_hz):
    at_48 = room_response(Reverb(high_cut_hz=3000), ROOM_RATE_HZ)
    other = room_response(Reverb(high_cut_hz=3000), rate_hz)
    for freq_hz in (200, 500, 1000, 2000):
        answers = [
            abs(np.sum(row * np.exp(-2j * np.pi * freq_hz * np.arange(len(row)) / rate)))
            for row, rate in ((at_48[0].astype(float), ROOM_RATE_HZ), (other[0].astype(float), rate_hz))
        ]
        assert answers[1] == pytest.approx(answers[0], rel=0.02)


def test_ducking_turns_it_down_under_words_and_lets_it_bloom_between():
    time_s = np.arange(3 * ROOM_RATE_HZ) / ROOM_RATE_HZ
    word = (np.sin(2 * np.pi * 300 * time_s) * (time_s < 1.5) * 0.5).astype(np.float32)
    sends = np.stack([word, word])
    plain = RoomProcessor(Reverb(), ROOM_RATE_HZ).process(sends)
    ducked = RoomProcessor(Reverb(ducking=Ducking(threshold_db=-30, range_db=9)), ROOM_RATE_HZ).process(sends)
    middle, end = slice(ROOM_RATE_HZ, round(1.4 * ROOM_RATE_HZ)), slice(round(2.7 * ROOM_RATE_HZ), None)
    assert 20 * np.log10(np.std(ducked[:, middle]) / np.std(plain[:, middle])) == pytest.approx(-9, abs=0.5)
    assert 20 * np.log10(np.std(ducked[:, end]) / np.std(plain[:, end])) == pytest.approx(0, abs=1.0)


def test_no_band_grows_where_a_short_decay_leaves_little_to_measure() -> None:
    """A band around 44 Hz swings a few times in 0.28 s; what puts its decay right once made it swell."""
    short = Reverb(decay_low_s=0.276, decay_mid_s=0.794, decay_high_s=0.437, damping_hz=5997, size=0.197, low_cut_hz=20)
    response = room_response(short, ROOM_RATE_HZ)
    band = sosfiltfilt(butter(2, (36, 54), "bandpass", fs=48_000, output="sos"), response.astype(np.float64), axis=1)
    early, late = (np.square(part).sum(axis=1) for part in (band[:, :14_400], band[:, -14_400:]))
    assert (late < 1e-6 * early).all()
