"""The first guess of a chain, from spectra and levels: equalizer from the ratio of the spectra, compressor from gains.

In loud frames the mixed recording is the direct sound, equalized and turned down; rooms and echoes matter where it is
quiet. So the ratio of the two spectra in loud frames is the equalizer's curve, and what remains of the ratio of their
levels over time is the compressor's gain. Both are fitted in turn, without a sample being filtered more than a few
times.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.signal import sosfilt
from torch import Tensor

from ..pairs.check import heard_as_one
from ..twin.designs import cut_sections, eq_sections
from ..twin.kernels.followers import compression, pole
from ..twin.settings import NEPER_PER_DB, stage_of
from .space import SearchedSetting, Space

Curve = NDArray[np.float64]
Wave = NDArray[np.float32]

LINEAR: Final = frozenset({"low_cut", "high_cut", "eq"})
_SIZE, _STARTS, _STEPS, _AGAIN_STEPS = 4096, 6, 160, 70
_PER_OCTAVE = 6
_LOUD_SHARE = 0.3
# A band that has this much less than the loudest tells nothing.
_AUDIBLE_DB = 65.0
_PRIOR_WEIGHT = 0.01
_GAIN_HOP_S = 0.004
_TURNS = 2
_DRAWS, _ROUNDS, _KEPT = 40, 3, 6
_COMPRESSOR: Final = ("threshold_db", "ratio", "attack_ms", "release_ms", "knee_db")
_OFF: Final = {"strip.compressor.ratio": 1.0}


@dataclass(frozen=True)
class PairPassage:
    """What is listened to.

    Attributes:
        raw: shape (channels, samples).
        mixed: shape (2, samples).
        sample_rate_hz: of both.
    """

    raw: Wave
    mixed: Wave
    sample_rate_hz: int


def first_guess(passage: PairPassage, space: Space, fixed: Mapping[str, float], seed: int) -> dict[str, float]:
    """Guesses equalizer, cuts, compressor and level; values by path.

    Args:
        passage: loud and long enough.
        space: what is searched.
        fixed: values by path that are not searched.
        seed: of the draws.
    """
    rate_hz = passage.sample_rate_hz
    raw = heard_as_one(passage.raw)
    bands = PairBands(rate_hz)
    mixed = bands.power(passage.mixed)
    ratio_db, weights = bands.ratio_db(bands.power(raw[None]), mixed)
    values = curve_fitted(ratio_db, weights, bands, space, fixed, seed)
    for number in range(_TURNS):
        direct = filtered_by(raw, values, fixed, rate_hz)
        values |= _compressor_fitted(direct, passage, space, seed + number)
        squeezed = direct * gains_by(direct, values, rate_hz)
        error_db, weights = bands.ratio_db(bands.power(squeezed[None]), mixed)
        ratio_db = error_db + _response_db(values, fixed, bands.centres_hz, rate_hz)
        values |= curve_fitted(ratio_db, weights, bands, space, fixed, seed + number, _AGAIN_STEPS, values)
    return values


def filtered_by(audio: Wave, values: Mapping[str, float], fixed: Mapping[str, float], rate_hz: int) -> Wave:
    """Runs audio through cuts and equalizer."""
    sections = _sections({path: torch.tensor([value]) for path, value in {**fixed, **values}.items()}, rate_hz)[0]
    rows = sections.numpy()
    sos = np.stack([*rows[:, :3].T, np.ones(len(rows)), *rows[:, 3:].T], axis=1)
    filtered: Wave = sosfilt(sos, audio).astype(np.float32)
    return filtered


def gains_by(audio: Wave, values: Mapping[str, float], rate_hz: int) -> Wave:
    """Computes the compressor's gains for audio of one channel."""
    row = [values[f"strip.compressor.{name}"] for name in _COMPRESSOR]
    gains: Wave = _gains(audio, np.array([row]), rate_hz)[0]
    return gains


def _gains(audio: Wave, rows: Curve, rate_hz: int) -> Wave:
    threshold, ratio, attack, release, knee = torch.from_numpy(rows).T
    settings = torch.stack(
        [
            (threshold - knee / 2) * NEPER_PER_DB,
            knee.clamp(min=0.01) * NEPER_PER_DB,
            1 / ratio - 1,
            pole(attack, rate_hz),
            pole(release, rate_hz),
        ],
        dim=1,
    )
    detector = torch.from_numpy(np.abs(audio)).expand(len(rows), -1)
    return compression(detector, settings).numpy()


def _sections(settings: Mapping[str, Tensor], rate_hz: int) -> Tensor:
    strip = {path.removeprefix("strip."): value for path, value in settings.items() if path.startswith("strip.")}
    eq = stage_of(strip, "eq")
    cuts = cut_sections(strip, rate_hz)
    assert eq is not None and cuts is not None  # noqa: PT018  (both are always given)
    return torch.cat([cuts, eq_sections(eq, rate_hz)], dim=1)


