"""Gradients of the twin against finite differences, in double precision."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from mixbridge.export.twin.console import TwinBuses, TwinTrack, console_sound
from mixbridge.export.twin.kernels.motion import moved
from mixbridge.export.twin.match import match_curved
from mixbridge.export.twin.proof import drawn_settings
from mixbridge.export.twin.reverb import fx_reverberated, reverberated
from mixbridge.export.twin.settings import fx_tensors, tensors, without
from mixbridge.export.twin.strip import strip_sound
from mixbridge.presets.console import Compressor, Delay, FxBus, Master, Reverb, Strip, replace
from mixbridge.presets.parts.match import MatchCurve
from torch import Tensor

Loss = Callable[[dict[str, Tensor]], Tensor]
RATE_HZ = 8000
# Settings that decide or are rounded: they have no finite difference.
DECIDES = ("slope_db_per_octave", "hold_ms", "hysteresis_db")
ROUNDED = ("lookahead_ms", "pre_delay_ms", "time_ms")
BUSY = replace(
    Strip(),
    {
        "input_gain_db": 2.0,
        "gate.threshold_db": -14.0,
        "gate.range_db": 10.0,
        "gate.ratio": 2.0,
        "gate.hold_ms": 0.0,
        "gate.hysteresis_db": 0.5,
        "low_cut.freq_hz": 120.0,
        "low_cut.slope_db_per_octave": 24.0,
        "high_cut.freq_hz": 2500.0,
        "eq.low_shelf.gain_db": 3.0,
        "eq.band0.gain_db": -4.0,
        "eq.band1.gain_db": 2.0,
        "eq.band2.gain_db": 1.0,
        "eq.band2.freq_hz": 2000.0,
        "eq.band3.gain_db": -2.0,
        "eq.band3.freq_hz": 3000.0,
        "eq.high_shelf.gain_db": 2.5,
        "eq.high_shelf.freq_hz": 2800.0,
        "compressor.threshold_db": -24.0,
        "compressor.ratio": 3.0,
        "compressor.attack_ms": 8.0,
        "compressor.release_ms": 40.0,
        "compressor.makeup_db": 2.0,
        "deesser.freq_hz": 2200.0,
        "deesser.threshold_db": -30.0,
        "deesser.range_db": 9.0,
        "saturation.drive": 2.0,
        "saturation.tone": 0.4,
        "saturation.mix": 0.7,
        "saturation.level_match": 0.6,
        "fader_db": -2.0,
        "pan": 0.3,
        "reverb_send_db": -10.0,
        "delay_send_db": -12.0,
        "fx_send_db": -14.0,
    },
)


def tone_bursts(frames: int, channels: int) -> Tensor:
    rng = np.random.default_rng(3)
    envelope = 0.05 + 0.6 * np.abs(np.sin(np.arange(frames) / 130))
    return torch.from_numpy(rng.standard_normal((1, channels, frames)) * envelope * 0.5)


def checked(settings: dict[str, Tensor], loss: Loss, tolerance: float = 1e-4) -> set[str]:
    """Compares every gradient with the central difference; returns the settings that had one worth speaking of."""
    held = {path: value.clone().requires_grad_() for path, value in settings.items()}
    loss(held).backward()
    slopes = {path: float(value.grad.sum()) if value.grad is not None else 0.0 for path, value in held.items()}
    scale = max(map(abs, slopes.values()))
    heard = set()
    for path, value in settings.items():
        if path.endswith((*DECIDES, *ROUNDED)):
            continue
        step = 1e-5 * max(1.0, float(value.abs().max()))
        higher, lower = (float(loss({**settings, path: value + sign * step})) for sign in (1, -1))
        difference = (higher - lower) / (2 * step)
        assert slopes[path] == pytest.approx(difference, rel=tolerance, abs=1e-7 * scale), path
        if abs(difference) > 1e-9 * scale:
            heard.add(path)
    return heard


def weighted(audio: Tensor) -> Tensor:
    """A loss that sees every sample."""
    weights = torch.from_numpy(np.random.default_rng(1).standard_normal(audio.shape))
    return (audio * weights).sum() + audio.square().sum()


@pytest.mark.parametrize("channels", [1, 2])
def test_every_setting_of_a_strip(channels: int) -> None:
    audio = tone_bursts(1500, channels)
    heard = checked(tensors([BUSY]), lambda s: weighted(strip_sound(audio, s, RATE_HZ).audio))
    silent = {path for path in tensors([BUSY]) if path not in heard}
    assert all(path.endswith((*DECIDES, *ROUNDED, "_send_db")) for path in silent), silent


def test_the_audio_itself() -> None:
    settings = tensors([replace(BUSY, {"compressor.lookahead_ms": 1.0})])
    audio = tone_bursts(160, 2).requires_grad_()
    assert torch.autograd.gradcheck(lambda x: strip_sound(x, settings, RATE_HZ).audio, audio, atol=1e-5)


def test_through_the_whole_console_to_sends_effects_and_master() -> None:
    audio = tone_bursts(1200, 1)
    parts: dict[str, Any] = {
        "strip": tensors([BUSY]),
        "delay": tensors([replace(Delay(time_ms=12, ping_pong=0.4, reverb_send_db=-12), ducking(-30, 8))]),
        "master": without(
            tensors([Master(input_gain_db=1, compressor=Compressor(ratio=2, threshold_db=-20))]), ["match"]
        ),
    }
    reverb, fx_bus = tensors([Reverb(decay_low_s=0.2, decay_mid_s=0.2, decay_high_s=0.15)]), fx_tensors([FxBus()])

    def loss(settings: dict[str, Tensor]) -> Tensor:
        delay, master, strip = (
            {path.removeprefix(f"{name}/"): value for path, value in settings.items() if path.startswith(f"{name}/")}
            for name in ("delay", "master", "strip")
        )
        routing = TwinBuses(reverb=reverb, reverb_seeds=[1], fx_bus=fx_bus, fx_seeds=[1], delay=delay, master=master)
        return weighted(console_sound([TwinTrack(audio, strip)], routing, RATE_HZ))

    everything = {f"{name}/{path}": value for name, part in parts.items() for path, value in part.items()}
    chosen = [path for path in everything if path.startswith(("delay/", "master/")) or path.endswith("send_db")]
    fixed = {path: value for path, value in everything.items() if path not in chosen}
    checked({path: everything[path] for path in chosen}, lambda s: loss({**fixed, **s}))


@pytest.mark.parametrize("linear_phase", [0.0, 0.3])
def test_the_match_curve(linear_phase: float) -> None:
    audio = tone_bursts(2000, 2)
    drawn = drawn_settings(MatchCurve, np.random.default_rng(4))
    settings = tensors([replace(MatchCurve(), {**drawn, "linear_phase": linear_phase})])
    # At 0 the phase turns to another answer, of another length.
    chosen = {path: value for path, value in settings.items() if linear_phase or path != "linear_phase"}
    rate_hz = 48_000
    heard = checked(chosen, lambda s: weighted(match_curved(audio, {**settings, **s}, rate_hz)))
    assert heard == set(chosen)


def test_a_flat_match_curve_leaves_the_audio_and_can_learn() -> None:
    audio = tone_bursts(500, 2)
    settings = tensors([MatchCurve()])
    assert match_curved(audio, settings, RATE_HZ) is audio
    held = {path: value.requires_grad_() for path, value in settings.items()}
    sound = match_curved(audio, held, RATE_HZ)
    torch.testing.assert_close(sound, audio)
    sound.square().sum().backward()
    gradient = held["tone.hz_1000_db"].grad
    assert gradient is not None
    assert float(gradient) > 0


def ducking(threshold_db: float, range_db: float) -> dict[str, float]:
    return {"ducking.threshold_db": threshold_db, "ducking.range_db": range_db}


@pytest.mark.parametrize("rate_hz", [8_000, 48_000, 96_000])
def test_the_reverb(rate_hz: int) -> None:
    sends = tone_bursts(round(0.3 * rate_hz), 2)
    exact = ("width", "return_gain_db", "low_cut_hz", "high_cut_hz", "ducking.threshold_db", "ducking.range_db")
    heard = set()
    # Ducking within its range, and at its range.
    for duck in (ducking(-30, 20), ducking(-40, 6)):
        reverb = tensors([replace(Reverb(decay_low_s=0.6, decay_mid_s=0.5, decay_high_s=0.3), duck)])
        fixed = {path: value for path, value in reverb.items() if path not in exact}

        def loss(settings: dict[str, Tensor], fixed: dict[str, Tensor] = fixed) -> Tensor:
            return weighted(reverberated(sends, {**fixed, **settings}, [1], rate_hz))

        heard |= checked({path: reverb[path] for path in exact}, loss)
    assert heard == set(exact)


@pytest.mark.parametrize("path", ["decay_low_s", "decay_mid_s", "decay_high_s", "damping_hz"])
def test_decays_have_the_slope_that_a_step_of_a_fifth_shows(path: str) -> None:
    """Energy, over many samples and a wide step: what the correction adds to single samples is no slope."""
    sends = torch.zeros(1, 2, RATE_HZ, dtype=torch.float64)
    sends[..., 0] = 1
    late = torch.linspace(0, 1, RATE_HZ, dtype=torch.float64)
    reverb = tensors([Reverb(decay_low_s=0.8, decay_mid_s=0.8, decay_high_s=0.5, damping_hz=2500, low_cut_hz=20)])

    def loss(value: Tensor) -> Tensor:
        return (reverberated(sends, {**reverb, path: value}, [1], 8_000).square() * late).sum()

    value = reverb[path].clone().requires_grad_()
    loss(value).backward()
    step = 0.1 * reverb[path]
    difference = (loss(reverb[path] + step) - loss(reverb[path] - step)) / (2 * step)
    assert value.grad is not None
    assert float(value.grad) == pytest.approx(float(difference), rel=0.2)


def test_the_fx_bus() -> None:
    sends = tone_bursts(1600, 2)
    # The longest band that is heard is how long the noise is, and longer noise is another noise.
    is_longest = torch.arange(12) == 5

    def loss(settings: dict[str, Tensor]) -> Tensor:
        decays = torch.where(is_longest, 2.0, settings["bands.decay_s"])
        gains = torch.where(is_longest, 0.0, settings["bands.gain_db"] - 3)
        bands = {"bands.decay_s": decays, "bands.gain_db": gains}
        return weighted(fx_reverberated(sends, {**settings, **bands}, [1], RATE_HZ))

    settings = fx_tensors([FxBus()])
    assert checked(settings, loss) == set(settings)


def test_times_in_samples_have_the_slope_between_the_neighbouring_samples() -> None:
    waves, weights = tone_bursts(300, 2), tone_bursts(300, 2).flip(-1)
    later = torch.tensor([17.0], dtype=torch.float64, requires_grad=True)
    (moved(waves, later) * weights).sum().backward()
    higher, lower = ((moved(waves, torch.tensor([step])) * weights).sum() for step in (18.0, 16.0))
    assert later.grad is not None
    assert float(later.grad) == pytest.approx(float(higher - lower) / 2)


@pytest.mark.parametrize(
    ("path", "part"), [("compressor.lookahead_ms", "strip"), ("time_ms", "delay"), ("pre_delay_ms", "reverb")]
)
def test_rounded_times_lead_to_where_the_audio_is(path: str, part: str) -> None:
    """A few steps of descent on the distance to a render find a time that is some samples off."""
    from mixbridge.export.twin.echoes import echoed

    rate_hz = 8000
    sends = torch.from_numpy(np.cumsum(np.random.default_rng(0).standard_normal((1, 2, 4000)), axis=-1) * 0.02)
    sends = sends - sends.mean(-1, keepdim=True)
    settings = {
        "strip": tensors([replace(BUSY, {"saturation.drive": 0.0, "gate.range_db": 0.0})]),
        "delay": tensors([Delay(time_ms=20, feedback=0.0)]),
        "reverb": tensors([Reverb(pre_delay_ms=20, decay_low_s=0.3, decay_mid_s=0.3, decay_high_s=0.2)]),
    }[part]

    def sound(time_ms: Tensor) -> Tensor:
        own = {**settings, path: time_ms}
        if part == "strip":
            return strip_sound(sends, own, rate_hz).audio
        return echoed(sends, own, rate_hz) if part == "delay" else reverberated(sends, own, [1], rate_hz)

    true_ms = 20.0
    wanted = sound(torch.tensor([true_ms], dtype=torch.float64)).detach()
    for start_ms, sign in ((true_ms + 0.25, 1), (true_ms - 0.25, -1)):
        time_ms = torch.tensor([start_ms], dtype=torch.float64, requires_grad=True)
        (sound(time_ms) - wanted).square().sum().backward()
        assert time_ms.grad is not None
        assert float(time_ms.grad) * sign > 0
