"""The command `live`: click parses, :func:`run_live` plays, and what happened is said here.

Importing this loads click alone, so that `--help` is quick.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

import click

from ..declaring import shared, takes
from ..inserts.options import AllowingCode
from ..inserts.playing import inserts_run
from ..kinds import Duration
from ..options import Saying
from ..output.saying import echo_json, is_quiet, say
from ..signals import EndedError
from .control import Controlling, controlled
from .midi import MidiController

if TYPE_CHECKING:
    from ....presets.preset import Preset
    from ....runtime.live.backends.base import BackendChoice
    from ....runtime.live.engine import LiveEngine, LiveInput, LiveReport
    from .dashboard import LiveDashboard

_FOR_EVER_S: Final = 1e9
_RECORDED: Final = (".wav", ".flac")
# What is kept of the latest past, beside what is followed.
_TAP_S: Final = 4.0


@dataclass(frozen=True)
class Device:
    """Where the sound goes, and comes from.

    Attributes:
        backend: which; auto takes JACK where a server runs, else PortAudio.
        block_frames: samples of a block; None for those of the server or device.
        sample_rate: in Hz; None for that of the server or device.
        server: name of the JACK server.
        device: PortAudio's number or name of a device.
        freewheel: as fast as it goes.
        no_connect: leave the outputs unconnected.
        track_outs: with outputs for each track.
        stereo: tracks that have two inputs.
    """

    backend: Literal["auto", "null", "jack", "portaudio"] = shared(
        "--backend",
        type=click.Choice(("auto", "jack", "portaudio", "null")),
        default="auto",
        show_default=True,
        help="Sound system; auto takes JACK (PipeWire) where it runs, else PortAudio; null plays to nowhere.",
    )
    block_frames: int | None = shared(
        "--frames", type=click.IntRange(16, 8192), help="Samples in a block.  [default: that of the device]"
    )
    sample_rate: int | None = shared(
        "--sample-rate", type=int, metavar="HZ", help="Sample rate.  [default: the device's]"
    )
    server: str | None = shared("--server", metavar="NAME", help="JACK server, if it is not the usual one.")
    device: str | None = shared("--device", metavar="NAME|NUMBER", help="Sound device of PortAudio.")
    freewheel: bool = shared("--freewheel", is_flag=True, help="As fast as possible; with JACK or null.")
    no_connect: bool = shared("--no-connect", is_flag=True, help="JACK: do not connect the mix to the speakers.")
    track_outs: bool = shared("--track-outs", is_flag=True, help="Also give out each processed track.")
    stereo: tuple[str, ...] = shared(
        "--stereo", multiple=True, metavar="TRACK", help="Give this track two inputs, left and right. May be repeated."
    )


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
        nullcontext() if control is None else controlled(engine, control, other, hear, midi),
        nullcontext() if watch is None else watch(engine),
    ):
        try:
            engine.wait(_FOR_EVER_S, lambda: _is_over(engine, frames))
        except KeyboardInterrupt:
            hear("ended by Ctrl-C.")
        except EndedError as end:  # a service that is stopped, a terminal that is closed: the usual ends of a long run
            hear(f"ended by {end}.")
    # Of what ended before the first block there is none.
    return Played(engine.report(), tuple(events), record if record is not None and record.exists() else None)


def _is_over(engine: LiveEngine, frames: int | None) -> bool:
    if frames is None:
        return engine.is_played_out
    return engine.has_recorded if engine.is_recording else engine.played_frames >= frames


def _rate_of(choice: BackendChoice) -> int:
    from ....runtime.live.backends.registry import terms_of

    return terms_of(choice).sample_rate_hz


@contextmanager
def _recording(path: Path | None, inputs: tuple[Path, ...], *, overwrite: bool) -> Iterator[Path | None]:
    """A place for the recording, which becomes the file whatever ends the playing: nobody plays the same again."""
    from ....presets.errors import OutputError
    from ....runtime.audio.output import output_file

    if path is None:
        yield None
        return
    if path.suffix.lower() not in _RECORDED:
        raise OutputError("cannot be recorded: recordings are .wav or .flac.", path)
    ending: BaseException | None = None
    with output_file(path, overwrite=overwrite, inputs=inputs) as place:
        try:
            yield place
        except BaseException as error:
            if not place.exists():
                raise
            ending = error
    if isinstance(ending, OutputError) and ending.path == place:
        raise ending.at(path) from ending  # who wrote knew only the hidden place
    if ending is not None:
        raise ending


@click.command()
@click.argument("preset_", metavar="PRESET")
@click.argument("stems", nargs=-1)
@click.option(
    "--map", "assignments", multiple=True, metavar="TRACK=STEM", help='Assign a stem to a track: "Lead Vox=vox_03".'
)
@takes(Device, "device")
@click.option("--duration", type=Duration(), help="End after this time.  [default: the stems' end, or Ctrl-C]")
@click.option("--loop", is_flag=True, help="Play the stems over and over.")
@click.option("--record", type=click.Path(path_type=Path), metavar="FILE", help="Record the mix: WAV (float) or FLAC.")
@click.option("--force", is_flag=True, help="Replace a recording that is there already.")
@takes(Controlling, "control")
@takes(MidiController, "midi")
@takes(AllowingCode, "allowing")
@takes(Saying, "saying")
def live(
    *,
    preset_: str,
    stems: tuple[str, ...],
    assignments: tuple[str, ...],
    device: Device,
    duration: float | None,
    loop: bool,
    record: Path | None,
    force: bool,
    control: Controlling,
    midi: MidiController,
    allowing: AllowingCode,
    saying: Saying,
) -> None:
    """Play the settings of PRESET in real time.

    With STEMS (files and folders) it plays them; without, it has an input for each track of the preset, as an insert
    between a DAW and the speakers.
    """
    preset, files = _matched(preset_, stems, assignments, quiet=saying.is_quiet)
    control.check(preset)
    midi.check()
    other = None if control.other is None else _other(preset, control.other)
    running = inserts_run(preset, files, other, allowing.rules(preset_), quiet=saying.is_quiet)
    prepared = click.get_current_context().with_resource(running)
    preset, other = prepared.preset, prepared.other
    choice = _choice(device, prepared.stems)
    source = replace(_source(preset, prepared.stems, device.stereo, loops=loop), inserts=prepared.inserts)

    shown: list[LiveDashboard] = []

    def watch(engine: LiveEngine) -> AbstractContextManager[object]:
        if not saying.is_quiet:
            report = engine.report()
            say(
                f"{choice.name}: {report.sample_rate_hz} Hz, {report.block_frames} frames "
                f"({report.period_ms:.1f} ms), latency {report.latency_samples} samples{_of_inserts(report)}. "
                "Ctrl-C ends it.",
                err=True,
            )
        if saying.is_quiet or not sys.stderr.isatty():
            return nullcontext()
        from .dashboard import LiveDashboard

        shown.append(LiveDashboard(engine))
        return shown[0]

    def hear(text: str) -> None:
        if shown:
            shown[0].say(f"Note: {text}")
        elif not saying.is_quiet:
            say(f"Note: {text}", err=True)

    played = run_live(
        preset,
        source,
        choice,
        length_s=duration,
        record=record,
        overwrite=force,
        control=control,
        midi=midi,
        other=other,
        on_event=hear,
        watch=watch,
    )
    if saying.as_json:
        echo_json(played_as_json(played, choice))
    elif not is_quiet():
        _say_played(played)


def played_as_json(played: Played, choice: BackendChoice) -> Mapping[str, Any]:
    """A run as data."""
    counts = asdict(played.report)
    rate_hz = counts.pop("sample_rate_hz")
    return {
        "backend": choice.name,
        "sample_rate": rate_hz,
        **counts,
        "latency_ms": 1000 * played.report.latency_samples / rate_hz,
        "record": None if played.recording is None else str(played.recording),
        "events": list(played.events),
    }


def _matched(
    preset_: str, stems: tuple[str, ...], assignments: tuple[str, ...], *, quiet: bool
) -> tuple[Preset, Mapping[str, Path] | None]:
    """The preset, and its stems by track, if there are any."""
    from ....runtime.audio.stems import collect_stems
    from ...matching import match_stems, parse_map
    from ..output.mix_results import say_matches
    from ..preset import open_preset
    from ..sessions.stems import say_left_out

    preset = open_preset(preset_)
    if not stems:
        return preset, None
    collected = collect_stems(stems, [])
    matched = match_stems(preset, collected.stems, parse_map(assignments, preset, collected.stems))
    if not quiet:
        say_left_out(collected.left_out)
        say_matches(matched)
    return matched.preset, matched.stems


def _other(preset: Preset, typed: str) -> Preset:
    """Preset B, with the tracks of preset A in their order."""
    from ....presets.errors import PresetError
    from ..preset import open_preset

    other = open_preset(typed)
    names, there = ([track.name for track in mix.tracks] for mix in (preset, other))
    if sorted(names) != sorted(there):
        raise PresetError(f"preset B ({typed}) has other tracks than the one that is played: {', '.join(there)}.")
    return other.model_copy(update={"tracks": tuple(other.track(name) for name in names)})


def _source(preset: Preset, files: Mapping[str, Path] | None, stereo: tuple[str, ...], *, loops: bool) -> LiveInput:
    from ....presets.errors import PresetError
    from ....runtime.live.engine import LiveInput

    if files is not None:
        return LiveInput.of_files(files, preset, loops=loops)
    unknown = sorted(set(stereo) - {track.name for track in preset.tracks})
    if unknown:
        raise PresetError(f"--stereo names tracks that the preset has not: {', '.join(unknown)}.")
    return LiveInput(tuple(2 if track.name in stereo else 1 for track in preset.tracks))


def _choice(device: Device, files: Mapping[str, Path] | None) -> BackendChoice:
    from ....presets.errors import DeviceError
    from ....runtime.live.backends.base import BackendChoice
    from ....runtime.rendering.render import session_rate

    rate_hz = device.sample_rate
    if device.backend == "null" and rate_hz is None and files:
        rate_hz = session_rate(files.values())

    def choice(name: Literal["null", "jack", "portaudio"]) -> BackendChoice:
        return BackendChoice(
            name,
            device.block_frames,
            rate_hz,
            device.freewheel,
            device.server,
            device=device.device,
            connect=not device.no_connect,
            track_outs=device.track_outs,
        )

    if device.backend != "auto":
        return choice(device.backend)
    if device.device is None:
        try:
            _rate_of(choice("jack"))
        except DeviceError:
            return choice("portaudio")
        return choice("jack")
    return choice("portaudio")


def _of_inserts(report: LiveReport) -> str:
    if not report.insert_latency_samples:
        return ""
    ms = 1000 * report.insert_latency_samples / report.sample_rate_hz
    return f" ({ms:.0f} ms of it for inserts, of all tracks alike)"


def _say_played(played: Played) -> None:
    report = played.report
    say(
        f"{report.frames / report.sample_rate_hz:.1f} s in {report.blocks} blocks: {report.late_blocks} late, "
        f"{report.xruns} xruns; 99 % took {report.callback_p99_ms:.2f} ms of {report.period_ms:.2f} ms at most"
    )
    lost = {
        "blocks without stems, which were not read in time": report.starved_blocks,
        "blocks in which tracks were heard without their inserts, which were not done in time": (
            report.insert_late_blocks
        ),
        "blocks silenced, which were no numbers": report.silenced_blocks,
        "blocks above full scale: lower the master's output gain": report.over_blocks,
        "samples lost in the recording": report.record_lost_frames,
    }
    for what, number in lost.items():
        if number:
            say(f"Note: {number} {what}.")
    if played.recording is not None:
        say(f"Recorded {report.recorded_frames / report.sample_rate_hz:.1f} s: {played.recording}")
