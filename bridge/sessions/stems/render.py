"""Stems of a session: each track's clips as one audio file, all equally long, from the session's first frame on.

They are raw, before the tracks' plug-ins and faders, which is what a mix begins with; or as the DAW's faders would give
them. It goes block by block, track by track, so that memory does not grow with the session. All files appear together,
or none.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import numpy as np
import soxr

from ....presets.errors import AudioError, OutputError, SessionError
from ....runtime.audio.descriptors import tracks_at_a_time
from ....runtime.audio.output import OutputFolder, check_room
from ....runtime.audio.reading import is_audio
from ....runtime.audio.writing import AudioWriter, is_signed
from ..core.model import Session
from .material import FilePool
from .mixdown import TrackFader, TrackSound
from .planning import PlannedStem, StemsPlan, plan_stems

Progress = Callable[[float, str], None]

BLOCK_FRAMES = 65_536
# Tracks that are channels of one file are rendered side by side, so that it is read once; so many at a time.
_SIDE_BY_SIDE = 32

logger = logging.getLogger(__name__)


def render_stems(
    session: Session,
    folder: Path,
    *,
    tracks: Sequence[str] | None = None,
    post_fader: bool = False,
    sample_rate_hz: int | None = None,
    audio_format: str = "wav32f",
    overwrite: bool = False,
    progress: Progress | None = None,
) -> dict[str, Path]:
    """Makes a file of each track that has audio.

    Args:
        session: which.
        folder: where the files go; made if need be.
        tracks: names of those that are wanted; None for all.
        post_fader: with each track's fader, pan, polarity, mute and automation; always stereo.
        sample_rate_hz: of the files; None for the session's.
        audio_format: one of the names in `runtime.writer.FORMATS`.
        overwrite: replace files that are there.
        progress: is told the share done and what is being done.

    Returns:
        The files by name of their track ("Vox (2)" if it comes again), in the session's order.

    Raises:
        SessionError: a clip or its file cannot be used, or there is nothing to render.
        OutputError: the files cannot be written, are there already, or are recordings.
    """
    plan = plan_stems(
        session, tracks=tracks, post_fader=post_fader, sample_rate_hz=sample_rate_hz, audio_format=audio_format
    )
    return render_plan(plan, folder, overwrite=overwrite, progress=progress)


def render_plan(
    plan: StemsPlan, folder: Path, *, overwrite: bool = False, progress: Progress | None = None
) -> dict[str, Path]:
    """Makes the files of a plan; arguments, result and errors as :func:`render_stems`."""
    report = _Report(progress, plan)
    files = [stem.file for stem in plan.stems]
    place = OutputFolder(folder, overwrite, files, session_files(plan.session))
    _check_ours(folder, files)
    with place as workplace, FilePool() as pool:
        _check_room(plan, workplace)
        for batch in _batches(plan.stems, pool):
            _render_batch(plan, batch, workplace, pool, report)
    return {stem.name: folder / stem.file for stem in plan.stems}


def session_files(session: Session) -> list[Path]:
    """Lists all files that a session is made of: its audio and its own file."""
    clips = [clip for track in session.tracks for clip in track.clips]
    audio = dict.fromkeys(path for clip in clips for path in (clip.source, *clip.split))
    return [*audio, *([session.path] if session.path.is_file() else [])]


def _check_ours(folder: Path, files: Sequence[str]) -> None:
    """Refuse to replace recordings: audio that is no stem of an earlier run."""
    for path in (folder / name for name in files):
        if is_audio(path) and not is_signed(path):
            raise OutputError(
                "is a recording, or was saved by another program, and is no stem that mixbridge wrote: it is never "
                "replaced. Choose another folder.",
                path,
            )


class _Outlet:
    """One stem while it is made: from the track's sound to its file."""

    def __init__(self, plan: StemsPlan, stem: PlannedStem, path: Path, pool: FilePool):
        rate_hz = plan.session.sample_rate_hz
        self._stem = stem
        self._sound = TrackSound(stem.track, pool, rate_hz)
        self._fader = TrackFader(plan.session, stem.track) if plan.post_fader else None
        self._converter = None
        if rate_hz != plan.sample_rate_hz:
            self._converter = soxr.ResampleStream(
                rate_hz, plan.sample_rate_hz, stem.channels, dtype="float32", quality="HQ"
            )
        self._left = plan.file_frames
        self._warns = plan.audio_format.is_integer
        self.writer = AudioWriter(
            path, plan.sample_rate_hz, stem.channels, plan.file_frames, plan.audio_format, signed=True
        )

    def advance(self, count: int, *, last: bool) -> None:
        """Renders the next frames of the session."""
        block = self._sound.take(count)
        if self._fader is not None:
            block = self._fader(block)
        if self._converter is not None:
            made = self._converter.resample_chunk(np.ascontiguousarray(block.T), last=last)
            block = made[: self._left].T
            if last and block.shape[1] < self._left:  # the resampler may round its length the other way
                block = np.pad(block, [(0, 0), (0, self._left - block.shape[1])])
        if self._warns and np.abs(block).max(initial=0) > 1:
            logger.warning("%s is clipped: it exceeds full scale; wav32f keeps all of it", self._stem.file)
            self._warns = False
        try:
            self.writer.write(block)
        except AudioError as error:
            raise SessionError(
                f"track {self._stem.name!r}: {error} One of its clips' files has such samples."
            ) from error
        self._left -= block.shape[1]


@dataclass
class _Report:
    """Says how far it is."""

    progress: Progress | None
    plan: StemsPlan
    done: int = 0

    def __call__(self, frames: int, what: str) -> None:
        self.done += frames
        if self.progress is not None:
            self.progress(min(1.0, self.done / max(1, self.plan.frames * len(self.plan.stems))), what)


def _render_batch(
    plan: StemsPlan, batch: Sequence[PlannedStem], workplace: Path, pool: FilePool, report: _Report
) -> None:
    with ExitStack() as stack:
        outlets = []
        for stem in batch:
            outlet = _Outlet(plan, stem, workplace / stem.file, pool)
            stack.enter_context(outlet.writer)
            outlets.append(outlet)
        report(0, f"rendering {batch[0].name}")
        for first in range(0, plan.frames, BLOCK_FRAMES):
            count = min(BLOCK_FRAMES, plan.frames - first)
            for outlet in outlets:
                outlet.advance(count, last=first + count == plan.frames)
            report(count * len(outlets), f"rendering {batch[0].name}")


def _batches(stems: Iterable[PlannedStem], pool: FilePool) -> Iterator[list[PlannedStem]]:
    for path, group in groupby(stems, lambda stem: _shared_file(stem, pool)):
        together = list(group)
        step = 1 if path is None else min(_SIDE_BY_SIDE, tracks_at_a_time())
        for first in range(0, len(together), step):
            yield together[first : first + step]


def _shared_file(stem: PlannedStem, pool: FilePool) -> Path | None:
    """Return the file of many channels that a stem is all made of."""
    files = {path for clip in stem.track.clips for path in (clip.source, *clip.split)}
    path = files.pop()
    return path if not files and pool.info(path).channels > 2 else None


def _check_room(plan: StemsPlan, workplace: Path) -> None:
    if plan.audio_format.container != "FLAC":
        check_room(workplace, plan.size)
