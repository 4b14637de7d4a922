"""Predicts a preset from files: through the model, a style or a search, to the fitted master and lanes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import get_args

from ..presets.checking.arguments import (
    checked_choice,
    checked_number,
    checked_switch,
)
from ..presets.edit import check_amount
from ..presets.errors import AudioError, PresetError
from ..presets.files import rounded
from ..presets.preset import Preset
from ..presets.roles import Role, told_roles
from ..presets.sections import expanded
from .audio.opening import OpenFiles
from .audio.reading import Samples
from .audio.stems import Stems, paths_by_name
from .automation.following import HOPS_S, followed
from .inserts.choosing import InsertWishes
from .mastering.evening import fit_upright
from .mastering.fitting import (
    ASPECTS,
    Mastering,
    Phase,
    fit_to_bus,
    is_music,
    reference_profile,
    with_master,
)
from .model.analysis import Passage
from .model.controller import Controller
from .model.loading import LoadingController
from .model.providers import Provider, check_provider
from .model.references import AnyReference, Song, songs_heard
from .prediction.confidence import at_amount
from .prediction.predict import predict_files, predict_safely
from .refinement.refine import Refinement, Start
from .refinement.refined import predict_and_refine
from .refinement.through import HearThrough
from .roles.left_out import find_left_out, with_left_out
from .styles.deciding import StyledModel
from .styles.session import check_reference, predict_files_in_style
from .wishes.granting import with_wishes
from .wishes.wishes import Wishes

Progress = Callable[[float, str], None]

_LONGEST_S = 1e6


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
        hear: plays a preset as it will be heard, where that is through the user's plug-ins: what a search found is
            judged by it.
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
    hear: HearThrough | None = None

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


@dataclass(frozen=True)
class Predicted:
    """A preset and how it came about.

    Attributes:
        preset: the settings.
        passage: what the model heard of the tracks.
        refinement: what a search made of the settings; None where none was asked for.
        mastering: what the master was fitted to; None where it was not.
    """

    preset: Preset
    passage: Passage
    refinement: Refinement | None
    mastering: Mastering | None


def predicted(
    stems: Stems,
    reference: AnyReference | None,
    model: str | Path | Controller,
    provider: Provider,
    options: PredictOptions,
    progress: Progress | None,
    files: OpenFiles,
) -> Predicted:
    """Decide all settings for stems that went through their inserts."""
    songs = songs_heard(reference)
    check_provider(provider)
    styled = StyledModel.of(model, provider)
    name = model.manifest.name if isinstance(model, Controller) else str(model)
    check_reference(styled, bool(songs), name, refines=options.refine_s > 0, matches=bool(options.match))
    given, roles = paths_by_name(stems), told_roles(options.roles, stems)
    left_out = find_left_out(given, [song.path for song in songs], roles, files)
    paths = {name: path for name, path in given.items() if name not in left_out}
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
            is_theirs = passage.own_mix is not None
            preset, mastering = fit_upright(
                preset, paths, songs, fit, passage.start_s, locked, files, is_theirs=is_theirs
            )
    passage.memory.clear()  # nothing is tried any more, and what was rendered for that is large
    if mastering is not None:
        preset = with_master(preset, mastering.master)
    if options.automation_s is not None and options.amount:
        preset = _followed(model if styled is None else None, provider, paths, songs, rounded(preset), options, files)
    if left_out:
        preset = with_left_out(preset, given, left_out)
    return Predicted(rounded(preset), passage, refinement, mastering)


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
            options.hear,
        )

    def decide(controller: Controller, passage: Passage, song: Samples) -> Preset:
        safe = predict_safely(controller, passage, song, roles)
        return finish(controller, at_amount(controller, safe, passage, song, options.amount), passage, song)

    preset, passage = predict_files(controller, stems, songs, *windows, decide, files)
    return preset, passage, None


def part_of(progress: Progress | None, begin: float, end: float) -> Progress | None:
    """A progress whose 0..1 is a part of another's."""
    if progress is None:
        return None
    whole = progress
    return lambda share, what: whole(begin + (end - begin) * share, what)
