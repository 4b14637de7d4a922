"""The console on band powers against the runtime's: the law that is trained is the law that is heard."""

import numpy as np
import pytest
import torch
from mixbridge.export.compact.band_console import (
    SessionBatch,
    balance_gain_db,
    compressor_gain_db,
    eq_curve_db,
    loudness_lufs,
    mix,
)
from mixbridge.export.compact.bands import SAMPLE_RATE_HZ, BandPowers, BandPowerTransform, band_centres_hz
from mixbridge.export.compact.layout import compact_layout, random_settings, to_unit_values, to_units
from mixbridge.presets.console import Compressor, Master, Strip, parameters, replace
from mixbridge.presets.preset import Preset, Track
from mixbridge.runtime.audio.loudness import integrated_loudness
from mixbridge.runtime.console.response import compressor_curve_db, eq_response_db
from mixbridge.runtime.model.layout import balance_gain_db as balance_of
from mixbridge.runtime.model.layout import denormalize
from mixbridge.runtime.rendering.in_memory import render_arrays

Settings = dict[str, torch.Tensor]


def _drawn(tracks: int, seed: int) -> tuple[Settings, Settings]:
    mono = torch.ones(1, tracks, dtype=torch.bool)
    return random_settings(torch.zeros_like(mono), mono, torch.Generator().manual_seed(seed))


def _strip(settings: Settings, track: int) -> Strip:
    table = parameters(Strip)
    return replace(Strip(), {path: float(value[0, track]) for path, value in settings.items() if path in table})


def _master(settings: Settings) -> Master:
    table = parameters(Master)
    return replace(Master(), {path: float(value[0]) for path, value in settings.items() if path in table})


def _noise(tracks: int, seconds: float = 4.0) -> np.ndarray:
    """Noise of different colour per track, at about -24 LUFS."""
    numbers = np.random.default_rng(3)
    spectrum = np.fft.rfft(numbers.standard_normal((tracks, int(seconds * SAMPLE_RATE_HZ))))
    freq_hz = np.linspace(20, SAMPLE_RATE_HZ / 2, spectrum.shape[1])
    centres_hz = 200 * 3.0 ** np.arange(tracks)[:, None]
    spectrum *= np.exp(-0.5 * (np.log(freq_hz / centres_hz) / 1.2) ** 2)
    audio = np.fft.irfft(spectrum)
    levels = [integrated_loudness(row[None].astype(np.float32), SAMPLE_RATE_HZ) for row in audio]
    return np.stack([row * 10 ** ((-24 - level) / 20) for row, level in zip(audio, levels, strict=True)]).astype(
        np.float32
    )


def _powers(audio: np.ndarray) -> BandPowers:
    stereo = np.repeat(audio[:, None], 2, axis=1) if audio.ndim == 2 else audio
    powers: BandPowers = BandPowerTransform()(torch.from_numpy(np.ascontiguousarray(stereo)))
    return powers


def test_eq_curve_is_that_of_the_runtime() -> None:
    strips, _ = _drawn(8, seed=1)
    curves = eq_curve_db(strips)[0]
    for track in range(8):
        expected = eq_response_db(_strip(strips, track).eq, band_centres_hz().numpy(), SAMPLE_RATE_HZ)
        assert np.abs(curves[track].numpy() - expected).max() < 0.001


def test_compressor_bends_as_the_runtimes_does() -> None:
    compressor = Compressor(threshold_db=-20, ratio=4, knee_db=6, attack_ms=10, release_ms=100)
    settings = {
        f"compressor.{name}": torch.tensor([float(getattr(compressor, name))])
        for name in ("threshold_db", "ratio", "attack_ms", "release_ms", "knee_db")
    }
    steps = torch.linspace(-50, 0, 40)
    # A level that only rises: the envelope is the level itself, plus the detector's offset.
    gain = compressor_gain_db(steps[None], settings)[0].numpy()
    offsets = [
        shift
        for shift in np.linspace(-10, 10, 201)
        if np.abs(compressor_curve_db(compressor, steps.numpy() + shift) - (steps.numpy() + shift) - gain).max() < 0.1
    ]
    assert offsets, "no offset of the detector makes the curves agree"


