"""What the model wants of each track, window by window."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ...presets.preset import Preset
from ..audio.loudness import integrated_loudness
from ..audio.opening import ON_DEMAND, OpenFiles
from ..audio.reading import Samples, probe, read_passage
from ..model.analysis import Passage
from ..model.controller import Controller
from ..prediction.predict import predict_musically
from .sections import Values


@dataclass(frozen=True)
class WantedLevels:
    """Levels that are wanted of tracks over time.

    Attributes:
        names: of the tracks.
        starts_s: where the windows begin.
        window_s: how long they are.
        levels_db: loudness in LUFS that each track is to have while it plays, shape (tracks, windows); NaN where it
            does not. It is what is wanted, not by how much it is turned up: a singer's quiet words stay quiet.
        heard_db: loudness of the raw tracks in LUFS, likewise.
    """

    names: tuple[str, ...]
    starts_s: tuple[float, ...]
    window_s: float
    levels_db: Values
    heard_db: Values


def wanted_levels(
    controller: Controller,
    stems: Mapping[str, Path],
    reference: Samples,
    preset: Preset,
    hop_s: float,
    files: OpenFiles = ON_DEMAND,
    progress: Callable[[float], None] | None = None,
) -> WantedLevels:
    """Predict every window of a session.

    Args:
        controller: the model.
        stems: files by track name.
        reference: what is heard of the song, at the model's rate.
        preset: whose tracks have their roles.
        hop_s: from one window to the next; windows are as long as what the model hears at once, or twice the hop.
        files: keeps the stems open.
        progress: called with the share done, 0..1.
    """
    rate_hz = controller.manifest.sample_rate_hz
    samples = max(controller.manifest.window_samples, round(2 * hop_s * rate_hz))
    window_s = samples / rate_hz
    length_s = max(probe(path, files).duration_s for path in stems.values())
    # A window that reaches beyond the end would hear silence there.
    count = max(1, math.floor((length_s - window_s) / hop_s + 1e-6) + 1)
    roles = {track.name: track.role for track in preset.tracks if track.role is not None}
    names = tuple(stems)
    levels, heard = (np.full((len(names), count), math.nan) for _ in range(2))
    for place, passage in enumerate(_passages(stems, rate_hz, samples, hop_s, count, files)):
        heard[:, place] = [passage.loudness_lufs[name] for name in names]
        if passage.heard:
            decided = predict_musically(controller, passage, reference, roles)
            for name in passage.heard:
                strip = decided.track(name).strip
                level_db = passage.loudness_lufs[name] + strip.input_gain_db + strip.fader_db
                levels[names.index(name), place] = level_db
        if progress is not None:
            progress((place + 1) / count)
    return WantedLevels(names, tuple(place * hop_s for place in range(count)), window_s, levels, heard)


def _passages(
    stems: Mapping[str, Path], rate_hz: int, samples: int, hop_s: float, count: int, files: OpenFiles
) -> Iterator[Passage]:
    for place in range(count):
        start_s = place * hop_s
        audio = {
            name: _fitted(read_passage(path, start_s, samples / rate_hz, rate_hz, files), samples)
            for name, path in stems.items()
        }
        loudness = {name: integrated_loudness(item, rate_hz) for name, item in audio.items()}
        yield Passage(start_s, samples / rate_hz, audio, loudness)


def _fitted(audio: Samples, samples: int) -> Samples:
    return np.pad(audio[:, :samples], ((0, 0), (0, max(0, samples - audio.shape[1]))))
