"""Two profiles of the same plug-in compared: what it does otherwise today than when it was measured."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

from .profile import PluginProfile

_PLACES: Final = (0.1, 0.3, 0.5, 0.7, 0.9)
_FREQS_HZ: Final = np.geomspace(50.0, 15000.0, 200)
_RESPONSE_DB: Final = 0.5
_LAWS: Final = ("attack_law", "release_law")


@dataclass(frozen=True)
class Allowed:
    """How far values may be apart: `absolute` in their unit, or `relative`, whichever is more."""

    absolute: float
    relative: float


# By the last word of a setting's key; gains and makeups are the rest.
_ALLOWED: Final = {
    "freq_hz": Allowed(0.1, 0.015),
    "q": Allowed(0.005, 0.05),
    "ratio": Allowed(0.1, 0.05),
    "attack_ms": Allowed(0.3, 0.1),
    "release_ms": Allowed(0.3, 0.1),
    "hold_ms": Allowed(1.0, 0.1),
    "threshold_db": Allowed(0.4, 0.0),
    "range_db": Allowed(0.5, 0.0),
    "knee_db": Allowed(0.5, 0.05),
}
_GAIN: Final = Allowed(0.1, 0.01)


def drift(known: PluginProfile, measured: PluginProfile) -> list[str]:
    """What differs, one sentence each; empty if the plug-in is as its profile says.

    Args:
        known: the profile.
        measured: what was measured just now.
    """
    return list(_differences(known, measured))


def version_words(known: PluginProfile, measured: PluginProfile) -> str:
    """That the plug-in is another version than the profile's; empty if it is the same."""
    if known.version == measured.version:
        return ""
    was, is_ = (profile.version or "unknown" for profile in (known, measured))
    return f"the profile is of version {was}, the plug-in of version {is_}"


def _differences(known: PluginProfile, measured: PluginProfile) -> Iterator[str]:
    if known.class_id and measured.class_id and known.class_id != measured.class_id:
        yield f"it is another plug-in: its class is {measured.class_id}, that of the profile {known.class_id}"
        return
    if known.latency_samples != measured.latency_samples:
        yield f"its latency is {measured.latency_samples} samples, in the profile {known.latency_samples}"
    if lost := set(known.channels) - set(measured.channels):
        yield f"it does not take {' or '.join(map(str, sorted(lost)))} channels any more"
    roles = {name: setting for setting, name in measured.settings.items()}
    for setting, name in known.settings.items():
        word = setting.rpartition(".")[2]
        if name not in roles:
            yield f"{name}, the {setting} of the profile, was not found to be that"
        elif roles[name].rpartition(".")[2] != word:
            yield f"{name} is {roles[name]}, in the profile {setting}"
        elif word not in ("on", "type"):
            yield from _apart(known, setting, measured, roles[name])
    yield from _other_laws(known, measured)
    if known.eq is not None and measured.eq is not None:
        yield from _other_response(known, measured, roles)


def _apart(known: PluginProfile, setting: str, measured: PluginProfile, other: str) -> Iterator[str]:
    """The place where two laws are farthest apart, if that is too far."""
    allowed = _ALLOWED.get(setting.rpartition(".")[2], _GAIN)
    worst, sentence = 1.0, ""
    for raw in _PLACES:
        was, is_ = float(known.from_parameter(setting, raw)), float(measured.from_parameter(other, raw))
        share = abs(was - is_) / max(allowed.absolute, allowed.relative * abs(was))
        if share > worst:
            worst, sentence = share, f"{setting} at {raw:g} of its way is {is_:.4g}, in the profile {was:.4g}"
    if sentence:
        yield sentence


def _other_laws(known: PluginProfile, measured: PluginProfile) -> Iterator[str]:
    for stage in ("compressor", "gate"):
        was, is_ = getattr(known, stage), getattr(measured, stage)
        if was is None or is_ is None:
            continue
        for law in _LAWS:
            if getattr(was, law) != getattr(is_, law):
                yield f"{stage}.{law} is {getattr(is_, law)}, in the profile {getattr(was, law)}"
        if abs(was.level_offset_db - is_.level_offset_db) > 0.5:
            offsets = f"{is_.level_offset_db:.1f} dB below its peak, in the profile {was.level_offset_db:.1f}"
            yield f"it takes a sine for {offsets}"


def _other_response(known: PluginProfile, measured: PluginProfile, roles: dict[str, str]) -> Iterator[str]:
    """The response at some settings of all bands, by both profiles."""
    random = np.random.default_rng(1)
    rate_hz = known.sample_rate_hz
    worst_db = 0.0
    for _ in range(5):
        values, others = {}, {}
        for setting, name in known.settings.items():
            if name not in roles or not setting.startswith("eq."):
                continue
            word = setting.rpartition(".")[2]
            low, high = (float(known.from_parameter(setting, end)) for end in (0.0, 1.0)) if word != "type" else (0, 0)
            value = _drawn(word, min(low, high), max(low, high), random)
            if value is not None:
                values[setting] = others[roles[name]] = value
        apart = known.response_db(values, _FREQS_HZ, rate_hz) - measured.response_db(others, _FREQS_HZ, rate_hz)
        worst_db = max(worst_db, float(np.abs(apart).mean()))
    if worst_db > _RESPONSE_DB:
        yield f"its response is {worst_db:.1f} dB off the profile's, on average from 50 Hz to 15 kHz"


def _drawn(word: str, low: float, high: float, random: np.random.Generator) -> float | None:
    match word:
        case "gain_db":
            return float(random.uniform(max(low, -9.0), min(high, 9.0)))
        case "freq_hz":
            return float(math.exp(random.uniform(math.log(max(low, 60.0)), math.log(min(high, 9000.0)))))
        case "q":
            return float(min(max(random.uniform(0.4, 3.0), low), high))
        case "on":
            return 1.0
        case _:
            return None
