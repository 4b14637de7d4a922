"""The command `mixbridge model roles`, found through an entry point. Importing this loads click alone."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.argument("corpus", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    default=Path("sound.npz"),
    show_default=True,
    help="File to write.",
)
@click.option(
    "--named",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    multiple=True,
    help="Folder of recorded stems, whose names tell what they are (kick.wav, Lead Vox.wav); may be given again.",
)
@click.option("--passages", type=click.IntRange(1, 100), default=3, show_default=True, help="Passages of each stem.")
@click.option("--seed", type=int, default=1, show_default=True, help="Another seed draws other passages.")
def roles(corpus: Path, output: Path, named: tuple[Path, ...], passages: int, seed: int) -> None:
    """Train the network that tells what a track is by its sound, on the sessions of CORPUS.

    What it tells rightly of the held-out sessions is printed. The one that ships is `runtime/roles/sound.npz`.
    """
    from .training import RoleRequest, run

    run(RoleRequest(corpus, output, passages, seed, named), lambda line: click.echo(line, err=True))
    click.echo(output)
