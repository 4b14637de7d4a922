"""The command `mixbridge recover`, found by the command line as an entry point. Importing this loads click alone."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from .files import RecoveryResult
    from .passages import Effort

_BAR_WIDTH = 24
_PATH = click.Path(path_type=Path)
_PAIR = 2
# As of a batch: some pairs have no preset, or none has.
_IN_PART, _FAILED = 3, 1


@click.command()
@click.argument("recordings", nargs=-1, required=True, metavar="RAW MIXED | STEMS... | DATASET")
@click.option("-o", "--output", type=_PATH, required=True, help="Preset to write; of a DATASET, folder of presets.")
@click.option("--mix", type=_PATH, help="The finished mix of all STEMS: files, folders of them, NAME=FILE.")
@click.option("--jobs", type=click.IntRange(min=1), help="Pairs of a DATASET at a time.  [default: one for each core]")
@click.option(
    "--effort",
    type=click.Choice(["quick", "full"]),
    help="How long a pair is searched.  [default: quick for a DATASET, full for one pair]",
)
@click.option("--name", help="Name of the track in the preset.  [default: that of the raw file]")
@click.option("--no-audio", is_flag=True, help="Do not write the rendered audio and what is left.")
@click.option("--force", is_flag=True, help="Replace results that are there already.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object, for programs.")
@click.pass_context
def recover(
    context: click.Context,
    /,
    *,
    recordings: tuple[str, ...],
    output: Path,
    mix: Path | None,
    jobs: int | None,
    effort: str | None,
    name: str | None,
    no_audio: bool,
    force: bool,
    as_json: bool,
) -> None:
    """Find the settings that make the MIXED recording of a track of its RAW one; write them as a preset.

    The two are aligned first. `mixbridge apply PRESET NAME=RAW -o FOLDER` then renders the raw track like the mixed
    one. Beside the preset are written a page that shows what was found and what is explained, the rendered audio, and
    what is left of the mixed one.

    With --mix, STEMS are all raw tracks of a session and MIX is its finished mix: faders, pans, curves, compressors and
    a room of all tracks are found at once.

    A DATASET is a folder with raw/ and mixed/, in which files of the same name are pairs: each becomes a preset and a
    page in the folder of OUTPUT. To go on after a stop, repeat the command. The exit code is 3 if some pairs could not
    be recovered, 1 if none could.
    """
    is_dataset = mix is None and len(recordings) == 1 and Path(recordings[0]).is_dir()
    if mix is None and len(recordings) != _PAIR and not is_dataset:
        raise click.UsageError("give two files, raw and mixed; or one folder with raw/ and mixed/; or stems and --mix.")
    is_quiet = as_json or bool(context.find_root().params["quiet"])
    if name is not None and (is_dataset or mix is not None):
        raise click.UsageError("--name is for one pair; other tracks are named by their files.")
    if effort is not None and mix is not None:
        raise click.UsageError("--effort is for pairs of one track; sessions know one effort.")
    if is_dataset:
        chosen = _effort(effort or "quick")
        context.exit(
            _recover_dataset(Path(recordings[0]), output, jobs, chosen, force=force, as_json=as_json, is_quiet=is_quiet)
        )
    from .files import check_torch, recover_mix, result_as_json
    from .files import recover as recover_files

    check_torch()
    import torch

    from ...runtime.audio.stems import collect_stems

    torch.set_num_threads(1)
    with _progress(quiet=is_quiet) as progress:
        if mix is not None:
            stems = collect_stems(recordings, str(mix)).stems
            result = recover_mix(stems, mix, output, overwrite=force, with_audio=not no_audio, progress=progress)
        else:
            raw, mixed = recordings
            result = recover_files(
                raw,
                mixed,
                output,
                name=name,
                overwrite=force,
                with_audio=not no_audio,
                effort=_effort(effort or "full"),
                progress=progress,
            )
    if as_json:
        click.echo(json.dumps(result_as_json(result), ensure_ascii=False))
    elif not is_quiet:
        _say(result)


def _recover_dataset(
    dataset: Path, output: Path, jobs: int | None, effort: Effort, *, force: bool, as_json: bool, is_quiet: bool
) -> int:
    from ...runtime.broken_off import told_where_broken_off
    from .dataset import PairOutcome, list_pairs, recover_dataset, table_of

    unmatched = list_pairs(dataset).unmatched
    notes: list[str] = []

    def warned(note: str) -> None:
        notes.append(note)
        if not is_quiet:
            click.echo(f"note: {note}", err=True)

    def broken_off() -> None:
        if not is_quiet:
            click.echo(f"What was recovered stays in {output}; the same command goes on from there.", err=True)

    with told_where_broken_off(broken_off), _progress(quiet=is_quiet) as progress:

        def done(outcome: PairOutcome, number: int, total: int) -> None:
            progress(number / total, f"{number} of {total}: {outcome.name}")

        outcomes = recover_dataset(dataset, output, jobs=jobs, overwrite=force, effort=effort, done=done, warned=warned)
    if as_json:
        pairs = [{**asdict(outcome), "preset": outcome.preset and str(outcome.preset)} for outcome in outcomes]
        click.echo(json.dumps({"pairs": pairs, "unmatched": unmatched, "notes": notes}, ensure_ascii=False))
    elif not is_quiet:
        click.echo(table_of(outcomes, unmatched))
    failed = sum(outcome.preset is None for outcome in outcomes)
    return _FAILED if failed == len(outcomes) else _IN_PART if failed else 0


def _effort(name: str) -> Effort:
    from .passages import FULL, QUICK

    return {"quick": QUICK, "full": FULL}[name]


def _say(result: RecoveryResult) -> None:
    for sentence in (*result.notes, *result.explained.words):
        click.echo(sentence)
    explained = result.explained
    click.echo(f"STFT distance: raw {explained.raw_distance:.3f}, rendered {explained.distance:.3f}")
    click.echo(f"{result.files.preset}\n{result.files.report}", err=True)


@contextmanager
def _progress(*, quiet: bool) -> Iterator[Callable[[float, str], None]]:
    """A bar on standard error, if a person is watching."""
    if quiet or not sys.stderr.isatty():
        yield lambda share, text: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

    columns: tuple[Any, ...] = (
        BarColumn(_BAR_WIDTH),
        TaskProgressColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.description}"),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("Starting", total=1.0)
        yield lambda share, text: bar.update(task, completed=share, description=text[:1].upper() + text[1:])
