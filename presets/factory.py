"""The presets that come with mixbridge: places to start from, for one track or the master.

Their thresholds fit tracks recorded at about -20 LUFS.
"""

from __future__ import annotations

from difflib import get_close_matches
from importlib.resources import files

from . import files as preset_files
from .errors import PresetError
from .preset import Preset

_FOLDER = files("mixbridge.presets") / "factory"


def names() -> tuple[str, ...]:
    """List the names, sorted."""
    return tuple(sorted(item.name.removesuffix(".json") for item in _FOLDER.iterdir() if item.name.endswith(".json")))


def load(name: str) -> Preset:
    """Load the factory preset of this name.

    Raises:
        PresetError: there is none of this name.
    """
    known = names()
    if name not in known:
        near = get_close_matches(name, known, n=1)
        hint = f'did you mean "{near[0]}"?' if near else f"there are: {', '.join(known)}."
        raise PresetError(f'There is no factory preset called "{name}"; {hint}')
    return preset_files.loads((_FOLDER / f"{name}.json").read_text(encoding="utf-8"), name=f"factory preset {name}")
