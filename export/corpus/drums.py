"""Drums from one-shot samples: electronic and dry acoustic kits out of the CC0 samples of Sonic Pi.

Plays the drum parts of a score, a sample for each hit; sound fonts are :mod:`.synth`'s business.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from ...presets.errors import AudioError
from .score import ScorePart
from .synth import SYNTH_RATE_HZ

_LONGEST_S = 2.5
_LOUDNESS_POWER = 1.6
_OPEN_HATS = 46
_SIDE_SOUNDS = frozenset({37, 39})

# Names of samples by role; hats and snares have a second list for open hats, claps and rims.
KITS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "machine": {
        "kick": ("bd_808", "bd_boom", "bd_fat", "bd_zum"),
        "snare": ("sn_generic", "elec_snare", "elec_hi_snare", "elec_mid_snare"),
        "side": ("perc_snap", "perc_snap2", "elec_filt_snare"),
        "hats": ("drum_cymbal_closed", "elec_tick", "drum_cymbal_pedal"),
        "open": ("drum_cymbal_open", "elec_cymbal"),
        "toms": ("elec_fuzz_tom", "drum_tom_mid_hard"),
        "cymbals": ("drum_splash_hard", "elec_cymbal", "drum_cymbal_open"),
        "percussion": ("elec_wood", "elec_blip", "perc_bell", "elec_twip"),
    },
    "club": {
        "kick": ("bd_haus", "bd_klub", "bd_tek", "bd_gas", "bd_ada", "bd_sone"),
        "snare": ("sn_dolf", "sn_zome", "sn_dub", "elec_lo_snare"),
        "side": ("perc_snap", "perc_snap2"),
        "hats": ("drum_cymbal_closed", "drum_cymbal_pedal"),
        "open": ("drum_cymbal_open",),
        "toms": ("drum_tom_lo_hard", "elec_hollow_kick"),
        "cymbals": ("drum_splash_soft", "drum_splash_hard", "drum_cymbal_hard"),
        "percussion": ("elec_blip2", "elec_plip", "tabla_tas1", "elec_pop", "drum_cowbell"),
    },
    "acoustic": {
        "kick": ("drum_bass_hard", "drum_heavy_kick", "drum_bass_soft"),
        "snare": ("drum_snare_hard", "drum_snare_soft"),
        "side": ("elec_wood", "perc_snap"),
        "hats": ("drum_cymbal_closed", "drum_cymbal_pedal"),
        "open": ("drum_cymbal_open",),
        "toms": ("drum_tom_hi_hard", "drum_tom_mid_hard", "drum_tom_lo_hard"),
        "cymbals": ("drum_cymbal_hard", "drum_splash_hard", "drum_cymbal_soft"),
        "percussion": ("drum_cowbell", "tabla_te1", "tabla_na", "tabla_ke1"),
    },
}


@dataclass(frozen=True)
class Kit:
    """The samples that a session's drums are made of.

    Attributes:
        folder: of the samples.
        names: sample by role, "side" and "open" included.
        tuning: speed of playback, 1 as recorded.
    """

    folder: Path
    names: Mapping[str, str]
    tuning: float

    def play(self, part: ScorePart, seconds: float) -> NDArray[np.float32]:
        """Plays a drum part, shape (1, samples) at SYNTH_RATE_HZ.

        Raises:
            AudioError: a sample is missing.
        """
        audio = np.zeros((1, round(seconds * SYNTH_RATE_HZ)), np.float32)
        for note in part.notes:
            start = round(note.start_s * SYNTH_RATE_HZ)
            sample = self._sample(part.role, note.pitch)[: max(audio.shape[-1] - start, 0)]
            audio[0, start : start + len(sample)] += sample * np.float32((note.velocity / 127) ** _LOUDNESS_POWER)
        return audio

    def _sample(self, role: str, key: int) -> NDArray[np.float32]:
        if role == "toms":
            # One sample serves the row of toms, a semitone for each key around the middle one.
            return _tuned(self.folder, self.names[role], round(self.tuning * 2 ** ((key - 46) / 12), 3))
        if role == "snare" and key in _SIDE_SOUNDS:
            role = "side"
        if role == "hats" and key == _OPEN_HATS:
            role = "open"
        return _tuned(self.folder, self.names[role], round(self.tuning, 3))


def draw_kit(folder: Path, style: str, numbers: np.random.Generator) -> Kit:
    """Draws a kit of this style ("machine", "club", "acoustic")."""
    names = {role: str(numbers.choice(choices)) for role, choices in KITS[style].items()}
    return Kit(folder, names, float(numbers.uniform(0.92, 1.08)))


@lru_cache(maxsize=64)
def _tuned(folder: Path, name: str, speed: float) -> NDArray[np.float32]:
    path = folder / f"{name}.flac"
    try:
        audio, rate_hz = soundfile.read(path, dtype="float32", always_2d=True)
    except (OSError, soundfile.LibsndfileError) as cause:
        raise AudioError(f"The drum sample {path} cannot be read. Fetch the corpus sources again.") from cause
    mono = soxr.resample(audio.mean(axis=1), rate_hz * speed, SYNTH_RATE_HZ)
    return np.asarray(mono[: round(_LONGEST_S * SYNTH_RATE_HZ)], np.float32)
