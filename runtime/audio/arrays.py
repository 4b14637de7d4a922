"""Audio that a program hands over in memory: any usual layout in, samples of shape (channels, n) inside, and back.

Libraries disagree on layouts: soundfile gives (n, channels), pedalboard and torchaudio (channels, n). The longer side
is time; only where both sides are as short as channels has the caller to say which is which.
"""

from __future__ import annotations

from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ...presets.checking.arguments import checked_choice, real_number, shown_argument
from ...presets.errors import AudioError
from .reading import HIGHEST_RATE_HZ, HIGHEST_SAMPLE, LOWEST_RATE_HZ, Samples, first_bad_frame

Layout = Literal["mono", "channels first", "channels last"]
"""Shape (n,), (channels, n) or (n, channels)."""

_MOST_CHANNELS = 2
_SAME = 1e-6


def from_array(audio: ArrayLike, layout: Layout | None = None) -> tuple[Samples, Layout]:
    """Bring audio into shape (channels, n), float32, checked.

    Args:
        audio: floats, full scale 1.0, one or two channels; an array, or lists of numbers.
        layout: of `audio`; None tells it from the shape.

    Returns:
        A copy or a view, and the layout that the audio has.

    Raises:
        AudioError: not floats, another shape, one that has two meanings, or samples that are no finite audio.
    """
    array = _floats(audio)
    layout = layout if layout is not None and _fits(array, layout) else _told(array)
    with np.errstate(over="ignore"):  # what overflows is refused below
        samples = np.ascontiguousarray(_turned(array, layout), dtype=np.float32)
    bad = first_bad_frame(samples)
    if bad is not None:
        raise AudioError(f"audio holds NaN or infinity at sample {bad}: repair it first")
    if np.abs(samples).max(initial=0) > HIGHEST_SAMPLE:
        raise AudioError(f"audio holds samples over {HIGHEST_SAMPLE:.0e}: floats with full scale 1.0 are needed")
    return samples, layout


def to_layout(samples: Samples, layout: Layout) -> Samples:
    """Bring samples of shape (channels, n) into a layout."""
    if layout == "mono":
        row: Samples = samples[0]
        return row
    return np.ascontiguousarray(samples.T) if layout == "channels last" else samples


def is_one_sound(audio: Samples) -> bool:
    """Tell whether audio of shape (1 or 2, n) is mono, on one channel or on two that are the same.

    Many DAWs export every track as stereo. Channels 60 dB apart from each other by rounding or dither are the same.
    """
    if len(audio) == 1:
        return True
    left, right = audio.astype(np.float64)
    return float(np.square(left - right).sum()) <= _SAME * float(np.square(left).sum() + np.square(right).sum())


def check_layout(layout: object) -> None:
    """Refuse what names no layout; None is for telling it from the shape.

    Raises:
        AudioError: it names none.
    """
    if layout is not None:
        checked_choice(layout, "a layout", get_args(Layout), AudioError)


def checked_rate(sample_rate_hz: object) -> int:
    """Give a sample rate as a whole number.

    Raises:
        AudioError: none was given, it is no whole number, or outside 8..192 kHz.
    """
    if sample_rate_hz is None:
        raise AudioError("the sample rate of the audio is not known: give it, e.g. sample_rate=48000")
    rate_hz = real_number(sample_rate_hz)
    if rate_hz is None:
        raise AudioError(f"a sample rate is a number of Hz, e.g. 48000, and cannot be {shown_argument(sample_rate_hz)}")
    if not LOWEST_RATE_HZ <= rate_hz <= HIGHEST_RATE_HZ or rate_hz != int(rate_hz):
        raise AudioError(f"a sample rate of {rate_hz:.10g} Hz cannot be used: give a whole number, 8000 to 192000")
    return int(rate_hz)


def _floats(audio: ArrayLike) -> NDArray[Any]:
    if isinstance(audio, np.ma.MaskedArray):
        raise AudioError(
            "audio is a masked array, and there is no sound behind a mask: say what is there instead, "
            "e.g. audio.filled(0.0) for silence"
        )
    try:
        array = np.asarray(audio)
    except ValueError as error:  # lists of different lengths
        raise AudioError(f"audio is no array of one shape: {error}") from error
    if array.dtype.kind in "US":
        raise AudioError("audio must be samples, not text: read the file first, e.g. with soundfile.read")
    if not np.issubdtype(array.dtype, np.floating):
        remedy = ": divide integers by their full scale" if array.dtype.kind in "iu" else ""
        raise AudioError(f"audio must be floats with full scale 1.0, not {array.dtype}{remedy}")
    return array


def _fits(array: NDArray[Any], layout: Layout) -> bool:
    if array.ndim != 2:
        return array.ndim == 1 and layout == "mono"
    channels: int = {"channels first": array.shape[0], "channels last": array.shape[1]}.get(layout, 0)
    return 0 < channels <= _MOST_CHANNELS


def _told(array: NDArray[Any]) -> Layout:
    if array.ndim == 1 and array.size:
        return "mono"
    if array.ndim and not array.size:
        raise AudioError(f"audio is empty: samples are needed, not {array.shape}")
    short = [0 < length <= _MOST_CHANNELS for length in array.shape]
    if array.ndim != 2 or not any(short):
        raise AudioError(
            f"audio must have the shape (samples,), (channels, samples) or (samples, channels) with one or two "
            f"channels, not {array.shape}"
        )
    if all(short) and array.shape != (1, 1):
        if not np.isfinite(array).all():
            return "channels first"  # whatever it is, it cannot be used, and the caller says why
        raise AudioError(
            f"audio of shape {array.shape} has two meanings: say layout='channels first' or 'channels last'"
        )
    return "channels first" if short[0] else "channels last"


def _turned(array: NDArray[Any], layout: Layout) -> NDArray[Any]:
    if layout == "mono":
        return array[None]
    return array.T if layout == "channels last" else array
