"""The drop-in for pipelines that mix one vocal: a numpy array in, a numpy array out."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import soxr
from numpy.typing import NDArray

from ..presets.console import replace
from ..presets.edit import scaled
from ..presets.errors import AudioError
from ..presets.preset import Preset
from ..presets.units import gain_factor
from .audio.loudness import integrated_loudness
from .audio.reading import HIGHEST_RATE_HZ, LOWEST_RATE_HZ, Samples, first_bad_frame
from .console.limiter import limit
from .model.analysis import SILENT_LUFS, Passage, loudest_start, read_reference
from .model.bundle import DEFAULT_MODEL
from .model.controller import Controller, Provider
from .prediction.predict import predict
from .rendering.render import render_arrays

_TRACK = "Vocal"


class AudioProcessor:
    """Mixes one track in the style of a reference.

        process = AudioProcessor(reference="song.wav").process
        mixed = process(vocal, 48000)

    The track stays in the middle, at its own loudness unless another is asked for, and under the ceiling. The
    settings of the last call are in :attr:`preset`.

    Args:
        model: a bundle's folder, the name of a model that ships, or a loaded controller.
        reference: a finished song, or a vocal that sounds as this one should.
        provider: "auto", "cuda" or "cpu".
        amount: 0 neutral, 1 as predicted, up to 1.5.
        loudness_lufs: of the result; None keeps that of the input.
        ceiling_dbtp: no true peak of the result is over it.

    Raises:
        AudioError: the reference cannot be used.
        ModelError: the model cannot be loaded.
    """

    def __init__(
        self,
        model: str | Path | Controller = DEFAULT_MODEL,
        *,
        reference: str | Path,
        provider: Provider = "auto",
        amount: float = 1.0,
        loudness_lufs: float | None = None,
        ceiling_dbtp: float = -1.0,
    ) -> None:
        self._controller = model if isinstance(model, Controller) else Controller(model, provider)
        self._amount, self._loudness_lufs, self._ceiling = amount, loudness_lufs, gain_factor(ceiling_dbtp)
        manifest = self._controller.manifest
        self._reference = read_reference(Path(reference), manifest.sample_rate_hz, manifest.window_samples)[0]
        self.preset: Preset | None = None

    def process(self, audio: NDArray[Any], sample_rate: int) -> Samples:
        """Mix a track.

        Args:
            audio: floats, full scale 1.0, shape (samples,), (1, samples) or (2, samples).
            sample_rate: in Hz.

        Returns:
            float32 of the same shape. Silence comes back as it is.

        Raises:
            AudioError: another shape, not a finite number, an integer type, or a rate outside 8..192 kHz.
        """
        samples = _checked(audio, sample_rate)
        loudness = integrated_loudness(samples, sample_rate)
        if loudness < SILENT_LUFS:
            return np.array(audio, dtype=np.float32)
        self.preset = self._predict(samples, sample_rate)
        mix = render_arrays({_TRACK: samples}, sample_rate, self.preset).mix
        if samples.shape[0] == 1:
            mix = mix[:1]  # in the middle both channels are the same
        target = loudness if self._loudness_lufs is None else self._loudness_lufs
        found = integrated_loudness(mix, sample_rate)
        if math.isfinite(found):
            mix = mix * np.float32(gain_factor(target - found))
        return limit(mix, self._ceiling, sample_rate).reshape(audio.shape)

    def _predict(self, samples: Samples, sample_rate_hz: int) -> Preset:
        manifest = self._controller.manifest
        rate_hz, length = manifest.sample_rate_hz, manifest.window_samples
        heard = samples if sample_rate_hz == rate_hz else soxr.resample(samples.T, sample_rate_hz, rate_hz).T
        start = loudest_start(heard, rate_hz, length)
        heard = heard[:, start : start + length]
        heard = np.pad(heard, ((0, 0), (0, length - heard.shape[1]))).astype(np.float32)
        loudness = {_TRACK: integrated_loudness(heard, rate_hz)}
        passage = Passage(start / rate_hz, length / rate_hz, {_TRACK: heard}, loudness)
        preset = scaled(predict(self._controller, passage, self._reference), self._amount)
        (track,) = preset.tracks
        centred = track.model_copy(update={"strip": replace(track.strip, {"pan": 0.0})})
        return preset.model_copy(update={"tracks": (centred,)})


def _checked(audio: NDArray[Any], sample_rate_hz: int) -> Samples:
    if not LOWEST_RATE_HZ <= sample_rate_hz <= HIGHEST_RATE_HZ:
        raise AudioError(f"a sample rate of {sample_rate_hz} Hz cannot be used: give 8000 to 192000")
    if not np.issubdtype(audio.dtype, np.floating):
        raise AudioError(
            f"audio must be floats with full scale 1.0, not {audio.dtype}: divide integers by their full scale"
        )
    samples = audio[None] if audio.ndim == 1 else audio
    if samples.ndim != 2 or samples.shape[0] not in (1, 2) or samples.shape[1] == 0:
        raise AudioError(f"audio must have the shape (samples,), (1, samples) or (2, samples), not {audio.shape}")
    samples = np.ascontiguousarray(samples, dtype=np.float32)
    bad = first_bad_frame(samples)
    if bad is not None:
        raise AudioError(f"audio holds NaN or infinity at sample {bad}: repair it first")
    return samples
