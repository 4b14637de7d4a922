"""Strips and the master against written-out references."""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any

import numpy as np
import pedalboard
import pytest
from mixbridge.presets.console import (
    EQ_BANDS,
    Compressor,
    DeEsser,
    EqBand,
    Equalizer,
    Gate,
    HighCut,
    LowCut,
    Master,
    Saturation,
    Strip,
)
from mixbridge.runtime.console.compressor import CompressorProcessor
from mixbridge.runtime.console.cut import CutProcessor
from mixbridge.runtime.console.deesser import DeEsserProcessor
from mixbridge.runtime.console.eq import eq_sections
from mixbridge.runtime.console.gate import GateProcessor
from mixbridge.runtime.console.saturation import SaturationProcessor
from mixbridge.runtime.console.strip import MasterProcessor, StripProcessor, pan_gains
from numpy.typing import NDArray
from scipy.signal import butter, lfilter, sosfilt

RATE_HZ = 44100

FULL_EQ = Equalizer(
    low_shelf=EqBand(gain_db=4, freq_hz=120, q=0.7),
    band0=EqBand(gain_db=-6, freq_hz=300, q=1.5),
    band1=EqBand(gain_db=3, freq_hz=2500, q=3),
    band2=EqBand(gain_db=-2, freq_hz=7000, q=0.5),
    band3=EqBand(gain_db=5, freq_hz=13000, q=1),
    high_shelf=EqBand(gain_db=-3, freq_hz=9000, q=0.71),
)
FULL = Strip(
    input_gain_db=6,
    eq=FULL_EQ,
    compressor=Compressor(threshold_db=-25, ratio=3, attack_ms=10, release_ms=80, knee_db=6, makeup_db=3),
    saturation=Saturation(drive=2),
    fader_db=-5,
    pan=0.3,
)


def noise(frames: int, channels: int = 1, seed: int = 0) -> NDArray[np.float32]:
    rng = np.random.default_rng(seed)
    return (0.2 * rng.standard_normal((channels, frames)) * np.linspace(0.01, 1, frames)).astype(np.float32)


