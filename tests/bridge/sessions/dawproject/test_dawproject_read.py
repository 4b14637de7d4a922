"""What a .dawproject plays, from files that the test writes: times, units, nesting, loops, fades, automation, notes."""

from __future__ import annotations

import gc
import math
from pathlib import Path

import numpy as np
import pytest
from dawproject_files import audio, faults, one_track, project_text, write_project
from mixbridge.bridge.sessions.core.model import Automation, Clip, Fade, Session, SessionTrack
from mixbridge.bridge.sessions.dawproject.time import TempoMap, TimeScope
from mixbridge.bridge.sessions.reading import read_session
from mixbridge.bridge.sessions.stems.material import FilePool
from mixbridge.bridge.sessions.stems.mixdown import TrackSound
from timeline import RATE_HZ, expected_stem, noise, session_of, write_audio


@pytest.fixture
def sound(tmp_path: Path) -> Path:
    """Ten seconds of noise, as the audio of the projects is called."""
    return write_audio(tmp_path / "sound" / "a.wav", noise(10 * RATE_HZ))


def read(tmp_path: Path, inside: str, sound: Path, **options: object) -> Session:
    path = write_project(tmp_path / "song.dawproject", inside, {"audio/a.wav": sound})
    return read_session(path, **options)  # type: ignore[arg-type]


def only_clip(session: Session) -> Clip:
    (clip,) = session.tracks[0].clips
    return clip


def heard(session: Session, frames: int) -> np.ndarray:
    with FilePool() as pool:
        return TrackSound(session.tracks[0], pool, session.sample_rate_hz).take(frames)


def test_a_track_with_its_fader_and_a_clip(tmp_path: Path, sound: Path) -> None:
    clip = f'<Clip time="1" duration="2" playStart="0.5" name="take 3">{audio()}</Clip>'
    session = read(tmp_path, one_track(clip), sound)
    assert faults(tmp_path / "song.dawproject") == []
    assert (session.format, session.name, session.sample_rate_hz, session.tempo_bpm) == (
        "dawproject",
        "Song",
        8000,
        120,
    )
    (track,) = session.tracks
    assert (track.name, track.identity, track.colour, track.mute) == ("Vox", "t1", "#a2eabf", False)
    assert track.gain_db == pytest.approx(20 * math.log10(0.5))
    assert track.pan == -0.5
    found = only_clip(session)
    assert (found.position, found.length, found.source_offset, found.name) == (8000, 16000, 4000, "take 3")
    assert session.unsupported == session.missing == ()


def test_it_sounds_as_the_same_session_made_by_hand(tmp_path: Path, sound: Path) -> None:
    clips = (
        f'<Clip time="0.5" duration="2" playStart="1" fadeTimeUnit="seconds" fadeInTime="0.25" fadeOutTime="0.5">'
        f"{audio()}</Clip>"
        f'<Clip time="2" duration="3" playStart="0" loopStart="0.5" loopEnd="1.25">{audio()}</Clip>'
    )
    session = read(tmp_path, one_track(clips), sound)
    by_hand = SessionTrack(
        "Vox",
        0,
        (
            Clip(sound, 4000, 16000, 8000, fade_in=Fade(2000), fade_out=Fade(4000)),
            Clip(sound, 16000, 24000, 0, loop_start=4000, loop_frames=6000),
        ),
    )
    same = session_of(tmp_path, by_hand)
    assert np.array_equal(heard(session, 48000), heard(same, 48000))
    np.testing.assert_allclose(heard(session, 48000), expected_stem(by_hand, 48000), atol=1e-6)


def test_beats_and_seconds(tmp_path: Path, sound: Path) -> None:
    clip = f'<Clip time="4" duration="2" contentTimeUnit="seconds" playStart="0.5" fadeInTime="1">{audio()}</Clip>'
    found = only_clip(read(tmp_path, one_track(clip, unit="beats", bpm=60), sound))
    assert (found.position, found.length, found.source_offset) == (4 * 8000, 2 * 8000, 4000)
    assert found.fade_in.length == 8000


