"""Singers: ranges and timbres drawn around the one voice that Sinsy has, and melodies for them to sing alone.

A singer is that voice played faster or slower (which costs nothing and moves pitch and formants together), with its
spectrum bent, and now and then taken down an octave by WORLD. The melody is written so that it comes out as asked.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from . import sinsy
from .score import SungNote
from .tuning import tuned
from .voice_effects import SAMPLE_RATE_HZ, Float64Array, Throat, extended, resampled, reshaped

SCALES = ((0, 2, 4, 5, 7, 9, 11), (0, 2, 3, 5, 7, 8, 10), (0, 3, 5, 7, 10), (0, 2, 4, 7, 9))
_SILENCE_S = 2.0  # a pause this long is not synthesised
_EDIT_RATE_HZ = 24000  # WORLD's cost goes with the rate, and the voice has little above 12 kHz
_MIDDLE_PITCH = 70
_LOW_HZ, _HIGH_HZ = 250.0, 850.0  # of Sinsy's voice, with vibrato


@dataclass(frozen=True)
class Singer:
    """A singer made of Sinsy's voice.

    Attributes:
        semitones: moved by playing faster or slower, formants too.
        alpha: see :func:`sinsy.sing_phrase`.
        throat: an edit by WORLD, pitch by whole semitones; None for none.
    """

    semitones: int
    alpha: float
    throat: Throat | None = None

    @property
    def shift(self) -> int:
        """Gives semitones from what Sinsy sings to what is heard."""
        return self.semitones + (round(self.throat.pitch_semitones) if self.throat else 0)

    def notes(self) -> list[str]:
        """Lists the edits in words."""
        edits = [f"played {self.semitones:+d} semitones", f"alpha {self.alpha:.3f}"]
        if self.throat:
            edits.append(f"WORLD {self.throat.pitch_semitones:+.0f} semitones, formants x{self.throat.formants:.2f}")
        return edits


def drawn_singer(notes: Sequence[SungNote], numbers: np.random.Generator) -> Singer:
    """Draws a singer for a melody: mostly women and children of Sinsy's kind, one in five a man by way of WORLD."""
    semitones = int(numbers.choice(fitting_shifts(notes)))
    # Formants that playing moved far are bent half of the way back.
    alpha = float(np.clip(0.55 + 0.004 * semitones + numbers.normal(0, 0.01), 0.515, 0.585))
    if numbers.random() >= 0.2:
        return Singer(semitones, alpha)
    return Singer(semitones, alpha, Throat(float(numbers.uniform(0.84, 1.0)), -12.0, float(numbers.uniform(0, 0.12))))


def fitting_shifts(notes: Sequence[SungNote]) -> list[int]:
    """Finds semitones from what Sinsy sings to what is heard, for which (nearly) most of a melody is in tune."""
    shifts = range(-6, 6)
    in_tune = [sum(note.length_s for note in notes if (note.pitch - shift) % 12 in sinsy.IN_TUNE) for shift in shifts]
    return [shift for shift, length_s in zip(shifts, in_tune, strict=True) if length_s >= 0.98 * max(in_tune)]


def sung_by(
    singer: Singer, notes: Sequence[SungNote], tempo_bpm: float, samples: int, numbers: np.random.Generator
) -> Float64Array:
    """Sings a melody as that singer does, clean, shape (samples,) at SAMPLE_RATE_HZ."""
    track = np.zeros(samples)
    beat_s = 60 / tempo_bpm
    for phrase in sinsy.phrases(in_range(notes, singer.shift), max(_SILENCE_S, 3 * beat_s)):
        voice = _sung_phrase(singer, phrase, tempo_bpm, numbers)
        lead_in_s = sinsy.LEAD_IN_TICKS / sinsy.TICKS_PER_BEAT * beat_s
        start = round((phrase[0].start_s - lead_in_s) * SAMPLE_RATE_HZ)
        voice = voice[max(-start, 0) :]
        start = max(start, 0)
        track[start : start + len(voice)] += voice[: samples - start]
    return track


def in_range(notes: Sequence[SungNote], shift: int) -> list[SungNote]:
    """Moves notes to what Sinsy has to sing before a shift: in its range, some an octave off."""
    middle = float(np.median([note.pitch for note in notes]))
    move = 12 * round((_MIDDLE_PITCH + shift - middle) / 12) - shift
    return [
        SungNote(note.start_s, note.length_s, sinsy.folded(note.pitch + move, sinsy.LOWEST_PITCH, sinsy.HIGHEST_PITCH))
        for note in notes
    ]


def drawn_melody(seconds: float, numbers: np.random.Generator) -> tuple[list[SungNote], float]:
    """Draws a melody to sing alone, and its tempo in bpm: phrases with rests, motifs that come back."""
    tempo_bpm = float(numbers.uniform(68, 132))
    step_s = 60 / tempo_bpm / 4
    scale, root = SCALES[numbers.integers(len(SCALES))], int(numbers.integers(12))
    pitches = [pitch for pitch in range(sinsy.LOWEST_PITCH, sinsy.HIGHEST_PITCH + 1) if (pitch - root) % 12 in scale]
    motifs = [_motif(len(pitches), numbers) for _ in range(3)]
    notes: list[SungNote] = []
    now = int(numbers.integers(2, 8))
    while now * step_s < seconds - 1:
        for length, degree in motifs[numbers.integers(3)]:
            notes.append(SungNote(now * step_s, length * step_s * 0.96, pitches[degree]))
            now += length
        now += int(numbers.choice([1, 2, 4, 4, 8, 8, 20]))
    return [note for note in notes if note.start_s + note.length_s < seconds], tempo_bpm


def _motif(degrees: int, numbers: np.random.Generator) -> list[tuple[int, int]]:
    """Draws a phrase as (length in 16ths, degree of the scale), its last note held."""
    degree = int(numbers.integers(degrees))
    motif = []
    for _ in range(int(numbers.integers(5, 15))):
        degree = int(np.clip(degree + numbers.choice([-3, -2, -1, -1, 0, 0, 1, 1, 2, 3]), 0, degrees - 1))
        motif.append((int(numbers.choice([1, 2, 2, 2, 3, 4, 4, 6])), degree))
    return [*motif, (int(numbers.choice([6, 8, 12])), degree)]


def _sung_phrase(
    singer: Singer, phrase: Sequence[SungNote], tempo_bpm: float, numbers: np.random.Generator
) -> Float64Array:
    faster = 2 ** (singer.semitones / 12)
    voice = sinsy.sing_phrase(phrase, tempo_bpm, faster, singer.alpha, numbers)
    lead_in_s = sinsy.LEAD_IN_TICKS / sinsy.TICKS_PER_BEAT * 60 / tempo_bpm
    origin_s = phrase[0].start_s - lead_in_s
    meant = [SungNote((note.start_s - origin_s) * faster, note.length_s * faster, note.pitch) for note in phrase]
    voice = tuned(voice, sinsy.SAMPLE_RATE_HZ, meant, (_LOW_HZ, _HIGH_HZ), numbers)
    if singer.throat is None:
        return resampled(voice, sinsy.SAMPLE_RATE_HZ, faster)
    narrow = resampled(voice, sinsy.SAMPLE_RATE_HZ * SAMPLE_RATE_HZ / _EDIT_RATE_HZ)
    edited = reshaped(narrow, _EDIT_RATE_HZ, singer.throat, _LOW_HZ, _HIGH_HZ)
    return extended(resampled(edited, _EDIT_RATE_HZ, faster), 0.48 * _EDIT_RATE_HZ * faster, numbers)
