"""Single mono strips of fixed settings, run side by side: what a short block costs is mostly calls, so there are few.

A strip's cuts, its bands, and pedalboard's compressor where that is all that it takes, are a call each; everything else
is done for all strips at once. The samples are those that :class:`...console.strip.Stages` makes, bit for bit.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import pedalboard
from numpy.typing import NDArray

from ....presets.console import Strip
from ....presets.edit import without_input_gain
from ....presets.lanes.lane import Lane
from ....presets.units import gain_factor
from ...audio.reading import Samples
from ...console.compressor import GainCurve, plain_compressor
from ...console.cut import cut_sections
from ...console.eq import eq_sections
from ...console.primitives import BUFFER_FRAMES, FLOOR, Hold
from ...filtering import filter_sections, forget_silence
from .ramps import Ramp

# Filters are kept away from denormal numbers, by turns: each of them once in so many blocks.
_TURNS: Final = 16


def is_bankable(strip: Strip, channels: Sequence[int], lanes: Sequence[Sequence[Lane]], sample_rate_hz: int) -> bool:
    """Tell whether a strip is a single mono one with no more than cuts, EQ and a compressor, all of them fixed."""
    compressor = strip.compressor
    looks_ahead = compressor.ratio > 1 and round(compressor.lookahead_ms * sample_rate_hz / 1000) > 0
    return (
        tuple(channels) == (1,)
        and not any(lanes)
        and not looks_ahead
        and (strip.gate.range_db <= 0 or strip.gate.ratio <= 1)
        and strip.deesser.range_db <= 0
        and (strip.saturation.drive <= 0 or strip.saturation.mix <= 0)
    )


class MonoStrip:
    """One of them, with its state and its fader and pan.

    Args:
        strip: its settings.
        level: of fader and pan, shape (2, 1).
        latency_samples: how much later the sound comes out.
        sample_rate_hz: of the audio.
    """

    def __init__(self, strip: Strip, level: Ramp, latency_samples: int, sample_rate_hz: int):
        desk = without_input_gain(strip)
        self.level = level
        self.sections = [
            (np.ascontiguousarray(sections, np.float64), np.zeros((1, len(sections), 2)))
            for sections in (
                cut_sections(desk.low_cut, desk.high_cut, sample_rate_hz),
                np.array(list(eq_sections(desk.eq, sample_rate_hz).values())),
            )
        ]
        compressor = desk.compressor
        is_active, is_plain = compressor.ratio > 1, compressor.knee_db == 0
        self.is_followed = is_active and not is_plain
        self.plain = _ready(plain_compressor(compressor), sample_rate_hz) if is_active and is_plain else None
        self.curve = GainCurve(compressor, sample_rate_hz)
        self.makeup = np.float32(gain_factor(compressor.makeup_db))
        self.rate_hz = sample_rate_hz
        self.hold = Hold(1, latency_samples) if latency_samples else None
        self._alone: StripBank | None = None

    def process(self, block: Samples, out: Samples) -> None:
        """Fill two rows from the track's one."""
        if self._alone is None:
            self._alone = StripBank([self])
        if block.shape[1]:
            np.multiply(self._alone.process(block), self.level.next(block.shape[1]), out=out)


class StripBank:
    """Strips side by side; those who run them may be others from block to block, as the strips keep their state.

    Args:
        strips: at least one.
    """

    def __init__(self, strips: Sequence[MonoStrip]):
        self._rate_hz = strips[0].rate_hz
        self._filters = [
            [
                (place, sections, state)
                for place, strip in enumerate(strips)
                for sections, state in (strip.sections[stage],)
                if len(sections)
            ]
            for stage in range(2)
        ]
        self._turn = 0
        self._plains = [(place, strip.plain.process) for place, strip in enumerate(strips) if strip.plain is not None]
        followed = [(place, strip.curve) for place, strip in enumerate(strips) if strip.is_followed]
        self._curves = _SideCurves([curve for _, curve in followed]) if followed else None
        self._followed = None if len(followed) == len(strips) else np.array([place for place, _ in followed], np.intp)
        makeup = _column([strip.makeup for strip in strips])
        self._makeup = makeup if (makeup != 1).any() else None
        self._holds = [(place, strip.hold) for place, strip in enumerate(strips) if strip.hold is not None]

    def process(self, block: Samples) -> Samples:
        """The next samples before fader and pan, shape (strips, n)."""
        for filters in self._filters:
            if filters:
                block = self._filtered(filters, block)
        audio = block.copy()
        for place, compress in self._plains:
            audio[place] = compress(audio[place], self._rate_hz, BUFFER_FRAMES, False)
        if self._curves is not None:
            if self._followed is None:
                self._curves.apply(audio)
            else:
                rows = audio[self._followed]
                self._curves.apply(rows)
                audio[self._followed] = rows
        if self._makeup is not None:
            audio *= self._makeup
        for place, hold in self._holds:
            audio[place] = hold.process(audio[place : place + 1])[0]
        return audio

    def _filtered(self, filters: Sequence[tuple[int, NDArray[Any], NDArray[Any]]], block: Samples) -> Samples:
        audio = block.astype(np.float64, order="C")
        for place, sections, state in filters:
            filter_sections(sections, audio[place : place + 1], state)
        self._turn = (self._turn + 1) % _TURNS
        for _, _, state in filters[self._turn :: _TURNS]:
            forget_silence(state)
        return audio.astype(np.float32)


class _SideCurves:
    """Gain curves of compressors side by side: :meth:`...console.compressor.GainCurve.process` for all rows."""

    def __init__(self, curves: Sequence[GainCurve]):
        self._followers = [curve.follower.stream.process for curve in curves]
        self._scale = _column([curve.follower.scale for curve in curves])
        self._edge = _column([curve.edge for curve in curves])
        knee = _column([curve.knee for curve in curves])
        self._knee = knee if knee.any() else None
        self._bend = np.where(knee > 0, np.float32(0.5) / np.maximum(knee, np.float32(1e-9)), 0).astype(np.float32)
        self._slope = _column([curve.slope for curve in curves])

    def apply(self, audio: Samples) -> None:
        level = np.abs(audio)
        level *= self._scale
        np.maximum(level, FLOOR, out=level)
        followed = np.concatenate([follow(row) for follow, row in zip(self._followers, level, strict=True)])
        level /= followed.reshape(level.shape)
        np.log(level, out=level)
        level -= self._edge
        if np.maximum.reduce(level, axis=None) <= 0:
            return
        above = np.maximum(level, 0, out=level)
        if self._knee is not None:
            inside = np.minimum(above, self._knee)
            above -= inside
            inside *= inside
            inside *= self._bend
            above += inside
        above *= self._slope
        audio *= np.exp(above, out=above)


def _ready(plugin: pedalboard.Compressor, sample_rate_hz: int) -> pedalboard.Compressor:
    """Show it the largest block that will ever be; a larger one would set it up anew."""
    plugin.process(np.zeros(BUFFER_FRAMES, np.float32), sample_rate_hz, BUFFER_FRAMES, reset=False)
    return plugin


def _column(values: Sequence[np.float32]) -> Samples:
    return np.array(values, np.float32)[:, None]
