"""Melodies to singing: notes in seconds become MusicXML, which the Sinsy synthesizer sings with its Japanese voice.

Knows the synthesizer and its limits, not what a recording of it would sound like: that is :mod:`.voice_effects`.
"""

from __future__ import annotations

import functools
import logging
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .optional import required
from .score import SungNote

SAMPLE_RATE_HZ = 48000
LICENCE = "CC-BY-3.0"
SOURCE = "pysinsy"
VOICE = "nitech_jp_song070_f001"

# Measured over 1100 notes: below 64 the voice whispers, above 76 it sings flat. It keeps to its notes in C major alone
# (90 % within 0.4 semitones); elsewhere it is off by a semitone or two at every tenth note.
LOWEST_PITCH, HIGHEST_PITCH = 64, 76
IN_TUNE = frozenset({0, 2, 4, 5, 7, 9, 11})
TICKS_PER_BEAT = 24
_BAR_TICKS = 4 * TICKS_PER_BEAT
_ATTEMPTS = 4  # the synthesizer's filters blow up on a line now and then; on other syllables they do not
_BLOWN_UP = 1.0
_SHORTEST_TICKS = 3  # a 32nd note; shorter ones come out as clicks
LEAD_IN_TICKS = TICKS_PER_BEAT  # the first consonant comes before its beat
_STEPS = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")
_SYLLABLES = tuple(
    "あいうえおかきくけこさしすせそたちつてとなにぬねのはひふへほまみむめもやゆよらりるれろわがぎぐげごだでどばびぶべぼ"
)

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Syllable:
    """A sung syllable, or a rest where pitch is None."""

    pitch: int | None
    ticks: int
    text: str = ""


def sing_phrase(
    notes: Sequence[SungNote], tempo_bpm: float, faster: float, alpha: float, numbers: np.random.Generator
) -> NDArray[np.float64]:
    """Sings one phrase on random syllables; it starts LEAD_IN_TICKS before its first note.

    Args:
        notes: by time, pitches from LOWEST_PITCH to HIGHEST_PITCH.
        tempo_bpm: of the grid that the notes are rounded to.
        faster: how many times as fast the result will be played; it is sung that much slower.
        alpha: bends the spectrum: below 0.55 the formants are higher, above it lower; 0.51 to 0.59 is human.
        numbers: draws the syllables.

    Returns:
        Samples at SAMPLE_RATE_HZ, shape (samples,); loud notes peak near 0.3.

    Raises:
        MixbridgeError: pysinsy is not installed.
    """
    for _ in range(_ATTEMPTS):
        line = syllables(notes, tempo_bpm, numbers)
        samples = _synthesized(music_xml(line, tempo_bpm / faster), alpha)
        if np.abs(samples).max(initial=0.0) < _BLOWN_UP:  # false for not-a-number, too
            return samples
    _log.warning("Sinsy sang nothing usable in a phrase of %d notes; it is left silent", len(notes))
    return np.zeros(len(samples))


def _synthesized(score: str, alpha: float) -> NDArray[np.float64]:
    singer = _singer()
    singer.setAlpha(alpha)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "line.xml")
        path.write_text(score, encoding="utf-8")
        singer.loadScoreFromMusicXML(str(path))
    wave, _ = singer.synthesize()
    singer.clearScore()
    return np.asarray(wave, np.float64) / 32768


def phrases(notes: Iterable[SungNote], gap_s: float) -> list[list[SungNote]]:
    """Splits notes by time where nothing starts for `gap_s` after the last one ended."""
    groups: list[list[SungNote]] = []
    for note in sorted(notes, key=lambda note: note.start_s):
        last = groups[-1][-1] if groups else None
        if last is None or note.start_s - (last.start_s + last.length_s) >= gap_s:
            groups.append([])
        groups[-1].append(note)
    return groups


