"""Pairs as the training sees them: aligned passages as band powers, what the strips were, what the model heard.

A pair is analysed once and kept in the run's cache; a file that changed is analysed anew.
"""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ...presets.console import Reverb, Strip, replace
from ...presets.preset import Preset, Track
from ...presets.roles import ROLES, Role
from ...presets.units import gain_factor
from ...runtime.audio.loudness import integrated_loudness
from ...runtime.audio.reading import Samples, as_stereo
from ...runtime.model.excerpts import SILENT_LUFS, excerpt_steps, power_over_time
from ...runtime.roles.decide import decide_roles
from ..compact.bands import BAND_COUNT, SAMPLE_RATE_HZ, WINDOW_SAMPLES, BandPowers, BandPowerTransform
from ..pairs.check import on_time_of, reached_by, with_sides_upright
from ..pairs.pairing import TuningPair
from ..recovery.files import read_whole
from ..twin.proof import runtime_mix
from ..whole_files import write_bytes
from .settings import targets_of

_VERSION = 2
_MOST_PASSAGES = 5
_STEP_S = 0.25
_LEAST_LOG = 1e-14
_FIELDS: Final = ("raw", "raw_cross", "mixed", "mixed_cross", "room", "present", "loudness", "roles", "mono")

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class PairPassages:
    """Passages of one pair.

    Attributes:
        name: of the pair.
        raw: tracks at the model's level, shape (passages, tracks, bands, frames).
        mixed: what was made of them, shape (passages, bands, frames).
        room: what a flat strip's room answers, shape (passages, tracks, bands, frames).
        present: which tracks sound, shape (passages, tracks).
        mono: tracks with one channel, shape (tracks,).
        roles: weight of each role, shape (tracks, roles).
        targets: settings behind the model's level, by path, each of shape (tracks,).
    """

    name: str
    raw: BandPowers
    mixed: BandPowers
    room: Tensor
    present: Tensor
    mono: Tensor
    roles: Tensor
    targets: Mapping[str, Tensor]

    @property
    def passages(self) -> int:
        """Gives how many passages there are."""
        return int(self.present.shape[0])


@dataclass(frozen=True)
class AlignedPair:
    """A pair in memory at the model's rate.

    Attributes:
        raws: by track, shape (1 or 2, samples), as long as what both have.
        mixed: shape (2, samples).
    """

    raws: Mapping[str, Samples]
    mixed: Samples


def aligned(pair: TuningPair) -> AlignedPair:
    """Reads a pair, the mixed file on the time of the raw ones, cut to what both have.

    Raises:
        AudioError: a file cannot be read.
    """
    raws = {name: read_whole(path, SAMPLE_RATE_HZ) for name, path in pair.raws.items()}
    frames = max(audio.shape[1] for audio in raws.values())
    raws = {name: np.pad(audio, ((0, 0), (0, frames - audio.shape[1]))) for name, audio in raws.items()}
    total = np.zeros(frames, np.float32)
    for audio in raws.values():
        total += audio.mean(axis=0)
    mixed = with_sides_upright(total[None], read_whole(pair.mixed, SAMPLE_RATE_HZ))
    moved, lags = on_time_of(total, mixed, SAMPLE_RATE_HZ)
    inside = reached_by(mixed.shape[1], lags, frames, SAMPLE_RATE_HZ)
    return AlignedPair(
        {name: np.ascontiguousarray(audio[:, inside]) for name, audio in raws.items()},
        np.ascontiguousarray(as_stereo(moved)[:, inside]),
    )


@dataclass(frozen=True)
class CutPair:
    """Passages of a pair as sound.

    Attributes:
        raws: of each passage the tracks, each of shape (1 or 2, samples).
        mixed: of each passage, shape (2, samples).
    """

    raws: list[list[Samples]]
    mixed: list[Samples]


def cut_pair(pair: TuningPair) -> CutPair:
    """Cuts the passages of :func:`load_passages` out of a pair, as they were recorded.

    Raises:
        AudioError: a file cannot be read.
    """
    both = aligned(pair)
    starts = _starts(both.mixed)
    return CutPair(
        [[_cut(audio, at) for audio in both.raws.values()] for at in starts], [_cut(both.mixed, at) for at in starts]
    )


