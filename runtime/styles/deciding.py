"""Sets a session in the style of a model that needs no reference.

A track alone gets all of it, its level, too. Among several, those of the kind that the style was learned from get
its cuts, tone, dynamics and effects, and level and place as engineers give by role; the others stand as in the plain
mix by role. A network that learned from the same pairs has the say in what its layout has, and the style's numbers in
the rest; or settings lie between the two, which err in other ways.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import numpy as np

from ...presets import console
from ...presets.checking.claims import with_claims
from ...presets.console import SEND_OFF_DB, Delay, Reverb, Strip, parameters
from ...presets.edit import scaled
from ...presets.errors import ModelError
from ...presets.preset import Confidence, Preset, Track
from ...presets.roles import ROLES, TRAITS, Role
from ..audio.loudness import integrated_loudness
from ..audio.reading import Samples
from ..model.analysis import Passage
from ..model.bundle import STYLE, Bundle, StyleNote, open_bundle
from ..model.controller import Controller
from ..model.loading import LoadingController
from ..model.providers import Provider
from ..practice.by_role import mix_by_role
from ..practice.placing import StereoPicture
from ..prediction.casting import Cast, sounds_of, takes_of
from ..prediction.guard_rails.guards import guard_alone
from ..prediction.hearing import decided
from ..prediction.predict import heard_roles, neutral, settings, with_roles
from ..prediction.role_mix import with_mix
from ..prediction.trial import Trial
from ..rendering.in_memory import render_mix, render_strip
from ..roles.decide import RoleGuess
from .features import features_in, heard_of, unlike_words
from .settings import RATE_HZ, applied, between, settings_of
from .style import Style, StyleAnswer, load_style
from .words import doing_words, moved_words

_VOICES: tuple[Role, ...] = tuple(role for role in ROLES if TRAITS[role].is_voice)
_HIGH_SHARE, _LOW_SHARE = 0.6, 0.9
_MANY, _FEW = 20, 8
_LISTED = 4
_SILENT = Confidence(level="low", reasons=("Every track is silent in the passage that was heard.",))


@dataclass(frozen=True)
class StyledModel:
    """A model that needs no reference.

    Attributes:
        bundle: where it is from.
        style: its numbers; None where a network tells all.
        network: None where the numbers tell all.
    """

    bundle: Bundle
    style: Style | None
    network: Controller | LoadingController | None = field(compare=False)

    @classmethod
    def of(cls, model: str | Path | Controller, provider: Provider = "auto") -> StyledModel | None:
        """Open a model's style; None where it has none.

        Raises:
            ModelError: the bundle is missing, or not what it says.
        """
        bundle = model.bundle if isinstance(model, Controller) else open_bundle(model)
        if bundle.needs_reference:
            return None
        if bundle.manifest.sample_rate_hz != RATE_HZ:
            raise ModelError(f"{bundle.folder}: its style is for {bundle.manifest.sample_rate_hz} Hz, not {RATE_HZ} Hz")
        names = bundle.manifest.sha256
        style = load_style(bundle) if STYLE in names else None
        network: Controller | LoadingController | None = None
        if bundle.has_network and bundle.manifest.learned_reference is not None:
            network = model if isinstance(model, Controller) else LoadingController(model, provider)
        return cls(bundle, style, network)

    @property
    def sample_rate_hz(self) -> int:
        """At which it hears."""
        return self.bundle.manifest.sample_rate_hz

    @property
    def window_samples(self) -> int:
        """Length of a passage that it hears."""
        return self.bundle.manifest.window_samples

    @property
    def roles(self) -> tuple[Role, ...]:
        """What it was learned from, with what is alike."""
        role = self.bundle.manifest.role
        if self.style is None and role is not None:
            return (role,) if role not in _VOICES else _VOICES
        return (self.style.roles if self.style is not None else ()) or _VOICES

    def ready(self) -> Controller | None:
        """Wait for the network."""
        return self.network.ready() if isinstance(self.network, LoadingController) else self.network


@dataclass(frozen=True)
class _Told:
    """What a style tells for a track.

    Attributes:
        strip: its settings.
        reverb: that it is sent to.
        delay: likewise.
        answer: what numbers told; None where a network tells all.
        is_at_level: whether the fader is decided.
        level_lufs: how loud the finished track is, where it is not.
    """

    strip: Strip
    reverb: Reverb
    delay: Delay
    answer: StyleAnswer | None
    is_at_level: bool = False
    level_lufs: float | None = None


def predict_in_style(
    model: StyledModel, passage: Passage, roles: Mapping[str, Role] | None = None, amount: float = 1.0
) -> Preset:
    """Set the tracks of a passage in the style of a model, with guard rails, and with what it is worth.

    Args:
        model: whose style.
        passage: what is heard of the tracks, at the model's rate.
        roles: of tracks that somebody told; the others are found out.
        amount: of the settings, 0..1.5; the rails hold at 1.

    Raises:
        ModelError: the network gives something that its manifest does not promise.
    """
    rate_hz = model.sample_rate_hz
    guesses = heard_roles(passage, rate_hz, roles)
    manifest = model.bundle.manifest
    preset = with_roles(neutral(passage), guesses, passage, rate_hz)
    named = {"model": manifest.name, "model_sha256": model.bundle.manifest_sha256}
    preset = preset.model_copy(update={"provenance": preset.provenance.model_copy(update=named)})
    if not passage.heard:
        return with_claims(preset, _SILENT, ())
    is_alone = len(passage.heard) == 1
    names = passage.heard if is_alone else tuple(n for n in passage.heard if guesses[n].role in model.roles)
    told = _told(model, passage, names, guesses)
    plain = preset if is_alone else plain_without_reference(model, preset, passage)
    styled = _with_styles(plain, passage, told, rate_hz)
    trial = Trial(passage, _in_the_middle(passage), rate_hz, manifest.track_level_lufs, None, Cast.of(styled))
    meant_db = {name: answer.lifted_noise_db for name, answer in told_answers(told).items()}
    guarded = guard_alone(styled, trial, meant_db)
    kept = guarded.preset if amount == 1 else scaled(guarded.preset, amount)
    provenance = kept.provenance.model_copy(update={"decisions": tuple(_decisions(model, kept, told, is_alone))[:100]})
    kept = kept.model_copy(update={"provenance": provenance})
    return with_claims(kept, confidence_of(model, told_answers(told), amount), guarded.findings if amount == 1 else ())


def told_answers(told: Mapping[str, _Told]) -> dict[str, StyleAnswer]:
    """List what numbers told, by track."""
    return {name: item.answer for name, item in told.items() if item.answer is not None}


def plain_without_reference(model: StyledModel, preset: Preset, passage: Passage) -> Preset:
    """Make the plain mix by role of the tracks of a preset, as wide and as wet as engineers make it."""
    rate_hz, cast = model.sample_rate_hz, Cast.of(preset)
    sounds = sounds_of(passage, cast, rate_hz)
    if not sounds:
        return preset
    render = partial(render_strip, takes=takes_of(passage))
    level_lufs = model.bundle.manifest.track_level_lufs
    return with_mix(preset, mix_by_role(sounds, StereoPicture(cast.pairs), rate_hz, level_lufs, render))


def confidence_of(model: StyledModel, answers: Mapping[str, StyleAnswer], amount: float = 1.0) -> Confidence:
    """Say how far settings in a style can be trusted: by what it was worth on pairs that it had not seen."""
    note = model.bundle.manifest.style or StyleNote(way="network", pairs=_MANY)
    measured = note.measured()
    reasons = []
    if measured is not None and note.held_out:
        reasons.append(
            f"On {note.held_out} pairs that it had not seen, what it sets was {1 - measured.share:.0%} nearer to the "
            "mixed track than the raw one is."
        )
    else:
        reasons.append("Nobody measured what this style is worth on pairs that it had not seen.")
    odd = {name: answer for name, answer in answers.items() if answer.believed < 1}
    for name, answer in list(odd.items())[:_LISTED]:
        if model.network is not None and answer.style.network_share is None:
            got = "where a network errs most"
        else:
            got = "so it gets what they got on average" if answer.believed == 0 else "so it is told half the way only"
        reasons.append(f"{name} is unlike the tracks of the pairs ({unlike_words(answer.deviations)}), {got}.")
    if note.pairs < _FEW:
        reasons.append(f"It was learned from {note.pairs} pairs: more would tell more.")
    if amount != 1:
        reasons.append(f"This is {amount:.0%} of it, as was asked for.")
    share = measured.share if measured is not None and note.held_out else 1.0
    if odd or share > _LOW_SHARE or note.pairs < _FEW:
        return Confidence(level="low", reasons=tuple(reasons))
    is_sure = share <= _HIGH_SHARE and note.pairs >= _MANY
    return Confidence(level="high" if is_sure else "fair", reasons=tuple(reasons))


def _told(
    model: StyledModel, passage: Passage, names: Sequence[str], guesses: Mapping[str, RoleGuess]
) -> dict[str, _Told]:
    told = {name: _by_numbers(model.style, passage, name, model.sample_rate_hz) for name in names}
    network = model.ready()
    if network is None or not names:
        return told
    # The learned embedding stands for one kind of track; others among the tracks would only mislead it.
    outputs = decided(network, passage, None, list(names), [guesses[name].weights for name in names])
    manifest = network.manifest
    strips, _ = settings(manifest.layout, outputs, manifest.track_level_lufs, passage, list(names))
    paths = [output.path for output in manifest.layout.track] + [*manifest.layout.fixed]
    made = {name: _by_network(item, strips[name], paths) for name, item in told.items()}
    if (effects := manifest.effects) is not None:
        made = {name: replace(item, reverb=effects.reverb, delay=effects.delay) for name, item in made.items()}
    share = None if model.style is None else model.style.network_share
    if share is None:
        return made
    return {name: _between(item, made[name], share, passage, name) for name, item in told.items()}


def _by_numbers(style: Style | None, passage: Passage, name: str, sample_rate_hz: int) -> _Told:
    if style is None:
        return _Told(Strip(), Reverb(), Delay(), None)
    answer = style.answer(features_in(passage, name, sample_rate_hz))
    strip, reverb, delay = applied(answer.settings, passage.level_lufs(name), by_tone=style.by_tone)
    return _Told(strip, reverb, delay, answer, level_lufs=answer.level_lufs)


def _by_network(told: _Told, said: Strip, paths: Sequence[str]) -> _Told:
    """A strip with what a network says, in desk form, and the rest as the numbers tell."""
    gain_db = said.input_gain_db
    table = parameters(Strip)
    values = {}
    for path in paths:
        if path in table and path not in {"input_gain_db", "fader_db"}:
            value = console.get(said, path)
            values[path] = table[path].clamp(value - gain_db if table[path].with_gain == "adds" else value)
    level_db = table["fader_db"].clamp(said.fader_db + gain_db)
    return replace(told, strip=console.replace(told.strip, {**values, "fader_db": level_db}), is_at_level=True)


def _between(numbers: _Told, network: _Told, share: float, passage: Passage, name: str) -> _Told:
    """What lies between what numbers and a network tell of a track, and between how loud they make it."""
    if numbers.answer is None or numbers.level_lufs is None:
        return network
    loudness_lufs = passage.level_lufs(name)
    track = Track(name=name, strip=network.strip)
    said = Preset(tracks=(track,), reverb=network.reverb, delay=network.delay)
    middle = between(numbers.answer.settings, settings_of(said, name, loudness_lufs), share)
    strip, reverb, delay = applied(middle, loudness_lufs, by_tone=numbers.answer.style.by_tone)
    audio = heard_of(passage, name, RATE_HZ)
    made_lufs = integrated_loudness(render_mix({name: audio}, RATE_HZ, said)[:, : audio.shape[1]], RATE_HZ)
    level_lufs = numbers.level_lufs + share * (made_lufs - numbers.level_lufs)
    return _Told(strip, reverb, delay, numbers.answer, level_lufs=level_lufs if math.isfinite(level_lufs) else None)


def _with_styles(preset: Preset, passage: Passage, told: Mapping[str, _Told], sample_rate_hz: int) -> Preset:
    """Put told strips into a preset, each at its level."""
    if not told:
        return preset
    is_alone = len(passage.heard) == 1
    wettest = max(told.values(), key=lambda item: item.strip.reverb_send_db)
    echoing = max(told.values(), key=lambda item: item.strip.delay_send_db)
    effects: dict[str, object] = {}
    if wettest.strip.reverb_send_db > SEND_OFF_DB:
        effects["reverb"] = wettest.reverb
    if echoing.strip.delay_send_db > SEND_OFF_DB:
        effects["delay"] = echoing.delay
    changed = preset.model_copy(update=effects)
    tracks = []
    for track in changed.tracks:
        if track.name in told:
            item = told[track.name]
            audio = heard_of(passage, track.name, sample_rate_hz)
            if is_alone and item.is_at_level:
                strip = item.strip
            elif is_alone:
                strip = _at_level(changed, track.name, item, audio, sample_rate_hz)
            else:
                strip = _as_loud_as(track.strip, item.strip, audio, sample_rate_hz)
            track = track.model_copy(update={"strip": strip, "link": None})  # noqa: PLW2901  (the changed one)
        tracks.append(track)
    return changed.model_copy(update={"tracks": tuple(tracks)})


def _at_level(preset: Preset, name: str, told: _Told, audio: Samples, sample_rate_hz: int) -> Strip:
    """A strip whose fader makes the finished track as loud as the style says, with its room and echoes."""
    strip = console.replace(told.strip, {"fader_db": 0.0})
    track = preset.track(name).model_copy(update={"strip": strip})
    alone = preset.model_copy(update={"tracks": (track,)})
    made = integrated_loudness(render_mix({name: audio}, sample_rate_hz, alone)[:, : audio.shape[1]], sample_rate_hz)
    return _raised(strip, (told.level_lufs if told.level_lufs is not None else made) - made)


def _as_loud_as(plain: Strip, strip: Strip, audio: Samples, sample_rate_hz: int) -> Strip:
    """A strip at the level and the place of a plain one."""
    placed = console.replace(strip, {"pan": plain.pan, "fader_db": 0.0})
    wanted, made = (
        integrated_loudness(render_strip(audio, sample_rate_hz, each), sample_rate_hz) for each in (plain, placed)
    )
    return _raised(placed, wanted - made)


def _raised(strip: Strip, gain_db: float) -> Strip:
    gain_db = gain_db if math.isfinite(gain_db) else 0.0
    fader_db = parameters(Strip)["fader_db"].clamp(round(strip.fader_db + gain_db, 2))
    return console.replace(strip, {"fader_db": fader_db})


def _in_the_middle(passage: Passage) -> Samples:
    """The sum of the tracks, alike on both sides: what rails that know no reference may look at."""
    total = np.sum([audio.mean(axis=0) for audio in passage.audio.values()], axis=0, dtype=np.float32)
    both: Samples = np.stack([total, total])
    return both


def _decisions(model: StyledModel, preset: Preset, told: Mapping[str, _Told], is_alone: bool) -> list[str]:
    note = model.bundle.manifest.style
    pairs = f"the {note.pairs} pairs of {model.bundle.manifest.name}" if note is not None else "its pairs"
    if not told:
        return [f"No track is of the kind that {pairs} are of: all is set as engineers do by role."]
    said = []
    for name, item in list(told.items())[:_LISTED]:
        if item.answer is None:
            said.append(f"{name}: set by a network that learned from {pairs}.")
            continue
        how = {"mean": "their mean", "neighbour": "the most alike of them", "house": "house style"}[
            item.answer.style.way
        ]
        how = f"{how} and a network" if model.network is not None else how
        doing = doing_words(preset.track(name).strip, preset.reverb, item.answer)
        said.append(f"{name}: as in {pairs}, by {how}: {doing}.")
        said += [f"{name}: {moved}." for moved in moved_words(item.answer)]
    if not is_alone:
        others = [track.name for track in preset.tracks if track.name not in told]
        said.append(f"As engineers do by role: {', '.join(others[:_LISTED])}{' and others' * (len(others) > _LISTED)}.")
    return said
