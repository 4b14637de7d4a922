"""The reference's console, against golden mixes, and by what its stages must do."""

import numpy as np
import pytest
import torch
from mixbridge.export.reference.console import (
    MASTER_STAGES,
    TRACK_STAGES,
    ReferenceCompressor,
    ReferenceConsole,
    denormalize_tensor,
    equalize,
)
from mixbridge.runtime.model.layout import Output, reference_layout

# Nothing but gains and pan.
FADERS = ReferenceConsole(track_stages=(), master_stages=())


@pytest.fixture(scope="module")
def golden(golden_dir):
    with np.load(golden_dir / "console.npz") as data:
        return {name: torch.from_numpy(data[name]) for name in data}


def _error(mix: torch.Tensor, golden_mix: torch.Tensor) -> float:
    """Largest difference, relative to the golden mix's peak."""
    return ((mix - golden_mix).abs().max() / golden_mix.abs().max()).item()


def _unit_params(outputs: tuple[Output, ...], **values: float) -> torch.Tensor:
    """0..1 outputs that are neutral, or hold these values (in units; a path's dots are written __)."""
    neutral = {"compressor.ratio": 1.0} | {path.replace("__", "."): value for path, value in values.items()}
    middle = {"eq.low_shelf.freq_hz", "eq.high_shelf.freq_hz", "compressor.attack_ms"}
    units = []
    for output in outputs:
        in_middle = output.path in middle or output.path.endswith((".freq_hz", ".q"))
        default = (output.low + output.high) / 2 if in_middle else min(max(0.0, output.low), output.high)
        units.append((neutral.get(output.path, default) - output.low) / (output.high - output.low))
    return torch.tensor(units)


@pytest.mark.parametrize("head", ["track", "master"])
def test_denormalised_settings_are_the_references(golden, head):
    layout = reference_layout()
    outputs, params = (
        (layout.track, golden["track_params"]) if head == "track" else (layout.master, golden["master_bus_params"])
    )
    settings = denormalize_tensor(outputs, params)
    names = [name for name in golden if name.startswith(f"denorm/{head}.")]
    assert len(names) == len(outputs)
    for output, name in zip(outputs, names, strict=True):
        value = (settings[output.path] + 1) / 2 if output.path == "pan" else settings[output.path]
        torch.testing.assert_close(value, golden[name], rtol=1e-6, atol=1e-6, msg=f"{output.path} is not {name}")


def test_log_outputs_denormalise_as_the_layout_says():
    output = Output(path="eq.band0.freq_hz", low=20, high=20000, scale="log")
    value = denormalize_tensor([output], torch.tensor([0.25]))[output.path]
    assert value.item() == pytest.approx(output.denormalize(0.25))


def test_equalised_mix_is_the_references(golden):
    console = ReferenceConsole(track_stages=TRACK_STAGES[:1])
    assert _error(console.sum_tracks(golden["tracks"], golden["track_params"]), golden["mix_eq_only"]) < 1e-4


def test_compressed_mix_is_the_references(golden):
    console = ReferenceConsole(track_stages=TRACK_STAGES[1:])
    assert _error(console.sum_tracks(golden["tracks"], golden["track_params"]), golden["mix_comp_only"]) < 1e-4


def test_whole_mix_is_the_references(golden):
    mix = ReferenceConsole().mix(golden["tracks"], golden["track_params"], golden["master_bus_params"])
    # The golden mix was computed in float32, where one step of the master compressor's pole is 1.6e-4 of the mix.
    assert _error(mix, golden["mix_full"]) < 1.5e-4


def test_a_batch_is_its_mixes(golden):
    tracks = torch.stack([golden["tracks"], golden["tracks"].flip(0)])
    track_params = torch.stack([golden["track_params"], 1 - golden["track_params"]])
    master = torch.stack([golden["master_bus_params"], 1 - golden["master_bus_params"]])
    console = ReferenceConsole()
    mixes = console.mix(tracks, track_params, master)
    for batched, *single in zip(mixes, tracks, track_params, master, strict=True):
        torch.testing.assert_close(batched, console.mix(*single), rtol=1e-4, atol=1e-5)


