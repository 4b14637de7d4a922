"""A folder of pairs, recovered in parallel: `raw/NAME.wav` and `mixed/NAME.wav` become `presets/NAME.json`.

What is there already and was made of the same two files is kept, so that the same command goes on after a stop at any
moment and ends where an undisturbed one ends.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ...presets.errors import AudioError, MixbridgeError, OutputError, PresetError
from ...presets.files import load
from ...presets.preset import Preset
from ...runtime.audio.output import finish_earlier
from ...runtime.audio.reading import probe
from ...runtime.in_use import one_run_at_a_time
from ..pairs.check import SHORTEST_S, heard_as_one, on_time_of, with_sides_upright
from ..pairs.direction import looks_turned, swapped_folders
from ..pairs.lags import Lags
from ..pairs.pairing import dataset_folders, match_by_name
from .files import DISTANCE, RecoveryFiles, check_torch, read_whole, recover, source_of
from .passages import QUICK, Effort

if TYPE_CHECKING:
    from multiprocessing.synchronize import Event

Done = Callable[["PairOutcome", int, int], None]
Warned = Callable[[str], None]

_WATCH_S = 0.5
_LISTED = 5
# Pairs by which it is known whether the folders look swapped, before hours go into the wrong way round.
_LOOKED_AT = 7
# Of a worker: whether it recovers a pair, and what says that all is over.
_at_work = threading.Event()
_over: Final[list[Event]] = []
_ENDED: Final = (
    "one of {} processes was ended from outside, as where memory runs out; what was recovered is kept: repeat the "
    "command, with fewer --jobs"
)


@dataclass(frozen=True)
class NamedPair:
    """Two files of one name.

    Attributes:
        name: theirs, without ending.
        raw: as it was recorded.
        mixed: as it was mixed.
    """

    name: str
    raw: Path
    mixed: Path


@dataclass(frozen=True)
class PairOutcome:
    """What became of a pair.

    Attributes:
        name: of the pair.
        ratio: distance that is left, in parts of the raw recording's; None where nothing was recovered.
        was_there: the preset was there already.
        problem: why nothing was recovered; empty otherwise.
        preset: file of the preset, where there is one.
    """

    name: str
    ratio: float | None
    was_there: bool
    problem: str
    preset: Path | None


@dataclass(frozen=True)
class DatasetContents:
    """What a folder of pairs has.

    Attributes:
        pairs: by name.
        unmatched: sentences on files without a partner.
    """

    pairs: tuple[NamedPair, ...]
    unmatched: tuple[str, ...]


def list_pairs(dataset: Path) -> DatasetContents:
    """Lists the pairs of a folder with `raw/` and `mixed/`, matched by name as `mixbridge train` matches them.

    Raises:
        AudioError: it has one of the folders alone, no pair, or two files of one name.
    """
    raw, mixed = dataset_folders(dataset)
    found = match_by_name([raw], [mixed])
    pairs = tuple(NamedPair(pair.name, pair.raw, pair.mixed) for pair in found.pairs if not pair.is_session)
    told = [f"{path}: {sentence}" for path, sentence in found.unmatched]
    told += [
        f"{pair.raw.parent}: is a song of {len(pair.raws)} tracks; left out here: recover it by itself, with --mix "
        f"{pair.mixed}."
        for pair in found.pairs
        if pair.is_session
    ]
    if not pairs:
        raise AudioError(f"{dataset}: has no pairs of one track. {' '.join(told[:_LISTED])}")
    return DatasetContents(pairs, tuple(told))


def recover_dataset(
    dataset: Path | str,
    output: Path | str,
    *,
    jobs: int | None = None,
    overwrite: bool = False,
    effort: Effort = QUICK,
    done: Done | None = None,
    warned: Warned | None = None,
) -> tuple[PairOutcome, ...]:
    """Recovers all pairs of a folder; presets and pages in one folder, by name.

    Args:
        dataset: folder with `raw/` and `mixed/`.
        output: folder of the presets.
        jobs: processes, one core each; None takes as many as there are cores.
        overwrite: recover again what is there already.
        effort: how long each pair is searched.
        done: called with each outcome, how many are done, and of how many.
        warned: called with a sentence, before anything is recovered, where the two folders look swapped.

    Returns:
        Outcomes by name; a pair that is none is one of them, with its problem.

    Raises:
        AudioError: the folder has no pairs.
        OutputError: a preset of that name is there that was made of other files, or another process writes there.
        MixbridgeError: a process was ended from outside.
    """
    check_torch()
    pairs, output = list_pairs(Path(dataset)).pairs, Path(output)
    with one_run_at_a_time(output, "mixbridge recover"):
        return _recovered(pairs, output, jobs or os.cpu_count() or 1, overwrite, effort, done, warned)


def _recovered(
    pairs: Sequence[NamedPair],
    output: Path,
    jobs: int,
    overwrite: bool,
    effort: Effort,
    done: Done | None,
    warned: Warned | None,
) -> tuple[PairOutcome, ...]:
    finish_earlier(output)
    outcomes: dict[str, PairOutcome] = {}
    waiting: list[NamedPair] = []
    for pair in pairs:
        standing = None if overwrite else _standing(pair, output)
        if standing is None:
            waiting.append(pair)
        else:
            _tell(done, outcomes, standing, len(pairs))
    known: dict[str, Lags] = {}
    if warned is not None and (doubt := _swapped(waiting, known)):
        warned(doubt)
    for outcome in _each([(pair, known.get(pair.name)) for pair in waiting], output, jobs, overwrite, effort):
        _tell(done, outcomes, outcome, len(pairs))
    return tuple(outcomes[name] for name in sorted(outcomes))


def table_of(outcomes: Sequence[PairOutcome], unmatched: Sequence[str]) -> str:
    """Writes outcomes as lines: name, what is explained, problem; and what was left out."""
    widest = max((len(outcome.name) for outcome in outcomes), default=4)
    lines = [f"{'name':<{widest}}  explained"]
    for outcome in outcomes:
        told = outcome.problem if outcome.ratio is None else f"{max(0.0, 1 - outcome.ratio):.0%}"
        lines.append(f"{outcome.name:<{widest}}  {told}{'  (was there)' if outcome.was_there else ''}")
    ratios = sorted(outcome.ratio for outcome in outcomes if outcome.ratio is not None)
    if ratios:
        middle = 1 - ratios[len(ratios) // 2]
        lines.append(f"{len(ratios)} of {len(outcomes)} pairs recovered; explained in the middle {middle:.0%}")
    return "\n".join([*lines, *unmatched])


def _swapped(pairs: Sequence[NamedPair], known: dict[str, Lags]) -> str:
    """Says that the folders look swapped, if most of some pairs do; nothing otherwise.

    Args:
        pairs: that are to be recovered.
        known: takes, by name, how the two files of those looked at lie to each other.
    """
    chosen = pairs[:: -(-len(pairs) // _LOOKED_AT) or 1]
    turned = [_is_turned(pair, known) for pair in chosen]
    return swapped_folders(sum(turned), len(turned)) if sum(turned) > len(turned) / 2 else ""


def _is_turned(pair: NamedPair, known: dict[str, Lags]) -> bool:
    try:
        rate_hz = probe(pair.raw).sample_rate_hz
        raw, mixed = read_whole(pair.raw, rate_hz), read_whole(pair.mixed, rate_hz)
        if min(raw.shape[1], mixed.shape[1]) < SHORTEST_S * rate_hz:
            return False
        middle = heard_as_one(raw)
        moved, known[pair.name] = on_time_of(middle, with_sides_upright(raw, mixed), rate_hz)
        return looks_turned(middle, heard_as_one(moved), rate_hz)
    except MixbridgeError:
        return False  # it is told when its turn comes


def _standing(pair: NamedPair, output: Path) -> PairOutcome | None:
    """The preset that is there, if it was made of these files."""
    file = RecoveryFiles.beside(output / f"{pair.name}.json")
    if not file.preset.exists():
        return None
    try:
        preset = load(file.preset)
    except PresetError as error:
        raise OutputError("is there already, and is no preset: choose another folder.", file.preset) from error
    if _sources(preset) != (source_of(pair.raw).sha256, source_of(pair.mixed).sha256):
        raise OutputError(
            "is there already, and was made of other files: choose another folder, or recover everything again.",
            file.preset,
        )
    return PairOutcome(pair.name, ratio_in(preset), True, "", file.preset)


def _sources(preset: Preset) -> tuple[str | None, str | None]:
    source = preset.tracks[0].source if preset.tracks else None
    mixed = preset.provenance.reference
    return (source.sha256 if source else None, mixed.sha256 if mixed else None)


def ratio_in(preset: Preset) -> float | None:
    """Reads what a recovered preset says of the distance that is left; None where it says nothing."""
    told = DISTANCE.search(preset.provenance.note or "")
    return float(told[1]) if told else None


def _tell(done: Done | None, outcomes: dict[str, PairOutcome], outcome: PairOutcome, total: int) -> None:
    outcomes[outcome.name] = outcome
    if done is not None:
        done(outcome, len(outcomes), total)


def _each(
    pairs: Sequence[tuple[NamedPair, Lags | None]], output: Path, jobs: int, overwrite: bool, effort: Effort
) -> Iterator[PairOutcome]:
    """Outcomes in the order in which they are done. Interrupted, it drops what is not done."""
    if jobs == 1 or len(pairs) < 2:
        yield from (_outcome(pair, lags, output, overwrite, effort) for pair, lags in pairs)
        return
    context = multiprocessing.get_context("spawn")
    is_over = context.Event()
    pool = ProcessPoolExecutor(min(jobs, len(pairs)), context, _start_worker, (os.getpid(), is_over))
    try:
        futures = [pool.submit(_outcome, pair, lags, output, overwrite, effort) for pair, lags in pairs]
        for future in as_completed(futures):
            yield future.result()
    except BrokenProcessPool as error:
        raise MixbridgeError(_ENDED.format(min(jobs, len(pairs)))) from error
    except BaseException:
        is_over.set()
        raise
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _start_worker(parent: int, is_over: Event) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides, and says so by the event
    signal.signal(signal.SIGTERM, _drop)
    import torch

    torch.set_num_threads(1)
    _over.append(is_over)
    threading.Thread(target=_watch, args=(parent, is_over), daemon=True).start()


def _drop(*_: object) -> None:
    """Breaks off what this process is at, so that it leaves nothing behind; it takes half a minute to end."""
    raise KeyboardInterrupt


def _watch(parent: int, is_over: Event) -> None:
    """Ends the work of this process when it is over, or when the parent was killed: nobody would take its results."""
    is_dropped = False
    while os.getppid() == parent:
        time.sleep(_WATCH_S)
        if is_over.is_set() and _at_work.is_set() and not is_dropped:
            is_dropped = True
            os.kill(os.getpid(), signal.SIGTERM)
    os._exit(1)


def _outcome(pair: NamedPair, lags: Lags | None, output: Path, overwrite: bool, effort: Effort) -> PairOutcome:
    target = output / f"{pair.name}.json"
    _at_work.set()
    try:
        if any(event.is_set() for event in _over):
            raise KeyboardInterrupt  # it was waiting in the queue of this process
        result = recover(
            pair.raw,
            pair.mixed,
            target,
            name=pair.name,
            overwrite=overwrite,
            with_audio=False,
            effort=effort,
            lags=lags,
        )
    except OutputError:
        # Of a run that was killed a moment ago a process may have delivered it meanwhile.
        standing = None if overwrite else _standing(pair, output)
        if standing is None:
            raise
        return standing
    except MixbridgeError as error:
        return PairOutcome(pair.name, None, False, str(error), None)
    finally:
        _at_work.clear()
    return PairOutcome(pair.name, result.explained.ratio, False, "", target)
