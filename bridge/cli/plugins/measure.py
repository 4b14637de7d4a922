"""The commands `plugin measure` and `plugin check`: a profile made by measuring, or compared with its plug-in.

Importing this loads click alone, so that `--help` is quick.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..declaring import takes
from ..options import Saying, Writing
from ..output.progress import progress_bar
from ..output.saying import console, echo_json, say
from .timing import timed

if TYPE_CHECKING:
    from ...plugins.profile import PluginProfile

named = click.option("--name", metavar="NAME", help="Which plug-in, where its file holds several.")


@click.command("measure")
@click.argument("plugin")
@takes(Writing, "writing", {"output": {"old": None, "help": "Profile to write, a .toml file."}})
@named
@timed(120.0)
@click.option("--yes", is_flag=True, help="Write what was measured without asking.")
@takes(Saying, "saying")
def measure_command(
    *, plugin: str, writing: Writing, name: str | None, limit_s: float, yes: bool, saying: Saying
) -> None:
    """Measure PLUGIN, a path or a name, and write its profile: which parameter is what, and in which law.

    You are asked whether what was found is right; --yes does without, and so does a program.
    """
    from ....presets.errors import OutputError
    from ....presets.files import write_text
    from ...plugins.probing.folders import find_plugin
    from ...plugins.writing import profile_text

    path, target = find_plugin(plugin), Path(writing.output)
    if target.suffix.lower() != ".toml":
        raise OutputError("is no name for a profile: it has to end in .toml", target)
    profile = _measured(path, name, limit_s, saying)
    if saying.as_json:
        echo_json({**profile.model_dump(mode="json", exclude_none=True), "file": str(target)})
    else:
        say_profile(profile)
    if not (yes or saying.as_json) and sys.stdin.isatty() and not click.confirm("Is that right?", default=True):
        say("Nothing was written. Correct the profile by hand: write it with --yes, and edit the file.")
        return
    comment = f"{profile.name} {profile.version}, measured by mixbridge at {profile.sample_rate_hz} Hz."
    write_text(target, profile_text(profile, (comment,)), overwrite=writing.force)
    if not saying.as_json:
        say(f"Written: {target}")


@click.command("check")
@click.argument("plugin")
@click.option("--profile", metavar="FILE", help="Profile of it.  [default: the one that comes with mixbridge]")
@named
@timed(120.0)
@takes(Saying, "saying")
@click.pass_context
def check_command(
    context: click.Context, *, plugin: str, profile: str | None, name: str | None, limit_s: float, saying: Saying
) -> None:
    """Measure PLUGIN again, and say what it does otherwise than its profile.

    The exit code is 1 if anything differs.
    """
    from ...plugins.drift import drift, version_words
    from ...plugins.loading import load_profile, profile_for
    from ...plugins.probing.folders import find_plugin

    path = find_plugin(plugin)
    known = profile_for(path) if profile is None else load_profile(profile)
    if known is None:
        from ....presets.errors import PluginError

        raise PluginError(
            f"mixbridge has no profile of {path.name}: name one with --profile, or make it with "
            f"`mixbridge plugin measure {plugin} -o FILE.toml`"
        )
    measured = _measured(path, name, limit_s, saying)
    differences, version = drift(known, measured), version_words(known, measured)
    if saying.as_json:
        data = {"ok": not differences, "plugin": str(path), "profile": known.title, "version": version}
        echo_json({**data, "differences": differences})
    else:
        if not known.measured:
            say(f"The profile of {known.name} was written from documents: not measured.")
        if version:
            say(f"{path.name}: {version}")
        for difference in differences:
            say(f"{path.name}: {difference}")
        if not differences:
            say(f"{path.name} is as its profile says.")
    if differences:
        context.exit(1)


def _measured(path: Path, name: str | None, limit_s: float, saying: Saying) -> PluginProfile:
    from ...plugins.probing.measuring import measured_profile

    with progress_bar(quiet=saying.is_quiet) as progress:
        return measured_profile(path, name=name, limit_s=limit_s, on_progress=progress)


def say_profile(profile: PluginProfile) -> None:
    """Show what was found: each setting with its parameter and law."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    say(f"{profile.title} {profile.version}: {', '.join(profile.stages)}; latency {profile.latency_samples} samples")
    table = Table(box=box.SIMPLE_HEAD)
    for heading in ("setting", "parameter", "law", "from", "to"):
        table.add_column(heading, overflow="fold")
    for setting, name in profile.settings.items():
        scale = profile.parameters[name].scale
        ends = ("", "") if scale.low is None or scale.high is None else (f"{scale.low:.4g}", f"{scale.high:.4g}")
        table.add_row(*map(Text, (setting, name, scale.kind, *ends)))
    console().print(table)
    for trap in profile.traps:
        say(trap)
