"""Which passages of a pair are listened to: loud ones with pauses, in which tails are heard."""

from __future__ import annotations

import numpy as np

from ...runtime.audio.reading import Samples

_STEP_S, _FRAME_S = 0.5, 0.05
# Levels this far below the loudest count as that.
_RANGE_DB = 40.0


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
