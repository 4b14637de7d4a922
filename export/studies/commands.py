"""The commands of `mixbridge model` that study a model: ablations, calibration, chances, explain and others.

The command line finds them through entry points. Importing this loads click alone.
"""

from __future__ import annotations

from pathlib import Path

import click

from ..folders import cache_folder

_FOLDER = click.Path(path_type=Path)
_EXISTING_FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)
_EXISTING_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_SECONDS = click.FloatRange(min=0.1, max=86400)
_MODEL_HELP = "Folder of a model, or a name of `mixbridge model list`."
# As `evaluation.suites.SUITES`, which would load torch; a test compares them.
SUITE_NAMES = ("known", "recorded", "songs", "voices", "tracks", "odd")


@click.command()
@click.argument("corpus", type=_EXISTING_FOLDER)
@click.option("--checkpoint", type=_EXISTING_FILE, required=True, help="Checkpoint of the model that ships.")
@click.option("-o", "--output", type=_FOLDER, default=Path("ablations.md"), show_default=True, help="Page to write.")
@click.option("--cache", type=_FOLDER, help="Folder for analysed sessions.  [default: the user's cache folder]")
@click.option(
    "--steps", type=click.IntRange(min=1), default=1000, show_default=True, help="Training steps of a variant."
)
@click.option("--cases", type=click.IntRange(min=2), default=60, show_default=True, help="Cases to judge on.")
def ablations(corpus: Path, checkpoint: Path, output: Path, cache: Path | None, steps: int, cases: int) -> None:
    """Measure what parts of the model and of its training are worth; write a page.

    Trains variants that each lack a part, judges all on held-out cases of CORPUS, and compares the training console
    with the runtime.
    """
    from .ablations import AblationRequest, run

    run(AblationRequest(corpus, checkpoint, cache or cache_folder("sessions"), steps, cases), output, _say)
    click.echo(output, err=True)


@click.command()
@click.argument("corpus", type=_EXISTING_FOLDER)
@click.option("-o", "--output", type=_FOLDER, default=Path("refinement.md"), show_default=True, help="Page to write.")
@click.option("--model", default="default", show_default=True, help=_MODEL_HELP)
@click.option("--cases", type=click.IntRange(min=1), default=12, show_default=True, help="Cases of each kind.")
@click.option("--seconds", type=_SECONDS, default=30.0, show_default=True, help="Search from the prediction.")
@click.option(
    "--neutral-seconds", type=_SECONDS, default=300.0, show_default=True, help="Search from neutral settings."
)
@click.option("--jobs", type=click.IntRange(min=1), default=2, show_default=True, help="Processes, one core each.")
@click.option(
    "--sessions", type=click.IntRange(min=0), default=12, show_default=True, help="Whole sessions, each like one song."
)
def refinement(
    corpus: Path, output: Path, model: str, cases: int, seconds: float, neutral_seconds: float, jobs: int, sessions: int
) -> None:
    """Measure what `mixbridge mix --refine` adds on held-out cases of CORPUS; write a page."""
    from .refinement import RefinementRequest, run

    run(RefinementRequest(corpus, model, cases, seconds, neutral_seconds, jobs, sessions), output, _say)
    click.echo(output, err=True)


@click.command("guard-counts")
@click.argument("corpus", type=_EXISTING_FOLDER)
@click.option("--model", default="default", show_default=True, help=_MODEL_HELP)
@click.option("--suite", type=click.Choice(SUITE_NAMES), default="known", show_default=True, help="Kind of case.")
@click.option("--songs", type=_EXISTING_FOLDER, help="Folder of finished songs.  [default: CORPUS/songs/test]")
@click.option("--cases", type=click.IntRange(min=1), default=100, show_default=True, help="Cases to count in.")
@click.option(
    "--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Another seed draws other cases."
)
def guard_counts(corpus: Path, model: str, suite: str, songs: Path | None, cases: int, seed: int) -> None:
    """Count how often guard rails act on held-out cases of CORPUS; print a table in Markdown."""
    from .guard_counts import run, table

    click.echo(table(run(corpus, model, suite, songs, cases, seed)))


