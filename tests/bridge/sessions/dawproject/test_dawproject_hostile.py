"""Hostile and damaged .dawprojects: clear errors, in bounded time and memory, nothing read or written elsewhere."""

from __future__ import annotations

import contextlib
import math
import os
import resource
import stat
import struct
import tempfile
import zipfile
from pathlib import Path

import pytest
from dawproject_files import HEAD, audio, one_track, project_text, write_project
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mixbridge.bridge.sessions.dawproject import archive as dawproject_zip
from mixbridge.bridge.sessions.dawproject import clips as dawproject_clips
from mixbridge.bridge.sessions.dawproject import xml as dawproject_xml
from mixbridge.bridge.sessions.dawproject.writing import written_mix
from mixbridge.bridge.sessions.reading import read_session
from mixbridge.presets.errors import OutputError, SessionError
from mixbridge.presets.preset import Preset, Track
from session_copies import write_copy
from timeline import noise, write_audio

CLIP = f'<Clip time="0" duration="1">{audio()}</Clip>'


def refused(path: Path, words: str | None = None) -> None:
    with pytest.raises(SessionError, match=words) as caught:
        read_session(path)
    assert str(path) in str(caught.value)
    assert len(str(caught.value)) < 2000


@pytest.fixture
def unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where audio is unpacked to, for this test alone."""
    folder = tmp_path / "unpacked"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def zip_with(path: Path, *entries: tuple[str | zipfile.ZipInfo, bytes], project: str | None = None) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("project.xml", project or project_text(one_track(CLIP)))
        for name, data in entries:
            file.writestr(name, data)
    return path


def claiming(path: Path, name: str, size: int) -> Path:
    """The zip with another size for one of its files, in its header and in the list of entries."""
    data = bytearray(path.read_bytes())
    raw = name.encode()
    at = -1
    while (at := data.find(raw, at + 1)) >= 0:
        if data[at - 46 : at - 42] == b"PK\1\2":
            struct.pack_into("<L", data, at - 46 + 24, size)
        elif data[at - 30 : at - 26] == b"PK\3\4":
            struct.pack_into("<L", data, at - 30 + 22, size)
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("data", [b"", b"PK", b"not a zip" * 100, b"PK\5\6" + b"\0" * 18, HEAD.encode()])
def test_no_zip(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "song.dawproject"
    path.write_bytes(data)
    refused(path, "damaged, or no DAWproject|no DAWproject")


def test_a_zip_without_a_project(tmp_path: Path) -> None:
    path = tmp_path / "song.dawproject"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("other.xml", "<a/>")
    refused(path, "there is no project.xml in it")


@pytest.mark.parametrize(
    "xml",
    [
        "<Project",
        "<a/>",
        "",
        f"{HEAD}<Project version='1.0'>&undefined;</Project>",
        "<?xml version='1.0' encoding='klingon'?><Project/>",
        "\0\0\0",
    ],
)
def test_damaged_xml(tmp_path: Path, xml: str) -> None:
    refused(write_project(tmp_path / "song.dawproject", xml.encode()), "cannot be read: its")


def test_entities_and_document_types(tmp_path: Path) -> None:
    laughs = "".join(f'<!ENTITY a{n + 1} "{f"&a{n};" * 10}">' for n in range(9))
    for number, doctype in enumerate(
        (
            f'<!DOCTYPE Project [<!ENTITY a0 "ha">{laughs}]>',
            '<!DOCTYPE Project [<!ENTITY x SYSTEM "file:///etc/passwd">]>',
            '<!DOCTYPE Project SYSTEM "http://127.0.0.1/x.dtd">',
        )
    ):
        xml = f'<?xml version="1.0"?>{doctype}<Project version="1.0"><Application name="x" version="1"/></Project>'
        refused(write_project(tmp_path / f"{number}.dawproject", xml.encode()), "entities or a document type")


def test_a_bomb_of_xml_is_not_inflated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = zip_with(tmp_path / "song.dawproject", project=HEAD + "<Project>" + " " * 60_000_000 + "</Project>")
    monkeypatch.setattr(zipfile.ZipFile, "open", lambda *_, **__: pytest.fail("inflated"))
    refused(path, "no project is packed so tightly")


def test_audio_that_claims_ten_gigabytes(tmp_path: Path, unpacked: Path) -> None:
    path = zip_with(tmp_path / "song.dawproject", ("audio/a.wav", b"\0" * 1000))
    refused(claiming(path, "audio/a.wav", 0xF0000000), "no project is packed so tightly")
    assert list(unpacked.iterdir()) == []


def test_many_files_that_are_large_together(tmp_path: Path, unpacked: Path) -> None:
    names = [f"audio/{n}.wav" for n in range(6)]
    path = zip_with(tmp_path / "song.dawproject", *((name, b"\0" * 1000) for name in names))
    for name in names:
        claiming(path, name, 2**30)
    refused(path, "no project is packed so tightly")


def test_a_file_that_is_longer_than_it_says(tmp_path: Path, unpacked: Path) -> None:
    path = zip_with(tmp_path / "song.dawproject", ("audio/a.wav", b"\0" * 1_000_000))
    refused(claiming(path, "audio/a.wav", 1000), "damaged")
    assert list(unpacked.iterdir()) == []


def test_no_room_for_its_audio(tmp_path: Path, unpacked: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = zip_with(tmp_path / "song.dawproject", ("audio/a.wav", b"\0" * 1000))
    monkeypatch.setattr(dawproject_zip, "_ROOM_LEFT", 2**60)
    refused(path, "no room for it")
    assert list(unpacked.iterdir()) == []


def test_more_files_than_any_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = zip_with(tmp_path / "song.dawproject", *((f"{n}.txt", b"") for n in range(50)))
    monkeypatch.setattr(dawproject_zip, "MOST_ENTRIES", 20)
    refused(path, "holds 51 files")
    monkeypatch.setattr(dawproject_zip, "_LONGEST_DIRECTORY", 1000)
    monkeypatch.setattr(zipfile, "ZipFile", lambda *_: pytest.fail("read all of it"))
    refused(path, "lists more files")


@pytest.mark.parametrize(
    "name", ["../evil.wav", "audio/../../evil.wav", "/etc/evil", "..\\evil.wav", "C:\\evil.wav", "a/..", "\\\\host\\x"]
)
def test_names_that_lead_out_of_the_zip(tmp_path: Path, unpacked: Path, name: str) -> None:
    path = zip_with(tmp_path / "song.dawproject", (name, b"evil"), project=project_text(one_track(_named(name))))
    refused(path, "leads out of it")
    assert not list(tmp_path.rglob("*evil*"))


def test_links_in_the_zip(tmp_path: Path, unpacked: Path) -> None:
    link = zipfile.ZipInfo("audio/a.wav")
    link.create_system = 3
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    refused(zip_with(tmp_path / "song.dawproject", (link, b"/etc/passwd")), "leads out of it")


@pytest.mark.parametrize("external", [False, True])
@pytest.mark.parametrize(
    "written", ["../../etc/passwd", "/etc/passwd", "\\\\host\\share\\x.wav", "C:\\x.wav", "file:///etc/passwd"]
)
def test_paths_that_lead_out_of_the_folder(tmp_path: Path, written: str, external: bool) -> None:
    clip = f'<Clip time="0" duration="1">{audio(written, external=external)}</Clip>'
    path = write_project(tmp_path / "song.dawproject", one_track(clip))
    with pytest.raises(SessionError, match="allow audio from outside"):
        read_session(path)


def test_a_link_beside_the_project(tmp_path: Path) -> None:
    inner = tmp_path / "project"
    inner.mkdir()
    (inner / "a.wav").symlink_to(write_audio(tmp_path / "secret.wav", noise(100)))
    clip = f'<Clip time="0" duration="1">{audio("a.wav", external=True)}</Clip>'
    path = write_project(inner / "song.dawproject", one_track(clip))
    with pytest.raises(SessionError, match="allow audio from outside"):
        read_session(path)
    assert read_session(path, allow_outside=True).tracks[0].clips


def test_encrypted_and_doubled_entries(tmp_path: Path) -> None:
    path = zip_with(tmp_path / "song.dawproject")
    data = bytearray(path.read_bytes())
    for signature, flags in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        data[data.find(signature) + flags] |= 1
    path.write_bytes(data)
    refused(path, "damaged")
    with pytest.warns(UserWarning, match="Duplicate"):
        zip_with(path, ("project.xml", b"<Project/>"))
    refused(path, "two files of one name")


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_packings_without_bounds(tmp_path: Path, unpacked: Path, method: int) -> None:
    path = zip_with(tmp_path / "song.dawproject")
    with zipfile.ZipFile(path, "a", method) as file:
        file.writestr("audio/a.wav", b"\0" * 10_000)
    refused(path, "in a way that no DAW uses")
    assert list(unpacked.iterdir()) == []


def test_no_file(tmp_path: Path) -> None:
    pipe = tmp_path / "song.dawproject"
    os.mkfifo(pipe)
    refused(pipe, "it is a pipe, not a regular file")


def test_circles_of_references(tmp_path: Path) -> None:
    clips = (
        '<Clip time="0" duration="9"><Clips id="x"><Clip time="0" duration="9" reference="y"/></Clips></Clip>'
        '<Clip time="0" duration="9"><Clips id="y"><Clip time="0" duration="9" reference="x"/></Clips></Clip>'
    )
    refused(write_project(tmp_path / "song.dawproject", one_track(clips)), "in a circle")
    refused(write_project(tmp_path / "b.dawproject", one_track('<Clip time="0" reference="cl"/>')), "in a circle")
    refused(write_project(tmp_path / "c.dawproject", one_track('<Clip time="0" reference="-"/>')), "not there")


def test_clips_that_multiply(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Twelve levels, each ten times the one before."""
    monkeypatch.setattr(dawproject_clips, "MOST_VISITS", 20_000)
    levels = "".join(
        f'<Clip time="0" duration="1"><Clips id="n{n}">'
        + f'<Clip time="0" duration="1" reference="n{n + 1}"/>' * 10
        + "</Clips></Clip>"
        for n in range(12)
    )
    last = f'<Clip time="0" duration="1"><Clips id="n12">{CLIP}</Clips></Clip>'
    refused(write_project(tmp_path / "song.dawproject", one_track(levels + last)), "far more often")


