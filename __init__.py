"""mixbridge: mixing style transfer as console settings that can be seen, edited, saved, reused and undone.

    import mixbridge

    result = mixbridge.mix({"Vox": "vox.wav", "Bass": "bass.wav"}, reference="song.wav", output="mix")
    result.preset.track("Vox").strip.eq.band1.gain_db

Importing this loads no torch, onnxruntime, numpy or pydantic: names are looked up when they are used, in the list of
`__init__.pyi`, which editors and type checkers read.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any


def _listed() -> dict[str, tuple[str, str]]:
    """Read module and attribute of each public name from the stub."""
    imported, public = {}, {}
    for line in Path(__file__).with_name("__init__.pyi").read_text(encoding="utf-8").splitlines():
        match line.replace(",", "").split():
            case ["from", module, "import", attribute, "as", name]:
                public[name] = (module, attribute)
            case ["from", module, "import", *attributes]:
                imported.update({attribute: (module, attribute) for attribute in attributes})
            case [name, "=", attribute]:
                public[name] = imported[attribute]
    return public


_WHERE = _listed()

__all__ = sorted(_WHERE)  # noqa: PLE0605  (names are listed once, in the stub)


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, attribute = _WHERE[name]
    value = getattr(import_module(module, __name__), attribute)
    globals()[name] = value  # the next use finds it at once
    return value


def __dir__() -> list[str]:
    return list(__all__)
