"""A plain mix by role: what an engineer would set before hearing the reference, and what a model has to beat."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Final, TypeVar

from ...presets.console import SEND_OFF_DB, Delay, Gate, Master, Reverb, Strip, parameters
from ...presets.console import replace as with_values
from ...presets.units import power_decibels
from ..audio.loudness import integrated_loudness
from ..audio.reading import Samples
from ..console.strip import pan_gains
from .levels import Levels, usual_levels
from .placing import StereoPicture, place, sides_missing_db
from .shaping import compressor_of, deesser_of
from .sounds import RoleSound
from .space import ROOM, reverb_send_db, room_for, room_words
from .stages.cutting import low_cut_of
from .stages.echo import echo_for, echo_send_db, echo_words
from .stages.gating import gate_of
from .stages.warmth import WARMED, driven, saturation_of, warmth_words

Made = TypeVar("Made")
Render = Callable[[Samples, int, Strip], Samples]
"""A strip on audio of shape (1 or 2, n) at a rate: shape (2, n)."""

_PLAYED_DB: Final = -60.0


@dataclass(frozen=True)
class RoleMix:
    """A plain mix.

    Attributes:
        strips: settings by track.
        levels_db: how loud each track is meant to be in the mix, while it plays.
        reverb: the room that the sends go to.
        delay: the echoes that they go to.
        master: of the mix.
        decisions: what was taken from the reference and why, a sentence each.
        space: likewise, of room and echoes.
    """

    strips: Mapping[str, Strip]
    levels_db: Levels
    reverb: Reverb = ROOM
    delay: Delay = field(default_factory=Delay)
    master: Master = field(default_factory=Master)
    decisions: tuple[str, ...] = ()
    space: tuple[str, ...] = ()


def mix_by_role(
    sounds: Sequence[RoleSound],
    stage: StereoPicture,
    sample_rate_hz: int,
    level_lufs: float,
    render: Render,
) -> RoleMix:
    """Make a plain mix by role.

    Args:
        sounds: the tracks.
        stage: pairs, and what is known of the reference's width and lean.
        sample_rate_hz: of the tracks.
        level_lufs: loudness at which strips meet their tracks; thresholds mean that.
        render: renders a strip.
    """
    levels_db = usual_levels(sounds)
    pans = place(sounds, levels_db, stage)

    def strip(sound: RoleSound) -> Strip:
        return shaped(sound, sample_rate_hz, level_lufs).model_copy(update={"pan": pans[sound.name]})

    strips = alike_in_pairs(for_each(sounds, strip), stage.pairs)
    missing_db = sides_missing_db(sounds, levels_db, pans, stage)
    return finished(sounds, strips, levels_db, missing_db, stage, sample_rate_hz, render)


def finished(
    sounds: Sequence[RoleSound],
    strips: Mapping[str, Strip],
    levels_db: Levels,
    missing_db: float,
    stage: StereoPicture,
    sample_rate_hz: int,
    render: Render,
    master: Master | None = None,
) -> RoleMix:
    """Warm strips, bring them to their levels, and send them to room and echoes.

    Args:
        sounds: the tracks.
        strips: shaped and placed.
        levels_db: how loud each should be.
        missing_db: how much softer the sides are than those of the reference.
        stage: what is known of the reference.
        sample_rate_hz: of the tracks.
        render: renders a strip.
        master: of the mix.
    """
    echo = echo_for(sounds, sample_rate_hz, stage.tail)
    echoed = {
        sound.name: strips[sound.name].model_copy(update={"delay_send_db": echo_send_db(sound, echo)})
        for sound in sounds
    }
    warm = warmed(sounds, dry_alone(echoed), stage.density_db, sample_rate_hz, render)
    roles = {sound.role for sound in sounds if sound.role is not None and warm[sound.name].saturation.drive}
    room = room_for(missing_db, stage.tail)
    return RoleMix(
        at_levels(sounds, warm, levels_db, sample_rate_hz, render),
        levels_db,
        room,
        echo or Delay(),
        master or Master(),
        warmth_words(stage.density_db, roles),
        (room_words(room, stage.tail), *echo_words(echo)),
    )


def warmed(
    sounds: Sequence[RoleSound],
    strips: Mapping[str, Strip],
    density_db: float | None,
    sample_rate_hz: int,
    render: Render,
) -> Mapping[str, Strip]:
    """Strips of which those that carry the mix are saturated, as far as the reference is dense."""
    drive = driven(density_db)
    chosen = [sound for sound in sounds if sound.role in WARMED] if drive and len(sounds) > 1 else []

    def warm(sound: RoleSound) -> Strip:
        strip = strips[sound.name]
        made = render(sound.audio, sample_rate_hz, with_values(strip, {"fader_db": 0.0, "pan": 0.0}))
        saturation = saturation_of(made, sample_rate_hz, drive, len(sound.audio))
        return strip.model_copy(update={"saturation": saturation})

    return {**strips, **for_each(chosen, warm)}


def shaped(sound: RoleSound, sample_rate_hz: int, level_lufs: float) -> Strip:
    """The strip of a track before fader and pan: gain, gate, low cut, compressor, de-esser, send."""
    return sound.once((shaped, sample_rate_hz, level_lufs), lambda: _shaped(sound, sample_rate_hz, level_lufs))


def _shaped(sound: RoleSound, sample_rate_hz: int, level_lufs: float) -> Strip:
    gain_db = parameters(Strip)["input_gain_db"].clamp(level_lufs - sound.loudness_lufs)
    return Strip(
        input_gain_db=gain_db,
        gate=gate_of(sound, sample_rate_hz, gain_db),
        low_cut=low_cut_of(sound, sample_rate_hz),
        compressor=compressor_of(sound, sample_rate_hz, gain_db),
        deesser=deesser_of(sound, sample_rate_hz, gain_db),
        reverb_send_db=reverb_send_db(sound),
    )


def alike_in_pairs(strips: Mapping[str, Strip], pairs: Sequence[tuple[str, str]]) -> dict[str, Strip]:
    """Strips of which pairs are cut alike, and gated only where both are: half a gate would be neither."""
    changed = dict(strips)
    for pair in pairs:
        both = [strips[name] for name in pair if name in strips]
        if len(both) < len(pair):
            continue
        cut = max((strip.low_cut for strip in both), key=lambda cut: cut.freq_hz)
        off = {} if all(strip.gate.range_db for strip in both) else {"gate": Gate()}
        for name in pair:
            changed[name] = strips[name].model_copy(update={"low_cut": cut, **off})
    return changed


def dry_alone(strips: Mapping[str, Strip]) -> Mapping[str, Strip]:
    """Strips without reverb where there is one track: nobody plays in the room with it, and one is soon too many."""
    if len(strips) > 1:
        return strips
    sends = dict.fromkeys(("reverb_send_db", "delay_send_db"), SEND_OFF_DB)
    return {name: with_values(strip, sends) for name, strip in strips.items()}


def at_levels(
    sounds: Sequence[RoleSound],
    strips: Mapping[str, Strip],
    levels_db: Mapping[str, float],
    sample_rate_hz: int,
    render: Render,
) -> dict[str, Strip]:
    """Strips with the faders at which each track is as loud as it should be, behind all that they do to it."""
    table = parameters(Strip)["fader_db"]
    result = {}
    made = for_each(sounds, lambda sound: made_db(sound, strips[sound.name], sample_rate_hz, render))
    for sound in sounds:
        strip = strips[sound.name]
        # The level of a song's track, not that of the passage: a quiet verse stays quiet.
        wanted_db = levels_db[sound.name] - (sound.loudness_lufs + made[sound.name]) + lost_by_pan_db(sound, strip.pan)
        result[sound.name] = with_values(strip, {"fader_db": table.clamp(round(wanted_db, 2))})
    faders = [strip.fader_db for strip in result.values()]
    middle_db = sum(faders) / len(faders) if faders else 0.0
    return {
        name: with_values(strip, {"fader_db": table.clamp(round(strip.fader_db - middle_db, 2))})
        for name, strip in result.items()
    }


def lost_by_pan_db(sound: RoleSound, pan: float) -> float:
    """How much softer a pan makes a mono track in a stereo file: it is balanced, and loses the side that fades out."""
    if len(sound.audio) == 1 or not sound.is_mono:
        return 0.0
    left, right = pan_gains(pan, 2)
    return -power_decibels((left**2 + right**2) / 2)


def for_each(sounds: Sequence[RoleSound], find: Callable[[RoleSound], Made]) -> dict[str, Made]:
    """Find something for each track, by name; side by side, as audio is computed outside of Python's lock."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return dict(zip((sound.name for sound in sounds), pool.map(find, sounds), strict=True))


def made_db(sound: RoleSound, strip: Strip, sample_rate_hz: int, render: Render) -> float:
    """How much louder the stages of a strip make its track."""
    before = sound.once((integrated_loudness, sample_rate_hz), lambda: integrated_loudness(sound.audio, sample_rate_hz))
    level = with_values(strip, {"fader_db": 0.0, "pan": 0.0})
    after = integrated_loudness(render(sound.audio, sample_rate_hz, level), sample_rate_hz)
    if not (before > _PLAYED_DB - 40 and after > _PLAYED_DB - 60):
        return strip.input_gain_db
    return after - before
