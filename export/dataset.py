"""Training examples on band powers: sessions from disk, cached once, then cut, coloured and mixed at random.

A session is a folder with a `meta.json`, whose content is its maker's business, and one audio file per raw track.
The cache keeps 2 bytes per band and frame.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile as sf
import soxr
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import IterableDataset

from .band_console import TRACK_LEVEL_LUFS, Session, Settings, loudness_lufs, mix
from .bands import (
    BAND_COUNT,
    FFT_LENGTH,
    FRAME_LENGTH,
    HOP_LENGTH,
    SAMPLE_RATE_HZ,
    WINDOW_SAMPLES,
    BandPowers,
    BandPowerTransform,
    band_centres_hz,
)
from .compact_layout import random_settings

AUDIO_ENDINGS = (".wav", ".flac", ".ogg", ".aiff", ".aif", ".mp3")
SECTION_FRAMES = (WINDOW_SAMPLES // HOP_LENGTH - 1) // (FRAME_LENGTH // HOP_LENGTH)
_SILENT_LUFS = -60.0
_LOW_CENTROID_HZ = 250.0
# A frame sounds if a band of it is above -50 dB; a track is taken if a tenth of its frames do.
_SOUNDING_LOG_POWER = -5.0
_SOUNDING_SHARE = 0.1
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
class Batch:
    """Sessions to be mixed, and what their references are.

    Attributes:
        session: the passage heard and judged.
        strips: the settings to be found.
        master: likewise.
        reference: another passage of the same songs under these settings, shape (batch, bands, frames).
    """

    session: Session
    strips: Settings
    master: Settings
    reference: BandPowers


def session_folders(corpus: Path) -> list[Path]:
    """Every folder below that holds a session, sorted by name."""
    return sorted(path.parent for path in corpus.rglob("meta.json"))


def stem_files(folder: Path) -> list[Path]:
    """The audio files of a session, sorted by name."""
    return sorted(path for path in folder.iterdir() if path.suffix.lower() in AUDIO_ENDINGS)


def read_stereo(path: Path) -> tuple[NDArray[np.float32], bool]:
    """A file at the model's rate, shape (2, samples), and whether it was mono."""
    audio, rate = sf.read(path, dtype="float32", always_2d=True)
    if rate != SAMPLE_RATE_HZ:
        audio = soxr.resample(audio, rate, SAMPLE_RATE_HZ)
    mono = audio.shape[1] == 1
    stereo = np.repeat(audio, 2, axis=1) if mono else audio[:, :2]
    return np.ascontiguousarray(stereo.T, dtype=np.float32), mono


def load_session(folder: Path, cache: Path, transform: BandPowerTransform) -> CachedSession:
    """A session's powers, from the cache or analysed now."""
    key = hashlib.sha256(f"{_CACHE_VERSION} {folder.resolve()} {folder.stat().st_mtime_ns}".encode()).hexdigest()[:16]
    file = cache / f"{folder.name}-{key}.npz"
    if file.exists():
        with np.load(file, allow_pickle=False) as data:
            return CachedSession(folder.name, data["level"], data["correlation"], data["mono"])
    session = _analyse(folder, transform)
    cache.mkdir(parents=True, exist_ok=True)
    partial = file.with_suffix(".partial.npz")
    np.savez(partial, level=session.level, correlation=session.correlation, mono=session.mono)
    partial.replace(file)
    return session


def _analyse(folder: Path, transform: BandPowerTransform) -> CachedSession:
    stereo = [read_stereo(path) for path in stem_files(folder)]
    length = max(audio.shape[1] for audio, _ in stereo)
    levels, correlations = [], []
    for audio, _ in stereo:
        powers = analyse_long(np.pad(audio, ((0, 0), (0, length - audio.shape[1]))), transform)
        pair = torch.cat((powers.left, powers.right))
        levels.append(torch.log10(pair + 1e-14).numpy().astype(np.float16))
        mean = torch.sqrt(powers.left * powers.right) + 1e-14
        correlations.append((powers.cross / mean)[0].clamp(-1, 1).numpy().astype(np.float16))
    return CachedSession(folder.name, np.stack(levels), np.stack(correlations), np.array([mono for _, mono in stereo]))