def test_mix_has_the_spectrum_of_the_rendered_mix() -> None:
    audio = _noise(3)
    powers = _powers(audio)
    session = SessionBatch(powers, torch.ones(1, 3, dtype=torch.bool), torch.ones(1, 3, dtype=torch.bool))
    errors = []
    for seed in range(4):
        strips, master = _drawn(3, seed)
        strips = {**strips, "pan": torch.tensor([[-0.8, 0.1, 0.6]])}
        proxy = mix(session, strips, master)
        balanced = replace(_master(master), {"input_gain_db": balance_of(strips["fader_db"][0].tolist())})
        preset = Preset(tracks=tuple(Track(name=str(t), strip=_strip(strips, t)) for t in range(3)), master=balanced)
        rendered = render_arrays({str(t): audio[t : t + 1] for t in range(3)}, SAMPLE_RATE_HZ, preset).mix
        truth = _powers(rendered[None])
        for channel in ("left", "right"):
            a = 10 * np.log10(getattr(proxy, channel)[0].mean(-1).numpy() + 1e-12)
            b = 10 * np.log10(getattr(truth, channel)[0].mean(-1).numpy() + 1e-12)
            heard = b > b.max() - 40
            errors.append(np.abs(a - b)[heard].mean())
    assert np.mean(errors) < 1.0
    assert np.max(errors) < 2.5


def test_loudness_is_that_of_the_meter() -> None:
    audio = _noise(3)
    loudness = loudness_lufs(_powers(audio)) - 10 * np.log10(2)
    for track in range(3):
        assert float(loudness[track]) == pytest.approx(
            integrated_loudness(audio[track : track + 1], SAMPLE_RATE_HZ), abs=0.4
        )


def test_sessions_of_a_batch_are_mixed_apart() -> None:
    powers = _powers(_noise(3))
    strips, master = _drawn(2, seed=2)
    pair = {path: torch.cat((value, value.flip(1))) for path, value in strips.items()}
    masters = {path: value.repeat(2) for path, value in master.items()}
    present = torch.tensor([[True, True], [False, True]])
    both = mix(SessionBatch(powers, torch.ones_like(present), present), pair, masters)
    first = BandPowers(powers.left[:2], powers.right[:2], powers.cross[:2])
    alone = mix(SessionBatch(first, present[:1], present[:1]), strips, master)
    assert torch.allclose(both.left[:1], alone.left, rtol=1e-5)
    last = BandPowers(powers.left[2:], powers.right[2:], powers.cross[2:])
    one = {path: value[:, :1] for path, value in strips.items()}
    single = mix(SessionBatch(last, present[:1, :1], present[:1, :1]), one, master)
    assert torch.allclose(both.right[1:], single.right, rtol=1e-5)


def test_every_setting_gets_a_gradient() -> None:
    powers = _powers(_noise(2))
    mono = torch.ones(1, 2, dtype=torch.bool)
    session = SessionBatch(powers, mono, mono)
    layout = compact_layout()
    strips = torch.full((1, 2, len(layout.track)), 0.6, requires_grad=True)
    master = torch.full((1, len(layout.master)), 0.6, requires_grad=True)
    mixed = mix(session, to_units(layout.track, strips), to_units(layout.master, master))
    torch.log(mixed.left + 2 * mixed.right + 1e-9).sum().backward()
    for gradient in (strips.grad, master.grad):
        assert gradient is not None
        assert torch.isfinite(gradient).all()
        assert (gradient != 0).any(0).all()


def test_a_common_fader_offset_means_nothing() -> None:
    faders, present = torch.tensor([[0.0, -6.0, 3.0]]), torch.ones(1, 3, dtype=torch.bool)
    assert torch.allclose(balance_gain_db(faders + 5, present), balance_gain_db(faders, present) - 5)
    assert float(balance_gain_db(faders, present)) == pytest.approx(balance_of(faders[0].tolist()), abs=1e-4)


def test_settings_stay_in_the_layout_and_come_back() -> None:
    layout = compact_layout()
    strips, master = _drawn(6, seed=4)
    for outputs, settings, section in ((layout.track, strips, Strip), (layout.master, master, Master)):
        unit = to_unit_values(outputs, settings)
        assert float(unit.min()) >= 0
        assert float(unit.max()) <= 1
        row = unit.reshape(-1, len(outputs))[0]
        for path, value in denormalize(outputs, row.tolist(), section).items():
            assert value == pytest.approx(float(settings[path].flatten()[0]), rel=1e-4, abs=1e-4)
