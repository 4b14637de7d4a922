"""The transform inside the graphs against a plain FFT, and what the features promise."""

import math

import pytest
import torch
from mixbridge.export.compact.band_cache import analyse_long
from mixbridge.export.compact.bands import (
    FFT_LENGTH,
    FRAME_LENGTH,
    HOP_LENGTH,
    SAMPLE_RATE_HZ,
    BandPowers,
    BandPowerTransform,
    band_centres_hz,
    features,
    relative_rows,
)


@pytest.fixture(scope="module")
def audio() -> torch.Tensor:
    return 0.1 * torch.randn(2, 2, 40_000, generator=torch.Generator().manual_seed(1))


@pytest.fixture(scope="module")
def powers(audio: torch.Tensor) -> BandPowers:
    powers: BandPowers = BandPowerTransform()(audio)
    return powers


def _by_fft(audio: torch.Tensor) -> torch.Tensor:
    """Power per bin and frame, normalised to mean square, frames averaged in pairs."""
    window = torch.hann_window(FFT_LENGTH)
    spectrum = torch.fft.rfft(audio.unfold(-1, FFT_LENGTH, HOP_LENGTH) * window)
    power = spectrum.abs() ** 2 / ((window**2).sum() * FFT_LENGTH / 2)
    pairs = power.shape[-2] // 2 * 2
    return power[..., :pairs, :].unflatten(-2, (-1, 2)).mean(-2)


def _triangles() -> torch.Tensor:
    """64 overlapping triangles, evenly spaced in mel between 20 Hz and 20 kHz, shape (bins, bands)."""
    low, high = (2595 * math.log10(1 + hz / 700) for hz in (20, 20_000))
    edges_hz = 700 * (10 ** (torch.linspace(low, high, 66) / 2595) - 1)
    bins_hz = (torch.arange(FFT_LENGTH // 2 + 1) * SAMPLE_RATE_HZ / FFT_LENGTH)[:, None]
    rise = (bins_hz - edges_hz[:-2]) / (edges_hz[1:-1] - edges_hz[:-2])
    fall = (edges_hz[2:] - bins_hz) / (edges_hz[2:] - edges_hz[1:-1])
    return torch.minimum(rise, fall).clamp(min=0)


def test_bands_hold_the_power_that_an_fft_finds(audio: torch.Tensor, powers: BandPowers) -> None:
    for channel, found in ((0, powers.left), (1, powers.right)):
        expected = (_by_fft(audio[:, channel]) @ _triangles()).transpose(-1, -2)
        assert found.shape == expected.shape
        assert torch.allclose(found, expected, rtol=1e-3, atol=1e-8)


def test_a_tone_lies_in_the_band_of_its_frequency() -> None:
    time = torch.arange(30_000) / SAMPLE_RATE_HZ
    for freq_hz in (100.0, 1000.0, 9000.0):
        tone = torch.sin(2 * math.pi * freq_hz * time).expand(1, 2, -1)
        spectrum = BandPowerTransform()(tone).left.mean(-1)[0]
        nearest = int((band_centres_hz() - freq_hz).abs().argmin())
        assert abs(int(spectrum.argmax()) - nearest) <= 1
        assert float(spectrum.sum()) == pytest.approx(0.5, rel=0.05)


def test_mono_has_no_side(audio: torch.Tensor) -> None:
    mono = audio[:, :1].expand(-1, 2, -1)
    powers = BandPowerTransform()(mono)
    assert torch.equal(powers.left, powers.right)
    assert float(powers.side.max()) < 1e-6 * float(powers.mid.max())


def test_mid_and_side_are_those_of_the_waveform(audio: torch.Tensor, powers: BandPowers) -> None:
    mid = audio.mean(1, keepdim=True).expand(-1, 2, -1)
    side = ((audio[:, :1] - audio[:, 1:]) / 2).expand(-1, 2, -1)
    transform = BandPowerTransform()
    assert torch.allclose(powers.mid, transform(mid).left, rtol=1e-3, atol=1e-9)
    assert torch.allclose(powers.side, transform(side).left, rtol=1e-3, atol=1e-9)


def test_features_do_not_know_the_level(audio: torch.Tensor, powers: BandPowers) -> None:
    quiet = BandPowerTransform()(audio * 0.1)
    assert torch.allclose(features(relative_rows(quiet)), features(relative_rows(powers)), atol=1e-4)


def test_one_channel_is_both(audio: torch.Tensor) -> None:
    transform = BandPowerTransform()
    one, two = transform(audio[:, :1]), transform(audio[:, :1].expand(-1, 2, -1))
    for name in ("left", "right", "cross"):
        assert torch.allclose(getattr(one, name), getattr(two, name), rtol=1e-5, atol=1e-12)


@pytest.mark.parametrize("rest", [0, 2048, 2500, 3071, 3072, 5000])
def test_long_files_in_pieces_are_as_in_one(rest: int) -> None:
    """A last piece that is too short for a frame is left out, as it is at the end of any file."""
    audio = 0.1 * torch.randn(2, 32 * FRAME_LENGTH + HOP_LENGTH + rest, generator=torch.Generator().manual_seed(2))
    whole, pieces = BandPowerTransform()(audio[None]), analyse_long(audio.numpy(), BandPowerTransform())
    frames = pieces.left.shape[-1]
    assert whole.left.shape[-1] - frames in (0, 1)
    assert torch.allclose(pieces.left, whole.left[..., :frames], rtol=1e-4, atol=1e-10)
