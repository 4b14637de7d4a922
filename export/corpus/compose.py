"""Composes songs by chance: genre, form, harmony, a band whose parts interlock, drums with fills, a melody to sing.

Tables of genres are in :mod:`.genres`, the habits of instruments in :mod:`.players`. Nothing here is taken from
existing music, so what is composed is the project's own.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from .general_midi import role_of_drum, role_of_program
from .genres import GENRES, Genre, Groove, Layer
from .players import PLAYERS, STEPS, BarHarmony, Hit
from .score import Score, ScoreNote, ScorePart, SungNote

_ENERGIES = {"intro": 0.35, "verse": 0.62, "chorus": 1.0, "bridge": 0.72, "break": 0.4, "solo": 0.88, "outro": 0.38}
_FORMS = (
    ("intro", "verse", "chorus", "verse", "chorus", "bridge", "chorus", "outro"),
    ("verse", "chorus", "break", "verse", "chorus", "chorus", "outro"),
    ("intro", "verse", "verse", "chorus", "solo", "chorus", "outro"),
    ("chorus", "verse", "chorus", "bridge", "solo", "chorus"),
    ("intro", "break", "verse", "chorus", "break", "chorus"),
)
_SHORT = frozenset({"intro", "break", "outro"})
_SUNG_SECTIONS = frozenset({"verse", "chorus", "bridge"})
_FORCES = {"X": 0.95, "x": 0.75, "o": 0.4}
_KICK, _OPEN_HAT, _CLOSED_HAT = 36, 46, 42
_CRASHES = (49, 57)
_TOMS = (50, 48, 47, 45, 43, 41)
_VOICE_RANGE = (57, 74)


@dataclass(frozen=True)
class _FormBar:
    """A bar in the form: its section's kind, how far into it, and whether it is its last."""

    section: str
    index: int
    last: bool


@dataclass(frozen=True)
class _Song:
    """What is decided once for a song."""

    genre: Genre
    tempo_bpm: float
    seed: int
    form_bars: tuple[_FormBar, ...]
    bars: tuple[BarHarmony, ...]
    kick: str
    snare: str
    hats: str

    @property
    def step_s(self) -> float:
        return 60 / self.tempo_bpm / 4

    def numbers(self, *key: int | str) -> np.random.Generator:
        """Gives random numbers that are the same wherever the same thing comes back."""
        words = [word if isinstance(word, int) else int.from_bytes(word.encode(), "little") % 2**31 for word in key]
        return np.random.default_rng([self.seed, *words])


def compose(seconds: float, numbers: np.random.Generator, genre: str | None = None) -> Score:
    """Composes a song of this length, of a genre of `GENRES` or of one drawn."""
    genre = genre or str(numbers.choice(list(GENRES)))
    song = _draw_song(GENRES[genre], seconds, numbers)
    parts = []
    for layer in song.genre.layers:
        part = _layer_part(song, layer, numbers)
        if part.notes:
            parts.append(part)
    if song.genre.groove:
        parts += _drum_parts(song, song.genre.groove, numbers)
    sung = _melody(song, seconds) if song.genre.sung else ()
    kept = (replace(part, notes=tuple(note for note in part.notes if note.start_s < seconds)) for part in parts)
    return Score(tuple(part for part in kept if part.notes), seconds, song.tempo_bpm, genre, sung)


def _draw_song(genre: Genre, seconds: float, numbers: np.random.Generator) -> _Song:
    tempo_bpm = float(numbers.integers(genre.tempo_bpm[0], genre.tempo_bpm[1] + 1))
    form_bars = _form(math.ceil(seconds * tempo_bpm / 240), numbers)
    scale = genre.scales[numbers.integers(len(genre.scales))]
    tonic = int(numbers.integers(12))
    progressions = {name: genre.progressions[numbers.integers(len(genre.progressions))] for name in _ENERGIES}
    degrees = [progressions[position.section][position.index % 4] for position in form_bars]
    kick, snare, hats = "", "", ""
    if genre.groove:
        kick, snare, hats = (
            str(numbers.choice(list(patterns)))
            for patterns in (genre.groove.kick, genre.groove.snare, genre.groove.hats)
        )
    steps = tuple(step for step, sign in enumerate(kick) if sign != ".")
    bars = tuple(
        BarHarmony(tonic, scale, degree, following, genre.sevenths, _ENERGIES[position.section], steps)
        for position, degree, following in zip(form_bars, degrees, [*degrees[1:], degrees[0]], strict=True)
    )
    return _Song(genre, tempo_bpm, int(numbers.integers(2**31)), form_bars, bars, kick, snare, hats)


