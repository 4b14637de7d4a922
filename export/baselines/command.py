"""The command `mixbridge model curve`, found by the command line as an entry point.

Importing this loads click alone; torch is loaded when it is called.
"""

from __future__ import annotations

from pathlib import Path

import click

_FOLDER = click.Path(path_type=Path)
_EXISTING_FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)


@click.command()
@click.argument("corpus", type=_EXISTING_FOLDER)
@click.option("--pairs", default="10,25,50,100,200,300", show_default=True, help="How many pairs are learned from.")
@click.option("--engineers", type=click.IntRange(1, 100), default=3, show_default=True, help="Hidden engineers.")
@click.option("--held-out", type=click.IntRange(2, 500), default=16, show_default=True, help="Tracks that are judged.")
@click.option(
    "--recovered",
    type=click.IntRange(min=0),
    default=25,
    show_default=True,
    help="Up to so many pairs, settings are recovered from the audio, too; some 15 s a pair.",
)
@click.option("--seconds", type=click.FloatRange(2, 60), default=8.0, show_default=True, help="Length of a track.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True)
@click.option(
    "--baselines",
    default="",
    help="What is trained beside the ways, on the first engineer's pairs: fine-tuned, from-scratch, unet; with commas.",
)
@click.option(
    "--trained-pairs", default="25,50,100", show_default=True, help="How many pairs the baselines are trained on."
)
@click.option(
    "--unet-minutes",
    type=click.FloatRange(0.05, 600),
    default=10.0,
    show_default=True,
    help="Processor time after which a U-Net ends, whatever it has learned.",
)
@click.option(
    "--steps",
    type=click.IntRange(min=1),
    help="Steps after which networks that are tuned or trained from nothing end.  [default: as `mixbridge train`]",
)
@click.option(
    "-o", "--output", type=_FOLDER, default=Path("learning-curve.md"), show_default=True, help="Page to write."
)
@click.option(
    "--record", type=_FOLDER, help="File that keeps what was measured.  [default: in the user's cache folder]"
)
def curve(
    corpus: Path,
    pairs: str,
    engineers: int,
    held_out: int,
    recovered: int,
    seconds: float,
    seed: int,
    baselines: str,
    trained_pairs: str,
    unet_minutes: float,
    steps: int | None,
    output: Path,
    record: Path | None,
) -> None:
    """Measure how many pairs a style needs: hidden engineers mix voices of CORPUS, and each way learns from them.

    CORPUS is one of `mixbridge model corpus`. With --baselines, networks are trained on the same pairs, too: the
    default model tuned, one from nothing, and a waveform U-Net that knows no settings. To go on after a stop, repeat
    the command.
    """
    import torch

    from ..folders import cache_folder
    from ..recovery.files import check_torch
    from ..styles.curve import run
    from ..styles.curve_page import CurveStudy
    from .trained import trained_ways

    check_torch()
    torch.set_num_threads(1)
    names = [name.strip() for name in baselines.split(",") if name.strip()]
    trained = trained_ways(names, 60 * unet_minutes, steps)
    counts = _counts(pairs, "--pairs")
    trained_counts = _counts(trained_pairs, "--trained-pairs") if trained else ()
    study = CurveStudy(corpus, counts, engineers, held_out, recovered, seconds, seed, trained_counts)
    kept = record or cache_folder("curve") / f"{seed}-{held_out}-{seconds:g}.jsonl"
    run(study, output, kept, lambda text: click.echo(text, err=True), trained=trained)
    click.echo(str(output))


def _counts(text: str, option: str) -> tuple[int, ...]:
    try:
        counts = tuple(sorted({int(count) for count in text.split(",")}))
    except ValueError:
        raise click.BadParameter(f"{text!r} is no list of numbers, e.g. 10,50,200", param_hint=option) from None
    if not counts or counts[0] < 1:
        raise click.BadParameter("give numbers from 1 on", param_hint=option)
    return counts
