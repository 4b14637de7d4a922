"""A style as numbers: what settings an engineer gives to a track, told from the track's features.

A way tells them: the **mean** of all examples, the **neighbour** (the example whose track is most alike), or the
**house** style, a linear Gaussian whose mean moves with the features. A track that is unlike all examples gets the
mean. How the numbers are fitted stands in :mod:`mixbridge.export.styles`; here they are read, checked and asked.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Any, Final, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, ValidationError, model_validator

from ...presets.console import Part
from ...presets.errors import ModelError
from ...presets.roles import Role
from ..model.bundle import STYLE, Bundle
from .features import FEATURES
from .settings import EFFECTS, STAGES, TONE_HZ, Curve, TrackSettings, setting_rows, stage_of

WayName = Literal["mean", "neighbour", "house"]

LEVEL: Final = "level_lufs"
"""The target that is the loudness of the finished track."""
_ON, _TONE = "on.", "tone."
_MOST_EXAMPLES, _MOST_TARGETS = 5000, 400
_MOST_BYTES = 2**25
# A feature further out than this says no more than one here.
_MOST_DEVIATIONS = 3.0
_HALF = 0.5

Number = Annotated[float, Field(allow_inf_nan=False, ge=-1e6, le=1e6)]
Row = Annotated[tuple[Number, ...], Field(max_length=_MOST_TARGETS)]
Table = Annotated[tuple[Row, ...], Field(max_length=_MOST_EXAMPLES)]


class Style(Part):
    """The numbers of a style.

    Attributes:
        way: how settings are told.
        roles: of the tracks that it was learned from; a mix of several tracks takes it for these.
        examples: how many tracks that were.
        features: names, in their order.
        feature_mean: of the examples.
        feature_spread: standard deviations.
        likeness: inverse of the shrunk covariance of features in standard deviations.
        most_unlike: distance from the mean within which nearly all examples lie.
        targets: paths of settings, "on.STAGE", "tone.NUMBER" and the level.
        mean: of each target over the examples that have it.
        spread: of each target, beside what the features tell.
        slopes: of each target over the features in standard deviations; none where these say nothing.
        heard: features of each example in standard deviations; for the neighbour alone.
        found: targets of each example, likewise.
        lifted_noise_db: how far nine in ten of the examples lift what is only noise against the music; 0 is not known.
        network_share: how far settings go from these numbers to those of the bundle's network, where both tell them;
            None goes all the way.
    """

    format: Literal["mixbridge-style"] = "mixbridge-style"
    version: Literal[1] = 1
    way: WayName
    roles: tuple[Role, ...] = ()
    examples: int = Field(ge=1)
    features: tuple[str, ...] = FEATURES
    feature_mean: Row
    feature_spread: Row
    likeness: Table
    most_unlike: float = Field(gt=0, allow_inf_nan=False)
    targets: tuple[str, ...] = Field(max_length=_MOST_TARGETS)
    mean: Row
    spread: Row
    slopes: Table = ()
    heard: Table = ()
    found: Table = ()
    lifted_noise_db: float = Field(0.0, ge=0, le=60, allow_inf_nan=False)
    network_share: float | None = Field(None, gt=0, lt=1, allow_inf_nan=False)

    @model_validator(mode="after")
    def _fits(self) -> Style:
        known = {*setting_rows(), LEVEL, *(_ON + name for name in (*STAGES, *EFFECTS))}
        known |= {f"{_TONE}{at}" for at in range(len(TONE_HZ))}
        unknown = sorted(set(self.targets) - known)
        if unknown or LEVEL not in self.targets:
            raise ValueError(f"targets that this version does not know: {', '.join(unknown) or f'no {LEVEL}'}")
        if self.features != FEATURES:
            raise ValueError("its features are not those of this version")
        size, count = len(self.features), len(self.targets)
        shapes = {
            "feature_mean": [len(self.feature_mean) == size],
            "feature_spread": [len(self.feature_spread) == size, min(self.feature_spread, default=0) > 0],
            "likeness": [len(self.likeness) == size, *(len(row) == size for row in self.likeness)],
            "targets": [len(set(self.targets)) == count],
            "mean": [len(self.mean) == count],
            "spread": [len(self.spread) == count],
            "slopes": [len(self.slopes) in (0, count), *(len(row) == size for row in self.slopes)],
            "heard": [len(self.heard) == len(self.found), *(len(row) == size for row in self.heard)],
            "found": [bool(self.found) == (self.way == "neighbour"), *(len(row) == count for row in self.found)],
        }
        wrong = [name for name, checks in shapes.items() if not all(checks)]
        if wrong:
            raise ValueError(f"of another size than the rest: {', '.join(wrong)}")
        return self

    @cached_property
    def by_tone(self) -> bool:
        """Whether equalizers are told as a curve."""
        return any(name.startswith(_TONE) for name in self.targets)

    def answer(self, features: NDArray[np.float64]) -> StyleAnswer:
        """Tell the settings for a track of these features."""
        deviations = (features - np.array(self.feature_mean)) / np.array(self.feature_spread)
        unlike = float(np.sqrt(max(0.0, deviations @ np.array(self.likeness) @ deviations) / len(deviations)))
        # Beyond twice what the examples reach nothing is known of a track but that it is another kind.
        believed = float(np.clip(2 - unlike / self.most_unlike, 0, 1))
        told = np.array(self.mean)
        if self.slopes:
            told = told + believed * (np.array(self.slopes) @ np.clip(deviations, -_MOST_DEVIATIONS, _MOST_DEVIATIONS))
        elif self.found and believed > 0:
            nearest = int(np.square(np.array(self.heard) - deviations).sum(axis=1).argmin())
            told = np.array(self.found[nearest])
        return StyleAnswer(self, deviations, unlike, believed, told)


@dataclass(frozen=True)
class StyleAnswer:
    """What a style tells for a track.

    Attributes:
        style: that was asked.
        deviations: of the track's features, in standard deviations of the examples.
        unlike: how far from the examples the track is.
        believed: how far it is near enough to be told more than the mean, 0..1.
        targets: as told, in the order of the style's.
    """

    style: Style
    deviations: NDArray[np.float64]
    unlike: float
    believed: float
    targets: NDArray[np.float64]

    @property
    def settings(self) -> TrackSettings:
        """The settings of the track; a stage that most are likely to have is on."""
        return settings_in(self.style.targets, self.targets)

    @property
    def mean_settings(self) -> TrackSettings:
        """Those of the mean track."""
        return settings_in(self.style.targets, np.array(self.style.mean))

    @property
    def level_lufs(self) -> float:
        """How loud the finished track is."""
        return float(self.targets[self.style.targets.index(LEVEL)])

    @property
    def lifted_noise_db(self) -> float:
        """How far noise may be lifted in this style: as far as in its examples, where the track has no more of it."""
        noisier = -float(self.deviations[FEATURES.index("over_noise_db")])
        # From one to two standard deviations noisier than theirs: in theirs it was not heard, here it would be.
        return self.style.lifted_noise_db * self.believed * float(np.clip(2 - noisier, 0, 1))

    def spread_of(self, target: str) -> float:
        """How far the examples are from what the style tells of a target; NaN where it is none."""
        targets = self.style.targets
        return self.style.spread[targets.index(target)] if target in targets else math.nan


def settings_in(targets: Sequence[str], told: NDArray[np.float64]) -> TrackSettings:
    """Read settings from the targets of a style."""
    by_name = dict(zip(targets, told.tolist(), strict=True))
    on = frozenset(name for name in (*STAGES, *EFFECTS) if by_name.get(_ON + name, 0.0) >= _HALF)
    rows = setting_rows()
    values = {name: value for name, value in by_name.items() if name in rows and stage_of(name) in (None, *on)}
    tone_db: Curve = np.array([by_name.get(f"{_TONE}{at}", 0.0) for at in range(len(TONE_HZ))])
    return TrackSettings(values, on, tone_db)


def load_style(bundle: Bundle) -> Style:
    """Read the style of a bundle, checked.

    Raises:
        ModelError: it has none, or it is not what it should be.
    """
    path = bundle.folder / STYLE
    data = bundle.read(STYLE)
    if len(data) > _MOST_BYTES:
        raise ModelError(f"{path}: larger than {_MOST_BYTES >> 20} MiB; this is not a style")
    try:
        plain: Any = json.loads(data)
        return Style.model_validate(plain)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(step) for step in first["loc"])
        raise ModelError(f"{path}: {where}: {first['msg']}; export the model again") from error
    except (ValueError, RecursionError) as error:
        raise ModelError(f"{path}: not JSON that can be read: {error}") from error
