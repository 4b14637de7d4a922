"""The study of whole mixes: its measures on known sounds and settings, its page, and a run on a small corpus."""

from __future__ import annotations

import json
import sys
from dataclasses import replace as replace_request
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
from mixbridge.export.evaluation.material import find_material
from mixbridge.export.mixes.making import StudySong, altered, places_of, wet_lu
from mixbridge.export.mixes.measures import MEASURES, RATE_HZ, WholeSound
from mixbridge.export.mixes.page import TITLE, page, rank_correlation
from mixbridge.export.mixes.people import FIGURES, TrackFigures, distances, figures_of
from mixbridge.export.mixes.steadiness import REFERENCE, TRACKS, spreads
from mixbridge.export.mixes.steadiness import table as steadiness_table
from mixbridge.export.mixes.whole_mixes import LIMITER, MixCase, MixRequest, run
from mixbridge.presets.console import SEND_OFF_DB, Strip, replace
from mixbridge.presets.errors import ModelError
from mixbridge.presets.parts.match import MatchCurve, ToneCurve
from mixbridge.presets.preset import Preset, Track
from mixbridge.presets.roles import TRAITS, Role
from mixbridge.runtime.console.match import matched
from mixbridge.runtime.model.controller import Controller
from mixbridge.runtime.rendering.in_memory import render_arrays
from numpy.typing import NDArray

Audio = NDArray[np.float32]
STEMS = {"kick": ("kick", 55), "bass": ("bass", 80), "strum": ("guitar", 400), "keys": ("keys", 900)}


def music(width: float = 0.5, fall_s: float = 0.05) -> Audio:
    """Noise that is struck four times a second, and dies away so fast."""
    numbers = np.random.default_rng(0)
    time_s = np.arange(6 * RATE_HZ) / RATE_HZ
    strokes = np.exp(-(time_s % 0.25) / fall_s)
    middle, sides = numbers.standard_normal((2, len(time_s))) * strokes
    return np.asarray(0.1 * np.stack([middle + width * sides, middle - width * sides]), np.float32)


def test_traits_move_as_a_sound_is_changed() -> None:
    plain = WholeSound.of(music()).traits
    bright = MatchCurve(tone=ToneCurve(**dict.fromkeys(("hz_4000_db", "hz_5000_db", "hz_6300_db", "hz_8000_db"), 6.0)))
    assert WholeSound.of(matched(music(), bright, RATE_HZ)).traits["tilt"] > plain["tilt"] + 0.5
    assert WholeSound.of(music(width=1.0)).traits["width"] == pytest.approx(plain["width"] + 6, abs=0.2)
    assert WholeSound.of(np.tanh(8 * music()).astype(np.float32)).traits["crest"] < plain["crest"] - 3


def test_a_song_is_as_wet_as_its_notes_fall_slowly() -> None:
    dry, wet = (StudySong.in_memory("song", music(fall_s=fall_s), RATE_HZ).traits for fall_s in (0.05, 0.2))
    assert wet["reverb"] > dry["reverb"] + 2


def test_a_mix_is_as_wet_as_its_returns_are_loud() -> None:
    def wet_of(send_db: float) -> float:
        strip = replace(Strip(), {"reverb_send_db": send_db})
        return wet_lu(render_arrays({"Vox": music()}, RATE_HZ, preset(Vox=strip)))

    dry, some, more = map(wet_of, (SEND_OFF_DB, -20.0, -10.0))
    assert dry == -60
    assert more == pytest.approx(some + 10, abs=0.2)


def test_a_sound_is_no_way_from_itself_at_another_level() -> None:
    far = WholeSound.of(0.3 * music()).differences(WholeSound.of(music()))
    assert all(value == pytest.approx(0, abs=1e-3) for value in far.values())
    assert WholeSound.of(music(1.0)).differences(WholeSound.of(music()))["sides"] == pytest.approx(3, abs=0.3)


def test_wide_lows_count_only_where_they_are_asked_for() -> None:
    """A mix is the song but for the sides of its lows, which no engineer leaves."""
    wide, time_s = music(), np.arange(6 * RATE_HZ) / RATE_HZ
    low = np.asarray(0.1 * np.sin(2 * np.pi * 60 * time_s), np.float32)
    far = WholeSound.of(wide).differences(WholeSound.of(wide + np.stack([low, -low])))
    assert far["sides"] > 3 * far["sides_above"]
    assert far["features"] > 10 * far["features_above"]


def preset(**strips: Strip) -> Preset:
    return Preset(tracks=tuple(Track(name=name, strip=strip) for name, strip in strips.items()))


