"""Sections of a song drawn as lanes of faders: level within a section, and a move of half a second where it changes."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from ...presets.checking.claims import without_stale
from ...presets.console import Strip, parameters
from ...presets.lanes.lane import Lane, lane
from ...presets.lanes.simplify import simplified
from ...presets.preset import Preset, Track
from ..audio.opening import ON_DEMAND, OpenFiles
from ..audio.reading import read_passage
from ..model.excerpts import STEP_S, power_over_time
from .sections import Sections, Values, against_others, find_sections
from .windows import WantedLevels

# How far a lane may be from what was found, in dB.
MOST_OFF_DB: Final = 0.1
# An engineer's ride between sections is a few dB.
MOST_MOVE_DB: Final = 4.0
_MOVE_S: Final = 0.5
_AROUND_S: Final = 2.0
_POWER_RATE_HZ: Final = 8000
_QUIET = 1e-9


@dataclass(frozen=True)
class Drawn:
    """A preset that follows its song.

    Attributes:
        preset: with lanes of faders where the song asks for them.
        changes_s: where the song changes.
        spreads_db: how far predictions wander on each track where nothing changes.
    """

    preset: Preset
    changes_s: tuple[float, ...]
    spreads_db: Mapping[str, float]


def draw_lanes(
    preset: Preset,
    wanted: WantedLevels,
    stems: Mapping[str, Path],
    amount: float = 1.0,
    held: Collection[str] = (),
    files: OpenFiles = ON_DEMAND,
) -> Drawn:
    """Draw lanes of faders into a preset.

    Args:
        preset: as decided for the whole song; on average its faders stay.
        wanted: levels over time.
        stems: files by track name, by which the moment of a change is found.
        amount: of the moves.
        held: names of tracks whose faders are not moved.
        files: keeps the stems open.
    """
    hop_s = wanted.starts_s[1] - wanted.starts_s[0] if len(wanted.starts_s) > 1 else wanted.window_s
    found = find_sections(against_others(wanted.levels_db), wanted.heard_db, hop_s, wanted.window_s)
    middles_s = [wanted.starts_s[place] + (wanted.window_s - hop_s) / 2 for place in found.bounds[1:-1]]
    changes_s: list[float] = []
    for middle_s in middles_s:
        earliest_s = changes_s[-1] + 2 * _MOVE_S if changes_s else _MOVE_S
        changes_s.append(max(earliest_s, _moment(stems, middle_s, wanted.window_s, files)))
    moves = _moves(preset, wanted, found, amount, held)
    tracks = tuple(
        track.model_copy(update={"lanes": (*track.lanes, *_lanes(track, moves.get(track.name), changes_s))})
        for track in preset.tracks
    )
    moved = without_stale(preset.model_copy(update={"tracks": tracks})) if moves else preset
    spreads = {name: float(value) for name, value in zip(wanted.names, found.spreads_db, strict=True)}
    return Drawn(moved, tuple(changes_s) if moves else (), spreads)


def _moves(
    preset: Preset, wanted: WantedLevels, found: Sections, amount: float, held: Collection[str]
) -> dict[str, Values]:
    """Moves of each track's fader in dB by section, 0 on average while it plays; none for one that stays."""
    moves: dict[str, Values] = {}
    for place, name in enumerate(wanted.names):
        levels = found.levels_db[place]
        if name in held or np.ptp(levels) < MOST_OFF_DB:
            continue
        plays = np.isfinite(wanted.levels_db[place])
        shares = np.array([plays[a:b].sum() for a, b in zip(found.bounds, found.bounds[1:], strict=False)], float)
        moves[name] = amount * np.clip(levels - np.average(levels, weights=shares), -MOST_MOVE_DB, MOST_MOVE_DB)
    return _together(preset, moves)


def _together(preset: Preset, moves: dict[str, Values]) -> dict[str, Values]:
    """Move linked tracks alike, by the middle of what each would; a pair of which one half stays stays."""
    links: dict[str, list[Track]] = {}
    for track in preset.tracks:
        if track.link is not None:
            links.setdefault(track.link, []).append(track)
    for group in links.values():
        names = [track.name for track in group]
        if all(name in moves for name in names):
            middle: Values = np.mean([moves[name] for name in names], axis=0)
            for name in names:
                moves[name] = middle
        else:
            for name in names:
                moves.pop(name, None)
    return moves


def _lanes(track: Track, moves: Values | None, changes_s: Sequence[float]) -> list[Lane]:
    if moves is None or any(item.parameter == "fader_db" for item in track.lanes):
        return []
    row = parameters(Strip)["fader_db"]
    levels = [round(row.clamp(track.strip.fader_db + move), 2) for move in moves.tolist()]
    points = [(0.0, levels[0])]
    for change_s, before, after in zip(changes_s, levels, levels[1:], strict=False):
        points += [(max(0.001, change_s - _MOVE_S / 2), before), (change_s + _MOVE_S / 2, after)]
    drawn = simplified(points, MOST_OFF_DB)
    # Before its first point and behind its last a lane stands.
    while len(drawn) > 1 and drawn[0][1] == drawn[1][1]:
        drawn.pop(0)
    while len(drawn) > 1 and drawn[-1][1] == drawn[-2][1]:
        drawn.pop()
    return [lane("fader_db", drawn)] if len(drawn) > 1 else []


def _moment(stems: Mapping[str, Path], middle_s: float, window_s: float, files: OpenFiles) -> float:
    """The moment near a time at which the tracks' levels change most from the two seconds before to those behind."""
    begin_s = max(0.0, middle_s - window_s / 2 - _AROUND_S)
    length_s = window_s + 2 * _AROUND_S
    steps = round(_AROUND_S / STEP_S)
    changes = 0.0
    for path in stems.values():
        audio = read_passage(path, begin_s, length_s, _POWER_RATE_HZ, files)
        audio = np.pad(audio, ((0, 0), (0, max(0, round(length_s * _POWER_RATE_HZ) - audio.shape[1]))))
        power = power_over_time(audio, _POWER_RATE_HZ)
        sums = np.concatenate([[0.0], np.cumsum(power)])
        levels = 10 * np.log10((sums[steps:] - sums[:-steps]) / steps + _QUIET)
        changes = changes + np.abs(levels[steps:] - levels[:-steps])
    return begin_s + _AROUND_S + STEP_S * int(np.argmax(changes))
