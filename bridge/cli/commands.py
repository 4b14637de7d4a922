"""Where the commands of `mixbridge` live: one table, and groups that load a command when it is called.

Nothing heavy is imported here, so that `mixbridge --help` answers at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from importlib import import_module
from typing import Any, Final, cast

import click

from ...presets.errors import MixbridgeError
from ...presets.extras import install_command
from .output.saying import say_hint
from .signals import end_at_once

GET_TRAINING: Final = f"training and evaluating need PyTorch, which mixing does not: {install_command('train')}"

_ENTRY_POINTS: Final = "mixbridge.commands"
# Commands of the torch side that clean up after SIGTERM like all others; training handles it by itself.
_CLEANING: Final = ("recover",)


@dataclass(frozen=True)
class Lazy:
    """A command that is not loaded yet.

    Attributes:
        help: its line in the list of commands.
        module: where it is, relative to this package; None for one of the torch side, which is found as an entry point.
        attribute: its name in there, or of the entry point where that is another than the command's.
    """

    help: str
    module: str | None = None
    attribute: str = ""


@dataclass(frozen=True)
class Family:
    """A group of commands about one thing.

    Attributes:
        help: its line in the list of commands.
        commands: by name, in the order in which people need them.
        former: names of commands by their old names, which work for one more version.
    """

    help: str
    commands: Mapping[str, Lazy]
    former: Mapping[str, str] = field(default_factory=dict)


SESSION = Family(
    "Read DAW sessions, and write settings into copies of them.",
    {
        "inspect": Lazy("List the tracks of a session, and what will be used.", ".session", "inspect"),
        "stems": Lazy("Write the tracks of a session as audio files.", ".session", "stems"),
        "insert": Lazy("Write a preset into a copy of a session.", ".sessions.insert", "insert"),
        "read": Lazy("Write a session's faders and automation as a preset.", ".sessions.read", "session_read"),
    },
)
DESK = Family(
    "List and check the DAWs and mixers that can be set; read what one has now.",
    {
        "list": Lazy("List the desks that mixbridge knows.", ".desks.desk", "list_command"),
        "show": Lazy("List the settings of a desk.", ".desks.desk", "show_command"),
        "pull": Lazy("Read the settings of a desk into a preset.", ".desks.pull", "pull"),
        "snapshot": Lazy("Write all settings of a desk into a file.", ".desks.desk_files", "snapshot"),
        "diff": Lazy("List what differs between two snapshots, or a snapshot and a desk.", ".desks.desk_files", "diff"),
        "restore": Lazy("Set a desk to a snapshot, or to parts of it.", ".desks.desk_files", "restore"),
        "scene": Lazy("Convert a preset to a mixer's scene file, or back.", ".desks.scene", "scene"),
        "check": Lazy("Check profiles of desks.", ".desks.desk", "check_command"),
        "schema": Lazy("Print the JSON Schema of profiles.", ".desks.desk", "schema_command"),
    },
)
PLUGIN = Family(
    "Find plug-ins, and learn which of their parameters is what.",
    {
        "scan": Lazy("List the plug-ins on this machine.", ".plugins.scan", "scan_command"),
        "show": Lazy("List the parameters of a plug-in.", ".plugins.scan", "show_command"),
        "measure": Lazy("Measure a plug-in, and write its profile.", ".plugins.measure", "measure_command"),
        "check": Lazy("Measure a plug-in again, and compare.", ".plugins.measure", "check_command"),
        "save": Lazy("Write a preset as states of your own plug-ins.", ".plugins.save", "save_command"),
    },
)
PRESET = Family(
    "Show, compare, change and check presets.",
    {
        "show": Lazy("Show what a preset does.", ".preset", "show"),
        "diff": Lazy("List what sounds different between two presets.", ".preset", "diff_command"),
        "scale": Lazy("Make the effect of a preset weaker or stronger.", ".preset", "scale_command"),
        "blend": Lazy("Make a preset between two others.", ".preset", "blend_command"),
        "desk-form": Lazy("Set every input gain to 0, with the same sound.", ".preset", "desk_form_command"),
        "insert": Lazy(
            "Put a network or program in front of a track, group or master.", ".inserts.editing", "insert_command"
        ),
        "check": Lazy("Check preset files.", ".preset", "check_command"),
        "list": Lazy("List the presets that come with mixbridge.", ".preset", "list_command"),
        "schema": Lazy("Print the JSON Schema of presets.", ".preset", "schema_command"),
    },
    {"validate": "check", "factory": "list"},
)
MODEL = Family(
    "List and try models; train, export and evaluate your own.",
    {
        "list": Lazy("List the models that come with mixbridge, and your own.", ".model", "list_command"),
        "show": Lazy("Show what a model is and is worth, and check it.", ".model", "show_command"),
        "test": Lazy("Try a model on one raw track: before, after, figures.", ".model", "test_command"),
        "style": Lazy("Learn a style from pairs whose settings were recovered (extra `train`)."),
        "corpus": Lazy("Make the corpus that models are trained on (extra `corpus`)."),
        "train": Lazy("Train a model (extra `train`)."),
        "export": Lazy("Make a model bundle of a checkpoint (extra `train`)."),
        "pack": Lazy("Copy a model into one .zip, or make it smaller (extra `train`)."),
        "evaluate": Lazy("Measure a model on held-out songs (extra `train`)."),
        "ablations": Lazy("Measure what parts of the model are worth (extra `train`)."),
        "refinement": Lazy("Measure what --refine adds (extra `train`)."),
        "chances": Lazy("Fit how likely a mix is better than the plain one (extra `train`)."),
        "deciding": Lazy("Measure what roles, names, the network and practice are worth (extra `train`)."),
        "guard-counts": Lazy("Count how often guard rails act (extra `train`)."),
        "roles": Lazy("Train what tells a track's role by its sound (extra `train`)."),
        "explain": Lazy("Find the probable cause of a bad case (extra `train`)."),
        "calibration": Lazy("Fit the training compressor to the real one (extra `train`)."),
        "settings": Lazy("Describe the settings that training draws (extra `train`)."),
        "curve": Lazy("Measure how many pairs a style needs (extra `train`)."),
        "recovery": Lazy("Measure how well settings are recovered from mixes (extra `train`)."),
        "mixes": Lazy("Judge whole mixes as users get them (extra `train`)."),
        "steadiness": Lazy("Measure how far settings depend on the passages heard (extra `train`)."),
        "sins": Lazy("Count what no engineer would leave in a mix (extra `train`)."),
    },
)
COMMANDS: Final[Mapping[str, Lazy | Family]] = {
    "mix": Lazy("Mix stems in the style of a reference song.", ".mix", "mix"),
    "master": Lazy("Bring a finished mix to the sound of a reference song.", ".single.master", "master"),
    "apply": Lazy("Mix stems with the settings of a preset.", ".apply", "apply"),
    "recover": Lazy("Find the settings that made a mix of raw tracks (extra `train`)."),
    "train": Lazy("Train a model on pairs of raw and mixed files (extra `train`).", attribute="tune"),
    "batch": Lazy("Mix many sessions; skips what is done.", ".batch.command", "batch"),
    "push": Lazy("Set a DAW or mixer to a preset, and verify it.", ".desks.push", "push"),
    "undo": Lazy("Restore what a desk had before a push.", ".desks.undo", "undo"),
    "live": Lazy("Play a preset in real time, as an insert or from stems.", ".playing.live", "live"),
    "web": Lazy("See, hear and change a mix in the browser (extra `web`).", ".playing.web", "web"),
    "serve": Lazy("Let controllers change a preset over OSC.", ".desks.serve", "serve"),
    "demo": Lazy("Mix the example session that comes with mixbridge.", ".demo", "demo"),
    "doctor": Lazy("Check this installation.", ".doctor", "doctor"),
    "session": SESSION,
    "desk": DESK,
    "plugin": PLUGIN,
    "preset": PRESET,
    "model": MODEL,
}
# Version 0.1 had these without a group.
FORMER: Final = {
    "show": "preset show",
    **{name: f"session {name}" for name in ("stems", "inspect", "insert")},
    **{name: f"desk {name}" for name in ("pull", "scene")},
    **{name: f"model {name}" for name in ("export", "evaluate", "corpus")},
}


@dataclass
class Call:
    """The command that was called, for the words of an error; `click.Context.obj`."""

    command: click.Command | None = None


class LazyGroup(click.Group):
    """A group that knows its commands by name, and loads one when it is called.

    Args:
        table: the commands.
        former: where commands are now, by their old names.
        attributes: of `click.Group`.
    """

    def __init__(
        self,
        *positional: Any,
        table: Mapping[str, Lazy | Family] | None = None,
        former: Mapping[str, str] | None = None,
        **attributes: Any,
    ) -> None:
        super().__init__(*positional, **attributes)
        self.table = table or {}
        self.former = former or {}

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Lists all names, in the order in which people need them."""
        return list(self.table)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Loads a command; None if there is none of this name."""
        entry = self.table.get(cmd_name)
        if entry is None:
            return None
        if isinstance(entry, Family):
            return LazyGroup(cmd_name, help=entry.help, table=entry.commands, former=entry.former)
        if entry.module is None:
            return _torch_side(entry.attribute or cmd_name)
        return cast("click.Command", getattr(import_module(entry.module, __package__), entry.attribute))

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Finds the command that is called; old names lead to where it is now, with a hint."""
        name, command, rest = self._resolved(ctx, args)
        if isinstance(ctx.obj, Call):
            ctx.obj.command = command
        return name, command, rest

    def _resolved(self, ctx: click.Context, args: list[str]) -> tuple[str | None, click.Command | None, list[str]]:
        present = self.former.get(args[0])
        if present is None:
            if args[0] not in self.table and (meant := self._meant(args[0])):
                asked = " or ".join(f"`{ctx.command_path} {name}`" for name in meant)
                ctx.fail(f"No such command '{args[0]}'. Did you mean {asked}?")
            return super().resolve_command(ctx, args)
        say_hint(f"{ctx.command_path} {args[0]}", f"{ctx.command_path} {present}")
        command: click.Command | None = self
        for name in present.split():
            command = command.get_command(ctx, name) if isinstance(command, click.Group) else None
        return present, command, args[1:]

    def _meant(self, word: str) -> list[str]:
        """Lists the commands that a wrong name may stand for: those of this name in a group, else the likest."""
        families = {name: entry.commands for name, entry in self.table.items() if isinstance(entry, Family)}
        grouped = [f"{family} {word}" for family, commands in families.items() if word in commands]
        return grouped or get_close_matches(word, self.table, n=2)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Lists the commands without loading them."""
        for title, kind in (("Commands", Lazy), ("Groups of commands", Family)):
            rows = [(name, entry.help) for name, entry in self.table.items() if isinstance(entry, kind)]
            if rows:
                with formatter.section(title):
                    formatter.write_dl(rows)


def _torch_side(name: str) -> click.Command:
    """Loads a command of :mod:`mixbridge.export`, which this package may not import."""
    from importlib.metadata import entry_points

    if name not in _CLEANING:
        end_at_once()
    entry: Any = next(iter(entry_points(group=_ENTRY_POINTS, name=name)), None)
    if entry is None:
        raise MixbridgeError(f"the command {name} is not installed: {GET_TRAINING}")
    return cast("click.Command", entry.load())
