"""What runs in the process of a plug-in: it is loaded here, set, fed and asked for its state, and may crash here.

Settings are raw numbers, 0..1, by the names that pedalboard gives parameters. A plug-in hears of them with the next
block only, so a block of silence follows them before anything is asked. What it prints goes to standard error.
"""

from __future__ import annotations

import os
import pickle
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from struct import Struct
from typing import Any, BinaryIO, Final

import numpy as np

from ..audio.reading import Samples
from ..isolated.child import answering

BUFFER_FRAMES: Final = 8192
LENGTH: Final = Struct("<Q")

Load = Callable[[str, str | None], Any]
"""Loads a plug-in from a file; where the file holds several, the one of a name."""


@dataclass(frozen=True)
class PluginDescription:
    """What a plug-in says of itself.

    Attributes:
        name: of the plug-in.
        vendor: who made it.
        version: of it.
        parameters: names of its parameters.
    """

    name: str
    vendor: str
    version: str
    parameters: tuple[str, ...]


@dataclass(frozen=True)
class OpenedPlugin:
    """A plug-in that is ready for audio.

    Attributes:
        channels: that it takes, and gives.
        latency_samples: how much later its sound comes.
    """

    channels: int
    latency_samples: int


@dataclass(frozen=True)
class PluginState:
    """What a plug-in keeps.

    Attributes:
        preset: its state, as the content of a .vstpreset file.
        values: its parameters as raw numbers, 0..1.
        words: likewise, as the plug-in shows them.
    """

    preset: bytes
    values: Mapping[str, float]
    words: Mapping[str, str]


def load_plugin(path: str, name: str | None) -> Any:
    """Load a plug-in by pedalboard."""
    import pedalboard  # late: the process is quiet by then

    host: Any = pedalboard
    return host.load_plugin(path, plugin_name=name)


def serve() -> None:
    """Answer what is asked through standard input, until it is closed.

    First come the places of modules, then what loads the plug-in and which.
    """
    output, questions = answering(), sys.stdin.buffer
    sys.path[:] = _message(questions)
    hosted = HostedPlugin(*_message(questions))
    while True:
        try:
            command, arguments = _message(questions)
        except EOFError:
            # Some plug-ins crash while they are taken apart: that harms nobody any more.
            os._exit(0)
        try:
            answer = ("done", getattr(hosted, command)(*arguments))
        except Exception as error:  # whatever it is, who asks has to hear of it
            answer = ("failed", f"{error}" or type(error).__name__)
        output.write(as_message(answer))
        output.flush()


def as_message(content: Any) -> bytes:
    """Give something as it goes through a pipe: its length, and what it is."""
    data = pickle.dumps(content, pickle.HIGHEST_PROTOCOL)
    return LENGTH.pack(len(data)) + data


def _message(stream: BinaryIO) -> Any:
    header = stream.read(LENGTH.size)
    if len(header) < LENGTH.size:
        raise EOFError
    return pickle.loads(stream.read(*LENGTH.unpack(header)))


@dataclass
class _Instance:
    """A plug-in that was loaded, the rate of its audio, and how many channels it takes."""

    plugin: Any
    rate_hz: int
    channels: int = 0

    def run(self, audio: Samples, *, reset: bool) -> Samples:
        answer: Samples = self.plugin.process(audio, self.rate_hz, BUFFER_FRAMES, reset=reset)
        return answer

    def hear_silence(self) -> None:
        """Let it take its settings, glide there, and forget what it heard."""
        self.run(np.zeros((self.channels, BUFFER_FRAMES), np.float32), reset=True)


class HostedPlugin:
    """Instances of a plug-in, by number; arguments as for :func:`serve`."""

    def __init__(self, load: Load, path: str, name: str | None):
        self._load, self._where = load, (path, name)
        self._instances: dict[int, _Instance] = {}

    def describe(self) -> PluginDescription:
        """Load it, and give what it says of itself."""
        plugin = self._load(*self._where)
        return PluginDescription(plugin.name, plugin.manufacturer_name, plugin.version, tuple(plugin.parameters))

    def open(
        self, key: int, channels: int, sample_rate_hz: int, state: bytes | None, values: Mapping[str, float]
    ) -> OpenedPlugin:
        """Load an instance, give it a state and settings, and let it hear silence."""
        instance = self._instances[key] = _Instance(self._load(*self._where), sample_rate_hz)
        if state is not None:
            instance.plugin.preset_data = state
        self._set(instance, values)
        refusals = []
        for count in (channels, 3 - channels):
            instance.channels = count
            try:
                instance.hear_silence()
            except ValueError as error:
                refusals.append(error)
            else:
                return OpenedPlugin(count, instance.plugin.reported_latency_samples)
        raise ValueError(f"it takes neither mono nor stereo ({refusals[0]})")

    def process(self, key: int, block: Samples) -> tuple[Samples, int]:
        """Give what comes out for a block that follows, shape (channels, n), and the latency by now."""
        instance = self._instances[key]
        return instance.run(block, reset=False), instance.plugin.reported_latency_samples

    def respond(self, key: int, values: Mapping[str, float], audio: Samples) -> Samples:
        """Set parameters, and give what comes out for audio from its beginning, shape (channels, n), in time."""
        instance = self._instances[key]
        self._set(instance, values)
        return instance.run(audio, reset=True)

    def state(self, key: int, values: Mapping[str, float]) -> PluginState:
        """Set parameters, and give what it keeps of them."""
        instance = self._instances[key]
        self._set(instance, values)
        if values:
            instance.hear_silence()
        parameters = instance.plugin.parameters.items()
        return PluginState(
            bytes(instance.plugin.preset_data),
            {name: float(parameter.raw_value) for name, parameter in parameters},
            {name: str(parameter.string_value) for name, parameter in parameters},
        )

    def close(self, key: int) -> None:
        """Let go of an instance."""
        del self._instances[key]

    def _set(self, instance: _Instance, values: Mapping[str, float]) -> None:
        parameters = instance.plugin.parameters
        for name, value in values.items():
            if name not in parameters:
                raise ValueError(f"it has no parameter {name!r}: measure its profile again")
            parameters[name].raw_value = value
        if values and instance.channels:
            instance.hear_silence()


if __name__ == "__main__":
    # By its own name, so that what is pickled here is known there.
    import_module("mixbridge.runtime.plugins.child").serve()
