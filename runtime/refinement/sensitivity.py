"""How the features of a mix answer to each setting: one matrix of derivatives, from the tracks as they were rendered.

Whatever a fader, pan or equalizer does is a factor on the track's spectrum, so the change of every mean magnitude and
power follows from sums over time of the track's spectrum times the mix's: exact, phase between the tracks included,
at the cost of one spectrum a track. Compressors are tried out (one strip is rendered anew), the mix's loudness is
taken without its gate, and a peak's answer to an equalizer is an estimate. The master is taken as a curve over
frequency and a gain over time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ...presets.console import Equalizer, Master, Strip, get, parameters, replace
from ...presets.preset import Preset
from ..audio.reading import Samples
from ..console.match import match_gains_db
from ..console.response import band_factors
from ..console.strip import MasterProcessor, StripProcessor, pan_gains
from ..model.features import BARK_BANDS, FFT_SIZE, LOG_FLOOR, Weights
from ..prediction.target import NEPER_PER_DB
from .search_space import Knob, SearchSpace, Section
from .spectra import groups_of, power, spectrum

Matrix = NDArray[np.float64]
Complex = NDArray[np.complex128]

HEARD_SIDE_DB = 40.0
"""A band of the side this far below the middle's counts as being there: less is not heard."""

# How far a setting is moved to see what it does, in spans (an EQ gain by half a dB).
_STEP = 0.02
# A stereo track's balance does nothing at first when it leaves the centre: only a wide step shows where it leads.
_BALANCE_STEP = 0.25
_TINY = 1e-20
_FADED_OUT = 0.01
# A mix's peaks are where it would clip first; those this much lower count for 1/e.
_PEAKS, _PEAK_FRAME_S, _PEAK_DECAY = 12, 0.01, 0.04
# What is followed of a mix: mean magnitudes of mid and side by Bark band, then these.
_LEFT, _RIGHT, _MID, _SIDE, _LOUDNESS, _PEAK_LEFT, _PEAK_RIGHT = range(2 * BARK_BANDS, 2 * BARK_BANDS + 7)
_ROWS = 2 * BARK_BANDS + 7


@dataclass(frozen=True)
class Sound:
    """A rendered mix and what it is made of.

    Attributes:
        stems: behind fader and pan, shape (2, n), by track name.
        bus: their sum with the reverb, before the master, likewise.
        mix: behind the master, likewise.
    """

    stems: Mapping[str, Samples]
    bus: Samples
    mix: Samples


def residual_sensitivity(
    space: SearchSpace,
    preset: Preset,
    raw: Mapping[str, Samples],
    sound: Sound,
    sample_rate_hz: int,
    *,
    weights: Weights,
    match_gain: float,
    pool: Executor,
) -> Matrix:
    """Derivatives of the weighted residuals of :mod:`.refine` by the places of the knobs.

    Args:
        space: the knobs.
        preset: the settings that `sound` was rendered with.
        raw: the tracks.
        sound: what came out.
        sample_rate_hz: of all of them.
        weights: of the feature distance.
        match_gain: factor that brings the mix to the loudness at which features are compared.
        pool: for one task a track.

    Returns:
        Shape (52, knobs): mid's Bark bands, side's, width, imbalance, crest of left and right.
    """
    mix = _Mix(preset.master, sound, sample_rate_hz)
    names = list(dict.fromkeys(knob.track for knob in space.knobs))
    knobs = {name: [knob for knob in space.knobs if knob.track == name] for name in names}

    def columns(name: str | None) -> Matrix:
        if name is None:
            return _master_columns(mix, preset.master, knobs[name])
        return _track_columns(mix, preset.track(name).strip, raw[name], sound.stems[name], knobs[name])

    changes = np.concatenate(list(pool.map(columns, names)), axis=1)
    return _of_residuals(mix.state, changes, weights, match_gain)


