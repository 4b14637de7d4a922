"""From a model's preset to a mix: the plain mix by role, and the model's settings as far as they are believed.

Both are presets of the same session. What is decided how stands in :mod:`..practice` and :mod:`.prior`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Final

from ...presets.checking.links import made_alike
from ...presets.console import SEND_OFF_DB, Strip
from ...presets.preset import Preset
from ..audio.reading import Samples
from ..model.analysis import Passage
from ..model.layout import balance_gain_db
from ..practice.by_role import RoleMix, mix_by_role
from ..rendering.in_memory import render_strip
from .casting import Cast, picture_of, sounds_of, takes_of
from .prior import Trust, believed

TRUST: Final = Trust()
"""How far models are believed."""


def plain_by_role(
    preset: Preset, passage: Passage, reference: Samples, sample_rate_hz: int, level_lufs: float
) -> Preset:
    """The plain mix by role of the tracks of a preset; all else of it stays. Arguments as for :func:`with_prior`.

    Tracks stand on the sides that the preset has for them: what lies between both must not pile up in the middle, and
    a mix that gives way to the plain one must not turn over.
    """
    cast = Cast.of(preset)
    sides = {track.name: track.strip.pan for track in preset.tracks}
    picture = replace(picture_of(passage, reference, cast, sample_rate_hz), sides=sides)
    sounds = sounds_of(passage, cast, sample_rate_hz)
    if not sounds:
        return preset
    render = partial(render_strip, takes=takes_of(passage))
    return with_mix(preset, mix_by_role(sounds, picture, sample_rate_hz, level_lufs, render))


def with_prior(
    preset: Preset,
    passage: Passage,
    reference: Samples,
    sample_rate_hz: int,
    level_lufs: float,
    trust: Trust = TRUST,
) -> Preset:
    """A model's preset made a mix that an engineer would set.

    Args:
        preset: as the model makes it, with roles and links.
        passage: what was heard of the tracks.
        reference: shape (1 or 2, n), at the same rate.
        sample_rate_hz: of both.
        level_lufs: loudness at which strips meet their tracks.
        trust: how far the model is believed.
    """
    cast = Cast.of(preset)
    sounds = sounds_of(passage, cast, sample_rate_hz)
    if not sounds:
        return preset
    said: Mapping[str, Strip] = {track.name: track.strip for track in preset.tracks}
    picture = picture_of(passage, reference, cast, sample_rate_hz)
    render = partial(render_strip, takes=takes_of(passage))
    own = passage.own_mix
    mixed = believed(sounds, said, preset.master, picture, sample_rate_hz, level_lufs, render, trust, own)
    return with_mix(preset, mixed)


def with_mix(preset: Preset, mixed: RoleMix) -> Preset:
    """A preset with the settings of a mix; what is linked is alike."""
    tracks = tuple(
        track.model_copy(update={"strip": mixed.strips.get(track.name, track.strip)}) for track in preset.tracks
    )
    alike = made_alike(preset.model_copy(update={"tracks": tracks}))
    strips = [track.strip for track in alike.tracks if track.name in mixed.strips]
    master = mixed.master.model_copy(update={"input_gain_db": balance_gain_db([strip.fader_db for strip in strips])})
    used = [
        (mixed.reverb, "reverb", any(strip.reverb_send_db > SEND_OFF_DB for strip in strips)),
        (mixed.delay, "delay", any(strip.delay_send_db > SEND_OFF_DB for strip in strips)),
    ]
    effects = {name: effect for effect, name, is_on in used if is_on}
    said = (*mixed.space, *mixed.decisions) if effects else mixed.decisions
    provenance = preset.provenance.model_copy(update={"decisions": said or None})
    return alike.model_copy(update={"master": master, "provenance": provenance, **effects})
