"""Which device runs a model: the names that users give, and what onnxruntime makes of them.

"auto" takes CUDA where it works, else the CPU. Every other name insists.
"""

from __future__ import annotations

import contextlib
import io
import logging
import re
import sys
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from typing import Any, Final, Literal, get_args

from ...presets.checking.arguments import checked_choice
from ...presets.errors import ProviderError
from ...presets.extras import install_command
from .inference import onnxruntime

Provider = Literal["auto", "cpu", "cuda", "tensorrt", "directml", "coreml", "openvino"]

CPU: Final = "CPUExecutionProvider"
CUDA: Final = "CUDAExecutionProvider"

log = logging.getLogger(__name__)

_NAMES: Final[Mapping[str, str]] = {
    "cuda": CUDA,
    "tensorrt": "TensorrtExecutionProvider",
    "directml": "DmlExecutionProvider",
    "coreml": "CoreMLExecutionProvider",
    "openvino": "OpenVINOExecutionProvider",
}
# onnxruntime is one package for each of these; the last one that was installed is the one that is there.
_PACKAGES: Final[Mapping[str, str]] = {
    "directml": "onnxruntime-directml (Windows)",
    "coreml": "onnxruntime (macOS)",
    "openvino": "onnxruntime-openvino",
    "tensorrt": "onnxruntime-gpu, and TensorRT from NVIDIA",
}
_OF_CUDA: Final = re.compile(r"extra == .(cuda|cudnn).")
_REQUIREMENT: Final = re.compile(r"(?P<package>[\w-]+)\s*[~=>]=\s*(?P<major>\d+)")
_ON_NVIDIA: Final = frozenset({"cuda", "tensorrt"})


def check_provider(provider: object) -> None:
    """Refuse what names no device.

    Raises:
        ProviderError: it names none.
    """
    checked_choice(provider, "a provider", get_args(Provider), ProviderError)


def available_providers() -> list[str]:
    """Execution providers that this onnxruntime was built with; CUDA may still fail for want of a driver."""
    return list(onnxruntime.get_available_providers())


def wanted_providers(provider: Provider) -> list[str]:
    """Name the execution providers for a session, the first choice first.

    Raises:
        ProviderError: the device was asked for, and this onnxruntime has none.
    """
    available = available_providers()
    if provider in _NAMES and _NAMES[provider] not in available:
        raise unavailable(provider)
    if provider == "cpu" or (provider == "auto" and (CUDA not in available or not _has_nvidia_driver())):
        return [CPU]
    if provider == "auto" or provider in _ON_NVIDIA:
        _preload()
    # What TensorRT has no kernel for runs on CUDA.
    behind = [CUDA] if provider == "tensorrt" and CUDA in available else []
    return [_NAMES.get(provider, CUDA), *behind, CPU]


def check_got(session: Any, provider: Provider) -> None:
    """Refuse a session that does not run where it was asked to: onnxruntime takes the CPU without a word.

    Raises:
        ProviderError: it does not.
    """
    if provider in _NAMES and _NAMES[provider] not in session.get_providers():
        raise unavailable(provider)


def unavailable(provider: Provider) -> ProviderError:
    """Make the error for a device that was asked for and is not there."""
    if provider == "cuda":
        return ProviderError(
            "CUDA was asked for, but onnxruntime cannot use it here: install the NVIDIA driver, then run "
            f"{install_command('cuda')}; or take provider auto or cpu. `mixbridge doctor` says what is missing."
        )
    return ProviderError(
        f"provider {provider} was asked for, but this onnxruntime cannot use it: it needs {_PACKAGES[provider]}, in "
        "place of any other onnxruntime; or take provider auto or cpu."
    )


def _preload() -> None:
    """Find the CUDA and cuDNN of pip's `cuda` extra; it prints what it misses, and that stream belongs to --json."""
    with contextlib.redirect_stdout(io.StringIO()) as said:
        onnxruntime.preload_dlls()
    log.debug("onnxruntime: %s", said.getvalue())


def _has_nvidia_driver() -> bool:
    """Spares machines without a GPU onnxruntime's loud attempt at loading CUDA."""
    return sys.platform == "win32" or Path("/proc/driver/nvidia/version").exists() or Path("/dev/nvidiactl").exists()


def cuda_faults() -> list[str]:
    """Say what of NVIDIA's packages for this onnxruntime is missing or of another version, a few words each.

    What onnxruntime-gpu was built for stands in its own requirements. Libraries that the system has beside pip's are
    not seen here.
    """
    try:
        needed = requires("onnxruntime-gpu") or []
    except PackageNotFoundError:
        return ["onnxruntime-gpu is not installed"]
    return [fault for line in needed if _OF_CUDA.search(line) and (fault := _fault_of(line))]


def _fault_of(requirement: str) -> str:
    """Say what is wrong with one requirement, as "nvidia-cudnn-cu13~=9.0; extra == "cudnn""; empty if it is met."""
    match = _REQUIREMENT.match(requirement)
    if match is None:
        return ""
    package, major = match["package"], match["major"]
    wanted = f"{package} {major}"
    try:
        found = version(package)
    except PackageNotFoundError:
        others = [(name, known) for name in _built_for_others(package) if (known := _version(name))]
        instead = f" ({others[0][0]} {others[0][1]} is for another CUDA)" if others else ""
        return f"{wanted} is missing{instead}"
    return "" if found.split(".")[0] == major else f"{package} is {found}, {major} is needed"


def _built_for_others(package: str) -> list[str]:
    """Name the same library for other versions of CUDA, which stand in the names of packages up to 12."""
    stem = re.sub(r"-cu\d+$", "", package)
    return [name for number in (11, 12, 13) if (name := f"{stem}-cu{number}") != package]


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
