"""Two rails on what compressors do: peaks that only a limiter would hold, and noise that comes up with the music.

Tracks whose peaks stand far above the mix are compressed, as engineers do; what lifts noise does less.

Band powers, on which the default model learns, know nothing of peaks inside a frame of 46 ms; this does.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import numpy as np

from ....presets import console
from ....presets.console import EQ_BANDS, Strip, parameters
from ....presets.preset import Finding, Preset
from ....presets.units import decibels
from ...audio.loudness import integrated_loudness
from ...audio.reading import Samples
from ...model.excerpts import joined
from ...practice.noise import NoiseBands, music_db, noise_bands, noise_lift_db
from ...rendering.in_memory import render_strip
from ..casting import takes_of
from ..trial import Trial
from .rails import LIFTED_NOISE, SPIKY, Guarded, finding

_NOTHING_MEANT: Final[Mapping[str, float]] = MappingProxyType({})
# Fast and steep enough to catch the beginning of a drum: a time constant of 0.2 ms, and seen coming.
_RATIO, _ATTACK_MS, _LOOKAHEAD_MS = 6.0, 1.2, 1.0
_ABOVE_DB, _DEEPEST_DB = 6.0, 24.0
_STEPS = 6
_MOST_TRACKS = 4
_WORTH_IT_DB = 1.0
_BETWEEN = 3
_TINY = 1e-9
# Shares of the equalizer's gains and of the compressor's ratio that are tried where a strip lifts noise.
_LESS = ((0.75, 1.0), (0.5, 1.0), (0.5, 0.6), (0.35, 0.4), (0.2, 0.25), (0.1, 0.1), (0.0, 0.0))


def tamed(preset: Preset, trial: Trial) -> Guarded:
    """Where a mix breaks :data:`.rails.SPIKY`, compress the tracks whose peaks stand highest, each as loud as before.

    Args:
        preset: its tracks are those of the passage.
        trial: the passage and the reference.
    """
    usual_db = _over_loudness_db(trial.stereo_reference, trial.sample_rate_hz)
    over_db = _over_loudness_db(trial.render(preset).mix, trial.sample_rate_hz) - usual_db
    if not over_db > SPIKY.limit_db:  # also where one of them is silent
        return Guarded(preset)
    findings: list[Finding] = []
    for _ in range(_MOST_TRACKS):
        peaks_db = {
            name: _peak_db(stem)
            for name, stem in trial.render(preset).stems.items()
            if name not in {found.track for found in findings}
        }
        if not peaks_db or over_db <= SPIKY.target_db:
            break
        name = max(peaks_db, key=lambda name: peaks_db[name])
        strip = _compressed(preset, name, trial, peaks_db[name] - (over_db - SPIKY.target_db))
        tried = _with_strip(preset, name, strip)
        after_db = _over_loudness_db(trial.render(tried).mix, trial.sample_rate_hz) - usual_db
        if after_db > over_db - _WORTH_IT_DB:
            break
        findings.append(finding(SPIKY, name, over_db, after_db, {}))
        preset, over_db = tried, after_db
    return Guarded(preset, tuple(findings))


def without_lifted_noise(preset: Preset, trial: Trial, meant_db: Mapping[str, float] = _NOTHING_MEANT) -> Guarded:
    """Where a strip lifts bands that have only noise in them, do less in its equalizer, then in its compressor.

    The track stays as loud as it was.

    Args:
        preset: of several tracks.
        trial: in which they are heard.
        meant_db: by track, how far noise is lifted on purpose; as far as that it may be in any case.
    """
    findings: list[Finding] = []
    tracks = []
    playing = trial.playing(preset)
    for track in preset.tracks:
        strip = track.strip
        if track.name in playing and _may_lift(strip):
            heard = [excerpt.audio for excerpt in trial.passage.excerpts_of(track.name)]
            audio = joined(heard, trial.sample_rate_hz)
            bands = noise_bands(audio, trial.sample_rate_hz)
            before_db = noise_lift_db(bands, strip, audio, trial.sample_rate_hz)
            beyond_db = max(0.0, meant_db.get(track.name, 0.0) - LIFTED_NOISE.limit_db)
            if before_db > LIFTED_NOISE.limit_db + beyond_db:
                most_db = LIFTED_NOISE.target_db + beyond_db
                strip, after_db = _quieter(strip, bands, audio, trial.sample_rate_hz, most_db)
                findings.append(finding(LIFTED_NOISE, track.name, before_db, after_db, {}))
        tracks.append(track if strip is track.strip else track.model_copy(update={"strip": strip}))
    return Guarded(preset.model_copy(update={"tracks": tuple(tracks)}) if findings else preset, tuple(findings))


def _may_lift(strip: Strip) -> bool:
    """Whether a strip does anything that could lift noise that far; spares most tracks the measurement."""
    boosts_db = sum(max(0.0, getattr(strip.eq, name).gain_db) for name in EQ_BANDS)
    cuts_db = sum(max(0.0, -getattr(strip.eq, name).gain_db) for name in EQ_BANDS)
    return strip.compressor.ratio > 1 or boosts_db + cuts_db > LIFTED_NOISE.limit_db


def _quieter(
    strip: Strip, bands: NoiseBands, audio: Samples, sample_rate_hz: int, most_db: float
) -> tuple[Strip, float]:
    """A strip that lifts noise no further than this, and how far that is."""
    made_db = music_db(bands, strip, audio, sample_rate_hz)

    def lift_db_at(shares: tuple[float, float]) -> float:
        return noise_lift_db(bands, _less(strip, *shares), audio, sample_rate_hz)

    before = (1.0, 1.0)
    for shares in _LESS:
        if lift_db_at(shares) <= most_db:
            break
        before = shares
    # No less than it takes: steps would make a hair of noise decibels of the equalizer.
    for _ in range(_BETWEEN):
        middle = ((before[0] + shares[0]) / 2, (before[1] + shares[1]) / 2)
        before, shares = (before, middle) if lift_db_at(middle) <= most_db else (middle, shares)
    tried, lift_db = _less(strip, *shares), lift_db_at(shares)
    louder_db = music_db(bands, tried, audio, sample_rate_hz) - made_db
    fader_db = parameters(Strip)["fader_db"].clamp(tried.fader_db - louder_db)
    return console.replace(tried, {"fader_db": fader_db}), lift_db


def _less(strip: Strip, share: float, ratio_share: float) -> Strip:
    values = {f"eq.{name}.gain_db": share * getattr(strip.eq, name).gain_db for name in EQ_BANDS}
    return console.replace(strip, {**values, "compressor.ratio": 1 + ratio_share * (strip.compressor.ratio - 1)})


def _compressed(preset: Preset, name: str, trial: Trial, peak_db: float) -> Strip:
    """The track's strip with the least compression that holds its peak there, or with the most that is tried."""
    strip = preset.track(name).strip
    stem = _stem(preset, name, strip, trial)
    lufs = integrated_loudness(stem, trial.sample_rate_hz)
    # At the compressor, from where it does nothing down to where it works on nearly all of the track.
    high_db = _peak_db(stem) - strip.fader_db - strip.compressor.makeup_db + _ABOVE_DB
    low_db = high_db - _ABOVE_DB - _DEEPEST_DB
    if strip.compressor.ratio > 1:
        high_db = min(high_db, strip.compressor.threshold_db)

    def tried(threshold_db: float) -> tuple[Strip, float]:
        """With this threshold, as loud as before, and how high its peak is then."""
        changed = _with_threshold(strip, threshold_db)
        made = _stem(preset, name, changed, trial)
        quieter_db = lufs - integrated_loudness(made, trial.sample_rate_hz)
        if not math.isfinite(quieter_db):
            return changed, _peak_db(made)
        return _raised(changed, quieter_db), _peak_db(made) + quieter_db

    best: Strip | None = None
    for _ in range(_STEPS):
        threshold_db = (low_db + high_db) / 2
        found, reached_db = tried(threshold_db)
        if reached_db <= peak_db:
            best, low_db = found, threshold_db
        else:
            high_db = threshold_db
    return best if best is not None else tried(low_db)[0]


