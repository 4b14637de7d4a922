"""No reader of files ends in anything but an error of ours, whatever a file holds."""

from __future__ import annotations

import io
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
from fuzzing_files import Target, fuzz_files
from mixbridge.bridge.desks import loading
from mixbridge.bridge.sessions.reading import read_session
from mixbridge.presets import files
from mixbridge.presets.preset import Preset, Track
from mixbridge.runtime.audio.reading import AudioReader
from mixbridge.runtime.model.bundle import MANIFEST, open_bundle

FILES = 150


def sounds(name: str, subtype: str) -> bytes:
    file = io.BytesIO()
    sf.write(file, 0.1 * np.random.default_rng(0).standard_normal((3000, 2)), 44100, subtype, format=name)
    return file.getvalue()


def all_audio(path: Path) -> object:
    return [block.shape for block in AudioReader(path, 48000)]


def manifest(path: Path) -> object:
    folder = path.parent / "bundle"
    folder.mkdir(exist_ok=True)
    shutil.copy(path, folder / MANIFEST)
    return open_bundle(folder)


REAPER = b"""<REAPER_PROJECT 0.1 "7.0/linux" 1700000000
  TEMPO 120 4 4
  SAMPLERATE 48000 0 0
  <TRACK {1}
    NAME "Vox"
    VOLPAN 1 0 -1 -1 1
    MUTESOLO 0 0 0
    <VOLENV2
      ACT 1 -1
      PT 0 1 0
    >
    <ITEM
      POSITION 0
      LENGTH 2
      FADEIN 1 0.1 0 1 0 0 0
      PLAYRATE 1 1 0 -1 0 0.0025
      <SOURCE WAVE
        FILE "vox.wav"
      >
    >
  >
>
"""
ARDOUR = b"""<?xml version="1.0" encoding="UTF-8"?>
<Session version="7003" name="song" sample-rate="48000"><Sources>
<Source name="vox.wav" id="1" type="audio" channel="0"/>
</Sources><Regions><Region name="a" id="2" source-0="1" master-source-0="1" start="a0" length="a48000@a0" position="a0"
 type="audio" channels="1"/></Regions><Routes><Route id="3" name="Vox" default-type="audio" audio-playlist="4">
<Controllable name="gaincontrol" id="5" value="1"/></Route></Routes><Playlists><Playlist id="4" name="Vox" type="audio"
 orig-track-id="3"><Region name="a" id="6" source-0="1" start="a0" length="a48000@a0" position="a0"
 type="audio"/></Playlist>
</Playlists></Session>
"""
TARGETS = [
    Target("wav", ".wav", (sounds("WAV", "PCM_16"), sounds("WAV", "FLOAT"), sounds("W64", "PCM_24")), all_audio),
    Target("other", ".flac", (sounds("FLAC", "PCM_16"), sounds("OGG", "VORBIS"), sounds("AIFF", "PCM_24")), all_audio),
    Target("preset", ".json", (files.dumps(Preset(tracks=(Track(name="Vox"),))).encode(),), files.load),
    Target("manifest", ".json", ((open_bundle().folder / MANIFEST).read_bytes(),), manifest),
    Target(
        "desk",
        ".toml",
        tuple(path.read_bytes() for path in sorted(Path(loading.__file__).parent.glob("*.toml"))),
        loading.load_desk,
    ),
    Target("reaper", ".RPP", (REAPER,), read_session),
    Target("ardour", ".ardour", (ARDOUR,), read_session),
]


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_files_that_are_nearly_right_are_read_or_refused(tmp_path: Path, target: Target) -> None:
    result = fuzz_files(target, FILES, 1, tmp_path)
    assert result.harm == []
    assert result.files == FILES
    assert result.refused  # that mutations matter


def test_yaml_that_is_nearly_right_is_read_or_refused(tmp_path: Path) -> None:
    train = pytest.importorskip("mixbridge.export.compact.config", reason="needs the `train` extra")
    import mixbridge.export

    seed = (Path(mixbridge.export.__file__).parent / "configs" / "default.yaml").read_bytes()
    deep = b"seed: " + b"[" * 5000
    dates = b"seed: 2020-99-99\n"
    target = Target("yaml", ".yaml", (seed, deep, dates), train.load_config)
    assert fuzz_files(target, FILES, 1, tmp_path).harm == []


def test_the_fuzzer_would_notice(tmp_path: Path) -> None:
    target = Target("json", ".json", (b'{"a": [1, 2, 3]}',), lambda path: json.loads(path.read_bytes()))
    assert fuzz_files(target, 50, 1, tmp_path).harm
