"""What a track's name says about its role: "K in", "LdVox.cmp_01", "Voix lead", "Bassdrum".

A name is taken apart into words, words into meanings (:mod:`.lexicon`), and meanings into weights of roles: longest
words first, and a word beside another counts for what both say ("bass drum" is a kick, "snare room" a room). A name
that says nothing has no weights; the sound must tell then.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Mapping
from functools import cache
from itertools import pairwise
from typing import Final, NamedTuple

from ...presets.roles import Role
from .lexicon import MEANINGS

Weights = Mapping[Role, float]
"""How likely a track is of each role, 0..1; what they lack to 1 is not said."""

_SURE: Final = 0.97
_TOKENS = re.compile(r"[0-9]+|[^\W\d_]+")
# Latin words: "LDVoc", "SnTop", "BGD", "vox".
_HUMPS = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+")
_AHS, _OOHS = re.compile(r"a+h{2,}|a{2,}h+"), re.compile(r"o{2,}h+|m{3,}|h?m{2,}h")
_WHOLE_LETTERS = str.maketrans({"ø": "o", "ł": "l", "œ": "oe", "æ": "ae"})  # those that are no letter with an accent
_LONGEST_PHRASE = 4
# Words that stand for themselves only from this length on where they are glued together over a space ("base ment").
_SHORTEST_GLUED = 5
_SHORTEST_INSIDE = 5

# Single letters around a word: "OHL", "eGTA", "Rgtr", "VOXB".
_BEFORE, _BEHIND = frozenset("aehlmr"), frozenset("lrabcdes")
_HAVE_LETTERS_BEFORE: Final = frozenset({"guitar", "voice", "keys", "bass", "drums"})
_OF_KIND: Final = {("e", "guitar"): "electric guitar", ("a", "guitar"): "acoustic guitar"}
# Single letters, and the words behind which they mean something.
_SINGLE: Final = {"k": "kick", "s": "snare", "t": "tom"}
_AFTER: Final = {
    "k": frozenset({"in", "out", "sub", "inside", "outside"}),
    "s": frozenset({"top", "bot", "bottom", "bott", "up", "down", "t", "b"}),
    "t": frozenset("123456"),
}

# What drums that are named together have in common is the kit.
_KIT: Final = ("kick", "snare", "tom", "hi-hat", "cymbal")
# Nouns that decide alone, in this order where several are named ("ride bell" is a cymbal).
_NOUNS: Final[tuple[Role, ...]] = (
    *_KIT, "percussion", "strings", "brass", "woodwind", "keys", "pad", "lead synth", "acoustic guitar",
    "electric guitar",
)  # fmt: skip

# Meanings that are open between roles, when they stand alone.
_OPEN: Final[dict[str, Weights]] = {
    "voice": {"lead vocal": 0.56, "backing vocal": 0.28, "speech": 0.05},
    "guitar": {"electric guitar": 0.72, "acoustic guitar": 0.24},
    "synth": {"lead synth": 0.4, "pad": 0.25, "keys": 0.25},
    "lead": {"lead vocal": 0.5, "lead synth": 0.2, "electric guitar": 0.15},
    "backing": {"backing vocal": 0.85},
    "double": {"lead vocal": 0.4, "backing vocal": 0.3},
    "part": {"backing vocal": 0.6},
    "acoustic": {"acoustic guitar": 0.7},
    "electric": {"electric guitar": 0.4},
    "return": {"effect": 0.85},
    "room": {"room": 0.9},
    "bass": {"bass": 0.95},
    "drums": {"drums": 0.9},
    "talkback": {"speech": 0.9},
}

BESIDE: Final = frozenset({"click", "timecode", "talkback", "reference", "trigger"})
"""Meanings of what plays beside a song and is no part of it."""
_BELOW: Final = frozenset(
    {"bot", "bott", "bottom", "btm", "under", "down", "unten", "sotto", "dessous", "abajo", "esteira", "низ", "нижнии"}
)
_ENDS_BELOW: Final = ("bot", "btm", "bottom", "unten")
_WHOLE_WORDS: Final = BESIDE | {"nothing"}  # a part of a word does not say these: "Preference", "Clicky"


class _Word(NamedTuple):
    text: str
    start: int
    end: int
    is_upper: bool


def beside_the_song(name: str) -> str | None:
    """Tell which of :data:`BESIDE` a name says, where it says nothing else: "Click 2", but not "Kick Click"."""
    said = set(meanings(name)) - {"nothing", "full mix"}
    voiced = said - {"voice", "speech"}
    kinds = said & BESIDE
    return kinds.pop() if len(kinds) == 1 and (kinds == said or kinds == voiced == {"talkback"}) else None


def says_double(name: str) -> bool:
    """Tell whether a name says that its track doubles another: "LD VOX DBL", "Vox double 2"."""
    return "double" in meanings(name)


def undersides(names: Collection[str]) -> set[str]:
    """The names that say that a microphone is below its drum: "SN BOT", "Snare unten"; "SnB" beside "SnT"."""
    words = {name: set(words_of(name)) for name in names}
    below = _BELOW | ({"b"} if any("t" in said for said in words.values()) else set())
    return {name for name, said in words.items() if any(word in below or word.endswith(_ENDS_BELOW) for word in said)}


def words_of(name: str) -> tuple[str, ...]:
    """The words of a name, in lower case and without accents."""
    return tuple(word.text for word in _words(name))


def role_weights(name: str) -> Weights:
    """Weigh the roles that a track's name speaks of; empty if it says nothing."""
    return _weighed(tuple(meanings(name)), _words(name))


