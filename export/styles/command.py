"""The command `mixbridge model style`, found by the command line as an entry point.

Importing this loads click alone. Torch is loaded when it is called: rendered tracks are compared with the
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
