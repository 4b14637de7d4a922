"""A raw recording and what was made of it: aligned, described, refused if it is no pair.

    pair = match_pair(raw, mixed, 44100)
    pair.mixed        # on the raw recording's time, as long, right way up
    pair.notes        # sentences on what was found and mended

Offset, drift, polarity, length and channels are mended; level is told and kept.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from ...presets.errors import AudioError
from ...runtime.audio.loudness import integrated_loudness
from ...runtime.audio.reading import Samples
from .direction import looks_turned
from .lags import SURE_PEAK, Lags, find_lags, fine_lag_s
from .likeness import PairLikeness, explained_share, levels_alike, pauses_level_db

_SILENT_LUFS = -65.0
# Power of the middle against that of the louder side.
_CANCELLED = 0.05
# Correlation of two sides. Those of wide rooms and of doubled tracks have about 0.
_OPPOSITE = -0.4
SHORTEST_S: Final = 1.0
_ALIKE_LU = 0.5
# What is another take explains a tenth at most; a voice under a band that is as loud a half.
LEAST_EXPLAINED: Final = 0.2
DOUBTFUL_EXPLAINED: Final = 0.5
# Digital silence, and how long it is where it is no pause.
_SILENT_SHARE, _SILENT_S = 1e-5, 1.0
# Below this it is told: voices in strong rooms and squeezed hard have more.
TOLD_EXPLAINED: Final = 0.75
# Where the raw recording has paused, a band that is 6 dB below the voice is 9 dB below its loud moments, long rooms 20.
# Voices with such rooms are explained by 0.83 and more.
_PLAYING_ON_DB, _PLAYED_OVER = -12.0, 0.8
_LEAST_AGREEING = 0.5
# Levels of pairs move alike by 0.7 and more, tuned ones too, those of other sound by 0.25 at most.
_LEAST_FOLLOWING, _FOLLOWING = 0.4, 0.7
# Filters of the mix move a peak by as much; delays are whole samples far more often.
_WHOLE, _NONE_S = 0.2, 4e-5
# Against what was rendered the peak is exact; what is further off is another part of the sound.
_WHOLE_RENDERED, _LEAST_SHIFT, _MOST_SHIFT_S = 0.12, 0.03, 5e-4


class NoPairError(AudioError):
    """Two recordings of which one was not made of the other.

    Attributes:
        likeness: what was measured; None where they could not be compared at all.
    """

    def __init__(self, message: str, likeness: PairLikeness | None = None) -> None:
        super().__init__(message)
        self.likeness = likeness


@dataclass(frozen=True)
class MatchedPair:
    """A raw recording and what was made of it, on one time.

    Attributes:
        raw: shape (channels, samples).
        mixed: shape (2, samples), as long; silence where it does not reach.
        inside: samples of the raw recording that the mixed one reaches, without silence at both ends.
        sample_rate_hz: of both.
        offset_s: by how much later the mixed recording was; below 0 it was earlier.
        drift_ppm: by how much it ran slow, in millionths.
        is_inverted: whether its polarity was turned.
        is_side_turned: whether its sides cancelled each other, and the right one was turned.
        gain_db: its loudness over that of the raw one.
        is_mixed_mono: whether its two sides are the same, or it has one.
        likeness: what tells that it is a pair.
        notes: sentences for people on what was found.
        is_turned: whether the raw one looks as if it were the mixed one.
    """

    raw: Samples
    mixed: Samples
    inside: slice
    sample_rate_hz: int
    offset_s: float
    drift_ppm: float
    is_inverted: bool
    is_side_turned: bool
    gain_db: float
    is_mixed_mono: bool
    likeness: PairLikeness
    notes: tuple[str, ...]
    is_turned: bool

    @property
    def offset_samples(self) -> float:
        """The offset in samples."""
        return self.offset_s * self.sample_rate_hz


def match_pair(
    raw: Samples, mixed: Samples, sample_rate_hz: int, what: str = "the pair", lags: Lags | None = None
) -> MatchedPair:
    """Brings a mixed recording onto the time of the raw one.

    Args:
        raw: shape (channels, samples), one or two channels.
        mixed: likewise, of any length.
        sample_rate_hz: of both.
        what: names the pair in errors.
        lags: of :func:`on_time_of`, where they are known.

    Raises:
        NoPairError: one was not made of the other; the message has the measure that says so.
        AudioError: one is silent or too short to tell.
    """
    for name, audio in (("raw", raw), ("mixed", mixed)):
        if audio.shape[1] < SHORTEST_S * sample_rate_hz:
            raise AudioError(f"{what}: the {name} recording is shorter than {SHORTEST_S:g} s: give a longer one.")
        if integrated_loudness(audio, sample_rate_hz) < _SILENT_LUFS:
            raise AudioError(f"{what}: the {name} recording is silent: give another file.")
    one = heard_as_one(raw)
    upright = with_sides_upright(raw, mixed)
    if lags is None:
        moved, lags = on_time_of(one, upright, sample_rate_hz)
    else:
        moved = _moved(upright, lags, raw.shape[1], sample_rate_hz)
    inside = _sounding(moved, one, reached_by(mixed.shape[1], lags, raw.shape[1], sample_rate_hz), sample_rate_hz)
    explained, following, pauses_db, is_turned = 0.0, 0.0, None, False
    if _is_long(inside, lags):
        both = one[inside], heard_as_one(moved)[inside]
        explained, following = explained_share(*both, sample_rate_hz), levels_alike(*both, sample_rate_hz)
        pauses_db, is_turned = pauses_level_db(*both, sample_rate_hz), looks_turned(*both, sample_rate_hz)
    likeness = PairLikeness(explained, lags.peak, lags.agreeing, following, pauses_db)
    _refuse_none(likeness, what)
    gain_db = integrated_loudness(moved[:, inside], sample_rate_hz) - integrated_loudness(
        raw[:, inside], sample_rate_hz
    )
    stereo = np.repeat(moved, 2, axis=0) if moved.shape[0] == 1 else moved
    is_mono = bool(np.abs(stereo[0] - stereo[1]).max() < 1e-5 + 1e-4 * np.abs(stereo).max())
    pair = MatchedPair(
        raw,
        np.ascontiguousarray(stereo),
        inside,
        sample_rate_hz,
        lags.offset_s,
        lags.drift * 1e6,
        lags.polarity < 0,
        upright is not mixed,
        gain_db,
        is_mono,
        likeness,
        (),
        is_turned,
    )
    return _noted(pair, mixed)


def realigned(pair: MatchedPair, mixed: Samples, rendered: Samples) -> MatchedPair:
    """Brings the mixed recording onto the time of what was rendered: filters of the mix move a peak by some samples.

    Args:
        pair: as it was matched.
        mixed: the recording as it was, shape (channels, samples).
        rendered: what the raw recording becomes, shape (2, samples).
    """
    rate_hz, inside = pair.sample_rate_hz, pair.inside
    lag_s = fine_lag_s(heard_as_one(rendered)[inside], heard_as_one(pair.mixed)[inside], rate_hz)
    offset = (pair.offset_s + lag_s) * rate_hz
    if abs(offset - round(offset)) < _WHOLE_RENDERED:
        offset = round(offset)
    if not _LEAST_SHIFT < abs(offset - pair.offset_samples) < _MOST_SHIFT_S * rate_hz:
        return pair
    polarity = -1 if pair.is_inverted else 1
    lags = Lags(offset / rate_hz, pair.drift_ppm * 1e-6, polarity, pair.likeness.peak, pair.likeness.agreeing)
    moved = _moved(with_sides_upright(pair.raw, mixed), lags, pair.raw.shape[1], rate_hz)
    stereo = np.ascontiguousarray(np.repeat(moved, 2, axis=0) if moved.shape[0] == 1 else moved)
    reached = reached_by(mixed.shape[1], lags, pair.raw.shape[1], rate_hz)
    inside = _sounding(moved, heard_as_one(pair.raw), reached, rate_hz)
    return _noted(replace(pair, mixed=stereo, inside=inside, offset_s=lags.offset_s), mixed)


def _whole_where_near(lags: Lags, rate_hz: int) -> Lags:
    offset = lags.offset_s * rate_hz
    if lags.drift:
        return lags
    if abs(lags.offset_s) < _NONE_S:
        return replace(lags, offset_s=0.0)
    if abs(offset - round(offset)) > _WHOLE:
        return lags
    return replace(lags, offset_s=round(offset) / rate_hz)


def _together(first: Lags, rest: Lags) -> Lags:
    """The lags of a recording of which those first found were mended, and the rest was left."""
    offset_s = first.offset_s + (1 + first.drift) * rest.offset_s
    drift = (1 + first.drift) * (1 + rest.drift) - 1
    return replace(rest, offset_s=offset_s, drift=drift, polarity=first.polarity * rest.polarity)


def on_time_of(raw: Samples, mixed: Samples, sample_rate_hz: int) -> tuple[Samples, Lags]:
    """Brings a recording onto the time of another, right way up; nothing is refused.

    Args:
        raw: shape (samples,).
        mixed: shape (channels, samples), of any length.
        sample_rate_hz: of both.

    Returns:
        What was mixed, as long as the raw recording, and how it lay.
    """
    lags = _whole_where_near(find_lags(raw, heard_as_one(mixed), sample_rate_hz), sample_rate_hz)
    moved = _moved(mixed, lags, len(raw), sample_rate_hz)
    if lags.drift:
        # A peak is blurred by what the clock drifts in a passage: once more, without most of that.
        lags = _together(lags, find_lags(raw, heard_as_one(moved), sample_rate_hz))
        moved = _moved(mixed, lags, len(raw), sample_rate_hz)
    return moved, lags


def with_sides_upright(raw: Samples, mixed: Samples) -> Samples:
    """Turns the right side of a mixed recording whose sides are upside down to each other, if the raw one's are not."""
    if mixed.shape[0] < 2 or not _are_opposite(mixed) or (raw.shape[0] == 2 and _are_opposite(raw)):
        return mixed
    return np.stack([mixed[0], -mixed[1]])


