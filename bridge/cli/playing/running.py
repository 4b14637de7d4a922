"""What `live` does between its options and what it says: it plays, and keeps what was recorded, whatever ends it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ..signals import EndedError, ended_well
from .control import Controlling, controlled
from .midi import MidiController

if TYPE_CHECKING:
    from ....presets.preset import Preset
    from ....runtime.live.backends.base import BackendChoice
    from ....runtime.live.engine import LiveEngine, LiveInput
    from ....runtime.live.reporting import LiveReport

_FOR_EVER_S: Final = 1e9
_RECORDED: Final = (".wav", ".flac")
# What is kept of the latest past, beside what is followed.
_TAP_S: Final = 4.0


@dataclass(frozen=True)
class Played:
    """How a run ended.

    Attributes:
        report: counters.
        events: what happened, a sentence each.
        recording: the file; None for none.
    """

    report: LiveReport
    events: tuple[str, ...]
    recording: Path | None


def run_live(
    preset: Preset,
    source: LiveInput,
    choice: BackendChoice,
    *,
    length_s: float | None = None,
    record: Path | None = None,
    overwrite: bool = False,
    control: Controlling | None = None,
    midi: MidiController | None = None,
    other: Preset | None = None,
    on_event: Callable[[str], None] | None = None,
    watch: Callable[[LiveEngine], AbstractContextManager[object]] | None = None,
) -> Played:
    """Plays a preset until a time has passed, the stems are at their end, or Ctrl-C, SIGTERM or SIGHUP.

    Args:
        preset: what is played.
        source: where the tracks come from.
        choice: of the backend.
        length_s: when it ends; None for the stems' end, or never.
        record: file for the mix.
        overwrite: replace a recording that is there.
        control: who may change the settings; None for nobody.
        midi: a controller over MIDI, if somebody may; None for none.
        other: preset B; None for none.
        on_event: called with each sentence for the user.
        watch: called once it plays; what it gives is entered until the end.

    Raises:
        DeviceError: there is no server or device, or it ended for good.
        OutputError: the recording cannot be written.
    """
    from ....runtime.live.engine import LiveEngine

    events: list[str] = []

    def hear(text: str) -> None:
        events.append(text)
        if on_event is not None:
            on_event(text)

    frames = None if length_s is None else round(length_s * _rate_of(choice))
    inputs = tuple((source.stems or {}).values())
    with (
        _recording(record, inputs, overwrite=overwrite) as place,
        LiveEngine(
            preset,
            source,
            choice,
            record=place,
            record_frames=frames,
            tap_s=_TAP_S + (control.follow_s or 0.0 if control else 0.0),
            on_event=hear,
        ) as engine,
    ):
        try:
            with (
                nullcontext() if control is None else controlled(engine, control, other, hear, midi),
                nullcontext() if watch is None else watch(engine),
            ):
                engine.wait(_FOR_EVER_S, lambda: _is_over(engine, frames))
        except KeyboardInterrupt:
            ended_well()
            hear("ended by Ctrl-C.")
        except EndedError as end:  # a service that is stopped, a terminal that is closed: the usual ends of a long run
            ended_well()
            hear(f"ended by {end}.")
    report = engine.report()
    # Of what ended before the first block there is none.
    return Played(report, tuple(events), record if report.recorded_frames else None)


def _is_over(engine: LiveEngine, frames: int | None) -> bool:
    if frames is None:
        return engine.is_played_out
    return engine.played_frames >= frames and (engine.has_recorded or not engine.is_recording)


def _rate_of(choice: BackendChoice) -> int:
    from ....runtime.live.backends.registry import terms_of

    return terms_of(choice).sample_rate_hz


@contextmanager
def _recording(path: Path | None, inputs: tuple[Path, ...], *, overwrite: bool) -> Iterator[Path | None]:
    """The recording's own place from the first sample on: nobody plays the same again, whatever ends the playing.

    What stands there is replaced when there is sound, and not before.
    """
    from ....presets.errors import OutputError
    from ....runtime.audio.output import check_output_file
    from ....runtime.audio.writing import cannot_write

    if path is None:
        yield None
        return
    if path.suffix.lower() not in _RECORDED:
        raise OutputError("cannot be recorded: recordings are .wav or .flac.", path)
    check_output_file(path, overwrite=overwrite, inputs=inputs)
    was_there = path.exists()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.open("ab").close()  # it is better known now whether it can be written
    except OSError as error:
        raise cannot_write(path, error) from error
    try:
        yield path
    finally:
        if not was_there and path.exists() and not path.stat().st_size:
            path.unlink()