def likeliest_role(name: str) -> Role | None:
    """The role that a track's name speaks of most; None if it says nothing."""
    return likeliest(role_weights(name))


def likeliest(weights: Weights) -> Role | None:
    """The role that has the most weight; None where none has any."""
    return max(weights, key=lambda role: weights[role], default=None)


def speaks(word: str, *, loosely: bool = True) -> bool:
    """Whether a word is made of known ones; loosely, a letter or a few unknown ones may be over."""
    return bool(_parts(folded(word)) if loosely else _covered(folded(word)))


def folded(text: str) -> str:
    """Write text in lower case, without accents."""
    decomposed = unicodedata.normalize("NFKD", text.casefold().translate(_WHOLE_LETTERS))
    return "".join(letter for letter in decomposed if not unicodedata.combining(letter))


def meanings(name: str) -> list[str]:
    """Find what the words of a name mean, in their order: "Bass Drum In" gives "kick" and "nothing"."""
    words = _words(name)
    found: list[str] = []
    at = 0
    while at < len(words):
        count, meaning = _phrase(words, at)
        if meaning is None:
            count, parts = 1, _parts(words[at].text)
            found += parts
        else:
            found.append(meaning)
        at += count
    return found


@cache
def _lexicon() -> dict[str, str]:
    return {folded(word): meaning for meaning, words in MEANINGS.items() for word in words.split()}


def _words(name: str) -> list[_Word]:
    text = unicodedata.normalize("NFKC", name)
    words: list[_Word] = []
    for match in _TOKENS.finditer(text):
        token = match.group()
        if token.isascii() and not token.isdigit():
            words += [_word(hump.group(), match.start() + hump.start()) for hump in _HUMPS.finditer(token)]
        else:
            words.append(_word(token, match.start()))
    return words


def _word(token: str, start: int) -> _Word:
    return _Word(folded(token), start, start + len(token), token.isupper())


def _phrase(words: list[_Word], at: int) -> tuple[int, str | None]:
    """The longest known phrase from here: how many words it takes, and what it means."""
    lexicon = _lexicon()
    if at == 0 and words[0].text == "dx" and words[0].is_upper and len(words) > 1 and _is_someones(words[1].text):
        return len(words), "speech"
    for count in range(min(_LONGEST_PHRASE, len(words) - at), 0, -1):
        run = words[at : at + count]
        glued = "".join(word.text for word in run)
        is_one = all(one.end == other.start for one, other in pairwise(run))
        if glued == "v" and not run[0].is_upper:
            continue
        if glued in lexicon and (is_one or len(glued) >= _SHORTEST_GLUED):
            return count, lexicon[glued]
    return _letters(words, at)


