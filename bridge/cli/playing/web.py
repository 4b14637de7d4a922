"""The command `web`: the console as a page in the browser. Importing this loads click alone."""

from __future__ import annotations

import hashlib
import ipaddress
import shutil
import webbrowser
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..declaring import takes
from ..options import ModelChoice, Saying, SessionAudio, SessionTracks
from ..output.saying import echo_json, say

if TYPE_CHECKING:
    from ...web.serving import Address

_LOOPBACK = "127.0.0.1"
_KEY_LENGTH = 16
_LOCK = "in-use.lock"


@click.command()
@click.argument("sources", nargs=-1, metavar="[STEMS|SESSION|PRESET]...")
@click.option(
    "--reference",
    "references",
    multiple=True,
    metavar="FILE[=WEIGHT]",
    help="A finished song whose sound the mix should have. May be repeated.",
)
@click.option("--plugins", metavar="FILE", help="The plugins.toml for .vstpreset files of your own plug-ins.")
@click.option(
    "--engine",
    metavar="HOST[:PORT]",
    help="Show and move what a running `mixbridge live --port PORT` plays.  [port: 9500]",
)
@click.option("--port", type=click.IntRange(0, 65535), default=8765, show_default=True, help="TCP port; 0: a free one.")
@click.option(
    "--host",
    default=_LOOPBACK,
    show_default=True,
    metavar="ADDRESS",
    help="Address to listen at. Another one lets other machines in, unencrypted.",
)
@click.option("--browser/--no-browser", default=True, help="Open the page.  [default: open]")
@click.option("--fresh", is_flag=True, help="Begin anew: forget what was done with these sources before.")
@takes(ModelChoice, "choice")
@takes(SessionAudio, "session_audio")
@takes(SessionTracks, "session_tracks")
@takes(Saying, "saying")
def web(
    *,
    sources: tuple[str, ...],
    references: tuple[str, ...],
    plugins: str | None,
    engine: str | None,
    port: int,
    host: str,
    browser: bool,
    fresh: bool,
    choice: ModelChoice,
    session_audio: SessionAudio,
    session_tracks: SessionTracks,
    saying: Saying,
) -> None:
    """See, hear and change a mix in the browser, until Ctrl-C.

    Start from stems or a folder of them, from a DAW session, from a preset (.json), or from nothing: stems and a
    reference can be dropped on the page. What was done is kept for the same sources.
    """
    from ....presets.errors import MixbridgeError
    from ....presets.extras import install_command
    from ....presets.files import load

    try:
        from ...web.serving import serve_page
    except ImportError as error:
        raise MixbridgeError(f"the page needs {error.name}: {install_command('web')}.") from error
    from ....runtime.model.references import typed_references
    from ...plugins.using.choices import load_choices
    from ...web.doing.engine import PageEngine
    from ...web.material import PageMaterial, PageReference
    from ...web.studio import PageStudio
    from ...web.work import PageWork
    from ..sessions.stems import Opened, opened

    _check_host(host)
    presets = [source for source in sources if source.lower().endswith(".json")]
    stems = [source for source in sources if source not in presets]
    if len(presets) > 1:
        raise click.UsageError("give one preset at most")
    preset = load(presets[0]) if presets else None
    songs = typed_references(references) if references else ()
    chosen = load_choices(Path(plugins)) if plugins is not None else None
    with ExitStack() as stack:
        keys = [*sources, *references, *([f"engine {engine}"] if engine else [])]
        place = stack.enter_context(_work_folder(keys, fresh=fresh))
        source = Opened({})
        if stems:
            source = stack.enter_context(
                opened(
                    stems,
                    place / "session",
                    references=[str(song.path) for song in songs],
                    allow_outside=session_audio.allow_outside,
                    search=session_audio.search,
                    muted=session_tracks.muted,
                    quiet=saying.is_quiet,
                    damaged="left out",
                )
            )
        named = (PageReference(song.path.absolute(), song.path.name, song.share) for song in songs)
        material = PageMaterial(source.stems, tuple(named))
        work = PageWork(
            PageStudio(material, place, preset), choice.model, source.session, chosen, left_out=source.missed
        )
        if engine is not None:
            work.engine = PageEngine(work.studio, engine)
            work.engine.start()

        def say_where(address: Address) -> None:
            if saying.as_json:
                echo_json({"url": address.url, "port": address.port, "folder": str(place)}, in_a_line=True)
            elif not saying.is_quiet:
                say(f"The console is at {address.url}\nCtrl-C ends it; what was done is kept in {place}.", err=True)
                if not ipaddress.ip_address(host).is_loopback:
                    say("Note: other machines can reach it, unencrypted: use a network you trust.", err=True)
            if browser:
                webbrowser.open(address.url)

        if preset is None and work.studio.predicted is None and work.making.can_predict:
            try:
                work.making.start_predict()
            except MixbridgeError as error:
                say(str(error), err=True)
        serve_page(work, host=host, port=port, on_ready=say_where)


def _check_host(host: str) -> None:
    try:
        address = ipaddress.IPv4Address(host)
    except ValueError:
        raise click.BadParameter(f"{host!r} is no IPv4 address, e.g. {_LOOPBACK}", param_hint="--host") from None
    if address.is_unspecified:
        # Pages are answered by the name that they ask for, which has to be known.
        raise click.BadParameter(
            f"{host} is every address: give the one by which others reach this machine", param_hint="--host"
        )


@contextmanager
def _work_folder(sources: list[str], *, fresh: bool) -> Iterator[Path]:
    """Where what is done with these sources is kept; of one server at a time, for two would undo each other's work."""
    from filelock import FileLock, Timeout
    from platformdirs import user_state_path

    from ....presets.errors import OutputError

    said = "\n".join(str(Path(source).absolute()) if source else "" for source in sources)
    key = hashlib.sha256(said.encode("utf-8", "surrogatepass")).hexdigest()[:_KEY_LENGTH]
    place = user_state_path("mixbridge", appauthor=False) / "web" / key
    try:
        place.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = FileLock(place / _LOCK, timeout=0, is_singleton=False, thread_local=False)
        lock.acquire()
    except Timeout:
        raise OutputError(
            "is in use: `mixbridge web` runs with these sources already. Use its page, or end it.", place
        ) from None
    except OSError as error:
        raise OutputError(f"cannot be made: {error.strerror or error}.", place) from error
    try:
        if fresh:
            _clear(place)
        yield place
    finally:
        lock.release()


def _clear(place: Path) -> None:
    for path in place.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        elif path.name != _LOCK:
            path.unlink(missing_ok=True)
