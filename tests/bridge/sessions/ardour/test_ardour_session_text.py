"""What an Ardour session's file says, read without Ardour: times of all kinds, and files built to harm."""

import contextlib
import math
import time

import numpy as np
import pytest
import soundfile as sf
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mixbridge.bridge.sessions.ardour import xml as ardour_xml
from mixbridge.bridge.sessions.ardour.writing import written_mix
from mixbridge.bridge.sessions.core.model import SessionNote
from mixbridge.bridge.sessions.reading import read_session
from mixbridge.bridge.sessions.stems.render import render_stems
from mixbridge.presets.errors import SessionError
from mixbridge.presets.preset import Preset, Track
from session_copies import write_copy

SECOND = 282_240_000
CONSTANT = '<Tempo npm="120" note-type="4" sclock="0" quarters="0:0" omega="0"/>'
FADE = """<FadeIn><AutomationList automation-id="fadein" interpolation-style="Curved"><events>a0 0
a2822400 0.3
a5644800 1
</events></AutomationList></FadeIn>"""
REGION = (
    '<Region name="take" id="50" type="audio" start="a2822400" length="a28224000@a14112000" opaque="1" channels="1" '
    'scale-amplitude="0.5" layering-index="0" fade-in-active="1" fade-out-active="0" source-0="10">'
    + FADE
    + "</Region>"
)
PROCESSORS = """<Processor type="trim" active="1"><Controllable name="trimcontrol" value="1"/></Processor>
<Processor type="lv2" active="1" name="ACE EQ (mixbridge)" unique-id="urn:ardour:a-eq"><lv2>
<Port symbol="gl" value="2"/></lv2><Controllable parameter="1" value="2"/></Processor>
<Processor type="lv2" active="1" name="ACE Compressor (mixbridge)" unique-id="urn:ardour:a-comp"><lv2>
<Port symbol="thr" value="-2"/></lv2></Processor>
<Processor type="amp" active="1"><Automation><AutomationList automation-id="gain" interpolation-style="Exponential"
state="Play"><events>a0 1
b1920 0.5
</events></AutomationList></Automation><Controllable name="gaincontrol" value="0.5"/></Processor>
<Processor type="main-outs" active="1"><PannerShell bypassed="0" user-panner=""/></Processor>"""


def text(regions=REGION, *, sources=None, tempi=CONSTANT, version="7002", route="", processors=PROCESSORS, before=""):
    """A session of one track."""
    sources = sources or '<Source name="take.wav" type="audio" id="10" channel="0" origin="" gain="1"/>'
    return f"""<?xml version="1.0" encoding="UTF-8"?>{before}
<Session version="{version}" name="song" sample-rate="48000" id-counter="99">
<Config><Option name="use-region-fades" value="1"/></Config>
<Sources>{sources}</Sources>
<Routes><Route id="20" name="Vox" default-type="audio" active="1" audio-playlist="30" {route}>
<PresentationInfo order="1" flags="AudioTrack" color="0"/>
<IO direction="Input"><Port type="audio" name="in 1"/></IO>
<Controllable name="phase" value="0" phase-invert="0"/><MuteMaster muted="0"/>
<Pannable><Controllable name="pan-azimuth" value="0.25"/></Pannable>{processors}</Route></Routes>
<Playlists><Playlist id="30" name="Vox" type="audio" orig-track-id="20">{regions}</Playlist></Playlists>
<TempoMap superclocks-per-second="282240000"><Tempos>{tempi}</Tempos></TempoMap></Session>
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A session's folder with a recording of two seconds."""
    folder = tmp_path_factory.mktemp("song")
    audio = folder / "interchange" / "song" / "audiofiles"
    audio.mkdir(parents=True)
    sf.write(audio / "take.wav", np.linspace(-0.5, 0.5, 96000), 48000, subtype="FLOAT")
    return folder


@pytest.fixture
def read(folder):
    """Reads a session's text."""

    def read(content, **options):
        path = folder / "song.ardour"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return read_session(path, **options)

    return read


def only_clip(session):
    (track,) = session.tracks
    (clip,) = track.clips
    return clip


def test_a_region_is_read_in_frames(read):
    session = read(text())
    clip = only_clip(session)
    assert (clip.name, clip.position, clip.length, clip.source_offset) == ("take", 2400, 4800, 480)
    assert clip.gain_db == pytest.approx(20 * math.log10(0.5))
    assert clip.fade_in.points == ((0, 0), (480, 0.3), (960, 1))
    assert (clip.fade_in.length, clip.fade_out.length, clip.opaque) == (960, 0, True)
    (track,) = session.tracks
    assert track.volume.points == ((0, 1), (0.5, 0.5))
    assert (track.gain_db, track.pan) == (pytest.approx(20 * math.log10(0.5)), -0.5)
    assert [note.what for note in session.unsupported] == [
        "plug-in ACE EQ (mixbridge)",
        "plug-in ACE Compressor (mixbridge)",
    ]


