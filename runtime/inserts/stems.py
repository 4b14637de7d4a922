"""Stems of a preset's tracks, each through its inserts: files in a folder for a while, in place of the raw ones."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

import numpy as np
import soundfile as sf

from ...presets.errors import InsertError
from ...presets.inserts.insert import Insert
from ...presets.units import gain_factor
from ..audio.loudness import StreamingLoudness
from ..audio.reading import AudioReader, Samples
from .opening import check_insert
from .playing import played
from .terms import InsertRules

Share = Callable[[float], None]

# More than this is no difference of loudness, but something else that came out.
_MOST_MATCHED_DB: Final = 24.0


def through_inserts(
    stems: Mapping[str, Path],
    inserts: Mapping[str, Sequence[Insert]],
    folder: Path,
    rules: InsertRules,
    progress: Callable[[float, str], None] | None = None,
) -> dict[str, Path]:
    """Play stems through inserts.

    Args:
        stems: files by track name.
        inserts: by track name; the others stay as they are.
        folder: for what they become, as long as it is needed.
        rules: what inserts may do.
        progress: called with 0..1 and what is being done.

    Returns:
        The stems with those that went through inserts in place of the raw ones: at the same rate, as long, float.

    Raises:
        InsertError: one cannot be run; nothing was run if that shows before.
        AudioError: a stem cannot be read.
    """
    used = {name: tuple(inserts[name]) for name in stems if inserts.get(name)}
    for insert in (insert for several in used.values() for insert in several):
        check_insert(insert, rules)
    made = dict(stems)
    for place, (name, several) in enumerate(used.items()):
        if progress is not None:
            progress(place / len(used), f"cleaning {name}" if _only_cleans(several) else f"inserts of {name}")
        for step, insert in enumerate(several):
            target = folder / f"{place}-{step}.wav"
            try:
                _play(made[name], insert, target, rules)
            except InsertError as error:
                raise InsertError(f'Track "{name}": {error}', hints=error.hints) from error
            if step:
                made[name].unlink()
            made[name] = target
    return made


def _only_cleans(inserts: Iterable[Insert]) -> bool:
    return all(insert.kind == "denoise" for insert in inserts)


def _play(source: Path, insert: Insert, target: Path, rules: InsertRules) -> None:
    dry = AudioReader(source)
    if insert.wet == 1 and not insert.match_loudness:
        _write(target, dry, played(dry, insert, rules))
        return
    wet_file = target.with_suffix(".wet.wav")
    rate_hz = dry.sample_rate_hz
    heard, went_in = StreamingLoudness(rate_hz), StreamingLoudness(rate_hz)
    _write(wet_file, dry, _metered(played(dry, insert, rules), heard))
    gain = 1.0
    if insert.match_loudness:
        for block in dry:
            went_in.update(block)
        gain = _matching_gain(went_in.integrated_lufs, heard.integrated_lufs)
    wet, share = AudioReader(wet_file), np.float32(insert.wet)
    mixed = (share * np.float32(gain) * new + (1 - share) * old for old, new in zip(dry, wet, strict=True))
    _write(target, dry, mixed)
    wet_file.unlink()


def _matching_gain(wanted_lufs: float, heard_lufs: float) -> float:
    """The factor between two loudnesses; 1 where one is silent."""
    off_db = wanted_lufs - heard_lufs
    if not math.isfinite(off_db):
        return 1.0
    return gain_factor(max(-_MOST_MATCHED_DB, min(_MOST_MATCHED_DB, off_db)))


def _metered(blocks: Iterable[Samples], meter: StreamingLoudness) -> Iterator[Samples]:
    for block in blocks:
        meter.update(block)
        yield block


def _write(path: Path, like: AudioReader, blocks: Iterable[Samples]) -> None:
    with sf.SoundFile(path, "w", like.sample_rate_hz, like.info.channels, subtype="FLOAT", format="RF64") as file:
        for block in blocks:
            file.write(block.T)
