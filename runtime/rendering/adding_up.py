"""Lets stems behind the master add up to the mix to the last bit but one.

Stems are rounded one by one, and what the master's equalizer does to each is not, to the last bits, what it does to
their sum. That difference is put into the loudest stem, where nobody can hear it.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ..audio.opening import OneWayFile
from ..audio.reading import BLOCK_FRAMES
from ..audio.writing import AudioFormat, AudioWriter


def add_up(mix: Path, stems: Sequence[Path], loudest: Path, gain: float, audio_format: AudioFormat) -> None:
    """Changes one stem so that all of them together are the mix.

    Args:
        mix: the finished mix.
        stems: those of tracks without a group, with the buses; as long as the mix.
        loudest: the one to change.
        gain: of all stems alike.
        audio_format: of the files.

    Raises:
        OutputError: the disk is full.
    """
    scratch = mix.with_name("difference.raw")
    with OneWayFile(mix) as file:
        frames, rate_hz = file.frames, file.samplerate
    rest = np.memmap(scratch, np.float64, "w+", shape=(frames, 2))
    try:
        _add(rest, mix, gain)
        for stem in stems:
            _add(rest, stem, -1.0)
        _add(rest, loudest, 1.0)
        changed = mix.with_name(f"changed{loudest.suffix}")
        with AudioWriter(changed, rate_hz, 2, frames, audio_format) as writer:
            for begin in range(0, frames, BLOCK_FRAMES):
                writer.write(rest[begin : begin + BLOCK_FRAMES].T.astype(np.float32))
        changed.replace(loudest)
    finally:
        del rest
        scratch.unlink(missing_ok=True)


def _add(total: np.memmap[tuple[int, int], np.dtype[np.float64]], path: Path, gain: float) -> None:
    with OneWayFile(path) as file:
        for begin in range(0, len(total), BLOCK_FRAMES):
            rows = total[begin : begin + BLOCK_FRAMES]
            rows += gain * file.read(len(rows), dtype="float64", always_2d=True)
