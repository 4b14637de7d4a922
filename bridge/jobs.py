"""Whole jobs, as the commands `mix`, `apply` and `demo` run them: audio, preset and report.

All appear in their folder together or not at all. Nothing is parsed or printed here; tests and other programs call
these.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from ..presets.console import SEND_OFF_DB
from ..presets.errors import OutputError
from ..presets.preset import Preset
from ..runtime import mixing
from ..runtime.audio.delivery import file_names
from ..runtime.audio.output import OutputFolder
from ..runtime.audio.writing import FORMATS
from ..runtime.mixing import MixResult, PredictOptions
from ..runtime.model.bundle import DEFAULT_MODEL
from ..runtime.model.controller import Controller, Provider
from ..runtime.rendering.render import FX_RETURN, RenderOptions

Progress = Callable[[float, str], None]

PRESET = "preset.json"
REPORT = "report.html"

# A mix that misses its loudness by this much is worth a word.
_MISSED_LU = 0.5
# Limiting by more than this is heard.
_LIMITED_DB = 6.0


@dataclass(frozen=True)
class Done:
    """A finished job.

    Attributes:
        folder: where everything is.
        mix: the preset, and the audio's paths and levels.
        report_path: the report; None if none was asked for.
        warnings: what the user should know, a sentence each.
    """

    folder: Path
    mix: MixResult
    report_path: Path | None
    warnings: tuple[str, ...]


def run_mix(
    stems: Mapping[str, Path],
    reference: Path,
    output: Path,
    *,
    model: str | Path | Controller = DEFAULT_MODEL,
    provider: Provider = "auto",
    options: PredictOptions | None = None,
    render_options: RenderOptions | None = None,
    report: bool = True,
    progress: Progress | None = None,
) -> Done:
    """Mix stems in the style of a reference.

    Args:
        stems: files by track name.
        reference: a finished song.
        output: folder for the results; it appears whole or not at all.
        model: a loaded controller, a bundle's folder, or the name of a model that ships.
        provider: "auto", "cuda" or "cpu".
        options: amount, passages to hear, refinement.
        render_options: how to write.
        report: also write `report.html`.
        progress: called with 0..1 and what is being done.

    Raises:
        MixbridgeError: something cannot be used or written; nothing is left behind.
    """

    def job(workplace: Path, options_there: RenderOptions) -> MixResult:
        return mixing.mix(
            stems,
            reference,
            workplace,
            model=model,
            provider=provider,
            options=options,
            render_options=options_there,
            progress=progress,
        )

    return _run(job, stems, output, render_options or RenderOptions(), report, progress, reference)


def run_apply(
    preset: Preset,
    stems: Mapping[str, Path],
    output: Path,
    *,
    render_options: RenderOptions | None = None,
    report: bool = True,
    progress: Progress | None = None,
) -> Done:
    """Mix stems with a preset whose tracks have their names; arguments and errors as for :func:`run_mix`."""

    def job(workplace: Path, options_there: RenderOptions) -> MixResult:
        return mixing.apply(preset, stems, workplace, options=options_there, progress=progress)

    return _run(job, stems, output, render_options or RenderOptions(), report, progress, None)


def results_of(preset: Preset, options: RenderOptions, *, report: bool) -> list[str]:
    """The files that a job would write, relative to its folder."""
    suffix = FORMATS[options.audio_format].suffix
    names = [track.name for track in preset.tracks if not track.mute]
    has_fx = any(track.strip.fx_send_db > SEND_OFF_DB for track in preset.tracks if not track.mute)
    stems = [f"stems/{name}{suffix}" for name in file_names([*names, *[FX_RETURN] * has_fx])] if options.stems else []
    return [f"mix{suffix}", *stems, PRESET, *[REPORT] * report]


def _run(
    job: Callable[[Path, RenderOptions], MixResult],
    stems: Mapping[str, Path],
    output: Path,
    options: RenderOptions,
    report: bool,
    progress: Progress | None,
    reference: Path | None,
) -> Done:
    expected = [f"mix{FORMATS[options.audio_format].suffix}", PRESET, *[REPORT] * report]
    with OutputFolder(output, options.overwrite, expected) as workplace:
        there = job(workplace, options)
        result = mixing.relocated(there, workplace, output)
        if report:
            if progress is not None:
                progress(1.0, "writing the report")
            _write_report(workplace / REPORT, result, stems, reference)
    return Done(output, result, output / REPORT if report else None, tuple(_warnings(result, options)))


def _write_report(path: Path, result: MixResult, stems: Mapping[str, Path], reference: Path | None) -> None:
    from .report.report import make_report

    text = make_report(result, stems, reference)
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise OutputError(f"the report cannot be written ({error.strerror}): is the disk full?") from error


def _warnings(result: MixResult, options: RenderOptions) -> Iterator[str]:
    levels, target = result.render.levels, options.loudness_lufs
    silent = result.passage.silent if result.passage else ()
    refinement = result.refinement
    if refinement and refinement.interrupted:
        yield f"the search was stopped after {refinement.seconds:.0f} s; the mix has the best settings found until then"
    if not math.isfinite(levels.loudness_lufs):
        yield "the mix is silent: there is nothing audible in the stems"
    elif target is not None and abs(levels.loudness_lufs - target) > _MISSED_LU:
        yield f"the mix came out at {levels.loudness_lufs:.1f} LUFS, not {target:g}: more would only crush its peaks"
    if result.passage and silent and len(silent) == len(result.passage.audio):
        yield "every track is silent in the passage that was heard, so all were left as they are"
    elif silent:
        yield f"silent in the passage that was heard, and left as they are: {', '.join(silent)}"
    if result.render.limited_db > _LIMITED_DB:
        yield (
            f"the limiter turned peaks down by up to {result.render.limited_db:.0f} dB; "
            "for a livelier mix ask for less loudness, e.g. -18 LUFS"
        )
    if result.render.stem_gain_db < 0 and result.render.stems:
        yield f"all stems are {-result.render.stem_gain_db:.1f} dB lower than in the mix, because one would clip"