class _Mix:
    """A mix as what its tracks' spectra are compared with."""

    def __init__(self, master: Master, sound: Sound, sample_rate_hz: int):
        self.sample_rate_hz = sample_rate_hz
        self.sound = sound
        self.groups = groups_of(sample_rate_hz)
        bus, made = ([spectrum(channel) for channel in audio] for audio in (sound.bus, sound.mix))
        bins_hz = np.fft.rfftfreq(FFT_SIZE, 1 / sample_rate_hz)
        curve = np.abs(np.prod([np.ones_like(bins_hz), *band_factors(master.eq, bins_hz, sample_rate_hz).values()], 0))
        curve *= 10 ** (match_gains_db(master.match, bins_hz)[0] / 20)
        shaped = [channel * curve.astype(np.float32) for channel in bus]
        after, before = (sum(power(channel).sum(axis=1) for channel in pair) for pair in (made, shaped))
        gain = np.sqrt(after / (before + _TINY))[:, None].astype(np.float32)
        left, right = (channel * gain for channel in shaped)
        scale = gain * curve.astype(np.float32) / len(left)
        mid, side = left + right, left - right
        self._keys = (
            *(np.conj(both) / (np.abs(both) + np.float32(_TINY)) * scale for both in (mid, side)),
            *(np.conj(channel) * scale for channel in (left, right)),
        )
        self.left, self.right = (self.against(channel) for channel in bus)
        self._mean_gain = float(np.sqrt(sum(map(_energy, sound.mix)) / (sum(map(_energy, sound.bus)) + _TINY)))
        self.peaks = [_peaks(channel, sample_rate_hz) for channel in sound.mix]
        ones = np.ones(self.groups.count, np.complex128)
        self.state = self.changes(self.left, self.right, ones, ones)
        self.state[_LEFT:_PEAK_LEFT] /= 2  # a power grows twice as fast as its amplitude
        self.state[_PEAK_LEFT:] = 1.0

    def against(self, values: NDArray[np.complex64]) -> Complex:
        """Sums over time of a spectrum with mid, side (their direction alone), left and right, in groups of bins.

        Returns:
            Complex, shape (4, groups).
        """
        sums = np.stack([np.einsum("tf,tf->f", key, values) for key in self._keys])
        return np.add.reduceat(sums, self.groups.first, axis=1)

    def changes(self, left: Complex, right: Complex, left_factor: Complex, right_factor: Complex) -> Matrix:
        """What adding a multiple of two channels to the mix does to all that is followed.

        Args:
            left: from :meth:`against`, of a channel that is added to the left.
            right: likewise to the right.
            left_factor: of each group, shape (groups,).
            right_factor: likewise.

        Returns:
            Shape (rows,); no change of peaks.
        """
        to_left, to_right = (left_factor * left).real, (right_factor * right).real
        powers = 2 * to_left[2].sum(), 2 * to_right[3].sum()
        cross = 2 * (to_left[3].sum() + to_right[2].sum())
        return np.concatenate(
            [
                (to_left[0] + to_right[0]) @ self.groups.bark,
                (to_left[1] - to_right[1]) @ self.groups.bark,
                [*powers, sum(powers) + cross, sum(powers) - cross],
                [2 * float((to_left[2] + to_right[3]) @ self.groups.k_weights), 0.0, 0.0],
            ]
        )

    def peak_change(self, channel: int, added: Samples) -> float:
        """Relative change of the left (0) or right (1) peaks by something added before the master, shape (n,)."""
        places, weights = self.peaks[channel]
        peaks = self.sound.mix[channel, places]
        return float(np.sum(weights * added[places] * self._mean_gain / (peaks + np.copysign(1e-9, peaks))))

    @cached_property
    def followed_now(self) -> Matrix:
        """:meth:`followed` of this mix."""
        return self.followed(self.sound.mix)

    def followed(self, made: Samples) -> Matrix:
        """All that is followed, measured on a finished mix; shape (rows,), peaks relative to this mix's."""
        left, right = (spectrum(channel) for channel in made)
        groups = self.groups

        def grouped(values: NDArray[np.float32]) -> Matrix:
            return np.asarray(np.add.reduceat(values.mean(axis=0, dtype=np.float64), groups.first))

        mid, side = left + right, left - right
        power_left, power_right = (grouped(power(channel)) for channel in (left, right))
        peaks = [
            float(np.sum(weights * made[channel, places] / self.sound.mix[channel, places]))
            for channel, (places, weights) in enumerate(self.peaks)
        ]
        return np.concatenate(
            [
                *(grouped(np.abs(both)) @ groups.bark for both in (mid, side)),
                [power_left.sum(), power_right.sum(), power(mid).mean(0).sum(), power(side).mean(0).sum()],
                [float((power_left + power_right) @ groups.k_weights), *peaks],
            ]
        )


