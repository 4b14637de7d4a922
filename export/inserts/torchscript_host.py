"""The process in which an insert's TorchScript model runs; the runtime starts it by name, and never sees torch.

Models by the conventions of nn~ (RAVE, BRAVE) have a buffer `forward_params` of four numbers: channels in, samples for
each value in, channels out, samples for each value out; likewise for other methods. They keep what they remember of one
block for the next, so that all blocks are of one length. Any other model takes and gives (1, channels, n).
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from ...presets.errors import ModelError
from ...presets.extras import install_command
from ...runtime.audio.reading import Samples
from ...runtime.inserts.host import Opened, serve
from ...runtime.inserts.models import MOST_MODEL_BYTES, agreed_rate

# What nn~ hands over at a time, unless somebody asks for more.
_BLOCK: Final = 4096
_PARAMS: Final = 4
_RATES: Final = ("sr", "sampling_rate", "sample_rate")


def open_torchscript(settings: Mapping[str, Any]) -> Opened:
    """Open the model that settings name.

    Raises:
        ModelError: it is another one, or no model of sound to sound.
    """
    try:
        import torch
    except ImportError as error:
        raise ModelError(f"TorchScript needs torch: run {install_command('train')}.") from error
    path = Path(settings["file"])
    with path.open("rb") as file:
        data = file.read(MOST_MODEL_BYTES)
    if hashlib.sha256(data).hexdigest() != settings["sha256"]:
        raise ModelError(f"{path} was changed while it was being read; try again.")
    torch.set_grad_enabled(False)
    torch.manual_seed(0)  # what draws noise draws the same each time
    try:
        model = torch.jit.load(io.BytesIO(data), map_location="cpu").eval()  # type: ignore[no-untyped-call]
    except (RuntimeError, ValueError) as error:
        raise ModelError(f"{path.name} is no TorchScript model: {str(error).splitlines()[0][:200]}") from error
    wanted = settings["method"] or "forward"
    buffers = dict(model.named_buffers())
    known = _methods(model, buffers)
    if wanted not in known:
        raise ModelError(f"{path.name} has no method {wanted}; it has {', '.join(known)}.")
    block = _block_of(path.name, buffers, wanted, settings["channels"], settings["block_samples"])
    rate_hz = agreed_rate(path.name, settings["sample_rate_hz"], _rate(model, buffers))
    method = getattr(model, wanted)

    def process(sound: Samples) -> Samples:
        out = method(torch.from_numpy(sound.copy())[None])
        first: Samples = np.asarray(out.detach().numpy(), np.float32)[0]
        return first

    return {"sample_rate_hz": rate_hz, "block_samples": block, "latency_samples": None}, process


def _methods(model: Any, buffers: Mapping[str, Any]) -> Sequence[str]:
    """What a model says that it can do; one without a say has its forward."""
    if hasattr(model, "get_methods"):
        return [str(name) for name in model.get_methods()]
    return list(_ratios(buffers)) or ["forward"]


def _ratios(buffers: Mapping[str, Any]) -> dict[str, list[int]]:
    """Channels and samples for each value, in and out, by method; what can be set is named likewise, and is shorter."""
    named = {key.removesuffix("_params"): value for key, value in buffers.items() if key.endswith("_params")}
    return {name: [int(one) for one in value] for name, value in named.items() if value.numel() == _PARAMS}


def _block_of(name: str, buffers: Mapping[str, Any], method: str, channels: int, asked: int | None) -> int | None:
    """How many samples a model takes at a time; None is any number."""
    ratios = _ratios(buffers)
    if method not in ratios:
        return None
    channels_in, ratio_in, channels_out, ratio_out = ratios[method]
    if ratio_in != 1 or ratio_out != 1:
        raise ModelError(
            f"{name}: {method} is between sound and a code ({ratio_in} samples for each value in, {ratio_out} out), "
            "and an insert gives sound for sound: take forward."
        )
    if (channels_in, channels_out) != (channels, channels):
        raise ModelError(
            f"{name}: {method} takes {channels_in} channels and gives {channels_out}, and {channels} were declared: "
            "set `channels`; a mono model takes each channel of a stereo track by itself."
        )
    step = max(max(ratio[1], ratio[3]) for ratio in ratios.values())
    if asked is not None and asked % step:
        raise ModelError(f"{name} takes blocks of multiples of {step} samples, and not {asked}.")
    return asked or -(-_BLOCK // step) * step


def _rate(model: Any, buffers: Mapping[str, Any]) -> int | None:
    for name in _RATES:
        value = buffers.get(name, getattr(model, name, None))
        if value is not None and not callable(value):
            return int(value)
    return None


if __name__ == "__main__":
    serve(open_torchscript)
