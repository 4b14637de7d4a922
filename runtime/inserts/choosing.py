"""Which inserts tracks get, of what a user asks: some voices cleaned, and what was named for a track.

Voices are found by what was told of tracks and by their names; the sound is asked only where a name says nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Final

from ...presets.checking.arguments import checked_number
from ...presets.errors import PresetError
from ...presets.inserts.insert import FULL_STRENGTH_DB, MOST_INSERTS, Insert
from ...presets.roles import ROLES, TRAITS, Role
from ..audio.opening import ON_DEMAND, OpenFiles
from ..audio.reading import Samples, probe, read_passage
from ..roles.decide import decide_roles
from .cleaning import voice_over_noise_db
from .deepfilter.denoiser import RATE_HZ
from .deepfilter.weights import SHA256
from .terms import InsertRules

USUAL_CLEAN_DB: Final = 30.0
HARDLY_NOISY_DB: Final = 12.0
"""Speech that stands over its noise by more is protected like singing: see benchmarks/denoise.md."""
_ALL_VOICES: Final = frozenset({"vocals", "voices", "all vocals", "all voices"})
_HEARD_S: Final = 12.0
_RATE_HZ: Final = 44_100


@dataclass(frozen=True)
class InsertWishes:
    """What a user asks to stand in front of strips.

    Attributes:
        clean: names of tracks, or what they are, "vocals", "lead vocal": these go through `denoise`.
        clean_db: how far noise is turned down at most.
        added: more inserts, by track name.
        rules: what inserts may do.
        may_be_none: where no track is what was asked for ("vocals"), nothing is cleaned, and it is no error.
    """

    clean: tuple[str, ...] = ()
    clean_db: float = USUAL_CLEAN_DB
    added: Mapping[str, tuple[Insert, ...]] = field(default_factory=dict)
    rules: InsertRules = field(default_factory=InsertRules)
    may_be_none: bool = False

    def __post_init__(self) -> None:
        checked_number(self.clean_db, "the strength of the cleaning in dB", 0, FULL_STRENGTH_DB, PresetError)


def denoise_insert(strength_db: float = FULL_STRENGTH_DB) -> Insert:
    """Declare the built-in cleaning."""
    return Insert(kind="denoise", sha256=SHA256, strength_db=strength_db)


def inserts_wanted(
    stems: Mapping[str, Path], wishes: InsertWishes, told: Mapping[str, Role], files: OpenFiles = ON_DEMAND
) -> dict[str, tuple[Insert, ...]]:
    """Tell which inserts each track gets; the cleaning comes first.

    Args:
        stems: files by track name.
        wishes: of the user.
        told: roles that are known.
        files: stems that are open already.

    Raises:
        PresetError: no such track, or none that is such a thing; or it is no voice.
    """
    unknown = [name for name in wishes.added if name not in stems]
    if unknown:
        raise PresetError(f"there is no track {unknown[0]!r} for an insert; there are: {', '.join(stems)}.")
    cleaned = _cleaned(stems, wishes, told, files) if wishes.clean else {}
    first = {
        name: (denoise_insert(wishes.clean_db).model_copy(update={"protect": _is_protected(stems[name], role, files)}),)
        for name, role in cleaned.items()
    }
    wanted = {name: (*first.get(name, ()), *wishes.added.get(name, ())) for name in stems}
    for name, inserts in wanted.items():
        if len(inserts) > MOST_INSERTS:
            raise PresetError(f"track {name!r} would have {len(inserts)} inserts, and may have {MOST_INSERTS}.")
    return {name: inserts for name, inserts in wanted.items() if inserts}


def _is_protected(path: Path, role: Role | None, files: OpenFiles) -> bool:
    """Tell whether a track's noise floor holds what the network may take.

    The network knows speech well, and takes held notes for noise: see `deepfilter/floor.py`. Of speech that is hardly
    noisy it takes more than there is to take, too.
    """
    if role != "speech":
        return True
    return voice_over_noise_db(_middle(path, files, RATE_HZ), RATE_HZ) >= HARDLY_NOISY_DB


def _cleaned(
    stems: Mapping[str, Path], wishes: InsertWishes, told: Mapping[str, Role], files: OpenFiles
) -> dict[str, Role | None]:
    """Tell which tracks are cleaned, and what each is."""
    roles = _roles(stems, told, files)
    by_name = {_plain(name): name for name in stems}
    chosen: set[str] = set()
    for words in wishes.clean:
        plain = _plain(words)
        if plain in by_name:
            name = by_name[plain]
            _check_voice(name, roles[name])
            chosen.add(name)
            continue
        wanted = _roles_meant(plain)
        if wanted is None:
            raise PresetError(_unknown(words, stems))
        named = {name for name, role in roles.items() if role in wanted}
        if not named and not wishes.may_be_none:
            heard = ", ".join(f"{name} ({role or 'unknown'})" for name, role in roles.items())
            raise PresetError(f'no track is "{words}", to be cleaned; there are: {heard}. Name the track itself.')
        chosen |= named
    return {name: roles[name] for name in stems if name in chosen}


def _roles_meant(plain: str) -> frozenset[Role] | None:
    """Which roles a word stands for; None where it is none."""
    if plain in _ALL_VOICES:
        return frozenset(role for role in ROLES if TRAITS[role].is_voice)
    return next((frozenset({role}) for role in ROLES if TRAITS[role].is_voice and _plain(role) == plain), None)


def _roles(stems: Mapping[str, Path], told: Mapping[str, Role], files: OpenFiles) -> dict[str, Role | None]:
    names = list(stems)
    roles = {name: guess.role for name, guess in decide_roles(names, None, _RATE_HZ, told).items()}
    silent = [name for name, role in roles.items() if role is None]
    if silent:
        audio = {name: _middle(stems[name], files) for name in silent}
        roles |= {name: decide_roles(names, audio, _RATE_HZ, told)[name].role for name in silent}
    return roles


def _middle(path: Path, files: OpenFiles, rate_hz: int = _RATE_HZ) -> Samples:
    start_s = max(0.0, (probe(path, files).duration_s - _HEARD_S) / 2)
    return read_passage(path, start_s, _HEARD_S, rate_hz, files)


def _check_voice(name: str, role: Role | None) -> None:
    if role is not None and not TRAITS[role].is_voice:
        raise PresetError(
            f'"{name}" is taken for {_article(role)} {role}, and the cleaning keeps voices and removes everything '
            f'else. If it is a voice, tell its role: "{name}=lead vocal".'
        )


def _article(role: Role) -> str:
    return "an" if role[0] in "aeiou" else "a"


def _unknown(words: str, stems: Mapping[str, Path]) -> str:
    known = [*stems, "vocals", *(role for role in ROLES if TRAITS[role].is_voice)]
    near = get_close_matches(words, known, n=1)
    hint = f'did you mean "{near[0]}"?' if near else f"there are: {', '.join(known)}."
    return f'there is no track or voice called "{words}" to clean; {hint}'


def _plain(text: str) -> str:
    return " ".join(text.casefold().replace("-", " ").replace("_", " ").split())
