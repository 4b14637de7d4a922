"""The settings that made each pair, recovered into the run's folder, or taken from where they were recovered before."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from ....presets.errors import MixbridgeError, PresetError
from ....presets.files import load
from ....presets.preset import Preset
from ...pairs.pairing import TuningPair
from ...recovery.files import recover, recover_mix, source_of
from ...recovery.passages import QUICK
from .pool import each

Done = Callable[[str, int, int], None]

PRESETS = "presets"


@dataclass(frozen=True)
class RecoveredPairs:
    """What became of the pairs.

    Attributes:
        presets: by name of the pair.
        problems: sentences on pairs of which nothing was recovered, by name.
    """

    presets: Mapping[str, Preset]
    problems: Mapping[str, str]


def recover_pairs(
    pairs: Sequence[TuningPair], folder: Path, known: Path | None, jobs: int | None, done: Done
) -> RecoveredPairs:
    """Recovers the settings of pairs; what is there already and was made of the same files is kept.

    Args:
        pairs: the pairs.
        folder: of the presets, in the run.
        known: folder of presets that were recovered before.
        jobs: processes.
        done: called with the name, how many are done, and of how many.
    """
    presets: dict[str, Preset] = {}
    problems: dict[str, str] = {}
    waiting = []
    for pair in pairs:
        standing = next((found for place in (known, folder) if place and (found := _standing(pair, place))), None)
        if standing is None:
            waiting.append(pair)
        else:
            presets[pair.name] = standing
            done(pair.name, len(presets), len(pairs))
    for pair, problem in each(partial(_recovered, folder), waiting, jobs):
        if problem:
            problems[pair.name] = problem
        else:
            presets[pair.name] = load(folder / f"{pair.name}.json")
        done(pair.name, len(presets) + len(problems), len(pairs))
    return RecoveredPairs(presets, problems)


def _recovered(folder: Path, pair: TuningPair) -> str:
    """Recovers one pair; gives what is wrong with it, or nothing."""
    file = folder / f"{pair.name}.json"
    try:
        if pair.is_session:
            recover_mix(dict(pair.raws), pair.mixed, file, overwrite=True, with_audio=False)
        else:
            recover(pair.raw, pair.mixed, file, overwrite=True, with_audio=False, effort=QUICK)
    except MixbridgeError as error:
        return str(error)
    return ""


def _standing(pair: TuningPair, folder: Path) -> Preset | None:
    """The preset that is there, if it was made of these files."""
    file = folder / f"{pair.name}.json"
    try:
        preset = load(file)
    except (PresetError, OSError):
        return None
    made_of = {track.source.sha256 for track in preset.tracks if track.source is not None}
    mixed = preset.provenance.reference
    if mixed is None or mixed.sha256 != source_of(pair.mixed).sha256:
        return None
    return preset if made_of == {source_of(path).sha256 for path in pair.raws.values()} else None