@click.command()
@click.argument("corpus", type=_EXISTING_FOLDER)
@click.option("--model", default="default", show_default=True, help=_MODEL_HELP)
@click.option("--songs", type=_EXISTING_FOLDER, help="Folder of finished songs.  [default: CORPUS/songs/test]")
@click.option("--sessions", type=click.IntRange(min=1), default=30, show_default=True, help="Sessions to mix.")
@click.option("--references", type=click.IntRange(min=1), default=4, show_default=True, help="Songs for each.")
@click.option("--find-roles", is_flag=True, help="Do not tell the roles of the tracks: find them out.")
def sins(corpus: Path, model: str, songs: Path | None, sessions: int, references: int, find_roles: bool) -> None:
    """Count what no engineer would leave in a mix, on held-out sessions of CORPUS; print a table in Markdown.

    Mixes of the model alone, of the plain mix by role, and of what `mixbridge mix` makes.
    """
    from .sins import run, table

    click.echo(table(run(corpus, model, songs, sessions, references, not find_roles, _say)))


@click.command()
@click.argument("corpus", type=_EXISTING_FOLDER)
@click.option("--model", default="default", show_default=True, help=_MODEL_HELP)
@click.option("--songs", type=_EXISTING_FOLDER, help="Folder of finished songs.  [default: CORPUS/songs/test]")
@click.option(
    "--stems", "folders", type=_EXISTING_FOLDER, multiple=True, help="Folder of stems from elsewhere; may be repeated."
)
@click.option("--sessions", type=click.IntRange(min=1), default=30, show_default=True, help="Sessions to mix.")
@click.option("--references", type=click.IntRange(min=1), default=4, show_default=True, help="Songs for each.")
@click.option(
    "--tracks", type=click.IntRange(min=4), default=14, show_default=True, help="Tracks of a session at most."
)
@click.option("--seconds", type=click.FloatRange(min=6), default=20.0, show_default=True, help="Of each session.")
@click.option("--find-roles", is_flag=True, help="Do not tell the roles of the tracks: find them out.")
@click.option(
    "--altered", type=click.IntRange(min=0), default=2, show_default=True, help="Sessions with altered songs."
)
@click.option("--peer", metavar="PYTHON", help="Python of an environment that has matchering, to compare with.")
@click.option("--work", type=_FOLDER, help="Folder that keeps cases.  [default: the user's cache folder]")
@click.option("-o", "--output", type=_FOLDER, default=Path("whole-mixes.md"), show_default=True, help="Page to write.")
def mixes(  # one parameter an option
    corpus: Path,
    model: str,
    songs: Path | None,
    folders: tuple[Path, ...],
    sessions: int,
    references: int,
    tracks: int,
    seconds: float,
    find_roles: bool,
    altered: int,
    peer: str | None,
    work: Path | None,
    output: Path,
) -> None:
    """Judge whole mixes as users get them, on held-out sessions of CORPUS; write a page.

    Sins, how mixes follow their references, how far settings are from people's, and the distance to the reference
    beside that of rules with matchering. To go on after a stop, repeat the command.
    """
    from ..mixes.page import TITLE, page
    from ..mixes.whole_mixes import MixRequest, run
    from ..whole_files import check_page, write_text

    check_page(output, TITLE)
    request = MixRequest(
        corpus,
        work or cache_folder("mixes"),
        model,
        songs,
        folders,
        sessions,
        references,
        tracks,
        seconds,
        not find_roles,
        peer,
        altered,
    )
    more = f"--sessions {sessions} --references {references} --tracks {tracks} --seconds {seconds:g}"
    command = f"mixbridge model mixes CORPUS --model {model} {more}" + (" --peer PYTHON" if peer else "")
    write_text(output, page(run(request, _say), command))
    click.echo(output, err=True)


@click.command()
@click.argument("corpus", type=_EXISTING_FOLDER)
@click.option("--songs", type=_EXISTING_FOLDER, help="Folder of finished songs.  [default: CORPUS/songs/test]")
@click.option("--model", default="default", show_default=True, help=_MODEL_HELP)
@click.option("--cases", type=click.IntRange(min=20), default=200, show_default=True, help="Cases to fit to.")
@click.option(
    "--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Another seed draws other cases."
)
def chances(corpus: Path, songs: Path | None, model: str, cases: int, seed: int) -> None:
    """Fit how likely a mix is better than the plain one, on held-out sessions of CORPUS; print the weights.

    Also prints how far that number means what it says.
    """
    from .chances import run, table

    click.echo(table(run(corpus, songs or corpus / "songs" / "test", model, cases, seed, _say)))


@click.command()
@click.argument("corpus", type=_EXISTING_FOLDER)
@click.option("--model", default="default", show_default=True, help=_MODEL_HELP)
@click.option("--songs", type=_EXISTING_FOLDER, help="Folder of finished songs.  [default: CORPUS/songs/test]")
@click.option("--sessions", type=click.IntRange(min=1), default=8, show_default=True, help="Sessions to decide.")
@click.option("--choices", type=click.IntRange(min=2), default=6, show_default=True, help="Passages of each kind.")
@click.option(
    "--tracks", type=click.IntRange(min=4), default=14, show_default=True, help="Tracks of a session at most."
)
def steadiness(corpus: Path, model: str, songs: Path | None, sessions: int, choices: int, tracks: int) -> None:
    """Measure how far settings depend on which passages are heard, on held-out sessions of CORPUS; print a table."""
    from ..mixes.steadiness import run, table

    click.echo(table(run(corpus, model, songs, sessions, choices, tracks, _say)))


