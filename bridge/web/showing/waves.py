"""Waveforms of whole files, to draw lanes over."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from threading import Lock
from typing import Final

import numpy as np

from ....runtime.audio.reading import AudioReader, Samples

COLUMNS: Final = 1000


class Waves:
    """Finds the highest sample in each part of files; each file is read once. Several threads may use it."""

    def __init__(self) -> None:
        self._known: dict[tuple[Path, float], Samples] = {}
        self._lock = Lock()

    def peaks(self, paths: Sequence[Path], length_s: float) -> Samples:
        """Find the peaks of the loudest of some files.

        Args:
            paths: of audio; none are silence.
            length_s: of the whole picture.

        Returns:
            Shape (1000,); the highest is 1.

        Raises:
            AudioError: a file cannot be read.
        """
        total = np.zeros(COLUMNS, np.float32)
        for path in paths:
            with self._lock:
                if (path, length_s) not in self._known:
                    self._known[path, length_s] = _peaks(path, length_s)
                np.maximum(total, self._known[path, length_s], out=total)
        highest = total.max()
        return total / highest if highest > 0 else total


def _peaks(path: Path, length_s: float) -> Samples:
    reader, peaks, frame = AudioReader(path), np.zeros(COLUMNS, np.float32), 0
    per_column = max(1.0, length_s * reader.sample_rate_hz / COLUMNS)
    for block in reader:
        line = np.abs(block).max(axis=0)
        columns = np.minimum(((frame + np.arange(len(line))) / per_column).astype(np.int64), COLUMNS - 1)
        starts = np.flatnonzero(np.diff(columns, prepend=-1))
        np.maximum.at(peaks, columns[starts], np.maximum.reduceat(line, starts))
        frame += len(line)
    return peaks
