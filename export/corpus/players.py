"""Players: what an instrument of a certain habit plays in one bar of a song.

A player gets the bar's harmony, and numbers that come back whenever the same bar of the same kind of section does,
so that its figures repeat as a riff would. It gives hits on a grid of sixteenths; time and sound are not its business.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

STEPS = 16
"""Sixteenths in a bar."""


@dataclass(frozen=True)
class Hit:
    """A note on the grid: start and length in sixteenths from the start of the bar, force 0 to 1."""

    step: float
    length: float
    pitch: int
    force: float = 0.7


@dataclass(frozen=True)
class BarHarmony:
    """What all players of a bar know.

    Attributes:
        tonic: pitch class.
        scale: seven semitone offsets from the tonic.
        degree: of the bar's chord, 0 the tonic's.
        following: degree of the next bar's chord.
        sevenths: chords have four notes.
        energy: of the section, 0 to 1.
        kick: steps of the bass drum.
    """

    tonic: int
    scale: tuple[int, ...]
    degree: int
    following: int
    sevenths: bool
    energy: float
    kick: tuple[int, ...]

    def tone(self, degree: int, low: int) -> int:
        """Gives the lowest key from `low` on that is this degree of the scale."""
        pitch_class = (self.tonic + self.scale[degree % 7]) % 12
        return low + (pitch_class - low) % 12

    def run(self, degree: int, low: int) -> int:
        """Counts a degree upwards from the lowest tonic at or over `low`, octaves included."""
        octave, step = divmod(degree, 7)
        return self.tone(0, low) + 12 * octave + self.scale[step]

    def chord(self, low: int) -> list[int]:
        """Gives the chord's keys within an octave from `low`, so that neighbouring chords lie close."""
        return sorted(self.tone(self.degree + third, low) for third in (0, 2, 4, 6)[: 3 + self.sevenths])

    def root(self, low: int) -> int:
        """Gives the chord's root, the lowest key from `low` on."""
        return self.tone(self.degree, low)

    def fifth(self, low: int) -> int:
        """Gives the chord's fifth over that root."""
        root = self.root(low)
        return root + (self.tone(self.degree + 4, root) - root)


Player = Callable[[BarHarmony, int, np.random.Generator], list[Hit]]
"""(bar, lowest key, numbers) -> hits."""


def _steps(pattern: str) -> list[int]:
    return [step for step, sign in enumerate(pattern) if sign != "."]


def _bass_eighths(bar: BarHarmony, low: int, numbers: np.random.Generator) -> list[Hit]:
    root = bar.root(low)
    last = [root, bar.fifth(low), bar.tone(bar.following - 1, low)][numbers.integers(3)]
    return [Hit(step, 1.8, root if step < 14 else last, 0.8 if step % 4 == 0 else 0.65) for step in range(0, STEPS, 2)]


def _bass_long(bar: BarHarmony, low: int, numbers: np.random.Generator) -> list[Hit]:
    turn = int(numbers.choice([8, 10, 12]))
    return [Hit(0, turn - 0.3, bar.root(low), 0.75), Hit(turn, 15.7 - turn, bar.fifth(low), 0.6)]


def _bass_kick(bar: BarHarmony, low: int, numbers: np.random.Generator) -> list[Hit]:
    starts = bar.kick or (0, 8)
    ends = (*starts[1:], STEPS)
    return [
        Hit(start, max(end - start - 0.3, 0.6), bar.root(low), 0.8) for start, end in zip(starts, ends, strict=True)
    ]


def _bass_funk(bar: BarHarmony, low: int, numbers: np.random.Generator) -> list[Hit]:
    root = bar.root(low)
    pitches = [root, root, root + 12, root + 10, bar.fifth(low)]
    steps = [0, *sorted(numbers.choice(np.arange(2, STEPS), size=6, replace=False))]
    return [Hit(float(s), float(numbers.choice([0.7, 1.4])), int(numbers.choice(pitches)) if s else root,
                float(numbers.uniform(0.6, 0.95))) for s in steps]  # fmt: skip


def _bass_octaves(bar: BarHarmony, low: int, numbers: np.random.Generator) -> list[Hit]:
    return [Hit(step, 1.5, bar.root(low) + (12 if step % 4 else 0), 0.75) for step in range(0, STEPS, 2)]


def _bass_offbeat(bar: BarHarmony, low: int, numbers: np.random.Generator) -> list[Hit]:
    steps = _steps("..x...x...x...x.") if numbers.random() < 0.5 else _steps("..xx..x.x.xx..xx")
    return [Hit(step, 1.5, bar.root(low), 0.8) for step in steps]


def _bass_sixteenths(bar: BarHarmony, low: int, numbers: np.random.Generator) -> list[Hit]:
    high = int(numbers.integers(3, 8))
    return [Hit(s, 0.9, bar.root(low) + (12 if s % 8 == high else 0), 0.8 if s % 4 == 0 else 0.6) for s in range(STEPS)]


