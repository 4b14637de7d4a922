"""Training examples on band powers: cached sessions, cut, coloured and mixed at random.

Most examples are paired: the reference is another passage of the same session under settings that are to be found
again. In the others it is foreign, another session's mix or a finished song, and what counts is to come close to it.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional
from torch.utils.data import IterableDataset, get_worker_info

from ...presets.errors import ModelError
from ...presets.roles import ROLES
from ...runtime.model.excerpts import SILENT_LUFS
from .band_cache import CachedSession, RawSession, frames_sounding
from .band_console import TRACK_LEVEL_LUFS, SessionBatch, Settings, loudness_lufs, mix
from .bands import (
    BAND_COUNT,
    FRAME_LENGTH,
    HOP_LENGTH,
    REFERENCE_SAMPLES,
    SAMPLE_RATE_HZ,
    WINDOW_SAMPLES,
    BandPowers,
    band_centres_hz,
)
from .human_draw import human_settings
from .layout import HIGH_CENTROID_HZ, LOW_CENTROID_HZ, random_settings
from .losses import MixFeatures

_log = logging.getLogger(__name__)

SECTION_FRAMES = (WINDOW_SAMPLES // HOP_LENGTH - 1) // (FRAME_LENGTH // HOP_LENGTH)
REFERENCE_FRAMES = (REFERENCE_SAMPLES // HOP_LENGTH - 1) // (FRAME_LENGTH // HOP_LENGTH)
SHORTEST_S = (SECTION_FRAMES + REFERENCE_FRAMES) * FRAME_LENGTH / SAMPLE_RATE_HZ
"""Length of the shortest session that examples are cut from."""
# A sound as short as a track must have is found in a session of an hour in a thousand tries.
_TRIES = 20_000
_LISTED = 5
# A track is taken if a tenth of its frames sound.
_SOUNDING_SHARE = 0.1
_FOREIGN_SHARE = 0.25  # of examples; half of them finished songs, where there are any
_MERGED_SHARE = 0.08  # of sessions are two at once: more tracks than any one has
_DULL_SHARE = 0.1  # of references end at 16 kHz, as MP3 files do
_MONO_SHARE = 0.03
_ODD_SHARE = 0.2  # of sessions are mixed as no engineer would, for odd references
# Of sessions nobody tells a role; of the tracks of the others some have none, and some a wrong one.
_UNTOLD_SESSIONS, _UNTOLD_TRACKS, _WRONG_TRACKS = 0.15, 0.1, 0.03
_DULL_HZ = 15500.0


@dataclass(frozen=True)
class Batch:
    """Sessions to be mixed, and what their references are.

    Attributes:
        session: the passage heard and judged.
        strips: the settings to be found.
        master: likewise.
        reference: what is to be approached, shape (batch, bands, frames).
        paired: whether the reference is another passage of the same song under these settings, shape (batch,).
        aim: what the mix should sound like: under the true settings, or as the reference where that is foreign.
        roles: of the tracks, numbers in :data:`.ROLES`, -1 where nobody knows, shape (batch, tracks). What the model is
            told stands in the session, and is less.
    """

    session: SessionBatch
    strips: Settings
    master: Settings
    reference: BandPowers
    paired: Tensor
    aim: MixFeatures
    roles: Tensor


@dataclass(frozen=True)
class _Pick:
    """Two passages of a session, shape (tracks, bands, frames), with its tracks' mono flags and roles."""

    heard: BandPowers
    other: BandPowers
    mono: Tensor
    roles: Tensor

    def joined(self, more: _Pick) -> _Pick:
        """Puts the tracks of two sessions side by side."""
        return _Pick(
            BandPowers.joined([self.heard, more.heard]),
            BandPowers.joined([self.other, more.other]),
            torch.cat((self.mono, more.mono)),
            torch.cat((self.roles, more.roles)),
        )

    def first(self, most: int) -> _Pick:
        """Keeps no more than so many tracks."""
        heard, other = (item.map(lambda power: power[:most]) for item in (self.heard, self.other))
        return _Pick(heard, other, self.mono[:most], self.roles[:most])


