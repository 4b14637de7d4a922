"""The command `mixbridge`: its options, where its commands live, and what a failure looks like.

Nothing heavy is imported here: a command's module is loaded when the command is called, so that `--help` answers at
once. What the commands do stands in their modules.
"""

from __future__ import annotations

import contextlib
import logging
import os
import sys
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any, NoReturn, cast

import click

from ...presets.errors import MixbridgeError
from ...presets.escaping import escaped
from ...presets.version import __version__

FAILED = 1
REFUSED = 2
INTERRUPTED = 130

_ENTRY_POINTS = "mixbridge.commands"
# A path that is shown is not cut before.
_LONGEST = 1000
_GET_TRAINING = "training and evaluating need PyTorch, which mixing does not: pip install 'mixbridge[train]'"
# What the `train` extra brings.
_TRAINING_PACKAGES = {"torch", "lightning", "onnx", "onnxscript", "yaml"}


@dataclass(frozen=True)
class Lazy:
    """A command that is not loaded yet.

    Attributes:
        help: its line in `mixbridge --help`.
        module: where it is, relative to this package; None for one of the torch side, which is found as an entry point.
        attribute: its name in there.
    """

    help: str
    module: str | None = None
    attribute: str = ""


COMMANDS = {
    "mix": Lazy("Mix stems in the style of a reference song.", ".mix", "mix"),
    "apply": Lazy("Mix stems with the settings of a preset.", ".mix", "apply"),
    "show": Lazy("Say what a preset does.", ".preset", "show"),
    "preset": Lazy("Compare, change and check presets.", ".preset", "preset"),
    "stems": Lazy("Write the tracks of a DAW session as audio files.", ".session", "stems"),
    "inspect": Lazy("Say what is in a DAW session.", ".session", "inspect"),
    "insert": Lazy("Put a preset into a copy of a DAW session.", ".insert", "insert"),
    "push": Lazy("Set a DAW or mixer to a preset, and prove it.", ".push", "push"),
    "undo": Lazy("Put back what a desk had before a push.", ".push", "undo"),
    "pull": Lazy("Make a preset of what a desk has now.", ".push", "pull"),
    "scene": Lazy("Turn a preset into a mixer's scene file, and back.", ".scene", "scene"),
    "desk": Lazy("List and check the DAWs and mixers.", ".desk", "desk"),
    "serve": Lazy("Let controllers change a preset over OSC.", ".serve", "serve"),
    "demo": Lazy("Mix the example session that comes along.", ".demo", "demo"),
    "doctor": Lazy("Check this installation.", ".doctor", "doctor"),
    "train": Lazy("Train a model (needs the `train` extra)."),
    "export": Lazy("Make a model bundle of a checkpoint (needs the `train` extra)."),
    "evaluate": Lazy("Judge a model on held-out songs (needs the `train` extra)."),
    "corpus": Lazy("Make the corpus that models are trained on (needs the `corpus` extra)."),
}


class LazyGroup(click.Group):
    """A group that knows its commands by name and loads one when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All names, in the order in which people need them."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Loads a command; None if there is none of this name."""
        lazy = COMMANDS.get(cmd_name)
        if lazy is None:
            return None
        if lazy.module is None:
            return _torch_side(cmd_name)
        return cast("click.Command", getattr(import_module(lazy.module, __package__), lazy.attribute))

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Lists the commands without loading them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, lazy.help) for name, lazy in COMMANDS.items()])


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="mixbridge")
@click.option("-v", "--verbose", is_flag=True, help="Say what is being done, and show where errors come from.")
@click.option("--quiet", is_flag=True, help="Say nothing but errors and results asked for.")
@click.pass_context
def cli(context: click.Context, *, verbose: bool, quiet: bool) -> None:
    """Mix stems in the style of a reference song, with settings that can be seen, edited and undone.

    mixbridge mix stems/ --reference song.wav -o my-mix
    """
    if verbose and quiet:
        raise click.UsageError("choose one of --verbose and --quiet")
    context.obj = Verbosity(quiet=quiet)
    level = logging.INFO if verbose else logging.ERROR if quiet else logging.WARNING
    logging.basicConfig(level=level, format="%(message)s", force=True)


@dataclass(frozen=True)
class Verbosity:
    """How much is said beside results; in `click.Context.obj`."""

    quiet: bool = False


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Runs a command line and exits: 0 done, 1 failed or found fault, 2 cannot be done as asked, 130 broken off."""
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    sys.exit(_run(arguments))


def _run(arguments: list[str]) -> int:
    try:
        code = cli.main(arguments, prog_name="mixbridge", standalone_mode=False)
        sys.stdout.flush()
    except (Exception, KeyboardInterrupt) as error:
        return _explained(error)
    return code if isinstance(code, int) else 0


def _explained(error: BaseException) -> int:
    """Says what went wrong, in the words that belong to it; gives the exit code."""
    match error:
        case click.ClickException():
            error.show()
            code = error.exit_code
        case KeyboardInterrupt() | click.Abort():
            code = _say("stopped; nothing was left behind", INTERRUPTED)
        case BrokenPipeError():
            code = _without_reader()
        case MixbridgeError():
            _trace_if_verbose()
            code = _say(str(error), REFUSED)
        case OSError(filename=str(), strerror=str()):
            # A disk or a name is at fault, not mixbridge.
            _trace_if_verbose()
            code = _say(f"{error.filename[:_LONGEST]}: {error.strerror}", REFUSED)
        case ModuleNotFoundError() if (error.name or "").split(".")[0] in _TRAINING_PACKAGES:
            code = _say(_GET_TRAINING, REFUSED)
        case _:
            code = _unexpected(error)
    return code


def _torch_side(name: str) -> click.Command:
    """A command of :mod:`mixbridge.export`, which this package may not import."""
    from importlib.metadata import entry_points

    found: Any = next(iter(entry_points(group=_ENTRY_POINTS, name=name)), None)
    if found is None:
        raise MixbridgeError(f"the command {name} is not installed: {_GET_TRAINING}")
    return cast("click.Command", found.load())


def _say(message: str, code: int) -> int:
    # One line, whatever an error holds.
    line = escaped(" ".join(message.split("\n")))
    with contextlib.suppress(OSError):
        click.echo(f"mixbridge: {line}", err=True)
    return code


def _unexpected(error: BaseException) -> int:
    if _trace_if_verbose():
        return FAILED
    what = f"{type(error).__name__}: {error}".rstrip(": ")
    return _say(
        f"unexpected error ({what}). This is a fault of mixbridge: run `mixbridge -v ...` and report what it says.",
        FAILED,
    )


def _trace_if_verbose() -> bool:
    if not logging.getLogger().isEnabledFor(logging.INFO):
        return False
    with contextlib.suppress(OSError):
        click.echo(traceback.format_exc(), err=True, nl=False)
    return True


def _without_reader() -> int:
    """Whoever read our output has gone; Python would complain once more when it flushes at the end."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return FAILED
