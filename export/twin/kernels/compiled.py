"""Compiles loops over samples with numba, typed for a checker; the machine code is kept beside the file."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

import numba
import numpy as np
from numpy.typing import NDArray

P = ParamSpec("P")
R = TypeVar("R")
# float32 or float64; kernels are compiled for both and keep what they accumulate in float64.
Wave = NDArray[Any]
Values = NDArray[np.float64]


def compiled(function: Callable[P, R]) -> Callable[P, R]:
    """Compiles a function of arrays and numbers when it is first called."""
    kernel: Callable[P, R] = numba.njit(cache=True, nogil=True, error_model="numpy")(function)
    return kernel


def reassociated(function: Callable[P, R]) -> Callable[P, R]:
    """Compiles likewise; products and sums may be taken in any order, so that several samples go at a time."""
    kernel: Callable[P, R] = numba.njit(
        cache=True, nogil=True, error_model="numpy", fastmath={"reassoc", "contract", "arcp", "nsz"}
    )(function)
    return kernel
