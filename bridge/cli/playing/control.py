"""What changes the settings while `live` plays: controllers over OSC and MIDI, and a model that follows the song."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import click

from ..declaring import shared
from ..kinds import Duration
from .midi import MidiController, played_by

if TYPE_CHECKING:
    from ....presets.preset import Preset
    from ....runtime.live.engine import LiveEngine
    from ....runtime.live.following import FollowTask


@dataclass(frozen=True)
class Controlling:
    """Who may change the settings.

    Attributes:
        port: UDP port for OSC; None listens to nobody.
        allow: addresses and networks that are heard beside this machine.
        other: preset B, as typed.
        follow_s: how much of the song is heard, again and again; None for nothing.
        references: songs to follow towards, as typed.
        lock: tracks that stay as they are.
        model: a bundle's folder or name.
        provider: where it runs.
    """

    port: int | None = shared(
        "--port", type=click.IntRange(1, 65535), metavar="PORT", help="Listen to OSC at this UDP port: 9500."
    )
    allow: tuple[str, ...] = shared(
        "--allow",
        multiple=True,
        metavar="ADDRESS",
        help="Address or network that may connect: 192.168.1.0/24.",
    )
    other: str | None = shared("--b", metavar="PRESET", help="Preset B, to compare with at equal loudness, over OSC.")
    follow_s: float | None = shared(
        "--follow", type=Duration(), help="Hear this much of the song again and again, and move the settings after it."
    )
    references: tuple[str, ...] = shared(
        "--reference", multiple=True, metavar="FILE[=WEIGHT]", help="Song to follow towards. May be repeated."
    )
    lock: tuple[str, ...] = shared(
        "--lock", multiple=True, metavar="TRACK", help="Track that --follow leaves as it is. May be repeated."
    )
    model: str = shared("--model", default="default", show_default=True, help="Model that --follow asks.")
    provider: Literal["auto", "cuda", "cpu"] = shared(
        "--provider",
        type=click.Choice(("auto", "cuda", "cpu")),
        default="auto",
        show_default=True,
        help="Its device.",
    )

    def check(self, preset: Preset) -> None:
        """Refuse what does not fit together.

        Raises:
            click.UsageError: options that need each other, or a lock on a track that is not there.
        """
        if self.follow_s is not None and not self.references:
            raise click.UsageError("--follow needs a song to go towards: add --reference")
        if self.allow and self.port is None:
            raise click.UsageError("--allow is for OSC: add --port")
        unknown = sorted(set(self.lock) - {track.name for track in preset.tracks})
        if unknown:
            raise click.UsageError(f"--lock names tracks that the preset has not: {', '.join(unknown)}")


@contextmanager
def controlled(
    engine: LiveEngine,
    options: Controlling,
    other: Preset | None,
    say: Callable[[str], None],
    midi: MidiController | None = None,
) -> Iterator[None]:
    """Let controllers and the model change what the engine plays.

    Args:
        engine: that plays.
        options: who may.
        other: preset B; None for none.
        say: takes a sentence for the user.
        midi: a controller; None for none.

    Raises:
        DeskError: the port cannot be had, or the controller's map has mistakes.
        DeviceError: there is no such controller.
    """
    from ....runtime.live.following import SongFollower
    from ....runtime.live.steering import Steering
    from ...server.current import CurrentPreset
    from ...server.live import LiveControl
    from ...server.server import OscServer
    from ...server.surface import Actions

    current = CurrentPreset(engine.preset)
    steering = Steering(set(options.lock))
    with ExitStack() as stack:
        control = LiveControl(engine, current, other, steering)
        requests = control.requests
        if midi is not None and midi.source is not None:
            requests = {**requests, **stack.enter_context(played_by(midi, control, say)).requests}
        if options.port is not None:
            server = OscServer(current, Actions(more=requests), port=options.port, allow=options.allow)
            stack.enter_context(server)
            control.join(server)
            server.start()
            say(f"OSC at UDP port {server.address[1]}.")
        if options.references:
            task = _task(engine, options)
            follower = SongFollower(task, control.hear, control.go_on, every_s=options.follow_s, on_event=say)
            control.follower = stack.enter_context(follower)
        stack.enter_context(control)
        yield


def _task(engine: LiveEngine, options: Controlling) -> FollowTask:
    from ....runtime.live.following import FollowTask
    from ....runtime.model.bundle import open_bundle
    from ....runtime.model.references import typed_references

    # What cannot be read is better known now.
    typed_references(options.references)
    open_bundle(options.model)
    return FollowTask(
        engine.memory.name,
        engine.shape,
        tuple(track.name for track in engine.preset.tracks),
        options.references,
        options.model,
        options.provider,
        options.follow_s or 5.0,
        {track.name: track.role for track in engine.preset.tracks if track.role is not None},
    )
