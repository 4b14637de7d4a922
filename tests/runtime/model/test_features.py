"""Features and distance, held to the reference's golden numbers and to signals whose features are known."""

from pathlib import Path

import numpy as np
import pytest
from mixbridge.presets.errors import AudioError
from mixbridge.runtime.model.features import (
    MIN_SAMPLES,
    FeatureDistance,
    Weights,
    bark_filters,
    feature_distance,
    mix_features,
)

GOLDEN = Path(__file__).parents[2] / "golden" / "features.npz"
GOLDEN_FEATURES = {
    "rms": "rms",
    "crest_db": "crest_factor",
    "width": "stereo_width",
    "imbalance": "stereo_imbalance",
    "bark": "barkspectrum",
}
GOLDEN_TERMS = {**GOLDEN_FEATURES, "crest": "crest_factor"}
del GOLDEN_TERMS["crest_db"]


@pytest.fixture(scope="module")
def golden() -> dict[str, np.ndarray]:
    with np.load(GOLDEN) as data:
        return dict(data)


@pytest.fixture
def noise() -> np.ndarray:
    return 0.1 * np.random.default_rng(5).standard_normal((2, 50_000)).astype(np.float32)


def test_bark_filters_are_the_references(golden):
    filters = bark_filters(44100, fft_size=2048)
    np.testing.assert_allclose(filters, golden["bark_fbanks_1025x24"], atol=1e-5)


@pytest.mark.parametrize(("name", "golden_name"), GOLDEN_FEATURES.items())
def test_features_are_the_references(golden, name, golden_name):
    measured = getattr(mix_features(golden["a"]), name)
    np.testing.assert_allclose(measured, golden[f"a/{golden_name}"], atol=1e-4)


@pytest.mark.parametrize(("name", "golden_name"), GOLDEN_TERMS.items())
def test_weighted_terms_are_the_references(golden, name, golden_name):
    distance = feature_distance(mix_features(golden["a"]), mix_features(golden["b"]))
    assert getattr(distance, name) == pytest.approx(golden[f"loss/mix-{golden_name}"], abs=1e-5)


def test_default_weights_are_the_references(golden):
    weights = Weights()
    assert (weights.rms, weights.crest, weights.width, weights.imbalance, weights.bark) == tuple(golden["weights"])


def test_total_is_the_sum_of_the_terms():
    assert FeatureDistance(1, 2, 4, 8, 16).total == 31


def test_a_mix_is_no_distance_from_itself_and_the_same_from_either_side(noise):
    a, b = mix_features(noise), mix_features(0.5 * noise[::-1].cumsum(axis=1))
    assert feature_distance(a, a).total == 0
    assert feature_distance(a, b) == feature_distance(b, a)
    assert feature_distance(a, b).total > 0


def test_twice_the_weight_is_twice_the_term(noise):
    a, b = mix_features(noise), mix_features(noise * [[1], [0.5]])
    plain, heavy = feature_distance(a, b), feature_distance(a, b, Weights(imbalance=2))
    assert heavy.imbalance == 2 * plain.imbalance
    assert heavy.width == plain.width


def test_one_sided_and_centred_mixes_are_told_apart(noise):
    right_only = mix_features(noise * np.array([[0], [1]], np.float32))
    centred = mix_features(np.stack([noise[0], noise[0]]))
    assert (right_only.imbalance, right_only.width) == pytest.approx((1, 1))
    assert (centred.imbalance, centred.width) == pytest.approx((0, 0))


def test_a_sine_has_its_crest_and_its_band():
    freq_hz = 1000
    sine = 0.5 * np.sin(2 * np.pi * freq_hz * np.arange(44100) / 44100).astype(np.float32)
    features = mix_features(np.stack([sine, sine]))
    np.testing.assert_allclose(features.crest_db, 20 * np.log10(np.sqrt(2)), atol=0.01)
    strongest = features.bark[:, 0].argmax()
    heard = bark_filters(44100)[round(freq_hz * 32768 / 44100)]
    assert strongest == heard.argmax()


def test_bands_keep_their_frequencies_at_another_sample_rate():
    def features_at(sample_rate_hz: int):
        time_s = np.arange(2 * sample_rate_hz) / sample_rate_hz
        tone = np.sin(2 * np.pi * 3000 * time_s).astype(np.float32)
        return mix_features(np.stack([tone, 0.5 * tone]), sample_rate_hz)

    assert features_at(44100).bark[:, 0].argmax() == features_at(96000).bark[:, 0].argmax()


def test_silence_has_finite_features():
    features = mix_features(np.zeros((2, 44100), np.float32))
    assert (features.width, features.imbalance) == (0, 0)
    for values in (features.rms, features.crest_db, features.bark):
        assert np.isfinite(values).all()


@pytest.mark.parametrize("shape", [(2, MIN_SAMPLES - 1), (1, 44100), (44100, 2), (44100,)])
def test_what_is_no_stereo_passage_is_refused(shape):
    with pytest.raises(AudioError, match="stereo of at least 16385 samples"):
        mix_features(np.zeros(shape, np.float32))


def test_the_shortest_passage_is_measured():
    assert mix_features(np.ones((2, MIN_SAMPLES), np.float32)).bark.shape == (24, 2)
