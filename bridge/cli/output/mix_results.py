"""What `mix` and `apply` did, said to people and to machines. Importing this loads click alone."""

from __future__ import annotations

import math
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ....presets.escaping import escaped
from .plugged import plugged_as_json, say_plugged
from .saying import console, counted, echo_json, is_verbose, say

if TYPE_CHECKING:
    from ....presets.preset import Preset
    from ....runtime.refinement.refine import Refinement
    from ....runtime.rendering.render import RenderOptions
    from ...jobs import Done
    from ...matching import StemMatches
    from ...sessions.writing import Written

_LISTED = 12
# A line each; with paths and notes they fill a screen of 24 lines.
_TRACKS = 12
_WIDEST_NAME = 28


def done_as_json(done: Done) -> dict[str, Any]:
    """What was made, for machines; a level of silence is null."""
    from ...report.assurance import assurance_as_json
    from ...report.text import describe_strip

    render, refinement = done.mix.render, done.mix.refinement
    return {
        "output": str(done.folder),
        "mix": str(done.mix.mix_path),
        "stems": {
            name: {"file": str(done.folder / stem.file), "peak_dbfs": _number(stem.peak_dbfs)}
            for name, stem in render.stems.items()
        },
        "fx_return": str(done.mix.bus_paths["fx return"]) if "fx return" in render.buses else None,
        "buses": {name: str(path) for name, path in done.mix.bus_paths.items()},
        "preset": str(done.mix.preset_path),
        "report": str(done.report_path) if done.report_path else None,
        "sample_rate_hz": render.sample_rate_hz,
        "frames": render.frames,
        "loudness_lufs": _number(render.levels.loudness_lufs),
        "true_peak_dbtp": _number(render.levels.true_peak_dbtp),
        "loudness_gain_db": _number(render.loudness_gain_db),
        "limited_db": _number(render.limited_db),
        "stem_gain_db": _number(render.stem_gain_db),
        "tracks": {track.name: describe_strip(track) for track in done.mix.preset.tracks},
        "roles": {track.name: track.role for track in done.mix.preset.tracks},
        "links": {track.name: track.link for track in done.mix.preset.tracks if track.link},
        "refinement": refinement_as_json(refinement) if refinement else None,
        "warnings": [*done.warnings, *done.file_notes],
        "plugins": plugged_as_json(done.plugged),
        **assurance_as_json(done.mix.preset),
    }


def say_done(done: Done) -> None:
    """Tell people what was made, on standard output: a summary, and with `--verbose` every setting in words.

    Warnings go to standard error.
    """
    from ...report.assurance import assurance_lines

    render, preset = done.mix.render, done.mix.preset
    levels = render.levels
    if is_verbose():
        _say_settings(preset)
    say(
        f"Mix: {_level(levels.loudness_lufs, 'LUFS')}, true peak {_level(levels.true_peak_dbtp, 'dBTP')}, "
        f"{render.frames / render.sample_rate_hz:.1f} s at {render.sample_rate_hz} Hz"
    )
    _say_tracks(preset)
    say_plugged(done.plugged)
    for line in assurance_lines(preset):
        say(line)
    if done.mix.refinement:
        say(say_refined(done.mix.refinement))
    say(f"  {done.mix.mix_path}")
    if render.stems:
        first = next(iter(render.stems.values()))
        sum_of_stems = (
            "behind the master"
            if render.stems_post_master and len(render.stems) + len(render.buses) == 1
            else "they add up to the mix"
            if render.stems_post_master
            else "before the master; --stems-post-master writes it behind that"
            if len(render.stems) + len(render.buses) == 1
            else "before the master, so their sum is not the mix; --stems-post-master writes stems whose sum it is"
        )
        stems = " and ".join([counted(len(render.stems), "stem"), *([", ".join(render.buses)] if render.buses else [])])
        say(f"  {(done.folder / first.file).parent} ({stems}; {sum_of_stems})")
    for path in (done.mix.preset_path, done.report_path):
        if path is not None:
            say(f"  {path}")
    if not is_verbose():
        say(f"Every setting: mixbridge preset show {shlex.quote(str(done.mix.preset_path))}")
    for warning in done.warnings:
        say(f"Note: {warning}.", err=True)


