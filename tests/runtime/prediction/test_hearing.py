"""What the model hears of a session: several excerpts, pooled, and both ways round."""

from __future__ import annotations

import numpy as np
import pytest
from mixbridge.runtime.audio.loudness import integrated_loudness
from mixbridge.runtime.model.analysis import Passage
from mixbridge.runtime.model.controller import Controller
from mixbridge.runtime.model.excerpts import Excerpt
from mixbridge.runtime.prediction.hearing import decided, embeddings
from numpy.typing import NDArray

Audio = NDArray[np.float32]


def noise(seed: int, channels: int = 1, bright: float = 0.0) -> Audio:
    numbers = np.random.default_rng(seed)
    audio = 0.1 * numbers.standard_normal((channels, 70_001))
    return (audio[:, 1:] - bright * audio[:, :-1]).astype(np.float32)


def excerpt(controller: Controller, audio: Audio, weight: float) -> Excerpt:
    return Excerpt(0.0, audio, integrated_loudness(audio, controller.manifest.sample_rate_hz), weight)


def session(controller: Controller, excerpts: tuple[Excerpt, ...]) -> Passage:
    first = excerpts[0]
    return Passage(0.0, 1.6, {"a": first.audio}, {"a": first.loudness_lufs}, (), {"a": excerpts})


def test_embeddings_are_pooled_by_how_much_plays(controller: Controller) -> None:
    song = noise(9, 2)
    one, two = excerpt(controller, noise(1), 0.9), excerpt(controller, noise(2, bright=0.9), 0.3)
    alone = [embeddings(controller, session(controller, (item,)), song, ["a"]).tracks[0] for item in (one, two)]
    pooled = embeddings(controller, session(controller, (one, two)), song, ["a"]).tracks[0]
    np.testing.assert_allclose(pooled, 0.75 * alone[0] + 0.25 * alone[1], atol=1e-5)


def test_the_level_of_an_excerpt_means_nothing(controller: Controller) -> None:
    song = noise(9, 2)
    loud, quiet = excerpt(controller, noise(1), 1.0), excerpt(controller, 0.05 * noise(1), 1.0)
    found = [embeddings(controller, session(controller, (item,)), song, ["a"]).tracks[0] for item in (loud, quiet)]
    np.testing.assert_allclose(found[0], found[1], atol=1e-3)


def test_a_reference_that_hardly_leans_turns_nothing_over(controller: Controller) -> None:
    """A hair louder on the left or on the right: once it decided on which side all tracks were."""
    passage = session(controller, (excerpt(controller, noise(1), 1.0),))
    song = noise(9, 2)
    pan = [output.path for output in controller.manifest.layout.track].index("pan")
    answers = [
        decided(controller, passage, song * np.array([[1.0], [lean]], np.float32), ["a"]).tracks[0, pan]
        for lean in (0.999, 1.001)
    ]
    assert answers[0] == pytest.approx(answers[1], abs=0.005)
