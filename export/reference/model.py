"""The architecture of Diff-MST (Vanka et al., ISMIR 2024), written anew, so that its checkpoints load.

Waveforms in, the 0..1 outputs of its three heads out; what they mean says
:func:`~mixbridge.runtime.model.layout.reference_layout`, and :mod:`.checkpoint` loads weights. Names of
modules are those of the reference's state dict, which is why some are longer than ours would be. The two
encoders and the controller are whole modules on waveforms and embeddings, to be exported one by one.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ...presets.errors import AudioError
from ...runtime.model.layout import REFERENCE_FX_OUTPUTS, reference_layout

FFT_SIZE = 2048
HOP = 512
# The poolings shorten the time axis by 128, and one frame must be left of it.
MIN_SAMPLES = 127 * HOP

_BINS = FFT_SIZE // 2 + 1
_CHANNELS = (64, 128, 256, 512, 1024, 2048)
_POOLING = ((2, 2), (4, 4), (4, 2), (4, 2), (4, 2), (2, 2))  # bins, frames


@dataclass(frozen=True)
class ReferenceConfig:
    """Sizes of the controller; those of the encoders do not vary. The defaults are the published model's.

    Attributes:
        embed_dim: width of the embeddings and of the transformer.
        num_layers: layers of the transformer.
        nhead: attention heads; not to be seen from a checkpoint's shapes.

    Raises:
        ValueError: a size is not positive, or the width not a multiple of the heads.
    """

    embed_dim: int = 512
    num_layers: int = 12
    nhead: int = 8

    def __post_init__(self) -> None:
        if min(self.embed_dim, self.num_layers, self.nhead) < 1 or self.embed_dim % self.nhead:
            raise ValueError(
                f"a transformer of width {self.embed_dim} with {self.num_layers} layers and {self.nhead} "
                "heads cannot be built: all must be at least 1, and the width a multiple of the heads"
            )


class ConsoleOutputs(NamedTuple):
    """Outputs of the heads, 0..1.

    Attributes:
        track_params: shape (..., tracks, 27).
        fx_bus_params: shape (..., 25); never trained.
        master_bus_params: shape (..., 26).
    """

    track_params: Tensor
    fx_bus_params: Tensor
    master_bus_params: Tensor


class ReferenceModel(nn.Module):
    """Tracks and a reference song in, settings of the console out."""

    def __init__(self, config: ReferenceConfig | None = None) -> None:
        super().__init__()
        self.config = config or ReferenceConfig()
        self.track_encoder = SpectrogramEncoder(self.config.embed_dim)
        self.mix_encoder = SpectrogramEncoder(self.config.embed_dim)
        self.controller = ReferenceController(self.config)

    def forward(self, tracks: Tensor, reference: Tensor) -> ConsoleOutputs:
        """Predict settings.

        Args:
            tracks: mono tracks at -48 LUFS, shape (tracks, samples), or (batch, tracks, samples) of as many
                each.
            reference: left and right, shape (2, samples) or (batch, 2, samples); its length may differ.

        Returns:
            The heads' outputs, with a batch axis if the input has one.

        Raises:
            AudioError: shapes do not fit, or there are fewer than 65024 samples.
        """
        batch = _batch_shape(tracks, reference)
        outputs = self.controller(
            self.track_encoder(tracks.flatten(0, -2)).reshape(-1, tracks.shape[-2], self.config.embed_dim),
            self.mix_encoder(reference.flatten(0, -2)).reshape(-1, 2, self.config.embed_dim),
        )
        return ConsoleOutputs(*(head.reshape(*batch, *head.shape[1:]) for head in outputs))


class SpectrogramEncoder(nn.Module):
    """Mono waveforms, shape (n, samples), to embeddings, shape (n, embed_dim)."""

    window: Tensor
    cosines: Tensor
    sines: Tensor

    def __init__(self, embed_dim: int) -> None:
        super().__init__()
        self.register_buffer("window", torch.hann_window(FFT_SIZE))
        cosines, sines = _fourier_basis()
        # A checkpoint does not carry these; from_numpy gives them values even under torch.device("meta").
        self.register_buffer("cosines", torch.from_numpy(cosines), persistent=False)
        self.register_buffer("sines", torch.from_numpy(sines), persistent=False)
        self.model = Cnn14(embed_dim)

    def forward(self, audio: Tensor) -> Tensor:
        """Encode each waveform by itself."""
        compressed = (self._magnitude(audio) + 1e-8) ** 0.3
        embedding: Tensor = self.model(compressed.unsqueeze(1))
        return embedding

    def _magnitude(self, audio: Tensor) -> Tensor:
        """Computes a centred STFT, shape (n, 1025, frames), by two convolutions: ONNX's own has no CUDA kernel."""
        half = FFT_SIZE // 2
        padded = nn.functional.pad(audio.unsqueeze(1), (half, half), mode="reflect")
        real = nn.functional.conv1d(padded, self.cosines * self.window, stride=HOP)
        imaginary = nn.functional.conv1d(padded, self.sines * self.window, stride=HOP)
        return torch.sqrt(real.square() + imaginary.square())


