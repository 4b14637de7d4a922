"""Whole jobs, as the commands `mix`, `apply` and `demo` run them: audio, preset and report.

All appear in their folder together or not at all. Nothing is parsed or printed here; tests and other programs call
these.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ..presets.preset import Preset
from ..runtime import master_file, mixing
from ..runtime.audio.output import OutputFolder, write_text
from ..runtime.audio.reading import notes_of
from ..runtime.inserts.terms import InsertRules
from ..runtime.master_file import MasterOptions
from ..runtime.mastering.fitting import rendering_again, rendering_for
from ..runtime.mixing import MixResult, PredictOptions
from ..runtime.model.analysis import Passage
from ..runtime.model.bundle import DEFAULT_MODEL
from ..runtime.model.controller import Controller
from ..runtime.model.providers import Provider
from ..runtime.model.references import AnyReference, Song, songs_heard, songs_of
from ..runtime.rendering.render import RenderOptions, session_rate
from ..runtime.roles.polarity import find_turned, may_be_turned
from .plugins.using.fitting import PluggedStage
from .plugins.using.rendering import UserPlugins
from .thresholds import threshold_notes

Progress = Callable[[float, str], None]

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
        plugged: stages on the user's plug-ins.
        file_notes: what was found about the files, their lengths and DC; said as it was found, in whole sentences.
    """

    folder: Path
    mix: MixResult
    report_path: Path | None
    warnings: tuple[str, ...]
    file_notes: tuple[str, ...] = ()
    plugged: tuple[PluggedStage, ...] = ()


def run_mix(
    stems: Mapping[str, Path],
    reference: AnyReference | None,
    output: Path,
    *,
    model: str | Path | Controller = DEFAULT_MODEL,
    provider: Provider = "auto",
    options: PredictOptions | None = None,
    render_options: RenderOptions | None = None,
    report: bool = True,
    inputs: Iterable[Path] = (),
    progress: Progress | None = None,
) -> Done:
    """Mix stems in the style of a reference.

    Args:
        stems: files by track name.
        reference: a finished song, or several with weights; None or an empty tuple for a model with a style of its own.
        output: folder for the results; it appears whole or not at all.
        model: a loaded controller, a bundle, or the name of a model that ships.
        provider: "auto", "cuda" or "cpu".
        options: amount, passages to hear, refinement.
        render_options: how to write.
        report: also write `report.html`.
        inputs: more files that are read, e.g. the session that the stems were made of: none is replaced.
        progress: called with 0..1 and what is being done.

    Raises:
        MixbridgeError: something cannot be used or written; nothing is left behind.
    """
    render_options, inputs = render_options or RenderOptions(), tuple(inputs)
    expected = [*mixing.mix_files(stems, render_options), *[REPORT] * report]
    songs = songs_heard(reference)
    place = mixing.output_for(output, stems, songs, expected, render_options, inputs)
    with place:
        return mix_into(
            place,
            stems,
            songs,
            model=model,
            provider=provider,
            options=options,
            render_options=render_options,
            report=report,
            inputs=inputs,
            progress=progress,
        )


def mix_into(
    place: OutputFolder,
    stems: Mapping[str, Path],
    songs: Sequence[Song],
    *,
    model: str | Path | Controller = DEFAULT_MODEL,
    provider: Provider = "auto",
    options: PredictOptions | None = None,
    render_options: RenderOptions,
    report: bool = True,
    inputs: Iterable[Path] = (),
    progress: Progress | None = None,
) -> Done:
    """:func:`run_mix` into a folder that is open already, for who adds to it."""
    result = mixing.mix_into(
        place,
        stems,
        songs,
        model=model,
        provider=provider,
        options=options,
        render_options=render_options,
        progress=progress,
    )
    return _finished(place, result, stems, songs, render_options, report, progress, inputs)


