"""The settings that mixes are made with: drawn as in training, a vocal's, and the ways of doing without a model."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from functools import cache

import numpy as np
import torch
from torch import Tensor

from ...presets.console import EQ_BANDS, Master, Strip, parameters, replace
from ...presets.preset import Preset, Track
from ...presets.roles import ROLES, Role
from ...runtime.model.analysis import Passage
from ...runtime.model.layout import balance_gain_db
from ..compact.band_console import TRACK_LEVEL_LUFS
from ..compact.human_draw import human_settings
from ..compact.layout import (
    HIGH_CENTROID_HZ,
    LOW_CENTROID_HZ,
    compact_layout,
    random_settings,
    to_unit_values,
    to_units,
)

_MEAN_DRAWS = 2000
_MEAN_DRAWS_BY_ROLE = 500
# Where a vocal's bands may be placed; shelves at the ends.
_VOCAL_FREQ_HZ = ((80, 250), (150, 500), (400, 1500), (1500, 5000), (4000, 10000), (5000, 12000))


def drawn_preset(passage: Passage, centroids_hz: Sequence[float], numbers: np.random.Generator) -> Preset:
    """Draws settings as in training.

    Args:
        passage: whose tracks they are for.
        centroids_hz: of each track (:func:`centroids_of`); habits follow them.
        numbers: source of randomness.
    """
    generator = torch.Generator().manual_seed(int(numbers.integers(2**31)))
    mono = _mono(passage)
    centroids = torch.tensor([list(centroids_hz)])
    strips, master = random_settings(centroids < LOW_CENTROID_HZ, mono, generator, centroids > HIGH_CENTROID_HZ)
    return _preset(passage, {path: value[0] for path, value in strips.items()}, {k: v[0] for k, v in master.items()})


def peoples_preset(passage: Passage, roles: Mapping[str, Role], numbers: np.random.Generator) -> Preset:
    """Draws settings as engineers set them by role, as training does.

    Args:
        passage: whose tracks they are for.
        roles: of its tracks; those that are missing are drawn as tracks that nobody knows.
        numbers: source of randomness.
    """
    generator = torch.Generator().manual_seed(int(numbers.integers(2**31)))
    strips, master = human_settings(_role_numbers(passage, roles), _mono(passage), generator)
    return _preset(passage, {path: value[0] for path, value in strips.items()}, {k: v[0] for k, v in master.items()})


def mean_by_role(passage: Passage, roles: Mapping[str, Role]) -> Preset:
    """Sets everything to its mean over such draws by role, in 0..1."""
    layout, generator = compact_layout(), torch.Generator().manual_seed(0)
    rows, mono = (item.expand(_MEAN_DRAWS_BY_ROLE, -1) for item in (_role_numbers(passage, roles), _mono(passage)))
    strips, master = human_settings(rows, mono, generator)
    unit, master_unit = to_unit_values(layout.track, strips).mean(0), to_unit_values(layout.master, master).mean(0)
    return _preset(passage, to_units(layout.track, unit), to_units(layout.master, master_unit))


def _role_numbers(passage: Passage, roles: Mapping[str, Role]) -> Tensor:
    known = [roles.get(name) for name in passage.audio]
    return torch.tensor([[-1 if role is None else ROLES.index(role) for role in known]])


def _mono(passage: Passage) -> Tensor:
    return torch.tensor([[audio.shape[0] == 1 for audio in passage.audio.values()]])


def mean_preset(passage: Passage) -> Preset:
    """Sets everything to its mean over the training's draws, in 0..1."""
    track_mean, master_mean = _means()
    layout = compact_layout()
    strips = to_units(layout.track, track_mean.expand(len(passage.audio), -1))
    return _preset(passage, strips, to_units(layout.master, master_mean))


def levelled_preset(passage: Passage, spread: float) -> Preset:
    """Sets all tracks equally loud, panned evenly from -spread to spread in their order; a lone one to the centre."""
    count = len(passage.audio)
    pans = np.linspace(-spread, spread, count) if count > 1 else np.zeros(1)
    tracks = tuple(
        Track(name=name, strip=Strip(input_gain_db=TRACK_LEVEL_LUFS - loudness, pan=float(pan)))
        for (name, loudness), pan in zip(passage.loudness_lufs.items(), pans, strict=True)
    )
    return Preset(tracks=tracks)


