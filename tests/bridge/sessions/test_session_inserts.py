"""What a session or desk does not get of a preset's inserts is said."""

from __future__ import annotations

from pathlib import Path

import mixbridge
from mixbridge.bridge.push.pushing import plan_push
from mixbridge.presets.console import Strip
from mixbridge.presets.inserts.insert import Insert
from mixbridge.presets.preset import GroupBus, Preset, Track
from reaper_project import item, project, track

DENOISE = Insert(kind="denoise", sha256="0" * 64)
STRIP = Strip(fader_db=-3, reverb_send_db=-9)
BUS = GroupBus(name="Voices", inserts=(DENOISE,))
CLEANED = Preset(tracks=(Track(name="Vox", inserts=(DENOISE,), strip=STRIP, bus="Voices"),), buses=(BUS,))


def test_a_copy_says_that_it_has_none(tmp_path: Path) -> None:
    path = tmp_path / "song.RPP"
    path.write_text(project([track("Vox", item())]))
    written = mixbridge.insert(mixbridge.read_session(path), CLEANED, tmp_path / "mixed.RPP")
    for owner in ("Vox", "buses[Voices]"):
        assert any(f"{owner}: what it goes through first (denoise) is left out" in note for note in written.notes)


def test_a_push_says_that_the_desk_has_none() -> None:
    plan = plan_push(CLEANED, "x32://127.0.0.1", offline=True)
    assert any("What Vox, Voices went through first is left out" in note for note in plan.notes)