def test_every_setting_that_is_heard_has_a_gradient(golden):
    layout = reference_layout()
    track_params = golden["track_params"].clone().requires_grad_()
    master = golden["master_bus_params"].clone().requires_grad_()
    mix = ReferenceConsole().mix(golden["tracks"], track_params, master)
    mix.square().mean().backward()
    unheard = {"compressor.release_ms", "fx_send_db"}
    for outputs, gradient in ((layout.track, track_params.grad[0]), (layout.master, master.grad)):
        assert gradient.isfinite().all()
        moved = {output.path for output, value in zip(outputs, gradient, strict=True) if value != 0}
        assert moved == {output.path for output in outputs} - unheard


@pytest.mark.parametrize("edge", [0.0, 1.0])
def test_gradients_stay_finite_at_the_ends_of_all_ranges(golden, edge):
    track_params = torch.full((4, 27), edge, requires_grad=True)
    # The master's gains stay in the middle: the sum of +48 dB twice is louder than float32's squares bear.
    master = torch.full((26,), 0.5)
    tracks = torch.cat([golden["tracks"][:3], torch.zeros(1, golden["tracks"].shape[1])])
    ReferenceConsole().mix(tracks, track_params, master).abs().mean().backward()
    assert track_params.grad.isfinite().all()


def test_neutral_equaliser_passes_sound_unchanged(golden):
    outputs = reference_layout().track
    settings = denormalize_tensor(outputs, _unit_params(outputs))
    audio = golden["tracks"][:1]
    torch.testing.assert_close(equalize(audio, settings, 44100), audio, atol=1e-5, rtol=0)


def test_compressor_lets_a_loud_tone_down_by_its_law():
    outputs = reference_layout().track
    params = _unit_params(
        outputs,
        compressor__threshold_db=-20,
        compressor__ratio=4,
        compressor__attack_ms=5,
        compressor__knee_db=3,
    )
    loud = torch.ones(1, 8192)  # 0 dB: 20 dB over the threshold, 5 remain
    squeezed = ReferenceCompressor(lookahead_samples=100)(loud, denormalize_tensor(outputs, params), 44100)
    assert 20 * torch.log10(squeezed[0, -1]).item() == pytest.approx(-15, abs=0.01)
    assert (squeezed[0, :100] == 0).all()
    assert squeezed[0, 100] > 0


def test_one_detector_serves_both_channels():
    outputs = reference_layout().master
    params = _unit_params(outputs, compressor__threshold_db=-40, compressor__ratio=10, compressor__attack_ms=5)
    audio = torch.stack([torch.ones(8192), torch.full((8192,), 0.01)])
    squeezed = ReferenceCompressor(lookahead_samples=0)(audio, denormalize_tensor(outputs, params), 44100)
    torch.testing.assert_close(squeezed[1], 0.01 * squeezed[0])
    assert squeezed[0, -1] < 0.1


@pytest.mark.parametrize(("pan", "left_db", "right_db"), [(-1, 0, -120), (0, -4.515, -4.515), (1, -120, 0)])
def test_pan_law(pan, left_db, right_db):
    layout = reference_layout()
    track, master = _unit_params(layout.track, pan=pan), _unit_params(layout.master)
    mix = FADERS.mix(torch.ones(1, 8), track[None], master)
    levels_db = 20 * torch.log10(mix[:, 0])
    assert levels_db.tolist() == pytest.approx([left_db, right_db], abs=0.01)


def test_gains_of_track_and_master_add_up():
    layout = reference_layout()
    track = _unit_params(layout.track, pan=-1, input_gain_db=6)
    master = _unit_params(layout.master, input_gain_db=-10, output_gain_db=1)
    mix = FADERS.mix(torch.ones(1, 8), track[None], master)
    assert 20 * torch.log10(mix[0, 0]).item() == pytest.approx(-3, abs=1e-4)


def test_the_whole_console_is_late_by_both_lookaheads():
    layout = reference_layout()
    click = torch.zeros(1, 8192)
    click[0, 10] = 1
    mix = ReferenceConsole().mix(click, _unit_params(layout.track)[None], _unit_params(layout.master))
    assert mix.abs().argmax(dim=1).tolist() == [10 + 2048 + 1024] * 2
    assert (TRACK_STAGES[1], MASTER_STAGES[1]) == (ReferenceCompressor(2048), ReferenceCompressor(1024))
