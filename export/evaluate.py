"""Judges a model on audio that the runtime rendered, against what one would get without it.

A case: a held-out session is mixed under settings drawn as in training; the model hears the raw tracks of one
passage and the mix of *another* passage, and its mix of the first is compared with the true one. The distance is
the reference's feature distance, loudness matched. Nothing here knows the training's band powers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..presets.console import Master, Strip, parameters, replace
from ..presets.errors import ModelError
from ..presets.layout import balance_gain_db
from ..presets.preset import Preset, Track
from ..runtime.analysis import SILENT_LUFS, Passage
from ..runtime.audio import Samples
from ..runtime.controller import Controller
from ..runtime.features import FeatureDistance, feature_distance, mix_features
from ..runtime.loudness import integrated_loudness
from ..runtime.predict import predict
from ..runtime.render import render_arrays
from .band_console import TRACK_LEVEL_LUFS
from .bands import SAMPLE_RATE_HZ, WINDOW_SAMPLES
from .compact_layout import compact_layout, random_settings, to_unit_values, to_units
from .dataset import read_stereo, session_folders, stem_files

MODEL = "model"
BASELINES = ("random settings", "mean setting", "equal loudness, centred", "equal loudness, spread")
TERMS = ("bark", "width", "imbalance", "crest", "rms", "total")
_LOW_HZ = 250.0
_MEAN_DRAWS = 2000


@dataclass(frozen=True)
class Case:
    """What was found in one case.

    Attributes:
        session: name of its folder.
        tracks: how many played.
        start_s: of the passage judged.
        distances: weighted terms by mix ("model" and the baselines) and term.
    """

    session: str
    tracks: int
    start_s: float
    distances: Mapping[str, Mapping[str, float]]


def evaluate(
    controller: Controller, corpus: Path, cases: int, seed: int = 0, progress: Callable[[int], None] | None = None
) -> list[Case]:
    """Run held-out cases.

    Args:
        controller: the model to judge; its window is the length of a passage.
        corpus: folder of sessions; each gives as many cases as the next, give or take one.
        cases: how many in all.
        seed: of passages and settings.
        progress: called with the number of cases done.

    Raises:
        ModelError: the corpus holds no sessions.
    """
    folders = session_folders(corpus)
    if not folders:
        raise ModelError(
            f"{corpus}: no sessions found; a session is a folder with meta.json and one audio file a track"
        )
    found = []
    shares = [cases // len(folders) + (index < cases % len(folders)) for index in range(len(folders))]
    for index, (folder, share) in enumerate(zip(folders, shares, strict=True)):
        stems = {path.stem: _read(path) for path in stem_files(folder)}
        for number in range(share):
            numbers = np.random.default_rng([seed, index, number])
            found.append(_run_case(controller, folder.name, stems, numbers))
            if progress is not None:
                progress(len(found))
    return found


def _run_case(controller: Controller, name: str, stems: Mapping[str, Samples], numbers: np.random.Generator) -> Case:
    generator = torch.Generator().manual_seed(int(numbers.integers(2**31)))
    first, second = _passages(stems, numbers)
    heard, other = first.audio, {track: second.audio[track] for track in first.audio}
    truth_preset = _drawn_preset(first, generator)
    truth = _render(heard, truth_preset)
    reference = _render(other, truth_preset)
    presets = {
        MODEL: predict(controller, first, reference),
        "random settings": _drawn_preset(first, generator),
        "mean setting": _mean_preset(first),
        "equal loudness, centred": _levelled_preset(first, [0.0] * len(heard)),
        "equal loudness, spread": _levelled_preset(first, np.linspace(-1, 1, len(heard)).tolist()),
    }
    features = mix_features(truth, SAMPLE_RATE_HZ)
    distances = {}
    for mix_name, preset in presets.items():
        matched = _at_loudness_of(_render(heard, preset), truth)
        distances[mix_name] = _terms(feature_distance(mix_features(matched, SAMPLE_RATE_HZ), features))
    return Case(name, len(heard), first.start_s, distances)


def _terms(distance: FeatureDistance) -> dict[str, float]:
    return {term: float(getattr(distance, term)) for term in TERMS}


def _read(path: Path) -> Samples:
    audio, mono = read_stereo(path)
    return audio[:1] if mono else audio


def _passages(stems: Mapping[str, Samples], numbers: np.random.Generator) -> tuple[Passage, Passage]:
    """Two passages that do not overlap, with the tracks that sound in the first."""
    length = max(audio.shape[1] for audio in stems.values())
    slack = length - 2 * WINDOW_SAMPLES
    if slack < 0:
        raise ModelError(f"a session of {length / SAMPLE_RATE_HZ:.1f} s is too short: two passages of 6 s are needed")
    for _ in range(100):
        a, b = sorted(int(x) for x in numbers.integers(0, slack + 1, 2))
        starts = [a, b + WINDOW_SAMPLES]
        numbers.shuffle(starts)
        first, second = (_passage(stems, start) for start in starts)
        sounding = [name for name in stems if first.loudness_lufs[name] > SILENT_LUFS]
        if sounding and max(second.loudness_lufs[name] for name in sounding) > SILENT_LUFS:
            return _only(first, sounding), _only(second, sounding)
    raise ModelError("no two passages of a session have sound in them")


def _passage(stems: Mapping[str, Samples], start: int) -> Passage:
    audio = {}
    for name, item in stems.items():
        part = item[:, start : start + WINDOW_SAMPLES]
        audio[name] = np.pad(part, ((0, 0), (0, WINDOW_SAMPLES - part.shape[1])))
    loudness = {name: integrated_loudness(item, SAMPLE_RATE_HZ) for name, item in audio.items()}
    return Passage(start / SAMPLE_RATE_HZ, WINDOW_SAMPLES / SAMPLE_RATE_HZ, audio, loudness)


def _only(passage: Passage, names: Sequence[str]) -> Passage:
    return Passage(
        passage.start_s,
        passage.length_s,
        {name: passage.audio[name] for name in names},
        {name: passage.loudness_lufs[name] for name in names},
    )


def _drawn_preset(passage: Passage, generator: torch.Generator) -> Preset:
    mono = torch.tensor([[audio.shape[0] == 1 for audio in passage.audio.values()]])
    low = torch.tensor([[_centroid_hz(audio) < _LOW_HZ for audio in passage.audio.values()]])
    strips, master = random_settings(low, mono, generator)
    return _preset(passage, {path: value[0] for path, value in strips.items()}, {k: v[0] for k, v in master.items()})


def _mean_preset(passage: Passage) -> Preset:
    """Every setting at its mean over the training's draws, in 0..1."""
    generator = torch.Generator().manual_seed(0)
    layout = compact_layout()
    mono = torch.ones(_MEAN_DRAWS, 8, dtype=torch.bool)
    strips, master = random_settings(torch.rand(mono.shape, generator=generator) < 0.2, mono, generator)
    track_mean = to_unit_values(layout.track, strips).mean((0, 1)).expand(len(passage.audio), -1)
    master_mean = to_unit_values(layout.master, master).mean(0)
    return _preset(passage, to_units(layout.track, track_mean), to_units(layout.master, master_mean))


