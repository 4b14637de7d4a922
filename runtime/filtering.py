"""Second-order sections over blocks, in place: scipy's own loop, without what is around it.

`scipy.signal.sosfilt` takes 50 us for a block and copies it three times, which is longer than the filters themselves
take. And scipy.signal takes as long to import as all else together: it is imported when something is filtered first.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

SILENT: Final = 1e-30
"""What is below this is silence: denormal numbers would cost a hundred times the time."""


def filter_sections(sections: NDArray[np.float64], audio: NDArray[np.float64], state: NDArray[Any]) -> None:
    """Filter the next samples.

    Args:
        sections: shape (count, 6), as scipy has them.
        audio: shape (channels, n), contiguous; overwritten.
        state: shape (channels, count, 2), of zeros at first; overwritten.
    """
    from scipy.signal._sosfilt import _sosfilt

    _sosfilt(sections, audio, state)


def forget_silence(state: NDArray[Any]) -> bool:
    """Set a filter's state to zero where it has died away; tell whether it has."""
    has_died_away = bool(max(state.max(), -state.min()) < SILENT)  # what is no number has not
    if has_died_away:
        state[:] = 0
    return has_died_away
