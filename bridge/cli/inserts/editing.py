"""The command `preset insert`: it declares a network or program in front of a strip, with its model's hash."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..declaring import takes
from ..options import PRESET_FILE, Writing

if TYPE_CHECKING:
    from ....presets.inserts.insert import Insert
    from ....presets.preset import Preset


@click.command("insert")
@click.argument("preset_", metavar="PRESET")
@click.argument("kind", required=False)
@click.option("--track", metavar="TRACK", help="Track that goes through it first.")
@click.option("--bus", metavar="GROUP", help="Group whose sum goes through it first.")
@click.option("--master", is_flag=True, help="The whole sum goes through it before the master.")
@click.option("--remove", is_flag=True, help="Remove all inserts that stand there instead.")
@click.option(
    "--strength", "strength_db", type=float, metavar="dB", help="denoise: how far noise is turned down at most."
)
@click.option("--wet", type=float, metavar="0..1", help="Share of its sound; the rest is the track as it was.")
@click.option(
    "--network-alone",
    "protect",
    is_flag=True,
    flag_value=False,
    default=None,
    help="denoise: do not protect what stands well above the track's noise floor.",
)
@click.option("--match-loudness", is_flag=True, help="Bring its sound to the loudness of what goes in.")
@click.option(
    "--sample-rate",
    "sample_rate_hz",
    type=int,
    metavar="HZ",
    help="Sample rate that it works at.  [default: the model's]",
)
@click.option("--channels", type=click.IntRange(1, 2), default=1, show_default=True, help="2: both channels together.")
@click.option(
    "--block", "block_samples", type=int, metavar="SAMPLES", help="Samples at a time.  [default: the whole file]"
)
@click.option("--latency", "latency_samples", type=int, metavar="SAMPLES", help="How much later its sound comes out.")
@click.option("--method", metavar="NAME", help="torchscript: which one.  [default: forward]")
@click.option("--model", metavar="FILE", help="command: the file for {model} in its arguments.")
@click.option(
    "--timeout",
    "timeout_s",
    type=click.FloatRange(0, 86_400, min_open=True),
    metavar="S",
    help="Time for a block, or the whole file.",
)
@takes(Writing, "writing", PRESET_FILE)
def insert_command(
    preset_: str,
    kind: str | None,
    *,
    track: str | None,
    bus: str | None,
    master: bool,
    remove: bool,
    model: str | None,
    writing: Writing,
    **settings: Any,
) -> None:
    """Write PRESET with an insert in front of a track, a group or the master, behind those that it has.

    KIND is denoise, onnx:FILE, torchscript:FILE or "command:PROGRAM ARGUMENTS", with {in} and {out} where the WAV files
    are named. The model's SHA-256 is written down: another file in its place is refused later.
    """
    from ....runtime.inserts.declaring import declared
    from ..preset import open_preset, write_preset

    if (kind is None) != remove:
        raise click.UsageError("name the kind of an insert, or --remove")
    if (track is not None) + (bus is not None) + master != 1:
        raise click.UsageError("say where it stands: --track TRACK, --bus GROUP or --master")
    preset = open_preset(preset_)
    if kind is None:
        write_preset(_placed(preset, track, bus, ()), writing.output, force=writing.force)
        return
    given = {name: value for name, value in settings.items() if value is not None}
    folder = Path(writing.output).parent if writing.output != "-" else Path()
    insert = declared(kind, model=model, beside=Path(os.path.realpath(folder)), **given)
    write_preset(_placed(preset, track, bus, insert), writing.output, force=writing.force)


def _placed(preset: Preset, track: str | None, bus: str | None, added: Insert | tuple[()]) -> Preset:
    """A preset with an insert in front of a track or of a group, else of the master; or with none there."""
    from ....presets.editing.changing_inserts import with_bus_inserts, with_master_inserts, with_track_inserts

    if track is not None:
        return with_track_inserts(preset, track, added)
    return with_master_inserts(preset, added) if bus is None else with_bus_inserts(preset, bus, added)
