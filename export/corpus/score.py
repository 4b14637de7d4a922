"""Scores: notes in seconds by part, and reading them from MIDI files.

A score knows pitches, times and programs, never sound; :mod:`.synth` plays it. Volume, pan and effect sends
of a MIDI file are left out on purpose: raw tracks are dry and centred, the mix is what the model has to find.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ...presets.errors import AudioError
from .general_midi import role_of_drum, role_of_program
from .optional import required

# What a player does with hand or foot: modulation, expression, sustain, sostenuto, soft pedal.
_PLAYED_CONTROLS = frozenset({1, 11, 64, 66, 67})
_DRUM_CHANNEL = 9
_DATA_ENTRY, _RPN_LSB, _RPN_MSB = 6, 100, 101
_SHORTEST_S = 0.02


@dataclass(frozen=True)
class SungNote:
    """A note of a melody for a voice; pitch is a MIDI key number."""

    start_s: float
    length_s: float
    pitch: int


@dataclass(frozen=True)
class ScoreNote:
    """A note; pitch and velocity as in MIDI, 0 to 127."""

    start_s: float
    length_s: float
    pitch: int
    velocity: int


@dataclass(frozen=True)
class ControllerMove:
    """A controller moved to a value at a time.

    Attributes:
        time_s: from the start of the score.
        number: MIDI controller, or BEND for the pitch wheel, or BEND_RANGE for its range in semitones.
        value: 0 to 127; for BEND 0 to 16383 with 8192 at rest.
    """

    time_s: float
    number: int
    value: int


BEND = -1
BEND_RANGE = -2


@dataclass(frozen=True)
class ScorePart:
    """What one player plays.

    Attributes:
        name: unique in its score; becomes the file's name.
        role: word of the session format, see :mod:`.general_midi`.
        program: General MIDI program, or drum kit for a drum part.
        is_drum: pitches are keys of the drum channel.
        notes: by time.
        controls: by time.
    """

    name: str
    role: str
    program: int
    is_drum: bool
    notes: tuple[ScoreNote, ...]
    controls: tuple[ControllerMove, ...] = ()

    def transposed(self, semitones: int) -> ScorePart:
        """Moves the part by semitones; drums stay, notes that leave 0 to 127 are dropped."""
        if self.is_drum or not semitones:
            return self
        moved = (replace(note, pitch=note.pitch + semitones) for note in self.notes)
        return replace(self, notes=tuple(note for note in moved if 0 <= note.pitch <= 127))


@dataclass(frozen=True)
class Score:
    """Parts that sound together, and a melody for a voice if there is one."""

    parts: tuple[ScorePart, ...]
    seconds: float
    tempo_bpm: float
    genre: str = ""
    sung: tuple[SungNote, ...] = ()

    def retimed(self, factor: float) -> Score:
        """Plays the score `factor` times as fast."""
        return replace(
            self,
            parts=tuple(_retimed(part, factor) for part in self.parts),
            seconds=self.seconds / factor,
            tempo_bpm=self.tempo_bpm * factor,
            sung=tuple(SungNote(n.start_s / factor, n.length_s / factor, n.pitch) for n in self.sung),
        )

    def excerpt(self, start_s: float, seconds: float) -> Score:
        """Cuts what starts within a stretch; controls set before it hold, parts without notes are dropped."""
        parts = (_excerpt(part, start_s, seconds) for part in self.parts)
        sung = tuple(
            SungNote(note.start_s - start_s, note.length_s, note.pitch)
            for note in self.sung
            if start_s <= note.start_s < start_s + seconds - note.length_s
        )
        return replace(self, parts=tuple(part for part in parts if part.notes), seconds=seconds, sung=sung)

    def busiest_starts(self, seconds: float, at_least_notes: int = 4) -> list[float]:
        """Starts (s) of the stretches of this length in which most parts play, or one part fewer than most."""
        last = max(self.seconds - seconds, 0.0)
        starts = [last * step / 24 for step in range(25)] if last > 0 else [0.0]
        playing = [sum(_count(part, start, seconds) >= at_least_notes for part in self.parts) for start in starts]
        return [start for start, count in zip(starts, playing, strict=True) if count >= max(playing) - 1]


def read_midi(path: Path) -> Score:
    """Read a MIDI file: a part for each channel and program, drums split as drum microphones hear them.

    Raises:
        AudioError: the file cannot be read as MIDI, or holds no notes.
    """
    mido = required("mido")
    try:
        events = list(_timed(mido.MidiFile(path, clip=True)))
    except (OSError, ValueError, EOFError, KeyError, IndexError) as cause:
        raise AudioError(f"{path} cannot be read as a MIDI file ({cause}). Fetch it again.") from cause
    reader = _Reader()
    for message, time_s in events:
        reader.take(message, time_s)
    tempi = [message.tempo for message, _ in events if message.type == "set_tempo"]
    seconds = events[-1][1] if events else 0.0
    parts = reader.parts(seconds)
    if not parts:
        raise AudioError(f"{path} holds no notes. Leave it out of the tunes.")
    return Score(parts, seconds, 60e6 / tempi[0] if tempi else 120.0)


def _timed(file: Iterable[Any]) -> Iterable[tuple[Any, float]]:
    """Gives the messages with their time in seconds; iterating a mido file follows its tempo changes."""
    now_s = 0.0
    for message in file:
        now_s += message.time
        yield message, now_s


_Key = tuple[int, int, str]
"""Channel, program, and the drum's role (empty for a melodic part): what makes a part of its own."""


