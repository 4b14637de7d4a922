"""From the page to a desk: the plan first, then what was shown and nothing else, and the way back."""

from __future__ import annotations

from typing import Any

from ....presets.errors import DeskError
from ....presets.preset import Preset
from ...push.plan import Plan
from ...push.pushing import PushOptions, plan_push, push_preset
from ...push.scope import Scope
from ...push.tables import plan_as_json, problem_lines, result_as_json, row_words
from ...push.undoing import undo
from ..studio import PageStudio


class PageDesk:
    """Pushes of the page.

    Args:
        studio: whose preset is pushed.
    """

    def __init__(self, studio: PageStudio):
        self._studio, self._jobs = studio, studio.jobs
        self._plan: tuple[str, bool, Preset, Plan] | None = None

    def start_plan(self, target: str, *, faders: bool) -> None:
        """Find out what a push would change on a desk; nothing is changed."""
        preset = self._studio.preset

        def job() -> tuple[str, dict[str, Any]]:
            plan = plan_push(preset, target, _pushing(faders), on_progress=self._jobs.progress)
            self._plan = (target, faders, preset, plan)
            return f"{len(plan.changes)} settings would change on {plan.desk.title}", {
                **plan_as_json(plan),
                "rows": _rows(plan),
            }

        self._jobs.start("plan", job)

    def start_push(self) -> None:
        """Do what the last plan said.

        Raises:
            DeskError: there is no plan, or the preset is another by now.
        """
        if self._plan is None or self._plan[2] != self._studio.preset:
            raise DeskError("the preset was changed since the plan was made: make a plan first.")
        target, faders, preset, shown = self._plan
        self._plan = None

        def as_shown(plan: Plan) -> bool:
            return [(row.setting, row.now) for row in plan.changes] == [(row.setting, row.now) for row in shown.changes]

        def job() -> tuple[str, dict[str, Any]]:
            result = push_preset(
                preset,
                target,
                _pushing(faders),
                confirm=as_shown,
                on_progress=self._jobs.progress,
                cancel=lambda: self._studio.is_closed,
            )
            if result.outcome is None:
                raise DeskError("the desk was changed by another hand since the plan was made: make a new plan.")
            return result.sentence, {**result_as_json(result), "problems": problem_lines(result)}

        self._jobs.start("push", job, comes_to_an_end=True)

    def start_undo(self) -> None:
        """Put back what the desk of the last push had before."""

        def job() -> tuple[str, dict[str, Any]]:
            from ...push import snapshots

            result = undo(
                snapshots.next_undo(snapshots.stored()[0]),
                on_progress=self._jobs.progress,
                cancel=lambda: self._studio.is_closed,
            )
            return result.sentence, {**result_as_json(result), "problems": problem_lines(result)}

        self._jobs.start("undo push", job, comes_to_an_end=True)


def _rows(plan: Plan) -> list[list[str]]:
    """Say each change as track, strip of the desk, setting, present and future value."""
    return [
        [strip.placed.track, strip.label, row.setting.key.replace("_", " "), *row_words(row)]
        for strip in plan.strips
        for row in strip.changes
    ]


def _pushing(faders: bool) -> PushOptions:
    """Faders move only where that was asked for."""
    return PushOptions(scope=Scope(Scope().sections | {"fader"})) if faders else PushOptions()
