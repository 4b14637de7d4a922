"""Sessions as band powers on disk and in memory: analysed once, 2 bytes per band and frame.

A session is a folder with a `meta.json`, whose content is its maker's business, and one audio file per raw track.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile as sf
import soxr
import torch
from numpy.typing import NDArray
from torch import Tensor

from ...presets.errors import ModelError
from ...runtime.audio.reading import as_stereo
from .bands import FRAME_LENGTH, HOP_LENGTH, SAMPLE_RATE_HZ, BandPowers, BandPowerTransform

AUDIO_ENDINGS = (".wav", ".flac", ".ogg", ".aiff", ".aif", ".mp3")
# A frame sounds if a band of it is above -50 dB.
_SOUNDING_LOG_POWER = -5.0
_CACHE_VERSION = 2


@dataclass(frozen=True)
class CachedSession:
    """One session's powers in float16.

    Attributes:
        name: of its folder.
        level: log10 power of left and right, shape (tracks, 2, bands, frames).
        correlation: cross power over sqrt(left * right), shape (tracks, bands, frames).
        mono: shape (tracks,).
    """

    name: str
    level: NDArray[np.float16]
    correlation: NDArray[np.float16]
    mono: NDArray[np.bool_]


@dataclass(frozen=True)
class RawSession:
    """A session to cut from.

    Attributes:
        powers: shape (tracks, bands, frames).
        mono: shape (tracks,).
        sounding: which frames sound, shape (tracks, frames).
    """

    powers: BandPowers
    mono: Tensor
    sounding: NDArray[np.bool_]

    @classmethod
    def of(cls, session: CachedSession) -> RawSession:
        """Unpacked."""
        level = torch.pow(10, torch.from_numpy(session.level.astype(np.float32)))
        left, right = level[:, 0].contiguous(), level[:, 1].contiguous()
        cross = torch.from_numpy(session.correlation.astype(np.float32)) * torch.sqrt(left * right)
        sounding = session.level.max(axis=(1, 2)) > _SOUNDING_LOG_POWER
        return cls(BandPowers(left, right, cross), torch.from_numpy(session.mono), sounding)

    @property
    def frames(self) -> int:
        """Its length."""
        return self.powers.left.shape[-1]

    def section(self, chosen: Tensor, start: int, frames: int) -> BandPowers:
        """A passage of some tracks, shape (tracks, bands, frames)."""
        return self.powers.map(lambda item: item[chosen, :, start : start + frames])


def session_folders(corpus: Path) -> list[Path]:
    """Every folder below that holds a session, sorted by name."""
    return sorted(path.parent for path in corpus.rglob("meta.json"))


def stem_files(folder: Path) -> list[Path]:
    """The audio files of a session, sorted by name."""
    return sorted(path for path in folder.iterdir() if path.suffix.lower() in AUDIO_ENDINGS)


def read_stereo(path: Path) -> tuple[NDArray[np.float32], bool]:
    """A file at the model's rate, shape (2, samples), and whether it was mono."""
    audio, mono = _read(path)
    return as_stereo(audio), mono


def load_corpus(
    corpus: Path, cache: Path, choose: Callable[[list[Path]], list[Path]] | None = None
) -> list[CachedSession]:
    """Sessions below a folder, analysed or from the cache.

    Args:
        corpus: the folder.
        cache: keeps what was analysed.
        choose: of all folders of sessions those to load; None takes all.

    Raises:
        ModelError: there is none.
    """
    from rich.progress import track

    folders = session_folders(corpus)
    if not folders:
        raise ModelError(
            f"{corpus}: no sessions found; a session is a folder with meta.json and one audio file a track"
        )
    if choose is not None:
        folders = choose(folders)
    transform = BandPowerTransform()
    return [load_session(folder, cache, transform) for folder in track(folders, "Analysing sessions")]


def load_songs(folder: Path, cache: Path) -> list[CachedSession]:
    """Every finished song in a folder, as a session of one track."""
    transform = BandPowerTransform()
    return [_cached(path, [path], cache, transform) for path in stem_files(folder)]


def load_session(folder: Path, cache: Path, transform: BandPowerTransform) -> CachedSession:
    """A session's powers, from the cache or analysed now."""
    return _cached(folder, stem_files(folder), cache, transform)


def analyse_long(audio: NDArray[np.float32], transform: BandPowerTransform) -> BandPowers:
    """Powers of a whole file of 1 or 2 channels, shape (1, bands, frames), in pieces that fit the processor's cache."""
    step = 32 * FRAME_LENGTH
    least = FRAME_LENGTH + HOP_LENGTH  # a frame is two transforms
    stops = range(0, audio.shape[1] - least + 1, step)
    with torch.no_grad():
        pieces = [transform(torch.from_numpy(audio[None, :, at : at + step + HOP_LENGTH])) for at in stops]
    return BandPowers.joined(pieces, dim=-1)


def _cached(place: Path, files: Sequence[Path], cache: Path, transform: BandPowerTransform) -> CachedSession:
    key = hashlib.sha256(f"{_CACHE_VERSION} {place.resolve()} {place.stat().st_mtime_ns}".encode()).hexdigest()[:16]
    file = cache / f"{place.name}-{key}.npz"
    if file.exists():
        with np.load(file, allow_pickle=False) as data:
            return CachedSession(place.name, data["level"], data["correlation"], data["mono"])
    session = _analyse(place.name, files, transform)
    cache.mkdir(parents=True, exist_ok=True)
    partial = file.with_suffix(".partial.npz")
    np.savez(partial, level=session.level, correlation=session.correlation, mono=session.mono)
    partial.replace(file)
    return session


def _analyse(name: str, files: Sequence[Path], transform: BandPowerTransform) -> CachedSession:
    tracks = [_read(path) for path in files]
    length = max(audio.shape[1] for audio, _ in tracks)
    levels, correlations = [], []
    for audio, _ in tracks:
        powers = analyse_long(np.pad(audio, ((0, 0), (0, length - audio.shape[1]))), transform)
        pair = torch.cat((powers.left, powers.right))
        levels.append(torch.log10(pair + 1e-14).numpy().astype(np.float16))
        mean = torch.sqrt(powers.left * powers.right) + 1e-14
        correlations.append((powers.cross / mean)[0].clamp(-1, 1).numpy().astype(np.float16))
    return CachedSession(name, np.stack(levels), np.stack(correlations), np.array([mono for _, mono in tracks]))


def _read(path: Path) -> tuple[NDArray[np.float32], bool]:
    """A file at the model's rate, shape (1 or 2, samples), and whether it is mono."""
    audio, rate = sf.read(path, dtype="float32", always_2d=True)
    if rate != SAMPLE_RATE_HZ:
        audio = soxr.resample(audio, rate, SAMPLE_RATE_HZ)
    return np.ascontiguousarray(audio[:, :2].T, dtype=np.float32), audio.shape[1] == 1