def test_settings_are_read_as_those_of_people() -> None:
    vox = replace(Strip(), {"pan": -0.4, "fader_db": 3.0, "eq.band1.gain_db": 2.0, "low_cut.freq_hz": 80.0})
    made = preset(Vox=vox, Bass=Strip(), Sub=Strip(), Odd=Strip(), Mute=Strip())
    lufs = {"Vox": -20.0, "Bass": -23.0, "Sub": -23.0, "Odd": -20.0, "Mute": -np.inf}
    roles: dict[str, Role | None] = {"Vox": "lead vocal", "Bass": "bass", "Sub": "bass", "Mute": "kick"}
    figures = figures_of(made, roles, lufs, ["Bass"])
    assert [track.role for track in figures] == ["lead vocal", "bass", "bass"]
    values = figures[0].values
    assert values["pan"] == [0.4]
    assert values["EQ gain, dB"] == [2.0]
    assert values["ratio"] == values["reverb send, dB"] == []
    assert values["high-pass, share"] == [1.0]
    assert figures[1].values["pan"] == []
    # Both basses together are as loud as the voice, and 4.8 dB below it as a rule.
    assert values["balance, dB"] == [pytest.approx(-2.4, abs=0.05)]
    assert figures[1].values["balance, dB"] == [pytest.approx(2.4, abs=0.05)]
    assert figures[2].values["balance, dB"] == []


def test_the_balance_of_a_mix_is_that_of_its_roles() -> None:
    """Neither its level nor a track in two parts changes it."""
    strips = dict.fromkeys(("Vox", "Bass", "Kick"), Strip())
    roles: dict[str, Role | None] = {"Vox": "lead vocal", "Bass": "bass", "Kick": "kick", "Low": "bass"}
    lufs = {"Vox": -20.0, "Bass": -22.0, "Kick": -30.0}
    one = [track.values["balance, dB"] for track in figures_of(preset(**strips), roles, lufs, [])]
    apart = {"Vox": -26.0, "Bass": -31.01, "Kick": -36.0, "Low": -31.01}
    other = [track.values["balance, dB"] for track in figures_of(preset(**strips, Low=Strip()), roles, apart, [])]
    assert [value for (value,) in one] == pytest.approx([value for (value,) in other[:3]], abs=0.01)
    assert other[3] == []


def test_the_distance_to_people_is_that_of_the_quantiles() -> None:
    low, middle, high = TRAITS["bass"].practice.peak_db
    people = [low] * 10 + [middle] * 40 + [high] * 10
    nothing: dict[str, list[float]] = {name: [] for name in FIGURES}
    near, far = (
        [TrackFigures("bass", {**nothing, "EQ gain, dB": [gain + by_db]}) for gain in people] for by_db in (0.0, 6.0)
    )
    assert distances(near)["EQ gain, dB"] < 1.0
    assert distances(far)["EQ gain, dB"] == pytest.approx(6, abs=1.0)
    assert np.isnan(distances(near)["pan"])


def test_ranks_are_correlated() -> None:
    assert rank_correlation([1, 2, 3], [10, 100, 1000]) == pytest.approx(1)
    assert rank_correlation([1, 2, 3], [3, 2, 1]) == pytest.approx(-1)
    assert np.isnan(rank_correlation([1, 1, 1], [3, 2, 1]))


def case(session: str, song: str, width: float, buried: bool, peer: float | None = None) -> MixCase:
    traits = {"tilt": -2 * width, "width": width, "crest": -width, "reverb": width}
    ours = dict.fromkeys(MEASURES, 1.0)
    peers = {} if peer is None else dict.fromkeys(ours, peer)
    return MixCase(session, song, {"leaning": False, "lead vocal buried": buried}, traits, traits, ours, peers)


def test_the_page_says_what_is_met_and_what_is_not() -> None:
    cases = [case("a", "x", 1.0, True, 2.0), case("a", "y", 3.0, False, 2.0), case("b", "x", 2.0, False, 0.5)]
    text = page(cases, "mixbridge model mixes CORPUS")
    assert text.startswith(TITLE)
    assert "| lead vocal buried | 1 | 3 |" in text
    assert "| **a mix** | **0.33** | at most 0.1: **missed** |" in text
    assert "- a like x: lead vocal buried" in text
    assert "| width | 1.00 | - | 0.7 | met |" in text
    assert "| feature distance | 1 | 2 | 67 % | 65 %: met |" in text
    assert "people" not in text
    assert "altered" not in text


def test_an_altered_song_is_compared_with_itself() -> None:
    cases = [case("a", "x, as it is", 1.0, False), case("a", "x, wider", 3.0, False), case("a", "x", 1.0, True)]
    text = page(cases, "mixbridge model mixes CORPUS")
    assert "| wider | -4.00 -> -4.00 | +2.00 -> +2.00 | -2.00 -> -2.00 | +2.00 -> +2.00 |" in text
    assert "| **a mix** | **1.00**" in text  # altered songs are nobody's references