def test_a_loop_of_next_to_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dawproject_clips, "MOST_VISITS", 20_000)
    clip = f'<Clip time="0" duration="80000" loopEnd="1e-9"><Clips>{CLIP}</Clips></Clip>'
    refused(write_project(tmp_path / "song.dawproject", one_track(clip)), "far more often|no length")


def test_depth(tmp_path: Path) -> None:
    nested = '<Clip time="0" duration="1"><Clips>' * 40 + CLIP + "</Clips></Clip>" * 40
    refused(write_project(tmp_path / "a.dawproject", one_track(nested)), "deep")
    folders = one_track("").replace("</Structure>", "<Track>" * 5000 + "</Track>" * 5000 + "</Structure>")
    refused(write_project(tmp_path / "b.dawproject", folders), "deeper")


@pytest.mark.parametrize(
    "clip",
    [
        f'<Clip time="nan" duration="1">{audio()}</Clip>',
        f'<Clip time="0" duration="inf">{audio()}</Clip>',
        f'<Clip time="1e300" duration="1">{audio()}</Clip>',
        f'<Clip time="0" duration="1" playStart="-INF">{audio()}</Clip>',
        f'<Clip time="0" duration="1" fadeInTime="NaN">{audio()}</Clip>',
        f'<Clip time="0" duration="100000000">{audio()}</Clip>',
        f'<Clip duration="1">{audio()}</Clip>',
        f'<Clip time="0" duration="1" loopEnd="x">{audio()}</Clip>',
        '<Clip time="0" duration="1"><Audio channels="1" duration="1" sampleRate="1"/></Clip>',
        f'<Clip time="0" duration="1"><Lanes>{audio()}<Points unit="decibel"><Target expression="gain"/>'
        '<RealPoint time="0" value="500"/></Points></Lanes></Clip>',
        f'<Clip time="0" duration="1"><Lanes>{audio()}<Points><Target expression="gain"/>'
        '<RealPoint time="0" value="nan"/></Points></Lanes></Clip>',
    ],
)
def test_numbers_that_are_none(tmp_path: Path, clip: str) -> None:
    sound = write_audio(tmp_path / "a.wav", noise(8000))
    refused(write_project(tmp_path / "song.dawproject", one_track(clip), {"audio/a.wav": sound}))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('value="0.5" id="v1"', 'value="nan" id="v1"'),
        ('value="0.5" id="v1"', 'value="-1" id="v1"'),
        ('value="0.5" id="v1"', 'value="1e8" id="v1"'),
        ('value="0.250000"', 'value="inf"'),
        ('max="1.000000" min="0.000000" unit="normalized"', 'max="0" min="1" unit="normalized"'),
        ('value="120"', 'value="0"'),
        ('value="120"', 'value="nan"'),
    ],
)
def test_mixers_that_are_none(tmp_path: Path, old: str, new: str) -> None:
    text = one_track("")
    assert old in text
    refused(write_project(tmp_path / "song.dawproject", text.replace(old, new)))


