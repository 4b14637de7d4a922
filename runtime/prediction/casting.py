"""Who plays what in a session: roles and pairs of its tracks, and what a plain mix has to know of each."""

from __future__ import annotations

import math
import os
from collections import Counter
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np

from ...presets.preset import Preset
from ...presets.roles import Role
from ..audio.arrays import is_one_sound
from ..audio.loudness import integrated_loudness
from ..audio.peaks import true_peak_db
from ..audio.reading import Samples, as_stereo
from ..model.analysis import Passage
from ..model.excerpts import share_under
from ..practice.placing import StereoPicture
from ..practice.sounds import RoleSound, lean_db, sides_db, sound_of
from ..practice.tail import tail_of
from ..rendering.takes import Takes
from ..roles.sources import find_sources, has_microphones

# A finished song is never quite the same left and right.
_EVEN_DB: Final = 1.0
# Between two sentences people are still talking.
_PAUSE_S: Final = 2.0


@dataclass(frozen=True)
class Cast:
    """Who plays what.

    Attributes:
        roles: of the tracks; None where nobody knows.
        pairs: names of tracks that mirror each other, left and right.
    """

    roles: Mapping[str, Role | None] = field(default_factory=dict)
    pairs: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of(cls, preset: Preset) -> Cast:
        """The cast that a preset names: two tracks of one link are a pair, the one further left first."""
        groups: dict[str, list[tuple[float, str]]] = {}
        for track in preset.tracks:
            if track.link is not None:
                groups.setdefault(track.link, []).append((track.strip.pan, track.name))
        pairs = [sorted(group, key=lambda member: member[0]) for group in groups.values() if len(group) == 2]
        roles = {track.name: track.role for track in preset.tracks}
        return cls(roles, tuple((left[1], right[1]) for left, right in pairs))

    @property
    def is_known(self) -> bool:
        """Whether anybody knows what any track is."""
        return any(role is not None for role in self.roles.values())


def takes_of(passage: Passage) -> Takes:
    """The strips that were rendered on the audio of a passage, for all who try settings on it."""
    takes: Takes = passage.memory.setdefault("takes", Takes())
    return takes


def sounds_of(passage: Passage, cast: Cast, sample_rate_hz: int) -> tuple[RoleSound, ...]:
    """Measure the tracks that are heard; once for each passage and cast."""
    roles = tuple(cast.roles.get(name) for name in passage.heard)
    key = "sounds", roles, cast.pairs, sample_rate_hz
    if key not in passage.memory:
        paired = {name for pair in cast.pairs for name in pair}
        by_name = dict(zip(passage.heard, roles, strict=True))
        sources = find_sources(by_name, _compared(passage, by_name), sample_rate_hz, paired)

        talking = [
            passage.powers[name] for name in passage.heard if name in passage.powers if by_name[name] == "speech"
        ]

        def under(name: str) -> float | None:
            power = passage.powers.get(name)
            return share_under(power, talking, _PAUSE_S) if talking and power is not None else None

        def sound(name: str, role: Role | None) -> RoleSound:
            level_lufs, audio = passage.level_lufs(name), passage.fullest(name).audio
            made = sound_of(name, role, audio, sample_rate_hz, level_lufs, source=sources[name])
            return replace(made, under_talk=under(name))

        with ThreadPoolExecutor(os.cpu_count()) as pool:
            passage.memory[key] = tuple(pool.map(sound, passage.heard, roles))
    sounds: tuple[RoleSound, ...] = passage.memory[key]
    return sounds


def _compared(passage: Passage, roles: Mapping[str, Role | None]) -> dict[str, Samples]:
    """Tracks that may be microphones before one source, as they play beside each other; one alone is none."""
    counts = Counter(role for role in roles.values() if has_microphones(role))
    names = [name for name, role in roles.items() if counts[role] > 1 and is_one_sound(passage.audio[name])]
    return {name: passage.side_by_side(name) for name in names}


def picture_of(passage: Passage, reference: Samples, cast: Cast, sample_rate_hz: int) -> StereoPicture:
    """What a mix takes from a reference, shape (1 or 2, n): width in each band, how wet and dense it is, its lean.

    It is looked at once for each passage that is heard with it.
    """
    key = "song", id(reference), sample_rate_hz
    if key not in passage.memory:  # with the reference, so that its identity stays its own
        song = sound_of("", None, as_stereo(reference), sample_rate_hz, 0.0)
        density_db = true_peak_db(as_stereo(reference)) - integrated_loudness(reference, sample_rate_hz)
        passage.memory[key] = reference, song, tail_of(reference, sample_rate_hz), density_db
    _, song, tail, density_db = passage.memory[key]
    lean = lean_db(song.left, song.right)
    beyond_db = math.copysign(max(0.0, abs(lean) - _EVEN_DB), lean)
    sides = np.asarray(sides_db(song.left, song.right, song.cross))
    return StereoPicture(cast.pairs, beyond_db, sides, tail=tail, density_db=density_db)