def test_content_in_beats_begins_at_the_beat(tmp_path: Path, sound: Path) -> None:
    clip = f'<Clip time="4" duration="2" playStart="1">{audio()}</Clip>'
    found = only_clip(read(tmp_path, one_track(clip, unit="beats", bpm=120), sound))
    assert (found.position, found.length, found.source_offset) == (16000, 8000, 4000)


def test_a_tempo_that_changes() -> None:
    tempo = TempoMap([(0, 60, False), (4, 120, True), (8, 240, False)])
    assert tempo.second(4) == 4
    # From 120 to 240 in four beats: 60 times the integral of 1 over a line.
    assert tempo.second(8) == pytest.approx(4 + 60 * 4 / 120 * math.log(2))
    assert tempo.second(12) == pytest.approx(tempo.second(8) + 1)
    assert tempo.second(-1) == -1
    for beat in (-2.0, 0.0, 3.5, 4.0, 6.3, 8.0, 20.0):
        assert tempo.beat(tempo.second(beat)) == pytest.approx(beat)


def test_a_tempo_that_changes_in_seconds() -> None:
    tempo = TempoMap([(0, 60, True), (10, 120, False)], "seconds")
    assert tempo.beat(10) == pytest.approx(15)  # 90 bpm on average for 10 s
    for second in (0.0, 2.5, 9.0, 10.0, 14.0):
        assert tempo.second(tempo.beat(second)) == pytest.approx(second)


def test_scopes_lie_in_each_other() -> None:
    scope = TimeScope(TempoMap([(0, 60, False), (4, 120, False)]))
    inner = scope.inside(8, 1, "seconds")
    assert inner.second(1) == scope.second(8) == 6
    assert inner.time(7) == 2


def test_tempo_automation_moves_clips(tmp_path: Path, sound: Path) -> None:
    clip = f'<Clip time="8" duration="4" contentTimeUnit="seconds">{audio()}</Clip>'
    changes = """<TempoAutomation unit="bpm" timeUnit="beats"><Target parameter="tempo"/>
      <RealPoint time="0" value="60" interpolation="hold"/><RealPoint time="4" value="120"/></TempoAutomation>
  </Arrangement>"""
    inside = one_track(clip, unit="beats").replace("</Arrangement>", changes)
    session = read(tmp_path, inside, sound)
    assert session.tempo_bpm == 60
    assert (only_clip(session).position, only_clip(session).length) == (6 * 8000, 2 * 8000)


def test_nested_clips_as_bitwig_writes_them(tmp_path: Path, sound: Path) -> None:
    inner = audio(more='algorithm="stretch"')
    warps = (
        f'<Warps contentTimeUnit="seconds" timeUnit="beats">{inner}'
        '<Warp time="0" contentTime="0"/><Warp time="16.0000001" contentTime="8"/></Warps>'
    )
    clip = (
        '<Clip time="2" duration="6" playStart="1" loopStart="0" loopEnd="8" fadeTimeUnit="beats" fadeInTime="0.0" '
        'name="loop"><Clips><Clip time="0" duration="8" contentTimeUnit="beats" playStart="2">'
        f"{warps}</Clip></Clips></Clip>"
    )
    session = read(tmp_path, one_track(clip, unit="beats", bpm=120), sound)
    found = only_clip(session)
    assert (found.position, found.length, found.source_offset) == (8000, 24000, 12000)
    assert (found.stretch, found.notes, session.unsupported) == (1, (), ())
    assert found.name == "loop"


def test_a_repeated_clip_of_clips(tmp_path: Path, sound: Path) -> None:
    clip = (
        '<Clip time="0" duration="5" playStart="1" loopStart="0" loopEnd="2" fadeInTime="0.25"><Clips>'
        f'<Clip time="0.5" duration="1">{audio()}</Clip></Clips></Clip>'
    )
    session = read(tmp_path, one_track(clip), sound)
    places = [(c.position / 8000, c.length / 8000, c.source_offset / 8000) for c in session.tracks[0].clips]
    assert places == [(0, 0.5, 0.5), (1.5, 1, 0), (3.5, 1, 0)]
    assert [c.fade_in.length for c in session.tracks[0].clips] == [2000, 0, 0]


