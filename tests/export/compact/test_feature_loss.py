"""The torch features are those of `runtime.features`, and have gradients to train by."""

from dataclasses import astuple

import numpy as np
import pytest
import torch
from mixbridge.export.compact.feature_loss import feature_loss, torch_features
from mixbridge.presets.errors import AudioError
from mixbridge.runtime.model.features import Weights, feature_distance, mix_features

GOLDEN_NAMES = ("rms", "crest_factor", "stereo_width", "stereo_imbalance", "barkspectrum")


@pytest.fixture(scope="module")
def golden(golden_dir):
    with np.load(golden_dir / "features.npz") as data:
        return dict(data)


def _noise(seed: int, samples: int = 50_000) -> np.ndarray:
    return 0.1 * np.random.default_rng(seed).standard_normal((2, samples)).astype(np.float32)


def test_features_are_the_references(golden):
    measured = torch_features(torch.from_numpy(golden["a"]))
    for name, values in zip(GOLDEN_NAMES, measured, strict=True):
        np.testing.assert_allclose(values, golden[f"a/{name}"], atol=1e-4, err_msg=name)


def test_weighted_terms_are_the_references(golden):
    terms = feature_loss(torch.from_numpy(golden["a"]), torch.from_numpy(golden["b"]))
    for name, term in zip(GOLDEN_NAMES, terms, strict=True):
        assert term.item() == pytest.approx(golden[f"loss/mix-{name}"], abs=1e-5), name


SIGNALS = {
    "noise": _noise(1),
    "left only": _noise(2) * np.array([[1], [0]], np.float32),
    "quiet drone": 1e-3 * _noise(3).cumsum(axis=1),
    "silence": np.zeros((2, 50_000), np.float32),
}


@pytest.mark.parametrize("sample_rate_hz", [44100, 48000])
@pytest.mark.parametrize("name", SIGNALS)
def test_torch_and_numpy_agree(name, sample_rate_hz):
    expected = mix_features(SIGNALS[name], sample_rate_hz)
    measured = torch_features(torch.from_numpy(SIGNALS[name]), sample_rate_hz)
    for theirs, ours in zip(astuple(expected), measured, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-4, rtol=1e-5)


def test_torch_and_numpy_agree_on_the_distance():
    a, b, weights = SIGNALS["noise"], SIGNALS["left only"], Weights(0.3, 0.01, 2, 0.5, 0.2)
    terms = feature_loss(torch.from_numpy(a), torch.from_numpy(b), weights=weights)
    distance = feature_distance(mix_features(a), mix_features(b), weights)
    assert [term.item() for term in terms] == pytest.approx(astuple(distance), rel=1e-4)
    assert terms.total.item() == pytest.approx(distance.total, rel=1e-4)


def test_a_batch_is_the_mean_of_its_mixes():
    mixes = torch.from_numpy(np.stack([SIGNALS["noise"], SIGNALS["left only"]]))
    references = torch.from_numpy(np.stack([SIGNALS["quiet drone"], SIGNALS["noise"]]))
    single = [feature_loss(mix, reference) for mix, reference in zip(mixes, references, strict=True)]
    for term, first, second in zip(feature_loss(mixes, references), *single, strict=True):
        assert term.item() == pytest.approx((first.item() + second.item()) / 2, rel=1e-5)


def test_every_term_pulls_on_the_mix():
    mix = torch.from_numpy(SIGNALS["noise"]).requires_grad_()
    for term in feature_loss(mix, torch.from_numpy(SIGNALS["left only"])):
        (gradient,) = torch.autograd.grad(term, mix, retain_graph=True)
        assert gradient.isfinite().all()
        assert gradient.abs().max() > 0


@pytest.mark.parametrize("name", ["silence", "left only"])
def test_gradients_stay_finite_where_there_is_nothing(name):
    mix = torch.from_numpy(SIGNALS[name]).clone().requires_grad_()
    feature_loss(mix, torch.from_numpy(SIGNALS["noise"])).total.backward()
    assert mix.grad.isfinite().all()


@pytest.mark.parametrize("shape", [(2, 16384), (3, 1, 44100), (44100,)])
def test_what_is_no_stereo_passage_is_refused(shape):
    with pytest.raises(AudioError, match="stereo of at least 16385 samples"):
        torch_features(torch.zeros(shape))
