"""Profiles of plug-ins from files: those that come with mixbridge, by name, and a user's own, by path."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Final

from ...presets.errors import PluginError
from ..desks.toml_files import TomlKind, read_toml
from ..desks.wire import short
from .profile import PluginProfile

_PROFILE: Final = TomlKind("plug-in profile", PluginError, 1024 * 1024)
_FOLDER: Final = Path(__file__).parent / "profiles"


def load_profile(name_or_path: str | Path) -> PluginProfile:
    """The profile of a name that mixbridge knows, or of a file.

    Args:
        name_or_path: e.g. "zameq2", "ZamEQ2", "Pro-Q 3" or "my-eq.toml".

    Raises:
        PluginError: no such profile or file, or mistakes in it (all that were found, one a line).
    """
    name = str(name_or_path)
    path = Path(name_or_path)
    if path.suffix.lower() == ".toml":
        return _parse(path)
    known = profiles()
    for stem, profile in known.items():
        if plain(name) in (plain(stem), plain(profile.name)):
            return profile
    raise PluginError(
        f"mixbridge has no profile of {short(name)}; it has {', '.join(known)}, and takes the path of a profile "
        "(a .toml file). `mixbridge plugin measure PLUGIN -o FILE.toml` makes one."
    )


@cache
def profiles() -> dict[str, PluginProfile]:
    """The profiles that come with mixbridge, by the names of their files without `.toml`."""
    return {path.stem: _parse(path) for path in sorted(_FOLDER.glob("*.toml"))}


def profile_for(plugin: Path, class_id: str | None = None) -> PluginProfile | None:
    """The profile that comes with mixbridge for a plug-in's file, or for its class id; None if there is none."""
    for profile in profiles().values():
        if (class_id is not None and profile.class_id == class_id) or profile.file.lower() == plugin.name.lower():
            return profile
    return None


def plain(name: str) -> str:
    """Reduce a name to small letters and digits: "Pro-Q 3" and "pro_q_3" are the same."""
    return "".join(char for char in name.lower() if char.isalnum())


def _parse(path: Path) -> PluginProfile:
    return read_toml(path, PluginProfile, _PROFILE)