@click.command()
@click.argument("corpus", type=_EXISTING_FOLDER)
@click.argument("case", type=click.IntRange(min=0))
@click.option("--model", default="default", show_default=True, help=_MODEL_HELP)
@click.option("--suite", type=click.Choice(SUITE_NAMES), default="known", show_default=True, help="Kind of case.")
@click.option("--songs", type=_EXISTING_FOLDER, help="Folder of finished songs.  [default: CORPUS/songs/test]")
@click.option(
    "--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Another seed draws other cases."
)
def explain(corpus: Path, case: int, model: str, suite: str, songs: Path | None, seed: int) -> None:
    """Find the probable cause of a bad result of `mixbridge model evaluate`: CASE is its number in the page.

    Replaces the predicted settings by the true ones, a group or a track at a time, and measures the mix again.
    """
    from .explaining import run

    cause = run(corpus, model, suite, songs, case, seed)
    click.echo(f"{cause.kind}: {cause.text}")


@click.command()
@click.argument("corpus", type=_EXISTING_FOLDER)
@click.option("--stems", type=click.IntRange(min=3), default=400, show_default=True, help="Stems to measure.")
@click.option(
    "--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Another seed draws other stems."
)
def calibration(corpus: Path, stems: int, seed: int) -> None:
    """Fit the compressor of the training console to the real one, on stems of CORPUS; print the constants."""
    from .calibration import run

    result = run(corpus, stems, seed)
    click.echo("DETECTOR_OFFSET_DB = ({:.2f}, {:.2f}, {:.2f})".format(*result.constants_db))
    spreads = f"{result.spread_before_db:.2f} dB before, {result.spread_after_db:.2f} dB after the fit"
    click.echo(f"spread of the offset: {spreads}")


@click.command()
@click.option("-o", "--output", type=_FOLDER, default=Path("settings.md"), show_default=True, help="Page to write.")
def settings(output: Path) -> None:
    """Describe the settings that training draws, in percentiles and a picture beside the page."""
    from .settings import run

    for path in run(output):
        click.echo(path, err=True)


@click.command()
@click.argument("corpus", type=_EXISTING_FOLDER)
@click.option("-o", "--output", type=_FOLDER, default=Path("recovered.md"), show_default=True, help="Page to write.")
@click.option("--cases", type=click.IntRange(min=1), default=30, show_default=True, help="Pairs of each kind.")
@click.option("--sessions", type=click.IntRange(min=0), default=20, show_default=True, help="Sessions of both kinds.")
@click.option("--seconds", type=_SECONDS, default=30.0, show_default=True, help="Length of a pair or session.")
@click.option(
    "--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Another seed draws other pairs."
)
@click.option("--record", type=_FOLDER, help="File that keeps what was measured.  [default: in the user's cache]")
def recovery(
    corpus: Path, output: Path, cases: int, sessions: int, seconds: float, seed: int, record: Path | None
) -> None:
    """Measure `mixbridge recover` on pairs and sessions made of held-out stems of CORPUS; write a page.

    To go on after a stop, repeat the command; higher --cases and --sessions add some.
    """
    from .recovery import run

    kept = record or cache_folder("recovery") / f"{seed}-{seconds:g}.jsonl"
    run(corpus, output, cases, sessions, seconds, seed, kept, _say)
    click.echo(output, err=True)


@click.command()
@click.argument("corpus", type=_EXISTING_FOLDER)
@click.option("-o", "--output", type=_FOLDER, default=Path("deciding.md"), show_default=True, help="Page to write.")
@click.option("--model", default="default", show_default=True, help=_MODEL_HELP)
@click.option("--cases", type=click.IntRange(min=1), default=30, show_default=True, help="Cases of each suite.")
@click.option(
    "--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Another seed draws other cases."
)
def deciding(corpus: Path, output: Path, model: str, cases: int, seed: int) -> None:
    """Measure what roles, names, the network and what engineers do are worth, on held-out cases of CORPUS."""
    from .deciding import DecidingRequest, run

    run(DecidingRequest(corpus, model, cases, seed), output, _say)
    click.echo(output, err=True)


def _say(line: str) -> None:
    click.echo(line, err=True)
