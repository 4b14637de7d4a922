"""How far a mix depends on which passages of a song were heard: spreads of faders, pans and EQ curves.

Sessions are decided several times, with other passages of the tracks, and with other passages of the reference.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ...presets.parts.match import THIRDS_HZ
from ...presets.preset import Preset
from ...runtime.audio.reading import Samples, probe
from ...runtime.console.response import eq_response_db
from ...runtime.model.analysis import cut_passage
from ...runtime.model.controller import Controller
from ...runtime.model.references import hear_reference
from ...runtime.prediction.predict import predict_safely
from ..evaluation.material import find_material
from .making import SessionPlace, places_of, songs_for
from .measures import RATE_HZ

Floats = NDArray[np.float64]

GOALS: Final[Mapping[str, float]] = {"fader, dB": 0.7, "pan": 0.05, "EQ curve, dB": 0.7}
"""What is measured of each track, and what is asked of it."""
TRACKS, REFERENCE = "passages of the tracks", "passages of the reference"
_FREQS_HZ: Final = np.array(THIRDS_HZ[4:28])


@dataclass(frozen=True)
class TrackSpread:
    """How far the settings of one track spread.

    Attributes:
        over: :data:`TRACKS` or :data:`REFERENCE`.
        session: of the track.
        track: its name.
        spreads: standard deviation, by the names of :data:`GOALS`.
    """

    over: str
    session: str
    track: str
    spreads: Mapping[str, float]


def run(
    corpus: Path,
    model: str,
    songs: Path | None,
    sessions: int,
    choices: int,
    tracks: int,
    progress: Callable[[str], None] | None = None,
) -> list[TrackSpread]:
    """Decide sessions several times, each time with other passages.

    Args:
        corpus: with held-out sessions and songs.
        model: a bundle's folder, or the name of a model that ships.
        songs: folder of finished songs; None takes the corpus's.
        sessions: how many, spread over those of the corpus.
        choices: passages of each kind.
        tracks: of a session at most.
        progress: called with a line for each session.

    Raises:
        AudioError: a file cannot be used.
        ModelError: the corpus has no such sessions, or the model cannot be loaded.
    """
    controller, material = Controller(model, "cpu", threads=1), find_material(corpus, songs)
    places = places_of(material, (), tracks)
    found: list[TrackSpread] = []
    for index in np.unique(np.linspace(0, len(places) - 1, sessions).round().astype(int)):
        song = next(songs_for(int(index), material.songs, 1))
        for over in (TRACKS, REFERENCE):
            presets = _decided(controller, places[index], song, choices, over)
            found += spreads(over, places[index].name, presets)
            if progress is not None:
                progress(f"{places[index].name} like {song.stem}: {over}")
    return found


def spreads(over: str, session: str, presets: Sequence[Preset]) -> list[TrackSpread]:
    """Measure how far the settings of each track spread over presets of one session."""
    found = []
    for track in presets[0].tracks:
        strips = [preset.track(track.name).strip for preset in presets]
        curves_db = np.stack([eq_response_db(strip.eq, _FREQS_HZ, RATE_HZ) for strip in strips])
        values = {
            "fader, dB": float(np.std([strip.fader_db for strip in strips])),
            "pan": float(np.std([strip.pan for strip in strips])),
            "EQ curve, dB": float(curves_db.std(axis=0).mean()),
        }
        found.append(TrackSpread(over, session, track.name, values))
    return found


def table(found: Sequence[TrackSpread]) -> str:
    """Make a table in Markdown: spreads that half and nine in ten of the tracks stay below, against what is asked."""
    lines = ["| | over | median | 90 % | asked | |", "|---|---|---|---|---|---|"]
    for name, goal in GOALS.items():
        for over in (TRACKS, REFERENCE):
            values = [spread.spreads[name] for spread in found if spread.over == over]
            middle, most = np.quantile(values, (0.5, 0.9))
            verdict = "met" if most <= goal else "met by the median" if middle <= goal else "**missed**"
            lines.append(f"| {name} | {over} | {middle:.2f} | {most:.2f} | {goal:g} | {verdict} |")
    return "\n".join(lines)


def _decided(controller: Controller, place: SessionPlace, song: Path, choices: int, over: str) -> list[Preset]:
    manifest = controller.manifest
    rate_hz, samples = manifest.sample_rate_hz, manifest.window_samples
    whole_s = max(probe(path).duration_s for path in place.stems.values())
    passage, style = cut_passage(place.stems, rate_hz, samples), _style(controller, song)
    presets = []
    for share in np.linspace(0.05, 0.95, choices):
        if over == TRACKS:
            start_s = float(share) * max(0.0, whole_s - samples / rate_hz)
            passage = cut_passage(place.stems, rate_hz, samples, start_s)
        else:
            style = _style(controller, song, float(share))
        presets.append(predict_safely(controller, passage, style, place.roles))
    return presets


def _style(controller: Controller, song: Path, share: float | None = None) -> Samples:
    """What the model hears of a song; with a share of it before the passage that is heard in any case."""
    manifest = controller.manifest
    length_s = manifest.reference_length / manifest.sample_rate_hz
    start_s = None if share is None else share * max(0.0, probe(song).duration_s - length_s)
    return hear_reference(song, manifest.sample_rate_hz, manifest.reference_length, start_s)[0]