def _letters(words: list[_Word], at: int) -> tuple[int, str | None]:
    """What single letters mean beside others: "K in", "S Top", "T1", "E Gtr", "A Bass"."""
    text, before = words[at].text, words[at - 1].text if at else ""
    following = words[at + 1].text if at + 1 < len(words) else ""
    meaning = _lexicon().get(following)
    if text in {"e", "a"} and meaning in _HAVE_LETTERS_BEFORE - {"voice"}:
        return 2, _OF_KIND.get((text, meaning), meaning)
    if following in _AFTER.get(text, ()):
        # "SnT1" is the first microphone on top of the snare.
        return 2, "nothing" if text == "t" and _lexicon().get(before) == "snare" else _SINGLE[text]
    if _AHS.fullmatch(text) or _OOHS.fullmatch(text):
        return 1, "backing vocal"
    return 1, None


def _is_someones(word: str) -> bool:
    """Whether "DX" before a word is dialogue, as in film: "DX Anna", "DX Boom", but not "DX 7" and "DX Piano"."""
    return not word.isdigit() and set(_parts(word)) <= {"nothing", "effect", "speech"}


@cache
def _parts(text: str) -> tuple[str, ...]:
    """Take a word apart into known ones, with at most one letter over: "ldvoc", "ohl", "akustikgitarre"."""
    lexicon = _lexicon()
    whole = _covered(text)
    if whole:
        return whole
    for start, end in ((0, 1), (1, 0)):
        inner = text[start : len(text) - end]
        parts = _covered(inner)
        if not set(parts) - {"nothing"} or set(parts) & BESIDE:
            continue
        if end and text[-1] in _BEHIND:
            return parts
        if start and text[0] in _BEFORE and parts[0] in _HAVE_LETTERS_BEFORE:
            return (_OF_KIND.get((text[0], parts[0]), parts[0]), *parts[1:])
    for length in range(len(text) - 1, _SHORTEST_INSIDE - 1, -1):
        for piece in (text[:length], text[-length:]):
            if lexicon.get(piece, "nothing") not in _WHOLE_WORDS:
                return (lexicon[piece],)
    return ()


@cache
def _covered(text: str) -> tuple[str, ...]:
    """The fewest known words that make up a text; empty if none do."""
    lexicon = _lexicon()
    best: list[tuple[str, ...] | None] = [()] + [None] * len(text)
    for end in range(1, len(text) + 1):
        for start in range(max(0, end - 24), end):
            before, meaning = best[start], lexicon.get(text[start:end])
            if before is None or meaning is None or end - start == 1:
                continue
            present = best[end]
            if present is None or len(before) + 1 < len(present):
                best[end] = (*before, meaning)
    return best[len(text)] or ()


def _weighed(found: tuple[str, ...], words: list[_Word]) -> Weights:
    said = {meaning for meaning in found if meaning != "nothing"}
    if not said:
        return {}
    weights = _roles(said)
    if said == {"full mix"} or "full mix" not in said:
        return weights
    # "Drum mix" is a bus of drums.
    return _roles(said - {"full mix"}) or weights


def _roles(said: set[str]) -> Weights:
    """What the meanings of a name say together."""
    nouns = said - {"nothing", "return", "double", "electric", "acoustic", "room", "lead", "backing", "full mix"}
    nouns -= BESIDE
    for rule in (_mixes, _effects, _voices, _drums, _basses, _guitars, _keys):
        weights = rule(said, nouns)
        if weights:
            return weights
    for noun in _NOUNS:
        if noun in said:
            return _alone(said, noun)
    for meaning in ("talkback", "lead", "backing", "double", "return", "room", "part", "acoustic", "electric"):
        if meaning in said:
            return _OPEN[meaning]
    return {}


def _mixes(said: set[str], nouns: set[str]) -> Weights:
    is_mix = bool(said & {"full mix", "reference"})
    return {"full mix": 0.9} if is_mix and not nouns and not said & {"backing", "lead"} else {}


