"""One track's clips as one stream of blocks: gains, fades, and what happens where clips overlap."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from ....presets.errors import SessionError
from ....presets.units import gain_factor
from ....runtime.audio.reading import Samples
from ..core.fades import Gains, automation_values, fade_gains, pan_gains, under_gains
from ..core.model import Clip, Fade, Session, SessionGroup, SessionTrack, gains_on_top
from ..core.routing import acting, silence
from .material import ClipSound, FilePool, clip_channels, naming

# More clips than these at one place of one track are a broken session, and each costs memory.
MOST_AT_ONCE = 256


class TrackSound:
    """The clips of a track, mixed, before its fader.

    Args:
        track: which.
        pool: where its files are.
        sample_rate_hz: of the session.

    Attributes:
        channels: 1 if all clips have one, else 2.

    Raises:
        SessionError: a file of a clip cannot be read; the message names both.
    """

    def __init__(self, track: SessionTrack, pool: FilePool, sample_rate_hz: int):
        self._track, self._pool, self._rate_hz = track, pool, sample_rate_hz
        self._waiting = sorted((clip for clip in track.clips if _is_heard(clip)), key=lambda clip: -clip.position)
        self._playing: list[_Playing] = []
        self._place = 0
        self.channels = track_channels(track, pool)

    def take(self, count: int) -> Samples:
        """Render the next frames of the session, shape (channels, count)."""
        first, end = self._place, self._place + count
        self._place = end
        while self._waiting and self._waiting[-1].position < end:
            self._playing.append(_Playing(self._waiting.pop(), self._rate_hz))
        self._playing.sort(key=lambda playing: (playing.clip.layer, playing.clip.position))
        block: Samples | None = None
        for playing in self._playing:
            block = self._add(block, playing, first, count)
            if playing.clip.end <= end:
                playing.sound = None
        self._playing = [playing for playing in self._playing if playing.clip.end > end]
        if len(self._playing) > MOST_AT_ONCE:
            raise SessionError(
                f"track {self._track.name[:80]!r} has more than {MOST_AT_ONCE} clips at "
                f"{end / self._rate_hz:.1f} s, one of them {self._playing[-1].clip.label[:80]!r}: remove some."
            )
        return np.zeros((self.channels, count), np.float32) if block is None else block

    def _add(self, block: Samples | None, playing: _Playing, first: int, count: int) -> Samples:
        clip = playing.clip
        low, high = max(first, clip.position), min(first + count, clip.end)
        with naming(self._track, clip):
            if playing.sound is None:
                playing.sound = ClipSound(clip, self._pool, self._rate_hz, skip=low - clip.position)
            samples = playing.sound.take(high - low)
        samples = _with_channels(samples, self.channels)
        gains = playing.gains(low - clip.position, high - low)
        if isinstance(gains, np.ndarray) or gains != 1.0:
            samples = samples * np.asarray(gains, np.float32)
        if block is None:
            if high - low == count:
                return samples
            block = np.zeros((self.channels, count), np.float32)
        elif block.base is not None:  # still the samples of a file, which are not ours to change
            block = np.array(block)
        part = block[:, low - first : high - first]
        if clip.opaque:
            part *= playing.under(low - clip.position, high - low).astype(np.float32)
        part += samples
        return block


class TrackFader:
    """What a track's fader, pan, polarity and mute, and those of its groups do to its sound: always two channels.

    Args:
        session: of which.
        track: whose.
    """

    def __init__(self, session: Session, track: SessionTrack):
        self._stages: tuple[SessionTrack | SessionGroup, ...] = (track, *acting(session, track))
        self._silent = silence(session, track) is not None
        self._rate_hz = session.sample_rate_hz
        self._place = 0

    def __call__(self, block: Samples) -> Samples:
        """Render the next frames of the session, shape (2, n), of those before the fader, shape (1 or 2, n)."""
        first, self._place = self._place, self._place + block.shape[1]
        if self._silent:
            return np.zeros((2, block.shape[1]), np.float32)
        sides = _sides(self._stages[0], first, self._place, self._rate_hz)
        for group in self._stages[1:]:
            sides = np.asarray(sides * _sides(group, first, self._place, self._rate_hz))
        return _with_channels(block, 2) * sides.astype(np.float32)


def _sides(stage: SessionTrack | SessionGroup, first: int, end: int, rate_hz: int) -> Gains:
    """Return the gains of the left and right side in frames first..end, shape (2, n); (2, 1) where nothing moves."""
    times_s, on_top = np.zeros(1), gains_on_top(stage)
    if stage.volume or stage.pan_automation or on_top:
        times_s = np.arange(first, end) / rate_hz
    gain = automation_values(stage.volume, times_s) if stage.volume else np.full(1, gain_factor(stage.gain_db))
    for gains in on_top:
        gain = gain * automation_values(gains, times_s)
    pan = automation_values(stage.pan_automation, times_s) if stage.pan_automation else np.full(1, stage.pan)
    left, right = pan_gains(stage.pan_law, pan)
    sign = (-1.0 if stage.polarity_inverted else 1.0) * gain_factor(stage.send_db)
    return np.stack(np.broadcast_arrays(sign * gain * left, sign * gain * right))


def track_channels(track: SessionTrack, pool: FilePool) -> int:
    """Tell how many channels a track's clips need: 1 or 2.

    Raises:
        SessionError: a file of a clip cannot be read.
    """
    for clip in filter(_is_heard, track.clips):
        with naming(track, clip):
            if clip_channels(clip, pool) > 1:
                return 2
    return 1


@dataclass
class _Playing:
    """A clip that sounds now; its files are opened when its turn comes."""

    clip: Clip
    sample_rate_hz: int
    sound: ClipSound | None = None
    _level: float = field(init=False)

    def __post_init__(self) -> None:
        self._level = gain_factor(self.clip.gain_db) * (-1 if self.clip.polarity else 1)

    def gains(self, first: int, count: int) -> float | Gains:
        """Return the gain of frames of the clip: one number if it does not change."""
        clip = self.clip
        gains: float | Gains = self._level
        if clip.envelope:
            gains = gains * automation_values(clip.envelope, np.arange(first, first + count) / self.sample_rate_hz)
        for fade, rising, (low, high, frame) in self._fades(first, count):
            gains = gains if isinstance(gains, np.ndarray) else np.full(count, gains)
            gains[low:high] *= fade_gains(fade, frame, high - low, rising=rising)
        return gains

    def under(self, first: int, count: int) -> Gains:
        """Tell what an opaque clip leaves of those below it."""
        gains = np.zeros(count)
        for fade, rising, (low, high, frame) in self._fades(first, count):
            gains[low:high] = under_gains(fade, frame, high - low, rising=rising)
        return gains

    def _fades(self, first: int, count: int) -> Iterator[tuple[Fade, bool, tuple[int, int, int]]]:
        """List the fades in frames first..first+count of the clip, and whether they rise.

        With each: where it begins and ends in these frames, and which of its own frames is there first.
        """
        fade_in, fade_out = self.clip.fade_in, self.clip.fade_out
        if first < fade_in.length:
            yield fade_in, True, (0, min(count, fade_in.length - first), first)
        start = self.clip.length - fade_out.length
        if first + count > start and fade_out.length:
            low = max(0, start - first)
            yield fade_out, False, (low, count, first + low - start)


def _is_heard(clip: Clip) -> bool:
    return not clip.mute and clip.length > 0 and clip.end > 0


def _with_channels(samples: Samples, channels: int) -> Samples:
    """Put one channel on both sides; of more, the first ones."""
    if samples.shape[0] == channels:
        return samples
    return np.repeat(samples, channels, axis=0) if samples.shape[0] == 1 else samples[:channels]