def _bass_reggae(bar: BarHarmony, low: int, numbers: np.random.Generator) -> list[Hit]:
    root, fifth = bar.root(low), bar.fifth(low)
    lines = (((0, 3, root), (4, 2, fifth), (7, 1, root), (8, 3, root), (12, 2, fifth)),
             ((2, 2, root), (6, 2, root), (8, 3, fifth), (12, 3, root + 12)))  # fmt: skip
    return [Hit(step, length, pitch, 0.8) for step, length, pitch in lines[numbers.integers(2)]]


def _bass_tumbao(bar: BarHarmony, low: int, numbers: np.random.Generator) -> list[Hit]:
    ahead = bar.tone(bar.following, low)
    return [Hit(0, 3, bar.root(low), 0.6), Hit(6, 4, bar.fifth(low), 0.75), Hit(12, 3.8, ahead, 0.8)]


def _bass_walk(bar: BarHarmony, low: int, numbers: np.random.Generator) -> list[Hit]:
    target = bar.tone(bar.following, low)
    third = bar.tone(bar.degree + 2, low)
    line = [bar.root(low), third, bar.fifth(low), target + int(numbers.choice([-1, 1]))]
    return [Hit(4 * beat, 3.7, pitch, 0.75) for beat, pitch in enumerate(line)]


def _bass_two(bar: BarHarmony, low: int, numbers: np.random.Generator) -> list[Hit]:
    return [Hit(0, 3.5, bar.root(low), 0.8), Hit(8, 3.5, bar.fifth(low), 0.7)]


def _power(bar: BarHarmony, low: int, numbers: np.random.Generator) -> list[Hit]:
    patterns = ("x..x..x.x..x..x.", "x.....x.x.....x.", "x.x.x.x.x.x.x.x.", "x...x...x...x...", "x...............")
    steps = _steps(patterns[numbers.integers(len(patterns))])
    root = bar.root(low)
    lengths = np.diff([*steps, STEPS])
    return [Hit(step, length * 0.95, pitch, 0.85) for step, length in zip(steps, lengths.tolist(), strict=True)
            for pitch in (root, bar.fifth(low), root + 12)]  # fmt: skip


def _chug(bar: BarHarmony, low: int, numbers: np.random.Generator) -> list[Hit]:
    root = bar.root(low)
    if bar.energy > 0.95:
        return [Hit(s, 3.8, p, 0.9) for s in range(0, STEPS, 4) for p in (root, bar.fifth(low), root + 12)]
    steps = bar.kick or (0, 4, 8, 12)
    accent = int(numbers.choice([3, 6, 10, 14]))
    damped = [Hit(step, 0.8, pitch, 0.8) for step in steps for pitch in (root, root + 7)]
    return [*damped, Hit(accent, 1.6, bar.tone(bar.degree + 1, root), 0.95)]


def _comp(bar: BarHarmony, low: int, numbers: np.random.Generator) -> list[Hit]:
    patterns = ("x.....x...x.....", "x...x...x...x...", "x..x..x...x.....", "..x...x.....x...", "x.......x.x.....")
    steps = _steps(patterns[numbers.integers(len(patterns))])
    return [Hit(s, 2.6, p, float(numbers.uniform(0.5, 0.7))) for s in steps for p in bar.chord(low)]


def _sixteenths(bar: BarHarmony, low: int, numbers: np.random.Generator) -> list[Hit]:
    steps = [s for s in range(STEPS) if numbers.random() < 0.55]
    return [Hit(s, 0.7, p, 0.5 + 0.2 * (s % 4 == 0)) for s in steps for p in bar.chord(low)[:3]]


def _strum(bar: BarHarmony, low: int, numbers: np.random.Generator) -> list[Hit]:
    patterns = ("x...x.x...x.x.x.", "x...x.xx..xxx.x.", "x.x.x.x.x.x.x.x.", "x.......x...x...")
    steps = _steps(patterns[numbers.integers(len(patterns))])
    strings = [*bar.chord(low), *[pitch + 12 for pitch in bar.chord(low)[:2]]]
    # Down strokes start on the low string, up strokes on the high one.
    return [Hit(s + 0.08 * i, 1.9, p, 0.7 if s % 4 == 0 else 0.5) for s in steps
            for i, p in enumerate(strings if s % 4 == 0 else strings[::-1])]  # fmt: skip


def _skank(bar: BarHarmony, low: int, numbers: np.random.Generator) -> list[Hit]:
    patterns = ("..x.x.x...x.x.xx", "....x..x....x..x", "x.xx..x.x.xx..x.", "..x...x...x...x.")
    steps = _steps(patterns[numbers.integers(len(patterns))])
    return [Hit(s, 0.5, p, float(numbers.uniform(0.5, 0.75))) for s in steps for p in bar.chord(low)[:3]]


