"""The commands `mix` and `apply`: click parses, :mod:`..jobs` does it, and what was done is said here.

Importing this loads click alone, so that `--help` is quick.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from .output.mix_results import done_as_json, say_done, say_matches, say_plan, say_written
from .output.saying import echo_json, is_quiet

if TYPE_CHECKING:
    from ...runtime.rendering.render import RenderOptions
    from ..jobs import Done
    from .session_stems import Opened

Command = TypeVar("Command", bound=Callable[..., None])

FORMAT_NAMES = ("wav", "wav16", "wav32f", "flac", "flac16", "aiff", "aiff32f")


class Loudness(click.ParamType[float | None]):
    """A loudness in LUFS, or "off"."""

    name = "LUFS|off"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float | None:
        """From what was typed."""
        if value is None or (isinstance(value, str) and value.strip().lower() == "off"):
            return None
        try:
            return float(value)
        except ValueError:
            self.fail(f'{value!r} is neither a number of LUFS, such as -14, nor "off"', param, ctx)


class Duration(click.ParamType[float]):
    """A length of time: seconds, or with a unit, such as 30s, 2m, 1m30s."""

    name = "30s|2m"
    _WRITTEN = re.compile(r"(?:(?P<minutes>\d+(?:\.\d+)?)m)?(?:(?P<seconds>\d+(?:\.\d+)?)s?)?")

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """From what was typed to seconds."""
        if isinstance(value, float):
            return value
        text = str(value).strip().lower()
        found = self._WRITTEN.fullmatch(text)
        if not text or not found:
            self.fail(f"{value!r} is no length of time; write it as 30s, 2m or 1m30s", param, ctx)
        return 60 * float(found["minutes"] or 0) + float(found["seconds"] or 0)


def _render_command(command: Command) -> Command:
    """The options of a command that renders."""
    options = (
        click.option("-o", "--output", required=True, metavar="FOLDER", help="Folder for the results."),
        click.option("--loudness", type=Loudness(), default=-14.0, show_default=True, help="Loudness of the mix."),
        click.option(
            "--ceiling", type=float, default=-1.0, show_default=True, metavar="dBTP", help="Highest true peak."
        ),
        click.option(
            "--format",
            "audio_format",
            type=click.Choice(FORMAT_NAMES),
            default="wav",
            show_default=True,
            help="Of the audio; wav, flac and aiff are 24 bit.",
        ),
        click.option("--sample-rate", type=int, metavar="HZ", help="Of the results.  [default: what most stems have]"),
        click.option("--no-stems", is_flag=True, help="Write no processed stems."),
        click.option("--no-report", is_flag=True, help="Write no report.html."),
        click.option(
            "--session-out",
            metavar="FILE",
            help="Of a DAW session: also write a copy of it with these settings as faders, pans, EQs and compressors.",
        ),
        click.option("--allow-outside", is_flag=True, help="Use audio that lies outside the session's folder, too."),
        click.option("--search", multiple=True, metavar="FOLDER", help="Look for a session's missing audio here, too."),
        click.option("--force", is_flag=True, help="Replace results that are in the folder."),
        click.option("--dry-run", is_flag=True, help="Say what would be done, and write nothing."),
        click.option("--json", "as_json", is_flag=True, help="Print one JSON object, for machines."),
    )
    for option in reversed(options):
        command = option(command)
    return command


@click.command()
@click.argument("stems", nargs=-1, required=True)
@click.option("--reference", required=True, metavar="FILE", help="A finished song that the mix should be like.")
@click.option("--amount", type=click.FloatRange(0, 1.5), default=1.0, show_default=True, help="0 changes nothing.")
@click.option("--window", type=float, metavar="S", help="Where in the stems to listen.  [default: the fullest part]")
@click.option(
    "--reference-window", type=float, metavar="S", help="Where in the reference.  [default: its loudest part]"
)
@click.option("--model", default="default", show_default=True, help="A model's folder, or the name of one that ships.")
@click.option(
    "--provider", type=click.Choice(("auto", "cuda", "cpu")), default="auto", show_default=True, help="Where it runs."
)
@click.option(
    "--refine",
    type=Duration(),
    default=0.0,
    metavar="30s|2m",
    help="Search for so long for settings that come closer to the reference; Ctrl-C ends the search and mixes with the "
    "best that was found.  [default: take them as predicted]",
)
@click.option(
    "--from",
    "start",
    type=click.Choice(("model", "neutral")),
    default="model",
    show_default=True,
    help="Where the search begins: at the prediction, or at all tracks equally loud in the centre.",
)
@_render_command
@click.pass_context
def mix(
    context: click.Context,
    /,
    *,
    stems: tuple[str, ...],
    reference: str,
    amount: float,
    window: float | None,
    reference_window: float | None,
    model: str,
    provider: Any,
    refine: float,
    start: Any,
    **given: Any,
) -> None:
    """Mix STEMS in the style of a reference song.

    STEMS are audio files and folders of them, or one DAW session: a REAPER (.RPP), Ardour (.ardour) or DAWproject
    (.dawproject) file. A track is called like its file; NAME=FILE calls it otherwise.
    """
    from ...runtime.mixing import PredictOptions, predict
    from ..jobs import run_mix
    from ..stems import check_reference
    from .output.progress import progress_bar

    if start == "neutral" and refine == 0:
        raise click.UsageError("--from neutral needs --refine with a time, e.g. --refine 60s")
    options = PredictOptions(amount, window, reference_window, refine, start)
    render_options = _render_options(given)
    output, quiet = _output(given), is_quiet(context, given)
    with _opened(stems, output, reference, quiet, given) as found:
        song = check_reference(reference)
        if given["dry_run"]:
            with progress_bar(quiet=refine == 0 or quiet) as progress:
                preset = predict(found.stems, song, model=model, provider=provider, options=options, progress=progress)
            say_plan(preset, render_options, output, given)
            return
        with progress_bar(quiet=quiet) as progress:
            done = run_mix(
                found.stems,
                song,
                output,
                model=model,
                provider=provider,
                options=options,
                render_options=render_options,
                report=not given["no_report"],
                progress=progress,
            )
    _say_done(context, done, given, found)


@click.command()
@click.argument("preset_", metavar="PRESET")
@click.argument("stems", nargs=-1, required=True)
@click.option("--map", "told", multiple=True, metavar="TRACK=STEM", help="Which stem is which track of the preset.")
@_render_command
@click.pass_context
def apply(
    context: click.Context, /, *, preset_: str, stems: tuple[str, ...], told: tuple[str, ...], **given: Any
) -> None:
    """Mix STEMS with the settings of PRESET, a file or the name of a factory preset.

    STEMS are audio files and folders of them, or one DAW session, matched to the preset's tracks by name. A preset of
    one track is applied to every stem.
    """
    from ..jobs import run_apply
    from ..matching import match_stems, parse_map
    from .output.progress import progress_bar
    from .preset import open_preset

    preset = open_preset(preset_)
    render_options = _render_options(given)
    output, quiet = _output(given), is_quiet(context, given)
    with _opened(stems, output, None, quiet, given) as found:
        session = match_stems(preset, found.stems, parse_map(told, preset, found.stems))
        if not quiet:
            say_matches(session)
        if given["dry_run"]:
            say_plan(session.preset, render_options, output, given)
            return
        with progress_bar(quiet=quiet) as progress:
            done = run_apply(
                session.preset,
                session.stems,
                output,
                render_options=render_options,
                report=not given["no_report"],
                progress=progress,
            )
    told_back = {match.track: match.stem for match in session.matches if match.how != "one for all"}
    _say_done(context, done, given, found, told_back)


@contextmanager
def _opened(
    stems: tuple[str, ...], output: Path, reference: str | None, quiet: bool, given: Mapping[str, Any]
) -> Iterator[Opened]:
    """The stems; what is wrong with them, or with a copy of their session, is said before anything is done."""
    from ...presets.errors import SessionError
    from .session_stems import is_session, opened

    if given["session_out"] and not any(map(is_session, stems)):
        raise SessionError("--session-out writes a copy of a DAW session, and the stems are from none.")
    with opened(
        stems,
        output,
        reference=reference,
        allow_outside=given["allow_outside"],
        search=given["search"],
        quiet=quiet,
    ) as found:
        yield found


def _render_options(given: Mapping[str, Any]) -> RenderOptions:
    from ...presets.errors import OutputError
    from ...runtime.audio.reading import HIGHEST_RATE_HZ, LOWEST_RATE_HZ
    from ...runtime.rendering.render import RenderOptions

    rate_hz = given["sample_rate"]
    if rate_hz is not None and not LOWEST_RATE_HZ <= rate_hz <= HIGHEST_RATE_HZ:
        raise OutputError(
            f"a sample rate of {rate_hz} Hz cannot be written: choose one from {LOWEST_RATE_HZ} to {HIGHEST_RATE_HZ}."
        )
    return RenderOptions(
        sample_rate_hz=rate_hz,
        loudness_lufs=given["loudness"],
        ceiling_dbtp=given["ceiling"],
        audio_format=given["audio_format"],
        stems=not given["no_stems"],
        overwrite=given["force"],
    )


def _output(given: Mapping[str, Any]) -> Path:
    from ...presets.errors import OutputError
    from ..stems import is_text

    if not is_text(given["output"]):
        raise OutputError(f"{given['output']}: this name is not UTF-8 text. Choose another.")
    return Path(given["output"])


def _say_done(
    context: click.Context,
    done: Done,
    given: Mapping[str, Any],
    found: Opened,
    told: Mapping[str, str] | None = None,
) -> None:
    written = None
    if given["session_out"] and found.session is not None:
        from ..sessions.inserting import insert

        preset = done.mix.preset
        written = insert(found.session, preset, Path(given["session_out"]), told=told, overwrite=given["force"])
    if given["as_json"]:
        as_json = done_as_json(done)
        if written is not None:
            as_json |= {"session": str(written.path), "session_notes": list(written.notes)}
        echo_json(as_json)
    elif not is_quiet(context, given):
        say_done(done)
        if written is not None:
            say_written(written)