def usable(sessions: Sequence[CachedSession]) -> list[CachedSession]:
    """Keeps the sessions that examples can be cut from, and warns of the others.

    Raises:
        ModelError: there is none.
    """
    lacks = {session.name: _lack(session) for session in sessions}
    reasons = [f"{name} {lack}" for name, lack in lacks.items() if lack]
    if reasons:
        rest = f" and {len(reasons) - _LISTED} more" if len(reasons) > _LISTED else ""
        listing = "; ".join(reasons[:_LISTED]) + rest
        if len(reasons) == len(sessions):
            raise ModelError(f"no session can be trained on: {listing}; add sessions of {SHORTEST_S:.0f} s or more")
        _log.warning("left out: %s", listing)
    return [session for session in sessions if not _lack(session)]


def _lack(session: CachedSession) -> str:
    """Says why no example can be cut from a session; empty if one can."""
    frames = session.level.shape[-1]
    slack = frames - SECTION_FRAMES - REFERENCE_FRAMES
    if slack < 0:
        return f"is shorter than {SHORTEST_S:.0f} s"
    sounding = frames_sounding(session.level)
    counts: NDArray[np.int64] = np.cumsum(np.pad(sounding, ((0, 0), (1, 0))), axis=1)
    shares = (counts[:, SECTION_FRAMES:] - counts[:, :-SECTION_FRAMES]) / SECTION_FRAMES
    starts = [*range(slack + 1), *range(REFERENCE_FRAMES, REFERENCE_FRAMES + slack + 1)]
    return "" if (shares[:, starts] > _SOUNDING_SHARE).any() else "is silent"


