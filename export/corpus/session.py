"""Sessions of the corpus: from a job to a folder of raw tracks and their meta.json.

A tune or a composition is arranged (which parts, doubled or left out), given sounds, played, and recorded as
:mod:`.recording` would have it. The same job gives the same samples. Which jobs there are is :mod:`.plan`'s.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from ...presets.errors import AudioError
from .arrange import MOST_TRACKS, arrange
from .compose import compose
from .drums import draw_kit
from .general_midi import DRUM_KITS, PROGRAM_NAMES
from .genres import GENRES
from .packages import sha256_of
from .plan import Job
from .recording import StudioTrack, draw_studio, record
from .score import Score, SungNote, read_midi
from .sources import CorpusSources
from .synth import Synth, Voice

Sing = Callable[[Sequence[SungNote], float, float, np.random.Generator], NDArray[np.float32]]
"""(notes, tempo in bpm, seconds, numbers) -> mono audio at 44.1 kHz, aligned with the notes."""

FONT_LICENCES: Mapping[str, str] = {
    "fluid": "MIT (FluidR3_GM)",
    "musescore": "MIT (MuseScore_General)",
    "gmbank": "public domain (sf_GMbank)",
    "one_shots": "CC0-1.0 (Sonic Pi samples)",
}
_OWN_LICENCE = "Apache-2.0 (own composition)"
_TUNE_LICENCE = "BSD-3-Clause (Freedoom)"
_SUNG_LICENCE = "CC-BY-3.0 (NIT SONG070)"
# Only the test hears this font, so that it also asks about instruments that training has never met.
_TEST_FONT = "gmbank"
_SUNG_CHANCE = 0.65
_STEREO_ROLES: Mapping[str, float] = {
    "cymbals": 0.7, "toms": 0.5, "percussion": 0.4, "hats": 0.15, "keys": 0.7, "pad": 0.9, "strings": 0.7,
    "choir": 0.8, "brass": 0.3, "lead": 0.2, "wind": 0.1, "guitar": 0.1, "other": 0.6,
}  # fmt: skip
_TUNE_DRUMS: Mapping[str, float] = {"acoustic": 0.15, "machine": 0.05, "club": 0.05}
# Power of the difference of the channels over that of their middle, under which a track counts as mono.
_NARROW = 0.01
_FEWEST_NOTES = 6

_log = logging.getLogger(__name__)


class SessionBuilder:
    """Builds sessions one after another, sound fonts loaded once.

    Args:
        sources: where tunes, sound fonts and samples lie.
        sing: sings a melody; None leaves the voice out of compositions.
    """

    def __init__(self, sources: CorpusSources, sing: Sing | None) -> None:
        self._sources = sources
        self._sing = sing
        self._synth: Synth | None = None

    def build(self, job: Job, folder: Path) -> None:
        """Write a session's tracks and meta.json into a folder that is there.

        Raises:
            AudioError: material is missing or unusable.
        """
        digest = hashlib.sha256(f"{job.kind}/{job.key}/{job.seed}".encode()).digest()
        numbers = np.random.default_rng(np.frombuffer(digest, np.uint32))
        if job.kind == "voice":
            tracks = [self._lone_voice(job, numbers)]
            subtype = "PCM_16"
        else:
            tracks = self._played(job, numbers)
            subtype = "PCM_24" if numbers.random() < 0.06 else "PCM_16"
        write_session(job, tracks, folder, subtype)

    def _played(self, job: Job, numbers: np.random.Generator) -> list[StudioTrack]:
        test = job.split == "test"
        if job.kind == "tune":
            score = _tune(self._sources.tunes / f"{job.key}.mid", job.seconds, numbers, as_written=test)
        else:
            score = compose(job.seconds, numbers)
        voices = arrange(score, self._fonts(test, numbers), numbers, as_written=test and job.kind == "tune")
        tracks, sampled_drums = self._tracks(job, score, voices, numbers)
        if score.sung and numbers.random() < _SUNG_CHANCE and len(tracks) < MOST_TRACKS:
            tracks += self._sung(score, numbers)
        studio = draw_studio(numbers, sampled_drums)
        return record(tracks, studio, numbers)

    def _fonts(self, test: bool, numbers: np.random.Generator) -> list[str]:
        candidates = [font for font in self._sources.soundfonts if font != _TEST_FONT]
        fonts = [str(font) for font in numbers.permutation(candidates)[: 1 + int(numbers.random() < 0.6)]]
        if test and _TEST_FONT in self._sources.soundfonts and numbers.random() < 0.5:
            return [_TEST_FONT]
        return fonts

    def _tracks(
        self, job: Job, score: Score, voices: Sequence[Voice], numbers: np.random.Generator
    ) -> tuple[list[StudioTrack], bool]:
        """Plays the score; tells whether its drums are samples."""
        styles = GENRES[score.genre].sampled_drums if score.genre else _TUNE_DRUMS
        style = _drawn(styles, numbers)
        notes_licence = _TUNE_LICENCE if job.kind == "tune" else _OWN_LICENCE
        if style is None:
            return self._synthesised(voices, job.seconds, notes_licence, numbers), False
        kit = draw_kit(self._sources.one_shots, style, numbers)
        # A layer of a drum is another sample; what else is drawn does not depend on it.
        layers = draw_kit(self._sources.one_shots, style, numbers.spawn(1)[0])
        melodic = [voice for voice in voices if not voice.part.is_drum]
        tracks = self._synthesised(melodic, job.seconds, notes_licence, numbers)
        for voice in voices:
            if voice.part.is_drum:
                audio = (layers if voice.notes else kit).play(voice.part, job.seconds)
                licence = _licence("one_shots", notes_licence)
                instrument = f"{style} drum samples"
                part = voice.part
                tracks.append(StudioTrack(part.name, part.role, audio, instrument, "one_shots", licence, voice.notes))
        return tracks, True

    def _synthesised(
        self, voices: Sequence[Voice], seconds: float, notes_licence: str, numbers: np.random.Generator
    ) -> list[StudioTrack]:
        self._synth = self._synth or Synth(self._sources.soundfonts)
        return [
            StudioTrack(
                voice.part.name,
                voice.part.role,
                _in_its_width(voice.part.role, stereo, numbers),
                DRUM_KITS.get(voice.program, "kit") if voice.part.is_drum else PROGRAM_NAMES[voice.program],
                voice.font,
                _licence(voice.font, notes_licence),
                voice.notes,
            )
            for voice, stereo in zip(voices, self._synth.render(voices, seconds), strict=True)
        ]

    def _sung(self, score: Score, numbers: np.random.Generator) -> list[StudioTrack]:
        if self._sing is None:
            return []
        try:
            audio = self._sing(score.sung, score.tempo_bpm, score.seconds, numbers)
        except Exception as error:
            # Whatever stops the singer, a session without a voice is still a session.
            _log.warning("A %s song goes without its voice: %s", score.genre, error, exc_info=True)
            return []
        return [StudioTrack("vocal", "vocal", audio[None], "singer", "nit-song070", _SUNG_LICENCE)]

    def _lone_voice(self, job: Job, numbers: np.random.Generator) -> StudioTrack:
        from .voices import lone_voice

        audio, info = lone_voice(self._sources, job.seconds, numbers, job.split)
        return StudioTrack(
            "vocal", "vocal", audio[None], f"{info.kind} {info.voice}", info.source, info.licence, info.notes
        )


def write_session(job: Job, tracks: Sequence[StudioTrack], folder: Path, subtype: str) -> None:
    """Write tracks as FLAC with this subtype, and the meta.json that names them.

    Raises:
        AudioError: no track is heard.
    """
    if not tracks:
        raise AudioError(f"Session {job.name} is silent; give it another seed.")
    stems = []
    for track in tracks:
        path = folder / f"{track.name}.flac"
        # Level 0 takes a third of the time of the default and a few per cent more room.
        soundfile.write(path, track.audio.T, track.sample_rate_hz, subtype, format="FLAC", compression_level=0.0)
        stems.append(
            {
                "file": path.name,
                "role": track.role,
                "channels": len(track.audio),
                "sample_rate_hz": track.sample_rate_hz,
                "instrument": track.instrument,
                "source": track.source,
                "licence": track.licence,
                "sha256": sha256_of(path),
                "notes": list(track.notes),
            }
        )
    meta = {
        "format": 1,
        "name": job.name,
        "kind": job.kind,
        "song": job.song,
        "seed": job.seed,
        "split": job.split,
        "seconds": job.seconds,
        "stems": stems,
    }
    (folder / "meta.json").write_text(json.dumps(meta, indent=1) + "\n", encoding="utf-8")


def _tune(path: Path, seconds: float, numbers: np.random.Generator, *, as_written: bool) -> Score:
    """Takes a busy stretch of a tune; arranged anew unless it is to stay as written."""
    score = read_midi(path)
    if not as_written:
        score = score.retimed(float(numbers.uniform(0.9, 1.12)))
        semitones = int(numbers.integers(-4, 5))
        score = replace(score, parts=tuple(part.transposed(semitones) for part in score.parts))
    start_s = float(numbers.choice(score.busiest_starts(seconds)))
    excerpt = score.excerpt(start_s, seconds)
    busy = tuple(part for part in excerpt.parts if len(part.notes) >= _FEWEST_NOTES)
    return replace(excerpt, parts=busy[:MOST_TRACKS] or excerpt.parts[:MOST_TRACKS])


def _licence(sound: str, notes_licence: str) -> str:
    return f"{FONT_LICENCES[sound]}; notes {notes_licence}"


def _in_its_width(role: str, stereo: NDArray[np.float32], numbers: np.random.Generator) -> NDArray[np.float32]:
    """Keeps both channels where the instrument is recorded in stereo and has width, else one, the middle."""
    middle = (stereo[:1] + stereo[1:]) * np.float32(0.5)
    if numbers.random() > _STEREO_ROLES.get(role, 0.0):
        return middle
    side = stereo[0] - stereo[1]
    wide = float(np.vdot(side, side)) > _NARROW * float(np.vdot(middle, middle))
    return stereo if wide else middle


def _drawn(chances: Mapping[str, float], numbers: np.random.Generator) -> str | None:
    """Draws one of the names with its chance, or None with what is left of 1."""
    drawn = numbers.random()
    for name, chance in chances.items():
        drawn -= chance
        if drawn < 0:
            return name
    return None
