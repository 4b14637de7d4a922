"""FluidSynth through ctypes: plays all parts of a score in one pass, each into its own dry stereo track.

One :class:`Synth` keeps its sound fonts in memory, because reading them takes far longer than a session.
It needs the system's libfluidsynth, nothing from PyPI. Reverb, chorus, volume and pan are off.
"""

from __future__ import annotations

import ctypes
import ctypes.util
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...presets.errors import AudioError
from .score import BEND, BEND_RANGE, ScorePart

SYNTH_RATE_HZ = 44100
MOST_VOICES = 32
"""Parts that one pass can play."""

# FluidSynth computes 64 samples at a time; whole blocks keep its output the same whatever was played before.
_BLOCK = 64
_LONGEST_RUN = 8192
_GAIN = 0.4
_DRUM_BANK = 128
_FINE_TUNE_GENERATOR = 52
# A quarter less time than FluidSynth's default of the fourth order; what it costs lies under the raw tracks' noise.
_LINEAR = 1
_SETTINGS = {
    "synth.midi-channels": MOST_VOICES,
    "synth.audio-channels": MOST_VOICES,
    "synth.audio-groups": MOST_VOICES,
    "synth.reverb.active": 0,
    "synth.chorus.active": 0,
    # Enough for two dozen parts: at the limit, notes that are dying away go first. Time goes with it.
    "synth.polyphony": 112,
    "synth.cpu-cores": 1,
}
_HANDLE = ctypes.c_void_p
_INT = ctypes.c_int
_FUNCTIONS: Mapping[str, tuple[type | None, tuple[type, ...]]] = {
    "new_fluid_settings": (_HANDLE, ()),
    "fluid_settings_setint": (_INT, (_HANDLE, ctypes.c_char_p, _INT)),
    "fluid_settings_setnum": (_INT, (_HANDLE, ctypes.c_char_p, ctypes.c_double)),
    "new_fluid_synth": (_HANDLE, (_HANDLE,)),
    "delete_fluid_synth": (None, (_HANDLE,)),
    "fluid_synth_sfload": (_INT, (_HANDLE, ctypes.c_char_p, _INT)),
    "fluid_synth_get_sfont_by_id": (_HANDLE, (_HANDLE, _INT)),
    "fluid_synth_add_sfont": (_INT, (_HANDLE, _HANDLE)),
    "fluid_synth_remove_sfont": (_INT, (_HANDLE, _HANDLE)),
    "fluid_synth_set_channel_type": (_INT, (_HANDLE, _INT, _INT)),
    "fluid_synth_program_select": (_INT, (_HANDLE, _INT, _INT, _INT, _INT)),
    "fluid_synth_set_interp_method": (_INT, (_HANDLE, _INT, _INT)),
    "fluid_synth_set_gen": (_INT, (_HANDLE, _INT, _INT, ctypes.c_float)),
    "fluid_synth_noteon": (_INT, (_HANDLE, _INT, _INT, _INT)),
    "fluid_synth_noteoff": (_INT, (_HANDLE, _INT, _INT)),
    "fluid_synth_cc": (_INT, (_HANDLE, _INT, _INT, _INT)),
    "fluid_synth_pitch_bend": (_INT, (_HANDLE, _INT, _INT)),
    "fluid_synth_pitch_wheel_sens": (_INT, (_HANDLE, _INT, _INT)),
    "fluid_synth_process": (_INT, (_HANDLE, _INT, _INT, _HANDLE, _INT, _HANDLE)),
    "fluid_set_log_function": (_HANDLE, (_INT, _HANDLE, _HANDLE)),
}


@dataclass(frozen=True)
class Voice:
    """A part and the sound that plays it.

    Attributes:
        part: its notes.
        font: key of the synth's sound fonts.
        program: General MIDI program, or kit for drums; program 0 stands in for one the font lacks.
        detune_cents: the whole part sharp or flat.
        notes: what it is to the other voices, in words.
    """

    part: ScorePart
    font: str
    program: int
    detune_cents: float = 0.0
    notes: tuple[str, ...] = ()


