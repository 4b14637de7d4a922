"""The one place that imports onnxruntime.

Importing it (seen in 1.31.1) starts telemetry: it writes under `~/.cache/Microsoft` and looks up a host of Microsoft.
Only this variable, set before the import, prevents both; switching telemetry off afterwards is too late.
"""

from __future__ import annotations

import os

os.environ["ORT_DISABLE_TELEMETRY"] = "1"

import onnxruntime

# What goes wrong arrives as an exception. Its log says it once more, in colour and in the words of C++.
onnxruntime.set_default_logger_severity(4)

__all__ = ["onnxruntime"]
