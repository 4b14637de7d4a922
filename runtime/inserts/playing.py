"""A stem through an insert: at its rate, in its blocks, in time with what went in, and checked.

What comes out is as long as the stem, at the stem's rate. Networks may end a little early or late, as their frames
do; more than a tenth of a second is an error.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, closing
from itertools import chain
from typing import Final

import numpy as np
import soxr

from ...presets.errors import InsertError
from ...presets.inserts.insert import Insert
from ...presets.inserts.words import insert_name
from ..audio.reading import HIGHEST_SAMPLE, AudioReader, Samples, first_bad_frame
from .opening import DenoiseInsert, check_insert, open_insert
from .terms import InsertRules, InsertTerms, RunningInsert

_MOST_OFF_S: Final = 0.1
# What hears a whole file at once has it in memory several times.
_LONGEST_WHOLE_S: Final = 3600.0


def played(reader: AudioReader, insert: Insert, rules: InsertRules) -> Iterator[Samples]:
    """What a stem becomes, block by block, shape (channels, n): as many samples as it has.

    Args:
        reader: the stem at its own rate.
        insert: what it goes through.
        rules: what inserts may do.

    Raises:
        InsertError: it cannot be run, or gives what is no sound.
        AudioError: the stem cannot be read.
    """
    check_insert(insert, rules)
    info = reader.info
    with ExitStack() as stack:
        rows = info.channels if insert.kind == "denoise" else insert.channels
        units: list[RunningInsert] = []
        for _ in range(max(1, info.channels // rows)):
            unit = open_insert(insert, rows, info.sample_rate_hz, rules)
            stack.enter_context(closing(unit))
            units.append(unit)
        terms = units[0].terms
        fed = AudioReader(info.path, terms.sample_rate_hz)
        for unit in units:
            if isinstance(unit, DenoiseInsert):
                unit.listen(reader)
        whole = _in_time(_through(fed, units, insert), terms, fed.frames)
        yield from _at_rate(whole, terms.sample_rate_hz, info.sample_rate_hz, info.channels, info.frames)


def _through(reader: AudioReader, units: Sequence[RunningInsert], insert: Insert) -> Iterator[Samples]:
    """Everything that comes out, the latency at its beginning included."""
    terms, name = units[0].terms, insert_name(insert)
    if terms.block_frames is None and reader.info.duration_s > _LONGEST_WHOLE_S:
        raise InsertError(
            f"{name} takes files whole, and {reader.info.path} is longer than an hour: cut it into parts."
        )
    channels, place = reader.info.channels, 0
    for block in _blocks(reader, terms):
        heard = [checked_block(unit.process(part), part, name, terms, place) for unit, part in parts_of(block, units)]
        place += block.shape[1]
        yield joined_rows(heard, channels)


def parts_of(block: Samples, units: Sequence[RunningInsert]) -> Iterator[tuple[RunningInsert, Samples]]:
    """Give what runs an insert with the channels that each takes."""
    rows = units[0].terms.channels
    if rows > len(block):
        block = np.repeat(block, rows, axis=0)
    return zip(units, np.split(block, len(units)), strict=True)


def joined_rows(heard: Sequence[Samples], channels: int) -> Samples:
    """Put together what came of the channels of a stem."""
    rows = np.concatenate(heard)
    return rows if len(rows) == channels else rows.mean(axis=0, keepdims=True, dtype=np.float32)


def _blocks(reader: AudioReader, terms: InsertTerms) -> Iterator[Samples]:
    """What goes in: all of the stem, and silence for what comes out late; in whole blocks where there are such."""
    tail = np.zeros((reader.info.channels, terms.latency_frames), np.float32)
    if terms.block_frames is None:
        yield np.concatenate([*reader, tail], axis=1)
        return
    size, waiting = terms.block_frames, np.zeros((reader.info.channels, 0), np.float32)
    for block in chain(reader, (tail,)):
        waiting = np.concatenate((waiting, block), axis=1)
        while waiting.shape[1] >= size:
            yield waiting[:, :size]
            waiting = waiting[:, size:]
    if waiting.shape[1]:
        yield np.pad(waiting, ((0, 0), (0, size - waiting.shape[1])))


def checked_block(out: Samples, block: Samples, name: str, terms: InsertTerms, place: int) -> Samples:
    """What came out of a block, if it is sound of its length.

    Raises:
        InsertError: it is none.
    """
    where = f"{place / terms.sample_rate_hz:.1f} s"
    if out.ndim != 2 or len(out) != terms.channels:
        raise InsertError(f"{name} gave {len(out)} channels at {where}, and got {terms.channels}.")
    off = out.shape[1] - block.shape[1]
    most_off = _MOST_OFF_S * terms.sample_rate_hz if terms.block_frames is None else 0
    if abs(off) > most_off:
        raise InsertError(
            f"{name} gave {out.shape[1]} samples at {where}, and got {block.shape[1]}: an insert keeps the length. "
            "What comes out later is declared as its latency (`latency_samples`)."
        )
    bad = first_bad_frame(out)
    if bad is not None:
        raise InsertError(f"{name} gave what is no number at {(place + bad) / terms.sample_rate_hz:.3f} s.")
    if np.abs(out).max(initial=0) > HIGHEST_SAMPLE:
        raise InsertError(f"{name} gave samples over {HIGHEST_SAMPLE:.0e} at {where}, which are no sound.")
    return np.pad(out, ((0, 0), (0, -off))) if off < 0 else out[:, : block.shape[1]]


def _in_time(blocks: Iterable[Samples], terms: InsertTerms, frames: int) -> Iterator[Samples]:
    """Without what comes before the stem's first sample, and behind its last."""
    early, left = terms.latency_frames, frames
    for block in blocks:
        heard = block[:, early:][:, :left]
        early = max(0, early - block.shape[1])
        left -= heard.shape[1]
        if heard.shape[1]:
            yield heard


def _at_rate(blocks: Iterable[Samples], rate_hz: int, wanted_hz: int, channels: int, frames: int) -> Iterator[Samples]:
    """So many samples at the stem's rate."""
    if rate_hz == wanted_hz:
        yield from blocks
        return
    stream = soxr.ResampleStream(rate_hz, wanted_hz, channels, dtype="float32", quality="HQ")
    given = 0
    last = [np.zeros((channels, 0), np.float32)]
    for is_last, block in chain(((False, block) for block in blocks), ((True, block) for block in last)):
        out = stream.resample_chunk(np.ascontiguousarray(block.T), last=is_last).T[:, : frames - given]
        given += out.shape[1]
        yield np.ascontiguousarray(out)
    if given < frames:  # the resampler may round its length the other way
        yield np.zeros((channels, frames - given), np.float32)
