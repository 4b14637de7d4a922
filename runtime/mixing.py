"""The main verbs: predict a preset, apply one, or both in one go. What the command line and other programs call.

Each takes files and leaves a folder: `mix.wav`, `stems/`, `preset.json`. The report is made from the result by
:mod:`mixbridge.bridge.report.report`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from ..presets.edit import scaled
from ..presets.errors import PresetError
from ..presets.files import rounded, save
from ..presets.preset import Preset
from .audio.output import OutputFolder
from .model.analysis import Passage
from .model.bundle import DEFAULT_MODEL
from .model.controller import Controller, Provider
from .prediction.predict import predict_files
from .refinement.refine import Refinement, Start
from .refinement.refined import predict_and_refine
from .rendering.render import RenderOptions, RenderResult, Stem, render_files

Stems = Mapping[str, Path | str]
Progress = Callable[[float, str], None]

_PRESET = "preset.json"
# Share of the time, for the progress, where settings are refined.
_REFINING = 0.7


@dataclass(frozen=True)
class MixResult:
    """What was made.

    Attributes:
        preset: the settings that were applied.
        render: paths and levels of the audio.
        preset_path: where the preset was saved.
        passage: what the model heard of the tracks; None where a preset was only applied.
        refinement: what a search made of the settings; None where none was asked for.
    """

    preset: Preset
    render: RenderResult
    preset_path: Path
    passage: Passage | None = None
    refinement: Refinement | None = None


@dataclass(frozen=True)
class PredictOptions:
    """How to listen.

    Attributes:
        amount: 0 neutral, 1 as predicted, up to 1.5.
        window_s: where the passage to hear begins in the tracks; None chooses.
        reference_window_s: likewise in the reference.
        refine_s: how long to search for settings that come closer to the reference; 0 takes them as predicted. The
            amount is applied to what is found.
        start: where the search begins: at the model's prediction, or at all tracks equally loud in the centre.
    """

    amount: float = 1.0
    window_s: float | None = None
    reference_window_s: float | None = None
    refine_s: float = 0.0
    start: Start = "model"

    def __post_init__(self) -> None:
        if not (self.refine_s >= 0 and math.isfinite(self.refine_s)):
            raise PresetError(f"settings cannot be refined for {self.refine_s} s: give 0 or more seconds")
        if self.start == "neutral" and self.refine_s == 0:
            raise PresetError("a start from neutral needs time to refine, e.g. 60 s: without it nothing would be mixed")


def predict(
    stems: Stems,
    reference: Path | str,
    *,
    model: str | Path | Controller = DEFAULT_MODEL,
    provider: Provider = "auto",
    options: PredictOptions | None = None,
    progress: Progress | None = None,
) -> Preset:
    """Settings that bring these stems close to the reference; nothing is rendered or written.

    Args:
        stems: files by track name.
        reference: a finished song.
        model: a loaded controller, a bundle's folder, or the name of a model that ships.
        provider: "auto", "cuda" or "cpu".
        options: amount, passages, refinement.
        progress: called with 0..1 and what is being done.

    Raises:
        AudioError: a file cannot be used.
        ModelError: the model cannot be loaded.
    """
    return _predict(stems, reference, model, provider, options or PredictOptions(), _part(progress, 0, 1))[0]


def apply(
    preset: Preset,
    stems: Stems,
    output: Path | str,
    *,
    options: RenderOptions | None = None,
    progress: Progress | None = None,
) -> MixResult:
    """Render stems through a preset whose tracks have their names.

    Args:
        preset: the settings.
        stems: files by track name.
        output: folder for `mix.wav`, `stems/` and `preset.json`; it appears whole or not at all.
        options: format, loudness target, ceiling.
        progress: called with 0..1 and what is being done.

    Raises:
        PresetError: preset and stems name different tracks.
        AudioError: a file cannot be used.
        OutputError: the folder cannot be written, or holds a mix already and `options.overwrite` is off.
    """
    return _render(preset, _paths(stems), Path(output), options or RenderOptions(), progress)


def mix(
    stems: Stems,
    reference: Path | str,
    output: Path | str,
    *,
    model: str | Path | Controller = DEFAULT_MODEL,
    provider: Provider = "auto",
    options: PredictOptions | None = None,
    render_options: RenderOptions | None = None,
    progress: Progress | None = None,
) -> MixResult:
    """:func:`predict`, then :func:`apply`."""
    options = options or PredictOptions()
    done = _REFINING if options.refine_s else 0.0
    if progress is not None:
        progress(0.0, "Listening")
    preset, passage, refinement = _predict(stems, reference, model, provider, options, _part(progress, 0, done))
    rendering = _part(progress, done, 1)
    made = _render(preset, _paths(stems), Path(output), render_options or RenderOptions(), rendering)
    return replace(made, passage=passage, refinement=refinement)


def _predict(
    stems: Stems,
    reference: Path | str,
    model: str | Path | Controller,
    provider: Provider,
    options: PredictOptions,
    progress: Progress | None,
) -> tuple[Preset, Passage, Refinement | None]:
    controller = model if isinstance(model, Controller) else Controller(model, provider)
    windows = options.window_s, options.reference_window_s
    refinement = None
    if options.refine_s > 0:
        preset, passage, refinement = predict_and_refine(
            controller, _paths(stems), Path(reference), *windows, options.refine_s, options.start, progress
        )
    else:
        preset, passage = predict_files(controller, _paths(stems), Path(reference), *windows)
    return rounded(preset if options.amount == 1 else scaled(preset, options.amount)), passage, refinement


def _part(progress: Progress | None, begin: float, end: float) -> Progress | None:
    """A progress whose 0..1 is a part of another's."""
    if progress is None:
        return None
    whole = progress
    return lambda share, what: whole(begin + (end - begin) * share, what)


def _render(
    preset: Preset,
    stems: Mapping[str, Path],
    folder: Path,
    options: RenderOptions,
    progress: Progress | None,
) -> MixResult:
    with OutputFolder(folder, options.overwrite, [_PRESET]) as workplace:
        result = render_files(stems, preset, workplace, options, progress)
        save(preset, workplace / _PRESET)
    made = MixResult(preset, result, workplace / _PRESET)
    return relocated(made, workplace, folder)


def relocated(result: MixResult, old: Path, new: Path) -> MixResult:
    """The same result after its files were moved from one folder to another."""

    def at_place(path: Path) -> Path:
        return new / path.relative_to(old)

    def stem_at_place(stem: Stem) -> Stem:
        return replace(stem, path=at_place(stem.path))

    render = replace(
        result.render,
        mix_path=at_place(result.render.mix_path),
        stems={name: stem_at_place(stem) for name, stem in result.render.stems.items()},
        fx_return=stem_at_place(result.render.fx_return) if result.render.fx_return else None,
    )
    return replace(result, render=render, preset_path=at_place(result.preset_path))


def _paths(stems: Stems) -> dict[str, Path]:
    return {name: Path(path) for name, path in stems.items()}