def biquad(name: str, band: EqBand, rate_hz: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The cookbook's formulas: https://www.w3.org/TR/audio-eq-cookbook/."""
    A = 10 ** (band.gain_db / 40)
    w0 = 2 * math.pi * band.freq_hz / rate_hz
    cos, alpha = math.cos(w0), math.sin(w0) / (2 * band.q)
    if name == "low_shelf":
        s = 2 * math.sqrt(A) * alpha
        b = [
            A * (A + 1 - (A - 1) * cos + s),
            2 * A * (A - 1 - (A + 1) * cos),
            A * (A + 1 - (A - 1) * cos - s),
        ]
        a = [A + 1 + (A - 1) * cos + s, -2 * (A - 1 + (A + 1) * cos), A + 1 + (A - 1) * cos - s]
    elif name == "high_shelf":
        s = 2 * math.sqrt(A) * alpha
        b = [
            A * (A + 1 + (A - 1) * cos + s),
            -2 * A * (A - 1 + (A + 1) * cos),
            A * (A + 1 + (A - 1) * cos - s),
        ]
        a = [A + 1 - (A - 1) * cos + s, 2 * (A - 1 - (A + 1) * cos), A + 1 - (A - 1) * cos - s]
    else:
        b = [1 + alpha * A, -2 * cos, 1 - alpha * A]
        a = [1 + alpha / A, -2 * cos, 1 - alpha / A]
    return np.array(b), np.array(a)


def null_db(got: NDArray[np.float32], want: NDArray[np.float64] | NDArray[np.float32]) -> float:
    rest = np.sqrt(np.mean((got - want.astype(np.float64)) ** 2))
    return float(20 * np.log10(max(rest, 1e-12) / np.sqrt(np.mean(want.astype(np.float64) ** 2))))


def in_blocks(
    processor: StripProcessor | MasterProcessor, audio: NDArray[np.float32], size: int
) -> NDArray[np.float32]:
    # The first block is smaller: pedalboard alone would forget its state when they grow.
    starts = [0, *range(1 + size // 2, audio.shape[1], size), audio.shape[1]]
    return np.concatenate([processor.process(audio[:, begin:end]) for begin, end in pairwise(starts)], axis=1)


def test_eq_is_pedalboards_from_100_hz_on() -> None:
    """What differs is the rounding of pedalboard's single precision: of 200 EQs, -96 dB in the median, -64 at worst."""
    audio, random = noise(20_000, 1), np.random.default_rng(5)
    shelves = {"low_shelf": pedalboard.LowShelfFilter, "high_shelf": pedalboard.HighShelfFilter}
    for _ in range(12):
        bands = {
            name: EqBand(
                gain_db=float(random.uniform(-12, 12)),
                freq_hz=float(100 * 120 ** random.random()),
                q=float(0.3 * 16 ** random.random()),
            )
            for name in EQ_BANDS
        }
        plugins = [
            shelves.get(name, pedalboard.PeakFilter)(band.freq_hz, band.gain_db, band.q) for name, band in bands.items()
        ]
        got = StripProcessor(Strip(eq=Equalizer(**bands), pan=-1), 1, 44100).process(audio)[:1]
        assert null_db(got, pedalboard.Pedalboard(plugins)(audio, 44100)) < -60


@pytest.mark.parametrize("rate_hz", [44100, 96000])
@pytest.mark.parametrize("channels", [1, 2])
def test_eq_is_the_cookbooks(rate_hz: int, channels: int) -> None:
    audio = noise(20_000, channels)
    want = audio.astype(np.float64)
    for name in EQ_BANDS:
        want = lfilter(*biquad(name, getattr(FULL_EQ, name), rate_hz), want)
    got = StripProcessor(Strip(eq=FULL_EQ), channels, rate_hz).process(audio)
    assert null_db(got, want * np.array(pan_gains(0, channels))[:, None]) < -130


@pytest.mark.parametrize("rate_hz", [8000, 44100, 96000, 192000])
@pytest.mark.parametrize(
    ("name", "freq_hz", "q", "gain_db"),
    [
        ("low_shelf", 20, 0.7, 12),
        ("low_shelf", 21.62, 4.638, 5.427),
        ("low_shelf", 40, 5, -12),
        ("band0", 30, 0.3, -12),
        ("band0", 50, 10, 12),
        ("high_shelf", 20, 0.7, 12),
    ],
)
def test_low_bands_are_the_cookbooks_at_every_rate(
    rate_hz: int, name: str, freq_hz: float, q: float, gain_db: float
) -> None:
    """In single precision they were wrong by up to 2 dB, and noisy at -60 dB."""
    band = EqBand(gain_db=gain_db, freq_hz=freq_hz, q=q)
    audio = noise(20_000, 2)
    got = StripProcessor(Strip(eq=Equalizer(**{name: band})), 2, rate_hz).process(audio)
    assert null_db(got, lfilter(*biquad(name, band, rate_hz), audio.astype(np.float64))) < -130


def test_bands_are_the_same_in_blocks_of_any_length() -> None:
    low = EqBand(gain_db=9, freq_hz=30, q=2)
    strip = Strip(eq=Equalizer(low_shelf=low, band0=low, band1=EqBand(gain_db=3, freq_hz=3000)))
    audio = noise(20_000, 2)
    whole = StripProcessor(strip, 2, RATE_HZ).process(audio)
    for size in (1, 512, 1000, 8193):
        np.testing.assert_array_equal(in_blocks(StripProcessor(strip, 2, RATE_HZ), audio, size), whole)


def test_bands_without_gain_are_left_out() -> None:
    assert not eq_sections(Equalizer(), RATE_HZ)
    assert not eq_sections(Equalizer(band1=EqBand(gain_db=0.009)), RATE_HZ)
    assert list(eq_sections(Equalizer(band1=EqBand(gain_db=-0.01)), RATE_HZ)) == ["band1"]
    assert list(eq_sections(FULL_EQ, RATE_HZ)) == list(EQ_BANDS)
    # What moves is there from the beginning.
    assert list(eq_sections(Equalizer(), RATE_HZ, {"band1", "band3"})) == ["band1", "band3"]


@pytest.mark.parametrize("rate_hz", [8000, 16000, 44100])
def test_frequencies_above_half_the_rate_are_moved_below_it(rate_hz: int) -> None:
    eq = Equalizer(**{name: EqBand(gain_db=12, freq_hz=22000) for name in EQ_BANDS})
    highest = Equalizer(**{name: EqBand(gain_db=12, freq_hz=0.49 * rate_hz) for name in EQ_BANDS})
    if rate_hz < 44_100:
        assert eq_sections(eq, rate_hz) == eq_sections(highest, rate_hz)
    out = StripProcessor(Strip(eq=eq), 1, rate_hz).process(noise(20_000))
    assert np.isfinite(out).all()
    assert np.abs(out).max() < 1000


def test_the_order_of_a_strip() -> None:
    audio = noise(20_000)
    want = audio.astype(np.float64) * 10 ** (6 / 20)
    for name in EQ_BANDS:
        want = lfilter(*biquad(name, getattr(FULL_EQ, name), RATE_HZ), want)
    want = CompressorProcessor(FULL.compressor, 1, RATE_HZ).process(want.astype(np.float32))
    # As the strip does it: the gain behind the stages, the drive with it.
    gain = np.float32(10 ** (6 / 20))
    want = SaturationProcessor(Saturation(drive=2 * gain), 1, RATE_HZ).process(want / gain) * gain
    want = want.astype(np.float64) * 10 ** (-5 / 20) * np.array(pan_gains(0.3, 1))[:, None]
    assert null_db(StripProcessor(FULL, 1, RATE_HZ).process(audio), want) < -75


def test_the_order_of_the_master() -> None:
    audio = noise(20_000, 2)
    master = Master(input_gain_db=-4, eq=FULL_EQ, compressor=FULL.compressor, output_gain_db=2)
    want = audio.astype(np.float64) * 10 ** (-4 / 20)
    for name in EQ_BANDS:
        want = lfilter(*biquad(name, getattr(FULL_EQ, name), RATE_HZ), want)
    want = CompressorProcessor(FULL.compressor, 2, RATE_HZ).process(want.astype(np.float32)).astype(np.float64)
    assert null_db(MasterProcessor(master, RATE_HZ).process(audio), want * 10 ** (2 / 20)) < -75


@pytest.mark.parametrize("drive", [0.1, 1.0, 4.0])
def test_saturation_is_pedalboards_distortion_without_its_aliases(drive: float) -> None:
    audio = sosfilt(butter(6, 1000, fs=RATE_HZ, output="sos"), noise(20_000, 2)).astype(np.float32)
    board = pedalboard.Pedalboard(
        [pedalboard.Distortion(20 * math.log10(drive)), pedalboard.Gain(-20 * math.log10(drive))]
    )
    strip = StripProcessor(Strip(saturation=Saturation(drive=drive)), 2, RATE_HZ)
    late = strip.latency_samples
    assert null_db(strip.process(audio)[:, late:], board.process(audio, RATE_HZ)[:, :-late]) < -60


def test_saturation_leaves_quiet_sound_alone_and_holds_loud_sound() -> None:
    strip = StripProcessor(Strip(saturation=Saturation(drive=4)), 2, RATE_HZ)
    late = strip.latency_samples
    quiet = (sosfilt(butter(6, 5000, fs=RATE_HZ, output="sos"), noise(3000, 2)) * 1e-3).astype(np.float32)
    np.testing.assert_allclose(strip.process(quiet)[:, late:], quiet[:, :-late], atol=1e-7)
    # The flat tops of the bent waveform ring a little once what is above half the rate is gone.
    assert np.abs(strip.process(noise(1000, 2) * np.float32(100))).max() <= 0.25 * 2


def test_the_order_of_all_stages() -> None:
    """Each stage is heard where it stands: the same chain by hand, and no other order of it."""
    strip = Strip(
        gate=Gate(threshold_db=-25, range_db=30),
        low_cut=LowCut(freq_hz=150, slope_db_per_octave=24),
        high_cut=HighCut(freq_hz=9000),
        eq=FULL_EQ,
        compressor=FULL.compressor,
        deesser=DeEsser(threshold_db=-45, range_db=12),
        saturation=Saturation(drive=3, level_match=0.5),
    )
    stages = [
        GateProcessor(strip.gate, RATE_HZ),
        CutProcessor(strip.low_cut, strip.high_cut, 2, RATE_HZ),
        StripProcessor(Strip(eq=FULL_EQ), 2, RATE_HZ),
        CompressorProcessor(strip.compressor, 2, RATE_HZ),
        DeEsserProcessor(strip.deesser, 2, RATE_HZ),
        SaturationProcessor(strip.saturation, 2, RATE_HZ),
    ]
    audio = noise(20_000, 2) * np.exp(-(np.arange(20_000) % 5000) / 900).astype(np.float32)

    def chained(processors: list[Any]) -> NDArray[np.float32]:
        block = audio
        for processor in processors:
            block = processor.process(block)
        return block

    got = StripProcessor(strip, 2, RATE_HZ).process(audio)
    assert null_db(got, chained(stages)) < -75


def test_a_neutral_strip_passes_stereo_bit_for_bit() -> None:
    audio = noise(5000, 2)
    np.testing.assert_array_equal(StripProcessor(Strip(), 2, RATE_HZ).process(audio), audio)
    np.testing.assert_array_equal(MasterProcessor(Master(), RATE_HZ).process(audio), audio)


def test_a_neutral_strip_puts_mono_in_the_centre() -> None:
    audio = noise(5000)
    want = np.repeat(audio * np.float32(math.sqrt(0.5)), 2, axis=0)
    np.testing.assert_allclose(StripProcessor(Strip(), 1, RATE_HZ).process(audio), want, rtol=1e-6)


def test_pan_of_mono_keeps_power() -> None:
    assert pan_gains(-1, 1) == pytest.approx((1, 0))
    assert pan_gains(0, 1) == pytest.approx((math.sqrt(0.5), math.sqrt(0.5)))
    assert pan_gains(1, 1) == pytest.approx((0, 1), abs=1e-12)
    for pan in np.linspace(-1, 1, 21):
        assert math.hypot(*pan_gains(pan, 1)) == pytest.approx(1)


def test_balance_of_stereo_only_turns_down() -> None:
    assert pan_gains(0, 2) == (1, 1)
    assert pan_gains(-1, 2) == pytest.approx((1, 0), abs=1e-12)
    assert pan_gains(1, 2) == pytest.approx((0, 1), abs=1e-12)
    left, right = pan_gains(0.5, 2)
    assert right == 1
    assert left == pytest.approx(math.sqrt(0.5))


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize(("size", "tolerance"), [(1, 1e-5), (64, 1e-5), (512, 0), (1000, 0), (8193, 0)])
def test_block_size_does_not_matter(channels: int, size: int, tolerance: float) -> None:
    audio = noise(20_000, channels)
    whole = StripProcessor(FULL, channels, RATE_HZ).process(audio)
    blocks = in_blocks(StripProcessor(FULL, channels, RATE_HZ), audio, size)
    np.testing.assert_allclose(blocks, whole, rtol=0, atol=tolerance)


def test_ten_threads_make_identical_audio() -> None:
    audio = noise(100_000, 2)

    def render(_: int) -> NDArray[np.float32]:
        return in_blocks(StripProcessor(FULL, 2, RATE_HZ), audio, 4096)

    with ThreadPoolExecutor(10) as pool:
        renders = list(pool.map(render, range(10)))
    for other in renders[1:]:
        np.testing.assert_array_equal(other, renders[0])


def test_send_gain() -> None:
    assert StripProcessor(Strip(), 1, RATE_HZ).sends == (0, 0, 0)
    assert StripProcessor(Strip(fx_send_db=-6), 1, RATE_HZ).sends == pytest.approx((10**-0.3, 0, 0))


@pytest.mark.parametrize("rate_hz", [8000, 22050, 192000])
@pytest.mark.parametrize("frames", [0, 1, 3])
@pytest.mark.parametrize("channels", [1, 2])
def test_hardly_any_samples(rate_hz: int, frames: int, channels: int) -> None:
    out = StripProcessor(FULL, channels, rate_hz).process(noise(frames, channels))
    assert out.shape == (2, frames)
    assert np.isfinite(out).all()


def test_extreme_settings_stay_finite() -> None:
    extreme = EqBand(gain_db=24, freq_hz=20, q=10)
    strip = Strip(
        input_gain_db=96,
        eq=Equalizer(**dict.fromkeys(EQ_BANDS, extreme)),
        compressor=Compressor(threshold_db=-120, ratio=20, attack_ms=0.1, release_ms=5000, knee_db=24, makeup_db=24),
        saturation=Saturation(drive=100),
        fader_db=60,
    )
    assert np.isfinite(StripProcessor(strip, 2, RATE_HZ).process(noise(50_000, 2))).all()
