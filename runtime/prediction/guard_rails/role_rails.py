"""Guard rails that know what a track is: what carries a mix stands in the middle, is heard, and nothing leans.

They judge the passage that was heard, and act where no engineer would leave a mix as it is. The mix by role is made so
that none of them has to; a search, an old model or somebody's preset may still need them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from typing import Final

import numpy as np

from ....presets import console
from ....presets.console import EQ_BANDS, Strip, parameters
from ....presets.parts.match import THIRDS_HZ, WidthCurve
from ....presets.preset import Finding, Preset, Track
from ....presets.roles import TRAITS, Role
from ....presets.units import power_decibels
from ...audio.loudness import integrated_loudness
from ...audio.reading import Samples
from ...practice.by_role import for_each, made_db
from ...practice.sins import LOW_HZ, lean_lu, low_powers, low_sides_db, sum_of
from ...practice.sounds import RoleSound, lean_db, mix_powers
from ...rendering.in_memory import render_strip
from ..casting import sounds_of, takes_of
from ..trial import Trial
from .rails import LEANING, LOW_BOOST, OFF_CENTRE, UNDER_THE_REST, WIDE_LOWS, Guarded, finding

CENTRED: Final[frozenset[Role]] = frozenset({"kick", "snare", "bass", "lead vocal"})
_LEADS: Final[frozenset[Role]] = frozenset({"lead vocal", "speech"})
_LOW_BAND_HZ: Final = 180.0
# A reference that leans this far asks for what leans.
_REFERENCE_LEANS_DB: Final = 1.5
LOW_WIDTHS: Final = tuple(
    f"match.width.{name}" for name, freq_hz in zip(WidthCurve.model_fields, THIRDS_HZ, strict=True) if freq_hz < LOW_HZ
)
"""Paths of the master's match curve that narrow what is below 120 Hz."""
_HALVINGS: Final = 8
_LOW_END: Final[frozenset[Role]] = frozenset({"kick", "bass", "drums"})
# Cuts that take more of the lows than this, in the middle, thin the mix.
_MOST_LOWS_LOST_DB: Final = 1.0
_TINY: Final = 1e-15


def in_the_middle(preset: Preset, trial: Trial) -> Guarded:
    """Kick, snare, bass and lead vocal to the middle, where they are no pair and the reference does not lean."""
    if abs(lean_lu(trial.stereo_reference, trial.sample_rate_hz)) > _REFERENCE_LEANS_DB:
        return Guarded(preset)
    paired = {name for pair in trial.cast.pairs for name in pair}

    def centred(track: Track) -> tuple[Track, Finding | None]:
        pan = track.strip.pan
        if role_of(track, trial) not in CENTRED or track.name in paired or abs(pan) <= OFF_CENTRE.limit_db:
            return track, None
        said = finding(
            OFF_CENTRE, track.name, None, None, {"share": 100 * abs(pan), "side": "left" if pan < 0 else "right"}
        )
        return with_values(track, {"pan": 0.0}), said

    return _each(preset, trial, centred)


def without_low_boosts(preset: Preset, trial: Trial) -> Guarded:
    """No boost of lows on what has none to give."""

    def quiet(track: Track) -> tuple[Track, Finding | None]:
        role = role_of(track, trial)
        if role is None or TRAITS[role].has_lows:
            return track, None
        bands = [
            name
            for name in EQ_BANDS
            if getattr(track.strip.eq, name).gain_db > LOW_BOOST.limit_db
            and (name == "low_shelf" or getattr(track.strip.eq, name).freq_hz < _LOW_BAND_HZ)
        ]
        if not bands:
            return track, None
        before_db = max(getattr(track.strip.eq, name).gain_db for name in bands)
        said = finding(LOW_BOOST, track.name, before_db, LOW_BOOST.target_db, {"role": role})
        return with_values(track, {f"eq.{name}.gain_db": LOW_BOOST.target_db for name in bands}), said

    return _each(preset, trial, quiet)


