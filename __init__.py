"""mixbridge: mixing style transfer as console settings that can be seen, edited, saved, reused and undone.

    import mixbridge

    result = mixbridge.mix({"Vox": "vox.wav", "Bass": "bass.wav"}, reference="song.wav", output="mix")
    result.preset.track("Vox").strip.eq.band1.gain_db

Importing this loads no torch, onnxruntime or pedalboard: names are looked up when they are used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from .presets.version import __version__

if TYPE_CHECKING:
    from .presets.errors import MixbridgeError
    from .presets.files import load as load_preset
    from .presets.files import save as save_preset
    from .runtime.mixing import MixResult, apply, mix, predict
    from .runtime.processor import AudioProcessor

_WHERE = {
    "AudioProcessor": (".runtime.processor", "AudioProcessor"),
    "MixResult": (".runtime.mixing", "MixResult"),
    "MixbridgeError": (".presets.errors", "MixbridgeError"),
    "apply": (".runtime.mixing", "apply"),
    "load_preset": (".presets.files", "load"),
    "mix": (".runtime.mixing", "mix"),
    "predict": (".runtime.mixing", "predict"),
    "save_preset": (".presets.files", "save"),
}

__all__ = [
    "AudioProcessor",
    "MixResult",
    "MixbridgeError",
    "__version__",
    "apply",
    "load_preset",
    "mix",
    "predict",
    "save_preset",
]


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, attribute = _WHERE[name]
    return getattr(import_module(module, __name__), attribute)


def __dir__() -> list[str]:
    return sorted(__all__)
