"""What a loaded plug-in says of itself, and whether it behaves: runs in the child process.

Plug-ins are taken as pedalboard gives them. A short noise is played through it, with one channel and with two.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator, Mapping
from typing import Any, Final

import numpy as np

SAMPLE_RATE_HZ: Final = 48000
# What pedalboard adds for every VST3 made with JUCE or DPF, and what is not the sound's.
HOST_PARAMETERS: Final = frozenset({"buffer_size_frames", "sample_rate_frames", "latency_frames", "current_program"})
MANY_PARAMETERS: Final = 2000
"""Of more than these only the first are described."""

_NOISE_SAMPLES: Final = 4800
_NOISE_LEVEL: Final = 0.1


def inspect(plugin: Any, names: list[str], *, has_parameters: bool) -> dict[str, Any]:
    """Describe a plug-in.

    Args:
        plugin: loaded.
        names: of the plug-ins in its file.
        has_parameters: whether to describe them, which takes some time.
    """
    channels, problems = _played(plugin)
    count = len(own_parameters(plugin))
    return {
        "names": names,
        "name": _text(plugin, "name") or (names[0] if names else ""),
        "vendor": _text(plugin, "manufacturer_name"),
        "version": _text(plugin, "version"),
        "category": _text(plugin, "category"),
        "class_id": class_id(plugin),
        "is_instrument": bool(getattr(plugin, "is_instrument", False)),
        "latency_samples": int(getattr(plugin, "reported_latency_samples", 0)),
        "channels": channels,
        "parameter_count": count,
        "parameters": list(_parameters(plugin)) if has_parameters else [],
        "problems": problems,
    }


def own_parameters(plugin: Any) -> list[Any]:
    """The plug-in's own parameters as its host lists them; describing one asks it a thousand times."""
    raw = getattr(plugin, "_parameters", None)
    if raw is None:
        return [name for name in plugin.parameters if name not in HOST_PARAMETERS]
    hosts = {"Buffer Size", "Sample Rate", "Latency", "Current Program"}
    return [item for item in raw if getattr(item, "name", "") not in hosts]


def class_id(plugin: Any) -> str | None:
    """The class id of a VST3, 32 hex digits, from the preset that it would save; None where it has none."""
    with contextlib.suppress(Exception):  # a plug-in may fail to save, which is no reason not to use it
        data = bytes(plugin.preset_data)
        text = data[8:40].decode("ascii")
        if data[:4] == b"VST3" and all(digit in "0123456789ABCDEFabcdef" for digit in text):
            return text.upper()
    return None


def noise(channels: int, samples: int = _NOISE_SAMPLES) -> np.ndarray[Any, np.dtype[np.float32]]:
    """The same noise every time, in all channels."""
    one = np.random.default_rng(0).uniform(-_NOISE_LEVEL, _NOISE_LEVEL, samples).astype(np.float32)
    return np.repeat(one[None], channels, 0)


def _played(plugin: Any) -> tuple[list[int], list[str]]:
    """Which numbers of channels it takes, and what is wrong with what comes out."""
    if getattr(plugin, "is_instrument", False):
        return [], ["it is an instrument and takes no audio"]
    channels, problems, refusals = [], [], []
    before = int(getattr(plugin, "reported_latency_samples", 0))
    for count in (1, 2):
        sound = noise(count)
        try:
            out = np.asarray(plugin.process(sound, SAMPLE_RATE_HZ, reset=True))
        except Exception as error:  # what it says is why it cannot
            refusals.append(str(error))
            continue
        channels.append(count)
        if not np.isfinite(out).all():
            problems.append("its sound is not finite (NaN or infinite)")
        elif out.shape != sound.shape:
            problems.append(f"it gives {out.shape[-1]} samples for {sound.shape[-1]}")
    if not channels:
        problems.append(f"it plays nothing: {refusals[0]}")
    after = int(getattr(plugin, "reported_latency_samples", 0))
    # pedalboard learns the latency when it plays first.
    again = _latency_again(plugin, channels)
    if again is not None and again != after:
        problems.append(f"its latency changes while it plays ({after} to {again} samples)")
    elif before and before != after:
        problems.append(f"its latency changes while it plays ({before} to {after} samples)")
    return channels, list(dict.fromkeys(problems))


def _latency_again(plugin: Any, channels: list[int]) -> int | None:
    if not channels:
        return None
    plugin.process(noise(channels[-1]), SAMPLE_RATE_HZ, reset=True)
    return int(getattr(plugin, "reported_latency_samples", 0))


def _parameters(plugin: Any) -> Iterator[dict[str, Any]]:
    for name, parameter in list(plugin.parameters.items())[: MANY_PARAMETERS + len(HOST_PARAMETERS)]:
        if name not in HOST_PARAMETERS:
            yield describe(name, parameter)


def describe(name: str, parameter: Any) -> dict[str, Any]:
    """Describe one parameter: range and unit as it shows them, None where it shows no numbers."""
    low, high = (_number(value) for value in (*parameter.range, None)[:2])
    choices = getattr(parameter, "valid_values", None) if low is None else None
    return {
        "name": name,
        "label": str(parameter.name),
        "unit": str(getattr(parameter, "units", "") or "").strip(),
        "low": low,
        "high": high,
        "default": str(getattr(parameter, "string_value", "")).strip(),
        "raw": float(parameter.raw_value),
        "choices": [str(choice) for choice in choices][:50] if isinstance(choices, list | tuple) else [],
        "is_automatable": bool(getattr(parameter, "is_automatable", True)),
    }


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else None


def _text(plugin: Any, attribute: str) -> str:
    value = getattr(plugin, attribute, "")
    return str(value).strip() if value else ""


Inspected = Mapping[str, Any]
