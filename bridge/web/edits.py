"""What is moved in a preset by hand, and what presets have for tracks."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from ...presets.errors import PresetError
from ...presets.preset import Preset, Track
from ..server.addresses import Mute, PartName, setting_of
from ..server.switches import linked_with

PARTS: Final[frozenset[PartName]] = frozenset({"track", "bus", "master", "reverb", "delay"})
_MUTE: Final = "mute"


@dataclass(frozen=True)
class SettingEdit:
    """A setting that is to be moved.

    Attributes:
        part: of the preset.
        index: which track or group; 0 for the others.
        path: in the console's table, or "mute" of a track.
        value: in its unit; 1 or 0 for a mute.
    """

    part: PartName
    index: int
    path: str
    value: float

    def applied(self, preset: Preset) -> Preset:
        """Make a preset with the setting moved, on linked tracks, too.

        Raises:
            PresetError: there is no such setting, or the value is out of range.
        """
        made: Preset = self._place(preset).write(preset, self.value)
        return made

    def with_linked(self, preset: Preset) -> Sequence[SettingEdit]:
        """List what was moved: this, and the same of tracks that are linked with it."""
        if self.part != "track":
            return [self]
        return [replace(self, index=index) for index in linked_with(preset, self.index, self.path.partition(".")[0])]

    def _place(self, preset: Preset) -> Any:
        sizes: dict[PartName, int] = {"track": len(preset.tracks), "bus": len(preset.buses)}
        if self.part not in PARTS or not 0 <= self.index < sizes.get(self.part, 1):
            raise PresetError(f"there is no {self.part!r} {self.index + 1}.")
        if self.part == "track" and self.path == _MUTE:
            return Mute(self.index)
        try:
            return setting_of(self.part, self.index, self.path)
        except KeyError:
            raise PresetError(f"a {self.part} has no setting {self.path!r}.") from None


def with_tracks(preset: Preset, names: Collection[str]) -> Preset:
    """Make a preset whose tracks are these, in this order; those that it did not know have nothing set.

    Without names it stays as it is.
    """
    if not names:
        return preset
    known = {track.name: track for track in preset.tracks}
    return preset.model_copy(update={"tracks": tuple(known.get(name, Track(name=name)) for name in names)})
