"""Steps of work with a way back: a state that is replaced as a whole, those before it, and those that were taken back.

Several threads may read and change it. What the state is, whoever uses this knows; nothing is sent or saved here.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from ...presets.errors import PresetError

# A fader's ride is one step of the undo: changes of the same setting that follow each other this closely, or while a
# hand holds it.
GESTURE_S: Final = 1.0
MOST_STEPS: Final = 200

State = TypeVar("State")


@dataclass(frozen=True)
class StepName:
    """What a step did, for people.

    Attributes:
        what: a word for the kind: "edit", "recall".
        name: of what it was done to; may be empty.
    """

    what: str
    name: str = ""


@dataclass(frozen=True)
class _Kept(Generic[State]):
    """A state to go to, and what the step between it and the one of now does."""

    state: State
    did: StepName


class Steps(Generic[State]):
    """A state in use.

    Args:
        state: to begin with.
        clock: seconds that only go forward.
    """

    def __init__(self, state: State, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.RLock()
        self._state, self._number = state, 0
        self._history: deque[_Kept[State]] = deque(maxlen=MOST_STEPS)
        self._undone: list[_Kept[State]] = []
        self._gesture, self._hold, self._moved_s = "", "", 0.0

    @property
    def state(self) -> State:
        """The state as it is now."""
        return self._state

    @property
    def undoes(self) -> StepName | None:
        """What an undo would take back; None where there is nothing."""
        with self._lock:
            return self._history[-1].did if self._history else None

    @property
    def redoes(self) -> StepName | None:
        """What a redo would do again; None where there is nothing."""
        with self._lock:
            return self._undone[-1].did if self._undone else None

    @property
    def number(self) -> int:
        """That of the last step; an undo and a redo count, too."""
        return self._number

    def step(
        self,
        edit: Callable[[State], State],
        did: StepName,
        gesture: str = "",
        joins: int | None = None,
        hold: str = "",
    ) -> tuple[State, State]:
        """Put an edited state in place of the current one.

        Args:
            edit: makes the new one; what it raises passes through, and nothing is changed.
            did: what the step does, for people.
            gesture: what is being moved; changes of the same name in quick succession are undone together.
            joins: number of a step that this one ends; both are undone together if nothing came between.
            hold: the same for all that a hand moves from where it takes hold to where it lets go; then changes of a
                gesture are undone together however long it rests. Empty where that is not known.

        Returns:
            What stood before, and what stands now.
        """
        with self._lock:
            old = self._state
            self._state = edit(old)
            now_s = self._clock()
            is_held = bool(hold) and hold == self._hold
            goes_on = gesture and gesture == self._gesture and (is_held or now_s - self._moved_s < GESTURE_S)
            if joins is not None and joins == self._number and self._history:
                goes_on, gesture = True, self._gesture
            if not goes_on:
                self._history.append(_Kept(old, did))
                self._number += 1
            self._undone.clear()
            self._gesture, self._hold, self._moved_s = gesture, hold, now_s
            return old, self._state

    def begin(self, state: State) -> None:
        """Go on with another state, with no way back."""
        with self._lock:
            self._state = state
            self._history.clear()
            self._undone.clear()
            self._gesture = ""
            self._number += 1

    def undo(self) -> tuple[State, State]:
        """Go one step back; gives what stood before, and what stands now.

        Raises:
            PresetError: there is none.
        """
        with self._lock:
            if not self._history:
                raise PresetError("there is nothing to undo")
            kept = self._history.pop()
            self._undone.append(_Kept(self._state, kept.did))
            return self._gone_to(kept.state)

    def redo(self) -> tuple[State, State]:
        """Take the step again that was taken back last; a change forgets it.

        Raises:
            PresetError: there is none.
        """
        with self._lock:
            if not self._undone:
                raise PresetError("there is nothing to redo")
            kept = self._undone.pop()
            self._history.append(_Kept(self._state, kept.did))
            return self._gone_to(kept.state)

    def _gone_to(self, state: State) -> tuple[State, State]:
        old, self._state = self._state, state
        self._gesture = ""
        self._number += 1
        return old, state
