"""A mix in a copy of a .dawproject: valid, back to the same preset, and nothing else touched."""

from __future__ import annotations

import math
import re
import zipfile
from pathlib import Path
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

import pytest
from dawproject_files import PRESET, audio, faults, one_track, project_xml, write_project
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mixbridge.bridge.sessions.dawproject.devices import (
    compressor_element,
    compressor_of,
    cuts_of,
    equalizer_element,
    equalizer_of,
    hertz,
    semitones,
)
from mixbridge.bridge.sessions.dawproject.writing import written_mix
from mixbridge.bridge.sessions.reading import read_session
from mixbridge.presets.console import EQ_BANDS, Compressor, EqBand, Equalizer, Master, Saturation, Strip
from mixbridge.presets.edit import desk_form, diff
from mixbridge.presets.errors import OutputError, SessionError
from mixbridge.presets.preset import Preset, Track
from session_copies import write_copy

MATCH = {"lead": "Vox"}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project as a DAW may write it, with things that mixbridge does not know."""
    devices = """<Devices>
          <Vst3Plugin deviceName="Pro-Q" deviceRole="audioFX" loaded='true' id="d1" name="A &gt; B">
            <State path="plugins/d1.vstpreset"/>
          </Vst3Plugin>
        </Devices>
        <Mute"""
    inside = one_track(f'<Clip time="0" duration="1">{audio()}</Clip>').replace("<Mute", devices, 1)
    text = inside.replace("<Arrangement", "<!-- a comment >  -->\n  <Arrangement", 1)
    path = write_project(tmp_path / "song.dawproject", text, {"plugins/d1.vstpreset": bytes(range(256)) * 40})
    with zipfile.ZipFile(path, "a", zipfile.ZIP_STORED) as file:
        file.writestr("audio/a.wav", b"RIFFnothing to hear" * 1000)
        file.comment = b"kept"
    return path


def mixed(project: Path, preset: Preset = PRESET, match: dict[str, str] | None = None) -> tuple[Path, tuple[str, ...]]:
    written = write_copy(project, preset, project.with_name("mix.dawproject"), match=match or MATCH)
    return written.path, written.notes


def device(path: Path, owner: str, tag: str) -> Element:
    root = ElementTree.fromstring(project_xml(path))
    channel = next(channel for channel in root.iter("Channel") if channel.get("id") == owner)
    (found,) = channel.findall(f"Devices/{tag}")
    return found


def test_it_is_valid_and_reads_back_to_the_same_preset(project: Path) -> None:
    before = project.read_bytes()
    path, notes = mixed(project)
    assert faults(project) == faults(path) == []
    renamed = PRESET.model_copy(update={"tracks": (PRESET.tracks[0].model_copy(update={"name": "Vox"}),)})
    assert diff(desk_form(renamed), written_mix(path)) == ()
    assert project.read_bytes() == before
    assert any("knee of 6 dB" in note for note in notes)


def test_values_are_in_the_formats_units(project: Path) -> None:
    path, _ = mixed(project)
    eq, compressor = device(path, "c1", "Equalizer"), device(path, "c1", "Compressor")
    assert [band.get("type") for band in eq.findall("Band")] == ["lowShelf", *["bell"] * 4, "highShelf"]
    freq = eq.find("Band[2]/Freq")
    assert freq is not None
    assert freq.get("unit") == "semitones"
    assert 440 * 2 ** ((float(freq.get("value", "")) - 69) / 12) == pytest.approx(300)
    values = {child.tag: (child.get("value"), child.get("unit")) for child in compressor}
    assert float(values["Threshold"][0] or "") == pytest.approx(-25.5)  # the 3 dB before it are moved behind
    assert float(values["Ratio"][0] or "") == pytest.approx(100 * (1 - 1 / 3.3))
    assert [values[name][1] for name in ("Threshold", "Ratio", "Attack", "OutputGain")] == [
        "decibel",
        "percent",
        "seconds",
        "decibel",
    ]
    assert values["AutoMakeup"][0] == "false"
    track = read_session(path).tracks[0]
    # The mix balances a stereo track by a cosine, and the format's pan is taken for a straight balance.
    assert (track.gain_db, track.pan) == (pytest.approx(-2), pytest.approx(1 - math.cos(0.4 * math.pi / 2)))


def test_all_else_stays_byte_for_byte(project: Path) -> None:
    path, _ = mixed(project)
    with zipfile.ZipFile(project) as old, zipfile.ZipFile(path) as new:
        assert sorted(old.namelist()) == sorted(new.namelist())
        assert new.comment == b"kept"
        assert new.testzip() is None
        for name in set(old.namelist()) - {"project.xml"}:
            assert new.read(name) == old.read(name)
            assert new.getinfo(name).compress_type == old.getinfo(name).compress_type
    # Without the new devices and with the old values, it is the old file.
    xml = project_xml(path).decode()
    xml = re.sub(r"\n *<(Equalizer|Compressor|Limiter) .*?</\1>", "", xml, flags=re.DOTALL)
    xml = re.sub(r"\n *<Devices>\s*</Devices>", "", xml)
    values = iter(re.findall(r'<(?:Pan|Volume) [^>]*value="([^"]*)"', project_xml(project).decode()))
    xml = re.sub(r'(<(?:Pan|Volume) [^>]*value=")[^"]*', lambda found: found[1] + next(values), xml)
    assert xml == project_xml(project).decode()


def test_devices_stand_in_front_of_others_but_behind_instruments(tmp_path: Path) -> None:
    chain = """<Devices><ClapPlugin deviceName="Synth" deviceRole="instrument"/>
      <Vst3Plugin deviceName="Reverb" deviceRole="audioFX"/></Devices><Mute"""
    path = write_project(tmp_path / "song.dawproject", one_track("").replace("<Mute", chain, 1))
    written, notes = mixed(path)
    root = ElementTree.fromstring(project_xml(written))
    tags = [child.tag for child in next(root.iter("Devices"))]
    assert tags == ["ClapPlugin", "Equalizer", "Compressor", "Vst3Plugin"]
    assert any(note.startswith("Vox: its own plug-ins stay on, behind mixbridge's: Reverb.") for note in notes)


def test_a_second_mix_takes_the_place_of_the_first(project: Path) -> None:
    first, _ = mixed(project)
    strip = PRESET.tracks[0].strip.model_copy(update={"fader_db": -12.0, "eq": Equalizer()})
    second = PRESET.model_copy(update={"tracks": (Track(name="lead", strip=strip, mute=True),)})
    written = write_copy(first, second, project.with_name("second.dawproject"), match=MATCH)
    assert faults(written.path) == []
    assert device(written.path, "c1", "Equalizer").find("Enabled") is not None
    track = written_mix(written.path).tracks[0]
    assert track.mute
    assert all(getattr(track.strip.eq, name).gain_db == 0 for name in EQ_BANDS)
    assert track.strip.fader_db == pytest.approx(-9)
    # The same mix once more changes nothing.
    again = write_copy(written.path, second, project.with_name("third.dawproject"), match=MATCH)
    assert project_xml(again.path) == project_xml(written.path)


def test_automation_of_an_earlier_device_keeps_its_aim(project: Path) -> None:
    first, _ = mixed(project)
    lane = """<Points unit="decibel"><Target parameter="x1"/><RealPoint time="0" value="-10"/></Points>
      <Points unit="linear"><Target parameter="x2"/><RealPoint time="0" value="1"/></Points>
      <Points unit="linear"><Target parameter="v1"/><RealPoint time="0" value="1"/></Points>
      </Lanes>
    </Lanes>"""
    text = project_xml(first).decode()
    text = re.sub(r"</Lanes>\s*</Lanes>", lane, text)
    text = text.replace("<Threshold ", '<Threshold id="x1" ', 1)
    text = text.replace("<AutoMakeup", '<Parameters><RealParameter id="x2" unit="linear"/></Parameters><AutoMakeup', 1)
    automated = write_project(project.with_name("auto.dawproject"), text, {"audio/a.wav": b""})
    written = write_copy(automated, PRESET, project.with_name("again.dawproject"), match=MATCH)
    assert faults(written.path) == []
    threshold = device(written.path, "c1", "Compressor").find("Threshold")
    assert threshold is not None
    assert threshold.get("id") == "x1"
    said = " ".join(written.notes)
    assert "automation of Threshold" in said
    assert "has no aim any more" in said
    assert "the automation of its volume is switched off" in said
    assert read_session(written.path).tracks[0].volume is None


def test_channels_that_lack_everything(tmp_path: Path) -> None:
    inside = """<Structure>
      <Track contentType="audio" id="a" name="bare"/>
      <Track contentType="audio" id="b" name="empty"><Channel id="bc"/></Track>
      <Track contentType="audio" id="c" name="chain"><Channel><Devices/><Sends/></Channel></Track>
      <Track contentType="audio" id="d" name="inside"><Channel></Channel></Track>
      <Channel role="master" id="m"/>
    </Structure>"""
    path = write_project(tmp_path / "song.dawproject", inside)
    names = ("bare", "empty", "chain", "inside")
    preset = Preset(
        tracks=tuple(Track(name=name, strip=PRESET.tracks[0].strip, mute=name == "empty") for name in names),
        master=PRESET.master,
    )
    written, _ = mixed(path, preset, {name: name for name in names})
    assert faults(written) == []
    assert diff(desk_form(preset), written_mix(written)) == ()


@pytest.mark.parametrize(
    ("volume", "pan"),
    [
        ('unit="decibel" max="12" min="-144" value="-3"', 'unit="linear" max="1" min="-1" value="0"'),
        ('unit="normalized" value="0.7"', 'unit="percent" value="50"'),
        ("max='3.16' unit='linear' value='1'", "unit='normalized'"),
    ],
)
def test_faders_and_pans_in_other_units(tmp_path: Path, volume: str, pan: str) -> None:
    text = re.sub(r'<Pan [^>]*id="p1"[^>]*>', f'<Pan {pan} id="p1"/>', one_track(""))
    text = re.sub(r'<Volume [^>]*id="v1"[^>]*>', f'<Volume {volume} id="v1"/>', text)
    written, _ = mixed(write_project(tmp_path / "song.dawproject", text))
    assert faults(written) == []
    strip = written_mix(written).tracks[0].strip
    assert (strip.fader_db, strip.pan) == (pytest.approx(-2), pytest.approx(0.4))


def test_what_a_fader_cannot_give_comes_out_of_the_compressor(project: Path) -> None:
    preset = Preset(tracks=(Track(name="lead", strip=Strip(fader_db=14)),))
    path, notes = mixed(project, preset)
    strip = written_mix(path).tracks[0].strip
    assert strip.fader_db + strip.compressor.makeup_db == pytest.approx(14)
    enabled = device(path, "c1", "Compressor").find("Enabled")
    assert enabled is not None
    assert enabled.get("value") == "true"
    assert any("fader ends 8.0 dB too early" in note for note in notes)


def test_what_is_lost_is_said(project: Path) -> None:
    strip = Strip(
        compressor=Compressor(threshold_db=6, ratio=2, lookahead_ms=5), saturation=Saturation(drive=2), fx_send_db=-10
    )
    preset = Preset(tracks=(Track(name="lead", strip=strip), Track(name="other")))
    _, notes = mixed(project, preset)
    said = " ".join(notes)
    for word in ("knee", "look-ahead", "saturation", "reverb", "threshold of 6 dB", "'other'"):
        assert word in said


def test_only_matched_tracks_change(project: Path) -> None:
    path, _ = mixed(project, PRESET.model_copy(update={"master": Master()}), {})
    assert written_mix(path).tracks[:0] == ()
    with pytest.raises(SessionError, match="has no track 'Drums'"):
        mixed(project, match={"lead": "Drums"})
    with pytest.raises(SessionError, match="the preset has no track 'bass'"):
        mixed(project, match={"bass": "Vox"})


def test_the_original_and_other_files_are_never_overwritten(project: Path) -> None:
    with pytest.raises(OutputError, match="never changed"):
        write_copy(
            project,
            PRESET,
            project.parent / "." / project.name,
            match=MATCH,
            overwrite=True,
        )
    mixed(project)
    with pytest.raises(OutputError, match="exists already"):
        mixed(project)
    write_copy(
        project,
        PRESET,
        project.with_name("mix.dawproject"),
        match=MATCH,
        overwrite=True,
    )
    assert not [path for path in project.parent.iterdir() if path.name.startswith(".")]


def test_devices_that_were_changed_in_the_daw() -> None:
    eq = ElementTree.fromstring(
        """<Equalizer><Band type="bell"><Freq unit="hertz" value="500"/><Gain unit="decibel" value="40"/>
        <Q unit="linear" value="2"/></Band>
        <Band type="highPass"><Freq unit="semitones" value="30"/></Band>
        <Band type="bell"><Freq unit="hertz" value="900"/><Gain unit="decibel" value="3"/>
          <Enabled value="false"/></Band>
        <OutputGain unit="decibel" value="-2"/></Equalizer>"""
    )
    found, gain_db, left = equalizer_of(eq)
    assert found.band0 == EqBand(gain_db=24, freq_hz=500, q=2)
    assert found.band1 == EqBand(gain_db=0, freq_hz=900)
    assert (gain_db, left) == (-2, [])  # a high pass is the low cut, a notch is nothing that a preset has
    assert cuts_of(eq)[0].freq_hz == pytest.approx(46.25, abs=0.01)
    eq.append(ElementTree.fromstring('<Band type="notch"><Freq unit="hertz" value="50"/></Band>'))
    assert equalizer_of(eq)[2] == ["a band of the kind notch"]
    compressor = ElementTree.fromstring(
        """<Compressor><InputGain unit="decibel" value="4"/><OutputGain unit="decibel" value="30"/>
        <Ratio unit="percent" value="100"/><Threshold unit="decibel" value="-20"/></Compressor>"""
    )
    settings_, more_db = compressor_of(compressor)
    assert (settings_.ratio, settings_.threshold_db, settings_.makeup_db, more_db) == (20, -24, 24, 10)


def test_semitones() -> None:
    assert semitones(440) == 69
    assert hertz(15.486821) == pytest.approx(20, rel=1e-4)  # the lowest of Bitwig's EQ


@given(
    st.builds(
        Compressor,
        threshold_db=st.floats(-120, 60),
        ratio=st.floats(1, 20),
        attack_ms=st.floats(0.1, 1000),
        release_ms=st.floats(1, 5000),
        makeup_db=st.floats(-24, 24),
    ),
    st.builds(EqBand, gain_db=st.floats(-24, 24), freq_hz=st.floats(20, 22000), q=st.floats(0.1, 10)),
)
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_devices_and_back(compressor: Compressor, band: EqBand) -> None:
    found, more_db = compressor_of(compressor_element(compressor))
    kept = {name: pytest.approx(value, rel=1e-9, abs=1e-9) for name, value in compressor.model_dump().items()}
    assert found.model_dump() == {**kept, "knee_db": 6.0, "lookahead_ms": 0.0}
    assert more_db == pytest.approx(0)
    eq, gain_db, left = equalizer_of(equalizer_element(Equalizer(band2=band, low_shelf=band)))
    assert (gain_db, left) == (0, [])
    assert eq.band2.model_dump() == pytest.approx(band.model_dump(), rel=1e-9, abs=1e-9)
    assert eq.low_shelf.model_dump() == pytest.approx(band.model_dump(), rel=1e-9, abs=1e-9)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('id="p1"', 'id="v1"'),
        ("<Pan ", "<Sends/><Pan "),
        ('unit="normalized"', 'unit="degrees"'),
        (' unit="linear"', ""),
        ('role="regular"', 'role="group"'),
        ('destination="mc"', 'destination="nobody"'),
        ("<Clips id", "<Unknown/><Clips id"),
        ('loaded="true"', 'loaded="yes"'),
        ('path="audio/a.wav"', 'path="audio/b.wav"'),
    ],
)
def test_the_rules_see_what_is_wrong(project: Path, old: str, new: str) -> None:
    """Else it would mean nothing that what is written keeps them."""
    text = project_xml(project).decode()
    assert old in text
    files = {"audio/a.wav": b"", "plugins/d1.vstpreset": b""}
    assert faults(write_project(project, text.replace(old, new, 1), files)) != []