class Cnn14(nn.Module):
    """The convolutional network of PANNs (Kong et al., 2020), here on linear bins."""

    def __init__(self, embed_dim: int) -> None:
        super().__init__()
        inputs = (1, *_CHANNELS)
        for number, (before, after, pool) in enumerate(zip(inputs, _CHANNELS, _POOLING, strict=False), start=1):
            self.add_module(f"conv_block{number}", ConvBlock(before, after, pool))
        self.fc = nn.Linear(_CHANNELS[-1], embed_dim)

    def forward(self, spectrogram: Tensor) -> Tensor:
        """Encodes shape (n, 1, bins, frames) to embeddings, shape (n, embed_dim)."""
        maps = spectrogram
        for number in range(1, len(_CHANNELS) + 1):
            maps = self.get_submodule(f"conv_block{number}")(maps)
        frames = maps.mean(dim=2)
        embedding: Tensor = self.fc(frames.amax(dim=2) + frames.mean(dim=2))
        return embedding


class ConvBlock(nn.Module):
    """Two 3x3 convolutions, each with batch norm and ReLU, then average pooling."""

    def __init__(self, inputs: int, outputs: int, pool: tuple[int, int]) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, padding=1, bias=False)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.pool = pool

    def forward(self, maps: Tensor) -> Tensor:
        """Maps shape (n, inputs, bins, frames) to (n, outputs, fewer bins, fewer frames)."""
        maps = torch.relu(self.bn1(self.conv1(maps)))
        maps = torch.relu(self.bn2(self.conv2(maps)))
        return nn.functional.avg_pool2d(maps, self.pool)


class ReferenceController(nn.Module):
    """A transformer over tracks, left, right, fx bus and master; a head for each but left and right."""

    def __init__(self, config: ReferenceConfig) -> None:
        super().__init__()
        width = config.embed_dim
        layout = reference_layout()
        self.track_embedding = nn.Parameter(torch.randn(1, 1, width))
        self.mix_embedding = nn.Parameter(torch.randn(1, 2, width))
        self.fx_bus_embedding = nn.Parameter(torch.randn(1, 1, width))
        self.master_bus_embedding = nn.Parameter(torch.randn(1, 1, width))
        layer = nn.TransformerEncoderLayer(width, config.nhead, dropout=0.0, batch_first=True)
        self.transformer_encoder = nn.TransformerEncoder(layer, config.num_layers, enable_nested_tensor=False)
        self.track_projection = nn.Linear(width, len(layout.track))
        self.fx_bus_projection = nn.Linear(width, REFERENCE_FX_OUTPUTS)
        self.master_bus_projection = nn.Linear(width, len(layout.master))

    def forward(self, tracks: Tensor, reference: Tensor) -> ConsoleOutputs:
        """Predicts settings from embeddings.

        Args:
            tracks: shape (batch, tracks, embed_dim), in any order.
            reference: of left and right, shape (batch, 2, embed_dim).
        """
        batch, count = tracks.shape[:2]
        tokens = torch.cat(
            [
                tracks + self.track_embedding,
                reference + self.mix_embedding,
                self.fx_bus_embedding.expand(batch, -1, -1),
                self.master_bus_embedding.expand(batch, -1, -1),
            ],
            dim=1,
        )
        tokens = self.transformer_encoder(tokens)
        return ConsoleOutputs(
            torch.sigmoid(self.track_projection(tokens[:, :count])),
            torch.sigmoid(self.fx_bus_projection(tokens[:, -2])),
            torch.sigmoid(self.master_bus_projection(tokens[:, -1])),
        )


@cache
def _fourier_basis() -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Makes cosines and sines of every bin as kernels of shape (1025, 1, 2048)."""
    # The product is taken modulo the period while still an integer: as a float it would have lost the phase.
    steps = np.outer(np.arange(_BINS), np.arange(FFT_SIZE)) % FFT_SIZE
    phase = (2 * np.pi / FFT_SIZE) * steps[:, np.newaxis, :]
    return np.cos(phase).astype(np.float32), np.sin(phase).astype(np.float32)


def _batch_shape(tracks: Tensor, reference: Tensor) -> torch.Size:
    """Gives the leading axes that both have; AudioError where they do not fit."""
    shapes = f"tracks of shape {tuple(tracks.shape)} and a reference of shape {tuple(reference.shape)}"
    if tracks.ndim not in {2, 3} or reference.ndim != tracks.ndim or reference.shape[-2] != 2:
        raise AudioError(f"the model takes tracks (tracks, samples) and a reference (2, samples), but got {shapes}")
    if tracks.shape[:-2] != reference.shape[:-2]:
        raise AudioError(f"each mix of a batch needs its own reference, but got {shapes}")
    if min(tracks.shape[-1], reference.shape[-1]) < MIN_SAMPLES:
        raise AudioError(f"the model hears at least {MIN_SAMPLES} samples, but got {shapes}; pass a longer passage")
    return tracks.shape[:-2]
