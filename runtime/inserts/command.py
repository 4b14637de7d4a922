"""A program as an insert: it reads a WAV file and writes one.

It is started by its arguments as they are, without a shell, in an empty folder of its own; nothing is typed into it,
and what it prints is shown only where it fails.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Final

import numpy as np

from ...presets.errors import AudioError, InsertError
from ...presets.inserts.insert import PLACE_IN, PLACE_IN_FOLDER, PLACE_MODEL, PLACE_OUT, PLACE_OUT_FOLDER, Insert
from ...presets.inserts.words import insert_name
from ..audio.reading import AudioReader, Samples
from ..audio.writing import write_samples
from ..isolated.endings import ending_words, hanging_words, last_words
from ..isolated.process import kill_group
from .terms import InsertTerms

_MOST_SAID: Final = 2**20


class CommandInsert:
    """A program that is run once for a file.

    Args:
        insert: which one.
        terms: on which.
        model: the file for `{model}`; None where the command has no such place.
    """

    def __init__(self, insert: Insert, terms: InsertTerms, model: Path | None):
        self.terms = terms
        self._insert, self._model, self._name = insert, model, insert_name(insert)
        self._said = b""

    def process(self, block: Samples) -> Samples:
        """All samples, shape (channels, n)."""
        with tempfile.TemporaryDirectory(prefix="mixbridge-insert-") as folder:
            # Of one name: some programs are told a folder, and call what they write like what they read.
            source, target = (Path(folder) / name / "track.wav" for name in ("in", "out"))
            source.parent.mkdir()
            target.parent.mkdir()
            write_samples(source, block, self.terms.sample_rate_hz)
            self._run(Path(folder), source, target)
            return self._read(_written(target))

    def close(self) -> None:
        """Does nothing: a program ends by itself, or is ended."""

    def _run(self, folder: Path, source: Path, target: Path) -> None:
        places = {
            PLACE_IN: str(source),
            PLACE_IN_FOLDER: str(source.parent),
            PLACE_OUT: str(target),
            PLACE_OUT_FOLDER: str(target.parent),
            PLACE_MODEL: str(self._model or ""),
        }
        arguments = [_filled(part, places) for part in self._insert.command or ()]
        program = shutil.which(arguments[0])
        if program is None:
            raise InsertError(f"{self._name}: there is no program {arguments[0]} here. Install it, or name its path.")
        with (folder / "said.txt").open("w+b") as said:
            process = subprocess.Popen(
                [program, *arguments[1:]],
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
                start_new_session=True,
            )
            try:
                code = process.wait(self._insert.timeout_s)
            except subprocess.TimeoutExpired as error:
                raise InsertError(
                    f"{self._name} {hanging_words(self._insert.timeout_s)}. `timeout_s` of the insert gives it more."
                ) from error
            finally:
                kill_group(process)
                process.wait()
            said.seek(0)
            self._said = said.read(_MOST_SAID)
            if code:
                raise InsertError(f"{self._name} {_ending(code)}{_said(self._said)}")

    def _read(self, target: Path) -> Samples:
        if not target.is_file() or target.is_symlink():
            raise InsertError(f"{self._name} wrote no sound to {PLACE_OUT}{_said(self._said)}")
        try:
            reader = AudioReader(target)
            if reader.sample_rate_hz != self.terms.sample_rate_hz:
                raise InsertError(
                    f"{self._name} wrote sound at {reader.sample_rate_hz} Hz, and got it at "
                    f"{self.terms.sample_rate_hz} Hz: say which rate it works at (`sample_rate_hz`)."
                )
            return np.concatenate(list(reader), axis=1)
        except AudioError as error:
            raise InsertError(f"{self._name} wrote what cannot be used: {_without(error, target)}") from error


def _written(target: Path) -> Path:
    """What a program wrote: the file that it was told, or else the only WAV file in its folder."""
    others = [path for path in target.parent.iterdir() if path.suffix.lower() == ".wav"]
    return others[0] if not target.exists() and len(others) == 1 else target


def _filled(part: str, places: dict[str, str]) -> str:
    """Put files into an argument; a file's own name is not searched for places again."""
    for place, path in places.items():
        if place in part:
            before, _, after = part.partition(place)
            return _filled(before, places) + path + _filled(after, places)
    return part


def _ending(code: int) -> str:
    return ending_words(code) if code < 0 else f"failed (exit code {code})"


def _said(printed: bytes) -> str:
    said = last_words(printed)
    return f": {said}" if said else "."


def _without(error: AudioError, path: Path) -> str:
    return str(error).replace(str(path), PLACE_OUT)
