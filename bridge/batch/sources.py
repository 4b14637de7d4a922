"""The session of an item: which files decide its sound, and its stems; a DAW session is rendered for the while."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ...presets.errors import AudioError
from ...presets.preset import Preset
from ...runtime.audio.reading import probe
from ...runtime.audio.stems import collect_stems
from ..matching import mute_unplayed
from ..sessions.registry import SESSION_ENDINGS
from ..sessions.stems.planning import StemsPlan


@dataclass(frozen=True)
class FoundSession:
    """A session that was found and can be read.

    Attributes:
        files: what its sound is made of, by a name that means the same on every machine.
        seconds: of all stems, one after the other.
        stems: files by track name; empty for a DAW session, whose stems are made by :meth:`opened`.
        plan: of a DAW session.
    """

    files: Mapping[str, Path]
    seconds: float
    stems: Mapping[str, Path]
    plan: StemsPlan | None = None

    @contextmanager
    def opened(self, scratch: Path) -> Iterator[Mapping[str, Path]]:
        """Give the stems by track name; those of a DAW session are made in `scratch`.

        Raises:
            SessionError: a clip or its file cannot be used.
            OutputError: there is no room for the stems.
        """
        if self.plan is None:
            yield self.stems
            return
        from ..sessions.stems.render import render_plan

        yield render_plan(self.plan, scratch / "stems")

    def heard_of(self, preset: Preset) -> Preset:
        """Mute the tracks of a preset whose track in the DAW session is left out, since the DAW does not play it."""
        if self.plan is None:
            return preset
        return mute_unplayed(preset, [stem.name for stem in self.plan.stems], self.plan.unplayed)


def find_source(session: str, *, references: tuple[str, ...] = (), muted: bool = False) -> FoundSession:
    """Find the session of an item.

    Args:
        session: a folder of stems, a DAW session, or one audio file.
        references: files that may not be among the stems.
        muted: also take tracks that are muted in a DAW session.

    Raises:
        AudioError: there is no audio, or a file cannot be used.
        SessionError: a DAW session cannot be used.
    """
    path = Path(session)
    if not path.exists():
        raise AudioError(f"{session} is not there: it was moved or removed, or its path in the manifest is wrong.")
    if path.suffix.lower() in SESSION_ENDINGS and not path.is_dir():
        return _daw_session(path, muted=muted)
    stems = collect_stems([session], references).stems
    seconds = sum(info.frames / info.sample_rate_hz for info in map(probe, stems.values()))
    return FoundSession({f"stem {name}": file for name, file in stems.items()}, seconds, stems)


def _daw_session(path: Path, *, muted: bool) -> FoundSession:
    from ..sessions.reading import read_session
    from ..sessions.stems.planning import plan_stems
    from ..sessions.stems.render import session_files

    session = read_session(path)
    plan = plan_stems(session, muted=muted)
    files = {f"{number} {file.name}": file for number, file in enumerate(session_files(session))}
    seconds = len(plan.stems) * session.frames / session.sample_rate_hz
    return FoundSession(files, seconds, {}, plan)
