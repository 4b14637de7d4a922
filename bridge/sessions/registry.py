"""The formats of sessions: each is an entry of `FORMATS`, with its title, its endings and the modules that do the work.

A module is imported when it is used, since each brings a parser of its own; its functions are those of the protocols.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol, cast

from ...presets.errors import SessionError
from ...presets.preset import Preset
from ...runtime.console.effects.buses import BUSES, FX_BUS
from .core.media import Resolver
from .core.model import Session
from .core.plugged import PluggedTracks
from .core.returned import ReturnAudio
from .writing import Written

_LARGEST_TEXT = 64 * 2**20


class _Reader(Protocol):
    def read(self, path: Path, resolver: Resolver) -> Session: ...


class _Writer(Protocol):
    def write(
        self,
        session: Session,
        preset: Preset,
        output: Path,
        *,
        match: Mapping[str, str],
        returns: Sequence[ReturnAudio] = (),
        overwrite: bool = False,
    ) -> Written: ...

    def put_plugged(self, source: Path, target: Path, tracks: PluggedTracks, channels: Mapping[str, int]) -> None: ...

    def written_mix(self, path: Path) -> Preset: ...


class _Creator(Protocol):
    def create(
        self,
        session: Session,
        preset: Preset,
        output: Path,
        *,
        match: Mapping[str, str],
        returns: Sequence[ReturnAudio] = (),
        overwrite: bool = False,
    ) -> Written: ...


@dataclass(frozen=True)
class SessionFormat:
    """A format of sessions.

    Attributes:
        name: in `Session.format`, and in JSON.
        title: for people.
        endings: of its files; none for a folder.
        reader: module below this package with `read`.
        writer: module with `write` and `written_mix`; None if a mix cannot be put into such a session.
        creator: module with `create`, which makes a session of this format of any other; None if there is none.
        backups: those of its endings that only a name on the command line means, never a search of a folder.
        largest_bytes: a file that is larger is refused before it is read; None if the reader looks itself.
        from_daw: the file of a DAW, in whose place a folder that holds it can be named.
        lacks: effects that a session of this format has none of: their returns come as audio, rendered
            (:mod:`.stems.returns`).
        takes_plugins: plug-ins of the user's can be put into it.
    """

    name: str
    title: str
    endings: tuple[str, ...]
    reader: str
    writer: str | None = None
    creator: str | None = None
    backups: tuple[str, ...] = ()
    largest_bytes: int | None = None
    from_daw: bool = True
    lacks: frozenset[str] = frozenset()
    takes_plugins: bool = False

    def put_plugged(self, source: Path, target: Path, tracks: PluggedTracks, channels: Mapping[str, int]) -> None:
        """Copy a session that a mix was written into, with plug-ins of the user's in it.

        Args:
            source: the session.
            target: the copy.
            tracks: by name, what their stages stand on.
            channels: of the stems, by track.

        Raises:
            SessionError: no plug-ins can be put into this format, or the session cannot be read.
            OSError: the copy cannot be written.
        """
        if self.writer is None or not self.takes_plugins:
            titles = " and ".join(entry.title for entry in FORMATS if entry.takes_plugins)
            raise SessionError(f"{source}: plug-ins of yours can be put into {titles} sessions, not into {self.title}.")
        cast(_Writer, _module(self.writer)).put_plugged(source, target, tracks, channels)

    def read(self, path: Path, resolver: Resolver) -> Session:
        """Read a session.

        Raises:
            SessionError: it cannot be read, or holds what no session can.
        """
        return cast(_Reader, _module(self.reader)).read(path, resolver)

    def write(
        self,
        session: Session,
        preset: Preset,
        output: Path,
        *,
        match: Mapping[str, str],
        returns: Sequence[ReturnAudio] = (),
        overwrite: bool = False,
    ) -> Written:
        """Write a copy of a session with a preset in it; arguments as :func:`.inserting.insert`, of which it is a part.

        Raises:
            SessionError: nothing can be written into this format, or the session cannot be used.
            OutputError: the copy cannot be written.
        """
        if self.writer is None:
            titles = [f"{entry.title} ({entry.endings[0]})" for entry in FORMATS if entry.writer]
            raise SessionError(
                f"{session.path}: settings can be put into {', '.join(titles[:-1])} and {titles[-1]} sessions; "
                "this can become a new .dawproject: name one with -o."
            )
        writer = cast(_Writer, _module(self.writer))
        return writer.write(session, preset, output, match=match, returns=returns, overwrite=overwrite)

    def read_back(self, path: Path) -> Preset:
        """Read the mix that was written into a session, from mixbridge's plug-ins, faders and pans.

        Raises:
            SessionError: it cannot be read, or nothing can be written into this format.
        """
        if self.writer is None:
            raise SessionError(f"{path}: no mix can be written into a {self.title} session.")
        return cast(_Writer, _module(self.writer)).written_mix(path)

    def create(
        self,
        session: Session,
        preset: Preset,
        output: Path,
        *,
        match: Mapping[str, str],
        returns: Sequence[ReturnAudio] = (),
        overwrite: bool = False,
    ) -> Written:
        """Write any session with a preset in it as a new file of this format; arguments as :func:`.inserting.insert`.

        Raises:
            SessionError: no new file of this format can be made, or the session cannot be used.
            OutputError: the file cannot be written.
        """
        if self.creator is None:
            raise SessionError(f"{output}: a new {self.title} session cannot be made.")
        creator = cast(_Creator, _module(self.creator))
        return creator.create(session, preset, output, match=match, returns=returns, overwrite=overwrite)


FORMATS = (
    SessionFormat(
        "reaper",
        "REAPER",
        (".rpp", ".rpp-bak"),
        "reaper.reading",
        "reaper.writing",
        backups=(".rpp-bak",),
        largest_bytes=_LARGEST_TEXT,
        lacks=frozenset((FX_BUS,)),
        takes_plugins=True,
    ),
    SessionFormat(
        "ardour",
        "Ardour",
        (".ardour",),
        "ardour.reading",
        "ardour.writing",
        largest_bytes=_LARGEST_TEXT,
        lacks=frozenset((FX_BUS,)),
    ),
    SessionFormat(
        "dawproject",
        "DAWproject",
        (".dawproject",),
        "dawproject.reading",
        "dawproject.writing",
        "dawproject.new",
        lacks=frozenset(BUSES),
        takes_plugins=True,
    ),
    SessionFormat("wav", "WAV", (".wav", ".wave", ".bwf", ".w64", ".rf64"), "audio.wav", from_daw=False),
    SessionFormat("folder", "folder", (), "audio.folder", from_daw=False),
)
SESSION_ENDINGS = frozenset(ending for entry in FORMATS if entry.from_daw for ending in entry.endings)


def format_named(name: str) -> SessionFormat:
    """Find the format of a session, by `Session.format`."""
    return next(entry for entry in FORMATS if entry.name == name)


def format_of(path: Path) -> SessionFormat:
    """Find the format of a file or folder, by its ending.

    Raises:
        SessionError: it has none that can be read.
    """
    if path.is_dir():
        return format_named("folder")
    ending = path.suffix.lower()
    entry = next((entry for entry in FORMATS if ending in entry.endings), None)
    if entry is None:
        raise SessionError(
            f"{path} is no session that can be read: give a .RPP, .ardour or .dawproject file, a folder of audio, "
            "or a WAV file of many channels."
        )
    return entry


def _module(name: str) -> Any:
    return import_module(f".{name}", __package__)
