"""Which passages of a pair are listened to, and for how long: loud ones with pauses, in which tails are heard."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from ...runtime.audio.reading import Samples

_STEP_S, _FRAME_S = 0.5, 0.05
# Levels this far below the loudest count as that.
_RANGE_DB = 40.0


@dataclass(frozen=True)
class Effort:
    """How long the settings of a track are looked for.

    Attributes:
        guess_s: length of the passage that the first guess listens to.
        answer_s: of that in which rooms and echoes are looked for.
        search_s: of that which the search plays.
        lead_s: of what is played before it, to fill tails.
        steps: of the search.
        last_steps: of the search behind what was switched off.
        trial_steps: for each stage that is tried.
    """

    guess_s: float
    answer_s: float
    search_s: float
    lead_s: float
    steps: int
    last_steps: int
    trial_steps: int


FULL: Final = Effort(9.0, 30.0, 5.0, 1.2, 40, 16, 10)
QUICK: Final = Effort(6.0, 20.0, 3.0, 1.0, 24, 10, 8)
"""For many pairs that a style is learned from."""


def best_inside(raw: Samples, mixed: Samples, inside: slice, sample_rate_hz: int, length_s: float) -> slice:
    """Chooses a passage, as :func:`best_passage` does, of what the mixed recording reaches."""
    place = best_passage(raw[:, inside], mixed[:, inside], sample_rate_hz, length_s)
    return slice(inside.start + place.start, inside.start + place.stop)


def best_passage(raw: Samples, mixed: Samples, sample_rate_hz: int, length_s: float) -> slice:
    """Chooses a passage of this length, or all of a shorter recording.

    Args:
        raw: shape (channels, samples).
        mixed: likewise, on the same time.
        sample_rate_hz: of both.
        length_s: of the passage.
    """
    size = round(length_s * sample_rate_hz)
    if raw.shape[1] <= size:
        return slice(0, raw.shape[1])
    frame = round(_FRAME_S * sample_rate_hz)
    levels_db = []
    for audio in (raw, mixed):
        power = np.square(audio, dtype=np.float64).mean(axis=0)
        power = power[: len(power) // frame * frame].reshape(-1, frame).mean(axis=1)
        levels_db.append(10 * np.log10(power + 1e-12))
    heard = np.minimum(*(level - np.quantile(level, 0.98) for level in levels_db)).clip(-_RANGE_DB, 0)
    count, step = size // frame, max(1, round(_STEP_S / _FRAME_S))
    starts = range(0, max(1, len(heard) - count), step)
    # Mostly loud; among those, with a pause.
    scores = [heard[at : at + count].mean() + 0.6 * heard[at : at + count].std() for at in starts]
    begin = starts[int(np.argmax(scores))] * frame
    return slice(begin, begin + size)