class MixExamples(IterableDataset[Batch]):
    """Endless batches of examples. Each is drawn from the seed and its number alone, so that a run can go on anywhere.

    Args:
        sessions: what to draw from.
        batch_size: sessions per batch.
        max_tracks: a larger session is thinned out at random.
        seed: of all that is drawn.
        songs: finished songs, for foreign references.
        augment: thin out, colour, merge and mirror tracks (training), or take sessions as they are, all paired
            (validation).
        first: number of the first batch.

    Raises:
        ModelError: no example can be cut from any session.
    """

    def __init__(
        self,
        sessions: Sequence[CachedSession],
        batch_size: int,
        max_tracks: int,
        seed: int,
        songs: Sequence[CachedSession] = (),
        augment: bool = True,
        first: int = 0,
    ) -> None:
        # In float32 and linear from here on: half a gigabyte an hour of sessions, and no powers of ten per batch.
        self.sessions = [RawSession.of(item) for item in usable(sessions)]
        self.songs = [RawSession.of(item) for item in songs if item.level.shape[-1] >= REFERENCE_FRAMES]
        self.batch_size, self.max_tracks, self.seed, self.augment = batch_size, max_tracks, seed, augment
        self.first = first

    def __iter__(self) -> Iterator[Batch]:
        worker = get_worker_info()
        start, step = (0, 1) if worker is None else (worker.id, worker.num_workers)
        return (self.batch(number) for number in count(self.first + start, step))

    def batch(self, number: int) -> Batch:
        """Draws the batch of this number."""
        numbers = np.random.default_rng([self.seed, number])
        return self._draw(numbers, torch.Generator().manual_seed(int(numbers.integers(2**63))))

    def _draw(self, numbers: np.random.Generator, generator: torch.Generator) -> Batch:
        picks = [self._pick(numbers) for _ in range(self.batch_size)]
        counts = torch.tensor([len(pick.mono) for pick in picks])
        present = torch.arange(int(counts.max())) < counts[:, None]
        mono, roles = torch.zeros_like(present), torch.full(present.shape, -1)
        mono[present] = torch.cat([pick.mono for pick in picks])
        roles[present] = torch.cat([pick.roles for pick in picks])
        heard, other = (
            BandPowers.joined([pick.heard for pick in picks]),
            BandPowers.joined([pick.other for pick in picks]),
        )
        # A stereo file's loudness sums both channels; a mono file has one, though both are filled here.
        level = loudness_lufs(heard) - 10 * np.log10(2) * mono[present]
        loud = _at_least_one(level > SILENT_LUFS, present)
        gain = torch.pow(10, (TRACK_LEVEL_LUFS - level[loud]) / 20)[:, None, None]
        heard, other = (item.map(lambda power: power[loud]).scaled(gain, gain) for item in (heard, other))
        present = present.masked_scatter(present, loud)
        centroid_hz = torch.zeros(present.shape).masked_scatter(present, _centroid_hz(heard))
        low, high = present & (centroid_hz < LOW_CENTROID_HZ), centroid_hz > HIGH_CENTROID_HZ
        strips, master = self._settings(roles, low, high, mono, generator)
        session = SessionBatch(heard, mono, present, self._told(roles, numbers))
        with torch.no_grad():
            reference = mix(SessionBatch(other, mono, present), strips, master)
            aim = MixFeatures.of(mix(session, strips, master))
            paired = torch.ones(self.batch_size, dtype=torch.bool)
            if self.augment:
                reference, paired = self._with_foreign(reference, numbers)
                aim = aim.where(paired, MixFeatures.of(reference))
                reference = _as_delivered(reference, numbers)
        return Batch(session, strips, master, reference, paired, aim, roles)

    def _settings(
        self, roles: Tensor, low: Tensor, high: Tensor, mono: Tensor, generator: torch.Generator
    ) -> tuple[Settings, Settings]:
        """Draws settings as people set them by role, and as nobody does for some sessions of the training."""
        strips, master = human_settings(roles, mono, generator)
        if not self.augment:
            return strips, master
        odd_strips, odd_master = random_settings(low, mono, generator, high)
        odd = torch.rand(len(mono), generator=generator) < _ODD_SHARE
        return (
            {path: torch.where(odd[:, None], odd_strips[path], value) for path, value in strips.items()},
            {path: torch.where(odd, odd_master[path], value) for path, value in master.items()},
        )

    def _told(self, roles: Tensor, numbers: np.random.Generator) -> Tensor:
        """Gives what the model is told of roles, shape (batch, tracks, roles)."""
        if self.augment:
            draw = torch.from_numpy(numbers.random(roles.shape))
            wrong = torch.from_numpy(numbers.integers(len(ROLES), size=roles.shape))
            untold = torch.from_numpy(numbers.random((len(roles), 1)) < _UNTOLD_SESSIONS)
            roles = torch.where(draw < _WRONG_TRACKS, wrong, roles)
            roles = roles.masked_fill((draw > 1 - _UNTOLD_TRACKS) | untold, -1)
        return functional.one_hot(roles + 1, len(ROLES) + 1)[..., 1:].float()

    def _pick(self, numbers: np.random.Generator) -> _Pick:
        """Draws two passages of one session, or now and then of two at once."""
        pick = self._pick_one(numbers)
        if self.augment and numbers.random() < _MERGED_SHARE:
            pick = pick.joined(self._pick_one(numbers))
        pick = pick.first(self.max_tracks)
        if not self.augment:
            return pick
        gain = _random_colour(len(pick.mono), numbers)
        swap = torch.from_numpy(numbers.random((len(pick.mono), 1, 1)) < 0.5)
        heard, other = (_mirrored(item.scaled(gain, gain), swap) for item in (pick.heard, pick.other))
        return _Pick(heard, other, pick.mono, pick.roles)

    def _pick_one(self, numbers: np.random.Generator) -> _Pick:
        for _ in range(_TRIES):
            session = self.sessions[int(numbers.integers(len(self.sessions)))]
            first, second = _two_starts(session.frames, numbers)
            chosen = self._choose_tracks(session, first, numbers)
            if len(chosen):
                return _Pick(
                    session.section(chosen, first, SECTION_FRAMES),
                    session.section(chosen, second, REFERENCE_FRAMES),
                    session.mono[chosen],
                    session.roles[chosen],
                )
        raise ModelError("the sessions are nearly silent: hardly any passage has a track that sounds; add others")

    def _choose_tracks(self, session: RawSession, start: int, numbers: np.random.Generator) -> Tensor:
        """Chooses tracks that sound for a tenth of the passage, thinned out and shuffled; gives their indices."""
        part = session.sounding[:, start : start + SECTION_FRAMES]
        active = np.flatnonzero(part.mean(axis=1) > _SOUNDING_SHARE)
        tracks = min(len(active), self.max_tracks)
        if self.augment and tracks > 1 and numbers.random() < 0.4:
            tracks = int(numbers.integers(1, tracks + 1))
        return torch.from_numpy(numbers.permutation(active)[:tracks])

    def _with_foreign(self, own: BandPowers, numbers: np.random.Generator) -> tuple[BandPowers, Tensor]:
        """Replaces some references by another session's mix or a song; True where they are still paired."""
        channels = [channel.clone() for channel in (own.left, own.right, own.cross)]
        paired = torch.ones(self.batch_size, dtype=torch.bool)
        for row in np.flatnonzero(numbers.random(self.batch_size) < _FOREIGN_SHARE):
            paired[row] = False
            if self.songs and numbers.random() < 0.5:
                song = self.songs[int(numbers.integers(len(self.songs)))]
                start = int(numbers.integers(0, song.frames - REFERENCE_FRAMES + 1))
                passage = song.section(torch.zeros(1, dtype=torch.long), start, REFERENCE_FRAMES)
                tone = _random_colour(1, numbers)
                passage = _mirrored(passage.scaled(tone, tone), torch.tensor(numbers.random() < 0.5))
                parts = [part[0] for part in (passage.left, passage.right, passage.cross)]
            else:
                other = (row + int(numbers.integers(1, max(2, self.batch_size)))) % self.batch_size
                parts = [part[other] for part in (own.left, own.right, own.cross)]
            if numbers.random() < _MONO_SHARE / _FOREIGN_SHARE:
                middle = (parts[0] + parts[1] + 2 * parts[2]).clamp(min=0) / 4
                parts = [middle, middle, middle]
            for channel, part in zip(channels, parts, strict=True):
                channel[row] = part
        return BandPowers(*channels), paired


