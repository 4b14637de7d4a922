"""What is searched: the settings of one track's chain as one vector, in standard deviations of what people do.

Means, spreads and correlations are those of 385 vocal chains of DiffVox (Chin-Yun Yu et al., DAFx 2025, arXiv
2504.14735, MIT), which were fitted to pairs of raw and mixed vocals; `vocal_prior.json` has the Gaussian: each setting
in its table's unit, in natural logarithms where its scale is logarithmic, clipped at three deviations, correlations
shrunk by the rule of Ledoit and Wolf. Thresholds are relative to the raw track's loudness. Settings that those chains
did not have stand here.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor

from ...presets.console import Delay, Parameter, Reverb, Strip, parameters, replace
from ...presets.preset import Preset, Track
from ..twin.settings import TwinSettings

PARTS: Final = {"strip": Strip, "reverb": Reverb, "delay": Delay}
# What the chains did not have: mean and spread, likewise in logarithms.
_OTHERS: Final[Mapping[str, tuple[float, float]]] = {
    "strip.eq.low_shelf.q": (math.log(0.71), 0.3),
    "strip.eq.high_shelf.q": (math.log(0.71), 0.3),
    "strip.eq.band2.gain_db": (0.0, 1.5),
    "strip.eq.band2.freq_hz": (math.log(1500), 0.8),
    "strip.eq.band2.q": (math.log(1.0), 0.6),
    "strip.eq.band3.gain_db": (0.0, 1.5),
    "strip.eq.band3.freq_hz": (math.log(7000), 0.6),
    "strip.eq.band3.q": (math.log(1.0), 0.6),
    "strip.compressor.knee_db": (6.0, 3.0),
    "strip.fader_db": (0.0, 12.0),
    "strip.gate.threshold_db": (-30.0, 8.0),
    "strip.gate.range_db": (6.0, 8.0),
    "strip.gate.ratio": (math.log(3.0), 0.6),
    "strip.deesser.freq_hz": (math.log(6500), 0.25),
    "strip.deesser.threshold_db": (-20.0, 8.0),
    "strip.deesser.range_db": (4.0, 4.0),
    "strip.saturation.drive": (1.0, 2.0),
    "reverb.pre_delay_ms": (20.0, 20.0),
    "reverb.size": (0.5, 0.25),
    "reverb.width": (0.9, 0.25),
    "reverb.damping_hz": (math.log(6000), 0.3),
    "reverb.low_cut_hz": (math.log(150), 0.7),
    "reverb.high_cut_hz": (math.log(12000), 0.4),
    "delay.ping_pong": (0.5, 0.5),
    "delay.low_cut_hz": (math.log(150), 0.6),
}
# Of tracks of any kind.
_PLAIN: Final[Mapping[str, float]] = {
    "strip.low_cut.freq_hz": math.log(25),
    "strip.high_cut.freq_hz": math.log(20_000),
    "strip.eq.band0.freq_hz": math.log(300),
    "strip.eq.band1.freq_hz": math.log(3000),
    "strip.compressor.ratio": math.log(1.5),
    "strip.reverb_send_db": -22.0,
}
_PLAIN_SEND_SPREAD_DB = 12.0
# Thresholds are of the raw track at this loudness.
_OVER_LOUDNESS: Final = ("strip.compressor.threshold_db", "strip.gate.threshold_db", "strip.deesser.threshold_db")
# The fader does what makeup does.
_LEFT_OUT: Final = ("strip.compressor.makeup_db",)


@dataclass(frozen=True)
class SearchedSetting:
    """A setting that is searched.

    Attributes:
        path: part of the console, and the path in its table: "strip.eq.band0.gain_db".
        row: of the table.
        mean: what people set, in logarithms where the scale is logarithmic.
        spread: standard deviation, likewise.
    """

    path: str
    row: Parameter
    mean: float
    spread: float

    @property
    def is_log(self) -> bool:
        """Whether it is searched in logarithms."""
        return self.row.scale == "log"

    def deviation(self, value: float) -> float:
        """Converts a value to standard deviations from the mean."""
        inside = self.row.clamp(value)
        return ((math.log(inside) if self.is_log else inside) - self.mean) / self.spread

    @property
    def limits(self) -> tuple[float, float]:
        """The range of the table in deviations."""
        return self.deviation(self.row.low), self.deviation(self.row.high)


class Space:
    """The settings that are searched for one track.

    Args:
        loudness_lufs: of the raw track.
        is_voice: what is not known is as people set vocals; else flat, and hardly compressed.

    Attributes:
        knobs: by path.
    """

    def __init__(self, loudness_lufs: float, is_voice: bool = True):
        described = _described()
        rows = {f"{part}.{path}": row for part, kind in PARTS.items() for path, row in parameters(kind).items()}
        means = {**dict(zip(described["settings"], described["mean"], strict=True))}
        spreads = dict(zip(described["settings"], described["spread"], strict=True))
        for path, (mean, spread) in _OTHERS.items():
            means[path], spreads[path] = mean, spread
        for path in _OVER_LOUDNESS:
            means[path] += loudness_lufs
        if not is_voice:
            means |= {path: 0.0 for path in means if path.endswith("gain_db")}
            means |= dict(_PLAIN)
            spreads["strip.reverb_send_db"] = _PLAIN_SEND_SPREAD_DB
        self.knobs = {
            path: SearchedSetting(path, rows[path], means[path], spreads[path])
            for path in means
            if path not in _LEFT_OUT
        }
        self.places = {path: at for at, path in enumerate(self.knobs)}
        self._rows = list(self.knobs.values())
        self._means = torch.tensor([knob.mean for knob in self._rows], dtype=torch.float64)
        self._spreads = torch.tensor([knob.spread for knob in self._rows], dtype=torch.float64)
        self._low, self._high = torch.tensor([knob.limits for knob in self._rows], dtype=torch.float64).T
        self._precision = _precision(list(self.knobs)) if is_voice else torch.eye(len(self.knobs), dtype=torch.float64)

    def start(self, values: Mapping[str, float]) -> Tensor:
        """Makes a vector from values by path; the others are at their means."""
        vector = torch.zeros(len(self._rows), dtype=torch.float64)
        for path, value in values.items():
            if path in self.places:
                vector[self.places[path]] = self.knobs[path].deviation(value)
        return vector.clamp(self._low, self._high)

    def hold(self, vector: Tensor) -> None:
        """Keeps a vector inside the table's ranges."""
        vector.clamp_(self._low, self._high)

    def unlikeliness(self, vector: Tensor) -> Tensor:
        """Half the squared distance from what people do, in correlated standard deviations; a scalar."""
        return 0.5 * vector @ self._precision @ vector

    def settings(self, vector: Tensor, fixed: Mapping[str, float]) -> dict[str, dict[str, Tensor]]:
        """Makes settings for the twin, by part of the console.

        Args:
            vector: in deviations.
            fixed: values by path that are not searched, and those of stages that are off.
        """
        plain = self._means + self._spreads * vector
        parts: dict[str, dict[str, Tensor]] = {part: {} for part in PARTS}
        for at, knob in enumerate(self._rows):
            part, path = knob.path.split(".", 1)
            parts[part][path] = (plain[at].exp() if knob.is_log else plain[at])[None]
        for name, value in fixed.items():
            part, path = name.split(".", 1)
            parts[part][path] = torch.tensor([value], dtype=torch.float64)
        return parts

    def values(self, vector: Tensor) -> dict[str, float]:
        """Gives the values by path."""
        plain = (self._means + self._spreads * vector.detach()).tolist()
        return {
            knob.path: knob.row.clamp(math.exp(value) if knob.is_log else value)
            for knob, value in zip(self._rows, plain, strict=True)
        }