def load_passages(
    pair: TuningPair, preset: Preset, reverb: Reverb, level_lufs: float, role: Role | None, cache: Path
) -> PairPassages:
    """Gives the passages of a pair, from the cache or analysed now.

    Args:
        pair: its files.
        preset: as recovered.
        reverb: of the style.
        level_lufs: that the model hears tracks at.
        role: of the tracks; None finds it out.
        cache: folder that keeps what was analysed.

    Raises:
        AudioError: a file cannot be read.
    """
    file = cache / f"{pair.name}-{key_of(pair, reverb.model_dump(mode='json'), level_lufs, role)}.npz"
    arrays = _from_cache(file)
    if arrays is None:
        arrays = _analysed(pair, reverb, level_lufs, role)
        buffer = io.BytesIO()
        np.savez(buffer, **arrays)  # type: ignore[arg-type]
        write_bytes(file, buffer.getvalue())
    return _passages(pair.name, arrays, preset, list(pair.raws), level_lufs)


def _passages(
    name: str, arrays: Mapping[str, NDArray[Any]], preset: Preset, tracks: Sequence[str], level_lufs: float
) -> PairPassages:
    strips = _strips(preset, tracks)
    rows = [
        targets_of(strip, level_lufs - float(loudness))
        for strip, loudness in zip(strips, arrays["loudness"], strict=True)
    ]
    targets = {path: torch.tensor([row[path] for row in rows]) for path in rows[0]}
    return PairPassages(
        name,
        _powers(arrays["raw"], arrays["raw_cross"]),
        _powers(arrays["mixed"], arrays["mixed_cross"]),
        torch.pow(10.0, torch.from_numpy(arrays["room"]).float()),
        torch.from_numpy(arrays["present"]),
        torch.from_numpy(arrays["mono"]),
        torch.from_numpy(arrays["roles"]).float(),
        targets,
    )


def _strips(preset: Preset, tracks: Sequence[str]) -> list[Strip]:
    """Gives the strips of a preset in the order of tracks; a preset of one track need not name it alike."""
    if len(tracks) == 1 and len(preset.tracks) == 1:
        return [preset.tracks[0].strip]
    by_name = {track.name: track.strip for track in preset.tracks}
    return [by_name.get(name, Strip()) for name in tracks]


def _analysed(pair: TuningPair, reverb: Reverb, level_lufs: float, role: Role | None) -> dict[str, NDArray[Any]]:
    both = aligned(pair)
    loudness = {name: integrated_loudness(audio, SAMPLE_RATE_HZ) for name, audio in both.raws.items()}
    known = decide_roles(
        list(both.raws),
        {name: audio for name, audio in both.raws.items() if loudness[name] > SILENT_LUFS},
        SAMPLE_RATE_HZ,
        dict.fromkeys(both.raws, role) if role is not None else {},
    )
    starts = _starts(both.mixed)
    transform = BandPowerTransform()
    levelled = {
        name: audio * np.float32(gain_factor(level_lufs - loudness[name])) if loudness[name] > SILENT_LUFS else audio
        for name, audio in both.raws.items()
    }
    rooms = {name: _room(audio, reverb) for name, audio in levelled.items()}
    raw = [_measured([_cut(audio, at) for audio in levelled.values()], transform) for at in starts]
    room = [_measured([_cut(audio, at) for audio in rooms.values()], transform) for at in starts]
    mixed = _measured([_cut(both.mixed, at) for at in starts], transform)
    present = [
        [integrated_loudness(_cut(audio, at), SAMPLE_RATE_HZ) > SILENT_LUFS for audio in both.raws.values()]
        for at in starts
    ]
    return {
        "raw": np.stack([_logs(item) for item in raw]),
        "raw_cross": np.stack([_correlation(item) for item in raw]),
        "mixed": _logs(mixed),
        "mixed_cross": _correlation(mixed),
        "room": np.stack([_log((item.left + item.right) / 2) for item in room]),
        "present": _at_least_one(np.array(present)),
        "loudness": np.array([loudness[name] if loudness[name] > SILENT_LUFS else level_lufs for name in both.raws]),
        "roles": np.array([[known[name].weights.get(each, 0.0) for each in ROLES] for name in both.raws], np.float32),
        "mono": np.array([audio.shape[0] == 1 for audio in both.raws.values()]),
    }


