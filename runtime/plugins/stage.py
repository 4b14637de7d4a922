"""Plug-ins as a stage of a strip: one after the other, in the channels that each takes, block by block.

A mono plug-in on a stereo track is two instances that know nothing of each other; a stereo plug-in on a mono track
hears it on both sides, and the mean of both is taken.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from threading import Lock
from typing import Protocol

import numpy as np

from ..audio.reading import Samples
from .process import PluginFile, PluginInstance, PluginProcess


@dataclass(frozen=True)
class PluginSetting:
    """A plug-in, set.

    Attributes:
        file: the plug-in.
        state: content of a .vstpreset file; None leaves it as it is loaded.
        values: parameters as raw numbers, 0..1, set behind that.
        gain: factor behind it.
    """

    file: PluginFile
    state: bytes | None = None
    values: Mapping[str, float] = field(default_factory=dict)
    gain: float = 1.0


class Processor(Protocol):
    """What takes samples, and gives as many, later."""

    latency_samples: int

    def process(self, block: Samples) -> Samples:
        """The next samples, shape (channels, n)."""


class PluginHosts:
    """Processes of plug-ins: for each plug-in as many as half of the cores, which its instances share.

    A context: with it all of them end.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._processes: dict[PluginFile, list[PluginProcess]] = {}
        self._turns = count()
        self._most = max(1, (os.cpu_count() or 1) // 2)

    def __enter__(self) -> PluginHosts:
        return self

    def __exit__(self, *_: object) -> None:
        with self._lock:
            for processes in self._processes.values():
                for process in processes:
                    process.end()
            self._processes.clear()

    def process_of(self, file: PluginFile) -> PluginProcess:
        """Give the process for the next instance of a plug-in.

        Raises:
            PluginFaultError: there is no such file.
        """
        with self._lock:
            processes = self._processes.setdefault(file, [])
            if len(processes) < self._most:
                processes.append(PluginProcess(file))
                return processes[-1]
            return processes[next(self._turns) % self._most]

    def stage(self, settings: Sequence[PluginSetting], channels: int, sample_rate_hz: int) -> PluginStage:
        """Load plug-ins as a stage.

        Args:
            settings: of the plug-ins, in the order of the sound.
            channels: of the track; of linked tracks all of theirs.
            sample_rate_hz: of the audio.

        Raises:
            PluginFaultError: one cannot be used.
        """
        return PluginStage([self._fitted(item, channels, sample_rate_hz) for item in settings])

    def _fitted(self, setting: PluginSetting, channels: int, sample_rate_hz: int) -> _Fitted:
        process = self.process_of(setting.file)

        def opened(wanted: int) -> PluginInstance:
            return process.open(wanted, sample_rate_hz, setting.state, setting.values)

        first = opened(min(channels, 2))
        width = min(first.channels, channels)
        others = range(width, channels, width)
        instances = [first, *(opened(min(first.channels, channels - begin)) for begin in others)]
        return _Fitted(instances, width, setting.gain)


class PluginStage:
    """Plug-ins one after the other; made by :meth:`PluginHosts.stage`.

    Attributes:
        latency_samples: of all together.
    """

    def __init__(self, plugins: Sequence[Processor]):
        self._plugins = plugins
        self.latency_samples = sum(plugin.latency_samples for plugin in plugins)

    def process(self, block: Samples) -> Samples:
        """The next samples, shape (channels, n), later by `latency_samples`.

        Raises:
            PluginFaultError: one fails.
        """
        # What overflowed before is refused behind the strip, in other words.
        if not block.shape[1] or not np.isfinite(block).all():
            return block
        for plugin in self._plugins:
            block = plugin.process(block)
        return block


class _Fitted:
    """A plug-in in as many instances as a track's channels need."""

    def __init__(self, instances: Sequence[PluginInstance], width: int, gain: float):
        self._instances, self._width, self._gain = instances, width, np.float32(gain)
        self.latency_samples = instances[0].latency_samples

    def process(self, block: Samples) -> Samples:
        parts = [
            _through(instance, block[place * self._width : (place + 1) * self._width])
            for place, instance in enumerate(self._instances)
        ]
        answer = parts[0] if len(parts) == 1 else np.concatenate(parts)
        return answer if self._gain == 1 else answer * self._gain


def _through(instance: PluginInstance, block: Samples) -> Samples:
    if len(block) == instance.channels:
        return instance.process(np.ascontiguousarray(block, np.float32))
    heard = instance.process(np.repeat(block, 2, axis=0).astype(np.float32))
    mean: Samples = heard.mean(axis=0, keepdims=True, dtype=np.float32)
    return mean