def test_the_session_of_ardour_6_counts_in_frames(read):
    region = (
        '<Region name="take" type="audio" start="480" length="4800" position="2400" channels="1" source-0="10" '
        'fade-out-active="0"><FadeIn><AutomationList interpolation-style="Curved"><events>0 0\n96.5 1\n</events>'
        "</AutomationList></FadeIn></Region>"
    )
    tempi = '<Tempo bar="1" npm="120" note-type="4" movable="0"/>'
    clip = only_clip(read(text(region, version="6000", tempi=tempi, processors="")))
    assert (clip.position, clip.length, clip.source_offset) == (2400, 4800, 480)
    assert clip.fade_in.points == ((0, 0), (96.5, 1))


@pytest.mark.parametrize(
    ("length", "position_frames", "length_frames"),
    [
        ("b1920@b3840", 48000, 24000),
        ("b1920@a282240000", 48000, 24000),
        ("a282240000@b960", 12000, 48000),
        ("b3840@b6720", 84000, 12000 + 21600),  # half a beat at 120, one and a half at 200
    ],
)
def test_regions_that_follow_the_tempo(read, length, position_frames, length_frames):
    tempi = CONSTANT + f'<Tempo npm="200" note-type="4" sclock="{2 * SECOND}" quarters="4:0" omega="0"/>'
    region = REGION.replace("a28224000@a14112000", length)
    clip = only_clip(read(text(region, tempi=tempi)))
    assert (clip.position, clip.length) == (position_frames, length_frames)


def test_a_ramp_of_the_tempo_is_read_in_lines(read):
    # From 120 to 240 in a second: a share of log(2) more with each.
    omega = math.log(2) / SECOND
    ramp = f'<Tempo npm="120" note-type="4" sclock="{SECOND}" quarters="2:0" omega="{omega!r}"/>'
    end = f'<Tempo npm="240" note-type="4" sclock="{2 * SECOND}" quarters="5:0" omega="0"/>'
    points = read(text(tempi=CONSTANT + ramp + end)).tempo
    assert (points[0].bpm, points[-1].bpm, points[-1].time_s) == (120, pytest.approx(240), 2)
    for point in points[1:-1]:
        assert point.ramp
        assert point.bpm == pytest.approx(120 * 2 ** (point.time_s - 1))
    assert len(points) > 20
    assert read(text()).tempo == ()


def test_a_default_fade_is_as_short_as_ardours(read):
    region = REGION.replace(FADE, '<FadeIn default="yes"/><FadeOut default="yes"/>').replace(
        'fade-out-active="0"', 'fade-out-active="1"'
    )
    clip = only_clip(read(text(region)))
    # As Ardour 7.3 saves them at 48 kHz.
    assert clip.fade_in.points[1] == pytest.approx((1, 0.0475819172), abs=1e-7)
    assert clip.fade_in.points[3] == pytest.approx((5, 0.1423148425), abs=1e-7)
    assert clip.fade_in.points[-2] == pytest.approx((60, 0.9954719312), abs=1e-7)
    assert clip.fade_in.points[-1] == (64, 1)
    assert clip.fade_out.points[1] == pytest.approx((1, 0.9988673391), abs=1e-7)
    assert clip.fade_out.points[-2] == pytest.approx((60, 0.0950559529), abs=1e-7)
    assert clip.fade_in.under[1] == pytest.approx((4, 0.9954719312), abs=1e-7)
    assert clip.fade_out.under[1] == pytest.approx((4, 0.0950559529), abs=1e-7)


def test_fades_can_be_switched_off_for_a_session(read):
    content = text().replace('name="use-region-fades" value="1"', 'name="use-region-fades" value="0"')
    assert only_clip(read(content)).fade_in.length == 0


def test_what_is_not_rendered_is_said(read):
    compound = '<Source name="compound" type="audio" id="11" playlist="30"/>'
    source = '<Source name="take.wav" type="audio" id="10" channel="0"/>'
    processors = """<Processor type="port" name="outboard" active="1"/><Processor type="lv2" name="off" active="0"/>
    <Processor type="main-outs"><PannerShell user-panner="http://ardour.org/plugin/panner_vbap"/></Processor>"""
    content = text(REGION + REGION.replace('"10"', '"11"'), sources=source + compound, processors=processors)
    content = content.replace(
        "</Playlists>",
        f'<Playlist id="31" name="Vox.1" type="audio" orig-track-id="20">{REGION}</Playlist></Playlists>',
    ).replace(
        "</Routes>", '<Route id="40" name="Keys" midi-playlist="9"><PresentationInfo order="2"/></Route></Routes>'
    )
    session = read(content)
    assert len(session.tracks[0].clips) == 1
    assert session.unsupported == (
        SessionNote("Vox", "take", "a compound of other regions"),
        SessionNote("Vox", "", "insert outboard"),
        SessionNote("Vox", "", "its panner"),
        SessionNote("Keys", "", "MIDI"),
        SessionNote("Vox", "", "playlist Vox.1, which is not the active one"),
    )


