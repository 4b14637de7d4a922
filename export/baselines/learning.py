"""Training of the U-Net on pairs in memory: crops, one loss on the sound, early stopping on pairs held out.

Crops are drawn by the number of the step alone, so that a training is the same whenever it is repeated.
"""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from ...presets.errors import AudioError
from ...presets.units import gain_factor
from ...runtime.audio.loudness import integrated_loudness
from ...runtime.audio.reading import Samples, as_stereo
from .unet import UNetSizes, WaveformUNet

Say = Callable[[str], None]
RawAndMixed = tuple[Samples, Samples]

_LEVEL_LUFS = -23.0
_SIZES = (512, 2048, 8192)
_FLOOR = 1e-5
_LEAST_PAIRS = 2
_LONGEST_GRADIENT = 1.0


@dataclass(frozen=True)
class UNetTraining:
    """How a U-Net is trained.

    Attributes:
        sizes: of the network.
        crop_s: length of a crop.
        batch_size: crops in a step.
        learning_rate: of Adam, falling to a tenth.
        most_s: processor time after which it ends, whatever it has learned.
        most_steps: likewise, steps.
        check_every: steps from one look at held-out pairs to the next.
        patience: looks without a better one after which it ends.
        held_out: share of the pairs that early stopping looks at.
        seed: of all that is drawn.
    """

    sizes: UNetSizes = field(default_factory=UNetSizes)
    crop_s: float = 2.0
    batch_size: int = 4
    learning_rate: float = 1e-3
    most_s: float = 600.0
    most_steps: int = 20_000
    check_every: int = 100
    patience: int = 8
    held_out: float = 0.15
    seed: int = 0


@dataclass(frozen=True)
class TrainedUNet:
    """A network that was trained, and what it took.

    Attributes:
        network: with the best weights.
        steps: that were made.
        cpu_s: time of the processor.
        is_out_of_time: whether the time ended it, while it was still learning.
    """

    network: WaveformUNet
    steps: int
    cpu_s: float
    is_out_of_time: bool

    @property
    def weight_bytes(self) -> int:
        """Gives the size of the weights in single precision."""
        return 4 * sum(parameter.numel() for parameter in self.network.parameters())

    def render(self, raw: Samples, sample_rate_hz: int) -> Samples:
        """Mixes a raw track, shape (1 or 2, n), to shape (2, n)."""
        levelled, _ = _levelled(raw, sample_rate_hz)
        with torch.no_grad():
            mixed: Samples = self.network(torch.from_numpy(levelled)[None, None])[0].numpy()
        return mixed


def train_unet(pairs: Sequence[RawAndMixed], sample_rate_hz: int, how: UNetTraining, say: Say) -> TrainedUNet:
    """Trains a network from nothing.

    Args:
        pairs: raw and mixed recordings on one time, shape (channels, samples).
        sample_rate_hz: of all.
        how: it is trained.
        say: told how it goes.

    Raises:
        AudioError: there are fewer than two pairs.
    """
    if len(pairs) < _LEAST_PAIRS:
        raise AudioError(f"a U-Net needs {_LEAST_PAIRS} pairs and more: give {len(pairs)} others.")
    torch.manual_seed(how.seed)
    network = WaveformUNet(how.sizes)
    raws = [torch.from_numpy(_levelled(raw, sample_rate_hz)[0]) for raw, _ in pairs]
    mixes = [torch.from_numpy(np.ascontiguousarray(as_stereo(mixed))) for _, mixed in pairs]
    held = min(max(1, round(how.held_out * len(pairs))), len(pairs) - 1)
    adam = torch.optim.Adam(network.parameters(), lr=how.learning_rate)
    best, best_loss, without, began_s = copy.deepcopy(network.state_dict()), float("inf"), 0, time.process_time()
    step, is_out_of_time = 0, False
    while step < how.most_steps and without < how.patience and not is_out_of_time:
        loss = _loss(network, *_crops(raws[held:], mixes[held:], sample_rate_hz, how, step))
        adam.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(network.parameters(), _LONGEST_GRADIENT)
        adam.step()
        step += 1
        is_out_of_time = time.process_time() - began_s > how.most_s
        if step % how.check_every and step < how.most_steps and not is_out_of_time:
            continue
        with torch.no_grad():
            looks = [_loss(network, raws[at][None, None], mixes[at][None]) for at in range(held)]
        look = float(torch.stack(looks).mean())
        without = 0 if look < best_loss else without + 1
        if look < best_loss:
            best, best_loss = copy.deepcopy(network.state_dict()), look
        say(f"U-Net: step {step}, held-out loss {look:.4f}, best {best_loss:.4f}")
    network.load_state_dict(best)
    return TrainedUNet(network.eval(), step, time.process_time() - began_s, is_out_of_time)


def _levelled(raw: Samples, sample_rate_hz: int) -> tuple[Samples, float]:
    """The middle of a raw recording at the level that networks hear, and its gain."""
    middle = raw.mean(axis=0)
    lufs = integrated_loudness(middle[None], sample_rate_hz)
    gain = gain_factor(_LEVEL_LUFS - lufs) if np.isfinite(lufs) else 1.0
    levelled: Samples = np.ascontiguousarray(middle * np.float32(gain))
    return levelled, gain


def _crops(
    raws: Sequence[Tensor], mixes: Sequence[Tensor], sample_rate_hz: int, how: UNetTraining, step: int
) -> tuple[Tensor, Tensor]:
    numbers = np.random.default_rng([how.seed, step])
    size = min(round(how.crop_s * sample_rate_hz), *(len(raw) for raw in raws))
    chosen, wanted = [], []
    for at in numbers.integers(len(raws), size=how.batch_size):
        begin = int(numbers.integers(len(raws[at]) - size + 1))
        chosen.append(raws[at][None, begin : begin + size])
        wanted.append(mixes[at][:, begin : begin + size])
    return torch.stack(chosen), torch.stack(wanted)


def _loss(network: WaveformUNet, raw: Tensor, mixed: Tensor) -> Tensor:
    """The distance of spectra at three window lengths, as recovering measures it: logarithms and shape."""
    made = network(raw)
    total = torch.zeros(())
    for size in _SIZES:
        there, meant = _magnitudes(made, size), _magnitudes(mixed, size)
        floor = 1e-3 * meant.amax(dim=(-1, -2), keepdim=True) + _FLOOR
        logs = (torch.log(there + floor) - torch.log(meant + floor)).abs().mean()
        norms = torch.linalg.vector_norm(meant, dim=(-1, -2)).clamp(min=_FLOOR)
        total = total + logs + (torch.linalg.vector_norm(there - meant, dim=(-1, -2)) / norms).mean()
    return total / len(_SIZES)


def _magnitudes(audio: Tensor, size: int) -> Tensor:
    """Magnitudes of left and right, shape (batch, 2, bins, frames)."""
    window = torch.hann_window(size)
    spectrum = torch.stft(audio.flatten(0, 1), size, size // 2, window=window, center=True, return_complex=True)
    power = torch.view_as_real(spectrum).square().sum(-1) + 1e-12
    return power.sqrt().reshape(*audio.shape[:2], *power.shape[1:])
