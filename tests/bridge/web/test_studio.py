"""The work behind the page, without HTTP."""

from __future__ import annotations

import dataclasses
import io
from collections.abc import AsyncIterator
from pathlib import Path

import anyio
import numpy as np
import pytest
import soundfile as sf
from desk_simulator import X32Simulator
from mixbridge.bridge.cli.main import main
from mixbridge.bridge.web.api import state_of
from mixbridge.bridge.web.edits import LaneEdit, SettingEdit
from mixbridge.bridge.web.keeping import AUDIO
from mixbridge.bridge.web.material import PageMaterial, PageReference, weighed, with_reference, without_reference
from mixbridge.bridge.web.studio import PageStudio
from mixbridge.bridge.web.uploads import receive_audio, track_name
from mixbridge.bridge.web.work import PageWork
from mixbridge.presets import files
from mixbridge.presets.console import Strip, replace
from mixbridge.presets.editing.passages import preset_at
from mixbridge.presets.errors import AudioError, DeskError, PresetError
from mixbridge.presets.lanes.lane import lane, lane_of
from mixbridge.presets.preset import Preset, Track
from mixbridge.runtime.mixing import PredictOptions
from mixbridge.runtime.model.bundle import open_bundle

PRESET = Preset(
    tracks=(
        Track(name="OH L", link="OH", strip=Strip(pan=-1)),
        Track(name="OH R", link="OH", strip=Strip(pan=1)),
        Track(name="Vox", strip=replace(Strip(), {"eq.band1.gain_db": 5.0, "fader_db": -3.0})),
    )
)


