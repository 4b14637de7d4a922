"""How loud each track should be in a mix, by what it is and by how many there are of its kind.

The figures are medians of 64 mixes by people (as those of :mod:`...presets.roles`): the power of all tracks of a role
against that of the lead vocals, before compression, and how many tracks of the role such a mix has. Twice as many
tracks are half of 3 dB louder together, which is what those mixes show, too. What the mixes lack (pads, brass) is put
beside the nearest role they have.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Final

from ...presets.roles import Role
from ...presets.units import power_decibels, power_factor
from ..roles.beside_talk import says_bed, says_jingle
from ..roles.names import says_double, undersides
from .sounds import UNKNOWN, RoleSound

Levels = dict[str, float]

# Against the lead vocal, all tracks of the role together; and how many there are of it.
_AGAINST_LEAD: Final[dict[Role, tuple[float, float]]] = {
    "lead vocal": (0.0, 1.0),
    "speech": (0.0, 1.0),
    "backing vocal": (-1.0, 6.0),
    "kick": (-8.0, 2.0),
    "snare": (-8.0, 2.0),
    "tom": (-14.8, 2.0),
    "hi-hat": (-17.4, 1.0),
    "overhead": (-8.0, 2.0),
    "cymbal": (-16.1, 1.0),
    "room": (-12.0, 2.0),
    "percussion": (-14.8, 2.0),
    "drums": (-3.5, 1.0),
    "bass": (-4.8, 1.0),
    "electric guitar": (-1.0, 5.0),
    "acoustic guitar": (-5.0, 1.0),
    "keys": (-6.8, 2.0),
    "pad": (-9.0, 2.0),
    "lead synth": (-4.0, 1.0),
    "strings": (-6.8, 2.0),
    "brass": (-6.8, 2.0),
    "woodwind": (-6.8, 2.0),
    "effect": (-12.0, 2.0),
    "full mix": (0.0, 1.0),
}
_MORE_TRACKS: Final = 0.5
# What a lead vocal may be against all else: below it is not heard, above it stands before the band.
LEAD_FLOOR_DB: Final = -6.0
LEAD_CEILING_DB: Final = 2.0
# What people say is understood over music that is 10 dB and more below it (M. Torcoli et al., Preferred levels for
# background ducking, AES 146, 2019), and editors keep beds 15 to 20 dB below; further below they are hardly there.
SPOKEN_FLOOR_DB: Final = 15.0
SPOKEN_CEILING_DB: Final = 20.0
# What plays while nobody talks (a jingle, an intro, an outro) is about as loud as they are: broadcasters and podcasters
# keep it up to 6 LU below.
JINGLE_DB: Final = -3.0
# Music is a bed from this share on that somebody talks over; less is asked of one that is called so, and more of a
# jingle, which may fade out below the first sentence.
_UNDER_TALK: Final = 0.5
_UNDER_TALK_BED: Final = 0.25
_UNDER_TALK_JINGLE: Final = 0.75
# Backing vocals stay behind the lead, one by one.
_BEHIND_LEAD_DB: Final = -4.0
_LEADS: Final[frozenset[Role]] = frozenset({"lead vocal", "speech"})
# A double thickens the lead that it follows, and is not heard as a second voice; a microphone below a snare adds its
# wires to the one above. In 35 mixes by people with two snares the softer one is 6.0 dB below, by the median.
_BEHIND_DB: Final = -6.0
# What may play beside people who talk, however much of it there is: finished music, noises, the room.
_BESIDE_TALK: Final[frozenset[Role]] = frozenset({"effect", "room", "full mix"})
_BACKGROUND: Final[frozenset[Role]] = frozenset({"effect", "room"})


def usual_levels(sounds: Sequence[RoleSound]) -> Levels:
    """Loudness of each track while it plays, in dB against the lead vocal, where there is one or not."""
    behind = followers(sounds)
    # Several microphones before one amplifier are one guitar.
    microphones = Counter(sound.source for sound in sounds)
    counts = Counter(role for role, _ in {(_role(sound), sound.source) for sound in sounds if sound.name not in behind})
    levels: Levels = {}
    for sound in sounds:
        role = _role(sound)
        together_db, usual_count = _AGAINST_LEAD[role]
        count = counts[role]
        level_db = together_db + _MORE_TRACKS * power_decibels(count / usual_count) - power_decibels(count)
        level_db -= power_decibels(microphones[sound.source])
        if sound.name in behind:
            level_db += _BEHIND_DB
        levels[sound.name] = min(level_db, _BEHIND_LEAD_DB) if role == "backing vocal" else level_db
    return with_lead_heard(sounds, levels)


def together_db(role: Role) -> float:
    """How loud all tracks of a role are together against the lead vocal: the median of people's mixes."""
    return _AGAINST_LEAD[role][0]


