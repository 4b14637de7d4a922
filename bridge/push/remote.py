"""Pushes that a controller asks for through `mixbridge serve`: to the desks that the user named, and to no other."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ...presets.errors import DeskError
from ...presets.preset import Preset
from ..desks.loading import load_desk
from ..osc.link import Target
from .pushing import PushOptions, push_preset


def pusher(targets: Sequence[str], options: PushOptions | None = None) -> Callable[[Preset, str | None], str]:
    """A function that pushes a preset and says what came of it; it raises DeskError where not all of it stands.

    Args:
        targets: the desks that a controller may name; the first is the usual one.
        options: how to push.

    Raises:
        DeskError: a target of another form, or with an unknown desk.
    """
    allowed = [Target.parse(target) for target in targets]
    for target in allowed:
        load_desk(target.desk)

    def push(preset: Preset, named: str | None) -> str:
        target = allowed[0] if named is None else Target.parse(named)
        if target not in allowed:
            raise DeskError(f"{named} is none of the desks that this server was started with: {', '.join(targets)}.")
        result = push_preset(preset, target, options)
        if not result.is_done:
            raise DeskError(f"{result.sentence}. mixbridge undo restores what stood before.")
        return result.sentence if result.is_verified else f"{result.sentence} (not verified)"

    return push
