"""The user's plug-ins in copies of sessions: where they stand, with what state, and what the next mix makes of them."""

from __future__ import annotations

import base64
import struct
import zipfile
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
import soundfile
from mixbridge.bridge.plugins.using.vstpreset import VstPreset
from mixbridge.bridge.sessions import inserting
from mixbridge.bridge.sessions.core.plugged import SessionPlugin
from mixbridge.bridge.sessions.inserting import PluggedTrack
from mixbridge.bridge.sessions.reading import read_session
from mixbridge.bridge.sessions.reaper.mixer import Mixer
from mixbridge.bridge.sessions.reaper.plugged import plugged_states, vst3_number
from mixbridge.bridge.sessions.reaper.rpp import load
from mixbridge.bridge.sessions.registry import format_named
from mixbridge.presets.console import Compressor, EqBand, Equalizer, LowCut, Strip
from mixbridge.presets.errors import SessionError
from mixbridge.presets.preset import Preset, Track
from reaper_project import item, project, track

_EQ_ID, _GRAPHIC_ID, _COMPRESSOR_ID = (f"{number:032X}" for number in (1, 2, 3))
_RATE_HZ = 48000


def _plugin(stage: Any, name: str, class_id: str, channels: Any = 1, size: int = 200) -> SessionPlugin:
    component, controller = bytes(range(7, 7 + size)) if size < 240 else bytes(size), b"editor"
    content = VstPreset(class_id, component, controller).packed()
    return SessionPlugin(stage, name, "Maker", f"{name}.vst3", class_id, component, controller, channels, content)


_VOX = PluggedTrack(
    (
        _plugin("eq", "Bells", _EQ_ID),
        _plugin("eq", "Graphic", _GRAPHIC_ID, size=191),
        _plugin("compressor", "Squeeze", _COMPRESSOR_ID, channels=2),
    ),
    gain_db=-3.0,
)
_PRESET = Preset(
    tracks=(
        Track(
            name="Vox",
            strip=Strip(
                input_gain_db=2,
                low_cut=LowCut(freq_hz=90),
                eq=Equalizer(band1=EqBand(gain_db=6)),
                compressor=Compressor(threshold_db=-20, ratio=4),
                fader_db=1,
            ),
        ),
        Track(name="Keys", strip=Strip(eq=Equalizer(band1=EqBand(gain_db=-6)))),
    )
)


@pytest.fixture
def song(tmp_path: Path) -> Path:
    (tmp_path / "Media").mkdir()
    for name, channels in (("vox", 1), ("keys", 2)):
        audio = np.random.default_rng(1).standard_normal((_RATE_HZ, channels)) * 0.1
        soundfile.write(tmp_path / f"Media/{name}.wav", audio, _RATE_HZ)
    path = tmp_path / "song.RPP"
    tracks = [track("Vox", item("Media/vox.wav")), track("Keys", item("Media/keys.wav"), number=2)]
    path.write_text(project(tracks), encoding="utf-8")
    return path


def _insert(path: Path, output: Path, plugged: Any, **options: Any) -> Any:
    return inserting.insert(read_session(path), _PRESET, output, plugged=plugged, **options)


def _chain(path: Path, place: int) -> list[list[str]]:
    """List the plug-ins of a track's chain: title, name, identity."""
    document = load(path)
    block = Mixer(document).shown[place].block
    lines = [line.decode().strip() for line in document.lines[block.first : block.last]]
    return [line.split('"')[1::2] for line in lines if line.startswith("<VST")]


def test_the_number_of_a_plugin_is_that_which_reaper_writes() -> None:
    # From a project that REAPER saved.
    assert vst3_number("60A40168727C4E7DAAF808B790961DAA") == 896536053


def test_plugins_stand_behind_what_they_take_the_place_of_in_reaper(song: Path) -> None:
    copy = song.with_name("copy.RPP")
    _insert(song, copy, {"Vox": _VOX})
    names = [words[2] if len(words) > 3 and words[1].endswith(".vst3") else words[1] for words in _chain(copy, 0)]
    assert names == [
        "mixbridge EQ",
        "mixbridge: Bells",
        "mixbridge: Graphic",
        "mixbridge compressor",
        "mixbridge: Squeeze",
    ]
    assert [words[1] for words in _chain(copy, 1)] == ["mixbridge EQ", "mixbridge compressor"]
    document = load(copy)
    states = list(plugged_states(document, Mixer(document).shown[0].block))
    assert states == [(plugin.class_id, plugin.component) for plugin in _VOX.plugins]
    back = format_named("reaper").read_back(copy)
    strip = back.track("Vox").strip
    # mixbridge's own stand at rest, but for the cut; the fader has the gain that no plug-in gave.
    assert all(abs(getattr(strip.eq, f"band{n}").gain_db) < 0.01 for n in range(4))
    assert strip.compressor.ratio == pytest.approx(1)
    assert strip.low_cut.freq_hz == pytest.approx(90)
    assert strip.fader_db == pytest.approx(1 + 2 - 3, abs=0.01)
    assert abs(back.track("Keys").strip.eq.band1.gain_db) > 3


