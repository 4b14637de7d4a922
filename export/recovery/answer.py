"""What the mixed recording has besides the direct sound: its answer to a click, and the room and echoes in it.

The direct sound is known when equalizer and compressor are guessed. Dividing the spectrum of the mixed recording by its
gives the answer of what follows in the chain: a peak at once (level and pan), peaks at regular times (a delay), and
noise that decays (a room). If the room is one of the console's own it is recognised, to the sample.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.fft import irfft, next_fast_len, rfft

from ...presets.console import Reverb
from ...runtime.console.effects.room import CROSS_ANGLE, ROOM_RATE_HZ
from ..twin.reverb import room_response
from ..twin.settings import tensors
from .guess import Wave

Curve = NDArray[np.float64]

_REACH_S, _DIRECT_S = 4.0, 0.0025
_BAND_HZ: Final = (120.0, 9000.0)
_ECHO_BAND_HZ: Final = (300.0, 5000.0)
_REGULAR = 0.02
# Where decays are measured: the console's low, middle and high.
_DECAY_BANDS_HZ: Final = {"low": (150.0, 350.0), "mid": (700.0, 1400.0), "high": (4000.0, 9000.0)}
_SLICE_S = 0.02
_SIZES: Final = np.linspace(0, 1, 11)
_MOST_PRE_DELAY_S = 0.25
# Unrelated noise stays below 5.
_OWN_ROOM = 7.0
_FIRST_ECHO_S, _LAST_ECHO_S, _ECHO_OVER = 0.03, 1.6, 8.0


@dataclass(frozen=True)
class Answer:
    """What follows the direct sound.

    Attributes:
        values: settings by path: pan, sends, room, echoes.
        is_own_room: whether the room is the console's own.
        reverb_db: level of the room against the direct sound.
        echo_db: level of the first echo, likewise; -inf where there is none.
    """

    values: Mapping[str, float]
    is_own_room: bool
    reverb_db: float
    echo_db: float


def answer_of(direct: Wave, mixed: Wave, rate_hz: int, is_stereo: bool) -> Answer:
    """Analyses what is behind a strip's stages.

    Args:
        direct: what comes out of the stages, shape (samples,).
        mixed: shape (2, samples).
        rate_hz: of both.
        is_stereo: whether the raw recording has two sides, whose balance tells no pan.
    """
    spectrum, size = _divided(direct, mixed)
    response = _within(spectrum, size, rate_hz, _BAND_HZ)
    at_once = round(_DIRECT_S * rate_hz)
    straight = np.concatenate([response[:, -at_once:], response[:, :at_once]], axis=1)
    direct_energy = float(np.square(straight).sum())
    left, right = (float(row[np.abs(row).argmax()]) for row in straight)
    pan = 0.0 if is_stereo else 4 / math.pi * math.atan2(abs(right), abs(left)) - 1
    values = {"strip.pan": pan}
    echo = _echo(_within(spectrum, size, rate_hz, _ECHO_BAND_HZ), rate_hz)
    echo_db = -math.inf
    if echo is not None:
        echo_db, found = echo
        values |= found
    tail = response[:, at_once : round(_REACH_S * rate_hz)].copy()
    floor = _floor(response, rate_hz)
    if echo is not None:
        _blank(tail, values["delay.time_ms"] / 1000, rate_hz)
    wet = max(float(np.square(tail).sum()) - floor * tail.shape[1], 1e-9 * direct_energy)
    reverb_db = 10 * math.log10(wet / direct_energy)
    # A sound in the middle comes into the console's room from both sides.
    crossed = 1 + 2 * math.sin(2 * CROSS_ANGLE) * abs(left * right) / (left**2 + right**2)
    values["strip.reverb_send_db"] = min(max(reverb_db - 10 * math.log10(crossed), -60.0), 6.0)
    values |= {
        f"reverb.decay_{name}_s": _decay_s(spectrum, size, rate_hz, band) for name, band in _DECAY_BANDS_HZ.items()
    }
    placed = _room_placed(response, values, rate_hz)
    is_own = placed is not None
    values |= placed if placed is not None else {"reverb.pre_delay_ms": _onset_ms(tail, rate_hz)}
    values["reverb.width"] = _width(tail)
    return Answer(values, is_own, reverb_db, echo_db)


def _divided(direct: Wave, mixed: Wave) -> tuple[NDArray[np.complex128], int]:
    size = next_fast_len(2 * len(direct), real=True)
    below = rfft(direct.astype(np.float64), size)
    power = np.square(np.abs(below))
    count = max(3, len(power) // 2000)
    smooth = np.convolve(power, np.ones(count) / count, mode="same")
    divided: NDArray[np.complex128] = rfft(mixed.astype(np.float64), size) * below.conj()
    divided /= power + _REGULAR * smooth + 1e-7 * power.max()
    return divided, size


def _within(spectrum: NDArray[np.complex128], size: int, rate_hz: int, band_hz: tuple[float, float]) -> Curve:
    """The answer within a band, with edges of a third of an octave; shape (2, size)."""
    freqs_hz = np.maximum(np.fft.rfftfreq(size, 1 / rate_hz), 1.0)
    low_hz, high_hz = band_hz[0], min(band_hz[1], 0.42 * rate_hz)
    rise = np.clip(3 * np.log2(freqs_hz / low_hz) + 1, 0, 1) * np.clip(3 * np.log2(high_hz / freqs_hz) + 1, 0, 1)
    answer: Curve = irfft(spectrum * np.sin(0.5 * np.pi * rise) ** 2, size)
    return answer


def _floor(response: Curve, rate_hz: int) -> float:
    """Energy of each sample where no tail reaches: what dividing leaves of noise."""
    begin, end = round(1.3 * _REACH_S * rate_hz), response.shape[1] // 2
    if end - begin < rate_hz // 2:
        begin, end = response.shape[1] // 2 - rate_hz // 2, response.shape[1] // 2
    return float(np.square(response[:, begin:end]).sum(axis=0).mean())


def _decay_s(spectrum: NDArray[np.complex128], size: int, rate_hz: int, band_hz: tuple[float, float]) -> float:
    """The time to fall by 60 dB in a band, from the slope of what stands over the noise."""
    response = _within(spectrum, size, rate_hz, band_hz)
    hop = round(_SLICE_S * rate_hz)
    begin, end = round(0.06 * rate_hz), round(_REACH_S * rate_hz)
    part = np.square(response[:, begin:end]).sum(axis=0)
    slices = part[: len(part) // hop * hop].reshape(-1, hop).sum(axis=1)
    floor = _floor(response, rate_hz) * hop
    clear = slices > 2 * floor
    count = int(np.argmin(clear)) if not clear.all() else len(clear)
    smooth = np.convolve(slices, np.ones(5) / 5, mode="same")
    clear = smooth > 2 * floor
    count = max(count, int(np.argmin(clear)) if not clear.all() else len(clear))
    if count < 5:
        return 0.3
    level_db = 10 * np.log10(np.maximum(slices[:count] - floor, 0.1 * floor) + 1e-30)
    slope = float(np.polyfit(np.arange(count) * _SLICE_S, level_db, 1)[0])
    return min(max(-60 / min(slope, -4.0), 0.1), 10.0)


def _echo(response: Curve, rate_hz: int) -> tuple[float, dict[str, float]] | None:
    """The first echo: a peak well over what is around it, and once more after the same time if it is fed back."""
    from scipy.ndimage import median_filter

    hop = round(0.001 * rate_hz)
    energy = np.square(response[:, : round(2 * _LAST_ECHO_S * rate_hz)])
    sides = energy[:, : energy.shape[1] // hop * hop].reshape(2, -1, hop).sum(axis=2)
    both = np.convolve(sides.sum(axis=0), np.ones(4), mode="same")
    over = both / (median_filter(both, 121) + 1e-30)
    first, last = round(_FIRST_ECHO_S * 1000), round(_LAST_ECHO_S * 1000)
    best = int(over[first:last].argmax()) + first
    if over[best] < _ECHO_OVER:
        return None
    best = _earliest(over, best, first)
    around = slice(max(0, (best - 3) * hop), (best + 4) * hop)
    place = around.start + int(energy[:, around].sum(axis=0).argmax())
    direct = np.square(response[:, : 2 * hop]).sum() + np.square(response[:, -2 * hop :]).sum()
    first_energy = sides[:, best - 2 : best + 3].sum(axis=1)
    second = sides[:, min(2 * best, sides.shape[1] - 3) - 2 :][:, :5].sum() - 5 * np.median(sides.sum(axis=0))
    feedback = math.sqrt(max(second, 0.0) / max(first_energy.sum(), 1e-30))
    echo_db = 10 * math.log10(max(float(first_energy.sum() / direct), 1e-6))
    share = float(first_energy[0] / first_energy.sum())
    return echo_db, {
        "delay.time_ms": 1000 * place / rate_hz,
        "delay.feedback": min(max(feedback, 0.03), 0.85),
        "delay.ping_pong": min(max(2 * (share - 0.5), 0.0), 1.0),
        "strip.delay_send_db": min(max(echo_db + 2, -50.0), 6.0),
    }


def _earliest(over: Curve, best: int, first: int) -> int:
    """The first of echoes: what has a peak at a half or a third of its time is an echo of an echo."""
    for parts in (3, 2):
        middle = best // parts
        if middle - 3 < first:
            continue
        near = slice(middle - 3, middle + 4)
        if over[near].max() > max(_ECHO_OVER / 2, 0.15 * over[best]):
            return near.start + int(over[near].argmax())
    return best


def _blank(tail: Curve, time_s: float, rate_hz: int) -> None:
    """Takes echoes out of a tail."""
    reach = round(0.004 * rate_hz)
    lead = round(_DIRECT_S * rate_hz)
    for number in range(1, 9):
        place = round(number * time_s * rate_hz) - lead
        tail[:, max(0, place - reach) : max(0, place + reach)] = 0


def _onset_ms(tail: Curve, rate_hz: int) -> float:
    """When a foreign room begins: when a twentieth of the energy of its first 150 ms has come."""
    energy = np.cumsum(np.square(tail[:, : round(0.15 * rate_hz)]).sum(axis=0))
    return float(np.searchsorted(energy, 0.05 * energy[-1])) / rate_hz * 1000 + _DIRECT_S * 1000


def _width(tail: Curve) -> float:
    """How independent the sides of a tail are, as the console sets it."""
    left, right = tail
    likeness = float(
        (left * right).sum() / math.sqrt(max(float(np.square(left).sum() * np.square(right).sum()), 1e-30))
    )
    # Turned by an angle a, two independent sides are alike by sin 2a.
    angle = 0.5 * math.asin(min(max(likeness, 0.0), 1.0))
    return 1 - angle / (math.pi / 4)


def _room_placed(response: Curve, values: Mapping[str, float], rate_hz: int) -> dict[str, float] | None:
    """Recognises the console's own room: its size, and when it begins. None for a foreign one."""
    frames = round(0.8 * rate_hz)
    reach = round(_MOST_PRE_DELAY_S * rate_hz)
    begin = round(_DIRECT_S * rate_hz)
    heard = response[:, : frames + reach].copy()
    heard[:, :begin] = 0
    size = next_fast_len(2 * (frames + reach), real=True)
    there = rfft(heard, size)
    best, best_values = 0.0, {}
    for room_size in _SIZES:
        part = {path.removeprefix("reverb."): values[path] for path in values if path.startswith("reverb.decay")}
        settings = Reverb.model_validate({**part, "size": float(room_size)})
        room = room_response({path: value[0] for path, value in tensors([settings]).items()}, settings.seed)
        room_heard = _at_rate(room.numpy(), rate_hz)[:, :frames]
        correlation = irfft((there * rfft(room_heard, size).conj()).sum(axis=0), size)[:reach]
        score = float(correlation.max()) / max(float(np.median(np.abs(correlation))) / 0.6745, 1e-30)
        if score > best:
            best = score
            best_values = {
                "reverb.size": float(room_size),
                "reverb.pre_delay_ms": 1000 * int(correlation.argmax()) / rate_hz,
            }
    return best_values if best > _OWN_ROOM else None


def _at_rate(room: Curve, rate_hz: int) -> Curve:
    import soxr

    if rate_hz == ROOM_RATE_HZ:
        return room
    moved: Curve = soxr.resample(room.T, ROOM_RATE_HZ, rate_hz, quality="HQ").T
    return moved