def _track_columns(mix: _Mix, strip: Strip, raw: Samples, stem: Samples, knobs: Sequence[Knob]) -> Matrix:
    is_mono = len(raw) == 1
    gains = pan_gains(strip.pan, len(raw))
    # Before the pan: what a mono track gives to both sides, or each channel.
    unpanned = _unpanned(stem, gains, is_mono)
    spectra = [mix.against(spectrum(channel)) for channel in unpanned]
    left, right = spectra[0], spectra[-1]
    own = np.maximum((gains[0] * left[2] + gains[1] * right[3]).real, 0)
    own /= own.sum() + _TINY
    presence = [mix.peak_change(side, stem[side]) for side in (0, 1)]
    columns = []
    for knob in knobs:
        if not _is_linear(knob.path):
            columns.append(_tried(mix, strip, raw, unpanned, gains, knob))
            continue
        by_left, by_right = _factors(mix, strip, knob, gains, len(raw))
        column = mix.changes(left, right, by_left, by_right)
        if knob.path == "pan":
            for side, factor in ((0, by_left), (1, by_right)):
                column[_PEAK_LEFT + side] = mix.peak_change(side, unpanned[-side]) * factor[0].real
        else:
            growth = float((by_left / gains[0] if gains[0] > gains[1] else by_right / gains[1]).real @ own)
            column[_PEAK_LEFT:] = [growth * share for share in presence]
        columns.append(column)
    return np.stack(columns, axis=1)


def _is_linear(path: str) -> bool:
    """Whether a setting filters or moves the sound, so that its effect is known without trying."""
    return parameters(Strip)[path].section in {"eq", "fader", "pan"}


def _master_columns(mix: _Mix, master: Master, knobs: Sequence[Knob]) -> Matrix:
    columns = []
    for knob in knobs:
        if not _is_linear(knob.path):
            columns.append(_tried_on_master(mix, master, knob))
            continue
        factor = _eq_change(master.eq, knob, mix)
        column = mix.changes(mix.left, mix.right, factor, factor)
        own = np.maximum((mix.left[2] + mix.right[3]).real, 0)
        column[_PEAK_LEFT:] = float(factor.real @ own) / (own.sum() + _TINY)
        columns.append(column)
    return np.stack(columns, axis=1)


def _factors(mix: _Mix, strip: Strip, knob: Knob, gains: tuple[float, float], channels: int) -> tuple[Complex, Complex]:
    """What a knob adds to the left and to the right, in multiples of what comes before the pan."""
    if knob.path == "pan":
        reach = _BALANCE_STEP if channels == 2 else _STEP
        turned = [min(1.0, max(-1.0, strip.pan + side * reach)) for side in (1, -1)]
        after, before = (pan_gains(pan, channels) for pan in turned)
        left, right = (
            (one - other) / (turned[0] - turned[1]) * knob.span for one, other in zip(after, before, strict=True)
        )
        ones = np.ones(mix.groups.count, np.complex128)
        return left * ones, right * ones
    if knob.path == "fader_db":
        change = np.full(mix.groups.count, knob.span * np.log(10) / 20, np.complex128)
    else:
        change = _eq_change(strip.eq, knob, mix)
    return gains[0] * change, gains[1] * change


def _eq_change(eq: Equalizer, knob: Knob, mix: _Mix) -> Complex:
    """Logarithmic derivative of the spectrum behind an equalizer, shape (groups,)."""
    _, band, setting = knob.path.split(".")
    now, place = getattr(eq, band), knob.place(get(eq, f"{band}.{setting}"))
    flat = np.ones(mix.groups.count, np.complex128)
    if setting != "gain_db" and abs(now.gain_db) < _STEP:
        return 0 * flat
    before, after = (
        band_factors(
            Equalizer(**{band: now.model_copy(update={setting: knob.value(place + step)})}),
            mix.groups.centre_hz,
            mix.sample_rate_hz,
        ).get(band, flat)
        for step in (-_STEP, _STEP)
    )
    return np.asarray(np.log(after / before) / (2 * _STEP))


def _tried(
    mix: _Mix, strip: Strip, raw: Samples, unpanned: Sequence[Samples], gains: tuple[float, float], knob: Knob
) -> Matrix:
    """What a step of a compressor's setting does to everything, from the strip rendered with it."""
    changed, step = _stepped(strip, knob)
    if changed is None:
        return np.zeros(_ROWS)
    processor = StripProcessor(changed, len(raw), mix.sample_rate_hz)
    late = processor.latency_samples
    stem = processor.process(np.pad(raw, ((0, 0), (0, late))))[:, late:]
    added = [
        (new - old) / np.float32(step) for new, old in zip(_unpanned(stem, gains, len(raw) == 1), unpanned, strict=True)
    ]
    spectra = [mix.against(spectrum(channel)) for channel in added]
    ones = np.ones(mix.groups.count, np.complex128)
    column = mix.changes(spectra[0], spectra[-1], gains[0] * ones, gains[1] * ones)
    for side in (0, 1):
        column[_PEAK_LEFT + side] = mix.peak_change(side, added[-side]) * gains[side]
    return column


