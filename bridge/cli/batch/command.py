"""The command `batch`: click parses, :mod:`mixbridge.runtime.batch` does it, and what was done is said here.

Importing this loads click alone, so that `--help` is quick.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ....presets.errors import MixbridgeError
from ..declaring import shared, takes
from ..inserts.options import clean_db_option
from ..kinds import Duration, Loudness, Share
from ..options import FormatOptions, ModelChoice, Trying

if TYPE_CHECKING:
    from ....runtime.batch.driver import Pool
    from ....runtime.batch.items import BatchItem
    from ....runtime.batch.manifest import Defaults
    from ...batch.outputs import BatchOutput

_IN_PART = 3
_GIBIBYTE = 2**30
_LOCAL = "local"


@dataclass(frozen=True)
class BatchMixing:
    """How items are mixed, where a manifest does not say otherwise.

    Attributes:
        references: songs, each FILE or FILE=WEIGHT.
        preset: applied instead of a prediction.
        amount: share of the predicted settings.
        loudness: in LUFS; None leaves the level as it is.
        ceiling: highest true peak, in dBTP.
        no_stems: without processed stems.
        report: with a report for each item.
        refine_s: search after the prediction.
        vocal: how much louder the lead vocal is, in dB.
        dry: without reverb and echoes.
        muted: also tracks that are muted in a DAW session.
        clean: tracks, or what they are, that are cleaned of noise.
        clean_db: how far noise is turned down at most.
    """

    references: tuple[str, ...] = shared(
        "--reference",
        multiple=True,
        metavar="FILE[=WEIGHT]",
        help="Song whose sound the mixes should have, where the manifest names none. May be repeated.",
    )
    preset: str | None = shared("--preset", metavar="PRESET", help="Apply this preset instead of predicting settings.")
    amount: float = shared(
        "--amount", type=Share(1.5), default=1.0, show_default=True, help="Share of the settings applied."
    )
    loudness: float | str | None = shared(
        "--loudness", type=Loudness(), default=-14.0, show_default=True, help="Loudness of the mixes."
    )
    ceiling: float = shared(
        "--ceiling", type=float, default=-1.0, show_default=True, metavar="dBTP", help="Highest true peak."
    )
    no_stems: bool = shared("--no-stems", is_flag=True, help="Write no processed stems.")
    report: bool = shared("--report", is_flag=True, help="Also write a report.html for each item.")
    refine_s: float = shared(
        "--refine", type=Duration(), default=0.0, metavar="30s|2m", help="Search this long for better settings."
    )
    vocal: float = shared("--vocal", type=float, default=0.0, metavar="dB", help="Lead vocal louder or softer.")
    dry: bool = shared("--dry", is_flag=True, help="No reverb and no echoes.")
    muted: bool = shared("--muted", is_flag=True, help="Also mix tracks that are muted in a DAW session.")
    clean: tuple[str, ...] = shared(
        "--clean",
        multiple=True,
        metavar="TRACK|vocals",
        help="Remove noise from voices before listening, where a session has any. May be repeated. Needs the extra "
        "`clean`.",
    )
    clean_db: float = clean_db_option()


@dataclass(frozen=True)
class Running:
    """How a batch runs.

    Attributes:
        workers: processes; None for as many as there are cores.
        ray: address of a Ray cluster, "local" for one of this machine; None for none.
        force: render what is done already, too.
        max_failures: no more items are begun after so many failures.
        memory_gib: that an item may take; None for a share of the machine's.
        time_limit_s: that an item may take; None lets it follow from its length.
    """

    workers: int | None = shared(
        "--workers", type=click.IntRange(1, 1024), metavar="N", help="Processes.  [default: one for each core]"
    )
    ray: str | None = shared(
        "--ray",
        is_flag=False,
        flag_value=_LOCAL,
        metavar="[ADDRESS]",
        help="Run on Ray: on a cluster (its address, or auto), or on this machine. Sessions and output are on a disk "
        "that all its machines share.",
    )
    force: bool = shared("--force", is_flag=True, help="Render again what is done already.")
    max_failures: int | None = shared(
        "--max-failures", type=click.IntRange(1), metavar="N", help="Begin no more items after so many failures."
    )
    memory_gib: float | None = shared(
        "--memory",
        type=click.FloatRange(0.5),
        metavar="GIB",
        help="Memory that an item may take.  [default: 80 % of the machine's, shared out]",
    )
    time_limit_s: float | None = shared(
        "--time-limit",
        type=Duration(),
        metavar="90s|30m",
        help="Time that an item may take.  [default: 2 min and the length of all its stems, of processor time]",
    )


@click.command()
@click.argument("source", metavar="MANIFEST|FOLDER", required=False, type=click.Path(path_type=Path))
@click.option(
    "-o", "--output", "folder", metavar="FOLDER", help="Folder for the results, or its address (s3://, gs://)."
)
@click.option("--status", "asked", metavar="FOLDER", help="Say how far the batch in FOLDER is.")
@click.option(
    "--watch",
    "watched",
    type=click.Path(path_type=Path),
    metavar="FOLDER",
    help="Go on for ever: mix the sessions in FOLDER, and what lands there, once it is whole.",
)
@takes(BatchMixing, "mixing")
@takes(ModelChoice, "choice")
@takes(FormatOptions, "audio")
@takes(Running, "running")
@takes(Trying, "saying")
@click.pass_context
def batch(
    context: click.Context,
    /,
    *,
    source: Path | None,
    folder: str | None,
    asked: str | None,
    watched: Path | None,
    mixing: BatchMixing,
    choice: ModelChoice,
    audio: FormatOptions,
    running: Running,
    saying: Trying,
) -> None:
    """Mix many sessions: those that a MANIFEST lists, or those in a FOLDER.

    Each folder of stems and each DAW session in FOLDER is one. A manifest (.csv, .jsonl, .yaml) has the columns session
    and reference, and may have preset, model, name, and options. What is done is skipped when the command is run again;
    what fails is set aside.
    """
    from ...batch.outputs import output_at
    from .reporting import say_status

    if asked is not None:
        if source is not None:
            raise click.UsageError("--status names the output of a batch, and needs no manifest or folder")
        say_status(output_at(asked), as_json=saying.as_json)
        return
    if (source is None) == (watched is None) or not folder:
        raise click.UsageError(
            "name a manifest or a folder of sessions, or a folder with --watch; and a folder for the results with -o"
        )
    output = output_at(folder)
    defaults = _defaults(mixing, choice, audio)
    if watched is not None:
        _watch(watched, output, defaults, choice.provider, running, saying)
    elif source is not None:
        context.exit(_mixed(source, output, defaults, choice.provider, running, saying))


def _mixed(
    source: Path, output: BatchOutput, defaults: Defaults, provider: str, running: Running, saying: Trying
) -> int:
    from ....runtime.batch.driver import run_batch
    from ....runtime.batch.manifest import list_items
    from ...batch.page import write_page
    from .progress import batch_progress
    from .reporting import say_batch, say_left_out, say_plan, stopped

    listed = list_items(source, defaults, _apart(output, defaults))
    if not saying.is_quiet:
        say_left_out(listed.left_out)
    if saying.dry_run:
        say_plan(listed, output, force=running.force, as_json=saying.as_json)
        return 0
    workers = min(running.workers or _cores(), len(listed.items))
    with stopped(output, quiet=saying.is_quiet), output.at_work():
        with batch_progress(quiet=saying.is_quiet) as told:
            done = run_batch(
                output.keeping_up(_absolute(listed.items)),
                output.home,
                _pool(output, provider, workers, running),
                total=len(listed.items),
                max_failures=running.max_failures,
                told=told,
                facts={"source": os.fspath(source), "workers": workers},
            )
        write_page(output.home)
    say_batch(done, output, saying, listed.left_out)
    if not done.failed:
        return 0
    return _IN_PART if len(done.failed) < len(done.results) else 1


def _watch(
    folder: Path, output: BatchOutput, defaults: Defaults, provider: str, running: Running, saying: Trying
) -> None:
    """Mix what lands in a folder, until the command is stopped, or too much failed."""
    from ....runtime.batch.driver import BatchTally, run_batch
    from ....runtime.batch.items import ItemEvent
    from ....runtime.batch.watching import landing_items
    from ...batch.page import write_page
    from .reporting import say_event, stopped

    if saying.dry_run:
        raise click.UsageError("--watch has no end, so --dry-run cannot show it: name the folder without --watch")

    def told(_tally: BatchTally, event: ItemEvent) -> None:
        say_event(event, output, saying)
        if event.result is not None:
            write_page(output.home)

    items = landing_items(folder, defaults, _apart(output, defaults))
    workers = running.workers or _cores()
    with stopped(output, quiet=saying.is_quiet), output.at_work():
        run_batch(
            output.keeping_up(items),
            output.home,
            _pool(output, provider, workers, running),
            max_failures=running.max_failures,
            told=told,
            facts={"watched": os.fspath(folder), "workers": workers},
        )


def _apart(output: BatchOutput, defaults: Defaults) -> list[Path]:
    """What is no session, wherever it is: the results, the references."""
    songs = [Path(song.rpartition("=")[0] or song) for song in defaults.references]
    return [output.home, *map(Path, defaults.references), *songs]


def _defaults(mixing: BatchMixing, choice: ModelChoice, audio: FormatOptions) -> Defaults:
    from ....runtime.batch.items import ItemOptions
    from ....runtime.batch.manifest import Defaults

    if mixing.references and mixing.preset:
        raise click.UsageError("choose one of --reference and --preset")
    options = ItemOptions(
        amount=mixing.amount,
        loudness=mixing.loudness,
        ceiling=mixing.ceiling,
        format=audio.audio_format,
        sample_rate=audio.sample_rate,
        stems=not mixing.no_stems,
        report=mixing.report,
        refine=mixing.refine_s,
        vocal=mixing.vocal,
        dry=mixing.dry,
        muted=mixing.muted,
        clean=mixing.clean,
        clean_db=mixing.clean_db,
    )
    _check_are_there(mixing.references)
    references = tuple(map(_absolute_song, mixing.references))
    preset = None if mixing.preset is None else _absolute_file(mixing.preset)
    return Defaults(references, preset, _absolute_file(choice.model), options)


def _check_are_there(songs: tuple[str, ...]) -> None:
    """Refuse references that are not there: every session would fail of them, when its turn had come.

    Raises:
        MixbridgeError: there is one.
    """
    for song in songs:
        name = song.rpartition("=")[0] or song
        if "://" not in song and not os.path.exists(song) and not os.path.exists(name):  # noqa: PTH110
            raise MixbridgeError(f"{name}: there is no such file. Check the name and the folder.")


def _pool(output: BatchOutput, provider: str, workers: int, running: Running) -> Pool:
    from ....runtime.batch.items import BatchPlace
    from ....runtime.batch.limits import Limits, usual_memory
    from ....runtime.batch.pool import LocalPool, Work
    from ...batch.work import JOB

    asked_bytes = None if running.memory_gib is None else int(running.memory_gib * _GIBIBYTE)
    limits = Limits(asked_bytes or usual_memory(workers), running.time_limit_s)
    place = BatchPlace(os.fspath(output.home.absolute()), running.force, provider, address=output.address)
    work = Work(JOB, place, limits)
    if running.ray is None:
        return LocalPool(work, workers)
    from ....runtime.batch.ray_pool import RayPool

    if running.ray == _LOCAL:
        return RayPool(work, None, workers)
    return RayPool(work, running.ray, running.workers)


def _absolute(items: tuple[BatchItem, ...]) -> list[BatchItem]:
    """Give items whose paths mean the same in every process, also in one that stands in another folder."""
    from dataclasses import replace

    paths = [item.session if "://" in item.session else os.path.abspath(item.session) for item in items]  # noqa: PTH100
    return [replace(item, session=path) for item, path in zip(items, paths, strict=True)]


def _absolute_song(song: str) -> str:
    """Give FILE or FILE=WEIGHT with the whole path of the file."""
    name, sign, weight = song.rpartition("=")
    if sign and not os.path.exists(song) and os.path.exists(name):  # noqa: PTH110  (raises for an impossible name)
        return f"{os.path.abspath(name)}={weight}"  # noqa: PTH100  (links stay)
    return _absolute_file(song)


def _absolute_file(name: str) -> str:
    """Give the whole path of a file; what is no file, such as a name of a preset, stays as it is."""
    return os.path.abspath(name) if os.path.exists(name) else name  # noqa: PTH100, PTH110


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
