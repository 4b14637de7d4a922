"""How settings go after a prediction while somebody listens: late, slowly, and not at all where a track is locked.

All settings that differ move together on the straight way of a blend, so fast that none of them changes by more in a
second than its kind may. A new prediction that is near where things stand or are going changes nothing.
"""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from ...presets.edit import blended
from ...presets.editing.differences import diff
from ...presets.preset import Preset

# The most that a setting moves in a second: dB of gains and thresholds, octaves of frequencies and times and ratios,
# and numbers without a unit (pan, Q).
MOST_DB: Final = 2.0
MOST_OCTAVES: Final = 0.5
MOST_BARE: Final = 0.2
# What a prediction has to differ by, in seconds of moving, before it is followed: 1.5 dB.
HYSTERESIS_S: Final = 0.75


@dataclass
class Steering:
    """Where settings are going.

    Args:
        locked: names of tracks that stay as they are.
    """

    locked: set[str]
    target: Preset | None = None

    def hear(self, current: Preset, predicted: Preset) -> bool:
        """Take a prediction; whether it is followed."""
        wanted = reachable(current, predicted, self.locked)
        if way_s(self.target or current, wanted) < HYSTERESIS_S:
            return False
        self.target = wanted
        return True

    def step(self, current: Preset, length_s: float) -> Preset:
        """Go on for so long from where things stand; the same preset where they have arrived."""
        if self.target is None:
            return current
        target = reachable(current, self.target, self.locked)
        way = way_s(current, target)
        if way <= length_s:
            self.target = None
            return target if way else current
        return _exact(blended(current, target, length_s / way), current, target)


def way_s(current: Preset, wanted: Preset) -> float:
    """Compute how long the setting that is furthest away is under way; 0 where nothing differs."""
    return max((_seconds(change.old, change.new, change.unit) for change in diff(current, wanted)), default=0.0)


def reachable(current: Preset, predicted: Preset, locked: Collection[str]) -> Preset:
    """Take strips and master of a prediction; all else, and locked tracks, are those of the current preset."""
    known = {track.name: track for track in predicted.tracks}
    fixed_links = {track.link for track in current.tracks if track.name in locked and track.link is not None}
    tracks = []
    for track in current.tracks:
        heard = known.get(track.name)
        is_fixed = heard is None or heard.mute or track.name in locked or track.link in fixed_links
        # Linked tracks have one set of stages; a prediction knows no links of this preset.
        stays = is_fixed or track.link is not None
        tracks.append(track if stays or heard is None else track.model_copy(update={"strip": heard.strip}))
    # The curve that fits the whole song to the reference is of the whole song.
    master = predicted.master.model_copy(update={"match": current.master.match})
    return current.model_copy(update={"tracks": tuple(tracks), "master": master})


def _seconds(old: object, new: object, unit: str) -> float:
    if not isinstance(old, int | float) or not isinstance(new, int | float) or isinstance(old, bool):
        return 0.0
    if unit == "dB":
        return abs(new - old) / MOST_DB
    if unit in ("Hz", "ms", "s", ":1") and old > 0 and new > 0:
        return abs(math.log2(new / old)) / MOST_OCTAVES
    return abs(new - old) / MOST_BARE


def _exact(between: Preset, current: Preset, target: Preset) -> Preset:
    """Keep to the last digit what does not move, which else would be played anew, and the note of what it is of."""
    tracks = tuple(
        now if now.strip == then.strip else now.model_copy(update={"strip": track.strip})
        for track, now, then in zip(between.tracks, current.tracks, target.tracks, strict=True)
    )
    master = current.master if current.master == target.master else between.master
    return current.model_copy(update={"tracks": tracks, "master": master})
