from importlib import resources
from pathlib import Path

import numpy as np
import pytest
from mixbridge.presets.errors import ModelError
from mixbridge.presets.roles import ROLES
from mixbridge.runtime.roles.features import RATE_HZ, sound_features
from mixbridge.runtime.roles.sound import FILE, load_network, sound_weights

SHIPPED = Path(str(resources.files("mixbridge.runtime.roles") / FILE))


def noise(seconds, channels=1, seed=0):
    return (0.1 * np.random.default_rng(seed).standard_normal((channels, round(seconds * RATE_HZ)))).astype(np.float32)


def strokes(freq_hz, seconds=6.0, decay_s=0.08):
    time_s = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    since_s = time_s % 0.5
    sweep = np.sin(2 * np.pi * (freq_hz * since_s + 20 * (1 - np.exp(-since_s / 0.02))))
    return (0.5 * sweep * np.exp(-since_s / decay_s)).astype(np.float32)[None]


def test_network_is_small_and_tells_all_roles():
    network = load_network(SHIPPED)
    assert set(network.roles) == set(ROLES)
    assert SHIPPED.stat().st_size <= 400_000


def test_weights_are_shares():
    for audio in (noise(6), noise(6, 2), strokes(50)):
        weights = sound_weights(audio, RATE_HZ)
        assert sum(weights.values()) == pytest.approx(1, abs=1e-4)
        assert min(weights.values()) >= 0


def test_kick_is_told_by_its_sound():
    weights = sound_weights(strokes(50), RATE_HZ)
    assert max(weights, key=weights.get) == "kick"


def test_features_do_not_depend_on_level_and_hardly_on_rate():
    audio = strokes(110) + 0.01 * noise(6)
    features = sound_features(audio, RATE_HZ)
    np.testing.assert_allclose(sound_features(audio * 0.01, RATE_HZ), features, atol=0.02)
    assert np.corrcoef(sound_features(np.repeat(audio, 2, axis=1), 2 * RATE_HZ), features)[0, 1] > 0.98


@pytest.mark.parametrize(
    "audio",
    [
        np.ones((1, 1), np.float32),
        np.eye(1, 44100, 5, dtype=np.float32),
        np.full((2, 3000), 0.5, np.float32),
        np.stack([noise(1)[0], -noise(1)[0]]),
        np.full((1, 44100), 1e-30, np.float32),
    ],
    ids=["one sample", "a click", "a constant", "sides that cancel out", "denormal"],
)
def test_odd_signals_give_finite_numbers(audio):
    assert np.isfinite(sound_features(audio, RATE_HZ)).all()
    assert np.isfinite(list(sound_weights(audio, 22050).values())).all()


def test_damaged_network_is_said(tmp_path):
    for text in (b"", b"PK\x03\x04", b"no network"):
        file = tmp_path / FILE
        file.write_bytes(text)
        with pytest.raises(ModelError, match="not a network that tells roles"):
            load_network(file)