def _offbeat(bar: BarHarmony, low: int, numbers: np.random.Generator) -> list[Hit]:
    return [Hit(s, 1.0, p, 0.6) for s in (2, 6, 10, 14) for p in bar.chord(low)[:3]]


def _bubble(bar: BarHarmony, low: int, numbers: np.random.Generator) -> list[Hit]:
    return [Hit(s, 0.8, p, 0.5) for s in (2, 3, 6, 7, 10, 11, 14, 15) for p in bar.chord(low)[:3]]


def _montuno(bar: BarHarmony, low: int, numbers: np.random.Generator) -> list[Hit]:
    chord = bar.chord(low)
    order = numbers.permutation(len(chord))
    return [Hit(s, 1.2, chord[order[i % len(chord)]] + octave, 0.7)
            for i, s in enumerate((0, 3, 4, 6, 7, 10, 11, 14)) for octave in (0, 12)]  # fmt: skip


def _stabs(bar: BarHarmony, low: int, numbers: np.random.Generator) -> list[Hit]:
    steps = numbers.choice([0, 3, 6, 7, 10, 12, 14], size=numbers.integers(1, 4), replace=False).tolist()
    return [Hit(s, 1.4, p, 0.85) for s in steps for p in bar.chord(low)[:3]]


def _pad(bar: BarHarmony, low: int, numbers: np.random.Generator) -> list[Hit]:
    return [Hit(0, 15.9, pitch, 0.45) for pitch in bar.chord(low)]


def _arpeggio(bar: BarHarmony, low: int, numbers: np.random.Generator) -> list[Hit]:
    notes = [*bar.chord(low), bar.chord(low)[0] + 12]
    order = numbers.integers(len(notes), size=8)
    stride = 1 if numbers.random() < 0.6 else 2
    return [Hit(s, stride * 0.9, notes[order[s // stride % 8]], 0.6) for s in range(0, STEPS, stride)]


def _picked(bar: BarHarmony, low: int, numbers: np.random.Generator) -> list[Hit]:
    notes = [*bar.chord(low), *[pitch + 12 for pitch in bar.chord(low)]]
    order = np.sort(numbers.integers(len(notes), size=5)).tolist()
    shape = [*order, *order[-2:0:-1]]
    rests = numbers.random(8) < 0.2
    return [Hit(2 * i, 3.5, notes[shape[i]], 0.7 if i % 4 == 0 else 0.55) for i in range(8) if not rests[i]]


def _ostinato(bar: BarHarmony, low: int, numbers: np.random.Generator) -> list[Hit]:
    chord = bar.chord(low)
    shape = numbers.integers(len(chord), size=4)
    return [Hit(s, 1.7, chord[shape[s // 2 % 4]], 0.7 if s % 8 == 0 else 0.55) for s in range(0, STEPS, 2)]


def _line(bar: BarHarmony, low: int, numbers: np.random.Generator, notes: int, longest: float) -> list[Hit]:
    """Plays a phrase: starts on a chord tone, moves mostly by step, rests before the next bar now and then."""
    starts = sorted(numbers.choice(STEPS - 1, size=notes, replace=False).tolist())
    ends = [*starts[1:], STEPS]
    degree = bar.degree + int(numbers.choice([0, 2, 4]))
    hits = []
    for start, end in zip(starts, ends, strict=True):
        hits.append(
            Hit(start, min(end - start, longest) * 0.95, bar.run(degree % 10, low), float(numbers.uniform(0.65, 0.9)))
        )
        degree += int(numbers.choice([-2, -1, -1, 1, 1, 2]))
    return hits


def _lead(bar: BarHarmony, low: int, numbers: np.random.Generator) -> list[Hit]:
    return _line(bar, low, numbers, int(numbers.integers(3, 8)), 6)


def _counter(bar: BarHarmony, low: int, numbers: np.random.Generator) -> list[Hit]:
    return _line(bar, low, numbers, int(numbers.integers(1, 4)), 10)


PLAYERS: Mapping[str, Player] = {
    "bass_eighths": _bass_eighths,
    "bass_long": _bass_long,
    "bass_kick": _bass_kick,
    "bass_funk": _bass_funk,
    "bass_octaves": _bass_octaves,
    "bass_offbeat": _bass_offbeat,
    "bass_sixteenths": _bass_sixteenths,
    "bass_reggae": _bass_reggae,
    "bass_tumbao": _bass_tumbao,
    "bass_walk": _bass_walk,
    "bass_two": _bass_two,
    "power": _power,
    "chug": _chug,
    "comp": _comp,
    "sixteenths": _sixteenths,
    "strum": _strum,
    "skank": _skank,
    "offbeat": _offbeat,
    "bubble": _bubble,
    "montuno": _montuno,
    "stabs": _stabs,
    "pad": _pad,
    "arpeggio": _arpeggio,
    "picked": _picked,
    "ostinato": _ostinato,
    "lead": _lead,
    "counter": _counter,
}
