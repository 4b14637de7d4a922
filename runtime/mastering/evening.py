"""Keeps a whole song from leaning to one side where its reference does not, and its lows in the middle.

The guard rails of the same names hear one passage of the song; in others, other instruments play.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from ...presets import console
from ...presets.checking.claims import with_claims
from ...presets.preset import Finding, Preset, Track
from ...presets.roles import TRAITS, Role
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
_FIRST_SHARE = 0.7
_MOST_TRIALS = 4
# Less than this left of a side's pans is no side any more: then one of so many tracks is tried on the other one.
_LEAST_SHARE = 0.6
_MOST_TURNED = 5
_OFF_CENTRE = 0.1
_MOST_TURNS = 3
_FREE_LU = 0.5
# A mix that leans by over 1 LU is a fault.
# A song that does so by little is no wish for it, one that does by twice that is.
_MOST_LU, _MEANT_LU = 0.5, 2.0
# Narrower than the guard rail's: the rest of the song may lean a little more than the passages.
_LIMIT_LU, _TARGET_LU = 0.4, 0.15
# A mix that leans by less needed no rail.
_TOLD_LU = 0.7
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
    *,
    is_theirs: bool = False,
) -> tuple[Preset, Mastering | None]:
    """Even out the sides by pans, narrow lows that are wide, and fit the master.

    What is panned to the louder side is drawn in; where hardly anything would be left of that, one of its tracks goes
    to the other side.

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
        is_theirs: whether the reference is a mix of these tracks: what of it leans is to lean.

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

    return fit_upright_by(preset, passages.bus, wanted_lu, fit, locked, 0.0 if is_theirs else _MEANT_LU)


def fit_upright_by(
    preset: Preset,
    rendered: Callable[[Preset], Samples],
    wanted_lu: Callable[[], float],
    fit: Fit,
    locked: Collection[str] = (),
    meant_lu: float = _MEANT_LU,
) -> tuple[Preset, Mastering | None]:
    """:func:`fit_upright`, however a preset is rendered.

    Args:
        preset: as decided.
        rendered: makes of a preset what comes into the master.
        wanted_lu: how much louder the right of the reference is than the left; asked only where the mix leans.
        fit: fits a master to a preset and what comes into its master.
        locked: tracks whose pan stays.
        meant_lu: a reference that leans so far is followed there; by one that leans less a mix leans by 0.9 LU at most.
    """

    def stays(track: Track) -> bool:
        return track.link is not None or track.name in locked

    def asked() -> tuple[float, float]:
        lean = wanted_lu()
        most_lu = _MOST_LU if abs(lean) < meant_lu else math.inf
        # What nobody hears as leaning in the reference asks for nothing.
        asked_lu, near_lu = min(max(0.0, abs(lean) - _FREE_LU), most_lu), min(abs(lean), most_lu)
        return math.copysign(asked_lu, lean), math.copysign(near_lu, lean)

    preset, bus = _upright(preset, rendered(preset), rendered, asked, stays)
    preset = _narrow_below(preset, bus)
    mastering = fit(preset, bus)
    if mastering is None:
        return preset, None
    # A curve that raises the highs turns a mix to where the cymbals are, and another curve follows what was drawn in.
    for _ in range(_MOST_TURNS):
        upright, bus = _upright(preset, bus, rendered, asked, stays, mastering)
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
    asked: Callable[[], tuple[float, float]],
    stays: Callable[[Track], bool],
    mastering: Mastering | None = None,
) -> tuple[Preset, Samples]:
    """The preset upright, heard through a master that was fitted, if there is one, and what comes into the master.

    `asked` tells how far the reference asks it to lean, and where it may be as it is, nearer to the reference.
    """

    def lean_of(bus: Samples) -> float:
        return lean_lu(bus if mastering is None else MasterTrial(bus, RATE_HZ).mastered(mastering.master), RATE_HZ)

    leans_lu = lean_of(bus) if mastering is None else mastering.leans_lu
    if abs(leans_lu) <= _LIMIT_LU:
        return preset, bus
    asked_lu, near_lu = asked()
    goal_lu = min(max(leans_lu, min(0.0, asked_lu)), max(0.0, asked_lu))  # upright, or as far as the reference leans
    before_lu = leans_lu - goal_lu
    # Nearer to where the reference leans, if hardly, is no fault.
    beyond_lu = leans_lu - min(max(leans_lu, min(0.0, near_lu)), max(0.0, near_lu))
    if min(abs(before_lu), abs(beyond_lu)) <= _LIMIT_LU:
        return preset, bus

    def heard(tried: Preset, share: float) -> _Drawn:
        sound = rendered(tried)
        return _Drawn(tried, sound, lean_of(sound) - goal_lu, share)

    drawn = _drawn(_Drawn(preset, bus, before_lu, 1.0), heard, stays)
    if drawn.preset is preset:
        return preset, bus
    said = None
    if abs(before_lu) > _TOLD_LU:
        said = drawn_in_finding(leans_lu, drawn.leans_lu + goal_lu, "the whole song")
    return _told(preset, drawn.preset, said), drawn.bus


