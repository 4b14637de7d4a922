"""Numbers for pictures, as JSON can have them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike


def numbers(values: ArrayLike, digits: int) -> Sequence[float | None]:
    """Round to plain numbers; None stands for what is not finite, which JSON does not have."""
    return [round(float(value), digits) if np.isfinite(value) else None for value in np.asarray(values, np.float64)]
