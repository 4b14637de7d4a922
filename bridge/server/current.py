"""The preset that controllers work on: one at a time, replaced as a whole, with a way back.

Several threads may read and change it. Nothing is sent or saved here.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from ...presets.edit import scaled
from ...presets.preset import Preset
from .steps import StepName, Steps

_CHANGE, _AMOUNT = StepName("edit"), StepName("amount")


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
        self._steps = Steps(_State(preset, preset, 1.0), clock)

    @property
    def preset(self) -> Preset:
        """The preset as it is now."""
        return self._steps.state.preset

    @property
    def amount(self) -> float:
        """How much of the preset is in use; 1 again as soon as something else is changed."""
        return self._steps.state.amount

    @property
    def can_undo(self) -> bool:
        """Whether there is a step to go back."""
        return self._steps.undoes is not None

    @property
    def can_redo(self) -> bool:
        """Whether a step that was taken back can be taken again."""
        return self._steps.redoes is not None

    def change(self, edit: Callable[[Preset], Preset], gesture: str = "") -> PresetChange:
        """Puts an edited preset in place of the current one.

        Args:
            edit: makes the new one; what it raises passes through, and nothing is changed.
            gesture: what is being moved; changes of the same name in quick succession are undone together.
        """

        def edited(state: _State) -> _State:
            preset = edit(state.preset)
            return _State(preset, preset, 1.0)

        return _changed(self._steps.step(edited, _CHANGE, gesture))

    def set_amount(self, amount: float) -> PresetChange:
        """Set the amount of the preset's effect, 0..1.5: always of the whole, not of what is left of it.

        Raises:
            PresetError: an amount out of range.
        """
        return _changed(
            self._steps.step(
                lambda state: _State(scaled(state.whole, amount), state.whole, amount), _AMOUNT, gesture="amount"
            )
        )

    def undo(self) -> PresetChange:
        """Goes one step back.

        Raises:
            PresetError: there is none.
        """
        return _changed(self._steps.undo())

    def redo(self) -> PresetChange:
        """Takes the step again that was taken back last; a change forgets it.

        Raises:
            PresetError: there is none.
        """
        return _changed(self._steps.redo())


def _changed(states: tuple[_State, _State]) -> PresetChange:
    old, new = states
    return PresetChange(old.preset, new.preset)
