"""The main verbs: predict a preset, apply one, or both in one go. What the command line and other programs call.

Each takes files and leaves a folder: `mix.wav`, `stems/`, `preset.json`. The report is made from the result by
:mod:`mixbridge.bridge.report.report`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import gettempdir
from typing import get_args

from ..presets.checking.arguments import (
    checked_call,
    checked_choice,
    checked_kind,
    checked_number,
    checked_path,
    checked_switch,
)
from ..presets.checking.claims import without_claims
from ..presets.edit import check_amount
from ..presets.editing.changing_inserts import tracks_with_inserts, without_inserts
from ..presets.errors import AudioError, MixbridgeError, OutputError, PresetError
from ..presets.files import dumps, rounded
from ..presets.inputs import open_regular
from ..presets.inserts.insert import Insert
from ..presets.preset import FORMAT, Preset
from ..presets.roles import Role, told_roles
from ..presets.sections import expanded
from .audio.opening import OpenFiles
from .audio.output import OutputFolder, write_text
from .audio.reading import Samples, is_audio
from .audio.stems import AnyStems, Stems, paths_by_name, stem_paths
from .audio.workplace import scratch_folder
from .audio.writing import FORMATS
from .automation.following import HOPS_S, followed
from .console.buses import bus_names
from .console.effects.buses import BUSES
from .inserts.choosing import InsertWishes, inserts_wanted
from .inserts.declaring import with_inserts
from .inserts.stems import through_inserts
from .inserts.terms import InsertRules
from .mastering.evening import fit_upright
from .mastering.fitting import (
    ASPECTS,
    Mastering,
    Phase,
    fit_to_bus,
    is_music,
    reference_profile,
    rendering_again,
    rendering_for,
    with_level,
    with_master,
)
from .model.analysis import Passage, said_offsets
from .model.bundle import DEFAULT_MODEL
from .model.controller import Controller
from .model.loading import LoadingController
from .model.providers import Provider, check_provider
from .model.references import AnyReference, Song, songs_heard
from .practice.stages.grouping import GROUP_STEMS
from .prediction.confidence import at_amount
from .prediction.predict import predict_files, predict_safely
from .refinement.refine import Refinement, Start
from .refinement.refined import predict_and_refine
from .rendering.render import RenderOptions, RenderResult, render_files, stem_files_of
from .roles.bounces import find_bounces, with_bounces
from .styles.deciding import StyledModel
from .styles.session import check_reference, predict_files_in_style
from .wishes.granting import with_wishes
from .wishes.wishes import Wishes

Progress = Callable[[float, str], None]

PRESET = "preset.json"
_LONGEST_S = 1e6
# Where a preset says what it is.
_PRESET_START_BYTES = 4096
# Share of the time, for the progress, where settings are refined.
_REFINING = 0.7
# Likewise where tracks go through inserts.
_CLEANING = 0.3


@dataclass(frozen=True)
class MixResult:
    """What was made.

    Attributes:
        folder: where everything is.
        preset: the settings that were applied.
        render: files, relative to the folder, and levels of the audio.
        passage: what the model heard of the tracks; None where a preset was only applied.
        refinement: what a search made of the settings; None where none was asked for.
        mastering: what the master was fitted to, and how near it came; None where it was not.
        offsets: sentences on tracks with a DC offset.
        heard: stems that went through inserts, by track name, as long as the folder is being made.
    """

    folder: Path
    preset: Preset
    render: RenderResult
    passage: Passage | None = None
    refinement: Refinement | None = None
    mastering: Mastering | None = None
    offsets: tuple[str, ...] = ()
    heard: Mapping[str, Path] = field(default_factory=dict)

    @property
    def mix_path(self) -> Path:
        """The mix."""
        return self.folder / self.render.mix_file

    @property
    def preset_path(self) -> Path:
        """The preset that was saved."""
        return self.folder / PRESET

    @property
    def stem_paths(self) -> dict[str, Path]:
        """The processed stems, by track name; empty if none were asked for."""
        return {name: self.folder / stem.file for name, stem in self.render.stems.items()}

    @property
    def bus_paths(self) -> dict[str, Path]:
        """Groups and returns of effects, by name: "Drums bus", "reverb return"; empty if no stems were asked for."""
        return {name: self.folder / stem.file for name, stem in self.render.buses.items()}


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
        roles: what tracks are, by name, in words of :data:`mixbridge.presets.roles.ROLES`: "lead vocal"; the others are
            found out.
        wishes: what is kept, centred, louder, dry, or taken from the reference alone.
        match: whether the master is fitted to the reference behind all that: spectrum and width by a match curve, and
            density. None does it where several tracks are mixed that are not all speech.
        match_phase: of the curve: minimum, or linear, which turns no phase and rings before attacks.
        automation_s: predict the song window by window, so far apart, and draw lanes of faders where it changes; None
            sets every fader once.
        inserts: what tracks go through before they are heard.
    """

    amount: float = 1.0
    window_s: float | None = None
    reference_window_s: float | None = None
    refine_s: float = 0.0
    start: Start = "model"
    roles: Mapping[str, str] = field(default_factory=dict)
    wishes: Wishes = field(default_factory=Wishes)
    match: bool | None = None
    match_phase: Phase = "minimum"
    automation_s: float | None = None
    inserts: InsertWishes = field(default_factory=InsertWishes)

    def __post_init__(self) -> None:
        check_amount(self.amount)
        checked_choice(self.start, "a start", get_args(Start), PresetError)
        checked_number(self.refine_s, "the time to refine in s", 0, _LONGEST_S, PresetError)
        checked_choice(self.match_phase, "a phase of the match curve", get_args(Phase), PresetError)
        if self.match is not None:
            checked_switch(self.match, "match", PresetError)
        if self.automation_s is not None:
            checked_number(self.automation_s, "the time between two windows in s", *HOPS_S, PresetError)
        for name in ("window_s", "reference_window_s"):
            if getattr(self, name) is not None:
                checked_number(getattr(self, name), f"{name}, where a passage begins,", 0, _LONGEST_S, AudioError)
        if self.start == "neutral" and self.refine_s == 0:
            raise PresetError("a start from neutral needs time to refine, e.g. 60 s: without it nothing would be mixed")


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
        heard = through_inserts(paths, wanted, folder, chosen.inserts.rules, _part(progress, 0, 0))
        preset = _predict(heard, reference, model, provider, chosen, _part(progress, 0, 1), files).preset
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
        heard = through_inserts(paths, wanted, scratch, options.inserts.rules, _part(progress, 0, cleaned))
        if progress is not None:
            progress(cleaned, "Listening")
        made = _predict(heard, reference, model, provider, options, _part(progress, cleaned, done), files)
        made = replace(made, preset=with_inserts(made.preset, wanted, paths, files))
        rendering = _part(progress, done, 1)
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
        inserts = {track.name: track.inserts for track in tracks_with_inserts(preset)}
        cleaned, scratch = (_CLEANING, place.scratch) if inserts else (0.0, place.workplace)
        heard = through_inserts(paths, inserts, scratch, rules or InsertRules(), _part(progress, 0, cleaned))
        render = _render(place, preset, heard, how, _part(progress, cleaned, 1), files)
        offsets = tuple(said_offsets(heard, files))
    return MixResult(place.folder, preset, render, offsets=offsets, heard={name: heard[name] for name in inserts})


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


