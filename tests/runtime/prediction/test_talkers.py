"""Who talks is told by turns, where names and sounds leave it open."""

import numpy as np
import pytest
from mixbridge.runtime.prediction.talkers import with_people_who_talk
from mixbridge.runtime.roles.decide import RoleGuess

STEPS = 200


def turns(*spans: tuple[int, int], level: float = 1e-2, noise: float = 1e-6) -> np.ndarray:
    """The power of each quarter second of somebody who talks in these steps."""
    power = np.full(STEPS, noise)
    for begin, end in spans:
        power[begin:end] = level
    return power


def sounds_like(role, weight: float) -> RoleGuess:
    return RoleGuess(role if weight >= 0.35 else None, weight, "sound", {role: weight})


def roles_of(guesses, powers, mono=True):
    found = with_people_who_talk(guesses, powers, lambda name: mono)
    return {name: guess.role for name, guess in found.items()}


ONE, OTHER, THIRD = turns((10, 60), (120, 150)), turns((60, 100)), turns((150, 190), level=1e-4)


def test_people_who_take_turns_talk_whatever_their_files_are_called() -> None:
    guesses = {
        "zencastr_anna": sounds_like("lead vocal", 0.6),
        "local - bob": sounds_like("speech", 0.3),
        "room": RoleGuess("room", 0.9, "name", {"room": 0.9}),
    }
    powers = {"zencastr_anna": ONE, "local - bob": OTHER}
    assert roles_of(guesses, powers) == {"zencastr_anna": "speech", "local - bob": "speech", "room": "room"}
    # Two that sing at once do not.
    at_once = {"zencastr_anna": ONE, "local - bob": 0.5 * ONE}
    assert "speech" not in roles_of(guesses, at_once).values()
    # Stereo files are no people.
    assert "speech" not in roles_of(guesses, powers, mono=False).values()


@pytest.mark.parametrize("other", ["Bass", "Lead Vocal 2", "Backing Vox"])
def test_where_a_name_says_that_music_is_made_nobody_is_made_to_talk(other: str) -> None:
    guesses = {
        "Audio 1": sounds_like("lead vocal", 0.6),
        "Audio 2": sounds_like("lead vocal", 0.6),
        other: sounds_like("lead vocal", 0.9),
    }
    powers = {"Audio 1": ONE, "Audio 2": OTHER, other: THIRD}
    assert "speech" not in roles_of(guesses, powers).values()


def test_two_who_take_turns_over_music_sing_to_it() -> None:
    guesses = {
        "Audio 1": sounds_like("lead vocal", 0.6),
        "Audio 2": sounds_like("lead vocal", 0.6),
        "Track 3": sounds_like("full mix", 0.9),
    }
    powers = {"Audio 1": ONE, "Audio 2": OTHER, "Track 3": np.full(STEPS, 1e-2)}
    assert "speech" not in roles_of(guesses, powers).values()
    powers["Track 3"] = turns((0, 8), (190, 200))
    assert roles_of(guesses, powers) == {"Audio 1": "speech", "Audio 2": "speech", "Track 3": "full mix"}


def test_beside_a_host_a_voice_on_the_phone_is_no_guitar() -> None:
    host = RoleGuess("speech", 0.97, "name", {"speech": 0.97})
    guesses = {"Host": host, "Telefon": sounds_like("electric guitar", 0.5)}
    # Each hears the other 8 dB softer, and the line hisses.
    heard = {"Host": ONE + 0.15 * OTHER, "Telefon": 1e-2 * (OTHER + 0.15 * ONE) + 2e-6}
    assert roles_of(guesses, heard) == {"Host": "speech", "Telefon": "speech"}
    told = guesses | {"Telefon": RoleGuess("electric guitar", 1.0, "told", {"electric guitar": 1.0})}
    assert roles_of(told, heard)["Telefon"] == "electric guitar"