def _at_least_one(loud: Tensor, present: Tensor) -> Tensor:
    """Marks all tracks of a session of which none is loud: a session without tracks has no mix."""
    rows = present.nonzero()[:, 0]
    heard = torch.zeros_like(present).masked_scatter(present, loud).any(1)
    return loud | ~heard[rows]


def _two_starts(frames: int, numbers: np.random.Generator) -> tuple[int, int]:
    """Draws where the passage heard and that of the reference begin; they do not overlap, either comes first."""
    slack = frames - SECTION_FRAMES - REFERENCE_FRAMES
    a, b = sorted(int(x) for x in numbers.integers(0, slack + 1, 2))
    if numbers.random() < 0.5:
        return a, b + SECTION_FRAMES
    return b + REFERENCE_FRAMES, a


def _as_delivered(powers: BandPowers, numbers: np.random.Generator) -> BandPowers:
    """Takes the highs from some references, as lossy files come."""
    dull = torch.from_numpy(numbers.random((powers.left.shape[0], 1, 1)) < _DULL_SHARE)
    gain = torch.where(dull & (band_centres_hz()[:, None] > _DULL_HZ), torch.tensor(0.01), torch.ones(()))
    return powers.scaled(gain, gain)


def _random_colour(tracks: int, numbers: np.random.Generator) -> Tensor:
    """Draws a smooth tone per track (microphone, amp), as amplitude of shape (tracks, bands, 1)."""
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


def _centroid_hz(powers: BandPowers) -> Tensor:
    spectrum = (powers.left + powers.right).mean(-1)
    return (spectrum * band_centres_hz()).sum(-1) / spectrum.sum(-1).clamp(min=1e-12)
