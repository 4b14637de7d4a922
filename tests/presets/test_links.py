import pytest
from mixbridge.presets.checking.links import made_alike
from mixbridge.presets.console import Strip, replace
from mixbridge.presets.edit import blended, merged
from mixbridge.presets.errors import PresetError
from mixbridge.presets.files import dumps, loads
from mixbridge.presets.preset import LINKED, Preset, Track
from mixbridge.presets.roles import ROLES, role_called, told_roles


def strip(gain_db, threshold_db, freq_hz, fader_db, pan):
    values = {
        "input_gain_db": gain_db,
        "compressor.threshold_db": threshold_db,
        "compressor.ratio": 2.0,
        "eq.band1.freq_hz": freq_hz,
        "fader_db": fader_db,
        "pan": pan,
    }
    return replace(Strip(), values)


def two():
    return Preset(
        tracks=(
            Track(name="OH L", strip=strip(4, -30, 1000, -2, -1)),
            Track(name="OH R", strip=strip(8, -20, 4000, -2, 1)),
            Track(name="Kick", strip=strip(1, -10, 100, 3, 0)),
        )
    )


def linked(preset, link):
    tracks = [track.model_copy(update={"link": link if track.name != "Kick" else None}) for track in preset.tracks]
    return preset.model_copy(update={"tracks": tuple(tracks)})


def test_linked_tracks_get_the_middle_and_keep_their_loudness():
    alike = made_alike(linked(two(), "OH"))
    left, right = alike.track("OH L").strip, alike.track("OH R").strip
    assert [getattr(left, name) for name in LINKED] == [getattr(right, name) for name in LINKED]
    assert (left.input_gain_db, left.compressor.threshold_db, left.eq.band1.freq_hz) == (6, -25, pytest.approx(2000))
    # 4 - 2 = 2 dB and 8 - 2 = 6 dB, as before.
    assert (left.fader_db, right.fader_db) == (-4, 0)
    assert (left.pan, right.pan) == (-1, 1)
    assert alike.track("Kick") == two().track("Kick")
    assert loads(dumps(alike)).track("OH L").link == "OH"


def test_what_is_alike_or_not_linked_stays_as_it_is():
    alike = made_alike(linked(two(), "OH"))
    assert made_alike(alike) is alike
    loose = two()
    assert made_alike(loose) is loose


def test_edits_keep_linked_tracks_alike():
    """A file with linked tracks that differ would not load any more."""
    alike, loose = made_alike(linked(two(), "OH")), two()
    for preset in (blended(loose, alike, 0.7), merged(alike, loose, sections=("eq",), tracks=["OH L"])):
        assert loads(dumps(preset)).track("OH R").link == "OH"


def test_roles_that_are_told():
    assert told_roles({"Track 7": "Lead-Vocal", "HH": "hi hat"}, ["Track 7", "HH"]) == {
        "Track 7": "lead vocal",
        "HH": "hi-hat",
    }
    assert all(role_called(role.upper()) == role for role in ROLES)
    with pytest.raises(
        PresetError, match=r'"lead vocals" is no role; did you mean "lead vocal"\?.*kick, snare.*full mix'
    ):
        role_called("lead vocals")
    with pytest.raises(PresetError, match=r'"Trak 7", which is not there; did you mean "Track 7"'):
        told_roles({"Trak 7": "bass"}, ["Track 7"])
