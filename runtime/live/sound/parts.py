"""What of a preset each place of the running console plays, and what differs between two presets.

A preset is sent to the engine in these parts, only those that changed; each is small, so that to unpack it keeps the
thread of the audio waiting for no more than a fraction of a millisecond.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from ....presets.console import Master, Strip
from ....presets.edit import without_input_gain
from ....presets.editing.changing_inserts import tracks_with_inserts
from ....presets.errors import PresetError
from ....presets.lanes.lane import Lane
from ....presets.preset import LINKED, Preset, Track
from ...console.buses import Buses, used_effects
from ...console.effects.buses import BUSES
from ...console.strip import ChannelOutput

SEND_SETTINGS = ("fx_send_db", "reverb_send_db", "delay_send_db")


@dataclass(frozen=True)
class RackPart:
    """Settings of linked tracks, or a single one.

    Attributes:
        strips: by track.
        muted: by track.
        lanes: settings that move, by track.
    """

    strips: tuple[Strip, ...]
    muted: tuple[bool, ...]
    lanes: tuple[tuple[Lane, ...], ...]

    def has_stages_of(self, other: RackPart) -> bool:
        """Tell whether no lane plays and the stages are set alike: faders and pans are all that may differ."""
        if any(self.lanes) or any(other.lanes):
            return False
        one, another = (without_input_gain(part.strips[0]) for part in (self, other))
        return all(getattr(one, name) == getattr(another, name) for name in LINKED)


@dataclass(frozen=True)
class SendsPart:
    """Sends of a track.

    Attributes:
        levels: factors of fx bus, reverb and delay.
        strip: of the track, where lanes move them; None where they stand.
        lanes: of the track then.
    """

    levels: tuple[float, ...]
    strip: Strip | None = None
    lanes: tuple[Lane, ...] = ()


@dataclass(frozen=True)
class MasterPart:
    """Settings of the master, and those that move."""

    master: Master
    lanes: tuple[Lane, ...]


@dataclass(frozen=True)
class WetPart:
    """Settings of what is behind the strips.

    Attributes:
        buses: the settings as the console takes them.
        effects: those that anything is sent to.
    """

    buses: Buses
    effects: tuple[str, ...] = ()


@dataclass(frozen=True)
class Structure:
    """What cannot change while a console runs: another one takes over.

    Attributes:
        channels: 1 or 2, by track.
        groups: where each track goes; None is the mix.
        links: the word that linked tracks share, by track.
    """

    channels: tuple[int, ...]
    groups: tuple[str | None, ...]
    links: tuple[str | None, ...]

    @property
    def racks(self) -> tuple[tuple[int, ...], ...]:
        """Places of tracks that share their stages, in the order of each rack's first."""
        together: dict[Hashable, list[int]] = {}
        for place, link in enumerate(self.links):
            together.setdefault(place if link is None else link, []).append(place)
        return tuple(map(tuple, together.values()))

    @property
    def used_groups(self) -> tuple[str, ...]:
        """Groups that tracks go to, in the order of their first tracks."""
        return tuple(dict.fromkeys(group for group in self.groups if group is not None))


PartKey = tuple[Literal["rack", "sends", "wet", "master"], int]
"""Which place, and the number of the rack or track."""
AnyPart = RackPart | SendsPart | WetPart | MasterPart


@dataclass(frozen=True)
class Parts:
    """A whole preset, taken apart.

    Attributes:
        structure: of it.
        racks: in the order of the structure's.
        sends: by track.
        wet: groups and effects.
        master: the master.
    """

    structure: Structure
    racks: tuple[RackPart, ...]
    sends: tuple[SendsPart, ...]
    wet: WetPart
    master: MasterPart

    @classmethod
    def of(cls, preset: Preset, channels: Sequence[int]) -> Parts:
        """Take a preset apart whose tracks have these channels.

        Raises:
            PresetError: groups or the master go through inserts; or tracks do, whose inserts are not the console's.
        """
        summed = [owner for owner, _ in preset.bus_inserts()]
        if summed:
            raise PresetError(
                f"the inserts of {', '.join(summed)} cannot run in real time: they hear whole files. Remove them "
                "(`mixbridge preset insert`), or play the mix that `mixbridge apply` makes."
            )
        waiting = ", ".join(track.name for track in tracks_with_inserts(preset))
        if waiting:
            raise PresetError(
                f"the inserts of {waiting} are not the console's: they run before it. Remove them (`mixbridge preset "
                "insert`)."
            )
        tracks = preset.tracks
        structure = Structure(
            tuple(channels), tuple(track.bus for track in tracks), tuple(track.link for track in tracks)
        )
        racks = tuple(
            RackPart(
                tuple(tracks[place].strip for place in places),
                tuple(tracks[place].mute for place in places),
                tuple(tracks[place].lanes for place in places),
            )
            for places in structure.racks
        )
        buses = Buses.of(preset)
        used = {name for track in tracks for name in used_effects(track, buses)}
        effects = tuple(name for name in BUSES if name in used)
        sends = tuple(
            SendsPart((0.0, 0.0, 0.0)) if track.mute or track.bus in buses.muted else _sends(track) for track in tracks
        )
        return cls(structure, racks, sends, WetPart(buses, effects), MasterPart(preset.master, preset.master_lanes))

    def as_mapping(self) -> dict[PartKey, AnyPart]:
        """All parts by their places."""
        return {
            **{("rack", place): part for place, part in enumerate(self.racks)},
            **{("sends", place): part for place, part in enumerate(self.sends)},
            ("wet", 0): self.wet,
            ("master", 0): self.master,
        }

    def changed(self, changes: Mapping[PartKey, AnyPart]) -> Parts:
        """Put other parts in place of those that are there."""
        parts = {**self.as_mapping(), **changes}
        racks = tuple(part for key, part in parts.items() if key[0] == "rack" and isinstance(part, RackPart))
        sends = tuple(part for key, part in parts.items() if key[0] == "sends" and isinstance(part, SendsPart))
        wet, master = parts["wet", 0], parts["master", 0]
        if not isinstance(wet, WetPart) or not isinstance(master, MasterPart):
            raise TypeError("parts are not in their places")
        return replace(self, racks=racks, sends=sends, wet=wet, master=master)

    def differences(self, old: Parts) -> dict[PartKey, AnyPart]:
        """Those parts that are not as they were; both have the same structure."""
        before = old.as_mapping()
        return {key: part for key, part in self.as_mapping().items() if part is not before[key] and part != before[key]}


def _sends(track: Track) -> SendsPart:
    levels = ChannelOutput(track.strip, 2).sends
    # Input gain is part of what a send hears.
    if any(lane.parameter in SEND_SETTINGS for lane in track.lanes):
        return SendsPart(tuple(levels), track.strip, track.lanes)
    return SendsPart(tuple(levels))
