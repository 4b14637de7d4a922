"""How likely a mix is better than a plain one: what lowers the number, and what it may not depend on."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
import pytest
from mixbridge.presets.console import Strip
from mixbridge.presets.preset import Preset, Track
from mixbridge.runtime.audio.loudness import integrated_loudness
from mixbridge.runtime.model.analysis import Passage
from mixbridge.runtime.prediction.chances import WEIGHING, Signs, heard_s, signs_of
from mixbridge.runtime.prediction.trial import Trial
from numpy.typing import NDArray

Audio = NDArray[np.float32]
RATE_HZ = 22050
DOUBTS = [field.name for field in fields(Signs) if field.name != "gain"]


def noise(seconds: float, channels: int = 2, seed: int = 0) -> Audio:
    numbers = np.random.default_rng(seed)
    return (0.1 * numbers.standard_normal((channels, round(seconds * RATE_HZ)))).astype(np.float32)


def found(reference: Audio, tracks: tuple[Track, ...] | None = None) -> Signs:
    audio = {"a": noise(2, 1, 1), "b": noise(2, 1, 2), "c": np.zeros((1, 2 * RATE_HZ), np.float32)}
    loudness = {name: integrated_loudness(item, RATE_HZ) for name, item in audio.items()}
    preset = Preset(tracks=tracks or (Track(name="a", role="bass"), Track(name="b", role="keys")))
    trial = Trial(Passage(0.0, 2.0, audio, loudness), reference, RATE_HZ, -24.0)
    return signs_of(preset, trial, 0.05, 0.1, (0.0, False))


def test_a_usual_session_has_no_doubts() -> None:
    signs = found(noise(13))
    assert signs.gain == pytest.approx(np.log(2))
    assert all(getattr(signs, name) == 0 for name in DOUBTS)


@pytest.mark.parametrize(
    ("name", "reference"),
    [
        ("short", np.tile(noise(3), 5)),
        ("mono", np.repeat(noise(13, 1), 2, axis=0)),
        ("mono", noise(13, 1)),
        ("one_sided", noise(13) * np.array([[1.0], [0.4]], np.float32)),
        ("quiet", 0.01 * noise(13)),
    ],
)
def test_an_odd_reference_is_a_sign_of_its_own(name: str, reference: Audio) -> None:
    signs = found(reference)
    assert getattr(signs, name) > 0
    assert all(getattr(signs, other) == 0 for other in DOUBTS if other != name)


@pytest.mark.parametrize(
    ("name", "track"),
    [
        ("untried", Track(name="c", role="pad")),
        ("unknown", Track(name="b")),
        ("bold", Track(name="b", role="keys", strip=Strip(fader_db=-40))),
    ],
)
def test_odd_tracks_are(name: str, track: Track) -> None:
    signs = found(noise(13), (Track(name="a", role="bass"), Track(name="d", role="keys"), track))
    usual = found(noise(13), (Track(name="a", role="bass"), Track(name="d", role="keys"), Track(name="b", role="pad")))
    assert getattr(signs, name) > getattr(usual, name)


@pytest.mark.parametrize("name", DOUBTS)
def test_each_doubt_lowers_the_number(name: str) -> None:
    usual = Signs(gain=0.5)
    assert WEIGHING.probability(replace(usual, **{name: 1.0})) < WEIGHING.probability(usual) - 0.01


def test_the_more_is_gained_the_likelier() -> None:
    said = [WEIGHING.probability(Signs(gain=gain)) for gain in (-1.0, 0.0, 0.5, 1.5)]
    assert said == sorted(said)
    assert 0 < said[0] < said[-1] < 1


def test_how_long_a_reference_is_until_it_repeats_itself() -> None:
    assert heard_s(np.tile(noise(3), 5), RATE_HZ) == pytest.approx(3)
    assert heard_s(noise(13), RATE_HZ) == pytest.approx(13)
    assert heard_s(np.zeros((2, 5 * RATE_HZ), np.float32), RATE_HZ) == pytest.approx(5)
