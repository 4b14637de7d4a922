"""Gate and cuts of a mix in a DAWproject: as the format's NoiseGate and bands of its Equalizer, and back."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

import numpy as np
import pytest
import soundfile as sf
from dawproject_files import audio, one_track, write_project
from mixbridge.bridge.sessions.dawproject.devices import (
    cuts_of,
    equalizer_element,
    equalizer_of,
    gate_element,
    gate_of,
    hertz,
)
from mixbridge.bridge.sessions.dawproject.writing import written_mix
from mixbridge.bridge.sessions.inserting import insert
from mixbridge.bridge.sessions.reading import read_session
from mixbridge.presets.console import EqBand, Equalizer, Gate, HighCut, LowCut, Strip
from mixbridge.presets.preset import Preset, Track
from session_copies import write_copy

GATE = Gate(threshold_db=-38, range_db=25, ratio=4, attack_ms=3, hold_ms=0, release_ms=250, hysteresis_db=0)
LOW_CUT, HIGH_CUT = LowCut(freq_hz=90, slope_db_per_octave=24), HighCut(freq_hz=11000)
STRIP = Strip(gate=GATE, low_cut=LOW_CUT, high_cut=HIGH_CUT, eq=Equalizer(band1=EqBand(gain_db=3)), fader_db=-4)


def mix(strip: Strip) -> Preset:
    return Preset(tracks=(Track(name="Vox", strip=strip),))


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return write_project(tmp_path / "song.dawproject", one_track(f'<Clip time="0" duration="1">{audio()}</Clip>'))


def value(device: Element, tag: str) -> float:
    parameter = device.find(tag)
    assert parameter is not None
    return float(parameter.get("value", "nan"))


def close(found: Gate | LowCut | HighCut, wanted: Gate | LowCut | HighCut) -> bool:
    return found.model_dump() == pytest.approx(wanted.model_dump(), rel=1e-6)


def devices(path: Path) -> list[str]:
    import zipfile

    with zipfile.ZipFile(path) as file:
        root = ElementTree.fromstring(file.read("project.xml"))
    return [device.tag for device in root.find(".//Devices") or ()]


def test_the_gate_has_the_names_units_and_order_of_the_schema() -> None:
    device = gate_element(GATE)
    assert [child.tag for child in device] == ["Enabled", "Attack", "Range", "Ratio", "Release", "Threshold"]
    assert (value(device, "Range"), value(device, "Threshold")) == (-25, -38)
    assert value(device, "Ratio") == 75  # of what is below the threshold, three quarters more are taken away
    assert value(device, "Attack") == pytest.approx(0.003 / (2 * np.pi))
    assert close(gate_of(device), GATE)


def test_cuts_are_bands_behind_those_of_the_eq() -> None:
    device = equalizer_element(STRIP.eq, LOW_CUT, HIGH_CUT)
    bands = device.findall("Band")
    assert [(band.get("type"), band.get("order")) for band in bands[6:]] == [("highPass", "4"), ("lowPass", "2")]
    assert hertz(value(bands[6], "Freq")) == pytest.approx(90)
    assert value(bands[6], "Q") == pytest.approx(0.7071, abs=1e-4)
    eq, gain_db, left = equalizer_of(device)
    assert (eq.band1.gain_db, gain_db, left) == (3, 0, [])
    low_cut, high_cut = cuts_of(device)
    assert close(low_cut, LOW_CUT)
    assert close(high_cut, HIGH_CUT)
    alone = equalizer_element(Equalizer(), LOW_CUT, HighCut())
    enabled = alone.find("Enabled")
    assert enabled is not None
    assert enabled.get("value") == "true"
    assert len(equalizer_element(Equalizer(), LowCut(), HighCut()).findall("Band")) == 6


def test_a_copy_has_them_and_a_second_mix_takes_the_place_of_the_first(project: Path) -> None:
    written = write_copy(project, mix(STRIP), project.with_name("mixed.dawproject"), match={"Vox": "Vox"})
    assert not any("gate" in note or "cut" in note for note in written.notes)
    found = written_mix(written.path).tracks[0].strip
    assert close(found.gate, GATE)
    assert close(found.low_cut, LOW_CUT)
    assert close(found.high_cut, HIGH_CUT)
    assert devices(written.path)[:3] == ["NoiseGate", "Equalizer", "Compressor"]

    again = write_copy(written.path, mix(STRIP), project.with_name("again.dawproject"), match={"Vox": "Vox"}).path
    assert devices(again) == devices(written.path)
    without = write_copy(written.path, mix(Strip()), project.with_name("without.dawproject"), match={"Vox": "Vox"}).path
    assert devices(without)[:2] == ["Equalizer", "Compressor"]
    bare = written_mix(without).tracks[0].strip
    assert (bare.gate, bare.low_cut, bare.high_cut) == (Gate(), LowCut(), HighCut())


def test_a_new_project_has_them(tmp_path: Path) -> None:
    folder = tmp_path / "stems"
    folder.mkdir()
    sf.write(folder / "Vox.wav", 0.1 * np.ones(4800), 48000)
    written = insert(read_session(folder), mix(STRIP), tmp_path / "new.dawproject")
    found = written_mix(written.path).tracks[0].strip
    assert close(found.gate, GATE)
    assert close(found.low_cut, LOW_CUT)


def test_what_the_format_has_none_of_is_said_in_numbers(project: Path) -> None:
    strip = Strip(gate=Gate(range_db=20, hold_ms=70, hysteresis_db=6))
    written = write_copy(project, mix(strip), project.with_name("mixed.dawproject"), match={"Vox": "Vox"})
    assert "Vox: the gate's hold of 70 ms and hysteresis of 6 dB are left out: the format has none." in written.notes
