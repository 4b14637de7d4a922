"""Grants a user's wishes for a prediction, and measures again what it is worth."""

from __future__ import annotations

from ...presets.preset import Preset
from ..audio.reading import Samples
from ..model.analysis import Passage
from ..model.controller import Controller
from ..practice.space import speaks_of_space
from ..practice.stages.grouping import without_idle_words
from ..prediction.confidence import measured, trial_of
from .wishes import Wishes, granted


def with_wishes(controller: Controller, preset: Preset, passage: Passage, reference: Samples, wishes: Wishes) -> Preset:
    """Change a prediction as a user asks.

    Args:
        controller: the model that predicted.
        preset: as predicted, safe.
        passage: what was heard of the tracks.
        reference: shape (1 or 2, samples), at the rate of the passage.
        wishes: what is asked for.

    Raises:
        PresetError: as for :func:`.wishes.granted`.
    """
    if not wishes.are_any:
        return preset
    plain = trial_of(controller, preset, passage, reference).by_role if wishes.only is not None else None
    changed = without_idle_words(granted(preset, wishes, plain))
    if wishes.is_dry:  # what was said of room and echoes holds no more
        said = tuple(words for words in changed.provenance.decisions or () if not speaks_of_space(words))
        provenance = changed.provenance.model_copy(update={"decisions": said or None})
        changed = changed.model_copy(update={"provenance": provenance})
    return measured(controller, changed, passage, reference)
