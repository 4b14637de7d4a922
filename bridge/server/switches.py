"""Addresses that a desk has and a preset has not: switches of EQ and compressor, pan and mute of the master.

They are here so that one layout of a controller serves the desk `generic` and the server: a section is on if it does
anything, and off is neutral; the master of a preset stands in the middle and is heard.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from ...presets.console import EQ_BANDS, Master, Strip, get, replace
from ...presets.errors import PresetError
from ...presets.preset import Preset
from ..osc.packets import Argument

SwitchedSection = Literal["eq", "compressor"]

# What makes a section do nothing, by path.
_NEUTRAL: Final[Mapping[SwitchedSection, Mapping[str, float]]] = {
    "eq": {f"eq.{band}.gain_db": 0.0 for band in EQ_BANDS},
    "compressor": {"compressor.ratio": 1.0, "compressor.makeup_db": 0.0},
}


@dataclass(frozen=True)
class SectionSwitch:
    """Whether a section does anything.

    Attributes:
        section: EQ or compressor.
        index: of the track; None for the master.
    """

    section: SwitchedSection
    index: int | None

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
        changed = replace(self._strip(preset), _NEUTRAL[self.section])
        if isinstance(changed, Master):
            return preset.model_copy(update={"master": changed})
        index = self.index or 0
        track = preset.tracks[index].model_copy(update={"strip": changed})
        return preset.model_copy(update={"tracks": (*preset.tracks[:index], track, *preset.tracks[index + 1 :])})

    def _strip(self, preset: Preset) -> Strip | Master:
        return preset.master if self.index is None else preset.tracks[self.index].strip


@dataclass(frozen=True)
class Unmoved:
    """A control of the master that a preset does not have: it is always 0."""

    title: str

    def read(self, preset: Preset) -> int:
        """Read 0."""
        return 0

    def write(self, preset: Preset, value: Argument) -> Preset:
        """Accept 0.

        Raises:
            PresetError: another value.
        """
        if value != 0:
            raise PresetError(f"the master of a preset has no {self.title}: it is 0")
        return preset


SWITCHES: Final[Mapping[str, SwitchedSection]] = {"eq/on": "eq", "compressor/on": "compressor"}
_MASTER_ONLY: Final[Mapping[str, Unmoved]] = {"pan": Unmoved("pan"), "mute": Unmoved("mute")}


def master_place(suffix: str) -> SectionSwitch | Unmoved | None:
    """Find what a desk's master has at the end of an address and a preset's has not."""
    return SectionSwitch(SWITCHES[suffix], None) if suffix in SWITCHES else _MASTER_ONLY.get(suffix)
