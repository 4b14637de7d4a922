"""The room of a mix: who is sent to the reverb, how much, and what kind of room it is."""

from __future__ import annotations

import math
from typing import Final

from ...presets.console import SEND_OFF_DB, Reverb
from ...presets.roles import Role
from .sounds import RoleSound
from .tail import Tail

# Sends of engineers go to reverbs of their own, with returns of their own. With this return the lead vocal's usual send
# (-2.5 dB) puts its reverb 15 dB below it, the median of 385 vocal chains (DiffVox, Chin-Yun Yu et al. 2025, MIT).
_RETURN_DB: Final = -12.5
# Half of the engineers have to use it, or the role stays dry.
_USED: Final = 0.5
# These bring rooms of their own.
_WET_ALREADY: Final[frozenset[Role]] = frozenset({"room", "overhead", "effect", "full mix", "speech"})
_STEREO_TRIM_DB: Final = -3.0
# How far the room makes up for sides that are missing, and the most.
_WET_SHARE: Final = 0.6
_MOST_WETTER_DB, _MOST_DRIER_DB = 5.0, 6.0

# How far notes fall in finished songs, and how much room one decibel less is worth, up to a song without any.
_USUAL_FALL_DB: Final = 12.5
_WETTER_PER_DB: Final = 3.0
_DRY_DB: Final = 14.0
_SIDES_SAY_DB: Final = 1.5
_MOST_WETTER_TOLD_DB: Final = 9.0
_USUAL_DB: Final = 1.0

ROOM: Final = Reverb(
    pre_delay_ms=22.0,
    decay_low_s=1.3,
    decay_mid_s=1.5,
    decay_high_s=0.9,
    damping_hz=6000.0,
    size=0.45,
    width=1.0,
    low_cut_hz=150.0,
    high_cut_hz=9000.0,
    return_gain_db=_RETURN_DB,
)
"""A plate-like room of 1.5 s, dark on top and without lows, as most vocal reverbs are."""


def room_for(sides_missing_db: float, tail: Tail | None = None) -> Reverb:
    """The room of a mix.

    A song whose notes fall deep is dry, and gets next to no room; one whose notes hardly fall is wet. The sides have a
    little say beside that, and more where it is not known: what pans cannot make wide a room can. Wide songs are wet.

    Args:
        sides_missing_db: how much softer the sides of the mix are against its middle than those of the reference.
        tail: how the notes of the reference fall silent; None where nobody looked.
    """
    wider_db = _WET_SHARE * sides_missing_db
    if tail is None or not tail.is_known:
        more_db = min(max(wider_db, -_MOST_DRIER_DB), _MOST_WETTER_DB)
        return ROOM.model_copy(update={"return_gain_db": round(_RETURN_DB + more_db, 2)})
    wetter_db = _WETTER_PER_DB * (_USUAL_FALL_DB - tail.fall_db)
    more_db = wetter_db + min(max(wider_db, -_SIDES_SAY_DB), _SIDES_SAY_DB)
    more_db = min(max(more_db, -_DRY_DB), _MOST_WETTER_TOLD_DB)
    values = {"return_gain_db": round(_RETURN_DB + more_db, 2), **_decays(tail)}
    return ROOM.model_copy(update=values)


def _decays(tail: Tail) -> dict[str, float]:
    """The room's decay, half of the way (in octaves) from the usual to the reference's; its lows and highs with it."""
    middle_s = ROOM.decay_mid_s
    if math.isfinite(tail.decay_s):
        middle_s = math.sqrt(middle_s * tail.decay_s)
    brightness = tail.brightness if math.isfinite(tail.brightness) else ROOM.decay_high_s / ROOM.decay_mid_s
    return {
        "decay_low_s": round(middle_s * ROOM.decay_low_s / ROOM.decay_mid_s, 2),
        "decay_mid_s": round(middle_s, 2),
        "decay_high_s": round(middle_s * brightness, 2),
    }


def room_words(room: Reverb, tail: Tail | None) -> str:
    """Say why a room is as it is, in one sentence."""
    if tail is None or not tail.is_known:
        return "The room is the usual one: the reference has no notes whose end could be heard."
    more_db = room.return_gain_db - _RETURN_DB
    how = "wetter than usual" if more_db > 0 else "drier than usual"
    how = "as wet as songs usually are" if abs(more_db) < _USUAL_DB else how
    decay = f", its decay {room.decay_mid_s:.1f} s" if math.isfinite(tail.decay_s) else ""
    return (
        f"The reference is {how}: its notes fall by {tail.fall_db:.0f} dB in a seventh of a second. The return of the "
        f"reverb is {more_db:+.1f} dB from usual{decay}."
    )


def speaks_of_space(sentence: str) -> bool:
    """Tell whether a decision's sentence is one of the room or of echoes."""
    return any(word in sentence for word in ("room", "reverb", "echoes"))


def reverb_send_db(sound: RoleSound, wetter_db: float = 0.0) -> float:
    """The send of a track to the reverb.

    Args:
        sound: the track.
        wetter_db: how much more than usual is sent.
    """
    practice = sound.practice
    if practice.reverb_share < _USED or sound.role in _WET_ALREADY or sound.trait.has_lows:
        return SEND_OFF_DB
    trim_db = 0.0 if sound.is_mono else _STEREO_TRIM_DB
    return max(SEND_OFF_DB, min(practice.reverb_send_db + trim_db + wetter_db, 0.0))
