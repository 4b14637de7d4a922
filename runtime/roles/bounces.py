"""Bounces: a finished mix that lies among the tracks it was made of, and would be heard twice.

A folder of exported stems often holds the song as well. A track whose name says that it is a mix is compared with the
others: what a mix of them is, even mastered, has its energy where they have theirs. An instrumental beside voices has
not, and stays. Likewise a stereo file whose name says that it is a bus ("Drum Bus print") beside what goes through it.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ...presets.roles import TRAITS, Role
from ..audio.opening import ON_DEMAND, OpenFiles
from ..audio.reading import Samples, probe, read_passage
from .names import likeliest_role, role_weights, words_of

_FEWEST_OTHERS = 2
_RATE_HZ: Final = 16_000
_WINDOW: Final = 4096
_STRETCH_S: Final = 10.0
_PLACES: Final = (0.2, 0.5, 0.8)
_EDGES_HZ: Final = 60 * 2.0 ** (np.arange(21) / 3)
# What is so far below the loudest is not compared.
_RANGE_DB = 45.0
# Correlation of levels over time and frequency from which on one explains the other.
# Mastered mixes of ten sessions had 0.74 to 0.99, instrumentals and other songs 0.47 at most.
_EXPLAINED = 0.65
_FEWEST_CELLS = 200
# A part of what else plays is like all of it; a bus has to be its tracks.
_EXPLAINED_BUS = 0.8
_TWICE: Final = "which would be heard twice"
_BUS_WORDS: Final = frozenset(
    {"bus", "buss", "busse", "group", "grp", "gruppe", "grupo", "gruppo", "groupe", "sum", "summe", "submix",
     "submezcla", "print", "prints", "printed", "bounce", "bounced", "premix", "mixdown", "mix"}
)  # fmt: skip


def find_bounces(
    stems: Mapping[str, Path], told: Mapping[str, Role] | None = None, files: OpenFiles = ON_DEMAND
) -> dict[str, str]:
    """Find the tracks that are finished mixes of the others.

    Args:
        stems: files by track name.
        told: roles that somebody told; such a track is wanted.
        files: keeps the stems open for what comes next.

    Returns:
        For each such track a sentence for people.

    Raises:
        AudioError: a file cannot be used.
    """
    free = [name for name in stems if name not in (told or {})]
    named = [name for name in free if role_weights(name).get("full mix", 0) > 0.5]
    others = [name for name in stems if name not in named]
    found = {}
    if len(others) >= _FEWEST_OTHERS:
        for name in named:
            if _explained(stems[name], [stems[other] for other in others], files) >= _EXPLAINED:
                found[name] = said_left_out(name, f"it is a finished mix of the other tracks, {_TWICE}", "full mix")
    for name in others:
        role = likeliest_role(name)
        if name not in free or role is None or not _BUS_WORDS & {*words_of(name)}:
            continue
        members = [stems[other] for other in others if other != name and _is_kin(likeliest_role(other), role)]
        if len(members) < _FEWEST_OTHERS or probe(stems[name], files).channels != 2:
            continue
        if _explained(stems[name], members, files) >= _EXPLAINED_BUS:
            found[name] = said_left_out(name, f"it is a bus of {len(members)} other tracks, {_TWICE}", role)
    return found


def said_left_out(name: str, why: str, role: Role) -> str:
    """Say why a track is left out, and how to have it all the same."""
    return f'left out, since {why}; to have it in the mix, say what it is: --role "{name}={role}"'


def _is_kin(role: Role | None, bus: Role) -> bool:
    return role is not None and TRAITS[role].family == TRAITS[bus].family


def _explained(mix: Path, tracks: list[Path], files: OpenFiles) -> float:
    """How well the levels of a sum of tracks, each with a gain, follow those of a mix; 1 is in all, 0 not at all."""
    from scipy.optimize import nnls  # late: slow to import, seldom needed

    length_s = probe(mix, files).duration_s
    starts_s = sorted({max(0.0, place * length_s - _STRETCH_S / 2) for place in _PLACES})
    wanted = _cells(mix, starts_s, files)
    parts = [_cells(track, starts_s, files) for track in tracks]
    floor = wanted.max() * 10 ** (-_RANGE_DB / 10)
    is_heard = wanted > floor
    if is_heard.sum() < _FEWEST_CELLS:
        return 0.0
    wanted = wanted[is_heard]
    columns = np.stack([part[is_heard] for part in parts], axis=1)
    gains, _ = nnls(columns / wanted[:, None], np.ones(len(wanted)))
    found = np.log(columns @ gains + floor)
    return float(np.corrcoef(found, np.log(wanted))[0, 1]) if np.ptp(found) > 0 else 0.0


def _cells(path: Path, starts_s: list[float], files: OpenFiles) -> NDArray[np.float64]:
    """Energy over time and third octaves, flat."""
    frames = round(_STRETCH_S * _RATE_HZ)
    return np.concatenate([_energies(_stretch(path, start_s, frames, files)).ravel() for start_s in starts_s])


def _stretch(path: Path, start_s: float, frames: int, files: OpenFiles) -> Samples:
    audio = np.zeros((2, frames), np.float32)
    if start_s < probe(path, files).duration_s:
        heard = read_passage(path, start_s, _STRETCH_S, _RATE_HZ, files)[:, :frames]
        audio[:, : heard.shape[1]] = heard
    return audio


def _energies(audio: Samples) -> NDArray[np.float64]:
    from scipy.signal import stft  # late: slow to import, seldom needed

    freqs_hz, _, spectrum = stft(audio, _RATE_HZ, nperseg=_WINDOW, noverlap=_WINDOW // 2)
    power = np.square(np.abs(spectrum)).sum(axis=0)
    edges = np.searchsorted(freqs_hz, _EDGES_HZ)
    bands = [power[begin:end].sum(axis=0) for begin, end in pairwise(edges) if end > begin]
    return np.stack(bands).astype(np.float64)
