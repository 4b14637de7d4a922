"""Which way round a session is heard: with the louder side of the reference on the left, always.

So a mirrored reference gives mirrored pans, exactly, whatever a model has learned of left and right.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..audio.reading import Samples


def is_turned(reference: Samples) -> bool:
    """Whether a reference, shape (1 or 2, samples), is louder on the right."""
    left, right = reference[0].astype(np.float64), reference[-1].astype(np.float64)
    return float(right @ right) > float(left @ left)


def oriented(tracks: Sequence[Samples], reference: Samples) -> tuple[list[Samples], Samples]:
    """Tracks and reference as a model hears them: left and right exchanged in all of them where it is turned."""
    if not is_turned(reference):
        return list(tracks), reference
    return [np.ascontiguousarray(track[::-1]) for track in tracks], np.ascontiguousarray(reference[::-1])
