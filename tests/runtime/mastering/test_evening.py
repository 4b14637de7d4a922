"""A song that leans in passages which the guard rail of the passage has not heard."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
from mixbridge.presets.checking.claims import with_claims
from mixbridge.presets.console import Strip
from mixbridge.presets.preset import Confidence, Preset, Track
from mixbridge.runtime.mastering.density import MasterTrial
from mixbridge.runtime.mastering.evening import fit_upright
from mixbridge.runtime.mastering.fitting import Mastering, fit_to_bus, reference_profile
from mixbridge.runtime.mastering.passages import RATE_HZ, BusPassages
from mixbridge.runtime.model.references import Song
from mixbridge.runtime.practice.sins import lean_lu, low_sides_db
from scipy.signal import butter, sosfilt

SECONDS = 8


def noise(seed: int) -> np.ndarray:
    """Lows in the first alone: what is wide below is another matter."""
    white = 0.1 * np.random.default_rng(seed).standard_normal(SECONDS * RATE_HZ)
    return sosfilt(butter(4, 400, "highpass", fs=RATE_HZ, output="sos"), white) if seed else white


@pytest.fixture
def stems(tmp_path: Path) -> dict[str, Path]:
    files = {}
    for seed, name in enumerate(("Vocal", "Guitar", "Keys")):
        files[name] = tmp_path / f"{name}.wav"
        sf.write(files[name], noise(seed), RATE_HZ)
    return files


def reference(folder: Path, right_db: float) -> list[Song]:
    path = folder / "song.wav"
    sf.write(path, np.stack([noise(8), noise(9) * 10 ** (right_db / 20)], axis=1), RATE_HZ)
    return [Song(path)]


def panned(**pans: float) -> Preset:
    tracks = tuple(Track(name=name, strip=Strip(pan=pan)) for name, pan in pans.items())
    preset = Preset(tracks=tracks)
    return with_claims(preset, Confidence(level="high", reasons=("so it is",)), ())


def evened(preset: Preset, stems: dict[str, Path], songs: list[Song], locked=()) -> tuple[Preset, np.ndarray]:
    """What comes into the master in the end, and the preset; no master is fitted."""
    heard = []
    after, mastering = fit_upright(preset, stems, songs, lambda _, bus: heard.append(bus), locked=locked)
    assert mastering is None
    return after, heard[-1]


def pans_of(preset: Preset) -> dict[str, float]:
    return {track.name: track.strip.pan for track in preset.tracks}


def test_what_stands_on_the_louder_side_is_drawn_in(tmp_path: Path, stems: dict[str, Path]) -> None:
    after, bus = evened(panned(Vocal=0.0, Guitar=0.9, Keys=-0.1), stems, reference(tmp_path, 0.0))
    assert abs(lean_lu(bus, RATE_HZ)) <= 0.15
    pans = pans_of(after)
    assert pans["Vocal"] == 0.0
    assert pans["Keys"] == -0.1
    assert 0.0 <= pans["Guitar"] < 0.7
    (said,) = after.provenance.findings or ()
    assert said.rule == "leaning"
    assert "the whole song: would have been" in said.message
    assert "on the right" in said.message
    assert after.provenance.confidence is not None


def test_a_small_lean_is_evened_and_no_rail_told_of(tmp_path: Path, stems: dict[str, Path]) -> None:
    """Half a decibel is nothing that a rail has to hold, and nothing that an engineer leaves."""
    before = panned(Vocal=0.0, Guitar=0.5, Keys=-0.36)
    assert 0.4 < lean_lu(BusPassages(stems).bus(before), RATE_HZ) < 0.7
    after, bus = evened(before, stems, reference(tmp_path, 0.0))
    assert abs(lean_lu(bus, RATE_HZ)) <= 0.15
    assert after.provenance.confidence is not None
    assert not after.provenance.findings
    assert evened(before, stems, reference(tmp_path, 0.45))[0] is before  # as its song, if hardly, leans


def test_one_of_a_crowded_side_goes_to_the_other_and_drums_and_locked_tracks_do_not(
    tmp_path: Path, stems: dict[str, Path]
) -> None:
    """Drawn in alone, next to nothing would be left of the left side."""
    roles = {"Vocal": "lead vocal", "Guitar": "electric guitar", "Keys": "keys"}
    crowded = panned(Vocal=0.0, Guitar=-0.9, Keys=-0.6)
    crowded = crowded.model_copy(
        update={"tracks": tuple(track.model_copy(update={"role": roles[track.name]}) for track in crowded.tracks)}
    )
    songs = reference(tmp_path, 0.0)
    after, bus = evened(crowded, stems, songs)
    assert abs(lean_lu(bus, RATE_HZ)) <= 0.4
    assert pans_of(after)["Keys"] == pytest.approx(0.6)
    assert -0.9 <= pans_of(after)["Guitar"] <= -0.5
    held = pans_of(evened(crowded, stems, songs, locked=["Keys"])[0])
    assert held["Keys"] == -0.6
    assert held["Guitar"] >= 0
    drums = crowded.model_copy(
        update={"tracks": tuple(track.model_copy(update={"role": "tom"}) for track in crowded.tracks)}
    )
    assert max(pans_of(evened(drums, stems, songs)[0]).values()) <= 0


def test_a_balanced_mix_stays_as_it_is(tmp_path: Path, stems: dict[str, Path]) -> None:
    before = panned(Vocal=0.0, Guitar=0.6, Keys=-0.6)
    after, bus = evened(before, stems, reference(tmp_path, 0.0))
    assert after is before
    assert bus.shape == (2, SECONDS * RATE_HZ)


def test_a_mix_may_lean_as_its_reference_does(tmp_path: Path, stems: dict[str, Path]) -> None:
    before = panned(Vocal=0.0, Guitar=0.9, Keys=-0.1)
    assert evened(before, stems, reference(tmp_path, 4.0))[0] is before
    assert evened(before, stems, reference(tmp_path, -4.0))[0] is not before


@pytest.mark.parametrize("right_db", [0.9, 1.5, 1.9])
def test_a_reference_that_leans_a_little_makes_no_mix_that_leans(
    tmp_path: Path, stems: dict[str, Path], right_db: float
) -> None:
    before = panned(Vocal=0.0, Guitar=0.9, Keys=-0.1)
    assert lean_lu(BusPassages(stems).bus(before), RATE_HZ) > 2
    after, bus = evened(before, stems, reference(tmp_path, right_db))
    leans = lean_lu(bus, RATE_HZ)
    assert 0.2 < leans <= 0.9
    (said,) = after.provenance.findings or ()
    assert said.after == pytest.approx(leans, abs=0.01)
    theirs, _ = fit_upright(before, stems, reference(tmp_path, right_db + 1), lambda _, bus: None, is_theirs=True)
    assert theirs.track("Guitar").strip.pan > after.track("Guitar").strip.pan  # an engineer's own mix is followed


def test_a_reference_that_hardly_leans_asks_for_nothing(tmp_path: Path, stems: dict[str, Path]) -> None:
    before = panned(Vocal=0.0, Guitar=0.9, Keys=-0.1)
    hardly, upright = (evened(before, stems, reference(tmp_path, lean_db))[0] for lean_db in (0.4, 0.0))
    assert hardly.tracks == upright.tracks != before.tracks


def test_locked_tracks_and_pairs_stay(tmp_path: Path, stems: dict[str, Path]) -> None:
    before = panned(Vocal=0.0, Guitar=0.9, Keys=-0.1)
    assert evened(before, stems, reference(tmp_path, 0.0), locked=["Guitar"])[0] is before
    linked = tuple(
        track.model_copy(update={"link": "pair"}) if track.name == "Guitar" else track for track in before.tracks
    )
    before = before.model_copy(update={"tracks": linked})
    assert evened(before, stems, reference(tmp_path, 0.0))[0] is before


def test_wide_lows_are_narrowed_and_stay_so_in_the_fit(tmp_path: Path, stems: dict[str, Path]) -> None:
    time_s = np.arange(SECONDS * RATE_HZ) / RATE_HZ
    wide = np.stack([np.sin(2 * np.pi * 60 * time_s), np.sin(2 * np.pi * 63 * time_s)], axis=1)
    sf.write(stems["Keys"], 0.3 * wide, RATE_HZ)
    songs = reference(tmp_path, 0.0)
    after, bus = evened(panned(Vocal=0.0, Guitar=0.0, Keys=0.0), stems, songs)
    assert [said.rule for said in after.provenance.findings or ()] == ["lows in the sides"]
    assert low_sides_db(MasterTrial(bus, RATE_HZ).mastered(after.master), RATE_HZ) < -12
    # The song's sides are as loud as its middle at all frequencies.
    fitted = fit_to_bus(bus, after.master, reference_profile(songs))
    assert fitted is not None
    assert low_sides_db(MasterTrial(bus, RATE_HZ).mastered(fitted.master), RATE_HZ) < -12


def test_what_leans_behind_the_fitted_master_is_drawn_in(tmp_path: Path, stems: dict[str, Path]) -> None:
    """As loud on both sides before it: but its curve raises the highs, which are on the right."""
    dull = sosfilt(butter(4, 2000, "lowpass", fs=RATE_HZ, output="sos"), noise(1))
    bright = sosfilt(butter(4, 4000, "highpass", fs=RATE_HZ, output="sos"), noise(2))
    sf.write(stems["Guitar"], dull * 6, RATE_HZ)
    sf.write(stems["Keys"], bright, RATE_HZ)
    songs = reference(tmp_path, 0.0)
    before = panned(Vocal=0.0, Guitar=-0.9, Keys=0.9)
    fits = []

    def fit(tried: Preset, bus: np.ndarray) -> Mastering | None:
        fits.append(fit_to_bus(bus, tried.master, reference_profile(songs)))
        leans.append(lean_lu(MasterTrial(bus, RATE_HZ).mastered(fits[-1].master), RATE_HZ))
        return fits[-1]

    leans: list[float] = []
    after, mastering = fit_upright(before, stems, songs, fit)
    assert mastering is fits[-1]
    assert len(fits) == 2
    assert [fitted.leans_lu for fitted in fits] == pytest.approx(leans, abs=1e-6)
    assert abs(leans[0]) > 1
    assert abs(leans[1]) < 0.7 * abs(leans[0])
    assert [said.rule for said in after.provenance.findings or ()] == ["leaning"]