@pytest.fixture
def studio(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> PageStudio:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return PageStudio(PageMaterial({}), tmp_path, PRESET)


def waited(studio: PageStudio) -> str:
    """How the job ended."""
    studio.jobs.wait(60)
    assert studio.jobs.latest is not None
    return studio.jobs.latest.state


def test_linked_tracks_share_their_tone_and_not_their_pan(studio: PageStudio) -> None:
    moved = studio.edit([SettingEdit("track", 0, "eq.band1.gain_db", 2.0), SettingEdit("track", 0, "pan", -0.5)])
    assert {(item.index, item.path) for item in moved} == {(0, "eq.band1.gain_db"), (1, "eq.band1.gain_db"), (0, "pan")}
    left, right, _ = (track.strip for track in studio.preset.tracks)
    assert left.eq.band1.gain_db == right.eq.band1.gain_db == 2.0
    assert (left.pan, right.pan) == (-0.5, 1)


def test_of_edits_that_are_not_all_possible_none_is_done(studio: PageStudio) -> None:
    with pytest.raises(PresetError):
        studio.edit([SettingEdit("track", 2, "fader_db", -6.0), SettingEdit("track", 3, "fader_db", -6.0)])
    assert studio.preset == PRESET


def test_a_plan_is_pushed_as_it_was_shown_or_not_at_all(studio: PageStudio) -> None:
    page = PageWork(studio)
    with X32Simulator() as desk:
        for number, track in enumerate(PRESET.tracks, 1):
            desk.values[f"/ch/{number:02}/config/name"] = track.name
        before = dict(desk.values)
        target = f"x32://127.0.0.1:{desk.port}"
        with pytest.raises(DeskError, match="plan"):
            page.desk.start_push()
        page.desk.start_plan(target, faders=False)
        assert waited(studio) == "done"
        studio.edit([SettingEdit("track", 2, "pan", 0.1)])
        with pytest.raises(DeskError, match="plan"):
            page.desk.start_push()
        assert desk.values == before

        page.desk.start_plan(target, faders=False)
        assert waited(studio) == "done"
        # Somebody at the desk moves what would have stayed as it is.
        desk.values["/ch/01/mix/pan"] = 0.9
        page.desk.start_push()
        assert waited(studio) == "error"
        assert desk.values == {**before, "/ch/01/mix/pan": 0.9}


def test_a_server_that_ends_begins_no_push(studio: PageStudio) -> None:
    page = PageWork(studio)
    with X32Simulator() as desk:
        for number, track in enumerate(PRESET.tracks, 1):
            desk.values[f"/ch/{number:02}/config/name"] = track.name
        before = dict(desk.values)
        page.desk.start_plan(f"x32://127.0.0.1:{desk.port}", faders=True)
        assert waited(studio) == "done"
        studio.close()
        page.desk.start_push()
        studio.finish()
        assert desk.values == before


@pytest.mark.parametrize("host", ["0.0.0.0", "localhost", "::1", "300.1.1.1"])
def test_a_host_that_no_page_can_be_asked_by_is_refused(host: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["web", "--host", host, "--no-browser"])
    assert stop.value.code == 2
    assert "--host" in capsys.readouterr().err


def at(studio: PageStudio, index: int, time_s: float) -> float:
    """Where a track's fader is."""
    return preset_at(studio.preset, time_s).tracks[index].strip.fader_db


def test_a_lane_is_drawn_moved_by_its_setting_and_taken_away(studio: PageStudio) -> None:
    before = studio.preset
    studio.edit([LaneEdit("track", 2, "fader_db", [(1.0, -6.0), (3.0, 0.0)])])
    assert [at(studio, 2, time_s) for time_s in (0, 1, 2, 3, 9)] == [-6, -6, -3, 0, 0]
    moved = studio.edit([SettingEdit("track", 2, "fader_db", -1.0)])
    assert [item.value for item in moved] == [-1.0]
    assert [at(studio, 2, time_s) for time_s in (1, 2, 3)] == [-4, -1, 2]
    # A lane keeps its shape: it is moved as far as its highest point goes.
    studio.edit([LaneEdit("track", 2, "pan", [(0.0, 0.0), (2.0, 0.8)])])
    moved = studio.edit([SettingEdit("track", 2, "pan", 0.9)])
    assert moved[0].value == pytest.approx(0.2)
    lane = lane_of(studio.preset.tracks[2].lanes, "pan")
    assert lane is not None
    assert [point.value for point in lane.points] == pytest.approx([0.2, 1.0])
    studio.edit([LaneEdit("track", 2, "pan", [])])
    assert [item.parameter for item in studio.preset.tracks[2].lanes] == ["fader_db"]
    for _ in range(5):
        studio.undo()
    assert studio.preset == before
    assert files.loads(files.dumps(studio.preset)) == before


def test_linked_tracks_share_the_lanes_of_their_tone(studio: PageStudio) -> None:
    studio.edit([LaneEdit("track", 0, "eq.band1.freq_hz", [(0.0, 1000.0), (1.0, 4000.0)], "hold")])
    studio.edit([LaneEdit("track", 0, "pan", [(0.0, -1.0), (1.0, 0.0)])])
    left, right, _ = studio.preset.tracks
    shared = lane_of(left.lanes, "eq.band1.freq_hz")
    assert shared is not None
    assert shared == lane_of(right.lanes, "eq.band1.freq_hz")
    assert lane_of(right.lanes, "pan") is None
    assert files.loads(files.dumps(studio.preset)) == studio.preset


@pytest.mark.parametrize(
    "edit",
    [
        LaneEdit("track", 3, "fader_db", [(0.0, 0.0)]),
        LaneEdit("reverb", 0, "return_gain_db", [(0.0, 0.0)]),
        LaneEdit("track", 0, "fader", [(0.0, 0.0)]),
        LaneEdit("track", 0, "compressor.lookahead_ms", [(0.0, 5.0)]),
        LaneEdit("track", 0, "fader_db", [(0.0, 999.0)]),
        LaneEdit("track", 0, "fader_db", [(2.0, 0.0), (1.0, 0.0)]),
        LaneEdit("track", 0, "fader_db", [(-1.0, 0.0)]),
        LaneEdit("track", 0, "fader_db", [(0.0, float("nan"))]),
        LaneEdit("master", 0, "pan", [(0.0, 0.0)]),
    ],
)
def test_a_lane_that_cannot_be_is_refused(studio: PageStudio, edit: LaneEdit) -> None:
    with pytest.raises(PresetError):
        studio.edit([edit])
    assert studio.preset == PRESET


def test_predicted_lanes_are_drawn_around_what_was_set_by_hand(
    studio: PageStudio, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    page, stem = PageWork(studio), tmp_path / "song.wav"
    sf.write(stem, np.zeros(44100), 44100)
    studio.use(PageMaterial({track.name: stem for track in PRESET.tracks}, (PageReference(stem, "song.wav"),)))
    studio.take_prediction(PRESET, [track.name for track in PRESET.tracks])
    studio.edit([SettingEdit("track", 2, "fader_db", -5.0), SettingEdit("track", 2, "eq.band1.gain_db", 1.0)])
    asked: list[float | None] = []

    def predicted(*_: object, options: PredictOptions, **__: object) -> Preset:
        asked.append(options.automation_s)
        vox = PRESET.tracks[2].model_copy(update={"lanes": (lane("fader_db", [(0, -3), (8, 1)]),)})
        return PRESET.model_copy(update={"tracks": (*PRESET.tracks[:2], vox)})

    monkeypatch.setattr("mixbridge.bridge.web.doing.making.predict", predicted)
    page.making.start_predict(4.0)
    assert waited(studio) == "done"
    assert asked == [4.0]
    # Its fader was 2 dB lower than predicted, and stays so.
    assert [at(studio, 2, time_s) for time_s in (0, 8)] == [-5, -1]
    assert studio.preset.tracks[2].strip.eq.band1.gain_db == 1
    studio.undo()
    assert not studio.preset.has_lanes


def test_two_references_are_weighed_and_predicted_between(
    studio: PageStudio, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    page, stem = PageWork(studio), tmp_path / "song.wav"
    sf.write(stem, np.zeros(44100), 44100)
    studio.use(PageMaterial({track.name: stem for track in PRESET.tracks}))
    songs = [PageReference(tmp_path / name, name) for name in ("a.wav", "b.wav")]
    with pytest.raises(AudioError, match="needed"):
        page.making.start_predict()
    studio.gather(lambda files: with_reference(files, songs[0]))
    with pytest.raises(AudioError, match="2 are needed"):
        studio.gather(lambda files: weighed(files, 0.5))
    studio.gather(lambda files: with_reference(files, songs[1]))
    with pytest.raises(AudioError, match="remove one"):
        studio.gather(lambda files: with_reference(files, songs[1]))
    studio.tell_role("Vox", "Lead Vocal")
    asked: list[tuple[dict[Path, float], dict[str, str]]] = []

    def predicted(_stems: object, references: dict[Path, float], *, options: PredictOptions, **__: object) -> Preset:
        asked.append((references, dict(options.roles)))
        return PRESET

    monkeypatch.setattr("mixbridge.bridge.web.doing.making.predict", predicted)
    studio.gather(lambda files: weighed(files, 0.25))
    page.making.start_predict()
    assert waited(studio) == "done"
    assert asked == [({songs[0].path: 0.75, songs[1].path: 0.25}, {"Vox": "lead vocal"})]
    studio.gather(lambda files: without_reference(files, 0))
    assert [studio.material.share(song) for song in studio.material.references] == [1]


def test_a_model_with_a_style_of_its_own_predicts_without_a_reference(
    studio: PageStudio, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    page, stem = PageWork(studio), tmp_path / "song.wav"
    assert page.making.needs_reference
    assert not page.making.can_predict
    sf.write(stem, np.zeros(44100), 44100)
    studio.use(PageMaterial({track.name: stem for track in PRESET.tracks}))
    assert not page.making.can_predict
    default = open_bundle("default")
    learned = default.manifest.model_copy(update={"learned_reference": "learned_reference.npy"})
    styled = dataclasses.replace(default, manifest=learned)
    monkeypatch.setattr("mixbridge.bridge.web.doing.making.open_bundle", lambda _model: styled)
    asked: list[object] = []

    def predicted(_stems: object, references: object, **_: object) -> Preset:
        asked.append(references)
        return PRESET

    monkeypatch.setattr("mixbridge.bridge.web.doing.making.predict", predicted)
    page = PageWork(studio)
    assert page.making.can_predict
    assert not state_of(page)["needs_reference"]
    page.making.start_predict()
    assert waited(studio) == "done"
    assert asked == [None]


def test_what_is_removed_stays_removed_and_what_is_new_is_there(tmp_path: Path) -> None:
    stems = {name: tmp_path / f"{name}.wav" for name in ("A", "B", "C")}
    song = PageReference(tmp_path / "song.wav", "song.wav")
    first = PageStudio(PageMaterial({name: stems[name] for name in "AB"}, (song, song)), tmp_path)
    first.remove_track("A")
    first.gather(lambda files: weighed(files, 0.3))
    first.save()
    again = PageStudio(PageMaterial(stems, (song, song)), tmp_path)
    assert list(again.material.stems) == ["B", "C"]
    assert [item.weight for item in again.material.references] == [0.7, 0.3]


def test_a_file_that_is_damaged_inside_is_named_and_its_track_removed(tmp_path: Path) -> None:
    noise = 0.1 * np.random.default_rng(3).standard_normal(3 * 44100)
    paths = {name: tmp_path / f"{name}.flac" for name in ("Fine", "Damaged")}
    for path in paths.values():
        sf.write(path, noise, 44100)
    whole = bytearray(paths["Damaged"].read_bytes())
    whole[len(whole) // 4 : len(whole) // 2] = bytes(len(whole) // 2 - len(whole) // 4)
    paths["Damaged"].write_bytes(whole)
    page = PageWork(PageStudio(PageMaterial(paths), tmp_path / "work"))
    assert state_of(page)["material"]["loop"] == {"start_s": 0.0, "length_s": 3.0}
    with pytest.raises(AudioError, match=r"Damaged\.flac"):
        page.studio.hearing()
    page.studio.remove_track("Damaged")
    assert page.studio.hearing().sound("mix", page.studio.preset).samples.shape == (2, 3 * 44100)


def test_an_upload_that_does_not_say_its_size_is_cut_off(studio: PageStudio, monkeypatch: pytest.MonkeyPatch) -> None:
    """What would be 5 GB in chunks is refused as soon as it is too much, and leaves nothing."""
    monkeypatch.setattr("mixbridge.bridge.web.uploads.MOST_BYTES", 2**20)
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while True:
            sent += 2**16
            yield bytes(2**16)

    with pytest.raises(AudioError, match="larger"):
        anyio.run(receive_audio, studio, "stems", "big.wav", "", endless())
    assert sent <= 2**20 + 2**17
    assert list((studio.place / AUDIO).iterdir()) == []


@pytest.mark.parametrize(
    ("name", "called"),
    [
        ("../../etc/passwd.wav", "passwd"),
        ("C:\\Windows\\Kick.wav", "Kick"),
        ("<img src=x>.flac", "<img src=x>"),
        ("a\x1b[31m\x00b.wav", "a\\x1b[31m\\x00b"),
        ("\u202eevil.wav", "\\u202eevil"),
        ("...", "..."),
        ("", "Track"),
        ("N" * 500 + ".wav", "N" * 200),
        ("بيانو.wav", "بيانو"),
    ],
)
def test_names_of_uploads_become_names_of_tracks_and_no_paths(name: str, called: str) -> None:
    assert track_name(name) == called


def test_a_file_that_unpacks_to_days_of_sound_is_refused(studio: PageStudio, monkeypatch: pytest.MonkeyPatch) -> None:
    """A flac of silence takes next to nothing."""
    monkeypatch.setattr("mixbridge.bridge.web.uploads.LONGEST_S", 60.0)
    packed = io.BytesIO()
    sf.write(packed, np.zeros(61 * 8000, np.float32), 8000, format="FLAC")
    content = packed.getvalue()
    assert len(content) < 20_000

    async def sent() -> AsyncIterator[bytes]:
        yield content

    with pytest.raises(AudioError, match="longer"):
        anyio.run(receive_audio, studio, "reference", "bomb.flac", str(len(content)), sent())
    assert list((studio.place / AUDIO).iterdir()) == []
