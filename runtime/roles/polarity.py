"""Microphones of one source whose polarity differs: they take from each other what they have in common.

A microphone below a snare hears its skin come when the one above hears it go. The console has no polarity, so this is
said and not turned.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations
from typing import Final

from ...presets.roles import Role
from ..audio.reading import Samples
from .likeness import correlation_peaks, portrait
from .names import undersides
from .pairs import Ears
from .sources import is_one_source, that_sound_alone

_ONE_SOURCE: Final[frozenset[Role]] = frozenset({"kick", "snare", "bass", "electric guitar"})
# Below zero two waves have to be this much alike, and more than above it: cabinets and cuts turn phases, too.
_ALIKE: Final = 0.3
# Microphones of one drum, 50 cm apart; what comes later is another drum's.
_LONGEST_DELAY_S: Final = 0.0015
_MORE_THAN_UPRIGHT: Final = 1.5


def may_be_turned(role: Role | None) -> bool:
    """Whether tracks of this role are looked at."""
    return role in _ONE_SOURCE


def find_turned(
    roles: Mapping[str, Role | None], audio: Mapping[str, Samples], sample_rate_hz: int
) -> list[tuple[str, str]]:
    """Find microphones of one source with opposite polarity.

    Args:
        roles: of the tracks.
        audio: the same passages of all of them, shape (1 or 2, samples) by name; tracks in stereo are left out.
        sample_rate_hz: of it.

    Returns:
        A track, and the one to turn.
    """
    names = that_sound_alone((name for name, role in roles.items() if may_be_turned(role)), audio)
    ears, heard = Ears(audio, sample_rate_hz), {name: portrait(audio[name], sample_rate_hz) for name in names}
    found = []
    for one, other in combinations(sorted(names, key=lambda name: name in undersides([name])), 2):
        if roles[one] != roles[other]:
            continue
        lowest, highest = correlation_peaks(heard[one], heard[other], _LONGEST_DELAY_S)
        if -lowest >= max(_ALIKE, _MORE_THAN_UPRIGHT * highest) and is_one_source(ears(one, other)):
            found.append((one, other))
    return found
