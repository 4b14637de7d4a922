"""Voices for the corpus: a melody sung along with a session, and a voice alone such as a podcast or an a cappella.

Which voice, how it is edited and how it is recorded is drawn from one generator, so the same numbers give the same
samples. Sentences and voices kept for testing are never heard in training.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ...presets.errors import AudioError
from . import performances
from .performances import VoiceInfo
from .score import SungNote
from .singers import drawn_singer, sung_by
from .sources import CorpusSources
from .voice_effects import SAMPLE_RATE_HZ
from .voice_recording import drawn_take, record

__all__ = ["VoiceInfo", "lone_voice", "sing"]


def sing(
    notes: Sequence[SungNote], tempo_bpm: float, seconds: float, numbers: np.random.Generator
) -> NDArray[np.float32]:
    """Sings a melody with nonsense syllables, as a raw track aligned with its notes.

    The singer takes the melody into the octave that suits the voice drawn, and moves single notes by an octave where
    they leave its range.

    Args:
        notes: one voice's; times from the start of the track. Where there are none, the track is silent.
        tempo_bpm: of the song; notes are rounded to 24ths of its beat.
        seconds: length of the track.
        numbers: draws voice and recording.

    Returns:
        Shape (samples,), at 44.1 kHz, exactly `seconds` long, peak between -16 and -2.5 dBFS.

    Raises:
        MixbridgeError: pysinsy or pyworld is not installed.
    """
    samples = round(seconds * SAMPLE_RATE_HZ)
    heard = [note for note in notes if 0 <= note.start_s < seconds - 0.1]
    if not heard:
        return np.zeros(samples, np.float32)
    clean = sung_by(drawn_singer(heard, numbers), heard, tempo_bpm, samples, numbers)
    return record(clean, drawn_take(numbers), numbers).astype(np.float32)


def lone_voice(
    sources: CorpusSources, seconds: float, numbers: np.random.Generator, split: str = "train"
) -> tuple[NDArray[np.float32], VoiceInfo]:
    """Draws one performance of one voice without accompaniment: sung, rapped or spoken, with pauses.

    Args:
        sources: for the recorded speaker; without it, or without Flite, the other voices take over.
        seconds: length of the track.
        numbers: draws everything.
        split: "train" or "test"; voices and sentences of the test are not in training.

    Returns:
        The track, shape (samples,) at 44.1 kHz, and what it is.

    Raises:
        AudioError: an unknown split, or unusable recordings.
        MixbridgeError: a voice library is not installed.
    """
    if split not in {"train", "test"}:
        raise AudioError(f"There is no split '{split}' for voices. Use 'train' or 'test'.")
    clean, info = performances.perform(sources.russian_voice, seconds, numbers, split)
    take = drawn_take(numbers)
    return record(clean, take, numbers).astype(np.float32), replace(info, notes=(*info.notes, *take.notes()))
