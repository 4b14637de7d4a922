"""Refinement of a session of files: hears it as a prediction does, searches, and says in the preset what was done.

The search itself, on arrays, is :mod:`.refine`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from ...presets.edit import with_note
from ...presets.preset import Preset
from ...presets.roles import Role
from ..audio.opening import ON_DEMAND, OpenFiles
from ..audio.reading import Samples
from ..model.analysis import Passage
from ..model.controller import Controller
from ..model.loading import LoadingController
from ..model.references import AnyReference
from ..prediction.confidence import assured, at_amount
from ..prediction.predict import heard_roles, neutral, predict_files, predict_safely, with_roles
from ..prediction.trial import Trial
from ..prediction.voicing import is_practice, is_talk, voiced
from .refine import Refinement, RefineStep, Start, distance_to, refine
from .through import HearThrough, judged_through

Progress = Callable[[float, str], None]
Finish = Callable[[Controller, Preset, Passage, Samples], Preset]
"""Changes a preset that was decided for a passage and a reference."""


def predict_and_refine(
    controller: Controller | LoadingController,
    stems: Mapping[str, Path],
    reference: AnyReference,
    window_s: float | None,
    reference_window_s: float | None,
    seconds: float,
    start: Start,
    progress: Progress | None,
    amount: float = 1.0,
    files: OpenFiles = ON_DEMAND,
    roles: Mapping[str, Role] | None = None,
    finish: Finish | None = None,
    hear: HearThrough | None = None,
) -> tuple[Preset, Passage, Refinement]:
    """Set the console for a session, and search on from there.

    Args:
        controller: the model; from neutral, only what it listens to is taken from it.
        stems: files by track name.
        reference: a finished song, or several with weights.
        window_s: where the passage to hear begins in the tracks; None chooses.
        reference_window_s: likewise in the reference.
        seconds: how long to search.
        start: where the search begins: at the prediction, or at all tracks equally loud in the centre.
        progress: called with 0..1 and what is being done.
        amount: of what was found.
        files: keeps the stems open for what comes next.
        roles: of tracks that somebody told.
        finish: changes the settings found, as somebody asked.
        hear: plays a preset through the user's plug-ins; the result is not farther away through them than the start.

    Returns:
        The preset, guarded as a prediction is; the passage; and what the search did.

    Raises:
        AudioError: a file cannot be used.
    """
    searches: list[Refinement] = []

    def decide(controller: Controller, passage: Passage, song: Samples) -> Preset:
        searches.append(search(controller, passage, song, seconds, start, _told(progress, seconds), roles, hear))
        found = at_amount(controller, searches[0].preset, passage, song, amount)
        return found if finish is None else finish(controller, found, passage, song)

    preset, passage = predict_files(controller, stems, reference, window_s, reference_window_s, decide, files)
    return preset, passage, replace(searches[0], preset=preset)


def search(
    controller: Controller,
    passage: Passage,
    song: Samples,
    seconds: float,
    start: Start = "model",
    progress: Callable[[RefineStep], bool] | None = None,
    roles: Mapping[str, Role] | None = None,
    hear: HearThrough | None = None,
) -> Refinement:
    """Search from a prediction, or from neutral, with guard rails behind it; arguments as above, both at one rate."""
    rate_hz = controller.manifest.sample_rate_hz
    if start == "model":
        # Behind its guard rails: what they would take back is not worth searching for.
        preset = predict_safely(controller, passage, song, roles)
    else:
        plain = Trial(passage, song, rate_hz, controller.manifest.track_level_lufs).plain(neutral(passage))
        preset = with_roles(plain, heard_roles(passage, rate_hz, roles), passage, rate_hz)
    if is_practice(preset, passage, song, rate_hz) or is_talk(preset, passage):
        preset = predict_safely(controller, passage, song, roles)
        distance = distance_to(song, preset, passage, rate_hz)
        found = Refinement(preset, distance, distance, 0, 0.0, False, (), start, unasked=True)
        return replace(found, preset=with_note(preset, words(found)))
    found = refine(preset, passage, song, sample_rate_hz=rate_hz, seconds=seconds, progress=progress)
    found = replace(found, start=start)
    safe = assured(controller, voiced(found.preset, passage, song, rate_hz), passage, song)
    if (safe.tracks, safe.master) != (found.preset.tracks, found.preset.master):
        found = replace(found, after=distance_to(song, safe, passage, rate_hz))
        if start == "model" and found.after > found.before:
            safe, found = preset, replace(found, after=found.before)
    if hear is not None:
        judged = judged_through(hear, preset, safe, passage, song, rate_hz)
        if judged.share < 1:
            safe = assured(controller, judged.preset, passage, song)
            found = replace(found, after=distance_to(song, safe, passage, rate_hz))
        found = replace(found, heard=(judged.before, judged.after), share=judged.share)
    return replace(found, preset=with_note(safe, words(found)))


def words(found: Refinement) -> str:
    """What a search did, in one line."""
    if found.unasked:
        return "not refined: this reference says nothing of a single track, or of people who talk"
    if not found.renders:
        return "not refined: every track is silent in the passage that was heard"
    begin = "the prediction" if found.start == "model" else "all tracks equally loud in the centre"
    stopped = ", stopped early" if found.interrupted else ""
    through = ""
    if found.heard is not None:
        part = "" if found.share == 1 else f", of which {found.share:.0%} are taken"
        through = f"{part}; through your plug-ins {found.heard[0]:.3g} -> {found.heard[1]:.3g}"
    return (
        f"refined from {begin} in {found.seconds:.0f} s ({found.renders} renders{stopped}): "
        f"distance to the reference {found.before:.3g} -> {found.after:.3g}{through}"
    )


def _told(progress: Progress | None, seconds: float) -> Callable[[RefineStep], bool] | None:
    if progress is None:
        return None
    tell = progress

    def step(now: RefineStep) -> bool:
        left_s = max(0.0, seconds - now.seconds)
        text = f"refining, {left_s:.0f} s left: {now.before:.3g} -> {now.now:.3g} (Ctrl-C keeps it)"
        tell(min(1.0, now.seconds / seconds), text)
        return True

    return step
