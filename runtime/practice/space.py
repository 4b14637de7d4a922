"""The room of a mix: who is sent to the reverb, how much, and what kind of room it is."""

from __future__ import annotations

from typing import Final

from ...presets.console import SEND_OFF_DB, Reverb
from ...presets.roles import Role
from .sounds import RoleSound

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


def room_for(sides_missing_db: float) -> Reverb:
    """The room of a mix whose sides are this much softer against the middle than those of the reference.

    What pans cannot make wide a room can: wide songs are wet songs. Where the sides are loud enough, it steps back.
    """
    more_db = min(max(_WET_SHARE * sides_missing_db, -_MOST_DRIER_DB), _MOST_WETTER_DB)
    return ROOM.model_copy(update={"return_gain_db": round(_RETURN_DB + more_db, 2)})


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
