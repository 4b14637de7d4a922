"""What names say beside each other: in a choir "Bass" is a voice, in an orchestra "Vc" is a cello."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final

from ...presets.roles import Role
from .beside_talk import says_bed, says_jingle
from .names import Weights, folded, meanings, words_of

VOICES: Final[frozenset[Role]] = frozenset({"lead vocal", "backing vocal", "speech"})
"""Roles of people."""
NO_INSTRUMENTS: Final[frozenset[Role]] = VOICES | {"effect", "full mix", "room"}
"""Roles that play no instrument."""

# Soprano, alto, tenor: two of them make a choir where no drums or guitars play.
_FEWEST_PARTS: Final = 2
_IN_A_BAND: Final = frozenset({"drums", "kick", "snare", "electric guitar", "guitar", "synth"})
_VOICE_OF_A_CHOIR: Final[Weights] = {"backing vocal": 0.9}
_BEAT: Final = re.compile(r"(?<![^\W\d_])(beat|beats)(?![^\W\d_])")
_BEAT_ALONE: Final[Weights] = {"full mix": 0.65, "drums": 0.25}
# Three sections make an orchestra where no drums or guitars play.
_FEWEST_SECTIONS: Final = 3
_SECTIONS: Final = frozenset({"strings", "brass", "woodwind"})
_SHORT_FOR: Final[dict[str, Role]] = {
    **dict.fromkeys(("vc", "cb", "db", "kb", "hp", "hfe", "vn", "va"), "strings"),
    **dict.fromkeys(("ob", "fg", "eh", "bn", "kl"), "woodwind"),
    **dict.fromkeys(("tp", "pos", "hr", "tb"), "brass"),
    **dict.fromkeys(("tmp", "tim", "pk"), "percussion"),
}
# Microphones before a whole choir or orchestra: they carry its sound, and those of the sections support them.
_MAIN_MICROPHONES: Final = frozenset(
    {"decca", "tree", "outrigger", "outriggers", "ortf", "blumlein", "jecklin", "nos", "ab", "xy", "ms", "main",
     "mains", "haupt", "hauptmikro", "hauptmikros", "hauptmikrofon", "hauptmikrofone", "couple", "principal",
     "principale"}
)  # fmt: skip
_STRINGS: Final[Weights] = {"strings": 0.9}
_WHOLE_ENSEMBLE: Final[Weights] = {"full mix": 0.9}
# A microphone on a pole, among people who talk; else a noise.
_BOOM: Final = "boom"
_SPEECH: Final[Weights] = {"speech": 0.9}
# A name that gives no role this much leaves it open.
_SAYS: Final = 0.5
# What the words of a music bed mean elsewhere: "background", "carpet".
_MAY_BE_MUSIC: Final = frozenset({"backing", "pad", "full mix"})
_MUSIC_BESIDE_TALK: Final[Weights] = {"full mix": 0.9}


def in_company(weights: Mapping[str, Weights]) -> dict[str, Weights]:
    """Weigh what names say beside each other.

    In a choir "Bass" is a voice; in an orchestra abbreviations are instruments, and "ORTF L" stands before all of it;
    a beat beside voices alone is all there is; a boom beside people who talk hears them, an intro is finished music.

    Args:
        weights: of each name for itself.
    """
    said = {name: set(meanings(name)) - {"nothing"} for name in weights}
    is_band = any(words & (_IN_A_BAND | {"lead vocal"}) for words in said.values())
    sections = {name for name, words in said.items() if words and words <= _SECTIONS}
    is_choir = not is_band and not sections and sum(words == {"part"} for words in said.values()) >= _FEWEST_PARTS
    is_orchestra = not is_band and len(sections) >= _FEWEST_SECTIONS
    others = {name: any(is_instrument(weights[other]) for other in weights if other != name) for name in weights}
    talks = any(words == {"speech"} for words in said.values()) and not any(map(is_instrument, weights.values()))

    somebody_talks = any(said_of.get("speech", 0.0) > _SAYS for said_of in weights.values())

    def is_music(name: str) -> bool:
        likeliest = max(weights[name].values(), default=0.0)
        return (likeliest < _SAYS or said[name] <= _MAY_BE_MUSIC) and (says_jingle(name) or says_bed(name))

    def beside(name: str) -> Weights:
        words = words_of(name)
        meant = [
            (somebody_talks and is_music(name), _MUSIC_BESIDE_TALK),
            (is_choir and said[name] == {"bass"}, _VOICE_OF_A_CHOIR),
            (is_orchestra and said[name] == {"bass"}, _STRINGS),
            ((is_choir or is_orchestra) and said[name] <= {"lead"} and _MAIN_MICROPHONES & {*words}, _WHOLE_ENSEMBLE),
            (is_orchestra and not said[name], _short_for(words)),
            (talks and said[name] == {"effect"} and _BOOM in words, _SPEECH),
            (len(weights) > 1 and not others[name] and _BEAT.search(folded(name)), _BEAT_ALONE),
        ]
        return next((found for is_so, found in meant if is_so and found), weights[name])

    return {name: beside(name) for name in weights}


def _short_for(words: Sequence[str]) -> Weights:
    return next(({_SHORT_FOR[word]: 0.9} for word in words if word in _SHORT_FOR), {})


def is_instrument(weights: Weights) -> bool:
    """Whether a name rather says an instrument than a voice, a noise or a whole mix."""
    return sum(weight for role, weight in weights.items() if role not in NO_INSTRUMENTS) > 0.5
