"""The commands `mixbridge model train`, `export` and `evaluate`, found by the command line through entry points.

Torch is imported when one of them is called, not here: `--help` answers at once.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from .folders import cache_folder

if TYPE_CHECKING:
    from ..runtime.model.bundle import Training
    from .compact.band_cache import CachedSession

_FOLDER = click.Path(path_type=Path)
_EXISTING_FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)
_EXISTING_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_MOST_RECORD_BYTES = 2**20
_LISTED = 5
_DEFAULT_CONFIG = Path(__file__).parent / "configs" / "default.yaml"


@click.command()
@click.argument("corpus", type=_EXISTING_FOLDER)
@click.option(
    "--config",
    type=_EXISTING_FILE,
    default=_DEFAULT_CONFIG,
    help="Sizes and schedule, YAML.  [default: those of the model that ships]",
    show_default=False,
)
@click.option(
    "-o",
    "--output",
    "run",
    type=_FOLDER,
    required=True,
    help="Folder for checkpoints and the loss curve; a run that was stopped goes on.",
)
@click.option(
    "--songs",
    type=_EXISTING_FOLDER,
    help="Folder of finished songs, used as references.  [default: CORPUS/songs/train]",
)
@click.option("--cache", type=_FOLDER, help="Folder for analysed sessions.  [default: OUTPUT/cache]")
@click.option("--from", "start", help="Begin with the weights of this model: a bundle's folder, or one that ships.")
@click.pass_context
def train(
    context: click.Context,
    /,
    *,
    corpus: Path,
    config: Path,
    run: Path,
    songs: Path | None,
    cache: Path | None,
    start: str | None,
) -> None:
    """Train the compact model on multitrack sessions, those of `mixbridge model corpus` or your own.

    A session is a folder with `meta.json` and one audio file per raw track, mono or stereo. Sessions are looked for in
    CORPUS/train, or in all of CORPUS if there is no such folder. To go on after a stop, repeat the command.
    """
    from .compact.config import load_config
    from .compact.train import TrainingStoppedError, train

    sessions, corpus_songs = _parts_of(corpus)
    try:
        checkpoint = train(load_config(config), sessions, run, cache or run / "cache", songs or corpus_songs, start)
    except TrainingStoppedError as stop:
        click.echo(f"mixbridge: {stop}", err=True)
        context.exit(128 + stop.signal_number)
    click.echo(
        f"{checkpoint}\nloss curve: {run / 'loss.png'}\nnext: mixbridge model export {checkpoint} -o MODEL --name NAME",
        err=True,
    )


@click.command(name="export")
@click.argument("checkpoint", metavar="RUN|CHECKPOINT", type=click.Path(exists=True, path_type=Path))
@click.option("-o", "--output", "folder", type=_FOLDER, required=True, help="Folder of the model; must not exist yet.")
@click.option("--architecture", type=click.Choice(["compact", "diff-mst"]), default="compact", show_default=True)
@click.option("--name", help="Short name, as in `--model NAME`.  [default, of a run: its folder's name]")
@click.option("--description", default="", help="One line about the model.")
@click.option("--licence", default="not stated", show_default=True, help="Licence of the weights.")
@click.option(
    "--training", type=_EXISTING_FILE, help="Record of the training, JSON: data, hours, steps, seed, command."
)
@click.option(
    "--corpus", type=_EXISTING_FOLDER, help="Corpus of the training; the model then knows which material is familiar."
)
@click.option("--cache", type=_FOLDER, help="Folder for analysed sessions.  [default: CHECKPOINT/../../cache]")
def export(
    checkpoint: Path,
    folder: Path,
    architecture: str,
    name: str | None,
    description: str,
    licence: str,
    training: Path | None,
    corpus: Path | None,
    cache: Path | None,
) -> None:
    """Convert a training to a model that `mixbridge mix --model FOLDER` can use (ONNX graphs and a manifest).

    RUN is the folder of `mixbridge train`, whose model needs no reference; CHECKPOINT a file of
    `mixbridge model train`, or of Diff-MST.
    """
    if checkpoint.is_dir():
        if corpus is not None or training is not None:
            raise click.UsageError("--corpus and --training are for checkpoints; a run knows what it was trained on")
        _export_run(checkpoint, folder, name, description, licence)
        return
    if name is None:
        raise click.UsageError("a checkpoint needs a name: --name NAME")
    if architecture != "compact" and corpus is not None:
        raise click.UsageError("--corpus is for the compact architecture; a Diff-MST bundle carries no familiarity")
    from .onnx_bundle import Description, export_bundle
    from .whole_files import check_free

    # What can be wrong is looked at before the corpus is analysed, which takes minutes.
    check_free(folder)
    described = Description(name, description, licence, _training_record(training))
    if architecture == "compact":
        from .compact.checkpoint import load_checkpoint

        model, config, steps = load_checkpoint(checkpoint)
        if steps < config.max_steps:
            click.echo(f"warning: the training of {checkpoint} stopped at step {steps} of {config.max_steps}", err=True)
        sessions, songs = _training_data(corpus, cache or checkpoint.parent.parent / "cache")
        manifest = export_bundle(model, described, folder, sessions, songs)
    else:
        from .reference.checkpoint import load_reference_checkpoint

        manifest = export_bundle(load_reference_checkpoint(checkpoint), described, folder)
    _say_size(folder, manifest.parameters)


def _export_run(run: Path, folder: Path, name: str | None, description: str, licence: str) -> None:
    from .tuning.bundle import described_run
    from .tuning.comparing import export_best
    from .whole_files import check_free

    check_free(folder)
    described = described_run(run, name or folder.name, description, licence)
    manifest = export_best(run, folder, described, lambda line: click.echo(line, err=True))
    _say_size(folder, manifest.parameters)
    click.echo(f"next: mixbridge mix TRACK --model {folder} -o OUT", err=True)


def _say_size(folder: Path, parameters: int) -> None:
    size = sum(path.stat().st_size for path in folder.iterdir())
    told = f"{size / 1e6:.1f} MB" if size >= 1e6 else f"{size / 1000:.0f} kB"
    click.echo(f"{folder}: {parameters:,} parameters, {told}", err=True)


@click.command()
@click.argument("corpus", type=_EXISTING_FOLDER)
@click.option("--model", default="default", show_default=True, help="Bundle folder, or the name of a model that ships.")
@click.option(
    "--suite",
    default="all",
    show_default=True,
    help="Kinds of cases, with commas: known, recorded, songs, voices, tracks, odd.",
)
@click.option("--songs", type=_EXISTING_FOLDER, help="Folder of finished songs.  [default: CORPUS/songs/test]")
@click.option("--cases", type=click.IntRange(min=1), default=200, show_default=True, help="Cases of each kind.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True)
@click.option("--jobs", type=click.IntRange(min=1), default=2, show_default=True, help="Processes, one core each.")
@click.option("-o", "--output", type=_FOLDER, default=Path("quality.md"), show_default=True, help="Page to write.")
@click.option("--cache", type=_FOLDER, help="Folder that keeps cases.  [default: the user's cache folder]")
def evaluate(
    corpus: Path,
    model: str,
    suite: str,
    songs: Path | None,
    cases: int,
    seed: int,
    jobs: int,
    output: Path,
    cache: Path | None,
) -> None:
    """Measure a model on held-out sessions: compare its mixes with mixes made without it. Writes a page.

    CORPUS has its held-out sessions in `test/`. To go on after a stop, repeat the command; a higher --cases adds cases.
    """
    from .evaluation.command import EvaluationRequest, judge

    cache = cache or cache_folder("evaluation")
    for path in judge(EvaluationRequest(corpus, model, suite, songs, cases, seed, jobs, output, cache)):
        click.echo(path, err=True)


def _parts_of(corpus: Path) -> tuple[Path, Path | None]:
    """Finds the sessions and the finished songs for training."""
    sessions, songs = corpus / "train", corpus / "songs" / "train"
    return sessions if sessions.is_dir() else corpus, songs if songs.is_dir() else None


def _training_record(path: Path | None) -> Training | None:
    """Reads what a manifest says of the training.

    Raises:
        ModelError: the file is no such record.
    """
    from pydantic import ValidationError

    from ..presets.errors import ModelError
    from ..presets.inputs import read_text
    from ..runtime.model.bundle import Training

    if path is None:
        return None
    try:
        return Training.model_validate_json(read_text(path, _MOST_RECORD_BYTES))
    except ValidationError as error:
        wrong = "; ".join(f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in error.errors()[:_LISTED])
        raise ModelError(f"{path}: not a record of a training: {wrong}") from error
    except (OSError, ValueError) as error:
        raise ModelError(f"{path}: cannot be read: {error}") from error


def _training_data(corpus: Path | None, cache: Path) -> tuple[list[CachedSession], list[CachedSession]]:
    from .compact.band_cache import load_corpus, load_songs
    from .compact.familiarity import check_sessions, sample

    if corpus is None:
        return [], []
    sessions, songs = _parts_of(corpus)
    check_sessions(sessions)
    return load_corpus(sessions, cache, sample), load_songs(songs, cache) if songs else []
