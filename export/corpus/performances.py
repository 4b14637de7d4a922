"""What a voice does alone for a minute: sings, sings what was speech, raps, or talks as in a podcast.

Clean performances only; the recording is made in :mod:`.voice_recording`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from . import sentences, sinsy, speech
from .singers import SCALES, drawn_melody, drawn_singer, sung_by
from .speech import Speaker, Writer
from .voice_effects import SAMPLE_RATE_HZ, Float64Array, Throat, Tune, extended, resampled, reshaped, sung

_LOWEST_HZ, _HIGHEST_HZ = 70.0, 450.0  # of speech
# Lowest pitch of a sung octave and a half, and formants against a woman's, by register.
_REGISTERS = ((43, 0.80, 0.90), (50, 0.86, 1.0), (57, 0.98, 1.12))


@dataclass(frozen=True)
class VoiceInfo:
    """What a lone voice is.

    Attributes:
        kind: "sung", "sung speech", "rap" or "spoken".
        voice: name within its source.
        source: key of the source.
        licence: of the voice.
        notes: edits, and faults of the recording.
    """

    kind: str
    voice: str
    source: str
    licence: str
    notes: tuple[str, ...]


@dataclass(frozen=True)
class _Stage:
    """What every performance needs.

    Attributes:
        recordings: folder of the recorded speaker's sentences, if there is one.
        seconds: how long to perform.
        numbers: draws everything.
        split: "train" or "test".
    """

    recordings: Path | None
    seconds: float
    numbers: np.random.Generator
    split: str


_Performance = tuple[Float64Array, VoiceInfo]


def perform(
    recordings: Path | None, seconds: float, numbers: np.random.Generator, split: str
) -> tuple[Float64Array, VoiceInfo]:
    """Draws a performance from all kinds, shape (samples,) at SAMPLE_RATE_HZ, exactly `seconds` long."""
    kinds: tuple[tuple[float, Callable[[_Stage], _Performance]], ...] = (
        (0.28, _singing),
        (0.22, _singing_speech),
        (0.12, _rapping),
        (0.38, _talking),
    )
    kind = kinds[numbers.choice(len(kinds), p=[weight for weight, _ in kinds])][1]
    audio, info = kind(_Stage(recordings, seconds, numbers, split))
    samples = round(seconds * SAMPLE_RATE_HZ)
    return np.pad(audio[:samples], (0, max(samples - len(audio), 0))), info


def _singing(stage: _Stage) -> _Performance:
    notes, tempo_bpm = drawn_melody(stage.seconds, stage.numbers)
    singer = drawn_singer(notes, stage.numbers)
    audio = sung_by(singer, notes, tempo_bpm, round(stage.seconds * SAMPLE_RATE_HZ), stage.numbers)
    return audio, VoiceInfo("sung", sinsy.VOICE, sinsy.SOURCE, sinsy.LICENCE, tuple(singer.notes()))


def _singing_speech(stage: _Stage) -> _Performance:
    numbers = stage.numbers
    speaker = _speaker(stage, sentences.lyric)
    lowest, small, large = _REGISTERS[numbers.integers(len(_REGISTERS))]
    throat = Throat(_formants_for(speaker, numbers.uniform(small, large)), breath=numbers.uniform(0, 0.1))
    scale, root = SCALES[numbers.integers(len(SCALES))], int(numbers.integers(12))
    range_ = range(lowest + int(numbers.integers(4)), lowest + 18)
    tune = Tune(
        pitches=tuple(pitch for pitch in range_ if (pitch - root) % 12 in scale),
        stretch=numbers.uniform(1.3, 1.9),
        vibrato_semitones=numbers.uniform(0.1, 0.5),
        vibrato_hz=numbers.uniform(4.8, 6.2),
    )
    # Two fifths or more of speech is voiced, and grows.
    needed_s = stage.seconds / (1 + 0.4 * (tune.stretch - 1))
    text = _said(speaker, needed_s, numbers.uniform(0.8, 0.95), 1.0, numbers)
    audio = sung(text, speaker.sample_rate_hz, tune, throat, numbers)
    notes = [f"sung over {tune.pitches[0]}-{tune.pitches[-1]}", f"formants x{throat.formants:.2f}"]
    return _widened(audio, speaker, 1.0, numbers), _info("sung speech", speaker, notes)


def _rapping(stage: _Stage) -> _Performance:
    numbers = stage.numbers
    speaker = _reader(stage, sentences.lyric)
    faster = float(numbers.choice([1.0, numbers.uniform(0.82, 1.1)]))
    beat = round(60 / numbers.uniform(76, 104) * faster * speaker.sample_rate_hz)
    pieces: list[Float64Array] = []
    spoken = 0
    while spoken < stage.seconds * faster * speaker.sample_rate_hz:
        line = _trimmed(speaker.say(numbers.uniform(1.1, 1.45) / faster, numbers), speaker.sample_rate_hz)
        beats = -(-len(line) // beat) + int(numbers.choice([0, 0, 0, 1, 4], p=[0.3, 0.3, 0.2, 0.15, 0.05]))
        pieces.append(np.pad(line, (0, beats * beat - len(line))))
        spoken += len(pieces[-1])
    return _widened(np.concatenate(pieces), speaker, faster, numbers), _info("rap", speaker, [f"played x{faster:.2f}"])


def _talking(stage: _Stage) -> _Performance:
    numbers = stage.numbers
    speaker = _speaker(stage, sentences.talk)
    way = numbers.choice(["plain", "played", "edited"], p=[0.3, 0.35, 0.35])
    faster = numbers.uniform(0.86, 1.14) if way == "played" else 1.0
    audio = _said(speaker, stage.seconds * faster, numbers.uniform(0.88, 1.12) / faster, 0.8, numbers)
    notes = [f"played x{faster:.2f}"] if way == "played" else []
    if way == "edited":
        formants = _formants_for(speaker, numbers.uniform(0.78, 1.12))
        throat = Throat(formants, 12 * np.log2(formants) * numbers.uniform(1.4, 2.4), numbers.uniform(0, 0.06))
        audio = reshaped(audio, speaker.sample_rate_hz, throat, _LOWEST_HZ, _HIGHEST_HZ)
        notes = [f"WORLD {throat.pitch_semitones:+.1f} semitones, formants x{formants:.2f}"]
    return _widened(audio, speaker, faster, numbers), _info("spoken", speaker, notes)


def _info(kind: str, speaker: Speaker, notes: list[str]) -> VoiceInfo:
    return VoiceInfo(kind, speaker.voice, speaker.source, speaker.licence, tuple(notes))


def _speaker(stage: _Stage, writer: Writer) -> Speaker:
    """Draws a speaker: a person's recordings two times in five, where there are any."""
    if stage.recordings is not None and stage.numbers.random() < 0.4:
        return speech.recorded(stage.recordings, stage.split)
    return _reader(stage, writer)


