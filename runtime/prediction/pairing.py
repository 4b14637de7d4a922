"""Pairs of tracks in a preset: linked, with the same stages, and mirrored between left and right."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from ...presets.checking.links import made_alike
from ...presets.preset import Preset, Track
from ...presets.roles import TRAITS
from ..roles.pairs import Pair

# Two takes are heard as two from here on; where a role's engineers put them further out, that is taken.
_LEAST_WIDTH: Final = 0.3
_MIRRORED: Final = 0.02


def with_pairs(preset: Preset, pairs: Iterable[Pair]) -> Preset:
    """Link the tracks of each pair and put them left and right.

    Both sides of one recording stand hard left and right and have one fader: so the picture is as it was recorded. Two
    takes stand as far out as they do on average, and no less than engineers put them; each keeps its level. Pans that
    mirror each other stay.
    """
    by_name = {track.name: track for track in preset.tracks}
    known = [pair for pair in pairs if pair.left in by_name and pair.right in by_name]
    for pair in known:
        for name, track in _placed(pair, by_name).items():
            by_name[name] = track.model_copy(update={"link": pair.link})
    linked = made_alike(preset.model_copy(update={"tracks": tuple(by_name[track.name] for track in preset.tracks)}))
    return _with_one_fader(linked, [pair for pair in known if pair.kind == "sides"])


def _placed(pair: Pair, tracks: Mapping[str, Track]) -> dict[str, Track]:
    """Both tracks where they belong; who mirrored them already knew better how far out."""
    left, right = tracks[pair.left], tracks[pair.right]
    if left.strip.pan < 0 and abs(left.strip.pan + right.strip.pan) <= _MIRRORED:
        return {pair.left: left, pair.right: right}
    width = 1.0 if pair.kind == "sides" else _width(left, right)
    return {pair.left: _with(left, pan=-width), pair.right: _with(right, pan=width)}


def _width(left: Track, right: Track) -> float:
    """How far out two takes stand."""
    usual = TRAITS[left.role].practice.pan[0] if left.role is not None else 0.0
    return max(abs(right.strip.pan - left.strip.pan) / 2, usual, _LEAST_WIDTH)


def _with_one_fader(preset: Preset, pairs: Iterable[Pair]) -> Preset:
    faders = {track.name: track.strip.fader_db for track in preset.tracks}
    for pair in pairs:
        faders[pair.left] = faders[pair.right] = (faders[pair.left] + faders[pair.right]) / 2
    tracks = tuple(_with(track, fader_db=faders[track.name]) for track in preset.tracks)
    return preset.model_copy(update={"tracks": tracks})


def _with(track: Track, **values: float) -> Track:
    if all(getattr(track.strip, name) == value for name, value in values.items()):
        return track
    return track.model_copy(update={"strip": track.strip.model_copy(update=values)})
