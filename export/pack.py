"""The command `mixbridge model pack`, found by the command line as an entry point. Importing this loads click alone."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, cast

import click

if TYPE_CHECKING:
    from .packing import Precision


@click.command()
@click.argument("model")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    required=True,
    help="Folder, or one file where the name ends in .zip; must not exist yet.",
)
@click.option(
    "--precision",
    type=click.Choice(["float32", "fp16", "int8"]),
    default="float32",
    show_default=True,
    help="Of a network's weights: half as large, or a quarter; refused where it then answers otherwise.",
)
def pack(model: str, output: Path, precision: str) -> None:
    """Copy a MODEL into one .zip, to pass on, or into a folder; and make its network smaller.

    MODEL is a folder, a .zip, or a name of `mixbridge model list`.
    """
    from ..runtime.model.bundle import open_bundle
    from .packing import export_copy

    export_copy(model, output, cast("Precision", precision))
    click.echo(str(output))
    click.echo(f"{open_bundle(output).size_bytes() / 1e6:.1f} MB of files", err=True)
