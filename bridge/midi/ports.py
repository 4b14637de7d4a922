"""MIDI ports, through mido: found by part of their name, opened, watched. They belong to a process of their own.

Nobody tells that a cable was pulled out: the names of all ports are looked at each second. What the system's library
then does with a port that is not there is not foreseeable (RtMidi falls with a JACK server that was killed), so a port
that is gone ends its process, and the next one waits for it; see :mod:`.process`.
"""

from __future__ import annotations

import contextlib
import logging
import os
import re
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal, Protocol

from ...presets.errors import DeviceError
from ...presets.extras import install_command

_SEQUENCER: Final = Path("/dev/snd/seq")
# ALSA's number of a port, which is another one each time that the cable is put in.
_ALSA_NUMBER: Final = re.compile(r" \d+:\d+$")
# What this library itself opens is no controller.
_OWN: Final = "RtMidi"

Direction = Literal["input", "output"]

log = logging.getLogger(__name__)


class MidiBackend(Protocol):
    """What is used of a mido.Backend. What fails raises OSError."""

    def get_input_names(self) -> list[str]:
        """List where messages come from."""

    def get_output_names(self) -> list[str]:
        """List where messages can go."""

    def open_input(self, name: str, *, callback: Callable[[Any], None]) -> Any:
        """Open a port that calls for each message."""

    def open_output(self, name: str) -> Any:
        """Open a port that sends."""


@dataclass(frozen=True)
class WantedPorts:
    """The ports of one controller.

    Attributes:
        source: part of the name of the input.
        sink: likewise of the output; None for none.
    """

    source: str
    sink: str | None = None

    def of(self, way: Direction) -> str | None:
        """Give the name for a direction."""
        return self.source if way == "input" else self.sink


@dataclass(frozen=True)
class PortNews:
    """What became of a port.

    Attributes:
        way: which.
        name: in full, or as it was asked for where it is gone.
        is_there: whether it is.
    """

    way: Direction
    name: str
    is_there: bool


class MidiPorts:
    """Open ports.

    Args:
        wanted: which.
        hear: called with the bytes of each message, on a thread of the library's.
        tell: called when a port was opened, or is gone.
        backend: where ports are; None for the usual one of this system.

    Raises:
        DeviceError: mido is not installed.
    """

    def __init__(
        self,
        wanted: WantedPorts,
        hear: Callable[[bytes], None],
        tell: Callable[[PortNews], None],
        backend: MidiBackend | None = None,
    ) -> None:
        self._backend = backend or usual_backend()
        self._hear, self._tell = hear, tell
        self._wanted: dict[Direction, str] = {"input": wanted.source}
        if wanted.sink is not None:
            self._wanted["output"] = wanted.sink
        self._open: dict[Direction, tuple[str, Any]] = {}

    def open_all(self) -> None:
        """Open all of them.

        Raises:
            DeviceError: one is not there.
        """
        for way, wanted in self._wanted.items():
            if not self._opened(way):
                raise _no_port(way, wanted, port_names(self._backend, way))

    def look(self) -> bool:
        """Open what has come; whether all that was open is still there."""
        is_well = True
        for way, wanted in self._wanted.items():
            there = self._open.get(way)
            if there is None:
                self._opened(way)
            elif there[0] not in port_names(self._backend, way):
                self._tell(PortNews(way, wanted, is_there=False))
                is_well = False
        return is_well

    def send(self, messages: Iterable[bytes]) -> None:
        """Send; what cannot be sent is lost, and looking tells why."""
        if "output" not in self._open:
            return
        name, port = self._open["output"]
        for data in messages:
            try:
                port.send(_message(data))
            except (OSError, ValueError) as error:
                log.debug("MIDI to %s: %s", name, error)
                return

    def close(self) -> None:
        """Take leave where that matters and is safe: of a JACK server that lives, which may fall over a lost client."""
        if isinstance(self._backend, _RtMidiBackend) and self._backend.is_to_be_left:
            for _, port in self._open.values():
                with contextlib.suppress(OSError, ValueError):
                    port.close()
            self._backend.leave()

    def _opened(self, way: Direction) -> bool:
        name = matching(self._wanted[way], port_names(self._backend, way))
        if name is None:
            return False
        try:
            if way == "input":
                port = self._backend.open_input(name, callback=self._take)
            else:
                port = self._backend.open_output(name)
        except OSError as error:  # somebody was quicker, or it is gone again
            log.debug("the MIDI %s %s: %s", way, name, error)
            return False
        self._open[way] = name, port
        self._tell(PortNews(way, name, is_there=True))
        return True

    def _take(self, message: Any) -> None:
        try:
            self._hear(bytes(message.bytes()))
        except Exception:  # else the library would call no more
            log.debug("a MIDI message could not be taken", exc_info=True)