def test_a_loop_of_no_whole_frames_is_played_piece_by_piece(tmp_path: Path, sound: Path) -> None:
    clip = f'<Clip time="0" duration="1" loopStart="0" loopEnd="0.30003">{audio()}</Clip>'
    clips = read(tmp_path, one_track(clip), sound).tracks[0].clips
    assert [c.position for c in clips] == [round(k * 0.30003 * 8000) for k in range(4)]
    assert sum(c.length for c in clips) == 8000


def test_an_alias_plays_what_it_refers_to(tmp_path: Path, sound: Path) -> None:
    inner = audio(more='id="x"')
    clips = f'<Clip time="0" duration="1">{inner}</Clip><Clip time="4" duration="2" playStart="1" reference="x"/>'
    session = read(tmp_path, one_track(clips), sound)
    assert faults(tmp_path / "song.dawproject") == []
    assert [(c.position, c.length, c.source_offset) for c in session.tracks[0].clips] == [
        (0, 8000, 0),
        (32000, 16000, 8000),
    ]


def test_a_crossfade_begins_earlier(tmp_path: Path, sound: Path) -> None:
    clip = f'<Clip time="2" duration="2" playStart="1" fadeInTime="-0.5">{audio()}</Clip>'
    found = only_clip(read(tmp_path, one_track(clip), sound))
    assert (found.position, found.length, found.source_offset) == (12000, 20000, 4000)
    assert found.fade_in.length == 4000


def test_the_fade_of_an_outer_clip_becomes_an_envelope(tmp_path: Path, sound: Path) -> None:
    clip = (
        '<Clip time="1" duration="4" fadeInTime="2"><Clips>'
        f'<Clip time="1" duration="3" playStart="0">{audio()}</Clip></Clips></Clip>'
    )
    found = only_clip(read(tmp_path, one_track(clip), sound))
    assert found.fade_in.length == 0
    assert found.envelope == Automation(((-1.0, 0.0), (1.0, 1.0)))


@pytest.mark.parametrize(
    ("unit", "value", "gain_db"), [("linear", "0.5", -6.0206), ("decibel", "-6", -6), ("linear", "0", -math.inf)]
)
def test_the_gain_of_a_clip(tmp_path: Path, sound: Path, unit: str, value: str, gain_db: float) -> None:
    points = f'<Points unit="{unit}"><Target expression="gain"/><RealPoint time="0" value="{value}"/></Points>'
    clip = f'<Clip time="0" duration="1"><Lanes>{points}{audio()}</Lanes></Clip>'
    session = read(tmp_path, one_track(clip), sound)
    assert only_clip(session).gain_db == pytest.approx(gain_db, abs=1e-4)
    assert session.unsupported == ()


def test_a_gain_that_moves(tmp_path: Path, sound: Path) -> None:
    points = (
        '<Points unit="linear"><Target expression="gain"/><RealPoint time="1" value="1" interpolation="linear"/>'
        '<RealPoint time="2" value="0" interpolation="linear"/></Points>'
    )
    clip = f'<Clip time="3" duration="2" playStart="1"><Lanes>{audio()}{points}</Lanes></Clip>'
    assert only_clip(read(tmp_path, one_track(clip), sound)).envelope == Automation(((0.0, 1.0), (1.0, 0.0)))


def warped(*markers: tuple[float, float], algorithm: str = "elastique") -> str:
    """A clip of four seconds over warp markers."""
    inner = audio(more=f'algorithm="{algorithm}"')
    marks = "".join(f'<Warp time="{time}" contentTime="{content}"/>' for time, content in markers)
    return (
        f'<Clip time="1" duration="4"><Warps contentTimeUnit="seconds" timeUnit="seconds">{inner}{marks}</Warps></Clip>'
    )