@dataclass(frozen=True)
class _Drawn:
    """A preset with a side drawn in.

    Attributes:
        preset: the settings.
        bus: what comes into the master.
        leans_lu: how far that leans from where it should.
        share: what is left of the side's pans.
    """

    preset: Preset
    bus: Samples
    leans_lu: float
    share: float


_Hear = Callable[[Preset, float], _Drawn]
"""Renders a preset with this share of a side's pans, and tells how far it leans."""


def _drawn(start: _Drawn, heard: _Hear, stays: Callable[[Track], bool]) -> _Drawn:
    """Draw in the louder side; where little would be left of it, one of its tracks goes to the other side before."""
    plain = _drawn_in(start, heard, stays)
    if plain.share >= _LEAST_SHARE:
        return plain
    turned = [heard(tried, 1.0) for tried in _turned(start.preset, start.leans_lu, stays)]
    if not turned:
        return plain
    nearest = min(turned, key=lambda tried: abs(tried.leans_lu))
    again = _drawn_in(nearest, heard, stays) if abs(nearest.leans_lu) > _TARGET_LU else nearest
    is_upright = abs(again.leans_lu) <= max(_LIMIT_LU, abs(plain.leans_lu))
    return again if is_upright and again.share > plain.share else plain


def _drawn_in(start: _Drawn, heard: _Hear, stays: Callable[[Track], bool]) -> _Drawn:
    best = start
    share, found = _FIRST_SHARE, [(1.0, start.leans_lu)]
    side = np.sign(start.leans_lu)
    for _ in range(_MOST_TRIALS):
        preset = drawn_in(start.preset, side, share, stays)
        if preset == start.preset:
            break
        tried = heard(preset, share)
        found.append((share, tried.leans_lu))
        if abs(tried.leans_lu) < abs(best.leans_lu):
            best = tried
        if abs(tried.leans_lu) <= _TARGET_LU or (share == 0 and tried.leans_lu * side > 0):
            break
        share = _upright_share(found)
    return best


def _turned(preset: Preset, leans_lu: float, stays: Callable[[Track], bool]) -> list[Preset]:
    """The preset with one track on the other side, as often as there are tracks that may go there.

    Drums stand as they were hit, and what has its like on the other side stays opposite to it.
    """
    side = float(np.sign(leans_lu))

    def count(role: Role | None, side: float) -> int:
        return sum(track.role == role and track.strip.pan * side > 0 for track in preset.tracks if not track.mute)

    def may_turn(track: Track) -> bool:
        role, out = track.role, track.strip.pan * side
        if track.mute or stays(track) or out < _OFF_CENTRE or (role is not None and TRAITS[role].family == "drums"):
            return False
        return role is None or count(role, side) > count(role, -side)

    chosen = sorted(filter(may_turn, preset.tracks), key=lambda track: track.strip.pan * side)[:_MOST_TURNED]
    return [_mirrored(preset, track.name) for track in chosen]


def _mirrored(preset: Preset, name: str) -> Preset:
    tracks = tuple(
        track.model_copy(update={"strip": console.replace(track.strip, {"pan": -track.strip.pan})})
        if track.name == name
        else track
        for track in preset.tracks
    )
    return preset.model_copy(update={"tracks": tracks})


def _upright_share(found: Sequence[tuple[float, float]]) -> float:
    """The share of pans at which a line through what was found is upright, 0..1.

    Args:
        found: shares that were tried and how far they lean; the first is that of all.
    """
    (_, all_lu), *tried = found
    far_share, far_lu = min((pair for pair in found if pair[1] * all_lu > 0), key=lambda pair: pair[0])
    beyond = [pair for pair in tried if pair[1] * all_lu <= 0]
    # Nothing has gone too far yet: the line goes on from the first.
    near_share, near_lu = max(beyond, key=lambda pair: pair[0]) if beyond else found[0]
    if far_lu == near_lu:
        return 0.0
    return min(max(far_share - far_lu * (near_share - far_share) / (near_lu - far_lu), 0.0), 1.0)


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


def _told(before: Preset, after: Preset, said: Finding | None) -> Preset:
    """Say it among the findings, if there is something to say; what was measured of the settings before stays."""
    claims = before.provenance
    if claims.confidence is None:
        return after
    if said is None:
        return with_claims(after, claims.confidence, claims.findings or ())
    others = [found for found in claims.findings or () if found.rule != said.rule]
    return with_claims(after, claims.confidence, (*others, said))
