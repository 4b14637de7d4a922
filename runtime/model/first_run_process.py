"""The process in which a strange model runs first; :mod:`.first_run` starts it and reads its answer.

Its arguments are the bundle's folder, the manifest's hash, and the bounds: seconds of a processor, bytes of memory.
"""

from __future__ import annotations

import json
import sys

import numpy as np

from ...presets.errors import MixbridgeError, ModelError
from .controller import Controller

# Passages longer than this add nothing to what is seen.
_MOST_SAMPLES = 2**19


def _run_here(folder: str, manifest_sha256: str) -> None:
    controller = Controller(folder, "cpu", threads=1, trusted=True)
    if controller.bundle.manifest_sha256 != manifest_sha256:
        raise ModelError(f"{folder}: was changed while it was being read; try again")
    manifest = controller.manifest
    noise = np.random.default_rng(0).standard_normal((2, _MOST_SAMPLES)).astype(np.float32) * np.float32(0.1)
    controller.predict([noise[:, : manifest.window_samples]], noise[:, : manifest.reference_length])


def _bound(processor_s: int, memory_bytes: int) -> None:
    try:
        import resource
    except ImportError:  # Windows has none: there, time alone is bounded, by who waits
        return
    resource.setrlimit(resource.RLIMIT_CPU, (processor_s, processor_s))
    if sys.platform != "darwin":  # which counts what is shared, too, and would refuse to start
        resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def main(arguments: list[str]) -> None:
    """Say on the last line what is wrong with the bundle."""
    folder, manifest_sha256, processor_s, memory_bytes = arguments
    _bound(int(processor_s), int(memory_bytes))
    fault = ""
    try:
        _run_here(folder, manifest_sha256)
    except MixbridgeError as error:
        fault = str(error)
    except MemoryError:
        return
    sys.stdout.write("\n" + json.dumps({"fault": fault}) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
