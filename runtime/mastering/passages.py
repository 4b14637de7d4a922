"""What comes into the master, rendered on passages spread over a song: what masters are fitted to."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

import numpy as np

from ...presets.preset import Preset, Track
from ..audio.opening import ON_DEMAND, OpenFiles
from ..audio.reading import Samples, probe, read_passage
from ..rendering.in_memory import render_bus
from ..rendering.track_takes import MOST_SAMPLES, TrackTakes

RATE_HZ: Final = 44100
_PASSAGE_S: Final = 6.0
_PASSAGES: Final = 5
# Where passages meet, so that no click counts as a peak.
_FADE_S: Final = 0.01


class BusPassages:
    """Passages of a song, of which one preset after another is rendered up to the master.

    Presets that differ in faders, pans and sends cost little after the first: tracks behind their stages are kept.

    Args:
        stems: files by track name; tracks of a preset that are not among them are left out.
        heard_s: where a passage begins that has to be among those that are rendered.
        files: stems that are open already.

    Raises:
        AudioError: a file cannot be used.
    """

    def __init__(self, stems: Mapping[str, Path], heard_s: float | None = None, files: OpenFiles = ON_DEMAND):
        self._stems, self._files = stems, files
        places = list(_places(max(probe(path, files).duration_s for path in stems.values()), heard_s))
        self._passages = [(*place, TrackTakes(MOST_SAMPLES // len(places))) for place in places]

    def bus(self, preset: Preset) -> Samples:
        """Render the passages, one behind the other, shape (2, n).

        Raises:
            AudioError: a file cannot be used.
        """
        sounding = preset.model_copy(update={"tracks": tuple(t for t in preset.tracks if t.name in self._stems)})

        def rendered(start_s: float, length_s: float, takes: TrackTakes) -> Samples:
            audio = {track.name: self._audio(track, start_s, length_s, takes) for track in sounding.tracks}
            return _faded(render_bus(audio, RATE_HZ, sounding, takes.run))

        with ThreadPoolExecutor(os.cpu_count()) as pool:  # passages side by side keep more cores busy than tracks do
            return np.concatenate(list(pool.map(rendered, *zip(*self._passages, strict=True))), axis=1)

    def _audio(self, track: Track, start_s: float, length_s: float, takes: TrackTakes) -> Samples:
        kept = takes.stand_in(track)
        return _read(self._stems[track.name], start_s, length_s, self._files) if kept is None else kept


def _places(duration_s: float, heard_s: float | None) -> Iterator[tuple[float, float]]:
    """Spread passages over a song, one of them the one that was heard; all of a song that is no longer than they."""
    if duration_s <= _PASSAGES * _PASSAGE_S:
        yield 0.0, duration_s
        return
    last_s = duration_s - _PASSAGE_S
    places = [float(at) for at in np.linspace(0, 1, _PASSAGES + 2)[1:-1] * last_s]
    if heard_s is not None:
        heard_s = min(heard_s, last_s)
        nearest = min(range(len(places)), key=lambda index: abs(places[index] - heard_s))
        places[nearest] = heard_s
    yield from ((place, _PASSAGE_S) for place in places)


def _read(path: Path, start_s: float, length_s: float, files: OpenFiles) -> Samples:
    frames = round(length_s * RATE_HZ)
    audio = read_passage(path, start_s, length_s, RATE_HZ, files)[:, :frames]
    return np.pad(audio, ((0, 0), (0, frames - audio.shape[1])))


def _faded(audio: Samples) -> Samples:
    fade = min(audio.shape[1] // 2, round(_FADE_S * RATE_HZ))
    ramp = np.linspace(0, 1, fade, endpoint=False, dtype=np.float32)
    faded = audio.copy()
    faded[:, :fade] *= ramp
    faded[:, audio.shape[1] - fade :] *= ramp[::-1]
    return faded
