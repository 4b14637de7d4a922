"""The commands `mix` and `apply`: click parses, :mod:`.jobs` does it, and what was done is said here.

Importing this loads click alone, so that `--help` is quick.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from ..presets.preset import Preset
    from ..runtime.refine import Refinement
    from ..runtime.render import RenderOptions
    from .jobs import Done
    from .matching import Session

Command = TypeVar("Command", bound=Callable[..., None])

FORMAT_NAMES = ("wav", "wav16", "wav32f", "flac", "flac16", "aiff", "aiff32f")
_LISTED = 24


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

    STEMS are audio files and folders of them. A track is called like its file; NAME=FILE calls it otherwise.
    """
    from ..runtime.mixing import PredictOptions, predict
    from .jobs import run_mix
    from .progress import progress_bar
    from .stems import check_reference, collect_stems

    found = collect_stems(stems, reference)
    song = check_reference(reference)
    if start == "neutral" and refine == 0:
        raise click.UsageError("--from neutral needs --refine with a time, e.g. --refine 60s")
    options = PredictOptions(amount, window, reference_window, refine, start)
    render_options = _render_options(given)
    output = _output(given)
    if given["dry_run"]:
        with progress_bar(quiet=refine == 0 or _is_quiet(context, given)) as progress:
            preset = predict(found, song, model=model, provider=provider, options=options, progress=progress)
        _say_plan(preset, render_options, output, given)
        return
    with progress_bar(quiet=_is_quiet(context, given)) as progress:
        done = run_mix(
            found,
            song,
            output,
            model=model,
            provider=provider,
            options=options,
            render_options=render_options,
            report=not given["no_report"],
            progress=progress,
        )
    _say_done(context, done, given)


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

    STEMS are audio files and folders of them, matched to the preset's tracks by name. A preset of one track is
    applied to every stem.
    """
    from .jobs import run_apply
    from .matching import match_stems, parse_map
    from .preset_commands import open_preset
    from .progress import progress_bar
    from .stems import collect_stems

    preset = open_preset(preset_)
    found = collect_stems(stems)
    session = match_stems(preset, found, parse_map(told, preset, found))
    render_options = _render_options(given)
    output = _output(given)
    if not _is_quiet(context, given):
        _say_matches(session)
    if given["dry_run"]:
        _say_plan(session.preset, render_options, output, given)
        return
    with progress_bar(quiet=_is_quiet(context, given)) as progress:
        done = run_apply(
            session.preset,
            session.stems,
            output,
            render_options=render_options,
            report=not given["no_report"],
            progress=progress,
        )
    _say_done(context, done, given)


def done_as_json(done: Done) -> dict[str, Any]:
    """What was made, for machines; a level of silence is null."""
    from .assurance import assurance_as_json
    from .text import describe_strip

    render, refinement = done.mix.render, done.mix.refinement
    return {
        "output": str(done.folder),
        "mix": str(render.mix_path),
        "stems": {
            name: {"file": str(stem.path), "peak_dbfs": _number(stem.peak_dbfs)} for name, stem in render.stems.items()
        },
        "fx_return": str(render.fx_return.path) if render.fx_return else None,
        "preset": str(done.mix.preset_path),
        "report": str(done.report_path) if done.report_path else None,
        "sample_rate_hz": render.sample_rate_hz,
        "frames": render.frames,
        "loudness_lufs": _number(render.levels.loudness_lufs),
        "true_peak_dbtp": _number(render.levels.true_peak_dbtp),
        "loudness_gain_db": _number(render.loudness_gain_db),
        "limited_db": _number(render.limited_db),
        "stem_gain_db": _number(render.stem_gain_db),
        "tracks": {track.name: describe_strip(track) for track in done.mix.preset.tracks},
        "refinement": refinement_as_json(refinement) if refinement else None,
        "warnings": list(done.warnings),
        **assurance_as_json(done.mix.preset),
    }


def say_done(done: Done) -> None:
    """What was made, for people, on standard output; warnings on standard error."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from .assurance import assurance_lines
    from .text import describe_master, describe_strip

    render = done.mix.render
    table = Table.grid(padding=(0, 2))
    for track in done.mix.preset.tracks:
        table.add_row(Text(f"  {track.name}"), Text(", ".join(describe_strip(track))))
    table.add_row(Text("  master"), Text(", ".join(describe_master(done.mix.preset.master))))
    console = Console()
    console.print(table)
    for line in assurance_lines(done.mix.preset):
        click.echo(line)
    if done.mix.refinement:
        click.echo(say_refined(done.mix.refinement))
    levels = render.levels
    click.echo(
        f"Mix: {_level(levels.loudness_lufs, 'LUFS')}, true peak {_level(levels.true_peak_dbtp, 'dBTP')}, "
        f"{render.frames / render.sample_rate_hz:.1f} s at {render.sample_rate_hz} Hz"
    )
    click.echo(f"  {render.mix_path}")
    if render.stems:
        first = next(iter(render.stems.values()))
        with_reverb = " and the reverb" if render.fx_return else ""
        click.echo(f"  {first.path.parent} ({_counted(len(render.stems), 'stem')}{with_reverb})")
    for path in (done.mix.preset_path, done.report_path):
        if path is not None:
            click.echo(f"  {path}")
    for warning in done.warnings:
        click.echo(f"Note: {warning}.", err=True)