def test_songs_are_altered_as_they_are_called(corpus: Path) -> None:
    path = corpus / "songs" / "test" / "song.flac"
    found = {song.name.partition(", ")[2]: song.traits for song in altered(path, Controller("default", "cpu"))}
    plain = found["as it is"]
    assert found["brighter"]["tilt"] == pytest.approx(plain["tilt"] + 1, abs=0.1)
    assert found["darker"]["tilt"] == pytest.approx(plain["tilt"] - 1, abs=0.1)
    assert found["wider"]["width"] == pytest.approx(plain["width"] + 6, abs=0.2)
    assert found["mono"]["width"] < plain["width"] - 15
    assert found["squashed"]["crest"] < plain["crest"] - 3
    assert found["wetter"]["reverb"] > plain["reverb"] + 0.5


def test_spreads_are_those_of_the_settings() -> None:
    one, other = (preset(Vox=replace(Strip(), {"pan": pan, "fader_db": 2 * pan})) for pan in (-0.5, 0.5))
    found = spreads(TRACKS, "a", [one, other]) + spreads(REFERENCE, "a", [one, one])
    assert found[0].spreads == {"fader, dB": 1.0, "pan": 0.5, "EQ curve, dB": 0.0}
    text = steadiness_table(found)
    assert "| pan | passages of the tracks | 0.50 | 0.50 | 0.05 | **missed** |" in text
    assert "| pan | passages of the reference | 0.00 | 0.00 | 0.05 | met |" in text


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    folder, voice = (tmp_path / "corpus" / "test" / name for name in ("one", "voice"))
    songs = tmp_path / "corpus" / "songs" / "test"
    for place in (folder, voice, songs):
        place.mkdir(parents=True)
    time_s = np.arange(9 * RATE_HZ) / RATE_HZ
    for name, (_, freq_hz) in STEMS.items():
        tone = np.sin(2 * np.pi * freq_hz * time_s) * (0.3 + 0.2 * np.sin(2 * np.pi * 2 * time_s))
        sf.write(folder / f"{name}.flac", 0.5 * tone, RATE_HZ)
    sf.write(voice / "vocal.flac", 0.3 * np.sin(2 * np.pi * 600 * time_s) * (np.sin(6 * time_s) > 0), RATE_HZ)
    stems = [{"file": f"{name}.flac", "role": role, "instrument": ""} for name, (role, _) in STEMS.items()]
    (folder / "meta.json").write_text(json.dumps({"kind": "composition", "stems": stems}), encoding="utf-8")
    sung = [{"file": "vocal.flac", "role": "vocal", "instrument": "singer"}]
    (voice / "meta.json").write_text(json.dumps({"kind": "voice", "stems": sung}), encoding="utf-8")
    sf.write(songs / "song.flac", np.tile(music().T, (2, 1)), RATE_HZ)
    return tmp_path / "corpus"


def test_a_band_is_mixed_with_a_voice_too_and_large_sessions_keep_who_carries_them(corpus: Path) -> None:
    places = places_of(find_material(corpus), [corpus / "test" / "one"], 4)
    assert [place.name for place in places] == ["one", "one", "one+voice"]
    assert set(places[2].stems) == {"lead_vocal", "kick", "bass", "keys"}
    assert places[2].roles["lead_vocal"] == "lead vocal"
    with pytest.raises(ModelError, match="sessions of 4 tracks"):
        places_of(find_material(corpus / "test" / "voice"), [], 4)


def test_mixes_are_made_judged_and_kept(corpus: Path, tmp_path: Path) -> None:
    request = MixRequest(corpus, tmp_path / "work", sessions=1, references=1, tracks=4, seconds=7.0)
    (made,) = run(request)
    assert (made.session, made.song) == ("one", "song")
    assert not made.sins["kick off the middle"]
    assert not made.sins["bass off the middle"]
    assert LIMITER in made.sins
    assert all(np.isfinite(value) for value in made.ours.values())
    assert (
        {track.role for track in made.set}
        == {track.role for track in made.alone}
        == {"kick", "bass", "keys", "electric guitar"}
    )
    said: list[str] = []
    assert run(request, said.append) == [made]
    assert not said  # it was there already
    (beside,) = run(replace_request(request, peer=str(peer_that_copies(tmp_path))))
    assert beside.ours == made.ours
    assert set(beside.peer) == set(made.ours)
    assert run(request) == [beside]


def peer_that_copies(folder: Path) -> Path:
    """A Python in whose environment matchering gives back what it is given."""
    (folder / "site").mkdir()
    (folder / "site" / "matchering.py").write_text(
        "import shutil\n\n\ndef pcm24(path):\n    return path\n\n\n"
        "def process(target, reference, results):\n    shutil.copy(target, results[0])\n"
    )
    python = folder / "python"
    python.write_text(f'#!/bin/sh\nPYTHONPATH="{folder}/site" exec "{sys.executable}" "$@"\n')
    python.chmod(0o755)
    return python
