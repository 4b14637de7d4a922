"""A waveform U-Net: raw samples in, mixed samples out, without a setting in between.

Convolutions of stride four down and up with skips, after the pattern of Wave-U-Net (Stoller et al., ISMIR 2018), with a
gated convolution at each level. One channel in, two out; the mixed track is the raw one plus what the network adds.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional


@dataclass(frozen=True)
class UNetSizes:
    """How large a network is.

    Attributes:
        width: channels of the first level; each further one has half as many again.
        levels: how often it goes down.
        kernel: taps of a convolution.
        stride: by which each level is shorter.
    """

    width: int = 24
    levels: int = 5
    kernel: int = 8
    stride: int = 4


class WaveformUNet(nn.Module):
    """The network.

    Args:
        sizes: how large it is.
    """

    def __init__(self, sizes: UNetSizes) -> None:
        super().__init__()
        self.sizes = sizes
        widths = [1, *(round(sizes.width * 1.5**level) for level in range(sizes.levels))]
        pad = (sizes.kernel - sizes.stride) // 2
        self.down = nn.ModuleList(
            nn.Sequential(
                nn.Conv1d(before, after, sizes.kernel, sizes.stride, pad),
                nn.GELU(),
                nn.Conv1d(after, 2 * after, 1),
                nn.GLU(dim=1),
            )
            for before, after in pairwise(widths)
        )
        self.middle = nn.GRU(widths[-1], widths[-1], batch_first=True, bidirectional=True)
        self.joined = nn.Conv1d(2 * widths[-1], widths[-1], 1)
        outs = [2, *widths[1:-1]]
        self.up = nn.ModuleList(
            nn.Sequential(
                nn.Conv1d(width, 2 * width, 3, padding=1),
                nn.GLU(dim=1),
                nn.ConvTranspose1d(width, out, sizes.kernel, sizes.stride, pad),
            )
            for width, out in zip(widths[:0:-1], outs[::-1], strict=True)
        )
        self.straight = nn.Parameter(torch.ones(2))

    @property
    def step(self) -> int:
        """Gives the number of samples that lengths are padded to a multiple of."""
        return int(self.sizes.stride**self.sizes.levels)

    def forward(self, raw: Tensor) -> Tensor:
        """Mixes raw tracks, shape (batch, 1, samples), to shape (batch, 2, samples)."""
        frames = raw.shape[-1]
        audio = functional.pad(raw, (0, -frames % self.step))
        skips, inner = [], audio
        for level in self.down:
            inner = level(inner)
            skips.append(inner)
        remembered, _ = self.middle(inner.transpose(1, 2))
        inner = self.joined(remembered.transpose(1, 2))
        for level in self.up:
            inner = level(inner + skips.pop())
        mixed: Tensor = (inner + self.straight[:, None] * audio)[..., :frames]
        return mixed
