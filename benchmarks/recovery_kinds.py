"""Recovers one pair of each kind that people bring, and says what is left of the distance, or that it was refused.

    python benchmarks/recovery_kinds.py VOICE.flac OTHER.flac                all kinds; half a minute each
    python benchmarks/recovery_kinds.py VOICE.flac OTHER.flac --only mp3,wrong-take

VOICE is the raw track, OTHER another one that must be refused. Exits with 1 if a pair is refused that is one, the
other way round, or what is rendered is not finite.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Mapping
from io import BytesIO
from pathlib import Path

import numpy as np
import soundfile as sf
import soxr
from mixbridge.export.pairs.check import NoPairError
from mixbridge.export.recovery.track import recover_track
from mixbridge.export.studies.recovery_pairs import drawn_values, foreign_pair, loudness_of, own_pair
from mixbridge.runtime.audio.reading import Samples
from pedalboard import Compressor, Delay, Distortion, HighpassFilter, Limiter, LowpassFilter, NoiseGate, Reverb
from pedalboard._pedalboard import Pedalboard
from pedalboard.io import AudioFile
from scipy.signal import butter, fftconvolve, sosfilt

Made = tuple[Samples, Samples]
Kind = Callable[[Samples, Samples, int], Made]
_SEED, _SECONDS = 3, 10.0


def _mixed(raw: Samples, rate_hz: int) -> Samples:
    return own_pair(raw, rate_hz, drawn_values(np.random.default_rng(_SEED), loudness_of(raw, rate_hz))).mixed


def _foreign(raw: Samples, rate_hz: int) -> Samples:
    return foreign_pair(raw, rate_hz, drawn_values(np.random.default_rng(_SEED), loudness_of(raw, rate_hz))).mixed


def _by(*processors: object) -> Kind:
    def make(raw: Samples, other: Samples, rate_hz: int) -> Made:
        return raw, Pedalboard(list(processors))(np.repeat(raw, 2, axis=0), rate_hz)  # type: ignore[arg-type]

    return make


def _after(change: Callable[[Samples, int], Samples]) -> Kind:
    """Own processors, then something that happens to files."""
    return lambda raw, other, rate_hz: (raw, np.ascontiguousarray(change(_mixed(raw, rate_hz), rate_hz), np.float32))


def _as_mp3(mixed: Samples, rate_hz: int) -> Samples:
    coded = BytesIO()
    with AudioFile(coded, "w", rate_hz, 2, quality="128", format="mp3") as file:
        file.write(mixed / max(1.0, float(np.abs(mixed).max())))
    coded.seek(0)
    return sf.read(coded, dtype="float32", always_2d=True)[0].T


def _limited(mixed: Samples, rate_hz: int) -> Samples:
    hot = (4 * mixed / np.abs(mixed).max()).astype(np.float32)
    return Pedalboard([Limiter(threshold_db=-1, release_ms=50)])(hot, rate_hz)


def _faded(mixed: Samples, rate_hz: int) -> Samples:
    fade = np.linspace(0, 1, 3 * rate_hz)
    gains = np.ones(mixed.shape[1])
    gains[: fade.size], gains[-fade.size :] = fade, fade[::-1]
    return mixed * gains


def _delayed(mixed: Samples, rate_hz: int) -> Samples:
    size = mixed.shape[1] + 4096
    turn = np.exp(-2j * np.pi * np.fft.rfftfreq(size) * 1234.37)
    return np.fft.irfft(np.fft.rfft(mixed, size) * turn, size)


def _in_noise_room(raw: Samples, other: Samples, rate_hz: int) -> Made:
    rng, times_s = np.random.default_rng(1), np.arange(round(1.8 * rate_hz)) / rate_hz
    room = rng.standard_normal((2, times_s.size)) * np.exp(-4.6 * times_s)
    room = sosfilt(butter(2, 5000, fs=rate_hz, output="sos"), room)
    wet = np.stack([fftconvolve(raw[0], row)[: raw.shape[1]] for row in room])
    wet *= 0.35 * np.sqrt(np.square(raw).mean() / np.square(wet).mean())
    return raw, (raw + wet).astype(np.float32)


PAIRS: Mapping[str, Kind] = {
    "own": _after(lambda mixed, rate_hz: mixed),
    "foreign": lambda raw, other, rate_hz: (raw, _foreign(raw, rate_hz)),
    "five-seconds": lambda raw, other, rate_hz: (raw[:, : 5 * rate_hz], _foreign(raw[:, : 5 * rate_hz], rate_hz)),
    "upside-down": _after(lambda mixed, rate_hz: -mixed),
    "one-side-upside-down": _after(lambda mixed, rate_hz: mixed * [[1], [-1]]),
    "mp3": _after(_as_mp3),
    "brick-wall": _after(_limited),
    "clipped": _after(lambda mixed, rate_hz: np.clip(3 * mixed / np.abs(mixed).max(), -1, 1)),
    "fades": _after(_faded),
    "fraction-of-a-sample": _after(_delayed),
    "drift-200-ppm": _after(lambda mixed, rate_hz: soxr.resample(mixed.T, rate_hz, rate_hz * 1.0002).T),
    "mono-mix": _after(lambda mixed, rate_hz: mixed.mean(axis=0, keepdims=True)),
    "only-louder": lambda raw, other, rate_hz: (raw, 2 * np.repeat(raw, 2, axis=0)),
    "dense": _by(HighpassFilter(90), Compressor(-28, 6, 1, 50), Reverb(room_size=0.2, wet_level=0.06, dry_level=1)),
    "telephone": _by(HighpassFilter(500), LowpassFilter(3000), Compressor(-30, 8, 1, 50)),
    "distortion": _by(Distortion(18), LowpassFilter(6000)),
    "echoes": _by(Compressor(-26, 4, 3, 60), Delay(0.37, 0.35, 0.3)),
    "gate": _by(NoiseGate(-45, 8, 1, 80)),
    "convolved-room": _in_noise_room,
}
NO_PAIRS: Mapping[str, Kind] = {
    "wrong-take": lambda raw, other, rate_hz: (raw, _mixed(other, rate_hz)),
    "reversed": lambda raw, other, rate_hz: (raw, np.ascontiguousarray(raw[:, ::-1])),
    "noise": lambda raw, other, rate_hz: (raw, 0.1 * np.random.default_rng(0).standard_normal(raw.shape, np.float32)),
}


def main() -> int:
    """Runs the kinds; 0 if all is as it should be."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("voice", type=Path)
    parser.add_argument("other", type=Path)
    parser.add_argument("--only", default="")
    options = parser.parse_args()
    raw, rate_hz = _loudest(options.voice)
    other, other_hz = _loudest(options.other)
    other = np.ascontiguousarray(soxr.resample(other.T, other_hz, rate_hz).T)[:, : raw.shape[1]]
    other = np.pad(other, ((0, 0), (0, raw.shape[1] - other.shape[1])))
    wanted = set(filter(None, options.only.split(",")))
    is_fine = True
    for name, kind in {**PAIRS, **NO_PAIRS}.items():
        if not wanted or name in wanted:
            is_fine &= _tried(name, *kind(raw, other, rate_hz), rate_hz)
    return 0 if is_fine else 1


def _tried(name: str, raw: Samples, mixed: Samples, rate_hz: int) -> bool:
    began_s = time.process_time()
    try:
        found = recover_track(raw, mixed, rate_hz, name=name)
    except NoPairError as error:
        print(f"{name}: refused: {error}", flush=True)
        return name in NO_PAIRS
    took_s = time.process_time() - began_s
    print(f"{name}: {found.explained.ratio:.3f} in {took_s:.0f} s; {' '.join(found.pair.notes)}", flush=True)
    return name in PAIRS and bool(np.isfinite(found.rendered).all()) and np.isfinite(found.explained.ratio)


def _loudest(path: Path) -> tuple[Samples, int]:
    """The loudest stretch of a file, its first channel."""
    audio, rate_hz = sf.read(path, dtype="float32", always_2d=True)
    size = min(len(audio), round(_SECONDS * rate_hz))
    energy = np.concatenate([[0.0], np.cumsum(np.square(audio[:, 0], dtype=np.float64))])
    begin = int((energy[size:] - energy[:-size]).argmax())
    return np.ascontiguousarray(audio[begin : begin + size, :1].T), rate_hz


if __name__ == "__main__":
    sys.exit(main())
