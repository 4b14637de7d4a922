"""Does every check that needs a GPU, in under eight minutes, and writes benchmarks/gpu.md: for whoever has one.

    pip install '.[cuda]'                          in a clone, with the NVIDIA driver
    python benchmarks/gpu.py                       the default model on CUDA
    python benchmarks/gpu.py --model FOLDER        another one, such as an exported Diff-MST checkpoint
    python benchmarks/gpu.py --provider tensorrt   or openvino, directml, coreml

Where the device cannot be had, the page says "not measured", and why.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any, get_args

import numpy as np
from mixbridge.bridge.cli.doctor import run_doctor
from mixbridge.presets.errors import MixbridgeError
from mixbridge.runtime.model.bundle import open_bundle
from mixbridge.runtime.model.controller import Controller
from mixbridge.runtime.model.inference import onnxruntime
from mixbridge.runtime.model.providers import Provider
from page import table

_BUDGET_S = 420.0
_TRACKS = (1, 8, 32, 128)
_ROUNDS = 5
_CONCERNED = ("onnxruntime", "model on CPU", "model on GPU", "NVIDIA driver")


@dataclass
class _Clock:
    """What is left of the time.

    Attributes:
        end_s: when it is over.
    """

    end_s: float

    @property
    def is_over(self) -> bool:
        return time.monotonic() > self.end_s


def main(arguments: Sequence[str] | None = None) -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="default")
    parser.add_argument("--provider", default="cuda", choices=[name for name in get_args(Provider) if name != "auto"])
    parser.add_argument("-o", "--output", type=Path, default=Path(__file__).with_name("gpu.md"))
    options = parser.parse_args(arguments)
    clock = _Clock(time.monotonic() + _BUDGET_S)
    parts = [f"# The GPU path\n\nMade by `python benchmarks/gpu.py`, {time.strftime('%Y-%m-%d')}, {_machine()}."]
    try:
        device = Controller(options.model, options.provider)
        difference = device.check_snapshot()
        parts += [f"Parity: {difference:.1g} from the CPU (1e-3 is allowed).", _speed(options.model, device, clock)]
    except MixbridgeError as error:
        parts += [f"**Not measured**: {error}"]
    parts.append(_diagnosis())
    options.output.write_text("\n\n".join(parts) + "\n", encoding="utf-8")
    print(f"written: {options.output}", file=sys.stderr)


def _machine() -> str:
    names = f"onnxruntime {onnxruntime.__version__}, {platform.platform()}, {os.cpu_count()} cores"
    driver = Path("/proc/driver/nvidia/version")
    return f"{names}, {driver.read_text().splitlines()[0]}" if driver.exists() else names


def _diagnosis() -> str:
    found = [finding for finding in run_doctor() if finding.name in _CONCERNED]
    rows = [(finding.name, "ok" if finding.ok else finding.hint or "missing", finding.detail) for finding in found]
    return "## What `mixbridge doctor` says\n\n" + table(("", "", ""), rows)


def _speed(model: str, device: Controller, clock: _Clock) -> str:
    """Encoding tracks on the device, plainly and with bound memory, against the CPU."""
    cpu = Controller(model, "cpu")
    samples = open_bundle(model).manifest.window_samples
    channels = 1 if cpu._takes_mono else 2
    noise = np.random.default_rng(0)
    rows, said = [], ""
    for tracks in _TRACKS:
        if clock.is_over:
            said = "\n\nThe time was over before all sizes were measured."
            break
        audio = noise.standard_normal((tracks, channels, samples)).astype(np.float32)
        on_cpu = _seconds(lambda audio=audio: cpu._track_encoder.run(None, {"audio": audio}))
        plain = _seconds(lambda audio=audio: device._track_encoder.run(None, {"audio": audio}))
        bound = _seconds(_bound(device._track_encoder, audio, device.providers[0]))
        rows.append((str(tracks), f"{1000 * on_cpu:.1f} ms", f"{on_cpu / plain:.2f} x", f"{on_cpu / bound:.2f} x"))
    heads = ("tracks in a batch", "CPU", f"{device.providers[0]}", "with bound memory")
    return f"## Encoding tracks\n\nMedians of {_ROUNDS}, as multiples of the CPU's speed.\n\n{table(heads, rows)}{said}"


def _bound(session: Any, audio: Any, provider: str) -> Callable[[], None]:
    """A run whose input is on the device already, and whose output stays there."""
    place = "cuda" if provider in ("CUDAExecutionProvider", "TensorrtExecutionProvider") else "cpu"
    binding = session.io_binding()
    binding.bind_ortvalue_input("audio", onnxruntime.OrtValue.ortvalue_from_numpy(audio, place, 0))
    binding.bind_output(session.get_outputs()[0].name, place)
    return lambda: session.run_with_iobinding(binding)


def _seconds(run: Callable[[], object]) -> float:
    run()
    took = []
    for _ in range(_ROUNDS):
        begin = time.perf_counter()
        run()
        took.append(time.perf_counter() - begin)
    return median(took)


if __name__ == "__main__":
    main()