class Synth:
    """Sound fonts in memory, ready to play.

    Args:
        fonts: sound font files by name.

    Raises:
        AudioError: libfluidsynth or a sound font is missing or broken.
    """

    def __init__(self, fonts: Mapping[str, Path]) -> None:
        self._library = load_library()
        self._settings = self._library.new_fluid_settings()
        for name, value in _SETTINGS.items():
            self._library.fluid_settings_setint(self._settings, name.encode(), value)
        self._library.fluid_settings_setnum(self._settings, b"synth.sample-rate", float(SYNTH_RATE_HZ))
        self._library.fluid_settings_setnum(self._settings, b"synth.gain", _GAIN)
        self._shelf = self._library.new_fluid_synth(self._settings)
        self._fonts = {name: self._load(path) for name, path in fonts.items()}

    def render(self, voices: Sequence[Voice], seconds: float) -> NDArray[np.float32]:
        """Plays voices together; shape (voices, 2, samples) at SYNTH_RATE_HZ, the same for the same voices.

        Raises:
            AudioError: more voices than MOST_VOICES.
        """
        if len(voices) > MOST_VOICES:
            raise AudioError(
                f"{len(voices)} parts are more than the {MOST_VOICES} that are played at once; leave some out."
            )
        # A synth that has played leaves traces in its voices; a fresh one plays the same score the same.
        handle = self._library.new_fluid_synth(self._settings)
        try:
            return self._play(handle, voices, seconds)
        finally:
            for font in self._fonts.values():
                self._library.fluid_synth_remove_sfont(handle, font)
            self._library.delete_fluid_synth(handle)

    def _play(self, handle: int, voices: Sequence[Voice], seconds: float) -> NDArray[np.float32]:
        self._library.fluid_synth_set_interp_method(handle, -1, _LINEAR)
        ids = {name: self._library.fluid_synth_add_sfont(handle, font) for name, font in self._fonts.items()}
        for channel, voice in enumerate(voices):
            self._select(handle, channel, voice, ids[voice.font])
        samples = round(seconds * SYNTH_RATE_HZ)
        audio = np.zeros((len(voices), 2, -(-samples // _BLOCK) * _BLOCK), np.float32)
        outputs = _Outputs(audio)
        position = 0
        for block, channel, action, first, second in sorted(_events(voices)):
            start = min(block * _BLOCK, audio.shape[-1])
            self._run(handle, outputs, position, start)
            position = start
            self._act(handle, channel, action, first, second)
        self._run(handle, outputs, position, audio.shape[-1])
        return audio[..., :samples]

    def _load(self, path: Path) -> int:
        font = self._library.fluid_synth_sfload(self._shelf, str(path).encode(), 0) if path.is_file() else -1
        if font < 0:
            raise AudioError(f"The sound font {path} cannot be loaded. Fetch the corpus sources again.")
        return int(self._library.fluid_synth_get_sfont_by_id(self._shelf, font))

    def _select(self, handle: int, channel: int, voice: Voice, font: int) -> None:
        self._library.fluid_synth_set_channel_type(handle, channel, int(voice.part.is_drum))
        bank = _DRUM_BANK if voice.part.is_drum else 0
        for program in (voice.program, 0):
            if self._library.fluid_synth_program_select(handle, channel, font, bank, program) == 0:
                break
        self._library.fluid_synth_set_gen(handle, channel, _FINE_TUNE_GENERATOR, voice.detune_cents)

    def _act(self, handle: int, channel: int, action: int, first: int, second: int) -> None:
        match action:
            case 0:
                self._library.fluid_synth_noteoff(handle, channel, first)
            case 1 if first == BEND:
                self._library.fluid_synth_pitch_bend(handle, channel, second)
            case 1 if first == BEND_RANGE:
                self._library.fluid_synth_pitch_wheel_sens(handle, channel, second)
            case 1:
                self._library.fluid_synth_cc(handle, channel, first, second)
            case _:
                self._library.fluid_synth_noteon(handle, channel, first, second)

    def _run(self, handle: int, outputs: _Outputs, start: int, end: int) -> None:
        while start < end:
            count = min(end - start, _LONGEST_RUN)
            self._library.fluid_synth_process(handle, count, 0, None, 2 * MOST_VOICES, outputs.at(start))
            start += count


class _Outputs:
    """Addresses that FluidSynth adds its samples to; channels without a voice get none."""

    def __init__(self, audio: NDArray[np.float32]) -> None:
        rows = audio.shape[0] * 2
        self._starts = audio.ctypes.data + np.arange(rows, dtype=np.uint64) * audio.strides[1]
        self._addresses = np.zeros(2 * MOST_VOICES, np.uint64)

    def at(self, sample: int) -> int:
        self._addresses[: len(self._starts)] = self._starts + np.uint64(sample * 4)
        return self._addresses.ctypes.data


def load_library() -> ctypes.CDLL:
    """Loads libfluidsynth and declares its functions.

    Raises:
        AudioError: it is not installed.
    """
    try:
        library = ctypes.CDLL(ctypes.util.find_library("fluidsynth") or "libfluidsynth.so.3")
    except OSError as cause:
        raise AudioError(
            "libfluidsynth is missing; it plays the corpus. Install it: apt-get install libfluidsynth3."
        ) from cause
    for name, (result, arguments) in _FUNCTIONS.items():
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
    for level in range(5):
        library.fluid_set_log_function(level, None, None)
    return library


def _events(voices: Sequence[Voice]) -> Iterator[tuple[int, int, int, int, int]]:
    """Lists (block, channel, action, first, second); at one time notes end, controls move, notes start."""
    blocks_per_second = SYNTH_RATE_HZ / _BLOCK
    for channel, voice in enumerate(voices):
        for control in voice.part.controls:
            yield round(control.time_s * blocks_per_second), channel, 1, control.number, control.value
        for note in voice.part.notes:
            start = round(note.start_s * blocks_per_second)
            end = max(round((note.start_s + note.length_s) * blocks_per_second), start + 1)
            yield start, channel, 2, note.pitch, note.velocity
            yield end, channel, 0, note.pitch, 0
