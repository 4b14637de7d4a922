"""A preset's EQs and compressors on the user's plug-ins, as sessions take them: by class id and state."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ..plugins.using.fitting import FittedPlugin, PluggedStage
from ..plugins.using.saving import checked_state
from ..plugins.using.vstpreset import unpacked
from .core.plugged import SessionPlugin
from .inserting import PluggedTrack


def plugged_tracks(fits: Sequence[PluggedStage]) -> dict[str, PluggedTrack]:
    """Give the plug-ins of tracks, by name, as :func:`.inserting.insert` takes them.

    Raises:
        PluginError: a plug-in is no VST3, or another than its profile says.
    """
    tracks: dict[str, PluggedTrack] = {}
    for fit in fits:
        before = tracks.get(fit.track, PluggedTrack(()))
        plugins = (*before.plugins, *(_session_plugin(fit, item) for item in fit.plugins))
        tracks[fit.track] = PluggedTrack(plugins, before.gain_db + fit.gain_db)
    return tracks


def notes_of(fits: Sequence[PluggedStage]) -> Iterator[str]:
    """Say what stages lose on their plug-ins, in sentences."""
    for fit in fits:
        yield f"{fit.title}: {fit.loss}."
        yield from fit.notes


def _session_plugin(fit: PluggedStage, item: FittedPlugin) -> SessionPlugin:
    content, profile = checked_state(item), item.plugin.profile
    state = unpacked(content, profile.name)
    return SessionPlugin(
        stage=fit.stage,
        name=profile.name,
        vendor=profile.vendor,
        file=item.plugin.file.path.name,
        class_id=state.class_id,
        component=state.component,
        controller=state.controller,
        channels=2 if 2 in profile.channels else 1,
        vstpreset=content,
    )