def _are_opposite(audio: Samples) -> bool:
    left, right = audio.astype(np.float64)
    return bool(left @ right < _OPPOSITE * math.sqrt(float((left @ left) * (right @ right))))


def heard_as_one(audio: Samples) -> Samples:
    """Gives the middle; of a recording whose sides cancel each other the louder side, shape (samples,)."""
    middle: Samples = audio.mean(axis=0)
    if not is_cancelling(audio):
        return middle
    sides = np.square(audio, dtype=np.float64).mean(axis=1)
    # Of sides that are as loud the left: which is turned must not depend on rounding.
    louder: Samples = audio[0 if sides[0] > 0.5 * sides.max() else 1]
    return louder


def is_cancelling(audio: Samples) -> bool:
    """Tells whether little is left of the sides of a recording when they are added."""
    sides = np.square(audio, dtype=np.float64).mean(axis=1)
    return bool(np.square(audio.mean(axis=0), dtype=np.float64).mean() < _CANCELLED * sides.max())


def _is_long(inside: slice, lags: Lags) -> bool:
    return lags.peak > 0 and inside.stop - inside.start > 0


def reached_by(frames: int, lags: Lags, wanted: int, rate_hz: int) -> slice:
    """What of a raw recording of `wanted` samples a mixed one of `frames` reaches; below half a second nothing."""
    begin = max(0, round(-lags.offset_s * rate_hz))
    end = min(wanted, int((frames - lags.offset_s * rate_hz) / (1 + lags.drift)))
    return slice(begin, end) if end - begin >= rate_hz // 2 else slice(0, 0)


