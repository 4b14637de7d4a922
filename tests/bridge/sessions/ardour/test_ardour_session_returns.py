"""The return of the fx bus, which Ardour has no effect for, as a track of a session: Ardour 7.3 itself plays it."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from dataclasses import dataclass
from pathlib import Path

import ardour_host
import ardour_material
import numpy as np
import pytest
import soundfile as sf
from ardour_mixer import mixer, write_session
from mixbridge.bridge.sessions.ardour.writing import written_mix
from mixbridge.bridge.sessions.core.returned import is_return_audio
from mixbridge.bridge.sessions.inserting import insert
from mixbridge.bridge.sessions.reading import read_session
from mixbridge.bridge.sessions.stems.render import render_stems
from mixbridge.presets.console import FxBus, Strip
from mixbridge.presets.preset import Preset, Track
from mixbridge.runtime.rendering.in_memory import render_arrays

RATE_HZ = 48000
NAME = "FX return (mixbridge)"
PORTS = "".join(f'<Port type="audio" name="Master/audio_in {side}"/>' for side in (1, 2))
MASTER = f'<IO name="Master" direction="Input" default-type="audio">{PORTS}</IO>'
PRESET = Preset(
    tracks=(Track(name="Vox", strip=Strip(fader_db=-3, fx_send_db=-8, reverb_send_db=-20)),),
    fx_bus=FxBus(return_gain_db=-2),
)


def burst() -> np.ndarray:
    sound = np.zeros((1, RATE_HZ), np.float32)
    sound[:, 4800:7200] = 0.3 * np.random.default_rng(2).standard_normal(2400).astype(np.float32)
    return sound


def null_db(found: np.ndarray, wanted: np.ndarray) -> float:
    frames = min(found.shape[1], wanted.shape[1])
    left = found[:, :frames].astype(float) - wanted[:, :frames]
    return 10 * float(np.log10(np.mean(left**2) / np.mean(wanted[:, :frames].astype(float) ** 2) + 1e-30))


def read(path: Path) -> np.ndarray:
    return sf.read(path, dtype="float32", always_2d=True)[0].T


def test_the_snapshot_has_a_track_with_the_return_and_the_next_mix_takes_its_place(tmp_path: Path) -> None:
    session = read_session(write_session(tmp_path, mixer(master=MASTER)))
    stem = read(render_stems(session, tmp_path / "raw")["Vox"])
    written = insert(session, PRESET, tmp_path / "mix.ardour")
    assert written.rendered == (NAME,)
    assert not any("fx bus" in note and "left out" in note for note in written.notes)
    copy = read_session(written.path)
    wanted = render_arrays({"Vox": stem}, RATE_HZ, PRESET).buses["fx return"]
    [track] = [each for each in copy.tracks if is_return_audio(each)]
    played = read(render_stems(copy, tmp_path / "played", post_fader=True)[NAME])
    assert null_db(played, wanted) < -110
    assert (track.gain_db, track.mute, track.parent) == (0, False, None)
    assert [mixed.name for mixed in written_mix(written.path).tracks] == ["Vox"]
    assert written_mix(written.path).buses == ()

    again = insert(copy, PRESET, tmp_path / "again.ardour")
    root, first = ET.parse(again.path).getroot(), ET.parse(written.path).getroot()
    for path in ("Routes/Route", "Playlists/Playlist", "Sources/Source"):
        assert len(root.findall(path)) == len(first.findall(path)), path
    kinds = ("Route", "Playlist", "Source", "Region", "Processor")
    identities = [node.get("id") for kind in kinds for node in root.iter(kind) if node.get("id")]
    assert len(identities) == len(set(identities))
    dry = Preset(tracks=(Track(name="Vox", strip=Strip(fader_db=-3)),))
    without = ET.parse(insert(copy, dry, tmp_path / "dry.ardour").path).getroot()
    assert not [
        node for node in without.iter() if "return" in str(node.get("name", "")).lower() and node.tag == "Route"
    ]
    assert len(without.findall("Sources/Source")) == len(first.findall("Sources/Source")) - 2


@dataclass(frozen=True)
class Heard:
    """What Ardour exported, and what the console makes of the same."""

    export: np.ndarray
    bus: np.ndarray
    wet: np.ndarray


@pytest.fixture(scope="module")
def heard(tmp_path_factory: pytest.TempPathFactory) -> Heard:
    if ardour_host.missing() is not None:
        pytest.skip(str(ardour_host.missing()))
    for _ in range(2):  # on a busy machine Ardour may end itself while it exports
        try:
            return exported(tmp_path_factory.mktemp("fx"))
        except ardour_host.HostError as error:
            failure = error
    raise failure


def exported(folder: Path) -> Heard:
    sf.write(folder / "Vox.wav", burst().T, RATE_HZ, subtype="FLOAT")
    lua = Path(ardour_host.__file__).with_name("ardour_timeline.lua")
    preset = replace_reverb(PRESET)
    with ardour_host.ardour_host(folder / "ardour", (("Vox", 1),), rate_hz=RATE_HZ) as host:
        ardour_material.inject(host.session_file, {"Vox": (folder / "Vox.wav",)})
        host.reopen()
        host.run_lua(f'dofile ([[{lua}]])\nplace ("Vox", "Vox", "Vox", 0, 0, {RATE_HZ})\nsave ()')
        insert(read_session(host.session_file), preset, host.session_file.with_name("mix.ardour"), muted=True)
        opened = host.reopen("mix")
        for attempt in range(3):  # the first export may be silent
            file = folder / f"mix{attempt}.wav"
            opened.export(file, 2 * RATE_HZ)
            if np.abs(read(file)).max() > 0.001:
                break
    ours = render_arrays({"Vox": burst()}, RATE_HZ, preset)
    return Heard(read(file), ours.bus, ours.buses["fx return"])


def replace_reverb(preset: Preset) -> Preset:
    """Without the send to the room, which ACE Reverb plays otherwise."""
    track = preset.tracks[0]
    return preset.model_copy(
        update={
            "tracks": (track.model_copy(update={"strip": track.strip.model_copy(update={"reverb_send_db": -80.0})}),)
        }
    )


def test_ardour_plays_the_return_as_the_mix_has_it(heard: Heard) -> None:
    tail = slice(RATE_HZ // 2, 2 * RATE_HZ)  # behind the burst, where only the return sounds
    assert null_db(heard.export[:, tail], heard.wet[:, tail]) < -90
    assert null_db(heard.export, heard.bus) < -60
