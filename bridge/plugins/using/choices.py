"""plugins.toml: which of the user's plug-ins take the place of which stages, on which tracks.

    eq = ["ZamEQ2", "ZamGEQ31"]      # on all tracks, one behind the other
    compressor = "ZamComp"

    [tracks."Lead Vox"]
    eq = "ZamEQ2"                    # here another
    compressor = "ours"              # and here mixbridge's own

Names are those of profiles that come with mixbridge; "my-eq.toml" is a profile of the user's, beside this file.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import BeforeValidator, Field

from ....presets.console import Part
from ....presets.errors import PluginError
from ....runtime.plugins.process import USUAL_LIMIT_S, PluginFile
from ...desks.toml_files import TomlKind, read_toml
from ..loading import load_profile
from ..probing.folders import plugin_folders
from ..profile import PluginProfile

OURS: Final = "ours"
StageName = Literal["eq", "compressor"]
STAGES: Final[tuple[StageName, ...]] = ("eq", "compressor")
OnFault = Literal["stop", "ours"]
_FILE: Final = TomlKind("plugins.toml", PluginError)
_MOST_IN_A_ROW: Final = 8


def _listed(value: object) -> object:
    """Read one name as a list of one, and "ours" as none."""
    names = (value,) if isinstance(value, str) else value
    return () if names in ((OURS,), [OURS]) else names


Name = Annotated[str, Field(min_length=1, max_length=500)]
Places = dict[str, Annotated[int, Field(ge=1, le=1000)]]
Chosen = Annotated[tuple[Name, ...], BeforeValidator(_listed), Field(max_length=_MOST_IN_A_ROW)]


class TrackPlugins(Part):
    """Plug-ins of one track; what is not said is as on all tracks."""

    eq: Chosen | None = None
    compressor: Chosen | None = None
    places: Places = Field(default_factory=dict, max_length=1000)


class PluginsToml(Part):
    """The content of a plugins.toml."""

    eq: Chosen = ()
    compressor: Chosen = ()
    on_fault: OnFault = Field("stop", description="what becomes of a mix whose plug-in fails")
    time_limit_s: float = Field(USUAL_LIMIT_S, gt=0, le=3600, allow_inf_nan=False)
    paths: dict[str, Name] = Field(default_factory=dict, max_length=1000)
    places: Places = Field(
        default_factory=dict, max_length=1000, description="in REAPER: which of a track's effects each is, from 1"
    )
    tracks: dict[str, TrackPlugins] = Field(default_factory=dict, max_length=10000)

    @property
    def names(self) -> tuple[str, ...]:
        """All plug-ins that are named, each once."""
        own = [name for track in self.tracks.values() for name in (*(track.eq or ()), *(track.compressor or ()))]
        return tuple(dict.fromkeys([*self.eq, *self.compressor, *own]))


@dataclass(frozen=True)
class UserPlugin:
    """A plug-in that was chosen.

    Attributes:
        profile: what is known of it.
        file: where it is.
    """

    profile: PluginProfile
    file: PluginFile

    @property
    def is_here(self) -> bool:
        """Whether it can be loaded on this machine."""
        return self.profile.kind != "daw" and self.file.path.exists()


@dataclass(frozen=True)
class PluginChoices:
    """A plugins.toml that was read.

    Attributes:
        path: of the file.
        content: of it.
        is_remote: whether the plug-ins may be on another machine, in a DAW, so that none has to be here.
    """

    path: Path
    content: PluginsToml
    is_remote: bool = False

    def chosen(self, track: str, stage: StageName) -> tuple[UserPlugin, ...]:
        """Give the plug-ins of a stage of a track, in the order of the sound; none for mixbridge's own."""
        own = self.content.tracks.get(track)
        names = getattr(own, stage) if own is not None else None
        return tuple(self._plugins[name] for name in (getattr(self.content, stage) if names is None else names))

    def unknown(self, tracks: Mapping[str, object]) -> tuple[str, ...]:
        """List the tracks that are named here and not there."""
        return tuple(name for name in self.content.tracks if name not in tracks)

    @cached_property
    def _plugins(self) -> dict[str, UserPlugin]:
        content = self.content
        places = {"": (content.eq, content.compressor)} | {
            f" of track {name!r}": (own.eq or (), own.compressor or ()) for name, own in content.tracks.items()
        }
        known: dict[str, UserPlugin] = {}
        for place, stages in places.items():
            for stage, names in zip(STAGES, stages, strict=True):
                for name in names:
                    known[name] = known.get(name) or self._plugin(name, f"{stage}{place}")
                    if stage not in known[name].profile.stages:
                        raise PluginError(
                            f"{self.path}: {stage}{place}: the profile of {known[name].profile.title} has no {stage}; "
                            f"it serves as {' and '.join(known[name].profile.stages) or 'nothing'}."
                        )
                    if stage == "compressor" and known[name].profile.compressor_ability() is None:
                        raise PluginError(
                            f"{self.path}: {stage}{place}: the profile of {known[name].profile.title} has no ratio or "
                            "no attack (a limiter has none): choose a compressor that has both."
                        )
        return known

    def _plugin(self, name: str, key: str) -> UserPlugin:
        typed = Path(name).expanduser()
        try:
            profile = load_profile(self.path.parent / typed if name.lower().endswith(".toml") else name)
        except PluginError as error:
            raise PluginError(f"{self.path}: {key}: {error}") from None
        path = self._path(name, key, profile)
        return UserPlugin(profile, PluginFile(path, title=profile.name, limit_s=self.content.time_limit_s))

    def _path(self, name: str, key: str, profile: PluginProfile) -> Path:
        """Find a plug-in where the file says, or where systems have them; of a remote one at least its name."""
        known = {given.lower(): path for given, path in self.content.paths.items()}
        given = known.get(name.lower()) or known.get(profile.name.lower())
        path = self.path.parent / Path(given).expanduser() if given else installed(profile.file)
        if self.is_remote:
            return path or Path(profile.file)
        if profile.kind == "daw":
            raise PluginError(
                f"{self.path}: {key}: {profile.title} is part of its DAW and cannot be loaded here: "
                "`mixbridge push` sets it there."
            )
        if path is not None and path.exists():
            return path
        where = f"there is no {path}" if path else f"no {profile.file} in {', '.join(map(str, plugin_folders()))}"
        raise PluginError(
            f"{self.path}: {key}: {profile.title} is not installed: {where}. Install it, or write where it is: "
            f'[paths] "{profile.name}" = "/folder/{profile.file}".'
        )


def read_choices(path: Path) -> PluginsToml:
    """Read a plugins.toml, and look for nothing that it names.

    Raises:
        PluginError: it cannot be read, or has mistakes (all that were found, one a line).
    """
    return read_toml(path, PluginsToml, _FILE)


def load_choices(path: Path, *, is_remote: bool = False) -> PluginChoices:
    """Read a plugins.toml, and find its plug-ins.

    Args:
        path: of the file.
        is_remote: whether the plug-ins may be on another machine, in a DAW.

    Raises:
        PluginError: it cannot be read, or has mistakes (all that were found, one a line); a plug-in or a profile is
            missing.
    """
    content = read_choices(path)
    choices = PluginChoices(path.absolute(), content, is_remote)
    _ = choices._plugins  # what is missing is said now, not in the middle of a mix
    return choices


def installed(file: str) -> Path | None:
    """Find a plug-in by the name of its file where systems have them; None where there is none."""
    return next((folder / file for folder in plugin_folders() if (folder / file).exists()), None)
