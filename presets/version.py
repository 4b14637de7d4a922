"""The version of mixbridge, on the ground floor so that files can say what wrote them without importing the whole."""

from __future__ import annotations

from typing import Final

__version__: Final = "0.1.0"
