"""Measures how near fitted masters come to a reference, beside `matchering` on the same mixes.

    python benchmarks/mastering.py SESSIONS SONGS --peer /tmp/peer/bin/python     the page in benchmarks/mastering.md

SESSIONS is a folder of folders of stems, SONGS one of finished songs. Each session is mixed by the default model for
several songs without a match curve; that mix goes to `mixbridge master`, to `matchering` (GPL-3, in an environment of
its own, never a dependency) and, with its stems, through what `mixbridge mix` does. Everything is rendered as it would
be for a user and measured whole, at equal loudness, by code that the fit does not use. What stands in `--work` already
is not made again.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import argparse
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile as sf
import soxr
from mixbridge.export.mixes.measures import MEASURES, RATE_HZ, WholeSound
from mixbridge.export.mixes.peer import master_by_peer
from mixbridge.presets.files import load, save
from mixbridge.runtime.audio.stems import collect_stems
from mixbridge.runtime.master_file import master
from mixbridge.runtime.mastering.fitting import fit_master, reference_profile, rendering_for, with_master
from mixbridge.runtime.mixing import PredictOptions, predict
from mixbridge.runtime.model.controller import Controller
from mixbridge.runtime.rendering.render import RenderOptions, render_files
from page import table

_REFERENCES = 2
_MODEL = "28 November, before it knew roles"
_HOW = RenderOptions(stems=False, audio_format="wav32f", loudness_of_reference=True, overwrite=True)


@dataclass(frozen=True)
class Pair:
    """A session, and a song as its reference; what is made of them is in a folder."""

    stems: Mapping[str, Path]
    song: Path
    folder: Path


def pairs_of(sessions: Path, songs: Path, work: Path) -> Iterator[Pair]:
    """Give each session its references, spread over the songs."""
    files = sorted(path for path in songs.iterdir() if path.suffix in {".wav", ".flac", ".mp3", ".ogg"})
    for index, session in enumerate(sorted(path for path in sessions.iterdir() if path.is_dir())):
        stems = collect_stems([str(session)]).stems
        for turn in range(_REFERENCES):
            song = files[(3 * index + 8 * turn + index // 5) % len(files)]
            yield Pair(stems, song, work / f"{session.name}--{song.stem}")


def mixed(pair: Pair, controller: Controller) -> Path:
    """Mix a session by the model alone."""
    path = pair.folder / "model" / "mix.wav"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        preset = predict(pair.stems, pair.song, model=controller, options=PredictOptions(match=False))
        save(preset, pair.folder / "preset.json", overwrite=True)
        render_files(pair.stems, preset, path.parent, RenderOptions(stems=False, audio_format="wav32f"))
    return path


def mastered(pair: Pair, mix: Path) -> Path:
    """Bring the model's mix, as a file, to the reference."""
    folder = pair.folder / "master"
    if not (folder / "mix.wav").exists():
        master(mix, pair.song, folder, render_options=_HOW)
    return folder / "mix.wav"


def matched(pair: Pair) -> Path:
    """Fit the master of the model's preset, and render its stems."""
    path = pair.folder / "match" / "mix.wav"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        preset = load(pair.folder / "preset.json")
        fitted = fit_master(preset, pair.stems, reference_profile(pair.song))
        if fitted is not None:
            preset = with_master(preset, fitted.master)
        render_files(pair.stems, preset, path.parent, rendering_for(fitted, _HOW))
    return path


def by_peer(pairs: Sequence[Pair], python: str) -> None:
    """Let `matchering` master the model's mixes, in one process of another environment."""
    master_by_peer(python, [(pair.folder / "model" / "mix.wav", pair.song, pair.folder / "peer.wav") for pair in pairs])


def measured(pairs: Sequence[Pair]) -> dict[str, list[dict[str, float]]]:
    """Measure what was made of each pair against its reference, by who made it."""
    found: dict[str, list[dict[str, float]]] = {name: [] for name in ("model", "peer", "master", "match")}
    songs = {pair.song: sound_of(pair.song) for pair in pairs}
    for pair in pairs:
        files = {
            "model": pair.folder / "model" / "mix.wav",
            "peer": pair.folder / "peer.wav",
            "master": pair.folder / "master" / "mix.wav",
            "match": pair.folder / "match" / "mix.wav",
        }
        if all(path.exists() for path in files.values()):
            for name, path in files.items():
                found[name].append(sound_of(path).differences(songs[pair.song]))
    return found


def sound_of(path: Path) -> WholeSound:
    """Measure a file, whole."""
    audio, rate_hz = sf.read(path, dtype="float32", always_2d=True)
    if rate_hz != RATE_HZ:  # features and spectra depend on it
        audio = soxr.resample(audio, rate_hz, RATE_HZ)
    return WholeSound.of(np.ascontiguousarray(np.broadcast_to(audio, (len(audio), 2)).T))


def page(found: Mapping[str, Sequence[Mapping[str, float]]]) -> str:
    """Make the page: medians, and how often each of ours is nearer than the peer."""
    titles = {"model": "model alone", "peer": "matchering", "master": "`mixbridge master`", "match": "`mixbridge mix`"}
    rows = []
    for key, title in MEASURES.items():
        values = {name: np.array([case[key] for case in cases]) for name, cases in found.items()}
        medians = [f"{np.median(values[name]):.3g}" for name in titles]
        wins = [f"{np.mean(values[name] < values['peer']):.0%}" for name in ("master", "match")]
        rows.append([title, *medians, *wins])
    count = len(found["model"])
    heads = ["measure", *(f"{title}, median" for title in titles.values()), "master nearer", "mix nearer"]
    return (
        "# Masters fitted to a reference\n\n"
        f"{count} mixes by the model of {_MODEL}, each against a finished song that it does not know, mastered by "
        'matchering 2.0.6 and by mixbridge; whole files at equal loudness. "Nearer" is the share of pairs in which '
        "mixbridge is nearer to the reference than matchering. `mixbridge master` starts from the same file as "
        "matchering, `mixbridge mix` from the same settings and the stems.\n\n"
        f"{table(heads, rows)}\n\nMade by `python benchmarks/mastering.py`.\n"
    )


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sessions", type=Path)
    parser.add_argument("songs", type=Path)
    parser.add_argument("--peer", required=True, help="Python of an environment that has matchering")
    parser.add_argument("--work", type=Path, default=Path("mastering-work"))
    parser.add_argument("-n", type=int, default=None, help="so many pairs")
    parser.add_argument("-o", "--output", type=Path, default=Path("benchmarks/mastering.md"))
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    pairs = list(pairs_of(options.sessions, options.songs, options.work))[: options.n]
    controller = Controller("default")
    for pair in pairs:
        mix = mixed(pair, controller)
        mastered(pair, mix)
        matched(pair)
    by_peer(pairs, options.peer)
    found = measured(pairs)
    if options.json:
        options.json.write_text(json.dumps(found))
    options.output.write_text(page(found), encoding="utf-8")


if __name__ == "__main__":
    main()