def say_refined(refinement: Refinement) -> str:
    """What a search of the settings did, in a line."""
    from ..runtime.refined import words

    said = words(refinement)
    return f"{said[:1].upper()}{said[1:]}"


def refinement_as_json(refinement: Refinement) -> dict[str, Any]:
    """The same for machines; distances are null where there was nothing to hear."""
    return {
        "from": refinement.start,
        "seconds": _number(refinement.seconds),
        "renders": refinement.renders,
        "stopped_early": refinement.interrupted,
        "distance_before": _small_number(refinement.before),
        "distance_after": _small_number(refinement.after),
    }


def _render_options(given: Mapping[str, Any]) -> RenderOptions:
    from ..presets.errors import OutputError
    from ..runtime.audio import HIGHEST_RATE_HZ, LOWEST_RATE_HZ
    from ..runtime.render import RenderOptions

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
    from ..presets.errors import OutputError
    from .stems import is_text

    if not is_text(given["output"]):
        raise OutputError(f"{given['output']}: this name is not UTF-8 text. Choose another.")
    return Path(given["output"])


def _say_plan(preset: Preset, options: RenderOptions, output: Path, given: Mapping[str, Any]) -> None:
    from .jobs import results_of

    files = [str(output / name) for name in results_of(preset, options, report=not given["no_report"])]
    if given["as_json"]:
        settings = preset.model_dump(mode="json", exclude_none=True)
        _echo_json({"dry_run": True, "would_write": files, "preset": settings})
        return
    from rich.console import Console

    from .text import preset_table

    Console().print(preset_table(preset))
    if preset.provenance.note:
        click.echo(preset.provenance.note)
    for track in preset.tracks:
        if track.note:
            click.echo(f"{track.name}: {track.note}")
    click.echo("Nothing was written. These files would be:")
    for file in files[:_LISTED]:
        click.echo(f"  {file}")
    if len(files) > _LISTED:
        click.echo(f"  and {len(files) - _LISTED} more")


def _say_done(context: click.Context, done: Done, given: Mapping[str, Any]) -> None:
    if given["as_json"]:
        _echo_json(done_as_json(done))
    elif not _is_quiet(context, given):
        say_done(done)


def _say_matches(session: Session) -> None:
    """Only where names differ is there something to look at."""
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    if all(match.how == "same name" for match in session.matches):
        return
    table = Table(box=box.SIMPLE_HEAD)
    for heading in ("preset's track", "stem", "matched"):
        table.add_column(heading, overflow="fold")
    for match in session.matches:
        table.add_row(Text(match.track), Text(match.stem), match.how)
    Console(stderr=True).print(table)


def _is_quiet(context: click.Context, given: Mapping[str, Any]) -> bool:
    return bool(given["as_json"] or getattr(context.obj, "quiet", False))


def _echo_json(data: Mapping[str, Any]) -> None:
    click.echo(json.dumps(data, indent=2, ensure_ascii=False, allow_nan=False))


def _number(value: float) -> float | None:
    return round(value, 3) + 0.0 if math.isfinite(value) else None


def _small_number(value: float) -> float | None:
    return round(value, 6) if math.isfinite(value) else None


def _level(value: float, unit: str) -> str:
    return f"{value:.1f} {unit}" if math.isfinite(value) else "silent"


def _counted(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
