"""A hand on the wheel: what a user wants kept, centred, louder, dry, or taken from the reference alone.

Wishes are applied to a finished prediction, behind its guard rails: who asks for something gets it.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Final

from ...presets import console
from ...presets.checking.links import made_alike
from ...presets.console import SEND_OFF_DB, Master, Strip, parameters
from ...presets.errors import Hint, PresetError
from ...presets.preset import Preset, Track
from ...presets.roles import Role
from ...presets.sections import expanded, sections

ASPECTS: Final[Mapping[str, tuple[str, ...]]] = {
    "tone": ("eq", "low_cut", "high_cut", "deesser", "saturation"),
    "levels": ("fader",),
    "width": ("pan",),
    "dynamics": ("gate", "compressor"),
    "space": ("send",),
}
"""What can be taken from a reference, and the sections of a strip that it is made of."""

_LEADS: Final[frozenset[Role]] = frozenset({"lead vocal", "speech"})
_MOST_VOCAL_DB: Final = 24.0


@dataclass(frozen=True)
class Wishes:
    """What a user asks for.

    Attributes:
        locked: sections of a track that stay as they are in `base`, by track: {"Bass": ("pan", "fader")}.
        base: the settings that are kept; None for those of a track with nothing set.
        centred: tracks that stand in the middle.
        vocal_db: how much louder the lead vocals are than decided, against all else.
        is_dry: no reverb and no echoes.
        only: aspects that are taken from the reference, of :data:`ASPECTS`; the rest is as in the plain mix by role.
            None for all.
    """

    locked: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    base: Preset | None = None
    centred: tuple[str, ...] = ()
    vocal_db: float = 0.0
    is_dry: bool = False
    only: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        if not (math.isfinite(self.vocal_db) and abs(self.vocal_db) <= _MOST_VOCAL_DB):
            raise PresetError(
                f"the vocal cannot be moved by {self.vocal_db:g} dB: give a number from {-_MOST_VOCAL_DB:g} to "
                f"{_MOST_VOCAL_DB:g}"
            )
        for track, names in self.locked.items():
            for name in expanded(names):
                _check("section", name, sections(Strip), f"the lock of {track!r}")
        for name in self.only or ():
            _check("aspect of a reference", name, ASPECTS, "what is taken from it")

    @property
    def are_any(self) -> bool:
        """Whether anything is asked for."""
        return self != Wishes(base=self.base)


def granted(preset: Preset, wishes: Wishes, plain: Preset | None) -> Preset:
    """Apply wishes to a prediction.

    Args:
        preset: as predicted.
        wishes: what is asked for.
        plain: the plain mix by role of the same tracks, for what is not taken from the reference.

    Raises:
        PresetError: a track that is not there; a vocal to be moved where none is known; a base without a track that is
            locked; aspects where the plain mix is not known.
    """
    names = [track.name for track in preset.tracks]
    for name in (*wishes.locked, *wishes.centred):
        _check("track", name, names, "here")
    if wishes.only is not None:
        preset = _only(preset, wishes.only, plain)
    if wishes.vocal_db:
        preset = _with_vocal(preset, wishes.vocal_db)
    tracks = tuple(_wished(track, wishes) for track in preset.tracks)
    # A pair that is not treated alike any more is no pair.
    apart = {track.link for track in tracks if track.name in wishes.locked and track.link is not None}
    freed = tuple(track.model_copy(update={"link": None}) if track.link in apart else track for track in tracks)
    return made_alike(preset.model_copy(update={"tracks": freed}))


def _wished(track: Track, wishes: Wishes) -> Track:
    strip = track.strip
    if wishes.is_dry:
        strip = console.replace(strip, dict.fromkeys(_sends(), SEND_OFF_DB))
    if track.name in wishes.centred:
        strip = console.replace(strip, {"pan": 0.0})
    if track.name in wishes.locked:
        strip = _locked(strip, _kept(track.name, wishes.base), expanded(wishes.locked[track.name]))
    return track.model_copy(update={"strip": strip})


def _kept(name: str, base: Preset | None) -> Strip:
    if base is None:
        return Strip()
    try:
        return base.track(name).strip
    except KeyError:
        raise PresetError(f'"{name}" is to be kept, but the base has no such track') from None


def _locked(strip: Strip, kept: Strip, names: Collection[str]) -> Strip:
    """A strip with these sections from another; where the gain before a stage differs, its thresholds follow."""
    paths = {path: row for path, row in parameters(Strip).items() if row.section in names}
    moved_db = 0.0 if "trim" in names else strip.input_gain_db - kept.input_gain_db
    values = {}
    for path, row in paths.items():
        value = console.get(kept, path)
        if row.with_gain == "adds" and row.section != "trim":
            value += moved_db
        elif row.with_gain == "subtracts":  # the fader: as loud as it was
            value -= moved_db
        values[path] = row.clamp(value)
    return console.replace(strip, values)


def _only(preset: Preset, aspects: Iterable[str], plain: Preset | None) -> Preset:
    """The plain mix with some aspects of the prediction."""
    if plain is None:
        raise PresetError(
            "what is not taken from the reference comes from a plain mix by role, and no role is known: tell some",
            hints=(Hint("role", "Track 1=bass"),),
        )
    wanted = set(aspects)
    taken = {section for aspect in wanted for section in ASPECTS[aspect]}
    strips = {track.name: track.strip for track in plain.tracks}
    tracks = tuple(
        track.model_copy(update={"strip": _locked(strips[track.name], track.strip, taken)})
        if track.name in strips
        else track
        for track in preset.tracks
    )
    bare = Master(input_gain_db=preset.master.input_gain_db)
    master = bare.model_copy(
        update={
            **({"eq": preset.master.eq} if "tone" in wanted else {}),
            **({"match": preset.master.match} if wanted & {"tone", "width"} else {}),
            **({"compressor": preset.master.compressor} if "dynamics" in wanted else {}),
        }
    )
    if "dynamics" not in wanted:  # groups are there to be compressed
        tracks = tuple(track.model_copy(update={"bus": None}) for track in tracks)
    room = preset if "space" in wanted else plain
    return preset.model_copy(
        update={
            "tracks": tracks,
            "buses": preset.buses if "dynamics" in wanted else (),
            "master": master,
            "reverb": room.reverb,
            "delay": room.delay,
            "fx_bus": room.fx_bus,
        }
    )


def _with_vocal(preset: Preset, gain_db: float) -> Preset:
    leads = [track.name for track in preset.tracks if track.role in _LEADS]
    if not leads:
        raise PresetError(
            "no track is known to be the lead vocal: tell which is", hints=(Hint("role", "Track 1=lead vocal"),)
        )
    clamp = parameters(Strip)["fader_db"].clamp
    return preset.model_copy(
        update={
            "tracks": tuple(
                track.model_copy(
                    update={"strip": console.replace(track.strip, {"fader_db": clamp(track.strip.fader_db + gain_db)})}
                )
                if track.name in leads
                else track
                for track in preset.tracks
            )
        }
    )


def _sends() -> list[str]:
    return [path for path, row in parameters(Strip).items() if row.section == "send"]


def _check(what: str, name: str, known: Iterable[str], where: str) -> None:
    choices = list(known)
    if name in choices:
        return
    near = get_close_matches(name, choices, n=1, cutoff=0.5)
    hint = f'did you mean "{near[0]}"? ' if near else ""
    raise PresetError(f'"{name}" is no {what} ({where}): {hint}there are {", ".join(choices)}')