def output_for(
    folder: Path,
    stems: Stems,
    reference: AnyReference | None,
    expected: Sequence[str],
    options: RenderOptions,
    inputs: Iterable[Path] = (),
) -> OutputFolder:
    """The folder of a mix's results, to be opened by whoever the user calls.

    Args:
        folder: made if need be.
        stems: files that are mixed, by track name.
        reference: the song or songs that are listened to, if any.
        expected: what will be written, relative to the folder.
        options: whether results in it are replaced.
        inputs: more files that are read, e.g. the session that the stems were made of.

    Raises:
        OutputError: it holds what may not be replaced, or what is read.
    """
    heard = songs_heard(reference)
    read = [*paths_by_name(stems).values(), *(song.path for song in heard), *inputs]
    place = OutputFolder(folder, options.overwrite, expected, read)
    recording = next((name for name in expected if is_audio(folder / name)), None)
    if recording is not None and not _is_result(folder):
        raise OutputError(
            "is a recording, and no result of mixbridge (no mix and preset.json are with it): it is never replaced. "
            "Choose another folder.",
            folder / recording,
        )
    return place


def preset_files(preset: Preset, options: RenderOptions) -> list[str]:
    """The files that :func:`apply` writes, relative to its folder."""
    names = [track.name for track in preset.tracks if not track.mute]
    return _result_files([*names, *bus_names(preset)], options)


def mix_files(names: Iterable[str], options: RenderOptions) -> list[str]:
    """The files that :func:`mix` may write for tracks of these names, relative to its folder."""
    return _result_files([*names, *GROUP_STEMS, *BUSES], options)


def _is_result(folder: Path) -> bool:
    """Whether a mix of ours is in a folder: then the preset that made it is there, too.

    A preset alone may lie with raw stems, where somebody saved it.
    """
    if not any((folder / f"mix{audio_format.suffix}").is_file() for audio_format in FORMATS.values()):
        return False
    try:
        with open_regular(folder / PRESET) as file:
            return f'"{FORMAT}"'.encode() in file.read(_PRESET_START_BYTES)
    except OSError:
        return False


def _result_files(names: Iterable[str], options: RenderOptions) -> list[str]:
    suffix = FORMATS[options.audio_format].suffix
    return [f"mix{suffix}", *stem_files_of(names, options), PRESET]


@dataclass(frozen=True)
class _Predicted:
    """A preset and how it came about."""

    preset: Preset
    passage: Passage
    refinement: Refinement | None
    mastering: Mastering | None