def _form(bars: int, numbers: np.random.Generator) -> tuple[_FormBar, ...]:
    """Draws sections of four or eight bars until there are enough; a long form is cut, a short one repeats."""
    unit = 8 if bars >= 28 else 4
    form = _FORMS[numbers.integers(len(_FORMS))]
    form_bars: list[_FormBar] = []
    while len(form_bars) < bars:
        for section in form:
            length = max(unit // 2, 2) if section in _SHORT else unit
            form_bars += [_FormBar(section, index, index == length - 1) for index in range(length)]
    return tuple(form_bars[:bars])


def _layer_part(song: _Song, layer: Layer, numbers: np.random.Generator) -> ScorePart:
    program = int(numbers.choice(layer.programs))
    patience = float(numbers.uniform(-0.1, 0.1))
    hits = []
    for number, (position, bar) in enumerate(zip(song.form_bars, song.bars, strict=True)):
        if bar.energy >= layer.energy + patience:
            figure = song.numbers(layer.name, position.section, position.index % 4)
            hits += [
                replace(hit, step=hit.step + number * STEPS) for hit in PLAYERS[layer.player](bar, layer.low, figure)
            ]
    energies = [bar.energy for bar in song.bars]
    notes = tuple(_performed(song, hits, energies, numbers))
    return ScorePart(layer.name, role_of_program(program), program, False, notes)


def _performed(
    song: _Song, hits: Sequence[Hit], energies: Sequence[float], numbers: np.random.Generator
) -> Iterator[ScoreNote]:
    """Puts hits in time: swung, then as exactly as people or machines play, louder where the song is."""
    spread_s = 0.0015 if song.genre.tight else float(numbers.uniform(0.004, 0.011))
    late_s = numbers.normal(0, spread_s, len(hits))
    moods = numbers.normal(0, 3 if song.genre.tight else 6, len(hits))
    for hit, late, mood in sorted(zip(hits, late_s, moods, strict=True), key=lambda row: row[0].step):
        swing = song.genre.swing if int(hit.step) % 2 else 0.0
        energy = energies[min(int(hit.step) // STEPS, len(energies) - 1)]
        velocity = (0.75 + 0.25 * energy) * hit.force * 127 + mood
        start_s = max((hit.step + swing) * song.step_s + float(late), 0.0)
        yield ScoreNote(
            start_s, hit.length * song.step_s, int(np.clip(hit.pitch, 0, 127)), int(np.clip(velocity, 12, 127))
        )


def _drum_parts(song: _Song, groove: Groove, numbers: np.random.Generator) -> list[ScorePart]:
    """Composes the kit, a part for each microphone of :data:`.general_midi.DRUM_ROLES`."""
    snare_key = int(numbers.choice(groove.snare_key))
    hat_key = int(numbers.choice(groove.hat_key))
    hands = [pattern for pattern in groove.percussion if numbers.random() < 0.5]
    ready = float(numbers.uniform(0.3, 0.6))
    hits: dict[str, list[Hit]] = defaultdict(list)
    previous = ""
    for number, (position, bar) in enumerate(zip(song.form_bars, song.bars, strict=True)):
        if bar.energy < ready:
            previous = position.section
            continue
        keyed = [*_patterns(song, bar, snare_key, hat_key, hands)]
        if position.last and number + 1 < len(song.form_bars):
            keyed = [hit for hit in keyed if hit.step < 12] + _fill(numbers, snare_key)
        if position.section != previous:
            keyed.append(Hit(0, 8, int(numbers.choice(_CRASHES)), 0.85))
        previous = position.section
        for hit in keyed:
            hits[role_of_drum(hit.pitch)].append(replace(hit, step=hit.step + number * STEPS))
    energies = [bar.energy for bar in song.bars]
    return [
        ScorePart(role, role, 0, True, tuple(_performed(song, played, energies, numbers)))
        for role, played in hits.items()
    ]


def _patterns(
    song: _Song, bar: BarHarmony, snare_key: int, hat_key: int, hands: Sequence[tuple[int, str]]
) -> Iterator[Hit]:
    ride = 51 if bar.energy > 0.95 and hat_key == _OPEN_HAT else hat_key
    for key, pattern in ((_KICK, song.kick), (snare_key, song.snare), (ride, song.hats)):
        for step, sign in enumerate(pattern):
            if sign in _FORCES:
                opens = key == _CLOSED_HAT and step == 14 and bar.energy > 0.95
                force = _FORCES[sign] * (0.8 if key == ride else 1.0)
                yield Hit(step, 1, _OPEN_HAT if opens else key, force)
    if bar.energy > 0.7:
        for key, pattern in hands:
            for step, sign in enumerate(pattern):
                if sign in _FORCES:
                    yield Hit(step, 1, key, 0.7 * _FORCES[sign])


def _fill(numbers: np.random.Generator, snare_key: int) -> list[Hit]:
    keys = [*sorted(numbers.choice(_TOMS, size=3).tolist(), reverse=True), snare_key]
    doubled = numbers.random() < 0.4
    steps = np.arange(12, 16, 0.5 if doubled else 1.0).tolist()
    return [Hit(step, 1, int(keys[int(step) - 12]), 0.6 + 0.07 * (step - 12)) for step in steps]


def _melody(song: _Song, seconds: float) -> tuple[SungNote, ...]:
    """Composes what a voice sings: two-bar phrases with rests, near the chord on strong beats, else in steps."""
    notes = []
    pitch = _into_range(60 + song.bars[0].tonic)
    for number, (position, bar) in enumerate(zip(song.form_bars, song.bars, strict=True)):
        if position.section not in _SUNG_SECTIONS or (position.section == "bridge" and position.index % 4 >= 2):
            continue
        figure = song.numbers("voice", position.section, position.index % 4)
        for step, length, leap in _phrase(figure, position):
            pitch = _next_pitch(bar, pitch, leap, strong=step % 8 == 0)
            start_s = (number * STEPS + step) * song.step_s
            length_s = length * song.step_s * 0.96
            if start_s + length_s < seconds:
                notes.append(SungNote(start_s, length_s, pitch))
    return tuple(notes)


def _phrase(figure: np.random.Generator, position: _FormBar) -> Iterator[tuple[int, int, int]]:
    """Draws (step, length, leap in scale steps); every second bar ends in a rest to breathe."""
    end = 12 if position.index % 2 else STEPS
    lengths = [3, 4, 4, 6, 8] if position.section == "chorus" else [2, 2, 3, 4, 4]
    step = int(figure.choice([0, 0, 2, 4])) if position.index % 2 == 0 else 0
    while step < end:
        length = min(int(figure.choice(lengths)), end - step)
        if length >= 2:
            yield step, length, int(figure.choice([-2, -1, -1, 0, 0, 1, 1, 2, 3]))
        step += length + (2 if figure.random() < 0.12 else 0)


def _next_pitch(bar: BarHarmony, pitch: int, leap: int, *, strong: bool) -> int:
    """Moves a pitch by scale steps, or on strong beats to the nearest tone of the chord, in the voice's range."""
    if strong:
        tones = [tone + octave for tone in bar.chord(_VOICE_RANGE[0] - 9) for octave in (0, 12, 24)]
        return _into_range(min(tones, key=lambda tone: (abs(tone - pitch - leap), tone)))
    ladder = [key for key in range(36, 96) if (key - bar.tonic) % 12 in bar.scale]
    here = min(range(len(ladder)), key=lambda index: abs(ladder[index] - pitch))
    return _into_range(ladder[here + leap])


def _into_range(pitch: int) -> int:
    low, high = _VOICE_RANGE
    while pitch < low:
        pitch += 12
    while pitch > high:
        pitch -= 12
    return pitch