def _decibels(sections: Tensor, freqs_hz: Curve, rate_hz: int) -> Tensor:
    """Response of sections, shape (batch, frequencies)."""
    turn = torch.from_numpy(np.exp(-2j * np.pi * freqs_hz / rate_hz))
    powers = torch.stack([torch.ones_like(turn), turn, turn**2])
    above = sections[..., :3].to(torch.complex128) @ powers
    ones = torch.ones_like(sections[..., :1])
    below = torch.cat([ones, sections[..., 3:]], dim=-1).to(torch.complex128) @ powers
    return (20 * torch.log10((above / below).abs() + 1e-9)).sum(dim=1)


def _response_db(values: Mapping[str, float], fixed: Mapping[str, float], freqs_hz: Curve, rate_hz: int) -> Curve:
    settings = {path: torch.tensor([value], dtype=torch.float64) for path, value in {**fixed, **values}.items()}
    response: Curve = _decibels(_sections(settings, rate_hz), freqs_hz, rate_hz)[0].numpy()
    return response


class PairBands:
    """Parts of octaves, and what two recordings have in them."""

    def __init__(self, rate_hz: int):
        self.rate_hz = rate_hz
        freqs_hz = np.fft.rfftfreq(_SIZE, 1 / rate_hz)
        top_hz = min(18_000.0, 0.45 * rate_hz)
        edges_hz = 28.0 * 2 ** (np.arange(int(_PER_OCTAVE * math.log2(top_hz / 28.0)) + 1) / _PER_OCTAVE)
        # No band narrower than a bin.
        edges = np.unique(np.searchsorted(freqs_hz, edges_hz))
        self._edges = edges[np.diff(edges, append=edges[-1] + 1) > 0]
        self.centres_hz = np.sqrt(freqs_hz[self._edges[:-1]] * freqs_hz[self._edges[1:]])
        self._window = np.hanning(_SIZE).astype(np.float32)

    def power(self, audio: Wave) -> Curve:
        """Power of all channels, shape (frames, bands)."""
        total: Curve | None = None
        for row in audio:
            windows = np.lib.stride_tricks.sliding_window_view(row, _SIZE)[:: _SIZE // 4]
            power = np.square(np.abs(np.fft.rfft(windows * self._window)))
            total = power if total is None else total + power
        assert total is not None  # audio has a channel
        return np.add.reduceat(total, self._edges, axis=1)[:, :-1]

    def spectra(self, rows: Sequence[Wave], count: int) -> Iterator[NDArray[np.complex64]]:
        """Spectra of several recordings, so many frames at a time, shape (bins, recordings, frames)."""
        views = [np.lib.stride_tricks.sliding_window_view(row, _SIZE)[:: _SIZE // 2] for row in rows]
        for begin in range(0, len(views[0]), count):
            frames = [np.fft.rfft(view[begin : begin + count] * self._window) for view in views]
            yield np.stack(frames).transpose(2, 0, 1).astype(np.complex64)

    def summed(self, bins: NDArray[np.complexfloating]) -> NDArray[np.complex128]:
        """Sums of bins over the bands."""
        return np.add.reduceat(bins.astype(np.complex128), self._edges, axis=0)[:-1]

    def ratio_db(self, raw: Curve, mixed: Curve) -> tuple[Curve, Curve]:
        """What became of each band in its loud frames, and how far that can be trusted."""
        difference = 10 * np.log10((mixed + 1e-12) / (raw + 1e-12))
        loud = raw >= np.quantile(raw, 1 - _LOUD_SHARE, axis=0)
        ratio = np.array([np.median(difference[loud[:, at], at]) for at in range(raw.shape[1])])
        level_db = 10 * np.log10(np.array([raw[loud[:, at], at].mean() for at in range(raw.shape[1])]) + 1e-12)
        weights = np.clip((level_db - level_db.max() + _AUDIBLE_DB) / 20, 0.02, 1)
        return ratio, weights


def curve_fitted(
    wanted_db: Curve,
    weights: Curve,
    bands: PairBands,
    space: Space,
    fixed: Mapping[str, float],
    seed: int,
    steps: int = _STEPS,
    before: Mapping[str, float] | None = None,
) -> dict[str, float]:
    """Fits cuts, equalizer and level to a curve, from several starts at once; values by path.

    Args:
        wanted_db: in the bands.
        weights: how far each band can be trusted.
        bands: of the curve.
        space: what is searched.
        fixed: values by path that are not searched.
        seed: of the starts.
        steps: of the search.
        before: values that were found for nearly the same curve, among the starts.
    """
    chosen = [path for path in space.knobs if path.split(".")[1] in LINEAR]
    knobs = [space.knobs[path] for path in chosen]
    generator = torch.Generator().manual_seed(seed)
    deviations = 0.6 * torch.randn(_STARTS, len(chosen), generator=generator, dtype=torch.float64)
    deviations[0] = 0
    if before is not None:
        deviations[1:3] = torch.tensor([knob.deviation(before[path]) for path, knob in zip(chosen, knobs, strict=True)])
    limits = torch.tensor([knob.limits for knob in knobs], dtype=torch.float64).T
    means = torch.tensor([knob.mean for knob in knobs], dtype=torch.float64)
    spreads = torch.tensor([knob.spread for knob in knobs], dtype=torch.float64)
    logs = torch.tensor([knob.is_log for knob in knobs])
    slopes = {path: torch.full((_STARTS,), value, dtype=torch.float64) for path, value in fixed.items()}
    # What has no gradient is among the starts.
    slopes["strip.low_cut.slope_db_per_octave"] = torch.tensor([12.0, 24.0], dtype=torch.float64).repeat(_STARTS // 2)
    aim, weight = torch.from_numpy(wanted_db), torch.from_numpy(weights)
    weight = weight / weight.sum()
    deviations.requires_grad_()
    adam = torch.optim.Adam([deviations], lr=0.12)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(adam, steps, eta_min=0.01)
    level_db = error = torch.zeros(())
    for _ in range(steps):
        plain = means + spreads * deviations
        units = torch.where(logs, plain.exp(), plain)
        settings = {path: units[:, at] for at, path in enumerate(chosen)}
        settings |= slopes
        there = _decibels(_sections(settings, bands.rate_hz), bands.centres_hz, bands.rate_hz)
        level_db = ((aim - there) * weight).sum(1, keepdim=True)
        miss = (aim - there - level_db).abs()
        error = (torch.nn.functional.huber_loss(miss, torch.zeros_like(miss), reduction="none") * weight).sum(1)
        loss = error + _PRIOR_WEIGHT * deviations.square().sum(1)
        adam.zero_grad()
        loss.sum().backward()  # type: ignore[no-untyped-call]
        adam.step()
        schedule.step()
        with torch.no_grad():
            deviations.clamp_(limits[0], limits[1])
    best = int(loss.argmin())
    values = {path: float(units.detach()[best, at]) for at, path in enumerate(chosen)}
    slope = float(slopes["strip.low_cut.slope_db_per_octave"][best])
    return values | {"strip.fader_db": float(level_db.detach()[best]), "strip.low_cut.slope_db_per_octave": slope}


def _compressor_fitted(direct: Wave, passage: PairPassage, space: Space, seed: int) -> dict[str, float]:
    """Finds the compressor whose gains are nearest to those of the mixed recording, by draws that narrow down."""
    rate_hz = passage.sample_rate_hz
    hop = round(_GAIN_HOP_S * rate_hz)
    level = _levels(direct[None], hop)
    wanted_db = 10 * np.log10((_levels(passage.mixed, hop) + 1e-12) / (level + 1e-12))
    level_db = 10 * np.log10(level + 1e-12)
    weights = np.clip((level_db - np.quantile(level_db, 0.97) + 25) / 25, 0, 1)
    knobs = [space.knobs[f"strip.compressor.{name}"] for name in _COMPRESSOR]
    rng = np.random.default_rng(seed)
    centre, spread = np.zeros(len(knobs)), np.ones(len(knobs))
    pool: list[tuple[float, Curve, Curve]] = []
    for _ in range(_ROUNDS):
        draws = centre + spread * rng.standard_normal((_DRAWS, len(knobs)))
        rows = np.array([[_in_units(knob, z) for knob, z in zip(knobs, draw, strict=True)] for draw in draws])
        gains = _gains(direct, rows, rate_hz)
        for row, draw, gain in zip(rows, draws, gains, strict=True):
            heard_db = 20 * np.log10(_means(gain, hop) + 1e-9)
            error = wanted_db - heard_db
            score = _scatter(error, weights) + 0.01 * float(np.square(draw).sum())
            pool.append((score, draw, row))
        pool.sort(key=lambda item: item[0])
        best = np.array([draw for _, draw, _ in pool[:_KEPT]])
        centre, spread = best.mean(axis=0), np.maximum(best.std(axis=0), 0.1)
    row = pool[0][2]
    values = {knob.path: float(value) for knob, value in zip(knobs, row, strict=True)}
    if _scatter(wanted_db, weights) < pool[0][0]:
        values |= _OFF
    return values


def _in_units(knob: SearchedSetting, deviation: float) -> float:
    low, high = knob.limits
    plain = knob.mean + knob.spread * min(max(deviation, low), high)
    return math.exp(plain) if knob.is_log else plain


def _scatter(error_db: Curve, weights: Curve) -> float:
    """How far errors are from their weighted mean, L1."""
    total = weights.sum()
    centre = (error_db * weights).sum() / total
    return float((np.abs(error_db - centre) * weights).sum() / total)


def _levels(audio: Wave, hop: int) -> Curve:
    return _means(np.square(audio, dtype=np.float64).sum(axis=0), hop)


def _means(values: NDArray[np.floating], hop: int) -> Curve:
    count = len(values) // hop
    means: Curve = np.asarray(values[: count * hop], np.float64).reshape(count, hop).mean(axis=1)
    return means
