"""The command `mixbridge`: its own options, and what a failure looks like. Its commands are listed in :mod:`.commands`.

Nothing heavy is imported here, so that `--help` answers at once.
"""

from __future__ import annotations

import contextlib
import errno
import io
import logging
import os
import re
import sys
import threading
import traceback
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import NoReturn

import click

from ...presets.errors import Hint, MixbridgeError
from ...presets.escaping import escaped
from ...presets.version import __version__
from ...runtime.audio.descriptors import said_too_few
from ..interrupt import INTERRUPTED
from .commands import COMMANDS, FORMER, GET_TRAINING, Call, LazyGroup
from .output.quiet_libraries import quiet_libraries
from .output.saying import say
from .signals import EndedError, code_of_signal, end_by_exception, open_standard_streams

FAILED = 1
REFUSED = 2

# At the start, or behind NAME=.
_WEB_ADDRESS = re.compile(r"(?:^|=)(https?|ftps?|sftp|s3|gs|smb|file)://", re.IGNORECASE)
# Options of commands whose values may be addresses.
_ADDRESSED = {"batch": ("-o", "--output", "--status", "--reference")}
# Options that name a result.
_OUTPUTS = {"-o", "--output", "--out", "--session-out"}
# A path that is shown is not cut before.
_LONGEST = 1000
# Options that are called otherwise in Python.
_OPTIONS = {
    "overwrite": "force",
    "insert_plugins": "script",
    "list": "listing",
    "sample_rate_hz": "sample_rate",
}
# Options of the program itself, which people type behind a command.
_BEFORE = ("-v", "--verbose", "--quiet")
# What the `train` extra brings.
_TRAINING_PACKAGES = {"torch", "numba", "lightning", "onnx", "onnxscript", "yaml"}


