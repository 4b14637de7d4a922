"""A tempo that changes inside of clips: what is heard when, from a recording whose value says its second."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from dawproject_files import audio, faults, one_track, project_xml, write_project
from mixbridge.bridge.sessions.core.model import Clip, Session
from mixbridge.bridge.sessions.dawproject.new import create
from mixbridge.bridge.sessions.dawproject.time import TempoMap, TimeScope
from mixbridge.bridge.sessions.dawproject.warps import sections
from mixbridge.bridge.sessions.reading import read_session
from mixbridge.bridge.sessions.stems.material import FilePool
from mixbridge.bridge.sessions.stems.mixdown import TrackSound
from mixbridge.presets.preset import Preset
from timeline import RATE_HZ, session_of, write_audio

STEP = '<RealPoint time="0" value="60"/><RealPoint time="4" value="120"/>'
RAMP = '<RealPoint time="0" value="60" interpolation="linear"/><RealPoint time="8" value="180"/>'
LENGTH_S = 10


@pytest.fixture
def seconds(tmp_path: Path) -> Path:
    """Ten seconds whose value is the time in them, a tenth of it."""
    return write_audio(tmp_path / "sound" / "a.wav", np.arange(LENGTH_S * RATE_HZ) / RATE_HZ / LENGTH_S)


def read(tmp_path: Path, clips: str, seconds: Path, tempo: str, more: str = "") -> Session:
    changes = f'<TempoAutomation unit="bpm"><Target parameter="tempo"/>{tempo}</TempoAutomation></Arrangement>'
    inside = one_track(clips, unit="beats", more=more, bpm=60).replace("</Arrangement>", changes)
    session = read_session(write_project(tmp_path / "song.dawproject", inside, {"audio/a.wav": seconds}))
    assert faults(tmp_path / "song.dawproject") == []
    return session


def source_seconds(session: Session, times_s: np.ndarray) -> np.ndarray:
    """Which second of the recording is heard at each time."""
    places = np.round(times_s * RATE_HZ).astype(int)
    with FilePool() as pool:
        samples = TrackSound(session.tracks[0], pool, RATE_HZ).take(int(places.max()) + 1)
    return np.asarray(samples[0, places] * LENGTH_S, np.float64)


def warps(*markers: tuple[float, float], unit: str = "beats", algorithm: str = "") -> str:
    marks = "".join(f'<Warp time="{time}" contentTime="{content}"/>' for time, content in markers)
    inner = audio(more=f'algorithm="{algorithm}"' if algorithm else "")
    return f'<Warps contentTimeUnit="seconds" timeUnit="{unit}">{inner}{marks}</Warps>'


def clip(time: float, duration: float, content: str, more: str = "") -> str:
    return f'<Clip time="{time}" duration="{duration}" {more}>{content}</Clip>'


def test_a_warped_clip_follows_a_step_of_tempo(tmp_path: Path, seconds: Path) -> None:
    session = read(tmp_path, clip(0, 8, warps((0, 0), (8, 6))), seconds, STEP)
    # Four beats of a second each, then four of half a second; three quarters of a recorded second for a beat.
    times_s = np.array([0.5, 2, 3.5, 4, 4.5, 5, 5.75])
    beats = np.where(times_s < 4, times_s, 4 + 2 * (times_s - 4))
    assert source_seconds(session, times_s) == pytest.approx(beats * 0.75, abs=2e-3)
    assert [piece.stretch for piece in session.tracks[0].clips] == pytest.approx([4 / 3, 2 / 3])
    assert len({piece.notes for piece in session.tracks[0].clips}) == 1


def test_a_warped_clip_follows_a_ramp_of_tempo(tmp_path: Path, seconds: Path) -> None:
    session = read(tmp_path, clip(0, 12, warps((0, 0), (12, 9), algorithm="repitch")), seconds, RAMP)
    end_s = 4 * math.log(3)  # of the ramp: 15 bpm more with each beat
    times_s = np.linspace(0.1, end_s + 1.2, 60)
    beats = np.where(times_s < end_s, 4 * np.expm1(times_s / 4), 8 + 3 * (times_s - end_s))
    assert source_seconds(session, times_s) == pytest.approx(beats * 0.75, abs=2e-3)
    assert session.unsupported == ()
    assert 10 < len(session.tracks[0].clips) < 100


def test_pieces_of_a_ramp_join_without_a_gap(tmp_path: Path, seconds: Path) -> None:
    session = read(tmp_path, clip(0, 12, warps((0, 0), (12, 9), algorithm="repitch")), seconds, RAMP)
    heard = source_seconds(session, np.arange(800, 4 * RATE_HZ) / RATE_HZ)
    # The recording runs on by at least half and at most 2.25 of its frames with each frame.
    steps = np.diff(heard) * RATE_HZ
    assert 0.5 < steps.min() < steps.max() < 2.5


def test_markers_in_seconds_do_not_follow_the_tempo(tmp_path: Path, seconds: Path) -> None:
    session = read(tmp_path, clip(0, 8, warps((0, 0), (8, 8), unit="seconds")), seconds, STEP)
    (piece,) = session.tracks[0].clips
    assert (piece.length, piece.stretch, piece.notes) == (6 * RATE_HZ, 1, ())


def test_a_clip_in_a_clip_follows_the_tempo(tmp_path: Path, seconds: Path) -> None:
    inner = clip(1, 7, warps((0, 0), (8, 8)), 'playStart="1"')
    session = read(tmp_path, clip(0, 8, f"<Clips>{inner}</Clips>"), seconds, STEP)
    assert source_seconds(session, np.array([1, 3, 4.5, 5.5])) == pytest.approx([1, 3, 5, 7], abs=2e-3)


def test_a_repeated_clip_follows_the_tempo(tmp_path: Path, seconds: Path) -> None:
    looped = clip(0, 9, warps((0, 0), (3, 3)), 'loopStart="0" loopEnd="3"')
    session = read(tmp_path, looped, seconds, STEP)
    # The second pass is from beat 3 to 6, with the step in it; the third from 5 s on.
    heard = source_seconds(session, np.array([1, 2.9, 3.5, 4.5, 4.9, 5.5, 6]))
    assert heard == pytest.approx([1, 2.9, 0.5, 2, 2.8, 1, 2], abs=5e-3)


def test_a_raw_recording_does_not_follow_the_tempo(tmp_path: Path, seconds: Path) -> None:
    session = read(tmp_path, clip(2, 6, audio(), 'contentTimeUnit="seconds" playStart="1"'), seconds, STEP)
    assert source_seconds(session, np.array([2, 3.5, 5])) == pytest.approx([1, 2.5, 4], abs=1e-3)


def test_fades_in_beats(tmp_path: Path, seconds: Path) -> None:
    fades = 'fadeTimeUnit="beats" fadeInTime="2" fadeOutTime="2"'
    (piece,) = read(tmp_path, clip(3, 2, audio(), f'contentTimeUnit="seconds" {fades}'), seconds, STEP).tracks[0].clips
    # From 3 to 4.5 s: a beat before the step, and one behind it; the fade-out is counted back over the step.
    assert (piece.fade_in.length, piece.fade_out.length) == (1.5 * RATE_HZ, 1.5 * RATE_HZ)


def test_fades_go_on_over_the_pieces_of_a_clip(tmp_path: Path, seconds: Path) -> None:
    fades = 'fadeTimeUnit="seconds" fadeInTime="5" fadeOutTime="1.5"'
    gain = '<Points unit="linear"><Target expression="gain"/><RealPoint time="0" value="0.5"/></Points>'
    moving = gain.replace("</Points>", '<RealPoint time="2" value="0.25"/></Points>')
    content = warps((0, 0), (8, 8))
    for points, gains in (("", (1, 1, 1, 1)), (gain, (0.5,) * 4), (moving, (0.5, 0.25, 0.25, 0.25))):
        session = read(tmp_path, clip(0, 8, f"<Lanes>{content}{points}</Lanes>", fades), seconds, STEP)
        times_s = np.array([1, 3.5, 4.75, 5.5])
        expected = np.array([1, 3.5, 5.5, 7]) * np.minimum(1, times_s / 5) * np.minimum(1, (6 - times_s) / 1.5) * gains
        assert source_seconds(session, times_s) == pytest.approx(expected, abs=0.01)
        assert all(len(piece.notes) == 1 for piece in session.tracks[0].clips)


def test_automation_in_beats_bends_where_the_tempo_changes(tmp_path: Path, seconds: Path) -> None:
    more = (
        '<Points unit="linear"><Target parameter="v1"/><RealPoint time="0" value="0" interpolation="linear"/>'
        '<RealPoint time="8" value="1" interpolation="linear"/></Points>'
    )
    inside = clip(0, 8, audio(), 'contentTimeUnit="seconds"')
    volume = read(tmp_path, inside, seconds, STEP, more).tracks[0].volume
    assert volume is not None
    assert volume.points == ((0, 0), (4, 0.5), (6, 1))
    ramped = read(tmp_path, inside, seconds, RAMP, more).tracks[0].volume
    assert ramped is not None
    times = np.array([time for time, _ in ramped.points])
    assert [value for _, value in ramped.points] == pytest.approx(4 * np.expm1(times / 4) / 8)
    assert len(times) > 10


def test_a_step_down_keeps_the_order_of_the_file(tmp_path: Path, seconds: Path) -> None:
    tempo = '<RealPoint time="0" value="120" interpolation="linear"/><RealPoint time="4" value="120"/>'
    session = read(
        tmp_path, clip(4, 4, audio(), 'contentTimeUnit="seconds"'), seconds, f'{tempo}<RealPoint time="4" value="60"/>'
    )
    (piece,) = session.tracks[0].clips
    assert (piece.position, piece.length) == (2 * RATE_HZ, 4 * RATE_HZ)


@pytest.mark.parametrize(
    "points",
    [
        ((0, 120, False), (4, 60, False)),
        ((0, 60, True), (8, 180, False), (10, 90, False)),
        ((2, 100, True), (6, 50, True), (6, 140, False)),
    ],
)
@pytest.mark.parametrize("unit", ["beats", "seconds"])
def test_a_new_project_keeps_the_tempo(tmp_path: Path, points, unit: str) -> None:  # type: ignore[no-untyped-def]
    tempo = TempoMap(points, unit)  # type: ignore[arg-type]
    sound = write_audio(tmp_path / "a.wav", np.zeros(RATE_HZ))
    session = replace(session_of(tmp_path, (Clip(sound, 0, RATE_HZ),)), tempo=tempo.points(), tempo_bpm=points[0][1])
    written = create(session, Preset(), tmp_path / "new.dawproject", match={})
    assert faults(written.path) == []
    changes = ElementTree.fromstring(project_xml(written.path)).find("Arrangement/TempoAutomation")
    assert changes is not None
    assert changes.get("timeUnit") == "beats"
    again = read_session(written.path)
    assert again.tempo_bpm == points[0][1]
    there = TempoMap([(point.time_s, point.bpm, point.ramp) for point in again.tempo], "seconds")
    for second in np.linspace(0, 15, 100):
        assert there.beat(second) == pytest.approx(tempo.beat(second), abs=2e-3)


def test_one_tempo_is_no_change(tmp_path: Path) -> None:
    sound = write_audio(tmp_path / "a.wav", np.zeros(RATE_HZ))
    written = create(session_of(tmp_path, (Clip(sound, 0, RATE_HZ),)), Preset(), tmp_path / "new.dawproject", match={})
    assert b"TempoAutomation" not in project_xml(written.path)
    assert read_session(written.path).tempo == ()


@pytest.mark.parametrize("unit", ["beats", "seconds"])
def test_lines_through_a_ramp_are_true(unit: str) -> None:
    tempo = TempoMap([(1, 40, True), (9, 400, True), (12, 60, False)], unit)  # type: ignore[arg-type]
    begin_s, end_s = 0.5, 14.0
    bends = [begin_s, *tempo.bends(begin_s, end_s), end_s]
    assert bends == sorted(set(bends))
    for first, last in itertools.pairwise(bends):
        middle = (first + last) / 2
        line = (tempo.beat(first) + tempo.beat(last)) / 2
        speed = (tempo.beat(last) - tempo.beat(first)) / (last - first)
        assert abs(tempo.beat(middle) - line) / speed < 1.3e-4


def test_no_pieces_without_a_change_of_tempo() -> None:
    scope = TimeScope(TempoMap([(0, 97, False)]))
    (section,) = sections([(beat, beat * 60 / 97) for beat in range(100)], scope, 1.0, 30.0) or []
    assert (section.stretch, section.zero_s) == (1.0, pytest.approx(0, abs=1e-9))


@pytest.mark.parametrize("write", [str, str.lower, str.upper, lambda text: str(int(text == "True"))])
def test_switches_as_programs_write_them(tmp_path: Path, seconds: Path, write: Callable[[str], str]) -> None:
    def muted(value: str) -> bool:
        inside = one_track(clip(0, 1, audio(), f'enable="{write("True")}"'))
        inside = inside.replace('loaded="true"', f'loaded="{write("True")}"')
        inside = inside.replace('<Mute value="false"', f'<Mute value="{write(value)}"')
        (track,) = read_session(write_project(tmp_path / "song.dawproject", inside, {"audio/a.wav": seconds})).tracks
        assert not track.clips[0].mute
        return track.mute

    assert muted("True")
    assert not muted("False")