def _at_least_one(present: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Marks all tracks of a passage of which none is loud: a passage without tracks has no mix."""
    found: NDArray[np.bool_] = present | ~present.any(axis=1, keepdims=True)
    return found


def _room(audio: Samples, reverb: Reverb) -> Samples:
    """Gives what a room answers to a track through a flat strip, at a send of 0 dB; as long as the track."""
    strip = replace(Strip(), {"reverb_send_db": 0.0})
    both = [
        runtime_mix({"Track": audio}, Preset(tracks=(Track(name="Track", strip=each),), reverb=reverb), SAMPLE_RATE_HZ)
        for each in (strip, Strip())
    ]
    answer: Samples = both[0] - both[1]
    return answer


def _starts(mixed: Samples) -> list[int]:
    """Chooses where passages begin, spread over what plays, without overlap."""
    power = power_over_time(mixed, SAMPLE_RATE_HZ)
    steps = excerpt_steps(power, round(WINDOW_SAMPLES / SAMPLE_RATE_HZ / _STEP_S), _MOST_PASSAGES) or [0]
    return [round(step * _STEP_S * SAMPLE_RATE_HZ) for step in steps]


def _cut(audio: Samples, at: int) -> Samples:
    part = audio[:, at : at + WINDOW_SAMPLES]
    return np.pad(part, ((0, 0), (0, WINDOW_SAMPLES - part.shape[1])))


def _measured(items: Sequence[Samples], transform: BandPowerTransform) -> BandPowers:
    with torch.no_grad():
        return BandPowers.joined([transform(torch.from_numpy(np.ascontiguousarray(item))[None]) for item in items])


def _log(power: Tensor) -> NDArray[np.float16]:
    logs: NDArray[np.float16] = torch.log10(power + _LEAST_LOG).numpy().astype(np.float16)
    return logs


def _logs(powers: BandPowers) -> NDArray[np.float16]:
    return np.stack([_log(powers.left), _log(powers.right)], axis=1)


def _correlation(powers: BandPowers) -> NDArray[np.float16]:
    mean = torch.sqrt(powers.left * powers.right) + _LEAST_LOG
    found: NDArray[np.float16] = (powers.cross / mean).clamp(-1, 1).numpy().astype(np.float16)
    return found


def _powers(logs: NDArray[np.float16], correlation: NDArray[np.float16]) -> BandPowers:
    """Powers of logs, shape (..., 2, bands, frames)."""
    both = torch.pow(10.0, torch.from_numpy(logs).float())
    left, right = both.unbind(-3)
    cross = torch.from_numpy(correlation).float() * torch.sqrt(left * right)
    return BandPowers(left, right, cross)


def key_of(pair: TuningPair, *depends: object) -> str:
    """Makes a key that changes with every file and with what the passages depend on."""
    facts = [(str(path.resolve()), path.stat()) for path in (*pair.raws.values(), pair.mixed)]
    lines = [f"{name} {fact.st_size} {fact.st_mtime_ns} {fact.st_ino}" for name, fact in facts]
    settled = json.dumps([_VERSION, list(pair.raws), *depends])
    return hashlib.sha256("\n".join([settled, *lines]).encode()).hexdigest()[:16]


def _from_cache(file: Path) -> dict[str, NDArray[Any]] | None:
    """Reads an analysed pair; None if there is none, or its file is damaged."""
    try:
        with np.load(file, allow_pickle=False) as data:
            arrays = {name: data[name] for name in _FIELDS}
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None
    passages, tracks = arrays["present"].shape if arrays["present"].ndim == 2 else (0, 0)
    fits = arrays["raw"].shape[:4] == (passages, tracks, 2, BAND_COUNT) and arrays["mixed"].shape[0] == passages
    return arrays if passages and fits else None
