"""What a recovered preset explains of the mixed recording and what not: per band, over time, in words."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray

from ...runtime.audio.loudness import integrated_loudness
from ...runtime.audio.reading import Samples
from ..pairs.check import heard_as_one
from ..pairs.likeness import explained_share
from .loss import SpectralLoss

Curve = NDArray[np.float64]

_LONGEST_S = 60.0
_SIZE = 4096
OCTAVES_HOP: Final = _SIZE // 2
"""Samples between frames of :func:`octave_powers`."""
_CENTRES_HZ: Final = 63.0 * 2.0 ** np.arange(9)
_QUIET_DB = 45.0
_PASSAGE_S = 1.0
_WELL, _FAIRLY = 0.3, 0.6
_TOLD_DB, _LEVEL_TOLD_DB = 3.0, 2.0
_PAUSE_OVER, _UNHEARD_DB = 1.5, 55.0
_UNLIKE, _WINDOW_S = 0.3, 3.0
# Nobody hears a difference of this distance: a twentieth of a decibel in all bins.
_ALIKE_DISTANCE = 0.01


@dataclass(frozen=True)
class Band:
    """What is left in an octave.

    Attributes:
        centre_hz: of it.
        level_db: rendered over mixed.
        spread_db: mean size of the difference of levels from moment to moment.
        null_db: energy of the difference of the samples, in dB of the mixed recording's.
    """

    centre_hz: float
    level_db: float
    spread_db: float
    null_db: float


@dataclass(frozen=True)
class Explained:
    """What settings explain.

    Attributes:
        distance: STFT distance of the rendered recording to the mixed one.
        raw_distance: of the raw recording at the mixed one's loudness.
        bands: what is left, by octaves.
        times_s: middles of passages.
        over_time_db: mean size of the difference of levels in each.
        level_over_time_db: level of the rendered recording over the mixed one's, in each.
        null_db: of the whole.
        words: sentences for people.
    """

    distance: float
    raw_distance: float
    bands: tuple[Band, ...]
    times_s: Curve
    over_time_db: Curve
    level_over_time_db: Curve
    null_db: float
    words: tuple[str, ...]

    @property
    def ratio(self) -> float:
        """The distance that is left, in parts of that of the raw recording, where the two differ audibly."""
        return self.distance / max(self.raw_distance, _ALIKE_DISTANCE)


def stft_distance(audio: Samples, wanted: Samples, sample_rate_hz: int) -> float:
    """Measures the multi-resolution STFT distance of two stereo recordings: left, right, middle and side."""
    frames = min(audio.shape[1], wanted.shape[1], round(_LONGEST_S * sample_rate_hz))
    begin = (min(audio.shape[1], wanted.shape[1]) - frames) // 2
    part = slice(begin, begin + frames)
    loss = SpectralLoss(torch.from_numpy(np.ascontiguousarray(wanted[:, part])), sample_rate_hz)
    with torch.no_grad():
        return float(loss(torch.from_numpy(np.ascontiguousarray(audio[:, part]))[None]))


def at_loudness_of(audio: Samples, wanted: Samples, sample_rate_hz: int) -> Samples:
    """Brings a recording to the loudness of another, as stereo."""
    stereo = np.repeat(audio, 2, axis=0) if audio.shape[0] == 1 else audio
    gain_db = integrated_loudness(wanted, sample_rate_hz) - integrated_loudness(stereo, sample_rate_hz)
    return stereo * np.float32(10 ** (gain_db / 20)) if np.isfinite(gain_db) else stereo


def explain(
    raw: Samples, mixed: Samples, rendered: Samples, sample_rate_hz: int, inside: slice | None = None
) -> Explained:
    """Compares a rendered recording with the mixed one.

    Args:
        raw: shape (channels, samples).
        mixed: shape (2, samples).
        rendered: likewise.
        sample_rate_hz: of all.
        inside: samples that the mixed recording reaches, the only ones compared; None takes all.
    """
    inside = inside or slice(0, mixed.shape[1])
    begin_s = inside.start / sample_rate_hz
    raw, mixed, rendered = raw[:, inside], mixed[:, inside], rendered[:, inside]
    distance = stft_distance(rendered, mixed, sample_rate_hz)
    raw_distance = stft_distance(at_loudness_of(raw, mixed, sample_rate_hz), mixed, sample_rate_hz)
    powers = {name: octave_powers(each, sample_rate_hz) for name, each in (("mixed", mixed), ("rendered", rendered))}
    left = octave_powers(rendered - mixed, sample_rate_hz)
    difference = 10 * np.log10((powers["rendered"] + 1e-12) / (powers["mixed"] + 1e-12))
    total_db = 10 * np.log10(powers["mixed"].sum(axis=1) + 1e-12)
    sounding = total_db > total_db.max() - _QUIET_DB
    bands = tuple(
        Band(
            float(centre_hz),
            10 * float(np.log10((powers["rendered"][:, at].sum() + 1e-12) / (powers["mixed"][:, at].sum() + 1e-12))),
            float(np.abs(difference[sounding, at]).mean()),
            10 * float(np.log10((left[:, at].sum() + 1e-12) / (powers["mixed"][:, at].sum() + 1e-12))),
        )
        for at, centre_hz in enumerate(_CENTRES_HZ)
        if centre_hz < 0.4 * sample_rate_hz
    )
    times_s, over, level = _over_time(powers, difference, sample_rate_hz)
    times_s = times_s + begin_s
    null_db = 10 * float(np.log10((left.sum() + 1e-12) / (powers["mixed"].sum() + 1e-12)))
    bare = Explained(distance, raw_distance, bands, times_s, over, level, null_db, ())
    edited_s = [begin_s + at for at in _edited_s(rendered, mixed, sample_rate_hz)]
    words = tuple(_words(bare, powers["mixed"], powers["rendered"], edited_s))
    return Explained(distance, raw_distance, bands, times_s, over, level, null_db, words)


def octave_powers(audio: Samples, sample_rate_hz: int) -> Curve:
    """Measures the power of all channels in octaves from 63 Hz on, shape (frames, octaves).

    Args:
        audio: shape (channels, samples).
        sample_rate_hz: of it.
    """
    freqs_hz = np.fft.rfftfreq(_SIZE, 1 / sample_rate_hz)
    edges = np.searchsorted(freqs_hz, [*(_CENTRES_HZ / 2**0.5), _CENTRES_HZ[-1] * 2**0.5])
    window = np.hanning(_SIZE).astype(np.float32)
    total: Curve = np.zeros(())
    for row in audio:
        padded = np.pad(row, (0, max(0, _SIZE - len(row))))
        frames = np.lib.stride_tricks.sliding_window_view(padded, _SIZE)[:: _SIZE // 2]
        power = np.square(np.abs(np.fft.rfft(frames * window)))
        total = total + np.stack([power[:, low : max(high, low + 1)].sum(axis=1) for low, high in pairwise(edges)], 1)
    return np.asarray(total, np.float64)


def _over_time(powers: dict[str, Curve], difference: Curve, sample_rate_hz: int) -> tuple[Curve, Curve, Curve]:
    count = max(1, round(_PASSAGE_S * sample_rate_hz / (_SIZE // 2)))
    pieces = [slice(at, at + count) for at in range(0, len(difference), count)]
    times_s = np.array([(piece.start + count / 2) * (_SIZE // 2) / sample_rate_hz for piece in pieces])
    weights = powers["mixed"] / (powers["mixed"].sum(axis=1, keepdims=True) + 1e-12)
    over = np.array([(np.abs(difference[piece]) * weights[piece]).sum(axis=1).mean() for piece in pieces])
    quiet = powers["mixed"].sum() / len(difference) * 10 ** (-_QUIET_DB / 10)
    level = np.array(
        [10 * np.log10((powers["rendered"][p].sum() + quiet) / (powers["mixed"][p].sum() + quiet)) for p in pieces]
    )
    return times_s, over, level


def _words(found: Explained, mixed_power: Curve, rendered_power: Curve, edited_s: list[float]) -> list[str]:
    if found.raw_distance <= _ALIKE_DISTANCE:
        return ["The mixed recording is the raw one at another level, or the same: there is no processing to be found."]
    share = max(0.0, 1 - found.ratio)
    how = "well" if found.ratio <= _WELL else "fairly" if found.ratio <= _FAIRLY else "badly"
    words = [f"The settings explain {share:.0%} of the distance between raw and mixed: the mix is met {how}."]
    worst = max(found.bands, key=lambda band: band.spread_db)
    if worst.spread_db > _TOLD_DB:
        words.append(
            f"Least alike is the octave around {_spoken(worst.centre_hz)}: levels differ by {worst.spread_db:.1f} dB "
            f"from moment to moment, {worst.level_db:+.1f} dB on the whole."
        )
    level_db = 10 * np.log10(mixed_power.sum(axis=1) + 1e-12)
    loud = level_db > np.quantile(level_db, 0.9) - 15
    if loud.any() and not loud.all():
        # What nobody hears beside the sound is alike: rounding, digital silence.
        unheard = np.quantile(mixed_power, 0.9, axis=0) * 10 ** (-_UNHEARD_DB / 10) + 1e-12
        difference = 10 * np.log10((rendered_power + unheard) / (mixed_power + unheard))
        pauses, sound = (float(np.abs(difference[which]).mean()) for which in (~loud, loud))
        if pauses > max(_PAUSE_OVER * sound, _TOLD_DB):
            words.append(
                f"Pauses are less alike ({pauses:.1f} dB) than the sound itself ({sound:.1f} dB): another reverb or "
                "delay, noise, or a cut between the words."
            )
    moves = np.abs(found.level_over_time_db - np.median(found.level_over_time_db))
    if len(moves) > 2 and float(np.quantile(moves, 0.9)) > _LEVEL_TOLD_DB:
        at = found.times_s[int(moves.argmax())]
        words.append(
            f"The level moves by up to {moves.max():.1f} dB in a way that no setting explains (most at {at:.0f} s): "
            "automation of the fader."
        )
    if edited_s:
        places = ", ".join(f"{at:.0f} s" for at in edited_s[:5])
        words.append(f"Around {places} the mixed recording does not follow the raw one: tuning or editing.")
    if found.ratio > _WELL and len(words) == 1:
        words.append("The rest is not a setting of this console: another kind of reverb, distortion or modulation.")
    return words


def _edited_s(rendered: Samples, mixed: Samples, rate_hz: int) -> list[float]:
    """Where passages are not each other, filtered, while most are."""
    size = round(_WINDOW_S * rate_hz)
    starts = range(0, max(1, min(mixed.shape[1], round(_LONGEST_S * rate_hz)) - size + 1), size)
    level = [float(np.square(mixed[:, at : at + size]).mean()) for at in starts]
    shares = [
        explained_share(heard_as_one(rendered[:, at : at + size]), heard_as_one(mixed[:, at : at + size]), rate_hz)
        for at in starts
    ]
    typical = float(np.median(shares))
    return [
        at / rate_hz + _WINDOW_S / 2
        for at, share, power in zip(starts, shares, level, strict=True)
        if typical > 2 * _UNLIKE and share < _UNLIKE and power > 0.05 * float(np.median(level))
    ]


def _spoken(freq_hz: float) -> str:
    return f"{freq_hz:.0f} Hz" if freq_hz < 1000 else f"{freq_hz / 1000:.2g} kHz"
