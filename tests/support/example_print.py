"""What the rendered example sounds like, in few numbers: to see whether a change altered it.

    python tests/support/example_print.py    (renders the example and writes tests/golden/example.json)

Hashes of samples hold where instructions and libraries are the same, since both round differently; levels over time
hold everywhere.
"""

from __future__ import annotations

import hashlib
import json
import platform
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import soundfile as sf

GOLDEN = Path(__file__).parents[1] / "golden" / "example.json"
_STEP_S = 0.5
_FLOOR = 1e-6
_ROUNDING = ("numpy", "scipy", "soxr", "pedalboard", "soundfile")


def machine() -> dict[str, Any]:
    """What the last bits depend on."""
    config: Any = np.show_config(mode="dicts")
    return {
        "architecture": platform.machine(),
        "instructions": sorted(config["SIMD Extensions"]["found"]),
        "versions": {name: version(name) for name in _ROUNDING},
    }


def prints(folder: Path) -> dict[str, dict[str, Any]]:
    """Of each audio file: the hash of its samples, and its level in dB over time, both channels after one another."""
    return {path.relative_to(folder).as_posix(): _print(path) for path in sorted(folder.rglob("*.wav"))}


def _print(path: Path) -> dict[str, Any]:
    samples, rate_hz = sf.read(path, dtype="int32", always_2d=True)
    step = round(_STEP_S * rate_hz)
    whole = samples[: len(samples) // step * step].astype(np.float64) / 2**31
    power = np.square(whole).reshape(-1, step, samples.shape[1]).mean(axis=1)
    levels_db = 10 * np.log10(power + _FLOOR**2)
    return {
        "sha256": hashlib.sha256(samples.tobytes()).hexdigest(),
        "frames": len(samples),
        "levels_db": [round(float(level), 2) for level in levels_db.T.reshape(-1)],
    }


def main() -> None:
    """Renders the example and keeps its prints."""
    import tempfile

    from mixbridge.runtime.mixing import mix

    example = Path(__file__).parents[2] / "runtime" / "example"
    stems = {path.stem: path for path in sorted((example / "stems").iterdir())}
    with tempfile.TemporaryDirectory() as folder:
        made = mix(stems, example / "reference.flac", Path(folder) / "out")
        golden = {"machine": machine(), "files": prints(made.folder)}
    rows = ",\n".join(f"  {json.dumps(name)}: {json.dumps(item)}" for name, item in golden["files"].items())
    text = f' "machine": {json.dumps(golden["machine"])},\n "files": {{\n{rows}\n }}'
    GOLDEN.write_text(f"{{\n{text}\n}}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
