"""The command `live`: click parses, :func:`.running.run_live` plays, and what happened is said here.

Importing this loads click alone, so that `--help` is quick.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..declaring import takes
from ..inserts.options import AllowingCode
from ..inserts.playing import inserts_run
from ..kinds import Duration
from ..options import Saying
from ..output.saying import echo_json, is_quiet, say
from .control import Controlling
from .device import Device, choice_of
from .midi import MidiController
from .running import Played, run_live

if TYPE_CHECKING:
    from ....presets.preset import Preset
    from ....runtime.live.backends.base import BackendChoice
    from ....runtime.live.engine import LiveEngine, LiveInput
    from ....runtime.live.reporting import LiveReport
    from .dashboard import LiveDashboard


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
    choice = choice_of(device, prepared.stems)
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
