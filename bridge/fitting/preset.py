"""A whole preset on a desk: each assigned track and the master, and what nothing on the desk stands for."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass

from ...presets.console import SEND_OFF_DB, get
from ...presets.errors import PresetError
from ...presets.preset import Preset, Track
from ..desks.profile import Desk
from .strip import FittedStrip, fit_strip


@dataclass(frozen=True)
class Fitted:
    """A preset as a desk has it.

    Attributes:
        strips: by track name, in the preset's order.
        master: None if the desk's master cannot be set.
        lost: what belongs to no single strip and cannot be on the desk, in sentences.
    """

    strips: Mapping[str, FittedStrip]
    master: FittedStrip | None
    lost: tuple[str, ...]


def fit_preset(
    preset: Preset,
    desk: Desk,
    assignment: Mapping[str, int],
    sample_rate_hz: int = 48000,
    *,
    trims: bool = True,
) -> Fitted:
    """Fit all assigned tracks and the master to what a desk can do.

    Args:
        preset: the mix.
        desk: where it is to stand.
        assignment: track name to number of the desk's strip; tracks that are not in it are left out.
        sample_rate_hz: of the desk.
        trims: whether trims may be set.

    Raises:
        PresetError: a name that no track has.
    """
    unknown = sorted(set(assignment) - {track.name for track in preset.tracks})
    if unknown:
        raise PresetError(f"The preset has no track {', '.join(map(repr, unknown))}: correct what is assigned.")
    tracks = [track for track in preset.tracks if track.name in assignment]
    strips = {track.name: _fitted(track, desk, sample_rate_hz, trims=trims) for track in tracks}
    has_master = "master" in desk.strips
    lost = []
    if not has_master:
        lost.append(f"The master: {desk.title} has none that mixbridge can reach.")
    effects = {"fx_send_db": "reverb of the fx bus", "reverb_send_db": "reverb", "delay_send_db": "delay"}
    for path, effect in effects.items():
        if any(get(track.strip, path) > SEND_OFF_DB and not track.mute for track in tracks):
            lost.append(f"The {effect} itself: set one up on the desk, and send the tracks to it.")
    if preset.buses:
        names = ", ".join(bus.name for bus in preset.buses)
        lost.append(f"The groups ({names}): their own settings stay as they are on the desk.")
    return Fitted(
        strips=strips,
        master=fit_strip(preset.master, desk, "master", sample_rate_hz, trims=trims) if has_master else None,
        lost=tuple(lost),
    )


def _fitted(track: Track, desk: Desk, sample_rate_hz: int, *, trims: bool) -> FittedStrip:
    """Fit a strip, with its name and mute."""
    fitted = fit_strip(track.strip, desk, "track", sample_rate_hz, trims=trims)
    values, lost = dict(fitted.values), fitted.lost
    for key, value in (("name", track.name), ("mute", float(track.mute))):
        scale = desk.scale("track", key)
        if scale is not None:
            values[key] = scale.snap(value)
    if track.mute and desk.scale("track", "mute") is None:
        lost = (*lost, f"That it is muted: {desk.title} has no mute to be set.")
    return dataclasses.replace(fitted, values=values, lost=lost)