def test_what_a_clip_lacks_is_said_with_it(read):
    two = '<Source name="take.wav" id="10" channel="0"/><Source name="take.wav" id="11" channel="0" gain="0.5"/>'
    region = REGION.replace('channels="1"', 'channels="2" source-1="11"').replace(FADE, FADE + "<RegionFXPlugin/>")
    content = text(region, sources=two).replace('name="in 1"/>', 'name="in 1"/><Port type="audio" name="in 2"/>')
    clip = only_clip(read(content))
    assert clip.channels == (0, 0)
    assert clip.notes == ("channels of different gain", "effects of the region")


def test_missing_recordings_are_listed_and_their_clips_left_out(read):
    session = read(text(sources='<Source name="gone.wav" type="audio" id="10" channel="0"/>'))
    assert session.tracks[0].clips == ()
    (missing,) = session.missing
    assert missing.written == "gone.wav"
    assert any(str(place).endswith("interchange/song/audiofiles") for place in missing.looked_in)


@pytest.mark.parametrize("name", ["/etc/passwd", "../../../../etc/passwd", "\\\\server\\share\\a.wav", "C:\\a.wav"])
def test_recordings_elsewhere_are_refused_unless_allowed(read, name):
    content = text(sources=f'<Source name="{name}" type="audio" id="10" channel="0" origin=""/>')
    with pytest.raises(SessionError, match="allow audio from outside"):
        read(content)
    read(content, allow_outside=True)


def test_a_link_out_of_the_folder_is_refused(read, folder, tmp_path):
    sf.write(tmp_path / "secret.wav", np.zeros(10), 48000)
    link = folder / "interchange" / "song" / "audiofiles" / "link.wav"
    link.symlink_to(tmp_path / "secret.wav")
    content = text(sources='<Source name="link.wav" type="audio" id="10" channel="0"/>')
    try:
        with pytest.raises(SessionError, match="allow audio from outside"):
            read(content)
        assert read(content, allow_outside=True).tracks[0].clips
    finally:
        link.unlink()


def test_a_search_path_of_the_sessions_own_needs_to_be_allowed(read, tmp_path):
    sf.write(tmp_path / "far.wav", np.zeros(10), 48000)
    content = text(sources='<Source name="far.wav" type="audio" id="10" channel="0"/>').replace(
        "</Config>", f'<Option name="audio-search-path" value="/nowhere:{tmp_path}"/></Config>'
    )
    assert read(content).missing
    assert only_clip(read(content, allow_outside=True)).source == tmp_path / "far.wav"


