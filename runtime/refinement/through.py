"""A search judged once more as the user hears it: through plug-ins in the place of the console's own stages.

A render through plug-ins means fitting them to each track anew, which takes as long as hundreds of the search's own
renders. So the search runs on the console, and what it found is heard through the plug-ins before it is believed: if
that is no nearer to the reference than the start is, it is taken half-way, and else not at all.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from ...presets.edit import blended
from ...presets.preset import Preset
from ..audio.reading import Samples
from ..model.analysis import Passage
from .refine import distance_of

HearThrough = Callable[[Preset, Mapping[str, Samples], int], Samples]
"""Plays a preset on tracks at a rate as the user will hear it: the mix, shape (2, n)."""

_SHARES: Final = (1.0, 0.5, 0.25)


@dataclass(frozen=True)
class HeardSearch:
    """What a search is worth through the user's plug-ins.

    Attributes:
        preset: what is taken.
        share: of the way from the start to what was found; 0 is the start.
        before: distance of the start to the reference.
        after: likewise of `preset`; never larger.
    """

    preset: Preset
    share: float
    before: float
    after: float


def judged_through(
    hear: HearThrough, start: Preset, found: Preset, passage: Passage, reference: Samples, sample_rate_hz: int
) -> HeardSearch:
    """Take so much of what a search found that it comes nearer through the plug-ins.

    Args:
        hear: plays a preset through them.
        start: where the search began.
        found: what it found.
        passage: that it searched on.
        reference: shape (1 or 2, n).
        sample_rate_hz: of both.
    """

    def distance(preset: Preset) -> float:
        frames = max(audio.shape[1] for audio in passage.audio.values())  # without the effects' tail
        return distance_of(reference, hear(preset, passage.audio, sample_rate_hz)[:, :frames], sample_rate_hz)

    before = distance(start)
    for share, preset in _on_the_way(start, found):
        after = distance(preset)
        if math.isfinite(after) and after < before:
            return HeardSearch(preset, share, before, after)
    return HeardSearch(start, 0.0, before, before)


def _on_the_way(start: Preset, found: Preset) -> Iterator[tuple[float, Preset]]:
    yield 1.0, found
    for share in _SHARES[1:]:
        between = blended(start, found, share)
        yield share, between.model_copy(update={"provenance": found.provenance})