def usual_backend() -> MidiBackend:
    """Give mido's backend: that of MIDO_BACKEND, else ALSA's sequencer, or JACK where there is none.

    Raises:
        DeviceError: mido or python-rtmidi is not installed, or what they need.
    """
    try:
        import mido

        api = None
        if "MIDO_BACKEND" not in os.environ and sys.platform == "linux":
            api = "LINUX_ALSA" if _SEQUENCER.exists() else "UNIX_JACK"
        backend = mido.Backend(api=api, load=True)
        if backend.api == "UNIX_JACK":
            import jack  # noqa: F401  (it watches the server)
        if backend.name == "mido.backends.rtmidi":
            return _RtMidiBackend(backend)
    except (ImportError, OSError) as error:  # OSError: JACK's library is missing
        raise DeviceError(f"MIDI cannot be used here ({error}): {install_command('midi')}.") from error
    plain: MidiBackend = backend
    return plain


class _RtMidiBackend:
    """mido's usual backend, which lists ports by clients that stay.

    mido makes two for each list, and while JACK takes them in no message passes: half a second on a busy machine. A
    client that stays does not see that a JACK server has died, which is watched by another.
    """

    def __init__(self, backend: Any) -> None:
        self._backend = backend
        self._is_at_jack = backend.api == "UNIX_JACK"
        self._listing: tuple[Any, Any] | None = None
        self._watch: Any = None
        self._is_dead = False

    @property
    def is_to_be_left(self) -> bool:
        """Whether there is a JACK server that knows of this process."""
        return self._watch is not None and not self._is_dead

    def leave(self) -> None:
        """Close what lists ports, and what watches the server."""
        for lister in self._listing or ():
            lister.delete()
        self._watch.close()

    def get_input_names(self) -> list[str]:
        """List where messages come from."""
        return [] if self._is_dead else list(self._listers()[0].get_ports())

    def get_output_names(self) -> list[str]:
        """List where messages can go."""
        return [] if self._is_dead else list(self._listers()[1].get_ports())

    def open_input(self, name: str, *, callback: Callable[[Any], None]) -> Any:
        """Open a port that calls for each message."""
        return self._backend.open_input(name, callback=callback)

    def open_output(self, name: str) -> Any:
        """Open a port that sends."""
        return self._backend.open_output(name)

    def _listers(self) -> tuple[Any, Any]:
        import rtmidi

        if self._listing is None:
            api = getattr(rtmidi, f"API_{self._backend.api}") if self._backend.api else rtmidi.API_UNSPECIFIED
            listing = rtmidi.MidiIn(api), rtmidi.MidiOut(api)
            if self._is_at_jack:
                self._watch_jack()
            self._listing = listing
        return self._listing

    def _watch_jack(self) -> None:
        import jack

        def die(_status: object, _reason: str) -> None:
            self._is_dead = True

        jack.set_error_function(lambda _words: None)
        jack.set_info_function(lambda _words: None)
        try:
            self._watch = jack.Client("mixbridge midi", no_start_server=True)
        except jack.JackError as error:  # it died in this moment
            raise OSError(str(error)) from error
        self._watch.set_shutdown_callback(die)


def port_names(backend: MidiBackend, way: Direction) -> list[str]:
    """List the ports; none where the system cannot tell."""
    try:
        names = backend.get_input_names() if way == "input" else backend.get_output_names()
    except OSError as error:
        log.debug("MIDI: %s", error)
        return []
    return [name for name in names if not name.startswith(_OWN)]


def matching(wanted: str, names: Sequence[str]) -> str | None:
    """Find the port of a name, or the first that has it in its name; case and ALSA's numbers do not matter."""
    if wanted in names:
        return wanted
    plain = _ALSA_NUMBER.sub("", wanted).casefold()
    return next((name for name in names if plain in name.casefold()), None)


def _message(data: bytes) -> Any:
    import mido

    return mido.Message.from_bytes(data)


def _no_port(way: Direction, wanted: str, names: Sequence[str]) -> DeviceError:
    there = f"there are {', '.join(names)}" if names else "there is none at all: plug one in"
    return DeviceError(f"there is no MIDI {way} called {wanted!r}; {there}.")
