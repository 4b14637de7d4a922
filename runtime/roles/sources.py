"""Several microphones before one source: an amplifier's two, and the line beside them.

They have the same wave, which two takes of one part have not, and stand in one place: apart, their delays would colour
each side otherwise. Acoustic guitars, keyboards and kits are recorded in stereo with several microphones: they are
free.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from itertools import combinations
from typing import Final

import numpy as np

from ...presets.roles import Role
from ..audio.arrays import is_one_sound
from ..audio.reading import Samples
from .likeness import Portrait, likeness, portrait

_CLOSE_MIKED: Final[frozenset[Role]] = frozenset({"electric guitar"})
# Two microphones and the line of one amplifier had 0.22 and more, takes of one part 0.07 at most.
_SAME_WAVE: Final = 0.15
_PLAYED_ALIKE: Final = 0.6
# Where less is played than this, in mean square, there is nothing to compare.
_SILENT: Final = 1e-9


def find_sources(
    roles: Mapping[str, Role | None],
    audio: Mapping[str, Samples],
    sample_rate_hz: int,
    paired: Collection[str] = (),
) -> dict[str, str]:
    """Find tracks that are recordings of one source.

    Args:
        roles: of the tracks.
        audio: one passage of all of them, shape (1 or 2, samples) by name; tracks in stereo stand for themselves.
        sample_rate_hz: of it.
        paired: tracks that mirror another one; they stand for themselves.

    Returns:
        For each track the first one of its source, which may be itself.
    """
    sources = {name: name for name in roles}
    portraits: dict[str, Portrait] = {}
    for name in (name for name, role in roles.items() if role in _CLOSE_MIKED and name not in paired):
        heard = audio.get(name)
        if heard is not None and is_one_sound(heard) and np.square(heard, dtype=np.float64).mean() > _SILENT:
            portraits[name] = portrait(heard, sample_rate_hz)
    for one, other in combinations(portraits, 2):
        if roles[one] != roles[other] or sources[other] != other:
            continue
        alike = likeness(portraits[one], portraits[other])
        if alike.wave >= _SAME_WAVE and alike.playing >= _PLAYED_ALIKE:
            sources[other] = sources[one]
    return sources