def preset_of(name: str, values: Mapping[str, float]) -> Preset:
    """Makes a preset of one track from values by path; what is left out stands at the table's defaults."""
    parts: dict[str, Any] = {}
    for part, kind in PARTS.items():
        rows = parameters(kind)
        own = {path.split(".", 1)[1]: value for path, value in values.items() if path.startswith(f"{part}.")}
        parts[part] = replace(kind(), {path: rows[path].clamp(round(value, 4)) for path, value in own.items()})
    return Preset(tracks=(Track(name=name, strip=parts["strip"]),), reverb=parts["reverb"], delay=parts["delay"])


def settings_with(settings: TwinSettings, stages: frozenset[str]) -> dict[str, Tensor]:
    """Keeps of a strip's settings the stages that are on, and what is no stage."""
    return {path: value for path, value in settings.items() if "." not in path or path.split(".", 1)[0] in stages}


def _precision(paths: list[str]) -> Tensor:
    described = _described()
    order = {path: at for at, path in enumerate(described["settings"])}
    correlation = torch.tensor(described["correlation"], dtype=torch.float64)
    both = [path for path in paths if path in order]
    known = [order[path] for path in both]
    precision = torch.eye(len(paths), dtype=torch.float64)
    at = torch.tensor([paths.index(path) for path in both])
    precision[at[:, None], at[None]] = torch.linalg.inv(correlation[known][:, known])
    return precision


@cache
def _described() -> dict[str, Any]:
    described: dict[str, Any] = json.loads(Path(__file__).with_name("vocal_prior.json").read_text(encoding="utf-8"))
    return described
