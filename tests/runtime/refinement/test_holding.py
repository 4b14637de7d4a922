"""What a search may not spoil: what it costs, and that a search that would win by it leaves it."""

from __future__ import annotations

import numpy as np
import pytest
from mixbridge.presets.console import Strip
from mixbridge.presets.preset import Preset, Track
from mixbridge.presets.roles import Role
from mixbridge.runtime.audio.loudness import integrated_loudness, loudness_range
from mixbridge.runtime.model.analysis import Passage
from mixbridge.runtime.refinement.holding import Held, levels_against_rest_db, thirds_nepers
from mixbridge.runtime.refinement.refine import refine
from mixbridge.runtime.refinement.search_space import SearchSpace
from mixbridge.runtime.refinement.sensitivity import Sound
from mixbridge.runtime.rendering.in_memory import render_arrays
from numpy.typing import NDArray

Audio = NDArray[np.float32]
RATE_HZ = 44100
SECONDS = 2.0
ROLES: dict[str, Role] = {"Vox": "lead vocal", "Bass": "bass", "Pad L": "pad", "Pad R": "pad"}
PANS = {"Vox": 0.0, "Bass": 0.0, "Pad L": -0.6, "Pad R": 0.6}


def tracks() -> dict[str, Audio]:
    """A voice, a bass, and two takes of one pad."""
    time_s = np.arange(round(SECONDS * RATE_HZ)) / RATE_HZ
    noise = np.random.default_rng(0).standard_normal((4, len(time_s)))
    voice = np.sin(2 * np.pi * 440 * time_s) * (0.6 + 0.4 * np.sin(2 * np.pi * 3 * time_s)) + 0.2 * noise[0]
    bass = np.sin(2 * np.pi * 70 * time_s) + 0.05 * noise[1]
    return {
        name: (0.1 * audio)[None].astype(np.float32)
        for name, audio in zip(ROLES, (voice, bass, noise[2], noise[3]), strict=True)
    }


def preset(**faders_db: float) -> Preset:
    return Preset(
        tracks=tuple(
            Track(
                name=name,
                role=role,
                link="pads" if role == "pad" else None,
                strip=Strip(pan=PANS[name], fader_db=faders_db.get(name.split()[0], 0.0)),
            )
            for name, role in ROLES.items()
        )
    )


def sound(settings: Preset) -> Sound:
    made = render_arrays(tracks(), RATE_HZ, settings)
    return Sound(made.stems, made.bus, made.mix)


def passage() -> Passage:
    audio = tracks()
    return Passage(0.0, SECONDS, audio, {name: integrated_loudness(item, RATE_HZ) for name, item in audio.items()})


def held(start: Preset, reference: Audio) -> Held:
    return Held(start, sound(start), reference, RATE_HZ)


def test_the_start_costs_its_spectrum_alone() -> None:
    start, reference = sound(preset()), sound(preset(Bass=-6)).mix
    cost = held(preset(), reference).cost(start)
    apart = thirds_nepers(start.mix, RATE_HZ) - thirds_nepers(reference, RATE_HZ)
    assert cost == pytest.approx(0.1 * np.mean(np.square(apart)))
    assert held(preset(), start.mix).cost(start) == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize(("fader_db", "free"), [(-0.4, True), (-3.0, False), (3.0, False)])
def test_a_lead_that_moves_costs(fader_db: float, free: bool) -> None:
    """The reference is what the search would come to: only the lead's level speaks against it."""
    moved = sound(preset(Vox=fader_db))
    cost = held(preset(), moved.mix).cost(moved)
    assert (cost < 1e-6) if free else (cost > 0.015)


def test_what_leans_more_than_the_start_costs() -> None:
    start = preset()
    strips = {track.name: track.strip.model_copy(update={"pan": 0.7}) for track in start.tracks}
    turned = tuple(track.model_copy(update={"strip": strips[track.name]}) for track in start.tracks)
    leaning = start.model_copy(update={"tracks": turned})
    moved = sound(leaning)
    measured = held(start, sound(start).mix)
    assert measured.standing(moved).sins_db["leaning"] > 3
    assert measured.cost(moved) > measured.cost(sound(start)) + 0.05


def test_levels_are_those_against_all_others() -> None:
    names = list(ROLES)
    before = levels_against_rest_db(sound(preset()).stems, names, RATE_HZ)
    after = levels_against_rest_db(sound(preset(Vox=-3)).stems, names, RATE_HZ)
    assert after["Vox"] - before["Vox"] == pytest.approx(-3, abs=0.05)
    assert all(after[name] > before[name] for name in names if name != "Vox")
    assert levels_against_rest_db({"Vox": sound(preset()).stems["Vox"]}, ["Vox"], RATE_HZ) == {}


def test_thirds_do_not_depend_on_loudness() -> None:
    mix = sound(preset()).mix
    np.testing.assert_allclose(thirds_nepers(mix, RATE_HZ), thirds_nepers(0.1 * mix, RATE_HZ), atol=1e-4)


def test_the_loudness_range_of_two_levels() -> None:
    noise = 0.1 * np.random.default_rng(1).standard_normal((2, 60 * RATE_HZ)).astype(np.float32)
    noise[:, 30 * RATE_HZ :] *= np.float32(10 ** (-8 / 20))
    assert loudness_range(noise, RATE_HZ) == pytest.approx(8, abs=0.2)
    assert loudness_range(noise[:, : 20 * RATE_HZ], RATE_HZ, 0.4) < 1
    assert loudness_range(np.zeros((2, RATE_HZ), np.float32), RATE_HZ) == 0


def test_who_stands_in_the_middle_and_pairs_keep_their_place() -> None:
    space = SearchSpace(preset(), dict.fromkeys((*ROLES, None), -20.0))
    assert not [knob for knob in space.knobs if knob.path == "pan"]
    turned = space.preset(space.start + np.linspace(-0.05, 0.05, len(space.start)))
    pads = [turned.track(name).strip for name in ("Pad L", "Pad R")]
    assert pads[0].eq == pads[1].eq
    lows = next(knob for knob in space.knobs if (knob.track, knob.path) == ("Vox", "eq.low_shelf.gain_db"))
    assert lows.high == 0
    faders = {knob.track: (knob.high - knob.low) / 2 * knob.span for knob in space.knobs if knob.path == "fader_db"}
    assert faders == pytest.approx({"Vox": 1, "Bass": 2, "Pad L": 4, "Pad R": 4})


def test_a_search_does_not_bury_the_lead_to_come_nearer() -> None:
    """A reference of the same tracks whose voice is 10 dB softer: its spectrum asks for that, its role does not."""
    reference = sound(preset(Vox=-10)).mix
    result = refine(
        preset(),
        passage(),
        reference,
        sample_rate_hz=RATE_HZ,
        seconds=600,
        progress=lambda step: step.renders < 12,
    )
    assert result.after < result.before
    before, after = (
        levels_against_rest_db(sound(settings).stems, ["Vox"], RATE_HZ)["Vox"] for settings in (preset(), result.preset)
    )
    assert after > before - 1.5
    assert {name: result.preset.track(name).strip.pan for name in ROLES} == PANS
