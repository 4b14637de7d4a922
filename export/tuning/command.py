"""The command `mixbridge train`, found by the command line as an entry point. Importing this loads click alone."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ...presets.errors import InsertError
from ..folders import cache_folder

if TYPE_CHECKING:
    from ..pairs.pairing import PairList
    from .config import TuningConfig
    from .material.findings import CheckResult

Say = Callable[[str], None]

_PATH = click.Path(path_type=Path)
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)
_STOPPED, _LEFT_OUT = 130, 1
_PAGE = "check.html"
_NOT_TRAINED = (
    "{insert} cannot be trained here: inserts are graphs that were exported to be run. They have no gradients, no "
    "layers in their form of training (norms are folded into weights), and no losses; of denoise, DeepFilterNet's own "
    "repository has all that. Train it there, export it, and put it in front of a track with `mixbridge preset insert`."
)


# As its entry point is called: "train" is that of `mixbridge model train`. People call it by its place in the table.
@click.command("tune")
@click.argument("dataset", type=_FOLDER, required=False)
@click.option(
    "-c", "--config", "configs", type=_FILE, multiple=True, help="Configuration, YAML; of several, later ones win."
)
@click.option(
    "--ckpt",
    "--ckpt_path",
    "start",
    metavar="MODEL",
    help='Model to begin with: a bundle, one that ships, a checkpoint of Diff-MST, or "nothing".  [default: default]',
)
@click.option(
    "-o", "--output", type=_PATH, help="Folder of the run; one that was stopped goes on. With --check, page to write."
)
@click.option("--check", "only_check", is_flag=True, help="Tell what is wrong with the pairs, and train nothing.")
@click.option("--presets", type=_FOLDER, help="Folder of presets that `mixbridge recover DATASET` wrote.")
@click.option("--jobs", type=click.IntRange(min=1), help="Processes that check and recover.  [default: one a core]")
@click.option("--insert", metavar="KIND", help="Train an insert instead: none can be, and it is said why.")
@click.option("--json", "as_json", is_flag=True, help="With --check, print one JSON object, for programs.")
@click.pass_context
def train(
    context: click.Context,
    /,
    *,
    dataset: Path | None,
    configs: tuple[Path, ...],
    start: str | None,
    output: Path | None,
    only_check: bool,
    presets: Path | None,
    jobs: int | None,
    insert: str | None,
    as_json: bool,
) -> None:
    """Train a model on pairs of raw and mixed files, so that it mixes as you do and needs no reference.

    DATASET is a folder with raw/ and mixed/, in which files of the same name are pairs (raw/vocal1.wav and
    mixed/vocal1.wav), and all of raw/song1/ goes with mixed/song1.wav; or a configuration names the folders with
    `track_root_dirs` and `mix_root_dirs`.

    --check tells what is wrong with the pairs, in a line each and as a page; the exit code is 1 if pairs are left out.

    The settings that made each pair are recovered first, which takes some 15 s of a core each. To go on after a stop,
    repeat the command. `mixbridge model export RUN -o BUNDLE` then makes a model for
    `mixbridge mix TRACK --model BUNDLE`.
    """
    if insert is not None:
        raise InsertError(_NOT_TRAINED.format(insert=insert))
    is_quiet = as_json or bool(context.find_root().params.get("quiet"))

    def say(line: str) -> None:
        if not is_quiet:
            click.echo(line, err=True)

    if dataset is None and not configs:
        raise click.UsageError("give a configuration (-c vocal.yaml), or a folder with raw/ and mixed/.")
    if as_json and not only_check:
        raise click.UsageError("--json goes with --check.")
    if output is None and not only_check:
        raise click.UsageError("give a folder for the run: -o run.")
    from ..recovery.files import check_torch

    check_torch()
    config = _configured(dataset, configs, {"start": start, "presets": presets, "num_workers": jobs}, say)
    if only_check:
        _check(context, config, output or Path(_PAGE), say, as_json=as_json)
    elif output is not None:
        _train(context, config, output, say)


def _configured(dataset: Path | None, configs: tuple[Path, ...], given: dict[str, object], say: Say) -> TuningConfig:
    from ..pairs.pairing import dataset_folders
    from .config import load_stacked

    if dataset is not None:
        raw, mixed = dataset_folders(dataset)
        given |= {"track_root_dirs": [raw], "mix_root_dirs": [mixed]}
    loaded = load_stacked(configs, given)
    for note in loaded.notes:
        say(note)
    return loaded.config


def _check(context: click.Context, config: TuningConfig, page: Path, say: Say, *, as_json: bool) -> None:
    from ..pairs.pairing import match_by_name
    from .material.check_page import check_page_file, write_check_page
    from .material.checking import check_pairs
    from .material.findings import result_as_json, summary

    check_page_file(page)
    matched = match_by_name(config.track_root_dirs, config.mix_root_dirs)

    def done(name: str, number: int, total: int) -> None:
        say(f"checked {number} of {total}: {name}")

    result = check_pairs(matched, cache_folder("checks"), config.num_workers, done)
    write_check_page(page, _title(config), result)
    if as_json:
        click.echo(json.dumps(result_as_json(result), ensure_ascii=False))
    else:
        for finding in result.findings:
            click.echo(finding.line)
        click.echo(summary(result))
        say(str(page))
    if not result.is_clean:
        context.exit(_LEFT_OUT)


def _train(context: click.Context, config: TuningConfig, run: Path, say: Say) -> None:
    from .material.check_page import write_check_page
    from .material.checking import check_pairs, without_left_out
    from .material.findings import summary
    from .run import train_pairs

    def chosen(matched: PairList) -> PairList:
        def done(name: str, number: int, total: int) -> None:
            say(f"checked {number} of {total}: {name}")

        result: CheckResult = check_pairs(matched, run / "cache" / "checks", config.num_workers, done)
        write_check_page(run / _PAGE, _title(config), result)
        for finding in result.findings:
            say(finding.line)
        say(summary(result))
        return without_left_out(matched, result)

    if not train_pairs(config, run, say, chosen):
        say(f"stopped; the same command goes on. What was learned so far: mixbridge model export {run} -o BUNDLE")
        context.exit(_STOPPED)
    click.echo(str(run))
    say(f"next: mixbridge model export {run} -o BUNDLE")


def _title(config: TuningConfig) -> str:
    roots = list(dict.fromkeys(folder.parent for folder in config.track_root_dirs))
    return ", ".join(map(str, roots))
