"""The main verbs: predict a preset, apply one, or both in one go. What the command line and other programs call.

Each takes files and leaves a folder, see :mod:`.results`; the report is made from the result by
:mod:`mixbridge.bridge.report.report`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from tempfile import gettempdir

from ..presets.checking.arguments import (
    checked_call,
    checked_kind,
    checked_path,
)
from ..presets.checking.claims import without_claims
from ..presets.editing.changing_inserts import tracks_with_inserts, without_track_inserts
from ..presets.errors import MixbridgeError, OutputError, PresetError
from ..presets.files import dumps
from ..presets.inserts.insert import Insert
from ..presets.preset import Preset
from ..presets.roles import told_roles
from .audio.opening import OpenFiles
from .audio.output import OutputFolder, write_text
from .audio.stems import AnyStems, Stems, paths_by_name, stem_paths
from .audio.workplace import scratch_folder
from .inserts.buses import BusInsertRuns
from .inserts.choosing import inserts_wanted
from .inserts.declaring import with_inserts
from .inserts.stems import through_inserts
from .inserts.terms import InsertRules
from .mastering.fitting import (
    rendering_again,
    rendering_for,
    with_level,
)
from .model.analysis import said_offsets
from .model.bundle import DEFAULT_MODEL
from .model.controller import Controller
from .model.providers import Provider
from .model.references import AnyReference, songs_heard
from .predicting import PredictOptions, Progress, part_of, predicted
from .rendering.render import RenderOptions, RenderResult, render_files
from .results import PRESET, MixResult, mix_files, output_for, preset_files

__all__ = [
    "PRESET",
    "MixResult",
    "PredictOptions",
    "Progress",
    "apply",
    "apply_into",
    "mix",
    "mix_files",
    "mix_into",
    "output_for",
    "predict",
    "preset_files",
]

# Share of the time, for the progress, where settings are refined.
_REFINING = 0.7
# Likewise where tracks go through inserts.
_CLEANING = 0.3


def predict(
    stems: AnyStems,
    reference: AnyReference | None = None,
    *,
    model: str | Path | Controller = DEFAULT_MODEL,
    provider: Provider = "auto",
    amount: float | None = None,
    options: PredictOptions | None = None,
    progress: Progress | None = None,
) -> Preset:
    """Settings that bring these stems close to the reference; nothing is rendered or written.

    Args:
        stems: files by track name; or a folder, a file, or several, whose tracks are called like the files.
        reference: a finished song; or several, a list of files and of :class:`mixbridge.Reference` with weights, or
            weights by file. None is for models with a style of their own; with one, the song fits the master alone.
        model: a loaded controller, a bundle (a folder or a `.zip`), or the name of a model that ships.
        provider: "auto", "cuda" or "cpu".
        amount: 0 neutral, 1 as predicted, up to 1.5; None for that of the options.
        options: amount, passages, refinement.
        progress: called with 0..1 and what is being done.

    Raises:
        AudioError: a file cannot be used.
        ModelError: the model cannot be loaded.
    """
    chosen = _at(amount, options)
    checked_call(progress, "progress", MixbridgeError)
    paths = stem_paths(stems)
    with OpenFiles() as files, scratch_folder(Path(gettempdir())) as folder:
        wanted = _inserts_wanted(paths, chosen, files)
        heard = through_inserts(paths, wanted, folder, chosen.inserts.rules, part_of(progress, 0, 0))
        preset = predicted(heard, reference, model, provider, chosen, part_of(progress, 0, 1), files).preset
        return with_inserts(preset, wanted, paths, files)


def apply(
    preset: Preset,
    stems: AnyStems,
    output: Path | str,
    *,
    options: RenderOptions | None = None,
    rules: InsertRules | None = None,
    progress: Progress | None = None,
) -> MixResult:
    """Render stems through a preset whose tracks have their names.

    Args:
        preset: the settings.
        stems: files by track name; or a folder, a file, or several, whose tracks are called like the files.
        output: folder for `mix.wav`, `stems/` and `preset.json`; it appears whole or not at all.
        options: format, loudness target, ceiling.
        rules: what inserts of the preset may do; by default no programs are run.
        progress: called with 0..1 and what is being done.

    Raises:
        InsertError: an insert of the preset cannot be run.
        PresetError: preset and stems name different tracks.
        AudioError: a file cannot be used.
        OutputError: the folder cannot be written, or holds a mix already and `options.overwrite` is off.
    """
    checked_kind(preset, Preset, "the preset", PresetError)
    options, stems = _rendering(options), stem_paths(stems)
    checked_call(progress, "progress", MixbridgeError)
    folder = checked_path(output, "the output", OutputError)
    place = output_for(folder, stems, None, preset_files(preset, options), options)
    with place:
        return apply_into(place, preset, stems, options=options, rules=rules, progress=progress)


def mix(
    stems: AnyStems,
    reference: AnyReference | None = None,
    output: Path | str | None = None,
    *,
    model: str | Path | Controller = DEFAULT_MODEL,
    provider: Provider = "auto",
    amount: float | None = None,
    options: PredictOptions | None = None,
    render_options: RenderOptions | None = None,
    progress: Progress | None = None,
) -> MixResult:
    """:func:`predict`, then :func:`apply`."""
    options, render_options = _at(amount, options), _rendering(render_options)
    stems, songs = stem_paths(stems), songs_heard(reference)
    checked_call(progress, "progress", MixbridgeError)
    if output is None:
        raise OutputError("a mix needs a folder: say output='my-mix'; settings alone are what mixbridge.predict gives")
    folder = checked_path(output, "the output", OutputError)
    place = output_for(folder, stems, songs, mix_files(stems, render_options), render_options)
    with place:
        return mix_into(
            place,
            stems,
            songs,
            model=model,
            provider=provider,
            options=options,
            render_options=render_options,
            progress=progress,
        )


def mix_into(
    place: OutputFolder,
    stems: Stems,
    reference: AnyReference | None,
    *,
    model: str | Path | Controller = DEFAULT_MODEL,
    provider: Provider = "auto",
    options: PredictOptions | None = None,
    render_options: RenderOptions | None = None,
    progress: Progress | None = None,
) -> MixResult:
    """:func:`mix` into a folder that is open already, for who adds to it."""
    options = options or PredictOptions()
    paths = paths_by_name(stems)
    with OpenFiles() as files:
        wanted = _inserts_wanted(paths, options, files)
        cleaned = _CLEANING if wanted else 0.0
        done = _REFINING if options.refine_s else cleaned
        scratch = place.scratch if wanted else place.workplace
        heard = through_inserts(paths, wanted, scratch, options.inserts.rules, part_of(progress, 0, cleaned))
        if progress is not None:
            progress(cleaned, "Listening")
        made = predicted(heard, reference, model, provider, options, part_of(progress, cleaned, done), files)
        made = replace(made, preset=with_inserts(made.preset, wanted, paths, files))
        rendering = part_of(progress, done, 1)
        asked = render_options or RenderOptions()
        how, preset = rendering_for(made.mastering, asked), with_level(made.preset, made.mastering, asked)
        render = _render(place, preset, heard, how, rendering, files)
    offsets = made.passage.offsets
    played = {name: heard[name] for name in wanted}
    return MixResult(place.folder, preset, render, made.passage, made.refinement, made.mastering, offsets, played)


def apply_into(
    place: OutputFolder,
    preset: Preset,
    stems: Stems,
    *,
    options: RenderOptions | None = None,
    rules: InsertRules | None = None,
    progress: Progress | None = None,
) -> MixResult:
    """:func:`apply` into a folder that is open already, for who adds to it."""
    paths = paths_by_name(stems)
    with OpenFiles() as files:
        preset = _believed(preset, paths, files)
        how = rendering_again(preset, options or RenderOptions())
        rules = rules or InsertRules()
        inserts, of_buses = (
            {track.name: track.inserts for track in tracks_with_inserts(preset)},
            BusInsertRuns.of(preset, rules),
        )
        cleaned, scratch = (_CLEANING, place.scratch) if inserts else (0.0, place.workplace)
        heard = through_inserts(paths, inserts, scratch, rules, part_of(progress, 0, cleaned))
        render = _render(place, preset, heard, how, part_of(progress, cleaned, 1), files, of_buses)
        offsets = tuple(said_offsets(heard, files))
    played = {name: heard[name] for name in inserts}
    return MixResult(place.folder, preset, render, offsets=offsets, heard=played, bus_inserts=of_buses)


def _inserts_wanted(
    stems: Mapping[str, Path], options: PredictOptions, files: OpenFiles
) -> dict[str, tuple[Insert, ...]]:
    return inserts_wanted(stems, options.inserts, told_roles(options.roles, stems), files)


def _believed(preset: Preset, stems: Mapping[str, Path], files: OpenFiles) -> Preset:
    """Remove claims that were measured on other recordings than these."""
    provenance = preset.provenance
    if provenance.confidence is None and provenance.findings is None:
        return preset
    for track in preset.tracks:
        if track.source is not None and track.name in stems:
            with files.borrowed(stems[track.name]) as file:
                if file.sha256() != track.source.sha256:
                    return without_claims(preset)
    return preset


def _render(
    place: OutputFolder,
    preset: Preset,
    stems: Stems,
    options: RenderOptions,
    progress: Progress | None,
    files: OpenFiles,
    inserts: BusInsertRuns | None = None,
) -> RenderResult:
    bare, paths = without_track_inserts(preset), paths_by_name(stems)
    render = render_files(paths, bare, place.workplace, options, progress, files, inserts)
    write_text(place.workplace / PRESET, dumps(preset))
    return render


def _at(amount: float | None, options: PredictOptions | None) -> PredictOptions:
    options = PredictOptions() if options is None else checked_kind(options, PredictOptions, "options", PresetError)
    return options if amount is None else replace(options, amount=amount)


def _rendering(options: RenderOptions | None) -> RenderOptions:
    if options is None:
        return RenderOptions()
    return checked_kind(options, RenderOptions, "what to render", OutputError)
