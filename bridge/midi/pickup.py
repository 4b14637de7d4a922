"""Soft take-over: a control that stands elsewhere than its setting does nothing until it comes to where the setting is.

So a knob that was left at another place never makes a jump, nor one that was turned while nobody listened: on another
layer of the controller, for another bank, or with the cable out.
"""

from __future__ import annotations

import math
from typing import Final

# Of the whole way: two and a half steps of a controller of 7 bits.
NEAR: Final = 0.02
# Who moves a control says so many times a second. After a pause its first step is a small one, or it was moved unheard.
_PAUSE_S: Final = 1.0
_STEP: Final = 0.1


class Pickup:
    """Whether one control has its setting. Places are 0..1, of the control's way."""

    def __init__(self) -> None:
        self._place: float | None = None
        self._moved_s = 0.0
        self._is_held = False

    def moved(self, place: float, setting: float, now_s: float) -> bool:
        """Tell whether the setting goes where the control went.

        Args:
            place: where the control is now.
            setting: where the setting stands; below 0 or above 1 where the control cannot reach it.
            now_s: seconds that only go forward.
        """
        before, self._place = self._place, place
        is_going_on = before is not None and (now_s - self._moved_s <= _PAUSE_S or abs(place - before) <= _STEP)
        self._moved_s = now_s
        was_moved_away = before is not None and abs(setting - before) > NEAR
        if self._is_held and is_going_on and not was_moved_away:
            return True
        is_crossed = is_going_on and before is not None and (before - setting) * (place - setting) < 0
        self._is_held = abs(place - setting) <= NEAR or is_crossed
        return self._is_held

    def carried(self, place: float) -> None:
        """Know that a motor brought the control to its setting; a hand that held it is found out by its large step."""
        self._place, self._is_held, self._moved_s = place, True, -math.inf

    def forget(self) -> None:
        """Know nothing of where the control is, as when its cable was out."""
        self._place, self._is_held = None, False
