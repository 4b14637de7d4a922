"""What real REAPER projects hold, each as its smallest case."""

from pathlib import Path

import pytest
from mixbridge.bridge.sessions.core.model import Clip, Session
from mixbridge.bridge.sessions.reading import read_session
from mixbridge.bridge.sessions.reaper.writing import written_mix
from mixbridge.bridge.sessions.stems.planning import plan_stems
from mixbridge.presets.preset import Preset, Track
from reaper_project import envelope, item, project, track
from session_copies import write_copy
from timeline import RATE_HZ, noise, write_audio


def saved(folder: Path, *tracks: str, name: str = "song.RPP", rate: int = RATE_HZ) -> Path:
    write_audio(folder / "Media" / "a.wav", noise(RATE_HZ))
    path = folder / name
    path.write_text(project(tracks, rate=rate))
    return path


def clips_of(session: Session) -> tuple[Clip, ...]:
    return session.tracks[0].clips


@pytest.mark.parametrize(
    ("mute", "plays"), [("0 0", True), ("1 0", False), ("1 -1", True), ("0 -1", True), ("0 1", False), ("1", False)]
)
def test_an_items_solo_overrides_its_mute(tmp_path: Path, mute: str, plays: bool) -> None:
    (clip,) = clips_of(read_session(saved(tmp_path, track("A", item(MUTE=mute)))))
    assert clip.mute is not plays


def test_a_muted_item_at_the_end_takes_its_time(tmp_path: Path) -> None:
    path = saved(tmp_path, track("A", item(), item(position=1.0, MUTE="0 1")))
    assert plan_stems(read_session(path)).frames == 2 * RATE_HZ


def test_of_a_backup_with_several_versions_the_newest_is_read(tmp_path: Path) -> None:
    path = saved(tmp_path, track("Newest", item()), name="song.rpp-bak")
    newest = path.read_text()
    older = newest.replace("Newest", "Oldest").replace("1763800000", "1763700000", 1)
    same = newest.replace("Newest", "Newer").replace("1763800000", "1763750000", 1)
    for versions in ((older, same, newest), (newest, older, same)):
        path.write_text("".join(versions))
        assert [entry.name for entry in read_session(path).tracks] == ["Newest"]
    written = write_copy(
        path, Preset(tracks=(Track(name="Newest"),)), tmp_path / "copy.rpp", match={"Newest": "Newest"}
    )
    assert written.path.read_text().count("<REAPER_PROJECT") == 1
    assert [entry.name for entry in written_mix(written.path).tracks] == ["Newest"]


def test_versions_without_a_time_are_oldest_first(tmp_path: Path) -> None:
    path = saved(tmp_path, track("New", item()), name="song.rpp-bak")
    text = path.read_text().replace(' "7.22/linux-x86_64" 1763800000', "", 1)
    path.write_text(text.replace("New", "Old") + text)
    assert [entry.name for entry in read_session(path).tracks] == ["New"]


def test_a_rate_that_is_not_fixed_is_that_of_most_files(tmp_path: Path) -> None:
    path = saved(tmp_path, track("A", item(), item(), item("Media/b.wav")), rate=44100)
    write_audio(tmp_path / "Media" / "b.wav", noise(16000), 16000)
    assert read_session(path).sample_rate_hz == 44100
    path.write_text(path.read_text().replace("SAMPLERATE 44100 1 0", "SAMPLERATE 44100 0 0"))
    assert read_session(path).sample_rate_hz == RATE_HZ
    (tmp_path / "Media" / "a.wav").unlink()
    (tmp_path / "Media" / "b.wav").unlink()
    assert read_session(path).sample_rate_hz == 44100


@pytest.mark.parametrize("rate", ["1.00000000000018 1 0 -1", "0.9999999999 1 0 -1"])
def test_a_play_rate_of_nearly_one_is_one(tmp_path: Path, rate: str) -> None:
    path = saved(tmp_path, track("A", item(PLAYRATE=rate)))
    path.write_text(path.read_text().replace("PLAYRATE 1 0 0.25", "PLAYRATE 1.0000000000001 0 0.25"))
    session = read_session(path)
    (clip,) = clips_of(session)
    assert (clip.stretch, clip.notes, session.unsupported) == (1, (), ())


def test_an_item_without_a_position_is_at_the_beginning(tmp_path: Path) -> None:
    (clip,) = clips_of(read_session(saved(tmp_path, track("A", item().replace("  POSITION 0.0\n", "")))))
    assert clip.position == 0


def test_an_empty_item_is_no_audio_and_nothing_to_list(tmp_path: Path) -> None:
    session = read_session(saved(tmp_path, track("A", item(kind="EMPTY"), item())))
    assert (len(clips_of(session)), session.unsupported) == (1, ())


def test_a_track_with_forty_lanes_plays_those_that_are_chosen(tmp_path: Path) -> None:
    lanes = [item(position=float(lane), YPOS=f"{lane / 40:.8f} {1 / 40:.8f} 2") for lane in range(40)]
    for words in (f"{1 << 35 | 1 << 3}", f"{1 << 3} {1 << 3}"):
        path = saved(tmp_path, track("A", *lanes, lines=f"FREEMODE 2\nLANESOLO {words} 0 0 0 0 0 0\n"))
        playing = [number for number, clip in enumerate(clips_of(read_session(path))) if not clip.mute]
        assert playing == [3, 35]


def test_names_in_blocks_are_read(tmp_path: Path) -> None:
    text = item().replace('  NAME "a.wav"\n', '  <NAME\n    |it\'s "a" `take`\n  >\n')
    path = saved(tmp_path, track("A", text).replace('  NAME "A"\n', "  <NAME\n    |Vox \"1\" `a` 'b'\n  >\n", 1))
    (only,) = read_session(path).tracks
    assert (only.name, only.clips[0].name) == ("Vox \"1\" `a` 'b'", 'it\'s "a" `take`')


def test_an_envelope_of_sixty_thousand_points(tmp_path: Path) -> None:
    points = (f"{number / 1000} {0.5 + number % 2 / 10} 0" for number in range(60_000))
    (only,) = read_session(saved(tmp_path, track("A", envelope("VOLENV2", *points), item()))).tracks
    assert only.volume is not None
    assert len(only.volume.points) == 60_000
