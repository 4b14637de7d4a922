"""What a model is judged on: held-out sessions and finished songs on disk, and passages cut from them.

Only the passages asked for are read. What is done with them stands in :mod:`.suites`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ...presets.errors import AudioError, ModelError
from ...presets.inputs import read_text
from ...presets.roles import Role
from ...runtime.audio.loudness import integrated_loudness
from ...runtime.audio.reading import Samples, probe, read_passage
from ...runtime.model.analysis import Passage
from ...runtime.model.excerpts import SILENT_LUFS
from ..stem_roles import roles_of_session

# Corpora from before sessions named their kind; to go with them.
_KIND_BY_PREFIX = {"fd": "tune", "own": "composition", "fof": "recorded", "lmms": "lmms"}
_AUDIO_ENDINGS = (".wav", ".flac", ".ogg", ".aiff", ".aif", ".mp3")
_SILENT_POWER = 1e-6
_TRIES = 100
_MAX_META_BYTES = 2**22


@dataclass(frozen=True)
class PassageSpan:
    """Where a passage lies in a file, in seconds."""

    start_s: float
    length_s: float


@dataclass(frozen=True)
class HeldOutSession:
    """One held-out session.

    Attributes:
        name: of its folder.
        kind: "tune", "composition", "voice", "recorded" or "lmms".
        stems: files by track name.
        seconds: of the longest.
        roles: of the tracks that are known.
    """

    name: str
    kind: str
    stems: Mapping[str, Path]
    seconds: float
    roles: Mapping[str, Role]


@dataclass(frozen=True)
class Material:
    """All that suites draw from.

    Attributes:
        sessions: sorted by name.
        songs: finished songs, sorted.
    """

    sessions: tuple[HeldOutSession, ...]
    songs: tuple[Path, ...]

    @property
    def fingerprint(self) -> str:
        """Changes with the names and the sizes of the files."""
        files = [path for session in self.sessions for path in session.stems.values()] + list(self.songs)
        listed = [f"{path.parent.name}/{path.name} {path.stat().st_size}" for path in files]
        return hashlib.sha256("\n".join(listed).encode()).hexdigest()


def find_material(corpus: Path, songs: Path | None = None) -> Material:
    """Look through a corpus.

    Args:
        corpus: its held-out part is in `test/` and `recorded/`; without `test/` all of it counts as held out.
        songs: folder of finished songs; None takes `songs/test/` of the corpus.

    Raises:
        ModelError: a session's meta.json cannot be used, or there are no sessions.
    """
    held_out = corpus / "test" if (corpus / "test").is_dir() else corpus
    folders = {held_out, corpus / "recorded"} if held_out != corpus else {corpus}
    sessions = tuple(_session(path) for place in sorted(folders) for path in sorted(place.rglob("meta.json")))
    if not sessions:
        raise ModelError(
            f"{held_out}: no sessions found; a session is a folder with meta.json and one audio file a track. "
            "`mixbridge model corpus` builds some"
        )
    folder = songs or corpus / "songs" / "test"
    files = (path for path in folder.rglob("*") if path.suffix.lower() in _AUDIO_ENDINGS) if folder.is_dir() else ()
    return Material(sessions, tuple(sorted(files)))


def two_spans(
    seconds: float, heard_s: float, reference_s: float, numbers: np.random.Generator
) -> tuple[PassageSpan, PassageSpan]:
    """Draws a passage to hear and one for the reference, which do not overlap, either one first.

    The reference is shortened to what is left, though never below the length of the other.

    Raises:
        AudioError: there is no room for both.
    """
    if seconds < 2 * heard_s:
        raise AudioError(f"{seconds:.1f} s are too short: two passages of {heard_s:.1f} s are needed")
    reference_s = min(reference_s, seconds - heard_s)
    a, b = sorted(numbers.uniform(0, seconds - heard_s - reference_s, 2))
    if numbers.random() < 0.5:
        return PassageSpan(float(a), heard_s), PassageSpan(float(b) + heard_s, reference_s)
    return PassageSpan(float(b) + reference_s, heard_s), PassageSpan(float(a), reference_s)


def read_stems(stems: Mapping[str, Path], span: PassageSpan, rate_hz: int) -> dict[str, Samples]:
    """Reads the same passage of several files, all of one length."""
    return {name: read_passage(path, span.start_s, span.length_s, rate_hz) for name, path in stems.items()}


def sounding(audio: Mapping[str, Samples], span: PassageSpan, rate_hz: int) -> Passage:
    """Keeps those tracks in which a mix can be heard, with their loudness."""
    loud = {}
    for name, item in audio.items():
        if np.square(item).mean() > _SILENT_POWER / 100:  # spares silence the meter
            loudness = integrated_loudness(item, rate_hz)
            if loudness > SILENT_LUFS:
                loud[name] = loudness
    return Passage(span.start_s, span.length_s, {name: audio[name] for name in loud}, loud)


def is_silent(audio: Iterable[Samples]) -> bool:
    """Tells whether no track is above -60 dB on average."""
    return all(np.square(item).mean() < _SILENT_POWER for item in audio)


def cut_session(
    session: HeldOutSession,
    heard_s: float,
    reference_s: float,
    rate_hz: int,
    numbers: np.random.Generator,
    least_tracks: int = 1,
) -> tuple[Passage, dict[str, Samples], PassageSpan]:
    """Cuts two passages of one session with sound in both.

    Args:
        session: which.
        heard_s: length of the first.
        reference_s: of the second.
        rate_hz: of the samples.
        numbers: chooses.
        least_tracks: that sound in the first.

    Returns:
        The tracks that sound in the passage heard; the same tracks in the other passage; where that lies.

    Raises:
        AudioError: none are found.
    """
    for _ in range(_TRIES):
        span, other = two_spans(session.seconds, heard_s, reference_s, numbers)
        passage = sounding(read_stems(session.stems, span, rate_hz), span, rate_hz)
        if len(passage.audio) >= least_tracks:
            rest = read_stems({name: session.stems[name] for name in passage.audio}, other, rate_hz)
            if not is_silent(rest.values()):
                return passage, rest, other
    raise AudioError(f"{session.name}: no two passages have sound in them")


def _session(meta: Path) -> HeldOutSession:
    folder = meta.parent
    try:
        data: dict[str, Any] = json.loads(read_text(meta, _MAX_META_BYTES))
        files = [folder / item["file"] for item in data["stems"]]
    except (ValueError, KeyError, TypeError) as error:
        raise ModelError(f"{meta}: not the description of a session ({error!r}); build the corpus again") from error
    kind = data.get("kind") or _KIND_BY_PREFIX.get(folder.name.split("_")[0])
    if kind is None or not files:
        raise ModelError(f"{meta}: a session needs a kind and stems; build the corpus again")
    stems = {path.stem: path for path in sorted(files)}
    roles = {Path(file).stem: role for file, role in roles_of_session(folder).items()}
    return HeldOutSession(folder.name, str(kind), stems, max(probe(path).duration_s for path in files), roles)
