"""The options of `live` for where the sound goes, and the backend that they choose."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from ..declaring import shared

if TYPE_CHECKING:
    from ....runtime.live.backends.base import BackendChoice


@dataclass(frozen=True)
class Device:
    """Where the sound goes, and comes from.

    Attributes:
        backend: which; auto takes JACK where a server runs, else PortAudio.
        block_frames: samples of a block; None for those of the server or device.
        sample_rate: in Hz; None for that of the server or device.
        server: name of the JACK server.
        device: PortAudio's number or name of a device.
        freewheel: as fast as it goes.
        no_connect: leave the outputs unconnected.
        track_outs: with outputs for each track.
        stereo: tracks that have two inputs.
    """

    backend: Literal["auto", "null", "jack", "portaudio"] = shared(
        "--backend",
        type=click.Choice(("auto", "jack", "portaudio", "null")),
        default="auto",
        show_default=True,
        help="Sound system; auto takes JACK (PipeWire) where it runs, else PortAudio; null plays to nowhere.",
    )
    block_frames: int | None = shared(
        "--frames", type=click.IntRange(16, 8192), help="Samples in a block.  [default: that of the device]"
    )
    sample_rate: int | None = shared(
        "--sample-rate", type=int, metavar="HZ", help="Sample rate.  [default: the device's]"
    )
    server: str | None = shared("--server", metavar="NAME", help="JACK server, if it is not the usual one.")
    device: str | None = shared("--device", metavar="NAME|NUMBER", help="Sound device of PortAudio.")
    freewheel: bool = shared("--freewheel", is_flag=True, help="As fast as possible; with JACK or null.")
    no_connect: bool = shared("--no-connect", is_flag=True, help="JACK: do not connect the mix to the speakers.")
    track_outs: bool = shared("--track-outs", is_flag=True, help="Also give out each processed track.")
    stereo: tuple[str, ...] = shared(
        "--stereo", multiple=True, metavar="TRACK", help="Give this track two inputs, left and right. May be repeated."
    )


def choice_of(device: Device, files: Mapping[str, Path] | None) -> BackendChoice:
    """Choose the backend.

    Args:
        device: what was asked for.
        files: stems that are played, whose rate is that of the null backend; None for inputs.
    """
    from ....presets.errors import DeviceError
    from ....runtime.live.backends.base import BackendChoice
    from ....runtime.live.backends.registry import terms_of
    from ....runtime.rendering.render import session_rate

    rate_hz = device.sample_rate
    if device.backend == "null" and rate_hz is None and files:
        rate_hz = session_rate(files.values())

    def choice(name: Literal["null", "jack", "portaudio"]) -> BackendChoice:
        return BackendChoice(
            name,
            device.block_frames,
            rate_hz,
            device.freewheel,
            device.server,
            device=device.device,
            connect=not device.no_connect,
            track_outs=device.track_outs,
        )

    if device.backend != "auto":
        return choice(device.backend)
    if device.device is None:
        try:
            terms_of(choice("jack"))
        except DeviceError:
            return choice("portaudio")
        return choice("jack")
    return choice("portaudio")