def run_master(
    mix: Path,
    reference: AnyReference,
    output: Path,
    *,
    options: MasterOptions | None = None,
    render_options: RenderOptions | None = None,
    report: bool = True,
    progress: Progress | None = None,
) -> Done:
    """Bring one finished mix to the sound of a reference; arguments and errors as for :func:`run_mix`."""
    how = render_options or RenderOptions(loudness_of_reference=True)
    songs = songs_of(reference)
    stems = master_file.mix_alone(mix, songs)
    place = mixing.output_for(output, stems, songs, master_results(how, report=report), how)
    with place:
        result = master_file.master_into(
            place, stems, songs, options=options or MasterOptions(), render_options=how, progress=progress
        )
        return _finished(place, result, stems, songs, how, report, progress, ())


def master_results(options: RenderOptions, *, report: bool) -> list[str]:
    """The files that :func:`run_master` would write, relative to its folder."""
    return [*master_file.master_files(options), *[REPORT] * report]


def run_apply(
    preset: Preset,
    stems: Mapping[str, Path],
    output: Path,
    *,
    render_options: RenderOptions | None = None,
    rules: InsertRules | None = None,
    report: bool = True,
    inputs: Iterable[Path] = (),
    progress: Progress | None = None,
) -> Done:
    """Mix stems with a preset whose tracks have their names; arguments and errors as for :func:`run_mix`."""
    render_options, inputs = render_options or RenderOptions(), tuple(inputs)
    expected = results_of(preset, render_options, report=report)
    place = mixing.output_for(output, stems, None, expected, render_options, inputs)
    with place:
        return apply_into(
            place,
            preset,
            stems,
            render_options=render_options,
            rules=rules,
            report=report,
            inputs=inputs,
            progress=progress,
        )


def apply_into(
    place: OutputFolder,
    preset: Preset,
    stems: Mapping[str, Path],
    *,
    render_options: RenderOptions,
    rules: InsertRules | None = None,
    report: bool = True,
    inputs: Iterable[Path] = (),
    progress: Progress | None = None,
) -> Done:
    """:func:`run_apply` into a folder that is open already, for who adds to it."""
    result = mixing.apply_into(place, preset, stems, options=render_options, rules=rules, progress=progress)
    done = _finished(place, result, stems, (), render_options, report, progress, inputs)
    audible = {name: result.heard.get(name, path) for name, path in stems.items() if not preset.track(name).mute}
    return replace(done, warnings=(*done.warnings, *threshold_notes(preset, audible)))


def results_of(preset: Preset, options: RenderOptions, *, report: bool) -> list[str]:
    """The files that a job would write, relative to its folder."""
    return [*mixing.preset_files(preset, options), *[REPORT] * report]


def _finished(
    place: OutputFolder,
    result: MixResult,
    stems: Mapping[str, Path],
    songs: Sequence[Song],
    options: RenderOptions,
    report: bool,
    progress: Progress | None,
    inputs: Iterable[Path],
) -> Done:
    """Adds the report to the results, if one is asked for."""
    if report:
        if progress is not None:
            progress(1.0, "writing the report")
        _write_report(place.workplace / REPORT, result, stems, songs, own_plugins(options))
    read = [*stems.values(), *(song.path for song in songs), *inputs]
    notes = [*result.offsets, *(note for path in dict.fromkeys(read) for note in notes_of(path))]
    own = own_plugins(options)
    warnings = (*_warnings(result, options), *(note.rstrip(".") for note in (own.notes if own else ())))
    report_path, plugged = place.folder / REPORT if report else None, own.fits if own else ()
    return Done(place.folder, result, report_path, warnings, tuple(notes), plugged)


def own_plugins(options: RenderOptions) -> UserPlugins | None:
    """Give the user's plug-ins that a rendering goes through; None for none."""
    return options.own_stages if isinstance(options.own_stages, UserPlugins) else None


