"""Where this system keeps plug-ins, and the plug-ins in a folder. Nothing is loaded here."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from ....presets.errors import PluginError

_KINDS: Final = {".vst3": "VST3", ".component": "Audio Unit"}


def plugin_folders(platform: str = sys.platform) -> list[Path]:
    """The folders in which plug-ins are usually installed, the first to be taken first; of another system for tests."""
    home = Path.home()
    if platform == "darwin":
        roots = (home / "Library/Audio/Plug-Ins", Path("/Library/Audio/Plug-Ins"))
        return [root / kind for root in roots for kind in ("VST3", "Components")]
    if platform == "win32":
        common = Path(os.environ.get("COMMONPROGRAMFILES", r"C:\Program Files\Common Files"))
        own = Path(os.environ.get("LOCALAPPDATA", str(home / "AppData/Local")))
        return [common / "VST3", own / "Programs/Common/VST3"]
    return [home / ".vst3", Path("/usr/local/lib/vst3"), Path("/usr/lib/vst3")]


def find_plugins(folders: Iterable[Path], platform: str = sys.platform) -> list[Path]:
    """The plug-ins in folders and what lies in them, sorted by name; a path to a plug-in stands for itself.

    Raises:
        PluginError: one of the folders is not there.
    """
    kinds = {".vst3"} | ({".component"} if platform == "darwin" else set())
    found: dict[str, Path] = {}
    for folder in folders:
        if not folder.exists():
            raise PluginError(f"{folder} is not there: name a folder with plug-ins, or leave it out for the usual ones")
        for path in _plugins_in(folder, kinds):
            found.setdefault(str(path.resolve()), path)
    return sorted(found.values(), key=lambda path: (path.name.lower(), str(path)))


def find_plugin(name: str, platform: str = sys.platform) -> Path:
    """The plug-in of a path, or of a name in the usual folders: "ZamEQ2" or "ZamEQ2.vst3".

    Raises:
        PluginError: there is none.
    """
    path = Path(name)
    if path.exists():
        if path.suffix.lower() not in _KINDS:
            raise PluginError(f"{path} is no plug-in: its name has to end in {' or '.join(_KINDS)}")
        return path
    wanted = name.lower()
    if os.sep not in name:
        present = [folder for folder in plugin_folders(platform) if folder.is_dir()]
        for plugin in find_plugins(present, platform):
            if wanted in (plugin.name.lower(), plugin.stem.lower()):
                return plugin
    raise PluginError(f"there is no plug-in {name}: `mixbridge plugin scan` lists those that are installed")


def kind_of(path: Path) -> str:
    """What kind of plug-in a path is, in words."""
    return _KINDS.get(path.suffix.lower(), "plug-in")


def _plugins_in(path: Path, kinds: set[str]) -> Iterator[Path]:
    """Goes through a folder; what a plug-in itself is made of is no plug-in."""
    if path.suffix.lower() in kinds:
        yield path
        return
    if not path.is_dir():
        return
    try:
        entries = sorted(path.iterdir())
    except OSError:  # a folder that may not be read has none for us
        return
    for entry in entries:
        if not entry.is_symlink() or entry.suffix.lower() in kinds:
            yield from _plugins_in(entry, kinds)