def _effects(said: set[str], nouns: set[str]) -> Weights:
    """Effects are "Vocal FX" and "Snare Reverb"; "Reverse Cymbal" and "Echo Pad" are what they name."""
    others = nouns - {"effect"}
    if "effect" in said:
        return {"effect": 0.9} if not others & {"pad", "keys", "guitar", "strings"} else {"effect": 0.6}
    if "return" in said and others and not others & {"pad", "lead synth", "synth"}:
        return {"effect": 0.6}
    return {}


def _voices(said: set[str], nouns: set[str]) -> Weights:
    is_voice = bool(said & {"voice", "lead vocal", "backing vocal", "speech"}) or ("v" in said and nouns == {"v"})
    if "speech" in said and not said & {"lead vocal", "backing vocal"}:
        return {"speech": _SURE if not nouns - {"speech", "voice"} else 0.6}
    if not is_voice or nouns & {"brass", "woodwind", "strings", "guitar", "synth"}:
        return {}
    is_backing = bool(said & {"backing", "backing vocal", "part", "bass"})
    if "lead vocal" in said or ("lead" in said and not is_backing):
        return {"lead vocal": _SURE} if "backing" not in said else {"backing vocal": 0.6, "lead vocal": 0.3}
    if is_backing:
        return {"backing vocal": _SURE}
    return _OPEN["voice"]


def _drums(said: set[str], nouns: set[str]) -> Weights:
    kit = [role for role in _KIT if role in said]
    if nouns & {"guitar", "electric guitar", "acoustic guitar", "bass", "synth", "keys", "strings"} and not kit:
        return {}
    if "room" in said and (kit or nouns <= {"drums", "overhead"}):
        return {"cymbal": 0.7, "room": 0.2} if kit == ["cymbal"] else {"room": 0.95}
    if "overhead" in said:
        return {"overhead": _SURE} if not kit else {kit[0]: 0.7, "overhead": 0.25}
    if len(kit) > 1:
        return {"drums": 0.6, kit[0]: 0.2}
    if "drums" in said and not kit and not nouns - {"drums", "pad"}:
        return _OPEN["drums"] if "pad" not in said else {"percussion": 0.5, "drums": 0.4}
    return {}


def _basses(said: set[str], nouns: set[str]) -> Weights:
    others = nouns - {"bass", "guitar", "synth", "electric guitar", "acoustic guitar", "lead synth", "drums", "part"}
    if "bass" not in said:
        return {}
    if others & {"kick", "brass", "woodwind", "voice", "tom"}:
        return {}
    return _OPEN["bass"] if not others else {"bass": 0.6}


def _guitars(said: set[str], nouns: set[str]) -> Weights:
    if "acoustic guitar" in said and "electric guitar" not in said:
        return {"acoustic guitar": _SURE}
    if not said & {"guitar", "electric guitar"}:
        return {}
    if nouns - {"guitar", "electric guitar", "part", "strings", "acoustic guitar"}:
        return {"electric guitar": 0.4}
    if "electric guitar" in said or said & {"electric", "lead"}:
        return {"electric guitar": _SURE}
    if "acoustic" in said:
        return {"acoustic guitar": _SURE}
    return _OPEN["guitar"]


def _keys(said: set[str], nouns: set[str]) -> Weights:
    if "synth" not in said:
        return {}
    if "pad" in said:
        return {"pad": 0.95}
    if said & {"lead", "lead synth"}:
        return {"lead synth": 0.95}
    for noun in ("strings", "brass", "keys"):
        if noun in nouns:
            return {noun: 0.6, "pad": 0.2} if noun == "strings" else {noun: 0.6, "lead synth": 0.2}
    return _OPEN["synth"] if nouns <= {"synth"} else {}


def _alone(said: set[str], noun: Role) -> Weights:
    """One noun; where another family is named, too, the name says half."""
    others = [other for other in _NOUNS if other in said and other != noun]
    return {noun: 0.5, others[0]: 0.4} if others and noun not in _KIT else {noun: _SURE}
