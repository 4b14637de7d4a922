"""Voices that no song can speak for: one alone against a finished song, and people who talk.

A song's spectrum says nothing of one voice in it, and nothing of a conversation. So these are set as engineers set them
(:mod:`..voices.chain`), fitted to each voice, and lift nothing but the voice (:mod:`..voices.care`). Of a lone
instrument the same holds, with less to know: it is evened out a little and left in its tone. People who talk come out
equally loud, in the middle, dry.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace as with_fields

import numpy as np

from ...presets import console
from ...presets.console import Master, Reverb, Strip, parameters
from ...presets.preset import Preset, Track
from ...presets.roles import TRAITS, Role
from ...presets.units import decibels, power_decibels
from ..audio.loudness import integrated_loudness
from ..audio.reading import Samples
from ..console.strip import pan_gains
from ..model.analysis import Passage
from ..model.excerpts import joined
from ..practice.levels import is_spoken
from ..practice.peaks import like
from ..rendering.in_memory import render_mix, render_strip
from ..voices import practice
from ..voices.care import VoiceComparison, careful
from ..voices.chain import PLAYED, SPOKEN, SUNG, Manner, strip_for
from ..voices.reference import brightness, density, is_voice_alone, side_db
from ..voices.sound import VoiceSound, measured

Roles = Mapping[str, Role | None]

# These are mixes already: a model may compare one with another.
_MIXED: tuple[Role, ...] = ("full mix", "drums")
# Of a mix; what an expander is asked to make up for where a recording is quiet.
_USUAL_LUFS = -14.0
# A small dark room: a tail that is gone before the next phrase. Real ones are twice as long.
_ROOM = Reverb(decay_low_s=0.9, decay_mid_s=1.1, decay_high_s=0.6, pre_delay_ms=25.0, low_cut_hz=200.0)
# A send below this is not heard.
_LEAST_SEND_DB = -32.0
# A reference whose sides are this far below its middle is mono.
_MONO_DB = -60.0
# Compressors that a voice is tried with: as mixers set them, in the console's times.
_TIMES = tuple(
    console.Compressor(attack_ms=attack_ms, release_ms=release_ms, knee_db=6.0)
    for attack_ms in (3.0, 10.0, 35.0)
    for release_ms in (60.0, 120.0, 250.0)
)
_RATIOS = (2.0, 3.0, 4.5, 7.0)
_OVER_LEVEL_DB = (-10.0, -7.0, -4.5, -2.0, 0.0, 2.0, 4.0)
# What stands behind the compressor, and the compressor itself.
_UNPACED = {
    "compressor.ratio": 1.0,
    "compressor.makeup_db": 0.0,
    "deesser.range_db": 0.0,
    "saturation.drive": 0.0,
    "fader_db": 0.0,
    "pan": 0.0,
}
# What a send of 0 dB gives of this room, against the direct sound.
_RETURN_DB = 0.5


def is_practice(preset: Preset, passage: Passage, reference: Samples, sample_rate_hz: int) -> bool:
    """Tell whether a session is set by practice alone, so that nearness to the reference says nothing."""
    return _by_practice(_roles(preset), passage, reference, sample_rate_hz)


def is_talk(preset: Preset, passage: Passage) -> bool:
    """Tell whether a session is people who talk, with what is theirs: no song tells how that is mixed."""
    roles = _roles(preset)
    return is_spoken([roles.get(name) for name in passage.heard])


def voiced(preset: Preset, passage: Passage, reference: Samples, sample_rate_hz: int) -> Preset:
    """Set the voices of a session that the reference cannot speak for; all else stays as it was decided.

    Args:
        preset: as the model decided; its tracks have their roles.
        passage: what is heard of them.
        reference: shape (1 or 2, samples).
        sample_rate_hz: of passage and reference.
    """
    roles = _roles(preset)
    talking = [name for name in passage.heard if roles.get(name) == "speech"]
    if _by_practice(roles, passage, reference, sample_rate_hz) and len(passage.heard) == 1:
        return _alone(preset, passage, reference, sample_rate_hz)
    if len(passage.heard) == 1 and _is_voice(roles.get(passage.heard[0]), passage, passage.heard[0], sample_rate_hz):
        return _moving_like(preset, passage, reference, sample_rate_hz)
    if len(talking) < 2:
        return preset
    strips = _talking(preset, passage, talking, sample_rate_hz)
    changed = _with_strips(preset, strips)
    if len(talking) == len(passage.heard):
        return changed.model_copy(update={"master": Master()})
    if not is_talk(preset, passage):
        return changed
    # A song's tone is no goal for people who talk, and what is played behind them is finished.
    return changed.model_copy(update={"master": Master(input_gain_db=preset.master.input_gain_db)})


def _by_practice(roles: Roles, passage: Passage, reference: Samples, sample_rate_hz: int) -> bool:
    heard = passage.heard
    if len(heard) == 1:
        role = roles.get(heard[0])
        if role in _MIXED:
            return False
        return not (_is_voice(role, passage, heard[0], sample_rate_hz) and is_voice_alone(reference, sample_rate_hz))
    return len(heard) > 1 and all(roles.get(name) == "speech" for name in heard)


def _is_voice(role: Role | None, passage: Passage, name: str, sample_rate_hz: int) -> bool:
    return (
        TRAITS[role].is_voice
        if role is not None
        else is_voice_alone(_heard(passage, name, sample_rate_hz), sample_rate_hz)
    )


def _alone(preset: Preset, passage: Passage, reference: Samples, sample_rate_hz: int) -> Preset:
    (name,) = passage.heard
    role = preset.track(name).role
    audio = _heard(passage, name, sample_rate_hz)
    sound = measured(audio, sample_rate_hz)
    manner = _manner(role, passage, name, sample_rate_hz)
    if manner.share > 0:
        manner = with_fields(
            manner,
            brightness=brightness(reference, sample_rate_hz),
            density=density(reference, sample_rate_hz),
        )
    strip = strip_for(sound, manner, role is not None and TRAITS[role].has_lows)
    strip = careful(strip, audio, sample_rate_hz, sound, _USUAL_LUFS - passage.level_lufs(name))
    strip = _as_loud(strip, audio, sample_rate_hz, sound.lufs)
    alone = _with_strips(preset, {name: strip}).model_copy(update={"master": Master()})
    # A mono reference has no room to either side: with one, the voice would be wider than the whole song.
    if manner is PLAYED or role == "speech" or side_db(reference) < _MONO_DB:
        return alone
    return _in_a_room(alone, name, audio, sample_rate_hz, sound)


def _moving_like(preset: Preset, passage: Passage, reference: Samples, sample_rate_hz: int) -> Preset:
    """Set the compressor of a voice so that it moves as a mixed voice does; as loud as it was decided.

    A model that sees band powers knows nothing of peaks: this is told by the voice's own envelope.
    """
    (name,) = passage.heard
    strip = preset.track(name).strip
    audio = _heard(passage, name, sample_rate_hz)
    bare = console.replace(strip, _UNPACED)
    before = render_strip(audio, sample_rate_hz, bare)
    compressor = like(before, reference, sample_rate_hz, _TIMES, _RATIOS, _OVER_LEVEL_DB)
    made = integrated_loudness(render_strip(audio, sample_rate_hz, strip), sample_rate_hz)
    if compressor is None:
        paced = console.replace(strip, {"compressor.ratio": 1.0, "compressor.makeup_db": 0.0})
    else:
        # A mono voice comes out of the pan's law softer than it meets the compressor.
        over_db = -decibels(max(pan_gains(0.0, len(audio))))
        threshold_db = parameters(Strip)["compressor.threshold_db"].clamp(compressor.threshold_db + over_db)
        paced = strip.model_copy(update={"compressor": compressor.model_copy(update={"threshold_db": threshold_db})})
    return _with_strips(preset, {name: _as_loud(paced, audio, sample_rate_hz, made)})


def _manner(role: Role | None, passage: Passage, name: str, sample_rate_hz: int) -> Manner:
    if role == "speech":
        return SPOKEN
    return SUNG if _is_voice(role, passage, name, sample_rate_hz) else PLAYED


def _talking(preset: Preset, passage: Passage, names: Sequence[str], sample_rate_hz: int) -> dict[str, Strip]:
    """Strips of people who talk, each as loud as the loudest of them was to be."""
    found: dict[str, Strip] = {}
    loudness, wanted = {}, []
    for name in names:
        audio = _heard(passage, name, sample_rate_hz)
        sound = measured(audio, sample_rate_hz)
        # The excerpts may be louder or quieter than the whole.
        rest_db = passage.level_lufs(name) - sound.lufs
        decided = render_strip(audio, sample_rate_hz, preset.track(name).strip)
        wanted.append(integrated_loudness(decided, sample_rate_hz) + rest_db)
        found[name] = careful(strip_for(sound, SPOKEN), audio, sample_rate_hz, sound)
        loudness[name] = integrated_loudness(render_strip(audio, sample_rate_hz, found[name]), sample_rate_hz) + rest_db
    goal = max(wanted)
    return {name: _raised(strip, goal - loudness[name]) for name, strip in found.items()}


def _as_loud(strip: Strip, audio: Samples, sample_rate_hz: int, lufs: float) -> Strip:
    """Bring a strip to a loudness on its fader."""
    return _raised(strip, lufs - integrated_loudness(render_strip(audio, sample_rate_hz, strip), sample_rate_hz))


def _raised(strip: Strip, gain_db: float) -> Strip:
    gain_db = gain_db if np.isfinite(gain_db) else 0.0
    return console.replace(strip, {"fader_db": parameters(Strip)["fader_db"].clamp(strip.fader_db + gain_db)})


def _in_a_room(preset: Preset, name: str, audio: Samples, sample_rate_hz: int, sound: VoiceSound) -> Preset:
    """Send a voice to a room, as far as its tail leaves the pauses quiet."""
    most_db = practice.REVERB_DB.middle - _RETURN_DB
    dry_strip = preset.track(name).strip
    sent = console.replace(dry_strip, {"reverb_send_db": most_db})
    wet = _with_strips(preset.model_copy(update={"reverb": _ROOM}), {name: sent})
    dry = render_strip(audio, sample_rate_hz, dry_strip)
    alone = wet.model_copy(update={"tracks": (wet.track(name),)})  # tracks that are silent may be beside it
    tail = render_mix({name: audio}, sample_rate_hz, alone)[:, : dry.shape[1]] - dry
    share = VoiceComparison(audio, sample_rate_hz, sound).room_share(dry, tail)
    send_db = most_db + power_decibels(share)
    if send_db < _LEAST_SEND_DB:
        return preset
    return _with_strips(wet, {name: console.replace(sent, {"reverb_send_db": round(send_db, 1)})})


def _heard(passage: Passage, name: str, sample_rate_hz: int) -> Samples:
    return joined([excerpt.audio for excerpt in passage.excerpts_of(name)], sample_rate_hz)


def _with_strips(preset: Preset, strips: Mapping[str, Strip]) -> Preset:
    def changed(track: Track) -> Track:
        if track.name not in strips:
            return track
        # Linked tracks have one strip; each voice has its own.
        return track.model_copy(update={"strip": strips[track.name], "link": None})

    return preset.model_copy(update={"tracks": tuple(map(changed, preset.tracks))})


def _roles(preset: Preset) -> Roles:
    return {track.name: track.role for track in preset.tracks}