def _predict(
    stems: Stems,
    reference: AnyReference | None,
    model: str | Path | Controller,
    provider: Provider,
    options: PredictOptions,
    progress: Progress | None,
    files: OpenFiles,
) -> _Predicted:
    songs = songs_heard(reference)
    check_provider(provider)
    styled = StyledModel.of(model, provider)
    name = model.manifest.name if isinstance(model, Controller) else str(model)
    check_reference(styled, bool(songs), name, refines=options.refine_s > 0, matches=bool(options.match))
    given, roles = paths_by_name(stems), told_roles(options.roles, stems)
    bounces = find_bounces(given, roles, files)
    paths = {name: path for name, path in given.items() if name not in bounces}
    may_match = bool(songs) and (len(paths) > 1 if options.match is None else options.match)
    mastering = None
    with ThreadPoolExecutor(1) as pool:
        # The song is measured for the master while the model decides.
        measured = pool.submit(reference_profile, songs, files) if may_match and options.amount else None
        refinement: Refinement | None = None
        if styled is not None:
            asked = options.window_s, options.amount, options.wishes
            preset, passage = predict_files_in_style(styled, paths, songs, roles, *asked, files)
        else:
            controller = model if isinstance(model, Controller) else LoadingController(model, provider)
            preset, passage, refinement = _decided(controller, paths, songs, options, roles, progress, files)
        if measured is not None and (is_music(preset, passage.heard) if options.match is None else options.match):
            song = measured.result()

            def fit(tried: Preset, bus: Samples) -> Mastering | None:
                return fit_to_bus(
                    bus,
                    tried.master,
                    song,
                    amount=options.amount,
                    phase=options.match_phase,
                    aspects=ASPECTS if options.wishes.only is None else options.wishes.only,
                )

            # A search holds by itself what leans; what it found stays, so that an amount is one of what was found.
            locked = options.wishes.locked if refinement is None else paths
            preset, mastering = fit_upright(preset, paths, songs, fit, passage.start_s, locked, files)
    passage.memory.clear()  # nothing is tried any more, and what was rendered for that is large
    if mastering is not None:
        preset = with_master(preset, mastering.master)
    if options.automation_s is not None and options.amount:
        preset = _followed(model if styled is None else None, provider, paths, songs, rounded(preset), options, files)
    if bounces:
        preset = with_bounces(preset, given, bounces)
    return _Predicted(rounded(preset), passage, refinement, mastering)


def _followed(
    model: str | Path | Controller | None,
    provider: Provider,
    stems: Mapping[str, Path],
    songs: Sequence[Song],
    preset: Preset,
    options: PredictOptions,
    files: OpenFiles,
) -> Preset:
    """A preset with lanes where the song changes."""
    if model is None or not songs or options.automation_s is None:
        raise PresetError("lanes are predicted by a network from a reference: a style alone cannot")
    controller = model if isinstance(model, Controller) else LoadingController(model, provider)
    held = {name for name, names in options.wishes.locked.items() if "fader" in expanded(names)}
    if options.wishes.only is not None and "levels" not in options.wishes.only:
        held.update(stems)
    amount = min(1.0, options.amount)
    return followed(controller, stems, songs, preset, options.automation_s, amount, held, files)


def _decided(
    controller: Controller | LoadingController,
    stems: Mapping[str, Path],
    songs: Sequence[Song],
    options: PredictOptions,
    roles: Mapping[str, Role],
    progress: Progress | None,
    files: OpenFiles,
) -> tuple[Preset, Passage, Refinement | None]:
    """What the model decides, or a search from there, with the user's wishes."""
    windows = options.window_s, options.reference_window_s

    def finish(controller: Controller, preset: Preset, passage: Passage, song: Samples) -> Preset:
        return with_wishes(controller, preset, passage, song, options.wishes)

    if options.refine_s > 0:
        return predict_and_refine(
            controller,
            stems,
            songs,
            *windows,
            options.refine_s,
            options.start,
            progress,
            options.amount,
            files,
            roles,
            finish,
        )

    def decide(controller: Controller, passage: Passage, song: Samples) -> Preset:
        safe = predict_safely(controller, passage, song, roles)
        return finish(controller, at_amount(controller, safe, passage, song, options.amount), passage, song)

    preset, passage = predict_files(controller, stems, songs, *windows, decide, files)
    return preset, passage, None


def _part(progress: Progress | None, begin: float, end: float) -> Progress | None:
    """A progress whose 0..1 is a part of another's."""
    if progress is None:
        return None
    whole = progress
    return lambda share, what: whole(begin + (end - begin) * share, what)


def _render(
    place: OutputFolder,
    preset: Preset,
    stems: Stems,
    options: RenderOptions,
    progress: Progress | None,
    files: OpenFiles,
) -> RenderResult:
    render = render_files(paths_by_name(stems), without_inserts(preset), place.workplace, options, progress, files)
    write_text(place.workplace / PRESET, dumps(preset))
    return render


def _at(amount: float | None, options: PredictOptions | None) -> PredictOptions:
    options = PredictOptions() if options is None else checked_kind(options, PredictOptions, "options", PresetError)
    return options if amount is None else replace(options, amount=amount)


def _rendering(options: RenderOptions | None) -> RenderOptions:
    if options is None:
        return RenderOptions()
    return checked_kind(options, RenderOptions, "what to render", OutputError)
