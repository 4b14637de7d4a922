"""What a strip does, in sentences."""

from __future__ import annotations

from collections.abc import Iterable

from ....presets.inserts.insert import Insert
from ....presets.inserts.words import insert_words
from ....presets.preset import GroupBus, Preset, Track
from ...report.text import describe_effects, describe_master, describe_strip
from ...server.addresses import PartName


def strip_words(preset: Preset, part: PartName, index: int) -> list[str]:
    """Say what a strip does; IndexError for one that is not there."""
    if part == "track":
        return _owner_words(preset.tracks[index])
    if part == "bus":
        return _owner_words(preset.buses[index])
    if part != "master":
        return describe_effects(preset)
    return [*_unheard(preset.master_inserts), *describe_master(preset.master)]


def _owner_words(owner: Track | GroupBus) -> list[str]:
    return [*_unheard(owner.inserts), *describe_strip(owner)]


def _unheard(inserts: Iterable[Insert]) -> list[str]:
    """Inserts in words: the loop of the page is heard without them."""
    return [f"{insert_words(insert)}: in what is rendered, not in the loop here" for insert in inserts]
