"""What undo and redo go through on the page: the preset, the prediction, references, snapshots and roles, together.

Where the loop is, what is soloed and what is bypassed is no work on the mix: it is not here.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from ...presets.edit import diff, scaled
from ...presets.errors import PresetError
from ...presets.names import LONGEST_NAME
from ...presets.preset import Preset
from ...presets.roles import told_roles
from .edits import with_tracks
from .material import PageReference

MOST_SNAPSHOTS: Final = 50


@dataclass(frozen=True)
class WorkState:
    """The work at one moment.

    Attributes:
        preset: as it is heard.
        whole: what the preset is an amount of.
        amount: how much of it.
        predicted: what the model said; None if it was not asked.
        references: in their order.
        snapshots: by name.
        roles: what tracks are, as it was told on the page.
    """

    preset: Preset
    whole: Preset
    amount: float = 1.0
    predicted: Preset | None = None
    references: tuple[PageReference, ...] = ()
    snapshots: Mapping[str, Preset] = field(default_factory=dict)
    roles: Mapping[str, str] = field(default_factory=dict)

    def with_preset(self, preset: Preset) -> WorkState:
        """Take another preset, whole."""
        return replace(self, preset=preset, whole=preset, amount=1.0)

    def with_prediction(self, preset: Preset, names: Collection[str], stems: Collection[str]) -> WorkState:
        """Take what was predicted for tracks of these names; the tracks are those that have stems now."""
        return replace(self.with_preset(with_tracks(preset, stems)), predicted=with_tracks(preset, names))

    def scaled(self, amount: float) -> WorkState:
        """Use this much of the preset, 0..1.5.

        Raises:
            PresetError: an amount out of range.
        """
        return replace(self, preset=scaled(self.whole, amount), amount=amount)

    def named(self, name: str) -> Preset:
        """Find a snapshot; "" is the prediction.

        Raises:
            PresetError: there is none.
        """
        preset = self.snapshots.get(name) if name else self.predicted
        if preset is None:
            raise PresetError(f"there is no snapshot {name!r}." if name else "nothing was predicted yet.")
        return preset

    def differences(self) -> list[str]:
        """List what stands otherwise than it was predicted, as "Vox.compressor.ratio"."""
        predicted, preset = self.predicted, self.preset
        if predicted is None or [track.name for track in predicted.tracks] != [track.name for track in preset.tracks]:
            return []
        return [change.path for change in diff(predicted, preset)]

    def remembering(self, name: str) -> WorkState:
        """Keep the preset as it is under a name, in place of an older one of that name.

        Raises:
            PresetError: the name cannot be, or there are too many.
        """
        name = _checked(name)
        if name not in self.snapshots and len(self.snapshots) >= MOST_SNAPSHOTS:
            raise PresetError(f"{MOST_SNAPSHOTS} snapshots are kept: remove one first.")
        return replace(self, snapshots={**self.snapshots, name: self.preset})

    def forgetting(self, name: str) -> WorkState:
        """Drop a snapshot; one that is not there is no error."""
        return replace(self, snapshots={known: preset for known, preset in self.snapshots.items() if known != name})

    def renaming(self, name: str, other: str) -> WorkState:
        """Give a snapshot another name; it stays at its place in the list.

        Raises:
            PresetError: there is no such snapshot, or the other name is taken or cannot be.
        """
        other = _checked(other)
        if name not in self.snapshots:
            raise PresetError(f"there is no snapshot {name!r}.")
        if other in self.snapshots and other != name:
            raise PresetError(f"there is a snapshot {other!r} already: choose another name.")
        return replace(
            self, snapshots={other if known == name else known: preset for known, preset in self.snapshots.items()}
        )

    def telling(self, name: str, role: str) -> WorkState:
        """Say what a track is; "" has it found out.

        Raises:
            PresetError: there is no such track or role.
        """
        tracks = self.preset.tracks
        if name not in {track.name for track in tracks}:
            raise PresetError(f"there is no track {name!r}.")
        told = told_roles({name: role}, [name])[name] if role else None
        roles = {known: word for known, word in self.roles.items() if known != name} | ({name: told} if told else {})
        changed = tuple(track.model_copy(update={"role": told}) if track.name == name else track for track in tracks)
        return replace(self.with_preset(self.preset.model_copy(update={"tracks": changed})), roles=roles)


def _checked(name: str) -> str:
    if not name.strip():
        raise PresetError("a snapshot needs a name.")
    return name.strip()[:LONGEST_NAME]
