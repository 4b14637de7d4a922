"""The sessions of a corpus as the training of roles sees them: stems with the role that each plays.

The words of a corpus (:mod:`..corpus.general_midi`) are fewer than the roles of a mix: what kind of guitar it is, and
whether a voice sings, speaks or sings along, stands in a stem's instrument.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from ...presets.roles import Role
from ..stem_roles import role_of_stem

DRUM_KIT: Final[frozenset[Role]] = frozenset({"kick", "snare", "hi-hat", "tom", "cymbal"})


@dataclass(frozen=True)
class RoleStem:
    """A stem, and what it plays.

    Attributes:
        path: its file.
        role: in a mix.
        source: what it was made with, for balance: a voice, a sound font and its program.
    """

    path: Path
    role: Role
    source: str


@dataclass(frozen=True)
class RoleSession:
    """A session of the corpus.

    Attributes:
        name: of its folder.
        seconds: its length.
        stems: in their order; without other versions of the same part.
    """

    name: str
    seconds: float
    stems: tuple[RoleStem, ...]


def read_sessions(folder: Path) -> list[RoleSession]:
    """Read the finished sessions of `train` or `test` of a corpus."""
    return [_session(file) for file in sorted(folder.glob("*/meta.json"))]


def role_of(stem: Mapping[str, Any]) -> Role:
    """The role of a stem by its entry in a session's meta.json."""
    role = role_of_stem(stem)
    if role is None:
        raise KeyError(stem.get("role"))
    return role


def _session(file: Path) -> RoleSession:
    meta = json.loads(file.read_text(encoding="utf-8"))
    stems = tuple(
        RoleStem(file.parent / str(stem["file"]), role_of(stem), f"{stem.get('source')}: {stem.get('instrument')}")
        for stem in meta["stems"]
    )
    return RoleSession(str(meta["name"]), float(meta["seconds"]), stems)