def lead_heard(preset: Preset, trial: Trial) -> Guarded:
    """The lead vocal no further below all else than it can be followed."""
    rendered = trial.render(preset)
    leads = [track.name for track in preset.tracks if role_of(track, trial) in _LEADS and track.name in rendered.stems]
    rest = [stem for name, stem in rendered.stems.items() if name not in leads]
    if not leads or not rest:
        return Guarded(preset)
    rate_hz = trial.sample_rate_hz
    voice_lufs = integrated_loudness(sum_of([rendered.stems[name] for name in leads]), rate_hz)
    gap_db = voice_lufs - integrated_loudness(sum_of(rest), rate_hz)
    if not math.isfinite(gap_db) or gap_db >= UNDER_THE_REST.limit_db:
        return Guarded(preset)
    lift_db = UNDER_THE_REST.target_db - gap_db
    words = {"below": -gap_db, "above": -UNDER_THE_REST.target_db}
    findings = tuple(finding(UNDER_THE_REST, name, gap_db, UNDER_THE_REST.target_db, words) for name in leads)
    return Guarded(raised(preset, leads, lift_db), findings)


def raised(preset: Preset, names: Collection[str], lift_db: float) -> Preset:
    """These tracks louder by so much, as far as their faders go."""
    clamp = parameters(Strip)["fader_db"].clamp
    tracks = tuple(
        with_values(track, {"fader_db": clamp(track.strip.fader_db + lift_db)}) if track.name in names else track
        for track in preset.tracks
    )
    return preset.model_copy(update={"tracks": tracks})


def low_end_in_the_middle(preset: Preset, trial: Trial) -> Guarded:
    """What is below 120 Hz in the middle: what carries the lows is centred, the rest cut below them.

    Where no kick, bass or kit plays, the rest carries them, as cellos and timpani do; where cuts would thin the mix
    then, nothing is cut, and the master narrows what is low.
    """
    wide = trial.render(preset).mix
    before_db = low_sides_db(wide, trial.sample_rate_hz)
    if before_db <= WIDE_LOWS.limit_db:
        return Guarded(preset)

    playing = trial.playing(preset)
    paired = {name for pair in trial.cast.pairs for name in pair}

    def narrowed(track: Track) -> Track:
        role = role_of(track, trial)
        if role is not None and TRAITS[role].has_lows:
            return track if track.name in paired else with_values(track, {"pan": 0.0})
        if track.strip.pan == 0.0 and playing[track.name].shape[0] == 1:
            return track
        return with_values(
            track, {"low_cut.freq_hz": max(track.strip.low_cut.freq_hz, LOW_HZ), "low_cut.slope_db_per_octave": 24.0}
        )

    tracks = tuple(narrowed(track) if track.name in playing else track for track in preset.tracks)
    narrow = preset.model_copy(update={"tracks": tracks}) if tracks != preset.tracks else preset
    cut = trial.render(narrow).mix
    after_db = low_sides_db(cut, trial.sample_rate_hz)
    lost_db = _middle_lows_db(wide, trial) - _middle_lows_db(cut, trial)
    if lost_db > _MOST_LOWS_LOST_DB and not any(role_of(preset.track(name), trial) in _LOW_END for name in playing):
        narrow = preset
    if after_db > WIDE_LOWS.limit_db or narrow is preset:  # what is wide in the recordings themselves
        values = dict.fromkeys(LOW_WIDTHS, WIDE_LOWS.target_db)
        narrow = narrow.model_copy(update={"master": console.replace(narrow.master, values)})
        after_db = low_sides_db(trial.render(narrow).mix, trial.sample_rate_hz)
    return Guarded(narrow, (finding(WIDE_LOWS, None, before_db, after_db, {}, who="the whole mix"),))


def _middle_lows_db(mix: Samples, trial: Trial) -> float:
    return power_decibels(low_powers(mix, trial.sample_rate_hz)[0] + _TINY)