def partly_true(truth: Preset, names: Collection[str], guess: Preset) -> Preset:
    """Takes the true settings for the master and these tracks; for the others, settings that were guessed."""
    tracks = tuple(track if track.name in names else guess.track(track.name) for track in truth.tracks)
    gain_db = balance_gain_db([track.strip.fader_db for track in tracks])
    return Preset(tracks=tracks, master=replace(truth.master, {"input_gain_db": gain_db}))


def vocal_preset(passage: Passage, numbers: np.random.Generator) -> Preset:
    """Draws how mixers work on a vocal: three to five bands by 3..9 dB, compression of 3 to 8 to one, centred."""
    values: dict[str, float] = {"compressor.knee_db": 6.0}
    used = set(numbers.choice(len(EQ_BANDS), int(numbers.integers(3, 6)), replace=False).tolist())
    for index, (band, (low_hz, high_hz)) in enumerate(zip(EQ_BANDS, _VOCAL_FREQ_HZ, strict=True)):
        gain_db = numbers.uniform(3, 9) * numbers.choice((-1, 1)) if index in used else 0.0
        values[f"eq.{band}.gain_db"] = float(gain_db)
        values[f"eq.{band}.freq_hz"] = _log_uniform(low_hz, high_hz, numbers)
        values[f"eq.{band}.q"] = _log_uniform(0.5, 2, numbers)
    values["compressor.threshold_db"] = TRACK_LEVEL_LUFS + float(numbers.uniform(-8, 2))
    values["compressor.ratio"] = _log_uniform(3, 8, numbers)
    values["compressor.attack_ms"] = _log_uniform(2, 60, numbers)
    values["compressor.release_ms"] = _log_uniform(50, 400, numbers)
    ((name, loudness),) = passage.loudness_lufs.items()
    strip = replace(Strip(), {**values, "input_gain_db": TRACK_LEVEL_LUFS - loudness})
    return Preset(tracks=(Track(name=name, strip=strip),))


def centred(preset: Preset) -> Preset:
    """Sets all pans to the centre."""
    tracks = tuple(
        track.model_copy(update={"strip": track.strip.model_copy(update={"pan": 0.0})}) for track in preset.tracks
    )
    return preset.model_copy(update={"tracks": tracks})


def centroids_of(passage: Passage, rate_hz: int) -> tuple[float, ...]:
    """Measures for each track the centre of its spectrum in Hz."""
    centroids = []
    for audio in passage.audio.values():
        power = np.abs(np.fft.rfft(audio.mean(0))) ** 2
        freq_hz = np.fft.rfftfreq(audio.shape[1], 1 / rate_hz)
        centroids.append(float((power * freq_hz).sum() / (power.sum() + 1e-12)))
    return tuple(centroids)


@cache
def _means() -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    layout = compact_layout()
    mono = torch.ones(_MEAN_DRAWS, 8, dtype=torch.bool)
    low, high = (torch.rand(mono.shape, generator=generator) < share for share in (0.2, 0.1))
    strips, master = random_settings(low, mono, generator, high)
    return to_unit_values(layout.track, strips).mean((0, 1)), to_unit_values(layout.master, master).mean(0)


def settings_fingerprint() -> float:
    """Gives a number that changes when other settings are drawn: cases judged under others do not compare."""
    track, master = _means()
    weights = torch.arange(1, len(track) + len(master) + 1)
    return float((torch.cat((track, master)) * weights).sum())


def _preset(passage: Passage, strips: Mapping[str, Tensor], master: Mapping[str, Tensor]) -> Preset:
    tracks = []
    for index, (name, loudness) in enumerate(passage.loudness_lufs.items()):
        values = {path: float(value[index]) for path, value in strips.items()}
        gain_db = TRACK_LEVEL_LUFS - loudness
        tracks.append(Track(name=name, strip=replace(Strip(), {**values, "input_gain_db": gain_db})))
    faders = [track.strip.fader_db for track in tracks]
    values = {path: float(value) for path, value in master.items() if path in parameters(Master)}
    return Preset(tracks=tuple(tracks), master=replace(Master(), {**values, "input_gain_db": balance_gain_db(faders)}))


def _log_uniform(low: float, high: float, numbers: np.random.Generator) -> float:
    return float(low * (high / low) ** numbers.random())
