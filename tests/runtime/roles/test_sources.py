"""Microphones before one source are told from two takes of one part."""

from __future__ import annotations

import numpy as np
from mixbridge.runtime.audio.arrays import is_one_sound
from mixbridge.runtime.audio.loudness import integrated_loudness
from mixbridge.runtime.model.analysis import Passage
from mixbridge.runtime.prediction.casting import Cast, sounds_of
from mixbridge.runtime.roles.decide import RoleGuess, with_one_lead
from mixbridge.runtime.roles.pairs import find_pairs
from mixbridge.runtime.roles.sources import find_sources
from numpy.typing import NDArray

Audio = NDArray[np.float32]
RATE_HZ = 22050


def guitar(seed: int) -> Audio:
    """Chords that begin together in every take, in other waves."""
    random = np.random.default_rng(seed)
    time_s = np.arange(4 * RATE_HZ) / RATE_HZ
    chords = np.random.default_rng(1).uniform(110, 440, (8, 3))
    wave = np.zeros(len(time_s))
    for at, chord in enumerate(chords):
        since = time_s - 0.5 * at - random.uniform(0, 0.02)
        for freq_hz in chord * random.uniform(0.995, 1.005):
            for partial in range(1, 9):
                phase = random.uniform(0, 2 * np.pi)
                wave += (
                    (since > 0)
                    * np.exp(-6 * since.clip(0))
                    * np.sin(2 * np.pi * partial * freq_hz * since + phase)
                    / partial
                )
    return np.asarray(0.05 * wave[None] + 1e-4 * random.standard_normal(len(time_s)), np.float32)


def second_microphone(audio: Audio) -> Audio:
    """Later, duller, and with a hiss of its own."""
    late = np.roll(audio, 14, axis=1)
    dull = (late + np.roll(late, 1, axis=1)) / 2
    return np.asarray(dull + 1e-3 * np.random.default_rng(9).standard_normal(audio.shape), np.float32)


TAKES = {"Gtr A": guitar(2), "Gtr B": guitar(3)}
AMP = {"57": TAKES["Gtr A"], "421": second_microphone(TAKES["Gtr A"])}


def test_microphones_of_one_amplifier_have_one_source() -> None:
    roles = dict.fromkeys([*AMP, "Gtr B"], "electric guitar")
    found = find_sources(roles, {**AMP, "Gtr B": TAKES["Gtr B"]}, RATE_HZ)
    assert found == {"57": "57", "421": "57", "Gtr B": "Gtr B"}
    twice = {name: np.repeat(audio, 2, axis=0) for name, audio in AMP.items()}
    assert find_sources(dict.fromkeys(twice, "electric guitar"), twice, RATE_HZ)["421"] == "57"


def test_takes_pairs_and_what_is_recorded_in_stereo_stand_for_themselves() -> None:
    assert set(find_sources(dict.fromkeys(TAKES, "electric guitar"), TAKES, RATE_HZ).values()) == set(TAKES)
    assert set(find_sources(dict.fromkeys(AMP, "electric guitar"), AMP, RATE_HZ, ["421"]).values()) == set(AMP)
    assert set(find_sources(dict.fromkeys(AMP, "acoustic guitar"), AMP, RATE_HZ).values()) == set(AMP)


def test_mono_tracks_in_stereo_files_are_pairs() -> None:
    names = ("Gtr L", "Gtr R")
    sides = dict(zip(names, TAKES.values(), strict=True))
    roles = dict.fromkeys(names, "electric guitar")
    doubled = {name: np.repeat(audio, 2, axis=0) for name, audio in sides.items()}
    assert find_pairs(names, roles, doubled, RATE_HZ) == find_pairs(names, roles, sides, RATE_HZ) != ()
    wide = {name: np.concatenate([audio, np.roll(audio, 99, axis=1)]) for name, audio in sides.items()}
    assert not find_pairs(names, roles, wide, RATE_HZ)
    assert is_one_sound(doubled["Gtr L"])
    assert not is_one_sound(wide["Gtr L"])


def test_the_whole_song_tells_not_the_passage_that_is_tried() -> None:
    """The amplifier rests in the passage; where it plays, its microphones have one wave."""
    resting = {name: 1e-5 * np.random.default_rng(seed).standard_normal(audio.shape).astype(np.float32)
               for seed, (name, audio) in enumerate(AMP.items())}  # fmt: skip
    seconds = AMP["57"].shape[1] / RATE_HZ

    def read(name: str, start_s: float) -> Audio:
        return AMP[name] if start_s else resting[name]

    loudness = {name: integrated_loudness(audio, RATE_HZ) for name, audio in AMP.items()}
    cast = Cast(dict.fromkeys(AMP, "electric guitar"))
    passage = Passage(0.0, seconds, resting, loudness, places_s=(0.0, 30.0), read=read)
    assert [sound.source for sound in sounds_of(passage, cast, RATE_HZ)] == ["57", "57"]
    alone = Passage(0.0, seconds, resting, loudness)
    assert [sound.source for sound in sounds_of(alone, cast, RATE_HZ)] == ["57", "421"]


def test_who_sings_along_with_a_louder_voice_backs_it() -> None:
    audio = {"02": 0.5 * TAKES["Gtr A"], "01": TAKES["Gtr B"], "03": TAKES["Gtr A"][:, ::-1], "Vox": TAKES["Gtr A"]}
    guesses = {name: RoleGuess("lead vocal", 0.8, "name" if name == "Vox" else "sound") for name in audio}
    guesses["Keys"] = RoleGuess("keys", 0.9, "sound")
    found = with_one_lead(guesses, audio.__getitem__, RATE_HZ)
    roles = {name: guess.role for name, guess in found.items()}
    leads = dict.fromkeys(["01", "03", "Vox"], "lead vocal")
    assert roles == {**leads, "02": "backing vocal", "Keys": "keys"}
    alone = {name: guesses[name] for name in ("02", "Vox")}
    assert with_one_lead(alone, audio.__getitem__, RATE_HZ) == alone