def test_stretched_audio_plays_like_a_tape_and_says_so(tmp_path: Path, sound: Path) -> None:
    session = read(tmp_path, one_track(warped((0, 0), (8, 4))), sound)
    found = only_clip(session)
    assert (found.stretch, found.source_offset, found.length) == (2, 0, 32000)
    assert found.notes == ("play rate 0.5 with its pitch kept; rendered like a tape, with the pitch changed",)


def test_a_tape_needs_no_note(tmp_path: Path, sound: Path) -> None:
    found = only_clip(read(tmp_path, one_track(warped((0, 1), (8, 5), algorithm="repitch")), sound))
    assert (found.stretch, found.source_offset, found.notes) == (2, 8000, ())


def test_each_stretch_between_uneven_markers_has_its_own_speed(tmp_path: Path, sound: Path) -> None:
    session = read(tmp_path, one_track(warped((0, 0), (1, 2), (4, 4), (9, 5))), sound)
    clips = session.tracks[0].clips
    assert [(clip.position, clip.length, clip.source_offset) for clip in clips] == [
        (8000, 8000, 0),
        (16000, 24000, 16000),
    ]
    assert [clip.stretch for clip in clips] == [0.5, pytest.approx(1.5)]
    assert all("play rate that varies with its pitch kept" in clip.notes[0] for clip in clips)


def test_raw_audio_keeps_its_speed(tmp_path: Path, sound: Path) -> None:
    found = only_clip(read(tmp_path, one_track(warped((0, 1), (8, 5), algorithm="raw")), sound))
    assert (found.stretch, found.source_offset) == (1, 8000)
    assert "raw" in found.notes[0]


def test_markers_that_run_backwards_leave_the_clip_out(tmp_path: Path, sound: Path) -> None:
    session = read(tmp_path, one_track(warped((0, 4), (8, 1))), sound)
    assert session.tracks[0].clips == ()
    assert "warp markers" in session.unsupported[0].what


def test_automation_of_fader_and_pan(tmp_path: Path, sound: Path) -> None:
    more = """<Points unit="linear"><Target parameter="v1"/>
      <RealPoint time="0" value="1" interpolation="linear"/><RealPoint time="2" value="0.5" interpolation="hold"/>
      <RealPoint time="3" value="0.25" interpolation="hold"/></Points>
      <Points unit="normalized"><Target parameter="p1"/><RealPoint time="0" value="0"/><RealPoint time="1" value="1"/>
      </Points>"""
    track = read(tmp_path, one_track(f'<Clip time="0" duration="1">{audio()}</Clip>', more=more), sound).tracks[0]
    assert faults(tmp_path / "song.dawproject") == []
    assert track.volume == Automation(((0, 1), (2, 0.5), (3, 0.5), (3, 0.25)))
    assert track.pan_automation == Automation(((0, -1), (1, 1)), "hold")


