"""Libraries that only the corpus needs, imported when used. Not for those of the package's own dependencies."""

from __future__ import annotations

import importlib
import warnings
from typing import Any

from ...presets.errors import MixbridgeError
from ...presets.extras import install_command


def required(module: str) -> Any:
    """Imports a library of the `corpus` extra.

    Raises:
        MixbridgeError: it is not installed.
    """
    try:
        with warnings.catch_warnings():
            # pysinsy and pyworld ask setuptools for their own version, which warns on every start.
            warnings.simplefilter("ignore")
            return importlib.import_module(module)
    except ImportError as cause:
        raise MixbridgeError(
            f"Voices for the corpus need the library '{module}' ({cause}). Run {install_command('corpus')}."
        ) from cause
