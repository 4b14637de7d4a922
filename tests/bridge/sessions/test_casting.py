import numpy as np
import pytest
import soundfile as sf
from mixbridge.bridge.sessions.casting import cast
from mixbridge.bridge.sessions.reading import read_session
from mixbridge.presets.errors import PresetError

RATE_HZ = 44100


@pytest.fixture
def session(tmp_path):
    time_s = np.arange(8 * RATE_HZ) / RATE_HZ
    noise = np.random.default_rng(0).standard_normal(len(time_s))
    tracks = {
        "Kick": np.sin(2 * np.pi * 50 * time_s),
        "Audio 1": 0.1 * noise,
        "OH_15": 0.1 * noise,
        "Track 2": 0 * noise,
    }
    for name, audio in tracks.items():
        sf.write(tmp_path / f"{name}.wav", audio.astype(np.float32), RATE_HZ)
    return read_session(tmp_path)


def test_tracks_of_a_session_have_roles(session):
    guesses = cast(session, {"Audio 1": "Hi-Hat"})
    assert set(guesses) == {"Kick", "Audio 1", "OH_15", "Track 2"}
    assert (guesses["Kick"].role, guesses["OH_15"].role) == ("kick", "overhead")
    assert (guesses["Audio 1"].role, guesses["Audio 1"].by) == ("hi-hat", "told")
    assert guesses["Track 2"].role is None


def test_unknown_tracks_are_said(session):
    with pytest.raises(PresetError, match='did you mean "Audio 1"'):
        cast(session, {"Audio 2": "kick"})
