"""The one place that imports onnxruntime.

Importing it (seen in 1.31.1) starts telemetry: it writes under `~/.cache/Microsoft` and looks up a host of Microsoft.
Only this variable, set before the import, prevents both; switching telemetry off afterwards is too late.
"""

from __future__ import annotations

import os

os.environ["ORT_DISABLE_TELEMETRY"] = "1"

import onnxruntime

__all__ = ["onnxruntime"]
