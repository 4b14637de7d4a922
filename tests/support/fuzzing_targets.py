"""Every reader of files with a valid file or two for it: what the fuzzer for files starts from."""

from __future__ import annotations

import io
import shutil
import tempfile
from pathlib import Path

import numpy as np
import soundfile as sf
from dawproject_files import audio, one_track, project_text, write_project
from desk_push import preset
from fuzzing_files import Target
from mixbridge.bridge.cli.desks.scene import _text, preset_of, scene_of
from mixbridge.bridge.desks import loading
from mixbridge.bridge.sessions.reading import read_session
from mixbridge.bridge.sessions.stems.planning import plan_stems
from mixbridge.bridge.sessions.stems.render import render_plan
from mixbridge.presets import files
from mixbridge.presets.preset import Preset, Track
from mixbridge.runtime.audio.reading import AudioReader
from mixbridge.runtime.model.bundle import MANIFEST, open_bundle

# A file can ask for hours of stems; so many bytes of them are made.
_MOST_RENDERED_BYTES = 2**21


def sounds(name: str, subtype: str) -> bytes:
    """A short sound as the file of a container."""
    file = io.BytesIO()
    sf.write(file, 0.1 * np.random.default_rng(0).standard_normal((3000, 2)), 44100, subtype, format=name)
    return file.getvalue()


def all_audio(path: Path) -> object:
    """Read a file of audio to its end."""
    return [block.shape for block in AudioReader(path, 48000)]


def manifest(path: Path) -> object:
    """Open a bundle with this manifest."""
    folder = path.parent / "bundle"
    folder.mkdir(exist_ok=True)
    shutil.copy(path, folder / MANIFEST)
    return open_bundle(folder)


def whole_session(path: Path) -> object:
    """Read a session, plan its stems, and make them if they are few."""
    sound = path.with_name("vox.wav")
    if not sound.exists():
        sound.write_bytes(sounds("WAV", "PCM_16"))
    plan = plan_stems(read_session(path))
    if plan.size < _MOST_RENDERED_BYTES:
        with tempfile.TemporaryDirectory() as folder:
            render_plan(plan, Path(folder))
    return plan


def project_of(path: Path) -> object:
    """Read a .dawproject that has this file as its project.xml."""
    whole = path.with_suffix(".dawproject")
    return whole_session(write_project(whole, path.read_bytes(), {"audio/a.wav": sounds("WAV", "PCM_16")}))


def scene(path: Path) -> object:
    """Read a scene as a preset, and take it as the base of another."""
    text = _text(str(path))
    return scene_of(preset(("Lead Vox", "Kick")), base=text), preset_of(text)


def channel(path: Path) -> object:
    """Read a channel file as a preset."""
    return preset_of(_text(str(path)), numbers=[1])


def _project_file() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = write_project(
            Path(folder) / "song.dawproject", PROJECT.decode(), {"audio/a.wav": sounds("WAV", "PCM_16")}
        )
        return path.read_bytes()


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
PROJECT = project_text(
    one_track(
        f'<Clip time="0.5" duration="2" playStart="0.25" fadeInTime="0.1" fadeTimeUnit="seconds" name="a">'
        f"{audio(rate_hz=44100)}</Clip>"
        f'<Clip time="3" duration="2" contentTimeUnit="beats"><Warps contentTimeUnit="seconds" timeUnit="beats">'
        f'{audio(rate_hz=44100)}<Warp time="0" contentTime="0"/><Warp time="2" contentTime="1.5"/></Warps></Clip>',
        unit="beats",
        more='<Points id="p"><Target parameter="v1"/><RealPoint time="0" value="0.5" interpolation="linear"/>'
        '<RealPoint time="2" value="1.0"/></Points>',
    )
).encode()
SCENE = b"""#4.0# "Friday" "" %000000000 1
/config/chlink OFF OFF ON OFF
/config/linkcfg ON ON ON ON
/ch/01/config "Lead Vox" 51 CY 17
/ch/01/preamp +6.0 OFF ON 24 132
/ch/01/dyn ON COMP RMS LIN -26.0 3.0 2 8.00 71 0.03  538 POST 3 80 ON
/ch/01/eq ON
/ch/01/eq/1 PEQ 164.4 -3.75 1.8
/ch/01/eq/2 PEQ 1k17 -4.00 3.5
/ch/01/eq/3 VEQ 5k97 +1.50 2.0
/ch/01/eq/4 HShv 10k02 +0.00 2.0
/ch/01/mix OFF   -oo OFF -100 OFF   -oo
/ch/02/config "Kick" 2 RD 18
/ch/02/mix ON -12.5 ON +20 OFF -oo
/main/st/config "LR" 66 WH
/main/st/dyn OFF COMP RMS LOG -20.0 3.0 1 0.00 10 10.0  151 POST 0 100 OFF
/main/st/eq ON
/main/st/eq/1 LCut 40.0 +0.00 2.0
/main/st/mix ON -17.4 +0
"""
CHANNEL = b"""#4.0# "Vox" 1 %0011001000110000 1
/config "Lead Vox" 51 CY
/dyn ON COMP RMS LIN -26.0 3.0 2 8.00 71 0.03  538 POST 3 80 ON
/eq ON
/eq/1 PEQ 164.4 -3.75 1.8
/eq/2 PEQ 1k17 -4.00 3.5
/mix ON   -3.5 OFF +10 OFF   -oo
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
    Target("reaper", ".RPP", (REAPER,), whole_session),
    Target("ardour", ".ardour", (ARDOUR,), whole_session),
    Target("dawproject", ".dawproject", (_project_file(),), whole_session),
    Target("dawproject's xml", ".xml", (PROJECT,), project_of),
    Target("scene", ".scn", (SCENE,), scene),
    Target("channel", ".chn", (CHANNEL,), channel),
]