def test_a_mono_plugin_hears_each_side_of_a_stereo_track(song: Path) -> None:
    copy = song.with_name("copy.RPP")
    _insert(song, copy, {"Keys": PluggedTrack((_plugin("eq", "Bells", _EQ_ID),))})
    document = load(copy)
    block = Mixer(document).shown[1].block
    lines = [line.decode().strip() for line in document.lines[block.first : block.last]]
    heads = [base64.b64decode(lines[at + 1]) for at, line in enumerate(lines) if line.startswith('<VST "VST3')]
    assert [struct.unpack_from("<IQIQ", head, 8) for head in heads] == [(1, 1, 1, 1), (1, 2, 1, 2)]
    mono = song.with_name("mono.RPP")
    _insert(song, mono, {"Vox": PluggedTrack((_plugin("eq", "Bells", _EQ_ID),))})
    lines = [line.decode().strip() for line in load(mono).lines]
    heads = [base64.b64decode(lines[at + 1]) for at, line in enumerate(lines) if line.startswith('<VST "VST3')]
    assert [struct.unpack_from("<IQIQ", head, 8) for head in heads] == [(1, 1, 1, 3)]


def test_the_next_mix_takes_their_place(song: Path) -> None:
    once, again, without = (song.with_name(f"{name}.RPP") for name in ("once", "again", "without"))
    _insert(song, once, {"Vox": _VOX})
    _insert(once, again, {"Vox": PluggedTrack((_plugin("eq", "Other", _GRAPHIC_ID),))})
    assert [words[2] for words in _chain(again, 0) if words[1].endswith(".vst3")] == ["mixbridge: Other"]
    written = _insert(once, without, {})
    assert not [words for words in _chain(without, 0) if words[1].endswith(".vst3")]
    assert not [note for note in written.notes if "stay on" in note]
    assert without.read_bytes() == _plain(song)


def _plain(song: Path) -> bytes:
    plain = song.with_name("plain.RPP")
    _insert(song, plain, {})
    return plain.read_bytes()


def test_a_dawproject_has_them_by_class_id_and_state(song: Path) -> None:
    new, again = song.with_name("new.dawproject"), song.with_name("again.dawproject")
    _insert(song, new, {"Vox": _VOX})
    for path, expected in ((new, list(_VOX.plugins)), (again, [_plugin("eq", "Other", _GRAPHIC_ID)])):
        if path == again:
            _insert(new, again, {"Vox": PluggedTrack(tuple(expected))})
        with zipfile.ZipFile(path) as file:
            root = ElementTree.fromstring(file.read("project.xml"))
            channel = next(item for item in root.iter("Track") if item.get("name") == "Vox").find("Channel")
            assert channel is not None
            devices = list(channel.find("Devices") or ())
            plugins = [device for device in devices if device.tag == "Vst3Plugin"]
            assert [device.get("deviceID") for device in plugins] == [plugin.class_id for plugin in expected]
            states = [file.read(device.find("State").get("path")) for device in plugins]  # type: ignore[union-attr, arg-type]
            assert states == [plugin.vstpreset for plugin in expected]
            assert all([child.tag for child in device] == ["Enabled", "State"] for device in plugins)
        tags = [device.tag for device in devices]
        assert tags.index("Equalizer") < tags.index("Vst3Plugin")
        if path == new:
            assert tags == ["Equalizer", "Vst3Plugin", "Vst3Plugin", "Compressor", "Vst3Plugin"]


def test_other_sessions_take_none(song: Path, tmp_path: Path) -> None:
    ardour = tmp_path / "song.ardour"
    entry = format_named("ardour")
    with pytest.raises(SessionError, match="into REAPER and DAWproject sessions, not into Ardour"):
        entry.put_plugged(ardour, ardour, {}, {})


@pytest.mark.skipif(not Path("/usr/lib/vst3/ZamEQ2.vst3").exists(), reason="zam-plugins are not installed")
def test_the_command_puts_real_plugins_into_a_copy(song: Path, run: Any) -> None:
    from mixbridge.presets.files import save

    save(_PRESET, song.with_name("preset.json"))
    song.with_name("plugins.toml").write_text('compressor = "ZamComp"\n', encoding="utf-8")
    plugins = ("--plugins", song.with_name("plugins.toml"))
    outcome = run("session", "insert", song.with_name("preset.json"), song, "-o", song.with_name("copy.RPP"), *plugins)
    assert outcome.code == 0, outcome.err
    assert "compressor of Vox on ZamComp" in outcome.out
    document = load(song.with_name("copy.RPP"))
    ((class_id, state),) = plugged_states(document, Mixer(document).shown[0].block)
    assert class_id == "2046504473616C63504D435A00000000"
    assert state.startswith(b"__dpf_program__")
