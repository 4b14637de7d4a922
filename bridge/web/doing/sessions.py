"""Session files of the page's mix: a copy of the session that was opened, or a new DAWproject with the audio inside."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from ....presets.errors import AudioError
from ....runtime.audio.reading import probe
from ...sessions.core.model import Clip, Session, SessionTrack
from ...sessions.inserting import insert
from ...sessions.registry import format_named
from ..studio import PageStudio

SESSION: Final = "out"  # folder of session files, in the work folder
NEW: Final = "dawproject"


class PageSessions:
    """Writes session files for the page.

    Args:
        studio: whose preset and stems are written.
        opened: the session that the stems are from; None if they were files.
    """

    def __init__(self, studio: PageStudio, opened: Session | None = None):
        self._studio, self._jobs, self._opened = studio, studio.jobs, opened

    @property
    def kinds(self) -> Mapping[str, str]:
        """The formats that can be written, with their titles: that of the session that was opened, and DAWproject."""
        known = {NEW: format_named(NEW).title}
        if self._opened is not None and format_named(self._opened.format).writer is not None:
            known = {self._opened.format: format_named(self._opened.format).title, **known}
        return known

    def start(self, kind: str) -> None:
        """Write a session file into the work folder.

        Raises:
            AudioError: there are no stems, or there is no such format.
        """
        preset, material = self._studio.preset, self._studio.material
        if not material.stems:
            raise AudioError("there are no stems yet: drop audio files on the page.")
        if kind not in self.kinds:
            raise AudioError(f"{kind!r:.40} is no format that can be written here: {', '.join(self.kinds)}.")
        is_copy = self._opened is not None and kind == self._opened.format

        def job() -> tuple[str, dict[str, Any]]:
            session = self._opened if is_copy else None
            session = session or _session_of(material.stems, material.sample_rate_hz, self._studio.place)
            folder = self._studio.place / SESSION
            folder.mkdir(exist_ok=True)
            name = f"{session.path.stem if is_copy else 'mix'}-mixbridge{format_named(kind).endings[0]}"
            written = insert(session, preset, folder / name, overwrite=True)
            return " ".join(written.notes), {"file": name}

        self._jobs.start("session", job)


def _session_of(stems: Mapping[str, Path], sample_rate_hz: int, place: Path) -> Session:
    """Make a session of stems: a track each, from the beginning."""

    def track(order: int, name: str, path: Path) -> SessionTrack:
        info = probe(path)
        length = -(-info.frames * sample_rate_hz // info.sample_rate_hz)
        clip = Clip(path, 0, length, name=path.name)
        return SessionTrack(name, order, (clip,), channels=info.channels, identity=name)

    tracks = tuple(track(order, name, path) for order, (name, path) in enumerate(stems.items()))
    return Session(place, "folder", "mix", sample_rate_hz, tracks)
