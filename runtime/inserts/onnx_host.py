"""The process in which an insert's ONNX model runs.

A model takes sound of the shape (n), (channels, n) or (1, channels, n), and gives it back first. What else it takes is
either its sample rate, or a state of fixed size: it begins with zeros, and goes on from the output in its place.
"""

from __future__ import annotations

import hashlib
import math
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ...presets.errors import ModelError
from ..audio.reading import Samples
from ..model.inference import onnxruntime
from .host import Opened, serve
from .models import MOST_MODEL_BYTES, agreed_rate, check_onnx

_TYPES: Final = {"tensor(float)": np.float32, "tensor(int64)": np.int64, "tensor(int32)": np.int32}
_MOST_STATE: Final = 2**26
_MOST_THREADS: Final = 4
_RATES: Final = ("sr", "sample_rate", "sampling_rate", "sample_rate_hz")


def open_onnx(settings: Mapping[str, Any]) -> Opened:
    """Open the model that settings name.

    Raises:
        ModelError: it is another one, reads other files, or cannot be fed with sound.
    """
    path = Path(settings["file"])
    with path.open("rb") as file:
        data = file.read(MOST_MODEL_BYTES)
    if hashlib.sha256(data).hexdigest() != settings["sha256"]:
        raise ModelError(f"{path} was changed while it was being read; try again.")
    check_onnx(data, path.name)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = min(os.cpu_count() or 1, _MOST_THREADS)
    try:
        session = onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's errors have no common class
        raise ModelError(f"{path.name} cannot be opened by onnxruntime: {_short(error)}") from error
    said = {name: _whole(value) for name, value in session.get_modelmeta().custom_metadata_map.items()}
    rate_hz = agreed_rate(path.name, settings["sample_rate_hz"], said.get("sample_rate_hz") or said.get("sample_rate"))
    graph = _SoundGraph(session, path.name, settings["channels"], rate_hz or settings["stem_rate_hz"])
    terms = {
        "sample_rate_hz": rate_hz,
        "block_samples": graph.block_samples,
        "latency_samples": said.get("latency_samples"),
    }
    return terms, graph.process


class _SoundGraph:
    """A graph with its states."""

    def __init__(self, session: Any, name: str, channels: int, rate_hz: int):
        self._session, self._name = session, name
        inputs = session.get_inputs()
        sound = next((one for one in inputs if one.type == "tensor(float)" and not _is_rate(one)), None)
        if sound is None or not 1 <= len(sound.shape) <= 3:
            raise ModelError(
                f"{name} takes no sound: its first input of floats must have the shape (n), (channels, n) or "
                f"(1, channels, n); it has {_listed(inputs)}."
            )
        fixed = sound.shape[-2] if len(sound.shape) > 1 else 1
        if isinstance(fixed, int) and fixed != channels:
            raise ModelError(f"{name} takes {fixed} channels, and {channels} were declared: set `channels`.")
        self._sound, self._channels = sound, channels
        self.block_samples = sound.shape[-1] if isinstance(sound.shape[-1], int) else None
        self._fed: dict[str, NDArray[Any]] = {one.name: _rate(one, rate_hz) for one in inputs if _is_rate(one)}
        states = [one for one in inputs if one is not sound and not _is_rate(one)]
        self._outputs = [output.name for output in session.get_outputs()]
        if len(states) > len(self._outputs) - 1:
            raise ModelError(f"{name} takes more than it gives back: {_listed(inputs)}; each state needs an output.")
        self._states = {one.name: _zeros(one, name) for one in states}

    def process(self, block: Samples) -> Samples:
        """The next samples, shape (channels, n)."""
        shape = (1,) * (len(self._sound.shape) - 2) + block.shape if len(self._sound.shape) > 1 else (block.shape[1],)
        outputs = self._session.run(None, {self._sound.name: block.reshape(shape), **self._fed, **self._states})
        self._states = dict(zip(self._states, outputs[1:], strict=False))
        made = np.asarray(outputs[0])
        if made.dtype.kind != "f" or not made.ndim or math.prod(made.shape[:-1]) != self._channels:
            raise ModelError(
                f"{self._name} gives {made.dtype} of the shape {made.shape} for sound of the shape {shape}: its first "
                "output must be sound as it takes it."
            )
        return made.astype(np.float32).reshape(self._channels, -1)


def _is_rate(one: Any) -> bool:
    return one.name in _RATES


def _rate(one: Any, rate_hz: int) -> NDArray[Any]:
    return np.full([1] * len(one.shape), rate_hz, _TYPES.get(one.type, np.int64))


def _zeros(one: Any, name: str) -> NDArray[Any]:
    fixed: Callable[[Any], int] = lambda size: size if isinstance(size, int) else 1  # noqa: E731
    shape = [fixed(size) for size in one.shape]
    if one.type not in _TYPES or math.prod(shape) > _MOST_STATE:
        raise ModelError(
            f"{name} takes {one.name} ({one.type}, {one.shape}), which is no state that an insert can keep."
        )
    return np.zeros(shape, _TYPES[one.type])


def _listed(inputs: Sequence[Any]) -> str:
    return ", ".join(f"{one.name} {one.shape}" for one in inputs) or "no input"


def _whole(text: str) -> int | None:
    return int(text) if text.isdecimal() and len(text) < 10 else None


def _short(error: Exception) -> str:
    return str(error).splitlines()[0][:300]


if __name__ == "__main__":
    serve(open_onnx)
