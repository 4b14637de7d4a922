"""The command `push`: click parses, :mod:`..push` does it, and what was done is said here.

Importing this loads click alone, so that `--help` is quick.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from ..declaring import takes
from ..options import Sending, StripOptions, Trying
from ..output.push_results import say_dry, say_result
from .sending import PausingBar, asking

if TYPE_CHECKING:
    from ...push.pushing import PushOptions


# `--only` of the other commands has another default.
_SECTIONS: Final = {
    "only": {
        "help": "Only these sections: trim, gate, low_cut, high_cut, eq, compressor, deesser, saturation, fader, pan, "
        "send, mute, name, reverb, delay; or dynamics, cuts, fx.  [default: eq, compressor, pan, and what the preset "
        "has of gate, cuts, deesser, saturation]"
    }
}


@dataclass(frozen=True)
class Touched:
    """What else is set than by default.

    Attributes:
        faders: faders, sends and trims.
        mutes: mutes.
        effects: reverb, delay and the sends to them.
    """

    faders: bool
    mutes: bool
    effects: bool


@click.command()
@click.argument("preset_", metavar="PRESET")
@click.option(
    "--to", "target", required=True, metavar="DESK://HOST", help="The desk: x32://192.168.1.20, ardour://localhost."
)
@takes(StripOptions, "strips", _SECTIONS)
@click.option("--by-order", is_flag=True, help="Assign tracks that match no name to the free strips, in order.")
@click.option("--faders", is_flag=True, help="Also set faders, sends and trims.")
@click.option("--mutes", is_flag=True, help="Also set mutes.")
@click.option("--effects", is_flag=True, help="Also set reverb, delay and the sends to them.")
@click.option(
    "--reverb",
    metavar="SLOT",
    help="Effect slot for the reverb: its number. What is in it is replaced.  [default: the only reverb]",
)
@click.option("--delay", metavar="SLOT", help="The same for the delay.")
@click.option(
    "--insert-plugins",
    "script",
    type=click.IntRange(1, 99),
    metavar="ROW",
    help="Ardour: run the script in this row of its Script Manager, which inserts missing plug-ins.",
)
@click.option(
    "--plugins",
    metavar="FILE",
    help="Set your own plug-ins there, as this plugins.toml says, in the place of the desk's EQ and compressor.",
)
@click.option(
    "--play",
    "plays",
    is_flag=True,
    help="Then play the preset's lanes in time with the DAW's song; Ardour writes them as automation.",
)
@click.option("--offline", is_flag=True, help="With --dry-run: plan without a connection to the desk.")
@click.option("--svg", type=click.Path(path_type=Path), hidden=True, help="Write the plan as a picture.")
@takes(Sending, "sending")
@takes(Trying, "saying", {"dry_run": {"help": "Show what would change, and send nothing."}})
@click.pass_context
def push(
    context: click.Context,
    /,
    *,
    preset_: str,
    target: str,
    strips: StripOptions,
    by_order: bool,
    faders: bool,
    mutes: bool,
    effects: bool,
    reverb: str | None,
    delay: str | None,
    script: int | None,
    plugins: str | None,
    plays: bool,
    offline: bool,
    svg: Path | None,
    sending: Sending,
    saying: Trying,
) -> None:
    """Set a DAW or mixer to PRESET, verify it, and keep the former values for `mixbridge undo`.

    PRESET is a file or the name of a factory preset. Faders, sends, effects, mutes, trims and names
    are not changed unless you ask for it.
    """
    from ...plugins.using.choices import load_choices
    from ...push.pushing import plan_push, push_preset
    from ...push.routing.plugged import pushed_plugins
    from ..output.progress import progress_bar
    from ..preset import open_preset

    if offline and not saying.dry_run:
        raise click.UsageError("--offline is for plans: add --dry-run")
    if plays and (offline or svg is not None):
        raise click.UsageError("--play asks where the song is: leave --offline and --svg out")
    if plays and plugins is not None:
        raise click.UsageError("--play moves the desk's own settings: push with --plugins first, then play without")
    preset = open_preset(preset_)
    slots = {kind: slot for kind, slot in (("reverb", reverb), ("delay", delay)) if slot is not None}
    options = _push_options(
        target,
        strips,
        sending,
        Touched(faders=faders, mutes=mutes, effects=effects or bool(slots)),
        by_order=by_order,
        script=script,
        slots=slots,
    )
    if plugins is not None:
        choices = load_choices(Path(plugins), is_remote=True)
        options = replace(options, plugins=pushed_plugins(preset, choices, options.sample_rate_hz))
    if plays:
        from .playing import play, say_dry_play

        all_lanes = strips.only is None
        if saying.dry_run:
            say_dry_play(preset, target, options, all_lanes=all_lanes, as_json=saying.as_json, quiet=saying.is_quiet)
            return
        play(
            context,
            preset,
            target,
            options,
            all_lanes=all_lanes,
            asks=not sending.yes,
            as_json=saying.as_json,
            quiet=saying.is_quiet,
        )
        return
    if saying.dry_run:
        with progress_bar(quiet=saying.is_quiet) as progress:
            plan = plan_push(preset, target, options, offline=offline, on_progress=progress)
        say_dry(plan, as_json=saying.as_json, svg=svg)
        return
    confirm = None if sending.yes else asking(as_json=saying.as_json, diff=False)
    with PausingBar(quiet=saying.is_quiet) as bar:
        result = push_preset(preset, target, options, confirm=bar.paused(confirm), on_progress=bar.show)
    say_result(context, result, as_json=saying.as_json, quiet=saying.is_quiet, was_shown=confirm is not None)


def _push_options(
    target: str,
    strips: StripOptions,
    sending: Sending,
    also: Touched,
    *,
    by_order: bool,
    script: int | None,
    slots: Mapping[str, str],
) -> PushOptions:
    from ...desks.loading import load_desk
    from ...push.pushing import PushOptions, parsed
    from ...push.scope import parse_sections, parse_strips, scope_of

    desk = load_desk(parsed(target).desk)
    sections = parse_sections(strips.only, faders=also.faders, mutes=also.mutes, effects=also.effects)
    return PushOptions(
        scope=scope_of(sections, parse_strips(strips.tracks, desk), strips.only),
        assignments=strips.assignments,
        by_order=by_order,
        ramp_ms=sending.glide_ms,
        snapshot=sending.snapshot,
        to_manual=sending.to_manual,
        script=script,
        slots=slots,
    )
