"""Decides what each track is: what was told counts alone, else its name and its sound are weighed.

A name that says something is hardly ever wrong, a sound more often; but a name may leave open ("Vox": lead or backing?)
what the sound can tell. So the sound chooses among what the name allows, and decides where the name is silent. Who
uses a voice beside instruments sings or raps, though it may sound spoken; a voice alone, or among voices, may speak.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Final, Literal

import numpy as np

from ...presets.roles import ROLES, Role
from ..audio.reading import Samples
from .company import NO_INSTRUMENTS, in_company, is_instrument
from .names import Weights, likeliest, role_weights
from .pairs import Ears
from .sound import sound_weights

By = Literal["told", "name", "sound", "both", "nothing"]

# What is left to roles that a name does not speak of, at least: names lie, too.
_LEAST_DOUBT: Final = 0.03
# How often a sound is told wrongly; then it may be anything. So it never outvotes a name that is sure. Of recorded
# stems of songs that training had not, it told 77 of 100 rightly where it was surest, 0.8 and more.
_SOUND_ERROR: Final = 0.35
# How much of what a name leaves to speech is left beside instruments.
_SPEECH_IN_A_BAND: Final = 0.1
# As takes of one part do, the likeness of their notes in time.
_SINGS_ALONG: Final = 0.6
# Less than this is no decision: the role stays unknown.
_LEAST_WEIGHT: Final = 0.35
_NOTHING_TOLD: Final[Mapping[str, Role]] = {}


@dataclass(frozen=True)
class RoleGuess:
    """What a track is, and how sure that is.

    Attributes:
        role: the likeliest; None where neither name nor sound tells enough.
        weight: how likely, 0..1.
        by: what decided: somebody told, the name, the sound, both alike.
        weights: of all roles that come into question, their sum at most 1.
    """

    role: Role | None
    weight: float
    by: By
    weights: Mapping[str, float] = field(default_factory=dict)


def decide_roles(
    names: Sequence[str],
    audio: Mapping[str, Samples] | None,
    sample_rate_hz: int,
    told: Mapping[str, Role] = _NOTHING_TOLD,
) -> dict[str, RoleGuess]:
    """Decide the role of each track.

    Args:
        names: of the tracks.
        audio: a passage of them, shape (1 or 2, samples) by name; a track that is missing or silent is judged by its
            name. None where there is no sound.
        sample_rate_hz: of the audio.
        told: roles that are known.

    Returns:
        A guess for each name, in their order.
    """
    heard = audio or {}
    by_name = in_company({name: role_weights(name) for name in names})
    if any(is_instrument(weights) for weights in by_name.values()) or any(
        role not in NO_INSTRUMENTS for role in told.values()
    ):
        by_name = {name: _sung(weights) for name, weights in by_name.items()}

    def guess(name: str) -> RoleGuess:
        if name in told:
            return RoleGuess(told[name], 1.0, "told", {told[name]: 1.0})
        return weighed(by_name[name], _sound(heard.get(name), sample_rate_hz))

    with ThreadPoolExecutor(os.cpu_count()) as pool:  # sound is computed outside of Python's lock
        return dict(zip(names, pool.map(guess, names), strict=True))


def _sung(weights: Weights) -> Weights:
    """What an open name of a voice says beside instruments."""
    if likeliest(weights) == "speech":
        return weights
    return {role: weight * (_SPEECH_IN_A_BAND if role == "speech" else 1) for role, weight in weights.items()}


def with_one_lead(
    guesses: Mapping[str, RoleGuess], heard: Callable[[str], Samples], sample_rate_hz: int
) -> dict[str, RoleGuess]:
    """Of voices that were told by their sound alone, those that sing along with a louder one back it.

    A sound tells that somebody sings, not who leads; who doubles a lead would be as loud as it.

    Args:
        guesses: of all tracks.
        heard: gives a track at the same places as any other, shape (1 or 2, samples).
        sample_rate_hz: of that.
    """
    found = dict(guesses)
    voices = [name for name, guess in guesses.items() if guess.role == "lead vocal" and guess.by == "sound"]
    audio = {name: heard(name) for name in voices} if len(voices) > 1 else {}
    by_level = sorted(audio, key=lambda name: -float(np.square(audio[name], dtype=np.float64).mean()))
    ears = Ears({name: item.mean(axis=0, keepdims=True) for name, item in audio.items()}, sample_rate_hz)
    leads: list[str] = []
    for name in by_level:
        alike = [ears(lead, name) for lead in leads]
        if any(one is not None and one.playing >= _SINGS_ALONG for one in alike):
            weight = found[name].weight
            found[name] = RoleGuess("backing vocal", weight, "sound", {"backing vocal": weight})
        else:
            leads.append(name)
    return found


def weighed(name: Weights, sound: Weights) -> RoleGuess:
    """Weigh what a name says against what a sound says; both may be empty."""
    if not name and not sound:
        return RoleGuess(None, 0.0, "nothing")
    doubt = max(_LEAST_DOUBT, 1 - sum(name.values()))
    heard = {role: (1 - _SOUND_ERROR) * sound.get(role, 0.0) + _SOUND_ERROR / len(ROLES) for role in ROLES}
    joint = {role: (name.get(role, 0.0) + doubt / len(ROLES)) * share for role, share in heard.items()}
    total = sum(joint.values())
    weights: dict[str, float] = {role: share / total for role, share in joint.items() if share > total * 1e-3}
    role = max(joint, key=lambda role: joint[role])
    likes_name, likes_sound = (bool(said) and max(said, key=lambda one: said[one]) == role for said in (name, sound))
    by: By = "both" if likes_name and likes_sound else "name" if role in name else "sound"
    weight = weights[role]
    return RoleGuess(role if weight >= _LEAST_WEIGHT else None, round(weight, 3), by, weights)


def _sound(audio: Samples | None, sample_rate_hz: int) -> Weights:
    return sound_weights(audio, sample_rate_hz) if audio is not None and bool(np.any(audio)) else {}
