"""Guard rail: a lead vocal is understood, between 1 and 4 kHz, where consonants and vowels are told apart.

One may be loud enough and still be masked there, by bright guitars or a finished beat. A fader says nothing of words,
so this looks at where they are, while the voice sings.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ....presets.console import EQ_BANDS
from ....presets.preset import Finding, Preset
from ...audio.loudness import integrated_loudness
from ...audio.reading import Samples
from ...console.response import eq_response_db
from ...practice.levels import LEAD_CEILING_DB
from ...practice.sins import sum_of
from ..trial import Trial
from .rails import MASKED, ROOM_FOR_WORDS, Guarded, finding
from .role_rails import raised, role_of, with_values

_WORDS_HZ: Final = (1000.0, 4000.0)
_FRAME_S: Final = 0.37
# A voice sings where it is within this of its loudest in this band.
_SINGS_DB: Final = 15.0
# As loud as all else, and no louder: what is masked then asks for another tone, not for more of the voice.
_MOST_LU: Final = 0.0
# A bell that takes most between 1 and 4 kHz.
_ROOM_HZ, _ROOM_Q = 2000.0, 0.7
_BELLS: Final = tuple(name for name in EQ_BANDS if name.startswith("band"))
_WORTH_IT_DB: Final = 0.5
_TINY: Final = 1e-15


def presence_db(voices: Samples, rest: Samples, sample_rate_hz: int) -> float:
    """How loud voices are against the rest between 1 and 4 kHz while they sing, the median; inf without a rest.

    Args:
        voices: shape (2, n).
        rest: likewise.
        sample_rate_hz: of both.
    """
    sung, played = (_levels_db(audio, sample_rate_hz) for audio in (voices, rest))
    sings = sung > sung.max() - _SINGS_DB
    if not np.isfinite(sung.max()) or played.max() < sung.max() - 100:
        return math.inf
    return float(np.median((sung - played)[sings]))


def lead_understood(preset: Preset, trial: Trial) -> Guarded:
    """The lead vocals, all alike, raised where they are masked, to be as loud as the band at most.

    Beside a finished beat they may be a little louder, and where that is not enough the beat makes room for them.
    """
    rendered, rate_hz = trial.render(preset), trial.sample_rate_hz
    leads = [
        track.name for track in preset.tracks if role_of(track, trial) == "lead vocal" and track.name in rendered.stems
    ]
    rest = [stem for name, stem in rendered.stems.items() if name not in leads]
    if not leads or not rest:
        return Guarded(preset)
    voices, others = sum_of([rendered.stems[name] for name in leads]), sum_of(rest)
    before_db = presence_db(voices, others, rate_hz)
    gap_lu = integrated_loudness(voices, rate_hz) - integrated_loudness(others, rate_hz)
    if before_db >= MASKED.limit_db or not math.isfinite(gap_lu):
        return Guarded(preset)
    beats = [
        track.name for track in preset.tracks if role_of(track, trial) == "full mix" and track.name in rendered.stems
    ]
    lift_db = min(MASKED.target_db - before_db, (LEAD_CEILING_DB if beats else _MOST_LU) - gap_lu)
    findings: list[Finding] = []
    if lift_db >= _WORTH_IT_DB:
        words = {"below": -before_db, "above": -before_db - lift_db}
        findings += [finding(MASKED, name, before_db, before_db + lift_db, words) for name in leads]
        preset = raised(preset, leads, lift_db)
    missing_db = MASKED.target_db - before_db - max(lift_db, 0.0)
    for name in beats:
        eq = preset.track(name).strip.eq
        had_db = min(0.0, float(eq_response_db(eq, np.array([_ROOM_HZ]), rate_hz)[0]))
        dip_db = min(missing_db, had_db - ROOM_FOR_WORDS.target_db)
        if dip_db >= _WORTH_IT_DB:
            findings.append(finding(ROOM_FOR_WORDS, name, None, -dip_db, {"dip": dip_db}))
            preset = _dipped(preset, name, dip_db)
    return Guarded(preset, tuple(findings))


def _dipped(preset: Preset, name: str, dip_db: float) -> Preset:
    """Less of a track where words are, by the bell that does least so far."""
    track = preset.track(name)
    bell = min(_BELLS, key=lambda band: abs(getattr(track.strip.eq, band).gain_db))
    values = {f"eq.{bell}.freq_hz": _ROOM_HZ, f"eq.{bell}.gain_db": -dip_db, f"eq.{bell}.q": _ROOM_Q}
    dipped = with_values(track, values)
    tracks = tuple(dipped if item.name == name else item for item in preset.tracks)
    return preset.model_copy(update={"tracks": tracks})


def _levels_db(audio: Samples, sample_rate_hz: int) -> NDArray[np.float64]:
    """Power between 1 and 4 kHz over time, of both channels, shape (frames,)."""
    size = min(round(_FRAME_S * sample_rate_hz), audio.shape[1])
    frames = np.lib.stride_tricks.sliding_window_view(audio, size, axis=1)[:, :: max(1, size // 2)]
    spectrum = np.fft.rfft(frames * np.hanning(size).astype(np.float32), axis=-1)
    freqs_hz = np.fft.rfftfreq(size, 1 / sample_rate_hz)
    heard = (freqs_hz >= _WORDS_HZ[0]) & (freqs_hz < _WORDS_HZ[1])
    power = np.square(np.abs(spectrum[..., heard]), dtype=np.float64).sum(axis=(0, 2))
    return np.asarray(10 * np.log10(power + _TINY))
