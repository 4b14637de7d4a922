"""A whole preset on a desk: its tracks, groups, effects and master, and what nothing on the desk stands for."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from ...presets.console import SEND_OFF_DB, get
from ...presets.edit import without_input_gain
from ...presets.errors import PresetError
from ...presets.preset import GroupBus, Preset, Track
from ..desks.profile import Desk
from .effects import fit_effect
from .strip import FittedStrip, fit_strip, needed_trim_db


@dataclass(frozen=True)
class Fitted:
    """A preset as a desk has it.

    Attributes:
        strips: by track name, in the preset's order.
        groups: by the name of the group bus.
        effects: by kind, "reverb" and "delay": those that were chosen and that tracks are sent to.
        master: None if the desk's master cannot be set.
        lost: what belongs to no single strip and cannot be on the desk, in sentences.
    """

    strips: Mapping[str, FittedStrip]
    groups: Mapping[str, FittedStrip]
    effects: Mapping[str, FittedStrip]
    master: FittedStrip | None
    lost: tuple[str, ...]


def fit_preset(
    preset: Preset,
    desk: Desk,
    assignment: Mapping[str, int],
    sample_rate_hz: int = 48000,
    *,
    groups: Collection[str] = (),
    trims: bool = True,
) -> Fitted:
    """Fit all assigned tracks and groups, the effects and the master to what a desk can do.

    Args:
        preset: the mix.
        desk: where it is to stand, with the effects that were chosen (`Desk.with_effects`).
        assignment: track name to number of the desk's strip; tracks that are not in it are left out.
        sample_rate_hz: of the desk.
        groups: names of the group buses that have a bus on the desk.
        trims: whether trims may be set.

    Raises:
        PresetError: a name that no track has.
    """
    unknown = sorted(set(assignment) - {track.name for track in preset.tracks})
    if unknown:
        raise PresetError(f"The preset has no track {', '.join(map(repr, unknown))}: correct what is assigned.")
    tracks = [track for track in preset.tracks if track.name in assignment]
    linked_db = _linked_trims_db(tracks, desk) if trims else {}
    strips = {
        track.name: _named(
            fit_strip(
                track.strip,
                desk,
                "track",
                sample_rate_hz,
                trims=trims,
                least_trim_db=linked_db.get(track.link or "", 0.0),
            ),
            track,
            desk,
            "track",
        )
        for track in tracks
    }
    has_master = "master" in desk.strips
    return Fitted(
        strips=strips,
        groups={
            bus.name: _named(fit_strip(bus.strip, desk, "bus", sample_rate_hz, trims=trims), bus, desk, "bus")
            for bus in preset.buses
            if bus.name in groups
        },
        effects=_effects(preset, tracks, desk),
        master=fit_strip(preset.master, desk, "master", sample_rate_hz, trims=trims) if has_master else None,
        lost=tuple(_lost(preset, tracks, desk, groups)),
    )


def sends_to(tracks: Iterable[Track | GroupBus], kind: str) -> bool:
    """Tell whether something is sent to an effect: "fx", "reverb" or "delay"."""
    return any(get(track.strip, f"{kind}_send_db") > SEND_OFF_DB for track in tracks)


def uses(preset: Preset, tracks: Iterable[Track], kind: str) -> bool:
    """Tell whether an effect of a preset is fed by these tracks or a group, or by a delay that they feed."""
    sources: tuple[Track | GroupBus, ...] = (*tracks, *preset.buses)
    if sends_to(sources, kind):
        return True
    return kind == "reverb" and preset.delay.reverb_send_db > SEND_OFF_DB and sends_to(sources, "delay")


def _effects(preset: Preset, tracks: Sequence[Track], desk: Desk) -> dict[str, FittedStrip]:
    fitted = {}
    for kind in desk.effects:
        if uses(preset, tracks, kind):
            stage = fit_effect(preset.reverb if kind == "reverb" else preset.delay, desk, kind)
            fitted[kind] = FittedStrip(stage.values, None, None, stage.clamped, stage.lost)
    return fitted


def _linked_trims_db(tracks: Iterable[Track], desk: Desk) -> dict[str, float]:
    """What the trims of linked tracks have to give: they share their thresholds, and so the most that one needs."""
    needed: dict[str, float] = {}
    for track in tracks:
        if track.link is not None:
            needed[track.link] = max(
                needed.get(track.link, 0.0), needed_trim_db(without_input_gain(track.strip), desk, "track")
            )
    return needed


def _lost(preset: Preset, tracks: Sequence[Track], desk: Desk, groups: Collection[str]) -> Iterator[str]:
    """What belongs to no single strip."""
    if "master" not in desk.strips:
        yield f"The master: {desk.title} has none that mixbridge can reach."
    effects = {"fx": "reverb of the fx bus", "reverb": "reverb", "delay": "delay"}
    for kind, words in effects.items():
        if kind not in desk.effects and uses(preset, [track for track in tracks if not track.mute], kind):
            yield f"The {words} itself: set one up on the desk, and send the tracks to it."
    left = [bus.name for bus in preset.buses if bus.name not in groups]
    if left:
        yield f"The groups ({', '.join(left)}): their own settings stay as they are on the desk."


def _named(fitted: FittedStrip, owner: Track | GroupBus, desk: Desk, kind: str) -> FittedStrip:
    """A fitted strip, with its name and mute."""
    values, lost = dict(fitted.values), fitted.lost
    for key, value in (("name", owner.name), ("mute", float(owner.mute))):
        scale = desk.scale(kind, key)
        if scale is not None:
            values[key] = scale.snap(value)
    if owner.mute and desk.scale(kind, "mute") is None:
        lost = (*lost, f"That it is muted: {desk.title} has no mute to be set.")
    return dataclasses.replace(fitted, values=values, lost=lost)
