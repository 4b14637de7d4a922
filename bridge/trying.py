"""A model tried on one raw track: before and after, equally loud, to be heard, with figures."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from ..presets.errors import AudioError
from ..presets.files import dumps
from ..presets.preset import Preset
from ..presets.units import gain_factor
from ..runtime.audio.loudness import integrated_loudness
from ..runtime.audio.output import OutputFolder, write_text
from ..runtime.audio.peaks import true_peak_db
from ..runtime.audio.reading import AudioReader, Samples, as_stereo
from ..runtime.audio.writing import FORMATS, write_samples
from ..runtime.mixing import predict
from ..runtime.model.references import AnyReference, songs_heard
from ..runtime.prediction.target import FeatureTarget
from ..runtime.rendering.in_memory import render_mix

BEFORE: Final = "before.wav"
AFTER: Final = "after.wav"
PRESET: Final = "preset.json"

_CEILING_DBTP = -1.0
_LONGEST_S = 20 * 60.0
_SIDE_FLOOR_DB = 20.0


@dataclass(frozen=True)
class ModelTrial:
    """What came of it.

    Attributes:
        folder: has the files.
        preset: the settings.
        seconds: length of the track.
        took_s: time to decide and render.
        before_lufs: loudness of the raw track.
        after_lufs: of the mixed one, before both were made equally loud for the files.
        before_peak_db: how far true peaks of the raw track stand above its loudness.
        after_peak_db: likewise of the mixed one.
        raw_distance: feature distance of the raw track to the mixed file that it should come to; None without one.
        distance: of what the model makes.
    """

    folder: Path
    preset: Preset
    seconds: float
    took_s: float
    before_lufs: float
    after_lufs: float
    before_peak_db: float
    after_peak_db: float
    raw_distance: float | None = None
    distance: float | None = None


def try_model(
    model: str | Path,
    raw: Path,
    output: Path,
    *,
    reference: AnyReference | None = None,
    mixed: Path | None = None,
    overwrite: bool = False,
) -> ModelTrial:
    """Mix a raw track by a model; write it before and after, and the preset.

    Args:
        model: a bundle, or the name of one.
        raw: file of the track.
        output: folder for the files; they appear together or not at all.
        reference: for models that need one.
        mixed: how the track should come out, e.g. as it was mixed by hand.
        overwrite: replace files that are there.

    Raises:
        MixbridgeError: something cannot be used or written.
    """
    audio, rate_hz = _read(raw)
    songs = [song.path for song in songs_heard(reference)]
    place = OutputFolder(output, overwrite, [BEFORE, AFTER, PRESET], [raw, *songs, *([mixed] if mixed else [])])
    with place as workplace:
        begin = time.perf_counter()
        preset = predict({raw.stem: raw}, reference, model=model)
        made = render_mix({raw.stem: audio}, rate_hz, preset)[:, : audio.shape[1]]
        took_s = time.perf_counter() - begin
        before = as_stereo(audio)
        before_lufs, after_lufs = (integrated_loudness(each, rate_hz) for each in (before, made))
        peaks_db = [true_peak_db(each) for each in (before, made)]
        # As loud as both can be without a limiter: what is louder seems better.
        most = [_CEILING_DBTP - peak + own for peak, own in zip(peaks_db, (before_lufs, after_lufs), strict=True)]
        lufs = min(after_lufs, *most)
        for name, each, loudness in ((BEFORE, before, before_lufs), (AFTER, made, after_lufs)):
            gain = gain_factor(lufs - loudness) if np.isfinite(lufs - loudness) else 1.0
            write_samples(workplace / name, each * np.float32(gain), rate_hz, FORMATS["wav"])
        write_text(workplace / PRESET, dumps(preset))
    distances = _distances(mixed, rate_hz, before, made) if mixed is not None else (None, None)
    return ModelTrial(
        output,
        preset,
        audio.shape[1] / rate_hz,
        took_s,
        before_lufs,
        after_lufs,
        peaks_db[0] - before_lufs,
        peaks_db[1] - after_lufs,
        *distances,
    )


def _distances(mixed: Path, rate_hz: int, before: Samples, made: Samples) -> tuple[float, float]:
    wanted = as_stereo(_read(mixed, rate_hz)[0])
    target = FeatureTarget.of(wanted, rate_hz, _SIDE_FLOOR_DB)
    return target.distance(before).total, target.distance(made).total


def _read(path: Path, rate_hz: int | None = None) -> tuple[Samples, int]:
    reader = AudioReader(path, rate_hz)
    if reader.info.channels > 2 or reader.info.duration_s > _LONGEST_S:
        raise AudioError(f"{path}: give a mono or stereo file of {_LONGEST_S / 60:g} minutes or less")
    blocks = list(reader)
    if not blocks:
        raise AudioError(f"{path}: has no audio")
    return np.concatenate(blocks, axis=1), reader.sample_rate_hz
