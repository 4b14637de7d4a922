"""Files through inserts, one after the other; the stems of tracks, in whose place they are for a while."""

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
from ..audio.writing import cannot_write
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
        made[name] = through_chain(made[name], several, folder, rules, f'Track "{name}"', str(place))
    return made


def through_chain(
    source: Path, inserts: Sequence[Insert], folder: Path, rules: InsertRules, owner: str, stem: str = "sum"
) -> Path:
    """Play a file through inserts, one after the other.

    Args:
        source: the file, which stays.
        inserts: at least one.
        folder: for what it becomes.
        rules: what inserts may do.
        owner: whose inserts these are, for errors.
        stem: what the files made are called.

    Returns:
        The file that came out: at the same rate, as long, float.

    Raises:
        InsertError: one fails.
    """
    made = source
    for step, insert in enumerate(inserts):
        target = folder / f"{stem}-{step}.wav"
        try:
            _play(made, insert, target, rules)
        except InsertError as error:
            raise InsertError(f"{owner}: {error}", hints=error.hints) from error
        if step:
            made.unlink()
        made = target
    return made


def _only_cleans(inserts: Iterable[Insert]) -> bool:
    return all(insert.kind == "denoise" for insert in inserts)


def _play(source: Path, insert: Insert, target: Path, rules: InsertRules) -> None:
    dry = AudioReader(source)
    if insert.wet == 1 and not insert.match_loudness:
        _write_like(dry, target, played(dry, insert, rules))
        return
    wet_file = target.with_suffix(".wet.wav")
    rate_hz = dry.sample_rate_hz
    heard, went_in = StreamingLoudness(rate_hz), StreamingLoudness(rate_hz)
    _write_like(dry, wet_file, _metered(played(dry, insert, rules), heard))
    gain = 1.0
    if insert.match_loudness:
        for block in dry:
            went_in.update(block)
        gain = _matching_gain(went_in.integrated_lufs, heard.integrated_lufs)
    wet, share = AudioReader(wet_file), np.float32(insert.wet)
    mixed = (share * np.float32(gain) * new + (1 - share) * old for old, new in zip(dry, wet, strict=True))
    _write_like(dry, target, mixed)
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


def write_float(path: Path, sample_rate_hz: int, channels: int, blocks: Iterable[Samples]) -> None:
    """Write a file of 32-bit floats, of any length.

    Raises:
        OutputError: it cannot be written, such as for a full disk.
    """
    try:
        file = sf.SoundFile(path, "w", sample_rate_hz, channels, subtype="FLOAT", format="RF64")
    except (OSError, sf.SoundFileError) as error:
        raise cannot_write(path, error) from error
    with file:
        for block in blocks:
            try:
                file.write(block.T)
            except (OSError, sf.SoundFileError, AssertionError) as error:
                raise cannot_write(path, error) from error


def _write_like(dry: AudioReader, path: Path, blocks: Iterable[Samples]) -> None:
    write_float(path, dry.sample_rate_hz, dry.info.channels, blocks)
