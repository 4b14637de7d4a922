"""Sessions made of the model, and what their stems must be: whole arrays, one clip after the other, in plain numpy."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import soundfile as sf
from mixbridge.bridge.sessions.core.model import Clip, Fade, Session, SessionTrack

RATE_HZ = 8000


def write_audio(path: Path, samples: np.ndarray, rate_hz: int = RATE_HZ, subtype: str = "FLOAT") -> Path:
    """A file of samples, shape (channels, n)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    sf.write(path, np.atleast_2d(samples).T, rate_hz, subtype=subtype)
    return path


def noise(frames: int, channels: int = 1, seed: int = 0) -> np.ndarray:
    """Noise at -20 dB, shape (channels, frames)."""
    return (0.1 * np.random.default_rng(seed).standard_normal((channels, frames))).astype(np.float32)


def session_of(tmp_path: Path, *tracks: SessionTrack | tuple[Clip, ...], rate_hz: int = RATE_HZ) -> Session:
    """A session; tracks that are given as clips get names."""
    named = tuple(
        item if isinstance(item, SessionTrack) else SessionTrack(f"Track {number + 1}", number, item)
        for number, item in enumerate(tracks)
    )
    return Session(tmp_path / "song.test", "folder", "song", rate_hz, named)


def expected_stem(track: SessionTrack, frames: int) -> np.ndarray:
    """The raw stem of a track whose files have the session's rate, shape (channels, frames), in float64."""
    clips = sorted((clip for clip in track.clips if not clip.mute), key=lambda clip: (clip.layer, clip.position))
    sounds = [_clip_sound(clip) for clip in clips]
    channels = 2 if any(sound.shape[0] > 1 for sound in sounds) else 1
    stem = np.zeros((channels, frames + 10 * 48000))
    before = 10 * 24000
    for clip, sound in zip(clips, sounds, strict=True):
        gains = np.full(clip.length, 10 ** (clip.gain_db / 20) * (-1 if clip.polarity else 1))
        fade_in, fade_out = np.ones(clip.length), np.ones(clip.length)
        for n in range(min(clip.fade_in.length, clip.length)):
            fade_in[n] = rise(clip.fade_in, n)
        for n in range(min(clip.fade_out.length, clip.length)):
            fade_out[-1 - n] = rise(clip.fade_out, n + 1)
        place = slice(before + clip.position, before + clip.position + clip.length)
        if clip.opaque:
            under = np.zeros(clip.length)
            head, tail = clip.fade_in.length, clip.fade_out.length
            under[:head] = 1 - fade_in[:head]
            if tail:
                under[-tail:] = 1 - fade_out[-tail:]
            stem[:, place] *= under
        stem[:, place] += sound[:2] * gains * fade_in * fade_out
    return stem[:, before : before + frames]


def rise(fade: Fade, n: int) -> float:
    """A fade-in's gain, from the formulas on paper."""
    x = n / fade.length
    return {
        "linear": x,
        "constant_power": math.sin(math.pi / 2 * x),
        "fast_start": 2 * x - x**2,
        "fast_end": x**2,
        "faster_start": 1 - (1 - x) ** 4,
        "faster_end": x**4,
        "slow_ends": 3 * x**2 - 2 * x**3,
        "slower_ends": 8 * x**4 if x < 0.5 else 1 - 8 * (1 - x) ** 4,
    }[fade.shape]


def _clip_sound(clip: Clip) -> np.ndarray:
    files = [sf.read(path, always_2d=True)[0].T for path in (clip.source, *clip.split)]
    longest = max(file.shape[1] for file in files)
    whole = np.concatenate([np.pad(file, [(0, 0), (0, longest - file.shape[1])]) for file in files])
    if clip.channels is not None:
        whole = whole[list(clip.channels)]
    if clip.downmix:
        whole = whole.mean(axis=0, keepdims=True)
    if clip.reverse:
        whole = whole[:, ::-1]
    sound = np.zeros((whole.shape[0], clip.length))
    for n in range(clip.length):
        place = round(clip.source_offset) + n
        if clip.loop_frames is not None and place >= clip.loop_start:
            place = int(clip.loop_start + (place - clip.loop_start) % clip.loop_frames)
        if 0 <= place < whole.shape[1]:
            sound[:, n] = whole[:, place]
    return sound