def _role(sound: RoleSound) -> Role:
    return sound.role or UNKNOWN


def followers(sounds: Sequence[RoleSound]) -> set[str]:
    """The tracks that go with another one of their role, and stay behind it: doubles, microphones below a snare."""
    return _behind(sounds, "lead vocal", _doubles) | _behind(sounds, "snare", undersides)


def is_background(role: Role | None) -> bool:
    """Whether a track of this role, beside people who talk, is no louder than it was recorded: a room, noises."""
    return role in _BACKGROUND


def _behind(sounds: Sequence[RoleSound], role: Role, says: Callable[[Collection[str]], set[str]]) -> set[str]:
    """Those of a role that names say are behind; none where that would be all of them."""
    names = {sound.name for sound in sounds if sound.role == role}
    behind = says(names)
    return behind if len(behind) < len(names) else set()


def _doubles(names: Collection[str]) -> set[str]:
    return {name for name in names if says_double(name)}


def is_spoken(roles: Collection[Role | None]) -> bool:
    """Tell whether a session is people who talk, what else plays being theirs: a podcast with a music bed, no song."""
    talking = sum(role == "speech" for role in roles)
    is_sung = any(role in {"lead vocal", "backing vocal"} for role in roles)
    playing = sum(role != "speech" and role not in _BESIDE_TALK for role in roles)
    return talking > 0 and not is_sung and playing <= talking + 1


def with_lead_heard(sounds: Sequence[RoleSound], levels_db: Mapping[str, float]) -> Levels:
    """The same levels with the lead vocals moved, all alike, to where they are heard and not alone.

    People who talk stand well before what plays behind them, and a room or noises that were recorded below their voices
    are not lifted against them. What plays while nobody talks is about as loud as they are.
    """
    spoken = is_spoken([sound.role for sound in sounds])
    if not spoken:
        return _moved(sounds, levels_db, LEAD_FLOOR_DB, LEAD_CEILING_DB)
    levels_db = _with_background_kept(sounds, levels_db)
    jingles = {sound.name for sound in sounds if is_jingle(sound)}
    beside = [sound for sound in sounds if sound.name not in jingles]
    moved = _moved(beside, levels_db, SPOKEN_FLOOR_DB, SPOKEN_CEILING_DB)
    talk_db = max(moved[sound.name] for sound in sounds if sound.role == "speech")
    return moved | dict.fromkeys(jingles, talk_db + JINGLE_DB)


def is_jingle(sound: RoleSound) -> bool:
    """Tell whether a track beside people who talk is music that plays while they do not: no bed, no noise."""
    if sound.role in _BACKGROUND or sound.role in _LEADS:
        return False
    if sound.under_talk is None:
        return says_jingle(sound.name)
    if says_jingle(sound.name):
        return sound.under_talk < _UNDER_TALK_JINGLE
    return sound.under_talk < (_UNDER_TALK_BED if says_bed(sound.name) else _UNDER_TALK)


def _moved(sounds: Sequence[RoleSound], levels_db: Mapping[str, float], floor_db: float, ceiling_db: float) -> Levels:
    """Move the leads so that they are at least and at most so far above all else."""
    gap_db = lead_against_rest_db(sounds, levels_db)
    if gap_db is None:
        return dict(levels_db)
    move_db = min(max(gap_db, floor_db), ceiling_db) - gap_db
    leads = {sound.name for sound in sounds if sound.role in _LEADS}
    return {name: level + move_db if name in leads else level for name, level in levels_db.items()}


def _with_background_kept(sounds: Sequence[RoleSound], levels_db: Mapping[str, float]) -> Levels:
    voices = [sound for sound in sounds if sound.role == "speech"]
    most_db = {
        sound.name: max(levels_db[voice.name] + sound.loudness_lufs - voice.loudness_lufs for voice in voices)
        for sound in sounds
        if sound.role in _BACKGROUND
    }
    return {name: min(level, most_db.get(name, level)) for name, level in levels_db.items()}


def lead_against_rest_db(sounds: Sequence[RoleSound], levels_db: Mapping[str, float]) -> float | None:
    """How much louder the lead vocal is, while it sings, than all else; None without one, or without else.

    Of several leads, which mostly take turns, the loudest counts.
    """
    leads = [levels_db[sound.name] for sound in sounds if sound.role in _LEADS]
    rest = sum(power_factor(levels_db[sound.name]) * sound.activity for sound in sounds if sound.role not in _LEADS)
    if not leads or rest <= 0 or not math.isfinite(max(leads)):
        return None
    return max(leads) - power_decibels(rest)