def _preset(passage: Passage, strips: Mapping[str, Tensor], master: Mapping[str, Tensor]) -> Preset:
    tracks = []
    for index, (name, loudness) in enumerate(passage.loudness_lufs.items()):
        values = {path: float(value[index]) for path, value in strips.items()}
        tracks.append(
            Track(name=name, strip=replace(Strip(), {**values, "input_gain_db": TRACK_LEVEL_LUFS - loudness}))
        )
    faders = [track.strip.fader_db for track in tracks]
    values = {path: float(value) for path, value in master.items() if path in parameters(Master)}
    return Preset(tracks=tuple(tracks), master=replace(Master(), {**values, "input_gain_db": balance_gain_db(faders)}))


def _levelled_preset(passage: Passage, pans: Sequence[float]) -> Preset:
    tracks = tuple(
        Track(name=name, strip=Strip(input_gain_db=TRACK_LEVEL_LUFS - loudness, pan=pan))
        for (name, loudness), pan in zip(passage.loudness_lufs.items(), pans, strict=True)
    )
    return Preset(tracks=tracks)


def _render(stems: Mapping[str, Samples], preset: Preset) -> Samples:
    return render_arrays(stems, SAMPLE_RATE_HZ, preset).mix


def _at_loudness_of(mix: Samples, target: Samples) -> Samples:
    wanted, found = (integrated_loudness(item, SAMPLE_RATE_HZ) for item in (target, mix))
    return mix * np.float32(10 ** ((wanted - found) / 20)) if np.isfinite(wanted - found) else mix


def _centroid_hz(audio: Samples) -> float:
    power = np.abs(np.fft.rfft(audio.mean(0))) ** 2
    frequency = np.fft.rfftfreq(audio.shape[1], 1 / SAMPLE_RATE_HZ)
    return float((power * frequency).sum() / (power.sum() + 1e-12))


def values_of(cases: Sequence[Case], mix_name: str, term: str = "total") -> NDArray[np.float64]:
    """One number per case."""
    return np.array([case.distances[mix_name][term] for case in cases])
