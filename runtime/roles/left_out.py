"""Tracks that no engineer would leave in a mix: clicks, talkback, triggers, the reference itself, finished mixes.

An export of a whole session holds them beside its instruments. What a name alone says is believed only where it says
nothing else ("Click", not "Kick Click"), and nothing is left out where no other track would remain.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import numpy as np

from ...presets.checking.claims import with_claims_of
from ...presets.preset import Preset, Track
from ...presets.roles import Role
from ..audio.opening import ON_DEMAND, OpenFiles
from ..audio.reading import AudioReader, probe
from .bounces import find_bounces, said_left_out
from .names import beside_the_song, likeliest_role
from .pairs import are_named_sides

_WHY: Final[dict[str, tuple[str, Role]]] = {
    "click": ("by its name it is a click track, which is for the musicians", "percussion"),
    "talkback": ("by its name it is talk between takes", "speech"),
    "timecode": ("by its name it is a timecode, which machines listen to", "effect"),
    "trigger": ("by its name it only drives the compressors and gates of other tracks", "percussion"),
    "reference": ("by its name it is a song to compare with", "full mix"),
}
_IS_REFERENCE: Final = "it is the reference"
_GLIMPSES, _GLIMPSE_BYTES = 32, 1024


def find_left_out(
    stems: Mapping[str, Path],
    references: Sequence[Path] = (),
    told: Mapping[str, Role] | None = None,
    files: OpenFiles = ON_DEMAND,
) -> dict[str, str]:
    """Find the tracks that are no part of a mix.

    Args:
        stems: files by track name.
        references: the songs that the mix is to sound like.
        told: roles that somebody told; such a track is wanted.
        files: keeps the stems open for what comes next.

    Returns:
        For each such track a sentence for people, in the order of the tracks.

    Raises:
        AudioError: a file cannot be used.
    """
    free = [name for name in stems if name not in (told or {})]
    found = {name: said_left_out(name, *_WHY[kind]) for name in free if (kind := beside_the_song(name)) is not None}
    for name in free:
        if name not in found and any(_is_same(stems[name], reference, files) for reference in references):
            found[name] = said_left_out(name, _IS_REFERENCE, "full mix")
    if len(found) == len(stems):
        return {}
    rest = {name: path for name, path in stems.items() if name not in found}
    found |= find_bounces(rest, told, files)
    rest = {name: path for name, path in rest.items() if name not in found}
    found |= _copies(rest, told or {}, files)
    return {name: found[name] for name in stems if name in found}


def _copies(stems: Mapping[str, Path], told: Mapping[str, Role], files: OpenFiles) -> dict[str, str]:
    """Tracks whose file is that of another, once more: no double, but the same 6 dB louder.

    Two sides of one sound that were exported alike stay, and so does silence.
    """
    found: dict[str, str] = {}
    seen: dict[tuple[int, bytes], list[str]] = {}
    for name in sorted(stems, key=len):  # "Gtr copy" is one of "Gtr", whichever stands first
        # Hashing all of 40 stems would take a second.
        with files.borrowed(stems[name]) as track:
            seen.setdefault(track.glimpse(_GLIMPSES, _GLIMPSE_BYTES), []).append(name)
    for alike in seen.values():
        first: dict[str, str] = {}
        for name in alike if len(alike) > 1 else ():
            with files.borrowed(stems[name]) as track:
                same = first.setdefault(track.sha256(), name)
            if same == name or name in told or are_named_sides(same, name) or _is_silent(stems[name], files):
                continue
            found[name] = said_left_out(name, f"its file is a copy of that of {same}", likeliest_role(name) or "effect")
    return found


def _is_silent(path: Path, files: OpenFiles) -> bool:
    return not any(np.any(block) for block in AudioReader(path, files=files))


def with_left_out(preset: Preset, stems: Mapping[str, Path], left_out: Mapping[str, str]) -> Preset:
    """Put tracks that were left out back in their places, muted, with the sentence that says why.

    What was measured of the mix stays true: they are not heard.
    """
    made = {track.name: track for track in preset.tracks}
    made |= {name: Track(name=name, role=_role(name, note), mute=True, note=note) for name, note in left_out.items()}
    whole = preset.model_copy(update={"tracks": tuple(made[name] for name in stems)})
    return with_claims_of(whole, preset)


def _role(name: str, note: str) -> Role | None:
    kind = beside_the_song(name)
    if kind is not None:
        return _WHY[kind][1]
    return "full mix" if _IS_REFERENCE in note else likeliest_role(name)


def _is_same(path: Path, reference: Path, files: OpenFiles) -> bool:
    """Whether a track is the reference: the same file, or a copy of it."""
    if path.exists() and reference.exists() and path.samefile(reference):
        return True
    one, other = probe(path, files), probe(reference, files)
    if (one.frames, one.sample_rate_hz, one.channels) != (other.frames, other.sample_rate_hz, other.channels):
        return False
    with files.borrowed(path) as track, files.borrowed(reference) as song:
        return track.sha256() == song.sha256()
