"""The ways in which settings are told, by name: what is fitted, compared and shipped. More may be registered.

fitted = WAYS["house"](examples)
fitted.preset(raw, 44100), fitted.render(raw, 44100)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import numpy as np

from ...presets.preset import Preset
from ...runtime.audio.reading import Samples
from ...runtime.model.analysis import Passage, heard_in
from ...runtime.rendering.in_memory import render_mix
from ...runtime.styles.deciding import StyledModel, predict_in_style
from ...runtime.styles.settings import RATE_HZ
from ...runtime.styles.style import Style
from .examples import WINDOW_SAMPLES, StyleExample, at_rate
from .fitting import fit_house, fit_mean, fit_neighbour
from .in_memory import bundle_of

Rendering = Callable[[Samples, int], Samples]
"""Makes a mixed track, shape (2, n), of a raw one, shape (1 or 2, n), at a rate."""

HOUSE: Final = "house"
_TRACK: Final = "Vocal"


@dataclass(frozen=True)
class FittedWay:
    """A style that was fitted, used as the runtime uses it: with guard rails and level.

    Attributes:
        style: its numbers.
    """

    style: Style

    def preset(self, raw: Samples, sample_rate_hz: int) -> Preset:
        """Set a raw track."""
        return self.preset_in(hear(raw, sample_rate_hz))

    def preset_in(self, passage: Passage) -> Preset:
        """Set a raw track that was heard already (:func:`hear`)."""
        return predict_in_style(StyledModel(bundle_of(self.style), self.style, None), passage)

    def render(self, raw: Samples, sample_rate_hz: int) -> Samples:
        """Mix a raw track, shape (2, n), as long as it is."""
        return rendered(self.preset(raw, sample_rate_hz), raw, sample_rate_hz)


Fit = Callable[[Sequence[StyleExample]], FittedWay]

WAYS: Final[Mapping[str, Fit]] = MappingProxyType(
    {
        "mean": lambda examples: FittedWay(fit_mean(examples)),
        "neighbour": lambda examples: FittedWay(fit_neighbour(examples)),
        HOUSE: lambda examples: FittedWay(fit_house(examples)),
    }
)
"""Ways that need nothing but numbers, the plainest first."""


def hear(raw: Samples, sample_rate_hz: int) -> Passage:
    """Hear a raw track as the runtime does."""
    return heard_in({_TRACK: at_rate(raw, sample_rate_hz)}, RATE_HZ, WINDOW_SAMPLES)


def rendered(preset: Preset, raw: Samples, sample_rate_hz: int) -> Samples:
    """Render a preset of one track, as long as the raw track."""
    mixed = render_mix({preset.tracks[0].name: raw}, sample_rate_hz, preset)[:, : raw.shape[1]]
    missing = raw.shape[1] - mixed.shape[1]
    return np.pad(mixed, ((0, 0), (0, missing))) if missing > 0 else mixed
