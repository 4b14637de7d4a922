"""Keeps a whole song from leaning to one side where its reference does not, and its lows in the middle.

The guard rails of the same names hear one passage of the song; in others, other instruments play.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import cache
from pathlib import Path

import numpy as np

from ...presets import console
from ...presets.checking.claims import with_claims
from ...presets.console import Master
from ...presets.preset import Finding, Preset, Track
from ..audio.opening import ON_DEMAND, OpenFiles
from ..audio.reading import Samples, as_stereo, probe, read_passage
from ..model.references import Song
from ..practice.sins import lean_lu, low_sides_db
from ..prediction.guard_rails.rails import WIDE_LOWS, finding
from ..prediction.guard_rails.role_rails import LOW_WIDTHS, drawn_in, drawn_in_finding
from .density import MasterTrial
from .fitting import Mastering
from .passages import RATE_HZ, BusPassages

Fit = Callable[[Preset, Samples], Mastering | None]
"""Fits a master to a preset, and to what comes into its master."""

# Of the reference, from its middle.
_HEARD_S = 60.0
_DRAWN_IN = (0.85, 0.7, 0.55, 0.4, 0.2, 0.0)
_MOST_TURNS = 3
_FREE_LU = 0.5
# Narrower than the guard rail's: the rest of the song may lean a little more than the passages.
_LIMIT_LU, _TARGET_LU = 0.7, 0.5
# What a fitted master may still add to the sides of the lows.
_LOWS_MARGIN_DB = 2.0


def fit_upright(
    preset: Preset,
    stems: Mapping[str, Path],
    songs: Sequence[Song],
    fit: Fit,
    heard_s: float | None = None,
    locked: Collection[str] = (),
    files: OpenFiles = ON_DEMAND,
) -> tuple[Preset, Mastering | None]:
    """Draw in what is panned to the louder side, as far as it takes, narrow lows that are wide, and fit the master.

    Pairs, and what is locked, stay where they are.

    Args:
        preset: as decided.
        stems: files by track name.
        songs: the references; a mix may lean as far as they do.
        fit: fits a master to a preset and what comes into its master: passages of the song, shape (2, n), at
            :data:`.passages.RATE_HZ`.
        heard_s: where a passage begins that has to be among those that are rendered.
        locked: tracks whose pan stays.
        files: stems that are open already.

    Returns:
        The preset, its master not fitted yet, and the master.

    Raises:
        AudioError: a file cannot be used.
    """
    playing = {track.name: stems[track.name] for track in preset.tracks if not track.mute}
    passages = BusPassages(playing, heard_s, files)

    @cache
    def wanted_lu() -> float:
        return sum(song.share * _lean_of(song.path, files) for song in songs)

    return fit_upright_by(preset, passages.bus, wanted_lu, fit, locked)


def fit_upright_by(
    preset: Preset,
    rendered: Callable[[Preset], Samples],
    wanted_lu: Callable[[], float],
    fit: Fit,
    locked: Collection[str] = (),
) -> tuple[Preset, Mastering | None]:
    """:func:`fit_upright`, however a preset is rendered.

    Args:
        preset: as decided.
        rendered: makes of a preset what comes into the master.
        wanted_lu: how much louder the right of the reference is than the left; asked only where the mix leans.
        fit: fits a master to a preset and what comes into its master.
        locked: tracks whose pan stays.
    """

    def stays(track: Track) -> bool:
        return track.link is not None or track.name in locked

    preset, bus = _upright(preset, rendered(preset), rendered, wanted_lu, stays)
    preset = _narrow_below(preset, bus)
    mastering = fit(preset, bus)
    if mastering is None:
        return preset, None
    # A curve that raises the highs turns a mix to where the cymbals are, and another curve follows what was drawn in.
    for _ in range(_MOST_TURNS):
        upright, bus = _upright(preset, bus, rendered, wanted_lu, stays, mastering.master)
        if upright is preset:
            break
        preset = upright
        fitted = fit(preset, bus)
        if fitted is None:
            break
        mastering = fitted
    return preset, mastering


def _upright(
    preset: Preset,
    bus: Samples,
    rendered: Callable[[Preset], Samples],
    wanted_lu: Callable[[], float],
    stays: Callable[[Track], bool],
    master: Master | None = None,
) -> tuple[Preset, Samples]:
    """The preset upright, heard through a master that was fitted, if there is one, and what comes into the master."""

    def lean_of(bus: Samples) -> float:
        return lean_lu(bus if master is None else MasterTrial(bus, RATE_HZ).mastered(master), RATE_HZ)

    leans_lu = lean_of(bus)
    if abs(leans_lu) <= _LIMIT_LU:
        return preset, bus
    lean = wanted_lu()
    # What nobody hears as leaning in the reference asks for nothing.
    asked_lu = math.copysign(max(0.0, abs(lean) - _FREE_LU), lean)
    goal_lu = min(max(leans_lu, min(0.0, asked_lu)), max(0.0, asked_lu))  # upright, or as far as the reference leans
    before_lu = after_lu = leans_lu - goal_lu
    if abs(before_lu) <= _LIMIT_LU:
        return preset, bus
    best = preset
    for share in _DRAWN_IN:
        tried = drawn_in(preset, np.sign(before_lu), share, stays)
        if tried == best:
            break
        heard = rendered(tried)
        found_lu = lean_of(heard) - goal_lu
        if abs(found_lu) < abs(after_lu):
            best, bus, after_lu = tried, heard, found_lu
        if abs(found_lu) <= _TARGET_LU or found_lu * before_lu < 0:
            break
    if best is preset:
        return preset, bus
    return _told(preset, best, drawn_in_finding(before_lu, after_lu, "the whole song")), bus


def _narrow_below(preset: Preset, bus: Samples) -> Preset:
    before_db = low_sides_db(bus, RATE_HZ)
    is_narrow = min(console.get(preset.master, path) for path in LOW_WIDTHS) < 0
    if before_db <= WIDE_LOWS.limit_db - _LOWS_MARGIN_DB or is_narrow:
        return preset
    master = console.replace(preset.master, dict.fromkeys(LOW_WIDTHS, WIDE_LOWS.target_db))
    after_db = low_sides_db(MasterTrial(bus, RATE_HZ).mastered(master), RATE_HZ)
    narrow = preset.model_copy(update={"master": master})
    return _told(preset, narrow, finding(WIDE_LOWS, None, before_db, after_db, {}, who="the whole song"))


def _lean_of(path: Path, files: OpenFiles) -> float:
    info = probe(path, files)
    start_s = max(0.0, (info.duration_s - _HEARD_S) / 2)
    return lean_lu(as_stereo(read_passage(path, start_s, _HEARD_S, RATE_HZ, files)), RATE_HZ)


def _told(before: Preset, after: Preset, said: Finding) -> Preset:
    """Say it among the findings; what was measured of the settings before stays with them."""
    claims = before.provenance
    if claims.confidence is None:
        return after
    others = [found for found in claims.findings or () if found.rule != said.rule]
    return with_claims(after, claims.confidence, (*others, said))
