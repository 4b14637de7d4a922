"""The options of `live` for a controller over MIDI."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..declaring import shared

if TYPE_CHECKING:
    from ...midi.control import MidiControl
    from ...midi.mapping import MidiEntry
    from ...server.live import LiveControl


@dataclass(frozen=True)
class MidiController:
    """Which controller, and what it sets.

    Attributes:
        source: part of the name of the input; None for no controller.
        sink: likewise of the output.
        map_name: a file, or that of a map that comes along; None takes Mackie's.
        learn: addresses that get the controls that are moved next.
    """

    source: str | None = shared("--midi", metavar="PORT", help="MIDI input of a controller: part of its name.")
    sink: str | None = shared(
        "--midi-out", metavar="PORT", help="MIDI output for feedback: motor faders, lights.  [default: none]"
    )
    map_name: str | None = shared(
        "--midi-map", metavar="FILE|mackie", help="What each control sets (TOML).  [default: mackie]"
    )
    learn: tuple[str, ...] = shared(
        "--midi-learn",
        multiple=True,
        metavar="ADDRESS",
        help="Give this OSC address the control that is moved next, and add it to --midi-map. May be repeated.",
    )

    def check(self) -> None:
        """Refuse what does not fit together.

        Raises:
            click.UsageError: options that need each other.
        """
        if self.source is None and (self.sink or self.map_name or self.learn):
            raise click.UsageError("--midi-out, --midi-map and --midi-learn are of a controller: add --midi")
        if self.learn and self.map_name in (None, "mackie"):
            raise click.UsageError("--midi-learn needs a file to write to: add --midi-map FILE")


@contextmanager
def played_by(options: MidiController, mix: LiveControl, say: Callable[[str], None]) -> Iterator[MidiControl]:
    """Let a controller change what is played.

    Args:
        options: which one; it has a source.
        mix: that is played.
        say: takes a sentence for the user.

    Raises:
        DeviceError: there is no such port, or no MIDI at all.
        DeskError: the map has mistakes.
    """
    from ...midi.control import MidiControl
    from ...midi.mapping import EMPTY, MACKIE, add_to_map, load_map
    from ...midi.ports import WantedPorts
    from ...midi.process import PortsProcess
    from ...midi.surface import MidiSurface

    name = options.map_name or MACKIE
    path = None if name == MACKIE else Path(name)
    # A map that is learnt may begin from nothing.
    is_new = path is not None and bool(options.learn) and not path.exists()

    def keep(entry: MidiEntry) -> None:
        if path is None:
            say("it holds until the end: name a file for the map to keep it.")
            return
        _saying(lambda: add_to_map(path, [entry]), say)

    surface = MidiSurface(mix, EMPTY if is_new else load_map(name), say, keep)
    control = MidiControl(surface)
    with ExitStack() as stack:
        wanted = WantedPorts(options.source or "", options.sink)
        ports = stack.enter_context(PortsProcess(wanted, control.hear, say, control.came))
        control.join(ports)
        say(f"MIDI: {' and '.join(dict.fromkeys(ports.names.values()))}.")
        if options.learn:
            control.learn(options.learn)
        yield stack.enter_context(control)


def _saying(work: Callable[[], object], say: Callable[[str], None]) -> None:
    """Do something while the mix plays: what is wrong is said, and ends nothing."""
    from ....presets.errors import MixbridgeError

    try:
        work()
    except MixbridgeError as error:
        say(str(error))