def folded(pitch: int, low: int, high: int) -> int:
    """Moves a pitch by octaves into low..high, which spans an octave or more."""
    if pitch < low:
        return pitch + 12 * -(-(low - pitch) // 12)
    if pitch > high:
        return pitch - 12 * -(-(pitch - high) // 12)
    return pitch


def syllables(notes: Sequence[SungNote], tempo_bpm: float, numbers: np.random.Generator) -> list[Syllable]:
    """Puts a phrase on the tick grid, lead-in first and a rest last; gaps too short to hear are sung through."""
    ticks_per_s = tempo_bpm / 60 * TICKS_PER_BEAT
    origin_s = notes[0].start_s
    starts = [round((note.start_s - origin_s) * ticks_per_s) for note in notes]
    groups = [Syllable(None, LEAD_IN_TICKS)]
    now = 0
    for index, note in enumerate(notes):
        start = max(starts[index], now)
        end = max(round((note.start_s + note.length_s - origin_s) * ticks_per_s), start + _SHORTEST_TICKS)
        if index + 1 < len(notes) and starts[index + 1] - end < _SHORTEST_TICKS:
            end = max(starts[index + 1], start + _SHORTEST_TICKS)
        if start > now:
            groups.append(Syllable(None, start - now))
        groups.append(Syllable(note.pitch, end - start, str(numbers.choice(_SYLLABLES))))
        now = end
    # Sinsy wants whole bars; the last rest lets the voice die away.
    total = LEAD_IN_TICKS + now
    return [*groups, Syllable(None, -(total + _BAR_TICKS // 4) % _BAR_TICKS + _BAR_TICKS // 4)]


def music_xml(line: Sequence[Syllable], tempo_bpm: float) -> str:
    """Writes a score of whole 4/4 bars (the line's ticks must fill them); notes over a bar line are tied."""
    bars = "".join(
        f'<measure number="{number}">{_HEAD.format(tempo=tempo_bpm) if number == 1 else ""}{"".join(bar)}</measure>'
        for number, bar in enumerate(_bars(line), start=1)
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?><score-partwise version="2.0"><part-list><score-part id="P1">'
        f'<part-name>voice</part-name></score-part></part-list><part id="P1">{bars}</part></score-partwise>'
    )


_HEAD = (
    f"<attributes><divisions>{TICKS_PER_BEAT}</divisions><key><fifths>0</fifths></key>"
    "<time><beats>4</beats><beat-type>4</beat-type></time><clef><sign>G</sign><line>2</line></clef></attributes>"
    '<direction><sound tempo="{tempo:.4f}"/></direction>'
)


def _bars(line: Sequence[Syllable]) -> Iterator[list[str]]:
    bar: list[str] = []
    room = _BAR_TICKS
    for syllable in line:
        left = syllable.ticks
        while left:
            ticks = min(left, room)
            bar.append(_note_xml(syllable, ticks, starts=left == syllable.ticks, ends=left == ticks))
            left -= ticks
            room -= ticks
            if not room:
                yield bar
                bar, room = [], _BAR_TICKS


def _note_xml(syllable: Syllable, ticks: int, *, starts: bool, ends: bool) -> str:
    if syllable.pitch is None:
        return f"<note><rest/><duration>{ticks}</duration><voice>1</voice></note>"
    step = _STEPS[syllable.pitch % 12]
    alter = "<alter>1</alter>" if step.endswith("#") else ""
    ties = [kind for kind, tied in (("stop", not starts), ("start", not ends)) if tied]
    tie = "".join(f'<tie type="{kind}"/>' for kind in ties)
    slur = "".join(f'<tied type="{kind}"/>' for kind in ties)
    return (
        f"<note><pitch><step>{step[0]}</step>{alter}<octave>{syllable.pitch // 12 - 1}</octave></pitch>"
        f"<duration>{ticks}</duration>{tie}<voice>1</voice>"
        + (f"<notations>{slur}</notations>" if slur else "")
        + (f"<lyric><text>{syllable.text}</text></lyric>" if starts else "")
        + "</note>"
    )


@functools.cache
def _singer() -> Any:
    """Loads the synthesizer with its voice; once for a process, as it takes a while and keeps no score."""
    pysinsy = required("pysinsy")
    singer = pysinsy.Sinsy()
    singer.setLanguages("j", pysinsy.get_default_dic_dir())
    singer.loadVoices(pysinsy.get_default_htsvoice())
    return singer
