"""The commands `plugin scan` and `plugin show`: which plug-ins there are, and what one can be set to.

Importing this loads click alone, so that `--help` is quick.
"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..declaring import takes
from ..options import Saying
from ..output.progress import progress_bar
from ..output.saying import console, counted, echo_json, say
from .timing import timed

if TYPE_CHECKING:
    from ...plugins.probing.scanning import ScannedPlugin
    from ...plugins.profile import PluginProfile


@click.command("scan")
@click.argument("folders", nargs=-1, metavar="[FOLDER]...")
@timed(20.0)
@takes(Saying, "saying")
def scan_command(*, folders: tuple[str, ...], limit_s: float, saying: Saying) -> None:
    """List the plug-ins in FOLDERs, or in the usual folders of this system.

    Each is loaded in a process of its own: one that crashes, hangs or prints is reported, and the next one follows.
    """
    from ...plugins.probing.folders import find_plugins, plugin_folders
    from ...plugins.probing.scanning import scan

    asked = [Path(folder) for folder in folders]
    places = asked or [folder for folder in plugin_folders() if folder.is_dir()]
    plugins = find_plugins(places)
    with progress_bar(quiet=saying.is_quiet) as progress:
        scanned = list(scan(plugins, limit_s=limit_s, on_progress=progress))
    if saying.as_json:
        echo_json([_as_data(plugin) for plugin in scanned])
        return
    if not scanned:
        where = ", ".join(map(str, asked or plugin_folders()))
        say(f"There are no plug-ins in {where}.")
        return
    _say_table(scanned)


@click.command("show")
@click.argument("plugin")
@click.option("--profile", metavar="FILE", help="Profile of it.  [default: the one that comes with mixbridge]")
@timed(20.0)
@takes(Saying, "saying")
@click.pass_context
def show_command(context: click.Context, *, plugin: str, profile: str | None, limit_s: float, saying: Saying) -> None:
    """List the parameters of PLUGIN, a path or a name, and what its profile knows of them.

    The exit code is 1 if it cannot be loaded.
    """
    from ...plugins.loading import load_profile, profile_for
    from ...plugins.probing.folders import find_plugin
    from ...plugins.probing.scanning import look_at

    path = find_plugin(plugin)
    known = None if profile is None else load_profile(profile)
    scanned = look_at(path, has_parameters=True, limit_s=limit_s)
    profiles = [known or profile_for(path, item.class_id) for item in scanned]
    if saying.as_json:
        rows = zip(scanned, profiles, strict=True)
        echo_json([{**_as_data(item), "parameters": _rows(item, its)} for item, its in rows])
    else:
        for item, its in zip(scanned, profiles, strict=True):
            _show(item, its)
    if any(item.status in ("crashed", "hung", "refused") for item in scanned):
        context.exit(1)


def _say_table(scanned: list[ScannedPlugin]) -> None:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD)
    for heading in ("plug-in", "version", "channels", "latency", "settings", "profile"):
        table.add_column(heading, overflow="fold")
    for item in (item for item in scanned if item.status in ("ok", "trouble")):
        channels = " or ".join({1: "mono", 2: "stereo"}[count] for count in item.channels)
        cells = (item.name, item.version, channels, f"{item.latency_samples}", f"{item.parameter_count}", item.profile)
        table.add_row(*map(Text, cells))
    if table.row_count:
        console().print(table)
    for item in scanned:
        if item.remark:
            say(f"{item.path.name}: {item.remark}")
    good = sum(item.status == "ok" for item in scanned)
    say(f"{counted(len(scanned), 'plug-in')}, {good} of them usable.")


def _show(item: ScannedPlugin, profile: PluginProfile | None) -> None:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    say(" ".join(part for part in (item.name, item.version, item.vendor and f"by {item.vendor}") if part))
    if item.remark:
        say(f"  {item.status}: {item.remark}" if item.status != "ok" else f"  {item.remark}")
    if item.status not in ("ok", "trouble"):
        return
    say(f"  {item.kind}, class {item.class_id}" if item.class_id else f"  {item.kind}")
    if profile is not None:
        say(f"  Profile: {profile.title}, for {', '.join(profile.stages)}, of version {profile.version or 'unknown'}.")
        for trap in profile.traps:
            say(f"  {trap}")
    table = Table(box=box.SIMPLE_HEAD)
    for heading in ("parameter", "range", "now", "what it is"):
        table.add_column(heading, overflow="fold")
    for row in _rows(item, profile):
        table.add_row(*map(Text, (row["name"], _range_words(row), _now_words(row), row["meaning"])))
    console().print(table)


def _rows(item: ScannedPlugin, profile: PluginProfile | None) -> list[dict[str, Any]]:
    """The parameters with what the profile knows of each."""
    meanings: dict[str, str] = {}
    if profile is not None:
        for setting, name in profile.settings.items():
            scale = profile.parameters[name].scale
            meanings[name] = f"{setting} ({scale.kind})"
        meanings |= {name: f"fixed at {raw:g} of 0 to 1" for name, raw in profile.fixed.items()}
    return [{**row, "meaning": meanings.get(row["name"], "")} for row in item.parameters]


def _range_words(row: dict[str, Any]) -> str:
    if row["low"] is None or row["high"] is None:
        return ", ".join(row["choices"][:6]) + (", ..." if len(row["choices"]) > 6 else "")
    return f"{row['low']:g} to {row['high']:g} {row['unit']}".strip()


def _now_words(row: dict[str, Any]) -> str:
    return f"{row['default']} {'' if row['default'].endswith(row['unit'] or ' ') else row['unit']}".strip()


def _as_data(item: ScannedPlugin) -> dict[str, Any]:
    data = asdict(item)
    data.pop("parameters")
    return {**data, "path": str(item.path)}
