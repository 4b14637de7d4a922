"""What a model tuned on pairs decides: the compact model's settings, and those of a recovered strip beside them.

A recovered preset is absolute; a model hears each track at its own level. :func:`targets_of` converts: thresholds move
with the gain before them, the fader against it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
import torch
from torch import Tensor

from ...presets.console import HIGH_CUT_OFF_HZ, LOW_CUT_OFF_HZ, SEND_OFF_DB, Delay, Reverb, Strip, parameters, replace
from ...presets.preset import Preset
from ...runtime.model.bundle import ModelEffects
from ...runtime.model.layout import Layout, Output

LEAST_SEND_DB: Final = -50.0
"""A send below this is not heard; the model's range ends there."""
_EXTRAS: Final = (
    Output(path="low_cut.freq_hz", low=LOW_CUT_OFF_HZ, high=400, scale="log"),
    Output(path="high_cut.freq_hz", low=3000, high=HIGH_CUT_OFF_HZ, scale="log"),
    Output(path="deesser.freq_hz", low=3000, high=12000, scale="log"),
    Output(path="deesser.threshold_db", low=-70, high=0),
    Output(path="deesser.range_db", low=0, high=15),
    Output(path="saturation.drive", low=0, high=12),
    Output(path="reverb_send_db", low=LEAST_SEND_DB, high=6),
    Output(path="delay_send_db", low=LEAST_SEND_DB, high=6),
)
MASTER: Final = (Output(path="output_gain_db", low=-24, high=24),)
"""The master does nothing: what was done to all tracks alike stands in their strips. Its one output is always 0 dB."""
_SENDS: Final = ("reverb_send_db", "delay_send_db")
# An effect that fewer of the tracks use than this is not part of the style.
_LEAST_USED = 0.25
_USED_SEND_DB = -45.0


def tuned_layout(base: Layout) -> Layout:
    """Gives the layout of a tuned model: the outputs of what it begins with, then those that it lacks."""
    known = {output.path for output in base.track}
    extras = tuple(output for output in _EXTRAS if output.path not in known)
    return Layout(law=base.law, track=(*base.track, *extras), master=MASTER, fixed=base.fixed, balanced=False)


def targets_of(strip: Strip, gain_db: float) -> dict[str, float]:
    """Converts a recovered strip to settings behind a gain that brings the raw track to the model's level.

    Args:
        strip: absolute.
        gain_db: level of the model over that of the raw track.
    """
    values = {path: float(_value(strip, path)) for path in parameters(Strip)}
    moved_db = gain_db - values["input_gain_db"]
    for path in ("compressor.threshold_db", "gate.threshold_db", "deesser.threshold_db"):
        values[path] += moved_db
    values["saturation.drive"] /= 10 ** (moved_db / 20)
    values["fader_db"] += values["compressor.makeup_db"] - moved_db
    for path in _SENDS:
        values[path] = max(values[path], LEAST_SEND_DB)
    return values


def unit_values(outputs: Sequence[Output], values: Mapping[str, float]) -> Tensor:
    """Converts values by path to outputs in 0..1; what is not among them is in the middle."""
    found = []
    for output in outputs:
        value = values.get(output.path)
        if value is None:
            found.append(0.5)
        elif output.scale == "log":
            found.append(math.log(max(value, 1e-9) / output.low) / math.log(output.high / output.low))
        else:
            found.append((value - output.low) / (output.high - output.low))
    return torch.tensor(found).clamp(0, 1)


def effects_of(presets: Sequence[Preset]) -> ModelEffects:
    """Gives the effects of a style: the middle of what the presets use, weighted by how much they send there."""
    return ModelEffects(
        reverb=replace(Reverb(), _middle(presets, "reverb")), delay=replace(Delay(), _middle(presets, "delay"))
    )


def _middle(presets: Sequence[Preset], effect: str) -> dict[str, float]:
    kind = Reverb if effect == "reverb" else Delay
    rows, weights = [], []
    for preset in presets:
        sends_db = [getattr(track.strip, f"{effect}_send_db") for track in preset.tracks]
        if max(sends_db, default=SEND_OFF_DB) > _USED_SEND_DB:
            rows.append(getattr(preset, effect))
            weights.append(10 ** (max(sends_db) / 20))
    if len(rows) < max(1.0, _LEAST_USED * len(presets)):
        return {}
    values = {}
    for path, row in parameters(kind).items():
        column = np.array([float(_value(each, path)) for each in rows])
        plain = np.log(np.maximum(column, 1e-9)) if row.scale == "log" else column
        middle = _weighted_median(plain, np.array(weights))
        values[path] = row.clamp(round(math.exp(middle) if row.scale == "log" else middle, 4))
    return values


def _weighted_median(values: np.ndarray, weights: np.ndarray) -> float:
    order = np.argsort(values)
    share = np.cumsum(weights[order]) - weights[order] / 2
    return float(np.interp(weights.sum() / 2, share, values[order]))


def _value(part: object, path: str) -> float:
    for name in path.split("."):
        part = getattr(part, name)
    assert isinstance(part, int | float)
    return float(part)
