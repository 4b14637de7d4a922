from __future__ import annotations

import contextlib
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mixbridge.bridge.sessions.reading import read_session
from mixbridge.bridge.sessions.reaper import rpp
from mixbridge.bridge.sessions.reaper.rpp import Edit, load, parse
from mixbridge.bridge.sessions.reaper.writing import written_mix
from mixbridge.presets.errors import SessionError
from mixbridge.presets.preset import Preset, Track
from reaper_project import chain, envelope, item, plugin, project, section, track
from session_copies import write_copy
from timeline import noise, write_audio

PATH = Path("song.RPP")
TEXT = project(
    [
        track(
            "A",
            envelope("VOLENV2", "0 1 5 0 0 0 0.5", "1 0.5 2", "2 1 0", volume_type=1),
            envelope("PANENV2", "0 1 1", "1 -0.5 1"),
            chain(plugin()),
            item(FADEIN="1 0.1 0 1 0 0.5 0", LOOP="1", length=3.0),
            item(source=section("Media/a.wav", 0.1, 0.5, 2), LOOP="1"),
            item(kind="MIDI"),
            lines="ISBUS 1 1\nFREEMODE 2\nLANESOLO 1 0\n",
        ),
        track("B", item(PLAYRATE="0.5 1 2"), lines="ISBUS 2 -1\n", number=2),
    ],
    rate=8000,
)
BYTES = TEXT.encode()


@pytest.mark.parametrize(
    "data",
    [
        BYTES,
        BYTES.replace(b"\n", b"\r\n"),
        b"\xef\xbb\xbf" + BYTES,
        BYTES.rstrip(b"\n"),
        BYTES + b"\n\n trailing",
        BYTES.replace(b'"A"', b'"\xff\xfe"').replace(b"PANLAW 1", b"PANLAW  1\t "),
        BYTES.replace(b"|A song", b"|A \x0b\x0c\xc2\x85\xe2\x80\xa8 song"),
    ],
)
def test_what_is_not_touched_is_byte_for_byte_the_same(data: bytes) -> None:
    assert parse(data, PATH).changed(()) == data


def test_words_in_all_quotes() -> None:
    text = b'<REAPER_PROJECT\n KEY a "b c" \'d "e\' `f\'"` "" -1.5 "open end\n>\n'
    (row,) = parse(text, PATH).rows(parse(text, PATH).root, ("KEY",))
    assert row.words == ("KEY", "a", "b c", 'd "e', "f'\"", "", "-1.5", "open end")


def test_edits() -> None:
    document = parse(b"<REAPER_PROJECT\n A\n B\n>\n", PATH)
    edits = [Edit(2, 3, [b" C"]), Edit(1, 1, [b" X"]), Edit(1, 1, [b" Y"])]
    assert document.changed(edits) == b"<REAPER_PROJECT\n X\n Y\n A\n C\n>\n"


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "no REAPER project"),
        (b"RIFF....WAVE", "no REAPER project"),
        (b"<?xml version='1.0'?>\n<REAPER_PROJECT\n>", "no REAPER project"),
        (TEXT.encode("utf-16"), "no REAPER project"),
        (BYTES[: len(BYTES) // 2], "cut off"),
        (b"<REAPER_PROJECT\n" + b"<A\n" * 100_000, "deep"),
        (b"<REAPER_PROJECT\n" + b"\n" * rpp.MOST_LINES, "lines"),
        (b"<REAPER_PROJECT\n" + b"x" * (rpp.LONGEST_LINE + 1), "line of more than"),
        (b"<REAPER_PROJECT" + b" " * rpp.LARGEST_FILE, "larger than"),
    ],
)
def test_what_is_no_project_is_refused(data: bytes, words: str) -> None:
    with pytest.raises(SessionError, match=words):
        parse(data, PATH)


@pytest.mark.parametrize("value", ["nan", "inf", "-inf", "1e400", "1e300", "abc", ""])
@pytest.mark.parametrize("key", ["POSITION", "LENGTH", "SOFFS", "PLAYRATE", "VOLPAN", "SAMPLERATE"])
def test_numbers_that_are_none_are_errors(tmp_path: Path, key: str, value: str) -> None:
    write_audio(tmp_path / "Media" / "a.wav", noise(8000))
    path = tmp_path / "song.RPP"
    lines = TEXT.splitlines()
    place = next(n for n, line in enumerate(lines) if line.split()[:1] == [key])
    lines[place] = f'  {key} "{value}"'
    path.write_text("\n".join(lines))
    with pytest.raises(SessionError, match=f"line {place + 1}: {key}"):
        read_session(path)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(SessionError, match="cannot be read"):
        load(tmp_path / "no.RPP")
    with pytest.raises(SessionError, match="cannot be read"):
        load(Path("\0"))


@pytest.mark.slow
def test_too_many_tracks_items_and_points(tmp_path: Path) -> None:
    for lines, words in (
        ("<TRACK\n>\n" * 1025, "tracks"),
        ("<TRACK\n" + "<ITEM\n>\n" * 100_001 + ">\n", "items"),
        ("<TRACK\n<VOLENV2\nACT 1\n" + "PT 0 1 0\n" * 1_000_001 + ">\n>\n", "points"),
    ):
        path = tmp_path / "song.RPP"
        path.write_text(f"<REAPER_PROJECT 0.1\n{lines}>\n")
        with pytest.raises(SessionError, match=words):
            read_session(path)


_VALUES = st.sampled_from(
    [
        "nan",
        "-1",
        "0",
        "1e15",
        "9" * 30,
        "-0.5",
        "..",
        '"',
        "/etc/passwd",
        "../x.wav",
        "\\\\h\\s",
        "<A",
        ">",
        "7",
        "300",
    ]
)


@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(data=st.data())
def test_hostile_projects_raise_session_errors_alone(tmp_path: Path, data: st.DataObject) -> None:
    write_audio(tmp_path / "Media" / "a.wav", noise(800))
    lines = TEXT.splitlines()
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(lines) - 1))
        match data.draw(st.integers(0, 3)):
            case 0:
                del lines[place]
            case 1:
                lines.insert(place, data.draw(st.sampled_from(lines)))
            case 2:
                words = lines[place].split()
                if words:
                    words[data.draw(st.integers(0, len(words) - 1))] = data.draw(_VALUES)
                lines[place] = " ".join(words)
            case _:
                lines[place] = data.draw(st.text(max_size=20))
        lines = lines or [""]
    path = tmp_path / "song.RPP"
    path.write_bytes("\n".join(lines).encode("utf-8", "surrogatepass"))
    with contextlib.suppress(SessionError):
        assert read_session(path).format == "reaper"
    output = tmp_path / "out.RPP"
    with contextlib.suppress(SessionError):
        write_copy(
            path,
            Preset(tracks=(Track(name="a"),)),
            output,
            match={"a": "A"},
            overwrite=True,
        )
        assert [found.name for found in written_mix(output).tracks] == ["A"]