def fit_alone(own: UserPlugins, preset: Preset, stems: Mapping[str, Path], options: RenderOptions) -> None:
    """Fit plug-ins to a preset on stems, as a rendering would, which is not made; `own.fits` has what came of it.

    Raises:
        PluginError: one cannot be used.
        AudioError: a stem cannot be read.
    """
    tracks = [track for track in preset.tracks if not track.mute]
    rate_hz = options.sample_rate_hz or session_rate(stems[track.name] for track in tracks)
    own.fit(tracks, stems, rate_hz)


def _write_report(
    path: Path, result: MixResult, stems: Mapping[str, Path], songs: Sequence[Song], own: UserPlugins | None
) -> None:
    from .report.report import PluggedCard, make_report

    plugged = [
        PluggedCard(fit.title, fit.loss, [(item.plugin.profile.title, item.words) for item in fit.plugins])
        for fit in (own.fits if own else ())
    ]
    write_text(path, make_report(result, stems, songs, plugged))


def _silent(passage: Passage) -> tuple[str, ...]:
    return tuple(name for name in passage.loudness_lufs if name not in passage.heard)


def _one_sided(passage: Passage, preset: Preset) -> str:
    """The tracks that have lost a channel; a song that was exported with its pans has many with a partner."""
    playing = {track.name for track in preset.tracks if track.link is None and not track.mute}
    return ", ".join(f"{name} ({side})" for name, side in passage.one_sided.items() if name in playing)


def _turned(passage: Passage, preset: Preset) -> Iterator[str]:
    """Sentences on microphones whose polarity differs, which the console cannot turn."""
    roles = {track.name: track.role for track in preset.tracks if not track.mute and track.name in passage.heard}
    audio = {name: passage.side_by_side(name) for name, role in roles.items() if may_be_turned(role)}
    rate_hz = round(max(item.shape[1] for item in passage.audio.values()) / passage.length_s)
    for one, other in find_turned(roles, audio, rate_hz):
        yield (
            f"{other} has the opposite polarity of {one}, so that they take from each other; there is no switch for it "
            "here: turn it in your DAW, and export again"
        )


def _warnings(result: MixResult, options: RenderOptions) -> Iterator[str]:
    how = rendering_for(result.mastering, options) if result.mastering else rendering_again(result.preset, options)
    levels, target = result.render.levels, how.loudness_lufs
    silent = _silent(result.passage) if result.passage else ()
    refinement = result.refinement
    if refinement and refinement.interrupted:
        yield f"the search was stopped after {refinement.seconds:.0f} s; the mix has the best settings found until then"
    if not math.isfinite(levels.loudness_lufs):
        yield "the mix is silent: there is nothing audible in the stems"
    elif target is not None and abs(levels.loudness_lufs - target) > _MISSED_LU:
        yield f"the mix came out at {levels.loudness_lufs:.1f} LUFS, not {target:g}: more would only crush its peaks"
    if result.passage and silent and len(silent) == len(result.passage.audio):
        yield "every track is silent, so all were left as they are"
    elif result.passage and silent:
        yield f"silent all the time, and left as they are: {', '.join(silent)}"
    if result.passage and (sides := _one_sided(result.passage, result.preset)):
        yield (
            f"heard on one channel of the file alone, and on that side whatever the pan is: {sides}; "
            "where that is not meant, export as mono"
        )
    if result.passage:
        yield from _turned(result.passage, result.preset)
        # An `apply` mutes what the preset says, which its owner knows.
        yield from (f"{track.name} is {track.note}" for track in result.preset.tracks if track.mute and track.note)
    if result.render.limited_db > _LIMITED_DB:
        yield (
            f"the limiter turned peaks down by up to {result.render.limited_db:.0f} dB; "
            "for a livelier mix ask for less loudness, e.g. -18 LUFS"
        )
    if result.render.stem_gain_db < 0 and result.render.stems:
        yield f"all stems are {-result.render.stem_gain_db:.1f} dB lower than in the mix, because one would clip"
