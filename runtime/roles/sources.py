"""Several microphones before one source: an amplifier's two, and the line beside them.

They have the same wave, which two takes of one part have not, and stand in one place: apart, their delays would colour
each side otherwise. Acoustic guitars, keyboards and kits are recorded in stereo with several microphones: they are
free.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from itertools import combinations
from typing import Final

import numpy as np

from ...presets.roles import Role
from ..audio.arrays import is_one_sound
from ..audio.reading import Samples
from .likeness import Likeness
from .pairs import Ears

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
        audio: the same passages of all of them, one behind the other, shape (1 or 2, samples) by name; tracks in stereo
            stand for themselves.
        sample_rate_hz: of it.
        paired: tracks that mirror another one; they stand for themselves.

    Returns:
        For each track the first one of its source, which may be itself.
    """
    sources = {name: name for name in roles}
    ears = Ears(audio, sample_rate_hz)
    names = [name for name, role in roles.items() if has_microphones(role) and name not in paired]
    for one, other in combinations(that_sound_alone(names, audio), 2):
        if roles[one] == roles[other] and sources[other] == other and is_one_source(ears(one, other)):
            sources[other] = sources[one]
    return sources


def has_microphones(role: Role | None) -> bool:
    """Whether tracks of this role may be microphones before one source that stand in one place."""
    return role in _CLOSE_MIKED


def that_sound_alone(names: Iterable[str], audio: Mapping[str, Samples]) -> list[str]:
    """Those of the tracks that are one sound, and not silent."""
    return [
        name
        for name in names
        if name in audio and is_one_sound(audio[name]) and np.square(audio[name], dtype=np.float64).mean() > _SILENT
    ]


def is_one_source(alike: Likeness | None) -> bool:
    """Whether two tracks that are so alike are recordings of one source; None where one of them is silent."""
    return alike is not None and alike.wave >= _SAME_WAVE and alike.playing >= _PLAYED_ALIKE
