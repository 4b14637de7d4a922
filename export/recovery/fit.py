"""The search in samples: settings by gradient on the console's differentiable twin, until the passage sounds alike."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final

import torch
from torch import Tensor

from ..twin.echoes import echoed
from ..twin.reverb import reverberated
from ..twin.strip import strip_sound
from .guess import PairPassage
from .loss import SpectralLoss
from .space import Space, settings_with

Say = Callable[[float], None]

EFFECTS: Final = ("reverb", "delay")
# The settings that are not searched: decisions, what another setting does as well, what people leave alone.
FIXED: Final[Mapping[str, float]] = {
    "strip.low_cut.slope_db_per_octave": 12.0,
    "strip.high_cut.slope_db_per_octave": 12.0,
    "strip.compressor.makeup_db": 0.0,
    "strip.compressor.lookahead_ms": 0.0,
    "strip.gate.attack_ms": 1.0,
    "strip.gate.hold_ms": 40.0,
    "strip.gate.release_ms": 150.0,
    "strip.gate.hysteresis_db": 4.0,
    "strip.saturation.tone": 0.0,
    "strip.saturation.mix": 1.0,
    "strip.saturation.level_match": 0.0,
    "reverb.return_gain_db": 0.0,
    "delay.return_gain_db": 0.0,
}
# Found to the sample before; a step of the search would lose them.
_PLACED: Final = ("delay.time_ms", "reverb.pre_delay_ms", "reverb.size")
BAND_WEIGHT: Final = 0.15
_PRIOR_WEIGHT = 2e-4
_RATE, _LAST_RATE = 0.05, 0.004


@dataclass(frozen=True)
class Fit:
    """A chain, and how near it comes.

    Attributes:
        vector: settings in deviations.
        fixed: values by path that are not searched.
        stages: of the strip that are on.
        effects: that are on.
        loss: of the passage.
    """

    vector: Tensor
    fixed: Mapping[str, float]
    stages: frozenset[str]
    effects: frozenset[str]
    loss: float


class Search:
    """A search on one passage.

    Args:
        passage: what is listened to; begins with `skipped` samples that only fill the tails.
        space: what is searched.
        skipped: samples that do not count.
    """

    def __init__(self, passage: PairPassage, space: Space, skipped: int):
        self.space, self._rate_hz = space, passage.sample_rate_hz
        self._raw = torch.from_numpy(passage.raw)[None]
        self._loss = SpectralLoss(
            torch.from_numpy(passage.mixed), passage.sample_rate_hz, skipped, band_weight=BAND_WEIGHT
        )

    def sound(self, fit: Fit, vector: Tensor) -> Tensor:
        """Renders the passage, shape (1, 2, samples)."""
        parts = self.space.settings(vector, fit.fixed)
        strip = settings_with(parts["strip"], fit.stages)
        for effect in EFFECTS:
            if effect not in fit.effects:
                strip.pop(f"{effect}_send_db", None)
        out = strip_sound(self._raw, strip, self._rate_hz)
        total = out.audio
        _, to_reverb, to_delay = (level.to(total.dtype)[:, None, None] * out.audio for level in out.sends)
        if "delay" in fit.effects:
            total = total + echoed(to_delay, parts["delay"], self._rate_hz)
        if "reverb" in fit.effects:
            total = total + reverberated(to_reverb, parts["reverb"], [1], self._rate_hz)
        return total

    def measured(self, fit: Fit) -> Fit:
        """Measures a chain's loss."""
        with torch.no_grad():
            return replace(fit, loss=float(self._loss(self.sound(fit, fit.vector))))

    def run(self, fit: Fit, steps: int, say: Say = lambda share: None, rate: float = _RATE) -> Fit:
        """Searches from a chain; gives the best that was met."""
        vector = fit.vector.clone().requires_grad_()
        adam = torch.optim.Adam([vector], lr=rate, betas=(0.8, 0.98))
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(adam, steps, eta_min=min(_LAST_RATE, rate))
        best, best_vector, best_loss = float("inf"), fit.vector, fit.loss
        placed = [self.space.places[path] for path in _PLACED]
        for step in range(steps):
            adam.zero_grad()
            loss = self._loss(self.sound(fit, vector))
            total = loss + _PRIOR_WEIGHT * self.space.unlikeliness(vector)
            total.backward()  # type: ignore[no-untyped-call]
            if float(total.detach()) < best:
                best, best_vector, best_loss = float(total.detach()), vector.detach().clone(), float(loss.detach())
            if vector.grad is not None:
                torch.nan_to_num_(vector.grad, 0.0, 0.0, 0.0)
                vector.grad[placed] = 0
            adam.step()
            schedule.step()
            with torch.no_grad():
                self.space.hold(vector)
            say((step + 1) / steps)
        return replace(fit, vector=best_vector, loss=best_loss)