def _reader(stage: _Stage, writer: Writer) -> Speaker:
    """Draws a speaker and a writer; the test's are mostly voices that training has not heard."""
    flite_share = 0.8 if stage.split == "test" else 0.25
    if speech.has_flite() and stage.numbers.random() < flite_share:
        return speech.Flite(str(stage.numbers.choice(speech.FLITE_VOICES[stage.split])), writer, stage.split)
    return speech.Hibari(writer, stage.split)


def _formants_for(speaker: Speaker, wanted: float) -> float:
    """Computes the ratio that gives a speaker the formants wanted, held to what WORLD does well."""
    return float(np.clip(wanted / speaker.formants, 0.78, 1.24))


def _said(
    speaker: Speaker, seconds: float, pace: float, longest_pause_s: float, numbers: np.random.Generator
) -> Float64Array:
    """Speaks sentences and pauses, some of them long, for `seconds` or a little more, at the speaker's rate."""
    rate_hz = speaker.sample_rate_hz
    pieces = [np.zeros(round(numbers.uniform(0.1, 1.0) * rate_hz))]
    length = len(pieces[0])
    while length < seconds * rate_hz:
        pause_s = numbers.uniform(1.0, 2.5) if numbers.random() < 0.08 else numbers.uniform(0.12, longest_pause_s)
        sentence = _trimmed(speaker.say(pace, numbers), rate_hz)
        pieces += [sentence, np.zeros(round(pause_s * rate_hz))]
        length += len(pieces[-2]) + len(pieces[-1])
    return np.concatenate(pieces)


def _trimmed(audio: Float64Array, rate_hz: int) -> Float64Array:
    """Removes silence at either end, fades over 10 ms, and sets the loudness common to all sentences."""
    block = rate_hz // 100
    blocks = len(audio) // block
    levels = np.sqrt(np.mean(audio[: blocks * block].reshape(blocks, block) ** 2, axis=1))
    loud = np.flatnonzero(levels > 0.02 * levels.max(initial=0.0))
    if not loud.size:
        return np.zeros(block)
    first, last = max(int(loud[0]) - 3, 0), min(int(loud[-1]) + 6, blocks)
    kept = audio[first * block : last * block].copy()
    fade = np.linspace(0, 1, block)
    kept[:block] *= fade
    kept[-block:] *= fade[::-1]
    return np.asarray(kept * (0.1 / max(float(levels[loud].mean()), 1e-9)), np.float64)


def _widened(audio: Float64Array, speaker: Speaker, faster: float, numbers: np.random.Generator) -> Float64Array:
    """Resamples to the corpus' rate, and fills the band that the speaker does not have."""
    return extended(resampled(audio, speaker.sample_rate_hz, faster), 0.48 * speaker.sample_rate_hz * faster, numbers)
