"""Addresses that a desk has and a preset has not: switches of sections, pan and mute of the master.

They are here so that one layout of a controller serves the desk `generic` and the server: a section is on if it does
anything, and off is neutral; the master and the groups of a preset are heard, and the master stands in the middle.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from ...presets.console import EQ_BANDS, HIGH_CUT_OFF_HZ, LOW_CUT_OFF_HZ, Master, Strip, get, replace
from ...presets.errors import PresetError
from ...presets.preset import Preset, linked_with
from ..osc.packets import Argument

SwitchedSection = Literal["gate", "low_cut", "high_cut", "eq", "compressor", "deesser", "saturation"]

# What makes a section do nothing, by path.
_NEUTRAL: Final[Mapping[SwitchedSection, Mapping[str, float]]] = {
    "gate": {"gate.range_db": 0.0},
    "low_cut": {"low_cut.freq_hz": LOW_CUT_OFF_HZ},
    "high_cut": {"high_cut.freq_hz": HIGH_CUT_OFF_HZ},
    "eq": {f"eq.{band}.gain_db": 0.0 for band in EQ_BANDS},
    "compressor": {"compressor.ratio": 1.0, "compressor.makeup_db": 0.0},
    "deesser": {"deesser.range_db": 0.0},
    "saturation": {"saturation.drive": 0.0},
}
# The sections of a preset's master.
_OF_MASTER: Final = frozenset[SwitchedSection]({"eq", "compressor"})


@dataclass(frozen=True)
class SectionSwitch:
    """Whether a section does anything.

    Attributes:
        section: which.
        index: of the track or group; None for the master.
        part: whether the index is that of a track or of a group.
    """

    section: SwitchedSection
    index: int | None
    part: Literal["tracks", "buses"] = "tracks"

    def read(self, preset: Preset) -> int:
        """Read 1 if it is not neutral."""
        strip = self._strip(preset)
        return int(any(float(get(strip, path)) != value for path, value in _NEUTRAL[self.section].items()))

    def write(self, preset: Preset, value: Argument) -> Preset:
        """Make the section neutral for 0; for 1 it stays as it is.

        Raises:
            PresetError: another value.
        """
        if value not in (0, 1):
            raise PresetError(f"{value!r:.80} is neither 1 (on) nor 0")
        if value:
            return preset
        neutral = _NEUTRAL[self.section]
        changed = replace(self._strip(preset), neutral)
        if isinstance(changed, Master):
            return preset.model_copy(update={"master": changed})
        index = self.index or 0
        if self.part == "buses":
            bus = preset.buses[index].model_copy(update={"strip": changed})
            return preset.model_copy(update={"buses": (*preset.buses[:index], bus, *preset.buses[index + 1 :])})
        for linked in linked_with(preset, index, self.section):
            track = preset.tracks[linked].model_copy(update={"strip": replace(preset.tracks[linked].strip, neutral)})
            tracks = (*preset.tracks[:linked], track, *preset.tracks[linked + 1 :])
            preset = preset.model_copy(update={"tracks": tracks})
        return preset

    def _strip(self, preset: Preset) -> Strip | Master:
        if self.index is None:
            return preset.master
        return (preset.tracks if self.part == "tracks" else preset.buses)[self.index].strip


@dataclass(frozen=True)
class Unmoved:
    """A control of the master or of a group that a preset does not have: it is always 0."""

    title: str
    of: str = "the master of a preset"

    def read(self, preset: Preset) -> int:
        """Read 0."""
        return 0

    def write(self, preset: Preset, value: Argument) -> Preset:
        """Accept 0.

        Raises:
            PresetError: another value.
        """
        if value != 0:
            raise PresetError(f"{self.of} has no {self.title}: it is 0")
        return preset


SWITCHES: Final[Mapping[str, SwitchedSection]] = {f"{section}/on": section for section in _NEUTRAL}
_MASTER_ONLY: Final[Mapping[str, Unmoved]] = {"pan": Unmoved("pan"), "mute": Unmoved("mute")}


def master_place(suffix: str) -> SectionSwitch | Unmoved | None:
    """Find what a desk's master has at the end of an address and a preset's has not."""
    if SWITCHES.get(suffix) in _OF_MASTER:
        return SectionSwitch(SWITCHES[suffix], None)
    return _MASTER_ONLY.get(suffix)


def bus_place(suffix: str, index: int) -> SectionSwitch | Unmoved | None:
    """Find what a desk's group has at the end of an address and a preset's has not."""
    if suffix in SWITCHES:
        return SectionSwitch(SWITCHES[suffix], index, "buses")
    return Unmoved("mute", "a group of a preset") if suffix == "mute" else None
