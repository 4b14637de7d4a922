"""TorchScript models as inserts, by the conventions of nn~ (RAVE, BRAVE) and without.

RAVE itself is not to be had here: a small model is built as its export does, with `forward_params`, `get_methods`, and
convolutions that keep the end of a block for the next.
"""

from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
import torch
from insert_models import insert_of
from insert_voices import voice
from mixbridge.presets.errors import InsertError
from mixbridge.presets.inserts.insert import Insert
from mixbridge.runtime.audio.reading import Samples
from mixbridge.runtime.inserts.stems import through_inserts
from mixbridge.runtime.inserts.terms import InsertRules
from scipy.signal import lfilter

RATE_HZ = 44_100
KERNEL = np.hanning(33)[1:-1].astype(np.float32)


class Cached(torch.nn.Module):
    """A causal convolution whose padding is the end of the block before; of autoencoders that are exported to nn~."""

    cache: torch.Tensor
    forward_params: torch.Tensor
    encode_params: torch.Tensor
    learn_target_params: torch.Tensor

    def __init__(self) -> None:
        super().__init__()
        self.conv = torch.nn.Conv1d(1, 1, len(KERNEL), bias=False)
        self.conv.weight.data = torch.from_numpy(KERNEL[::-1].copy())[None, None]
        self.register_buffer("cache", torch.zeros(1, 1, len(KERNEL) - 1))
        self.register_buffer("forward_params", torch.tensor([1, 1, 1, 1]))
        self.register_buffer("encode_params", torch.tensor([1, 1, 4, 2048]))
        self.register_buffer("learn_target_params", torch.tensor([0]))  # of what is set, as RAVE's export has some
        self.sampling_rate = 48_000

    @torch.jit.export
    def get_methods(self) -> list[str]:
        return ["encode", "forward"]

    @torch.jit.export
    def encode(self, x: torch.Tensor) -> torch.Tensor:
        return x[:, :, ::2048].repeat(1, 4, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        padded = torch.cat((self.cache, x), 2)
        self.cache.copy_(padded[:, :, -self.cache.shape[2] :])
        return self.conv(padded)


class Bare(torch.nn.Module):
    """No convention at all."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return 0.5 * x


class Raising(torch.nn.Module):
    """Fails in the middle."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.reshape(3, 7, 11)


def scripted(path: Path, module: torch.nn.Module) -> Path:
    torch.jit.script(module.eval()).save(str(path))
    return path


def heard(folder: Path, insert: Insert, audio: Samples, rate_hz: int) -> Samples:
    sf.write(folder / "Vox.wav", audio.T, rate_hz, subtype="FLOAT")
    made = through_inserts({"Vox": folder / "Vox.wav"}, {"Vox": (insert,)}, folder, InsertRules(allow_code=True))
    return sf.read(made["Vox"], dtype="float32", always_2d=True)[0].T


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return scripted(tmp_path_factory.mktemp("models") / "small-rave.ts", Cached())


def test_convolutions_keep_the_end_of_a_block_for_the_next(model: Path, tmp_path: Path) -> None:
    audio = voice(1, 48_000)
    out = heard(tmp_path, insert_of(model, "torchscript"), audio, 48_000)
    np.testing.assert_allclose(out[0], lfilter(KERNEL, [1], audio[0]), atol=1e-4)


def test_its_latency_is_taken_away_at_the_rate_that_it_says(model: Path, tmp_path: Path) -> None:
    audio = voice(1, RATE_HZ)
    out = heard(tmp_path, insert_of(model, "torchscript", latency_samples=15), audio, RATE_HZ)
    assert out.shape == audio.shape
    lags = [float(np.dot(audio[0, 100:-100], np.roll(out[0], lag)[100:-100])) for lag in range(-30, 31)]
    assert int(np.argmax(lags)) - 30 == 0


def test_a_model_without_conventions_hears_the_whole_file(tmp_path: Path) -> None:
    audio = voice(1, RATE_HZ)
    out = heard(tmp_path, insert_of(scripted(tmp_path / "m.ts", Bare()), "torchscript"), audio, RATE_HZ)
    np.testing.assert_allclose(out, 0.5 * audio, atol=1e-7)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"method": "encode"}, "encode is between sound and a code"),
        ({"method": "sing"}, "has no method sing; it has encode, forward"),
        ({"block_samples": 1000}, "multiples of 2048"),
        ({"channels": 2}, "takes 1 channels and gives 1, and 2 were declared"),
    ],
)
def test_what_does_not_fit_a_model_is_said(settings: dict[str, object], said: str, model: Path, tmp_path: Path) -> None:
    with pytest.raises(InsertError, match=said):
        heard(tmp_path, insert_of(model, "torchscript", **settings), voice(0.5, 48_000), 48_000)


def test_models_that_fail_are_said(tmp_path: Path) -> None:
    failing = insert_of(scripted(tmp_path / "m.ts", Raising()), "torchscript")
    with pytest.raises(InsertError, match=r"torchscript:m\.ts failed: RuntimeError"):
        heard(tmp_path, failing, voice(0.5, 48_000), 48_000)
    (tmp_path / "text.ts").write_text("words")
    with pytest.raises(InsertError, match="is no TorchScript model"):
        heard(tmp_path, insert_of(tmp_path / "text.ts", "torchscript"), voice(0.5, 48_000), 48_000)
