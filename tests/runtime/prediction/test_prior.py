"""A model's settings are believed as far as a reference can tell, and never beyond what engineers set."""

from __future__ import annotations

import numpy as np
import pytest
from mixbridge.presets.console import SEND_OFF_DB, Compressor, EqBand, Equalizer, Gate, LowCut, Master, Strip
from mixbridge.presets.preset import Preset, Track
from mixbridge.presets.roles import TRAITS, Role
from mixbridge.runtime.audio.loudness import integrated_loudness
from mixbridge.runtime.console.dynamics import compressor_work
from mixbridge.runtime.model.analysis import Passage
from mixbridge.runtime.practice.by_role import RoleMix, alike_in_pairs, mix_by_role
from mixbridge.runtime.practice.placing import StereoPicture
from mixbridge.runtime.practice.sounds import RoleSound, sound_of
from mixbridge.runtime.practice.space import speaks_of_space
from mixbridge.runtime.practice.tail import Tail
from mixbridge.runtime.prediction.prior import Trust, believed, softly
from mixbridge.runtime.prediction.role_mix import plain_by_role, with_mix
from mixbridge.runtime.rendering.in_memory import render_strip
from numpy.typing import NDArray

Audio = NDArray[np.float32]
RATE_HZ = 44100
LEVEL_LUFS = -24.0
ROLES: dict[str, Role | None] = {"Kick": "kick", "Bass": "bass", "Vox": "lead vocal", "Gtr": "electric guitar"}
WILD = Strip(
    input_gain_db=10,
    pan=0.6,
    eq=Equalizer(low_shelf=EqBand(gain_db=11, freq_hz=120), band1=EqBand(gain_db=-20), high_shelf=EqBand(gain_db=15)),
    compressor=Compressor(threshold_db=-60, ratio=15),
)


def noise(seed: int) -> Audio:
    return (0.1 * np.random.default_rng(seed).standard_normal((1, 2 * RATE_HZ))).astype(np.float32)


def sounds() -> tuple[RoleSound, ...]:
    made = []
    for seed, (name, role) in enumerate(ROLES.items()):
        audio = noise(seed)
        made.append(sound_of(name, role, audio, RATE_HZ, integrated_loudness(audio, RATE_HZ)))
    return tuple(made)


def mixed(said: dict[str, Strip] | None = None, trust: Trust | None = None, master: Master | None = None) -> RoleMix:
    strips = dict.fromkeys(ROLES, WILD) if said is None else said
    return believed(
        sounds(), strips, master or Master(), StereoPicture(), RATE_HZ, LEVEL_LUFS, render_strip, trust or Trust()
    )


def loudness(name: str, strip: Strip) -> float:
    sound = next(sound for sound in sounds() if sound.name == name)
    return integrated_loudness(render_strip(sound.audio, RATE_HZ, strip.model_copy(update={"pan": 0.0})), RATE_HZ)


def test_what_carries_the_song_stays_in_the_middle_whatever_is_said() -> None:
    strips = mixed().strips
    assert [strips[name].pan for name in ("Kick", "Bass", "Vox")] == [0, 0, 0]


def test_gains_stay_within_practice_and_no_lows_are_boosted_where_there_are_none() -> None:
    strips = mixed().strips
    for name, role in ROLES.items():
        eq, practice = strips[name].eq, TRAITS[role or "keys"].practice
        assert practice.peak_db[0] <= eq.band1.gain_db < 0
        assert 0 < eq.high_shelf.gain_db <= max(practice.high_shelf_db[2], 3)
    assert strips["Vox"].eq.low_shelf.gain_db == strips["Gtr"].eq.low_shelf.gain_db == 0
    assert 0 < strips["Bass"].eq.low_shelf.gain_db <= 4


def test_compression_is_that_of_a_mix() -> None:
    for sound in sounds():
        strip = mixed().strips[sound.name]
        work = compressor_work(sound.audio, RATE_HZ, strip.input_gain_db, Equalizer(), strip.compressor)
        assert work.mean_db <= 6.1
        assert strip.compressor.ratio <= 6


def test_without_trust_it_is_the_plain_mix_by_role() -> None:
    none = Trust(levels=0, eq=0, compressor=0, sides=0, master=0)
    plain = mix_by_role(sounds(), StereoPicture(), RATE_HZ, LEVEL_LUFS, render_strip)
    made = mixed(trust=none)
    assert made.levels_db == plain.levels_db
    for name in ROLES:
        assert made.strips[name].model_copy(update={"eq": Equalizer()}) == plain.strips[name]
        assert all(getattr(made.strips[name].eq, band).gain_db == 0 for band in Equalizer.model_fields)


def test_levels_move_towards_the_model_s_and_tracks_are_as_loud_as_meant() -> None:
    flat = {name: Strip() for name in ROLES}
    louder = {**flat, "Gtr": Strip(fader_db=8), "Bass": Strip(fader_db=-8)}
    base, moved = mixed(flat), mixed(louder)
    rise_db = (moved.levels_db["Gtr"] - moved.levels_db["Bass"]) - (base.levels_db["Gtr"] - base.levels_db["Bass"])
    assert 3 < rise_db < 16
    for name in ROLES:
        away_db = loudness(name, moved.strips[name]) - moved.levels_db[name]
        assert away_db == pytest.approx(loudness("Kick", moved.strips["Kick"]) - moved.levels_db["Kick"], abs=0.1)


