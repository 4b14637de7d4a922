"""Strips with plug-ins in the place of stages, as the console asks for them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

from ..audio.reading import Samples
from ..console.streams import Input, StagesRun, StripRun
from .faults import PluginFaultError
from .stage import PluginHosts, PluginSetting, PluginStage

Plugged = Mapping[str, Mapping[str, Sequence[PluginSetting]]]
"""By track and stage ("eq", "compressor"), plug-ins in the order of the sound."""


class PluggedStrips:
    """Makes what runs the strips of a mix; a :data:`..console.streams.MakeRun`.

    Args:
        hosts: of the plug-ins.
        plugged: which tracks have which.
    """

    def __init__(self, hosts: PluginHosts, plugged: Plugged):
        self._hosts, self._plugged = hosts, plugged

    def __call__(self, inputs: Sequence[Input], sample_rate_hz: int) -> StripRun:
        """Make the run of linked tracks, which have the plug-ins of the first, or of a single one.

        Raises:
            PluginFaultError: a plug-in cannot be used.
        """
        track = inputs[0].name
        chosen = self._plugged.get(track, {})
        instead = {name: partial(self._stage, track, settings) for name, settings in chosen.items() if settings}
        return StagesRun(inputs, sample_rate_hz, instead)

    def _stage(self, track: str, settings: Sequence[PluginSetting], channels: int, sample_rate_hz: int) -> _OnTrack:
        try:
            return _OnTrack(track, self._hosts.stage(settings, channels, sample_rate_hz))
        except PluginFaultError as fault:
            raise fault.on(track) from fault


class _OnTrack:
    """A stage whose faults name its track."""

    def __init__(self, track: str, stage: PluginStage):
        self._track, self._stage = track, stage
        self.latency_samples = stage.latency_samples

    def process(self, block: Samples) -> Samples:
        """The next samples, shape (channels, n)."""
        try:
            return self._stage.process(block)
        except PluginFaultError as fault:
            raise fault.on(self._track) from fault
