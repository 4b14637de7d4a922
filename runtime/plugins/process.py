"""The process of a plug-in, from outside: what is asked of it, for how long it is waited, and what its death means."""

from __future__ import annotations

import itertools
import pickle
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any, Final

import numpy as np

from ..audio.reading import Samples
from ..isolated.endings import last_words
from ..isolated.process import IsolatedFault, IsolatedProcess
from .child import LENGTH, Load, OpenedPlugin, PluginDescription, PluginState, as_message, load_plugin
from .faults import PluginFaultError

STARTING_S: Final = 20.0
"""What a process of ours may take to start, beside what its plug-in takes."""
USUAL_LIMIT_S: Final = 120.0
_ENDING_S: Final = 2.0
_HANGS: Final = (
    ": it hangs, or waits for a window (a licence, a log-in). Open it once in your DAW, raise `time_limit_s`, or "
    "choose another."
)
_CRASHES: Final = ". mixbridge itself is unharmed: update the plug-in, or choose another."
_CHILD: Final = f"{__package__}.child"


@dataclass(frozen=True)
class PluginFile:
    """A plug-in where it lies.

    Attributes:
        path: of the file or bundle.
        name: of the plug-in in it; None where it holds one.
        title: what messages call it.
        limit_s: how long it may take for an answer.
        load: loads it; tests have others.
    """

    path: Path
    name: str | None = None
    title: str = ""
    limit_s: float = USUAL_LIMIT_S
    load: Load = load_plugin

    @property
    def words(self) -> str:
        """What messages call it."""
        return self.title or self.name or self.path.stem


class PluginProcess:
    """A process with instances of one plug-in. Several threads may ask, one after the other.

    Args:
        file: the plug-in.

    Raises:
        PluginFaultError: there is no such file.
    """

    def __init__(self, file: PluginFile):
        if not file.path.exists():
            raise PluginFaultError(
                f"there is no {file.path}: install it, or say under [paths] where it is.", file.words
            )
        self.file = file
        self._lock, self._keys = Lock(), itertools.count()
        self._fault: PluginFaultError | None = None
        self._process = IsolatedProcess([sys.executable, "-P", "-m", _CHILD])
        self._is_new = True

    def __enter__(self) -> PluginProcess:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def describe(self) -> PluginDescription:
        """Load the plug-in, and give what it says of itself."""
        answer: PluginDescription = self.ask("describe")
        return answer

    def open(
        self, channels: int, sample_rate_hz: int, state: bytes | None = None, values: Mapping[str, float] | None = None
    ) -> PluginInstance:
        """Load an instance with a state or with settings.

        Args:
            channels: of the audio, 1 or 2; it may take the other number.
            sample_rate_hz: of the audio.
            state: the content of a .vstpreset file.
            values: parameters as raw numbers, 0..1, set behind that.

        Raises:
            PluginFaultError: it cannot be loaded, crashes, or takes too long.
        """
        key = next(self._keys)
        opened: OpenedPlugin = self.ask("open", key, channels, sample_rate_hz, state, dict(values or {}))
        return PluginInstance(self, key, opened)

    def end(self) -> None:
        """End the process."""
        self._process.close(_ENDING_S if self._fault is None else 0.0)

    def ask(self, command: str, *arguments: Any) -> Any:
        """Let the process run a method of :class:`.child.HostedPlugin`.

        Raises:
            PluginFaultError: it does not work, crashes, or takes too long; then all that is asked later fails likewise.
        """
        with self._lock:
            if self._fault is not None:
                raise self._fault
            limit_s = self.file.limit_s + (STARTING_S if self._is_new else 0.0)
            messages = as_message((command, arguments))
            if self._is_new:
                first = self.file.load, str(self.file.path), self.file.name
                messages = as_message(sys.path) + as_message(first) + messages
            try:
                with self._process.within(limit_s):
                    self._process.send(messages)
                    (size,) = LENGTH.unpack(self._process.receive(LENGTH.size))
                    outcome, answer = pickle.loads(self._process.receive(size))
            except IsolatedFault as fault:
                raise self._dead(fault) from fault
            self._is_new = False
        if outcome == "failed":
            raise PluginFaultError(f"{answer.rstrip('.')}.", self.file.words)
        return answer

    def _dead(self, fault: IsolatedFault) -> PluginFaultError:
        self._process.kill()
        said = last_words(fault.printed)
        remedy = _HANGS if fault.kind == "hung" else _CRASHES
        more = f' It said last: "{said}".' if said else ""
        self._fault = PluginFaultError(f"it {fault.words}{remedy}{more}", self.file.words)
        return self._fault


class PluginInstance:
    """An instance in a process; made by :meth:`PluginProcess.open`.

    Attributes:
        channels: that it takes, and gives.
        latency_samples: how much later its sound comes.
    """

    def __init__(self, process: PluginProcess, key: int, opened: OpenedPlugin):
        self._process, self._key = process, key
        self.channels, self.latency_samples = opened.channels, opened.latency_samples

    def process(self, block: Samples) -> Samples:
        """Give what comes out for a block that follows, shape (channels, n).

        Raises:
            PluginFaultError: it crashes, takes too long, gives what is no sound, or changes its latency.
        """
        answer, latency = self._process.ask("process", self._key, block)
        if latency != self.latency_samples:
            raise self._fault(
                f"its latency changed from {self.latency_samples} to {latency} samples while it played: nothing stays "
                "in time with that. Switch its look-ahead or oversampling to a fixed setting."
            )
        if answer.shape != block.shape:
            raise self._fault(f"it gave {answer.shape} samples for {block.shape}: channels and length differ.")
        return self._sound(answer)

    def respond(self, values: Mapping[str, float], audio: Samples) -> Samples:
        """Set parameters, and give what comes out for audio from its beginning, shape (channels, n), in time."""
        return self._sound(self._process.ask("respond", self._key, dict(values), audio))

    def state(self, values: Mapping[str, float] | None = None) -> PluginState:
        """Set parameters, and give what it keeps of them."""
        answer: PluginState = self._process.ask("state", self._key, dict(values or {}))
        return answer

    def close(self) -> None:
        """Let go of it."""
        self._process.ask("close", self._key)

    def _sound(self, answer: Samples) -> Samples:
        if not np.isfinite(answer).all():
            raise self._fault("it gives samples that are no finite numbers (NaN): choose another, or other settings.")
        return answer

    def _fault(self, message: str) -> PluginFaultError:
        return PluginFaultError(message, self._process.file.words)
