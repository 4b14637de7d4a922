"""Where tracks stand: the middle is kept, pairs are mirrored, the rest is in balance, and as wide as the reference."""

from __future__ import annotations

import numpy as np
import pytest
from mixbridge.presets.roles import Role
from mixbridge.runtime.practice.levels import usual_levels
from mixbridge.runtime.practice.placing import StereoPicture, place
from mixbridge.runtime.practice.sounds import RoleSound, lean_db, mix_powers, sides_db, sound_of
from numpy.typing import NDArray

Audio = NDArray[np.float32]
RATE_HZ = 44100


def tone(freq_hz: float, seed: int = 0, channels: int = 1) -> Audio:
    """A band of noise around a frequency."""
    numbers = np.random.default_rng(seed)
    spectrum = np.fft.rfft(numbers.standard_normal((channels, RATE_HZ)))
    freqs_hz = np.fft.rfftfreq(RATE_HZ, 1 / RATE_HZ)
    spectrum *= np.exp(-4 * np.log2(freqs_hz.clip(1) / freq_hz) ** 2)
    audio = np.fft.irfft(spectrum)
    return np.asarray(0.1 * audio / audio.std(), np.float32)


def sound(name: str, role: Role | None, freq_hz: float = 1000, seed: int = 0, channels: int = 1) -> RoleSound:
    return sound_of(name, role, tone(freq_hz, seed, channels), RATE_HZ, -24.0)


BAND = (
    sound("Kick", "kick", 60, 1),
    sound("Snare", "snare", 400, 2),
    sound("Bass", "bass", 80, 3),
    sound("Vox", "lead vocal", 1000, 4),
    sound("OH L", "overhead", 6000, 5),
    sound("OH R", "overhead", 6000, 6),
    sound("Gtr A", "electric guitar", 900, 7),
    sound("Gtr B", "electric guitar", 900, 8),
    sound("Organ", "keys", 700, 9),
    sound("Hats", "hi-hat", 8000, 10),
    sound("Shaker", "percussion", 7000, 11),
)
PAIRS = (("OH L", "OH R"),)


def placed(sounds: tuple[RoleSound, ...] = BAND, stage: StereoPicture | None = None) -> dict[str, float]:
    return place(sounds, usual_levels(sounds), stage or StereoPicture(PAIRS))


def lean_of(sounds: tuple[RoleSound, ...], pans: dict[str, float]) -> float:
    left, right, _ = mix_powers(sounds, usual_levels(sounds), pans)
    return lean_db(left, right)


def test_what_carries_the_song_is_in_the_middle_and_pairs_are_mirrored() -> None:
    pans = placed()
    assert [pans[name] for name in ("Kick", "Snare", "Bass", "Vox")] == [0, 0, 0, 0]
    assert pans["OH L"] == -pans["OH R"] == -1


def test_the_rest_is_spread_and_left_and_right_are_even() -> None:
    pans = placed()
    assert pans["Gtr A"] * pans["Gtr B"] < 0
    assert all(0.2 <= abs(pans[name]) <= 1 for name in ("Gtr A", "Gtr B", "Hats", "Shaker"))
    assert pans["Hats"] * pans["Shaker"] < 0  # both are high: they face each other
    assert abs(lean_of(BAND, pans)) <= 0.3


def test_one_guitar_alone_does_not_pull_the_mix_over() -> None:
    few = (*BAND[:4], sound("Gtr", "electric guitar", 900, 7))
    pans = placed(few, StereoPicture())
    assert abs(lean_of(few, pans)) <= 0.3
    assert 0 < abs(pans["Gtr"]) < 0.46


def test_the_width_follows_the_reference() -> None:
    narrow, wide = (placed(stage=StereoPicture(PAIRS, sides_db=np.full(4, level))) for level in (-25.0, -3.0))
    widths = [sides_db(*mix_powers(BAND, usual_levels(BAND), pans)).mean() for pans in (narrow, wide)]
    assert widths[0] < widths[1] - 6
    assert narrow["OH L"] < 0 < narrow["OH R"]  # still a pair
    assert narrow["Vox"] == wide["Vox"] == 0


def test_what_stands_in_the_highs_alone_has_a_width_of_its_own() -> None:
    band = tuple(sound for sound in BAND if not sound.name.startswith("OH"))
    wide, narrow = (
        placed(band, StereoPicture(sides_db=np.array([-12.0, -12.0, -12.0, highs_db]))) for highs_db in (-2.0, -25.0)
    )
    for name in ("Hats", "Shaker"):
        assert abs(narrow[name]) < 0.5 * abs(wide[name])
    assert abs(wide["Gtr A"]) < 1.5 * abs(narrow["Gtr A"])


def test_a_reference_that_leans_is_followed() -> None:
    pans = placed(stage=StereoPicture(PAIRS, lean_db=2.0))
    assert lean_of(BAND, pans) == pytest.approx(2.0, abs=0.8)
    assert pans["Vox"] == 0


def test_a_wish_for_a_side_decides_where_nothing_else_does() -> None:
    for side in (-1.0, 1.0):
        pans = placed(stage=StereoPicture(PAIRS, sides={"Gtr A": side}))
        assert np.sign(pans["Gtr A"]) == side


def test_what_is_low_and_what_is_stereo_stays_where_it_is() -> None:
    sounds = (*BAND, sound("Sub synth", "keys", 60, 20), sound("Piano", "keys", 800, 21, channels=2))
    pans = placed(sounds)
    assert pans["Sub synth"] == pans["Piano"] == 0


def test_toms_go_from_left_to_right_by_pitch() -> None:
    toms = tuple(sound(f"Tom {number}", "tom", freq, number) for number, freq in ((1, 300), (2, 180), (3, 100)))
    pans = placed((*BAND, *toms))
    assert pans["Tom 1"] == -pans["Tom 3"] == -0.5
    assert pans["Tom 2"] == 0


@pytest.mark.parametrize("sides_level_db", [0.0, 12.0, 40.0])
def test_no_reference_is_so_wide_that_a_pan_leaves_its_range(sides_level_db: float) -> None:
    toms = tuple(sound(f"Tom {number}", "tom", freq, number) for number, freq in ((1, 300), (2, 100)))
    pans = placed((*BAND, *toms), StereoPicture(PAIRS, sides_db=np.full(4, sides_level_db)))
    assert max(abs(pan) for pan in pans.values()) <= 1
    assert pans["Tom 1"] < -0.4
    assert pans["Tom 2"] > 0.4


def test_the_microphones_of_one_amplifier_stand_in_one_place() -> None:
    mics = tuple(
        sound_of(name, "electric guitar", tone(900, 7), RATE_HZ, -24.0, source="57") for name in ("57", "421", "DI")
    )
    pans = placed((*BAND, *mics), StereoPicture(PAIRS, sides_db=np.full(4, -2.0)))
    assert pans["57"] == pans["421"] == pans["DI"] != 0


def test_toms_stand_no_further_out_than_engineers_put_them() -> None:
    toms = tuple(sound(f"T{at}", "tom", 300 - 80 * at, 20 + at) for at in range(2))
    pans = placed((*BAND, *toms), StereoPicture(PAIRS, sides_db=np.full(4, 3.0)))
    assert (pans["T0"], pans["T1"]) == (-0.65, 0.65)