def test_ten_thousand_clips(tmp_path: Path) -> None:
    sound = write_audio(tmp_path / "a.wav", noise(8000))
    clips = "".join(f'<Clip time="{n * 0.5}" duration="0.5">{audio()}</Clip>' for n in range(10_000))
    path = write_project(tmp_path / "song.dawproject", one_track(clips), {"audio/a.wav": sound})
    assert len(read_session(path).tracks[0].clips) == 10_000


def test_memory_for_a_large_project_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Four million empty elements would take gigabytes; they are refused long before."""
    monkeypatch.setattr(dawproject_xml, "MOST_ELEMENTS", 300_000)
    path = tmp_path / "song.dawproject"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as file:
        file.writestr("project.xml", HEAD + "<Project>" + "<a/>" * 4_000_000 + "</Project>")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    refused(path, "longer than any project")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 300 * 1024


def test_writing_into_hostile_projects(tmp_path: Path) -> None:
    preset = Preset(tracks=(Track(name="Vox"),))
    for number, text in enumerate((one_track('<Clip time="0" reference="cl"/>'), one_track("", bpm=math.nan))):
        path = write_project(tmp_path / f"{number}.dawproject", text)
        with pytest.raises(SessionError):
            write_copy(path, preset, tmp_path / "out.dawproject", match={"Vox": "Vox"})
    utf16 = project_text(one_track("")).replace("UTF-8", "UTF-16").encode("utf-16")
    path = write_project(tmp_path / "utf16.dawproject", utf16)
    with pytest.raises(SessionError, match="UTF-8"):
        write_copy(path, preset, tmp_path / "out.dawproject", match={"Vox": "Vox"})
    assert not (tmp_path / "out.dawproject").exists()


@given(data=st.data())
@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
def test_mutated_files_give_session_errors_alone(data: st.DataObject, fuzzed: tuple[bytes, str, Path]) -> None:
    """Bytes of the zip, or words of its XML, changed at random."""
    whole, text, folder = fuzzed
    path = folder / "song.dawproject"
    if data.draw(st.booleans(), "the zip"):
        raw = bytearray(whole)
        for _ in range(data.draw(st.integers(1, 6))):
            raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
        path.write_bytes(raw[: data.draw(st.integers(len(raw) // 2, len(raw)))] if data.draw(st.booleans()) else raw)
    else:
        words = text.split(" ")
        for _ in range(data.draw(st.integers(1, 4))):
            place = data.draw(st.integers(0, len(words) - 1))
            words[place] = data.draw(st.sampled_from(_WORDS) | st.sampled_from(words))
        write_project(path, " ".join(words).encode(), {"audio/a.wav": b"x"})
    for attempt in (
        lambda: read_session(path),
        lambda: written_mix(path),
        lambda: write_copy(
            path,
            Preset(tracks=(Track(name="Vox"),)),
            folder / "out",
            match={"Vox": "Vox"},
            overwrite=True,
        ),
    ):
        with contextlib.suppress(SessionError, OutputError):
            attempt()


@pytest.fixture(scope="module")
def fuzzed(tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, str, Path]:
    """A project with everything in it, as a zip and as text."""
    folder = tmp_path_factory.mktemp("fuzzed")
    points = '<Points unit="linear"> <Target expression="gain"/> <RealPoint time="0" value="1"/> </Points>'
    clips = (
        f'<Clip time="0" duration="8" loopEnd="2"><Clips><Clip time="0" duration="2"><Lanes>{audio()} {points}</Lanes>'
        f'</Clip></Clips></Clip> <Clip time="1" duration="2"><Warps contentTimeUnit="seconds">{audio()}'
        ' <Warp time="0" contentTime="0"/> <Warp time="4" contentTime="3"/> </Warps></Clip>'
    )
    lane = '<Points unit="linear"> <Target parameter="v1"/> <RealPoint time="0" value="1"/> </Points>'
    text = project_text(one_track(clips, "beats", lane))
    path = write_project(folder / "whole.dawproject", text, {"audio/a.wav": b"x" * 100})
    written = write_copy(
        path,
        Preset(tracks=(Track(name="Vox"),)),
        folder / "mixed",
        match={"Vox": "Vox"},
    )
    with zipfile.ZipFile(written.path) as file:
        text = file.read("project.xml").decode()
    return written.path.read_bytes(), text, folder


_WORDS = [
    'time="nan"', 'time="-1e9"', 'duration="1e9"', 'value="inf"', 'unit="decibel"', "<Clip", "</Lanes>", 'id="t1"',
    "/>", 'reference="cl"', 'track="mc"', 'max="0"', 'path="../../x"', "&lt;", "<!--", "]]>", "\ud7ff",
    "name='mixbridge EQ'",
]  # fmt: skip


def _named(name: str) -> str:
    return f'<Clip time="0" duration="1">{audio(name)}</Clip>'


def test_a_way_through_very_many_channels(tmp_path: Path) -> None:
    busses = "".join(f'<Channel id="c{n}" destination="c{n + 1}" role="submix"/>' for n in range(5000))
    first = '<Track contentType="audio" id="t"><Channel id="c" destination="c0"/></Track>'
    inside = f"<Structure>{first}{busses}</Structure>"
    refused(write_project(tmp_path / "song.dawproject", inside), "goes through more than 64 channels")
