"""Envelopes of the level besides the fader's: REAPER's before the plug-ins and its trim, Ardour's trim."""

from __future__ import annotations

from pathlib import Path

import kinds_ardour
import kinds_reaper
import numpy as np
import pytest
import soundfile as sf
from ardour_mixer import REGION, events
from mixbridge.bridge.sessions.inserting import insert
from mixbridge.bridge.sessions.preset_of import preset_of
from mixbridge.bridge.sessions.reading import read_session
from mixbridge.bridge.sessions.stems.planning import plan_stems
from mixbridge.bridge.sessions.stems.render import render_stems
from mixbridge.presets.preset import Preset, Track
from reaper_project import envelope, item, track

# Of the volume at these times; the fader halves it besides.
TIMES_S, FADER = (0.1, 0.5, 0.9), 0.5
RAMP = ("0 0.2 0", "1 1 0")


def reaper(folder: Path, *envelopes: str, mode: int = 0, volpan: str = f"{FADER} 0 -1 -1 1") -> Path:
    text = track("Vox", *envelopes, item(), volpan=volpan).replace("AUTOMODE 0", f"AUTOMODE {mode}")
    return kinds_reaper._song(text)(folder)


def gains(session: Path, folder: Path) -> np.ndarray:
    """Levels behind the fader against the raw stem at the three times."""
    parts = []
    for post_fader in (False, True):
        (file,) = render_stems(read_session(session), folder / str(post_fader), post_fader=post_fader).values()
        audio, rate_hz = sf.read(file, always_2d=True)
        parts.append([np.abs(audio[round(at * rate_hz) - 40 : round(at * rate_hz) + 40, 0]).mean() for at in TIMES_S])
    return np.array(parts[1]) / np.array(parts[0])


@pytest.mark.parametrize("mode", [0, 1])
def test_reapers_act_in_all_modes_besides_the_fader(tmp_path: Path, mode: int) -> None:
    slope = np.array([0.28, 0.6, 0.92])
    early, trimmed = envelope("VOLENV", *RAMP), envelope("VOLENV3", *RAMP)
    for number, tags in enumerate(((early,), (trimmed,), (early, trimmed))):
        session = reaper(tmp_path / f"s{number}", *tags, mode=mode)
        wanted = FADER * slope ** len(tags)
        assert gains(session, tmp_path / f"o{number}") == pytest.approx(wanted, rel=0.01)
    both = reaper(tmp_path / "b", envelope("VOLENV2", *RAMP), trimmed, mode=mode)
    assert gains(both, tmp_path / "o") == pytest.approx((FADER if mode == 0 else 1) * slope**2, rel=0.01)


def test_those_that_are_off_do_not(tmp_path: Path) -> None:
    session = reaper(tmp_path, envelope("VOLENV3", *RAMP).replace("ACT 1", "ACT 0"))
    assert gains(session, tmp_path / "o") == pytest.approx(FADER, rel=0.01)


def test_raw_stems_list_them_and_those_behind_the_fader_do_not(tmp_path: Path) -> None:
    session = read_session(reaper(tmp_path, envelope("VOLENV", *RAMP), envelope("VOLENV3", *RAMP)))
    raw, post = (plan_stems(session, post_fader=post_fader) for post_fader in (False, True))
    assert [note.what for note in raw.not_rendered] == ["volume envelope before the plug-ins", "trim envelope"]
    assert post.not_rendered == ()


def test_a_copy_has_the_mix_without_them(tmp_path: Path) -> None:
    session = reaper(tmp_path, envelope("VOLENV", *RAMP), envelope("VOLENV3", *RAMP))
    copy = tmp_path / "copy.RPP"
    notes = insert(read_session(session), Preset(tracks=(Track(name="Vox"),)), copy).notes
    (again,) = read_session(copy).tracks
    assert again.trims == ()
    assert sum("pre-FX volume" in note or "trim" in note for note in notes) == 2


def test_a_folder_and_the_lanes_that_are_read_have_them(tmp_path: Path) -> None:
    inside = envelope("VOLENV3", *RAMP)
    bus = track("Drums", inside, number=2).replace("MUTESOLO", "ISBUS 1 1\n  MUTESOLO")
    kick = track("Kick", item(), number=1).replace("MUTESOLO", "ISBUS 2 -1\n  MUTESOLO")
    head = envelope("MASTERVOLENV3", "0 0.5 0", "1 1 0")
    path = kinds_reaper._song(bus, kick, head=head)(tmp_path)
    assert gains(path, tmp_path / "o") == pytest.approx([0.28, 0.6, 0.92], rel=0.01)
    remarks = [note.what for note in plan_stems(read_session(path)).remarks]
    assert "the folder's trim automation is not in the raw stems" in remarks
    read = preset_of(read_session(path))
    assert [item.parameter for item in read.preset.track("Kick").lanes] == ["fader_db"]
    (master,) = read.preset.master_lanes
    assert (master.points[0].value, master.points[-1].value) == pytest.approx((-12.04, -6.02), abs=0.05)


def test_ardours_trim_moves_in_the_place_of_its_knob(tmp_path: Path) -> None:
    knob = '<Controllable name="trimcontrol" value="2"/>'
    moving = events("trim", also="a282240000 0.5\n")
    vox = f'<Processor type="trim" active="1">{knob}{moving}</Processor>'
    path = kinds_ardour._song(vox=vox, region=REGION.replace("a28224000@", "a282240000@"))(tmp_path / "song")
    times = np.array(TIMES_S)
    assert gains(path, tmp_path / "o") == pytest.approx(1 - times / 2, rel=0.02)
