"""Fits the master of a preset to a reference: match curve and compressor, on passages of the mix as it is rendered."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Literal

import numpy as np

from ...presets.checking.claims import hold, with_claims
from ...presets.console import Master, parameters
from ...presets.files import SIGNIFICANT_DIGITS
from ...presets.parts.match import THIRDS_HZ, MatchCurve, WidthCurve
from ...presets.preset import MixLevel, Preset
from ..audio.opening import ON_DEMAND, OpenFiles
from ..audio.reading import AudioReader, Samples
from ..console.match import match_gains_db
from ..model.references import AnyReference, songs_of
from ..practice.levels import is_spoken
from ..practice.sins import LOW_HZ, lean_lu
from ..rendering.finishing import MOST_DENSER_DB, USUAL_LUFS
from ..rendering.render import LOUDNESS_RANGE_LUFS, RenderOptions
from .curve import fit_curve, low_sides_db, widest_lows_db
from .density import MasterTrial, fit_density
from .passages import RATE_HZ, BusPassages
from .profile import PARTS_HZ, Profile, pooled, profile_of, thirds_of

# The points of a curve are smoothed: what is taken off them is looked at again.
_ROUNDS: Final = 4
_ROUND_DB: Final = 0.5
# Lows that come out wider than meant by less than this are left so.
_FREE_LOWS_DB: Final = 1.5
_TRIALS: Final = 3
_BEFORE: Final = "That is of the mix before its master was fitted to the reference."
_MOST_REASONS: Final = 20

ASPECTS: Final = ("tone", "width", "dynamics")
"""What of a reference a master can take."""

Phase = Literal["minimum", "linear"]


@dataclass(frozen=True)
class Mastering:
    """A master that was fitted.

    Attributes:
        master: the settings.
        reference: what it was fitted to.
        before: the mix with the master as it was, of the passages that were rendered.
        after: the same with the fitted one.
        leans_lu: how much louder the right is than the left with the fitted one.
        is_dense: whether the density of the reference was asked for.
    """

    master: Master
    reference: Profile
    before: Profile
    after: Profile
    leans_lu: float
    is_dense: bool = True

    def spectra_db(self) -> Mapping[str, tuple[tuple[float, ...], tuple[float, ...]]]:
        """Third octaves of middle and sides at equal loudness, in dB, of mix before and after and of the reference."""
        profiles = {"before": self.before, "after": self.after, "reference": self.reference}
        return {name: _relative_db(profile) for name, profile in profiles.items()}


def reference_profile(reference: AnyReference, files: OpenFiles = ON_DEMAND) -> Profile:
    """Measure a whole song, or several with weights.

    Raises:
        AudioError: a file cannot be used.
    """
    measured = []
    for song in songs_of(reference):
        reader = AudioReader(song.path, files=files)
        measured.append((profile_of(reader, reader.sample_rate_hz), song.share))
    return pooled(measured)


def fit_master(
    preset: Preset,
    stems: Mapping[str, Path],
    reference: Profile,
    *,
    amount: float = 1.0,
    phase: Phase = "minimum",
    heard_s: float | None = None,
    aspects: Collection[str] = ASPECTS,
    files: OpenFiles = ON_DEMAND,
) -> Mastering | None:
    """Fit the master of a preset so that the mix comes to the spectrum, the width and the density of a reference.

    Args:
        preset: everything before the master stays; a match curve that it has is replaced.
        stems: files by track name.
        reference: as it should sound.
        amount: 0 nothing, 1 all of it; more is 1.
        phase: of the curve.
        heard_s: where a passage begins that has to be among those that are rendered.
        aspects: what is taken from the reference, of :data:`ASPECTS`.
        files: stems that are open already.

    Returns:
        None where there is nothing to be heard, or nothing to be taken.

    Raises:
        AudioError: a file cannot be used.
    """
    playing = {track.name: stems[track.name] for track in preset.tracks if not track.mute}
    if reference.is_silent or amount == 0 or not set(aspects) & set(ASPECTS):
        return None
    bus = BusPassages(playing, heard_s, files).bus(preset)
    return fit_to_bus(bus, preset.master, reference, amount=amount, phase=phase, aspects=aspects)


def fit_to_bus(
    bus: Samples,
    master: Master,
    reference: Profile,
    *,
    amount: float = 1.0,
    phase: Phase = "minimum",
    aspects: Collection[str] = ASPECTS,
) -> Mastering | None:
    """:func:`fit_master` to what comes into the master, in memory.

    Args:
        bus: shape (2, n), at :data:`RATE_HZ`.
        master: a match curve that it has is replaced, but for lows that it narrows.
        reference: as it should sound.
        amount: 0 nothing, 1 all of it; more is 1.
        phase: of the curve.
        aspects: what is taken from the reference, of :data:`ASPECTS`.
    """
    amount = min(1.0, amount)
    linear_phase = 0.0 if phase == "minimum" else 1.0
    free = master.model_copy(update={"match": MatchCurve(amount=amount, linear_phase=linear_phase)})
    trial = MasterTrial(bus, RATE_HZ)
    before = _profile(trial.mastered(free))
    if before.is_silent or reference.is_silent or amount == 0 or not set(aspects) & set(ASPECTS):
        return None

    def curve(profile: Profile) -> Master:
        fit = fit_curve(profile, reference, free.match)
        kept = {name: getattr(fit if name in aspects else free.match, name) for name in ("tone", "width")}
        held = fit.model_copy(update={**kept, "width": _no_wider_below(kept["width"], master.match.width)})
        return free.model_copy(update={"match": _narrow_below(held, profile) if "width" in aspects else held})

    widest_db = widest_lows_db(before.power)

    def fitted_with(master: Master, *, is_dense: bool) -> Mastering:
        mastered = trial.mastered(master)
        after = _profile(mastered)
        # A compressor that holds the middle down leaves the lows at the sides.
        for _ in range(_TRIALS if "width" in aspects else 0):
            over_db = low_sides_db(after.power) - widest_db
            if over_db <= _FREE_LOWS_DB:
                break
            master = master.model_copy(update={"match": _narrowed(master.match, over_db)})
            mastered = trial.mastered(master)
            after = _profile(mastered)
        return Mastering(master, reference, before, after, lean_lu(mastered, RATE_HZ), is_dense)

    curved = curve(before)
    if "dynamics" not in aspects:
        return fitted_with(curved, is_dense=False)
    goal_db = before.peak_to_loudness_db + amount * (reference.peak_to_loudness_db - before.peak_to_loudness_db)
    fitted = fit_density(trial, curved, goal_db)
    if fitted.compressor != curved.compressor:
        # What the compressor did to the spectrum, and to the sides with the middle, belongs into the curve.
        after = _profile(trial.mastered(fitted))
        uncurved = replace(after, power=after.power / _gains(fitted.match))
        fitted = fitted.model_copy(update={"match": curve(uncurved).match})
    return fitted_with(fitted, is_dense=True)


def _kept(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.{SIGNIFICANT_DIGITS}g}")


def with_level(preset: Preset, mastering: Mastering | None, options: RenderOptions) -> Preset:
    """Write into a preset how loud its mix is finished, if nobody asked for a loudness."""
    if mastering is None or options.loudness_of_reference or options.loudness_lufs != USUAL_LUFS:
        return preset
    how = rendering_for(mastering, options)
    level = MixLevel(
        loudness_lufs=USUAL_LUFS if how.loudness_lufs is None else how.loudness_lufs,
        peak_to_loudness_db=how.peak_to_loudness_db,
        most_limited_db=how.most_limited_db,
    )
    return preset.model_copy(update={"provenance": preset.provenance.model_copy(update={"level": level})})


def rendering_again(preset: Preset, options: RenderOptions) -> RenderOptions:
    """Complete how to render a preset that was mixed before: as loud as then, if nobody asks for a loudness."""
    level = preset.provenance.level
    if level is None or options.loudness_of_reference or options.loudness_lufs != USUAL_LUFS:
        return options
    most_db = level.most_limited_db if options.most_limited_db is None else options.most_limited_db
    return replace(
        options,
        loudness_lufs=level.loudness_lufs,
        peak_to_loudness_db=level.peak_to_loudness_db,
        most_limited_db=most_db,
    )


def rendering_for(mastering: Mastering | None, options: RenderOptions) -> RenderOptions:
    """Complete how to render: the density of the reference, and its loudness where that is asked for.

    Where no loudness was asked for, the mix is quieter than usual where its peaks, and those of the reference, stand so
    high that the limiter would have to crush them.
    """
    if mastering is None:
        return options
    reference = mastering.reference
    peaks_db = reference.peak_to_loudness_db
    loudness_lufs = options.loudness_lufs
    most_db = options.most_limited_db
    # Where its peaks are over the ceiling, the mix is as much quieter, not as much flatter. One that has lower peaks is
    # as loud as they let it be: no limiter takes what it lacks already.
    is_denser = mastering.after.peak_to_loudness_db < peaks_db
    loudest_lufs = options.ceiling_dbtp - peaks_db
    if options.loudness_of_reference:
        loudness_lufs = _held_lufs(min(reference.loudness_lufs, loudest_lufs))
    elif loudness_lufs == USUAL_LUFS:
        is_unlimited = mastering.is_dense and is_denser and loudest_lufs < loudness_lufs
        most_db = (0.0 if is_unlimited else MOST_DENSER_DB) if most_db is None else most_db
        if mastering.is_dense and not is_unlimited:
            loudness_lufs = _held_lufs(min(loudness_lufs, loudest_lufs))
    density_db = max(0.0, peaks_db) if mastering.is_dense else None
    if options.loudness_lufs == USUAL_LUFS and not options.loudness_of_reference:
        # As the preset keeps them, so that it makes the same mix again.
        loudness_lufs, density_db, most_db = (_kept(value) for value in (loudness_lufs, density_db, most_db))
    return replace(options, loudness_lufs=loudness_lufs, peak_to_loudness_db=density_db, most_limited_db=most_db)


def _held_lufs(loudness_lufs: float) -> float:
    lowest, highest = LOUDNESS_RANGE_LUFS
    return round(min(highest, max(lowest, loudness_lufs)), 2)


def _no_wider_below(width: WidthCurve, before: WidthCurve) -> WidthCurve:
    """Keep the lows as narrow as a guard rail made them."""
    held = {
        name: min(getattr(width, name), getattr(before, name))
        for name, freq_hz in zip(WidthCurve.model_fields, THIRDS_HZ, strict=True)
        if freq_hz < LOW_HZ and getattr(before, name) < 0
    }
    return width.model_copy(update=held)


def _narrow_below(match: MatchCurve, profile: Profile) -> MatchCurve:
    """A curve that leaves the lows in the middle, or as wide as they were: a lift of where they are wide counts, too.

    Args:
        match: as fitted.
        profile: of the mix behind it.
    """
    most_db = widest_lows_db(profile.power)
    for _ in range(_ROUNDS):
        over_db = low_sides_db(profile.power * _gains(match)) - most_db
        if over_db <= 0:
            break
        match = _narrowed(match, over_db)
    return match


def _narrowed(match: MatchCurve, by_db: float) -> MatchCurve:
    """A curve whose lows are narrower by so much, and a little."""
    table = parameters(WidthCurve)
    narrower = {
        name: table[name].clamp(round(getattr(match.width, name) - by_db - _ROUND_DB, 2))
        for name, freq_hz in zip(WidthCurve.model_fields, THIRDS_HZ, strict=True)
        if freq_hz < LOW_HZ
    }
    return match.model_copy(update={"width": match.width.model_copy(update=narrower)})


def _profile(mix: Samples) -> Profile:
    return profile_of([mix], RATE_HZ)


def _gains(match: MatchCurve) -> np.ndarray:
    """Power factors of middle and sides in the parts of a profile, shape (2, 124)."""
    return np.asarray(10 ** (np.stack(match_gains_db(match, PARTS_HZ)) / 10))


def _relative_db(profile: Profile) -> tuple[tuple[float, ...], tuple[float, ...]]:
    thirds = thirds_of(profile.power)
    levels_db = 10 * np.log10(thirds / max(float(thirds.sum()), 1e-20) + 1e-12)
    middle, sides = (tuple(round(float(value), 2) for value in row) for row in levels_db)
    return middle, sides


def with_master(preset: Preset, master: Master) -> Preset:
    """Give a preset a fitted master; what was measured of its settings before stays with it, and is said to be so."""
    claims = preset.provenance
    fitted = preset.model_copy(update={"master": master})
    if claims.confidence is None or not hold(preset):
        return fitted
    reasons = (*claims.confidence.reasons, _BEFORE)[:_MOST_REASONS]
    confidence = claims.confidence.model_copy(update={"reasons": reasons})
    return with_claims(fitted, confidence, claims.findings or ())


def is_music(preset: Preset, heard: Collection[str]) -> bool:
    """Tell whether a preset is of music in several tracks: not of a track alone, and not of people who talk.

    Args:
        preset: its tracks have their roles.
        heard: tracks that are not silent.
    """
    playing = [track for track in preset.tracks if not track.mute and track.name in heard]
    return len(playing) > 1 and not is_spoken([track.role for track in playing])
