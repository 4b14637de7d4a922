"""Checks that this machine tells of a style what was told when it was made."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...presets.errors import ModelError
from ..model.bundle import STYLE_SNAPSHOT, Bundle
from .style import Style, load_style

_TOLERANCE = 1e-3


def check_style(bundle: Bundle) -> float:
    """Ask a bundle's style what was recorded when it was made, and compare.

    Returns:
        The largest difference, in the scales of the settings.

    Raises:
        ModelError: it exceeds 1e-3, or the style or its record is broken.
    """
    style = load_style(bundle)
    recorded = bundle.read_arrays(STYLE_SNAPSHOT, ("features", "told"))
    path = bundle.folder / STYLE_SNAPSHOT
    if recorded["features"].ndim != 2 or recorded["features"].shape[1] != len(style.features):
        raise ModelError(f"{path}: does not fit the style; export the model again")
    told = told_numbers(style, recorded["features"])
    if told.shape != recorded["told"].shape:
        raise ModelError(f"{path}: does not fit the style; export the model again")
    difference = float(np.abs(told - recorded["told"]).max(initial=0))
    if not difference <= _TOLERANCE:
        raise ModelError(f"{bundle.folder}: tells settings {difference:.2g} away from what was recorded; get it anew")
    return difference


def told_numbers(style: Style, features: NDArray[np.float32]) -> NDArray[np.float32]:
    """Tell the targets for tracks of these features, shape (tracks, targets)."""
    told = [style.answer(row.astype(np.float64)).targets for row in features]
    return np.array(told, np.float32)
