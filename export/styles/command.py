"""The commands `mixbridge model style` and `curve`, found by the command line as entry points.

Importing this loads click alone. Torch is loaded when one of them is called: rendered tracks are compared with the
mixed ones by the distance of recovering.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

import click

_FOLDER = click.Path(path_type=Path)
_EXISTING_FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)


@click.command()
@click.argument("dataset", type=_EXISTING_FOLDER)
@click.argument("presets", type=_EXISTING_FOLDER)
@click.option("-o", "--output", type=_FOLDER, required=True, help="Folder or .zip of the model; must not exist yet.")
@click.option("--name", default="", help="Short name, as in `--model NAME`.  [default: that of the output]")
@click.option("--description", default="", help="One line about the model.")
@click.option("--licence", default="not stated", show_default=True, help="Licence of the model.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Of which pairs are held out.")
def style(dataset: Path, presets: Path, output: Path, name: str, description: str, licence: str, seed: int) -> None:
    """Learn a style from the pairs of DATASET and their recovered PRESETS; no training, minutes on one core.

    DATASET has raw/ and mixed/ with files of the same names; PRESETS is what `mixbridge recover DATASET -o PRESETS`
    left. Mean of the settings, nearest neighbour and house style are compared on pairs that they have not seen, and the
    best is written: a model that needs no reference (`mixbridge mix vox.wav --model OUTPUT -o FOLDER`).
    """
    import tempfile

    import torch

    from ..packing import export_copy
    from ..recovery.dataset import list_pairs
    from ..recovery.files import check_torch
    from ..whole_files import check_free
    from .bundle import fit_styles

    check_torch()
    check_free(output)
    torch.set_num_threads(1)

    def say(text: str) -> None:
        click.echo(text, err=True)

    contents = list_pairs(dataset)
    for line in contents.unmatched:
        say(line)
    named = name or output.name.removesuffix(".zip")
    learn = partial(
        fit_styles,
        contents.pairs,
        presets,
        name=named,
        description=description,
        licence=licence,
        seed=seed,
        say=say,
    )
    if output.suffix.lower() == ".zip":
        with tempfile.TemporaryDirectory() as folder:
            made = Path(folder) / "bundle"
            learn(made)
            export_copy(made, output)
    else:
        learn(output)
    click.echo(str(output))
    say(f"next: mixbridge model test {output} RAW.wav -o heard")


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
    help="Up to so many pairs, settings are recovered from the audio, too; half a minute a pair.",
)
@click.option("--seconds", type=click.FloatRange(2, 60), default=8.0, show_default=True, help="Length of a track.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True)
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
    output: Path,
    record: Path | None,
) -> None:
    """Measure how many pairs a style needs: hidden engineers mix voices of CORPUS, and each way learns from them.

    CORPUS is one of `mixbridge model corpus`. To go on after a stop, repeat the command.
    """
    import torch

    from ..folders import cache_folder
    from ..recovery.files import check_torch
    from .curve import CurveStudy, run

    check_torch()
    torch.set_num_threads(1)
    try:
        counts = tuple(sorted({int(count) for count in pairs.split(",")}))
    except ValueError:
        raise click.BadParameter(f"{pairs!r} is no list of numbers, e.g. 10,50,200", param_hint="--pairs") from None
    if not counts or counts[0] < 1:
        raise click.BadParameter("give numbers from 1 on", param_hint="--pairs")
    study = CurveStudy(corpus, counts, engineers, held_out, recovered, seconds, seed)
    kept = record or cache_folder("curve") / f"{seed}-{held_out}-{seconds:g}.jsonl"
    run(study, output, kept, lambda text: click.echo(text, err=True))
    click.echo(str(output))
