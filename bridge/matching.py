"""Which stem is which track of a preset: by name, by name without case and punctuation, or as the user says."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ..presets.errors import Hint, PresetError
from ..presets.preset import Preset
from ..runtime.audio.stems import split_pair

How = Literal["as told", "same name", "alike", "one for all"]


@dataclass(frozen=True)
class Match:
    """A track of the preset and the stem that goes through it.

    Attributes:
        track: name of the preset's track.
        stem: name of the stem.
        how: what told so.
    """

    track: str
    stem: str
    how: How


@dataclass(frozen=True)
class StemMatches:
    """A preset whose tracks have stems.

    Attributes:
        preset: with a track for each stem.
        stems: files by the preset's track names.
        matches: which came to which.
    """

    preset: Preset
    stems: Mapping[str, Path]
    matches: tuple[Match, ...]


def match_stems(preset: Preset, stems: Mapping[str, Path], told: Mapping[str, str] | None = None) -> StemMatches:
    """Bring a preset and stems together.

    Args:
        preset: at least one track. If it is the only one, it is applied to every stem.
        stems: files by stem name.
        told: stem name by track name, where the user says so.

    Raises:
        PresetError: a track that is not muted has no stem, a stem has no track, or `told` names something unknown.
    """
    if not preset.tracks:
        raise PresetError(
            "this preset has no tracks, so there is nothing to put the stems through. Give a preset with tracks."
        )
    matches = match_names([track.name for track in preset.tracks], list(stems), told or {})
    if len(preset.tracks) == 1 and not told and len(matches) < len(stems):
        return _one_for_all(preset, stems)
    _check_complete(preset, stems, matches)
    by_track = {match.track: stems[match.stem] for match in matches}
    return StemMatches(preset, by_track, tuple(matches))


def parse_map(entries: Sequence[str], preset: Preset, stems: Iterable[str]) -> dict[str, str]:
    """Read assignments as they are typed, "Preset name=stem name", to stem name by track name.

    Raises:
        PresetError: an entry is not of that form, names an unknown track or stem, or one twice.
    """
    tracks, known = {track.name for track in preset.tracks}, set(stems)
    told: dict[str, str] = {}
    for entry in entries:
        places = [place for place, letter in enumerate(entry) if letter == "="]
        pairs = [(entry[:place], entry[place + 1 :]) for place in places]
        pair = next((pair for pair in pairs if pair[0] in tracks and pair[1] in known), None) or split_pair(entry)
        if pair is None:
            raise PresetError(f'the assignment {entry!r} is not of the form "Preset name=stem name".')
        track, stem = pair
        if track not in tracks:
            raise PresetError(
                f"assignment {entry!r}: the preset has no track {track!r}. It has: {_listed(sorted(tracks))}."
            )
        if stem not in known:
            raise PresetError(f"assignment {entry!r}: there is no stem {stem!r}. There are: {_listed(sorted(known))}.")
        if track in told or stem in told.values():
            raise PresetError(f"assignment {entry!r}: {track!r} or {stem!r} stands in another assignment already.")
        told[track] = stem
    return told


def bare_name(name: str) -> str:
    """Reduce a name to letters and digits, without case; what is written alike in Unicode is alike."""
    folded = unicodedata.normalize("NFKC", name).casefold()
    return "".join(letter for letter in folded if letter.isalnum()) or folded


def match_names(tracks: Sequence[str], stems: Sequence[str], told: Mapping[str, str]) -> list[Match]:
    """Find which stem is which track: as told, of the same name, or alike, for tracks that have one.

    Certain ones come first, so that a likeness takes no stem from a track of its very name.
    """
    matches = {track: Match(track, stem, "as told") for track, stem in told.items()}
    taken = set(told.values())
    for track in tracks:
        if track not in matches and track in stems and track not in taken:
            matches[track] = Match(track, track, "same name")
            taken.add(track)
    for track in tracks:
        alike = [stem for stem in stems if stem not in taken and bare_name(stem) == bare_name(track)]
        if track not in matches and len(alike) == 1:
            matches[track] = Match(track, alike[0], "alike")
            taken.add(alike[0])
    return [matches[track] for track in tracks if track in matches]


def mute_unplayed(preset: Preset, stems: Sequence[str], unplayed: Sequence[str]) -> Preset:
    """Mute the tracks of a preset whose track in a DAW session is left out, since the DAW does not play it.

    Args:
        preset: with its tracks.
        stems: names of the session's stems.
        unplayed: names of its tracks that are left out.
    """
    if len(preset.tracks) < 2:
        return preset
    matches = match_names([track.name for track in preset.tracks], [*stems, *unplayed], {})
    muted = {match.track for match in matches if match.stem in unplayed}
    tracks = (track.model_copy(update={"mute": True}) if track.name in muted else track for track in preset.tracks)
    return preset.model_copy(update={"tracks": tuple(tracks)})


def _one_for_all(preset: Preset, stems: Mapping[str, Path]) -> StemMatches:
    only = preset.tracks[0]
    tracks = tuple(only.model_copy(update={"name": name}) for name in stems)
    matches = tuple(Match(only.name, name, "one for all") for name in stems)
    return StemMatches(preset.model_copy(update={"tracks": tracks}), dict(stems), matches)


def _check_complete(preset: Preset, stems: Mapping[str, Path], matches: Iterable[Match]) -> None:
    with_stem = {match.track for match in matches}
    with_track = {match.stem for match in matches}
    no_stem = [track.name for track in preset.tracks if not track.mute and track.name not in with_stem]
    no_track = [stem for stem in stems if stem not in with_track]
    if no_stem or no_track:
        example = f"{(no_stem or ['Preset name'])[0]}={(no_track or ['stem name'])[0]}"
        raise PresetError(
            f"the preset and the stems do not match. Tracks without a stem: {_listed(no_stem)}. "
            f"Stems without a track: {_listed(no_track)}. Assign them, rename the files, or mute tracks "
            "that have no stem in the preset.",
            hints=(Hint("assignments", f'"{example}"'),),
        )


def _listed(names: Sequence[str]) -> str:
    return ", ".join(map(repr, names)) or "none"