def analyse_long(audio: NDArray[np.float32], transform: BandPowerTransform) -> BandPowers:
    """Powers of a whole file, shape (1, bands, frames), in pieces that stay in the processor's cache."""
    step = 32 * FRAME_LENGTH
    stops = range(0, audio.shape[1] - FFT_LENGTH + 1, step)
    with torch.no_grad():
        pieces = [transform(torch.from_numpy(audio[None, :, at : at + step + HOP_LENGTH])) for at in stops]
    return BandPowers(
        *(torch.cat(rows, dim=-1) for rows in zip(*((p.left, p.right, p.cross) for p in pieces), strict=True))
    )


class MixExamples(IterableDataset[Batch]):
    """Endless batches of examples, deterministic by seed.

    Args:
        sessions: what to draw from.
        batch_size: sessions per batch.
        max_tracks: a larger session is thinned out at random.
        seed: of all that is drawn.
        augment: thin out, colour and mirror tracks (training), or take sessions as they are (validation).
    """

    def __init__(
        self,
        sessions: Sequence[CachedSession],
        batch_size: int,
        max_tracks: int,
        seed: int,
        augment: bool = True,
    ) -> None:
        # In float32 and linear from here on: a gigabyte for two hours of sessions, and no powers of ten per batch.
        self.sessions = [_Raw.of(session) for session in sessions if session.level.shape[-1] >= 2 * SECTION_FRAMES]
        self.batch_size, self.max_tracks, self.seed, self.augment = batch_size, max_tracks, seed, augment

    def __iter__(self) -> Iterator[Batch]:
        numbers = np.random.default_rng(self.seed)
        generator = torch.Generator().manual_seed(self.seed)
        while True:
            yield self._batch(numbers, generator)

    def _batch(self, numbers: np.random.Generator, generator: torch.Generator) -> Batch:
        picks = [self._pick(numbers) for _ in range(self.batch_size)]
        tracks = max(mono.shape[0] for _, _, mono in picks)
        heard = _stack([item for item, _, _ in picks], tracks)
        other = _stack([item for _, item, _ in picks], tracks)
        mono = torch.zeros(self.batch_size, tracks, dtype=torch.bool)
        present = torch.zeros_like(mono)
        for row, (_, _, flags) in enumerate(picks):
            mono[row, : len(flags)] = flags
            present[row, : len(flags)] = True
        level = loudness_lufs(heard)
        # A stereo file's loudness sums both channels; a mono file has one, though both are filled here.
        level = level - 10 * np.log10(2) * mono
        present &= level > _SILENT_LUFS
        gain = torch.pow(10, (TRACK_LEVEL_LUFS - level) / 20).where(present, torch.zeros(()))[..., None, None]
        heard, other = heard.scaled(gain, gain), other.scaled(gain, gain)
        strips, master = random_settings(_is_low(heard) & present, mono, generator)
        with torch.no_grad():
            reference = mix(Session(other, mono, present), strips, master)
        return Batch(Session(heard, mono, present), strips, master, reference)

    def _pick(self, numbers: np.random.Generator) -> tuple[BandPowers, BandPowers, Tensor]:
        """Two passages of one session: shapes (tracks, bands, frames), and which tracks are mono."""
        while True:
            session = self.sessions[int(numbers.integers(len(self.sessions)))]
            first, second = _two_starts(session.powers.left.shape[-1], numbers)
            chosen = self._choose_tracks(session, first, numbers)
            if len(chosen):
                break
        mono = session.mono[chosen]
        passages = [_section(session.powers, chosen, start) for start in (first, second)]
        if self.augment:
            gain = _random_colour(len(chosen), numbers)
            swap = torch.from_numpy(numbers.random((len(chosen), 1, 1)) < 0.5)
            passages = [_mirrored(item.scaled(gain, gain), swap) for item in passages]
        return passages[0], passages[1], mono

    def _choose_tracks(self, session: _Raw, start: int, numbers: np.random.Generator) -> Tensor:
        """Indices of tracks that sound for a tenth of the passage, thinned out and shuffled."""
        part = session.sounding[:, start : start + SECTION_FRAMES]
        active = np.flatnonzero(part.mean(axis=1) > _SOUNDING_SHARE)
        count = min(len(active), self.max_tracks)
        if self.augment and count > 1 and numbers.random() < 0.4:
            count = int(numbers.integers(1, count + 1))
        return torch.from_numpy(numbers.permutation(active)[:count])