@dataclass
class _Reader:
    """Collects messages into parts; a program change opens another part of the same channel."""

    programs: dict[int, int] = field(default_factory=dict)
    sounding: dict[tuple[int, int], tuple[_Key, float, int]] = field(default_factory=dict)
    notes: dict[_Key, list[ScoreNote]] = field(default_factory=lambda: defaultdict(list))
    controls: dict[int, list[ControllerMove]] = field(default_factory=lambda: defaultdict(list))
    registered: dict[int, dict[int, int]] = field(default_factory=lambda: defaultdict(dict))

    def take(self, message: Any, time_s: float) -> None:
        match message.type:
            case "program_change":
                self.programs[message.channel] = message.program
            case "note_on" if message.velocity > 0:
                self._start(message.channel, message.note, message.velocity, time_s)
            case "note_on" | "note_off":
                self._stop(message.channel, message.note, time_s)
            case "pitchwheel":
                self.controls[message.channel].append(ControllerMove(time_s, BEND, message.pitch + 8192))
            case "control_change":
                self._control(message.channel, message.control, message.value, time_s)

    def parts(self, seconds: float) -> tuple[ScorePart, ...]:
        for channel, pitch in list(self.sounding):
            self._stop(channel, pitch, seconds)
        keys = sorted(self.notes)
        return tuple(self._part(key) for key in keys)

    def _part(self, key: _Key) -> ScorePart:
        channel, program, drum = key
        role = drum or role_of_program(program)
        notes = tuple(sorted(self.notes[key], key=lambda note: (note.start_s, note.pitch)))
        controls = () if drum else tuple(self.controls[channel])
        return ScorePart(drum or f"{role}_{channel + 1}_{program}", role, program, bool(drum), notes, controls)

    def _start(self, channel: int, pitch: int, velocity: int, time_s: float) -> None:
        self._stop(channel, pitch, time_s)
        drum = role_of_drum(pitch) if channel == _DRUM_CHANNEL else ""
        key = (channel, 0 if drum else self.programs.get(channel, 0), drum)
        self.sounding[channel, pitch] = (key, time_s, velocity)

    def _stop(self, channel: int, pitch: int, time_s: float) -> None:
        if (channel, pitch) in self.sounding:
            key, start_s, velocity = self.sounding.pop((channel, pitch))
            self.notes[key].append(ScoreNote(start_s, max(time_s - start_s, _SHORTEST_S), pitch, velocity))

    def _control(self, channel: int, number: int, value: int, time_s: float) -> None:
        if number in _PLAYED_CONTROLS:
            self.controls[channel].append(ControllerMove(time_s, number, value))
        elif number in (_RPN_LSB, _RPN_MSB):
            self.registered[channel][number] = value
        elif number == _DATA_ENTRY and not any(self.registered[channel].get(n, 1) for n in (_RPN_LSB, _RPN_MSB)):
            self.controls[channel].append(ControllerMove(time_s, BEND_RANGE, min(value, 24)))


def _retimed(part: ScorePart, factor: float) -> ScorePart:
    return replace(
        part,
        notes=tuple(replace(n, start_s=n.start_s / factor, length_s=n.length_s / factor) for n in part.notes),
        controls=tuple(replace(control, time_s=control.time_s / factor) for control in part.controls),
    )


def _excerpt(part: ScorePart, start_s: float, seconds: float) -> ScorePart:
    end_s = start_s + seconds
    notes = tuple(
        replace(note, start_s=note.start_s - start_s) for note in part.notes if start_s <= note.start_s < end_s
    )
    last_moves = {control.number: replace(control, time_s=0.0) for control in part.controls if control.time_s < start_s}
    moved = (
        replace(control, time_s=control.time_s - start_s)
        for control in part.controls
        if start_s <= control.time_s < end_s
    )
    return replace(part, notes=notes, controls=(*last_moves.values(), *moved))


def _count(part: ScorePart, start_s: float, seconds: float) -> int:
    return sum(start_s <= note.start_s < start_s + seconds for note in part.notes)
