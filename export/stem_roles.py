"""The roles of a corpus's stems in the words of the console: what `meta.json` calls guitar is electric or acoustic."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from ..presets.inputs import read_text
from ..presets.roles import ROLES, Role

_META = "meta.json"
_MOST_BYTES = 2**24
_ROLE_OF_WORD: Final[dict[str, Role]] = {
    "kick": "kick",
    "snare": "snare",
    "hats": "hi-hat",
    "toms": "tom",
    "cymbals": "cymbal",
    "overheads": "overhead",
    "room": "room",
    "percussion": "percussion",
    "drums": "drums",
    "bass": "bass",
    "guitar": "electric guitar",
    "keys": "keys",
    "pad": "pad",
    "lead": "lead synth",
    "strings": "strings",
    "brass": "brass",
    "wind": "woodwind",
    "choir": "backing vocal",
    "vocal": "lead vocal",
    "speech": "speech",
    "effect": "effect",
    "other": "effect",
}
_ACOUSTIC: Final = ("acoustic", "nylon", "steel", "banjo", "sitar", "koto", "shamisen", "ukulele")
_DOUBLE: Final = ("double", "harmony", "backing")


def role_of_stem(stem: Mapping[str, object]) -> Role | None:
    """Finds the role of a stem as `meta.json` describes it; None where it says nothing that is known."""
    word, instrument = str(stem.get("role", "")), str(stem.get("instrument", ""))
    if word in ROLES:
        return word
    role = _ROLE_OF_WORD.get(word)
    if role == "electric guitar" and any(name in instrument for name in _ACOUSTIC):
        return "acoustic guitar"
    if role == "lead vocal" and instrument.startswith("spoken"):
        return "speech"
    if role == "lead vocal" and any(name in str(stem.get("file", "")) for name in _DOUBLE):
        return "backing vocal"
    return role


def roles_of_session(folder: Path) -> dict[str, Role]:
    """Reads the roles of a session's stems, by file name; none where its `meta.json` is another's and tells nothing."""
    try:
        stems = json.loads(read_text(folder / _META, _MOST_BYTES))["stems"]
        roles = {str(stem["file"]): role_of_stem(stem) for stem in stems}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}
    return {name: role for name, role in roles.items() if role is not None}
