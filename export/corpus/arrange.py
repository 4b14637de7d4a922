"""Who plays a score: how many parts, on which instruments, and which of them are recorded twice.

Real sessions hold one track or two dozen, mostly six to fourteen; doubles and layers make up the large ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from .general_midi import DRUM_KITS
from .score import Score, ScoreNote, ScorePart
from .synth import Voice

MOST_TRACKS = 24

# Programs that may stand in for each other.
_ALIKE: tuple[tuple[int, ...], ...] = (
    (0, 1, 2, 3), (4, 5), (6, 7), (8, 9, 10, 11, 12, 13, 14), (16, 17, 18), (19, 20), (24, 25), (26, 27, 28), (29, 30),
    (32, 33, 34, 35), (36, 37), (38, 39), (40, 41, 42), (48, 49, 50, 51), (52, 53, 54), (56, 59, 60), (57, 58),
    (61, 62, 63), (64, 65, 66, 67), (68, 69, 70, 71), (72, 73, 74, 75), (80, 81, 82, 84, 87), (88, 89, 91, 94, 95),
    (90, 50, 51, 62), (104, 105, 107),
)  # fmt: skip
_SWAP_CHANCE = 0.5
# Low drums and bass are rarely doubled by a second player, but often by a second microphone or a sample.
_LAYERED_DRUMS = ("kick", "snare")
_ONCE = ("hats", "cymbals", "toms", "percussion")


def arrange(score: Score, fonts: Sequence[str], numbers: np.random.Generator, *, as_written: bool) -> list[Voice]:
    """Chooses the parts that are recorded, with their sounds; at least one, at most MOST_TRACKS.

    Args:
        score: at least one part.
        fonts: keys of the sound fonts to choose from.
        numbers: decides.
        as_written: keep the score's own programs.
    """
    wanted = _wanted(len(score.parts), numbers)
    chosen = sorted(numbers.permutation(len(score.parts))[:wanted])
    drum_font = str(numbers.choice(list(fonts)))
    kit = int(numbers.choice(list(DRUM_KITS)))
    voices = []
    for part in (score.parts[index] for index in chosen):
        if part.is_drum:
            voices.append(Voice(part, drum_font, part.program if as_written else kit))
        else:
            program = part.program if as_written or numbers.random() > _SWAP_CHANCE else _alike(part.program, numbers)
            voices.append(Voice(part, str(numbers.choice(list(fonts))), program))
    return voices + _doubles(voices, wanted - len(voices), fonts, numbers)


def _wanted(parts: int, numbers: np.random.Generator) -> int:
    """Draws how many tracks: mostly what there is, sometimes a sketch, sometimes everything twice."""
    size = numbers.random()
    if size < 0.03:
        return 1
    if size < 0.14:
        return int(numbers.integers(2, 5))
    if size < 0.80:
        return int(np.clip(parts + numbers.integers(0, 3), 6, 14))
    return int(numbers.integers(15, MOST_TRACKS + 1))


def _doubles(voices: Sequence[Voice], count: int, fonts: Sequence[str], numbers: np.random.Generator) -> list[Voice]:
    """Adds takes of what is played; each part is doubled once, then once more."""
    can = [voice for voice in voices if voice.part.role not in _ONCE]
    if count <= 0 or not can:
        return []
    order = [can[index] for _ in range(2) for index in numbers.permutation(len(can))]
    return [_second(voice, number, fonts, numbers) for number, voice in enumerate(order[:count], start=2)]


def _second(voice: Voice, number: int, fonts: Sequence[str], numbers: np.random.Generator) -> Voice:
    part = replace(voice.part, name=f"{voice.part.name}_x{number}")
    if part.role in _LAYERED_DRUMS:
        kit = int(numbers.choice(list(DRUM_KITS)))
        return Voice(part, str(numbers.choice(list(fonts))), kit, notes=(f"layer of {voice.part.name}",))
    part = humanised(part, numbers, spread_s=float(numbers.uniform(0.006, 0.02)))
    detune_cents = float(numbers.normal(0, 5))
    if numbers.random() < 0.5:
        return replace(voice, part=part, detune_cents=detune_cents, notes=(f"double of {voice.part.name}",))
    octave = int(numbers.choice([0, 12], p=[0.8, 0.2])) if part.role != "bass" else 0
    layer = Voice(
        part.transposed(octave), str(numbers.choice(list(fonts))), _alike(voice.program, numbers), detune_cents
    )
    return replace(layer, notes=(f"layer of {voice.part.name}",))


def humanised(part: ScorePart, numbers: np.random.Generator, spread_s: float) -> ScorePart:
    """Plays another take: every note a little early or late, softer or louder."""
    late_s = numbers.normal(0, spread_s, len(part.notes))
    louder = numbers.normal(0, 7, len(part.notes))
    notes = [
        ScoreNote(
            max(note.start_s + float(late), 0.0),
            note.length_s,
            note.pitch,
            int(np.clip(note.velocity + change, 1, 127)),
        )
        for note, late, change in zip(part.notes, late_s, louder, strict=True)
    ]
    return replace(part, notes=tuple(notes))


def _alike(program: int, numbers: np.random.Generator) -> int:
    for programs in _ALIKE:
        if program in programs:
            return int(numbers.choice(programs))
    return program
