"""The command `serve`: a preset that controllers read and change over OSC.

Click parses, :func:`run_serve` does it, and what can be asked for beside settings (predict, save, push) is put together
here. Importing this loads click alone, so that `--help` is quick.
"""

from __future__ import annotations

import contextlib
import ipaddress
import os
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..declaring import takes
from ..options import ModelChoice
from ..output.saying import is_quiet, say

if TYPE_CHECKING:
    from ....presets.preset import Preset
    from ....runtime.model.providers import Provider
    from ....runtime.model.references import AnyReference
    from ...server.server import Counts, OscServer

Push = Callable[["Preset", "str | None"], str]

_ENDING = ".json"
_LONGEST_NAME = 100
# A save that was asked for just before Ctrl-C is brought to its end.
_PATIENCE_S = 5.0
_ANY_PORT = 9


@dataclass(frozen=True)
class Served:
    """How a server ended.

    Attributes:
        preset: as the controllers left it.
        counts: what came in.
        is_saved: whether `preset` is what the file holds, or what was last saved.
    """

    preset: Preset
    counts: Counts
    is_saved: bool


@dataclass(frozen=True)
class Listening:
    """What `predict` hears.

    Attributes:
        stems: files by track name.
        reference: a finished song, or several with weights.
        model: a bundle's folder, or the name of a model that ships.
        provider: where the model runs.
    """

    stems: dict[str, Path]
    reference: AnyReference
    model: str = "default"
    provider: Provider = "auto"


class Saving:
    """Writes presets beside the one that is served, and nowhere else.

    Args:
        preset: as it is on the disk.
        path: its file; None for one that has none, which is only saved by name.
    """

    def __init__(self, preset: Preset, path: Path | None) -> None:
        self.saved = preset
        self._path = path
        self._folder = path.parent if path else Path()

    def __call__(self, preset: Preset, name: str | None) -> str:
        """Saves.

        Args:
            preset: what to write.
            name: of a new file in the folder, with or without its ending; None writes the served file again.

        Returns:
            What was done, a sentence.

        Raises:
            OutputError: the name is no plain one, or of a file that is there.
        """
        from ....presets import files
        from ....presets.errors import OutputError

        path = self._path if name is None else self._folder / _file_name(name)
        if path is None:
            raise OutputError("the preset that is served has no file: give a name to save it by.")
        if name is not None and path.is_symlink():
            raise OutputError(f"{path.name} is a link: choose another name.")
        files.save(preset, path, overwrite=name is None)
        self.saved = preset
        return f"saved {path.name}"


def run_serve(
    preset: Preset,
    path: Path | None = None,
    *,
    host: str | None = None,
    port: int,
    allow: Sequence[str] = (),
    listening: Listening | None = None,
    push: Push | None = None,
    on_ready: Callable[[OscServer], None] | None = None,
) -> Served:
    """Serves a preset until Ctrl-C, or until `on_ready`'s server is closed.

    Args:
        preset: to begin with.
        path: its file, beside which `save` writes; None for a preset without one.
        host: IPv4 address to listen at; None for loopback, or all networks where `allow` names others.
        port: UDP port.
        allow: IPv4 addresses and networks that are heard beside this machine.
        listening: what `predict` hears; None where it cannot be asked for.
        push: sends a preset to the desk that a controller named, or to the usual one, and says what came of it.
        on_ready: called once the socket is open.

    Raises:
        DeskError: it cannot listen there.
    """
    from ...server.server import OscServer
    from ...server.surface import Actions

    save = Saving(preset, path)
    predict = _predictor(listening) if listening else None
    with OscServer(preset, Actions(predict, push, save), host=host, port=port, allow=allow) as server:
        if on_ready is not None:
            on_ready(server)
        try:
            server.serve()
        except KeyboardInterrupt:
            server.wait_for_job(_PATIENCE_S)
    left = server.current.preset
    return Served(left, server.counts, left == save.saved)


