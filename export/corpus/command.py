"""The command `corpus`: makes the training and held-out material, or goes on with it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from .plan import MOST_SEED

if TYPE_CHECKING:
    from .make import BuildReport, Request
    from .plan import Job

_INTERRUPTED = 130
_FAILED = 1
# Failures told one by one; of more, the number.
_TOLD = 10


@click.command()
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@click.option(
    "--hours",
    type=click.FloatRange(min=0.1, max=100),
    default=10,
    show_default=True,
    help="Hours of training sessions.",
)
@click.option(
    "--seed",
    type=click.IntRange(0, MOST_SEED),
    default=1,
    show_default=True,
    help="Another seed gives other training sessions; the held-out ones stay the same.",
)
@click.option(
    "--jobs", type=click.IntRange(min=1), default=2, show_default=True, help="Sessions made at the same time."
)
@click.option("--only", type=click.Choice(["sessions", "songs", "voices", "recorded"]), help="Make only this part.")
@click.option("--list", "listing", is_flag=True, help="List the sessions, make none.")
@click.pass_context
def corpus(
    context: click.Context, /, *, folder: Path, hours: float, seed: int, jobs: int, only: str | None, listing: bool
) -> None:
    """Make the corpus that models are trained on and judged with: sessions, finished songs, recorded tracks.

    Everything comes from Debian packages, which are downloaded and unpacked into FOLDER/sources, but not installed. A
    .deb file in FOLDER/sources/deb is used as it is. To go on after a stop, repeat the command.
    """
    from .make import Request

    request = Request(folder, hours, seed, jobs, only)
    if listing:
        _list(request)
    else:
        _make(context, request)


def _list(request: Request) -> None:
    from .make import planned

    jobs = planned(request)
    click.echo("\t".join(("split", "kind", "length", "session", "music")))
    for job in jobs:
        click.echo(f"{job.split}\t{job.kind}\t{job.seconds:g} s\t{job.name}\t{job.song}")
    hours = {split: sum(job.seconds for job in jobs if job.split == split) / 3600 for split in ("train", "test")}
    click.echo(
        f"{len(jobs)} sessions: {hours['train']:.1f} h to train on, {hours['test']:.1f} h held out; nothing was made",
        err=True,
    )


def _make(context: click.Context, request: Request) -> None:
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    from .make import BuildReport, make

    report = BuildReport()
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    quiet = bool(context.find_root().params.get("quiet"))
    try:
        with Progress(*columns, console=Console(stderr=True), transient=True, disable=quiet) as bar:
            tasks = {}

            def show(what: str, done: int, total: int) -> None:
                if what not in tasks:
                    tasks[what] = bar.add_task(what, total=total)
                bar.update(tasks[what], completed=done, total=total)

            make(request, report, show)
    except KeyboardInterrupt:
        _say(report)
        click.echo(f"stopped; what is whole stays in {request.folder}, and the same command goes on", err=True)
        context.exit(_INTERRUPTED)
    if not quiet:
        _say(report)
    if report.failures:
        context.exit(_FAILED)


def _say(report: BuildReport) -> None:
    for note in report.notes:
        click.echo(note, err=True)
    for job, reason in report.failures[:_TOLD]:
        click.echo(f"failed: {_name(job)}: {reason}", err=True)
    if len(report.failures) > _TOLD:
        click.echo(f"... and {len(report.failures) - _TOLD} more failed; see failed.txt", err=True)


def _name(job: Job) -> str:
    return f"{job.split}/{job.name}"