def _sounding(moved: Samples, raw: Samples, inside: slice, rate_hz: int) -> slice:
    """What is reached without the begin and the end in which the raw recording sounds and the mixed one is silent."""
    whole = inside.stop - inside.start
    begin, end = _reach_of_sound(moved[:, inside])
    raw_begin, raw_end = _reach_of_sound(raw[None, inside])
    least, margin = round(_SILENT_S * rate_hz), round(_SILENT_S * rate_hz / 2)
    # Where both are silent nothing broke off.
    return slice(
        inside.start + (begin - margin if begin > least and begin - raw_begin > margin else 0),
        inside.start + (end + margin if whole - end > least and raw_end - end > margin else whole),
    )


def _reach_of_sound(audio: Samples) -> tuple[int, int]:
    """Where the first and behind the last sound is; all of what is silent."""
    size = np.abs(audio).max(axis=0, initial=0)
    heard = np.flatnonzero(size > _SILENT_SHARE * size.max(initial=0))
    return (int(heard[0]), int(heard[-1]) + 1) if len(heard) else (0, size.size)


def _moved(mixed: Samples, lags: Lags, frames: int, rate_hz: int) -> Samples:
    """The mixed recording on the raw one's time, by whole samples, then by a fraction."""
    offset = lags.offset_s * rate_hz
    if abs(lags.drift) > 0:
        return _stretched(mixed, offset, lags.drift, frames) * np.float32(lags.polarity)
    whole = round(offset)
    part = np.zeros((mixed.shape[0], frames), np.float32)
    begin, end = max(0, whole), min(mixed.shape[1], whole + frames)
    if end > begin:
        part[:, begin - whole : end - whole] = mixed[:, begin:end]
    fraction = offset - whole
    if fraction:
        part = _shifted(part, fraction)
    return part * np.float32(lags.polarity)


def _shifted(audio: Samples, earlier: float) -> Samples:
    """Audio earlier by a fraction of a sample."""
    from scipy.fft import irfft, next_fast_len, rfft

    size = next_fast_len(audio.shape[1] + 64, real=True)
    turn = np.exp(2j * np.pi * np.fft.rfftfreq(size) * earlier)
    moved: Samples = irfft(rfft(audio, size) * turn.astype(np.complex64), size)[:, : audio.shape[1]].astype(np.float32)
    return moved


