"""Songs of several tracks: all raw tracks of a folder against their mix."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import soundfile as sf
from mixbridge.export.onnx_bundle import Description
from mixbridge.export.recovery.files import source_of
from mixbridge.export.tuning.comparing import export_best
from mixbridge.export.tuning.records import open_run
from mixbridge.export.tuning.run import train_pairs
from mixbridge.export.twin.proof import runtime_mix
from mixbridge.presets.console import Strip, replace
from mixbridge.presets.files import save
from mixbridge.presets.preset import Preset, Provenance, Track
from mixbridge.runtime.model.bundle import open_bundle
from mixbridge.runtime.model.controller import Controller, Embeddings
from voice_pairs import RATE_HZ, sung

from .conftest import SHORT

PANS = {"one": -0.6, "two": 0.6}


def write_song(root: Path, name: str, seed: int) -> None:
    for folder in (root / "raw" / name, root / "mixed", root / "presets"):
        folder.mkdir(parents=True, exist_ok=True)
    stems = {track: sung(seed + number) for number, track in enumerate(PANS)}
    tracks = []
    for track, audio in stems.items():
        file = root / "raw" / name / f"{track}.wav"
        sf.write(file, audio.T, RATE_HZ, subtype="FLOAT")
        tracks.append(Track(name=track, strip=replace(Strip(), {"pan": PANS[track]}), source=source_of(file)))
    made = Preset(tracks=tuple(tracks))
    mixed = root / "mixed" / f"{name}.wav"
    sf.write(mixed, runtime_mix(stems, made, RATE_HZ).T, RATE_HZ, subtype="FLOAT")
    provenance = Provenance(reference=source_of(mixed))
    save(made.model_copy(update={"provenance": provenance}), root / "presets" / f"{name}.json")


def test_sessions_are_trained_on(tmp_path: Path) -> None:
    from mixbridge.export.tuning.config import TuningConfig

    for number in range(2):
        write_song(tmp_path, f"song{number}", 10 * number)
    config = TuningConfig.model_validate(
        {
            **SHORT,
            "max_steps": 4,
            "track_root_dirs": tmp_path / "raw",
            "mix_root_dirs": tmp_path / "mixed",
            "presets": tmp_path / "presets",
        }
    )
    run = tmp_path / "run"
    assert train_pairs(config, run, lambda line: None)
    opened = open_run(run)
    assert {len(pair.raws) for pair in opened.pairs.values()} == {2}
    assert len(opened.train) == len(opened.held_out) == 1
    said: list[str] = []
    export_best(run, tmp_path / "bundle", Description("songs", "", "not stated"), said.append)
    assert any("sessions of several tracks" in line for line in said)
    controller = Controller(tmp_path / "bundle", provider="cpu", trusted=True)
    heard = controller.embeddings([sung(seed) for seed in (1, 2)], np.zeros((1, 70000), np.float32))
    outputs = controller.decide(Embeddings(heard.tracks, open_bundle(tmp_path / "bundle").learned_reference()))
    assert outputs.tracks.shape == (2, len(controller.manifest.layout.track))
