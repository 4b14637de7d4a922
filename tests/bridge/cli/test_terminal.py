"""What a terminal of 80 columns and 24 lines shows: no word broken, a summary that fits, a bar with room to move."""

import fcntl
import io
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from pathlib import Path

import pytest
from mixbridge.bridge.cli.output.mix_results import _say_tracks, say_plan
from mixbridge.bridge.cli.output.saying import wrapped
from mixbridge.bridge.report.brief import brief_cells
from mixbridge.bridge.report.tables import preset_table
from mixbridge.bridge.sessions.core.model import Session, SessionGroup, SessionTrack
from mixbridge.bridge.sessions.timeline import track_table
from mixbridge.presets import factory, files
from mixbridge.presets.console import Compressor, EqBand, Equalizer, Strip
from mixbridge.presets.preset import Preset, Track
from mixbridge.runtime.rendering.render import RenderOptions
from rich.console import Console

NAMES = ("Kick In", "Lead Vocal Double", "Backing Vocals Left Hand Side", "Überlänge")


def seen(*command, columns=80, lines=24):
    """What a command writes to a terminal of this size."""
    leader, follower = pty.openpty()
    fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("4H", lines, columns, 0, 0))
    code = "from mixbridge.bridge.cli.main import main; main()"
    process = subprocess.Popen(
        [sys.executable, "-c", code, *map(str, command)], stdin=follower, stdout=follower, stderr=follower
    )
    os.close(follower)
    said = b""
    while True:
        try:
            part = os.read(leader, 65536)
        except OSError:  # Linux says so when the other side has gone
            break
        if not part:
            break
        said += part
    os.close(leader)
    process.wait()
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", said.decode())


def preset_of(*names):
    strip = Strip(
        input_gain_db=-48,
        fader_db=-24,
        eq=Equalizer(low_shelf=EqBand(gain_db=-12, freq_hz=1234, q=0.7)),
        compressor=Compressor(threshold_db=-47.3, ratio=10),
        pan=-1,
    )
    return Preset(tracks=tuple(Track(name=name, strip=strip) for name in names))


def test_lines_break_between_words():
    line = (
        "  Note: the mix came out at -9.0 LUFS, not -5: more would only crush its peaks /home/me/a-long-folder/mix.wav"
    )
    parts = wrapped(line, 44)
    assert all(len(part) <= 44 for part in parts)
    assert " ".join(part.strip() for part in parts) == line.strip()
    assert parts[1].startswith("    ")
    assert wrapped("", 80) == [""]
    path = "/" + "x" * 90
    assert wrapped(f"  {path}", 80) == [f"  {path}"]


@pytest.mark.parametrize("columns", [80, 140])
def test_names_of_tracks_are_not_broken(columns):
    console = Console(width=columns, record=True, file=io.StringIO())
    console.print(preset_table(preset_of(*NAMES)))
    lines = console.export_text().splitlines()
    assert max(map(len, lines)) <= columns
    words = {line[1:].split("  ")[0].strip() for line in lines}
    # Whole names, or whole words of them one below the other.
    for name in NAMES:
        assert name in words or set(name.split()) <= {word for line in words for word in line.split()}
    assert sum("10:1 > -47.3 dB" in line and "-12.0 @ 1.2 kHz" in line for line in lines) == len(NAMES)


def test_a_track_in_a_line():
    assert brief_cells(preset_of("x").tracks[0]) == ("-72.0 dB", "L100", "EQ 1 band, compressor 10:1")
    assert brief_cells(Track(name="x")) == ("+0.0 dB", "C", "")
    assert brief_cells(Track(name="x", mute=True))[0] == "muted"
    for name, processors in (
        ("lead-vocal", "low cut, EQ 3 bands, compressor 3:1, de-esser, saturation, reverb, delay"),
        ("podcast-pair", "gate, low cut, EQ 2 bands, compressor 4:1, de-esser"),
    ):
        assert brief_cells(factory.load(name).tracks[0])[2] == processors


def test_tracks_with_many_processors_are_not_cut(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    _say_tracks(factory.load("lead-vocal"))
    said = capsys.readouterr().out
    assert "…" not in said
    assert said.split()[:2] == ["Lead", "Vocal"]
    assert "reverb, delay" in " ".join(said.split())
    assert all(len(line) <= 80 for line in said.splitlines())


def test_tracks_that_play_come_first_where_not_all_fit(capsys):
    silent = tuple(Track(name=f"Silent {number}", note="silent") for number in range(9))
    muted = Track(name="Click", mute=True, note="left out")
    played = preset_of(*(f"Track {number}" for number in range(10))).tracks
    _say_tracks(Preset(tracks=(muted, *silent, *played)))
    said = capsys.readouterr().out
    assert said.count("Track ") == 10
    assert "Click" in said.splitlines()[10]
    assert "  and 8 more tracks" in said


def test_a_plan_of_many_tracks_fits_a_screen(tmp_path, capsys):
    many = preset_of(*(f"Track {number}" for number in range(40)))
    say_plan(many, RenderOptions(), tmp_path, report=True, as_json=False)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) <= 30
    assert "  and 28 more tracks" in lines
    assert "  and 31 more" in lines


def test_on_a_terminal(session, tmp_path):
    path = tmp_path / "mine.json"
    files.save(Preset(tracks=(Track(name="Kick"),)), path)
    said = seen("apply", path, session / "stems", "-o", tmp_path / "out", "--no-report")
    # The bar came and went; after it stands the summary.
    summary = said[said.rindex("Mix: ") :].replace("\r\n", "\n").splitlines()
    assert len(summary) <= 12
    assert any("mixbridge preset show" in line for line in summary)
    refused = seen("apply", path, "none-of-these-is-there.wav", "-o", tmp_path / "long name of a folder" / "out")
    lines = refused.replace("\r\n", "\n").splitlines()
    assert all(len(line) <= 80 for line in lines)
    assert " ".join(line.strip() for line in lines).startswith("mixbridge: none-of-these-is-there.wav: there is no")


@pytest.mark.parametrize("name", ["Kick", "A very long name of a track that nobody would read to its end"])
def test_the_table_of_a_session_is_not_cut_off(name):
    group = SessionGroup("Muted folder of drums", "folder")
    track = SessionTrack(name, 0, (), group=group.name, parent=0, identity="a")
    session = Session("song", Path("song.RPP"), "reaper", 44100, (track,), groups=(group,))
    out = io.StringIO()
    Console(file=out, width=80).print(track_table(session, {"0:a": "Snare top mic.wav, 1 ch"}, ["electric guitar"], 80))
    lines = out.getvalue().splitlines()
    assert max(map(len, lines)) <= 80
    place = lines[1].index("role, stem")
    said = " ".join(line[place:].strip() for line in lines[3:]).split()
    assert said == ["electric", "guitar;", "Snare", "top", "mic.wav,", "1", "ch"]
