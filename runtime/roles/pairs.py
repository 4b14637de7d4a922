"""Pairs: two mono tracks that belong together, one left and one right.

Three kinds are found. Two sides of one recording ("OH L" and "OH R"); two takes of one part, played twice to be heard
left and right ("Gtr 1" and "Gtr 2"); both by their names, and where there is sound, by that too: sides are as loud as
each other and alike, takes have the same notes at the same time and differ in their waves. Two microphones before one
amplifier have the same wave and are no pair.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass, replace
from itertools import combinations
from typing import Final, Literal

import numpy as np

from ...presets.names import free_name
from ...presets.roles import TRAITS, Family, Role
from ..audio.arrays import is_one_sound
from ..audio.reading import Samples
from .likeness import Likeness, Portrait, likeness, portrait
from .names import folded, speaks

Kind = Literal["sides", "takes"]


@dataclass(frozen=True)
class Pair:
    """Two tracks that are heard as one.

    Attributes:
        left: track on the left.
        right: track on the right.
        kind: "sides" of one recording, or "takes" of one part.
        by: what told: their names, or their sound.
        link: a word for the two, for `Track.link`.
    """

    left: str
    right: str
    kind: Kind
    by: Literal["name", "sound"]
    link: str


# Words for the sides, left and right, in the languages that names are written in.
_SIDES: Final = (
    ("l", "r"), ("left", "right"), ("lft", "rgt"), ("lt", "rt"), ("links", "rechts"), ("li", "re"),
    ("gauche", "droite"), ("g", "d"), ("izq", "der"), ("izquierda", "derecha"), ("izquierdo", "derecho"),
    ("esq", "dir"), ("esquerda", "direita"), ("esquerdo", "direito"), ("sx", "dx"),
    ("sinistra", "destra"), ("sinistro", "destro"),
    ("vanster", "hoger"), ("lewy", "prawy"), ("лево", "право"), ("левый", "правый"),
    ("левая", "правая"), ("л", "п"), ("左", "右"),
)  # fmt: skip
_SIDE_WORDS: Final = frozenset(word for pair in _SIDES for word in pair if len(word) > 1)
# On an instrument with keys the low strings are on the left.
_ENDS: Final = (("lo", "hi"), ("low", "high"))
_TOKENS = re.compile(r"[0-9]+|[^\W\d_]+")
_WORD_OR_NOT = re.compile(r"[0-9]+|[^\W\d_]+|[\W_]+")
_LETTERS = frozenset({"a", "b"})
# A letter at the end of a word: of a side in "OHL" and "OrgODR", of a microphone in "RoomA".
_END_LETTERS = frozenset("LRABlr")
_LONGEST_LINK = 200

# Roles that are recorded with two microphones, one for each side, whatever these are called.
_RECORDED_IN_STEREO: Final[frozenset[Role]] = frozenset({"overhead", "room", "drums"})
# Of these, two that are numbered are takes as a rule; two keyboards are not.
_NAMED_TAKES: Final[frozenset[Role]] = frozenset({"electric guitar", "acoustic guitar", "backing vocal"})
_MICROPHONES: Final = frozenset({"mic", "mics", "mik", "micro", "mikro"})
# What is looked at at once; and what rests: 30 dB below the loudest part.
_PART_S: Final = 6.0
_RESTS: Final = 1e-3
# Of two that are a pair.
_SIDES_LEVEL_DB, _TAKES_LEVEL_DB = 6.0, 9.0
_ALIKE_DB = 6.0
_PLAYED_ALIKE = 0.6
# Two waves this much alike are one sound before two microphones.
_SAME_SOUND = 0.25
# Roles that are played twice, to be heard left and right.
_DOUBLED: Final[frozenset[Role]] = frozenset(
    {"electric guitar", "acoustic guitar", "backing vocal", "keys", "pad", "lead synth", "strings", "brass", "woodwind"}
)


def find_pairs(
    names: Sequence[str],
    roles: Mapping[str, Role | None],
    audio: Mapping[str, Samples] | None = None,
    sample_rate_hz: int = 44100,
) -> tuple[Pair, ...]:
    """Find the pairs among the tracks of a session.

    Args:
        names: of the tracks, in their order.
        roles: of the tracks, as far as they are known.
        audio: shape (1 or 2, samples) by track; a track whose channels differ has no partner, one without audio is
            judged by its name. Longer audio is looked at in parts of some 6 s, of which all count. None where there is
            no sound.
        sample_rate_hz: of the audio.

    Returns:
        The pairs, in the order of the tracks; no track is in two.
    """
    heard = audio or {}
    mono = [name for name in names if name not in heard or is_one_sound(heard[name])]
    ears = Ears(heard, sample_rate_hz)
    taken: set[str] = set()
    pairs: list[Pair] = []
    for finder in (_named_sides, _numbered, _sounding):
        for pair in finder([name for name in mono if name not in taken], roles, ears):
            if not taken & {pair.left, pair.right}:
                pairs.append(pair)
                taken |= {pair.left, pair.right}
    order = {name: place for place, name in enumerate(names)}
    pairs.sort(key=lambda pair: min(order[pair.left], order[pair.right]))
    links: list[str] = []
    for pair in pairs:  # a link stands for one pair
        links.append(free_name(pair.link, links))
    return tuple(replace(pair, link=link) for pair, link in zip(pairs, links, strict=True))


def may_be_paired(role: Role | None) -> bool:
    """Whether two tracks of this role may be told to be a pair by their sound."""
    return role in _DOUBLED or role in _RECORDED_IN_STEREO


class Ears:
    """How alike tracks are; each is looked at once."""

    def __init__(self, audio: Mapping[str, Samples], sample_rate_hz: int) -> None:
        self._audio, self._sample_rate_hz = audio, sample_rate_hz
        self._portraits: dict[str, tuple[Portrait | None, ...]] = {}

    def __call__(self, one: str, other: str) -> Likeness | None:
        """How alike they are on average; None where one of them was not heard, or is silent.

        Where one of them plays alone, they play nothing alike.
        """
        both = self._both(one, other)
        heard = [likeness(a, b) for a, b in both if a is not None and b is not None]
        if not heard:
            return None
        alone = sum((a is None) != (b is None) for a, b in both)
        level_db, colour_db, playing, wave = np.mean([astuple(found) for found in heard], axis=0).tolist()
        return Likeness(level_db, colour_db, playing * len(heard) / (len(heard) + alone), wave)

    def may_be_takes(self, one: str, other: str) -> bool:
        """Whether a look at level and colour allows two takes; that spares most comparisons."""
        both = self._both(one, other)
        apart_db = [abs(a.level_db - b.level_db) for a, b in both if a is not None and b is not None]
        return bool(apart_db) and float(np.mean(apart_db)) <= _TAKES_LEVEL_DB

    def _both(self, one: str, other: str) -> list[tuple[Portrait | None, Portrait | None]]:
        """Both tracks part by part; nothing where they were not heard at the same places."""
        a, b = self._portraits_of(one), self._portraits_of(other)
        return list(zip(a, b, strict=True)) if len(a) == len(b) else []

    def _portraits_of(self, name: str) -> tuple[Portrait | None, ...]:
        """What a track looks like in each part; None where it rests."""
        if name not in self._portraits:
            audio = self._audio.get(name)
            self._portraits[name] = () if audio is None else self._looked_at(audio)
        return self._portraits[name]

    def _looked_at(self, audio: Samples) -> tuple[Portrait | None, ...]:
        count = max(1, round(audio.shape[1] / (_PART_S * self._sample_rate_hz)))
        parts = np.array_split(audio, count, axis=1)
        powers = [float(np.mean(np.square(part, dtype=np.float64))) for part in parts]
        least = max(powers) * _RESTS
        return tuple(
            portrait(part, self._sample_rate_hz) if power > least else None
            for part, power in zip(parts, powers, strict=True)
        )


def _named_sides(names: Sequence[str], roles: Mapping[str, Role | None], ears: Ears) -> Iterator[Pair]:
    """Two names that differ in a word for the side only, or in the ends of a keyboard."""
    known = {_words(name): name for name in reversed(names)}
    for name in names:
        for words, is_end in _other_sides(name):
            other = known.get(words)
            if other is None or other == name or (is_end and _family(roles, name, other) not in {"keys", "orchestra"}):
                continue
            heard = ears(name, other)
            kind: Kind = "sides" if heard is None or heard.wave >= _SAME_SOUND else "takes"
            if _role(roles, name) in _RECORDED_IN_STEREO:
                kind = "sides"
            yield Pair(name, other, kind, "name", _link(name, other))


def are_named_sides(one: str, other: str) -> bool:
    """Tell whether two names are those of a left and a right side."""
    words = {_words(one), _words(other)}
    return any(found in words for name in (one, other) for found, is_end in _other_sides(name) if not is_end)


def _numbered(names: Sequence[str], roles: Mapping[str, Role | None], ears: Ears) -> Iterator[Pair]:
    """Two names that differ in a number by one, or in a letter: microphones of a kit from above, or takes.

    Where nobody listens, only takes that are two are taken for a pair: of three, nobody knows which two.
    """
    for key, group in _series(names).items():
        for (mark, one), (next_mark, other) in zip(group[::2], group[1::2], strict=False):
            role = _role(roles, one)
            if next_mark != mark + 1 or role is None or role != _role(roles, other):
                continue
            heard = ears(one, other)
            if role in _RECORDED_IN_STEREO:
                is_pair = len(group) == 2 and (heard is None or _are_sides(heard))
            elif heard is None:
                is_pair = len(group) == 2 and role in _NAMED_TAKES and _counts_takes(key)
            else:
                is_pair = role in _DOUBLED and _are_takes(heard)
            if is_pair:
                yield Pair(one, other, "sides" if role in _RECORDED_IN_STEREO else "takes", "name", _link(one, other))


def _counts_takes(key: tuple[str, ...]) -> bool:
    """Whether a series counts takes, not microphones: "Gtr 1", "Gtr 2", but not "Gtr 1 A" or "Gtr Mic 1"."""
    return "#" in key and not (set(key[: key.index("#")][-1:]) & _MICROPHONES)


def _sounding(names: Sequence[str], roles: Mapping[str, Role | None], ears: Ears) -> Iterator[Pair]:
    """Two tracks of one role with the same part, whatever they are called; the most alike first."""
    found: list[tuple[float, Pair]] = []
    for one, other in combinations(names, 2):
        role = _role(roles, one)
        if role is None or role != _role(roles, other) or not ears.may_be_takes(one, other):
            continue
        if role not in _DOUBLED and role not in _RECORDED_IN_STEREO:
            continue
        if TRAITS[role].family == "orchestra" and _without_numbers(one) != _without_numbers(other):
            continue  # horns and trumpets play one part, and hear each other, and are no takes
        heard = ears(one, other)
        if heard is None:
            continue
        kind: Kind = "sides" if role in _RECORDED_IN_STEREO else "takes"
        if (_are_sides if kind == "sides" else _are_takes)(heard):
            found.append((heard.playing, Pair(one, other, kind, "sound", _link(one, other))))
    yield from (pair for _, pair in sorted(found, key=lambda item: -item[0]))


def _without_numbers(name: str) -> tuple[str, ...]:
    return tuple(word for word in _words(name) if not word.isdigit())


def _are_sides(heard: Likeness) -> bool:
    """Two microphones at the same distance of the same sound."""
    return heard.level_db <= _SIDES_LEVEL_DB and heard.colour_db <= _ALIKE_DB and heard.playing >= _PLAYED_ALIKE


def _are_takes(heard: Likeness) -> bool:
    """The same notes, and another wave."""
    is_alike = heard.level_db <= _TAKES_LEVEL_DB and heard.colour_db <= _ALIKE_DB
    return is_alike and heard.playing >= _PLAYED_ALIKE and heard.wave < _SAME_SOUND


def _other_sides(name: str) -> Iterator[tuple[tuple[str, ...], bool]]:
    """The words that the right one of a pair would have, if this is the left one."""
    words = _words(name)
    for place, word in enumerate(words):
        for left, right in (*_SIDES, *_ENDS):
            if word == left:
                yield (*words[:place], right, *words[place + 1 :]), (left, right) in _ENDS


def _series(names: Sequence[str]) -> dict[tuple[str, ...], list[tuple[int, str]]]:
    """Tracks whose names differ in one number or letter, in its order."""
    groups: dict[tuple[str, ...], list[tuple[int, str]]] = {}
    for name in names:
        words = _words(name)
        for place in reversed(range(len(words))):
            word = words[place]
            if word.isdigit() or (place and word in _LETTERS):
                kind = "#" if word.isdigit() else "*"
                key = (*words[:place], kind, *words[place + 1 :])
                groups.setdefault(key, []).append((int(word) if word.isdigit() else ord(word), name))
    return {key: sorted(group) for key, group in groups.items() if len(group) > 1}


def _words(name: str) -> tuple[str, ...]:
    """The words of a name, without the number that a recorder puts before it."""
    words = [folded(piece) for piece in _pieces(name) if _TOKENS.fullmatch(piece)]
    return tuple(words[1:] if len(words) > 1 and words[0].isdigit() else words)


def _pieces(name: str) -> list[str]:
    """A name in words and what stands between them; a letter at the end of a word is one: "OHL", "OrgODR"."""
    pieces: list[str] = []
    for token in _WORD_OR_NOT.findall(name):
        body, letter = token[:-1], token[-1]
        is_hump = letter.isupper() and body[-1:].islower()
        is_side = folded(token) in _SIDE_WORDS  # "dir" is no "DI" on the right
        is_known = is_side or speaks(token, loosely=False)
        ends_in_letter = letter in _END_LETTERS and (is_hump or (speaks(body) and not is_known))
        pieces += (body, letter) if body and ends_in_letter else (token,)
    return pieces


def _role(roles: Mapping[str, Role | None], name: str) -> Role | None:
    return roles.get(name)


def _family(roles: Mapping[str, Role | None], one: str, other: str) -> Family | None:
    """The family of both; None where they differ."""
    families = {TRAITS[role].family for role in (roles.get(one), roles.get(other)) if role is not None}
    return families.pop() if len(families) == 1 else None


def _link(one: str, other: str) -> str:
    """A word for both: what their names have in common, else both names."""
    pieces = _pieces(one), _pieces(other)
    common = [a for a, b in zip(*pieces, strict=False) if a == b] if len(pieces[0]) == len(pieces[1]) else []
    text = " ".join("".join(common).split()).strip(" ._-")
    return text[:_LONGEST_LINK] or f"{one} + {other}"[:_LONGEST_LINK]
