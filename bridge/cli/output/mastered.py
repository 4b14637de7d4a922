"""What `master` did, said to people and to machines. Importing this loads click alone."""

from __future__ import annotations

import math
import shlex
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from .mix_results import done_as_json
from .saying import echo_json, say

if TYPE_CHECKING:
    from ....presets.preset import Preset
    from ....runtime.mastering.fitting import Mastering
    from ....runtime.rendering.render import RenderOptions
    from ...jobs import Done


def mastering_as_json(mastering: Mastering) -> dict[str, Any]:
    """A fitted master for machines: what it was fitted to, and spectra before and after."""
    from ....presets.parts.match import THIRDS_HZ

    reference = mastering.reference
    return {
        "reference": {
            "loudness_lufs": _number(reference.loudness_lufs),
            "peak_to_loudness_db": _number(reference.peak_to_loudness_db),
        },
        "thirds_hz": list(THIRDS_HZ),
        "spectra_db": {
            name: {"middle": list(middle), "sides": list(sides)}
            for name, (middle, sides) in mastering.spectra_db().items()
        },
        "match": mastering.master.match.model_dump(mode="json"),
    }


def mastered_as_json(done: Done) -> dict[str, Any]:
    """What was made, for machines; a level of silence is null."""
    kept = done_as_json(done)
    for name in ("stems", "fx_return", "buses", "tracks", "refinement", "stem_gain_db"):
        del kept[name]
    return kept | {"mastering": mastering_as_json(done.mix.mastering) if done.mix.mastering else None}


def say_mastered(done: Done) -> None:
    """Tell people what was made: levels, settings, files; warnings go to standard error."""
    levels = done.mix.render.levels
    if math.isfinite(levels.loudness_lufs):
        say(
            f"Mix: {levels.loudness_lufs:.1f} LUFS, true peak {levels.true_peak_dbtp:.1f} dBTP, "
            f"peaks {levels.true_peak_dbtp - levels.loudness_lufs:.1f} dB above the loudness"
        )
    _say_fit(done.mix.preset, done.mix.mastering)
    for path in (done.mix.mix_path, done.mix.preset_path, done.report_path):
        if path is not None:
            say(f"  {path}")
    say(f"Every setting: mixbridge preset show {shlex.quote(str(done.mix.preset_path))}")
    for warning in done.warnings:
        say(f"Note: {warning}.", err=True)


def say_mastering_plan(
    preset: Preset, mastering: Mastering | None, options: RenderOptions, files: Sequence[str], *, as_json: bool
) -> None:
    """Show what would be set and written, where nothing is."""
    from ....runtime.mastering.fitting import rendering_for

    loudness_lufs = rendering_for(mastering, options).loudness_lufs
    if as_json:
        settings = preset.model_dump(mode="json", exclude_none=True)
        fit = mastering_as_json(mastering) if mastering else None
        echo_json(
            {
                "dry_run": True,
                "would_write": list(files),
                "loudness_lufs": loudness_lufs,
                "preset": settings,
                "mastering": fit,
            }
        )
        return
    _say_fit(preset, mastering)
    if loudness_lufs is not None:
        say(f"Loudness would be {loudness_lufs:.1f} LUFS.")
    say("Nothing was written. These files would be:")
    for file in files:
        say(f"  {file}")


def _say_fit(preset: Preset, mastering: Mastering | None) -> None:
    from ...report.text import describe_master

    if mastering is None:
        say("Nothing was to be fitted: the mix is silent, or the amount is 0.")
        return
    goal = mastering.reference
    say(f"Reference: {goal.loudness_lufs:.1f} LUFS, peaks {goal.peak_to_loudness_db:.1f} dB above the loudness")
    for words in describe_master(preset.master):
        say(f"  {words}")


def _number(value: float) -> float | None:
    return round(value, 3) if math.isfinite(value) else None