def _tried_on_master(mix: _Mix, master: Master, knob: Knob) -> Matrix:
    changed, step = _stepped(master, knob)
    if changed is None:
        return np.zeros(_ROWS)
    processor = MasterProcessor(changed, mix.sample_rate_hz)
    late = processor.latency_samples
    made = processor.process(np.pad(mix.sound.bus, ((0, 0), (0, late))))[:, late:]
    return np.asarray((mix.followed(made) - mix.followed_now) / step)


def _stepped(section: Section, knob: Knob) -> tuple[Section | None, float]:
    """A section with one knob moved, and by how much; None where that does nothing."""
    if knob.path == "compressor.threshold_db" and section.compressor.ratio <= 1:
        return None, 0.0
    place = knob.place(get(section, knob.path))
    step = _STEP if place + _STEP <= knob.high else -_STEP
    row = parameters(type(section))[knob.path]
    return replace(section, {knob.path: row.clamp(knob.value(place + step))}), step


def _of_residuals(state: Matrix, changes: Matrix, weights: Weights, match_gain: float) -> Matrix:
    """By the chain rule from what is followed to residuals, all at matched loudness."""
    half_loudness = changes[_LOUDNESS] / (2 * state[_LOUDNESS] + _TINY)
    magnitude = state[: 2 * BARK_BANDS, None] * match_gain
    relative = changes[: 2 * BARK_BANDS] * match_gain / (magnitude + LOG_FLOOR)
    bark = relative - half_loudness * magnitude / (magnitude + LOG_FLOOR)
    nepers = np.log(magnitude + LOG_FLOOR)
    unheard = nepers[BARK_BANDS:, 0] < nepers[:BARK_BANDS, 0] - HEARD_SIDE_DB * NEPER_PER_DB
    bark[BARK_BANDS:][unheard] = bark[:BARK_BANDS][unheard]
    mid, side, left, right = state[_MID], state[_SIDE], state[_LEFT], state[_RIGHT]
    width = changes[_SIDE] / (mid + _TINY) - changes[_MID] * side / (mid + _TINY) ** 2
    total = left + right + _TINY
    imbalance = 2 * (left * changes[_RIGHT] - right * changes[_LEFT]) / total**2
    crest = [
        20 / np.log(10) * (changes[peak] - changes[level] / (2 * state[level] + _TINY))
        for peak, level in ((_PEAK_LEFT, _LEFT), (_PEAK_RIGHT, _RIGHT))
    ]
    return np.concatenate(
        [
            bark * np.sqrt(weights.bark / len(bark)),
            width[None] * np.sqrt(weights.width),
            imbalance[None] * np.sqrt(weights.imbalance),
            np.stack(crest) * np.sqrt(weights.crest / 2),
        ]
    )


def _unpanned(stem: Samples, gains: tuple[float, float], is_mono: bool) -> list[Samples]:
    """A strip's signal before the pan: of a mono track one channel, at constant power."""
    if is_mono:
        return [np.float32(gains[0]) * stem[0] + np.float32(gains[1]) * stem[1]]
    # A side that is faded out altogether stays unknown; the floor keeps its rounding errors from being blown up.
    return [channel / np.float32(max(gain, _FADED_OUT)) for channel, gain in zip(stem, gains, strict=True)]


def _energy(channel: Samples) -> float:
    return float(np.einsum("n,n->", channel, channel, dtype=np.float64))


def _peaks(channel: Samples, sample_rate_hz: int) -> tuple[NDArray[np.intp], Matrix]:
    """Where a channel is highest, one place in 10 ms, and how much each counts; the weights sum to 1."""
    step = round(_PEAK_FRAME_S * sample_rate_hz)
    size = np.abs(channel[: len(channel) // step * step]).reshape(-1, step)
    highest = size.max(axis=1)
    frames = np.argsort(highest)[::-1][:_PEAKS]
    places = frames * step + size[frames].argmax(axis=1)
    below = 1 - highest[frames] / (highest[frames[0]] + _TINY)
    weights = np.exp(-below.astype(np.float64) / _PEAK_DECAY)
    return places, weights / weights.sum()
