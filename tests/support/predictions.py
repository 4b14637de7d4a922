"""One prediction for all tests that hand over the same: deciding a mix takes seconds, and gives the same each time.

For tests of what is done with a prediction. Those of predictions themselves make their own.
"""

from __future__ import annotations

import functools
import hashlib
import io
import pickle
from collections.abc import Callable
from dataclasses import fields
from typing import Any, TypeVar

from mixbridge.runtime.model.analysis import Passage
from mixbridge.runtime.model.controller import Controller

Result = TypeVar("Result")


class _Inputs(pickle.Pickler):
    """Writes what goes into a prediction; of the model, what tells it from others."""

    def persistent_id(self, obj: object) -> str | None:
        return obj.bundle.manifest_sha256 if isinstance(obj, Controller) else None

    def reducer_override(self, obj: Any) -> Any:
        """Of a passage, what it reads of its tracks elsewhere, in the place of how it does so."""
        if not isinstance(obj, Passage):
            return NotImplemented
        values = [getattr(obj, item.name) for item in fields(obj) if item.compare]
        return tuple, ([*values, {name: obj.side_by_side(name) for name in obj.audio}],)


def once_for_each_input(function: Callable[..., Result]) -> Callable[..., Result]:
    """Keep what a function gives for each input of this process; results must not be changed."""
    kept: dict[bytes, Result] = {}

    @functools.wraps(function)
    def remembered(*arguments: object, **options: object) -> Result:
        file = io.BytesIO()
        _Inputs(file).dump((arguments, options))
        key = hashlib.sha256(file.getbuffer()).digest()
        if key not in kept:
            kept[key] = function(*arguments, **options)
        return kept[key]

    return remembered
