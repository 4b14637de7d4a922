"""The mix of a project, read back: strips of mixbridge's devices, groups, sends, and what effect channels say."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from xml.etree.ElementTree import Element

from .....presets.console import (
    Compressor,
    Delay,
    Equalizer,
    FxBus,
    Gate,
    HighCut,
    LowCut,
    Parameter,
    Reverb,
    Strip,
    parameters,
)
from .....presets.lanes.lane import Lane
from .....presets.preset import GroupBus, Preset, Track
from .....runtime.console.effects.buses import DELAY, FX_BUS, REVERB
from ...core.moving import lanes_of_fader
from ...writing import in_terms_of_mix
from ..devices import compressor_of, cuts_of, equalizer_of, gate_of, is_ours
from ..mixer import MixerTrack, Project, fader_db, lane_pan, pan_of
from ..pieces import AimedLane, automation, linear
from .buses import group_of, own_groups
from .channels import is_muted
from .elements import delay_of, effect_channels, reverb_of, sends_of, with_sends
from .moving import read_device_lanes, read_send_lanes

_STEREO = 2


class ProjectBusReader:
    """Reads what a mix has added to a project.

    Args:
        project: which.
    """

    def __init__(self, project: Project):
        self._effects = effect_channels(project)
        self._lanes = project.arrangement.lanes
        self._groups = own_groups(project)
        self._channels = {
            self._effects[identity]: track.channel
            for track in project.mixer
            if track.channel is not None and (identity := track.channel.get("id")) in self._effects
        }

    def track(self, place: MixerTrack, track: Track) -> Track:
        """Add to a track of a mix the group that it goes to, and its sends."""
        if place.channel is None:
            return track
        group = self._groups.get(place.channel.get("destination", ""))
        bus = None if group is None else group_of(group)
        strip = with_sends(track.strip, sends_of(place.channel, self._effects))
        lanes = (*track.lanes, *read_send_lanes(place.channel, self._lanes, self._effects))
        return track.model_copy(update={"bus": bus, "strip": strip, "lanes": lanes})

    def preset(self, tracks: Iterable[Track]) -> Preset:
        """Make a mix of its tracks, with its groups and effects."""
        fx_bus, reverb, delay = (self._channels.get(effect) for effect in (FX_BUS, REVERB, DELAY))
        row = parameters(FxBus)["return_gain_db"]
        return Preset(
            tracks=tuple(tracks),
            buses=tuple(self._group_buses()),
            fx_bus=FxBus() if fx_bus is None else FxBus(return_gain_db=row.clamp(fader_db(fx_bus))),
            reverb=Reverb() if reverb is None else reverb_of(reverb),
            delay=Delay() if delay is None else delay_of(delay, self._effects),
        )

    def _group_buses(self) -> Iterator[GroupBus]:
        for track in self._groups.values():
            if track.channel is not None:
                strip = strip_of(track.channel) or Strip()
                strip = in_terms_of_mix(strip, _STEREO, "balance")
                strip = with_sends(strip, sends_of(track.channel, self._effects))
                yield GroupBus(
                    name=group_of(track),
                    strip=strip,
                    lanes=self._group_lanes(track.channel),
                    mute=is_muted(track.channel),
                )

    def _group_lanes(self, channel: Element) -> tuple[Lane, ...]:
        volume, pan = (self._aimed(channel, tag) for tag in ("Volume", "Pan"))
        fader = lanes_of_fader(
            None if volume is None else automation(volume, linear),
            None if pan is None else automation(pan, lane_pan),
            fader_db(channel),
            pan_of(channel),
            _STEREO,
            "balance",
        )
        devices = read_device_lanes(channel, Strip, self._lanes, strip_of)
        return (*fader, *devices, *read_send_lanes(channel, self._lanes, self._effects))

    def _aimed(self, channel: Element, tag: str) -> AimedLane | None:
        parameter = channel.find(tag)
        return None if parameter is None else self._lanes.get(parameter.get("id", ""))


def strip_of(channel: Element) -> Strip | None:
    """Read the strip that mixbridge's devices, the fader and the pan of a channel make; None without such devices."""
    ours = [device for device in channel.find("Devices") or () if is_ours(device)]
    eqs = [device for device in ours if device.tag == "Equalizer"]
    compressors = [device for device in ours if device.tag == "Compressor"]
    gates = [device for device in ours if device.tag == "NoiseGate"]
    if not ours:
        return None
    eq, gain_db, _ = equalizer_of(eqs[0]) if eqs else (Equalizer(), 0.0, [])
    low_cut, high_cut = cuts_of(eqs[0]) if eqs else (LowCut(), HighCut())
    compressor, more_db = compressor_of(compressors[0]) if compressors else (Compressor(), 0.0)
    table = parameters(Strip)
    level_db = fader_db(channel) + more_db
    return Strip(
        input_gain_db=table["input_gain_db"].clamp(gain_db),
        gate=gate_of(gates[0]) if gates else Gate(),
        low_cut=low_cut,
        high_cut=high_cut,
        eq=eq,
        compressor=compressor,
        fader_db=_held(table["fader_db"], level_db),
        pan=pan_of(channel),
    )


def _held(row: Parameter, level_db: float) -> float:
    return row.low if level_db == -math.inf else row.clamp(level_db)