@click.command()
@click.argument("preset_", metavar="PRESET")
@click.option("--port", type=click.IntRange(1, 65535), default=9500, show_default=True, help="UDP port to listen at.")
@click.option(
    "--allow",
    multiple=True,
    metavar="ADDRESS",
    help="Address or network that may connect, besides this machine: 192.168.1.0/24.",
)
@click.option(
    "--host", metavar="ADDRESS", help="Address to listen at.  [default: this machine only; with --allow, all networks]"
)
@click.option(
    "--push-to", multiple=True, metavar="DESK://HOST", help="Desk that `push` may change; the first is the default."
)
@click.option(
    "--push-only", metavar="eq,compressor,...", help="Sections that `push` sets.  [default: as mixbridge push]"
)
@click.option("--stems", multiple=True, metavar="FILES", help="Stems for `predict`: audio files, or folders of them.")
@click.option(
    "--reference",
    "references",
    multiple=True,
    metavar="FILE[=WEIGHT]",
    help="Reference for `predict`: a finished song. May be repeated.",
)
@takes(ModelChoice, "choice")
def serve(
    *,
    preset_: str,
    port: int,
    allow: tuple[str, ...],
    host: str | None,
    push_to: tuple[str, ...],
    push_only: str | None,
    stems: tuple[str, ...],
    references: tuple[str, ...],
    choice: ModelChoice,
) -> None:
    """Let controllers read and change PRESET over OSC, until Ctrl-C.

    PRESET is a file or the name of a factory preset. Controllers are TouchOSC, Open Stage Control, or anything else
    that speaks OSC; docs/osc-server.md has the addresses. Changes are kept in memory until `/mixbridge/save` is sent.
    """
    from ...server.server import EVERY_NETWORK
    from ..preset import open_preset

    preset = open_preset(preset_)
    path = Path(preset_) if os.path.exists(preset_) else None  # noqa: PTH110  (Path.exists raises for an impossible name)
    listening = _listening(stems, references, choice)
    quiet = is_quiet()

    def say_where(server: OscServer) -> None:
        if not quiet:
            address, actual_port = server.address
            where = address if address != EVERY_NETWORK else _addresses(allow)
            say(f"{preset_} at {where}, UDP port {actual_port}. Ctrl-C ends it.", err=True)

    served = run_serve(
        preset,
        path,
        host=host,
        port=port,
        allow=allow,
        listening=listening,
        push=_pusher(push_to, push_only),
        on_ready=say_where,
    )
    if not quiet:
        _say_ended(served)


def _addresses(allow: Sequence[str]) -> str:
    """Words for where controllers in these networks reach this machine: what one has to type into them."""
    found = []
    for network in (ipaddress.IPv4Network(text, strict=False) for text in allow):
        with contextlib.suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as channel:
            # Chooses a way there; nothing is sent.
            channel.connect((str(network[min(1, network.num_addresses - 1)]), _ANY_PORT))
            found.append(channel.getsockname()[0])
    return " and ".join(dict.fromkeys(found)) or "every address of this machine"


def _listening(stems: Sequence[str], references: Sequence[str], choice: ModelChoice) -> Listening | None:
    from ....runtime.audio.stems import collect_stems
    from ....runtime.model.references import typed_references
    from ..sessions.stems import say_left_out

    if not stems and not references:
        return None
    if not stems or not references:
        raise click.UsageError("to predict, both are needed: --stems and --reference")
    songs = typed_references(references)
    collected = collect_stems(stems, [os.fspath(song.path) for song in songs])
    if not is_quiet():
        say_left_out(collected.left_out)
    return Listening(collected.stems, songs, choice.model, choice.provider)


def _pusher(targets: Sequence[str], only: str | None) -> Push | None:
    from ...push.pushing import PushOptions
    from ...push.remote import pusher
    from ...push.scope import Scope, parse_sections

    if not targets:
        if only is not None:
            raise click.UsageError("--push-only needs a desk: add --push-to")
        return None
    return pusher(targets, PushOptions(scope=Scope(parse_sections(only))))


def _predictor(listening: Listening) -> Callable[[], Preset]:
    from ....runtime.mixing import predict
    from ....runtime.model.controller import Controller

    # Loaded once, and now: a model that cannot be used is better known before a controller asks for it.
    controller = Controller(listening.model, listening.provider)
    return lambda: predict(listening.stems, listening.reference, model=controller)


def _file_name(name: str) -> str:
    """A name that a controller sent, if it can only be that of a preset in a folder, on any system.

    Raises:
        OutputError: it is something else.
    """
    from ....presets.errors import OutputError

    stem = name.removesuffix(_ENDING)
    allowed = all(letter.isalnum() or letter in " -_.()" for letter in stem)
    if not allowed or not 1 <= len(stem) <= _LONGEST_NAME or stem != stem.strip(" .") or _is_reserved(stem):
        raise OutputError(
            f"{name[:_LONGEST_NAME]!r} is no name for a preset: use letters, digits, spaces, - and _, "
            f"{_LONGEST_NAME} at most."
        )
    return stem + _ENDING


def _is_reserved(stem: str) -> bool:
    """Whether Windows means a device by it."""
    first = stem.partition(".")[0].strip().upper()
    return first in {"CON", "PRN", "AUX", "NUL"} or (
        first[:3] in {"COM", "LPT"} and len(first) == 4 and first[3:].isdigit()
    )


def _say_ended(served: Served) -> None:
    counts = served.counts
    refused = {
        "from senders that are not allowed (see --allow)": counts.strangers,
        "that came too fast": counts.floods,
        "that are no OSC": counts.malformed,
    }
    say(f"{counts.messages} messages in {counts.received} datagrams", err=True)
    for what, number in refused.items():
        if number:
            say(f"Note: dropped {number} datagrams {what}.", err=True)
    if not served.is_saved:
        say("Note: the last changes were not saved.", err=True)