def _stretched(audio: Samples, offset: float, drift: float, frames: int) -> Samples:
    """Audio read at places that run slow or fast: four times oversampled, then by cubics between."""
    import soxr
    from scipy.ndimage import map_coordinates

    places = 4 * (np.arange(frames) * (1 + drift) + offset)
    dense = [soxr.resample(row, 1, 4, quality="VHQ") for row in audio]
    rows = [map_coordinates(row, [places], order=3, mode="constant", output=np.float32) for row in dense]
    return np.stack(rows)


def _refuse_none(likeness: PairLikeness, what: str) -> None:
    measured = (
        f"{likeness.explained:.0%} of the mixed recording is the raw one, filtered; the correlation's peak is "
        f"{likeness.peak:.1f} times its mean; {likeness.agreeing:.0%} of the passages agree on the offset"
    )
    following = 0.0 if likeness.following is None else likeness.following
    if following >= _FOLLOWING and likeness.explained < LEAST_EXPLAINED:
        raise NoPairError(
            f"{what}: this is no pair: the levels of the mixed recording move as those of the raw one (by "
            f"{following:.0%}), but its waves are others ({measured}). It was tuned all through, or is another take, "
            "sung alike: give the recording as it was after tuning as the raw one.",
            likeness,
        )
    if likeness.peak < SURE_PEAK and likeness.explained < LEAST_EXPLAINED:
        raise NoPairError(
            f"{what}: this is no pair: the raw recording is not heard in the mixed one ({measured}). Another take, or "
            "another song: give the mixed file that was made of this recording.",
            likeness,
        )
    is_doubtful = likeness.explained < DOUBTFUL_EXPLAINED
    is_other = likeness.agreeing < _LEAST_AGREEING or following < _LEAST_FOLLOWING
    if likeness.explained < LEAST_EXPLAINED or (is_doubtful and is_other):
        raise NoPairError(
            f"{what}: this is no pair: the raw recording is heard, but most of the mixed one is something else "
            f"({measured}; its levels move as those of the raw one by {following:.0%}). It has other instruments or "
            "takes in it, or was edited: give the track alone, or all stems of the mix.",
            likeness,
        )
    pauses_db = -math.inf if likeness.pauses_db is None else likeness.pauses_db
    if likeness.explained < _PLAYED_OVER and pauses_db > _PLAYING_ON_DB:
        raise NoPairError(
            f"{what}: this is no pair: where the raw recording pauses the mixed one plays on, {-pauses_db:.0f} dB "
            f"below its loud moments ({measured}). It has other instruments in it: give the track alone, or all stems "
            "of the mix.",
            likeness,
        )


def _noted(pair: MatchedPair, mixed: Samples) -> MatchedPair:
    notes = []
    if pair.is_turned:
        notes.append(
            "The raw recording is denser than the mixed one, and its sounds ring on longer: they look swapped. If they "
            "are, give them the other way round."
        )
    if abs(pair.offset_samples) >= 0.5:
        direction = "later" if pair.offset_s > 0 else "earlier"
        notes.append(
            f"The mixed recording is {abs(pair.offset_s) * 1000:.2f} ms ({abs(pair.offset_samples):.1f} samples) "
            f"{direction} than the raw one; it was moved."
        )
    if pair.drift_ppm:
        notes.append(f"Its clock drifts by {pair.drift_ppm:+.1f} ppm; it was resampled.")
    if pair.is_inverted:
        notes.append("Its polarity is inverted; it was turned. The console has no setting for that.")
    if pair.is_side_turned:
        notes.append(
            "Its sides were upside down to each other: the right one was turned. The console has no setting for that."
        )
    seconds = mixed.shape[1] / pair.sample_rate_hz, pair.raw.shape[1] / pair.sample_rate_hz
    if abs(seconds[0] - seconds[1]) > 0.05:
        notes.append(f"It is {seconds[0]:.1f} s long, the raw one {seconds[1]:.1f} s; what both have is compared.")
    if is_cancelling(pair.raw):
        notes.append(
            "The sides of the raw recording cancel each other where they are added: one of them may be inverted. The "
            "louder one was listened to."
        )
    if pair.raw.shape[0] == 2 and pair.is_mixed_mono:
        notes.append("The raw recording is stereo, the mixed one mono.")
    if abs(pair.gain_db) > _ALIKE_LU:
        notes.append(f"It is {abs(pair.gain_db):.1f} LU {'louder' if pair.gain_db > 0 else 'quieter'}.")
    if pair.likeness.explained < TOLD_EXPLAINED:
        notes.append(
            f"Only {pair.likeness.explained:.0%} of it is the raw one, filtered: it was processed very hard, or other "
            "sound is in it."
        )
    return replace(pair, notes=tuple(notes))
