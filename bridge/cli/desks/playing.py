"""What `push --play` shows: the plan with its lanes, where the song is, and what came of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import click

from ..output.push_results import FAILED, INTERRUPTED, plan_parts, print_all, say_result
from ..output.saying import echo_json, say
from .sending import PausingBar, require_terminal

if TYPE_CHECKING:
    from ....presets.preset import Preset
    from ...osc.song import SongPosition
    from ...push.playing.planning import LanePlan
    from ...push.playing.playing import PlayResult
    from ...push.pushing import PushOptions


def say_dry_play(
    preset: Preset, target: str, options: PushOptions, *, all_lanes: bool, as_json: bool, quiet: bool
) -> None:
    """Shows what would be set and moved."""
    from ...push.playing.playing import plan_play
    from ...push.playing.words import lanes_as_json
    from ..output.progress import progress_bar

    with progress_bar(quiet=quiet) as progress:
        lanes = plan_play(preset, target, options, all_lanes=all_lanes, on_progress=progress)
    if as_json:
        echo_json({"dry_run": True, **lanes_as_json(lanes)})
        return
    _show(lanes, diff=True)
    say("Nothing was sent.")


def play(
    context: click.Context,
    preset: Preset,
    target: str,
    options: PushOptions,
    *,
    all_lanes: bool,
    asks: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Pushes a preset, plays its lanes in time with the desk's song, and says what came of it.

    Ends with exit code 0 if the lanes were played to their end and everything stands.
    """
    from ...push.playing.playing import play_preset
    from ...push.playing.words import played_as_json, position_words, waiting_words

    with PausingBar(quiet=quiet) as bar:

        def ready(lanes: LanePlan) -> None:
            if not quiet and not as_json:
                bar.close()
                say(waiting_words(lanes))
                bar.open()

        def where(position: SongPosition | None) -> None:
            bar.show(0.0, position_words(position))

        result = play_preset(
            preset,
            target,
            options,
            all_lanes=all_lanes,
            confirm=bar.paused(_asking(as_json=as_json)) if asks else None,
            on_progress=bar.show,
            on_ready=ready,
            on_position=where,
        )
    if as_json:
        echo_json(played_as_json(result))
        _end(context, result)
    else:
        say_result(context, result.push, as_json=False, quiet=quiet, was_shown=asks)
        _say_played(context, result, quiet=quiet)


def _say_played(context: click.Context, result: PlayResult, *, quiet: bool) -> None:
    from ...push.playing.words import played_lines, problems_of

    for line in problems_of(result) if quiet else played_lines(result):
        say(line, err=quiet)
    _end(context, result)


def _end(context: click.Context, result: PlayResult) -> None:
    outcome = result.push.outcome
    if outcome is None:
        return
    if outcome.cancelled or (result.report is not None and result.report.cancelled):
        context.exit(INTERRUPTED)
    if not result.is_done:
        context.exit(FAILED)


def _asking(*, as_json: bool) -> Callable[[LanePlan], bool]:
    require_terminal(as_json=as_json)

    def ask(lanes: LanePlan) -> bool:
        _show(lanes, diff=False)
        plan = lanes.plan
        changes = f"Change {len(plan.changes)} settings on" if plan.changes else "Play on"
        return click.confirm(f"{changes} {plan.desk.title} at {plan.where}, and move {len(lanes.courses)} with it?")

    return ask


def _show(lanes: LanePlan, *, diff: bool) -> None:
    from ...push.playing.words import lane_table

    print_all(plan_parts(lanes.plan, diff=diff, also=lane_table(lanes)))
