"""The command `master`: click parses, :mod:`...jobs` does it, and what was done is said here.

Importing this loads click alone, so that `--help` is quick.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import click

from ..declaring import shared, takes
from ..kinds import OF_REFERENCE, Loudness, Share
from ..options import FOLDER, FormatOptions, References, Rendering, Trying, Writing
from ..rendering import output_folder, render_options


@dataclass(frozen=True)
class MasterRendering:
    """What is made of one finished mix, and how loud.

    Attributes:
        loudness: in LUFS; None leaves the level as it is, and "reference" takes that of the reference.
        ceiling: highest true peak, in dBTP.
        no_report: without `report.html`.
        linear_phase: of the match curve.
    """

    loudness: float | str | None = shared(
        "--loudness",
        type=Loudness(),
        default=OF_REFERENCE,
        show_default=True,
        help="Loudness of the mix; reference is that of the reference.",
    )
    ceiling: float = shared(
        "--ceiling", type=float, default=-1.0, show_default=True, metavar="dBTP", help="Highest true peak."
    )
    no_report: bool = shared("--no-report", is_flag=True, help="Write no report.html.")
    linear_phase: bool = shared(
        "--linear-phase", is_flag=True, help="Turn no phase in the match curve; attacks ring before."
    )


@click.command()
@click.argument("mix", metavar="MIX")
@takes(References, "references")
@click.option(
    "--amount",
    type=Share(),
    default=1.0,
    show_default=True,
    help="How much of the difference to the reference to take: 0 nothing, 1 all.",
)
@takes(Writing, "writing", FOLDER)
@takes(MasterRendering, "mastering")
@takes(FormatOptions, "audio")
@takes(Trying, "saying")
def master(
    *,
    mix: str,
    references: References,
    amount: float,
    writing: Writing,
    mastering: MasterRendering,
    audio: FormatOptions,
    saying: Trying,
) -> None:
    """Bring a finished MIX, one stereo file, to the sound of a reference song.

    The master alone is set: a match curve for tone and width, a compressor for density, the loudness. No model is used.
    """
    from ....runtime.master_file import MasterOptions, fit_alone, mix_alone
    from ....runtime.model.references import typed_references
    from ...jobs import master_results, run_master
    from ..output.mastered import mastered_as_json, say_mastered, say_mastering_plan
    from ..output.progress import progress_bar
    from ..output.saying import echo_json

    rendering = Rendering(mastering.loudness, mastering.ceiling, True, False, mastering.no_report, None)
    phase: Literal["minimum", "linear"] = "linear" if mastering.linear_phase else "minimum"
    options = MasterOptions(amount, phase)
    how, output = render_options(rendering, audio, writing), output_folder(writing)
    songs = typed_references(references.typed)
    if saying.dry_run:
        preset, fitted = fit_alone(mix_alone(mix, songs), songs, options)
        files = [str(output / name) for name in master_results(how, report=not mastering.no_report)]
        say_mastering_plan(preset, fitted, how, files, as_json=saying.as_json)
        return
    with progress_bar(quiet=saying.is_quiet) as progress:
        done = run_master(
            Path(mix),
            songs,
            output,
            options=options,
            render_options=how,
            report=not mastering.no_report,
            progress=progress,
        )
    if saying.as_json:
        echo_json(mastered_as_json(done))
    elif not saying.is_quiet:
        say_mastered(done)
