import numpy as np
import pytest
from mixbridge.runtime.roles.company import in_company
from mixbridge.runtime.roles.decide import decide_roles, weighed
from mixbridge.runtime.roles.names import role_weights

RATE_HZ = 44100


def test_told_roles_count_alone():
    guesses = decide_roles(["Kick", "Track 7"], None, RATE_HZ, {"Track 7": "lead vocal"})
    assert list(guesses) == ["Kick", "Track 7"]
    assert (guesses["Track 7"].role, guesses["Track 7"].weight, guesses["Track 7"].by) == ("lead vocal", 1.0, "told")
    assert (guesses["Kick"].role, guesses["Kick"].by) == ("kick", "name")
    assert guesses["Kick"].weight > 0.9


def test_nothing_is_known_without_name_and_sound():
    silent = np.zeros((1, RATE_HZ), np.float32)
    guess = decide_roles(["Track 1"], {"Track 1": silent}, RATE_HZ)["Track 1"]
    assert (guess.role, guess.weight, guess.by) == (None, 0.0, "nothing")


def test_sound_chooses_among_what_a_name_allows():
    voice = {"lead vocal": 0.6, "backing vocal": 0.3}
    assert weighed(voice, {}).role == "lead vocal"
    guess = weighed(voice, {"backing vocal": 0.6, "kick": 0.3, "lead vocal": 0.1})
    assert guess.role == "backing vocal"
    assert sum(guess.weights.values()) <= 1 + 1e-9


def test_sure_name_stands_against_the_sound():
    guess = weighed({"kick": 0.97}, {"bass": 0.8, "kick": 0.1})
    assert (guess.role, guess.by) == ("kick", "name")


def test_silent_name_leaves_it_to_the_sound():
    guess = weighed({}, {"bass": 0.8, "kick": 0.1})
    assert (guess.role, guess.by) == ("bass", "sound")
    assert 0.5 < guess.weight < 0.8
    # Of half sure sounds of recordings three of four are told wrongly.
    assert weighed({}, {"bass": 0.45, "kick": 0.35, "keys": 0.2}).role is None
    assert weighed({}, dict.fromkeys(("bass", "kick", "snare", "keys", "pad"), 0.2)).role is None


def test_no_sound_outvotes_a_sure_name():
    guess = weighed({"kick": 0.97}, {"speech": 1.0})
    assert (guess.role, guess.by) == ("kick", "name")
    # An open name is settled within what it allows.
    voice = {"lead vocal": 0.6, "backing vocal": 0.3}
    assert weighed(voice, {"kick": 1.0}).role in voice


def test_an_open_voice_may_speak_alone_but_sings_beside_instruments(monkeypatch):
    monkeypatch.setattr("mixbridge.runtime.roles.decide.sound_weights", lambda *_: {"speech": 0.95, "lead vocal": 0.02})
    heard = np.ones((1, RATE_HZ), np.float32)
    assert decide_roles(["Vocal 1"], {"Vocal 1": heard}, RATE_HZ)["Vocal 1"].role == "speech"
    assert decide_roles(["Vocal 1", "Vocal 2"], {"Vocal 1": heard}, RATE_HZ)["Vocal 1"].role == "speech"
    assert decide_roles(["Vocal 1", "Bass"], {"Vocal 1": heard}, RATE_HZ)["Vocal 1"].role == "lead vocal"
    # Who is called a narrator speaks, whatever plays beside it.
    assert decide_roles(["Narrator", "Bass"], {}, RATE_HZ)["Narrator"].role == "speech"


def test_in_a_choir_the_bass_is_a_voice() -> None:
    choir = decide_roles(["Soprano Spot", "Alto Spot", "Tenor Spot", "Bass Spot", "ORTF L"], None, 44100)
    assert choir["Bass Spot"].role == "backing vocal"
    band = decide_roles(["Alto", "Tenor", "Bass", "Kick", "Snare"], None, 44100)
    assert band["Bass"].role == "bass"
    assert decide_roles(["Alto", "Bass DI"], None, 44100)["Bass DI"].role == "bass"


def test_names_in_an_orchestra_and_before_it() -> None:
    names = ["Decca L", "Vln 1", "Vla", "Vc", "Cb", "Kontrabass", "Fl", "Ob", "Tpt", "Tp 2", "Timp", "Hfe", "Hall L"]
    roles = [guess.role for guess in decide_roles(names, None, 44100).values()]
    strings, woodwind, brass = ["strings"] * 5, ["woodwind"] * 2, ["brass"] * 2
    assert roles == ["full mix", *strings, *woodwind, *brass, "percussion", "strings", "room"]
    choir = decide_roles(["Sopran", "Alt", "Tenor", "Bass", "Haupt L", "Haupt R"], None, 44100)
    assert choir["Haupt L"].role == choir["Haupt R"].role == "full mix"
    # In a band they say nothing, or something else.
    band = decide_roles(["Kick", "Vln", "Sax", "Trumpet", "Vc", "Main L"], None, 44100)
    assert band["Vc"].role is None
    assert band["Main L"].role == "lead vocal"


def test_a_boom_beside_people_who_talk_hears_them() -> None:
    assert decide_roles(["Lav Anna", "Boom", "Room Tone"], None, 44100)["Boom"].role == "speech"
    assert decide_roles(["Lead Vox", "Kick", "Boom"], None, 44100)["Boom"].role == "effect"


def test_a_beat_beside_voices_alone_is_all_the_music_there_is() -> None:
    rap = decide_roles(["Rap Lead", "Adlibs L", "Beat (2track)"], None, 44100)
    assert rap["Beat (2track)"].role == "full mix"
    for names in (["Rap Lead", "Bass", "Beat"], ["Beat"], ["Rap Lead", "Drums"], ["Rap Lead", "Breakbeat"]):
        assert decide_roles(names, None, 44100)[names[-1]].role == "drums", names


@pytest.mark.parametrize(
    "name", ["Intro", "Jingle 2", "Générique", "Vorspann", "Background Music", "Fond sonore", "bed"]
)
def test_beside_people_who_talk_an_intro_is_finished_music(name: str) -> None:
    assert decide_roles([name, "Host"], None, 44100)[name].role == "full mix"


def test_words_of_jingles_say_nothing_beside_instruments() -> None:
    beside = {name: role_weights(name) for name in ("Intro", "Host Intro", "Intro Gtr", "Host", "Drums")}
    found = in_company(beside)
    assert [max(found[name], key=lambda role: found[name][role]) for name in ("Host Intro", "Intro Gtr")] == [
        *("speech", "electric guitar")
    ]
    assert in_company({"Intro": {}, "Drums": role_weights("Drums")})["Intro"] == {}
