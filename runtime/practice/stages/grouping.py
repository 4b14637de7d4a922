"""Groups of tracks that engineers hold together: drums, backing vocals, guitars, where there are three and more.

Engineers make such groups of what plays one part of a mix (D. Ronan, H. Gunes, J. D. Reiss, Analysis of the subgrouping
practices of professional mix engineers, AES 142, 2017). The 64 mixes that other settings follow do not tell how
theirs were compressed: what is set here is gentle, so that nothing but the group's own peaks moves.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np

from ....presets.console import Compressor, Strip
from ....presets.preset import Preset
from ....presets.roles import Role
from ...audio.loudness import integrated_loudness
from ...audio.reading import Samples
from ...console.buses import group_stem
from ...console.dynamics import followed_db
from ...console.response import compressor_gain_db
from ..shaping import with_reduction

GROUPS: Final[Mapping[str, frozenset[Role]]] = {
    "Drums": frozenset({"kick", "snare", "tom", "hi-hat", "overhead", "cymbal", "room", "percussion", "drums"}),
    "Backing Vocals": frozenset({"backing vocal"}),
    "Guitars": frozenset({"electric guitar", "acoustic guitar"}),
}
"""Roles of the tracks in a group, by its name."""
GROUP_STEMS: Final = tuple(map(group_stem, GROUPS))
"""What they are called among the stems."""
LEAST_TRACKS: Final = 3

# How far a group is turned down in its loudest moments, and by what.
_REDUCTION_DB: Final[Mapping[str, float]] = {"Drums": 1.5, "Backing Vocals": 2.0, "Guitars": 1.5}
_LOUDEST: Final = 0.95
_SHAPES: Final[Mapping[str, Compressor]] = {
    "Drums": Compressor(ratio=2.0, attack_ms=30.0, release_ms=120.0, knee_db=8.0),
    "Backing Vocals": Compressor(ratio=2.0, attack_ms=15.0, release_ms=200.0, knee_db=8.0),
    "Guitars": Compressor(ratio=1.6, attack_ms=25.0, release_ms=200.0, knee_db=8.0),
}
_GROUPED: Final = "go through a group"
_PLAYING_DB: Final = 40.0
_EVERY: Final = 64


def groups_among(roles: Mapping[str, Role | None]) -> dict[str, tuple[str, ...]]:
    """Choose the groups of a session and their tracks, by name.

    Args:
        roles: of its tracks by name.
    """
    taken = {name.casefold() for name in roles}
    found = {}
    for group, members in GROUPS.items():
        names = tuple(name for name, role in roles.items() if role in members)
        # A group that is the whole session is the mix; one that is called like a track would be taken for it.
        is_free = not taken & {group.casefold(), group_stem(group).casefold()}
        if LEAST_TRACKS <= len(names) < len(roles) and is_free:
            found[group] = names
    return found


def group_words(group: str, tracks: int, reduction_db: float) -> str:
    """Say what a group does, in a sentence."""
    return f"{group}: {tracks} tracks {_GROUPED} that holds them together, {reduction_db:.1f} dB at their loudest."


def without_idle_words(preset: Preset) -> Preset:
    """A preset without groups says nothing of groups."""
    said = preset.provenance.decisions or ()
    true = said if preset.buses else tuple(words for words in said if _GROUPED not in words)
    if true == said:
        return preset
    return preset.model_copy(update={"provenance": preset.provenance.model_copy(update={"decisions": true or None})})


def glued(group: str, audio: Samples, sample_rate_hz: int) -> tuple[Strip, float]:
    """The strip of a group, as loud as without it, and how far it turns down in its loudest moments.

    Args:
        group: its name.
        audio: the sum of its tracks behind their faders and pans, shape (2, n).
        sample_rate_hz: of it.
    """
    shape = _SHAPES[group]
    levels_db = followed_db(np.abs(audio).max(axis=0), sample_rate_hz, shape)[::_EVERY]
    playing_db = levels_db[levels_db > levels_db.max() - _PLAYING_DB]
    loudest_db = playing_db[playing_db >= np.quantile(playing_db, _LOUDEST)]
    compressor = with_reduction(shape, loudest_db, _REDUCTION_DB[group])
    gains_db = compressor_gain_db(compressor, np.repeat(levels_db, _EVERY)[: audio.shape[1]])
    held = audio * (10 ** (gains_db / 20)).astype(np.float32)
    lost_db = integrated_loudness(audio, sample_rate_hz) - integrated_loudness(held, sample_rate_hz)
    compressor = compressor.model_copy(
        update={
            "threshold_db": round(compressor.threshold_db, 2),
            "makeup_db": round(lost_db, 2) if np.isfinite(lost_db) else 0.0,
        }
    )
    return Strip(compressor=compressor), float(-compressor_gain_db(compressor, loudest_db).mean())