def upright(preset: Preset, trial: Trial) -> Guarded:
    """Left and right equally loud, where they are in the reference: what is on the louder side is drawn in.

    Judged by the levels at which the tracks play in the song, not by who plays in the passage that is tried.
    """
    wanted_db = lean_lu(trial.stereo_reference, trial.sample_rate_hz)
    goal_db = math.copysign(max(0.0, abs(wanted_db) - LEANING.limit_db), wanted_db)
    playing = trial.playing(preset)
    if len(playing) < 2:
        return Guarded(preset)
    sounds = [sound for sound in sounds_of(trial.passage, trial.cast, trial.sample_rate_hz) if sound.name in playing]
    levels_db = _levels_db(preset, sounds, trial)

    def lean(tried: Preset) -> float:
        pans = {sound.name: tried.track(sound.name).strip.pan for sound in sounds}
        left, right, _ = mix_powers(sounds, levels_db, pans)
        return lean_db(left, right) - goal_db

    before_db = lean(preset)
    if abs(before_db) <= LEANING.limit_db:
        return Guarded(preset)
    side = float(np.sign(before_db))
    # The most that stays at which it leans no further than it may; pans that stand on the other side stay.
    low, high = 0.0, 1.0
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (
            (middle, high) if lean(drawn_in(preset, side, middle)) * side <= LEANING.target_db else (low, middle)
        )
    best = drawn_in(preset, side, round(low, 3))
    after_db = lean(best)
    if abs(after_db) >= abs(before_db):
        return Guarded(preset)
    return Guarded(best, (drawn_in_finding(before_db + goal_db, after_db + goal_db, "the whole mix"),))


def _levels_db(preset: Preset, sounds: Sequence[RoleSound], trial: Trial) -> dict[str, float]:
    """How loud tracks are in a mix while they play."""
    render = partial(render_strip, takes=takes_of(trial.passage))
    strips = {sound.name: preset.track(sound.name).strip for sound in sounds}
    made = for_each(sounds, lambda sound: made_db(sound, strips[sound.name], trial.sample_rate_hz, render))
    return {sound.name: sound.loudness_lufs + made[sound.name] + strips[sound.name].fader_db for sound in sounds}


def drawn_in(preset: Preset, side: float, share: float, stays: Callable[[Track], bool] = lambda _: False) -> Preset:
    """Bring the pans of the tracks on a side, -1 left and 1 right, to a share of what they are.

    Args:
        preset: the settings.
        side: whose tracks.
        share: what is left of their pans, 0..1.
        stays: tells which tracks keep theirs.
    """
    tracks = tuple(
        with_values(track, {"pan": track.strip.pan * share})
        if track.strip.pan * side > 0 and not stays(track)
        else track
        for track in preset.tracks
    )
    return preset.model_copy(update={"tracks": tracks})


def drawn_in_finding(before_lu: float, after_lu: float, who: str) -> Finding:
    """What is said of a mix that leaned; right is positive."""
    words = {"side": "right" if before_lu > 0 else "left"}
    return finding(LEANING, None, abs(before_lu), abs(after_lu), words, who=who)


def role_of(track: Track, trial: Trial) -> Role | None:
    """The role of a track, as the preset has it, or as it was decided."""
    return track.role or trial.cast.roles.get(track.name)


def _each(preset: Preset, trial: Trial, check: Callable[[Track], tuple[Track, Finding | None]]) -> Guarded:
    playing = trial.playing(preset)
    checked = [check(track) if track.name in playing else (track, None) for track in preset.tracks]
    findings = tuple(said for _, said in checked if said is not None)
    if not findings:
        return Guarded(preset)
    return Guarded(preset.model_copy(update={"tracks": tuple(track for track, _ in checked)}), findings)


def with_values(track: Track, values: Mapping[str, float]) -> Track:
    """A track with these settings, by path."""
    return track.model_copy(update={"strip": console.replace(track.strip, values)})