@dataclass(frozen=True)
class _Raw:
    """A session to cut from: powers (tracks, bands, frames), mono (tracks,), which frames sound (tracks, frames)."""

    powers: BandPowers
    mono: Tensor
    sounding: NDArray[np.bool_]

    @classmethod
    def of(cls, session: CachedSession) -> _Raw:
        level = torch.pow(10, torch.from_numpy(session.level.astype(np.float32)))
        left, right = level[:, 0].contiguous(), level[:, 1].contiguous()
        cross = torch.from_numpy(session.correlation.astype(np.float32)) * torch.sqrt(left * right)
        sounding = session.level.max(axis=(1, 2)) > _SOUNDING_LOG_POWER
        return cls(BandPowers(left, right, cross), torch.from_numpy(session.mono), sounding)


def _two_starts(frames: int, numbers: np.random.Generator) -> tuple[int, int]:
    """Two sections that do not overlap, either one first."""
    slack = frames - 2 * SECTION_FRAMES
    a, b = sorted(int(x) for x in numbers.integers(0, slack + 1, 2))
    starts = (a, b + SECTION_FRAMES)
    return starts if numbers.random() < 0.5 else (starts[1], starts[0])


def _section(powers: BandPowers, chosen: Tensor, start: int) -> BandPowers:
    part = slice(start, start + SECTION_FRAMES)
    return BandPowers(powers.left[chosen, :, part], powers.right[chosen, :, part], powers.cross[chosen, :, part])


def _stack(items: list[BandPowers], tracks: int) -> BandPowers:
    shape = (len(items), tracks, BAND_COUNT, SECTION_FRAMES)
    left, right, cross = torch.zeros(shape), torch.zeros(shape), torch.zeros(shape)
    for row, item in enumerate(items):
        count = item.left.shape[0]
        left[row, :count], right[row, :count], cross[row, :count] = item.left, item.right, item.cross
    return BandPowers(left, right, cross)


def _random_colour(tracks: int, numbers: np.random.Generator) -> Tensor:
    """A smooth random tone per track (another microphone, another amp), as amplitude of shape (tracks, bands, 1)."""
    knots = numbers.normal(0, 3, (tracks, 6)) * (numbers.random((tracks, 1)) < 0.7)
    at = np.linspace(0, BAND_COUNT - 1, 6)
    curve_db = np.stack([np.interp(np.arange(BAND_COUNT), at, row) for row in knots])
    return torch.from_numpy(10 ** (curve_db / 20)).float()[..., None]


def _mirrored(powers: BandPowers, swap: Tensor) -> BandPowers:
    return BandPowers(
        torch.where(swap, powers.right, powers.left),
        torch.where(swap, powers.left, powers.right),
        powers.cross,
    )


def _is_low(powers: BandPowers) -> Tensor:
    spectrum = (powers.left + powers.right).mean(-1)
    centroid = (spectrum * band_centres_hz()).sum(-1) / spectrum.sum(-1).clamp(min=1e-12)
    return centroid < _LOW_CENTROID_HZ
