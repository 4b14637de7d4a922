"""Guard rails: no predicted setting may ruin a track. What would is eased, and said; what is merely bold stays.

The rails are the table :data:`.rails.RULES`; each has one function that finds what breaks it on the passage that was
heard and puts it right. They judge the music that is there, so the same setting may pass on one track and not on
another.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import partial

import numpy as np
from numpy.typing import NDArray

from ....presets import console
from ....presets.checking.links import made_alike
from ....presets.console import EQ_BANDS, Master, Strip, get, parameters
from ....presets.preset import Finding, Preset
from ....presets.units import decibels, power_factor
from ...audio.loudness import integrated_loudness
from ...audio.reading import Samples
from ...console.dynamics import compressor_work
from ...console.response import band_responses_db, compressor_gain_db, eq_response_db
from ...practice.levels import is_background, is_spoken
from ...practice.shaping import threshold_for
from ...practice.sounds import mean_power
from ...rendering.in_memory import Rendered
from ..trial import AMOUNTS, Bus, Trial, rows
from .presence import lead_understood
from .rails import BURIED, NOT_A_NUMBER, REVERSED_TONE, SILENT_BAND, SQUASHED, Guarded, finding
from .role_rails import in_the_middle, lead_heard, low_end_in_the_middle, upright, without_low_boosts
from .spikes import tamed, without_lifted_noise

WHOLE = "the whole mix"
# A band of a track with less than this of its power has nothing in it.
_EMPTY_DB = -60.0
# What is quieter than the loudest by more is no part of the average: silence needs no compressor.
_SOUNDING_DB = 60.0
# Highest threshold that is tried, above the one that was predicted.
_MOST_EASED_DB = 80.0
_LOWS_HZ, _HIGHS_HZ = 250.0, 2500.0
_FFT = 16384
_TINY = 1e-20


def guard(preset: Preset, trial: Trial) -> Guarded:
    """Make predicted settings safe for the passage they were predicted for.

    Args:
        preset: as predicted; its tracks are those of the passage.
        trial: the passage and the reference.
    """
    checked = _finite(preset)
    if not trial.playing(checked.preset):
        return checked
    checked = _and_then(checked, lambda found: in_the_middle(found, trial))
    checked = _and_then(checked, lambda found: without_low_boosts(found, trial))
    checked = _and_then(checked, lambda found: _each_track(found, trial))
    checked = _and_then(checked, lambda found: without_lifted_noise(found, trial))
    rendered = trial.render(checked.preset)
    checked = _and_then(checked, lambda found: _audible(found, rendered, trial.sample_rate_hz))
    for check in (lead_heard, lead_understood, low_end_in_the_middle, upright) if trial.cast.is_known else ():
        checked = _and_then(checked, partial(check, trial=trial))
    checked = _and_then(checked, lambda found: tamed(found, trial))
    rendered = trial.render(checked.preset)
    checked = _and_then(checked, lambda found: _master(found, rendered.bus, trial.sample_rate_hz))
    toned = _and_then(checked, lambda found: _tone(found, trial))
    if toned.preset is not checked.preset and trial.cast.is_known:  # nearer the plain mix, whose lows may be wide
        toned = _and_then(toned, partial(low_end_in_the_middle, trial=trial))
    checked = toned
    # A rail looks at one track; what is linked gets the middle of what its tracks were left with.
    return Guarded(made_alike(checked.preset), checked.findings)


def guard_alone(preset: Preset, trial: Trial, lifted_noise_db: Mapping[str, float]) -> Guarded:
    """Make settings safe that follow no reference: arguments as for :func:`guard`, whose reference has no say.

    What a style does to the tone of a track, and where it puts it, is meant; how far it lifts noise, too.

    Args:
        preset: set in a style.
        trial: in which it is heard.
        lifted_noise_db: by track, how far its style lifts noise.
    """
    checked = _finite(preset)
    playing = trial.playing(checked.preset)
    if not playing:
        return checked
    checked = _and_then(checked, lambda found: _each_track(found, trial))
    checked = _and_then(checked, lambda found: without_lifted_noise(found, trial, lifted_noise_db))
    if len(playing) > 1:
        rendered = trial.render(checked.preset)
        checked = _and_then(checked, lambda found: _audible(found, rendered, trial.sample_rate_hz))
        for check in (lead_heard, lead_understood, low_end_in_the_middle, upright) if trial.cast.is_known else ():
            checked = _and_then(checked, partial(check, trial=trial))
    return Guarded(made_alike(checked.preset), checked.findings)


def _and_then(done: Guarded, check: Callable[[Preset], Guarded]) -> Guarded:
    more = check(done.preset)
    return Guarded(more.preset, (*done.findings, *more.findings))


def _finite(preset: Preset) -> Guarded:
    findings: list[Finding] = []
    tracks = []
    for track in preset.tracks:
        strip, found = _finite_section(track.strip, Strip(), track.name)
        tracks.append(track.model_copy(update={"strip": strip}) if found else track)
        findings += found
    master, found = _finite_section(preset.master, Master(), None)
    findings += found
    if not findings:
        return Guarded(preset)
    return Guarded(preset.model_copy(update={"tracks": tuple(tracks), "master": master}), tuple(findings))


def _finite_section(section: Bus, usual: Bus, track: str | None) -> tuple[Bus, list[Finding]]:
    bad = [path for path in rows(section) if not math.isfinite(get(section, path))]
    if not bad:
        return section, []
    words = {"where": ", ".join(bad), "is_are": "is" if len(bad) == 1 else "are"}
    mended = console.replace(section, {path: get(usual, path) for path in bad})
    return mended, [finding(NOT_A_NUMBER, track, None, None, words)]


def _each_track(preset: Preset, trial: Trial) -> Guarded:
    audio = trial.playing(preset)
    findings: list[Finding] = []
    tracks = []
    for track in preset.tracks:
        if track.name in audio:
            strip, found = _section(track.strip, audio[track.name], trial.sample_rate_hz, track.name)
            findings += found
            tracks.append(track.model_copy(update={"strip": strip}) if found else track)
        else:
            tracks.append(track)
    return Guarded(preset.model_copy(update={"tracks": tuple(tracks)}) if findings else preset, tuple(findings))


def _master(preset: Preset, bus: Samples, sample_rate_hz: int) -> Guarded:
    master, findings = _section(preset.master, bus, sample_rate_hz, None)
    return Guarded(preset.model_copy(update={"master": master}) if findings else preset, tuple(findings))


def _section(section: Bus, audio: Samples, sample_rate_hz: int, track: str | None) -> tuple[Bus, list[Finding]]:
    """The rails that a strip and the master have in common; `audio` is what comes into it."""
    quiet, silence = _without_boosts_of_silence(section, audio, sample_rate_hz, track)
    eased, squashed = _eased(quiet, audio, sample_rate_hz, track)
    return eased, [*silence, *squashed]


def _without_boosts_of_silence(
    section: Bus, audio: Samples, sample_rate_hz: int, track: str | None
) -> tuple[Bus, list[Finding]]:
    if all(getattr(section.eq, name).gain_db <= SILENT_BAND.limit_db for name in EQ_BANDS):
        return section, []
    freqs_hz, power = _spectrum(audio, sample_rate_hz)
    empty = []
    for name, response_db in band_responses_db(section.eq, freqs_hz, sample_rate_hz).items():
        band = getattr(section.eq, name)
        lifted = response_db >= band.gain_db / 2
        lifted[np.argmin(np.abs(freqs_hz - band.freq_hz))] = True  # a bell may fit between two bins
        share = float(power[lifted].sum() / (power.sum() + _TINY))
        if band.gain_db > SILENT_BAND.limit_db and share < power_factor(_EMPTY_DB):
            empty.append(name)
    if not empty:
        return section, []
    bands = [getattr(section.eq, name) for name in empty]
    words = {"where": " and ".join(_hertz(band.freq_hz) for band in sorted(bands, key=lambda band: band.freq_hz))}
    before_db = max(band.gain_db for band in bands)
    quiet = console.replace(section, {f"eq.{name}.gain_db": SILENT_BAND.target_db for name in empty})
    return quiet, [finding(SILENT_BAND, track, before_db, SILENT_BAND.target_db, words)]


def _eased(section: Bus, audio: Samples, sample_rate_hz: int, track: str | None) -> tuple[Bus, list[Finding]]:
    compressor = section.compressor
    if not _may_squash(section, audio, sample_rate_hz):
        return section, []
    levels_db = (
        compressor_work(
            audio, sample_rate_hz, section.input_gain_db, section.eq, compressor, playing_db=_SOUNDING_DB
        ).levels_db
        + section.input_gain_db
    )
    reduction_db = -compressor_gain_db(compressor, levels_db)
    if reduction_db.mean() <= SQUASHED.limit_db:
        return section, []
    threshold_db = threshold_for(
        compressor,
        levels_db,
        SQUASHED.target_db,
        compressor.threshold_db,
        compressor.threshold_db + _MOST_EASED_DB,
    )
    eased = compressor.model_copy(update={"threshold_db": threshold_db})
    before_db = float(reduction_db.mean())
    after_db = float(-compressor_gain_db(eased, levels_db).mean())
    # What is squashed less is louder: the makeup takes it back, and the fader what the makeup cannot.
    behind = "fader_db" if isinstance(section, Strip) else "output_gain_db"
    wanted_db = compressor.makeup_db - (before_db - after_db)
    table = rows(section)
    makeup_db = table["compressor.makeup_db"].clamp(wanted_db)
    values = {
        "compressor.threshold_db": threshold_db,
        "compressor.makeup_db": makeup_db,
        behind: table[behind].clamp(get(section, behind) + wanted_db - makeup_db),
    }
    return console.replace(section, values), [finding(SQUASHED, track, before_db, after_db, {})]


def _may_squash(section: Strip | Master, audio: Samples, sample_rate_hz: int) -> bool:
    """Whether even the highest peak could be turned down that far; spares nearly all tracks the measurement."""
    if section.compressor.ratio <= 1:
        return False
    peak_db = decibels(float(np.abs(audio).max()) + _TINY)
    lift_db = float(eq_response_db(section.eq, np.geomspace(20, sample_rate_hz / 2.1, 200), sample_rate_hz).max())
    level_db = peak_db + max(lift_db, 0.0) + section.input_gain_db
    return -float(compressor_gain_db(section.compressor, level_db)) > SQUASHED.limit_db


def _audible(preset: Preset, rendered: Rendered, sample_rate_hz: int) -> Guarded:
    loudness = {name: integrated_loudness(stem, sample_rate_hz) for name, stem in rendered.stems.items()}
    spoken = is_spoken([track.role for track in preset.tracks])
    findings: list[Finding] = []
    tracks = []
    for track in preset.tracks:
        if spoken and is_background(track.role):  # a room that was recorded below voices is to be heard there
            tracks.append(track)
            continue
        others = [lufs for name, lufs in loudness.items() if name != track.name]
        gap_db = loudness.get(track.name, math.nan) - max(others, default=math.nan)
        if gap_db < BURIED.limit_db:
            gap_db = max(gap_db, -120.0)  # so quiet that its loudness is none at all
            fader_db = parameters(Strip)["fader_db"].clamp(track.strip.fader_db + BURIED.target_db - gap_db)
            words = {"below": -gap_db, "above": -BURIED.target_db}
            findings.append(finding(BURIED, track.name, gap_db, BURIED.target_db, words))
            tracks.append(track.model_copy(update={"strip": track.strip.model_copy(update={"fader_db": fader_db})}))
        else:
            tracks.append(track)
    return Guarded(preset.model_copy(update={"tracks": tuple(tracks)}) if findings else preset, tuple(findings))


def _tone(preset: Preset, trial: Trial) -> Guarded:
    """The balance of lows and highs, which the order of levels decides: not far the wrong way from the reference."""
    goal_db = _tilt_db(trial.stereo_reference, trial.sample_rate_hz)

    def error_db(tried: Preset) -> float:
        return abs(_tilt_db(trial.render(tried).mix, trial.sample_rate_hz) - goal_db)

    before_db = error_db(preset)
    if before_db <= REVERSED_TONE.limit_db:  # whatever the plain mix is like
        return Guarded(preset)
    plain_db = error_db(trial.plain(preset))
    if before_db - plain_db <= REVERSED_TONE.limit_db:
        return Guarded(preset)
    for amount in AMOUNTS[1:]:
        nearer = trial.nearer_plain(preset, amount)
        after_db = error_db(nearer)
        if after_db - plain_db <= REVERSED_TONE.target_db:
            break
    words = {"share": 100 * amount}
    said = finding(REVERSED_TONE, None, before_db - plain_db, after_db - plain_db, words, who=WHOLE)
    return Guarded(nearer, (said,))


def _spectrum(audio: Samples, sample_rate_hz: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Frequencies and power in them; the window's own leakage is 90 dB down."""
    from scipy.signal import windows  # late, as in loudness.py

    return mean_power(audio, sample_rate_hz, windows.blackmanharris(_FFT).astype(np.float32))


def _tilt_db(audio: Samples, sample_rate_hz: int) -> float:
    """Lows over highs."""
    freqs_hz, power = _spectrum(audio, sample_rate_hz)
    lows, highs = power[freqs_hz < _LOWS_HZ].sum(), power[freqs_hz > _HIGHS_HZ].sum()
    # What is 80 dB below the whole is not heard as lows or highs.
    floor = power.sum() * 1e-8 + _TINY
    return float(10 * np.log10((lows + floor) / (highs + floor)))


def _hertz(freq_hz: float) -> str:
    return f"{freq_hz / 1000:.2g} kHz" if freq_hz >= 995 else f"{freq_hz:.0f} Hz"
