"""A whole run: pairs matched, checked and recovered, passages analysed, the model tuned; resumable at any moment.

A run's folder holds `config.json`, `pairs.json`, `presets/`, `cache/`, `checkpoints/`, `csv/` and `tensorboard/`.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from torch import Tensor

from ...presets.errors import ModelError
from ...runtime.in_use import one_run_at_a_time
from ..compact.bands import BAND_COUNT, BandPowers
from ..compact.model import CompactModel
from ..pairs.pairing import PairList, TuningPair, match_by_name
from ..whole_files import write_text
from .config import TuningConfig
from .data import PairPassages, load_passages
from .material.recovering import PRESETS, RecoveredPairs, recover_pairs
from .model import REFERENCE_FRAMES, Base, TunedModel, load_base
from .records import CONFIG, TuningRun, check_run, described, keep_pairs
from .settings import effects_of
from .training import Say, TuningData, embeddings_of, fit
from .waveforms import heard_as_waveforms, references_as_waveforms

_LEAST_PAIRS = 2
_PAIRS_WANTED = 10


def train_pairs(
    config: TuningConfig, run: Path, say: Say, chosen: Callable[[PairList], PairList] | None = None
) -> bool:
    """Trains on pairs, or goes on where the run in this folder stopped.

    Args:
        config: of the run.
        run: its folder.
        say: told how it goes.
        chosen: leaves pairs out that are wrong, and tells of them; None takes all that match.

    Returns:
        Whether it came to its end.

    Raises:
        AudioError: no pair can be used.
        ModelError: what it begins with is no model, or the run was begun with other settings.
        OutputError: the folder cannot be written, holds something else, or another process trains there.
    """
    with one_run_at_a_time(run, "mixbridge train"):
        return _trained(config, run, say, chosen)


def _trained(config: TuningConfig, run: Path, say: Say, chosen: Callable[[PairList], PairList] | None) -> bool:
    check_run(run, config)
    write_text(run / CONFIG, json.dumps(described(config), indent=1) + "\n")  # first: by it the folder is known again
    torch.set_num_threads(config.threads)
    base = load_base(config.start, config.seed)
    matched = match_by_name(config.track_root_dirs, config.mix_root_dirs)
    if chosen is not None:
        matched = chosen(matched)
    pairs = [pair for pair in matched.pairs if len(pair.raws) <= config.max_tracks]
    recovered = recover_pairs(pairs, run / PRESETS, config.presets, config.num_workers, _counting(say, "recovered"))
    for name, problem in recovered.problems.items():
        say(f"left out: {name}: {problem}")
    usable = [pair for pair in pairs if pair.name in recovered.presets]
    if len(usable) < _LEAST_PAIRS:
        raise ModelError(f"{run}: {len(usable)} pairs can be used; at least {_LEAST_PAIRS} are needed, better 100.")
    if len(usable) < _PAIRS_WANTED:
        say(f"only {len(usable)} pairs: a style is learned from {_PAIRS_WANTED} or more.")
    train, held_out = split(usable, config.held_out, config.track_root_dirs)
    effects = effects_of([recovered.presets[pair.name] for pair in train])
    started = TuningRun(
        run,
        config,
        {pair.name: pair for pair in usable},
        tuple(pair.name for pair in train),
        tuple(pair.name for pair in held_out),
        effects,
        base.identity,
    )
    keep_pairs(started)
    tuned = TunedModel(base)
    tuned.freeze(config.are_encoders_frozen, config.frozen_layers, config.adapters)
    data = _analysed(started, recovered, base, tuned, say)
    return fit(tuned.train(), config, data, run, say)


def split(
    pairs: Sequence[TuningPair], share: float, roots: Sequence[Path]
) -> tuple[list[TuningPair], list[TuningPair]]:
    """Holds a share of the pairs out, at least one; by what is recorded: copies of one file stay together.

    Which ones depends on their names alone, so that a pair more or less changes little.
    """
    ordered = sorted(pairs, key=lambda pair: hashlib.sha256(_song(pair, roots).encode()).digest())
    count = min(max(1, round(share * len(pairs))), len(pairs) - 1)
    held = {_song(pair, roots) for pair in ordered[:count]}
    parts = [[pair for pair in pairs if (_song(pair, roots) in held) == is_held] for is_held in (False, True)]
    return (parts[0], parts[1]) if parts[0] else (list(pairs[1:]), list(pairs[:1]))


def _song(pair: TuningPair, roots: Sequence[Path]) -> str:
    """Names what belongs together: the song whose folder a track is in, or the file."""
    folder = pair.raw.parent
    is_alone = pair.is_session or folder.resolve() in {root.resolve() for root in roots}
    return pair.name if is_alone else f"{folder}/"


def _analysed(run: TuningRun, recovered: RecoveredPairs, base: Base, tuned: TunedModel, say: Say) -> TuningData:
    """Analyses all pairs, and begins the model with what they are like."""
    tell = _counting(say, "analysed")
    cache = run.folder / "cache"
    names = (*run.train, *run.held_out)
    found: dict[str, PairPassages] = {}
    for name in names:
        found[name] = load_passages(
            run.pairs[name],
            recovered.presets[name],
            run.effects.reverb,
            base.track_level_lufs,
            run.config.role,
            cache,
        )
        tell(name, len(found), len(names))
    train, held_out = [found[name] for name in run.train], [found[name] for name in run.held_out]
    tuned.eval()
    if isinstance(tuned.base, CompactModel):
        heard = {name: embeddings_of(tuned, pair) for name, pair in found.items()}
        references = [_references(tuned.base, pair.mixed) for pair in train]
    else:
        heard = {name: heard_as_waveforms(tuned.base, run.pairs[name], base, cache) for name in names}
        references = [references_as_waveforms(tuned.base, run.pairs[name], base, cache) for name in run.train]
    tuned.begin_with(torch.cat(references), torch.cat([heard[name].flatten(0, 1) for name in run.train]))
    if not run.config.are_encoders_frozen:
        return TuningData(train, held_out, None, None)
    return TuningData(train, held_out, [heard[name] for name in run.train], [heard[name] for name in run.held_out])


def _references(base: CompactModel, mixed: BandPowers) -> Tensor:
    """Embeds mixed passages; what stands over time is its mean, as short as the graphs take."""
    with torch.no_grad():
        whole = base.encode_reference(mixed)
    fixed = base.config.reference_statistics.stop
    over_time = whole[:, fixed:].reshape(len(whole), 2 * BAND_COUNT, -1)
    still = over_time.mean(-1, keepdim=True).expand(-1, -1, REFERENCE_FRAMES).flatten(1)
    return torch.cat((whole[:, :fixed], still), dim=-1)


def _counting(say: Say, what: str) -> Callable[[str, int, int], None]:
    """Tells how many pairs are done, with the time left."""
    began_s = time.monotonic()

    def tell(name: str, number: int, total: int) -> None:
        took_s = time.monotonic() - began_s
        left_s = took_s / number * (total - number)
        say(f"{what} {number} of {total}: {name}" + (f"; about {left_s:.0f} s left" if number < total else ""))

    return tell
