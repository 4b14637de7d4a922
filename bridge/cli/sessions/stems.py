"""Stems from the command line: files and folders as they are, a DAW session as stems that are made for the while."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ....presets.errors import SessionError
from ....runtime.audio.stem_folders import LeftOut
from ....runtime.audio.stems import Damaged, check_reference, collect_stems
from ...sessions.registry import SESSION_ENDINGS
from ..output.progress import progress_bar
from ..output.saying import say

if TYPE_CHECKING:
    from ...sessions.core.model import Session
    from ...sessions.stems.planning import StemsPlan

_LISTED = 20


@dataclass(frozen=True)
class Opened:
    """Stems to mix.

    Attributes:
        stems: files by track name.
        plan: of the DAW session they are from; None if they were files.
        left_out: what of folders, or of the session's tracks, was not taken.
        muted: whether tracks that the DAW does not play were taken, too.
        inputs: files that the stems were made of, if they are from a session.
        missed: what of folders was not taken and might be missed, by name and why.
    """

    stems: Mapping[str, Path]
    plan: StemsPlan | None = None
    left_out: tuple[str, ...] = ()
    muted: bool = False
    inputs: tuple[Path, ...] = ()
    missed: tuple[str, ...] = ()

    @property
    def session(self) -> Session | None:
        """The DAW session that the stems are from; None if they were files."""
        return None if self.plan is None else self.plan.session


@contextmanager
def opened(
    arguments: Sequence[str],
    output: Path,
    *,
    references: Sequence[str] = (),
    allow_outside: bool = False,
    search: Sequence[str] = (),
    muted: bool = False,
    quiet: bool = False,
    damaged: Damaged = "refused",
) -> Iterator[Opened]:
    """Open the stems that arguments mean.

    Args:
        arguments: as :func:`..stems.collect_stems` takes them; or one REAPER, Ardour or DAWproject file.
        output: where results will be; stems of a session are made beside it, and are gone afterwards.
        references: songs that may not be among them.
        allow_outside: use audio of a session that lies outside its folder.
        search: folders where missing audio of a session may be.
        muted: also tracks of a session that the DAW does not play.
        quiet: without progress and notes.
        damaged: as :func:`..stems.collect_stems` takes it.

    Raises:
        SessionError: a session cannot be used, or is not alone.
        AudioError: a file cannot be used.
    """
    sessions = [argument for argument in arguments if is_session(argument)]
    if not sessions:
        collected = collect_stems(arguments, references, damaged)
        if not quiet:
            say_left_out(collected.left_out)
        missed = tuple(f"{Path(item.path).name}: {item.reason}" for item in collected.left_out if item.may_sound)
        yield Opened(collected.stems, left_out=tuple(map(str, collected.left_out)), missed=missed)
        return
    if len(arguments) > 1:
        raise SessionError(f"{sessions[0]} is a DAW session: give it alone, without other stems.")
    for path in references:
        check_reference(path)
    from ....runtime.audio.workplace import scratch_folder
    from ...sessions.reading import read_session
    from ...sessions.stems.planning import plan_stems
    from ...sessions.stems.render import render_plan, session_files
    from ..session import say_notes

    session = read_session(Path(sessions[0]), allow_outside=allow_outside, search=[Path(folder) for folder in search])
    plan = plan_stems(session, muted=muted)
    if not quiet:
        say_notes(session, plan)
    place = output.absolute().parent
    with scratch_folder(place if place.is_dir() else Path(tempfile.gettempdir())) as folder:
        with progress_bar(quiet=quiet) as progress:
            stems = render_plan(plan, folder / "stems", progress=progress)
        yield Opened(stems, plan, plan.unplayed, muted, tuple(session_files(session)))


def say_left_out(left_out: Sequence[LeftOut]) -> None:
    """Lists what of folders was not taken, on standard error."""
    for item in left_out[:_LISTED]:
        say(f"Left out: {item}", err=True)
    if len(left_out) > _LISTED:
        say(f"Left out: {len(left_out) - _LISTED} more; --json lists all", err=True)


def is_session(argument: str) -> bool:
    """Tell whether what was typed is the file of a DAW session."""
    path = Path(argument)
    return path.suffix.lower() in SESSION_ENDINGS and not path.is_dir()
