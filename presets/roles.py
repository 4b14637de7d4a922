"""Roles: what a track is in a mix, and what engineers do with tracks of that role.

The figures are quantiles of 1,621 tracks of 64 mixes by people (MixologyDB, Michael Clemens 2023, MIT, read off the
sessions of the Mixing Evaluation Dataset, De Man et al.). A role that these sessions lack stands with the figures of
the nearest one that they have, named in its row.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import Final, Literal, get_args

from .errors import PresetError

Role = Literal[
    "kick",
    "snare",
    "tom",
    "hi-hat",
    "overhead",
    "cymbal",
    "room",
    "percussion",
    "drums",
    "bass",
    "electric guitar",
    "acoustic guitar",
    "keys",
    "pad",
    "lead synth",
    "strings",
    "brass",
    "woodwind",
    "lead vocal",
    "backing vocal",
    "speech",
    "effect",
    "full mix",
]
Family = Literal["drums", "bass", "guitars", "keys", "orchestra", "vocals", "speech", "other"]
ROLES: Final[tuple[Role, ...]] = get_args(Role)


@dataclass(frozen=True)
class Practice:
    """What engineers do with tracks of a role.

    Attributes:
        pan: distance from the middle, 0..1, that half, three quarters and nine in ten tracks stay below.
        level_db: loudness of the raw track plus its fader against the power sum of all tracks; 10, 50 and 90 %.
        high_pass_share: share of tracks with a high-pass filter, 0..1.
        high_pass_hz: its median frequency.
        peak_db: gain of the peak bands in use; 10, 50 and 90 %.
        high_shelf_db: gain of the high shelves in use; 25, 50 and 75 %.
        compressed_share: share of tracks with a compressor.
        ratio: of the compressors; 25, 50 and 75 %.
        attack_ms: median.
        release_ms: median.
        reverb_share: share of tracks with reverb.
        reverb_send_db: median of the sends.
        gated_share: share of tracks with a gate.
    """

    pan: tuple[float, float, float]
    level_db: tuple[float, float, float]
    high_pass_share: float
    high_pass_hz: float
    peak_db: tuple[float, float, float]
    high_shelf_db: tuple[float, float, float]
    compressed_share: float
    ratio: tuple[float, float, float]
    attack_ms: float
    release_ms: float
    reverb_share: float
    reverb_send_db: float
    gated_share: float


@dataclass(frozen=True)
class Trait:
    """What a role is, beside what engineers do with it.

    Attributes:
        family: what it is grouped with.
        is_centred: a single track of this role stands in the middle.
        has_lows: it carries the low end; others are cut below their high-pass.
        is_voice: sung or spoken.
        practice: of engineers.
    """

    family: Family
    is_centred: bool
    has_lows: bool
    is_voice: bool
    practice: Practice


def _practice(
    pan: tuple[float, float, float],
    level_db: tuple[float, float, float],
    high_pass: tuple[float, float],
    peak_db: tuple[float, float, float],
    high_shelf_db: tuple[float, float, float],
    compressor: tuple[float, tuple[float, float, float], float, float],
    reverb: tuple[float, float],
    gated_share: float,
) -> Practice:
    share, ratio, attack_ms, release_ms = compressor
    return Practice(
        pan, level_db, *high_pass, peak_db, high_shelf_db, share, ratio, attack_ms, release_ms, *reverb, gated_share
    )


_KICK = _practice((0, 0, 0), (-28.6, -20.9, -14.2), (0.25, 37), (-10.1, 1.35, 6.7), (-6.48, 1.9, 3.0),
                  (0.62, (2.25, 3.3, 4.95), 16.6, 85.8), (0.31, -15.0), 0.26)  # fmt: skip
_SNARE = _practice((0, 0, 0.03), (-29.5, -20.8, -12.8), (0.39, 89.2), (-14.0, -1.55, 5.7), (-1.9, 2.9, 5.1),
                   (0.57, (3.0, 3.4, 4.5), 15.9, 60.1), (0.54, -10.0), 0.26)  # fmt: skip
_TOM = _practice((0.311, 0.55, 0.65), (-36.4, -27.3, -18.7), (0.27, 78), (-8.29, 0.67, 5.5), (-2.6, 2.0, 2.9),
                 (0.52, (2.0, 3.0, 4.0), 10.0, 80.0), (0.52, -9.25), 0.27)  # fmt: skip
_HI_HAT = _practice((0.39, 0.657, 1), (-38.5, -27.0, -17.6), (0.54, 259), (-8.0, -1.4, 3.62), (-1.67, 2.8, 3.15),
                    (0.50, (1.65, 2.05, 3.0), 10.0, 84.1), (0.31, -13.1), 0.04)  # fmt: skip
_OVERHEAD = _practice((0.266, 1, 1), (-29.7, -20.4, -11.2), (0.33, 125), (-7.69, -2.2, 3.17), (0.275, 5.2, 7.0),
                      (0.50, (2.2, 3.25, 5.0), 7.4, 71.2), (0.39, -13.2), 0.01)  # fmt: skip
# Of the cymbals' fifteen tracks few have a shelf or a compressor: those figures are of the hi-hats.
_CYMBAL = _practice((0.656, 0.984, 0.984), (-33.4, -26.4, -19.5), (0.47, 124), (-9.78, -1.95, 1.08), (-1.67, 2.8, 3.15),
                    (0.27, (1.65, 2.05, 3.0), 10.0, 84.1), (0.33, -13.1), 0.07)  # fmt: skip
_PERCUSSION = _practice((0.359, 0.6, 1), (-34.3, -26.3, -20.3), (0.38, 578), (-6.4, 0.5, 10.0), (2.12, 2.85, 6.25),
                        (0.41, (3.0, 3.0, 4.5), 10.0, 13.6), (0.33, -11.3), 0.0)  # fmt: skip
_BASS = _practice((0, 0, 0), (-23.4, -15.5, -9.38), (0.24, 45), (-6.0, 1.5, 5.91), (-5.9, -1.1, 1.65),
                  (0.77, (2.3, 3.0, 3.9), 7.0, 151.0), (0.14, -15.0), 0.06)  # fmt: skip
_ELECTRIC = _practice((0.46, 0.984, 1), (-24.0, -16.2, -10.0), (0.45, 110), (-8.5, 1.8, 5.5), (1.0, 3.15, 5.9),
                      (0.32, (2.0, 3.0, 3.6), 2.8, 120.0), (0.35, -4.3), 0.04)  # fmt: skip
# Of the acoustic guitars few have a shelf: that figure is of the electric ones.
_ACOUSTIC = _practice((0.531, 0.625, 0.69), (-22.2, -11.9, -7.94), (0.48, 113), (-15.5, -1.9, 6.3), (1.0, 3.15, 5.9),
                      (0.62, (2.0, 2.6, 3.8), 3.9, 100.0), (0.62, -5.6), 0.05)  # fmt: skip
_KEYS = _practice((1, 1, 1), (-26.1, -18.9, -13.2), (0.19, 118), (-4.5, -1.1, 3.3), (0.95, 1.6, 2.2),
                  (0.29, (2.2, 3.3, 4.0), 1.0, 124.0), (0.65, -7.7), 0.0)  # fmt: skip
# Their list of lead vocals holds doubles, which are panned: a single lead stands in the middle.
_LEAD_VOCAL = _practice((0, 0, 0), (-23.4, -13.3, -5.05), (0.49, 113), (-7.0, -1.1, 5.0), (1.93, 3.9, 5.0),
                        (0.73, (2.0, 3.0, 4.0), 7.25, 132.0), (0.86, -2.5), 0.09)  # fmt: skip
_BACKING = _practice((0.58, 1, 1), (-20.3, -14.2, -10.1), (0.27, 101), (-6.0, -1.4, 5.42), (2.45, 3.0, 4.32),
                     (0.61, (1.8, 2.0, 3.3), 1.5, 175.0), (0.77, -7.4), 0.12)  # fmt: skip
_SPEECH = replace(_LEAD_VOCAL, reverb_share=0.0, gated_share=0.26)
# The keys' pans are those of left and right of a pair; a section or a pad that is one track stands as percussion does.
_SECTION = replace(_KEYS, pan=_PERCUSSION.pan)
_UNTREATED = replace(_KEYS, pan=(0.0, 0.0, 0.0), high_pass_share=0.0, compressed_share=0.0, reverb_share=0.0)

TRAITS: Final[dict[Role, Trait]] = {
    "kick": Trait("drums", True, True, False, _KICK),
    "snare": Trait("drums", True, False, False, _SNARE),
    "tom": Trait("drums", False, True, False, _TOM),
    "hi-hat": Trait("drums", False, False, False, _HI_HAT),
    "overhead": Trait("drums", False, False, False, _OVERHEAD),
    "cymbal": Trait("drums", False, False, False, _CYMBAL),
    "room": Trait("drums", False, False, False, _OVERHEAD),
    "percussion": Trait("drums", False, False, False, _PERCUSSION),
    "drums": Trait("drums", True, True, False, replace(_OVERHEAD, pan=(0.0, 0.0, 0.0), high_pass_share=0.0)),
    "bass": Trait("bass", True, True, False, _BASS),
    "electric guitar": Trait("guitars", False, False, False, _ELECTRIC),
    "acoustic guitar": Trait("guitars", False, False, False, _ACOUSTIC),
    "keys": Trait("keys", False, False, False, _KEYS),
    "pad": Trait("keys", False, False, False, _SECTION),
    "lead synth": Trait("keys", True, False, False, replace(_KEYS, pan=(0.0, 0.3, 0.6))),
    "strings": Trait("orchestra", False, False, False, _SECTION),
    "brass": Trait("orchestra", False, False, False, _SECTION),
    "woodwind": Trait("orchestra", False, False, False, _SECTION),
    "lead vocal": Trait("vocals", True, False, True, _LEAD_VOCAL),
    "backing vocal": Trait("vocals", False, False, True, _BACKING),
    "speech": Trait("speech", True, False, True, _SPEECH),
    "effect": Trait("other", False, False, False, _SECTION),
    "full mix": Trait("other", True, True, False, _UNTREATED),
}


def told_roles(told: Mapping[str, str], tracks: Collection[str]) -> dict[str, Role]:
    """Check roles that somebody tells of tracks.

    Args:
        told: a role for each track, in upper or lower case, with hyphens or spaces.
        tracks: names that there are.

    Raises:
        PresetError: no such track, or no such role; the message lists those that there are.
    """
    return {_known(name, tracks): role_called(role) for name, role in told.items()}


def role_called(text: str) -> Role:
    """Find the role of this name.

    Raises:
        PresetError: there is none; the message lists all.
    """
    plain = _plain(text)
    for role in ROLES:
        if _plain(role) == plain:
            return role
    near = get_close_matches(plain, [_plain(role) for role in ROLES], n=1)
    hint = f'did you mean "{next(role for role in ROLES if _plain(role) == near[0])}"? ' if near else ""
    raise PresetError(f'"{text}" is no role; {hint}Roles are: {", ".join(ROLES)}.')


def _known(name: str, tracks: Collection[str]) -> str:
    if name not in tracks:
        near = get_close_matches(name, tracks, n=1)
        hint = f'did you mean "{near[0]}"?' if near else f"there are: {', '.join(tracks) or 'none'}."
        raise PresetError(f'A role is told of a track called "{name}", which is not there; {hint}')
    return name


def _plain(text: str) -> str:
    return " ".join(text.casefold().replace("-", " ").replace("_", " ").split())
