"""People who talk, told by that they take turns: names of remote recordings say who, and not what.

By its sound a voice on a bad line is a guitar, and one that speaks with a melody sings. But who talks waits for the
others, which takes of a song do not: doubles, backing vocals and instruments play at once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import combinations
from typing import Final

import numpy as np

from ...presets.units import power_factor
from ..model.excerpts import WORDS_DB, Powers, level_of_words, share_under, talking
from ..roles.company import NO_INSTRUMENTS, VOICES
from ..roles.decide import RoleGuess
from ..roles.names import Weights, role_weights

# A name that gives a role this much says it.
_SAYS: Final = 0.5
# "Vocal" leaves open who it is, "Lead vocal" does not.
_SURE: Final = 0.8
# People interrupt each other; who sings a second voice does so all the time.
_AT_ONCE: Final = 0.2
# Music that plays under more than this of what voices do is what they sing to, as far as nobody says otherwise.
_SUNG_TO: Final = 0.3
_PAUSE_S: Final = 2.0
# Where another is so much nearer to its own level, what is heard is its bleed.
_BLEED_DB, _TINY = 6.0, 1e-12
# A sound that is no instrument's is a voice's from this on, beside one that surely is: by chance it would have 0.13.
_VOICED: Final = 0.25
_SPEECH: Final = {"speech": 0.8}


def with_people_who_talk(
    guesses: Mapping[str, RoleGuess], powers: Mapping[str, Powers], is_mono: Callable[[str], bool]
) -> dict[str, RoleGuess]:
    """Of tracks whose names leave it open, those that take turns talk, where no name says that music is made.

    Args:
        guesses: of all tracks.
        powers: by track that is heard, the power of each quarter second of all of it.
        is_mono: whether a track is one sound, as people are.
    """
    said = {name: role_weights(name) for name in guesses}
    if any(_makes_music(said[name], guess) for name, guess in guesses.items()):
        return dict(guesses)
    named = [name for name in powers if guesses[name].role == "speech" and said[name].get("speech", 0.0) > _SAYS]
    open_ones = [
        name
        for name in powers
        if name not in named and guesses[name].by != "told" and set(said[name]) <= VOICES and is_mono(name)
    ]
    if not named:  # nothing but the sound says that these are people
        open_ones = [name for name in open_ones if _may_be_voice(guesses[name])]
        if not any(guesses[name].role in VOICES for name in open_ones):
            return dict(guesses)
    people = [*named, *open_ones]
    others = [name for name in powers if name not in people and guesses[name].role != "effect"]
    if not open_ones or len(people) < 2 or not _take_turns(powers, people, open_ones):
        return dict(guesses)
    if not named and (
        any(guesses[name].role not in NO_INSTRUMENTS for name in others)
        or any(share_under(powers[name], [powers[other] for other in others], _PAUSE_S) > _SUNG_TO for name in people)
    ):
        return dict(guesses)
    return dict(guesses) | {name: RoleGuess("speech", _SPEECH["speech"], "sound", _SPEECH) for name in open_ones}


def _makes_music(said: Weights, guess: RoleGuess) -> bool:
    """Whether a name, or somebody, says that a track is an instrument, or a voice that sings."""
    if guess.by == "told":
        return guess.role not in NO_INSTRUMENTS or guess.role in VOICES - {"speech"}
    sings = max(said.get("lead vocal", 0.0), said.get("backing vocal", 0.0)) > _SURE
    return sings or sum(weight for role, weight in said.items() if role not in NO_INSTRUMENTS) > _SAYS


def _may_be_voice(guess: RoleGuess) -> bool:
    voiced = sum(weight for role, weight in guess.weights.items() if role in VOICES)
    return guess.role in VOICES or (guess.role is None and voiced > _VOICED)


def _take_turns(powers: Mapping[str, Powers], people: Sequence[str], open_ones: Sequence[str]) -> bool:
    """Whether these are silent, or no more than bleed, while any other of the people talks."""
    levels, own = {}, {}
    for name in people:
        words = talking(powers[name])
        if not words.any():
            return False
        levels[name] = powers[name] / level_of_words(powers[name])
        own[name] = words & (levels[name] > power_factor(-WORDS_DB))
    for one, other in combinations(people, 2):
        if one in open_ones or other in open_ones:
            steps = min(len(own[one]), len(own[other]))
            apart = levels[one][:steps] / np.maximum(levels[other][:steps], _TINY)
            alike = (apart < power_factor(_BLEED_DB)) & (apart > power_factor(-_BLEED_DB))
            at_once = int(np.sum(own[one][:steps] & own[other][:steps] & alike))
            if at_once > _AT_ONCE * min(own[one].sum(), own[other].sum()):
                return False
    return True