BOMB = '<!DOCTYPE a [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;&a;">]>'


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (text(before=BOMB), "document type or entities"),
        (text(before='<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]>'), "document type or entities"),
        (text(before='<!DOCTYPE Session SYSTEM "http://localhost/x.dtd">'), "document type or entities"),
        (b"", "damaged"),
        (text()[:-30], "damaged"),
        (text().encode("utf-16").replace(b"U\0T\0F\0-\0008\0", b"n\0o\0n\0e\0!\0"), "damaged"),
        (b"\xff\xfe\0\0" + bytes(range(100)), "damaged"),
        (b"<html/>", "no Ardour session"),
        ('<Session sample-rate="48000" version="7002">' + "<a>" * 5000 + "</a>" * 5000 + "</Session>", "nested"),
        (text(version="5000"), "Ardour 5"),
        (text(version="3.0.0"), "Ardour 5"),
        (text(version="2.0"), "Ardour 5"),
        (text(version="new"), "no whole number"),
        (text(version="seven"), "no whole number"),
        (text().replace('"48000"', '"0"'), "sample rate"),
        (text().replace('"48000"', '"9e9"'), "sample rate"),
        (text().replace('"282240000"', '"0"'), "superclocks"),
        (text(tempi=CONSTANT.replace("120", "0")), "tempo"),
        (text(tempi=CONSTANT.replace("120", "nan")), "npm"),
        (text(tempi=CONSTANT.replace('note-type="4"', 'note-type="0"')), "tempo"),
        (text(tempi=CONSTANT.replace('omega="0"', 'omega="-1"')), "ramp"),
        (text(REGION.replace('"0.5"', '"nan"')), "scale-amplitude"),
        (text(REGION.replace('"0.5"', '"inf"')), "scale-amplitude"),
        (text(REGION.replace('"0.5"', '"1e999"')), "scale-amplitude"),
        (text(REGION.replace('"0.5"', '"1e30"')), "no usable gain"),
        (text(REGION.replace("a28224000@", "a-28224000@")), "negative"),
        (text(REGION.replace("a28224000@", f"a{10**18}@")), "years away"),
        (text(REGION.replace("a28224000@", f"a{SECOND * 3600 * 25}@")), "24 h"),
        (text(REGION.replace("@a14112000", "@a" + "9" * 5000)), "no whole number"),
        (text(REGION.replace("@a14112000", "")), "length"),
        (text(REGION.replace("@a14112000", "@1e300")), "years away"),
        (text(REGION.replace('channels="1"', 'channels="1000000000"')), "channels"),
        (text(REGION.replace('source-0="10"', "")), "does not have"),
        (text(REGION.replace('source-0="10"', 'source-0="30"')), "does not have"),
        (text(REGION.replace("a2822400 0.3", "a2822400 nan")), "FadeIn"),
        (text(REGION.replace("a2822400 0.3", "a5644801 0.3")), "not in order"),
        (text(REGION.replace("a2822400 0.3", "a2822400")), "FadeIn"),
        (text(sources='<Source name="take.wav" id="10" channel="-1"/>'), "channel"),
        (text(sources='<Source name="take.wav" id="10" channel="1000000000000"/>'), "channel"),
        (text(sources='<Source name="" id="10" channel="0"/>'), "file name"),
        (text(sources='<Source name="take.wav" id="10" channel="0" gain="nan"/>'), "gain"),
        (text(route="").replace('audio-playlist="30"', 'audio-playlist="31"'), "playlist"),
        (text(processors=PROCESSORS.replace("b1920 0.5", "b1920 -inf")), "gain automation"),
        (text(processors=PROCESSORS.replace('value="0.5"/>', 'value="nan"/>')), "gaincontrol"),
        (text().replace('value="0.25"', 'value="7"'), "pan"),
    ],
)
def test_harmful_files_are_refused_in_words(read, content, words):
    with pytest.raises(SessionError, match=words) as error:
        read(content)
    assert "song" in str(error.value)
    assert len(str(error.value)) < 1000


def test_thousands_of_regions_are_read_soon_and_more_are_refused(read, folder, tmp_path):
    region = REGION.replace("take", "take {n}").replace("@a14112000", "@a{at}")
    many = "".join(region.format(n=n, at=n * 14_112_000) for n in range(10_000))
    begun = time.process_time()
    session = read(text(many))
    assert len(session.tracks[0].clips) == 10_000
    assert time.process_time() - begun < 60  # a square of the number would take hours
    stems = render_stems(session, tmp_path / "stems")
    assert sf.info(stems["Vox"]).frames == 2400 * 9999 + 4800
    with pytest.raises(SessionError, match="regions"):
        read(text("<Region/>" * 100_001))


def test_more_elements_than_memory_is_there_for_are_refused(read, monkeypatch):
    monkeypatch.setattr(ardour_xml, "MOST_TAGS", 1000)
    with pytest.raises(SessionError, match="more elements"):
        read(text("<a/>" * 3000))
    monkeypatch.setattr(ardour_xml, "MOST_ATTRIBUTES", 1000)
    with pytest.raises(SessionError, match="more elements"):
        read(text("<a " + " ".join(f'a{n}=""' for n in range(1001)) + "/>"))
    monkeypatch.setattr(ardour_xml, "MOST_POINTS", 2)
    with pytest.raises(SessionError, match="points"):
        read(text())


WORDS = (
    "nan",
    "-1",
    "1e400",
    "a",
    "b1",
    "a@a",
    "",
    "99999999999999999999",
    "../x",
    "0",
    "2",
    "\0",
    "&",
    "<",
    "é",
    "30",
)
BASE = text()
SPOTS = [at for at, letter in enumerate(BASE) if letter == '"' or letter.isdigit()]


@st.composite
def mutations(draw):
    """The base session with a few values, pieces or letters changed."""
    content = BASE
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.sampled_from(SPOTS)) % max(1, len(content))
        span = draw(st.integers(0, 12))
        piece = draw(st.sampled_from(WORDS) | st.text(max_size=6) | st.just(content[at : at + 60]))
        content = content[:at] + piece + content[at + span :]
    return content.encode("utf-8", "replace")


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(content=mutations() | st.binary(max_size=200))
def test_nothing_but_session_errors_comes_of_damage(folder, content):
    path = folder / "damaged.ardour"
    path.write_bytes(content)
    preset = Preset(name="mix", tracks=(Track(name="a"),))
    for act in (
        lambda: read_session(path),
        lambda: written_mix(path),
        lambda: write_copy(path, preset, folder / "mix.ardour", match={"a": "Vox"}, overwrite=True),
    ):
        with contextlib.suppress(SessionError):
            act()
