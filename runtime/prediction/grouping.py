"""Puts tracks into groups, as far as a session has three and more that engineers hold together.

A group's compressor is slow: it lets attacks through and holds what follows, which makes hits stand out. That is not
for every song. So a group is tried on the passage, and made only where the mix comes no further from the reference,
neither by its features nor in how far peaks stand above its loudness.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce

import numpy as np

from ...presets.preset import GroupBus, Preset
from ..audio.loudness import integrated_loudness
from ..audio.peaks import true_peak_db
from ..audio.reading import Samples, as_stereo
from ..model.analysis import Passage
from ..practice.stages.grouping import glued, group_words, groups_among
from ..rendering.in_memory import render_mix, render_strip
from .casting import takes_of
from .target import FeatureTarget
from .trial import HEARD_SIDE_DB


def with_groups(preset: Preset, passage: Passage, reference: Samples, sample_rate_hz: int) -> Preset:
    """A preset whose drums, backing vocals and guitars go through groups, compressed a little, as loud as before.

    A group of which fewer than two tracks are heard is not made: nobody could tell what it does.

    Args:
        preset: its tracks have their roles and their levels.
        passage: what is heard of them.
        reference: shape (1 or 2, samples).
        sample_rate_hz: of both.
    """
    heard, audio = set(passage.heard), passage.tried
    tracks = {track.name: track for track in preset.tracks if track.name in heard and not track.mute}
    groups = groups_among({name: track.role for name, track in tracks.items()})
    if not groups or any(track.bus is not None for track in tracks.values()):
        return preset
    song = as_stereo(reference if passage.own_mix is None else passage.own_mix.audio)
    target = FeatureTarget.of(song, sample_rate_hz, HEARD_SIDE_DB)
    song_db = true_peak_db(song) - target.loudness_lufs
    best, (distance, best_db) = preset, _tried(preset, passage, target)
    for group, names in groups.items():
        playing = [name for name in names if name in audio]
        if len(playing) < 2:
            continue
        takes = takes_of(passage)
        stems = [render_strip(audio[name], sample_rate_hz, tracks[name].strip, takes) for name in playing]
        tried = _grouped(best, group, names, reduce(np.add, stems), sample_rate_hz)
        found, peaks_db = _tried(tried, passage, target)
        if found <= distance and abs(peaks_db - song_db) <= abs(best_db - song_db):
            best, distance, best_db = tried, found, peaks_db
    return best


def _grouped(preset: Preset, group: str, names: Sequence[str], audio: Samples, sample_rate_hz: int) -> Preset:
    """The preset with one more group; `audio` is what comes into it."""
    strip, reduction_db = glued(group, audio, sample_rate_hz)
    words = group_words(group, len(names), reduction_db)
    provenance = preset.provenance.model_copy(update={"decisions": (*(preset.provenance.decisions or ()), words)})
    tracks = tuple(track.model_copy(update={"bus": group}) if track.name in names else track for track in preset.tracks)
    buses = (*preset.buses, GroupBus(name=group, strip=strip))
    return preset.model_copy(update={"tracks": tracks, "buses": buses, "provenance": provenance})


def _tried(preset: Preset, passage: Passage, target: FeatureTarget) -> tuple[float, float]:
    """How far the mix of what is tried is from the target, and how far its peaks stand above its loudness."""
    tracks = tuple(track for track in preset.tracks if not track.mute and track.name in passage.tried)
    audio = {track.name: passage.tried[track.name] for track in tracks}
    if not audio:
        return 0.0, 0.0
    sounding = preset.model_copy(update={"tracks": tracks})
    mix = render_mix(audio, target.sample_rate_hz, sounding, takes_of(passage))
    loudness_lufs = integrated_loudness(mix, target.sample_rate_hz)
    gain = target.gain_from(loudness_lufs)
    if not gain:
        return 0.0, 0.0
    return target.distance(mix, gain=gain).total, true_peak_db(mix) - loudness_lufs