@click.group(cls=LazyGroup, table=COMMANDS, former=FORMER, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="mixbridge")
@click.option("-v", "--verbose", is_flag=True, help="Print more: what is done, every setting, where errors come from.")
@click.option("--quiet", is_flag=True, help="Print only errors, and results that you asked for.")
@click.pass_context
def cli(context: click.Context, /, *, verbose: bool, quiet: bool) -> None:
    """Mix stems in the style of a reference song, with settings that can be seen, edited and undone.

    mixbridge mix stems/ --reference song.wav -o my-mix
    """
    if verbose and quiet:
        raise click.UsageError("choose one of --verbose and --quiet")
    if not verbose:
        context.with_resource(quiet_libraries())
    level = logging.INFO if verbose else logging.ERROR if quiet else logging.WARNING
    logging.basicConfig(level=level, format="%(message)s", force=True)


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Runs a command line and exits: 0 done, 1 failed or found fault, 2 refused, 3 done in part, 130 broken off."""
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    sys.exit(_run(arguments))


def _run(arguments: list[str]) -> int:
    call = Call()
    try:
        if threading.current_thread() is threading.main_thread():
            end_by_exception()
        open_standard_streams()
        _refuse_web_addresses(arguments)
        _check_names(arguments)
        code = cli.main(arguments, prog_name="mixbridge", standalone_mode=False, obj=call)
        sys.stdout.flush()
    except EndedError as end:
        return _say("stopped; nothing was left behind", end.exit_code)
    except (Exception, KeyboardInterrupt) as error:
        ended = code_of_signal()
        if ended is not None:
            return _say("stopped; nothing was left behind", ended)
        return _explained(error, call.command)
    return code if isinstance(code, int) else 0


def _refuse_web_addresses(arguments: Sequence[str]) -> None:
    """Refuses addresses of the web before they are taken for paths, which would lose a slash of them.

    Raises:
        MixbridgeError: one is among the arguments.
    """
    command = next((argument for argument in arguments if not argument.startswith("-")), "")
    addressed = _ADDRESSED.get(command, ())
    for before, argument in pairwise(["", *arguments]):
        if before in addressed or argument.startswith(tuple(f"{option}=" for option in addressed)):
            continue
        match = _WEB_ADDRESS.search(argument)
        if match and not Path(argument).exists():
            remedy = "name its path" if match[1].lower() == "file" else "download it, and name the file"
            raise MixbridgeError(
                f"{argument} is a web address; mixbridge reads and writes files of this machine: {remedy}."
            )


def _check_names(arguments: Sequence[str]) -> None:
    """Refuses empty arguments, as a script passes whose variable is not set: a path would mean the current folder.

    Raises:
        click.UsageError: there is one.
    """
    for option, value in pairwise([*arguments, "-"]):
        name, _, joined = option.partition("=")
        if name in _OUTPUTS and not (joined if "=" in option else value).strip():
            raise click.UsageError(f"{name} needs the name of a file or folder; use . for the current folder")
    if "" in arguments:
        before = arguments[arguments.index("") - 1] if arguments[0] else ""
        place = f"the argument after {before!r}" if before else "the first argument"
        raise click.UsageError(f"{place} is empty; in a script, see whether a variable is set")


def _explained(error: BaseException, command: click.Command | None) -> int:
    """Says what went wrong, in the words that belong to it; gives the exit code."""
    match error:
        case click.ClickException():
            code = _show(error)
        case KeyboardInterrupt() | click.Abort():
            code = _say("stopped; nothing was left behind", INTERRUPTED)
        case BrokenPipeError():
            code = _without_reader()
        case MixbridgeError() if too_few := _of_too_few_files(error):
            code = _say(too_few, REFUSED)
        case MixbridgeError():
            _trace_if_verbose()
            code = _say(f"{error}{_options(error.hints, command)}", REFUSED)
        case OSError(errno=errno.EMFILE | errno.ENFILE):
            code = _say(f"{said_too_few(error)}", REFUSED)
        case OSError(filename=None) if _is_output_broken():
            code = _say(f"standard output cannot be written: {error.strerror}", _without_reader())
        case OSError(filename=str(), strerror=str()):
            # A disk or a name is at fault, not mixbridge.
            _trace_if_verbose()
            code = _say(f"{error.filename[:_LONGEST]}: {error.strerror}", REFUSED)
        case ModuleNotFoundError() if (error.name or "").split(".")[0] in _TRAINING_PACKAGES:
            code = _say(GET_TRAINING, REFUSED)
        case _:
            code = _unexpected(error)
    return code


def _of_too_few_files(error: BaseException) -> str | None:
    """Say what to do where the limit on open files is behind an error, whichever file was the one too many.

    Whoever reads a file may say of it that it cannot be read; that another could have been as well is known only here.
    """
    cause: BaseException | None = error
    while cause:
        if isinstance(cause, OSError) and (said := said_too_few(cause)):
            return said
        cause = cause.__cause__ or cause.__context__
    return None


def _show(error: click.ClickException) -> int:
    """Says what click found wrong with the arguments, which may be names of files: a pattern gives one too many."""
    text = io.StringIO()
    error.show(file=text)
    if isinstance(error, click.NoSuchOption) and error.option_name in _BEFORE and error.ctx is not None:
        name = error.ctx.command_path.removeprefix("mixbridge ")
        text.write(f"It goes before the command: mixbridge {error.option_name} {name} ...\n")
    with contextlib.suppress(OSError):
        click.echo(escaped(text.getvalue(), keep="\n"), err=True, nl=False)
    return error.exit_code


def _options(hints: tuple[Hint, ...], command: click.Command | None) -> str:
    """Words hints as the options of the command that was called; what it has no option for is left out."""
    known = {option.name: max(option.opts, key=len) for option in command.params} if command else {}
    words = [
        f"{known[name]} {hint.example}".rstrip()
        for hint in hints
        if (name := _OPTIONS.get(hint.option, hint.option)) in known
    ]
    return f" ({' or '.join(words)})" if words else ""


def _say(message: str, code: int) -> int:
    # One line, whatever an error holds.
    line = escaped(" ".join(message.split("\n")))
    with contextlib.suppress(OSError):
        say(f"mixbridge: {line}", err=True)
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
        click.echo(escaped(traceback.format_exc(), keep="\n"), err=True, nl=False)
    return True


def _is_output_broken() -> bool:
    """Whether nothing can be written to standard output: an empty line shows it, since nothing is known of the rest."""
    try:
        os.write(sys.stdout.fileno(), b"\n")
    except ValueError:  # no file at all
        return False
    except OSError:
        return True
    return False


def _without_reader() -> int:
    """Whoever read our output has gone; Python would complain once more when it flushes at the end."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return FAILED
