"""Clicks, talkback, timecode and the reference itself are left out of a mix, with a sentence that says so."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
from mixbridge import PredictOptions, mix
from mixbridge.runtime.roles.left_out import find_left_out
from mixbridge.runtime.roles.names import beside_the_song, role_weights

RATE_HZ = 44_100


def notes(freq_hz: float, rate_hz: float, seconds: float = 6.0) -> np.ndarray:
    """Tones that begin and fade."""
    time_s = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    return (0.2 * np.sin(2 * np.pi * freq_hz * time_s) * np.exp(-6 * ((time_s * rate_hz) % 1.0))).astype(np.float32)


def write(folder: Path, tracks: dict[str, np.ndarray]) -> dict[str, Path]:
    """Files by name."""
    for name, audio in tracks.items():
        sf.write(folder / f"{name}.wav", audio.T, RATE_HZ)
    return {name: folder / f"{name}.wav" for name in tracks}


BAND = {"Bass": notes(80, 2), "Gtr": notes(330, 3), "Kick Click": notes(2500, 2), "Vox": notes(500, 1.3)}
BESIDE = {
    "click": "Click|CLICK TRACK|click_02|Clk|Metronome|Clic|claqueta|Metrónomo|Klick 1",
    "talkback": "Talkback|talk back|Talkback Mic.01|Slate|Count In|Vox Talkback",
    "timecode": "LTC|SMPTE|Timecode 1",
    "trigger": "SC Trigger|Sidechain|Sidechain Trigger|Ghost Kick|side chain",
    "reference": "REF|Reference|Reference Song|referencia mezcla|Ref Mix 2|Referenz",
}
NOT_BESIDE = (
    "Bass sidechained|Bass Sidechain|Kick SC|"
    "Kick Click|Snare clicks|Click Bass|Kick ref|Preference|Clicky|Slated|Talk|Guest 1|Countdown|Vox|01"
)


@pytest.mark.parametrize(("kind", "name"), [(kind, one) for kind, names in BESIDE.items() for one in names.split("|")])
def test_names_of_what_is_no_part_of_a_song(kind: str, name: str) -> None:
    assert beside_the_song(name) == kind


@pytest.mark.parametrize("name", NOT_BESIDE.split("|"))
def test_names_that_say_something_else_too(name: str) -> None:
    assert beside_the_song(name) is None


def test_what_they_are_is_told_apart_from_instruments() -> None:
    assert max(role_weights("Reference"), key=role_weights("Reference").get) == "full mix"
    assert max(role_weights("Talkback"), key=role_weights("Talkback").get) == "speech"
    assert max(role_weights("Kick Click"), key=role_weights("Kick Click").get) == "kick"


def test_each_is_named_with_a_way_back(tmp_path: Path) -> None:
    beside = ("Click", "Talkback", "LTC", "Reference song")
    stems = write(tmp_path, {**BAND, **{name: notes(1500, 2) for name in beside}})
    found = find_left_out(stems)
    assert tuple(found) == beside
    assert "click track" in found["Click"]
    assert '--role "Talkback=speech"' in found["Talkback"]
    assert tuple(find_left_out(stems, told={"Click": "percussion"})) == beside[1:]


def test_where_nothing_else_would_remain_nothing_is_left_out(tmp_path: Path) -> None:
    assert not find_left_out(write(tmp_path, {"Click": notes(1500, 2), "Talkback": notes(300, 1)}))
    song = write(tmp_path, {"Song": notes(330, 2)})
    assert not find_left_out(song, [song["Song"]])


def test_the_reference_among_the_stems_is_left_out(tmp_path: Path) -> None:
    stems = write(tmp_path, {**BAND, "Night Drive": notes(440, 2, 7)})
    copied = tmp_path / "elsewhere.wav"
    shutil.copy(stems["Night Drive"], copied)
    for reference in (stems["Night Drive"], copied):
        assert "it is the reference" in find_left_out(stems, [reference])["Night Drive"]
    assert not find_left_out(stems, [write(tmp_path, {"other": notes(441, 2, 7)})["other"]])


def test_left_out_tracks_are_muted_and_change_nothing(tmp_path: Path) -> None:
    stems = write(tmp_path, {"Click": notes(1500, 2), **BAND})
    reference = write(tmp_path, {"song": np.stack([notes(200, 2, 8), notes(300, 3, 8)])})["song"]
    done = mix(stems, reference, tmp_path / "out", options=PredictOptions())
    click = done.preset.track("Click")
    assert click.mute
    assert "click track" in (click.note or "")
    assert [track.name for track in done.preset.tracks] == list(stems)
    assert "Click" not in done.stem_paths
    assert done.preset.provenance.confidence is not None
    without = {name: path for name, path in stems.items() if name != "Click"}
    again = mix(without, reference, tmp_path / "without")
    assert again.preset.provenance.confidence == done.preset.provenance.confidence
    assert sf.read(again.mix_path)[0] == pytest.approx(sf.read(done.mix_path)[0], abs=1e-6)


def test_a_file_that_is_there_twice_is_heard_once(tmp_path: Path) -> None:
    tracks = {"Gtr copy": BAND["Gtr"], "Gtr": BAND["Gtr"], "Bass": BAND["Bass"]}
    # Silence is no copy, and one sound on both sides is a pair.
    tracks |= {"Keys L": BAND["Vox"], "Keys R": BAND["Vox"], "T 1": 0 * BAND["Vox"], "T 2": 0 * BAND["Vox"]}
    stems = write(tmp_path, tracks)
    found = find_left_out(stems)
    assert set(found) == {"Gtr copy"}
    assert 'a copy of that of Gtr; to have it in the mix, say what it is: --role "Gtr copy=' in found["Gtr copy"]
    assert not find_left_out(stems, told={"Gtr copy": "electric guitar"})
