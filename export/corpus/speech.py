"""Speakers: hibari (synthetic, English), Festival's Russian voice (sentences of a person in a studio), and Flite.

They say sentences one after the other, raw; pauses, pitch and the microphone are made elsewhere.
"""

from __future__ import annotations

import functools
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import soundfile
from numpy.typing import NDArray

from ...presets.errors import AudioError, MixbridgeError
from . import sentences
from .optional import required

# Flite's voices are few: two of them are kept for testing.
FLITE_VOICES = {"train": ("rms", "kal16"), "test": ("slt", "awb")}
_HIBARI_VOICE = "heart"  # the only one inside its package; the others would be fetched while the corpus is built
_MAN = 0.86

Writer = Callable[[np.random.Generator, str], str]
"""Writes a sentence of a split, such as :func:`sentences.talk`."""


class Speaker(Protocol):
    """Says a sentence at a time."""

    @property
    def voice(self) -> str:
        """Gives the name of the voice."""

    @property
    def source(self) -> str:
        """Gives the key of where it comes from."""

    @property
    def licence(self) -> str:
        """Gives the terms of the voice, by their SPDX name."""

    @property
    def sample_rate_hz(self) -> int:
        """Gives the rate of what it says."""

    @property
    def formants(self) -> float:
        """Tells where its formants lie, against a woman's; a man's are near 0.86."""

    def say(self, pace: float, numbers: np.random.Generator) -> NDArray[np.float64]:
        """Says some sentence, shape (samples,); pace above 1 is faster, where the speaker can choose."""
        ...


@dataclass(frozen=True)
class Hibari:
    """Says sentences of a writer, in English."""

    writer: Writer
    split: str
    voice: str = _HIBARI_VOICE
    source: str = "hibari-tts"
    licence: str = "Apache-2.0"
    sample_rate_hz: int = 24000
    formants: float = 1.0

    def say(self, pace: float, numbers: np.random.Generator) -> NDArray[np.float64]:
        """See Speaker."""
        text = self.writer(numbers, self.split)
        seed = int(numbers.integers(2**31))
        return np.asarray(_hibari()(text, seed=seed, speed=pace), np.float64)


@dataclass(frozen=True)
class RecordedSpeaker:
    """Plays recorded sentences of one person, in random order; their pace is as it was spoken.

    Attributes:
        files: the sentences of its split.
    """

    files: tuple[Path, ...]
    voice: str = "msu_ru_nsh"
    source: str = "festvox-ru"
    licence: str = "LicenseRef-festvox-ru"
    sample_rate_hz: int = 16000
    formants: float = _MAN

    def say(self, pace: float, numbers: np.random.Generator) -> NDArray[np.float64]:
        """See Speaker.

        Raises:
            AudioError: a file cannot be read, or has another sample rate.
        """
        del pace
        path = self.files[numbers.integers(len(self.files))]
        audio, rate_hz = _read(path)
        if rate_hz != self.sample_rate_hz:
            raise AudioError(f"{path} has {rate_hz} Hz instead of {self.sample_rate_hz}. Fetch festvox-ru again.")
        return audio


@dataclass(frozen=True)
class Flite:
    """Says sentences of a writer with the command line program of that name."""

    voice: str
    writer: Writer
    split: str
    source: str = "flite"
    licence: str = "LicenseRef-flite"
    sample_rate_hz: int = 16000

    @property
    def formants(self) -> float:
        """See Speaker."""
        return 1.0 if self.voice == "slt" else _MAN

    def say(self, pace: float, numbers: np.random.Generator) -> NDArray[np.float64]:
        """See Speaker.

        Raises:
            MixbridgeError: the program failed.
        """
        text = self.writer(numbers, self.split)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "speech.wav")
            slowness = f"duration_stretch={1 / pace:.4f}"
            command = ["flite", "-voice", self.voice, "--setf", slowness, "-t", text, "-o", str(path)]
            process = subprocess.run(command, capture_output=True, text=True, check=False)
            if process.returncode or not path.exists():
                raise MixbridgeError(
                    f"flite could not speak with its voice '{self.voice}' ({process.stderr.strip() or 'no message'}). "
                    "Install Debian's package flite again, or remove it to build without."
                )
            return _read(path)[0]


def recorded(folder: Path, split: str) -> RecordedSpeaker:
    """Gives the recorded speaker with the sentences of a split.

    Raises:
        AudioError: the folder holds none.
    """
    files = tuple(
        path for path in sorted(folder.glob("*.wav")) if sentences.is_held_out(path.stem) == (split == "test")
    )
    if not files:
        raise AudioError(f"{folder} holds no sentences (*.wav) for '{split}'. Fetch festvox-ru again.")
    return RecordedSpeaker(files)


def has_flite() -> bool:
    """Tells whether the program is installed."""
    return shutil.which("flite") is not None


@functools.cache
def _hibari() -> Any:
    return required("hibari").Hibari(voice=_HIBARI_VOICE, threads=1)


def _read(path: Path) -> tuple[NDArray[np.float64], int]:
    try:
        audio, rate_hz = soundfile.read(path, dtype="float64", always_2d=True)
    except (OSError, RuntimeError) as cause:
        raise AudioError(f"{path} cannot be read as audio ({cause}). Fetch it again.") from cause
    return np.ascontiguousarray(audio[:, 0]), int(rate_hz)