def _say_tracks(preset: Preset) -> None:
    """A line a track: level, place, and which processors work; not more than fit on a screen."""
    from rich.table import Table
    from rich.text import Text

    from ...report.brief import brief_cells

    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True, overflow="ellipsis", max_width=_WIDEST_NAME)
    table.add_column(justify="right", no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column()
    tracks = preset.tracks
    if len(tracks) > _TRACKS:  # what is silent or left out is named below
        tracks = tuple(sorted(tracks, key=lambda track: track.mute or track.note is not None))
    for track in tracks[:_TRACKS]:
        table.add_row(Text(f"  {escaped(track.name)}"), *map(Text, brief_cells(track)))
    console().print(table)
    if len(preset.tracks) > _TRACKS:
        say(f"  and {len(preset.tracks) - _TRACKS} more tracks")


def _say_settings(preset: Preset) -> None:
    from rich.table import Table
    from rich.text import Text

    from ...report.text import describe_effects, describe_master, describe_strip

    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True, overflow="ellipsis", max_width=_WIDEST_NAME)
    for track in preset.tracks:
        table.add_row(Text(f"  {escaped(track.name)}"), Text(", ".join(describe_strip(track))))
    for bus in preset.buses:
        table.add_row(Text(f"  {escaped(bus.name)} (group)"), Text(", ".join(describe_strip(bus))))
    for effect in describe_effects(preset):
        table.add_row(Text("  effect"), Text(effect))
    table.add_row(Text("  master"), Text(", ".join(describe_master(preset.master))))
    console().print(table)


def say_refined(refinement: Refinement) -> str:
    """What a search of the settings did, in a line."""
    from ....runtime.refinement.refined import words

    said = words(refinement)
    return f"{said[:1].upper()}{said[1:]}"


def refinement_as_json(refinement: Refinement) -> dict[str, Any]:
    """The same for machines; distances are null where there was nothing to hear."""
    through: dict[str, Any] = {}
    if refinement.heard is not None:
        before, after = map(_small_number, refinement.heard)
        through = {"heard_before": before, "heard_after": after, "share": refinement.share}
    return {
        "from": refinement.start,
        "seconds": _number(refinement.seconds),
        "renders": refinement.renders,
        "stopped_early": refinement.interrupted,
        "distance_before": _small_number(refinement.before),
        "distance_after": _small_number(refinement.after),
        **through,
    }


def say_plan(preset: Preset, options: RenderOptions, output: Path, *, report: bool, as_json: bool) -> None:
    """Shows what would be set and written, where nothing is."""
    from ...jobs import own_plugins, results_of

    own = own_plugins(options)
    files = [str(output / name) for name in results_of(preset, options, report=report)]
    if as_json:
        settings = preset.model_dump(mode="json", exclude_none=True)
        plan = {"dry_run": True, "would_write": files, "preset": settings}
        echo_json(plan | ({"plugins": plugged_as_json(own.fits), "warnings": list(own.notes)} if own else {}))
        return

    if is_verbose():
        from ...report.tables import preset_table

        console().print(preset_table(preset))
    else:
        _say_tracks(preset)
        say("Every setting: the same with mixbridge -v, or --json")
    if own is not None:
        say_plugged(own.fits)
        for note in own.notes:
            say(f"Note: {note}", err=True)
    if preset.provenance.note:
        say(preset.provenance.note)
    for track in preset.tracks:
        if track.note:
            say(f"{track.name}: {track.note}")
    say("Nothing was written. These files would be:")
    for file in files[:_LISTED]:
        say(f"  {file}")
    if len(files) > _LISTED:
        say(f"  and {len(files) - _LISTED} more")


def say_written(written: Written) -> None:
    """A session that was written, and what is not in it as the preset has it; `--json` has it at length."""
    from ....presets.sections import briefly

    say(f"  {written.path}")
    for note in written.notes:
        say(f"Note: {briefly(note)}", err=True)


def say_matches(session: StemMatches) -> None:
    """Only where names differ is there something to look at."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    if all(match.how == "same name" for match in session.matches):
        return
    table = Table(box=box.SIMPLE_HEAD)
    for heading in ("preset's track", "stem", "matched"):
        table.add_column(heading, overflow="fold")
    for match in session.matches:
        table.add_row(Text(escaped(match.track)), Text(escaped(match.stem)), match.how)
    console(stderr=True).print(table)


def _number(value: float) -> float | None:
    return round(value, 3) + 0.0 if math.isfinite(value) else None


def _small_number(value: float) -> float | None:
    return round(value, 6) if math.isfinite(value) else None


def _level(value: float, unit: str) -> str:
    return f"{value:.1f} {unit}" if math.isfinite(value) else "silent"