def _with_threshold(strip: Strip, threshold_db: float) -> Strip:
    values = {
        "compressor.threshold_db": parameters(Strip)["compressor.threshold_db"].clamp(threshold_db),
        "compressor.ratio": max(strip.compressor.ratio, _RATIO),
        "compressor.attack_ms": min(strip.compressor.attack_ms, _ATTACK_MS),
        "compressor.lookahead_ms": max(strip.compressor.lookahead_ms, _LOOKAHEAD_MS),
    }
    return console.replace(strip, values)


def _with_strip(preset: Preset, name: str, strip: Strip) -> Preset:
    tracks = tuple(
        track.model_copy(update={"strip": strip}) if track.name == name else track for track in preset.tracks
    )
    return preset.model_copy(update={"tracks": tracks})


def _raised(strip: Strip, gain_db: float) -> Strip:
    """With so much more makeup; the fader takes what the makeup cannot."""
    table = parameters(Strip)
    makeup_db = table["compressor.makeup_db"].clamp(strip.compressor.makeup_db + gain_db)
    rest_db = strip.compressor.makeup_db + gain_db - makeup_db
    values = {
        "compressor.makeup_db": makeup_db,
        "fader_db": table["fader_db"].clamp(strip.fader_db + rest_db),
    }
    return console.replace(strip, values)


def _stem(preset: Preset, name: str, strip: Strip, trial: Trial) -> Samples:
    return render_strip(trial.passage.tried[name], trial.sample_rate_hz, strip, takes_of(trial.passage))


def _peak_db(audio: Samples) -> float:
    return decibels(float(np.abs(audio).max()) + _TINY)


def _over_loudness_db(audio: Samples, sample_rate_hz: int) -> float:
    """How far the highest sample stands above the loudness; no number for silence."""
    loudness = integrated_loudness(audio, sample_rate_hz)
    return _peak_db(audio) - loudness if math.isfinite(loudness) else math.nan
