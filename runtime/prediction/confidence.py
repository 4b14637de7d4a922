"""How far a prediction can be trusted, and the fall-back where it cannot.

Two questions are asked. Does the mix, rendered, come closer to the reference than all tracks equally loud in the centre
would? If not, less of the prediction is kept, down to that plain mix. And are the tracks and the reference like what
the model has learned from? That alone changes nothing; it is said, and where all is strange and little is won, half is
kept.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Literal

from ...presets.checking.claims import with_claims
from ...presets.edit import scaled
from ...presets.preset import Confidence, Preset
from ..audio.reading import Samples
from ..model.analysis import Passage
from ..model.controller import Controller
from ..model.familiarity import Familiarity, load_familiarity
from ..practice.stages.grouping import without_idle_words
from ..roles.company import VOICES
from ..roles.sound import sound_weights
from .casting import Cast
from .chances import WEIGHING, Signs, signs_of
from .guard_rails.guards import guard
from .hearing import embeddings
from .role_mix import plain_by_role
from .trial import AMOUNTS, Trial
from .voicing import is_practice, is_talk, voiced

# Shares of the plain mix's distance that are left: so little is convincing, and so much is hardly a gain.
_CONVINCING = 0.5
_HARDLY_A_GAIN = 0.9
# Where all is strange, a gain has to be clear to be believed, and no more than this is kept.
_CLEAR_GAIN = 0.75
_MOST_WHERE_STRANGE = 0.5
_LISTED = 4
# Sixteen finished songs were told to be voices by 0.11 at most, eight voices by 0.93 and more.
_CLEARLY_A_VOICE = 0.8
Level = Literal["high", "fair", "low"]
LEVELS: tuple[Level, ...] = ("low", "fair", "high")
# From these probabilities on.
_LIKELY, _RATHER = 0.8, 0.6
_PRACTISED = Confidence(
    level="fair",
    reasons=(
        "A voice or instrument alone, or people who talk: set as engineers set such tracks, since a finished song "
        "cannot tell what one track in it is like.",
    ),
)
_SILENT = Confidence(level="low", reasons=("Every track is silent in the passage that was heard.",))


def set_by_practice(preset: Preset) -> bool:
    """Tell whether a prediction set its tracks as engineers set such tracks, without regard to the reference."""
    confidence = preset.provenance.confidence
    return confidence is not None and confidence.reasons == _PRACTISED.reasons


@dataclass(frozen=True)
class Strangeness:
    """What is unlike the training data.

    Attributes:
        tracks: names of tracks that are further out than nearly all of it.
        reference: whether the reference is.
        is_extreme: whether the reference, or most of the tracks, are beyond all experience.
    """

    tracks: tuple[str, ...] = ()
    reference: bool = False
    is_extreme: bool = False


def assured(controller: Controller, preset: Preset, passage: Passage, reference: Samples) -> Preset:
    """A prediction made safe and honest: guard rails, fall-back, and both written into its provenance.

    Args:
        controller: the model that predicted.
        preset: as predicted, or searched from there.
        passage: what was heard of the tracks.
        reference: shape (1 or 2, samples), at the rate of the passage.

    Raises:
        ModelError: the bundle's account of its training data is damaged.
    """
    manifest = controller.manifest
    if is_practice(preset, passage, reference, manifest.sample_rate_hz):
        return with_claims(preset, _PRACTISED, ())
    trial = trial_of(controller, preset, passage, reference)
    if is_talk(preset, passage):
        guarded = guard(trial.plain(preset).model_copy(update={"name": preset.name}), trial)
        return with_claims(without_idle_words(guarded.preset), _PRACTISED, guarded.findings)
    with ThreadPoolExecutor(1) as pool:
        if trial.by_role is not None and trial.playing(trial.by_role):
            pool.submit(trial.distance, trial.by_role)  # is asked for below, and kept
        guarded = guard(preset, trial)
        known = load_familiarity(controller.bundle)
        strangeness = strange(controller, known, trial) if known is not None else Strangeness()
    kept, confidence = weigh(guarded.preset, trial, strangeness)
    return with_claims(without_idle_words(kept), confidence, guarded.findings)


def trial_of(controller: Controller, preset: Preset, passage: Passage, reference: Samples) -> Trial:
    """What settings are tried on, beside the plain mix by role where roles are known."""
    manifest = controller.manifest
    rate_hz, level_lufs = manifest.sample_rate_hz, manifest.track_level_lufs
    cast = Cast.of(preset)
    if passage.own_mix is not None:  # what plays along tells more than other passages of the same mix
        reference = passage.own_mix.audio
    if not cast.is_known:
        return Trial(passage, reference, rate_hz, level_lufs)
    # People who talk are set alike in both, so that nothing kept of either makes one of them softer.
    by_role = voiced(plain_by_role(preset, passage, reference, rate_hz, level_lufs), passage, reference, rate_hz)
    return Trial(passage, reference, rate_hz, level_lufs, by_role, cast)


def at_amount(controller: Controller, preset: Preset, passage: Passage, reference: Samples, amount: float) -> Preset:
    """Scale a preset that is safe, and measure again what it is worth.

    No guard rail changes it then, since somebody asked for this amount. Arguments and errors are those of
    :func:`assured`; of 0..1.5, an amount of 1 leaves all as it is.

    Raises:
        PresetError: an amount out of range.
    """
    return preset if amount == 1 else measured(controller, scaled(preset, amount), passage, reference)


def measured(controller: Controller, preset: Preset, passage: Passage, reference: Samples) -> Preset:
    """Say what settings are worth that somebody asked for: nothing is changed. Arguments as for :func:`assured`."""
    if is_practice(preset, passage, reference, controller.manifest.sample_rate_hz) or is_talk(preset, passage):
        return with_claims(preset, _PRACTISED, ())
    trial = trial_of(controller, preset, passage, reference)
    if not trial.playing(preset):
        return with_claims(preset, _SILENT, ())
    known = load_familiarity(controller.bundle)
    strangeness = strange(controller, known, trial) if known is not None else Strangeness()
    distances = {1.0: trial.distance(preset), 0.0: trial.distance(trial.plain(preset))}
    return with_claims(preset, _confidence(preset, trial, distances, 1.0, strangeness), ())


def weigh(preset: Preset, trial: Trial, strangeness: Strangeness | None = None) -> tuple[Preset, Confidence]:
    """Compare a prediction with the plain mix, keep as much of it as helps, and say how sure that is.

    Args:
        preset: safe already.
        trial: what it is tried on.
        strangeness: what is unlike the training data, if that is known.

    Returns:
        The settings to use, and what is to be said about them.
    """
    strangeness = strangeness or Strangeness()
    if not trial.playing(preset):
        return preset, _SILENT
    with ThreadPoolExecutor(2) as pool:
        plain, predicted = pool.map(trial.distance, (trial.plain(preset), preset))
    distances = {1.0: predicted, 0.0: plain}
    amount = _largest_that_helps(preset, trial, distances)
    if strangeness.is_extreme and distances[amount] > _CLEAR_GAIN * plain:
        amount = min(amount, _MOST_WHERE_STRANGE)
    if amount not in distances:
        distances[amount] = trial.distance(trial.nearer_plain(preset, amount))
    kept = trial.nearer_plain(preset, amount)
    return kept, _confidence(kept, trial, distances, amount, strangeness)


def signs_for(
    preset: Preset, trial: Trial, distance: float, plain: float, amount: float, strangeness: Strangeness
) -> Signs:
    """What speaks for and against a mix: see :func:`.chances.signs_of`."""
    share = len(strangeness.tracks) / max(len(preset.tracks), 1)
    return signs_of(preset, trial, distance, plain, (share, strangeness.reference), amount)


def _confidence(
    preset: Preset, trial: Trial, distances: Mapping[float, float], amount: float, strangeness: Strangeness
) -> Confidence:
    plain = distances[0.0]
    signs = signs_for(preset, trial, distances[amount], plain, amount, strangeness)
    probability = WEIGHING.probability(signs)
    measured = _level(distances[amount], plain, amount, strangeness)
    likely: Level = "high" if probability >= _LIKELY else "fair" if probability >= _RATHER else "low"
    level = min(measured, likely, key=LEVELS.index)
    return Confidence(
        level=level,
        reasons=(
            *_reasons(distances, amount, strangeness, _beside(trial)),
            *_doubts(signs, is_voice=_is_voice_alone(trial)),
            _chance(probability, even_so=level != likely),
        ),
        probability=round(probability, 3),
        distance_prediction=_number(distances[amount]),
        distance_neutral=_number(plain),
        amount=amount,
    )


def _chance(probability: float, *, even_so: bool) -> str:
    """Say how often such a mix is nearer; where something else speaks against it, that the two are said together."""
    share = 100 * probability
    if even_so:
        return (
            f"Even so, of mixes like this one, {share:.0f} % are nearer to the song than a plain mix, in passages that "
            "were not heard, too."
        )
    return (
        f"Of mixes like this one, {share:.0f} % are nearer to the song than a plain mix, in passages that were not "
        "heard, too."
    )


def _is_voice_alone(trial: Trial) -> bool:
    """Whether instruments are to sound like somebody who sings or talks without any."""
    if all(role in VOICES for role in trial.cast.roles.values()):
        return False
    weights = sound_weights(trial.reference, trial.sample_rate_hz)
    return sum(weights.get(role, 0.0) for role in VOICES) > _CLEARLY_A_VOICE


def _doubts(signs: Signs, *, is_voice: bool) -> list[str]:
    """What of the reference and the tracks makes it less sure."""
    said = {
        "The reference is short.": signs.short > 0,
        "The reference is mono, so that it says nothing of left and right.": signs.mono > 0,
        "The reference is a voice alone, which says little of instruments.": is_voice,
        "The reference leans to one side.": signs.one_sided > 0,
        "The reference is very quiet.": signs.quiet > 0,
        "Not every track plays in the passage on which the mix was tried.": signs.untried > 0,
        "Of some tracks nobody knows what they are: tell their roles.": signs.unknown > 0,
        "Some settings are extreme.": signs.bold > 0,
    }
    return [sentence for sentence, is_so in said.items() if is_so]


def strange(controller: Controller, known: Familiarity, trial: Trial) -> Strangeness:
    """What in a session is unlike what the model has learned from."""
    names = list(trial.passage.heard)
    if not names:
        return Strangeness()
    # As in the prediction, whose embeddings are kept.
    heard = embeddings(controller, trial.passage, trial.reference, names)
    tracks, style = dict(zip(names, heard.tracks, strict=True)), heard.reference
    lost = [name for name, embedding in tracks.items() if known.tracks.is_strange(embedding)]
    return Strangeness(
        tracks=tuple(name for name, embedding in tracks.items() if known.tracks.is_outside(embedding)),
        reference=known.reference.is_outside(style),
        is_extreme=known.reference.is_strange(style) or 2 * len(lost) > len(names),
    )


def _largest_that_helps(preset: Preset, trial: Trial, distances: dict[float, float]) -> float:
    """The most of the prediction that is no worse than the plain mix; distances that were measured are added."""
    for amount in AMOUNTS:
        if amount not in distances:
            distances[amount] = trial.distance(trial.nearer_plain(preset, amount))
        if distances[amount] <= distances[0.0]:
            return amount
    return 0.0


def _level(distance: float, plain: float, amount: float, strangeness: Strangeness) -> Level:
    if amount < 1 or strangeness.is_extreme or distance > _HARDLY_A_GAIN * plain:
        return "low"
    if distance > _CONVINCING * plain or strangeness.tracks or strangeness.reference:
        return "fair"
    return "high"


def _beside(trial: Trial) -> str:
    """What the plain mix is called."""
    return "a plain mix by role" if trial.by_role is not None else "one with all tracks equally loud in the centre"


def _reasons(distances: Mapping[float, float], amount: float, strangeness: Strangeness, beside: str) -> list[str]:
    said = [_gain(distances, amount, beside)]
    if strangeness.reference:
        said.append("The reference is unlike nearly everything that this model has learned from.")
    if strangeness.tracks:
        said.append(f"Unlike nearly everything that this model has learned from: {_listed(strangeness.tracks)}.")
    return said


def _gain(distances: Mapping[float, float], amount: float, beside: str) -> str:
    plain, predicted = distances[0.0], distances[1.0]
    if predicted > plain and amount == 1:
        return f"By its own measure the mix is further from the reference than {beside} would be."
    if predicted > plain:
        kept = f"{100 * amount:.0f} % of them were kept" if amount > 0 else "only that was kept"
        return f"All of the settings would have taken the mix further from the reference than {beside} is, so {kept}."
    if amount < 1:
        return (
            "The settings bring the mix hardly closer to the reference, and nothing like this was in what the model "
            f"has learned from, so {100 * amount:.0f} % of them were kept."
        )
    share = 100 * (1 - predicted / plain) if plain > 0 else 0.0
    return (
        f"By its own measure the mix is {share:.0f} % closer to the reference than {beside} would be, in tone, width, "
        "balance and punch."
    )


def _listed(names: tuple[str, ...]) -> str:
    more = f" and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
    return ", ".join(names[:_LISTED]) + more


def _number(distance: float) -> float | None:
    return round(distance, 6) if math.isfinite(distance) else None