def test_groups_midi_devices_and_what_else_is_not_rendered(tmp_path: Path, sound: Path) -> None:
    inside = f"""<Structure>
    <Track contentType="tracks" id="g" name="Drums">
      <Channel role="submix" id="gc"><Volume unit="decibel" value="-3"/></Channel>
      <Track contentType="audio" id="k" name="Kick"><Channel id="kc" solo="true"><Devices>
        <Vst3Plugin deviceName="Pro-Q" deviceRole="audioFX"/>
        <Equalizer deviceName="EQ+" deviceRole="audioFX"><Enabled value="false"/></Equalizer>
        <Compressor deviceName="Compressor" deviceRole="audioFX" name="Glue"/></Devices>
        <Mute value="true"/><Pan unit="linear" min="-1" max="1" value="0.5"/>
        <Sends><Send><Volume unit="linear" value="1"/></Send></Sends>
        <Volume unit="decibel" value="-6"/></Channel></Track>
    </Track>
    <Track contentType="notes" id="b" name="Bass"/>
    <Track contentType="audio" id="off" name="Off" loaded="false"/>
    <Track contentType="audio" id="fx" name="Room"><Channel role="effect"/></Track>
    </Structure>
    <Arrangement><Lanes timeUnit="seconds">
      <Lanes track="k"><Clips><Clip time="0" duration="1" enable="false">{audio()}</Clip>
        <Clip time="2" duration="1" name="film"><Video channels="1" duration="1" sampleRate="1"><File path="x"/></Video>
        </Clip></Clips></Lanes>
      <Lanes track="b"><Clips><Clip time="0" duration="1" name="riff"><Notes/></Clip></Clips></Lanes>
    </Lanes></Arrangement>
    <Scenes><Scene><Lanes><ClipSlot/></Lanes></Scene></Scenes>"""
    session = read(tmp_path, inside, sound)
    kick, off = session.tracks
    assert (kick.name, kick.group, kick.mute, kick.pan, kick.gain_db) == ("Kick", "Drums", True, 0.5, pytest.approx(-6))
    assert kick.clips[0].mute
    assert (off.name, off.mute, off.order) == ("Off", True, 1)
    said = {(note.track, note.clip, note.what) for note in session.unsupported}
    assert {
        ("Kick", "film", "video"),
        ("Bass", "riff", "MIDI"),
        ("Kick", "", "plug-in Pro-Q"),
        ("Kick", "", "plug-in Glue"),
        ("Kick", "", "send to a bus"),
        ("Off", "", "the track is switched off in the DAW"),
    } <= said
    assert [(group.name, group.kind, group.gain_db) for group in session.groups] == [("Drums", "group", -3)]
    assert kick.solo
    assert not any("EQ+" in what for *_, what in said)
    assert any("launcher" in what for *_, what in said)


def test_audio_beside_the_project(tmp_path: Path, sound: Path) -> None:
    clip = f'<Clip time="0" duration="1">{audio("sound/a.wav", external=True)}</Clip>'
    assert only_clip(read(tmp_path, one_track(clip), sound)).source == sound


def test_missing_audio_is_listed_with_the_places(tmp_path: Path, sound: Path) -> None:
    clip = f'<Clip time="0" duration="1">{audio("audio/gone.wav")}</Clip>'
    session = read(tmp_path, one_track(clip), sound)
    (missing,) = session.missing
    assert missing.written == "audio/gone.wav"
    assert missing.looked_in[0] == tmp_path / "song.dawproject"
    assert session.tracks[0].clips == ()


def test_the_rate_is_that_of_most_clips_and_of_the_files_themselves(tmp_path: Path, sound: Path) -> None:
    other = write_audio(tmp_path / "b.wav", noise(16000), 16000)
    clips = "".join(
        f'<Clip time="{n}" duration="1" playStart="0.5">{audio(name, rate_hz=44100)}</Clip>'
        for n, name in enumerate(("audio/a.wav", "audio/a.wav", "audio/b.wav"))
    )
    path = write_project(tmp_path / "song.dawproject", one_track(clips), {"audio/a.wav": sound, "audio/b.wav": other})
    session = read_session(path)
    assert session.sample_rate_hz == 8000
    assert [clip.source_offset for clip in session.tracks[0].clips] == [4000, 4000, 8000]


def test_unpacked_audio_is_there_as_long_as_the_session(tmp_path: Path, sound: Path) -> None:
    session = read(tmp_path, one_track(f'<Clip time="0" duration="1">{audio()}</Clip>'), sound)
    file = Path(str(only_clip(session).source))
    assert file.stat().st_mode & 0o777 <= 0o700 or file.parent.parent.stat().st_mode & 0o777 == 0o700
    gc.collect()
    assert file.read_bytes() == sound.read_bytes()
    folder = file.parent.parent
    del session
    gc.collect()
    assert not folder.exists()


def test_text_in_other_clothes(tmp_path: Path, sound: Path) -> None:
    """A byte order mark, UTF-16, CDATA and comments are XML, too."""
    text = project_text(one_track(f'<Clip time="1" duration="1">{audio()}</Clip><!-- x -->'))
    for number, data in enumerate((b"\xef\xbb\xbf" + text.encode(), text.replace("UTF-8", "UTF-16").encode("utf-16"))):
        path = write_project(tmp_path / f"{number}.dawproject", data, {"audio/a.wav": sound})
        assert only_clip(read_session(path)).position == 8000
