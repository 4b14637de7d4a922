"""The work behind the page, without HTTP."""

from __future__ import annotations

from pathlib import Path

import pytest
from desk_simulator import X32Simulator
from mixbridge.bridge.cli.main import main
from mixbridge.bridge.web.edits import SettingEdit
from mixbridge.bridge.web.material import PageMaterial
from mixbridge.bridge.web.studio import PageStudio
from mixbridge.bridge.web.work import PageWork
from mixbridge.presets.console import Strip, replace
from mixbridge.presets.errors import DeskError, PresetError
from mixbridge.presets.preset import Preset, Track

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