def test_a_double_moves_with_its_lead_whatever_is_said_of_it() -> None:
    names = ("Vox", "Vox Dbl", "Gtr")
    made = [sound_of(name, "lead vocal", noise(seed), RATE_HZ, -20.0) for seed, name in enumerate(names[:2])]
    made.append(sound_of("Gtr", "electric guitar", noise(3), RATE_HZ, -20.0))
    said = {"Vox": Strip(), "Vox Dbl": Strip(fader_db=12), "Gtr": Strip()}
    levels = believed(made, said, Master(), StereoPicture(), RATE_HZ, LEVEL_LUFS, render_strip).levels_db
    assert levels["Vox"] - levels["Vox Dbl"] == pytest.approx(6, abs=0.01)


def test_the_master_is_tame() -> None:
    wild = Master(eq=Equalizer(high_shelf=EqBand(gain_db=20)), compressor=Compressor(ratio=20, threshold_db=-40))
    master = mixed(master=wild).master
    assert 0 < master.eq.high_shelf.gain_db <= 6
    assert master.compressor.ratio <= 4


def test_softly() -> None:
    assert softly(0.5, -4, 8) == pytest.approx(0.5, abs=0.01)
    assert 7.9 < softly(100, -4, 8) <= 8
    assert softly(-100, -4, 8) == pytest.approx(-4)
    assert softly(3, -4, 0) == 0


def beats(seed: int) -> Audio:
    """Bursts on every beat of 120 bpm."""
    audio = np.tile(noise(seed), 3)
    since = np.arange(audio.shape[1]) / RATE_HZ % 0.5
    return (audio * np.exp(-since / 0.03)).astype(np.float32)


def test_a_wet_and_dense_reference_echoes_the_vocal_and_warms_what_carries_the_mix() -> None:
    tracks = [
        sound_of(name, role, beats(seed), RATE_HZ, integrated_loudness(beats(seed), RATE_HZ))
        for seed, (name, role) in enumerate(ROLES.items())
    ]
    wet, dry = StereoPicture(tail=Tail(9.0, 2.5, 0.6), density_db=9.0), StereoPicture(tail=Tail(16.0), density_db=18.0)
    strips = dict.fromkeys(ROLES, Strip())
    made, bare = (believed(tracks, strips, Master(), stage, RATE_HZ, LEVEL_LUFS, render_strip) for stage in (wet, dry))
    assert [name for name, strip in made.strips.items() if strip.delay_send_db > SEND_OFF_DB] == ["Vox"]
    assert {name for name, strip in made.strips.items() if strip.saturation.drive} == {"Bass", "Vox"}
    assert made.delay.tempo_bpm == pytest.approx(120, abs=0.5)
    assert not any(strip.saturation.drive or strip.delay_send_db > SEND_OFF_DB for strip in bare.strips.values())
    # Saturation takes no loudness: the fader gives back what it takes.
    for name in ("Bass", "Vox"):
        sound = next(sound for sound in tracks if sound.name == name)
        lufs = [integrated_loudness(render_strip(sound.audio, RATE_HZ, mix.strips[name]), RATE_HZ)
                - mix.strips["Gtr"].fader_db for mix in (made, bare)]  # fmt: skip
        assert lufs[0] == pytest.approx(lufs[1], abs=0.1)

    preset = with_mix(Preset(tracks=tuple(Track(name=name) for name in ROLES)), made)
    assert preset.delay == made.delay
    said = preset.provenance.decisions or ()
    assert [speaks_of_space(words) for words in said] == [True, True, False]


def test_pairs_are_cut_alike_and_gated_together_or_not_at_all() -> None:
    gate, cut = Gate(range_db=18), LowCut(freq_hz=80)
    strips = {"L": Strip(gate=gate, low_cut=cut), "R": Strip(), "C": Strip(gate=gate)}
    made = alike_in_pairs(strips, [("L", "R")])
    assert made["L"].low_cut == made["R"].low_cut == cut
    assert made["L"].gate == made["R"].gate == Gate()
    assert made["C"] == strips["C"]
    both = {"L": Strip(gate=gate), "R": Strip(gate=gate)}
    assert alike_in_pairs(both, [("L", "R")]) == both


def test_the_plain_mix_has_the_sides_of_the_mix_that_it_is_kept_beside() -> None:
    """Half of one and half of the other would pile up in the middle; a mix that gives way would turn over."""
    audio = {name: noise(seed) for seed, name in enumerate(("Vox", "Gtr A", "Gtr B"))}
    passage = Passage(0.0, 2.0, audio, dict.fromkeys(audio, -20.0))
    reference = np.concatenate([noise(7), noise(8)])
    for sign in (1, -1):
        pans = {"Vox": 0.0, "Gtr A": 0.6 * sign, "Gtr B": -0.6 * sign}
        roles: dict[str, Role] = {"Vox": "lead vocal", "Gtr A": "electric guitar", "Gtr B": "electric guitar"}
        preset = Preset(tracks=tuple(Track(name=name, role=roles[name], strip=Strip(pan=pans[name])) for name in audio))
        plain = plain_by_role(preset, passage, reference, RATE_HZ, -48.0)
        found = {track.name: track.strip.pan for track in plain.tracks}
        assert found["Gtr A"] * sign > 0.2
        assert found["Gtr B"] * sign < -0.2
        assert found["Vox"] == 0
