"""The preset that controllers work on: one at a time, replaced as a whole, with a way back.

Several threads may read and change it. Nothing is sent or saved here.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from ...presets.edit import scaled
from ...presets.errors import PresetError
from ...presets.preset import Preset

# A fader's ride is one step of the undo: changes of the same setting that follow each other this closely.
GESTURE_S = 1.0
MOST_STEPS = 200


@dataclass(frozen=True)
class PresetChange:
    """What stood before, and what stands now."""

    old: Preset
    new: Preset


@dataclass(frozen=True)
class _State:
    """A preset, and what it is an amount of."""

    preset: Preset
    whole: Preset
    amount: float


class CurrentPreset:
    """A preset in use.

    Args:
        preset: to begin with.
        clock: seconds that only go forward.
    """

    def __init__(self, preset: Preset, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._state = _State(preset, preset, 1.0)
        self._history: deque[_State] = deque(maxlen=MOST_STEPS)
        self._undone: list[_State] = []
        self._gesture, self._moved_s = "", 0.0

    @property
    def preset(self) -> Preset:
        """The preset as it is now."""
        return self._state.preset

    @property
    def amount(self) -> float:
        """How much of the preset is in use; 1 again as soon as something else is changed."""
        return self._state.amount

    @property
    def can_undo(self) -> bool:
        """Whether there is a step to go back."""
        return bool(self._history)

    @property
    def can_redo(self) -> bool:
        """Whether a step that was taken back can be taken again."""
        return bool(self._undone)

    def change(self, edit: Callable[[Preset], Preset], gesture: str = "") -> PresetChange:
        """Puts an edited preset in place of the current one.

        Args:
            edit: makes the new one; what it raises passes through, and nothing is changed.
            gesture: what is being moved; changes of the same name in quick succession are undone together.
        """

        def edited(state: _State) -> _State:
            preset = edit(state.preset)
            return _State(preset, preset, 1.0)

        return self._step(edited, gesture)

    def set_amount(self, amount: float) -> PresetChange:
        """Set the amount of the preset's effect, 0..1.5: always of the whole, not of what is left of it.

        Raises:
            PresetError: an amount out of range.
        """
        return self._step(lambda state: _State(scaled(state.whole, amount), state.whole, amount), "amount")

    def undo(self) -> PresetChange:
        """Goes one step back.

        Raises:
            PresetError: there is none.
        """
        with self._lock:
            if not self._history:
                raise PresetError("there is nothing to undo")
            old, self._state = self._state, self._history.pop()
            self._undone.append(old)
            self._gesture = ""
            return PresetChange(old.preset, self._state.preset)

    def redo(self) -> PresetChange:
        """Takes the step again that was taken back last; a change forgets it.

        Raises:
            PresetError: there is none.
        """
        with self._lock:
            if not self._undone:
                raise PresetError("there is nothing to redo")
            old, self._state = self._state, self._undone.pop()
            self._history.append(old)
            self._gesture = ""
            return PresetChange(old.preset, self._state.preset)

    def _step(self, edit: Callable[[_State], _State], gesture: str) -> PresetChange:
        with self._lock:
            old = self._state
            self._state = edit(old)
            now_s = self._clock()
            goes_on = gesture and gesture == self._gesture and now_s - self._moved_s < GESTURE_S
            if not goes_on:
                self._history.append(old)
            self._undone.clear()
            self._gesture, self._moved_s = gesture, now_s
            return PresetChange(old.preset, self._state.preset)
