"""Returns of effects as audio for the copy of a session whose format has no such effect.

The raw stems of the tracks that send there are rendered, then the console on them; only what comes back is kept.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ....presets.errors import AudioError, PresetError, SessionError
from ....presets.preset import Preset
from ....runtime.audio.workplace import scratch_folder
from ....runtime.console.buses import bus_names
from ....runtime.rendering.wet import feeding, render_wet
from ..core.model import Session
from ..core.returned import ReturnAudio
from .render import Progress, render_stems

# So much of the work is making the raw stems.
_STEMS_SHARE = 0.3
_LISTED = 3


@dataclass(frozen=True)
class Returns:
    """What became of the returns that a format cannot say.

    Attributes:
        audio: those that were rendered; what is silent needs none.
        notes: why the others were not, in sentences.
    """

    audio: tuple[ReturnAudio, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class ReturnSource:
    """Where the sound of returns comes from.

    Attributes:
        stems: raw stems by name of the session's track that are there already; the others are made.
        barred: why the session's audio may not be used, in words; None if it may.
        progress: is told the share done and what is being done.
    """

    stems: Mapping[str, Path] | None = None
    barred: str | None = None
    progress: Progress | None = None


@contextmanager
def rendered_returns(
    session: Session,
    preset: Preset,
    match: Mapping[str, str],
    effects: Collection[str],
    place: Path,
    source: ReturnSource,
) -> Iterator[Returns]:
    """Render the returns of some effects; the files are there as long as the `with` block lasts.

    Args:
        session: whose audio is sent there.
        preset: the mix; its tracks that are in no pair are not heard.
        match: name of the preset's track to that of the session's.
        effects: names of `runtime.console.effects.buses.BUSES`.
        place: a folder on whose disk there is room.
        source: where the sound comes from.

    Raises:
        OutputError: there is no room.
    """
    present = preset.model_copy(update={"tracks": tuple(track for track in preset.tracks if track.name in match)})
    wanted = [name for name in bus_names(present) if name in effects]
    if not wanted:
        yield Returns()
        return
    reason = source.barred or _missing(session)
    if reason is not None:
        yield Returns(notes=tuple(_not_rendered(wanted, reason)))
        return
    with scratch_folder(place) as folder:
        try:
            returns = Returns(_rendered(session, present, match, wanted, folder, source))
        except (SessionError, AudioError, PresetError) as error:
            returns = Returns(notes=tuple(_not_rendered(wanted, str(error).rstrip("."))))
        yield returns


def _rendered(
    session: Session,
    preset: Preset,
    match: Mapping[str, str],
    effects: Collection[str],
    folder: Path,
    source: ReturnSource,
) -> tuple[ReturnAudio, ...]:
    progress = source.progress or _ignore
    needed = [match[track.name] for track in feeding(preset, effects)]
    stems = dict(source.stems or {})
    lacking = [name for name in needed if name not in stems]
    if lacking:
        stems |= render_stems(
            session,
            folder / "stems",
            tracks=lacking,
            progress=lambda share, what: progress(_STEMS_SHARE * share, what),
        )
    files = render_wet(
        {track.name: stems[match[track.name]] for track in feeding(preset, effects)},
        preset,
        effects,
        folder,
        session.sample_rate_hz,
        lambda share: progress(_STEMS_SHARE + (1 - _STEMS_SHARE) * share, "rendering the returns"),
    )
    return tuple(
        ReturnAudio(name, file.path, file.frames, file.sample_rate_hz) for name, file in files.items() if file.peak > 0
    )


def _missing(session: Session) -> str | None:
    """Say that audio of the session is missing, if it is: a return would lack what it does not know."""
    names = [item.written for item in session.missing]
    if not names:
        return None
    more = f" and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
    return f"audio of the session is missing ({', '.join(names[:_LISTED])}{more})"


def _not_rendered(effects: Collection[str], reason: str) -> Iterator[str]:
    for name in effects:
        yield f"The {name} is not in the copy: {reason}. Set up such an effect in the DAW by hand."


def _ignore(_share: float, _what: str) -> None:
    pass
