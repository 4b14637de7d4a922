"""The commands of the torch side, found by the command line through entry points: `train`, `export`, `evaluate`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from .folders import cache_folder

if TYPE_CHECKING:
    from .compact.band_cache import CachedSession

_FOLDER = click.Path(path_type=Path)
_EXISTING_FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)
_EXISTING_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_DEFAULT_CONFIG = Path(__file__).parent / "configs" / "default.yaml"


@click.command()
@click.argument("corpus", type=_EXISTING_FOLDER)
@click.option("--config", type=_EXISTING_FILE, default=_DEFAULT_CONFIG, help="YAML; the default is what shipped.")
@click.option(
    "-o",
    "--output",
    "run",
    type=_FOLDER,
    required=True,
    help="Folder for checkpoints and curves; an unfinished run goes on.",
)
@click.option("--songs", type=_EXISTING_FOLDER, help="Finished songs as references. [default: CORPUS/songs/train]")
@click.option("--cache", type=_FOLDER, help="Folder for analysed sessions. [default: OUTPUT/cache]")
def train(corpus: Path, config: Path, run: Path, songs: Path | None, cache: Path | None) -> None:
    """Train the compact model on multitrack sessions, those of `mixbridge model corpus` or your own.

    A session is a folder with `meta.json` and one audio file per raw track, in CORPUS/train or, where there is no such
    folder, anywhere in CORPUS. The same command resumes after Ctrl-C.
    """
    from .compact.train import load_config, train

    sessions, found_songs = _parts_of(corpus)
    checkpoint = train(load_config(config), sessions, run, cache or run / "cache", songs or found_songs)
    click.echo(
        f"{checkpoint}\nloss curve: {run / 'loss.png'}\nnext: mixbridge model export {checkpoint} -o MODEL --name NAME",
        err=True,
    )


@click.command(name="export")
@click.argument("checkpoint", type=_EXISTING_FILE)
@click.option("-o", "--output", "folder", type=_FOLDER, required=True, help="Folder of the bundle; must not exist.")
@click.option("--architecture", type=click.Choice(["compact", "diff-mst"]), default="compact", show_default=True)
@click.option("--name", required=True, help="Short name, as in `--model NAME`.")
@click.option("--description", default="", help="What it is, in a line.")
@click.option("--licence", default="not stated", show_default=True, help="Of the weights.")
@click.option("--training", type=_EXISTING_FILE, help="JSON for the manifest: data, hours, steps, seed, command.")
@click.option("--corpus", type=_EXISTING_FOLDER, help="Of the training: the bundle then knows what is familiar to it.")
@click.option("--cache", type=_FOLDER, help="Folder for analysed sessions. [default: CHECKPOINT/../../cache]")
def export(
    checkpoint: Path,
    folder: Path,
    architecture: str,
    name: str,
    description: str,
    licence: str,
    training: Path | None,
    corpus: Path | None,
    cache: Path | None,
) -> None:
    """Turn a checkpoint into an ONNX bundle that `mixbridge mix --model FOLDER` runs."""
    from ..runtime.model.bundle import Training
    from .onnx_bundle import Description, export_bundle

    record = Training.model_validate_json(training.read_text(encoding="utf-8")) if training else None
    described = Description(name, description, licence, record)
    if architecture == "compact":
        from .compact.train import load_checkpoint

        sessions, songs = _training_data(corpus, cache or checkpoint.parent.parent / "cache")
        manifest = export_bundle(load_checkpoint(checkpoint)[0], described, folder, sessions, songs)
    else:
        from .reference.checkpoint import load_reference_checkpoint

        manifest = export_bundle(load_reference_checkpoint(checkpoint), described, folder)
    size = sum(path.stat().st_size for path in folder.iterdir())
    click.echo(f"{folder}: {manifest.parameters:,} parameters, {size / 1e6:.1f} MB", err=True)


@click.command()
@click.argument("corpus", type=_EXISTING_FOLDER)
@click.option("--model", default="default", show_default=True, help="Bundle folder, or the name of a model that ships.")
@click.option("--suite", default="all", show_default=True, help="known, recorded, songs, voices, tracks, with commas.")
@click.option("--songs", type=_EXISTING_FOLDER, help="Finished songs. [default: CORPUS/songs/test]")
@click.option("--cases", type=click.IntRange(min=1), default=200, show_default=True, help="Of each suite.")
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
    """Judge a model on held-out sessions, rendered, against doing without; writes a page.

    CORPUS holds sessions in `test/`. The same command goes on after Ctrl-C; more cases add to those that are there.
    """
    from .evaluation.command import EvaluationRequest, judge

    cases_folder = cache or cache_folder("evaluation")
    for path in judge(EvaluationRequest(corpus, model, suite, songs, cases, seed, jobs, output, cases_folder)):
        click.echo(path, err=True)


def _parts_of(corpus: Path) -> tuple[Path, Path | None]:
    """Where the sessions and the finished songs for training are."""
    sessions, songs = corpus / "train", corpus / "songs" / "train"
    return sessions if sessions.is_dir() else corpus, songs if songs.is_dir() else None


def _training_data(corpus: Path | None, cache: Path) -> tuple[list[CachedSession], list[CachedSession]]:
    from .compact.band_cache import load_corpus, load_songs
    from .compact.familiarity import sample

    if corpus is None:
        return [], []
    sessions, songs = _parts_of(corpus)
    return load_corpus(sessions, cache, sample), load_songs(songs, cache) if songs else []
