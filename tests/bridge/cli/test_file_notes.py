"""What is wrong with a file, and leaves it usable, is said by its name: in `mix`, `apply`, `--json` and of sessions."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
from mixbridge.bridge.sessions.core.model import Clip
from mixbridge.bridge.sessions.stems.render import render_stems
from mixbridge.presets.files import save
from mixbridge.presets.preset import Preset, Track
from mixbridge.runtime.audio.reading import notes_of
from timeline import noise, session_of, write_audio


def name_nothing(path: Path) -> None:
    """Make the header name 0 bytes of audio, as recorders do that lose their power."""
    data = bytearray(path.read_bytes())
    struct.pack_into("<I", data, data.index(b"data") + 4, 0)
    path.write_bytes(bytes(data))


def add_offset(path: Path) -> None:
    audio, rate_hz = sf.read(path)
    sf.write(path, np.clip(0.3 * audio + 0.4, -1, 1), rate_hz)


@pytest.fixture
def commands(session):
    preset = session / "settings.json"
    save(Preset(tracks=tuple(Track(name=name) for name in ("Bass", "Keys", "Vox"))), preset)
    stems, out = session / "stems", session / "out"
    return {
        "mix": ["mix", stems, "--reference", session / "reference.wav", "-o", out, "--no-report"],
        "apply": ["apply", preset, stems, "-o", out, "--no-report"],
    }


@pytest.mark.parametrize("command", ["mix", "apply"])
def test_notes_are_in_json_and_said_once(session, run, commands, command, caplog) -> None:
    name_nothing(session / "stems" / "Keys.wav")
    add_offset(session / "stems" / "Vox.wav")
    outcome = run(*commands[command], "--json")
    assert outcome.code == 0, outcome.err
    warnings = json.loads(outcome.out)["warnings"]
    assert [line for line in warnings if "Keys.wav: its header names 0 bytes" in line]
    assert [line for line in warnings if "track Vox has a DC offset of 40 % of full scale (Vox.wav)" in line]
    assert not [line for line in warnings if "Bass" in line]


def test_a_reference_too(session, run, commands) -> None:
    name_nothing(session / "reference.wav")
    outcome = run(*commands["mix"], "--json")
    assert [line for line in json.loads(outcome.out)["warnings"] if "reference.wav: its header names 0 bytes" in line]


def test_a_file_that_is_whole_again_has_no_note(session, run, commands) -> None:
    whole = (session / "stems" / "Keys.wav").read_bytes()
    name_nothing(session / "stems" / "Keys.wav")
    assert run(*commands["apply"]).code == 0
    (session / "stems" / "Keys.wav").write_bytes(whole)
    outcome = run(*commands["apply"], "--force", "--json")
    assert json.loads(outcome.out)["warnings"] == []


def test_a_clip_of_a_session_is_used_whole(tmp_path) -> None:
    path = write_audio(tmp_path / "a.wav", noise(5000))
    whole = render_stems(session_of(tmp_path, (Clip(path, 0, 5000),)), tmp_path / "whole")
    name_nothing(path)
    mended = render_stems(session_of(tmp_path, (Clip(path, 0, 5000),)), tmp_path / "mended")
    for name, stem in whole.items():
        np.testing.assert_array_equal(sf.read(stem)[0], sf.read(mended[name])[0])
        assert np.abs(sf.read(stem)[0]).max() > 0.01
    assert "names 0 bytes" in notes_of(path)[0]


@pytest.mark.skipif("MP3" not in sf.available_formats(), reason="this libsndfile has no MP3")
def test_half_an_mp3_in_a_session_is_said(tmp_path, caplog) -> None:
    path = tmp_path / "half.mp3"
    sf.write(path, np.tile(noise(44100).T, (6, 1)), 44100, format="MP3")
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    frames = sf.info(path).frames
    if frames < 5 * 44100:
        pytest.skip("this libsndfile measures the length of what is there")
    render_stems(session_of(tmp_path, (Clip(path, 0, frames),), rate_hz=44100), tmp_path / "out")
    assert "half.mp3 ends after" in caplog.text
